//! What Connect answers where a plugin is asked about a config, read down to what may be told.
//!
//! Takes the answer and the config that was sent, gives an opinion. The answer repeats the config with its
//! placeholders resolved: values are not read at all, a text is kept only where nothing secret can be in it, and
//! so is the name of a key. Where each key was written is left to `pipeline`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::connect::error::Nonsense;
use crate::connect::phrases;
use crate::model::config::{Config, Value};
use crate::model::opinion::{Known, Mistake, Opinion, Reading, Remark};
use crate::model::secret::is_secret_key;

/// The longest text of a plugin that is kept, in characters.
const LONGEST_TEXT: usize = 300;

/// As many remarks as are kept of one config; no plugin has more keys.
const MOST_REMARKS: usize = 1000;

/// Keys with these prefixes carry a name that stands in the config, in the list under the key beside it.
const NAMED_IN_CONFIG: &[(&str, &str)] = &[
    ("transforms.", "transforms"),
    ("predicates.", "predicates"),
    ("topic.creation.", "topic.creation.groups"),
];

/// What may follow these prefixes and is the same for every config.
const NAMED_BY_CONNECT: &[&str] = &["groups", "default"];

/// The texts with their meaning; the first row that fits counts.
const PHRASES: &[(&str, Mistake)] = &[
    ("Missing required configuration", Mistake::Missing),
    ("A value is required", Mistake::Missing),
    ("Must configure one of", Mistake::Missing),
    ("Could not read properties from file", Mistake::Placeholder),
    ("could not be found", Mistake::NoSuchClass),
    ("either true or false", Mistake::NoBoolean),
    ("Either 'true' or 'false' is expected", Mistake::NoBoolean),
    ("must be one of", Mistake::NotAmong),
    ("Not a number of type", Mistake::NoNumber),
    ("An integer is expected", Mistake::NoNumber),
    ("A long value is expected", Mistake::NoNumber),
    ("A double value is expected", Mistake::NoNumber),
    ("A short value is expected", Mistake::NoNumber),
    ("must be at least", Mistake::OutOfRange),
    ("must be no more than", Mistake::OutOfRange),
    ("non-zero integer value is expected", Mistake::OutOfRange),
    ("A non-negative", Mistake::OutOfRange),
    ("A positive", Mistake::OutOfRange),
    ("must be non-null", Mistake::Missing),
];

/// Reads `PUT /connector-plugins/{class}/config/validate`:
/// `{"error_count":1,"configs":[{"definition":{"name":"file","documentation":"…",…},"value":{"name":"file","value":…,"errors":["…"]}}]}`.
pub fn opinion(body: &[u8], sent: &Config) -> Result<Opinion, Nonsense> {
    // The error's own text quotes what it met, which may be a secret.
    let answer: AnswerWire = serde_json::from_slice(body)
        .map_err(|error| Nonsense::Json { line: error.line(), column: error.column() })?;
    let Some(configs) = answer.configs else { return Err(Nonsense::Json { line: 1, column: 1 }) };
    let mut reading = Reading::default();
    for KeyWire { definition, value } in configs {
        let value = value.unwrap_or_default();
        let name = definition.as_ref().map(|definition| definition.name.as_str()).or(value.name.as_deref());
        let key: Option<Arc<str>> = name.filter(|name| may_be_told(name, sent)).map(Into::into);
        if let (Some(definition), Some(key)) = (&definition, &key) {
            let documentation = definition.documentation.as_deref();
            let known = Known {
                values: values(&value.recommended_values, documentation, sent),
                documentation: documentation.map(|text| shortened(text).into()),
            };
            reading.known.insert(Arc::clone(key), known);
        }
        let room = MOST_REMARKS.saturating_sub(reading.remarks.len());
        let remarks = value.errors.iter().take(room).map(|text| remark(key.clone(), text, sent));
        reading.remarks.extend(remarks);
    }
    // Whatever it counted and did not name.
    if reading.remarks.is_empty() && answer.error_count > 0 {
        reading.remarks.push(Remark { key: None, kind: Mistake::Other, text: None });
    }
    Ok(Opinion::Read(reading))
}

