//! What an upstream allows on a lane: requests at the same time, and amounts per window of time.
//!
//! Every window is kept a little longer than the upstream's own, because a request arrives later than it was
//! permitted, and the next one perhaps less so.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// The least guard that is added to a window.
const LEAST_GUARD: Duration = Duration::from_millis(20);
/// The guard's share of a window.
const GUARD_SHARE: f64 = 0.02;

/// An amount per span of time, written `7/1s`, `1800/1h` or `500/250ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Requests, rows, or whatever the weights of permits count.
    pub amount: u64,
    /// The span that the upstream counts in.
    pub span: Duration,
}

/// The limits of one lane, written `4 7/1s 60/30s`: the concurrency, if there is one, then the windows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LaneLimits {
    /// Requests under way at the same time.
    pub concurrency: Option<u32>,
    /// All of them hold at once.
    pub windows: Vec<Window>,
}

/// Why a text is no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no limit; write a number of requests at once, or an amount per time such as `7/1s`"
)]
pub struct LimitError(String);

impl Window {
    /// The span with its guard: 2 %, at least 20 ms.
    pub fn guarded(&self) -> Duration {
        self.span + LEAST_GUARD.max(self.span.mul_f64(GUARD_SHARE))
    }
}

impl FromStr for Window {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let read = || {
            let (amount, span) = text.split_once('/')?;
            let digits = span.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
            let count: u64 = if digits.is_empty() {
                1
            } else {
                digits.parse().ok()?
            };
            let unit = match &span[digits.len()..] {
                "ms" => Duration::from_millis(1),
                "s" => Duration::from_secs(1),
                "min" | "m" => Duration::from_secs(60),
                "h" => Duration::from_secs(3600),
                _ => return None,
            };
            let span = unit.checked_mul(u32::try_from(count).ok()?)?;
            let amount = amount.parse().ok()?;
            (amount > 0 && !span.is_zero()).then_some(Self { amount, span })
        };
        read().ok_or_else(|| LimitError(text.to_owned()))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.span.as_millis();
        match (ms % 3_600_000, ms % 1000) {
            (0, _) => write!(f, "{}/{}h", self.amount, ms / 3_600_000),
            (_, 0) => write!(f, "{}/{}s", self.amount, ms / 1000),
            _ => write!(f, "{}/{ms}ms", self.amount),
        }
    }
}

impl LaneLimits {
    /// No limit at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// These limits with every window's span multiplied by `factor`.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        for window in &mut self.windows {
            window.span = window.span.mul_f64(factor).max(Duration::from_millis(1));
        }
        self
    }
}

impl FromStr for LaneLimits {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let mut limits = Self::default();
        for part in text.split([' ', ',']).filter(|part| !part.is_empty()) {
            if part.contains('/') {
                limits.windows.push(part.parse()?);
                continue;
            }
            let concurrency = part.parse().ok().filter(|number| *number > 0);
            limits.concurrency = Some(concurrency.ok_or_else(|| LimitError(part.to_owned()))?);
        }
        Ok(limits)
    }
}

impl TryFrom<String> for LaneLimits {
    type Error = LimitError;

    fn try_from(text: String) -> Result<Self, LimitError> {
        text.parse()
    }
}

impl From<LaneLimits> for String {
    fn from(limits: LaneLimits) -> Self {
        limits.to_string()
    }
}

impl fmt::Display for LaneLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let concurrency = self.concurrency.map(|number| number.to_string());
        let windows = self.windows.iter().map(ToString::to_string);
        let parts: Vec<String> = concurrency.into_iter().chain(windows).collect();
        f.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LaneLimits, Window};

    fn check(text: &str, expected: &str) {
        let limits: Result<LaneLimits, _> = text.parse();
        let shown = limits.map_or_else(|error| error.to_string(), |limits| limits.to_string());
        assert!(shown.contains(expected), "{text}: {shown}");
    }

    #[test]
    fn limits_are_read_and_written_alike() {
        for text in ["7/1s 8/2s 60/30s 1800/1h", "4 6000/300s", "500/250ms", ""] {
            check(text, text);
        }
        check("4, 120/1min", "4 120/60s");
        check("1000000/h", "1000000/1h");
    }

    #[test]
    fn what_is_no_limit_is_named() {
        for text in ["0", "7/0s", "0/1s", "7/1d", "many", "7/", "-1/1s"] {
            check(text, "is no limit");
        }
    }

    #[test]
    fn a_window_is_guarded_by_two_per_cent_and_at_least_twenty_milliseconds() {
        let guarded = |text: &str| text.parse::<Window>().unwrap().guarded();
        assert_eq!(guarded("7/500ms"), Duration::from_millis(520));
        assert_eq!(guarded("60/30s"), Duration::from_millis(30_600));
    }
}
