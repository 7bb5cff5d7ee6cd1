//! Every gauge, as a pure function of the last report.
//!
//! Takes a report, writes samples. Nothing is kept between two scrapes, so a connector that is gone
//! leaves no series behind, and at rest there is no memory held for series that nobody reads.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::metrics::families as family;
use crate::metrics::sheet::Sheet;
use crate::model::course::MoveKind;
use crate::model::live::{LiveConnector, RunState};
use crate::model::name::ConnectorName;
use crate::model::plan::{Hold, Mode, Plan, Step, Sync};
use crate::model::report::{
    ApplyResult, Clocks, ClusterReport, Report, RepositoryReport, RepositoryState, SuspendedBy,
};
use crate::model::revision::{At, RepositoryName, RepositoryRevision, Revision};
use crate::model::rule::Severity;

/// Writes every gauge of a report but the agent's own build.
pub(in crate::metrics) fn write(sheet: &mut Sheet, report: &Report, per_connector: bool) {
    let Report {
        environment: _,
        mode,
        heartbeat: _,
        repositories,
        cluster,
        clocks,
        findings: _,
        declared: _,
        answered: _,
    } = report;
    write_repositories(sheet, repositories, report);
    write_cluster(sheet, cluster, *mode);
    write_held(sheet, cluster, repositories);
    // What an agent saw before it lost the lead is old, and the one that leads tells it.
    if cluster.leader == Some(false) {
        return;
    }
    sheet.set(family::REVISION_CURRENT, [([], flag(is_current(clocks)))]);
    let plan = cluster.plan.as_deref();
    let counts = plan.map(|plan| standings(plan, cluster)).unwrap_or_default();
    sheet.set(
        family::CONNECTORS,
        Standing::ALL.map(|standing| ([standing.name()], count(counts.get(&standing)))),
    );
    if let Some(plan) = plan.filter(|_| per_connector) {
        write_drift(sheet, plan, cluster);
        write_live(sheet, plan, cluster);
    }
}

/// Writes the gauges that are there before anything is known: every label value that is known
/// anyway, at 0.
pub(in crate::metrics) fn write_unknown(sheet: &mut Sheet) {
    let name = RepositoryName::main();
    let main = name.as_str();
    sheet.set(family::REPOSITORY_STATE, RepositoryState::ALL.iter().map(|state| ([main, state.name()], 0.0)));
    for family in REPOSITORY_MOMENTS {
        sheet.set(family, [([main], 0.0)]);
    }
    sheet.set(family::REPOSITORY_LAST_MOVE, MoveKind::ALL.iter().map(|kind| ([main, kind.name()], 0.0)));
    sheet.set(family::REPOSITORY_CONSECUTIVE_FAILURES, [([main], 0.0)]);
    sheet.set(family::FINDINGS, Severity::ALL.map(|severity| ([main, severity.name()], 0.0)));
    write_cluster(sheet, &ClusterReport::default(), Mode::Enforce);
    write_held(sheet, &ClusterReport::default(), &[]);
    sheet.set(family::REVISION_CURRENT, [([], 0.0)]);
    sheet.set(family::CONNECTORS, Standing::ALL.map(|standing| ([standing.name()], 0.0)));
}

const REPOSITORY_MOMENTS: [&family::Family; 5] = [
    family::REPOSITORY_LAST_POLL,
    family::REPOSITORY_LAST_SUCCESS,
    family::REPOSITORY_FIRST_SEEN,
    family::REPOSITORY_COMMIT,
    family::REPOSITORY_OPERATION_STARTED,
];

