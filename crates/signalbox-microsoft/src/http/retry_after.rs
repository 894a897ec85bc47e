//! `Retry-After`: the instant before which nothing may be sent again.

use http::{HeaderMap, HeaderName, header};
use jiff::{SignedDuration, Timestamp};

/// The instant that the headers name, for an answer that came at `now`.
///
/// An HTTP date is measured against the answer's own `Date`, never against our clock, which may be wrong.
/// Without a `Date` it says nothing that can be trusted, and the answer counts as one without `Retry-After`.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let value = text(headers, &header::RETRY_AFTER)?;
    let wait = seconds(value).or_else(|| since_the_answer(value, headers))?;
    Some(now.checked_add(wait).unwrap_or(Timestamp::MAX))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Whole seconds; a fraction, which the standard does not allow, is rounded up.
fn seconds(value: &str) -> Option<SignedDuration> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let more = i64::from(fraction.bytes().any(|b| b != b'0'));
    let seconds = whole.parse::<i64>().unwrap_or(i64::MAX);
    Some(SignedDuration::from_secs(seconds.saturating_add(more)))
}

fn since_the_answer(value: &str, headers: &HeaderMap) -> Option<SignedDuration> {
    let until = http_date(value)?;
    let answered = http_date(text(headers, &header::DATE)?)?;
    Some(answered.duration_until(until).max(SignedDuration::ZERO))
}

fn http_date(value: &str) -> Option<Timestamp> {
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    Some(date.timestamp())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, header};
    use jiff::{SignedDuration, Timestamp};

    use super::retry_after;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn check(retry: &str, date: Option<&str>, expected_secs: Option<i64>) {
        let now: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, retry.parse().unwrap());
        if let Some(date) = date {
            headers.insert(header::DATE, date.parse().unwrap());
        }
        let expected = expected_secs.map(|secs| now + SignedDuration::from_secs(secs));
        assert_eq!(retry_after(&headers, now), expected, "{retry}");
    }

    #[test]
    fn seconds_count_from_the_answer() {
        check("7", None, Some(7));
        check(" 120 ", Some(DATE), Some(120));
        check("0", None, Some(0));
        check("1.2", None, Some(2));
    }

    #[test]
    fn a_date_counts_from_the_answers_own_date() {
        check("Sun, 06 Nov 1994 08:49:50 GMT", Some(DATE), Some(13));
        check("Sun, 06 Nov 1994 08:00:00 GMT", Some(DATE), Some(0));
    }

    #[test]
    fn what_cannot_be_read_names_no_instant() {
        check("Sun, 06 Nov 1994 08:49:50 GMT", None, None);
        check("soon", Some(DATE), None);
        check("-5", None, None);
        check("", None, None);
    }

    #[test]
    fn a_wait_beyond_all_time_is_the_end_of_time() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, "99999999999999999999".parse().unwrap());
        assert_eq!(
            retry_after(&headers, Timestamp::UNIX_EPOCH),
            Some(Timestamp::MAX)
        );
    }
}
