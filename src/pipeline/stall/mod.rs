//! Whether connectors that say RUNNING stream.
//!
//! Takes what is declared and what runs, and what single looks at stored offsets found; says which connectors are
//! watched, which is to be looked at next and when, and whether its offsets move. Reading them is left to
//! `reconcile`.
//!
//! Offsets must move where a heartbeat writes into the connector's database (`heartbeat.action.query`): what it wrote comes
//! back through the stream. A heartbeat alone does not move them while the database is idle, so of such a connector nothing
//! follows at rest; one that was lively until it was changed must move after it. What a snapshot stores is the same from
//! its begin to its end.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::config::{Config, Shown, Value};
use crate::model::desired::{Desired, DesiredState};
use crate::model::live::{Kind, Live, LiveConnector, RunState, Status};
use crate::model::name::ConnectorName;
use crate::model::pulse::{Pulse, Pulses, Stored};
use crate::pipeline::risk::family::Family;

/// How often the heartbeat may be missed before it counts.
const HEARTBEATS: u32 = 3;

/// How many times longer a connector may have stored nothing at all: before the first row of a snapshot is sent, tables
/// are listed and locked, and a database may sort.
const UNBEGUN: u32 = 3;

/// How many looks in a row must have found that it moved, to say of a connector that it is lively: at rest these are an
/// interval apart each.
const LIVELY: u32 = 3;

/// How much later than it was due a look may come and still speak for all the time since the last one.
const LATE: Duration = Duration::from_mins(1);

/// The most time between two first looks, where many connectors are watched at once.
const SPREAD: Duration = Duration::from_secs(1);

/// The rest between two looks at a connector that is known to stand still.
const STALLED: Duration = Duration::from_mins(1);

/// The rest before another look where one failed.
const MISSED: Duration = Duration::from_secs(30);

/// How often to look, and how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The time between two looks at a connector that moves.
    pub interval: Duration,
    /// The least time for which offsets must stand still before it counts: a worker flushes them once a minute, and
    /// a database is away for moments.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { interval: Duration::from_mins(5), patience: Duration::from_mins(3) }
    }
}

/// What a look says that is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It stands still since this moment, for longer than it may.
    Stalled {
        /// Since when.
        since: Timestamp,
        /// Whether nothing was stored ever.
        is_unbegun: bool,
    },
    /// It moves, and stood still since this moment.
    Moves {
        /// Since when it stood still.
        since: Timestamp,
    },
}

/// Everything that is watched.
#[derive(Debug)]
pub struct Vigil {
    options: Options,
    courses: BTreeMap<ConnectorName, Course>,
}

/// What was seen of one connector.
#[derive(Debug)]
struct Course {
    config: Config,
    patience: Duration,
    pulse: Pulse,
    /// Whether its heartbeat writes, so that it must move at rest too.
    writes: bool,
    /// Whether it must move now.
    must_move: bool,
    /// Whether it has failed, so that its state says enough for now.
    fails: bool,
    /// How many looks in a row have found that it moved.
    lively: u32,
    /// Since when it was told to stand still, until it moves: also where it begins anew meanwhile.
    told: Option<Timestamp>,
    /// The last look; none where it begins anew.
    last: Option<Look>,
    /// When the next look is due; none while nobody can look.
    due: Option<Timestamp>,
}

/// One look.
#[derive(Debug, Clone, Copy)]
struct Look {
    stored: Stored,
    at: Timestamp,
    /// When the first look found the same.
    since: Timestamp,
    /// For how long it was watched finding the same: without the time in which nobody looked although it was due.
    stood: Duration,
    /// The rest that was to follow.
    rest: Duration,
}

/// Whether a connector can be watched now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// It runs.
    Runs,
    /// It is between two states, or nobody knows.
    Unsettled,
    /// It has failed: what it owes it still owes once it runs again.
    Fails,
    /// It does not run, and need not stream.
    Rests,
}

impl Vigil {
    /// Nothing is watched yet.
    pub fn new(options: Options) -> Self {
        Self { options, courses: BTreeMap::new() }
    }

    /// Takes note of what a cycle saw: who is watched, and who begins anew because it runs another config.
    pub fn see(&mut self, desired: &Desired, live: &Live, now: Timestamp) {
        let mut before = std::mem::take(&mut self.courses);
        let mut begun = Vec::new();
        for Watched { name, config, heartbeat: Heartbeat { every, writes }, presence } in
            watched(desired, live)
        {
            let known = before.remove(name);
            let told = known.as_ref().and_then(|course| course.told);
            let owes = known.as_ref().is_some_and(Course::owes_a_move);
            let must_move = writes || owes;
            let mut course = known.filter(|course| course.config == *config).unwrap_or_else(|| Course {
                config: config.clone(),
                patience: every.saturating_mul(HEARTBEATS).max(self.options.patience),
                pulse: Pulse::Awaited(now),
                writes,
                must_move,
                fails: false,
                lively: 0,
                told,
                last: None,
                due: None,
            });
            course.fails = presence == Presence::Fails;
            match presence {
                Presence::Runs if course.due.is_none() => begun.push(name.clone()),
                Presence::Runs => {}
                Presence::Unsettled | Presence::Fails => course.rest(),
                Presence::Rests => continue,
            }
            self.courses.insert(name.clone(), course);
        }
        let count = u32::try_from(begun.len()).unwrap_or(u32::MAX).max(1);
        let apart = SPREAD.min(self.options.interval / count);
        for (nth, name) in (0..).zip(begun) {
            if let Some(course) = self.courses.get_mut(&name) {
                course.due = Some(later(now, apart * nth));
            }
        }
    }

