//! Whether a step took effect.
//!
//! Takes a step, what was seen before it and what is seen now; gives a verdict. How often to look
//! and when to give up are left to `reconcile`.

use crate::model::config::Config;
use crate::model::live::{LiveConnector, RunState, Status, Trouble};
use crate::model::plan::{Change, ChangeKind, Initial, Step, Target};
use crate::model::report::Class;
use crate::pipeline::diff::difference;

/// What one look after a step says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect, and no further look is needed.
    Converged,
    /// It looks well, but a second look must say the same: RUNNING right after a change may be
    /// told of what ran before, and a task that is about to fail runs for a moment.
    Well,
    /// The connector or a task of it has failed; a second look must say the same.
    Failing(Class),
    /// Not there yet.
    NotYet,
}

/// What is seen of a connector's tasks' configs, where that was asked.
#[derive(Debug, Clone, Copy)]
pub struct TaskConfigs<'a> {
    /// Before the step.
    pub before: &'a [Config],
    /// Now.
    pub now: &'a [Config],
    /// The connector's own config before the step.
    pub config_before: &'a Config,
}

/// Judges one look after a step. `live` is `None` where the connector is not there; `tasks` is only
/// of use after a configure.
pub fn judge(step: &Step, live: Option<&LiveConnector>, tasks: Option<TaskConfigs<'_>>) -> Verdict {
    let Some(live) = live else {
        return if matches!(step, Step::Delete) { Verdict::Converged } else { Verdict::NotYet };
    };
    match step {
        Step::Delete => Verdict::NotYet,
        Step::Create { config, initial } => {
            if has_config(config, live) {
                settled(initial.target(), live, Verdict::Converged)
            } else {
                Verdict::NotYet
            }
        }
        Step::Configure { config, changes } => {
            if !has_config(config, live) {
                return Verdict::NotYet;
            }
            let Some(status) = &live.status else { return Verdict::NotYet };
            match (target_of(status), tasks) {
                // Where every change is masked, the tasks look alike before and after.
                (Some(Target::Running) | None, Some(tasks))
                    if is_visible(changes, live) && copies(tasks.before, tasks.config_before) =>
                {
                    if copies(tasks.now, config) {
                        settled(Target::Running, live, Verdict::Converged)
                    } else {
                        failing(status).map_or(Verdict::NotYet, Verdict::Failing)
                    }
                }
                (Some(target), _) => settled(target, live, Verdict::Well),
                (None, _) => settled(Target::Running, live, Verdict::Well),
            }
        }
        Step::Pause { .. } => settled(Target::Paused, live, Verdict::Converged),
        Step::Resume { .. } => settled(Target::Running, live, Verdict::Converged),
        Step::Stop { .. } => settled(Target::Stopped, live, Verdict::Converged),
        Step::Restart { .. } => settled(Target::Running, live, Verdict::Well),
    }
}

/// What a worker reads of a connector's config for a task beside the task's own config: converters, transforms, what
/// becomes of errors, and the clients.
const READ_BY_THE_WORKER: &[&str] = &[
    "key.converter",
    "value.converter",
    "header.converter",
    "transforms",
    "predicates",
    "errors.",
    "producer.override.",
    "consumer.override.",
    "admin.override.",
    "topic.creation.",
];

/// Whether a change concerns what the worker does around a task, so that a task that was not started anew goes on as
/// before.
pub fn is_around_tasks(changes: &[Change]) -> bool {
    changes.iter().any(|Change { key, kind: _ }| READ_BY_THE_WORKER.iter().any(|part| key.starts_with(part)))
}

/// Whether the tasks' configs are what they were, as far as can be seen.
pub fn are_tasks_as_before(before: &[Config], now: &[Config]) -> bool {
    let is_same = |(before, now): (&Config, &Config)| {
        let difference = difference(before, now);
        difference.changes.is_empty() && difference.unverifiable.is_empty()
    };
    before.len() == now.len() && before.iter().zip(now).all(is_same)
}