/// Reads the message of an error with which Connect answers a config that no plugin got to see.
pub fn refused_whole(message: &str, sent: &Config) -> Option<Opinion> {
    if message.contains("Failed to find any class that implements Connector") {
        return Some(Opinion::UnknownClass);
    }
    let is_of_config = ["ConfigException: ", "contains no connector type", "does not match request type"];
    if !is_of_config.iter().any(|phrase| message.contains(phrase)) {
        return None;
    }
    let kind = kind(message);
    let key = if kind == Mistake::Placeholder { None } else { client_key(message, sent) };
    let remark = Remark { key, kind, text: None };
    Some(Opinion::Read(Reading { known: BTreeMap::new(), remarks: vec![remark] }))
}

/// Finds the key that was sent of the one that a client of Connect's complains of, such as `linger.ms`.
///
/// Only keys that were sent are compared, so a value that looks like a key is not told.
fn client_key(message: &str, sent: &Config) -> Option<Arc<str>> {
    let (_, named) = message.rsplit_once(" for configuration ")?;
    let named = named.split([':', ' ']).next().filter(|named| !named.is_empty())?;
    let mut fits = sent.keys().filter(|key| {
        *key == named || key.split_once(".override.").is_some_and(|(_, overridden)| overridden == named)
    });
    let key = fits.next()?;
    fits.next().is_none().then(|| key.into())
}

/// Whether the name of a key may be told: a transformation's begins with a name from the config, where a
/// placeholder may stand for it.
fn may_be_told(key: &str, sent: &Config) -> bool {
    if sent.get(key).is_some() {
        return true;
    }
    let is_tame = !key.is_empty() && key.len() <= 200 && key.chars().all(|c| c.is_ascii_graphic());
    let named = NAMED_IN_CONFIG.iter().find_map(|(prefix, list)| {
        let alias = key.strip_prefix(prefix)?.split('.').next()?;
        (!NAMED_BY_CONNECT.contains(&alias)).then_some((alias, *list))
    });
    let is_open = named.is_none_or(|(alias, list)| {
        let told = |value: &Value| !value.is_secret() && !value.holds_placeholder() && value.lists(alias);
        sent.get(list).is_some_and(told)
    });
    is_tame && is_open
}

fn remark(key: Option<Arc<str>>, text: &str, sent: &Config) -> Remark {
    let kind = kind(text);
    let may_tell = key.as_ref().is_some_and(|key| {
        let is_secret = sent.get(key).is_some_and(Value::is_secret) || is_secret_key(key);
        is_open(sent) && !is_secret && is_clean(text, sent)
    });
    Remark { key, kind, text: may_tell.then(|| shortened(text).into()) }
}

fn kind(text: &str) -> Mistake {
    if text.lines().any(phrases::is_away) {
        return Mistake::Away;
    }
    PHRASES.iter().find(|(phrase, _)| text.contains(phrase)).map_or(Mistake::Other, |(_, kind)| *kind)
}

/// Whether nothing in the config is put there by Connect.
fn is_open(sent: &Config) -> bool {
    sent.iter().all(|(_, value)| !value.holds_placeholder())
}

/// Whether no secret of the config stands in a text.
fn is_clean(text: &str, sent: &Config) -> bool {
    sent.iter().all(|(_, value)| !value.is_secret() || !value.is_within(text))
}

/// The values that a key takes. Where a placeholder stands in the config they might be made of it, and only those
/// are told that the plugin's documentation names too, which is the same for every config.
fn values(recommended: &[serde_json::Value], documentation: Option<&str>, sent: &Config) -> Vec<Arc<str>> {
    let is_open = is_open(sent);
    let is_documented = |text: &str| documentation.is_some_and(|all| all.contains(&format!("'{text}'")));
    let texts = recommended.iter().filter_map(serde_json::Value::as_str).take(20);
    texts
        .filter(|text| text.len() <= 60 && is_clean(text, sent) && (is_open || is_documented(text)))
        .map(Into::into)
        .collect()
}

