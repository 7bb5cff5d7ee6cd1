//! The audit: a line for every mutation.
//!
//! Takes a step that was taken and how it ended, writes who wanted it (revision, signer), what it was (connector, step,
//! keys), who answered for what it may do to data, and the outcome.

use std::collections::BTreeMap;

use tracing::info;

use crate::model::name::ConnectorName;
use crate::model::plan::{Action, ChangeKind, Step};
use crate::model::report::{Class, Outcome};
use crate::model::revision::{At, Revision};
use crate::model::risk::{Risk, Standing};

/// Why somebody answers for what a connector's change may do, by connector: `slot.name: OPS-1234`.
pub fn answered(risks: &[Risk]) -> BTreeMap<ConnectorName, String> {
    let mut answered: BTreeMap<ConnectorName, String> = BTreeMap::new();
    for Risk { connector, key, to: _, row: _, harm: _, consequence: _, remedy: _, standing } in risks {
        if let Standing::Acknowledged(reason) = standing {
            let all = answered.entry(connector.clone()).or_default();
            let between = if all.is_empty() { "" } else { "; " };
            all.push_str(&format!("{between}{key}: {reason}"));
        }
    }
    answered
}

/// Writes the audit line of a mutation: who, what, who answered for what it may do, how it ended.
pub fn audit(
    action: &Action,
    outcome: Outcome,
    class: Option<Class>,
    revision: &Revision,
    answered: Option<&str>,
) {
    let Action { connector, step, reason } = action;
    let answered = answered.filter(|_| is_answered_for(step));
    let keys = match step {
        Step::Configure { config: _, changes } => changes
            .iter()
            .map(|change| {
                let sign = match change.kind {
                    ChangeKind::Added { .. } => '+',
                    ChangeKind::Removed { .. } => '-',
                    ChangeKind::Changed { .. } => '~',
                };
                format!("{sign}{}", change.key)
            })
            .collect::<Vec<_>>()
            .join(" "),
        Step::Create { config, initial: _ } => format!("{} keys", config.len()),
        Step::Pause { .. }
        | Step::Resume { .. }
        | Step::Stop { .. }
        | Step::Restart { .. }
        | Step::Delete => String::new(),
    };
    let signer = revision.main().at.verified().map(ToString::to_string);
    info!(
        target: "tagalong::audit",
        %revision,
        commit = commit(revision),
        signer,
        %connector,
        step = step.kind().name(),
        reason = reason.name(),
        keys,
        acknowledged = answered,
        outcome = outcome.name(),
        class = class.map(Class::name),
        "took a step"
    );
}

/// Whether somebody may have to answer for a step: a change, and what has it work. A pause or a restart does nothing to data.
fn is_answered_for(step: &Step) -> bool {
    match step {
        Step::Create { .. } | Step::Configure { .. } | Step::Resume { .. } | Step::Delete => true,
        Step::Pause { .. } | Step::Stop { .. } | Step::Restart { .. } => false,
    }
}

fn commit(revision: &Revision) -> Option<&str> {
    match &revision.main().at {
        At::Git { commit, .. } => Some(commit.as_str()),
        At::Directory { .. } => None,
    }
}