    /// Takes note that a step was taken on a connector: it begins anew.
    pub fn changed(&mut self, name: &ConnectorName, now: Timestamp) {
        if let Some(course) = self.courses.get_mut(name) {
            course.must_move = course.writes || course.owes_a_move();
            (course.pulse, course.last, course.due) = (Pulse::Awaited(now), None, Some(now));
        }
    }

    /// Takes note that the cluster cannot be asked for now: what happens to its connectors meanwhile nobody sees.
    pub fn interrupt(&mut self) {
        for course in self.courses.values_mut() {
            course.rest();
        }
    }

    /// Takes note that another agent watches from now on.
    pub fn leave(&mut self) {
        self.courses.clear();
    }

    /// Who is to be looked at next, and when.
    pub fn next(&self) -> Option<(&ConnectorName, Timestamp)> {
        let due = self.courses.iter().filter_map(|(name, course)| Some((name, course.due?)));
        due.min_by_key(|(_, due)| *due)
    }

    /// Whether a connector still waits for the look that was due at this moment: what has begun anew since does not.
    pub fn awaits(&self, name: &ConnectorName, due: Timestamp) -> bool {
        self.courses.get(name).is_some_and(|course| course.due == Some(due))
    }

    /// Takes note of a look; `None` is a connector that is gone.
    pub fn look(&mut self, name: &ConnectorName, stored: Option<Stored>, now: Timestamp) -> Option<News> {
        let options = self.options;
        let course = self.courses.get_mut(name)?;
        let Some(stored) = stored else {
            course.rest();
            return None;
        };
        let news = course.look(stored, now);
        let rest = course.next_rest(name, options, now);
        if let Some(last) = &mut course.last {
            last.rest = rest;
        }
        course.due = Some(later(now, rest));
        news
    }

    /// Takes note that a look failed for a moment.
    pub fn missed(&mut self, name: &ConnectorName, now: Timestamp) {
        if let Some(course) = self.courses.get_mut(name) {
            course.due = Some(later(now, MISSED.min(self.options.interval)));
        }
    }

    /// Whether the offsets of a connector move, where it is watched.
    pub fn pulse(&self, name: &ConnectorName) -> Option<Pulse> {
        self.courses.get(name).filter(|course| course.tells()).map(|course| course.pulse)
    }

    /// Whether the offsets of each connector move that is watched.
    pub fn pulses(&self) -> Pulses {
        let telling = self.courses.iter().filter(|(_, course)| course.tells());
        telling.map(|(name, course)| (name.clone(), course.pulse)).collect()
    }
}

impl Course {
    /// Whether its pulse says something: it must move, or moves by itself and must go on with that when it is changed.
    fn tells(&self) -> bool {
        !self.fails && (self.must_move || self.lively >= LIVELY)
    }

    /// Whether it must move after a change although no heartbeat writes: it was lively by itself until then, or has not moved
    /// since an earlier change after which it must.
    fn owes_a_move(&self) -> bool {
        !self.writes && (self.lively >= LIVELY || self.must_move)
    }

    /// Nobody can look: what was seen last says nothing of what comes. What was told stays until it is known better.
    fn rest(&mut self) {
        (self.last, self.due) = (None, None);
    }

    fn look(&mut self, stored: Stored, now: Timestamp) -> Option<News> {
        let first = Look { stored, at: now, since: now, stood: Duration::ZERO, rest: Duration::ZERO };
        let Some(last) = self.last.replace(first) else {
            if stored == Stored::Snapshot {
                self.pulse = Pulse::Awaited(now);
            }
            return None;
        };
        match (last.stored, stored) {
            (Stored::At(before), Stored::At(mark)) if before != mark => {
                self.pulse = Pulse::Moves(now);
                (self.lively, self.must_move) = (self.lively.saturating_add(1), self.writes);
                self.told.take().map(|since| News::Moves { since })
            }
            (Stored::At(_), Stored::At(_)) | (Stored::Nothing, Stored::Nothing) => {
                self.lively = 0;
                let gap = now.duration_since(last.at);
                let gap = Duration::try_from(gap).unwrap_or(Duration::ZERO).min(last.rest + LATE);
                let same = Look { at: now, stood: last.stood + gap, ..last };
                self.last = Some(same);
                self.stand(same)
            }
            (Stored::Snapshot, Stored::Snapshot) => None,
            // What a snapshot ends with it has stored itself: it does not show that anything streams.
            (Stored::Nothing | Stored::Snapshot | Stored::At(_), _) => {
                self.pulse = Pulse::Awaited(now);
                None
            }
        }
    }

