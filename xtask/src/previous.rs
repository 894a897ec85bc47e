//! The `signalbox` of another commit, built beside this one.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::step::Cargo;

/// Builds `signalbox` as it was at `commit` and returns where the program is.
///
/// Each commit has a folder of its own, because cargo tells by time whether a file has changed, and those of an older
/// commit are older. The dependencies are those that this build has already.
pub(crate) fn build(cargo: &Cargo, commit: &str) -> Result<PathBuf> {
    let target = target_folder()?;
    let hash = hash_of(cargo.root(), commit)?;
    let folder = target.join("previous");
    let program = folder.join(format!("signalbox-{hash}"));
    if program.is_file() {
        return Ok(program);
    }
    let sources = folder.join(&hash);
    unpack(cargo.root(), &hash, &sources)?;
    let shared = target.to_str().context("the target folder is no text")?;
    let build = ["build", "--quiet", "--release", "--bin", "signalbox"];
    let succeeded = cargo
        .clone()
        .at(&sources)
        .step_with(build, &[("CARGO_TARGET_DIR", shared)])?;
    ensure!(succeeded, "`signalbox` of {commit} cannot be built");
    fs::copy(target.join("release/signalbox"), &program)?;
    fs::remove_dir_all(&sources)?;
    Ok(program)
}

/// Where this very program was built.
fn target_folder() -> Result<PathBuf> {
    let own = env::current_exe()?;
    let folder = own.ancestors().nth(2).map(Path::to_owned);
    folder.context("xtask is run from a target folder")
}

fn hash_of(root: &Path, commit: &str) -> Result<String> {
    let revision = format!("{commit}^{{commit}}");
    let asked = Command::new("git")
        .current_dir(root)
        .args(["rev-parse", "--verify", "--quiet", &revision])
        .output()
        .context("git cannot be run; it is needed to build another commit")?;
    ensure!(
        asked.status.success(),
        "there is no commit `{commit}`; name one with `--previous`, or play other scenarios with `--only`"
    );
    Ok(String::from_utf8(asked.stdout)?.trim().to_owned())
}

fn unpack(root: &Path, hash: &str, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut archive = Command::new("git")
        .current_dir(root)
        .args(["archive", "--format=tar", hash])
        .stdout(Stdio::piped())
        .spawn()
        .context("git cannot be run")?;
    let tar = archive.stdout.take().context("git has a pipe")?;
    let unpacked = Command::new("tar")
        .current_dir(folder)
        .arg("-x")
        .stdin(tar)
        .status()
        .context("tar cannot be run")?;
    ensure!(
        archive.wait()?.success() && unpacked.success(),
        "the commit {hash} cannot be unpacked"
    );
    Ok(())
}