fn write_repositories(sheet: &mut Sheet, repositories: &[RepositoryReport], report: &Report) {
    let infos: Vec<[String; 5]> = repositories.iter().filter_map(info).collect();
    sheet.set(
        family::REPOSITORY_INFO,
        infos.iter().map(|values| (values.each_ref().map(String::as_str), 1.0)),
    );
    sheet.set(
        family::REPOSITORY_STATE,
        repositories.iter().flat_map(|one| {
            let name = one.repository.as_str();
            RepositoryState::ALL.iter().map(move |state| ([name, state.name()], flag(one.state == *state)))
        }),
    );
    for (family, moment) in REPOSITORY_MOMENTS.into_iter().zip(MOMENTS) {
        sheet.set(family, repositories.iter().map(|one| ([one.repository.as_str()], since(moment(one)))));
    }
    sheet.set(
        family::REPOSITORY_LAST_MOVE,
        repositories.iter().flat_map(|one| {
            let name = one.repository.as_str();
            MoveKind::ALL
                .iter()
                .map(move |kind| ([name, kind.name()], since(one.last_moves.get(kind).copied())))
        }),
    );
    sheet.set(
        family::REPOSITORY_CONSECUTIVE_FAILURES,
        repositories.iter().map(|one| ([one.repository.as_str()], f64::from(one.consecutive_failures))),
    );
    sheet.set(
        family::FINDINGS,
        repositories.iter().flat_map(|one| {
            Severity::ALL.map(|severity| {
                let found =
                    report.findings_of(&one.repository).filter(|finding| finding.severity == severity);
                ([one.repository.as_str(), severity.name()], number(found.count()))
            })
        }),
    );
}

/// The moments of a repository, in the order of [`REPOSITORY_MOMENTS`].
const MOMENTS: [fn(&RepositoryReport) -> Option<Timestamp>; 5] = [
    |one| one.last_poll,
    |one| one.last_success,
    |one| one.first_seen,
    |one| match &at(one)?.at {
        At::Git { reference: _, object: _, commit: _, committed, verified: _ } => *committed,
        At::Directory { path: _, digest: _ } => None,
    },
    |one| one.operation_started,
];

fn at(one: &RepositoryReport) -> Option<&RepositoryRevision> {
    let Revision { repositories, version_tags: _ } = one.revision.as_ref()?;
    repositories.iter().find(|revision| revision.repository == one.repository).or(repositories.first())
}

fn info(one: &RepositoryReport) -> Option<[String; 5]> {
    let (reference, revision, verified_by) = match &at(one)?.at {
        At::Git { reference, object: _, commit, committed: _, verified } => {
            // A revision that was signed once and counts no more is in force, and nobody vouches for it.
            let verified = verified.as_ref().filter(|_| one.state != RepositoryState::VerificationFailed);
            let by = verified.map(ToString::to_string).unwrap_or_default();
            (reference.to_string(), commit.to_string(), by)
        }
        At::Directory { path: _, digest } => {
            ("directory".to_owned(), format!("{digest:016x}"), String::new())
        }
    };
    let version_tag = one.course.version_tag.as_deref().unwrap_or_default().to_owned();
    Some([one.repository.to_string(), reference, revision, version_tag, verified_by])
}

fn write_cluster(sheet: &mut Sheet, cluster: &ClusterReport, mode: Mode) {
    let leader = match mode {
        Mode::Enforce => cluster.leader,
        Mode::Observe => None,
    };
    sheet.set(family::LEADER, leader.map(|leads| ([], flag(leads))));
    sheet.set(family::CONNECT_REACHABLE, cluster.reachable.map(|reachable| ([], flag(reachable))));
    sheet.set(family::CYCLE_LAST_SUCCESS, [([], since(cluster.last_success))]);
    sheet.set(family::APPLY_LAST_SUCCESS, [([], since(cluster.last_apply_success))]);
    let last = cluster.last_apply.unwrap_or(ApplyResult::Never);
    sheet.set(
        family::APPLY_LAST_RESULT,
        ApplyResult::ALL.iter().map(|result| ([result.name()], flag(*result == last))),
    );
    sheet.set(
        family::SUSPENDED,
        SuspendedBy::ALL.iter().map(|by| ([by.name()], flag(cluster.suspended.contains(by)))),
    );
}

