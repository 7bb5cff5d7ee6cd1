//! The safe way to give a connector another name.
//!
//! Takes the names and what the old one is, gives a person's commands, which any shell reads. They hold and print no secret:
//! what the old one has goes from Connect to Connect, and a variable of the shell is in no list of processes. Where one
//! connector becomes several the old one is deleted when each of them has its offsets, and not before.

use crate::model::config::{Config, Value};
use crate::model::name::ConnectorName;

const SAFE: &str = "stop the old one, make the new one stopped, give it the old one's offsets, delete the old one, resume the \
                    new one. On Connect 3.7 or newer nothing was lost, doubled or read again that way";

const SAFE_FOR_ALL: &str = "stop it, make each of them stopped, give each its offsets, and only then delete it. The \
                            agent, or the next `apply`, changes and resumes each as its definition says";

/// A name that a connector is to come under.
#[derive(Debug, Clone, Copy)]
pub struct Under<'n> {
    /// The name.
    pub name: &'n ConnectorName,
    /// Whether it is there already, stopped.
    pub is_there: bool,
}

/// How the old connector comes under its new names without a loss, as it is told at one of them; `kept` are the lines that
/// this one must keep for that.
pub fn between(
    (old, config): (&ConnectorName, &Config),
    (new, all): (&ConnectorName, &[Under<'_>]),
    kept: &[String],
) -> String {
    let kept = if kept.is_empty() {
        String::new()
    } else {
        format!(" Before that, let the definition of `{new}` keep {}.", kept.join(", "))
    };
    let safe = match all {
        [_] => SAFE.to_owned(),
        all => format!("`{old}` comes under each of these names: {}. So {SAFE_FOR_ALL}", told(all)),
    };
    if !all.iter().map(|under| under.name).chain([old]).all(is_plain) {
        return format!("{safe}.{kept}");
    }
    let is_masked = config.iter().any(|(_, value)| Value::is_masked(value));
    let missing: Vec<_> = all.iter().filter(|under| !under.is_there).copied().collect();
    let aside = if is_masked && !missing.is_empty() {
        format!(
            " Connect shows masks in place of secrets, so the config cannot be copied: let the agent make {} first, with \
             `state: stopped` in its definition, which you take away at the end.",
            told(&missing)
        )
    } else {
        String::new()
    };
    let has = if let [_] = all { "the new one has its offsets" } else { "each of them has its offsets" };
    format!(
        "{safe}.{kept}{aside} With the address of Connect in CONNECT, as one block for sh, bash or zsh, which ends where one \
         of them fails, so that the old one is not deleted before {has}:\n({})",
        commands(old, all, is_masked).join(" &&\n")
    )
}

/// The same of a source of Debezium's: slot and history have one reader, so only one can go on.
pub fn for_one_alone(old: &ConnectorName, all: &[Under<'_>]) -> String {
    format!(
        "let only one of {} come, with the slot, the prefix and the tables of `{old}`, and what is said then gives it the offsets. \
         The others come later, each with a slot and a prefix of its own, and begin anew",
        told(all)
    )
}

fn commands(old: &ConnectorName, all: &[Under<'_>], is_masked: bool) -> Vec<String> {
    let each = all.iter().flat_map(|under| {
        let make = (!is_masked && !under.is_there).then(|| made(old, under.name));
        make.into_iter().chain([given(old, under.name)])
    });
    let stop = format!("curl -fsS -X PUT \"$CONNECT/connectors/{old}/stop\"");
    let rests = rests(old);
    let delete = format!("curl -fsS -X DELETE \"$CONNECT/connectors/{old}\"");
    // One of several that is resumed with the whole work of the old one does that of the others too.
    let alone = if let [alone] = all { Some(alone.name) } else { None };
    let resume = alone.map(|new| format!("curl -fsS -X PUT \"$CONNECT/connectors/{new}/resume\""));
    [stop, rests].into_iter().chain(each).chain([delete]).chain(resume).collect()
}

/// Waits until no task is left, for the last offsets are written when one ends.
fn rests(old: &ConnectorName) -> String {
    format!(
        "until tasks=$(curl -fsS \"$CONNECT/connectors/{old}/status\") || exit; case $tasks in *'\"tasks\":[]'*) ;; \
         *) false ;; esac; do sleep 1; done"
    )
}

const POST: &str = "curl -fsS -H 'Content-Type: application/json' -d @-";

/// Makes the new one of the old one's config, stopped. Connect writes it on one line and without blanks, and answers with the
/// config and its secrets, which are not shown.
fn made(old: &ConnectorName, new: &ConnectorName) -> String {
    format!(
        "config=$(curl -fsS \"$CONNECT/connectors/{old}/config\") && printf '%s\\n' \"$config\" | \
         sed 's/\"name\":\"{old}\"/\"name\":\"{new}\"/; \
         s/^/{{\"name\":\"{new}\",\"initial_state\":\"STOPPED\",\"config\":/; s/$/}}/' | {POST} -o /dev/null \"$CONNECT/connectors\""
    )
}

/// Gives the new one the old one's offsets. Where they cannot be read nothing is sent.
fn given(old: &ConnectorName, new: &ConnectorName) -> String {
    format!(
        "offsets=$(curl -fsS \"$CONNECT/connectors/{old}/offsets\") && printf '%s\\n' \"$offsets\" | \
         {POST} -X PATCH \"$CONNECT/connectors/{new}/offsets\""
    )
}

fn told(all: &[Under<'_>]) -> String {
    all.iter().map(|under| format!("`{}`", under.name)).collect::<Vec<_>>().join(", ")
}

/// Whether a name means the same in a URL, a shell and a pattern.
fn is_plain(name: &ConnectorName) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.as_str().chars().all(is_plain) && name.as_str().contains(|c| c != '.')
}
