//! `signalbox replay`: which documents are meant, and what is done with them.

use clap::{ArgGroup, Args, builder::NonEmptyStringValueParser};
use signalbox_core::RouteName;

use super::Moment;

/// Documents whose records are read again. All that is given must hold of a document.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).multiple(true)))]
pub struct Replay {
    /// The document of this number or `ControlNumber`; may be given more than once
    #[arg(
        long = "document", value_name = "DOCUMENT", group = "which", value_parser = NonEmptyStringValueParser::new()
    )]
    pub documents: Vec<String>,
    /// Those that this route dealt with, for this route only
    #[arg(long, value_name = "ROUTE", group = "which", value_parser = route)]
    pub route: Option<RouteName>,
    /// Those with a step since then: a date, an instant, or so long ago, such as 7d
    #[arg(long, value_name = "WHEN", group = "which")]
    pub since: Option<Moment>,
    /// Those with a step before then
    #[arg(long, value_name = "WHEN", group = "which")]
    pub until: Option<Moment>,
    /// Those with a job that died of something that contains this text
    #[arg(long, value_name = "TEXT", group = "which", value_parser = NonEmptyStringValueParser::new())]
    pub failed_with: Option<String>,
    /// Only say how many there are
    #[arg(long)]
    pub dry_run: bool,
    /// Announce even what was announced before: one more card each
    #[arg(long)]
    pub again: bool,
}

fn route(text: &str) -> Result<RouteName, signalbox_core::NameError> {
    RouteName::new(text)
}
