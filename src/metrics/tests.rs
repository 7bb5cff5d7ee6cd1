//! What is told, and what is not, over a report with something of everything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::metrics::families::ALL;
use crate::metrics::promised::promised;
use crate::metrics::{Metrics, Options};
use crate::model::config::{Config, Shown, Value};
use crate::model::course::{Course, MoveKind};
use crate::model::finding::Findings;
use crate::model::live::{Kind, Live, LiveConnector, RunState, Status, Task};
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::plan::{
    Action, Change, ChangeKind, Held, Hold, Mode, Plan, Reason, Step, StepKind, Sync, Unverifiable,
};
use crate::model::pulse::Pulse;
use crate::model::report::{
    Class, Clock, Clocks, ClusterReport, Exchange, Outcome, Poll, PollOutcome, PollStep, Report,
    RepositoryReport, RepositoryState, StepResult, SuspendedBy, Waiting,
};
use crate::model::revision::{At, ObjectId, RepositoryName, RepositoryRevision, Revision};

fn metrics() -> Metrics {
    Metrics::new(Options {
        version: "0.1.0".to_owned(),
        commit: "4f1c9e2".to_owned(),
        libgit2: "1.9.7".to_owned(),
        per_connector: true,
    })
}

const SECRET: &str = "hunter2-must-not-be-seen";

pub(in crate::metrics) fn name(text: &str) -> ConnectorName {
    ConnectorName::observed(text)
}

pub(in crate::metrics) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn revision(commit: char) -> Revision {
    let id = |digit: char| ObjectId::new(&digit.to_string().repeat(40)).expect("an id");
    Revision::of(vec![RepositoryRevision {
        repository: RepositoryName::main(),
        at: At::Git {
            reference: "refs/tags/v1".into(),
            object: id('0'),
            commit: id(commit),
            committed: Some(at(1000)),
            verified: None,
        },
    }])
}

pub(in crate::metrics) fn plan() -> Plan {
    let change = |before: &str, after: &str| ChangeKind::Changed {
        before: Shown::Text(before.into()),
        after: Shown::Text(after.into()),
    };
    let configure = |connector: &str| Action {
        connector: name(connector),
        step: Step::Configure {
            config: [("database.password", Value::secret(SECRET))].into_iter().collect(),
            changes: vec![
                Change { key: "a".into(), kind: change("1", "2") },
                Change { key: "b".into(), kind: change("1", "2") },
            ],
        },
        reason: Reason::Differs,
    };
    Plan {
        revision: revision('a'),
        environment: EnvironmentName::new("production").expect("a name"),
        mode: Mode::Enforce,
        steps: vec![configure("orders")],
        held: vec![Held {
            action: configure("risky"),
            hold: Hold::RiskyChange,
            detail: String::new(),
            release: None,
        }],
        unverifiable: vec![Unverifiable { connector: name("orders"), keys: vec!["p".into(), "q".into()] }],
        unresolved: Vec::new(),
        unmanaged: vec![name("someone-elses")],
        sync: [
            ("orders", Sync::ConfigDrift),
            ("risky", Sync::ConfigDrift),
            ("late", Sync::StateDrift),
            ("quiet", Sync::Synced),
            ("new", Sync::Missing),
            ("lost", Sync::Unknown),
        ]
        .map(|(text, sync)| (name(text), sync))
        .into(),
        warnings: Vec::new(),
        risks: Vec::new(),
        unjudged: BTreeMap::new(),
        leaves: BTreeMap::new(),
        incomplete: Vec::new(),
    }
}

fn live() -> Live {
    let config: Config = [("connector.class", "io.example.Source"), ("database.password", SECRET)]
        .map(|(key, text)| (key, Value::new(key, text)))
        .into_iter()
        .collect();
    let task = |id, state| Task { id, state, failure: None };
    let orders = LiveConnector {
        config: Some(config),
        kind: Kind::Source,
        status: Some(Status {
            state: RunState::Running,
            failure: None,
            tasks: vec![task(0, RunState::Running), task(1, RunState::Failed)],
        }),
    };
    Live {
        connectors: [(name("orders"), orders.clone()), (name("someone-elses"), orders)].into(),
        ..Live::default()
    }
}

