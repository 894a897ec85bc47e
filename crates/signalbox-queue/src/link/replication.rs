//! Waiting until the replicas have what was written.
//!
//! One wait covers everything that its master wrote before, whoever wrote it: a mark is written and waited for, and
//! all that arrive meanwhile share the next wait. The master's replication id is compared with the one from before
//! the write, so that a wait at a new master never vouches for a write at the old one.

use std::{
    collections::HashSet,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{Arg, Cmd, RedisError, RedisResult, aio::MultiplexedConnection};

use super::{Link, RESPONSE_TIMEOUT};
use crate::{keys, scripts};

/// Replicas that take longer do not keep up.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// A replica that has been silent for longer is not promoted, and not waited for.
const LONGEST_LAG_SECS: u32 = 10;

/// The scripts whose answers somebody relies on: a signal, an intent, a receipt, a record, the word of a person.
/// What workers tell each other (leases, permits, outcomes) is done again when it is lost.
static RELIED_ON: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let scripts = [
        &scripts::BASELINE_EFFECTS,
        &scripts::CHANGE_LANE,
        &scripts::CONFIRM_EFFECT,
        &scripts::ENQUEUE_JOBS,
        &scripts::INTEND_EFFECT,
        &scripts::OPERATE_JOBS,
        &scripts::RELEASE_GROUP,
        &scripts::SWAP_RECORD,
        &scripts::TAKE_IN_JOBS,
    ];
    scripts.map(|script| script.get_hash().to_owned()).into()
});

/// The waits for one master.
#[derive(Default)]
pub(crate) struct Replication {
    /// The least number of replicas; 0 as long as nothing waits. Shared by all masters of a cluster.
    demanded: Arc<AtomicU32>,
    /// Waits so far.
    begun: AtomicU64,
    /// The master's replication id; unknown at first and after a fault.
    master: Mutex<Option<Arc<str>>>,
    turn: tokio::sync::Mutex<Turn>,
}

/// What only the one who waits may touch.
#[derive(Default)]
struct Turn {
    connection: Option<MultiplexedConnection>,
    /// The last wait, and what came of it.
    last: Option<(u64, RedisResult<Arc<str>>)>,
    /// How many replicas there were.
    replicas: u32,
}

impl Replication {
    /// The same demand at another master.
    pub(crate) fn of_another_master(&self) -> Self {
        Self {
            demanded: self.demanded.clone(),
            ..Self::default()
        }
    }

    pub(crate) fn demand(&self, replicas: u32) {
        self.demanded.store(replicas, Ordering::Relaxed);
    }

    /// Whether anything waits for replicas.
    pub(crate) fn is_demanded(&self) -> bool {
        self.demanded.load(Ordering::Relaxed) > 0
    }

    /// Whether `cmd` is not done before the replicas have it.
    pub(crate) fn is_demanded_of(&self, cmd: &Cmd) -> bool {
        if !self.is_demanded() {
            return false;
        }
        let mut args = cmd.args_iter();
        let is_script = matches!(args.next(), Some(Arg::Simple(name)) if name == b"EVALSHA");
        let hash = args.next().filter(|_| is_script);
        matches!(hash, Some(Arg::Simple(hash)) if std::str::from_utf8(hash).is_ok_and(|hash| RELIED_ON.contains(hash)))
    }

    /// The master, before something is written.
    pub(crate) async fn begin(&self, link: &Link) -> RedisResult<Arc<str>> {
        let known = self
            .master
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match known {
            Some(master) => Ok(master),
            None => self.wait(link).await,
        }
    }

    /// Returns once the replicas have what was written at the master `since`.
    pub(crate) async fn cover(&self, link: &Link, since: &Arc<str>) -> RedisResult<()> {
        let master = self.wait(link).await?;
        if master == *since {
            return Ok(());
        }
        Err(missing("another master took over meanwhile".to_owned()))
    }

