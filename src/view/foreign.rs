//! Connectors in the forms of others: Connect's own JSON, Strimzi's manifests. Definitions are never a cage.
//!
//! Takes what an environment should run, gives a text that the agent reads back as the same, or everything that
//! the form cannot say. A secret is never written: its value is known here, and its placeholder is not.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use crate::model::character::shown_in_json;
use crate::model::config::Shown;
use crate::model::desired::{Desired, DesiredConnector, DesiredState};
use crate::model::name::ConnectorName;

/// What keeps a connector from being written in a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Which connector.
    pub connector: ConnectorName,
    /// What the form cannot say.
    pub what: String,
    /// What to do about it.
    pub hint: &'static str,
}

/// A text in a form of others, and what is lost with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portable {
    /// The text.
    pub text: String,
    /// What the definitions say and the form cannot, one sentence each.
    pub lost: Vec<String>,
}

const SECRET: &str = "write a placeholder in its place, such as `${file:/run/secrets/db.properties:password}`, or name the other connectors";

/// Writes Connect's JSON: a list of what is posted to `/connectors`, one by one.
pub fn connect(desired: &Desired) -> Result<Portable, Vec<Obstacle>> {
    let mut obstacles = Vec::new();
    let mut all = Vec::new();
    for (name, connector) in written(desired) {
        let config: Map<String, Json> = texts(name, connector, &mut obstacles)
            .into_iter()
            .map(|(key, text)| (key, text.into()))
            .collect();
        let mut one = json!({"name": name.as_str(), "config": config});
        match connector.state {
            // Connect before 3.7 knows no `initial_state`.
            DesiredState::Running | DesiredState::Absent => {}
            DesiredState::Paused => one["initial_state"] = "PAUSED".into(),
            DesiredState::Stopped => one["initial_state"] = "STOPPED".into(),
        }
        all.push(one);
    }
    let text = serde_json::to_string_pretty(&all).expect("texts are always JSON") + "\n";
    let text = shown_in_json(&text).into_owned();
    if obstacles.is_empty() { Ok(Portable { text, lost: lost(desired) }) } else { Err(obstacles) }
}

/// Writes `KafkaConnector` manifests, one document each; `cluster` is the name of the `KafkaConnect` that is to run
/// them.
pub fn strimzi(desired: &Desired, cluster: Option<&str>) -> Result<Portable, Vec<Obstacle>> {
    let mut obstacles = Vec::new();
    let mut documents = Vec::new();
    for (name, connector) in written(desired) {
        let texts = texts(name, connector, &mut obstacles);
        documents.push(manifest(name, connector.state, &texts, cluster, &mut obstacles));
    }
    if !obstacles.is_empty() {
        return Err(obstacles);
    }
    let mut lost = lost(desired);
    if cluster.is_none() && !documents.is_empty() {
        lost.push("the label `strimzi.io/cluster` is missing: without it no KafkaConnect runs these; say --cluster NAME, or add it".to_owned());
    }
    let text = if documents.is_empty() { "# no connector\n".to_owned() } else { documents.join("---\n") };
    Ok(Portable { text, lost })
}

/// What exists at all in other forms.
fn written(desired: &Desired) -> impl Iterator<Item = (&ConnectorName, &DesiredConnector)> {
    desired.connectors.iter().filter(|(_, connector)| connector.state != DesiredState::Absent)
}

/// The texts of a config; what must not be shown is an obstacle.
fn texts(
    name: &ConnectorName,
    connector: &DesiredConnector,
    obstacles: &mut Vec<Obstacle>,
) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for (key, value) in connector.config.iter() {
        match value.shown() {
            Shown::Text(text) => texts.push((key.to_owned(), text.to_string())),
            Shown::Hidden => {
                let what = format!("`{key}` is secret, and secrets are not written");
                obstacles.push(Obstacle { connector: name.clone(), what, hint: SECRET });
            }
        }
    }
    texts
}

