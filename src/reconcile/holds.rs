//! Tells of what is held, and of risks that pass, once: when it becomes so, and when it is so no more.
//!
//! Takes each plan, writes a line into the log where that is news. What is held for the same reason, in the same
//! words, is one line, so that an environment that is suspended does not flood the log. An agent that begins to look
//! tells all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tracing::{info, warn};

use crate::model::name::{ConnectorName, some_of};
use crate::model::plan::{Change, Held, Hold, Plan, Step, StepKind, Sync};
use crate::model::risk::{Risk, Standing};

/// How many lines of a kind one look writes, and how many names stand in one line.
const MOST: usize = 20;

/// A step of a connector.
type Which = (ConnectorName, StepKind);

/// Risks that pass, by connector. One key may have several of one row.
type Risks = BTreeMap<ConnectorName, Vec<Risk>>;

/// What was told last.
#[derive(Debug, Default)]
pub struct Holds {
    held: BTreeMap<Which, Brake>,
    risks: Risks,
}

/// What holds a step, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Brake {
    hold: Hold,
    detail: String,
    release: Option<String>,
}

/// What became of a step that was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gone {
    /// It is taken now.
    Released,
    /// It is taken now, because somebody answers for it.
    Acknowledged,
    /// Nothing is to be done any more.
    Unwanted,
}

/// One line: for whom it counts, and what it says.
type News<W> = Vec<(Vec<ConnectorName>, W)>;

impl Holds {
    /// Looks at a plan and tells what is new.
    pub fn look(&mut self, plan: &Plan) {
        let now = still_held(&self.held, plan);
        tell_held(&came(&self.held, &now), plan);
        tell_gone(&gone(&self.held, &now, plan));
        self.held = now;
        let passing = passing(plan);
        tell_risks(&unseen(&self.risks, &passing));
        self.risks = passing;
    }

    /// Another agent tells from now on; when this one looks again, all of it is news.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Whether a risk is told here: one that is held is told with its hold, one that somebody answers for in the audit.
fn passes(standing: &Standing) -> bool {
    match standing {
        Standing::Warned | Standing::Told => true,
        Standing::Held | Standing::Acknowledged(_) => false,
    }
}

fn passing(plan: &Plan) -> Risks {
    let mut passing = Risks::new();
    for risk in plan.risks.iter().filter(|risk| passes(&risk.standing)) {
        passing.entry(risk.connector.clone()).or_default().push(risk.clone());
    }
    passing
}

/// The risks that were not told.
fn unseen<'r>(before: &Risks, now: &'r Risks) -> Vec<&'r Risk> {
    let is_told = |risk: &Risk| before.get(&risk.connector).is_some_and(|told| told.contains(risk));
    now.values().flatten().filter(|risk| !is_told(risk)).collect()
}

/// What a plan holds. Of a connector that cannot be compared for a moment, what was held before still is.
fn still_held(before: &BTreeMap<Which, Brake>, plan: &Plan) -> BTreeMap<Which, Brake> {
    let unseen = |name: &ConnectorName| plan.sync.get(name) == Some(&Sync::Unknown);
    let stay = before.iter().filter(|((name, _), _)| unseen(name));
    let mut now: BTreeMap<_, _> = stay.map(|(which, brake)| (which.clone(), brake.clone())).collect();
    now.extend(plan.held.iter().map(|Held { action, hold, detail, release }| {
        let which = (action.connector.clone(), action.step.kind());
        (which, Brake { hold: *hold, detail: detail.clone(), release: release.clone() })
    }));
    now
}

/// What is held now and was not, or for another reason; for the same reason in the same words together.
fn came(before: &BTreeMap<Which, Brake>, now: &BTreeMap<Which, Brake>) -> News<(StepKind, Brake)> {
    let new = now.iter().filter(|(which, brake)| before.get(which) != Some(brake));
    together(new.map(|((name, step), brake)| (name, (*step, brake.clone()))))
}

/// What is held no more, and what became of it.
fn gone(
    before: &BTreeMap<Which, Brake>,
    now: &BTreeMap<Which, Brake>,
    plan: &Plan,
) -> News<(StepKind, Hold, Gone)> {
    let taken: BTreeSet<_> =
        plan.steps.iter().map(|action| (action.connector.clone(), action.step.kind())).collect();
    let answered = |name: &ConnectorName| {
        let answers = |risk: &Risk| matches!(risk.standing, Standing::Acknowledged(_));
        plan.risks.iter().any(|risk| risk.connector == *name && answers(risk))
    };
    let over = before.iter().filter(|(which, _)| !now.contains_key(which));
    together(over.map(|(which, brake)| {
        let what = if !taken.contains(which) {
            Gone::Unwanted
        } else if brake.hold == Hold::RiskyChange && answered(&which.0) {
            Gone::Acknowledged
        } else {
            Gone::Released
        };
        (&which.0, (which.1, brake.hold, what))
    }))
}