pub(in crate::metrics) fn report() -> Report {
    Report {
        environment: EnvironmentName::new("production").expect("a name"),
        mode: Mode::Enforce,
        heartbeat: at(2000),
        repositories: vec![RepositoryReport {
            repository: RepositoryName::main(),
            state: RepositoryState::Unreachable,
            revision: Some(revision('a')),
            last_poll: Some(at(1990)),
            last_success: Some(at(1980)),
            first_seen: Some(at(1970)),
            operation_started: None,
            consecutive_failures: 3,
            failure: None,
            last_moves: BTreeMap::from([(MoveKind::Backward, at(1960))]),
            course: Course { version_tag: Some("v1.4.2".into()), ..Course::default() },
            findings: Findings::default(),
        }],
        cluster: ClusterReport {
            reachable: Some(true),
            leader: Some(true),
            live: Some(Arc::new(live())),
            plan: Some(Arc::new(plan())),
            drift_since: BTreeMap::from([(name("orders"), at(1900))]),
            waiting: BTreeMap::from([
                (name("late"), Waiting { class: Class::Waiting, since: at(1950) }),
                // One that waits for another connector is counted as drifted.
                (name("orders"), Waiting { class: Class::Canary, since: at(1950) }),
            ]),
            pulses: BTreeMap::from([(name("quiet"), Pulse::Stalled(at(1800)))]),
            failed: BTreeMap::from([(name("orders"), Class::Denied)]),
            last_success: Some(at(1995)),
            suspended: BTreeSet::from([SuspendedBy::Settings]),
            ..ClusterReport::default()
        },
        clocks: Clocks {
            points_at: Some(Clock { revision: revision('a'), at: at(1970) }),
            validated: Some(Clock { revision: revision('a'), at: at(1970) }),
            applied: Some(Clock { revision: revision('b'), at: at(1000) }),
        },
        findings: Findings::default(),
        declared: None,
        answered: 0,
    }
}

/// The text after a report.
pub(in crate::metrics) fn told(report: Report) -> String {
    let metrics = metrics();
    metrics.observe(&Arc::new(report));
    metrics.encode()
}

/// The value of a series, without the prefix.
fn value(text: &str, series: &str) -> Option<String> {
    let series = format!("tagalong_{series} ");
    text.lines().find_map(|line| line.strip_prefix(series.as_str())).map(str::to_owned)
}

#[track_caller]
pub(in crate::metrics) fn assert_told(text: &str, series: &[(&str, &str)]) {
    for (series, expected) in series {
        assert_eq!(value(text, series).as_deref(), Some(*expected), "{series} in\n{text}");
    }
}

#[test]
fn the_families_are_the_promised_ones() {
    let promised: Vec<(String, Vec<String>)> = promised()
        .into_iter()
        .map(|(name, labels)| (name, labels.into_iter().map(|(label, _)| label).collect()))
        .collect();
    let ours: Vec<(String, Vec<String>)> = ALL
        .iter()
        .map(|family| {
            (family.name.to_owned(), family.labels.iter().map(|label| (*label).to_owned()).collect())
        })
        .collect();
    assert_eq!(ours, promised);
}

#[test]
fn every_family_of_the_table_is_told_with_its_type() {
    let text = told(report());
    for family in ALL {
        let header = format!("# TYPE {} {}\n", family.name, family.kind.name());
        assert!(text.contains(&header), "{header} in\n{text}");
    }
    let headers = text.lines().filter(|line| line.starts_with("# TYPE ")).count();
    assert_eq!(headers, ALL.len(), "each family once\n{text}");
}

#[test]
fn every_known_label_value_is_there_from_the_first_scrape() {
    let text = metrics().encode();
    let mut checked = 0;
    for (family, labels) in promised() {
        for (label, values) in labels {
            for value in values.iter().filter(|_| !family.starts_with("tagalong_connector_")) {
                let pair = format!("{label}=\"{value}\"");
                let found =
                    text.lines().any(|line| line.starts_with(family.as_str()) && line.contains(&pair));
                assert!(found, "{family} {pair} in\n{text}");
                checked += 1;
            }
        }
    }
    assert!(checked > 30, "{checked}");
    assert_told(
        &text,
        &[
            ("steps_total{outcome=\"pending\",step=\"restart\"}", "0"),
            ("held{hold=\"risky-change\"}", "0"),
            ("apply_last_result{result=\"never\"}", "1"),
            ("connect_requests_total{code_class=\"none\",method=\"PUT\"}", "0"),
            ("webhooks_total{outcome=\"accepted\"}", "0"),
            ("cycle_last_success_timestamp_seconds", "0"),
            ("cycle_duration_seconds_count", "0"),
            ("findings{repository=\"main\",severity=\"info\"}", "0"),
            ("build_info{version=\"0.1.0\",commit=\"4f1c9e2\",libgit2=\"1.9.7\"}", "1"),
        ],
    );
}

