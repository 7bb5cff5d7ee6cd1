//! What looks at offsets say, look by look, and the laws that hold for any of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::capability::{Capabilities, Version};
use crate::model::desired::{DesiredConnector, Form};
use crate::model::finding::Place;
use crate::model::live::Task;
use crate::model::name::EnvironmentName;
use crate::model::pulse::Mark;
use crate::model::revision::{At, RepositoryName, RepositoryRevision, Revision};

pub(in crate::pipeline::stall) const PATIENCE: i64 = 180;

pub(in crate::pipeline::stall) const INTERVAL: i64 = 300;

const CONFIG: [(&str, &str); 3] = [
    ("connector.class", "io.debezium.connector.postgresql.PostgresConnector"),
    ("heartbeat.interval.ms", "10000"),
    ("heartbeat.action.query", "UPDATE hb SET at = now()"),
];

pub(in crate::pipeline::stall) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

pub(in crate::pipeline::stall) fn name(text: &str) -> ConnectorName {
    ConnectorName::new(text).expect("a name that the test chose")
}

fn config(changes: &[(&str, &str)]) -> Config {
    let pairs = CONFIG.iter().chain(changes).filter(|(_, text)| *text != "(none)");
    pairs.map(|&(key, text)| (key, Value::new(key, text))).collect()
}

fn one(state: RunState, tasks: &[RunState], config: Config) -> LiveConnector {
    let task = |(id, &state): (u32, &RunState)| Task { id, state, failure: None };
    let status = Status { state, failure: None, tasks: (0..).zip(tasks).map(task).collect() };
    LiveConnector { config: Some(config), kind: Kind::Source, status: Some(status) }
}

pub(in crate::pipeline::stall) fn runs(changes: &[(&str, &str)]) -> LiveConnector {
    one(RunState::Running, &[RunState::Running], config(changes))
}

fn desired(states: &[(&str, DesiredState)]) -> Desired {
    let at = At::Directory { path: Arc::from("definitions"), digest: 0 };
    let connector = |state| DesiredConnector {
        config: Config::default(),
        state,
        keep: false,
        acknowledged: Vec::new(),
        template: None,
        form: Form::Own,
        place: Place::start_of("connectors/x.yaml"),
        origins: BTreeMap::new(),
        suspend: None,
        lost: BTreeSet::new(),
    };
    Desired {
        revision: Revision::of(vec![RepositoryRevision { repository: RepositoryName::main(), at }]),
        environment: EnvironmentName::new("production").expect("a plain name"),
        connectors: states.iter().map(|(text, state)| (name(text), connector(*state))).collect(),
        suspend: None,
        unresolved: BTreeMap::new(),
        forgotten: BTreeSet::new(),
        left_out: BTreeSet::new(),
        incomplete: Vec::new(),
    }
}

/// One connector that is watched, and a clock.
pub(in crate::pipeline::stall) struct Story {
    pub(in crate::pipeline::stall) vigil: Vigil,
    pub(in crate::pipeline::stall) now: i64,
    /// How often it was looked at.
    pub(in crate::pipeline::stall) looks: u32,
}

impl Story {
    pub(in crate::pipeline::stall) fn begin() -> Self {
        let mut story = Self { vigil: Vigil::new(Options::default()), now: 1_000_000, looks: 0 };
        story.see(Some(runs(&[])));
        story
    }

    pub(in crate::pipeline::stall) fn see(&mut self, connector: Option<LiveConnector>) {
        let connectors = connector.into_iter().map(|one| (name("orders"), one)).collect();
        let live = Live { connectors, ..Live::default() };
        self.vigil.see(&desired(&[("orders", DesiredState::Running)]), &live, at(self.now));
    }

    /// Looks whenever it is due, for so many seconds; gives what was new, and after how many seconds.
    pub(in crate::pipeline::stall) fn pass(
        &mut self,
        seconds: i64,
        stored: impl Fn(i64) -> Stored,
    ) -> Vec<(i64, News)> {
        let (begun, mut told) = (self.now, Vec::new());
        let end = begun + seconds;
        while let Some((found, due)) = self.vigil.next().map(|(name, due)| (name.clone(), due))
            && due <= at(end)
        {
            // Rests are of parts of a second, and the clock of whole ones.
            self.now = self.now.max(due.as_second() + i64::from(due.subsec_nanosecond() > 0));
            self.looks += 1;
            let news = self.vigil.look(&found, Some(stored(self.now - begun)), at(self.now));
            told.extend(news.map(|news| (self.now - begun, news)));
        }
        self.now = end;
        told
    }

