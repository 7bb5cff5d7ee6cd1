//! Reads Strimzi's `KafkaConnector` manifests.
//!
//! Takes a document, gives the connector that Strimzi's operator would make of it. Labels and
//! namespaces are Kubernetes' business: which cluster an agent writes to is in its settings.

use crate::model::definition::{Pair, Reading};
use crate::model::desired::{DesiredState, Suspend};
use crate::model::finding::Finding;
use crate::model::rule::{Rule, Severity};
use crate::model::text::Text;
use crate::pipeline::parse::foreign::{self, Foreign};
use crate::pipeline::parse::kubernetes;
use crate::yaml::decode::{self, Fields};
use crate::yaml::tree::{Document, Entry, Kind, Node};

const KIND: &str = "KafkaConnector";
const GROUP: &str = "kafka.strimzi.io/";
/// Every version in which Strimzi has had its connectors.
const VERSIONS: [&str; 4] = ["v1", "v1beta2", "v1beta1", "v1alpha1"];
/// What `kubectl get` writes for several.
const LISTS: [&str; 2] = ["List", "KafkaConnectorList"];
const KEYS: &[&str] = &["apiVersion", "kind", "metadata", "spec", "status"];
const SPEC_KEYS: &[&str] = &[
    "class",
    "tasksMax",
    "config",
    "state",
    "pause",
    "version",
    "autoRestart",
    "listOffsets",
    "alterOffsets",
];
const STATES: [DesiredState; 3] = [DesiredState::Running, DesiredState::Paused, DesiredState::Stopped];

/// Whether a document is a manifest of Kubernetes', whatever its kind.
pub fn is_manifest(root: &Node) -> bool {
    word(root, "apiVersion").is_some() && word(root, "kind").is_some()
}

/// Takes back the advice to quote an expression where it stands in a manifest: in quotes it would be a
/// plain text, and go to Connect as it is.
pub fn advise(findings: &mut [Finding], documents: &[Document]) {
    for finding in findings.iter_mut().filter(|finding| finding.rule == Rule::TemplateNotQuoted) {
        let begins_before = |document: &&Document| document.root.place.line <= finding.place.line;
        if documents.iter().rfind(begins_before).is_some_and(|document| is_manifest(&document.root)) {
            let hint = "a manifest holds no expressions: write the connector as `connector: NAME`, or lay one over this file with `from`";
            finding.hint = Some(hint.to_owned());
        }
    }
}

/// Reads the connectors of a manifest: one, or those of a list.
pub fn connectors(document: &Document, findings: &mut Vec<Finding>) -> Vec<Foreign> {
    let root = &document.root;
    let items = match (word(root, "kind"), member(root, "items")) {
        (Some(kind), Some(items)) if LISTS.contains(&kind.as_str()) => {
            let listed = decode::list("`items`", items, findings);
            findings.extend(listed.and_then(|listed| foreign::nothing_in(listed, &items.place)));
            listed.unwrap_or_default()
        }
        _ => std::slice::from_ref(root),
    };
    items.iter().filter_map(|item| connector(item, document.whole, findings)).collect()
}

/// Reads one connector.
pub fn connector(root: &Node, whole: bool, findings: &mut Vec<Finding>) -> Option<Foreign> {
    if let Some(finding) = other_kind(root) {
        findings.push(finding);
        return None;
    }
    let fields = decode::fields("a KafkaConnector", root, KEYS, findings)?;
    let metadata = fields.get("metadata");
    let entries = metadata.and_then(|node| decode::map("`metadata`", node, findings)).unwrap_or_default();
    let find = |key: &str| entries.iter().find(|entry| entry.key.as_str() == key);
    let name = find("name").and_then(|entry| decode::text("`name`", &entry.value, findings));
    let annotations = match find("annotations") {
        Some(entry) => decode::map("`annotations`", &entry.value, findings).unwrap_or_default(),
        None => &[],
    };
    let mut suspended = None;
    for annotation in annotations {
        suspended = suspended.or(suspend(annotation, findings));
    }
    let mut made = Foreign {
        place: root.place.clone(),
        config: Vec::new(),
        state: None,
        suspend: suspended,
        reading: if whole {
            let is_named = find("name").is_some() == name.is_some();
            Reading::of(fields.are_maps(&["metadata", "spec"]) && is_named)
        } else {
            Reading::Broken
        },
        name,
    };
    match fields.get("spec") {
        Some(node) => spec(node, &mut made, findings),
        None if whole => {
            let finding =
                Finding::new(Rule::MissingKey, root.place.clone(), "a KafkaConnector has no `spec`");
            findings.push(finding.hint("add `spec`, with `class` and `config`"));
            made.reading = Reading::Gaps;
        }
        None => {}
    }
    Some(made)
}