fn lost(desired: &Desired) -> Vec<String> {
    // What stands for a secret is secret itself, and so an obstacle like any other.
    let Desired {
        revision: _,
        environment,
        connectors,
        suspend,
        unresolved: _,
        forgotten: _,
        left_out: _,
        incomplete: _,
    } = desired;
    let mut lost = Vec::new();
    if suspend.is_some() {
        lost.push(format!("the suspension of {environment} cannot be said"));
    }
    for (name, connector) in connectors {
        let DesiredConnector {
            config: _,
            state,
            keep,
            acknowledged: _,
            template: _,
            form: _,
            place: _,
            origins: _,
            suspend,
            lost: _,
        } = connector;
        if *state == DesiredState::Absent {
            lost.push(format!("connector {name} is absent and not written"));
        }
        if *keep {
            lost.push(format!("`keep` of connector {name} cannot be said"));
        }
        if suspend.is_some() {
            lost.push(format!("the suspension of connector {name} cannot be said"));
        }
    }
    lost
}

/// Keys that Strimzi takes from elsewhere alone, whatever their case.
const OF_SPEC: [(&str, &str); 4] = [
    ("name", "metadata.name"),
    ("connector.class", "spec.class"),
    ("tasks.max", "spec.tasksMax"),
    ("connector.plugin.version", "spec.version"),
];

fn manifest(
    name: &ConnectorName,
    state: DesiredState,
    texts: &[(String, String)],
    cluster: Option<&str>,
    obstacles: &mut Vec<Obstacle>,
) -> String {
    let mut refuse = |what: String, hint: &'static str| {
        obstacles.push(Obstacle { connector: name.clone(), what, hint });
    };
    if !is_kubernetes_name(name.as_str()) {
        let what = "Kubernetes takes no such name, and Strimzi has no other for a connector".to_owned();
        refuse(
            what,
            "a name there is of small letters, digits, `-` and `.`, and begins and ends with a letter or a digit",
        );
    }
    let mut spec = String::new();
    let mut config = String::new();
    for (key, text) in texts {
        let of_spec = OF_SPEC.iter().find(|(of_spec, _)| key.eq_ignore_ascii_case(of_spec));
        match (key.as_str(), of_spec) {
            ("connector.class", _) => put(&mut spec, format_args!("  class: {}", quoted(text))),
            ("connector.plugin.version", _) => put(&mut spec, format_args!("  version: {}", quoted(text))),
            ("tasks.max", _) if is_count(text) => put(&mut spec, format_args!("  tasksMax: {text}")),
            ("tasks.max", _) => refuse(
                format!("`tasks.max` is {text:?}, and `spec.tasksMax` takes a number"),
                "write a number from 1 on, without a zero or a sign before it",
            ),
            (_, Some((_, place))) => refuse(
                format!("Strimzi passes over `{key}` in a config, and takes it from `{place}`"),
                "remove the key",
            ),
            (_, None) => put(&mut config, format_args!("    {}: {}", quoted(key), quoted(text))),
        }
    }
    let mut out = String::from("apiVersion: kafka.strimzi.io/v1\nkind: KafkaConnector\nmetadata:\n");
    put(&mut out, format_args!("  name: {}", quoted(name.as_str())));
    if let Some(cluster) = cluster {
        put(&mut out, format_args!("  labels:\n    strimzi.io/cluster: {}", quoted(cluster)));
    }
    put(&mut out, format_args!("spec:"));
    out.push_str(&spec);
    match state {
        DesiredState::Running | DesiredState::Absent => {}
        DesiredState::Paused | DesiredState::Stopped => {
            put(&mut out, format_args!("  state: {}", state.name()));
        }
    }
    if config.is_empty() {
        put(&mut out, format_args!("  config: {{}}"));
    } else {
        put(&mut out, format_args!("  config:"));
        out.push_str(&config);
    }
    out
}

/// Whether `spec.tasksMax` says the same in every reader.
fn is_count(text: &str) -> bool {
    text.parse::<i32>().is_ok_and(|number| number >= 1 && number.to_string() == text)
}

/// Whether a text is a name of Kubernetes' (RFC 1123, a subdomain).
pub fn is_kubernetes_name(text: &str) -> bool {
    let is_part = |part: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !part.is_empty() && part.chars().all(inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_part)
}

/// A text in double quotes, the same for readers of YAML 1.1, of YAML 1.2 and of JSON.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in Json::from(text).to_string().chars() {
        // What YAML does not count among the printable characters, and what some readers take for the end of a line.
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a text cannot fail.
    let _always = writeln!(out, "{line}");
}
