//! One plan, one report and one rendered environment with something of everything, for the tests of
//! this room.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::capability::{Capabilities, Version};
use crate::model::config::{Config, Shown, Value};
use crate::model::course::{Course, LowerVersion, Move, MoveKind, MovedVersion};
use crate::model::desired::{Desired, DesiredConnector, DesiredState, Form, Incomplete, Lapse, Origin};
use crate::model::finding::{Finding, Findings, Place};
use crate::model::live::{Kind, Live, LiveConnector, RunState, Status, Task, Trouble};
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::plan::{
    Action, Change, ChangeKind, Failed, Held, Hold, Initial, Left, LeftKind, Mode, Plan, Reason, Step, Sync,
    Target, Unverifiable,
};
use crate::model::pulse::Pulse;
use crate::model::report::{
    ApplyResult, Class, Clock, Clocks, ClusterReport, Failure, Outcome, Report, RepositoryReport,
    RepositoryState, StepResult, SuspendedBy, Waiting,
};
use crate::model::revision::{At, ObjectId, RepositoryName, RepositoryRevision, Revision};
use crate::model::risk::{Harm, Risk, Standing};
use crate::model::rollout::{Brake, Why};
use crate::model::rule::Rule;
use crate::model::signature::{Signer, Verified};
use crate::model::warning::{Lack, Warning};

/// A secret that must occur nowhere.
pub(in crate::view) const SECRET: &str = "hunter2-must-not-be-seen";

/// The moment at which everything is told: 2026-01-02T03:04:05Z.
pub(in crate::view) const NOW: Timestamp = Timestamp::constant(1_767_323_045, 0);

pub(in crate::view) fn name(text: &str) -> ConnectorName {
    ConnectorName::new(text).expect("a name")
}

pub(in crate::view) fn config(pairs: &[(&str, &str)]) -> Config {
    pairs.iter().map(|(key, text)| (*key, Value::new(key, text))).collect()
}

pub(in crate::view) fn revision() -> Revision {
    let id = |text: &str| ObjectId::new(text).expect("an id");
    Revision::of(vec![RepositoryRevision {
        repository: RepositoryName::main(),
        at: At::Git {
            reference: "refs/tags/v1".into(),
            object: id("a3d1c0ffee00112233445566778899aabbccddee"),
            commit: id("4f1c9e2000112233445566778899aabbccddeeff"),
            committed: None,
            verified: None,
        },
    }])
}

/// Somebody who signed a tag.
pub(in crate::view) fn verified() -> Verified {
    let ada = Signer { principals: "ada@example.com".into(), key: "SHA256:example".into() };
    Verified { tag: Some(ada), commit: None, tagged: None }
}

fn shown(text: &str) -> Shown {
    Shown::Text(text.into())
}

fn action(connector: &str, step: Step, reason: Reason) -> Action {
    Action { connector: name(connector), step, reason }
}

fn configure(changes: &[(&str, ChangeKind)]) -> Step {
    Step::Configure {
        config: config(&[("tasks.max", "4"), ("database.password", SECRET)]),
        changes: changes
            .iter()
            .map(|(key, kind)| Change { key: (*key).into(), kind: kind.clone() })
            .collect(),
    }
}

/// A way with something of everything; in truth only a range is held.
fn course() -> Course {
    let id = |digit: &str| ObjectId::new(&digit.repeat(40)).expect("an id");
    let one = |revision: Revision| revision.main().clone();
    let mut earlier = one(revision());
    if let At::Git { commit, .. } = &mut earlier.at {
        *commit = id("b");
    }
    Course {
        version_tag: Some("v1.4.2".into()),
        last: Some(Move {
            kind: MoveKind::Backward,
            from: Some(earlier.clone()),
            to: one(revision()),
            at: NOW - jiff::SignedDuration::from_hours(1),
        }),
        moved_versions: vec![MovedVersion {
            tag: "v1.4.1".into(),
            from: id("c"),
            to: id("d"),
            at: NOW - jiff::SignedDuration::from_hours(2),
        }],
        held: Some(LowerVersion { offered: earlier, kept: one(revision()) }),
    }
}