    /// Takes part in the next wait that begins.
    async fn wait(&self, link: &Link) -> RedisResult<Arc<str>> {
        let enough = self.begun.load(Ordering::SeqCst) + 1;
        let mut turn = self.turn.lock().await;
        if let Some((number, result)) = &turn.last
            && *number >= enough
        {
            return result.clone();
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let result = self.wait_now(link, &mut turn).await;
        if let Err(error) = &result {
            link.look_again(error).await;
        }
        *self.master.lock().unwrap_or_else(PoisonError::into_inner) = result.clone().ok();
        turn.last = Some((number, result.clone()));
        result
    }

    async fn wait_now(&self, link: &Link, turn: &mut Turn) -> RedisResult<Arc<str>> {
        // Taken out, so that a wait that is given up leaves no connection behind that is still waiting.
        let mut connection = match turn.connection.take() {
            Some(connection) => connection,
            None => link.waiting(LONGEST_WAIT.max(RESPONSE_TIMEOUT)).await?,
        };
        let demanded = self.demanded.load(Ordering::Relaxed);
        let expected = turn.replicas.max(demanded);
        let mark = keys::waited(link.bound.as_deref().unwrap_or_default());
        let (info, mut reached): (String, u32) = redis::pipe()
            .set(mark, "")
            .ignore()
            .cmd("INFO")
            .arg("replication")
            .add_command(wait_for(expected))
            .query_async(&mut connection)
            .await
            .map_err(first)?;
        turn.replicas = count(&info);
        let needed = turn.replicas.max(demanded);
        if reached < needed && expected < needed {
            reached = wait_for(needed).query_async(&mut connection).await?;
        }
        if reached < needed {
            return Err(missing(format!("{reached} of {needed} replicas have it")));
        }
        turn.connection = Some(connection);
        Ok(field(&info, "master_replid").unwrap_or_default().into())
    }
}

fn wait_for(replicas: u32) -> Cmd {
    let mut wait = redis::cmd("WAIT");
    wait.arg(replicas).arg(LONGEST_WAIT.as_millis().to_string());
    wait
}

/// The first of the errors of a pipeline, by whose code it is told what to do about it.
fn first(error: RedisError) -> RedisError {
    let errors = error.clone().into_server_errors();
    let first = errors.and_then(|errors| errors.first().map(|(_, error)| error.clone()));
    first.map_or(error, RedisError::from)
}

/// The code is the server's own for the same trouble, seen before it writes.
fn missing(detail: String) -> RedisError {
    redis::make_extension_error("NOREPLICAS".to_owned(), Some(detail))
}

/// A replica as its master names it.
pub(super) struct Replica<'a>(&'a str);

impl<'a> Replica<'a> {
    fn part(&self, name: &str) -> Option<&'a str> {
        let parts = self.0.split(',').filter_map(|part| part.split_once('='));
        parts
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    pub(super) fn address(&self) -> Option<(&'a str, u16)> {
        Some((self.part("ip")?, self.part("port")?.parse().ok()?))
    }

    /// Whether it may be promoted: it has the data, and has been heard of lately.
    fn counts(&self) -> bool {
        let lag = self.part("lag").and_then(|lag| lag.parse().ok());
        self.part("state") == Some("online") && lag.is_some_and(|lag: u32| lag <= LONGEST_LAG_SECS)
    }
}

/// The replicas that INFO names.
pub(super) fn replicas(info: &str) -> impl Iterator<Item = Replica<'_>> {
    let lines = info.lines().filter_map(|line| line.split_once(':'));
    let named = |name: &str| {
        let number = name.strip_prefix("slave");
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    lines
        .filter(move |(name, _)| named(name))
        .map(|(_, value)| Replica(value))
}

fn count(info: &str) -> u32 {
    let counted = replicas(info).filter(Replica::counts).count();
    u32::try_from(counted).unwrap_or(u32::MAX)
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = info.lines().filter_map(|line| line.split_once(':'));
    fields
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::{count, field, replicas};

    const INFO: &str = "# Replication\r\nrole:master\r\nconnected_slaves:3\r\nslave_repl_offset:9\r\n\
        slave0:ip=10.0.0.2,port=6380,state=online,offset=1,lag=0\r\n\
        slave1:ip=10.0.0.3,port=6381,state=wait_bgsave,offset=0,lag=0\r\n\
        slave2:ip=10.0.0.4,port=6382,state=online,offset=1,lag=30\r\nmaster_replid:abc\r\n";

    #[test]
    fn only_a_replica_that_could_be_promoted_is_waited_for() {
        assert_eq!(count(INFO), 1);
        assert_eq!(field(INFO, "master_replid"), Some("abc"));
        let addresses: Vec<_> = replicas(INFO).filter_map(|one| one.address()).collect();
        assert_eq!(addresses.len(), 3);
        assert_eq!(addresses[0], ("10.0.0.2", 6380));
    }
}
