//! What a person reads.

use super::*;
use crate::model::finding::{Finding, Place};
use crate::model::plan::{Hold, Step, Sync, Target};
use crate::model::report::{ClusterReport, RepositoryState};
use crate::model::revision::RepositoryName;
use crate::model::rule::Rule;
use crate::view::example;

#[test]
fn a_plan_reads_like_terraforms() {
    insta::assert_snapshot!(plan(&example::plan(), false), @r#"
        Revision     v1 at 4f1c9e2
        Environment  production

        ~ pause      audit-sink    is running, should be paused
        - delete     legacy-sink   declared absent
                     stays behind:
                       consumer-group  connect-legacy-sink
        ~ configure  stock-source  2 keys differ
                     ~ decimal.handling.mode  precise → string
                     ~ table.include.list     a.x,a.y → a.x
                     ! decimal.handling.mode (contract)
                       numbers become text
                     ! table.include.list (data-gap), acknowledged: OPS-1234: that table is gone
                       changes of a.y are lost
        ~ configure  users-source  4 keys differ
                     ~ database.password      *** → ***
                     + heartbeat.interval.ms  10000
                     - snapshot.mode          initial
                     ~ tasks.max              2 → 4
                     ! snapshot.mode (re-snapshot), let through by `risk: warn`
                       all is read anew
                       the safe way: name it as it was
        + create     orders-sink   not in the cluster, 2 keys
        @ restart    late-sink     failed: the connector itself, task 0
        ! held       scratch       delete: not in the repository; too-many-deletes
                     stays behind:
                       slot         scratch in database shop at db:5432
                       publication  dbz_publication
                       offsets
                     seen once: it is deleted if the next look says the same
        ! held       vault         delete: not in the repository; keep
                     its last definition, in 8d2e1f0, said `keep: true`
        ! held       orders        configure: 3 keys differ; risky-change
                     ~ publication.name  orders → orders_v2
                     ~ slot.name         orders → orders_v2
                     ~ tasks.max         1 → 2
                     publication.name (outage): nothing is published
                     slot.name (data-gap): a new slot begins at the end of the log
                     the safe way: copy the slot first
                     to release it, add:
                       # connectors/orders.yaml
                       acknowledge:
                         - {key: publication.name, to: orders_v2, reason: "…"}
                         - {key: slot.name, to: orders_v2, reason: "…"}
        ! held       orders        resume: is paused, should be running; risky-change
                     it goes on when its held config is there

        ? 1 key of users-source cannot be compared: Connect masks database.password
        ? locked is left alone: a secret of it is missing
        ? lost cannot be compared: Connect did not tell of it
        warning: orders-sink: Connect 2.8.2 cannot stop a connector, 3.5 and newer can: it is paused instead, so its tasks stay where they are and keep what they hold
        ? the folder /etc/extra/shop is not there; nothing is deleted because of it
        Unmanaged (never touched): someone-elses
        Plan: 1 to create, 3 to change, 1 to delete, 1 to restart, 4 held.
        "#);
}

#[test]
fn an_empty_plan_says_what_the_cluster_matches() {
    insta::assert_snapshot!(plan(&example::empty_plan(), false), @r#"
        Revision     v1 at 4f1c9e2
        Environment  production

        No changes. The cluster matches the repository.
        "#);
}

#[test]
fn what_an_apply_leaves_is_named_with_the_brake_that_holds_it() {
    let named = "4 held: orders (risky-change), scratch (too-many-deletes), vault (keep)";
    assert_eq!(held_in_words(&example::plan()).as_deref(), Some(named));
    assert_eq!(held_in_words(&example::empty_plan()), None);
}

#[test]
fn a_stop_says_what_it_does_where_nothing_else_of_its_connector_would() {
    let mut stops = example::plan();
    let mut drops = stops.risks[0].clone();
    drops.connector = stops.steps[0].connector.clone();
    drops.consequence = "the slot is dropped".into();
    stops.risks.push(drops);
    assert!(!plan(&stops, false).contains("the slot is dropped"), "a pause does nothing");
    stops.steps[0].step = Step::Stop { from: Target::Running };
    assert_eq!(plan(&stops, false).matches("the slot is dropped").count(), 1);
    // A change of the same connector says it in its place.
    let change = stops.steps.iter().find(|action| matches!(action.step, Step::Configure { .. })).cloned();
    let mut change = change.expect("a change");
    change.connector = stops.steps[0].connector.clone();
    stops.steps.push(change);
    let text = plan(&stops, false);
    let (stop, told) = (text.find("~ stop "), text.find("the slot is dropped"));
    assert_eq!(text.matches("the slot is dropped").count(), 1);
    let last = text.rfind("~ configure  audit-sink");
    assert!(stop.is_some() && last.is_some() && last < told, "{text}");
}

#[test]
fn a_risky_change_that_is_suspended_says_that_it_is_suspended() {
    let mut all = example::plan();
    let held = &mut all.held[2];
    (held.hold, held.detail) = (Hold::Suspended, "the environment says suspend".to_owned());
    all.held.retain(|held| held.hold == Hold::Suspended);
    assert!(
        plan(&all, false).contains("\n             the environment says suspend\n"),
        "{}",
        plan(&all, false)
    );
}

#[test]
fn an_observed_plan_says_that_nothing_is_written() {
    let plan = super::plan(&Plan { mode: Mode::Observe, ..example::plan() }, false);
    assert!(plan.contains("observe: nothing is written"), "{plan}");
}

#[test]
fn colour_is_never_the_only_sign() {
    let bare = |text: String| {
        let mut out = String::new();
        for part in text.split("\x1b[") {
            match part.split_once('m') {
                Some((code, rest)) if code.bytes().all(|byte| byte.is_ascii_digit()) => out += rest,
                _ => out += part,
            }
        }
        out
    };
    let coloured = plan(&example::plan(), true);
    assert_ne!(coloured, plan(&example::plan(), false));
    assert_eq!(bare(coloured), plan(&example::plan(), false));
    assert_eq!(bare(findings(&example::findings(), true)), findings(&example::findings(), false));
    assert_eq!(bare(results(&example::results(), true)), results(&example::results(), false));
    assert_eq!(bare(explain(&example::desired(), true)), explain(&example::desired(), false));
}

#[test]
fn a_finding_has_a_place_a_rule_and_a_hint() {
    insta::assert_snapshot!(findings(&example::findings(), false), @r#"
        connectors/orders.yaml:3:5: error[file-name]: no template is called debezium-postgrs
          hint: did you mean debezium-postgres?
        connectors/orders.yaml:7:5: warning[connectors-missing]: nothing\nis here (in staging)
        1 error, 1 warning.
        "#);
    assert_eq!(findings(&Findings::default(), false), "");
}

#[test]
fn each_result_is_told_and_the_outcomes_are_counted() {
    insta::assert_snapshot!(results(&example::results(), false), @r#"
    ✓ pause      audit-sink    converged, 1.2 s
    ✗ delete     legacy-sink   failed (denied), 1.2 s
    ✓ configure  stock-source  converged, 1.2 s
    … configure  users-source  waiting, 1.2 s
    … create     orders-sink   pending, 1.2 s
    · restart    late-sink     not-taken (superseded), 1.2 s
    Steps: 2 converged, 1 failed, 1 waiting, 1 pending, 1 not-taken.
    "#);
    assert_eq!(results(&[], false), "");
}

#[test]
fn a_rendered_environment_hides_its_secrets() {
    insta::assert_snapshot!(render(&example::desired(), false), @r#"
    orders  running, template debezium-postgres  connectors/orders.yaml:1:1
      connector.class    io.example.Source
      database.password  ***
      tasks.max          4

    1 connector of production, v1 at 4f1c9e2
    "#);
}

#[test]
fn an_explained_environment_says_who_set_what() {
    insta::assert_snapshot!(explain(&example::desired(), false), @r#"
    orders  running, template debezium-postgres  connectors/orders.yaml:1:1
      connector.class    io.example.Source
      database.password  ***
          template debezium-postgres, templates/debezium-postgres.yaml:9:3: ***
      tasks.max          4
          template debezium-postgres, templates/debezium-postgres.yaml:8:3: 1
          connector orders, templates/debezium-postgres.yaml:6:3: 4
      gone  (removed)
          environment production, templates/debezium-postgres.yaml:4:3: x
          connector orders, templates/debezium-postgres.yaml:5:3: (removed)

    1 connector of production, v1 at 4f1c9e2
    "#);
}

#[test]
fn a_status_is_told_at_a_glance() {
    let form = StatusForm::new(&example::report(), "0.1.0");
    insta::assert_snapshot!(status(&form, example::NOW, false), @r#"
        Environment  production (enforce, leads)
        Suspended    by environment
        Rollout      of debezium-postgres stopped: users-source is refused (invalid), 1 connector not changed, since 5 min ago
        Points at    v1 at 4f1c9e2, 60 s ago
        Validated    v1 at 4f1c9e2, 60 s ago
        Applied      v1 at 4f1c9e2, 60 min ago
        Connect      2.8.2
        warning: orders-sink: Connect 2.8.2 cannot stop a connector, 3.5 and newer can: it is paused instead, so its tasks stay where they are and keep what they hold
        ✗ main: unreachable: failed to list the refs: connection refused
          hint: is it up?
        ✗ connect: unreachable: failed to list the connectors: timed out
          hint: is it up?
        ! held (lower-version): main: the highest version went down from v1 at 4f1c9e2 to v1 at bbbbbbb
          to let it pass, push a higher version; or follow the lower one by its name (`ref: {tag: …}`); or add `allow_downgrade: true` to the `ref`
        connectors/orders.yaml:3:5: error[file-name]: no template is called debezium-postgrs
          hint: did you mean debezium-postgres?
        connectors/orders.yaml:7:5: warning[connectors-missing]: nothing\nis here
        ~ audit-sink    state_drift, state unknown, 0 tasks
        ~ late-sink     state_drift, failed, 1 task, waiting: waiting
        ~ legacy-sink   surplus, state unknown, 0 tasks, last step failed: denied
        ~ locked        unknown, state unknown, 0 tasks
        ~ lost          unknown, state unknown, 0 tasks
        ~ orders        config_drift, state unknown, 0 tasks, held: risky-change
        ~ orders-sink   missing, state unknown, 0 tasks
        ~ quiet         synced, running, 1 task, stalled, offsets as they were 12 min ago
        ~ stock-source  config_drift, state unknown, 0 tasks
        ~ users-source  config_drift, drifted 15 min ago, state unknown, 0 tasks
        ! held (too-many-deletes): scratch (delete)
          seen once: it is deleted if the next look says the same
        ! held (keep): vault (delete)
          its last definition, in 8d2e1f0, said `keep: true`
        ! held (risky-change): orders (configure)
          publication.name (outage): nothing is published
          slot.name (data-gap): a new slot begins at the end of the log
          the safe way: copy the slot first
          to release it, add:
            # connectors/orders.yaml
            acknowledge:
              - {key: publication.name, to: orders_v2, reason: "…"}
              - {key: slot.name, to: orders_v2, reason: "…"}
        ! held (risky-change): orders (resume)
          it goes on when its held config is there
        Unmanaged (never touched): someone-elses
        10 connectors, 9 not in sync, 4 held, 1 error finding.
        "#);
}

#[test]
fn an_agent_that_follows_says_who_tells_of_the_connectors() {
    let mut report = example::report();
    report.cluster = ClusterReport { reachable: Some(true), leader: Some(false), ..ClusterReport::default() };
    report.findings = Findings::default();
    let main = report.repositories.first_mut().expect("the main repository");
    main.failure = None;
    main.state = RepositoryState::Invalid;
    insta::assert_snapshot!(status(&StatusForm::new(&report, "0.1.0"), example::NOW, false), @r#"
    Environment  production (enforce, follows)
    Points at    v1 at 4f1c9e2, 60 s ago
    Validated    v1 at 4f1c9e2, 60 s ago
    ! held (lower-version): main: the highest version went down from v1 at 4f1c9e2 to v1 at bbbbbbb
      to let it pass, push a higher version; or follow the lower one by its name (`ref: {tag: …}`); or add `allow_downgrade: true` to the `ref`
    ✗ main: invalid: what it points at is not valid; the last good revision stays in force
    The agent beside the leading worker tells of the connectors.
    "#);
}

#[test]
fn where_nobody_could_look_it_is_said_what_is_not_known() {
    let mut report = example::report();
    report.cluster.plan = None;
    let told = |report: &_| status(&StatusForm::new(report, "0.1.0"), example::NOW, false);
    let last = "10 connectors declared, how they stand is not known, 1 error finding.\n";
    assert!(told(&report).ends_with(last), "{}", told(&report));
    report.declared = None;
    assert!(told(&report).ends_with("\nNothing is in force, 1 error finding.\n"), "{}", told(&report));
    report.repositories[0].state = RepositoryState::Invalid;
    report.repositories[0].failure = None;
    report.clocks.validated = None;
    assert!(told(&report).contains("is not valid; none is in force\n"), "{}", told(&report));
}

#[test]
fn of_many_unmanaged_connectors_the_first_are_named() {
    let mut report = example::report();
    let unmanaged = (10..40).map(|number| example::name(&format!("c{number}"))).collect();
    report.cluster.plan = Some(Plan { unmanaged, ..example::plan() }.into());
    let told = status(&StatusForm::new(&report, "0.1.0"), example::NOW, false);
    assert!(told.contains("\nUnmanaged (never touched): c10, c11, "), "{told}");
    assert!(told.contains(", c29 and 10 more\n") && !told.contains("c30"), "{told}");
}

#[test]
fn a_folder_that_was_emptied_is_told_and_a_deletion_that_is_done_is_not() {
    let mut report = example::report();
    let folder = &mut report.repositories[0];
    folder.repository = RepositoryName::extra("/etc/extra/shop");
    (folder.state, folder.failure) = (RepositoryState::Stale, None);
    let sync = [(example::name("gone"), Sync::Synced), (example::name("wanted"), Sync::Missing)].into();
    report.cluster.plan = Some(Plan { sync, ..example::plan() }.into());
    let form = StatusForm::new(&report, "0.1.0");
    let told = status(&form, example::NOW, false);
    let repository = &form.repositories[0].repository;
    let stale = format!("! {repository}: stale: it holds nothing; what it declared last stays in force\n");
    assert!(told.contains(&stale), "{told}");
    assert!(!told.contains("gone") && told.contains("1 connector, 1 not in sync"), "{told}");
    assert_eq!(form.connectors[0].state.as_deref(), Some("absent"));
}

#[test]
fn a_repository_that_is_stale_says_why() {
    let mut report = example::report();
    report.repositories[0].state = RepositoryState::Stale;
    let why = "failed to list the refs: connection refused";
    let told = |report: &_| status(&StatusForm::new(report, "0.1.0"), example::NOW, false);
    let failed = told(&report);
    assert!(failed.contains(&format!("main: unreachable: {why}")) && !failed.contains("stale"), "{failed}");
    report.repositories[0].failure = None;
    let waits = "! main: stale: it has not answered yet; what was accepted last is in force\n";
    assert!(told(&report).contains(waits), "{}", told(&report));
}

#[test]
fn what_stands_in_no_file_is_told_without_a_line() {
    let mut report = example::report();
    report.findings = Findings::default();
    report.findings.push(Finding::new(Rule::UnknownEnvironment, Place::outside("environment"), "x"));
    let told = status(&StatusForm::new(&report, "0.1.0"), example::NOW, false);
    assert!(told.contains("environment: error[unknown-environment]: x\n"), "{told}");
}