fn together<'n, W: Ord>(all: impl Iterator<Item = (&'n ConnectorName, W)>) -> News<W> {
    let mut lines: BTreeMap<W, Vec<ConnectorName>> = BTreeMap::new();
    for (name, what) in all {
        lines.entry(what).or_default().push(name.clone());
    }
    lines.into_iter().map(|(what, names)| (names, what)).collect()
}

/// The keys because of which a step is held; all that it changes where it is not for their sake.
fn keys<'p>(plan: &'p Plan, name: &ConnectorName, step: StepKind) -> Vec<&'p Arc<str>> {
    let risky = |risk: &&Risk| risk.connector == *name && risk.standing == Standing::Held;
    let held =
        plan.held.iter().find(|held| held.action.connector == *name && held.action.step.kind() == step);
    match held.map(|held| (&held.action.step, held.hold)) {
        Some((
            Step::Configure { .. } | Step::Create { .. } | Step::Resume { .. } | Step::Delete,
            Hold::RiskyChange,
        )) => plan.risks.iter().filter(risky).map(|risk| &risk.key).collect(),
        Some((Step::Configure { config: _, changes }, _)) => {
            changes.iter().map(|Change { key, kind: _ }| key).collect()
        }
        Some((
            Step::Create { .. }
            | Step::Pause { .. }
            | Step::Resume { .. }
            | Step::Stop { .. }
            | Step::Restart { .. }
            | Step::Delete,
            _,
        ))
        | None => Vec::new(),
    }
}

fn tell_held(news: &News<(StepKind, Brake)>, plan: &Plan) {
    for (names, (step, Brake { hold, detail, release })) in news.iter().take(MOST) {
        let keys = if let [name] = names.as_slice() { keys(plan, name, *step) } else { Vec::new() };
        warn!(
            hold = hold.name(),
            connector = some_of(names, MOST),
            step = step.name(),
            keys = (!keys.is_empty()).then(|| some_of(&keys, MOST)),
            detail,
            release,
            "a step is held"
        );
    }
    more(news.len(), "more steps are held; `tagalong status` has them");
}

fn tell_gone(news: &News<(StepKind, Hold, Gone)>) {
    for (names, (step, hold, what)) in news.iter().take(MOST) {
        let (hold, connector, step) = (hold.name(), some_of(names, MOST), step.name());
        match what {
            Gone::Released => info!(hold, connector, step, "a step is held no more: it is released"),
            Gone::Acknowledged => {
                info!(hold, connector, step, "a step is held no more: somebody answers for it");
            }
            Gone::Unwanted => info!(hold, connector, step, "a step is held no more: nothing is to be done"),
        }
    }
    more(news.len(), "more steps are held no more");
}

fn tell_risks(news: &[&Risk]) {
    for risk in news.iter().take(MOST) {
        let Risk { connector, key, to: _, row: _, harm, consequence, remedy, standing } = risk;
        let (harm, remedy) = (harm.name(), remedy.as_deref());
        if *standing == Standing::Warned {
            warn!(%connector, %key, harm, %consequence, remedy, "a risky change passes: the settings say `risk: warn`");
        } else {
            info!(%connector, %key, harm, %consequence, remedy, "a change is worth knowing");
        }
    }
    more(news.len(), "more changes are risky and pass; `tagalong status` has them");
}

