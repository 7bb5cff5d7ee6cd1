//! The reference pages say what the code says.
//!
//! Run with `TAGALONG_BLESS=1` to write the generated pages anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tagalong::metrics::families::{ALL, Family};
use tagalong::model::risk::Harm;
use tagalong::model::rule::Rule;
use tagalong::pipeline::risk::row::{On, Row};
use tagalong::pipeline::risk::{former_names, rows};
use tagalong::serve::ADDRESSES;
use tagalong::settings::checked::Settings;
use tagalong::settings::keys::{KEYS, Key, Takes, variable};
use tagalong::settings::raw::Written;

fn page(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name)
}

/// Compares a page with what it should say, or writes it where that is asked.
pub fn assert_page(name: &str, expected: &str) -> Result<()> {
    let path = page(name);
    if tagalong_testkit::environment::variable("TAGALONG_BLESS").is_some() {
        std::fs::write(&path, expected).with_context(|| format!("failed to write {}", path.display()))?;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/reference/{name} is not what the code says; write it anew with \
         TAGALONG_BLESS=1 cargo test --test it docs::"
    );
    Ok(())
}

#[test]
fn the_metrics_page_is_the_table() -> Result<()> {
    let mut text = String::from(
        "# Metrics\n\n\
         <!-- Made from src/metrics/families.rs; a test compares the two. -->\n\n\
         `/metrics` answers in Prometheus' text format 0.0.4. Gauges tell the last report, counters what \
         happened since the agent started. Every label value that is known in advance is there from the \
         first scrape; moments are Unix seconds, 0 where there is none. A connector that is gone leaves no \
         series behind.\n\n\
         Before the first look at the cluster no `tagalong_connector_…` family is there, and in an agent that \
         follows (`tagalong_leader 0`) neither they nor `tagalong_connectors` and `tagalong_revision_current` \
         are: the agent that leads tells them, so that nothing is alerted twice. In observe mode nobody asks who \
         leads: all agents tell drift, and alerts take `max by (connector)`.\n",
    );
    for (title, intro, per_connector) in [
        ("The agent, its repository and the cluster", "", false),
        (
            "Each connector",
            "One series for each declared connector and label value; `metrics.per_connector: false` in the \
             settings switches all of them off.\n\n",
            true,
        ),
    ] {
        write!(text, "\n## {title}\n\n{intro}| family | type | labels | meaning |\n|---|---|---|---|\n")?;
        for family in ALL.iter().filter(|family| family.is_per_connector() == per_connector) {
            let Family { name, kind, labels, help } = family;
            let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
            writeln!(text, "| `{name}` | {} | {} | {help} |", kind.name(), labels.join(", "))?;
        }
    }
    text.push_str(VALUES);
    assert_page("metrics.md", &text)
}

#[test]
fn the_findings_page_is_the_rules() -> Result<()> {
    let mut text = String::from(
        "# Findings\n\n\
         <!-- Made from src/model/rule.rs; a test compares the two. -->\n\n\
         A finding says what is wrong in a definitions repository: `path:line:column`, a severity, a rule and a \
         hint. The path of a file of an import begins with the import's name: \
         `platform:templates/files.yaml:3:1`. All findings of all files come at once. A revision with one error is not applied at all, and the \
         last good one stays; warnings are told and stop nothing. Each rule has a case under \
         `tests/it/cases/findings` that breaks it, and one beside it that almost does.\n\n\
         A *lint* is a rule about a config that can be rendered, and that experience speaks against. It can be \
         silenced where it does not fit, and be made an error or a warning for a whole repository: \
         [Lints](../guide/lints.md). No other rule can be changed.\n\n\
         | rule | severity | what it says |\n|---|---|---|\n",
    );
    let weight = |rule: Rule| {
        let lint = if rule.is_lint() { ", a lint" } else { "" };
        format!("{}{lint}", rule.severity().name())
    };
    for &rule in Rule::ALL {
        let (name, says) = (rule.name(), rule.says().trim());
        writeln!(text, "| [`{name}`](#{name}) | {} | {says} |", weight(rule))?;
    }
    for &rule in Rule::ALL {
        let (name, says) = (rule.name(), rule.says().trim());
        write!(text, "\n## {name}\n\n{says} ({})\n", weight(rule))?;
        if let Some(why) = rule.why() {
            write!(text, "\nWhy: {why}\n")?;
        }
        if let Some(hint) = rule.hint() {
            write!(text, "\nWhat to do: {hint}.\n")?;
        }
    }
    assert_page("findings.md", &text)
}

