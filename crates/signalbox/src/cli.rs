//! The command line. What each command does is in the file of its name under `commands/`.

mod jobs;
mod moment;
mod replay;
mod secrets;
mod trail;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use signalbox_config::{Config, Environment};

pub use self::jobs::{DeadCommand, Dying, GroupName, JobsCommand, Paging, Released, Replayed};
pub use self::{
    moment::{Moment, MomentError},
    replay::Replay,
    secrets::SecretsCommand,
    trail::{ExportFormat, TrailCommand},
};

/// Finance events from Microsoft Dynamics 365 to Teams and Power BI
#[derive(Debug, Parser)]
#[command(name = "signalbox", version, propagate_version = true)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// The configuration file [default: signalbox.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
}

impl Global {
    /// The configuration.
    pub fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(
            self.config.as_deref(),
            &Environment::from_process(),
        )?)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run all roles in one process
    All,
    /// Check the configuration, Redis and, with --online, every connection
    Check {
        /// Ask every configured system
        #[arg(long)]
        online: bool,
    },
    /// Print what a shell completes this program's command line with
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Show the effective configuration
    Config {
        /// What to show
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// List dead jobs with their reasons, and bring them back
    Dead {
        /// What to do
        #[command(subcommand)]
        command: DeadCommand,
    },
    /// Play business against a simulated cloud and show every delivery
    Demo {
        /// Stop the traffic after this time, deliver what is left, and print the result
        #[arg(long, value_name = "N")]
        exit_after_secs: Option<u64>,
    },
    /// Ask a running role on this machine whether it is well
    Healthcheck,
    /// Receive webhooks
    Ingress,
    /// Look at jobs; cancel, hold and release them
    Jobs {
        /// What to do
        #[command(subcommand)]
        command: JobsCommand,
    },
    /// Look at lanes, shut and open them, and change their limits
    Lanes {
        /// What to do
        #[command(subcommand)]
        command: LanesCommand,
    },
    /// Print the manual's first page, or write all pages into a folder
    Man {
        /// The folder, for example `/usr/share/man/man1`; it is made if it is not there
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// End the embedded Redis of a folder once nobody uses it any more
    #[command(hide = true)]
    RedisWatch {
        /// The folder of that Redis
        folder: PathBuf,
        /// How long it may be without an owner
        #[arg(long)]
        idle_ms: u64,
    },
    /// Read documents again and announce what was not announced
    Replay(Replay),
    /// Look at routes and let them begin anew
    Routes {
        /// What to do
        #[command(subcommand)]
        command: RoutesCommand,
    },
    /// Look at schedules and tick by hand
    Schedules {
        /// What to do
        #[command(subcommand)]
        command: SchedulesCommand,
    },
    /// Seal secrets in a file, and rotate the key to them
    Secrets {
        /// What to do
        #[command(subcommand)]
        command: SecretsCommand,
    },
    /// Run the simulated Microsoft cloud alone
    Simulate {
        /// Where it listens
        #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDR")]
        bind: SocketAddr,
        /// Faults to begin with, a JSON list as `POST /_sim/v1/faults` takes them one by one
        #[arg(long, value_name = "FILE")]
        faults: Option<PathBuf>,
        /// Purchasers `P01`, `P02`, … of the traffic, each with a channel `Purchaser 01`, … in the team `Finance`
        #[arg(long, default_value_t = 40, value_name = "N")]
        purchasers: usize,
        /// What its delays and windows are multiplied by; subscriptions live as long as in reality
        #[arg(long, default_value_t = 1.0)]
        time_scale: f64,
        /// Play so many steps of business a second, from when somebody subscribes and has read what exists
        #[arg(long, value_name = "RATE")]
        traffic: Option<f64>,
    },
    /// Print what waits, what is shut and what needs a person
    Status {
        /// Look again and again until Ctrl-C: in place on a terminal, one table after the other elsewhere
        #[arg(long)]
        watch: bool,
        /// Seconds between two looks
        #[arg(long, requires = "watch", value_name = "SECS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
        every: u64,
    },
    /// Look at the subscriptions of Business Central, and have them looked after now
    Subscriptions {
        /// What to do
        #[command(subcommand)]
        command: SubscriptionsCommand,
    },
    /// Tell what happened to a document
    Trail {
        /// What to do
        #[command(subcommand)]
        command: TrailCommand,
    },
    /// Work on jobs
    Worker {
        /// The queues to serve [default: `worker.queues`]
        #[arg(long, value_delimiter = ',', value_name = "QUEUES")]
        queues: Vec<String>,
        /// Jobs of each queue at once [default: `worker.concurrency`]
        #[arg(long, value_name = "N")]
        concurrency: Option<std::num::NonZeroUsize>,
    },
}

/// `signalbox config …`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the JSON Schema of the configuration, for editors
    Schema,
    /// Print the effective configuration without its secrets
    Show,
}

/// `signalbox lanes …`
#[derive(Debug, Subcommand)]
pub enum LanesCommand {
    /// Let no job of a lane run until it is opened
    Close {
        /// The lane, as `lanes list` prints it
        lane: String,
        /// Why, for those who wonder
        #[arg(long, default_value = "closed by an operator")]
        reason: String,
    },
    /// Set a lane's limits for all workers, or give the configured ones back
    Limit {
        /// The lane, as `lanes list` prints it
        lane: String,
        /// For example "4 7/1s 60/30s": requests at once, then amounts per time; without it the configured ones hold
        limits: Option<String>,
    },
    /// Print every lane that was shut or limited at some time
    List,
    /// Open a lane: end its gate, its pause and its fault
    Open {
        /// The lane, as `lanes list` prints it
        lane: String,
    },
}

/// `signalbox routes …`
#[derive(Debug, Subcommand)]
pub enum RoutesCommand {
    /// Take everything that exists as known, and announce what comes after
    Baseline {
        /// The route's name
        route: String,
    },
    /// Print every route, what it may do and what is held for it
    List,
}

/// `signalbox schedules …`
#[derive(Debug, Subcommand)]
pub enum SchedulesCommand {
    /// Print every schedule with its last and its next tick
    List,
    /// Make one tick of a route now, beside its schedule
    Run {
        /// The route's name
        route: String,
    },
}

/// `signalbox subscriptions …`
#[derive(Debug, Subcommand)]
pub enum SubscriptionsCommand {
    /// Print every subscription with its end, and why a set is polled instead
    List,
    /// Have a worker look after the subscriptions now
    Renew {
        /// Those of this connection only
        #[arg(long, value_name = "NAME")]
        connection: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
