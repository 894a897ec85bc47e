//! The installation: what Redis says about itself before anything else is done with it.
//!
//! A newer layout and another number of partitions are refused. An empty Redis that should hold our installation
//! is entered as recovered, which tells the routes that what was announced before is not known any more.

use crate::{QueueError, keys, link::Link, scripts};

/// The layout of keys and hashes that this release writes.
const LAYOUT: u32 = 2;

/// How the installation came into this Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It began here.
    Fresh,
    /// It is older than this Redis's memory: the ledger was lost.
    Recovered,
}

/// The installation as Redis holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Made at the first start and kept in the data folder too.
    pub id: String,
    /// How it came into this Redis.
    pub origin: Origin,
}

/// What this process knows and wants.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) partitions: u16,
    /// The id from the data folder, if there is one.
    pub(crate) known: Option<&'a str>,
    /// The id to enter if neither the data folder nor Redis has one.
    pub(crate) fresh: &'a str,
}

/// Enters the installation in an empty Redis, or checks what is there.
pub(crate) async fn install(link: &Link, wanted: &Wanted<'_>) -> Result<Installation, QueueError> {
    let (id, origin) = match wanted.known {
        Some(known) => (known, "recovered"),
        None => (wanted.fresh, "fresh"),
    };
    let beside = keys::prefix(wanted.namespace, 0);
    let (layout, partitions, found, origin): (u32, u16, String, String) = scripts::INSTALL
        .key(keys::installation(&beside))
        .arg(LAYOUT)
        .arg(wanted.partitions)
        .arg(id)
        .arg(origin)
        .invoke_async(&mut link.clone().bound(&beside).shared())
        .await
        .map_err(QueueError::Redis)?;
    check(
        "layout",
        layout,
        LAYOUT,
        "install the release that wrote it, or a later one",
    )?;
    let next_step = "set `redis.partitions` to the number that Redis holds";
    check(
        "partitions",
        partitions.into(),
        wanted.partitions.into(),
        next_step,
    )?;
    if let Some(known) = wanted.known.filter(|known| *known != found) {
        return Err(QueueError::Mismatch {
            what: "installation",
            found,
            needed: known.to_owned(),
            next_step: "point `redis.url` at the right server, or remove the file `installation` from the data folder to join this one",
        });
    }
    enter_partitions(link, wanted, &found).await?;
    let origin = if origin == "recovered" {
        Origin::Recovered
    } else {
        Origin::Fresh
    };
    Ok(Installation { id: found, origin })
}

fn check(
    what: &'static str,
    found: u32,
    needed: u32,
    next_step: &'static str,
) -> Result<(), QueueError> {
    if found == needed {
        return Ok(());
    }
    Err(QueueError::Mismatch {
        what,
        found: found.to_string(),
        needed: needed.to_string(),
        next_step,
    })
}

/// A crash in between leaves partitions without an epoch; the next start enters the rest.
async fn enter_partitions(link: &Link, wanted: &Wanted<'_>, id: &str) -> Result<(), QueueError> {
    for number in 0..wanted.partitions {
        let meta = keys::meta(&keys::prefix(wanted.namespace, number));
        scripts::ENTER_PARTITION
            .key(meta)
            .arg(id)
            .invoke_async::<()>(&mut link.shared())
            .await
            .map_err(QueueError::Redis)?;
    }
    Ok(())
}

/// From now on the installation counts as one that began here.
pub(crate) async fn forget_recovery(link: &Link, namespace: &str) -> Result<(), QueueError> {
    scripts::FORGET_RECOVERY
        .key(keys::installation(&keys::prefix(namespace, 0)))
        .invoke_async(&mut link.shared())
        .await
        .map_err(QueueError::Redis)
}