/// Whether a look shows that the request itself was carried out, although its answer was not
/// certain: what follows can then be waited for.
pub fn was_taken(step: &Step, live: Option<&LiveConnector>) -> bool {
    match (step, live) {
        (Step::Delete, found) => found.is_none(),
        (Step::Create { config, initial: Initial::At(_) }, Some(live)) => has_config(config, live),
        (Step::Configure { config, changes }, Some(live)) => {
            has_config(config, live) && is_visible(changes, live)
        }
        // The second request is part of the step: what is only made is not what was asked for.
        (Step::Create { config, initial: Initial::Then(target) }, Some(live)) => {
            has_config(config, live) && live.status.as_ref().and_then(target_of) == Some(*target)
        }
        (Step::Pause { .. }, Some(live)) => state(live) == Some(RunState::Paused),
        (Step::Stop { .. }, Some(live)) => state(live) == Some(RunState::Stopped),
        (Step::Resume { .. }, Some(live)) => state(live) == Some(RunState::Running),
        (Step::Restart { .. }, Some(live)) => live.status.as_ref().is_some_and(|status| !status.has_failed()),
        (
            Step::Create { .. }
            | Step::Configure { .. }
            | Step::Pause { .. }
            | Step::Stop { .. }
            | Step::Resume { .. }
            | Step::Restart { .. },
            None,
        ) => false,
    }
}

/// Whether a connector is made whose state was to follow, with the config that it was to have.
pub fn was_begun(step: &Step, live: Option<&LiveConnector>) -> bool {
    match (step, live) {
        (Step::Create { config, initial: Initial::Then(_) }, Some(live)) => has_config(config, live),
        _ => false,
    }
}

fn state(live: &LiveConnector) -> Option<RunState> {
    live.status.as_ref().map(|status| status.state)
}

/// Whether the live config is the wanted one, as far as can be told.
fn has_config(wanted: &Config, live: &LiveConnector) -> bool {
    live.config.as_ref().is_some_and(|config| difference(wanted, config).changes.is_empty())
}

/// Whether one of the changes can be seen, and so all of them: they are sent together.
fn is_visible(changes: &[Change], live: &LiveConnector) -> bool {
    let Some(config) = &live.config else { return false };
    changes.is_empty()
        || changes.iter().any(|Change { key, kind }| match kind {
            ChangeKind::Added { .. } | ChangeKind::Removed { .. } => true,
            ChangeKind::Changed { .. } => config.get(key).is_none_or(|value| !value.is_masked()),
        })
}

/// Whether every task's config holds every pair of the connector's: Debezium copies it whole, so
/// its tasks tell which config they run.
fn copies(tasks: &[Config], config: &Config) -> bool {
    let holds = |task: &Config| {
        config.iter().all(|(key, value)| {
            task.get(key)
                .is_some_and(|found| found.same_text(value) || found.is_masked() || value.is_masked())
        })
    };
    !tasks.is_empty() && tasks.iter().all(holds)
}

/// Which state was asked for, as far as the status shows it.
fn target_of(status: &Status) -> Option<Target> {
    match status.state {
        RunState::Running => Some(Target::Running),
        RunState::Paused => Some(Target::Paused),
        RunState::Stopped => Some(Target::Stopped),
        RunState::Failed | RunState::Unassigned | RunState::Restarting | RunState::Unknown => None,
    }
}

fn settled(target: Target, live: &LiveConnector, well: Verdict) -> Verdict {
    let Some(status) = &live.status else { return Verdict::NotYet };
    let all = |state| status.tasks.iter().all(|task| task.state == state);
    match target {
        Target::Running => match failing(status) {
            Some(class) => Verdict::Failing(class),
            None if status.state == RunState::Running
                && !status.tasks.is_empty()
                && all(RunState::Running) =>
            {
                well
            }
            None => Verdict::NotYet,
        },
        Target::Paused => {
            let none_runs = !status.tasks.iter().any(|task| task.state == RunState::Running);
            if status.state == RunState::Paused && none_runs { well } else { Verdict::NotYet }
        }
        Target::Stopped => {
            if status.state == RunState::Stopped && status.tasks.is_empty() {
                well
            } else {
                Verdict::NotYet
            }
        }
    }
}

