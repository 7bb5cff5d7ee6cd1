//! What is said in definitions and settings, and does nothing.
//!
//! Takes what is desired, live and known at a moment; gives what somebody may have meant otherwise: a suspension whose end
//! is past, as with a wrong year, a `forget` and a pattern of `select` that are of nobody. What may well be meant as it
//! stands, for other environments or for what is yet to come, is not told. None of it is an error, and nothing is held for
//! it.

use jiff::Timestamp;

use crate::model::desired::{Desired, Suspend};
use crate::model::known::{Claim, Known};
use crate::model::live::Live;
use crate::model::name::ConnectorName;
use crate::model::policy::{Policy, Pruned};
use crate::model::select::{Select, matches};
use crate::model::warning::{Lack, Warning};
use crate::yaml::decode::nearest;

/// Tells of each.
pub fn idle(desired: &Desired, live: &Live, known: &Known, policy: &Policy, now: Timestamp) -> Vec<Warning> {
    let forgets = match policy.prune.who {
        // There nothing is given away: all that nobody declares is left alone.
        Pruned::Nobody => Vec::new(),
        Pruned::Owned => forgets(desired, live, known),
    };
    over(desired, policy, now)
        .into_iter()
        .chain(forgets)
        .chain(patterns(desired, live, &policy.select))
        .collect()
}

/// Suspensions whose end is past.
fn over(desired: &Desired, policy: &Policy, now: Timestamp) -> Vec<Warning> {
    let over = |connector: Option<&ConnectorName>, by, suspend: &Option<Suspend>| {
        let until = suspend.as_ref().filter(|suspend| !suspend.holds(now))?.until?;
        Some(Warning { connector: connector.cloned(), lack: Lack::Time { by, until }, version: None })
    };
    let selected = desired.connectors.iter().filter(|(name, _)| policy.select.covers(name));
    let definitions = selected.map(|(name, one)| over(Some(name), "its definition says", &one.suspend));
    let wide = [
        over(None, "the agent's settings say", &policy.suspend),
        over(None, "the environment says", &desired.suspend),
    ];
    wide.into_iter().chain(definitions).flatten().collect()
}

/// Words of `forget` for nobody, with one that is ours and lost its file where that may be meant.
fn forgets(desired: &Desired, live: &Live, known: &Known) -> Vec<Warning> {
    let is_ours = |(name, claim): (_, &Claim)| match *claim {
        Claim::Ours(_) => (!desired.forgotten.contains(name)).then_some(name),
        Claim::Stranger => None,
    };
    let ours: Vec<&ConnectorName> = known.claims.iter().filter_map(is_ours).collect();
    let of_nobody = desired.forgotten.iter().filter(|name| !live.connectors.contains_key(*name));
    // The document counts in every environment: that it is of nobody in this one is no mistake.
    let warnings = of_nobody.filter_map(|name| {
        let near = near(name.as_str(), &ours)?;
        Some(Warning { connector: Some(name.clone()), lack: Lack::Connector { near }, version: None })
    });
    warnings.collect()
}

/// The one that is called almost so: but for case, or by a letter or two.
fn near(text: &str, among: &[&ConnectorName]) -> Option<ConnectorName> {
    let is_so_but_for_case = |own: &&&ConnectorName| own.as_str().eq_ignore_ascii_case(text);
    among
        .iter()
        .find(is_so_but_for_case)
        .map(|own| (*own).clone())
        .or_else(|| nearest(text, among.iter().map(|own| own.as_str())).map(ConnectorName::observed))
}