/// A text on one line, no longer than a person reads.
fn shortened(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(LONGEST_TEXT) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

#[derive(Deserialize)]
struct AnswerWire {
    #[serde(default)]
    error_count: u64,
    configs: Option<Vec<KeyWire>>,
}

#[derive(Deserialize)]
struct KeyWire {
    #[serde(default)]
    definition: Option<DefinitionWire>,
    #[serde(default)]
    value: Option<ValueWire>,
}

#[derive(Deserialize)]
struct DefinitionWire {
    name: String,
    #[serde(default)]
    documentation: Option<String>,
}

/// Without `value`, which is resolved.
#[derive(Deserialize, Default)]
struct ValueWire {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    recommended_values: Vec<serde_json::Value>,
    #[serde(default)]
    errors: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config(pairs: &[(&str, &str)]) -> Config {
        pairs.iter().map(|(key, text)| (*key, Value::new(key, text))).collect()
    }

    fn key(name: &str, errors: &[&str]) -> serde_json::Value {
        let definition = json!({"name": name, "documentation": format!("What {name}\n is for.")});
        json!({"definition": definition, "value": {"name": name, "value": "S3cr3t", "errors": errors}})
    }

    fn read(keys: &[serde_json::Value], sent: &Config) -> Reading {
        let body = json!({"error_count": 1, "configs": keys}).to_string();
        match opinion(body.as_bytes(), sent).expect("an opinion") {
            Opinion::Read(reading) => reading,
            Opinion::UnknownClass => panic!("the class is known"),
        }
    }

    const NUMBER: &str = "Invalid value S3cr3t for configuration batch.size: Not a number of type INT";

    #[test]
    fn a_text_is_kept_where_nothing_secret_can_be_in_it() {
        let reading = read(&[key("batch.size", &[NUMBER])], &config(&[("batch.size", "S3cr3t")]));
        assert_eq!(reading.remarks[0].text.as_deref(), Some(NUMBER));
        assert_eq!(reading.known["batch.size"].documentation.as_deref(), Some("What batch.size is for"));
    }

    #[test]
    fn a_text_is_dropped_where_a_secret_can_be_in_it() {
        for sent in [
            config(&[("batch.size", "${file:/run/x:size}")]),
            config(&[("batch.size", "1"), ("topic", "x-${env:TOPIC}")]),
            config(&[("batch.size", "1"), ("database.password", "S3cr3t")]),
        ] {
            let reading = read(&[key("batch.size", &[NUMBER])], &sent);
            assert_eq!(
                (reading.remarks[0].kind, &reading.remarks[0].text),
                (Mistake::NoNumber, &None),
                "{sent:?}"
            );
            assert!(!format!("{reading:?}").contains("S3cr3t"), "{reading:?}");
        }
        let text = "Invalid value x for configuration database.password: no";
        let reading = read(&[key("database.password", &[text])], &config(&[("database.password", "x")]));
        assert_eq!(reading.remarks[0].text, None);
    }

    #[test]
    fn a_name_that_a_placeholder_stands_for_is_not_told() {
        let name = "transforms.S3cr3t.type";
        let error = "Missing required configuration \"transforms.S3cr3t.type\" which has no default value.";
        let reading = read(&[key(name, &[error])], &config(&[("transforms", "${file:/x:password}")]));
        assert!(!format!("{reading:?}").contains("S3cr3t"), "{reading:?}");
        assert_eq!((reading.remarks[0].kind, &reading.remarks[0].key), (Mistake::Missing, &None));
        let reading = read(&[key("transforms.route.type", &[error])], &config(&[("transforms", "a, route")]));
        assert_eq!(reading.remarks[0].key.as_deref(), Some("transforms.route.type"));
    }

    #[test]
    fn under_a_placeholder_only_documented_values_are_told() {
        let key = json!({
            "definition": {"name": "snapshot.mode", "documentation": "One of 'initial' and 'no_data'."},
            "value": {"recommended_values": ["initial", "S3cr3t", 7], "errors": ["Value must be one of S3cr3t"]},
        });
        let values = |sent: &Config| -> Vec<String> {
            let known = read(std::slice::from_ref(&key), sent).known;
            known["snapshot.mode"].values.iter().map(ToString::to_string).collect()
        };
        assert_eq!(values(&config(&[("snapshot.mode", "x"), ("a", "${env:A}")])), ["initial"]);
        assert_eq!(values(&config(&[("snapshot.mode", "x")])), ["initial", "S3cr3t"]);
    }

    #[test]
    fn every_kind_of_mistake_is_told_from_the_others() {
        for (text, kind) in [
            ("The 'database.hostname' value is invalid: A value is required", Mistake::Missing),
            ("Missing required configuration \"topic\" which has no default value.", Mistake::Missing),
            ("The 'database.port' value is invalid: An integer is expected", Mistake::NoNumber),
            (
                "Invalid value x for configuration a: Expected value to be either true or false",
                Mistake::NoBoolean,
            ),
            ("Invalid value 0 for configuration tasks.max: Value must be at least 1", Mistake::OutOfRange),
            ("The 'snapshot.mode' value is invalid: Value must be one of always, initial", Mistake::NotAmong),
            (
                "Invalid value N for configuration transforms.a.type: Class N could not be found.",
                Mistake::NoSuchClass,
            ),
            (
                "Error while validating connector config: Connection to db:1 refused. Check that",
                Mistake::Away,
            ),
            ("Error while validating connector config: FATAL: database \"x\" does not exist", Mistake::Away),
            ("ConfigException: Could not read properties from file /run/x", Mistake::Placeholder),
            ("whatever", Mistake::Other),
        ] {
            assert_eq!(super::kind(text), kind, "{text}");
        }
    }

    #[test]
    fn an_answer_that_is_none_is_told_without_its_text() {
        for body in [
            "",
            "<html>S3cr3t</html>",
            "[]",
            "{}",
            "{\"configs\":\"S3cr3t\"}",
            "{\"error_count\":-1,\"configs\":[]}",
            "{\"configs\":[{\"value\":{\"errors\":{\"a\":\"S3cr3t\"}}}]}",
            "{\"configs\":[{\"definition\":{\"name\":7}}]}",
        ] {
            let error = opinion(body.as_bytes(), &Config::default()).expect_err(body);
            assert!(!format!("{error:?} {error}").contains("S3cr3t"), "{body}");
        }
    }

    #[test]
    fn errors_without_a_definition_and_errors_that_are_only_counted_are_told() {
        let orphan = json!({"definition": null, "value": {"name": "gone", "value": null, "errors": ["no"]}});
        let empty = json!({"definition": null, "value": null});
        let reading = read(&[orphan, empty], &Config::default());
        assert_eq!(reading.remarks.len(), 1);
        assert_eq!(reading.remarks[0].key.as_deref(), Some("gone"));
        assert_eq!(read(&[], &Config::default()).remarks.len(), 1);
    }

    #[test]
    fn a_flood_of_errors_and_of_text_has_an_end() {
        let long = "x ".repeat(100_000);
        let keys: Vec<_> = (0..3).map(|n| key(&format!("k{n}"), &[&long])).collect();
        let reading = read(&keys, &config(&[("a", "b")]));
        assert!(
            reading.remarks[0].text.as_ref().is_some_and(|text| text.chars().count() <= LONGEST_TEXT + 1)
        );
        let many: Vec<_> = (0..2000).map(|n| key(&format!("k{n}"), &["no"])).collect();
        assert_eq!(read(&many, &Config::default()).remarks.len(), MOST_REMARKS);
        assert!(read(&[key(&"k".repeat(10_000), &["no"])], &Config::default()).known.is_empty());
    }

    #[test]
    fn what_no_plugin_saw_is_read_down_to_a_key_that_was_sent() {
        let sent = config(&[("producer.override.linger.ms", "soon"), ("topic", "${file:/x:y}")]);
        let whole = |message: &str| match refused_whole(message, &sent) {
            Some(Opinion::Read(reading)) => reading.remarks.into_iter().next(),
            Some(Opinion::UnknownClass) | None => None,
        };
        let told = whole(
            "org.apache.kafka.common.config.ConfigException: Invalid value S3cr3t for configuration linger.ms: Not a number of type LONG",
        );
        let remark = told.expect("a remark");
        assert_eq!(
            (remark.key.as_deref(), remark.kind),
            (Some("producer.override.linger.ms"), Mistake::NoNumber)
        );
        assert_eq!(remark.text, None);
        let told =
            whole("org.apache.kafka.common.config.ConfigException: Could not read properties from file /x");
        assert_eq!(told.map(|remark| (remark.key, remark.kind)), Some((None, Mistake::Placeholder)));
        let told = whole("x.ConfigException: Invalid value a for configuration S3cr3t: Not a number");
        assert_eq!(told.and_then(|remark| remark.key), None);
        assert_eq!(refused_whole("java.lang.NullPointerException", &sent), None);
        let unknown = "x: Failed to find any class that implements Connector and which name matches a";
        assert_eq!(refused_whole(unknown, &sent), Some(Opinion::UnknownClass));
    }
}