fn failing(status: &Status) -> Option<Class> {
    status.has_failed().then(|| {
        let troubles: Vec<_> = status.troubles().collect();
        if troubles.contains(&Trouble::DataLost) {
            Class::DataLost
        } else if troubles.contains(&Trouble::Away) {
            Class::Waiting
        } else {
            Class::Failed
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::{Shown, Value};
    use crate::model::live::{Kind, Task};

    fn config(pairs: &[(&str, &str)]) -> Config {
        pairs.iter().map(|&(key, text)| (key, Value::new(key, text))).collect()
    }

    fn live(state: RunState, tasks: &[RunState], pairs: &[(&str, &str)]) -> LiveConnector {
        let task = |(id, &state): (u32, &RunState)| Task { id, state, failure: None };
        let tasks = (0..).zip(tasks).map(task).collect();
        LiveConnector {
            config: Some(config(pairs)),
            kind: Kind::Source,
            status: Some(Status { state, failure: None, tasks }),
        }
    }

    fn configure(pairs: &[(&str, &str)]) -> Step {
        Step::Configure { config: config(pairs), changes: Vec::new() }
    }

    #[test]
    fn a_change_that_nobody_can_see_is_not_taken_for_done_and_needs_a_second_look() {
        let key = "database.password";
        let changed = |key: &str| {
            let kind = ChangeKind::Changed { before: Shown::Hidden, after: Shown::Hidden };
            Change { key: key.into(), kind }
        };
        let wanted = config(&[("a", "2"), (key, "hunter2")]);
        let now = live(RunState::Running, RUNS, &[("a", "2"), (key, "••••••••••••")]);
        let shown = now.config.clone().expect("it is read");
        let tasks = TaskConfigs {
            before: std::slice::from_ref(&shown),
            now: std::slice::from_ref(&shown),
            config_before: &shown,
        };
        let of = |changes| {
            let step = Step::Configure { config: wanted.clone(), changes };
            (was_taken(&step, Some(&now)), judge(&step, Some(&now), Some(tasks)))
        };
        assert_eq!(of(vec![changed(key)]), (false, Verdict::Well));
        assert_eq!(of(vec![changed("a"), changed(key)]), (true, Verdict::Converged), "they came together");
    }

    const RUNS: &[RunState] = &[RunState::Running];

    #[test]
    fn a_new_connector_has_converged_when_it_and_its_tasks_run() {
        let create = Step::Create { config: config(&[("a", "1")]), initial: Initial::At(Target::Running) };
        let judged = |live: &LiveConnector| judge(&create, Some(live), None);
        assert_eq!(judged(&live(RunState::Running, RUNS, &[("a", "1")])), Verdict::Converged);
        assert_eq!(judged(&live(RunState::Running, &[], &[("a", "1")])), Verdict::NotYet, "no tasks yet");
        assert_eq!(judged(&live(RunState::Running, RUNS, &[("a", "0")])), Verdict::NotYet, "another config");
        assert_eq!(
            judged(&live(RunState::Running, &[RunState::Failed], &[("a", "1")])),
            Verdict::Failing(Class::Failed)
        );
        assert_eq!(judge(&create, None, None), Verdict::NotYet);
    }

    #[test]
    fn running_with_the_old_task_config_is_not_converged() {
        let (old, new) = (config(&[("a", "1")]), config(&[("a", "2")]));
        let after = live(RunState::Running, RUNS, &[("a", "2")]);
        let judged = |now: &[Config]| {
            let tasks = TaskConfigs { before: std::slice::from_ref(&old), now, config_before: &old };
            judge(&configure(&[("a", "2")]), Some(&after), Some(tasks))
        };
        assert_eq!(judged(std::slice::from_ref(&old)), Verdict::NotYet);
        assert_eq!(judged(&[]), Verdict::NotYet);
        assert_eq!(judged(&[new]), Verdict::Converged);
    }

    #[test]
    fn a_connector_that_does_not_copy_its_config_is_looked_at_twice() {
        let (old, task) = (config(&[("a", "1")]), config(&[("file", "x")]));
        let after = live(RunState::Running, RUNS, &[("a", "2")]);
        let tasks = TaskConfigs {
            before: std::slice::from_ref(&task),
            now: std::slice::from_ref(&task),
            config_before: &old,
        };
        assert_eq!(judge(&configure(&[("a", "2")]), Some(&after), Some(tasks)), Verdict::Well);
    }

    #[test]
    fn only_what_the_worker_does_around_a_task_needs_the_task_to_be_started_anew() {
        let changes = |keys: &[&str]| -> Vec<Change> {
            let kind = ChangeKind::Added { after: Shown::Text("x".into()) };
            keys.iter().map(|key| Change { key: (*key).into(), kind: kind.clone() }).collect()
        };
        for key in [
            "value.converter",
            "value.converter.schemas.enable",
            "transforms.route.regex",
            "predicates",
            "producer.override.linger.ms",
            "errors.tolerance",
        ] {
            assert!(is_around_tasks(&changes(&["file", key])), "{key}");
        }
        assert!(!is_around_tasks(&changes(&["file", "tasks.max", "table.include.list"])));
    }

    #[test]
    fn tasks_are_as_before_where_nothing_of_them_differs() {
        let (one, other) = (config(&[("file", "x")]), config(&[("file", "y")]));
        let same = |before: &[Config], now: &[Config]| are_tasks_as_before(before, now);
        assert!(same(std::slice::from_ref(&one), std::slice::from_ref(&one)));
        assert!(!same(std::slice::from_ref(&one), std::slice::from_ref(&other)));
        assert!(!same(std::slice::from_ref(&one), &[one.clone(), one.clone()]));
        assert!(!same(std::slice::from_ref(&one), &[]));
    }

    #[test]
    fn a_paused_or_stopped_connector_keeps_its_state_when_configured() {
        for (state, tasks) in [(RunState::Paused, &[RunState::Paused][..]), (RunState::Stopped, &[][..])] {
            let after = live(state, tasks, &[("a", "2")]);
            assert_eq!(judge(&configure(&[("a", "2")]), Some(&after), None), Verdict::Well, "{state:?}");
        }
    }

    #[test]
    fn an_uncertain_request_was_taken_where_its_effect_shows() {
        let create = Step::Create { config: config(&[("a", "1")]), initial: Initial::At(Target::Running) };
        assert!(was_taken(&create, Some(&live(RunState::Unassigned, &[], &[("a", "1")]))));
        assert!(!was_taken(&create, Some(&live(RunState::Running, RUNS, &[("a", "0")]))));
        assert!(!was_taken(&create, None));
        assert!(was_taken(&Step::Delete, None));
        assert!(!was_taken(&Step::Delete, Some(&live(RunState::Running, RUNS, &[]))));
    }

    #[test]
    fn a_connector_that_was_made_and_not_paused_is_only_half_of_what_was_asked_for() {
        let create = Step::Create { config: config(&[("a", "1")]), initial: Initial::Then(Target::Paused) };
        let seen = |state| live(state, &[], &[("a", "1")]);
        for (state, taken) in
            [(RunState::Running, false), (RunState::Unassigned, false), (RunState::Paused, true)]
        {
            assert_eq!(was_taken(&create, Some(&seen(state))), taken, "{state:?}");
        }
        assert_eq!(judge(&create, Some(&seen(RunState::Running)), None), Verdict::NotYet);
        assert_eq!(judge(&create, Some(&seen(RunState::Paused)), None), Verdict::Converged);
    }

    #[test]
    fn the_class_of_a_failure_says_what_helps() {
        let create = Step::Create { config: config(&[]), initial: Initial::At(Target::Running) };
        for (trouble, class) in [
            (Trouble::Away, Class::Waiting),
            (Trouble::DataLost, Class::DataLost),
            (Trouble::Other, Class::Failed),
        ] {
            let mut one = live(RunState::Running, &[RunState::Failed], &[]);
            one.status.as_mut().expect("a status").tasks[0].failure = Some(trouble);
            assert_eq!(judge(&create, Some(&one), None), Verdict::Failing(class));
        }
    }
}
