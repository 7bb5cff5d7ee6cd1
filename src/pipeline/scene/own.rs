//! What is one connector's alone, and cannot be shared with another one.
//!
//! Takes a config, gives what it claims. An environment is one Connect cluster, so that equal texts mean the same,
//! placeholders included, and a class may be named in short. What follows where two claim the same is said by lints and by the judgement of steps.

use std::sync::Arc;

use crate::pipeline::risk::family::Family;
use crate::pipeline::server;
use crate::pipeline::sight::Sight;

/// What cannot be shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// A replication slot.
    Slot,
    /// The id of a replica of `MySQL`.
    ServerId,
    /// What topics, schemas and offsets are named by.
    TopicPrefix,
    /// The topic with the history of a database's schema.
    HistoryTopic,
}

/// A key whose value is one connector's alone.
#[derive(Debug)]
pub struct Own {
    /// What it names.
    pub thing: Thing,
    /// The key itself.
    pub key: &'static str,
    /// Where it is one's own, in words.
    pub told: &'static str,
    /// What it is where nobody says it.
    default: Option<&'static str>,
    of: Family,
    within: Within,
}

/// Where a value must be one connector's alone.
#[derive(Debug, Clone, Copy)]
enum Within {
    /// Everywhere.
    Cluster,
    /// On one database server.
    Server,
    /// In the Kafka cluster of the schema history.
    History,
}

/// Each of them.
pub const OWN: &[Own] = &[
    Own {
        thing: Thing::Slot,
        key: "slot.name",
        default: Some("debezium"),
        of: Family::Postgres,
        within: Within::Server,
        told: " on the same server",
    },
    Own {
        thing: Thing::ServerId,
        key: "database.server.id",
        default: None,
        of: Family::Binlog,
        within: Within::Server,
        told: " on the same server",
    },
    Own {
        thing: Thing::TopicPrefix,
        key: "topic.prefix",
        default: None,
        of: Family::Debezium,
        within: Within::Cluster,
        told: "",
    },
    Own {
        thing: Thing::HistoryTopic,
        key: "schema.history.internal.kafka.topic",
        default: None,
        of: Family::Debezium,
        within: Within::History,
        told: "",
    },
];

/// Where a value must be unique, and the value.
pub type Claim = (String, Arc<str>);

impl Own {
    /// The keys that concern a server, for which environments are compared as well.
    pub fn on_servers() -> impl Iterator<Item = &'static Self> {
        OWN.iter().filter(|own| matches!(own.within, Within::Server))
    }

    /// The name of the replication slot that a connector reads from, on whatever server.
    pub fn slot_name(sight: &Sight<'_>) -> Option<Arc<str>> {
        OWN.iter().find(|own| own.thing == Thing::Slot)?.value(sight)
    }

    /// What a connector claims; none where it claims nothing, or nobody can say where.
    pub fn of(&self, sight: &Sight<'_>) -> Option<Claim> {
        let value = self.value(sight)?;
        let within = match self.within {
            Within::Cluster => String::new(),
            Within::Server => server::address(sight)?,
            Within::History => {
                sight.text("schema.history.internal.kafka.bootstrap.servers")?.trim().to_owned()
            }
        };
        Some((within, value))
    }

    fn value(&self, sight: &Sight<'_>) -> Option<Arc<str>> {
        if !self.of.has(sight.class) {
            return None;
        }
        let default = || self.default.filter(|_| !sight.has(self.key)).map(Into::into);
        sight.text(self.key).or_else(default)
    }
}

/// A publication that a connector reads from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Publication {
    /// The server, by host and port.
    pub server: String,
    /// The database.
    pub database: Option<Arc<str>>,
    /// Its name.
    pub name: Arc<str>,
}

/// The key that stands for a connector's name, which is in no config.
pub const NAME: &str = "name";

/// The key that names a publication.
pub const PUBLICATION: &str = "publication.name";

impl Publication {
    /// The one that a connector reads from; none where it reads from none, or nobody can say where.
    pub fn of(sight: &Sight<'_>) -> Option<Self> {
        let server = Family::Postgres.has(sight.class).then(|| server::address(sight)).flatten()?;
        Some(Self { server, database: sight.text("database.dbname"), name: Self::named(sight)? })
    }

    /// The name of the one that a connector reads from, on whatever server.
    pub fn named(sight: &Sight<'_>) -> Option<Arc<str>> {
        let said = || sight.text(PUBLICATION).unwrap_or_else(|| "dbz_publication".into());
        Family::Postgres.has(sight.class).then(said)
    }
}

/// Whether a connector sets its publication's tables to its own when it starts.
pub fn is_filtered(sight: &Sight<'_>) -> bool {
    sight.says("publication.autocreate.mode", &["filtered"])
}

/// What says which tables a connector captures.
pub fn tables(sight: &Sight<'_>) -> [Option<Arc<str>>; 4] {
    ["table.include.list", "table.exclude.list", "schema.include.list", "schema.exclude.list"]
        .map(|key| sight.text(key))
}
