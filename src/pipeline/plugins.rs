//! What plugins say of the configs, as findings at the lines where the configs were written.
//!
//! Takes the connectors of one environment and a worker's opinion of each, gives findings. Asking, and what of
//! an answer may be told at all, is left to `connect`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::config::Shown;
use crate::model::desired::{Desired, DesiredConnector, DesiredState};
use crate::model::finding::{Finding, Findings, Place};
use crate::model::name::ConnectorName;
use crate::model::opinion::{Known, Mistake, Opinion, Reading, Remark};
use crate::model::rule::{Rule, Severity};
use crate::yaml::decode::nearest;

/// As many classes are listed as a person reads.
const FEW: usize = 10;

/// A key that the plugin does not know is taken for a slip of the pen up to this many letters.
const SLIPS: usize = 2;

/// What follows these is known to others than the plugin: clients, drivers, converters, transformations.
const PASSED_ON: &[&str] = &[
    "producer.",
    "consumer.",
    "admin.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "transforms.",
    "predicates.",
    "topic.creation.",
    "driver.",
    "schema.history.internal.",
    "signal.",
    "column.",
];

/// The connectors that a plugin can be asked about: those that have a config without an error of their own
/// and without a secret that only the agent has.
pub fn askable<'d>(
    desired: &'d Desired,
    findings: &Findings,
) -> BTreeMap<&'d ConnectorName, &'d DesiredConnector> {
    let errors = || findings.iter().filter(|finding| finding.severity == Severity::Error);
    let wrong: BTreeSet<&Place> = errors().map(|finding| &finding.place).collect();
    let named: BTreeSet<&ConnectorName> = errors().filter_map(|finding| finding.connector.as_ref()).collect();
    let is_sound = |name: &ConnectorName, connector: &DesiredConnector| {
        has_config(connector)
            && !desired.unresolved.contains_key(name)
            && !named.contains(name)
            && !wrong.contains(&connector.place)
            && !connector.origins.values().flatten().any(|origin| wrong.contains(&origin.place))
    };
    desired.connectors.iter().filter(|(name, connector)| is_sound(name, connector)).collect()
}

/// The connectors that are to have a config.
pub fn with_config(
    connectors: &BTreeMap<ConnectorName, DesiredConnector>,
) -> impl Iterator<Item = &ConnectorName> {
    connectors.iter().filter(|(_, connector)| connector.state != DesiredState::Absent).map(|(name, _)| name)
}

fn has_config(connector: &DesiredConnector) -> bool {
    connector.state != DesiredState::Absent && connector.config.class().is_some() && connector.lost.is_empty()
}

/// What is wrong with some connectors in the opinion of a worker, which has plugins of these classes. What many of
/// them have in common is told once.
pub fn findings(
    asked: &[(&ConnectorName, &DesiredConnector, &Opinion)],
    classes: &[Arc<str>],
) -> Vec<Finding> {
    let mut once: BTreeMap<(Place, Rule, String), Told<'_>> = BTreeMap::new();
    for (name, connector, opinion) in asked {
        for finding in of_one_connector(connector, opinion, classes) {
            let key = (finding.place.clone(), finding.rule, finding.message.clone());
            let is_elsewhere = finding.place.path != connector.place.path;
            let first = || Told { finding: finding.of(name), names: BTreeSet::new(), is_elsewhere };
            once.entry(key).or_insert_with(first).names.insert(name);
        }
    }
    once.into_values().map(concerning).collect()
}

/// A finding, and whom it concerns.
struct Told<'t> {
    finding: Finding,
    names: BTreeSet<&'t ConnectorName>,
    /// Whether its place is not in the connector's own file.
    is_elsewhere: bool,
}

/// Says which connectors a finding concerns, where its place does not.
fn concerning(Told { mut finding, names, is_elsewhere }: Told<'_>) -> Finding {
    if names.len() > 1 {
        finding.connector = None;
    }
    match &finding.connector {
        Some(name) if is_elsewhere => finding.message.push_str(&format!(", in connector `{name}`")),
        None if is_elsewhere => finding.message.push_str(&format!(", in {} connectors", names.len())),
        Some(_) | None => {}
    }
    finding
}

