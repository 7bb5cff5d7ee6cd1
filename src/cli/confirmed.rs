//! The connectors that `apply --confirm-delete` names.
//!
//! Takes what was typed and the first plan, gives names; says of each that will not be deleted why that is so. A name
//! that is gone already is no error: the same command can be run again.

use std::collections::BTreeSet;

use crate::cli::failure::Failure;
use crate::cli::print;
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Plan, Reason};
use crate::model::policy::Pruned;
use crate::settings::checked::Settings;

/// The names that were typed; an error where nothing is ever deleted for having no file.
pub fn names(typed: &[String], settings: &Settings) -> Result<BTreeSet<ConnectorName>, Failure> {
    let may = match settings.prune.who {
        Pruned::Owned => true,
        Pruned::Nobody => false,
    };
    if !may && let Some(name) = typed.first() {
        let error = anyhow::anyhow!(
            "the settings say `prune.policy: never`, so no connector is deleted for having no file, {name} neither"
        );
        let hint = "declare it with `state: absent`, or set `prune.policy: owned`";
        return Err(Failure::new(error).context("nothing was applied").hint(Some(hint)));
    }
    Ok(typed.iter().map(|name| ConnectorName::observed(name)).collect())
}

/// Says of each name that the plan does not delete why it does not.
pub fn tell(names: &BTreeSet<ConnectorName>, plan: &Plan) {
    for name in names {
        if let Some(why) = not_deleted(name, plan) {
            print::note(&format!("--confirm-delete {name}: {why}."));
        }
    }
}

fn not_deleted(name: &ConnectorName, plan: &Plan) -> Option<&'static str> {
    let goes = |action: &Action| action.connector == *name && action.reason == Reason::NotInRepository;
    if plan.steps.iter().any(goes) {
        return None;
    }
    Some(if plan.held.iter().any(|held| goes(&held.action)) {
        "it is held all the same, as the plan says"
    } else if plan.sync.contains_key(name) {
        "it is declared; `state: absent` deletes it"
    } else if plan.unmanaged.contains(name) && !plan.incomplete.is_empty() {
        "a folder is not in force, so nothing is deleted for having no file"
    } else if plan.unmanaged.contains(name) {
        "it is left alone: nothing says that this repository once declared it here, or a `forget` names it"
    } else {
        "no such connector is in the cluster, or `select` leaves it out"
    })
}
