//! The configured routes, compiled: from a source's entity set to a channel.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use signalbox_config::{Config, Mention, OnUnknown};
use signalbox_core::{Addressee, ConnectionName, RouteName, Schedule};
use signalbox_microsoft::{Entities, EntitySet};

use crate::{CardError, Cards, Expression, ExpressionError, entities::entities};

/// Why a route cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the route `{route}` cannot be used; correct `routes.{route}.{key}`")]
pub struct RouteError {
    route: RouteName,
    key: &'static str,
    #[source]
    source: Cause,
}

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Card(#[from] CardError),
    #[error(transparent)]
    Expression(#[from] ExpressionError),
    #[error(
        "there is no entity set `{name}`; there are {known}, and a table `[connections.{connection}.entities.{name}]` \
         adds one"
    )]
    Entity {
        name: String,
        known: String,
        connection: ConnectionName,
    },
    #[error(
        "the entity set `{name}` does not say what is announced once per document; write it here, or for every route in \
         `[connections.{connection}.entities.{name}]`"
    )]
    Once {
        name: String,
        connection: ConnectionName,
    },
}

/// One route.
#[derive(Debug)]
pub struct Route {
    /// Its name.
    pub name: RouteName,
    /// Where its records come from.
    pub source: ConnectionName,
    /// The name of the entity set that it listens to.
    pub set: String,
    /// That set.
    pub entity: Arc<EntitySet>,
    /// What is announced at all.
    pub when: Expression,
    /// What is announced once per document.
    pub once: Expression,
    /// The connection that posts.
    pub sink: ConnectionName,
    /// The channel.
    pub to: Addressee,
    /// The card's name.
    pub card: String,
    /// Whom its cards mention.
    pub mention: Vec<Mention>,
    /// What is done when it cannot be found out whether a card was posted.
    pub on_unknown: OnUnknown,
    /// When its whole set is looked at, whatever was notified.
    pub schedule: Option<Schedule>,
    /// A disabled route holds its posts.
    pub enabled: bool,
}

/// All routes by name.
#[derive(Debug, Default)]
pub struct Routes(BTreeMap<RouteName, Route>);

impl Routes {
    /// Compiles the routes of `config`; the cards that they name must be among `cards`.
    pub fn compile(config: &Config, cards: &Cards) -> Result<Self, RouteError> {
        let connections = config.connections.keys();
        let known: BTreeMap<&ConnectionName, Entities> = connections
            .filter_map(|name| Some((name, entities(config.business_central(name)?))))
            .collect();
        let compiled = config.routes.iter().map(|(name, route)| {
            let route = compile(name, route, &known, cards)?;
            Ok((name.clone(), route))
        });
        compiled.collect::<Result<_, _>>().map(Self)
    }

    /// The route called `name`.
    pub fn get(&self, name: &RouteName) -> Option<&Route> {
        self.0.get(name)
    }

    /// All routes, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.values()
    }

    /// The sets of `source` that some route listens to, each once.
    pub fn sets_of<'a>(&'a self, source: &ConnectionName) -> BTreeSet<&'a str> {
        let routes = self.iter().filter(|route| route.source == *source);
        routes.map(|route| route.set.as_str()).collect()
    }

    /// The routes that listen to `set` of `source`.
    pub fn listening(&self, source: &ConnectionName, set: &str) -> impl Iterator<Item = &Route> {
        self.iter()
            .filter(move |route| route.source == *source && route.set == set)
    }
}

fn compile(
    name: &RouteName,
    route: &signalbox_config::Route,
    known: &BTreeMap<&ConnectionName, Entities>,
    cards: &Cards,
) -> Result<Route, RouteError> {
    let wrong = |key, source: Cause| RouteError {
        route: name.clone(),
        key,
        source,
    };
    let (connection, entity) = (&route.from.connection, route.from.entity.as_str());
    let entities = known.get(connection);
    let Some(set) = entities.and_then(|entities| entities.get(entity)) else {
        let names = entities.into_iter().flat_map(Entities::iter);
        let names: Vec<String> = names.map(|set| format!("`{}`", set.name)).collect();
        let cause = Cause::Entity {
            name: entity.to_owned(),
            known: names.join(", "),
            connection: connection.clone(),
        };
        return Err(wrong("from.entity", cause));
    };
    let when = Expression::condition(&route.when).map_err(|error| wrong("when", error.into()))?;
    let Some(once) = route.once.as_ref().or(set.once.as_ref()) else {
        let cause = Cause::Once {
            name: set.name.clone(),
            connection: connection.clone(),
        };
        return Err(wrong("once", cause));
    };
    let once = Expression::value(once).map_err(|error| wrong("once", error.into()))?;
    let card = route.to.card.as_ref().unwrap_or(&set.card);
    cards
        .contains(card)
        .map_err(|error| wrong("to.card", error.into()))?;
    Ok(Route {
        name: name.clone(),
        source: route.from.connection.clone(),
        set: set.name.clone(),
        entity: Arc::clone(set),
        when,
        once,
        sink: route.to.connection.clone(),
        to: Addressee {
            team: route.to.team.clone(),
            channel: route.to.channel.clone(),
        },
        card: card.clone(),
        mention: route.mention.clone(),
        on_unknown: route.on_unknown,
        schedule: route.schedule.clone(),
        enabled: route.enabled,
    })
}

#[cfg(test)]
mod tests;