fn of_one_connector(connector: &DesiredConnector, opinion: &Opinion, classes: &[Arc<str>]) -> Vec<Finding> {
    match opinion {
        Opinion::UnknownClass => vec![unknown_class(connector, classes)],
        Opinion::Read(reading) => {
            let slips = slips(connector, reading);
            let remarks = telling(&reading.remarks).into_iter();
            let remarks = remarks.map(|remark| remarked(connector, remark, reading, &slips));
            remarks.chain(slips.iter().map(|slip| unknown_key(connector, slip))).collect()
        }
    }
}

fn unknown_class(connector: &DesiredConnector, classes: &[Arc<str>]) -> Finding {
    let class = connector.config.class().unwrap_or_default();
    let message = format!("the worker has no connector plugin `{class}`");
    let finding = Finding::new(Rule::PluginUnknown, place(connector, "connector.class"), message);
    finding.hint(match near_class(class.trim(), classes) {
        Some(near) => format!("did you mean `{near}`?"),
        None if classes.is_empty() => "install the plugin on every worker".to_owned(),
        None if classes.len() <= FEW => {
            format!("install it on every worker, or take one that is there: {}", classes.join(", "))
        }
        None => format!(
            "install it on every worker; it has {} others, listed under /connector-plugins",
            classes.len()
        ),
    })
}

/// The class that was most likely meant: of the same simple name in another package, else one spelled alike.
fn near_class<'c>(class: &str, classes: &'c [Arc<str>]) -> Option<&'c str> {
    let wanted = simple(class);
    let same = classes.iter().find(|known| simple(known).eq_ignore_ascii_case(wanted));
    same.map(AsRef::as_ref).or_else(|| nearest(class, classes.iter().map(AsRef::as_ref))).or_else(|| {
        let near = nearest(wanted, classes.iter().map(|known| simple(known)))?;
        classes.iter().map(AsRef::as_ref).find(|known| simple(known) == near)
    })
}

/// A class without its package, and without the word that Connect lets one leave out.
fn simple(class: &str) -> &str {
    let name = class.rsplit('.').next().unwrap_or(class);
    name.strip_suffix("Connector").filter(|rest| !rest.is_empty()).unwrap_or(name)
}

/// One remark a key and kind; what says nothing of its own only where nothing else is said of that key.
fn telling(remarks: &[Remark]) -> Vec<&Remark> {
    let mut told: Vec<&Remark> = Vec::new();
    for remark in remarks {
        let is_said = remarks.iter().any(|other| {
            other.key == remark.key && remark.kind == Mistake::Other && other.kind != Mistake::Other
        });
        if !is_said && !told.iter().any(|other| (&other.key, other.kind) == (&remark.key, remark.kind)) {
            told.push(remark);
        }
    }
    told
}

fn remarked(connector: &DesiredConnector, remark: &Remark, reading: &Reading, slips: &[Slip<'_>]) -> Finding {
    let Remark { key, kind, text } = remark;
    let rule = if *kind == Mistake::Away { Rule::PluginAway } else { Rule::PluginRefused };
    let Some(key) = key.as_deref() else {
        return Finding::new(rule, connector.place.clone(), of_all(*kind));
    };
    let is_set = connector.config.get(key).is_some();
    let at = if is_set { place(connector, key) } else { connector.place.clone() };
    if !is_set && *kind == Mistake::Missing {
        let message = format!("the plugin requires `{key}`, which is not set");
        let finding = Finding::new(rule, at, message);
        let slip = slips.iter().find(|slip| slip.meant == key);
        return finding.hint(match (slip, documented(key, reading)) {
            (Some(Slip { key, .. }), _) => format!("`{key}` is set at {}", place(connector, key)),
            (None, Some(documented)) => documented,
            (None, None) => "set it in the connector or in its template".to_owned(),
        });
    }
    let message = match text {
        Some(text) => format!("the plugin refuses `{key}`: {text}"),
        None => of_one(key, *kind),
    };
    let finding = Finding::new(rule, at, message);
    if reading.known.is_empty() {
        return finding.hint("correct it and ask again: Connect has not looked at the rest of this config");
    }
    match help(connector, key, *kind, reading) {
        Some(help) => finding.hint(help),
        None => finding,
    }
}

fn of_all(kind: Mistake) -> &'static str {
    match kind {
        Mistake::Away => "the plugin could not reach the connector's database, or was refused there",
        Mistake::Placeholder => "a placeholder names a file that the worker cannot read",
        Mistake::Missing => "a key that the plugin requires is not set",
        Mistake::NoNumber
        | Mistake::NoBoolean
        | Mistake::OutOfRange
        | Mistake::NotAmong
        | Mistake::NoSuchClass
        | Mistake::Other => "Connect does not take the config, and names no key that may be told",
    }
}

