//! What Connect and its plugins check in a config, as far as the fake goes.
//!
//! Takes a config, gives the lines that Connect would complain with. The plugins are the usual ones
//! and what a test installs; of their own rules only those stand here that tests need.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fake::answer::{self, Answer};
use crate::fake::version::Version;

/// A config as it came: a key may have a null.
pub type Sent = BTreeMap<String, Option<String>>;

/// The classes that are known from the start.
const PLUGINS: &[&str] = &[
    "org.apache.kafka.connect.file.FileStreamSinkConnector",
    "org.apache.kafka.connect.tools.MockSinkConnector",
    "org.apache.kafka.connect.tools.VerifiableSinkConnector",
    "org.apache.kafka.connect.file.FileStreamSourceConnector",
    "org.apache.kafka.connect.tools.MockSourceConnector",
    "org.apache.kafka.connect.tools.SchemaSourceConnector",
    "org.apache.kafka.connect.tools.VerifiableSourceConnector",
    "io.debezium.connector.mariadb.MariaDbConnector",
    "io.debezium.connector.mongodb.MongoDbConnector",
    "io.debezium.connector.mysql.MySqlConnector",
    "io.debezium.connector.oracle.OracleConnector",
    "io.debezium.connector.postgresql.PostgresConnector",
    "io.debezium.connector.sqlserver.SqlServerConnector",
    "io.debezium.connector.jdbc.JdbcSinkConnector",
    "io.confluent.connect.jdbc.JdbcSinkConnector",
    "io.confluent.connect.jdbc.JdbcSourceConnector",
    "io.confluent.connect.s3.S3SinkConnector",
    "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector",
];

/// The installed plugins.
#[derive(Debug)]
pub struct Plugins(Vec<String>);

impl Default for Plugins {
    fn default() -> Self {
        Self(PLUGINS.iter().map(|class| (*class).to_owned()).collect())
    }
}

impl Plugins {
    pub fn install(&mut self, class: &str) {
        self.0.push(class.to_owned());
    }

    pub fn classes(&self) -> &[String] {
        &self.0
    }

    /// Finds a class by its whole name, its simple name, or that without `Connector`.
    pub fn find(&self, given: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|class| {
                let simple = class.rsplit('.').next().unwrap_or_default();
                class.as_str() == given || simple == given || simple.strip_suffix("Connector") == Some(given)
            })
            .map(String::as_str)
    }

    /// Checks a config as `PUT /connectors/{c}/config` does; `refused` are complaints of the plugin.
    pub fn check(&self, version: Version, config: &Sent, refused: Option<&str>) -> Result<(), Answer> {
        let Some(given) = config.get("connector.class").and_then(Option::as_deref) else {
            return Err(answer::no_class(&as_java_map(config)));
        };
        let Some(class) = self.find(given) else {
            let status = if version.blames_the_sender_for_an_unknown_class() { 400 } else { 500 };
            return Err(answer::unknown_class(status, given, &self.describe()));
        };
        if is_sink_without_topics(class, config) && !version.lists_missing_topics() {
            return Err(Answer::error(500, NO_TOPICS));
        }
        let mut lines = Vec::new();
        check_tasks_max(config, &mut lines);
        check_converters(config, &mut lines);
        check_plugin(class, config, &mut lines);
        let nulls = config.values().filter(|value| value.is_none() && version.refuses_null());
        lines.extend(nulls.map(|_| "Null value can not be supplied as the configuration value.".to_owned()));
        lines.extend(refused.map(str::to_owned));
        if lines.is_empty() { Ok(()) } else { Err(answer::invalid(&lines)) }
    }

    /// Answers `PUT /connector-plugins/{class}/config/validate`; `refused` are complaints of the plugin.
    pub fn validate(&self, version: Version, path: &str, config: &Sent, refused: Option<&str>) -> Answer {
        let Some(given) = config.get("connector.class").and_then(Option::as_deref) else {
            return answer::no_class(&as_java_map(config)).thrown("BadRequestException", version);
        };
        let Some(class) = self.find(given) else {
            return answer::unknown_class(500, given, &self.describe())
                .thrown("BadRequestException", version);
        };
        let is_same = path == given || self.find(path) == Some(given);
        if !is_same {
            return answer::other_class(given, path);
        }
        if is_sink_without_topics(class, config) && !version.lists_missing_topics() {
            return Answer::error(
                500,
                &format!("org.apache.kafka.common.config.ConfigException: {NO_TOPICS}"),
            );
        }
        let mut lines = Vec::new();
        if !config.contains_key("name") {
            lines.push("Missing required configuration \"name\" which has no default value.".to_owned());
        }
        check_tasks_max(config, &mut lines);
        check_converters(config, &mut lines);
        check_plugin(class, config, &mut lines);
        lines.extend(refused.map(str::to_owned));
        answer::opinion(given, &known_keys(class), config, &lines)
    }

    fn describe(&self) -> String {
        let each = self.0.iter().map(|class| {
            format!(
                "PluginDesc{{klass=class {class}, name='{class}', version='4.3.0', encodedVersion=4.3.0, type={0}, \
                 typeName='{0}', location='file:/plugins/'}}",
                kind(class)
            )
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

/// Whether a class is a source or a sink, from its name.
pub fn kind(class: &str) -> &'static str {
    if class.contains("Sink") { "sink" } else { "source" }
}

/// How many tasks a connector makes.
pub fn task_count(class: &str, config: &Sent) -> usize {
    let ceiling = text(config, "tasks.max").and_then(|text| text.trim().parse().ok()).unwrap_or(1);
    if kind(class) == "sink" { ceiling } else { 1 }
}

/// The text of a key that has one.
pub fn text<'a>(config: &'a Sent, key: &str) -> Option<&'a str> {
    config.get(key).and_then(Option::as_deref)
}

