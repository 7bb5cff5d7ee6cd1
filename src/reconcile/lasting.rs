//! A trouble that lasts: when to tell of it again.
//!
//! Takes what went wrong, as often as it does, and the time; says whether that is worth a line, and how long it has
//! lasted. Who is told, and in which words, is left to others.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

/// The rests between two lines about the same: after one, five and fifteen minutes, then every hour.
const RESTS: [Duration; 4] =
    [Duration::from_mins(1), Duration::from_mins(4), Duration::from_mins(10), Duration::from_hours(1)];

/// How many different troubles are told apart: a worker that comes and goes has a few, in turn.
const MOST: usize = 8;

/// What has been going wrong without a break.
#[derive(Debug, Default)]
pub struct Lasting {
    since: Option<Instant>,
    told: Vec<Told>,
}

/// A trouble that was told.
#[derive(Debug)]
struct Told {
    text: String,
    /// How often.
    times: usize,
    /// When it is worth another line.
    again: Instant,
}

impl Lasting {
    /// Takes note of a trouble; says how long something has been wrong where it is to be told.
    pub fn goes_on(&mut self, text: &str, now: Instant) -> Option<Duration> {
        let lasted = now - *self.since.get_or_insert(now);
        match self.told.iter_mut().find(|told| told.text == text) {
            Some(told) if now < told.again => return None,
            Some(told) => {
                told.again = now + RESTS[told.times.min(RESTS.len() - 1)];
                told.times += 1;
            }
            None => {
                if self.told.len() == MOST {
                    self.told.remove(0);
                }
                self.told.push(Told { text: text.to_owned(), times: 1, again: now + RESTS[0] });
            }
        }
        Some(lasted)
    }

    /// Takes note that nothing is wrong; says how long something was.
    pub fn is_over(&mut self, now: Instant) -> Option<Duration> {
        self.told.clear();
        self.since.take().map(|since| now - since)
    }
}

/// A length of time for people, to the second.
pub fn in_words(length: Duration) -> String {
    let seconds = i64::try_from(length.as_secs()).unwrap_or(i64::MAX);
    format!("{:#}", SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds at which a trouble is told that is met every two seconds, for hours.
    fn told(hours: u64, trouble: impl Fn(u64) -> &'static str) -> Vec<u64> {
        let (begin, mut lasting) = (Instant::now(), Lasting::default());
        let told = |second: &u64| {
            let lasted = lasting.goes_on(trouble(*second), begin + Duration::from_secs(*second));
            lasted.inspect(|lasted| assert_eq!(*lasted, Duration::from_secs(*second))).is_some()
        };
        (0..hours * 3600).step_by(2).filter(told).collect()
    }

    #[test]
    fn what_lasts_is_told_at_growing_distance() {
        assert_eq!(told(3, |_| "away"), [0, 60, 300, 900, 4500, 8100]);
    }

    #[test]
    fn another_trouble_is_news_and_two_in_turn_are_no_flood() {
        assert_eq!(told(1, |second| if second < 30 { "away" } else { "denied" }), [0, 30, 90, 330, 930]);
        assert_eq!(told(1, |second| if second % 4 == 0 { "away" } else { "late" }).len(), 8);
    }

    #[test]
    fn its_end_is_told_once_and_the_next_one_is_news() {
        let (begin, mut lasting) = (Instant::now(), Lasting::default());
        let at = |second| begin + Duration::from_secs(second);
        assert_eq!(lasting.is_over(at(0)), None, "nothing was wrong");
        assert_eq!(lasting.goes_on("away", at(10)), Some(Duration::ZERO));
        assert_eq!(lasting.goes_on("away", at(20)), None);
        assert_eq!(lasting.is_over(at(30)), Some(Duration::from_secs(20)));
        assert_eq!(lasting.is_over(at(40)), None);
        assert_eq!(lasting.goes_on("away", at(50)), Some(Duration::ZERO));
    }
}
