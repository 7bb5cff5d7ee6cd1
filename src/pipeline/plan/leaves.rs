//! What outlives a connector that is deleted, by name.
//!
//! Takes a live connector, gives what its config says it made or holds outside of Connect's list. A family is known by
//! the class; what the config leaves out has the family's default. Nobody is asked whether it is really there: an agent
//! has no way into a database and should have none.

use std::sync::Arc;

use crate::model::config::{Config, Shown, Value};
use crate::model::live::{Kind, LiveConnector};
use crate::model::name::ConnectorName;
use crate::model::plan::{Left, LeftKind};
use crate::pipeline::classes::{self, POSTGRES};
use crate::pipeline::risk::group;

/// What a heartbeat's topic begins with where nobody says it.
const HEARTBEATS: &str = "__debezium-heartbeat";

/// What of this connector outlives its deletion.
pub fn of(name: &ConnectorName, live: &LiveConnector) -> Vec<Left> {
    let nothing = Config::default();
    let config = Seen(live.config.as_ref().unwrap_or(&nothing));
    let class = config.0.class().unwrap_or_default();
    let mut left = if classes::is_among(class, POSTGRES) { postgres(config) } else { Vec::new() };
    match kind(live.kind, class) {
        Kind::Source => {
            left.push(named(LeftKind::Offsets, name.as_str()));
            left.extend(of_source(config, class));
        }
        Kind::Sink => left.extend(of_sink(name, config)),
        Kind::Unknown => {}
    }
    left.sort();
    left
}

/// Which way it moves rows; by its class where Connect did not say.
fn kind(told: Kind, class: &str) -> Kind {
    match told {
        Kind::Source | Kind::Sink => told,
        Kind::Unknown if classes::is_sink(class) => Kind::Sink,
        Kind::Unknown if classes::is_source(class) => Kind::Source,
        Kind::Unknown => Kind::Unknown,
    }
}

fn postgres(config: Seen<'_>) -> Vec<Left> {
    let within = server(config, "5432");
    let is_dropped = config.is("slot.drop.on.stop", "true");
    let slot = (!is_dropped).then(|| config.or("slot.name", "debezium"));
    let publication = config.or("publication.name", "dbz_publication");
    let left = |kind, name| Left { kind, name, within: within.clone() };
    slot.into_iter()
        .map(|name| left(LeftKind::Slot, name))
        .chain([left(LeftKind::Publication, publication)])
        .collect()
}

/// The database and where it is, as far as the config says.
fn server(config: Seen<'_>, usual: &str) -> Option<Arc<str>> {
    let host = config.text("database.hostname")?;
    let port = config.text("database.port").unwrap_or_else(|| usual.into());
    let database =
        config.text("database.dbname").map(|name| format!("database {name} at ")).unwrap_or_default();
    Some(format!("{database}{host}:{port}").into())
}

fn of_source(config: Seen<'_>, class: &str) -> Vec<Left> {
    let mut left = Vec::new();
    if config.has("schema.history.internal.kafka.topic") {
        left.push(Left {
            kind: LeftKind::HistoryTopic,
            name: config.text("schema.history.internal.kafka.topic"),
            within: config.text("schema.history.internal.kafka.bootstrap.servers"),
        });
    }
    let topics =
        |name: Option<String>| Left { kind: LeftKind::Topics, name: name.map(Into::into), within: None };
    let prefix = config.text("topic.prefix");
    let dot = if classes::is_debezium(class) { "." } else { "" };
    if config.has("topic.prefix") {
        left.push(topics(prefix.as_ref().map(|prefix| format!("{prefix}{dot}*"))));
    }
    if config.has("topic") {
        left.push(topics(config.text("topic").map(|topic| topic.to_string())));
    }
    if classes::is_debezium(class)
        && config.has("heartbeat.interval.ms")
        && !config.is("heartbeat.interval.ms", "0")
    {
        let heartbeats = config.or("topic.heartbeat.prefix", HEARTBEATS);
        let name = heartbeats.zip(prefix).map(|(heartbeats, prefix)| format!("{heartbeats}.{prefix}"));
        left.push(topics(name));
    }
    left
}

fn of_sink(name: &ConnectorName, config: Seen<'_>) -> Vec<Left> {
    let group = config.or(group::KEY, &group::own(name.as_str()));
    let mut left = vec![Left { kind: LeftKind::ConsumerGroup, name: group, within: None }];
    if config.has("errors.deadletterqueue.topic.name") {
        let name = config.text("errors.deadletterqueue.topic.name");
        left.push(Left { kind: LeftKind::Topics, name, within: None });
    }
    left
}

fn named(kind: LeftKind, name: &str) -> Left {
    Left { kind, name: Some(name.into()), within: None }
}

/// A config as a person may see it.
#[derive(Clone, Copy)]
struct Seen<'c>(&'c Config);

impl Seen<'_> {
    /// Whether a key has a value, shown or not.
    fn has(self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| !is_blank(value))
    }

    /// The value of a key, where there is one and it may be shown.
    fn text(self, key: &str) -> Option<Arc<str>> {
        let value = self.0.get(key).filter(|value| !is_blank(value) && !value.is_masked())?;
        match value.shown() {
            Shown::Text(text) => Some(text.trim().into()),
            Shown::Hidden => None,
        }
    }

    /// Whether a key is seen to have this value.
    fn is(self, key: &str, text: &str) -> bool {
        self.text(key).is_some_and(|found| found.eq_ignore_ascii_case(text))
    }

    /// The value of a key, or what counts where nothing is said.
    fn or(self, key: &str, default: &str) -> Option<Arc<str>> {
        if self.has(key) { self.text(key) } else { Some(default.into()) }
    }
}

