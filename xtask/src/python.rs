//! Makes sure that there is a Python with `cryptography`, with which a test opens sealed secrets independently of us.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};

use crate::install::{self, Package};

const CRYPTOGRAPHY: Package = Package {
    what: "`python3` with its module `cryptography`",
    purpose: "a test opens sealed secrets with",
    apt: "python3-cryptography",
    brew: "cryptography",
};

/// Installs it if no Python has it and that is allowed.
pub(crate) fn ensure(yes: bool) -> Result<()> {
    if is_there() {
        return Ok(());
    }
    install::install(&CRYPTOGRAPHY, yes)?;
    ensure!(
        is_there(),
        "`cryptography` was installed and no `python3` finds it; put the folder of the one that does on the PATH"
    );
    Ok(())
}

fn is_there() -> bool {
    install::folders().any(|folder| can_import(&folder.join("python3")))
}

fn can_import(python: &Path) -> bool {
    let mut python = Command::new(python);
    python.args(["-c", "import cryptography.hazmat.primitives.ciphers.aead"]);
    let status = python.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