#[test]
fn the_risks_page_is_the_table() -> Result<()> {
    let mut text = String::from(RISKS);
    let effect = |row: &Row| row.harm.map_or("none", Harm::name);
    let keys = |row: &Row| row.keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let all: Vec<_> = rows().collect();
    for row in &all {
        let id = row.id;
        writeln!(text, "| [`{id}`](#{id}) | {} | {} | {} |", keys(row), row.of, effect(row))?;
    }
    for row in &all {
        let Row { id, keys: _, of, on, when, harm: _, consequence, names, remedy, seen } = row;
        write!(text, "\n## {id}\n\n{}, of {of}.", keys(row))?;
        let when = when.to_string();
        match (on, when.is_empty()) {
            (On::Change, true) => {}
            (On::Change, false) => write!(text, " When {when}.")?,
            (On::Restart, _) => write!(text, " At any change of the config while {when}.")?,
        }
        let former: Vec<_> = former_names(row).iter().map(|key| format!("`{key}`")).collect();
        if !former.is_empty() {
            write!(text, " Before Debezium 2.0: {}.", former.join(", "))?;
        }
        write!(text, " Harm: {}.\n\nWhat happens: {consequence}", effect(row))?;
        text.push_str(if names.is_some() {
            " A plan names what is concerned, as far as it is known.\n"
        } else {
            "\n"
        });
        if let Some(remedy) = remedy {
            write!(text, "\nThe safe way: {remedy}.\n")?;
        }
        write!(text, "\n({}.)\n", seen.says())?;
    }
    for row in rows() {
        assert!(text.contains(&format!("\n## {}\n", row.id)), "{} is not on the page", row.id);
    }
    assert_page("risks.md", &text)
}

/// What the page of risks begins with.
const RISKS: &str = "# Risky changes

<!-- Made from src/pipeline/risk; a test compares the two. -->

What changing a key does to a connector's data. Each change of a config that a plan would make is looked up here, whoever caused the difference: a commit, a rollback of the tag, or somebody's hand on Connect.

| harm | what it means | what becomes of the change |
|---|---|---|
| `none` | nothing is lost, doubled or read anew: a restart of the task | done |
| `contract` | whoever reads the topics sees something else from then on: keys, schemas, values or topics | done, and told in the plan |
| `outage` | nothing is delivered until somebody changes it back; nothing is lost either | held |
| `re-snapshot` | everything is read and delivered once more | held |
| `data-gap` | rows are never delivered | held |
| `irreversible` | changing it back does not bring back what was | held |

A key that is not in the table was not judged: its change passes, and that does not say that it is harmless. `plan --output json` names such keys in `unjudged`. One row speaks of each key: of those whose conditions hold the first. A value that is hidden, and one that the worker puts in the place of a placeholder, is not looked into: the worst of the rows that may be meant counts. What says the same in other words is no change: a list in another order, the default written out. So is a key that only got its new name: the old ones of Debezium before 2.0 are judged as what took their place, but where a connector has a `topic.prefix`, which is then from 2.0 or later and does not read them.

**A held change** is not made, and with it nothing else of that connector's config; neither is a resume that would run it. Pauses and stops pass. What `slot.drop.on.stop` does at a stop, and `snapshot.mode: always` at the start of what was stopped, is told. The plan says what would happen and the safe way to the same end, where one is known, and prints the lines that release it.

