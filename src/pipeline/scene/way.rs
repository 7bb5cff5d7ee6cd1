//! The safe way to give a connector another name.
//!
//! Takes both names and what the old one is, gives a person's commands. They hold no secret: what the old one has goes
//! from Connect to Connect.

use crate::model::config::{Config, Value};
use crate::model::name::ConnectorName;

const SAFE: &str = "stop the old one, make the new one stopped, give it the old one's offsets, delete the old one, resume the \
                    new one. On Connect 3.7 or newer nothing was lost, doubled or read again that way";

/// How the old connector comes under the new name without a loss; `kept` are the lines that it must keep for that.
pub fn between((old, config): (&ConnectorName, &Config), new: &ConnectorName, kept: &[String]) -> String {
    let kept = if kept.is_empty() {
        String::new()
    } else {
        format!(" Before that, let the definition of `{new}` keep {}.", kept.join(", "))
    };
    if ![old, new].into_iter().all(is_plain) {
        return format!("{SAFE}.{kept}");
    }
    let is_masked = config.iter().any(|(_, value)| Value::is_masked(value));
    let (aside, make) = if is_masked {
        let aside = format!(
            " Connect shows masks in place of secrets, so the config cannot be copied: let the agent make `{new}` first, with \
             `state: stopped` in its definition, which you take away at the end."
        );
        (aside, None)
    } else {
        (String::new(), Some(made(old, new)))
    };
    let stop = format!("curl -fsS -X PUT \"$CONNECT/connectors/{old}/stop\"");
    let offsets = format!(
        "curl -fsS \"$CONNECT/connectors/{old}/offsets\" | {POST} -X PATCH \"$CONNECT/connectors/{new}/offsets\""
    );
    let delete = format!("curl -fsS -X DELETE \"$CONNECT/connectors/{old}\"");
    let resume = format!("curl -fsS -X PUT \"$CONNECT/connectors/{new}/resume\"");
    let commands: Vec<_> =
        [Some(stop), make, Some(offsets), Some(delete), Some(resume)].into_iter().flatten().collect();
    format!(
        "{SAFE}.{kept}{aside} With the address of Connect in CONNECT, in one shell that ends where one of them \
         fails, so that the old one is not deleted before the new one has its offsets:\n(set -o pipefail &&\n{})",
        commands.join(" &&\n")
    )
}

const POST: &str = "curl -fsS -H 'Content-Type: application/json' -d @-";

/// Makes the new one of the old one's config, stopped. Connect writes it on one line and without blanks.
fn made(old: &ConnectorName, new: &ConnectorName) -> String {
    format!(
        "curl -fsS \"$CONNECT/connectors/{old}/config\" | sed 's/\"name\":\"{old}\"/\"name\":\"{new}\"/; \
         s/^/{{\"name\":\"{new}\",\"initial_state\":\"STOPPED\",\"config\":/; s/$/}}/' | {POST} \"$CONNECT/connectors\""
    )
}

/// Whether a name means the same in a URL, a shell and a pattern.
fn is_plain(name: &ConnectorName) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.as_str().chars().all(is_plain) && name.as_str().contains(|c| c != '.')
}
