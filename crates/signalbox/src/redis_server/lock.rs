//! Locks that end with whoever holds them, however that ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::Stdio,
};

use super::EmbeddedError;

/// A locked file. The lock belongs to the open file: whoever inherits that holds it.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// The lock on `path` for oneself alone, unless anybody has it.
    pub(super) fn try_exclusive(path: &Path) -> Result<Option<Self>, EmbeddedError> {
        Self::take(path, File::try_lock)
    }

    /// The lock on `path` together with others, unless somebody has it alone.
    pub(super) fn try_shared(path: &Path) -> Result<Option<Self>, EmbeddedError> {
        Self::take(path, File::try_lock_shared)
    }

    /// Gives the lock away to a process that is about to start; it holds it until it ends.
    pub(super) fn into_stdin(self) -> Stdio {
        Stdio::from(self.0)
    }

    fn take(
        path: &Path,
        lock: impl Fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Option<Self>, EmbeddedError> {
        let failed = |source| EmbeddedError::Folder {
            path: path.to_owned(),
            action: "locked",
            source,
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        match lock(&file) {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}
