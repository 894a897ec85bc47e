//! `signalbox trail`: what it takes.

use clap::{Subcommand, ValueEnum};

use super::Moment;

/// `signalbox trail …`
#[derive(Debug, Subcommand)]
pub enum TrailCommand {
    /// Print every step of a time, story by story
    Export {
        /// From when on: a date, an instant, or so long ago, such as 7d
        #[arg(long, value_name = "WHEN")]
        since: Moment,
        /// Until when [default: now]
        #[arg(long, value_name = "WHEN")]
        until: Option<Moment>,
        /// One JSON object per line, or a table with a header
        #[arg(long, value_enum, default_value_t = ExportFormat::Ndjson)]
        format: ExportFormat,
    },
    /// Print every step of one document
    Show {
        /// Its number, its `ControlNumber`, or the id of a job
        document: String,
    },
}

/// How steps are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A table.
    Csv,
    /// A JSON object per line.
    Ndjson,
}
