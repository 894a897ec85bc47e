//! What is drawn: the status as lines that fit into a window. What matters most stands highest.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use signalbox_queue::{JobState, LaneView};

use super::super::{
    super::output,
    Backlog, Status,
    attention::Need,
    print::{STATES, phase},
};
use crate::listing::spoken;

/// The columns of [`STATES`].
const WIDTHS: [usize; 5] = [10, 8, 9, 6, 7];
/// A worker that has said nothing for this long missed at least two heartbeats.
const SILENT: Duration = Duration::from_secs(15);

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Quiet,
    Well,
    Waits,
    Wrong,
}

/// Pieces of one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line(pub(super) Vec<(Tone, String)>);

impl Line {
    fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self::default().and(tone, text)
    }

    fn and(mut self, tone: Tone, text: impl Into<String>) -> Self {
        // Reasons are somebody else's words, and must not move the cursor.
        self.0.push((tone, output::plain(&text.into())));
        self
    }

    fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.chars().count()).sum()
    }

    /// Cut at `width`, with a sign that there was more.
    fn fitted(mut self, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        let mut room = width.saturating_sub(1);
        for (_, text) in &mut self.0 {
            *text = text.chars().take(room).collect();
            room -= text.chars().count();
        }
        self.0.push((Tone::Quiet, "…".to_owned()));
        self
    }
}

/// What was seen.
pub(super) struct Look<'a> {
    pub(super) status: &'a Status,
    pub(super) needs: Vec<Need>,
    /// Why the last look failed, if it did; then the rest is from before.
    pub(super) trouble: Option<String>,
    pub(super) at: Timestamp,
    pub(super) every: Duration,
}

/// The lines for a window; the last row of it stays empty.
pub(super) fn lines(look: &Look<'_>, width: usize, height: usize) -> Vec<Line> {
    let mut lines = vec![title(look, width), Line::default()];
    lines.extend(queues(look.status));
    section(&mut lines, "needs a person", needs(&look.needs, width));
    section(&mut lines, "shut lanes", lanes(look));
    section(
        &mut lines,
        "workers, with what each runs of what it may",
        workers(look.status),
    );
    section(&mut lines, "held", held(look.status));
    section(&mut lines, "routes", routes(look.status));
    let room = height.saturating_sub(1);
    if lines.len() > room {
        let hidden = lines.len() - room.saturating_sub(1);
        lines.truncate(room.saturating_sub(1));
        let more = format!("{hidden} more lines; `signalbox status` prints them all");
        lines.push(Line::new(Tone::Quiet, more));
        lines.truncate(room);
    }
    lines.into_iter().map(|line| line.fitted(width)).collect()
}

fn title(look: &Look<'_>, width: usize) -> Line {
    let line = Line::new(Tone::Strong, "Signalbox  ");
    let line = match (&look.trouble, look.needs.len()) {
        (Some(trouble), _) => return line.and(Tone::Wrong, format!("looking again: {trouble}")),
        (None, 0) => line.and(Tone::Well, "nothing needs a person"),
        (None, 1) => line.and(Tone::Wrong, "1 thing needs a person"),
        (None, count) => line.and(Tone::Wrong, format!("{count} things need a person")),
    };
    let at = look.at.strftime("%H:%M:%SZ");
    let right = format!("{at}  every {} s  q ends", look.every.as_secs());
    let taken = line.width() + right.chars().count();
    let gap = width.saturating_sub(taken).max(2);
    line.and(Tone::Quiet, format!("{:gap$}{right}", ""))
}

/// Adds a heading and what stands below it, if anything does.
fn section(lines: &mut Vec<Line>, heading: &str, below: Vec<Line>) {
    if !below.is_empty() {
        lines.extend([Line::default(), Line::new(Tone::Quiet, heading)]);
        lines.extend(below);
    }
}

fn queues(status: &Status) -> Vec<Line> {
    let mut heading = format!("{:<9}", "queue");
    for (state, width) in STATES.iter().zip(WIDTHS) {
        heading = format!("{heading}{:>width$}", state.as_str());
    }
    let heading = format!(
        "{heading}{:>9}{:>8}{:>7}{:>7}",
        "oldest", "a min.", "p50", "p99"
    );
    let mut lines = vec![Line::new(Tone::Quiet, heading)];
    if status.queues.is_empty() {
        lines.push(Line::new(Tone::Quiet, "no job has come yet"));
    }
    let queues = status.queues.iter();
    lines.extend(queues.map(|(word, one)| queue(word, one, status.span)));
    lines
}

