//! Changes that may do harm: who answers for them, and what is held because nobody does.
//!
//! Takes the steps of one connector, gives what they risk, and which of them are held back with the lines that let them pass.
//! What a change does is asked of `risk`, what other connectors have to do with it of `scene`. One key that nobody answers
//! for holds the whole change, and the resume behind it, which would run it; pauses and stops pass, and what a setting
//! does at a stop or a start alone is told. Whoever made the
//! difference: a change by hand is undone under the same rules.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::config::{Config, Shown, Value};
use crate::model::desired::{DesiredConnector, Form};
use crate::model::known::Known;
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Held, Hold, Step, StepKind, Target};
use crate::model::policy::OnRisk;
use crate::model::risk::{Acknowledged, Risk, Standing};
use crate::pipeline::risk::{Danger, group, of_change_owing, of_masked, of_start, of_stop};

/// What an acknowledgement says of a value that is not shown. It cannot name the value: then the secret would stand in the
/// repository. So it lets any later value of that key pass too, until somebody takes it away.
const HIDDEN: &str = "hidden";

/// What the steps of one connector risk, by key: what changing its own config does, as far as it is
/// `known` what changes, and what was `met` of others.
pub fn risks(
    (name, wanted): (&ConnectorName, &DesiredConnector),
    live: Option<&Config>,
    known: &Known,
    (actions, on_risk): (&[Action], OnRisk),
    met: Vec<Danger>,
) -> Vec<Risk> {
    let nothing = BTreeSet::new();
    let (owed, sure) = (known.owed.get(name).unwrap_or(&nothing), known.sure.get(name).unwrap_or(&nothing));
    let configures = |action: &Action| action.step.kind() == StepKind::Configure;
    let moved = live.and_then(|live| of_move(live, actions));
    let live = live.filter(|_| actions.iter().any(configures));
    let own = live.map(|live| {
        let mut own = of_change_owing(live, &wanted.config, owed);
        let keeps = group::is_kept(name.as_str(), live, &wanted.config);
        own.retain(|danger| !(keeps && &*danger.key == group::KEY));
        own
    });
    let unseen = live.map(|live| of_masked(live, &wanted.config, owed, sure));
    // To hold what nobody can ever see would hold it for ever, and a stop or a start is asked for as it is.
    let told = |danger| Risk { standing: Standing::Told, ..judged(name, danger, wanted, on_risk) };
    let told = unseen.into_iter().flatten().chain(moved).map(told);
    let judged = |danger: Danger| judged(name, danger, wanted, on_risk);
    let mut risks: Vec<_> = own.into_iter().flatten().chain(met).map(judged).chain(told).collect();
    risks.sort_by(|a, b| a.key.cmp(&b.key));
    risks
}

/// What a setting does where a connector is stopped or started and nothing else: a change beside it says that itself. A pause
/// leaves the task as it is.
fn of_move(live: &Config, actions: &[Action]) -> Option<Danger> {
    match actions {
        [Action { step: Step::Stop { .. }, .. }] => of_stop(live),
        [Action { step: Step::Resume { from: Target::Stopped }, .. }] => of_start(live),
        _ => None,
    }
}

/// A danger of a connector's step, as somebody answers for it in the definition of one, which may be another.
pub fn judged(connector: &ConnectorName, danger: Danger, by: &DesiredConnector, on_risk: OnRisk) -> Risk {
    let Danger { key, to, row, harm, consequence, remedy } = danger;
    let to = to.map_or_else(|| by.config.get(&key).cloned(), |word| Some(Value::new(&key, &word)));
    let answer = by.acknowledged.iter().find(|one| one.key == key && is_meant(to.as_ref(), one));
    let standing = match (harm.is_held(), answer, on_risk) {
        (false, _, _) => Standing::Told,
        (true, Some(answer), _) => Standing::Acknowledged(Arc::clone(&answer.reason)),
        (true, None, OnRisk::Hold) => Standing::Held,
        (true, None, OnRisk::Warn) => Standing::Warned,
    };
    Risk { connector: connector.clone(), key, to, row, harm, consequence, remedy, standing }
}

