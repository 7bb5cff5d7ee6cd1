//! What two connectors of one environment must not have in common.
//!
//! An environment is one Connect cluster, so that equal texts mean the same, placeholders included.
//! Each is told beside the first one by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::desired::DesiredState;
use crate::model::rule::Rule;
use crate::pipeline::lints::classes::{BINLOG, POSTGRES};
use crate::pipeline::lints::seen::{Breach, Seen};

/// A key whose value is one connector's alone.
pub struct Own {
    rule: Rule,
    key: &'static str,
    /// What it is where nobody says it.
    default: Option<&'static str>,
    /// None: all of Debezium's sources.
    classes: Option<&'static [&'static str]>,
    within: Within,
    /// Where it is one's own, in words.
    told: &'static str,
}

/// Where a value must be one connector's alone.
#[derive(Clone, Copy)]
enum Within {
    /// Everywhere.
    Cluster,
    /// On one database server, by its usual port.
    Server(&'static str),
    /// In the Kafka cluster of the schema history.
    History,
}

const OWN: &[Own] = &[
    Own {
        rule: Rule::SharedSlot,
        key: "slot.name",
        default: Some("debezium"),
        classes: Some(POSTGRES),
        within: Within::Server("5432"),
        told: " on the same server",
    },
    Own {
        rule: Rule::SharedServerId,
        key: "database.server.id",
        default: None,
        classes: Some(BINLOG),
        within: Within::Server("3306"),
        told: " on the same server",
    },
    Own {
        rule: Rule::SharedTopicPrefix,
        key: "topic.prefix",
        default: None,
        classes: None,
        within: Within::Cluster,
        told: "",
    },
    Own {
        rule: Rule::SharedHistoryTopic,
        key: "schema.history.internal.kafka.topic",
        default: None,
        classes: None,
        within: Within::History,
        told: "",
    },
];

impl Own {
    /// The keys that concern a server, for which environments are compared as well.
    pub fn on_servers() -> impl Iterator<Item = &'static Self> {
        OWN.iter().filter(|own| matches!(own.within, Within::Server(_)))
    }

    /// The key itself.
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// Where the value must be unique, and the value; none where the connector has none, or nobody
    /// can say where.
    pub fn of(&self, seen: &Seen<'_>) -> Option<(String, Arc<str>)> {
        if !self.classes.map_or_else(|| seen.is_debezium(), |classes| seen.is(classes)) {
            return None;
        }
        let value = match seen.text(self.key) {
            Some(value) => value,
            None => self.default.filter(|_| !seen.has(self.key))?.into(),
        };
        let within = match self.within {
            Within::Cluster => String::new(),
            Within::Server(port) => server(seen, port)?,
            Within::History => {
                seen.text("schema.history.internal.kafka.bootstrap.servers")?.trim().to_owned()
            }
        };
        Some((within, value))
    }
}

fn server(seen: &Seen<'_>, usual: &str) -> Option<String> {
    let host = seen.text("database.hostname")?;
    let port = seen.text("database.port");
    let host = host.trim().trim_end_matches('.').to_ascii_lowercase();
    Some(format!("{host}:{}", port.as_deref().map_or(usual, str::trim)))
}

/// Every pair that shares something, with the place of the second in the list.
pub fn breaches(all: &[Seen<'_>]) -> Vec<(usize, Breach)> {
    let mut breaches = Vec::new();
    // One that is stopped has no task that could hold anything.
    let working: Vec<_> =
        all.iter().enumerate().filter(|(_, seen)| seen.connector.state != DesiredState::Stopped).collect();
    for own in OWN {
        let mut first: BTreeMap<(String, Arc<str>), usize> = BTreeMap::new();
        for &(index, seen) in &working {
            let Some(at) = own.of(seen) else { continue };
            let Some(&other) = first.get(&at) else {
                first.insert(at, index);
                continue;
            };
            let (key, value, told) = (own.key, &at.1, own.told);
            let message = format!("connector `{}`{told} has the same `{key}`, `{value}`", all[other].name);
            let breach = seen.breach(own.rule, key, message);
            breaches.push((index, Breach { partner: Some(other), ..breach }));
        }
    }
    breaches.extend(publications(&working));
    breaches
}

/// Under `filtered` a connector sets the publication's tables to its own when it starts.
fn publications(working: &[(usize, &Seen<'_>)]) -> Vec<(usize, Breach)> {
    const KEY: &str = "publication.name";
    let mut groups: BTreeMap<_, Vec<(usize, &Seen<'_>)>> = BTreeMap::new();
    for &(index, seen) in working.iter().filter(|(_, seen)| seen.is(POSTGRES)) {
        let Some(server) = server(seen, "5432") else { continue };
        let database = seen.text("database.dbname");
        let name = seen.text(KEY).unwrap_or_else(|| "dbz_publication".into());
        groups.entry((server, database, name)).or_default().push((index, seen));
    }
    let mut breaches = Vec::new();
    for ((_, _, name), group) in groups {
        let is_filtered =
            |(_, seen): &(usize, &Seen<'_>)| seen.says("publication.autocreate.mode", &["filtered"]);
        let [(partner, first), rest @ ..] = group.as_slice() else { continue };
        if !group.iter().any(is_filtered) {
            continue;
        }
        for (index, seen) in rest.iter().filter(|(_, seen)| tables(seen) != tables(first)) {
            let message =
                format!("connector `{}` has the same `{KEY}`, `{name}`, and other tables", first.name);
            let breach = seen.breach(Rule::SharedPublication, KEY, message);
            breaches.push((*index, Breach { partner: Some(*partner), ..breach }));
        }
    }
    breaches
}

fn tables(seen: &Seen<'_>) -> [Option<Arc<str>>; 4] {
    ["table.include.list", "table.exclude.list", "schema.include.list", "schema.exclude.list"]
        .map(|key| seen.text(key))
}