fn spec(node: &Node, made: &mut Foreign, findings: &mut Vec<Finding>) {
    let Some(fields) = decode::fields("`spec` of a KafkaConnector", node, SPEC_KEYS, findings) else {
        return;
    };
    let written = match fields.get("config") {
        Some(node) => decode::map("`config`", node, findings).unwrap_or_default(),
        None => &[],
    };
    made.reading = made.reading.min(Reading::of(fields.are_maps(&["config"])));
    let class = fields.get("class").and_then(|node| decode::text("`class`", node, findings));
    let version = fields.set("version").and_then(|node| decode::text("`version`", node, findings));
    let of_spec = [
        ("name", "metadata.name", made.name.clone()),
        ("connector.class", "spec.class", class),
        ("tasks.max", "spec.tasksMax", tasks(&fields, findings)),
        ("connector.plugin.version", "spec.version", version),
    ];
    let (theirs, own): (Vec<_>, Vec<_>) = written
        .iter()
        .cloned()
        .partition(|entry| of_spec.iter().any(|(key, _, _)| entry.key.as_str().eq_ignore_ascii_case(key)));
    findings.extend(theirs.iter().filter_map(|entry| passed_over(entry, &of_spec)));
    findings.extend(own.iter().filter_map(|entry| changed_by_kubernetes(entry.key.as_str(), &entry.value)));
    made.config = foreign::config(&own, findings);
    for (key, _, text) in of_spec.into_iter().skip(1) {
        let pair: Option<Pair> = text.map(|text| foreign::key(key, &text, findings));
        made.config.extend(pair);
    }
    made.state = state(&fields, findings);
    restarts(&fields, findings);
    for key in ["listOffsets", "alterOffsets"] {
        if let Some(entry) = fields.entry(key) {
            let message = format!("the agent never touches offsets, so `{key}` has no effect");
            findings.push(no_effect(&entry.key, message, "use Connect's REST API or kcctl for offsets"));
        }
    }
}