/// The steps of one connector that may be taken, and those that are held for what they risk. Where all of them are held
/// the connector goes on as it is, and what is due `instead` is taken.
pub fn split(
    wanted: (&ConnectorName, &DesiredConnector),
    actions: Vec<Action>,
    instead: Option<Action>,
    risks: &[Risk],
) -> (Vec<Action>, Vec<Held>) {
    let held: Vec<_> = risks.iter().filter(|risk| risk.standing == Standing::Held).collect();
    let is_held = |action: &Action| match action.step {
        Step::Create { .. } | Step::Configure { .. } | Step::Resume { .. } => !held.is_empty(),
        Step::Pause { .. } | Step::Stop { .. } | Step::Restart { .. } | Step::Delete => false,
    };
    let (stopped, mut taken): (Vec<_>, Vec<_>) = actions.into_iter().partition(is_held);
    if taken.is_empty() && !stopped.is_empty() {
        taken.extend(instead);
    }
    let mut stopped = stopped.into_iter();
    let first = stopped.next().map(|action| {
        let release = Some(release(wanted, &held));
        Held { action, hold: Hold::RiskyChange, detail: detail(&held), release }
    });
    let brake = |action: Action| {
        let detail = "it would run the change that is held".to_owned();
        Held { action, hold: Hold::RiskyChange, detail, release: None }
    };
    (taken, first.into_iter().chain(stopped.map(brake)).collect())
}

/// Whether an acknowledgement is of what a key is to become, or of the word that answers.
fn is_meant(value: Option<&Value>, acknowledged: &Acknowledged) -> bool {
    match (value, &acknowledged.to) {
        (None, None) => true,
        (Some(value), Some(to)) => {
            value.same_text(to) || (value.is_secret() && to.same_text(&Value::new("", HIDDEN)))
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// What would happen, and the safe way, key by key.
pub fn detail(held: &[&Risk]) -> String {
    let mut lines = Vec::new();
    for Risk { key, harm, consequence, remedy, .. } in held {
        lines.push(format!("{key} ({}): {consequence}", harm.name()));
        lines.extend(remedy.as_ref().map(|remedy| format!("the safe way: {remedy}")));
    }
    lines.join("\n")
}

/// The lines that let a change pass, to stand under the connector.
pub fn release(wanted: (&ConnectorName, &DesiredConnector), held: &[&Risk]) -> String {
    // One that counts elsewhere only is not seen here.
    let list = "acknowledge: # the items alone, where the list is there already".to_owned();
    let list = wanted.1.acknowledged.is_empty().then_some(list);
    let items = held.iter().map(|risk| {
        let to = match risk.to.as_ref().map(Value::shown) {
            None => "null".to_owned(),
            Some(Shown::Text(text)) => written(&text),
            Some(Shown::Hidden) => HIDDEN.to_owned(),
        };
        format!("  - key: {}\n    to: {to}\n    reason: \"…\"", written(&risk.key))
    });
    let wrap = wrapped(wanted);
    wrap.into_iter().chain(list).chain(items).collect::<Vec<_>>().join("\n")
}

/// What stands before the lines of a connector in a form of others, which has no place for them: a definition of its own
/// that is laid over it.
fn wrapped((name, wanted): (&ConnectorName, &DesiredConnector)) -> Option<String> {
    let path = wanted.place.path.as_ref();
    let (folder, file) =
        path.rsplit_once('/').map_or(("", path), |(_, file)| (&path[..path.len() - file.len()], file));
    let (stem, ending) = file.rsplit_once('.').unwrap_or((file, "json"));
    let (from, first) = match wanted.form {
        Form::Own => return None,
        Form::Foreign => (file.to_owned(), format!("`{path}` has no place for it")),
        Form::ForeignAmong => {
            let from = format!("{stem}-alone.{ending}");
            let first = format!(
                "`{path}` has no place for it and holds more: take this connector out of it, into `{folder}{from}`"
            );
            (from, first)
        }
    };
    let connector = written(name.as_str());
    let from_text = written(&from);
    Some(format!(
        "# {first}; then make a new file `{folder}{stem}.over.yaml` with all these lines\nconnector: {connector}\nfrom: {from_text}"
    ))
}

/// A text as YAML reads it back: bare where every reader takes it for a text.
fn written(text: &str) -> String {
    const WORDS: &[&str] = &["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let is_bare =
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(is_inner);
    if is_bare && !WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
