//! `cargo xtask bench`: the queue's throughput, latency and memory, beside its peers, on one Redis.
//!
//! Contestants take turns within every round, so that what slows the machine slows all of them.
//! The table goes to stdout, what is being measured to stderr. Exits 0 when all was measured, 2 when something was not.

mod contestant;
mod contestants;
mod figures;
mod limit;
mod masters;
mod measure;
mod report;
mod server;
mod shape;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

use crate::{report::Entry, server::Aof, shape::Shape};

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measure Signalbox beside what else there is")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The queue: enqueue, process, pickup, backlog, lanes, memory
    Queue(QueueArgs),
    /// A cluster: what a second master costs of processor time, and how evenly the two are used
    Masters(MastersArgs),
}

#[derive(Debug, Args)]
struct MastersArgs {
    /// Jobs of one round
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1000..))]
    jobs: u32,
    /// Rounds of which the median is taken
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How Redis syncs its log
    #[arg(long, value_enum, default_value = "everysec")]
    aof: Aof,
}

#[derive(Debug, Args)]
struct QueueArgs {
    /// Measure bullmq-official, apalis-redis and BullMQ on Node.js as well
    #[arg(long)]
    peers: bool,
    /// How Redis syncs its log; without it all three in turn
    #[arg(long, value_enum)]
    aof: Option<Aof>,
    /// Rounds of which the median is taken
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Write the figures here as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only these shapes
    #[arg(long, value_enum, value_delimiter = ',')]
    shapes: Vec<Shape>,
    /// A factor on the numbers of jobs: 0.01 shows quickly that everything works and says nothing about speed
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let what = Cli::parse().what;
    let benched = tokio::select! {
        benched = measure(&what) => benched,
        // Dropping what is measured ends its processes.
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    benched.unwrap_or_else(|error| {
        say(&format!("error: {error:#}"));
        ExitCode::from(2)
    })
}

async fn measure(what: &What) -> Result<ExitCode> {
    match what {
        What::Queue(args) => bench(args).await,
        What::Masters(args) => {
            let jobs = usize::try_from(args.jobs)?;
            let table = masters::table(jobs, args.rounds, args.aof).await?;
            write!(io::stdout(), "{table}")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn bench(args: &QueueArgs) -> Result<ExitCode> {
    let aofs = args.aof.map_or(Aof::ALL.to_vec(), |aof| vec![aof]);
    let shapes = if args.shapes.is_empty() {
        Shape::ALL.to_vec()
    } else {
        args.shapes.clone()
    };
    let node = if args.peers {
        contestants::bullmq_node::Install::run().await
    } else {
        None
    };
    let (mut entries, mut complete) = (Vec::new(), true);
    write!(io::stdout(), "{}", report::HEADING)?;
    for aof in aofs {
        let server = server::Server::start(aof).await?;
        say(&format!(
            "Redis {}, aof {}",
            server.version().await?,
            aof.word()
        ));
        let mut field = contestants::field(&server.url(), args.peers);
        if let Some(install) = &node {
            field.push(Box::new(install.start(server.port())?));
        }
        for shape in &shapes {
            let rounds = measure::rounds(*shape, args.rounds, args.scale, &server, &mut field);
            let rounds = rounds.await?;
            complete &= rounds.complete;
            let entry = Entry::new(*shape, aof, &rounds);
            write!(io::stdout(), "{}", entry.row())?;
            entries.push(entry);
        }
    }
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&entries)?;
        let name = file.display();
        std::fs::write(file, text + "\n").with_context(|| format!("cannot write `{name}`"))?;
    }
    Ok(ExitCode::from(if complete { 0 } else { 2 }))
}

/// Tells whoever waits what is going on.
fn say(line: &str) {
    // With stderr closed there is nobody to tell, and that is no reason to stop.
    drop(writeln!(io::stderr(), "bench: {line}"));
}