    fn stand(&mut self, look: Look) -> Option<News> {
        let is_told = matches!(self.pulse, Pulse::Stalled(_));
        if is_told || !self.must_move || look.stood < self.patience_with(look.stored) {
            return None;
        }
        self.pulse = Pulse::Stalled(look.since);
        self.told = Some(self.told.unwrap_or(look.since));
        Some(News::Stalled { since: look.since, is_unbegun: look.stored == Stored::Nothing })
    }

    fn patience_with(&self, stored: Stored) -> Duration {
        if stored == Stored::Nothing { self.patience.saturating_mul(UNBEGUN) } else { self.patience }
    }

    /// How long until the next look: soon after a change or where it has not moved since the last one, and not
    /// later than its patience ends.
    fn next_rest(&self, name: &ConnectorName, options: Options, now: Timestamp) -> Duration {
        let Some(look) = self.last.filter(|_| self.must_move) else {
            return slot(name, options.interval, now);
        };
        let (shortest, longest) = (self.patience / 36, self.patience / 6);
        let left = self.patience_with(look.stored).saturating_sub(look.stood);
        match (self.pulse, look.stored) {
            (Pulse::Moves(_), _) if look.stood.is_zero() => slot(name, options.interval, now),
            (Pulse::Stalled(_), _) | (_, Stored::Snapshot) => STALLED.min(options.interval),
            (Pulse::Moves(_) | Pulse::Awaited(_), Stored::At(_) | Stored::Nothing) => {
                let soon = (look.stood / 4).clamp(shortest, longest);
                soon.min(left.max(shortest)).min(options.interval)
            }
        }
    }
}

/// The time until a connector's own moment in the interval: so looks at many do not fall together.
fn slot(name: &ConnectorName, interval: Duration, now: Timestamp) -> Duration {
    let mut hasher = DefaultHasher::new();
    name.as_str().hash(&mut hasher);
    let length = interval.as_millis().max(1);
    let phase = u128::from(hasher.finish()) % length;
    let since = u128::try_from(now.as_millisecond()).unwrap_or_default() % length;
    let ahead = (length + phase - since) % length;
    let ahead = if ahead * 2 <= length { ahead + length } else { ahead };
    Duration::from_millis(u64::try_from(ahead).unwrap_or(u64::MAX))
}

/// A connector whose offsets must move while it runs.
struct Watched<'a> {
    name: &'a ConnectorName,
    config: &'a Config,
    heartbeat: Heartbeat,
    presence: Presence,
}

/// What a connector's heartbeat does.
#[derive(Debug, Clone, Copy)]
struct Heartbeat {
    every: Duration,
    /// Whether it writes into the database.
    writes: bool,
}

/// The connectors that are declared to run, and have a heartbeat.
fn watched<'a>(desired: &'a Desired, live: &'a Live) -> impl Iterator<Item = Watched<'a>> {
    let declared = desired.connectors.iter().filter(|_| live.capabilities.tells_offsets());
    declared.filter(|(_, connector)| connector.state == DesiredState::Running).filter_map(|(name, _)| {
        let LiveConnector { config, kind, status } = live.connectors.get(name)?;
        let config = config.as_ref().filter(|_| *kind != Kind::Sink)?;
        let presence = presence(status.as_ref());
        Some(Watched { name, config, heartbeat: heartbeat(config)?, presence })
    })
}

fn presence(status: Option<&Status>) -> Presence {
    let Some(status) = status else { return Presence::Unsettled };
    match status.worst() {
        RunState::Running if status.tasks.is_empty() => Presence::Unsettled,
        RunState::Running => Presence::Runs,
        RunState::Unassigned | RunState::Restarting | RunState::Unknown => Presence::Unsettled,
        RunState::Failed => Presence::Fails,
        RunState::Paused | RunState::Stopped => Presence::Rests,
    }
}

/// What a connector's heartbeat does; `None` where it has none.
fn heartbeat(config: &Config) -> Option<Heartbeat> {
    let is_known = config.class().is_some_and(|class| Family::Debezium.has(class));
    let query = config.get("heartbeat.action.query").map(Value::shown);
    let writes = query.is_some_and(|query| !matches!(query, Shown::Text(text) if text.trim().is_empty()));
    let Shown::Text(interval) = config.get("heartbeat.interval.ms")?.shown() else { return None };
    let interval: u64 = interval.trim().parse().ok()?;
    (is_known && interval > 0).then(|| Heartbeat { every: Duration::from_millis(interval), writes })
}

fn later(now: Timestamp, rest: Duration) -> Timestamp {
    let rest = SignedDuration::try_from(rest).unwrap_or(SignedDuration::MAX);
    now.checked_add(rest).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_mute;
