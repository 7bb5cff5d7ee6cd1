//! What a change may do to data, and what outlives a connector, in the words that every view uses.
//!
//! Takes risks and what stays behind, gives phrases for people and the promised forms for programs. Which line
//! of a plan carries them is said once, here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Hold, Left, Plan, Step};
use crate::model::risk::{Harm, Risk, Standing};
use crate::view::text::line;

/// What a plan says of risks and remains, under the line that carries them.
pub(in crate::view) struct Borne<'p> {
    /// What may happen.
    pub(in crate::view) risks: Vec<&'p Risk>,
    /// What stays behind.
    pub(in crate::view) leaves: &'p [Left],
}

/// What each line of a plan carries, its steps first, then what is held: a connector's risks stand under the
/// first line that makes, changes or deletes it, or else stops or starts it, and what stays behind under the one that deletes it. Where a risk is
/// why a step is held, the hold's own detail says it.
pub(in crate::view) fn borne(plan: &Plan) -> Vec<Borne<'_>> {
    let mut open: BTreeMap<&ConnectorName, Vec<&Risk>> = BTreeMap::new();
    for risk in &plan.risks {
        open.entry(&risk.connector).or_default().push(risk);
    }
    let held = plan.held.iter().map(|held| (&held.action, Some(held.hold)));
    let lines: Vec<_> = plan.steps.iter().map(|action| (action, None)).chain(held).collect();
    let made =
        |action: &Action| matches!(action.step, Step::Create { .. } | Step::Configure { .. } | Step::Delete);
    let made: BTreeSet<_> =
        lines.iter().filter(|(action, _)| made(action)).map(|(action, _)| &action.connector).collect();
    let mut carried = |(action, hold): (&Action, Option<Hold>)| {
        let (bears, deletes) = match action.step {
            Step::Create { .. } | Step::Configure { .. } => (true, false),
            Step::Delete => (true, true),
            Step::Stop { .. } | Step::Resume { .. } => (!made.contains(&action.connector), false),
            Step::Pause { .. } | Step::Restart { .. } => (false, false),
        };
        let mut risks = bears.then(|| open.remove(&action.connector)).flatten().unwrap_or_default();
        risks.retain(|risk| hold != Some(Hold::RiskyChange) || risk.standing != Standing::Held);
        let leaves = deletes.then(|| plan.leaves.get(&action.connector)).flatten();
        Borne { risks, leaves: leaves.map(Vec::as_slice).unwrap_or_default() }
    };
    lines.into_iter().map(&mut carried).collect()
}

/// A risk without what would happen: `slot.name (data-gap), acknowledged: OPS-1234`.
pub(in crate::view) fn phrase(key: &str, harm: Harm, standing: &Standing) -> String {
    let standing = match standing {
        Standing::Held | Standing::Told => String::new(),
        Standing::Acknowledged(reason) => format!(", acknowledged: {reason}"),
        Standing::Warned => ", let through by `risk: warn`".to_owned(),
    };
    format!("{key} ({}){standing}", harm.name())
}

/// The safe way, where one is known and nobody has answered for the other one.
pub(in crate::view) fn safe_way(risk: &Risk) -> Option<&str> {
    match risk.standing {
        Standing::Acknowledged(_) => None,
        Standing::Held | Standing::Warned | Standing::Told => risk.remedy.as_deref(),
    }
}

/// What outlives a connector, line by line under a heading; nothing where nothing does.
pub(in crate::view) fn stays_behind(leaves: &[Left]) -> Vec<String> {
    let heading = (!leaves.is_empty()).then(|| "stays behind:".to_owned());
    let width = leaves.iter().map(|left| left.kind.name().len()).max().unwrap_or_default();
    let left = |Left { kind, name, within }: &Left| {
        let name = name.as_deref().map(line).unwrap_or_default();
        let within = within.as_deref().map(|within| format!(" in {}", line(within))).unwrap_or_default();
        format!("  {kind:<width$}  {name}{within}", kind = kind.name()).trim_end().to_owned()
    };
    heading.into_iter().chain(leaves.iter().map(left)).collect()
}

/// A change that may do harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct RiskForm {
    pub(in crate::view) connector: String,
    pub(in crate::view) key: String,
    pub(in crate::view) risk: String,
    pub(in crate::view) harm: String,
    pub(in crate::view) standing: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) reason: Option<String>,
    pub(in crate::view) consequence: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) remedy: Option<String>,
}

impl RiskForm {
    /// Mirrors a risk.
    pub(in crate::view) fn new(risk: &Risk) -> Self {
        let Risk { connector, key, to: _, row, harm, consequence, remedy, standing } = risk;
        Self {
            connector: connector.as_str().to_owned(),
            key: key.to_string(),
            risk: (*row).to_owned(),
            harm: harm.name().to_owned(),
            standing: standing.name().to_owned(),
            reason: standing.reason().map(str::to_owned),
            consequence: consequence.to_string(),
            remedy: remedy.as_deref().map(str::to_owned),
        }
    }
}

/// Something that outlives a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct LeftForm {
    pub(in crate::view) connector: String,
    pub(in crate::view) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::view) within: Option<String>,
}

impl LeftForm {
    /// Mirrors everything that stays behind of what a plan deletes.
    pub(in crate::view) fn all(leaves: &BTreeMap<ConnectorName, Vec<Left>>) -> Vec<Self> {
        let of = |(connector, left): (&ConnectorName, &Vec<Left>)| -> Vec<Self> {
            let one = |Left { kind, name, within }: &Left| Self {
                connector: connector.as_str().to_owned(),
                kind: kind.name().to_owned(),
                name: name.as_deref().map(str::to_owned),
                within: within.as_deref().map(str::to_owned),
            };
            left.iter().map(one).collect()
        };
        leaves.iter().flat_map(of).collect()
    }
}