#[test]
fn a_first_report_takes_no_series_away() {
    let series = |text: &str| -> BTreeSet<String> {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit_once(' ').map(|(series, _)| series.to_owned()))
            .collect()
    };
    let (first, then) = (metrics().encode(), told(report()));
    let lost: Vec<_> = series(&first).difference(&series(&then)).cloned().collect();
    assert_eq!(lost, Vec::<String>::new());
}

#[test]
fn drift_is_a_state_with_a_since() {
    assert_told(
        &told(report()),
        &[
            ("connector_sync_state{connector=\"orders\",state=\"config_drift\"}", "1"),
            ("connector_sync_state{connector=\"orders\",state=\"synced\"}", "0"),
            ("connector_drift_since_timestamp_seconds{connector=\"orders\"}", "1900"),
            ("connector_drift_since_timestamp_seconds{connector=\"quiet\"}", "0"),
            ("connector_drifted_keys{connector=\"orders\"}", "2"),
            ("connector_drifted_keys{connector=\"risky\"}", "2"),
            ("connector_drifted_keys{connector=\"quiet\"}", "0"),
            ("connector_unverifiable_keys{connector=\"orders\"}", "2"),
            ("connector_waiting{connector=\"late\"}", "1"),
            ("connector_waiting{connector=\"orders\"}", "1"),
            ("connector_waiting{connector=\"quiet\"}", "0"),
            ("connector_stalled{connector=\"orders\"}", "0"),
            ("connector_stalled{connector=\"quiet\"}", "1"),
            ("connector_last_apply_failed{connector=\"orders\"}", "1"),
            ("connector_info{connector=\"orders\",class=\"io.example.Source\",type=\"source\"}", "1"),
            ("connector_state{connector=\"orders\",state=\"running\"}", "1"),
            ("connector_tasks{connector=\"orders\",state=\"running\"}", "1"),
            ("connector_tasks{connector=\"orders\",state=\"failed\"}", "1"),
            ("connector_tasks{connector=\"orders\",state=\"paused\"}", "0"),
        ],
    );
}

#[test]
fn every_connector_is_counted_once() {
    let text = told(report());
    for (sync, expected) in [
        ("synced", "1"),
        ("drifted", "1"),
        ("missing", "1"),
        ("held", "1"),
        ("waiting", "1"),
        ("unmanaged", "1"),
        ("unknown", "1"),
    ] {
        assert_told(&text, &[(&format!("connectors{{sync=\"{sync}\"}}"), expected)]);
    }
}

#[test]
fn a_repository_is_told_with_its_state_and_its_moments() {
    let a = "a".repeat(40);
    assert_told(
        &told(report()),
        &[
            ("repository_state{repository=\"main\",state=\"unreachable\"}", "1"),
            ("repository_state{repository=\"main\",state=\"ok\"}", "0"),
            ("repository_last_poll_timestamp_seconds{repository=\"main\"}", "1990"),
            ("repository_last_success_timestamp_seconds{repository=\"main\"}", "1980"),
            ("repository_revision_first_seen_timestamp_seconds{repository=\"main\"}", "1970"),
            ("repository_commit_timestamp_seconds{repository=\"main\"}", "1000"),
            ("repository_operation_started_timestamp_seconds{repository=\"main\"}", "0"),
            ("repository_last_move_timestamp_seconds{repository=\"main\",kind=\"backward\"}", "1960"),
            ("repository_last_move_timestamp_seconds{repository=\"main\",kind=\"forward\"}", "0"),
            ("repository_consecutive_failures{repository=\"main\"}", "3"),
            (
                &format!(
                    "repository_info{{repository=\"main\",ref=\"refs/tags/v1\",revision=\"{a}\",\
                     version_tag=\"v1.4.2\",verified_by=\"\"}}"
                ),
                "1",
            ),
            ("suspended{by=\"settings\"}", "1"),
            ("suspended{by=\"environment\"}", "0"),
        ],
    );
}

#[test]
fn a_revision_is_current_once_the_cluster_equals_it() {
    let mut report = report();
    assert_told(&told(report.clone()), &[("revision_current", "0")]);
    let mut applied = revision('a');
    // A tag made anew for the same commit names the same definitions.
    applied.repositories[0].at = At::Git {
        reference: "refs/tags/v1".into(),
        object: ObjectId::new(&"f".repeat(40)).expect("an id"),
        commit: ObjectId::new(&"a".repeat(40)).expect("an id"),
        committed: None,
        verified: None,
    };
    report.clocks.applied = Some(Clock { revision: applied, at: at(1999) });
    assert_told(&told(report), &[("revision_current", "1")]);
}

