//! Delivery to Teams: from names to a channel, a card through the Bot Connector, and the look back for our own card.

pub(crate) mod bot;
pub(crate) mod look_back;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use signalbox_core::Addressee;
use uuid::Uuid;

use crate::{
    graph::{Channel, Graph, Team},
    http::{errand::Errand, error::Error},
};

/// How many names an error shows of those that exist.
const SHOWN: u8 = 10;

/// A channel that a card can be posted to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// The team's id.
    pub team_id: String,
    /// The channel's id, for example `19:…@thread.tacv2`.
    pub channel_id: String,
}

/// Finds channels by the names that people use, and remembers those it found.
///
/// Ids serve as well as names: a GUID for a team, `19:…` for a channel.
#[derive(Debug)]
pub struct TargetResolver {
    graph: Graph,
    /// Only what was found: a channel made a minute later must be found then. Nothing awaits while it is held.
    found: Mutex<HashMap<(String, String), Target>>,
}

impl TargetResolver {
    /// A resolver that knows nothing yet.
    pub fn new(graph: Graph) -> Self {
        Self {
            graph,
            found: Mutex::default(),
        }
    }

    /// The channel that is meant.
    ///
    /// A name that fits nothing is [`Error::UnknownName`], one that fits several is [`Error::AmbiguousName`].
    pub async fn resolve(&self, to: &Addressee, errand: Errand<'_>) -> Result<Target, Error> {
        let key = (to.team.clone(), to.channel.clone());
        if let Some(target) = self.found().get(&key) {
            return Ok(target.clone());
        }
        let team_id = self.team_id(&to.team, errand).await?;
        let channel_id = self.channel_id(&team_id, &to.channel, errand).await?;
        let target = Target {
            team_id,
            channel_id,
        };
        self.found().insert(key, target.clone());
        Ok(target)
    }

    /// Forgets `target`, because it turned out to be gone.
    pub fn forget(&self, target: &Target) {
        self.found().retain(|_, found| found != target);
    }

    fn found(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Target>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn team_id(&self, name: &str, errand: Errand<'_>) -> Result<String, Error> {
        if name.parse::<Uuid>().is_ok() {
            return Ok(name.to_owned());
        }
        let named = self.graph.teams_by_name(name, errand).await?;
        let named: Vec<Named> = named.into_iter().map(Named::from).collect();
        if named.is_empty() {
            let some = self.graph.some_teams(SHOWN, errand).await?;
            let known = some.into_iter().map(Named::from).collect::<Vec<_>>();
            return Err(unknown("team", name, &known));
        }
        choose("team", name, &named)
    }

    async fn channel_id(
        &self,
        team: &str,
        name: &str,
        errand: Errand<'_>,
    ) -> Result<String, Error> {
        if name.starts_with("19:") {
            return Ok(name.to_owned());
        }
        let channels = self.graph.channels(team, errand).await?;
        let named: Vec<Named> = channels.into_iter().map(Named::from).collect();
        choose("channel", name, &named)
    }
}

/// Something with a name.
struct Named {
    id: String,
    name: String,
}

impl From<Team> for Named {
    fn from(team: Team) -> Self {
        Self {
            id: team.id,
            name: team.display_name,
        }
    }
}

impl From<Channel> for Named {
    fn from(channel: Channel) -> Self {
        Self {
            id: channel.id,
            name: channel.display_name,
        }
    }
}

/// The id of the one that is called `name`, exactly or, if none is, in another case.
fn choose(kind: &'static str, name: &str, named: &[Named]) -> Result<String, Error> {
    let folded = name.to_lowercase();
    let exact = named.iter().filter(|one| one.name == name);
    let loose = named.iter().filter(|one| one.name.to_lowercase() == folded);
    let exact: Vec<&Named> = exact.collect();
    let fitting = if exact.is_empty() {
        loose.collect()
    } else {
        exact
    };
    match fitting.as_slice() {
        [] => Err(unknown(kind, name, named)),
        [one] => Ok(one.id.clone()),
        several => Err(Error::AmbiguousName {
            kind,
            name: name.to_owned(),
            candidates: several
                .iter()
                .map(|one| format!("`{}` ({})", one.name, one.id))
                .collect(),
        }),
    }
}

fn unknown(kind: &'static str, name: &str, named: &[Named]) -> Error {
    let shown = named.iter().take(SHOWN.into());
    Error::UnknownName {
        kind,
        name: name.to_owned(),
        known: shown.map(|one| one.name.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Named, choose};

    fn check(name: &str, expected: &str) {
        let named = [
            "General",
            "Approvals",
            "approvals",
            "Twice",
            "Twice",
            "Émile",
        ]
        .iter()
        .enumerate()
        .map(|(index, name)| Named {
            id: index.to_string(),
            name: (*name).to_owned(),
        })
        .collect::<Vec<_>>();
        let chosen = choose("channel", name, &named);
        let text = chosen.unwrap_or_else(|error| error.to_string());
        assert_eq!(text, expected, "{name}");
    }

    #[test]
    fn a_name_is_taken_exactly_and_only_then_in_another_case() {
        check("Approvals", "1");
        check("approvals", "2");
        check("GENERAL", "0");
        check("émile", "5");
    }

    #[test]
    fn what_fits_several_or_none_is_refused_with_what_exists() {
        check(
            "Twice",
            "the channel name `Twice` is ambiguous, it could be `Twice` (3), `Twice` (4)",
        );
        check(
            "APPROVALS",
            "the channel name `APPROVALS` is ambiguous, it could be `Approvals` (1), `approvals` (2)",
        );
        check(
            "Ops",
            "there is no channel `Ops`; there are `General`, `Approvals`, `approvals`, `Twice`, `Twice`, `Émile`",
        );
    }
}
