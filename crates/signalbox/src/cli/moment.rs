//! An instant as people write it: a date, an instant with its offset, or how long ago it was.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// An instant that may depend on when it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// This instant.
    At(Timestamp),
    /// So long before the present.
    Ago(SignedDuration),
}

/// Why a text is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no instant; write 2026-03-02, 2026-03-02T10:00:00Z, or 90m, 24h or 7d for so long ago"
)]
pub struct MomentError(String);

impl Moment {
    /// The instant, for somebody who asks at `now`.
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        let at = text.parse().ok().or_else(|| midnight(text)).map(Self::At);
        at.or_else(|| ago(text).map(Self::Ago))
            .ok_or_else(|| MomentError(text.to_owned()))
    }
}

/// The beginning of a day, in UTC as everything that is printed.
fn midnight(text: &str) -> Option<Timestamp> {
    let day: Date = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

fn ago(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().next_back()?;
    let amount: i64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    (amount >= 0).then_some(())?;
    Some(SignedDuration::from_secs(amount.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn dates_instants_and_times_ago_are_understood_and_nothing_else() {
        let now = "2026-03-02T12:00:00Z".parse().unwrap();
        let read = |text: &str| text.parse::<Moment>().map(|at| at.at(now).to_string());
        for (text, at) in [
            ("2026-03-01", "2026-03-01T00:00:00Z"),
            ("2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z"),
            ("90m", "2026-03-02T10:30:00Z"),
            ("7d", "2026-02-23T12:00:00Z"),
        ] {
            assert_eq!(read(text).unwrap(), at, "{text}");
        }
        for text in [
            "",
            "d",
            "-1d",
            "yesterday",
            "7w",
            "2026-13-01",
            "9223372036854775807d",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