fn of_one(key: &str, kind: Mistake) -> String {
    match kind {
        Mistake::Missing => format!("the plugin requires a value for `{key}`"),
        Mistake::NoNumber => format!("`{key}` takes a whole number"),
        Mistake::NoBoolean => format!("`{key}` takes `true` or `false`"),
        Mistake::OutOfRange => format!("the number of `{key}` is too small or too large"),
        Mistake::NotAmong => format!("`{key}` takes other values than this one"),
        Mistake::NoSuchClass => format!("`{key}` names a class that the worker does not have"),
        Mistake::Away => {
            format!("the plugin could not reach what `{key}` names, or was refused there")
        }
        Mistake::Placeholder => {
            format!("a placeholder under `{key}` names a file that the worker cannot read")
        }
        Mistake::Other => format!("the plugin refuses the value of `{key}`"),
    }
}

/// What to do about a wrong value, where the plugin tells.
fn help(connector: &DesiredConnector, key: &str, kind: Mistake, reading: &Reading) -> Option<String> {
    match kind {
        // The rule's own.
        Mistake::Away | Mistake::Placeholder => None,
        Mistake::NoSuchClass => Some("correct the class, or install its plugin on every worker".to_owned()),
        Mistake::NotAmong => choice(connector, key, reading).or_else(|| documented(key, reading)),
        Mistake::Missing | Mistake::NoNumber | Mistake::NoBoolean | Mistake::OutOfRange | Mistake::Other => {
            documented(key, reading)
        }
    }
}

/// The values that a key takes, the one first that was most likely meant.
fn choice(connector: &DesiredConnector, key: &str, reading: &Reading) -> Option<String> {
    let Known { values, documentation: _ } = reading.known.get(key)?;
    let all = (!values.is_empty()).then(|| values.join(", "))?;
    let near = match connector.config.get(key)?.shown() {
        Shown::Text(text) => nearest(&text, values.iter().map(AsRef::as_ref)),
        Shown::Hidden => None,
    };
    Some(match near {
        Some(near) => format!("did you mean `{near}`? The plugin names {all}"),
        None => format!("the plugin names {all}"),
    })
}

fn documented(key: &str, reading: &Reading) -> Option<String> {
    let Known { documentation, values: _ } = reading.known.get(key)?;
    documentation.as_ref().map(|text| format!("the plugin says of it: {text}"))
}

/// A key that the plugin does not know, and the one that was most likely meant.
struct Slip<'s> {
    key: &'s str,
    meant: &'s str,
}

/// Keys that are almost those of the plugin. A plugin takes what it does not know without a word, and many pass it on
/// to a driver or a client: so only what is nearly a known key that is not set is told.
fn slips<'s>(connector: &'s DesiredConnector, reading: &'s Reading) -> Vec<Slip<'s>> {
    let config = &connector.config;
    let is_unknown = |key: &&str| {
        !reading.known.contains_key(*key) && !PASSED_ON.iter().any(|prefix| key.starts_with(prefix))
    };
    let unset = || reading.known.keys().map(AsRef::as_ref).filter(|known| config.get(known).is_none());
    let meant = |key: &'s str| {
        let allowed = SLIPS.min(key.chars().count() / 4);
        let distance = |known: &str| {
            let is_alike = letters(known) == letters(key);
            if is_alike { 0 } else { strsim::damerau_levenshtein(known, key) }
        };
        let near = unset().map(|known| (distance(known), known)).min()?;
        (near.0 <= allowed).then_some(Slip { key, meant: near.1 })
    };
    config.keys().filter(is_unknown).filter_map(meant).collect()
}

/// The letters alone: `batch_size` and `batchSize` mean `batch.size`.
fn letters(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn unknown_key(connector: &DesiredConnector, Slip { key, meant }: &Slip<'_>) -> Finding {
    let message = format!("the plugin does not know `{key}`, and Connect passes over it in silence");
    let finding = Finding::new(Rule::PluginKey, place(connector, key), message);
    finding.hint(format!("did you mean `{meant}`?"))
}

/// Where a key was set; the connector's own place where nobody knows.
fn place(connector: &DesiredConnector, key: &str) -> Place {
    let origin = connector.origins.get(key).and_then(|layers| layers.last());
    origin.map_or(&connector.place, |origin| &origin.place).clone()
}