fn more(all: usize, what: &'static str) {
    if all > MOST {
        warn!(count = all - MOST, "{what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::{Config, Value};
    use crate::model::name::EnvironmentName;
    use crate::model::plan::{Action, Mode, Reason, Target};
    use crate::model::revision::Revision;
    use crate::model::risk::Harm;

    fn name(text: &str) -> ConnectorName {
        ConnectorName::observed(text)
    }

    fn plan(held_ones: &[(&str, &str)], steps: &[&str]) -> Plan {
        let configure = |text: &&str| Action {
            connector: name(text),
            step: Step::Configure { config: Config::default(), changes: Vec::new() },
            reason: Reason::Differs,
        };
        let held = |(text, detail): &(&str, &str)| Held {
            action: configure(text),
            hold: Hold::RiskyChange,
            detail: (*detail).to_owned(),
            release: None,
        };
        Plan {
            revision: Revision::of(Vec::new()),
            environment: EnvironmentName::new("test").expect("a name"),
            mode: Mode::Enforce,
            steps: steps.iter().map(configure).collect(),
            held: held_ones.iter().map(held).collect(),
            risks: Vec::new(),
            unjudged: BTreeMap::new(),
            leaves: BTreeMap::new(),
            unverifiable: Vec::new(),
            unresolved: Vec::new(),
            unmanaged: Vec::new(),
            sync: BTreeMap::new(),
            warnings: Vec::new(),
            incomplete: Vec::new(),
        }
    }

    fn risk(connector: &str, key: &str, standing: Standing) -> Risk {
        Risk {
            connector: name(connector),
            key: key.into(),
            to: None,
            row: "example",
            harm: Harm::DataGap,
            consequence: "x".into(),
            remedy: None,
            standing,
        }
    }

    fn seen(plan: &Plan) -> BTreeMap<Which, Brake> {
        still_held(&BTreeMap::new(), plan)
    }

    fn names<W>(news: &News<W>) -> Vec<Vec<&str>> {
        news.iter().map(|(names, _)| names.iter().map(ConnectorName::as_str).collect()).collect()
    }

    #[test]
    fn what_is_held_for_one_reason_is_one_line_and_what_stays_held_is_no_news() {
        let before = seen(&plan(&[("a", "why"), ("b", "why")], &[]));
        assert_eq!(names(&came(&BTreeMap::new(), &before)), [["a", "b"]]);
        assert!(came(&before, &before).is_empty());
        let now = seen(&plan(&[("a", "why"), ("b", "why else")], &[]));
        assert_eq!(names(&came(&before, &now)), [["b"]]);
    }

    #[test]
    fn what_is_held_no_more_was_released_answered_for_or_is_not_wanted() {
        let before = seen(&plan(&[("answered", "x"), ("gone", "x"), ("released", "x"), ("stays", "x")], &[]));
        let mut now = plan(&[("stays", "x")], &["answered", "released"]);
        now.risks = vec![risk("answered", "slot.name", Standing::Acknowledged("OPS-1".into()))];
        let told = gone(&before, &seen(&now), &now);
        let told: Vec<_> = told.iter().map(|(names, (_, _, what))| (names[0].as_str(), *what)).collect();
        let wanted =
            [("released", Gone::Released), ("answered", Gone::Acknowledged), ("gone", Gone::Unwanted)];
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_resume_that_is_held_behind_a_risky_change_is_told_with_the_keys_of_that() {
        let mut plan = plan(&[("a", "why")], &[]);
        let resume = Action {
            connector: name("a"),
            step: Step::Resume { from: Target::Paused },
            reason: Reason::WrongState,
        };
        plan.held.push(Held {
            action: resume,
            hold: Hold::RiskyChange,
            detail: String::new(),
            release: None,
        });
        plan.risks = ["slot.name", "topic.prefix"].map(|key| risk("a", key, Standing::Held)).into();
        for step in [StepKind::Configure, StepKind::Resume] {
            let told: Vec<_> = keys(&plan, &name("a"), step).into_iter().map(|key| &**key).collect();
            assert_eq!(told, ["slot.name", "topic.prefix"], "{step:?}");
        }
    }

    #[test]
    fn each_risk_that_passes_is_told_once_also_where_a_key_has_several() {
        let clash = |with: &str| {
            let to = Some(Value::new("slot.name", with));
            Risk { to, ..risk("a", "slot.name", Standing::Warned) }
        };
        let mut plan = plan(&[], &["a"]);
        plan.risks = vec![clash("b"), clash("c"), risk("a", "topic.prefix", Standing::Held)];
        let before = passing(&plan);
        assert_eq!(unseen(&Risks::new(), &before), [&clash("b"), &clash("c")]);
        assert!(unseen(&before, &passing(&plan)).is_empty(), "told before");
        plan.risks.push(clash("d"));
        assert_eq!(unseen(&before, &passing(&plan)), [&clash("d")]);
    }

    #[test]
    fn what_cannot_be_compared_for_a_moment_is_held_still() {
        let before = seen(&plan(&[("a", "why"), ("b", "why")], &[]));
        let mut now = plan(&[], &[]);
        now.sync.insert(name("a"), Sync::Unknown);
        let now = still_held(&before, &now);
        let left: Vec<_> = now.keys().map(|(name, _)| name.as_str()).collect();
        assert_eq!(left, ["a"]);
        assert!(came(&before, &now).is_empty());
    }
}