    pub(in crate::pipeline::stall) fn pulse(&self) -> Option<Pulse> {
        self.vigil.pulses().get(&name("orders")).copied()
    }
}

pub(in crate::pipeline::stall) fn mark(number: i64) -> Stored {
    Stored::At(Mark(number.unsigned_abs()))
}

pub(in crate::pipeline::stall) fn still(_: i64) -> Stored {
    mark(0)
}

/// A worker that flushes once a minute.
pub(in crate::pipeline::stall) fn moving(seconds: i64) -> Stored {
    mark(1 + seconds / 60)
}

fn is_stalled(told: &[(i64, News)]) -> bool {
    matches!(told, [(_, News::Stalled { .. })])
}

#[test]
fn only_a_connector_must_move_at_rest_whose_heartbeat_writes_and_that_is_to_run() {
    let is_watched = |state, live: &LiveConnector, version: (u32, u32)| {
        let capabilities = Capabilities::of(Version { major: version.0, minor: version.1 });
        let connectors = BTreeMap::from([(name("orders"), live.clone())]);
        let mut vigil = Vigil::new(Options::default());
        vigil.see(&desired(&[("orders", state)]), &Live { connectors, capabilities }, at(0));
        !vigil.pulses().is_empty()
    };
    let run = DesiredState::Running;
    assert!(is_watched(run, &runs(&[]), (3, 5)));
    assert!(!is_watched(run, &runs(&[]), (3, 4)), "nobody tells offsets");
    for class in ["PostgresConnector", "Postgres", "MySqlConnector", "As400RpcConnector"] {
        assert!(is_watched(run, &runs(&[("connector.class", class)]), (4, 3)), "{class}: Connect takes it");
    }
    for state in [DesiredState::Paused, DesiredState::Stopped, DesiredState::Absent] {
        assert!(!is_watched(state, &runs(&[]), (4, 3)), "{state:?}");
    }
    for change in [
        ("heartbeat.action.query", "(none)"),
        ("heartbeat.action.query", " "),
        ("heartbeat.interval.ms", "(none)"),
        ("heartbeat.interval.ms", "0"),
        ("heartbeat.interval.ms", "${file:/x:y}"),
        ("connector.class", "org.example.Source"),
    ] {
        let pairs = CONFIG.iter().filter(|(key, _)| *key != change.0).chain([&change]);
        let config =
            pairs.filter(|(_, text)| *text != "(none)").map(|&(key, text)| (key, Value::new(key, text)));
        let live = one(RunState::Running, &[RunState::Running], config.collect());
        assert!(!is_watched(run, &live, (4, 3)), "{change:?}");
    }
    assert!(!is_watched(run, &LiveConnector { kind: Kind::Sink, ..runs(&[]) }, (4, 3)));
    assert!(!is_watched(run, &LiveConnector { config: None, ..runs(&[]) }, (4, 3)));
    for (state, task) in [
        (RunState::Paused, RunState::Paused),
        (RunState::Running, RunState::Failed),
        (RunState::Failed, RunState::Running),
    ] {
        assert!(!is_watched(run, &one(state, &[task], config(&[])), (4, 3)), "{state:?}");
    }
}

#[test]
fn what_stands_still_is_told_once_when_its_patience_is_over_and_not_before() {
    let mut story = Story::begin();
    let told = story.pass(3600, still);
    let [(after, News::Stalled { since, is_unbegun: false })] = told[..] else { panic!("{told:?}") };
    assert!((PATIENCE..PATIENCE + 6).contains(&after), "{after}");
    assert_eq!(since, at(1_000_000));
    assert_eq!(story.pulse(), Some(Pulse::Stalled(since)));
    assert!(story.looks < 85, "once a minute from then on: {}", story.looks);
}

#[test]
fn the_patience_is_three_heartbeats_where_that_is_longer() {
    let mut story = Story::begin();
    story.see(Some(runs(&[("heartbeat.interval.ms", "600000")])));
    let told = story.pass(7200, still);
    let [(after, News::Stalled { .. })] = told[..] else { panic!("{told:?}") };
    assert!((1800..1860).contains(&after), "{after}");
}

#[test]
fn what_moves_is_left_alone_for_an_interval_and_looked_at_closely_when_it_did_not_move() {
    let mut story = Story::begin();
    assert_eq!(story.pass(600, moving), []);
    assert!(matches!(story.pulse(), Some(Pulse::Moves(_))));
    story.looks = 0;
    assert_eq!(story.pass(10 * INTERVAL, |seconds| mark(100 + seconds / 60)), []);
    assert!((9..=11).contains(&story.looks), "{}", story.looks);
    for _ in 0..3 {
        let told = story.pass(2 * INTERVAL, still);
        let [(after, News::Stalled { .. })] = told[..] else { panic!("{told:?}") };
        // The first look may still find that it moved, and then it is known to have stood from there.
        assert!(after <= 2 * INTERVAL, "{after}");
        let told = story.pass(600, moving);
        assert!(matches!(told[..], [(_, News::Moves { .. })]), "once: {told:?}");
    }
}

