//! `cargo xtask prove NAME`: an issue's "Done when" at full size, one line per criterion.
//!
//! Exits 0 if all hold, 1 if any falls short, 2 if there is nothing of that name.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use harness::scenarios::{Criterion, Figure, Scenario, Size};

#[derive(Debug, Parser)]
#[command(name = "prove", about = "Measure what an issue promises, at full size")]
struct Cli {
    /// What to prove
    #[arg(value_parser = ["main", "queue", "run", "business-central"])]
    name: String,
    /// Print a JSON list in the end instead of lines
    #[arg(long)]
    json: bool,
    /// Only this scenario, for example `latency`
    #[arg(long, value_name = "SCENARIO")]
    only: Option<String>,
    /// The `signalbox` of another commit, which `side-by-side` needs
    #[arg(long, value_name = "PROGRAM")]
    previous: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> io::Result<ExitCode> {
    let cli = Cli::parse();
    tokio::select! {
        proved = prove(&cli) => proved,
        // Dropping what is being played ends its processes.
        interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| ExitCode::from(2)),
    }
}

async fn prove(cli: &Cli) -> io::Result<ExitCode> {
    let wanted = |one: &Scenario| cli.only.as_deref().is_none_or(|name| name == one.name());
    let mut all = Vec::new();
    let scenarios: &[Scenario] = match cli.name.as_str() {
        "queue" => &Scenario::QUEUE,
        "run" => &Scenario::RUN,
        "business-central" => &Scenario::BUSINESS_CENTRAL,
        _ => &Scenario::MAIN,
    };
    for scenario in scenarios.iter().copied().filter(wanted) {
        let criteria = play(scenario, cli.previous.as_deref()).await;
        if !cli.json {
            criteria.iter().try_for_each(line)?;
        }
        all.extend(criteria);
    }
    if cli.json {
        writeln!(io::stdout(), "{}", serde_json::to_string(&all)?)?;
    }
    // Nothing that was looked at is nothing that holds.
    let holds = !all.is_empty() && all.iter().all(|one| one.holds);
    Ok(ExitCode::from(u8::from(!holds)))
}

/// A scenario that breaks off is a criterion that does not hold, and no reason not to play the others.
async fn play(scenario: Scenario, previous: Option<&Path>) -> Vec<Criterion> {
    match scenario.play(Size::Full, previous).await {
        Ok(criteria) => criteria,
        Err(error) => {
            // With stderr closed there is nobody to tell; the criterion tells the rest.
            drop(writeln!(io::stderr(), "{}: {error:#}", scenario.name()));
            vec![Criterion::broken_off(scenario)]
        }
    }
}

fn line(criterion: &Criterion) -> io::Result<()> {
    if let Some(why) = &criterion.skipped {
        let name = &criterion.criterion;
        return writeln!(io::stdout(), "skip   {name}: was not looked at: {why}");
    }
    let mark = if criterion.holds { "ok   " } else { "SHORT" };
    let figure = match criterion.figure {
        Figure::Count(count) => count.to_string(),
        Figure::Measure(measure) => format!("{measure:.2}"),
    };
    let unit = criterion.unit.unwrap_or_default();
    let (name, required) = (&criterion.criterion, &criterion.required);
    writeln!(
        io::stdout(),
        "{mark}  {name:<58} {figure:>10} {unit:<5}  required {required}"
    )
}
