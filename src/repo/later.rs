//! What a server says about when to come back: the header `Retry-After`.
//!
//! Takes the headers of an answer and the time, gives a length of time. What becomes of it is left to
//! whoever keeps the pace.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// Dates in headers are those of mail.
static DATES: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// How long to stay away, where the server says so: in seconds, or until a date by its own clock.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let said = text(&RETRY_AFTER)?;
    if let Ok(seconds) = said.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| DATES.parse_timestamp(text).ok();
    let here = text(&DATE).and_then(date).unwrap_or(now);
    let there = date(said)?;
    // What is over already is no word about the future.
    Some(Duration::try_from(there.duration_since(here)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(retry_after: &str, date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, retry_after.parse().expect("a value"));
        if let Some(date) = date {
            headers.insert(DATE, date.parse().expect("a value"));
        }
        let now = "2026-01-02T03:00:00Z".parse().expect("a time");
        super::retry_after(&headers, now).map(|length| length.as_secs())
    }

    #[test]
    fn it_is_said_in_seconds_or_as_a_date() {
        let cases = [
            ("120", None, Some(120)),
            (" 7 ", None, Some(7)),
            ("0", None, Some(0)),
            ("Fri, 02 Jan 2026 03:02:00 GMT", None, Some(120)),
            ("Fri, 02 Jan 2026 02:00:00 GMT", None, Some(0)),
            ("-5", None, None),
            ("1.5", None, None),
            ("soon", None, None),
            ("99999999999999999999", None, None),
        ];
        for (text, date, expected) in cases {
            assert_eq!(said(text, date), expected, "{text}");
        }
    }

    #[test]
    fn a_date_is_read_by_the_server_s_own_clock() {
        let date = Some("Fri, 02 Jan 2026 13:00:00 GMT");
        assert_eq!(said("Fri, 02 Jan 2026 13:00:30 GMT", date), Some(30));
        assert_eq!(said("Fri, 02 Jan 2026 13:00:30 GMT", Some("nonsense")), Some(36_030));
    }
}