pub(in crate::view) fn empty_plan() -> Plan {
    Plan {
        revision: revision(),
        environment: EnvironmentName::new("production").expect("a name"),
        mode: Mode::Enforce,
        steps: Vec::new(),
        held: Vec::new(),
        unverifiable: Vec::new(),
        unresolved: Vec::new(),
        unmanaged: Vec::new(),
        sync: BTreeMap::new(),
        warnings: Vec::new(),
        risks: Vec::new(),
        unjudged: BTreeMap::new(),
        leaves: BTreeMap::new(),
        incomplete: Vec::new(),
    }
}

fn unverifiable() -> Unverifiable {
    Unverifiable { connector: name("users-source"), keys: vec!["database.password".into()] }
}

fn incomplete() -> Incomplete {
    Incomplete { repository: RepositoryName::extra("/etc/extra/shop"), lapse: Lapse::Missing }
}

fn warning() -> Warning {
    Warning { connector: Some(name("orders-sink")), lack: Lack::Stop, version: Some("2.8.2".into()) }
}

/// A change with two risky keys and a resume behind it, a deletion that waits for the second look, and one of what
/// was to be kept.
fn held() -> Vec<Held> {
    let changed = |before, after| ChangeKind::Changed { before: shown(before), after: shown(after) };
    let risky = [
        ("publication.name", changed("orders", "orders_v2")),
        ("slot.name", changed("orders", "orders_v2")),
        ("tasks.max", changed("1", "2")),
    ];
    let lines = "# connectors/orders.yaml\nacknowledge:\n  \
                 - {key: publication.name, to: orders_v2, reason: \"…\"}\n  \
                 - {key: slot.name, to: orders_v2, reason: \"…\"}";
    let deletion = |connector, hold, detail: &str| Held {
        action: action(connector, Step::Delete, Reason::NotInRepository),
        hold,
        detail: detail.to_owned(),
        release: None,
    };
    vec![
        deletion("scratch", Hold::TooManyDeletes, "seen once: it is deleted if the next look says the same"),
        deletion("vault", Hold::Keep, "its last definition, in 8d2e1f0, said `keep: true`"),
        Held {
            action: action("orders", configure(&risky), Reason::Differs),
            hold: Hold::RiskyChange,
            detail: "publication.name (outage): nothing is published\n\
                     slot.name (data-gap): a new slot begins at the end of the log\n\
                     the safe way: copy the slot first"
                .to_owned(),
            release: Some(lines.to_owned()),
        },
        Held {
            action: action("orders", Step::Resume { from: Target::Paused }, Reason::WrongState),
            hold: Hold::RiskyChange,
            detail: "it goes on when its held config is there".to_owned(),
            release: Some(lines.to_owned()),
        },
    ]
}

fn risks() -> Vec<Risk> {
    let risk = |connector, key: &str, harm, consequence: &'static str, standing| Risk {
        connector: name(connector),
        key: key.into(),
        to: None,
        row: "postgres-example",
        harm,
        consequence: consequence.into(),
        remedy: None,
        standing,
    };
    let reason = "OPS-1234: that table is gone";
    vec![
        Risk {
            remedy: Some("make the publication first, under its new name".into()),
            ..risk("orders", "publication.name", Harm::Outage, "nothing is published", Standing::Held)
        },
        Risk {
            remedy: Some("copy the slot first:\nSELECT pg_copy_logical_replication_slot(…)".into()),
            ..risk("orders", "slot.name", Harm::DataGap, "a new slot begins at the end", Standing::Held)
        },
        risk("stock-source", "decimal.handling.mode", Harm::Contract, "numbers become text", Standing::Told),
        Risk {
            remedy: Some("is not said where somebody has answered".into()),
            ..risk(
                "stock-source",
                "table.include.list",
                Harm::DataGap,
                "changes of a.y are lost",
                Standing::Acknowledged(reason.into()),
            )
        },
        Risk {
            remedy: Some("name it as it was".into()),
            ..risk("users-source", "snapshot.mode", Harm::Resnapshot, "all is read anew", Standing::Warned)
        },
    ]
}

/// What stays behind of a source and of a sink.
fn leaves() -> BTreeMap<ConnectorName, Vec<Left>> {
    let left = |kind, name: &str| Left { kind, name: Some(name.into()), within: None };
    let offsets = Left { kind: LeftKind::Offsets, name: None, within: None };
    let slot = Left { within: Some("database shop at db:5432".into()), ..left(LeftKind::Slot, "scratch") };
    let source = [slot, left(LeftKind::Publication, "dbz_publication"), offsets];
    let sink = [left(LeftKind::ConsumerGroup, "connect-legacy-sink")];
    [(name("scratch"), source.into()), (name("legacy-sink"), sink.into())].into()
}

