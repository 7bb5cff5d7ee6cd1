//! When a repository is asked again.
//!
//! Takes how an asking went and a chance between 0 and 1, says how long to rest. What is counted here
//! is lost with the process without harm. Asking, the clock and the die are left to the caller.

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::model::report::Class;

/// The longest rest of a repository that fails.
const LONGEST: Duration = Duration::from_mins(15);

/// The same in intervals: who asks often wants to know soon, of a failing server too.
const LONGEST_INTERVALS: u32 = 15;

/// The most that a server may put its next answer off.
const LONGEST_LATER: Duration = Duration::from_hours(1);

/// The shortest rest, and the longest first one, of a repository that has never answered: the network of a
/// container is often up a moment after the agent.
const EARLY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// How an asking went, as far as the pace goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The server answered. What it said may be bad news (no such tag, nothing that can be used): that is
    /// mended by moving the tag, and nobody should wait for it longer than for a release.
    Told,
    /// There was no answer, or one that may be another in a moment.
    Trouble,
    /// The server answered, and what it names was another thing a moment later: soon it will stand still.
    Racing,
    /// The server refuses, or is refused, until a person does something.
    Refused,
}

impl From<Class> for Answer {
    fn from(class: Class) -> Self {
        match class {
            Class::AuthFailed | Class::Denied => Self::Refused,
            Class::RefMissing | Class::Unusable | Class::Unverified | Class::Invalid => Self::Told,
            Class::Superseded => Self::Racing,
            Class::NotLeader
            | Class::LeadInDoubt
            | Class::Rebalancing
            | Class::Starting
            | Class::Unreachable
            | Class::TimedOut
            | Class::Exists
            | Class::NotFound
            | Class::Waiting
            | Class::NotUnderstood
            | Class::Unsupported
            | Class::Failed
            | Class::DataLost
            | Class::NotDue
            | Class::Canary
            | Class::Internal => Self::Trouble,
        }
    }
}

/// How long to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// Until it is asked again by itself.
    pub usual: Duration,
    /// Until it may be asked at all, whoever wants it: the server said so.
    pub least: Duration,
}

/// The pace at which one repository is asked.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Between two askings of a repository that answers.
    interval: Duration,
    /// The shortest rest of one that fails.
    retry: Duration,
    /// Whether it has ever answered.
    answered: bool,
    /// Askings in a row without an answer.
    troubles: u32,
    /// Refusals in a row.
    refusals: u32,
    /// Races in a row.
    races: u32,
}

impl Pace {
    /// The pace of a repository that was not asked yet. `retry` is where the rests begin when it fails:
    /// nothing that fails is asked more often than that.
    pub fn new(interval: Duration, retry: Duration) -> Self {
        Self { interval, retry, answered: false, troubles: 0, refusals: 0, races: 0 }
    }

    /// Takes another interval; says whether it is another one.
    pub fn change(&mut self, interval: Duration, retry: Duration) -> bool {
        let before = (self.interval, self.retry);
        (self.interval, self.retry) = (interval, retry);
        before != (interval, retry)
    }

    /// Forgets what went wrong: something has changed, and the next failure is a first one.
    pub fn forgive(&mut self) {
        self.troubles = 0;
        self.refusals = 0;
        self.races = 0;
    }

    /// How long to leave a revision alone that could not be used so many times: to find it out again costs a
    /// fetch. What the ref names is asked for at the usual pace.
    pub fn leave(&self, tries: u32) -> Duration {
        grown(self.interval.max(self.retry), tries).min(self.longest())
    }

    /// Says how long to rest after an asking. `later` is what the server said about its next answer.
    pub fn rest(&mut self, answer: Answer, later: Option<Duration>, chance: f64) -> Rest {
        let usual = match answer {
            Answer::Told => self.told(chance),
            Answer::Trouble => self.trouble(chance),
            Answer::Racing => self.race(chance),
            Answer::Refused => self.refused(chance),
        };
        let Some(later) = later else { return Rest { usual, least: Duration::ZERO } };
        let least = later.min(LONGEST_LATER);
        // Everybody who was turned away at once was told the same moment.
        Rest { usual: usual.max(least + self.retry.mul_f64(chance)), least }
    }

    fn told(&mut self, chance: f64) -> Duration {
        self.forgive();
        // Agents that were rolled out together asked together, once; from then on they are spread.
        let wide = if self.answered { 0.1 } else { 0.5 };
        self.answered = true;
        between(self.interval.mul_f64(1.0 - wide), self.interval.mul_f64(1.0 + wide), chance)
    }

    fn trouble(&mut self, chance: f64) -> Duration {
        self.troubles = self.troubles.saturating_add(1);
        let (shortest, first) = EARLY;
        let early = (0..self.troubles).take_while(|&tries| grown(first, tries) < self.retry).count();
        let early = u32::try_from(early).unwrap_or(u32::MAX);
        if !self.answered && early == self.troubles {
            return between(shortest, grown(first, early - 1), chance);
        }
        let tries = if self.answered { self.troubles } else { self.troubles - early };
        between(self.retry, grown(self.retry, tries).min(self.longest()), chance)
    }

    /// Never longer than the interval: a ref that keeps moving is followed all the same.
    fn race(&mut self, chance: f64) -> Duration {
        self.races = self.races.saturating_add(1);
        let (shortest, first) = EARLY;
        let longest = self.interval.min(grown(first, self.races - 1));
        between(shortest.min(longest), longest, chance)
    }

    fn refused(&mut self, chance: f64) -> Duration {
        self.refusals = self.refusals.saturating_add(1);
        // Servers in trouble refuse by mistake, too: one refusal is asked about once more.
        let (from, to) = match self.refusals {
            1 => (self.retry, self.retry.saturating_mul(2).min(self.longest())),
            _ => (self.longest().mul_f64(0.75).max(self.retry), self.longest()),
        };
        between(from, to, chance)
    }

    /// The longest rest of this repository while it fails.
    fn longest(&self) -> Duration {
        LONGEST.min(self.retry.saturating_mul(LONGEST_INTERVALS)).max(self.retry)
    }
}

fn grown(from: Duration, tries: u32) -> Duration {
    from.saturating_mul(1 << tries.min(20))
}

fn between(from: Duration, to: Duration, chance: f64) -> Duration {
    from + to.saturating_sub(from).mul_f64(chance.clamp(0.0, 1.0))
}