/// Counts what is held: steps, and repositories with a lower version, which every agent sees for itself.
fn write_held(sheet: &mut Sheet, cluster: &ClusterReport, repositories: &[RepositoryReport]) {
    let plan = cluster.plan.as_ref().filter(|_| cluster.leader != Some(false));
    let steps = |hold: Hold| plan.map_or(0, |plan| plan.held.iter().filter(|held| held.hold == hold).count());
    let lower = repositories.iter().filter(|one| one.course.held.is_some()).count();
    let held = |hold: Hold| match hold {
        Hold::LowerVersion => steps(hold) + lower,
        Hold::RiskyChange | Hold::TooManyDeletes | Hold::Keep | Hold::Suspended | Hold::Unaddressable => {
            steps(hold)
        }
    };
    sheet.set(family::HELD, Hold::ALL.map(|hold| ([hold.name()], number(held(hold)))));
}

/// Whether the cluster was last seen equal to what the ref points at now. The tag object and the
/// committer's time do not matter: the same commit is the same definitions.
fn is_current(clocks: &Clocks) -> bool {
    fn content(revision: &Revision) -> Vec<String> {
        let content = |one: &RepositoryRevision| match &one.at {
            At::Git { reference: _, object: _, commit, committed: _, verified: _ } => commit.to_string(),
            At::Directory { path: _, digest } => digest.to_string(),
        };
        // A ref does not point at the folders beside it; each of them has a state of its own.
        let own = revision.repositories.iter().filter(|one| one.repository.folder().is_none());
        own.map(content).collect()
    }
    match (&clocks.points_at, &clocks.applied) {
        (Some(points_at), Some(applied)) => content(&points_at.revision) == content(&applied.revision),
        (None, _) | (_, None) => false,
    }
}

/// How a connector stands as a whole: each is counted under one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Synced,
    Drifted,
    Missing,
    Held,
    Waiting,
    Unmanaged,
    Unknown,
}

impl Standing {
    const ALL: [Self; 7] = [
        Self::Synced,
        Self::Drifted,
        Self::Missing,
        Self::Held,
        Self::Waiting,
        Self::Unmanaged,
        Self::Unknown,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Drifted => "drifted",
            Self::Missing => "missing",
            Self::Held => "held",
            Self::Waiting => "waiting",
            Self::Unmanaged => "unmanaged",
            Self::Unknown => "unknown",
        }
    }
}

/// Counts each connector once: what somebody has to act on comes before what the agent will mend.
fn standings(plan: &Plan, cluster: &ClusterReport) -> BTreeMap<Standing, usize> {
    let held: BTreeSet<_> = plan.held.iter().map(|held| &held.action.connector).collect();
    let in_hand: BTreeSet<_> = plan.steps.iter().map(|action| &action.connector).collect();
    let declared = plan.sync.iter().map(|(name, sync)| {
        if held.contains(name) {
            return Standing::Held;
        }
        if cluster.waits_for_its_database(name) {
            return Standing::Waiting;
        }
        match sync {
            Sync::Synced => Standing::Synced,
            Sync::ConfigDrift | Sync::StateDrift | Sync::Surplus => Standing::Drifted,
            Sync::Missing => Standing::Missing,
            Sync::Unknown => Standing::Unknown,
        }
    });
    // What is deleted without being declared, because it was ours, stands nowhere else.
    let apart: BTreeSet<_> =
        held.union(&in_hand).copied().filter(|name| !plan.sync.contains_key(*name)).collect();
    let deleted =
        apart.iter().map(|name| if held.contains(name) { Standing::Held } else { Standing::Drifted });
    let unmanaged = plan.unmanaged.iter().filter(|name| !apart.contains(name)).map(|_| Standing::Unmanaged);
    let mut counts = BTreeMap::new();
    for standing in declared.chain(deleted).chain(unmanaged) {
        *counts.entry(standing).or_default() += 1;
    }
    counts
}

