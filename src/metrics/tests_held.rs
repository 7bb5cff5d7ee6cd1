//! What is held, where a connector also drifts, waits or failed, or is declared by nobody.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::metrics::tests::{assert_told, at, name, plan, report, told};
use crate::model::course::LowerVersion;
use crate::model::plan::{Action, Held, Hold, Plan, Reason, Step, Sync, Target};
use crate::model::report::{Class, Waiting};

fn held(connector: &str, step: Step, hold: Hold) -> Held {
    let action = Action { connector: name(connector), step, reason: Reason::WrongState };
    Held { action, hold, detail: String::new(), release: None }
}

/// What is told of a plan with these standings and holds, while some connectors wait.
fn told_of(sync: &[(&str, Sync)], held: Vec<Held>, waiting: &[&str]) -> String {
    let mut report = report();
    report.cluster.plan = Some(Arc::new(Plan {
        steps: Vec::new(),
        held,
        unmanaged: vec![name("someone-elses")],
        sync: sync.iter().map(|(text, sync)| (name(text), *sync)).collect(),
        ..plan()
    }));
    let waits = |text: &&str| (name(text), Waiting { class: Class::Waiting, since: at(1950) });
    report.cluster.waiting = waiting.iter().map(waits).collect();
    told(report)
}

#[test]
fn each_brake_counts_the_steps_that_it_holds() {
    for hold in Hold::ALL {
        let steps = vec![
            held("orders", Step::Pause { from: Target::Running }, hold),
            held("orders", Step::Delete, hold),
            held("users", Step::Delete, hold),
        ];
        let text = told_of(&[("orders", Sync::StateDrift)], steps, &[]);
        for other in Hold::ALL {
            let expected = if other == hold { "3" } else { "0" };
            assert_told(&text, &[(&format!("held{{hold=\"{}\"}}", other.name()), expected)]);
        }
    }
}

#[test]
fn a_lower_version_is_held_beside_the_steps() {
    let mut report = report();
    let revision = plan().revision.main().clone();
    report.repositories[0].course.held = Some(LowerVersion { offered: revision.clone(), kept: revision });
    assert_told(
        &told(report),
        &[("held{hold=\"lower-version\"}", "1"), ("held{hold=\"risky-change\"}", "1")],
    );
}

/// Whatever else is the case with it, what is held is counted there, once.
#[test]
fn a_held_connector_is_counted_once_whatever_else_it_is() {
    let standings = [
        ("drifted", Sync::ConfigDrift),
        ("failing", Sync::Synced),
        ("missing", Sync::Missing),
        ("surplus", Sync::Surplus),
        ("twice", Sync::ConfigDrift),
        ("waits", Sync::StateDrift),
        ("free", Sync::ConfigDrift),
        ("free-and-waits", Sync::ConfigDrift),
    ];
    let resume = || Step::Resume { from: Target::Paused };
    let mut all: Vec<_> = ["drifted", "failing", "missing", "surplus", "waits"]
        .map(|text| held(text, resume(), Hold::Suspended))
        .into();
    all.push(held("twice", resume(), Hold::RiskyChange));
    all.push(held("twice", Step::Pause { from: Target::Running }, Hold::Suspended));
    // Deletions of what nobody declares: one is listed as unmanaged as well.
    all.push(held("gone", Step::Delete, Hold::TooManyDeletes));
    all.push(held("someone-elses", Step::Delete, Hold::Keep));
    let text = told_of(&standings, all, &["waits", "free-and-waits"]);
    for (sync, expected) in [
        ("synced", "0"),
        ("drifted", "1"),
        ("missing", "0"),
        ("held", "8"),
        ("waiting", "1"),
        ("unmanaged", "0"),
        ("unknown", "0"),
    ] {
        assert_told(&text, &[(&format!("connectors{{sync=\"{sync}\"}}"), expected)]);
    }
    // How it stands against the cluster is another question than what is done about it.
    for (connector, sync) in standings {
        for state in Sync::ALL {
            let expected = if state == sync { "1" } else { "0" };
            let series =
                format!("connector_sync_state{{connector=\"{connector}\",state=\"{}\"}}", state.name());
            assert_told(&text, &[(&series, expected)]);
        }
    }
}

#[test]
fn what_is_deleted_without_being_declared_is_counted_too() {
    let mut report = report();
    let delete = |connector: &str| Action {
        connector: name(connector),
        step: Step::Delete,
        reason: Reason::NotInRepository,
    };
    report.cluster.waiting.clear();
    report.cluster.plan = Some(Arc::new(Plan {
        steps: vec![delete("once-ours"), delete("someone-elses")],
        held: Vec::new(),
        sync: BTreeSet::from([name("orders")]).into_iter().map(|name| (name, Sync::Synced)).collect(),
        ..plan()
    }));
    assert_told(
        &told(report),
        &[
            ("connectors{sync=\"synced\"}", "1"),
            ("connectors{sync=\"drifted\"}", "2"),
            ("connectors{sync=\"unmanaged\"}", "0"),
        ],
    );
}
