//! The configured routes, compiled: from a source's entity set to a channel.

use std::collections::BTreeMap;

use signalbox_config::{Config, OnUnknown};
use signalbox_core::{Addressee, ConnectionName, RouteName, Schedule};

use crate::{CardError, Cards, Expression, ExpressionError};

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
    #[error("the entity set `{0}` is not known; this release knows `purchaseInvoices`")]
    Entity(String),
}

/// One route.
#[derive(Debug)]
pub struct Route {
    /// Its name.
    pub name: RouteName,
    /// Where its records come from.
    pub source: ConnectionName,
    /// Which entity set it listens to.
    pub set: String,
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
        let compiled = config.routes.iter().map(|(name, route)| {
            let route = compile(name, route, cards)?;
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

    /// The routes that listen to `set` of `source`.
    pub fn listening(&self, source: &ConnectionName, set: &str) -> impl Iterator<Item = &Route> {
        self.iter()
            .filter(move |route| route.source == *source && route.set == set)
    }
}

fn compile(
    name: &RouteName,
    route: &signalbox_config::Route,
    cards: &Cards,
) -> Result<Route, RouteError> {
    let wrong = |key, source: Cause| RouteError {
        route: name.clone(),
        key,
        source,
    };
    if route.from.entity != "purchaseInvoices" {
        return Err(wrong(
            "from.entity",
            Cause::Entity(route.from.entity.clone()),
        ));
    }
    let when = Expression::condition(&route.when).map_err(|error| wrong("when", error.into()))?;
    let once = Expression::value(&route.once).map_err(|error| wrong("once", error.into()))?;
    cards
        .contains(&route.to.card)
        .map_err(|error| wrong("to.card", error.into()))?;
    Ok(Route {
        name: name.clone(),
        source: route.from.connection.clone(),
        set: route.from.entity.clone(),
        when,
        once,
        sink: route.to.connection.clone(),
        to: Addressee {
            team: route.to.team.clone(),
            channel: route.to.channel.clone(),
        },
        card: route.to.card.clone(),
        on_unknown: route.on_unknown,
        schedule: route.schedule.clone(),
        enabled: route.enabled,
    })
}
