//! Reads what a file says of lints: `allow` silences one, with a reason, `lints` says how much one
//! weighs.
//!
//! A name that is unknown is only a warning: a newer release may name a lint that this agent does not
//! have yet, and must not be refused for it.

use std::collections::BTreeMap;

use crate::model::definition::Allowance;
use crate::model::finding::Finding;
use crate::model::rule::{Rule, Severity};
use crate::model::shape::Takes;
use crate::model::text::Text;
use crate::yaml::decode::{self, Fields, nearest};
use crate::yaml::tree::Entry;

/// What `allow` takes.
pub const ALLOW_TAKES: Takes = Takes::Entries("", &Takes::Text);

/// What `lints` takes.
pub const SEVERITIES_TAKES: Takes = Takes::Entries("", &Takes::Word(&["error", "warning"]));

/// Takes `allow`: a map of lints and reasons.
pub fn allow(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Vec<Allowance> {
    let Some(node) = fields.get("allow") else { return Vec::new() };
    let entries = decode::map("`allow`", node, findings).unwrap_or_default();
    entries.iter().filter_map(|entry| allowance(entry, findings)).collect()
}

fn allowance(Entry { key, value }: &Entry, findings: &mut Vec<Finding>) -> Option<Allowance> {
    let rule = lint(key, findings);
    let reason = decode::text(&format!("the reason for `{}`", key.as_str()), value, findings)?;
    if reason.says_nothing() {
        let message = format!("`{}` is silenced without a reason", key.as_str());
        findings.push(Finding::new(Rule::ReasonEmpty, reason.place, message));
        return None;
    }
    Some(Allowance { rule: rule?, place: key.place.clone(), reason })
}

/// Takes `lints`: a map of lints and severities.
pub fn severities(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> BTreeMap<Rule, Severity> {
    let Some(node) = fields.get("lints") else { return BTreeMap::new() };
    let entries = decode::map("`lints`", node, findings).unwrap_or_default();
    let severity = |Entry { key, value }: &Entry| {
        let rule = lint(key, findings);
        let words = [Severity::Error, Severity::Warning].map(|severity| (severity.name(), severity));
        let severity = decode::choice(&format!("`{}`", key.as_str()), value, &words, findings);
        Some((rule?, severity?))
    };
    entries.iter().filter_map(severity).collect()
}

fn lint(name: &Text, findings: &mut Vec<Finding>) -> Option<Rule> {
    let rule = Rule::ALL.iter().find(|rule| rule.name() == name.as_str());
    if let Some(&rule) = rule.filter(|rule| rule.is_lint()) {
        return Some(rule);
    }
    let finding = |message| Finding::new(Rule::UnknownLint, name.place.clone(), message);
    findings.push(if rule.is_some() {
        finding(format!("`{}` is a rule that cannot be changed", name.as_str()))
            .hint("correct what breaks it, and remove this line")
    } else {
        let lints = Rule::ALL.iter().filter(|rule| rule.is_lint()).map(|rule| rule.name());
        let finding = finding(format!("there is no lint `{}`", name.as_str()));
        match nearest(name.as_str(), lints) {
            Some(near) => finding.hint(format!("did you mean `{near}`?")),
            None => finding.hint("remove it, or correct the name"),
        }
    });
    None
}
