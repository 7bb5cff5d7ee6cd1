//! Reads a connector's document.

use crate::model::definition::{Acknowledgement, Connector, ConnectorBlock, Reading, Scope};
use crate::model::desired::{DesiredState, Form};
use crate::model::finding::{Finding, Place};
use crate::model::name::{self, ConnectorName, NameError};
use crate::model::rule::Rule;
use crate::model::shape::{Field, Shape, Takes};
use crate::model::text::Text;
use crate::pipeline::parse::{lints, tree};
use crate::yaml::decode::{self, Fields};
use crate::yaml::helm;
use crate::yaml::tree::{Document, Entry, Kind, Node};

/// What a connector's document may say.
pub static CONNECTOR: Shape = Shape::new(
    "A connector: what is to run, in which environments, and what differs there.",
    &[
        Field::new("connector", Takes::Like(name::CONNECTOR), "Its name in Kafka Connect. A literal text.").needed(),
        Field::new("template", Takes::Literal, "The template that it is made from."),
        Field::new("from", Takes::Literal, "A file of Connect's JSON or a Strimzi manifest as its first layer, relative to this file."),
        Field::new("with", tree::WITH_TAKES, "What the template asks for, by the names of its parameters."),
        Field::new("state", tree::STATE_TAKES, "What it should be doing. `absent` is a deletion that is declared.").default("running"),
        Field::new("config", tree::CONFIG_TAKES, "Its own keys, over those of the template and of the environment. `null` removes an inherited key; a list becomes a text with commas."),
        Field::new("environments", Takes::Entries(name::PLAIN, &Takes::Fields(&BLOCK)), "What differs, by environment."),
        Field::new("only", Takes::List(&Takes::Literal), "The environments in which it exists; without it, all of them."),
        Field::new("except", Takes::List(&Takes::Literal), "The environments in which it does not exist."),
        Field::new("keep", Takes::Flag, "Says that it is never to be deleted: `state: absent` beside it is an error, and where its file is gone its deletion is held.").default("false"),
        Field::new("acknowledge", Takes::List(&Takes::Fields(&ACKNOWLEDGE)), "Risky changes that may pass."),
        Field::new("allow", lints::ALLOW_TAKES, "Lints that are silenced here, each with the reason."),
        Field::new("suspend", tree::SUSPEND_TAKES, "Leave this connector as it is for now. `null` lifts what a file under it says."),
    ],
)
.apart(&[["from", "template"], ["only", "except"]]);

static BLOCK: Shape = Shape::new(
    "What differs in one environment.",
    &[
        Field::new("name", Takes::Like(name::CONNECTOR), "Its name in Kafka Connect there."),
        Field::new("with", tree::WITH_TAKES, "What the template asks for, there."),
        Field::new("state", tree::STATE_TAKES, "What it should be doing there."),
        Field::new(
            "suspend",
            tree::SUSPEND_TAKES,
            "Leave it as it is there for now. `null` lifts there what the connector says.",
        ),
        Field::new(
            "config",
            tree::CONFIG_TAKES,
            "Its keys there, over all other layers. `null` removes an inherited key.",
        ),
    ],
);

static ACKNOWLEDGE: Shape = Shape::new(
    "One risky change that may pass, for as long as this stands here.",
    &[
        Field::new("key", Takes::Literal, "The config key that changes, or what else a hold names there.")
            .needed(),
        Field::new(
            "to",
            Takes::OrNull(&Takes::Literal),
            "The value it changes to, or the word that a hold names; `null` where it is removed.",
        )
        .needed(),
        Field::new("reason", Takes::Literal, "Why it may: somebody will ask.").needed(),
        Field::new("environment", Takes::Literal, "Only in this environment."),
    ],
);

/// A connector as it was written.
pub struct Written {
    /// What it says; the file that it is made from is still to be looked up.
    pub connector: Connector,
    /// The file that it names.
    pub from: Option<Text>,
}