fn tasks(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Option<Text> {
    let node = fields.set("tasksMax")?;
    let number = decode::integer("`tasksMax`", node, findings)?;
    let mut wrong = |message: &str, hint: &str| {
        findings.push(Finding::new(Rule::WrongValue, node.place.clone(), message).hint(hint));
        None
    };
    if number < 1 {
        return wrong("`tasksMax` is at least 1", "write 1, or `state: stopped` for no tasks");
    }
    if i32::try_from(number).is_err() {
        return wrong("`tasksMax` is at most 2147483647", "write a smaller number");
    }
    let digits = "write its digits alone, without a zero or a sign before them";
    findings.extend(changed_by_kubernetes("tasksMax", node).map(|finding| finding.hint(digits)));
    decode::text("`tasksMax`", node, findings)
}

/// Strimzi takes these keys from elsewhere alone; where both say the same nobody need know.
fn passed_over(entry: &Entry, of_spec: &[(&str, &str, Option<Text>)]) -> Option<Finding> {
    let (_, place, said) = of_spec.iter().find(|(key, ..)| entry.key.as_str().eq_ignore_ascii_case(key))?;
    let here = match &entry.value.kind {
        Kind::Scalar(text) => Some(text.as_str()),
        Kind::Empty | Kind::Null | Kind::Sequence(_) | Kind::Mapping(_) | Kind::Refused => None,
    };
    let key = entry.key.as_str();
    let message = match said {
        Some(said) if here == Some(said.as_str()) => return None,
        Some(said) => format!("`{key}` is passed over: `{place}` says `{}`", said.as_str()),
        None => format!("`{key}` is passed over: only `{place}` can say it, and does not"),
    };
    Some(Finding::new(Rule::StrimziPassedOver, entry.value.place.clone(), message))
}

fn state(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Option<DesiredState> {
    let state = fields.set("state").and_then(|node| foreign::state("`state`", node, &STATES, findings));
    let pause = fields.set("pause").and_then(|node| decode::boolean("`pause`", node, findings));
    match (state, pause, fields.entry("pause")) {
        (Some(state), Some(pause), Some(entry)) if pause != (state == DesiredState::Paused) => {
            let message = format!("`pause` is passed over: `spec.state` says `{}`", state.name());
            findings.push(Finding::new(Rule::StrimziPassedOver, entry.value.place.clone(), message));
            Some(state)
        }
        (None, Some(true), _) => Some(DesiredState::Paused),
        (state, ..) => state,
    }
}

fn restarts(fields: &Fields<'_>, findings: &mut Vec<Finding>) {
    const KNOWN: &[&str] = &["enabled", "maxRestarts", "maxBackoffMinutes"];
    let Some(node) = fields.set("autoRestart") else { return };
    let Some(fields) = decode::fields("`autoRestart`", node, KNOWN, findings) else { return };
    let enabled = fields.set("enabled").and_then(|node| decode::boolean("`enabled`", node, findings));
    if let (Some(false), Some(entry)) = (enabled, fields.entry("enabled")) {
        let message = "the agent restarts what failed, whatever its definition says".to_owned();
        let hint =
            "to switch it off for all connectors, set `restart.enabled: false` in the agent's settings";
        findings.push(Finding { severity: Severity::Warning, ..no_effect(&entry.key, message, hint) });
    }
    for key in ["maxRestarts", "maxBackoffMinutes"] {
        if let Some(entry) = fields.entry(key) {
            let message = format!("`{key}` has no effect: the agent's settings say how often it restarts");
            let hint = "see `restart` in the agent's settings";
            findings.push(no_effect(&entry.key, message, hint));
        }
    }
}

fn suspend(Entry { key, value }: &Entry, findings: &mut Vec<Finding>) -> Option<Suspend> {
    let name = key.as_str().strip_prefix("strimzi.io/")?;
    match name {
        "pause-reconciliation" => paused(value, findings)?
            .then(|| Suspend { reason: "strimzi.io/pause-reconciliation".into(), until: None }),
        "restart" | "restart-task" | "connector-offsets" => {
            let message = format!("the annotation `{}` has no effect", key.as_str());
            let hint = "it is an order to Strimzi's operator; remove it, and give the order to Connect";
            findings.push(no_effect(key, message, hint));
            None
        }
        _ => None,
    }
}

/// Strimzi takes true in any case, and all else as false. What may have been meant as true is refused here.
fn paused(value: &Node, findings: &mut Vec<Finding>) -> Option<bool> {
    let said = match &value.kind {
        Kind::Scalar(text) => text.as_str().to_ascii_lowercase().parse().ok(),
        Kind::Refused => return None,
        Kind::Empty | Kind::Null | Kind::Sequence(_) | Kind::Mapping(_) => None,
    };
    if said.is_none() {
        let message = "`strimzi.io/pause-reconciliation` takes true or false";
        let finding = Finding::new(Rule::WrongType, value.place.clone(), message);
        findings.push(finding.hint("write `\"true\"` or `\"false\"`, in quotes"));
    }
    said
}

fn no_effect(key: &Text, message: String, hint: &str) -> Finding {
    let finding = Finding::new(Rule::StrimziNoEffect, key.place.clone(), message).hint(hint);
    Finding { severity: Severity::Info, ..finding }
}

/// Says that a manifest is of another kind, or of somebody else's.
fn other_kind(root: &Node) -> Option<Finding> {
    let (version, kind) = (word(root, "apiVersion"), word(root, "kind"));
    let (Some(version), Some(kind)) = (version, kind) else {
        let finding = Finding::new(Rule::DocumentUnknown, root.place.clone(), "this is no KafkaConnector");
        return Some(finding.hint("an item of a list says its `apiVersion` and `kind`"));
    };
    let served = version.as_str().strip_prefix(GROUP).filter(|_| kind.as_str() == KIND);
    if served.is_some_and(|served| !VERSIONS.contains(&served)) {
        let message = format!("`{}` is no version that Strimzi has", version.as_str());
        let finding = Finding::new(Rule::DocumentUnknown, version.place.clone(), message);
        return Some(finding.hint("write `kafka.strimzi.io/v1`"));
    }
    let message = format!("a manifest of `{}`, `{}`, is no connector", version.as_str(), kind.as_str());
    let wrong = if kind.as_str() == KIND { version } else { kind };
    served.is_none().then(|| {
        Finding::new(Rule::DocumentUnknown, wrong.place.clone(), message).hint(
            "of Kubernetes' manifests only `KafkaConnector` of `kafka.strimzi.io` is read; move the others out of the three folders",
        )
    })
}

fn member<'n>(root: &'n Node, key: &str) -> Option<&'n Node> {
    match &root.kind {
        Kind::Mapping(entries) => {
            entries.iter().find(|entry| entry.key.as_str() == key).map(|entry| &entry.value)
        }
        Kind::Empty | Kind::Null | Kind::Scalar(_) | Kind::Sequence(_) | Kind::Refused => None,
    }
}

fn word<'n>(root: &'n Node, key: &str) -> Option<&'n Text> {
    match &member(root, key)?.kind {
        Kind::Scalar(text) => Some(text),
        Kind::Empty | Kind::Null | Kind::Sequence(_) | Kind::Mapping(_) | Kind::Refused => None,
    }
}

/// Kubernetes reads YAML 1.1 and hands JSON on; what it would write differently there is told, for
/// here the text goes to Connect as it stands.
fn changed_by_kubernetes(key: &str, value: &Node) -> Option<Finding> {
    let Kind::Scalar(text) = &value.kind else { return None };
    if !text.is_bare() || !kubernetes::changes(text.as_str()) {
        return None;
    }
    let message = format!("Kubernetes hands `{key}` on as something else than it is written");
    Some(Finding::new(Rule::StrimziScalar, text.place.clone(), message))
}