#[test]
fn an_agent_that_has_just_begun_has_seen_nothing_stand_still() {
    let mut story = Story::begin();
    assert_eq!(story.pass(PATIENCE - 1, still), []);
    assert_eq!(story.pulse(), Some(Pulse::Awaited(at(1_000_000))));
}

#[test]
fn a_snapshot_is_never_a_stall_and_what_it_ends_with_is_no_sign_of_life() {
    let mut story = Story::begin();
    assert_eq!(story.pass(36_000, |_| Stored::Snapshot), []);
    assert!(matches!(story.pulse(), Some(Pulse::Awaited(_))));
    // Two connectors on one slot: the second ends its snapshot and then waits for ever.
    let told = story.pass(600, still);
    assert!(!matches!(story.pulse(), Some(Pulse::Moves(_))));
    let [(after, News::Stalled { .. })] = told[..] else { panic!("{told:?}") };
    assert!((PATIENCE..PATIENCE + 66).contains(&after), "{after}");
    assert_eq!(story.pass(600, |_| Stored::Snapshot), []);
    assert!(matches!(story.pulse(), Some(Pulse::Awaited(_))), "another one was begun");
}

#[test]
fn what_has_stored_nothing_yet_is_given_three_times_as_long() {
    let mut story = Story::begin();
    let told = story.pass(3600, |_| Stored::Nothing);
    let [(after, News::Stalled { is_unbegun: true, .. })] = told[..] else { panic!("{told:?}") };
    assert!((3 * PATIENCE..3 * PATIENCE + 6).contains(&after), "{after}");
}

#[test]
fn a_change_and_a_restart_begin_anew() {
    let changed = [("publication.name", "other")];
    let restarted = |story: &mut Story| story.vigil.changed(&name("orders"), at(story.now));
    let reconfigured = |story: &mut Story| story.see(Some(runs(&changed)));
    for anew in [restarted as fn(&mut Story), |story| story.see(Some(runs(&[("slot.name", "x")])))] {
        let mut story = Story::begin();
        assert_eq!(story.pass(PATIENCE - 10, still), []);
        let now = story.now;
        anew(&mut story);
        assert_eq!(story.pulse(), Some(Pulse::Awaited(at(now))));
        assert_eq!(story.pass(PATIENCE - 1, still), []);
        assert!(is_stalled(&story.pass(60, still)));
    }
    // One that was told is told again, and its end once.
    let mut story = Story::begin();
    let told = story.pass(600, still);
    let [(_, News::Stalled { since, .. })] = told[..] else { panic!("{told:?}") };
    reconfigured(&mut story);
    assert!(matches!(story.pulse(), Some(Pulse::Awaited(_))), "a new chance");
    assert!(is_stalled(&story.pass(600, still)));
    let told = story.pass(600, moving);
    assert!(matches!(told[..], [(_, News::Moves { since: first })] if first == since), "{told:?}");
}

#[test]
fn the_looks_after_a_change_come_soon_and_then_less_often() {
    let mut story = Story::begin();
    story.pass(600, moving);
    story.vigil.changed(&name("orders"), at(story.now));
    story.looks = 0;
    story.pass(30, still);
    assert!((6..=7).contains(&story.looks), "{}", story.looks);
    story.pass(PATIENCE - 30, still);
    assert!(story.looks < 16, "{}", story.looks);
}

#[test]
fn nobody_watches_what_rests_and_what_is_between_two_states_begins_anew() {
    let unsettled = || one(RunState::Running, &[RunState::Unassigned], config(&[]));
    let no_tasks = || one(RunState::Running, &[], config(&[]));
    let unknown = || LiveConnector { status: None, ..runs(&[]) };
    for between in [unsettled, no_tasks, unknown] {
        let mut story = Story::begin();
        assert_eq!(story.pass(PATIENCE - 10, still), []);
        story.see(Some(between()));
        assert_eq!(story.vigil.next(), None, "nobody looks");
        story.now += 1000;
        story.see(Some(runs(&[])));
        assert_eq!(story.pass(PATIENCE - 1, still), []);
        assert!(is_stalled(&story.pass(60, still)));
        // What was told is not told again because of a rebalance.
        let pulse = story.pulse();
        story.see(Some(between()));
        assert_eq!(story.pulse(), pulse);
        story.see(Some(runs(&[])));
        assert_eq!(story.pass(600, still), []);
        assert_eq!(story.pulse(), pulse);
    }
    let mut story = Story::begin();
    story.pass(600, still);
    story.see(Some(one(RunState::Paused, &[RunState::Paused], config(&[]))));
    assert_eq!(story.pulse(), None);
    story.see(Some(runs(&[])));
    story.see(None);
    assert_eq!(story.pulse(), None, "it is gone");
}

