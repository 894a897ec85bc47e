//! What no section can see by itself: whether the parts of a configuration fit together.

mod network;

use std::collections::BTreeMap;

use signalbox_core::{Misfire, Overlap};

use crate::{
    Config, Durability, Problem, RedisLocation,
    error::{did_you_mean, problem},
    layers::Layers,
};

/// Everything that does not fit together.
pub(crate) fn problems(config: &Config, layers: &Layers) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(durability(config, layers));
    problems.extend(authorities(config, layers));
    problems.extend(plain_password(config, layers));
    problems.extend(route_ends(config, layers));
    problems.extend(twins(config, layers));
    problems.extend(times(config, layers));
    problems.extend(schedules(config, layers));
    problems.extend(network::problems(config, layers));
    problems
}

/// A level that this kind of Redis cannot keep, or must exceed.
fn durability(config: &Config, layers: &Layers) -> Option<Problem> {
    let replicated = config.redis.durability == Durability::Replicated;
    let (reason, fix) = match &config.redis.location {
        RedisLocation::Embedded if replicated => (
            "needs replicas, and the embedded Redis has none",
            "write `fsync`, or name a replicated Redis in `redis.url`",
        ),
        RedisLocation::Server(url) if url.may_fail_over() && !replicated => (
            "loses acknowledged jobs when a replica is promoted",
            "write `replicated`",
        ),
        _ => return None,
    };
    Some(problem(layers, &["redis", "durability"], reason, fix))
}

/// Authorities that nobody asks for would make believe that the connection is encrypted.
fn authorities(config: &Config, layers: &Layers) -> Option<Problem> {
    let RedisLocation::Server(url) = &config.redis.location else {
        return None;
    };
    if url.has_tls() || config.redis.ca_file.is_none() {
        return None;
    }
    let fix = "let `redis.url` begin with `rediss`, or remove it";
    let reason = "is for TLS, which `redis.url` does not ask for";
    Some(problem(layers, &["redis", "ca_file"], reason, fix))
}

/// A password inside the address is a secret in the file, too.
fn plain_password(config: &Config, layers: &Layers) -> Option<Problem> {
    let path = ["redis", "url"];
    let allowed = layers
        .value(&["allow_plain_secrets"])
        .and_then(figment::value::Value::to_bool);
    let RedisLocation::Server(url) = &config.redis.location else {
        return None;
    };
    if !url.has_password() || allowed == Some(true) || layers.is_from_variable(&path) {
        return None;
    }
    let fix = "leave the password out and write `redis.password = { env = \"NAME\" }`";
    Some(problem(
        layers,
        &path,
        "contains a secret written out in the file",
        fix,
    ))
}

/// Routes must begin at a connection that is read and end at one that posts.
fn route_ends(config: &Config, layers: &Layers) -> Vec<Problem> {
    let ends = config.routes.iter().flat_map(|(name, route)| {
        [
            (name, "from", &route.from.connection, "business-central"),
            (name, "to", &route.to.connection, "teams"),
        ]
    });
    ends.filter_map(|(route, end, connection, kind)| {
        let path = ["routes", route.as_str(), end, "connection"];
        match config.connections.get(connection) {
            Some(found) if found.kind() == kind => None,
            Some(found) => {
                let reason = format!("is of kind `{}`", found.kind());
                let fix = format!("name a connection of kind `{kind}`");
                Some(problem(layers, &path, &reason, &fix))
            }
            // One that is there and could not be read is told already.
            None if layers
                .value(&["connections", connection.as_str()])
                .is_some() =>
            {
                None
            }
            None => {
                let known = layers.names("connections");
                let fix = did_you_mean(connection.as_str(), known.iter().map(String::as_str));
                Some(problem(layers, &path, "names no connection", &fix))
            }
        }
    })
    .collect()
}

/// Two routes that would announce the same thing in the same place.
fn twins(config: &Config, layers: &Layers) -> Vec<Problem> {
    let mut seen = BTreeMap::new();
    config
        .routes
        .iter()
        .filter(|(_, route)| route.enabled)
        .filter_map(|(name, route)| {
            let (from, to) = (&route.from, &route.to);
            let place = (&from.connection, &from.entity, &to.connection);
            let what = (&to.team, &to.channel, &to.card, &route.when, &route.once);
            let first = *seen.entry((place, what)).or_insert(name);
            if first == name {
                return None;
            }
            let reason = format!("announces what `routes.{first}` announces, in the same channel");
            Some(Problem {
                value: None,
                ..problem(
                    layers,
                    &["routes", name.as_str()],
                    &reason,
                    "remove one of them",
                )
            })
        })
        .collect()
}

/// A longest delay below the least one would never be reached.
fn times(config: &Config, layers: &Layers) -> Option<Problem> {
    let worker = &config.worker;
    (worker.backoff_most < worker.backoff_least).then(|| {
        problem(
            layers,
            &["worker", "backoff_most_secs"],
            "is shorter than `worker.backoff_least_ms`",
            "write a longer time",
        )
    })
}

/// All missed ticks are made at the same moment, so every one but the first would be passed over.
fn schedules(config: &Config, layers: &Layers) -> Vec<Problem> {
    let routes = config.routes.iter().filter(|(_, route)| {
        let schedule = route.schedule.as_ref();
        schedule.is_some_and(|schedule| {
            schedule.misfire == Misfire::All && schedule.overlap == Overlap::Skip
        })
    });
    let problems = routes.map(|(name, _)| {
        problem(
            layers,
            &["routes", name.as_str(), "schedule", "misfire"],
            "makes ticks at the same moment, and `overlap = \"skip\"` passes over all but the first of them",
            "write `misfire = \"last\"` or `overlap = \"allow\"`",
        )
    });
    problems.collect()
}
