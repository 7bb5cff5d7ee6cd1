//! The lines of a plan: each step, and each that is held, with what it would do and how to release it.
//!
//! Takes actions and what is known of their risks, gives lines. A secret cannot be reached from here.

use std::collections::BTreeSet;

use crate::model::plan::{
    Action, Change, ChangeKind, Failed, Held, Initial, Plan, Reason, Step, StepKind, Target,
};
use crate::model::risk::Risk;
use crate::view::risks::{Borne, borne, phrase, safe_way, stays_behind};
use crate::view::text::{Colour, Paint, count, line, put, shown};

/// Where everything begins that belongs to a step.
const INDENT: &str = "             ";

/// Writes every step, and what is held.
pub(in crate::view::human) fn of_plan(out: &mut String, plan: &Plan, paint: Paint) {
    let all = || plan.steps.iter().chain(plan.held.iter().map(|held| &held.action));
    let width = all().map(|action| action.connector.to_string().chars().count()).max().unwrap_or_default();
    let mut borne = borne(plan).into_iter();
    for (action, borne) in plan.steps.iter().zip(borne.by_ref()) {
        step(out, action, width, paint);
        remarks(out, &borne, paint);
    }
    let mut told = Told::default();
    for (held, borne) in plan.held.iter().zip(borne) {
        hold(out, held, &borne, width, paint);
        release(out, held, &mut told);
    }
}

fn step(out: &mut String, action: &Action, width: usize, paint: Paint) {
    let (glyph, colour) = glyph(action.step.kind());
    let name = action.connector.to_string();
    let (mark, verb) = (paint.mark(colour, glyph), action.step.kind().name());
    put(out, format_args!("{mark} {verb:<9}  {name:<width$}  {}", why(action)));
    changes(out, &action.step, paint);
}

/// Writes the keys that a step changes.
fn changes(out: &mut String, step: &Step, paint: Paint) {
    let width = rows(step).map(|row| row.width()).max().unwrap_or_default();
    for row in rows(step) {
        row.write(out, width, paint);
    }
}

fn hold(out: &mut String, held: &Held, borne: &Borne<'_>, width: usize, paint: Paint) {
    let Held { action, hold, detail: _, release: _ } = held;
    let name = action.connector.to_string();
    let mark = paint.mark(Colour::Yellow, "!");
    let (verb, why) = (action.step.kind().name(), why(action));
    put(out, format_args!("{mark} held       {name:<width$}  {verb}: {why}; {hold}", hold = hold.name()));
    changes(out, &action.step, paint);
    remarks(out, borne, paint);
}

/// What was told of holds already: it is not said twice.
#[derive(Default)]
struct Told<'h> {
    details: BTreeSet<&'h str>,
    releases: BTreeSet<&'h str>,
}

/// Writes what a hold means and how to release it.
fn release<'h>(out: &mut String, held: &'h Held, told: &mut Told<'h>) {
    let Held { action: _, hold: _, detail, release } = held;
    if told.details.insert(detail) {
        for text in detail.lines() {
            put(out, format_args!("{INDENT}{}", line(text)));
        }
    }
    if let Some(release) = release.as_deref().filter(|release| told.releases.insert(release)) {
        put(out, format_args!("{INDENT}to release it, add:"));
        for text in release.lines() {
            put(out, format_args!("{INDENT}  {}", line(text)));
        }
    }
}

/// Writes what a step may do to data, and what outlives its connector.
fn remarks(out: &mut String, borne: &Borne<'_>, paint: Paint) {
    let Borne { risks, leaves } = borne;
    for risk in risks {
        self::risk(out, risk, paint);
    }
    for text in stays_behind(leaves) {
        put(out, format_args!("{INDENT}{text}"));
    }
}

