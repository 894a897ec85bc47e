//! The file of sealed secrets: read whole, and replaced whole or not at all.
//!
//! A writer holds a lock from before it reads until its file is in place, so that two commands lose nothing of each
//! other. Readers need no lock: they see the file from before a change or the one after it.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, fchown},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    SecretName, VaultError,
    envelope::{Envelope, FORMAT},
};
use crate::Environment;

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    format: String,
    pub(super) secrets: BTreeMap<SecretName, Envelope>,
}

/// Told first, so that a later format is not taken for damage.
#[derive(Deserialize)]
struct Head {
    format: String,
}

impl Default for Sealed {
    fn default() -> Self {
        Self {
            format: FORMAT.to_owned(),
            secrets: BTreeMap::new(),
        }
    }
}

/// The file at `path`, if there is one.
pub(super) fn read(path: &Path, env: &Environment) -> Result<Option<Sealed>, VaultError> {
    let text = match env.read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, "read")(error)),
    };
    let damaged = |source| VaultError::Damaged {
        path: path.to_owned(),
        source: Arc::new(source),
    };
    let head: Head = serde_json::from_str(&text).map_err(damaged)?;
    if head.format != FORMAT {
        return Err(VaultError::Format {
            path: path.to_owned(),
            format: head.format,
        });
    }
    serde_json::from_str(&text).map(Some).map_err(damaged)
}

/// Changes the file while nobody else does. It is written only if `change` says so, and is on disk when this returns.
pub(super) fn change<T>(
    path: &Path,
    env: &Environment,
    change: impl FnOnce(&mut Sealed) -> Result<(bool, T), VaultError>,
) -> Result<T, VaultError> {
    let lock = lock(path)?;
    let mut sealed = read(path, env)?.unwrap_or_default();
    let (changed, outcome) = change(&mut sealed)?;
    if changed {
        replace(path, &sealed).map_err(failed(path, "written"))?;
    }
    drop(lock);
    Ok(outcome)
}

/// A file beside it, because the file itself is replaced. It stays: whoever removed it could remove another's lock.
fn lock(path: &Path) -> Result<File, VaultError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600);
    let take = || {
        let file = options.open(&beside)?;
        file.lock()?;
        Ok(file)
    };
    take().map_err(failed(path, "locked"))
}

fn replace(path: &Path, sealed: &Sealed) -> io::Result<()> {
    // Where the file is a link, what it leads to is replaced and the link stays.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = folder(&path);
    // Readable by its owner only, from its first byte on.
    let mut part = tempfile::Builder::new()
        .prefix(".secrets")
        .tempfile_in(&folder)?;
    let text = serde_json::to_string_pretty(sealed)?;
    part.write_all(text.as_bytes())?;
    part.write_all(b"\n")?;
    keep_owner(&path, part.as_file())?;
    part.as_file().sync_all()?;
    part.persist(&path)?;
    // The rename is on disk once its folder is.
    File::open(&folder)?.sync_all()
}

/// Somebody who seals as root must not take the file away from the user that the roles run as.
fn keep_owner(path: &Path, part: &File) -> io::Result<()> {
    let Ok(before) = fs::metadata(path) else {
        return Ok(());
    };
    let owner = (before.uid(), before.gid());
    let now = part.metadata()?;
    if (now.uid(), now.gid()) == owner {
        return Ok(());
    }
    fchown(part, Some(owner.0), Some(owner.1))
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> VaultError {
    let path = path.to_owned();
    move |source| VaultError::File {
        path,
        action,
        source: Arc::new(source),
    }
}
