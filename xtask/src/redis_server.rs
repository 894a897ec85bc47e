//! Makes sure that there is a `redis-server`, which the tests and the demo run for themselves.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::install::{self, Package};

const REDIS: Package = Package {
    what: "`redis-server` 7.0 or later",
    purpose: "the tests and the demo run for themselves",
    apt: "redis-server",
    brew: "redis",
};

/// The path of a `redis-server` of version 7.0 or later, which is installed if there is none and that is allowed.
pub(crate) fn ensure(yes: bool) -> Result<PathBuf> {
    if let Found::Good(path) = find() {
        return Ok(path);
    }
    install::install(&REDIS, yes)?;
    match find() {
        Found::Good(path) => Ok(path),
        Found::Old(path, version) => bail!(
            "`{}` is version {version}, and the package manager has no newer one; install Redis 7.0 or later as https://redis.io/docs/latest/operate/oss_and_stack/install/ describes",
            path.display()
        ),
        Found::Nothing => {
            bail!("`redis-server` was installed and cannot be found; put its folder on the PATH")
        }
    }
}

enum Found {
    Good(PathBuf),
    Old(PathBuf, String),
    Nothing,
}

/// The first good server on the path or in a usual folder; failing that, the first old one.
fn find() -> Found {
    let mut found = Found::Nothing;
    for program in install::folders().map(|folder| folder.join("redis-server")) {
        match version_of(&program) {
            Ok((major, _)) if major >= 7 => return Found::Good(program),
            Ok((major, minor)) if matches!(found, Found::Nothing) => {
                found = Found::Old(program, format!("{major}.{minor}"));
            }
            _ => {}
        }
    }
    found
}

fn version_of(program: &Path) -> Result<(u32, u32)> {
    let output = Command::new(program).arg("--version").output()?;
    parse_version(&String::from_utf8_lossy(&output.stdout)).context("not a Redis server")
}

/// Reads `Redis server v=7.0.15 sha=…`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let version = text.strip_prefix("Redis server v=")?;
    let (major, rest) = version.split_once('.')?;
    let (minor, _) = rest.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn the_version_is_read_from_what_the_server_prints() {
        let printed = "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64";
        assert_eq!(parse_version(printed), Some((7, 0)));
        assert_eq!(parse_version("Valkey server v=8.0.1 sha=0"), None);
        assert_eq!(parse_version(""), None);
    }
}
