//! The image that the containers run: at full size what deploy/Dockerfile builds, at reduced size its last stage with
//! the program that is there already, because compiling it takes minutes.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use super::super::{Criterion, Size};
use crate::{
    containers::{Compose, Stack, docker, root},
    fleet::program,
};

/// What the containers of the demo are made from, unless somebody says otherwise.
const BASES: [&str; 2] = ["debian:bookworm-slim", "redis:7-bookworm"];
/// What is built is copied from here.
const BUILT: &str = "--from=build /src/target/release/signalbox";

/// A stack whose image is there, or why there can be none.
pub(super) async fn stack(
    compose: Compose,
    size: Size,
) -> Result<std::result::Result<Stack, String>> {
    if size == Size::Full {
        let stack = Stack::new(compose, "prove")?;
        stack.build().await?;
        return Ok(Ok(stack));
    }
    for base in BASES {
        if docker(&["image", "inspect", base]).await.is_err() {
            return Ok(Err(format!("the image `{base}` is not on this machine")));
        }
    }
    prebuilt().await?;
    // A program that was built beside a newer C library than the image has cannot run in it.
    match docker(&["run", "--rm", "signalbox:reduced", "--version"]).await {
        Ok(_) => Ok(Ok(Stack::new(compose, "reduced")?)),
        Err(error) => Ok(Err(format!(
            "what was built here does not run in the image: {error:#}"
        ))),
    }
}

/// What the image takes, its base included.
pub(super) async fn size(tag: &str) -> Result<Criterion> {
    let image = format!("signalbox:{tag}");
    let bytes = docker(&["image", "inspect", "--format", "{{.Size}}", &image]).await?;
    let bytes: u64 = bytes.trim().parse()?;
    let name = "compose: megabytes of the image, its base included";
    Ok(Criterion::told(name, bytes / 1_000_000))
}

/// Makes `signalbox:reduced`.
async fn prebuilt() -> Result<()> {
    let folder = tempfile::tempdir()?;
    fs::copy(program("signalbox")?, folder.path().join("signalbox"))?;
    // The authorities of this machine stand in for those of the image that would have built the program.
    let authorities = "ca-certificates.crt";
    let system = Path::new("/etc/ssl/certs").join(authorities);
    let read = fs::read(system).unwrap_or_default();
    fs::write(folder.path().join(authorities), read)?;
    fs::write(folder.path().join("Dockerfile"), last_stage()?)?;
    let folder = folder.path().to_str().context("the folder is no text")?;
    docker(&["build", "--quiet", "--tag", "signalbox:reduced", folder]).await?;
    Ok(())
}

/// The end of deploy/Dockerfile, with what comes from its beginning taken from beside it.
fn last_stage() -> Result<String> {
    let text = fs::read_to_string(root().join("deploy/Dockerfile"))?;
    let (_, last) = text
        .rsplit_once("\nFROM ")
        .context("deploy/Dockerfile has no second stage")?;
    anyhow::ensure!(last.contains(BUILT), "deploy/Dockerfile copies no program");
    let last = last
        .replace(BUILT, "signalbox")
        .replace("--from=build /etc/ssl/certs/", "");
    Ok(format!("ARG BASE_IMAGE={}\nFROM {last}", BASES[0]))
}
