//! What the CI runs, in the order of what fails fastest.

use std::process::ExitCode;

use anyhow::Result;

use crate::step::Cargo;

/// Stops at the first step that fails. The last line printed is the test runner's own.
pub(crate) fn run(cargo: &Cargo) -> Result<ExitCode> {
    let clippy = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    let doc = [
        "doc",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ];
    let passed = cargo.step(["fmt", "--check"])?
        && cargo.step(clippy)?
        && cargo.step_with(doc, &[("RUSTDOCFLAGS", "-D warnings")])?
        // The integration tests start the real program.
        && cargo.step(["build", "--bin", "signalbox"])?
        && cargo.step_with(runner(cargo), &[("INSTA_UPDATE", "no")])?;
    Ok(ExitCode::from(u8::from(!passed)))
}

/// Nextest where there is one, because it is faster. There are no tests in documentation for it to miss.
fn runner(cargo: &Cargo) -> Vec<&'static str> {
    if cargo.has("nextest") {
        vec!["nextest", "run", "--workspace", "--no-fail-fast"]
    } else {
        let targets = ["--lib", "--bins", "--tests"];
        [["test", "--workspace", "--no-fail-fast"], targets].concat()
    }
}
