//! What `validate` says of what it found: each finding once, and the last line.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::asking::{Asked, Found};
use crate::model::finding::{Finding, Findings};
use crate::model::name::EnvironmentName;
use crate::model::rule::Severity;

/// Every finding once, with the environments in which it shows, where it does not show in all. What is
/// said of several connectors in the same words of the same place is said once, of none of them.
pub fn merged(found: &Found) -> Findings {
    let mut shows: BTreeMap<_, (Finding, BTreeSet<Option<&EnvironmentName>>)> = BTreeMap::new();
    for finding in found.values().flat_map(Findings::iter) {
        let said = (&finding.place, finding.severity, finding.rule, &finding.message);
        let (told, names) = shows
            .entry(said)
            .or_insert_with(|| (Finding { environment: None, ..finding.clone() }, BTreeSet::new()));
        if told.connector != finding.connector {
            told.connector = None;
        }
        names.insert(finding.environment.as_ref());
    }
    let mut all = Findings::default();
    all.extend(shows.into_values().map(|(mut finding, names)| {
        let names: Option<Vec<_>> = names.into_iter().collect();
        match names.as_deref() {
            // One of them shows wherever the files are used.
            None | Some([]) => {}
            Some(names) if names.len() == found.len() => {}
            Some([name]) => finding.environment = Some((*name).clone()),
            Some(names) => {
                let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
                finding.message.push_str(&format!(" (in {})", names.join(", ")));
            }
        }
        finding
    }));
    all.settle();
    all
}

/// Says for which environments the definitions are good, and for which they are not; `strict` where a
/// warning counts too.
pub fn verdict(found: &Found, strict: bool) -> String {
    let said = judgement(found);
    let only_warnings = !found.values().any(Findings::has_errors)
        && found.values().any(|findings| findings.count(Severity::Warning) > 0);
    if strict && only_warnings {
        return format!("{}, but a warning fails with --strict.", said.trim_end_matches('.'));
    }
    said
}

fn judgement(found: &Found) -> String {
    let named = |wrong: bool| {
        let names = found.iter().filter(|(_, findings)| findings.has_errors() == wrong);
        names
            .filter_map(|(name, _)| name.as_ref())
            .map(EnvironmentName::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (named(true).as_str(), named(false).as_str()) {
        ("", "") if found.values().any(Findings::has_errors) => {
            "Not valid, and there is no environment to render for.".to_owned()
        }
        ("", "") => "Valid, and there is no environment to render for.".to_owned(),
        ("", good) => format!("Valid for {good}."),
        (bad, "") => format!("Not valid for {bad}."),
        (bad, good) => format!("Not valid for {bad}. Valid for {good}."),
    }
}

/// Says whom the plugins were asked about.
pub fn hearing(asked: &Asked) -> String {
    let Asked { connectors, left_out, failure: _ } = asked;
    let some = |count: usize| format!("{count} connector{}", if count == 1 { "" } else { "s" });
    match left_out {
        0 => format!("The plugins looked at {}.", some(*connectors)),
        1 => format!(
            "The plugins looked at {}; one with errors of its own or secrets of the agent's was left out.",
            some(*connectors)
        ),
        more => format!(
            "The plugins looked at {}; {more} with errors of their own or secrets of the agent's were left out.",
            some(*connectors)
        ),
    }
}