/// Patterns of the agent's scope for nobody. While a folder is not in force, nobody knows what it declares. What is excluded
/// may be one that is yet to come: that is told only where another one may be meant.
fn patterns(desired: &Desired, live: &Live, select: &Select) -> Vec<Warning> {
    let declared = desired.connectors.keys().chain(&desired.left_out);
    let names: Vec<_> = declared.chain(live.connectors.keys()).collect();
    if names.is_empty() || !desired.incomplete.is_empty() {
        return Vec::new();
    }
    let (inside, outside): (Vec<_>, Vec<_>) = names.iter().copied().partition(|name| select.covers(name));
    let is_idle = |pattern: &&String| !names.iter().any(|name| matches(pattern, name.as_str()));
    let near = |pattern: &str, among| (!pattern.contains(['*', '?'])).then(|| near(pattern, among)).flatten();
    let warning = |key, pattern: &String, near| {
        let lack = Lack::Match { key, pattern: pattern.as_str().into(), near };
        Warning { connector: None, lack, version: None }
    };
    let include = select.include.iter().filter(is_idle);
    let include = include.map(|pattern| warning("select.include", pattern, near(pattern, &outside)));
    let exclude = select.exclude.iter().filter(is_idle);
    let exclude =
        exclude.filter_map(|pattern| Some(warning("select.exclude", pattern, Some(near(pattern, &inside)?))));
    include.chain(exclude).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::desired::DesiredState;
    use crate::model::live::RunState;
    use crate::model::plan::Plan;
    use crate::pipeline::plan::plan;
    use crate::pipeline::plan::tests::{NOW, desired, live, name, policy, running, wanted};
    use crate::pipeline::plan::tests_prune::{Case, ours};

    fn told(plan: &Plan) -> Vec<(Option<&str>, &str)> {
        plan.warnings
            .iter()
            .map(|warning| (warning.connector.as_ref().map(ConnectorName::as_str), warning.lack.name()))
            .collect()
    }

    #[test]
    fn a_suspension_whose_end_is_past_is_told_and_holds_nothing() {
        let until = |at: Timestamp| Some(Suspend { reason: "a freeze".into(), until: Some(at) });
        let hour = jiff::SignedDuration::from_hours(1);
        let (past, to_come) = (until(NOW - hour), until(NOW + hour));
        let mut said = policy();
        let mut one = wanted(DesiredState::Running, &[]);
        one.suspend.clone_from(&past);
        let mut want = desired([(name("orders"), one), (name("other"), wanted(DesiredState::Running, &[]))]);
        want.suspend.clone_from(&past);
        said.suspend.clone_from(&past);
        let after = plan(&want, &live([]), &said, NOW);
        let over = "suspension-over";
        assert_eq!(told(&after), [(None, over), (None, over), (Some("orders"), over)]);
        assert_eq!((after.steps.len(), after.held.len()), (2, 0));
        let text = after.warnings[1].to_string();
        assert!(
            text.starts_with("the environment says suspend until ") && text.contains(", which is past"),
            "{text}"
        );

        said.select.exclude = vec!["orders".to_owned()];
        (said.suspend, want.suspend) = (None, to_come);
        assert_eq!(told(&plan(&want, &live([]), &said, NOW)), []);
    }

    #[test]
    fn a_pattern_of_the_scope_that_is_of_nobody_is_told_by_its_name() {
        let told_of = |include: &[&str], exclude: &[&str]| {
            let own = |patterns: &[&str]| patterns.iter().map(ToString::to_string).collect();
            let mut case = Case::of(&["team-a-orders"], &["old"]);
            case.desired.left_out = [name("scratch")].into();
            case.policy.select = Select { include: own(include), exclude: own(exclude) };
            let plan = case.plan();
            plan.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let told = told_of(&["*", "team-b-*"], &["Team-A-orders", "Old", "o?d"]);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("`select.include` in the settings has `team-b-*`, and no"), "{told:?}");
        assert!(
            told[1].starts_with("`select.exclude` in the settings has `Team-A-orders`, and no")
                && told[1].ends_with("; `team-a-orders` is called almost so"),
            "what is excluded in other words is not meant: {told:?}"
        );
        let told = told_of(&["scratsh"], &[]);
        assert!(told.len() == 1 && told[0].ends_with("; `scratch` is called almost so"), "{told:?}");
        assert_eq!(told_of(&["*"], &["*-test", "payments", "team-a-order?s"]), [""; 0], "one may come");
        assert_eq!(told_of(&["team-a-*"], &["scratch", "old"]), [""; 0], "declared or live, inside or not");
        let mut empty = Case::of(&[], &[]);
        empty.policy.select.include = vec!["team-b-*".to_owned()];
        assert_eq!(empty.plan().warnings, [], "where nothing is, nothing was meant otherwise");
    }

    #[test]
    fn a_forget_for_nobody_is_told_with_the_one_that_goes_and_is_called_almost_so() {
        let told_of = |forgotten: &[&str], gone: &[&str]| {
            let mut case = Case::of(&["a", "b"], gone);
            case.desired.forgotten = forgotten.iter().map(|one| name(one)).collect::<BTreeSet<_>>();
            let plan = case.plan();
            plan.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let of_users = told_of(&["Users"], &["users"]);
        assert_eq!(of_users.len(), 1, "{of_users:?}");
        assert!(of_users[0].contains("`users`, whose file is gone"), "{of_users:?}");
        assert_eq!(told_of(&["ORDERS"], &["orders"]).len(), 1, "however many letters");
        for (forgotten, gone, why) in [
            (&["long-gone"][..], &["users"][..], "it is another environment's, or went long ago"),
            (&["users", "Users"], &["users"], "the right one is forgotten too"),
            (&["Users"], &[], "nothing goes"),
        ] {
            assert_eq!(told_of(forgotten, gone), [""; 0], "{why}");
        }
        assert_eq!(told_of(&["users"], &["users"]), [""; 0], "it is there");
        let mut case = Case::of(&["a", "b"], &["users"]);
        case.desired.forgotten = [name("Users")].into();
        case.known.claims.insert(name("users"), Claim::Stranger);
        assert_eq!(case.plan().warnings, [], "another's stays anyway");
        case.known.claims.insert(name("users"), ours(false));
        assert_eq!(case.plan().warnings.len(), 1);
        let never = plan(&case.desired, &case.live, &policy(), NOW);
        assert_eq!(never.warnings, [], "nothing has to be given away where nothing is deleted");
        case.live.connectors.insert(name("Users"), running(RunState::Running, &[], &[]));
        assert_eq!(case.plan().warnings, []);
    }
}
