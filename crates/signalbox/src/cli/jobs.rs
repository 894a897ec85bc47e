//! `signalbox jobs …` and `signalbox dead …`: which jobs are meant.
//!
//! Whatever could mean more jobs than were intended is refused here: an empty text, no choice at all, and two choices
//! of which one would be ignored.

use std::num::NonZeroUsize;

use clap::{
    ArgGroup, Args, Subcommand,
    builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser},
};
use signalbox_config::Queue as Kind;
use signalbox_core::{JobId, is_unknown_group};
use signalbox_queue::JobState;

use crate::listing::Cursor;

/// `signalbox jobs …`
#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// End jobs that wait, as if they were done
    Cancel {
        /// The jobs, as `jobs list` prints them
        #[arg(required = true, value_name = "ID", value_parser = job_id)]
        ids: Vec<JobId>,
        /// Why, for those who wonder
        #[arg(long, default_value = "cancelled by an operator")]
        reason: String,
    },
    /// Let jobs that wait not run until they are released
    Hold {
        /// The jobs, as `jobs list` prints them
        #[arg(required = true, value_name = "ID", value_parser = job_id)]
        ids: Vec<JobId>,
        /// The name under which they can be released together
        #[arg(long, default_value = "operator", value_parser = own_group)]
        group: String,
        /// Why, for those who wonder
        #[arg(long, default_value = "held by an operator")]
        reason: String,
    },
    /// Print jobs page by page, first those that wait, last those that are over
    List {
        /// Only those of this queue
        #[arg(long, value_parser = queue_name())]
        queue: Option<String>,
        /// Only those in this state
        #[arg(long, value_parser = job_state())]
        state: Option<JobState>,
        /// Which page.
        #[command(flatten)]
        paging: Paging,
    },
    /// Let held jobs go on
    Release(Released),
    /// Take the announcements of a held group as known, so that they are never made
    Seen(GroupName),
    /// Print everything about one job
    Show {
        /// The job, as `jobs list` prints it
        #[arg(value_parser = job_id)]
        id: JobId,
    },
}

/// `signalbox dead …`
#[derive(Debug, Subcommand)]
pub enum DeadCommand {
    /// Print dead jobs page by page, the longest dead of each queue first
    List {
        /// Which.
        #[command(flatten)]
        dying: Dying,
        /// Which page.
        #[command(flatten)]
        paging: Paging,
    },
    /// Bring dead jobs back with all their attempts before them
    Replay(Replayed),
}

/// A page of a list.
#[derive(Debug, Args)]
pub struct Paging {
    /// Begin where the page before ended: the cursor that it printed
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<Cursor>,
    /// Print this many at the most
    #[arg(long, default_value = "100", value_name = "N")]
    pub limit: NonZeroUsize,
}

/// Dead jobs by their queue and by what they died of.
#[derive(Debug, Args)]
pub struct Dying {
    /// Only those of this queue
    #[arg(long, value_parser = queue_name())]
    pub queue: Option<String>,
    /// Only those whose reason contains this text
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub failed_with: Option<String>,
}

/// A group of held jobs, with or without the flag before its name.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct GroupName {
    /// The group, as the hold names it
    #[arg(value_name = "GROUP")]
    name: Option<String>,
    /// The group, as the hold names it
    #[arg(long = "group", value_name = "GROUP")]
    flagged: Option<String>,
}

impl GroupName {
    /// The name.
    pub fn as_str(&self) -> &str {
        let name = self.name.as_deref().or(self.flagged.as_deref());
        name.unwrap_or_default()
    }
}

/// Held jobs that are let go on: a whole group, or some by their ids.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Released {
    /// All jobs of this group, as the hold names it
    #[arg(value_name = "GROUP")]
    name: Option<String>,
    /// All jobs of this group, as the hold names it
    #[arg(long = "group", value_name = "GROUP")]
    flagged: Option<String>,
    /// This job, whatever group holds it; may be given more than once
    #[arg(long = "job", value_name = "ID", value_parser = job_id)]
    pub jobs: Vec<JobId>,
}

impl Released {
    /// The group, unless jobs are named.
    pub fn group(&self) -> Option<&str> {
        self.name.as_deref().or(self.flagged.as_deref())
    }
}

/// Dead jobs that are brought back.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).multiple(true)))]
pub struct Replayed {
    /// These jobs, as `dead list` prints them
    #[arg(
        value_name = "ID", value_parser = job_id, group = "which",
        conflicts_with_all = ["queue", "failed_with", "all"]
    )]
    pub ids: Vec<JobId>,
    /// Those of this queue
    #[arg(long, value_parser = queue_name(), group = "which", conflicts_with = "all")]
    pub queue: Option<String>,
    /// Those whose reason contains this text
    #[arg(
        long, value_name = "TEXT", group = "which", conflicts_with = "all",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub failed_with: Option<String>,
    /// All of them
    #[arg(long, group = "which")]
    pub all: bool,
    /// Only say how many there are
    #[arg(long)]
    pub dry_run: bool,
}

fn queue_name() -> PossibleValuesParser {
    let all = [Kind::CatchUp, Kind::Post, Kind::Read, Kind::Renew];
    PossibleValuesParser::new(all.map(Kind::as_str))
}

fn job_state() -> impl TypedValueParser<Value = JobState> {
    let all = [
        JobState::Ready,
        JobState::Scheduled,
        JobState::Running,
        JobState::Held,
        JobState::Dead,
        JobState::Cancelled,
        JobState::Done,
    ];
    PossibleValuesParser::new(all.map(JobState::as_str))
        .try_map(|text| JobState::parse(&text).ok_or("is no state"))
}

fn job_id(text: &str) -> Result<JobId, &'static str> {
    if text.is_empty() {
        return Err("an id is not empty");
    }
    Ok(JobId::from_stored(text))
}

/// A release of these groups says more than "go on", or is done by workers, so no job may come into one by hand.
fn own_group(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.starts_with("route/") || is_unknown_group(text) {
        return Err(
            "groups of routes are Signalbox's own; choose another name, such as `operator`",
        );
    }
    Ok(text.to_owned())
}