**`acknowledge`** in the definition of the connector lets a change pass: it names the key, the new value (`null` where the key goes) and the reason, and may name an environment. One for each held key is needed. It counts for that value only; take it away once the change is released everywhere, for as long as it stands every later change to that value passes. What a setting does that stays as it is, at each change of another key, is answered for by the row's name and the setting's value (`key: slot-dropped`, `to: \"true\"`), and what [two connectors share](../operations/renames.md#what-two-connectors-cannot-share) by the row's name and the other connector's: setting the key was another change. For a value that is hidden the word `hidden` stands in its place; this lets any later value of that key pass too. [The guide](../guide/risky-changes.md) shows it.

**`risk: warn`** in the [settings](settings.md) lets every change of this table pass and tells what was let through: for workspaces, where data is nobody's.

What Connect's own validation refuses never gets that far: a wrong password, a class that is not there, a word that a key does not take. Most rows were measured with rows flowing into the tables before, during and after the change; each says whether it was, or where else it is known from.

| row | key | of | harm |
|---|---|---|---|
";

/// What the label values mean is said by the words of the model; here only where they are listed.
const VALUES: &str = "
## Label values

| label | values |
|---|---|
| `state` of `tagalong_repository_state` | `ok`, `stale`, `unreachable`, `auth_failed`, `ref_missing`, `verification_failed`, `invalid`, `held` |
| `outcome` of `tagalong_repository_polls_total` | `success`, `noop`, `error` |
| `kind` | `forward`, `backward`, `sideways`, `retag`, `deleted`, `appeared` |
| `step` of `tagalong_repository_poll_duration_seconds` | `list`, `fetch`, `verify`, `read` |
| `severity` | `error`, `warning`, `info` |
| `result` | `success`, `partial`, `failed`, `never` |
| `sync` | `synced`, `drifted`, `missing`, `held`, `waiting`, `unmanaged`, `unknown`; each connector is counted once, held before waiting before the others |
| `state` of `tagalong_connector_sync_state` | `synced`, `config_drift`, `state_drift`, `missing`, `surplus`, `unknown` |
| `state` of `tagalong_connector_state` and `tagalong_connector_tasks` | `running`, `paused`, `stopped`, `failed`, `unassigned`, `restarting`, `unknown` |
| `type` | `source`, `sink`, `unknown` |
| `step` of `tagalong_steps_total` | `pause`, `stop`, `delete`, `configure`, `create`, `resume`, `restart` |
| `outcome` of `tagalong_steps_total` | `converged`, `failed`, `waiting`, `pending` |
| `hold` | `risky-change`, `too-many-deletes`, `keep`, `suspended`, `lower-version`, `unaddressable` |
| `by` | `environment`, `definition`, `settings` |
| `method` | `GET`, `PUT`, `POST`, `PATCH`, `DELETE` |
| `code_class` | `1xx`, `2xx`, `3xx`, `4xx`, `5xx`, `none` |
| `outcome` of `tagalong_webhooks_total` | `accepted`, `refused`, `unreadable`, `busy`; what each means is in [polling.md](../operations/polling.md#webhooks) |
";

#[test]
fn the_label_values_of_the_metrics_page_are_those_of_the_model() {
    use tagalong::model::course::MoveKind;
    use tagalong::model::live::RunState;
    use tagalong::model::plan::{Hold, StepKind, Sync};
    use tagalong::model::report::{
        ApplyResult, Outcome, PollOutcome, PollStep, RepositoryState, SuspendedBy, WebhookOutcome,
    };
    use tagalong::model::rule::Severity;
    let list = |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    for row in [
        list(RepositoryState::ALL.iter().map(|value| value.name()).collect()),
        list(PollOutcome::ALL.iter().map(|value| value.name()).collect()),
        list(MoveKind::ALL.iter().map(|value| value.name()).collect()),
        list(PollStep::ALL.iter().map(|value| value.name()).collect()),
        list(Severity::ALL.iter().map(|value| value.name()).collect()),
        list(ApplyResult::ALL.iter().map(|value| value.name()).collect()),
        list(Sync::ALL.iter().map(|value| value.name()).collect()),
        list(RunState::ALL.iter().map(|value| value.name()).collect()),
        list(StepKind::ALL.iter().map(|value| value.name()).collect()),
        list(Outcome::ALL.iter().filter(|value| value.is_taken()).map(|value| value.name()).collect()),
        list(Hold::ALL.iter().map(|value| value.name()).collect()),
        list(SuspendedBy::ALL.iter().map(|value| value.name()).collect()),
    ] {
        assert!(VALUES.contains(&format!("| {row} |")), "{row}");
    }
    let webhooks = list(WebhookOutcome::ALL.iter().map(|value| value.name()).collect());
    assert!(VALUES.contains(&format!("`tagalong_webhooks_total` | {webhooks};")), "{webhooks}");
}

#[test]
fn the_settings_page_is_the_table() -> Result<()> {
    let mut text = String::from(
        "# Settings\n\n\
         <!-- Made from src/settings/keys.rs; a test compares the two. -->\n\n\
         One YAML file, named by `--settings` or `TAGALONG_SETTINGS`; none is read that was not named. Every key \
         is also an environment variable, and the common ones are flags. What is said later wins: the default, the \
         file, the environment, the flags. Where keys exclude each other (a tag, a branch and a commit; a \
         repository and a folder), the one that is said later takes the place of the others. `null` is as if the \
         key were not there. `values` is the exception: each source lies over the one before.\n\n\
         An unknown key is an error, an unknown variable `TAGALONG_…` only a warning: Kubernetes makes some of its \
         own. Lists, maps, trees and `suspend` are written as YAML in a variable. The path of a file or a folder that does not begin with `/` is read from the folder in which the program runs, wherever the settings file lies. \
         [An example with everything](../../config/settings.example.yaml).\n\n\
         | key | takes | default | what it is for |\n|---|---|---|---|\n",
    );
    for key in KEYS {
        let Key { path, takes, default, says } = key;
        let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
        writeln!(
            text,
            "| `{path}`<br>`{}` | {} | {default} | {says} |",
            variable(path),
            takes_in_words(*takes)
        )?;
    }
    assert_page("settings.md", &text)
}

fn takes_in_words(takes: Takes) -> String {
    match takes {
        Takes::Text => "a text".to_owned(),
        Takes::Flag => "`true` or `false`".to_owned(),
        Takes::Number => "a whole number".to_owned(),
        Takes::Limit => "a whole number or `unlimited`".to_owned(),
        Takes::Duration => "a length of time: `90s`, `10m`, `1h30m`".to_owned(),
        Takes::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or "),
        Takes::Texts => "a list of texts".to_owned(),
        Takes::Tree => "a tree of texts".to_owned(),
        Takes::Folders => "a map of folders by name".to_owned(),
        Takes::Headers => "a map of texts".to_owned(),
        Takes::Credentials => "a list of credentials".to_owned(),
        Takes::Verifications => "a list of what must be signed".to_owned(),
        Takes::ExtraFolders => "a list of folders, or of `folder` and `names`".to_owned(),
        Takes::Suspend => "`reason` and `until`".to_owned(),
    }
}

#[test]
fn the_example_settings_are_good_and_name_every_key() -> Result<()> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/settings.example.yaml");
    let example = std::fs::read_to_string(path)?;
    let written = Written {
        file: Some(("config/settings.example.yaml", example.as_bytes())),
        environment: Vec::new(),
        flags: Vec::new(),
    };
    let (settings, findings) = Settings::read(&written, &[]);
    assert!(settings.is_some() && findings.is_empty(), "{findings:#?}");
    for key in KEYS {
        let word = key.path.rsplit('.').next().context("a key has a word")?;
        assert!(example.contains(&format!("{word}:")), "{} is not in the example", key.path);
    }
    Ok(())
}

#[test]
fn the_example_settings_say_the_defaults() -> Result<()> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/settings.example.yaml");
    let example = std::fs::read_to_string(path)?;
    let read = |text: &str| {
        let written =
            Written { file: Some(("x", text.as_bytes())), environment: Vec::new(), flags: Vec::new() };
        let mut settings = Settings::read(&written, &[]).0.context("good settings")?;
        // Where a key stands is no default.
        settings.places.clear();
        anyhow::Ok(settings)
    };
    let needed = "environment: production\nrepository: {git: {url: \
                  https://git.example.com/platform/connectors.git, ref: {tag: v1}}}\n";
    assert_eq!(format!("{:#?}", read(&example)?), format!("{:#?}", read(needed)?));
    Ok(())
}