/// Reads a connector; none where its name cannot be read.
pub fn connector(document: &Document, findings: &mut Vec<Finding>) -> Option<Written> {
    let before = findings.len();
    let fields = decode::fields("a connector", &document.root, &CONNECTOR, findings)?;
    let name = tree::optional(&fields, "connector", findings);
    let from = from(&fields, findings);
    let template = tree::optional(&fields, "template", findings);
    let with = tree::given(&fields, findings);
    let state = tree::state(&fields, findings);
    let keep = keep(&fields, state, findings);
    let config = tree::pairs(&fields, "config", tree::CONFIG, findings);
    let environments = blocks(&fields, keep, findings);
    let (scope, is_scope_read) = scope(&fields, findings);
    let acknowledge = acknowledgements(&fields, findings);
    let allow = lints::allow(&fields, findings);
    let suspend = tree::suspension(&fields, findings);
    let written = name?;
    let name = connector_name(&written, findings);
    let reading = if document.whole && is_scope_read {
        let is_read = |key, read: bool| fields.is_there(key) == read;
        let is_under = is_read("from", from.is_some()) && is_read("template", template.is_some());
        Reading::of(is_under && fields.are_maps(&["with", "config", "environments"]))
    } else {
        Reading::Broken
    };
    for finding in &mut findings[before..] {
        finding.connector = Some(name.clone());
    }
    let connector = Connector {
        name,
        place: written.place,
        form: Form::Own,
        template,
        from: None,
        with,
        state,
        config,
        environments,
        scope,
        keep,
        acknowledge,
        allow,
        suspend,
        reading,
    };
    Some(Written { connector, from })
}

/// Takes a name. One that is not usable goes on as it is, so that the rest is looked at too.
pub fn connector_name(written: &Text, findings: &mut Vec<Finding>) -> ConnectorName {
    match ConnectorName::new(&written.text) {
        Ok(name) => {
            if !name.is_plain() {
                let message = format!("connector `{name}` has unusual characters in its name");
                findings.push(Finding::new(Rule::NameAlphabet, written.place.clone(), message));
            }
            name
        }
        Err(_) if helm::find(&written.text).is_some() => {
            let message = "an action of a Helm chart stands in a name";
            findings.push(Finding::new(Rule::HelmTemplate, written.place.clone(), message));
            ConnectorName::observed(&written.text)
        }
        Err(error) => {
            let finding = Finding::new(Rule::NameInvalid, written.place.clone(), error.to_string());
            findings.push(finding.hint(match error {
                NameError::Step => "add a letter or a digit",
                NameError::Empty
                | NameError::TooLong(_)
                | NameError::OuterBlank
                | NameError::Unaddressable(_) => "use letters, digits, `.`, `_` and `-`",
            }));
            ConnectorName::observed(&written.text)
        }
    }
}

