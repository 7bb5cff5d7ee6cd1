//! Whether the worker was there all the time.
//!
//! Takes what each request came to, says whether the worker may have lost its lead and got it back since that was asked
//! last: it was silent for longer than another one takes to lead, or said that it is starting. What follows from it is
//! left to `reconcile`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::connect::error::Error;
use crate::model::report::Class;

/// How long a worker may have been silent and still be taken to have led all the time. The group gives its lead away when
/// it has missed it for `session.timeout.ms`, 10 s by default, and another agent has to notice; a rest between two tries of
/// this one is no longer than 10 s, so that a read that fails again and again is no lost lead.
const SILENCE: Duration = Duration::from_secs(15);

/// What was heard of one worker.
#[derive(Debug, Default)]
pub struct Hearing {
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    /// When it last answered.
    last: Option<Instant>,
    /// Whether it was silent since then.
    is_silent: bool,
    is_in_doubt: bool,
}

impl Hearing {
    /// Takes note of what a request came to.
    pub fn note<T>(&self, result: &Result<T, Error>) {
        self.heard().note(result.as_ref().err().map(Error::class), Instant::now());
    }

    /// The same of a request that nothing waits for: one that hangs says nothing of the worker.
    pub fn note_beside<T>(&self, result: &Result<T, Error>) {
        self.heard().note_beside(result.as_ref().err().map(Error::class), Instant::now());
    }

    /// Whether it may have lost its lead and got it back, or has been silent for so long that it may have by the time that
    /// it reads what is sent now.
    pub fn is_in_doubt(&self) -> bool {
        self.heard().is_in_doubt(Instant::now())
    }

    /// The same, for one who asks now whether it leads.
    pub fn take_doubt(&self) -> bool {
        std::mem::take(&mut self.heard().is_in_doubt)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn is_long(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| now.duration_since(last) > SILENCE)
    }

    fn is_in_doubt(&self, now: Instant) -> bool {
        self.is_in_doubt || (self.is_silent && self.is_long(now))
    }

    fn note_beside(&mut self, error: Option<Class>, now: Instant) {
        if error != Some(Class::TimedOut) {
            self.note(error, now);
        }
    }

    /// A worker that answers an error is there, and its lead with it.
    fn note(&mut self, error: Option<Class>, now: Instant) {
        let is_long = self.is_long(now);
        match error {
            // It has left the group, however short that was.
            Some(Class::Starting) => self.is_in_doubt = true,
            // What hung while something else was answered is no silence.
            Some(Class::TimedOut) if !is_long => {}
            Some(class) if class.is_silent() => self.is_silent = true,
            Some(_) | None => {
                self.is_in_doubt |= std::mem::take(&mut self.is_silent) && is_long;
                self.last = Some(now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a worker is in doubt that answered, then came to these, each at its second, and answers again.
    fn is_in_doubt(then: &[(u64, Class)], again: u64) -> bool {
        let (mut heard, began) = (Heard::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        heard.note(None, began);
        for (seconds, class) in then {
            heard.note(Some(*class), at(*seconds));
        }
        heard.note(None, at(again));
        heard.is_in_doubt(at(again))
    }

    #[test]
    fn a_lead_lasts_while_the_worker_says_anything_and_is_in_doubt_after_a_long_silence() {
        assert!(!is_in_doubt(&[], 600), "nobody asked in between");
        for class in [Class::Internal, Class::Rebalancing, Class::NotUnderstood, Class::Denied] {
            assert!(!is_in_doubt(&[(1, class)], 600), "{class}");
        }
        assert!(!is_in_doubt(&[(1, Class::Unreachable)], 11), "shorter than another one takes to lead");
        assert!(is_in_doubt(&[(1, Class::Unreachable)], 16));
        assert!(is_in_doubt(&[(1, Class::Unreachable), (8, Class::Unreachable)], 18));
        assert!(!is_in_doubt(&[(1, Class::Unreachable), (8, Class::Internal)], 18), "it said something");
        assert!(is_in_doubt(&[(30, Class::TimedOut)], 31), "it hung");
        assert!(!is_in_doubt(&[(25, Class::Internal), (30, Class::TimedOut)], 60), "only one request hung");
        assert!(is_in_doubt(&[(1, Class::Starting)], 2), "it has left the group");
    }

    #[test]
    fn a_silence_that_was_short_is_forgotten() {
        let (mut heard, began) = (Heard::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        heard.note(None, began);
        heard.note(Some(Class::Unreachable), at(1));
        for seconds in [5, 60] {
            heard.note(None, at(seconds));
            assert!(!heard.is_in_doubt(at(seconds)));
        }
    }

    #[test]
    fn a_silence_that_lasts_is_a_doubt_before_the_worker_answers_again() {
        let (mut heard, began) = (Heard::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        heard.note(Some(Class::Unreachable), at(0));
        assert!(!heard.is_in_doubt(at(600)), "it never was there");
        heard.note(None, at(600));
        assert!(!heard.is_in_doubt(at(900)), "nobody asked");
        heard.note(Some(Class::Unreachable), at(901));
        assert!(heard.is_in_doubt(at(901)));
        heard.note(None, at(902));
        assert!(heard.is_in_doubt(at(902)), "until somebody asks who leads");
        let (mut heard, began) = (Heard::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        heard.note(None, began);
        heard.note(Some(Class::Unreachable), at(10));
        assert_eq!([15, 16].map(|now| heard.is_in_doubt(at(now))), [false, true]);
    }

    #[test]
    fn a_read_that_nothing_waits_for_and_that_hangs_is_no_silence() {
        let (mut heard, began) = (Heard::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        heard.note(None, began);
        heard.note_beside(Some(Class::TimedOut), at(60));
        heard.note(None, at(61));
        assert!(!heard.is_in_doubt(at(61)), "it hung alone");
        heard.note_beside(Some(Class::Unreachable), at(90));
        heard.note(None, at(91));
        assert!(heard.is_in_doubt(at(91)), "nobody was there");
    }
}
