//! A cron pattern on a wall clock, and the only file that names the crate that reads it.
//!
//! The crate is handed our own zoned time, so it brings no second library for time along
//! (docs/decisions/0013-croner-for-cron.md).

use std::{cmp::Ordering, fmt};

use croner::{
    CivilDate, CivilDateTime, CivilTime, Cron, CronDateTime, Resolution, Weekday,
    errors::CronError,
    parser::{CronParser, Seconds, Year},
};
use jiff::{
    SignedDuration, Timestamp, ZonedDateTime,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use serde::Deserialize;

/// Why there is no such schedule. What to do stands after the semicolon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The pattern cannot be read.
    #[error(
        "is no cron pattern ({0}); write five fields, minute, hour, day, month and weekday, such as `*/15 7-18 * * MON-FRI`"
    )]
    Pattern(String),
    /// The pattern names days that no month has.
    #[error("never comes; name a day that the month has")]
    Never,
    /// There is no such zone.
    #[error("is no time zone; write a name of the IANA list, such as `Europe/Berlin` or `UTC`")]
    Zone,
}

/// A pattern of five fields: minute, hour, day of the month, month, day of the week.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CronPattern {
    text: String,
    cron: Cron,
}

/// A time zone by its name in the IANA list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Zone(TimeZone);

impl TryFrom<String> for CronPattern {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        // Below a minute it would be polling, and that is not what a schedule is for.
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser.parse(&text).map_err(unreadable)?;
        let pattern = Self { text, cron };
        let utc = Zone(TimeZone::UTC);
        let comes = pattern.next_after(Timestamp::UNIX_EPOCH, &utc).is_some();
        comes.then_some(pattern).ok_or(ScheduleError::Never)
    }
}

/// The crate's sentences as a part of ours.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
fn unreadable(error: CronError) -> ScheduleError {
    let said = error.to_string().replace("; ", ", ");
    ScheduleError::Pattern(said.trim_end_matches('.').to_owned())
}

impl TryFrom<String> for Zone {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        let zone = TimeZone::get(&text).map_err(|_| ScheduleError::Zone)?;
        Ok(Self(zone))
    }
}

impl fmt::Display for CronPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl CronPattern {
    /// The first match after `instant` on the clocks of `zone`.
    ///
    /// A fixed time that a clock jumps over comes right after the jump, and one that a clock shows twice comes the
    /// first time; a pattern with `*` or a range of hours simply follows the clock.
    pub fn next_after(&self, instant: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let from = WallClock(instant.to_zoned_datetime(zone.0.clone()));
        let next = self.cron.find_next_occurrence(&from, false).ok()?;
        let next = next.0.timestamp();
        Timestamp::from_second(next.as_second()).ok()
    }
}

/// A zoned time as the crate walks over it.
#[derive(Clone)]
struct WallClock(ZonedDateTime);

impl CronDateTime for WallClock {
    fn to_civil(&self) -> CivilDateTime {
        let at = &self.0;
        let unsigned = |part: i8| u32::from(part.unsigned_abs());
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(
                i32::from(at.year()),
                unsigned(at.month()),
                unsigned(at.day()),
            ),
            CivilTime::from_parts_unchecked(
                unsigned(at.hour()),
                unsigned(at.minute()),
                unsigned(at.second()),
            ),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        let day = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(u32::from(day.unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let ambiguous = self
            .0
            .time_zone()
            .to_ambiguous_zoned_datetime(wall_time(civil)?);
        let known = |at: Result<ZonedDateTime, jiff::Error>| {
            at.map(Self).map_err(|_| CronError::InvalidTime)
        };
        match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => Ok(Resolution::Gap),
            AmbiguousOffset::Unambiguous { .. } => {
                known(ambiguous.unambiguous()).map(Resolution::Single)
            }
            AmbiguousOffset::Fold { .. } => {
                let earlier = known(ambiguous.clone().earlier())?;
                Ok(Resolution::Ambiguous(earlier, known(ambiguous.later())?))
            }
        }
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let moved = self.0.checked_add(SignedDuration::from_secs(seconds));
        moved.ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

fn wall_time(civil: CivilDateTime) -> Result<DateTime, CronError> {
    let small = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidTime);
    let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
    let (month, day) = (small(civil.month())?, small(civil.day())?);
    let (hour, minute, second) = (
        small(civil.hour())?,
        small(civil.minute())?,
        small(civil.second())?,
    );
    DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| CronError::InvalidDate)
}