#[test]
fn a_connector_that_is_gone_leaves_no_series() {
    let metrics = metrics();
    metrics.observe(&Arc::new(report()));
    assert!(metrics.encode().contains("connector=\"orders\""));

    let mut later = report();
    let mut plan = plan();
    plan.steps.clear();
    plan.unverifiable.clear();
    plan.sync.remove(&name("orders"));
    later.cluster.plan = Some(Arc::new(plan));
    metrics.observe(&Arc::new(later));
    assert!(!metrics.encode().contains("connector=\"orders\""));
}

#[test]
fn before_the_first_look_nothing_is_told_of_connectors() {
    let mut report = report();
    report.cluster = ClusterReport::default();
    let text = told(report);
    assert!(!text.contains("tagalong_connector_"), "{text}");
    assert_eq!(value(&text, "leader"), None);
    assert_eq!(value(&text, "connect_reachable"), None);
}

#[test]
fn an_agent_that_follows_tells_its_repository_and_no_drift() {
    let mut report = report();
    report.cluster.leader = Some(false);
    let text = told(report);
    assert_told(
        &text,
        &[
            ("leader", "0"),
            ("held{hold=\"risky-change\"}", "0"),
            ("repository_state{repository=\"main\",state=\"unreachable\"}", "1"),
        ],
    );
    for absent in ["tagalong_connector_", "tagalong_connectors", "tagalong_revision_current"] {
        assert!(!text.contains(absent), "{absent} in\n{text}");
    }
}

#[test]
fn in_observe_everybody_tells_drift_and_nobody_a_leader() {
    let mut report = report();
    report.mode = Mode::Observe;
    report.cluster.leader = None;
    let text = told(report);
    assert_eq!(value(&text, "leader"), None);
    assert_told(&text, &[("connector_sync_state{connector=\"orders\",state=\"config_drift\"}", "1")]);
}

#[test]
fn the_families_of_each_connector_can_be_switched_off() {
    let metrics = Metrics::new(Options { per_connector: false, ..metrics().options });
    metrics.observe(&Arc::new(report()));
    let text = metrics.encode();
    assert!(!text.contains("connector=\""), "{text}");
    assert_told(&text, &[("connectors{sync=\"drifted\"}", "1")]);
}

#[test]
fn what_happens_is_counted() {
    let metrics = metrics();
    metrics.observe_poll(&Poll {
        repository: RepositoryName::main(),
        outcome: PollOutcome::Success,
        took: vec![(PollStep::List, Duration::from_millis(20)), (PollStep::Fetch, Duration::from_secs(2))],
        received_bytes: 4096,
        moves: vec![MoveKind::Forward],
    });
    metrics.observe_steps(&[StepResult {
        connector: name("orders"),
        step: StepKind::Configure,
        outcome: Outcome::Converged,
        class: None,
        took: Duration::from_secs(3),
    }]);
    metrics.observe_exchanges(&[Exchange {
        method: "PUT",
        code_class: "2xx",
        took: Duration::from_millis(300),
    }]);
    metrics.observe_cycle(Duration::from_secs(4));
    assert_told(
        &metrics.encode(),
        &[
            ("repository_polls_total{outcome=\"success\",repository=\"main\"}", "1"),
            ("repository_moves_total{kind=\"forward\",repository=\"main\"}", "1"),
            ("repository_received_bytes_total{repository=\"main\"}", "4096"),
            ("repository_poll_duration_seconds_sum{repository=\"main\",step=\"fetch\"}", "2"),
            ("steps_total{outcome=\"converged\",step=\"configure\"}", "1"),
            ("connect_requests_total{code_class=\"2xx\",method=\"PUT\"}", "1"),
            ("connect_request_duration_seconds_count{method=\"PUT\"}", "1"),
            ("cycle_duration_seconds_sum", "4"),
        ],
    );
}

#[test]
fn no_secret_is_told_and_a_name_cannot_forge_a_series() {
    let mut report = report();
    let mut plan = plan();
    plan.sync.insert(name("a\"} 1\nforged 1"), Sync::Synced);
    report.cluster.plan = Some(Arc::new(plan));
    let text = told(report);
    assert!(!text.contains(SECRET), "{text}");
    assert!(!text.lines().any(|line| line.starts_with("forged")), "{text}");
}
