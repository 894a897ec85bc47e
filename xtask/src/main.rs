//! The project's chores: what the README and the CI call, on a machine that has only Rust.
//!
//! Everything said here goes to stderr, so that the stdout of `demo` and `prove` is theirs alone.
//! Exits 0 when all went well, 1 when a step failed, 2 when a step could not be taken.

mod install;
mod previous;
mod prometheus;
mod prove;
mod python;
mod redis_server;
mod step;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::step::Cargo;

#[derive(Debug, Parser)]
#[command(
    name = "xtask",
    bin_name = "cargo xtask",
    about = "Set-up, demo, tests, measurements and proofs of Signalbox"
)]
struct Cli {
    /// Install what is missing without asking
    #[arg(long, global = true)]
    yes: bool,
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Check format, lints and docs, then run every test: exactly what the CI runs
    Test,
    /// Play a day of business against the simulator; arguments go to `signalbox demo`
    Demo {
        /// Arguments of `signalbox demo`, for example `--exit-after-secs 20 --json`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Measure the queue, beside its peers if asked; arguments go to the package in `tests/bench`
    Bench {
        /// For example `queue --peers --aof everysec --rounds 5 --json figures.json`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run what an issue promises at full size; exits 1 if a figure falls short
    Prove(prove::Prove),
}

fn main() -> ExitCode {
    run(Cli::parse()).unwrap_or_else(|error| {
        step::say(&format!("error: {error:#}"));
        ExitCode::from(2)
    })
}

fn run(cli: Cli) -> Result<ExitCode> {
    // These take their arguments as they are, so a late `--yes` ends up among them.
    let late_yes = matches!(&cli.chore, Chore::Demo { args } | Chore::Bench { args } if args.iter().any(|a| a == "--yes"));
    let redis = redis_server::ensure(cli.yes || late_yes)?;
    let mut programs = vec![redis];
    if needs_prometheus(&cli.chore) {
        programs.extend(prometheus::ensure(cli.yes)?);
    }
    if matches!(cli.chore, Chore::Test) {
        python::ensure(cli.yes)?;
    }
    let cargo = Cargo::with_programs(&programs)?;
    match cli.chore {
        Chore::Test => test::run(&cargo),
        Chore::Bench { args } => {
            // The peers are built here as well, and the product's own lock file does not know them.
            let bench = ["run", "--quiet", "--release", "--"].into_iter();
            cargo.within("tests/bench").say_and_become(
                "build --release in tests/bench",
                bench.chain(passed_on(&args)),
            )
        }
        Chore::Demo { args } => {
            let args = passed_on(&args);
            let signalbox = [
                "run",
                "--quiet",
                "--release",
                "--bin",
                "signalbox",
                "--",
                "demo",
            ];
            cargo.say_and_become(
                "build --release --bin signalbox",
                signalbox.into_iter().chain(args),
            )
        }
        Chore::Prove(prove) => prove::run(&cargo, &prove),
    }
}

fn needs_prometheus(chore: &Chore) -> bool {
    match chore {
        Chore::Test => true,
        Chore::Prove(prove) => prove.watches(),
        Chore::Demo { .. } | Chore::Bench { .. } => false,
    }
}

/// What is not ours among `args`.
fn passed_on(args: &[String]) -> impl Iterator<Item = &str> {
    args.iter()
        .map(String::as_str)
        .filter(|arg| *arg != "--yes")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Chore, Cli};

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_arguments_of_the_demo_are_passed_on_as_they_are() {
        let line = ["xtask", "demo", "--exit-after-secs", "20", "--json"];
        let Chore::Demo { args } = Cli::parse_from(line).chore else {
            panic!("not the demo");
        };
        assert_eq!(args, line[2..]);
    }

    #[test]
    fn a_proof_is_named_and_may_be_narrowed_to_one_scenario() {
        let line = ["xtask", "prove", "queue", "--only", "soak", "--json"];
        assert!(Cli::try_parse_from(line).is_ok());
        assert!(Cli::try_parse_from(["xtask", "prove"]).is_err());
    }

    #[test]
    fn the_arguments_of_the_benchmark_are_passed_on_as_they_are() {
        let line = ["xtask", "bench", "queue", "--peers", "--aof", "always"];
        let Chore::Bench { args } = Cli::parse_from(line).chore else {
            panic!("not the benchmark");
        };
        assert_eq!(args, line[2..]);
    }
}