/// Takes `from`, where nothing excludes it.
fn from(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Option<Text> {
    let entry = fields.entry("from")?;
    let from = tree::optional(fields, "from", findings);
    if fields.get("template").is_some() {
        let place = entry.key.place.clone();
        let finding = Finding::new(Rule::Conflict, place, "`from` and `template` exclude each other");
        findings.push(finding.hint("keep one of them"));
        return None;
    }
    from
}

fn keep(fields: &Fields<'_>, state: Option<DesiredState>, findings: &mut Vec<Finding>) -> bool {
    let Some(entry) = fields.entry("keep") else { return false };
    // What nobody can read was meant to say something: it is kept, until somebody writes it anew.
    let keep = decode::boolean("`keep`", &entry.value, findings).unwrap_or(true);
    if keep && state == Some(DesiredState::Absent) {
        findings.push(kept_and_absent(&entry.key.place));
    }
    keep
}

fn kept_and_absent(place: &Place) -> Finding {
    Finding::new(Rule::Conflict, place.clone(), "`keep: true` and `state: absent` exclude each other")
        .hint("remove `keep` where the connector is to be deleted")
}

fn blocks(fields: &Fields<'_>, keep: bool, findings: &mut Vec<Finding>) -> Vec<ConnectorBlock> {
    let Some(node) = fields.get("environments") else { return Vec::new() };
    let entries = decode::map("`environments`", node, findings).unwrap_or_default();
    entries.iter().filter_map(|entry| block(entry, keep, findings)).collect()
}

fn block(entry: &Entry, keep: bool, findings: &mut Vec<Finding>) -> Option<ConnectorBlock> {
    let what = format!("environment `{}` of a connector", entry.key.as_str());
    let fields = decode::fields(&what, &entry.value, &BLOCK, findings)?;
    let name = tree::optional(&fields, "name", findings).map(|name| connector_name(&name, findings));
    let state = tree::state(&fields, findings);
    if let (true, Some(DesiredState::Absent), Some(entry)) = (keep, state, fields.entry("state")) {
        findings.push(kept_and_absent(&entry.key.place));
    }
    Some(ConnectorBlock {
        environment: entry.key.clone(),
        name,
        with: tree::given(&fields, findings),
        state,
        suspend: tree::suspension(&fields, findings),
        config: tree::pairs(&fields, "config", tree::CONFIG, findings),
    })
}

/// Takes the environments in which it exists; says too whether all that is said of them could be read.
fn scope(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> (Scope, bool) {
    let mut is_read = true;
    let mut names = |key: &str| {
        let names: Option<Vec<_>> = fields.get(key).and_then(|node| {
            let items = decode::list(&format!("`{key}`"), node, findings)?;
            let name = |node| tree::literal(&format!("an item of `{key}`"), node, findings);
            let names: Vec<_> = items.iter().filter_map(name).collect();
            tree::repeated(&names, findings);
            is_read &= names.len() == items.len();
            if key == "only" && items.is_empty() {
                let message = "`only` lists no environment, so the connector exists in none";
                findings.push(Finding::new(Rule::ConnectorNowhere, node.place.clone(), message));
            }
            Some(names)
        });
        is_read &= fields.is_there(key) == names.is_some();
        names
    };
    let (only, except) = (names("only"), names("except"));
    if let (Some(_), Some(except)) = (fields.entry("only"), fields.entry("except")) {
        let place = except.key.place.clone();
        let finding = Finding::new(Rule::Conflict, place, "`only` and `except` exclude each other");
        findings.push(finding.hint("keep one of them"));
    }
    let scope = match (only, except) {
        (Some(only), _) => Scope::Only(only),
        (None, Some(except)) => Scope::Except(except),
        (None, None) => Scope::Everywhere,
    };
    (scope, is_read)
}

fn acknowledgements(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Vec<Acknowledgement> {
    let Some(node) = fields.get("acknowledge") else { return Vec::new() };
    let items = decode::list("`acknowledge`", node, findings).unwrap_or_default();
    items.iter().filter_map(|item| acknowledgement(item, findings)).collect()
}

fn acknowledgement(node: &Node, findings: &mut Vec<Finding>) -> Option<Acknowledgement> {
    const WHAT: &str = "an item of `acknowledge`";
    let fields = decode::fields(WHAT, node, &ACKNOWLEDGE, findings)?;
    let key = tree::required(WHAT, &fields, "key", findings);
    let reason = tree::reason(WHAT, &fields, findings);
    let environment = tree::optional(&fields, "environment", findings);
    let to = match fields.get("to") {
        Some(Node { kind: Kind::Null, .. }) => None,
        Some(_) => tree::optional(&fields, "to", findings),
        None => {
            let missing = || tree::missing(WHAT, &fields, "to");
            findings.extend((!fields.is_there("to")).then(missing));
            None
        }
    };
    Some(Acknowledgement { key: key?, to, reason: reason?, environment })
}
