//! A secret from whoever calls the program: through a pipe, or typed without being shown.

use std::io::{self, IsTerminal, Read};

use anyhow::{Context as _, ensure};
use secrecy::{SecretString, zeroize::Zeroizing};
use signalbox_config::SecretName;
use tokio::signal::unix::{SignalKind, signal};

/// More than any password, key or certificate; a whole file given by mistake is longer.
const LONGEST: u64 = 64 * 1024;

/// The value for `name`, without the newline at its end.
pub(super) fn read(name: &SecretName) -> anyhow::Result<SecretString> {
    let text = Zeroizing::new(if io::stdin().is_terminal() {
        typed(name)?
    } else {
        piped()?
    });
    let text = text.trim_end_matches(['\r', '\n']);
    ensure!(
        !text.is_empty(),
        "no value was given for `{name}`; pipe it into this command, or type it"
    );
    Ok(SecretString::from(text.to_owned()))
}

fn typed(name: &SecretName) -> anyhow::Result<String> {
    // With a handler Ctrl-C ends the reading and not the process, which would leave the terminal without echo.
    let interrupted = signal(SignalKind::interrupt())?;
    let prompt = format!("The value of `{name}`, which is not shown: ");
    let typed = rpassword::prompt_password(prompt);
    drop(interrupted);
    typed.context("the value cannot be read from the terminal")
}

fn piped() -> anyhow::Result<String> {
    let mut text = String::new();
    let read = io::stdin().take(LONGEST + 1).read_to_string(&mut text);
    let length = read.context("the value cannot be read from standard input as text")?;
    ensure!(
        u64::try_from(length)? <= LONGEST,
        "the value has more than {LONGEST} bytes; a secret is shorter"
    );
    Ok(text)
}