fn queue(word: &str, backlog: &Backlog, span: Duration) -> Line {
    let mut line = Line::new(Tone::Strong, format!("{word:<9}"));
    for (state, width) in STATES.into_iter().zip(WIDTHS) {
        let count = backlog.count(state);
        let tone = match state {
            _ if count == 0 => Tone::Quiet,
            JobState::Dead => Tone::Wrong,
            JobState::Held => Tone::Waits,
            _ => Tone::Plain,
        };
        line = line.and(tone, format!("{count:>width$}"));
    }
    let oldest = backlog.oldest_ready.map(short).unwrap_or_default();
    let took = |share| {
        let took = backlog.recent.quantile(share).map(short);
        took.map(|took| format!("<{took}")).unwrap_or_default()
    };
    let rate = rate(backlog.recent.done(), span);
    let (p50, p99) = (took(0.5), took(0.99));
    line.and(Tone::Plain, format!("{oldest:>9}{rate:>8}{p50:>7}{p99:>7}"))
}

/// Jobs a minute.
fn rate(done: u64, span: Duration) -> String {
    let seconds = span.as_secs().max(1);
    (done.saturating_mul(60) / seconds).to_string()
}

/// A time in a few characters: nobody who looks at it decides by more.
fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{}ms", time.as_millis()),
        1..100 => format!("{seconds}s"),
        100..6_000 => format!("{}m", seconds / 60),
        6_000..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn workers(status: &Status) -> Vec<Line> {
    let since = |at: Timestamp| {
        let time = status.now.duration_since(at);
        Duration::try_from(time).unwrap_or_default()
    };
    let workers = status.workers.iter();
    workers
        .map(|worker| {
            let silence = since(worker.seen);
            let mut line = Line::new(Tone::Strong, format!("  {:<12}", worker.roll.name));
            for (queue, load) in &worker.roll.queues {
                let tone = match load.running {
                    0 => Tone::Quiet,
                    running if running < load.most => Tone::Plain,
                    _ => Tone::Waits,
                };
                let text = format!("  {} {}/{}", spoken(queue), load.running, load.most);
                line = line.and(tone, text);
            }
            if silence > SILENT {
                return line.and(Tone::Wrong, format!("  silent for {}", short(silence)));
            }
            let fetched = match worker.fetched() {
                Some(at) => format!("  fetched {} ago", short(since(at))),
                None => "  has not fetched yet".to_owned(),
            };
            line.and(
                Tone::Quiet,
                format!("{fetched}, up {}", short(since(worker.roll.since))),
            )
        })
        .collect()
}

fn needs(needs: &[Need], width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for need in needs {
        lines.push(Line::new(Tone::Wrong, format!("  {}", need.what)));
        // The next step is what one came for: it is never cut.
        for part in wrapped(&need.next_action, width.saturating_sub(6)) {
            lines.push(Line::new(Tone::Plain, format!("      {part}")));
        }
    }
    lines
}

fn lanes(look: &Look<'_>) -> Vec<Line> {
    let lanes = look.status.lanes.iter();
    lanes
        .map(|(lane, view)| {
            let (tone, word, why) = shut(view, look.at);
            Line::new(tone, format!("  {word:<8}"))
                .and(Tone::Plain, lane.as_str())
                .and(Tone::Quiet, format!("  {why}"))
        })
        .collect()
}

/// What shuts a lane most, and until when and why.
fn shut(view: &LaneView, at: Timestamp) -> (Tone, &'static str, String) {
    if let Some((fault, probe)) = &view.broken {
        let probed = remaining(*probe, at);
        return (
            Tone::Wrong,
            "broken",
            format!("probed {probed}; {}", fault.cause),
        );
    }
    if let Some(reason) = &view.paused {
        return (Tone::Waits, "paused", reason.clone());
    }
    match &view.gate {
        Some((until, reason)) => {
            let opens = remaining(*until, at);
            (Tone::Waits, "closed", format!("opens {opens}; {reason}"))
        }
        None => (Tone::Well, "open", String::new()),
    }
}

fn remaining(until: Timestamp, at: Timestamp) -> String {
    let left = until.duration_since(at);
    if left <= SignedDuration::ZERO {
        return "now".to_owned();
    }
    // Rounded up: nothing opens earlier than it is said.
    let seconds = left.as_secs() + i64::from(left.subsec_nanos() > 0);
    format!("in {:#}", SignedDuration::from_secs(seconds))
}

fn held(status: &Status) -> Vec<Line> {
    let groups = status.groups.iter();
    groups
        .map(|(group, count)| {
            Line::new(Tone::Waits, format!("  {count:>8}  ")).and(Tone::Plain, group)
        })
        .collect()
}

fn routes(status: &Status) -> Vec<Line> {
    let routes = status.routes.iter();
    let others = routes.filter(|(_, route)| phase(route) != "active");
    others
        .map(|(name, route)| {
            Line::new(Tone::Plain, format!("  {name}  ")).and(Tone::Waits, phase(route))
        })
        .collect()
}

/// `text` in lines of up to `width`, parted at blanks where there are some.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is one from the beginning");
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests;