#[test]
fn while_nobody_can_look_nothing_is_told_and_nothing_counts() {
    let mut story = Story::begin();
    assert_eq!(story.pass(PATIENCE - 10, still), []);
    story.vigil.interrupt();
    assert_eq!(story.pass(3600, still), []);
    story.see(Some(runs(&[])));
    assert_eq!(story.pass(PATIENCE - 1, still), []);
    assert!(is_stalled(&story.pass(60, still)));
    let pulse = story.pulse();
    story.vigil.interrupt();
    story.now += 3600;
    story.see(Some(runs(&[])));
    assert_eq!(story.pass(600, still), [], "it is known already");
    assert_eq!(story.pulse(), pulse);
    story.vigil.leave();
    assert_eq!((story.pulse(), story.vigil.next()), (None, None), "another agent tells it");
}

#[test]
fn a_look_that_comes_hours_late_speaks_for_no_more_than_its_rest() {
    let mut story = Story::begin();
    story.pass(20, still);
    // The machine slept, or its clock was put right.
    story.now += 10 * 3600;
    assert_eq!(story.pass(60, still), []);
    // Backwards too.
    story.now -= 5 * 3600;
    assert_eq!(story.vigil.look(&name("orders"), Some(mark(0)), at(story.now)), None);
    assert!(is_stalled(&story.pass(6 * 3600, still)));
}

#[test]
fn looks_that_fail_say_nothing() {
    let mut story = Story::begin();
    story.pass(20, still);
    for _ in 0..100 {
        story.now += 30;
        story.vigil.missed(&name("orders"), at(story.now));
    }
    assert_eq!(story.vigil.next(), Some((&name("orders"), at(story.now + 30))));
    assert_eq!(story.vigil.look(&name("orders"), Some(mark(0)), at(story.now)), None);
    assert_eq!(story.vigil.look(&name("orders"), None, at(story.now)), None);
    assert_eq!(story.vigil.next(), None, "it is gone: the next cycle says more");
}

#[test]
fn many_connectors_are_looked_at_one_by_one_and_once_in_an_interval() {
    let names: Vec<_> = (0..100).map(|n| format!("c{n:02}")).collect();
    let states: Vec<_> = names.iter().map(|text| (text.as_str(), DesiredState::Running)).collect();
    let connectors = names.iter().map(|text| (name(text), runs(&[]))).collect();
    let mut vigil = Vigil::new(Options::default());
    vigil.see(&desired(&states), &Live { connectors, ..Live::default() }, at(0));
    let mut looks = Vec::new();
    while let Some((found, due)) = vigil.next().map(|(name, due)| (name.clone(), due))
        && due < at(10 * INTERVAL)
    {
        looks.push(due);
        vigil.look(&found, Some(moving(due.as_second())), due);
    }
    let within = |from: i64, to: i64| looks.iter().filter(|look| (at(from)..at(to)).contains(look)).count();
    assert!(within(0, 10) <= 20, "the first looks do not come at once: {}", within(0, 10));
    let rest: Vec<_> = (2..10).map(|n| within(n * INTERVAL, (n + 1) * INTERVAL)).collect();
    assert!(rest.iter().all(|count| (95..=105).contains(count)), "{rest:?}");
    let most = (2 * INTERVAL..9 * INTERVAL).step_by(10).map(|from| within(from, from + 10)).max();
    assert!(most < Some(15), "they are spread out: {most:?}");
}

/// Something that happens to a connector that is watched.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Look(Option<Stored>),
    Misses,
    Restarts,
    IsChanged(bool),
    IsUnsettled,
    IsPaused,
    Nobody,
}

