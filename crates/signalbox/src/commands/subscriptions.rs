//! `signalbox subscriptions`: how long each lives, what came of the last renewal, and a round by hand.

use std::{collections::BTreeMap, process::ExitCode};

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signalbox_config::{Config, Connection};
use signalbox_core::{
    COMPANIES, ConnectionName, KnownCompany, SUBSCRIPTIONS, Subscription, renewal_lanes,
};
use signalbox_queue::Queue;
use uuid::Uuid;

use super::{jobs::open, output};
use crate::{
    assembly::{self, Store},
    cli::{Global, SubscriptionsCommand},
};

pub(crate) async fn run(
    global: &Global,
    command: &SubscriptionsCommand,
) -> anyhow::Result<ExitCode> {
    let store = open(global).await?;
    let done = match command {
        SubscriptionsCommand::List => list(global, &store).await,
        SubscriptionsCommand::Renew { connection } => {
            renew(global, &store, connection.as_deref()).await
        }
    };
    store.close().await;
    done
}

/// One subscription as it is printed.
struct Row {
    subscription: Subscription,
    environment: String,
    /// `None` if no worker has found the company yet.
    company: Option<KnownCompany>,
    now: Timestamp,
}

impl Row {
    fn left(&self) -> Option<SignedDuration> {
        let expires = self.subscription.expires_at?;
        Some(expires.duration_since(self.now))
    }

    fn why_left(&self) -> Option<&String> {
        self.company.as_ref()?.left.as_ref()
    }

    /// Whether nothing is heard of its set but what polls find, and nobody meant it so.
    fn is_in_trouble(&self) -> bool {
        let polls = self.subscription.polls_instead.is_some();
        !polls && self.why_left().is_none() && !self.subscription.is_live(self.now)
    }

    fn json(&self) -> Value {
        let one = &self.subscription;
        json!({
            "connection": one.connection,
            "environment": self.environment,
            "company": self.company.as_ref().map(|company| &company.name),
            "company_id": one.company,
            "entity": one.set,
            "live": one.is_live(self.now),
            "expires_at": one.expires_at,
            "expires_in_secs": self.left().map(|left| left.as_secs()),
            "last_notified": one.last_notified,
            "last_renewed": one.last_renewed,
            "last_failure": one.last_failure,
            "polls_instead": one.polls_instead,
            "left": self.why_left(),
        })
    }

    fn line(&self) -> String {
        let one = &self.subscription;
        let instant = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), output::instant);
        let company = match &self.company {
            Some(company) => company.name.clone(),
            None => one.company.to_string(),
        };
        let line = format!(
            "{:<12} {:<14} {company:<24} {:<22} {:<16} notified {:<20}  renewed {}",
            one.connection.as_str(),
            self.environment,
            one.set,
            self.standing(),
            instant(one.last_notified),
            instant(one.last_renewed),
        );
        let polls = one.polls_instead.as_ref();
        let polls = polls.map(|polls| format!("polls instead: {}", polls.reason));
        let failure = one.last_failure.as_ref().map(|failure| {
            let at = output::instant(failure.at);
            format!("failed at {at}: {}", failure.cause)
        });
        let left = self.why_left().map(|why| format!("not followed: {why}"));
        let parts = [Some(line), polls, failure, left].into_iter().flatten();
        let line = parts.collect::<Vec<_>>().join("  ");
        output::plain(&line)
    }

    /// The countdown.
    fn standing(&self) -> String {
        match self.left() {
            _ if self.subscription.polls_instead.is_some() => "polls instead".to_owned(),
            Some(left) if self.subscription.is_live(self.now) => {
                // To the minute, but for what is about to end.
                let secs = left.as_secs();
                let whole = if secs > 3600 { secs - secs % 60 } else { secs };
                format!("{:#}", SignedDuration::from_secs(whole))
            }
            Some(_) => "ended".to_owned(),
            None => "not made yet".to_owned(),
        }
    }
}

async fn list(global: &Global, store: &Store) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let rows = rows(&config, &store.queue).await?;
    if global.json {
        output::json(&rows.iter().map(Row::json).collect::<Value>())?;
    } else {
        for row in &rows {
            output::line(&row.line())?;
        }
    }
    Ok(output::answer(!rows.iter().any(Row::is_in_trouble)))
}

/// Those of configured environments, by connection, environment, company and entity.
async fn rows(config: &Config, queue: &Queue) -> anyhow::Result<Vec<Row>> {
    let companies = companies(queue).await?;
    let all = queue.register(SUBSCRIPTIONS).list::<Subscription>().await?;
    let now = assembly::clock().now();
    let rows = all.into_iter().filter_map(|(_, subscription)| {
        let connection = config.business_central(&subscription.connection)?;
        let named = subscription.environment.as_deref();
        let environment = named.unwrap_or(connection.first_environment()).to_owned();
        let known = (environment.clone(), subscription.company);
        Some(Row {
            company: companies.get(&known).cloned(),
            subscription,
            environment,
            now,
        })
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.sort_by_cached_key(|row| {
        let one = &row.subscription;
        let company = row.company.as_ref().map(|company| company.name.clone());
        let environment = row.environment.clone();
        (
            one.connection.to_string(),
            environment,
            company,
            one.set.clone(),
        )
    });
    Ok(rows)
}

/// By environment and id.
async fn companies(queue: &Queue) -> anyhow::Result<BTreeMap<(String, Uuid), KnownCompany>> {
    let all = queue.register(COMPANIES).list::<KnownCompany>().await?;
    let keyed = all.into_iter().map(|(_, company)| {
        let address = &company.address;
        ((address.environment.clone(), address.company), company)
    });
    Ok(keyed.collect())
}

async fn renew(
    global: &Global,
    store: &Store,
    connection: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let mut asked = Vec::new();
    for name in chosen(&config, connection)? {
        if let Some(connection) = config.business_central(name) {
            for environment in &connection.environments {
                let lanes = renewal_lanes(&signalbox_jobs::source_lanes(connection, environment));
                let now = assembly::clock().now();
                let queue = &store.queue;
                signalbox_jobs::ask_for_round(queue, name, environment, lanes, now).await?;
                asked.push((name, environment));
            }
        }
    }
    if global.json {
        let rows = asked
            .iter()
            .map(|(name, environment)| json!({ "connection": name, "environment": environment }));
        output::json(&rows.collect::<Value>())?;
    } else {
        for (name, environment) in asked {
            output::line(&format!(
                "a worker looks after `{environment}` of `{name}` now; `signalbox subscriptions list` shows what \
                 came of it"
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The connections that are meant.
fn chosen<'a>(
    config: &'a Config,
    connection: Option<&str>,
) -> anyhow::Result<Vec<&'a ConnectionName>> {
    let of_the_kind = config.connections.iter();
    let of_the_kind = of_the_kind.filter_map(|(name, connection)| {
        matches!(connection, Connection::BusinessCentral(_)).then_some(name)
    });
    let Some(wanted) = connection else {
        let all: Vec<_> = of_the_kind.collect();
        if all.is_empty() {
            bail!("no connection leads to Business Central; add one under `[connections]`");
        }
        return Ok(all);
    };
    let mut of_the_kind = of_the_kind;
    let found = of_the_kind.find(|name| name.as_str() == wanted);
    let found = found.with_context(|| {
        format!(
            "no connection `{wanted}` leads to Business Central; `signalbox config show` prints those that exist"
        )
    })?;
    Ok(vec![found])
}
