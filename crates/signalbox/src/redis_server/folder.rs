//! The folder of one embedded Redis: private, and with everything in a known place.
//!
//! It is a folder of its own inside the data folder, because the data folder may be a mounted volume
//! whose permissions are not ours to choose.

use std::{
    fs, io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt},
    },
    path::{Path, PathBuf},
    process::ExitStatus,
};

use uuid::Uuid;

use super::EmbeddedError;

/// A socket's path fits into 104 bytes on macOS and 108 on Linux, its end included.
const MAX_SOCKET_BYTES: usize = 100;
/// A log longer than this is put aside at the next start.
const MAX_LOG_BYTES: u64 = 1 << 20;
/// Folders made from a path's hash have names in this namespace.
const NAMESPACE: Uuid = Uuid::from_u128(0x0d0e_2a4c_7b6d_4b55_9f53_1a3c_55e4_f9a7);

/// The folder of one embedded Redis.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder inside `data_dir`, or checks the one that is there.
    pub(super) fn prepare(data_dir: &Path) -> Result<Self, EmbeddedError> {
        for path in [data_dir, &data_dir.join("redis")] {
            if path.exists() && !path.is_dir() {
                return Err(EmbeddedError::NotAFolder(path.to_owned()));
            }
        }
        let path = data_dir.join("redis");
        make_private(&path)?;
        let path = path
            .canonicalize()
            .map_err(|source| unusable(&path, "found", source))?;
        Ok(Self(path))
    }

    /// A folder that was prepared before, for a watcher.
    pub(super) fn existing(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Held by the server as its standard input.
    pub(super) fn lock(&self) -> PathBuf {
        self.0.join("redis.lock")
    }

    /// Held shared by every owner.
    pub(super) fn owners(&self) -> PathBuf {
        self.0.join("owners.lock")
    }

    /// Held by the watcher.
    pub(super) fn watcher(&self) -> PathBuf {
        self.0.join("watch.lock")
    }

    /// What the server says.
    pub(super) fn log(&self) -> PathBuf {
        self.0.join("redis.log")
    }

    /// Where the server writes its process id.
    pub(super) fn pid(&self) -> PathBuf {
        self.0.join("redis.pid")
    }

    fn socket_record(&self) -> PathBuf {
        self.0.join("redis.socket")
    }

    /// The server's process id, for messages.
    pub(super) fn recorded_pid(&self) -> Option<String> {
        let text = fs::read_to_string(self.pid()).ok()?;
        Some(text.trim().to_owned())
    }

    /// Where the server that holds the lock listens.
    pub(super) fn recorded_socket(&self) -> PathBuf {
        // Whoever starts a server records this first; until then there is nothing to connect to.
        let recorded = fs::read(self.socket_record()).unwrap_or_default();
        PathBuf::from(std::ffi::OsStr::from_bytes(&recorded))
    }

    /// Chooses where the server will listen and records it. Only for whoever holds the lock.
    pub(super) fn choose_socket(&self) -> Result<PathBuf, EmbeddedError> {
        let near = self.0.join("redis.sock");
        let socket = if near.as_os_str().len() <= MAX_SOCKET_BYTES {
            near
        } else {
            let far = self.far_folder();
            make_private(&far)?;
            self.check_owner(&far)?;
            far.join("redis.sock")
        };
        let record = self.socket_record();
        let draft = record.with_extension("socket.new");
        // By rename, so that an adopter never reads half a path.
        fs::write(&draft, socket.as_os_str().as_bytes())
            .and_then(|()| fs::rename(&draft, &record))
            .map_err(|source| unusable(&record, "written", source))?;
        Ok(socket)
    }

    /// Where the socket is when its path in this folder would be too long to connect to.
    fn far_folder(&self) -> PathBuf {
        let name = Uuid::new_v5(&NAMESPACE, self.0.as_os_str().as_bytes()).simple();
        let name = format!("signalbox-{name}");
        // Owners may have different temporary folders, and those that hold an address keep it.
        let recorded = self.recorded_socket();
        match recorded.parent() {
            Some(far) if far.ends_with(&name) => far.to_owned(),
            _ => short_temp_dir().join(name),
        }
    }

    /// In a folder that everybody can write to, somebody else may have made ours first.
    fn check_owner(&self, far: &Path) -> Result<(), EmbeddedError> {
        let owner = |path: &Path| fs::symlink_metadata(path).map(|m| (m.is_dir(), m.uid()));
        match (owner(&self.0), owner(far)) {
            (Ok(ours), Ok(theirs)) if ours == theirs => Ok(()),
            _ => {
                let source = io::Error::from(io::ErrorKind::PermissionDenied);
                Err(unusable(far, "used for the socket", source))
            }
        }
    }

    /// Opens the log, after putting a long one aside.
    pub(super) fn open_log(&self) -> Result<fs::File, EmbeddedError> {
        let path = self.log();
        if fs::metadata(&path).is_ok_and(|m| m.len() > MAX_LOG_BYTES) {
            fs::rename(&path, path.with_extension("log.old"))
                .map_err(|source| unusable(&path, "put aside", source))?;
        }
        let mut options = fs::OpenOptions::new();
        options.create(true).append(true);
        options
            .open(&path)
            .map_err(|source| unusable(&path, "written", source))
    }

    /// Why a server that gave up did so.
    pub(super) async fn ended(&self, status: ExitStatus) -> EmbeddedError {
        let text = tokio::fs::read(self.log()).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().rev().map(str::trim).find(|l| !l.is_empty());
        EmbeddedError::GaveUp {
            status,
            said: last.unwrap_or("it said nothing").to_owned(),
            log: self.log(),
        }
    }
}

/// Makes a folder that only its owner can use, and checks one that is there for the same.
fn make_private(path: &Path) -> Result<(), EmbeddedError> {
    let mut builder = fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| unusable(path, "created", source))?;
    let metadata = fs::metadata(path).map_err(|source| unusable(path, "read", source))?;
    let for_others = metadata.mode() & 0o077;
    if for_others != 0 {
        return Err(EmbeddedError::NotPrivate {
            path: path.to_owned(),
            mode: metadata.mode(),
        });
    }
    Ok(())
}

fn short_temp_dir() -> PathBuf {
    let usual = std::env::temp_dir();
    // 55 bytes are left for `/signalbox-…/redis.sock`.
    if usual.as_os_str().len() <= MAX_SOCKET_BYTES - 55 {
        usual
    } else {
        PathBuf::from("/tmp")
    }
}

fn unusable(path: &Path, action: &'static str, source: io::Error) -> EmbeddedError {
    EmbeddedError::Folder {
        path: path.to_owned(),
        action,
        source,
    }
}