fn happens() -> impl Strategy<Value = Happens> {
    let stored = prop_oneof![
        12 => Just(Some(mark(0))),
        1 => (0..3_i64).prop_map(|number| Some(mark(number))),
        1 => Just(Some(Stored::Nothing)),
        1 => Just(Some(Stored::Snapshot)),
        1 => Just(None),
    ];
    prop_oneof![
        30 => stored.prop_map(Happens::Look),
        1 => Just(Happens::Misses),
        1 => Just(Happens::Restarts),
        1 => any::<bool>().prop_map(Happens::IsChanged),
        1 => Just(Happens::IsUnsettled),
        1 => Just(Happens::IsPaused),
        1 => Just(Happens::Nobody),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever happens and whenever it is looked at: what is newly stalled was seen again and again with the same
    /// offsets, outside a snapshot, for its patience since it last began anew.
    #[test]
    fn nothing_is_stalled_that_was_not_seen_to_stand_still(events in prop::collection::vec((happens(), 0..100_i64), 1..80)) {
        let mut story = Story::begin();
        // What was seen since it began anew, and since when; and what its config was changed to.
        let (mut seen, mut changed): (Option<(Stored, i64)>, _) = (None, None);
        for (event, rest) in events {
            story.now += rest;
            let now = story.now;
            let before = story.pulse();
            let mut news = None;
            match event {
                Happens::Look(stored) => {
                    // Only what is watched is looked at.
                    if story.vigil.next().is_none() { continue }
                    news = story.vigil.look(&name("orders"), stored, at(now));
                    seen = stored.map(|stored| match seen {
                        Some((same, since)) if same == stored => (stored, since),
                        Some(_) | None => (stored, now),
                    });
                }
                Happens::Misses => story.vigil.missed(&name("orders"), at(now)),
                Happens::Restarts => story.vigil.changed(&name("orders"), at(now)),
                Happens::IsChanged(other) => story.see(Some(runs(&[("slot.name", if other { "a" } else { "b" })]))),
                Happens::IsUnsettled => story.see(Some(one(RunState::Unassigned, &[], config(&[])))),
                Happens::IsPaused => story.see(Some(one(RunState::Paused, &[], config(&[])))),
                Happens::Nobody => story.vigil.interrupt(),
            }
            match event {
                Happens::Look(_) | Happens::Misses => {}
                // The same config again changes nothing.
                Happens::IsChanged(other) if changed.replace(other) == Some(other) => {}
                Happens::IsUnsettled | Happens::IsPaused => (seen, changed) = (None, None),
                Happens::IsChanged(_) | Happens::Restarts | Happens::Nobody => seen = None,
            }
            if let Some(News::Stalled { since, is_unbegun }) = news {
                let (stored, first) = seen.expect("it was looked at");
                prop_assert_eq!(since, at(first));
                prop_assert!(stored != Stored::Snapshot);
                prop_assert_eq!(is_unbegun, stored == Stored::Nothing);
                let times = if is_unbegun { 3 } else { 1 };
                prop_assert!(now - first >= times * PATIENCE);
                prop_assert_eq!(story.pulse(), Some(Pulse::Stalled(since)));
            }
            if let Happens::IsPaused = event {
                prop_assert_eq!(story.pulse(), None);
            }
            let is_new = matches!(story.pulse(), Some(Pulse::Stalled(_))) && story.pulse() != before;
            prop_assert_eq!(is_new, matches!(news, Some(News::Stalled { .. })));
        }
    }

    /// Whenever it stops moving: a look finds that it has not moved since the last one, and from there it is no longer
    /// than its patience.
    #[test]
    fn what_stops_is_told_in_time(stops in 0..3000_i64, interval in 10..900_i64) {
        let mut story = Story::begin();
        story.vigil.options.interval = Duration::from_secs(interval.unsigned_abs());
        let told = story.pass(12_000, |seconds| if seconds < stops { mark(1 + seconds / 10) } else { mark(9999) });
        let [(after, News::Stalled { .. })] = told[..] else { panic!("{told:?}") };
        // The first rest ends at its own moment in the interval, the others are as long as that.
        let latest = interval * 3 / 2 + interval.max(PATIENCE) + 8;
        prop_assert!((PATIENCE..=latest).contains(&(after - stops)), "{after}");
    }
}

#[test]
fn one_that_fails_for_a_moment_is_not_forgiven_what_it_owes() {
    let mut story = Story::begin();
    story.vigil.changed(&name("orders"), at(story.now));
    story.see(Some(one(RunState::Running, &[RunState::Failed], config(&[]))));
    assert_eq!(story.pulse(), None, "its state says it");
    story.see(Some(runs(&[])));
    assert!(matches!(story.pulse(), Some(Pulse::Awaited(_))));
    assert!(is_stalled(&story.pass(600, still)));
    story.see(Some(one(RunState::Running, &[RunState::Failed], config(&[]))));
    story.see(Some(runs(&[])));
    let told = story.pass(600, moving);
    assert!(matches!(told[..], [(_, News::Moves { .. })]), "that it moves again is told: {told:?}");
}
