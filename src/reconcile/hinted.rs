//! When to look because somebody said so.
//!
//! Takes how many words have come and the time, says when to look and how many words that follows.
//! Any number of them become one look; asking and waiting are left to the daemon.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::hint::Hints;

/// The shortest time between two looks for words from outside.
const GAP: Duration = Duration::from_secs(5);

/// A tag is moved by deleting it and making it anew, and a host tells of it before all of its servers know: after
/// a webhook there is a second look.
const ECHO: Duration = Duration::from_secs(30);

/// What was heard, and what is to be done about it.
#[derive(Debug, Default)]
pub struct Hinted {
    heard: Hints,
    /// When to look.
    look: Option<Instant>,
    /// When to look once more.
    echo: Option<Instant>,
    /// When the last look was.
    last: Option<Instant>,
    /// How many words had come by then.
    followed: u64,
}

impl Hinted {
    /// Takes note of what has come.
    pub fn hear(&mut self, hints: Hints, now: Instant) {
        if hints.count != self.heard.count {
            let free = self.last.map_or(now, |last| now.max(last + GAP));
            self.look.get_or_insert(free);
        }
        if hints.webhooks != self.heard.webhooks {
            self.echo = Some(now + ECHO);
        }
        self.heard = hints;
    }

    /// When to look next.
    pub fn due(&self) -> Option<Instant> {
        self.look.into_iter().chain(self.echo).min()
    }

    /// Takes note that the look begins that is due now.
    pub fn follow(&mut self, now: Instant) {
        self.look = self.look.filter(|look| *look > now);
        self.echo = self.echo.filter(|echo| *echo > now);
        self.last = Some(now);
        self.followed = self.heard.count;
    }

    /// How many words the looks so far have followed.
    pub fn followed(&self) -> u64 {
        self.followed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds in which there are looks, of the seconds in which words come: many in each of them.
    fn looks(webhooks: &[u64], others: &[u64]) -> Vec<u64> {
        let begin = Instant::now();
        let (mut hinted, mut hints, mut looks) = (Hinted::default(), Hints::default(), Vec::new());
        for second in 0..120 {
            let now = begin + Duration::from_secs(second);
            let (hooks, others) = (webhooks.contains(&second), others.contains(&second));
            hints.webhooks += if hooks { 1000 } else { 0 };
            hints.count += if hooks || others { 1000 } else { 0 };
            hinted.hear(hints, now);
            if hinted.due().is_some_and(|due| due <= now) {
                hinted.follow(now);
                assert_eq!(hinted.followed(), hints.count, "everything that had come by then");
                looks.push(second);
            }
        }
        assert_eq!(hinted.due(), None, "nothing is left");
        looks
    }

    #[test]
    fn a_thousand_webhooks_are_one_look_and_one_more_later() {
        assert_eq!(looks(&[10], &[]), [10, 40]);
    }

    #[test]
    fn there_are_five_seconds_between_two_looks() {
        assert_eq!(looks(&[], &[10, 11, 12, 13, 14, 15, 16]), [10, 15, 20]);
        assert_eq!(looks(&[10, 12, 39], &[]), [10, 15, 39, 69]);
    }

    #[test]
    fn who_asks_by_hand_is_answered_once() {
        assert_eq!(looks(&[], &[10, 50]), [10, 50]);
    }
}