/// After how long the tasks of a mock connector fail, where it is told to let them.
pub fn mocked_failure(config: &Sent) -> Option<Duration> {
    let delay = text(config, "delay_ms").and_then(|text| text.parse().ok()).unwrap_or(15_000);
    (text(config, "mock_mode") == Some("task-failure")).then(|| Duration::from_millis(delay))
}

/// Classes with this in their name give their tasks no more than they need, in every version.
const OF_ITS_OWN: &str = "Thrifty";

/// The config that a connector gives each of its tasks.
pub fn task_config(version: Version, class: &str, config: &Sent) -> Sent {
    let task_class = format!("{}Task", class.strip_suffix("Connector").unwrap_or(class));
    let mut given = config.clone();
    let is_of_its_own = class.contains(OF_ITS_OWN);
    if is_of_its_own || class.contains("FileStream") && !version.copies_whole_configs() {
        given.retain(|key, _| matches!(key.as_str(), "file" | "topic" | "topics" | "batch.size"));
        if kind(class) == "source" {
            given.entry("batch.size".to_owned()).or_insert_with(|| Some("2000".to_owned()));
        }
    }
    given.insert("task.class".to_owned(), Some(task_class));
    given
}

fn check_tasks_max(config: &Sent, lines: &mut Vec<String>) {
    let null = "Invalid value null for configuration tasks.max: Value must be non-null";
    match config.get("tasks.max") {
        None => {}
        Some(None) => lines.push(null.to_owned()),
        Some(Some(text)) => match text.trim().parse::<i32>() {
            Ok(number) if number >= 1 => {}
            Ok(number) => {
                lines.push(format!(
                    "Invalid value {number} for configuration tasks.max: Value must be at least 1"
                ));
            }
            Err(_) => {
                lines.push(format!(
                    "Invalid value {text} for configuration tasks.max: Not a number of type INT"
                ));
                lines.push(null.to_owned());
            }
        },
    }
}

fn check_converters(config: &Sent, lines: &mut Vec<String>) {
    for key in ["key.converter", "value.converter"] {
        if let Some(Some(class)) = config.get(key)
            && !class.ends_with("Converter")
        {
            lines.push(format!(
                "Invalid value {class} for configuration {key}: Class {class} could not be found."
            ));
        }
    }
}

fn check_plugin(class: &str, config: &Sent, lines: &mut Vec<String>) {
    let has = |key: &str| config.contains_key(key);
    if class.contains("FileStreamSource") {
        if !has("topic") {
            lines.push("Missing required configuration \"topic\" which has no default value.".to_owned());
        }
        if let Some(Some(size)) = config.get("batch.size")
            && size.parse::<i32>().is_err()
        {
            lines
                .push(format!("Invalid value {size} for configuration batch.size: Not a number of type INT"));
        }
    }
    if is_sink_without_topics(class, config) {
        // Connect says it twice.
        lines.extend([NO_TOPICS, NO_TOPICS].map(str::to_owned));
    }
    if class.starts_with("io.debezium.connector.") && kind(class) == "source" && !has("topic.prefix") {
        lines.push("The 'topic.prefix' value is invalid: A value is required".to_owned());
    }
}

/// The keys that Connect and a plugin know, each with whether it must be there and what it is for.
fn known_keys(class: &str) -> Vec<(&'static str, bool, &'static str)> {
    let mut keys = vec![
        ("name", true, "Globally unique name to use for this connector."),
        ("connector.class", true, "Name or alias of the class for this connector."),
        ("tasks.max", false, "Maximum number of tasks to use for this connector."),
        ("key.converter", false, "Converter class of the keys."),
        ("value.converter", false, "Converter class of the values."),
        ("errors.retry.timeout", false, "The maximum duration in milliseconds."),
    ];
    if kind(class) == "sink" {
        keys.push(("topics", false, "List of topics to consume, separated by commas"));
        keys.push(("topics.regex", false, "Regular expression giving topics to consume."));
    }
    if class.contains("FileStream") {
        keys.push(("file", false, "Source filename. If not specified, the standard input will be used"));
    }
    if class.contains("FileStreamSource") {
        keys.push(("topic", true, "The topic to publish data to"));
        keys.push(("batch.size", false, "The maximum number of records the source task can read."));
    }
    if class.starts_with("io.debezium.connector.") {
        keys.push(("topic.prefix", false, "Topic prefix that identifies and provides a namespace."));
        keys.push(("database.hostname", false, "Resolvable hostname or IP address of the database server."));
    }
    keys
}

const NO_TOPICS: &str = "Must configure one of topics or topics.regex";

fn is_sink_without_topics(class: &str, config: &Sent) -> bool {
    kind(class) == "sink" && !config.contains_key("topics") && !config.contains_key("topics.regex")
}

/// Prints a map as Java does: this is how whole configs get into a message.
fn as_java_map(config: &Sent) -> String {
    let pairs = config.iter().map(|(key, value)| format!("{key}={}", value.as_deref().unwrap_or("null")));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}