/// Every field of the status form, as the page's table names them: `connectors[].name`.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                found.insert(path.clone());
                // Maps by name have no fields of their own, and plans are described on their own.
                if key != "last_moves" && !path.starts_with("plan") {
                    fields(value, &path, found);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                fields(item, &format!("{path}[]"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The first column of the page's tables.
fn described(page: &str, heading: &str) -> BTreeSet<String> {
    page.lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned()))
        .collect()
}

/// The form that the snapshot of the view holds, with something of everything.
fn snapshot(name: &str) -> Result<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/view/snapshots")
        .join(format!("tagalong__view__{name}.snap"));
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let form = text.splitn(3, "---").nth(2).context("no header")?;
    Ok(serde_json::from_str(form)?)
}

#[test]
fn the_status_page_describes_every_field_of_the_status() -> Result<()> {
    let mut found = BTreeSet::new();
    fields(&snapshot("status__tests__a_status_has_the_promised_shape")?, "", &mut found);
    let text = std::fs::read_to_string(page("status-api.md"))?;
    assert_eq!(described(&text, "## The status"), found);
    Ok(())
}

#[test]
fn the_status_page_describes_every_field_of_a_plan() -> Result<()> {
    let mut found = BTreeSet::new();
    fields(&snapshot("json__tests__a_plan_has_the_promised_shape")?, "", &mut found);
    let mut findings = BTreeSet::new();
    fields(&snapshot("json__tests__findings_have_the_promised_shape")?, "", &mut findings);
    // `format` stands in both.
    found.extend(findings);
    let text = std::fs::read_to_string(page("status-api.md"))?;
    assert_eq!(described(&text, "## The plan"), found);
    Ok(())
}

#[test]
fn the_status_page_names_every_address() -> Result<()> {
    let text = std::fs::read_to_string(page("status-api.md"))?;
    for (address, answers) in ADDRESSES {
        assert!(text.contains(&format!("| `{address}` | {answers} |")), "{address}: {answers}");
    }
    Ok(())
}