pub(in crate::view) fn plan() -> Plan {
    let create = config(&[("connector.class", "io.example.Sink"), ("connection.password", SECRET)]);
    let changes = [
        ("database.password", ChangeKind::Changed { before: Shown::Hidden, after: Shown::Hidden }),
        ("heartbeat.interval.ms", ChangeKind::Added { after: shown("10000") }),
        ("snapshot.mode", ChangeKind::Removed { before: shown("initial") }),
        ("tasks.max", ChangeKind::Changed { before: shown("2"), after: shown("4") }),
    ];
    let harmful = [
        ("decimal.handling.mode", ChangeKind::Changed { before: shown("precise"), after: shown("string") }),
        ("table.include.list", ChangeKind::Changed { before: shown("a.x,a.y"), after: shown("a.x") }),
    ];
    Plan {
        steps: vec![
            action("audit-sink", Step::Pause { from: Target::Running }, Reason::WrongState),
            action("legacy-sink", Step::Delete, Reason::Absent),
            action("stock-source", configure(&harmful), Reason::Differs),
            action("users-source", configure(&changes), Reason::Differs),
            action(
                "orders-sink",
                Step::Create { config: create, initial: Initial::At(Target::Running) },
                Reason::Missing,
            ),
            action(
                "late-sink",
                Step::Restart { failed: Failed::OneByOne { itself: true, tasks: vec![0] } },
                Reason::Failed,
            ),
        ],
        held: held(),
        risks: risks(),
        unjudged: [(name("users-source"), vec!["max.batch.age".into()])].into(),
        leaves: leaves(),
        unverifiable: vec![unverifiable()],
        unresolved: vec![name("locked")],
        unmanaged: vec![name("someone-elses")],
        warnings: vec![warning()],
        incomplete: vec![incomplete()],
        sync: [
            ("audit-sink", Sync::StateDrift),
            ("late-sink", Sync::StateDrift),
            ("legacy-sink", Sync::Surplus),
            ("locked", Sync::Unknown),
            ("lost", Sync::Unknown),
            ("orders", Sync::ConfigDrift),
            ("orders-sink", Sync::Missing),
            ("quiet", Sync::Synced),
            ("stock-source", Sync::ConfigDrift),
            ("users-source", Sync::ConfigDrift),
        ]
        .map(|(text, sync)| (name(text), sync))
        .into(),
        ..empty_plan()
    }
}

pub(in crate::view) fn findings() -> Findings {
    let place = |line| Place { path: "connectors/orders.yaml".into(), line, column: 5 };
    let mut findings = Findings::default();
    findings.push(
        Finding::new(Rule::FileName, place(3), "no template is called debezium-postgrs")
            .hint("did you mean debezium-postgres?")
            .of(&name("orders")),
    );
    let mut warning = Finding::new(Rule::ConnectorsMissing, place(7), "nothing\nis here");
    warning.hint = None;
    warning.environment = Some(EnvironmentName::new("staging").expect("a name"));
    findings.push(warning);
    findings
}

pub(in crate::view) fn results() -> Vec<StepResult> {
    plan()
        .steps
        .iter()
        .zip([
            (Outcome::Converged, None),
            (Outcome::Failed, Some(Class::Denied)),
            (Outcome::Converged, None),
            (Outcome::Waiting, Some(Class::Waiting)),
            (Outcome::Pending, None),
            (Outcome::NotTaken, Some(Class::Superseded)),
        ])
        .map(|(action, (outcome, class))| StepResult {
            connector: action.connector.clone(),
            step: action.step.kind(),
            outcome,
            class,
            took: Duration::from_millis(1250),
        })
        .collect()
}

pub(in crate::view) fn failure(text: &str) -> Failure {
    Failure { class: Class::Unreachable, text: text.into(), hint: Some("is it up?") }
}

