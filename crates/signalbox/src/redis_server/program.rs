//! Finding a `redis-server` that is one, and new enough.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::EmbeddedError;

/// Where package managers put programs that are not always on the path.
const USUAL_FOLDERS: [&str; 5] = [
    "/usr/bin",
    "/usr/local/bin",
    "/usr/sbin",
    "/opt/homebrew/bin",
    "/home/linuxbrew/.linuxbrew/bin",
];
/// The oldest version that has what the queue's scripts and the append-only file need.
const OLDEST: (u32, u32) = (7, 0);

/// The server to run: `chosen`, or the first good one on the path or in a usual folder.
pub(super) async fn find(
    chosen: Option<&Path>,
    search_path: &OsStr,
) -> Result<PathBuf, EmbeddedError> {
    if let Some(chosen) = chosen {
        return check(chosen).await.map(|()| chosen.to_owned());
    }
    let folders = env::split_paths(search_path).chain(USUAL_FOLDERS.map(PathBuf::from));
    let mut refused = None;
    for program in folders.map(|folder| folder.join("redis-server")) {
        if !program.is_file() {
            continue;
        }
        match check(&program).await {
            Ok(()) => return Ok(program),
            // The first one is what the user would have meant.
            Err(err) => refused = refused.or(Some(err)),
        }
    }
    Err(refused.unwrap_or(EmbeddedError::Missing))
}

async fn check(program: &Path) -> Result<(), EmbeddedError> {
    let path = program.to_owned();
    let output = Command::new(program)
        .arg("--version")
        .output()
        .await
        .map_err(|source| EmbeddedError::NotRun {
            path: path.clone(),
            source,
        })?;
    let said = String::from_utf8_lossy(&output.stdout);
    match version(&said) {
        Some(version) if version >= OLDEST => Ok(()),
        Some((major, minor)) => Err(EmbeddedError::TooOld {
            path,
            version: format!("{major}.{minor}"),
        }),
        None => Err(EmbeddedError::NotRedis {
            path,
            said: said.lines().next().unwrap_or_default().to_owned(),
        }),
    }
}

/// Reads `Redis server v=7.0.15 sha=…`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("Redis server v=")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn only_redis_has_a_version_that_counts() {
        assert_eq!(version("Redis server v=7.0.15 sha=0"), Some((7, 0)));
        assert_eq!(version("Redis server v=8.2.0 sha=0"), Some((8, 2)));
        assert_eq!(version("Valkey server v=8.0.1 sha=0"), None);
    }
}