fn write_drift(sheet: &mut Sheet, plan: &Plan, cluster: &ClusterReport) {
    let each = |value: &dyn Fn(&ConnectorName) -> f64| -> Vec<([&str; 1], f64)> {
        plan.sync.keys().map(|name| ([name.as_str()], value(name))).collect()
    };
    sheet.set(
        family::CONNECTOR_SYNC_STATE,
        plan.sync.iter().flat_map(|(name, sync)| {
            Sync::ALL.map(|state| ([name.as_str(), state.name()], flag(*sync == state)))
        }),
    );
    let drifted = drifted_keys(plan);
    sheet.set(family::CONNECTOR_DRIFTED_KEYS, each(&|name| count(drifted.get(name))));
    let unverifiable: BTreeMap<_, _> =
        plan.unverifiable.iter().map(|one| (&one.connector, one.keys.len())).collect();
    sheet.set(family::CONNECTOR_UNVERIFIABLE_KEYS, each(&|name| count(unverifiable.get(name))));
    sheet.set(family::CONNECTOR_DRIFT_SINCE, each(&|name| since(cluster.drift_since.get(name).copied())));
    let is_stalled =
        |name: &ConnectorName| cluster.pulses.get(name).is_some_and(|pulse| pulse.stalled_since().is_some());
    sheet.set(family::CONNECTOR_STALLED, each(&|name| flag(is_stalled(name))));
    sheet.set(family::CONNECTOR_WAITING, each(&|name| flag(cluster.waits(name))));
    sheet.set(family::CONNECTOR_LAST_APPLY_FAILED, each(&|name| flag(cluster.failed.contains_key(name))));
}

fn drifted_keys(plan: &Plan) -> BTreeMap<&ConnectorName, usize> {
    plan.steps
        .iter()
        .chain(plan.held.iter().map(|held| &held.action))
        .filter_map(|action| match &action.step {
            Step::Configure { config: _, changes } => Some((&action.connector, changes.len())),
            Step::Create { .. }
            | Step::Pause { .. }
            | Step::Resume { .. }
            | Step::Stop { .. }
            | Step::Restart { .. }
            | Step::Delete => None,
        })
        .collect()
}

fn write_live(sheet: &mut Sheet, plan: &Plan, cluster: &ClusterReport) {
    let Some(live) = cluster.live.as_deref() else { return };
    let declared: Vec<(&str, &LiveConnector)> =
        plan.sync.keys().filter_map(|name| Some((name.as_str(), live.connectors.get(name)?))).collect();
    sheet.set(
        family::CONNECTOR_INFO,
        declared.iter().map(|(name, LiveConnector { config, kind, status: _ })| {
            let class = config.as_ref().and_then(|config| config.class()).unwrap_or_default();
            ([*name, class, kind.name()], 1.0)
        }),
    );
    sheet.set(
        family::CONNECTOR_STATE,
        declared.iter().flat_map(|(name, connector)| {
            let told = connector.status.as_ref().map_or(RunState::Unknown, |status| status.state);
            RunState::ALL.map(|state| ([*name, state.name()], flag(told == state)))
        }),
    );
    sheet.set(
        family::CONNECTOR_TASKS,
        declared.iter().flat_map(|(name, connector)| {
            let tasks = connector.status.as_ref().map(|status| status.tasks.as_slice()).unwrap_or_default();
            RunState::ALL.map(|state| {
                let found = tasks.iter().filter(|task| task.state == state).count();
                ([*name, state.name()], number(found))
            })
        }),
    );
}

fn flag(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

fn number(found: usize) -> f64 {
    f64::from(u32::try_from(found).unwrap_or(u32::MAX))
}

fn count(found: Option<&usize>) -> f64 {
    number(found.copied().unwrap_or_default())
}

/// A moment as Prometheus wants it; 0 where there is none.
fn since(at: Option<Timestamp>) -> f64 {
    at.map_or(0.0, |at| at.as_duration().as_secs_f64())
}