fn live() -> Live {
    let task = |id, state, failure| Task { id, state, failure };
    let connector = |state, tasks| LiveConnector {
        config: Some(config(&[("connector.class", "io.example.Sink"), ("database.password", SECRET)])),
        kind: Kind::Sink,
        status: Some(Status { state, failure: None, tasks }),
    };
    let connectors = [
        ("quiet", connector(RunState::Running, vec![task(0, RunState::Running, None)])),
        ("late-sink", connector(RunState::Running, vec![task(0, RunState::Failed, Some(Trouble::Away))])),
    ];
    Live {
        connectors: connectors.map(|(text, connector)| (name(text), connector)).into(),
        capabilities: Capabilities::of(Version { major: 2, minor: 8 }).said("2.8.2"),
    }
}

pub(in crate::view) fn report() -> Report {
    let before = |seconds: i64| NOW - jiff::SignedDuration::from_secs(seconds);
    let clock = |seconds| Some(Clock { revision: revision(), at: before(seconds) });
    Report {
        environment: EnvironmentName::new("production").expect("a name"),
        mode: Mode::Enforce,
        heartbeat: before(2),
        repositories: vec![RepositoryReport {
            repository: RepositoryName::main(),
            state: RepositoryState::Unreachable,
            revision: Some(revision()),
            last_poll: Some(before(10)),
            last_success: Some(before(70)),
            first_seen: Some(before(3600)),
            operation_started: Some(before(10)),
            consecutive_failures: 1,
            failure: Some(failure("failed to list the refs: connection refused")),
            last_moves: [(MoveKind::Forward, before(3600))].into(),
            course: course(),
            findings: Findings::default(),
        }],
        cluster: ClusterReport {
            reachable: Some(true),
            leader: Some(true),
            live: Some(Arc::new(live())),
            plan: Some(Arc::new(plan())),
            results: results(),
            drift_since: [(name("users-source"), before(900))].into(),
            waiting: [(name("late-sink"), Waiting { class: Class::Waiting, since: before(600) })].into(),
            rollouts: vec![Brake {
                template: "debezium-postgres".into(),
                by: name("users-source"),
                why: Why::Refused("invalid"),
                since: before(300),
                rest: [name("late-sink")].into(),
            }],
            pulses: [(name("quiet"), Pulse::Stalled(before(720)))].into(),
            failed: [(name("legacy-sink"), Class::Denied)].into(),
            last_success: Some(before(5)),
            last_apply_success: Some(before(7200)),
            last_apply: Some(ApplyResult::Partial),
            failure: Some(failure("failed to list the connectors: timed out")),
            suspended: BTreeSet::from([SuspendedBy::Environment]),
        },
        clocks: Clocks { points_at: clock(60), validated: clock(60), applied: clock(3600) },
        findings: findings(),
        declared: Some(10),
        answered: 2,
    }
}

pub(in crate::view) fn desired() -> Desired {
    let origin = |layer: &str, line, value| Origin {
        layer: layer.into(),
        place: Place { path: "templates/debezium-postgres.yaml".into(), line, column: 3 },
        value,
    };
    let orders = DesiredConnector {
        config: config(&[
            ("connector.class", "io.example.Source"),
            ("database.password", SECRET),
            ("tasks.max", "4"),
        ]),
        state: DesiredState::Running,
        keep: false,
        acknowledged: Vec::new(),
        template: Some("debezium-postgres".into()),
        form: Form::Own,
        place: Place { path: "connectors/orders.yaml".into(), line: 1, column: 1 },
        origins: [
            ("database.password", vec![origin("template debezium-postgres", 9, Some(Shown::Hidden))]),
            (
                "gone",
                vec![
                    origin("environment production", 4, Some(shown("x"))),
                    origin("connector orders", 5, None),
                ],
            ),
            (
                "tasks.max",
                vec![
                    origin("template debezium-postgres", 8, Some(shown("1"))),
                    origin("connector orders", 6, Some(shown("4"))),
                ],
            ),
        ]
        .map(|(key, layers)| (key.into(), layers))
        .into(),
        suspend: None,
        lost: BTreeSet::new(),
    };
    Desired {
        revision: revision(),
        environment: EnvironmentName::new("production").expect("a name"),
        connectors: [(name("orders"), orders)].into(),
        suspend: None,
        unresolved: BTreeMap::new(),
        forgotten: BTreeSet::new(),
        left_out: BTreeSet::new(),
        incomplete: Vec::new(),
    }
}