fn risk(out: &mut String, risk: &Risk, paint: Paint) {
    let mark = paint.mark(Colour::Yellow, "!");
    put(out, format_args!("{INDENT}{mark} {}", line(&phrase(&risk.key, risk.harm, &risk.standing))));
    for text in risk.consequence.lines() {
        put(out, format_args!("{INDENT}  {}", line(text)));
    }
    for (at, text) in safe_way(risk).into_iter().flat_map(str::lines).enumerate() {
        let before = if at == 0 { "the safe way: " } else { "" };
        put(out, format_args!("{INDENT}  {before}{}", line(text)));
    }
}

fn glyph(kind: StepKind) -> (&'static str, Colour) {
    match kind {
        StepKind::Create => ("+", Colour::Green),
        StepKind::Configure | StepKind::Pause | StepKind::Resume | StepKind::Stop => ("~", Colour::Yellow),
        StepKind::Restart => ("@", Colour::Yellow),
        StepKind::Delete => ("-", Colour::Red),
    }
}

/// Why a step is there, and what it comes to.
pub(in crate::view) fn why(action: &Action) -> String {
    let states = |from: Target, to: Target| format!("is {}, should be {}", from.name(), to.name());
    match &action.step {
        Step::Pause { .. } | Step::Stop { .. } if action.is_before_deletion() => {
            "before it is deleted".to_owned()
        }
        Step::Create { config, initial } => {
            let state = match initial {
                Initial::At(Target::Running) => String::new(),
                Initial::At(target) => format!(", to be {}", target.name()),
                Initial::Then(target) => format!(", to be {} right after", target.name()),
            };
            format!("{}, {}{state}", reason(action.reason), count(config.len(), "key", "keys"))
        }
        Step::Configure { config: _, changes } => {
            let verb = if changes.len() == 1 { "differs" } else { "differ" };
            format!("{} {verb}", count(changes.len(), "key", "keys"))
        }
        Step::Pause { from } => states(*from, Target::Paused),
        Step::Resume { from } => states(*from, Target::Running),
        Step::Stop { from } => states(*from, Target::Stopped),
        Step::Restart { failed: Failed::OneByOne { itself, tasks } } => one_by_one(*itself, tasks),
        Step::Restart { failed: Failed::InOneCall } | Step::Delete => reason(action.reason).to_owned(),
    }
}

/// What has failed, where each part of it is restarted alone.
fn one_by_one(itself: bool, tasks: &[u32]) -> String {
    let itself = itself.then(|| "the connector itself".to_owned());
    let parts: Vec<_> = itself.into_iter().chain(tasks.iter().map(|task| format!("task {task}"))).collect();
    format!("failed: {}", parts.join(", "))
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Missing => "not in the cluster",
        Reason::Differs => "its config differs",
        Reason::WrongState => "not in the wanted state",
        Reason::Failed => "it or one of its tasks has failed",
        Reason::Absent => "declared absent",
        Reason::NotInRepository => "not in the repository",
    }
}

/// One changed key.
struct Row<'a>(&'a Change);

fn rows(step: &Step) -> impl Iterator<Item = Row<'_>> {
    let changes = match step {
        Step::Configure { config: _, changes } => changes.as_slice(),
        // A creation sends all its keys; `render` shows them, a plan only counts them.
        Step::Create { .. }
        | Step::Pause { .. }
        | Step::Resume { .. }
        | Step::Stop { .. }
        | Step::Restart { .. }
        | Step::Delete => &[],
    };
    changes.iter().map(Row)
}

impl Row<'_> {
    fn width(&self) -> usize {
        line(&self.0.key).chars().count()
    }

    fn write(&self, out: &mut String, width: usize, paint: Paint) {
        let Change { key, kind } = self.0;
        let (glyph, colour, text) = match kind {
            ChangeKind::Added { after } => ("+", Colour::Green, shown(after)),
            ChangeKind::Removed { before } => ("-", Colour::Red, shown(before)),
            ChangeKind::Changed { before, after } => {
                ("~", Colour::Yellow, format!("{} → {}", shown(before), shown(after)))
            }
        };
        let (mark, key) = (paint.mark(colour, glyph), line(key));
        put(out, format_args!("{INDENT}{mark} {key:<width$}  {text}"));
    }
}