fn is_blank(value: &Value) -> bool {
    match value.shown() {
        Shown::Text(text) => text.trim().is_empty(),
        Shown::Hidden => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::live::Status;

    fn live(kind: Kind, pairs: &[(&str, &str)]) -> LiveConnector {
        let config = pairs.iter().map(|&(key, text)| (key, Value::new(key, text))).collect();
        LiveConnector { config: Some(config), kind, status: None::<Status> }
    }

    /// Each thing in a line: what it is, its name, what it is in.
    fn told(kind: Kind, pairs: &[(&str, &str)]) -> Vec<String> {
        let one = live(kind, pairs);
        let lines =
            of(&ConnectorName::observed("orders"), &one).into_iter().map(|Left { kind, name, within }| {
                let within = within.map(|within| format!(" in {within}")).unwrap_or_default();
                format!("{} {}{within}", kind.name(), name.as_deref().unwrap_or("(hidden)"))
            });
        lines.collect()
    }

    #[test]
    fn a_postgres_connector_leaves_its_slot_its_publication_its_offsets_and_its_topics() {
        let class = ("connector.class", POSTGRES[0]);
        assert_eq!(
            told(
                Kind::Source,
                &[
                    class,
                    ("database.hostname", "db.example.com"),
                    ("database.port", "5433"),
                    ("database.dbname", "shop"),
                    ("slot.name", "orders"),
                    ("publication.name", "orders_pub"),
                    ("topic.prefix", "shop"),
                    ("heartbeat.interval.ms", "10000"),
                ],
            ),
            [
                "slot orders in database shop at db.example.com:5433",
                "publication orders_pub in database shop at db.example.com:5433",
                "offsets orders",
                "topics __debezium-heartbeat.shop",
                "topics shop.*",
            ]
        );
        let defaults = told(Kind::Source, &[class, ("database.hostname", "db"), ("topic.prefix", "shop")]);
        assert_eq!(
            defaults,
            [
                "slot debezium in db:5432",
                "publication dbz_publication in db:5432",
                "offsets orders",
                "topics shop.*"
            ]
        );
        for short in ["PostgresConnector", "Postgres"] {
            let short = ("connector.class", short);
            assert_eq!(told(Kind::Unknown, &[short]), told(Kind::Unknown, &[class]), "{short:?}");
        }
        let dropped = told(Kind::Unknown, &[class, ("slot.drop.on.stop", "true")]);
        assert_eq!(dropped, ["publication dbz_publication", "offsets orders"]);
    }

    #[test]
    fn other_sources_leave_their_offsets_their_history_and_their_topics() {
        let mysql = [
            ("connector.class", "io.debezium.connector.mysql.MySqlConnector"),
            ("topic.prefix", "shop"),
            ("topic.heartbeat.prefix", "beats"),
            ("heartbeat.interval.ms", "5000"),
            ("schema.history.internal.kafka.topic", "history.shop"),
            ("schema.history.internal.kafka.bootstrap.servers", "kafka:9092"),
        ];
        assert_eq!(
            told(Kind::Source, &mysql),
            [
                "offsets orders",
                "history-topic history.shop in kafka:9092",
                "topics beats.shop",
                "topics shop.*"
            ]
        );
        let short = ("connector.class", "MySql");
        assert_eq!(told(Kind::Unknown, &[&[short], &mysql[1..]].concat()), told(Kind::Source, &mysql));
        let jdbc =
            [("connector.class", "io.confluent.connect.jdbc.JdbcSourceConnector"), ("topic.prefix", "shop-")];
        assert_eq!(told(Kind::Unknown, &jdbc), ["offsets orders", "topics shop-*"]);
        let file = [("connector.class", "FileStreamSource"), ("topic", "lines")];
        assert_eq!(told(Kind::Source, &file), ["offsets orders", "topics lines"]);
    }

    #[test]
    fn a_sink_leaves_its_consumer_group() {
        let class = ("connector.class", "FileStreamSink");
        assert_eq!(told(Kind::Sink, &[class]), ["consumer-group connect-orders"]);
        assert_eq!(told(Kind::Unknown, &[class]), ["consumer-group connect-orders"]);
        let named =
            [class, ("consumer.override.group.id", "mine"), ("errors.deadletterqueue.topic.name", "dead")];
        assert_eq!(told(Kind::Sink, &named), ["consumer-group mine", "topics dead"]);
    }

    #[test]
    fn what_is_hidden_stays_hidden_and_what_cannot_be_read_is_not_guessed() {
        let pairs = [
            ("connector.class", POSTGRES[0]),
            ("slot.name", "postgresql://u:hunter2@db/shop"),
            ("publication.name", "${file:/secrets/db:publication}"),
        ];
        let config: Config = pairs.iter().map(|&(key, text)| (key, Value::secret(text))).collect();
        let one = LiveConnector { config: Some(config), kind: Kind::Source, status: None };
        let left = of(&ConnectorName::observed("orders"), &one);
        assert!(!format!("{left:?}").contains("hunter2"), "{left:?}");
        assert!(left.iter().any(|left| left.kind == LeftKind::Slot && left.name.is_none()), "{left:?}");
        assert_eq!(told(Kind::Source, &pairs[2..]), ["offsets orders"]);

        let unread = LiveConnector { config: None, kind: Kind::Unknown, status: None };
        assert_eq!(of(&ConnectorName::observed("orders"), &unread), []);
    }
}
