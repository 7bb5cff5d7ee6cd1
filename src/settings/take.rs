//! From raw settings to checked ones: one function a group of keys.
//!
//! Takes one value a key, gives the types of the other rooms or says in a finding why not. Single
//! values are read by `plain`, those about Connect judged by `connect`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::model::desired::Suspend;
use crate::model::finding::{Finding, Place};
use crate::model::name::EnvironmentName;
use crate::model::plan::Mode;
use crate::model::policy::{OnRisk, Prune, Pruned};
use crate::model::rule::Rule;
use crate::model::select::Select;
use crate::model::text::Text;
use crate::model::values::Values;
use crate::pipeline::pace::RestartLimits;
use crate::repo::credential::Credential;
use crate::repo::options::{GitOptions, Proxy, Verification};
use crate::settings::checked::{Level, Log, Repository, Settings};
use crate::settings::connect::connect;
use crate::settings::credentials::credentials;
use crate::settings::extra::extra;
use crate::settings::follow::follow;
use crate::settings::imports::imports;
use crate::settings::plain::{
    Found, any_length_of, flag, length_of, limit, number, path, text, texts, word, wrong,
};
use crate::settings::raw::RawSettings;
use crate::settings::secrets::secrets;
use crate::settings::shape::SUSPEND;
use crate::settings::verify;
use crate::yaml::decode;
use crate::yaml::tree::{Kind, Node};

/// The shortest time between two polls.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// The shortest time between two looks at the offsets of a connector that nobody changes.
const SHORTEST_STALL_INTERVAL: Duration = Duration::from_secs(10);

/// Checks every value.
pub fn settings(raw: &RawSettings, values: &[String], found: Found<'_>) -> Option<Settings> {
    let environment = text(raw, "environment", found).and_then(|text| environment(&text, found));
    let interval = length_of(raw, "repository.git.interval", found);
    if interval.is_some_and(|interval| interval < SHORTEST_INTERVAL) {
        found.push(wrong(raw, "repository.git.interval", "is shorter than 1s"));
    }
    let per_connector = limit(raw, "restart.max_per_connector", found);
    let at_once = number(raw, "restart.max_at_once", found);
    let credentials = credentials(raw, found);
    let proxy = proxy(raw, found);
    let verify = verify::verify(raw, found);
    let repository = repository(raw, &credentials, &proxy, verify.clone(), found);
    let secrets = secrets(raw, &credentials, found);
    let imports = imports(raw, credentials, proxy, verify, found);
    let extra = extra(raw, found);
    let values = tree(raw, values, found);
    let select = select(raw, found);
    let connect = connect(raw, found);
    let mode = word(raw, "mode", found);
    let suspend = suspend(raw, found);
    let restart = flag(raw, "restart.enabled", found);
    let risk = word(raw, "risk", found);
    let prune = prune(raw, found);
    let stall_interval = length_of(raw, "stall.interval", found);
    if stall_interval.is_some_and(|interval| interval < SHORTEST_STALL_INTERVAL) {
        found.push(wrong(raw, "stall.interval", "is shorter than 10s"));
    }
    let listen = listen(raw, found);
    let token_file = path(raw, "http.token_file", found);
    let webhook_secret_file = path(raw, "http.webhook_secret_file", found);
    let state_dir = path(raw, "state_dir", found).filter(|folder| folder.as_os_str() != "none");
    let metrics = flag(raw, "metrics.per_connector", found);
    let log = log(raw, found);
    // Only here may one wrong value end it: each of them has been read and judged.
    Some(Settings {
        environment,
        repository,
        imports: imports?,
        extra,
        interval: interval?,
        values,
        select,
        secrets: secrets?,
        connect: connect?,
        mode: if mode? == "observe" { Mode::Observe } else { Mode::Enforce },
        suspend,
        restart: restart?,
        restart_limits: RestartLimits { per_connector, at_once: at_once? },
        risk: if risk? == "warn" { OnRisk::Warn } else { OnRisk::Hold },
        prune: prune?,
        stall_interval: stall_interval?,
        listen: listen?,
        token_file,
        webhook_secret_file,
        state_dir,
        per_connector: metrics?,
        log: log?,
        places: raw.places(),
    })
}

fn environment(text: &Text, found: Found<'_>) -> Option<EnvironmentName> {
    EnvironmentName::new(text.as_str())
        .map_err(|_| {
            let message = "`environment` is no name of an environment";
            let finding = Finding::new(Rule::WrongValue, text.place.clone(), message);
            found.push(finding.hint("use letters, digits, `.`, `_` and `-`"));
        })
        .ok()
}

fn select(raw: &RawSettings, found: Found<'_>) -> Select {
    let (include, exclude) = (texts(raw, "select.include", found), texts(raw, "select.exclude", found));
    if let Some(Node { place, kind: Kind::Sequence(items) }) = raw.get("select.include")
        && items.is_empty()
    {
        let message = "`select.include` names nothing, so no connector exists for this agent";
        let finding = Finding::new(Rule::WrongValue, place.clone(), message);
        found.push(finding.hint("write `[\"*\"]` for every connector"));
    }
    Select { include, exclude }
}

fn proxy(raw: &RawSettings, found: Found<'_>) -> Proxy {
    let Some(text) = text(raw, "repository.git.proxy", found) else { return Proxy::Environment };
    Proxy::new(text.as_str()).unwrap_or_else(|| {
        found.push(wrong(raw, "repository.git.proxy", "is no address of a proxy").hint(
            "write it like `http://proxy.example.com:3128`, or `none`; its user and password stand in `git_credentials`",
        ));
        Proxy::Environment
    })
}

fn repository(
    raw: &RawSettings,
    credentials: &[Credential],
    proxy: &Proxy,
    verify: Option<Verification>,
    found: Found<'_>,
) -> Option<Repository> {
    if let Some(dir) = text(raw, "repository.dir", found) {
        return Some(Repository::Directory(PathBuf::from(dir.as_str())));
    }
    let url = text(raw, "repository.git.url", found)?;
    let follow = follow(raw, &url, found);
    let folder = text(raw, "repository.git.path", found);
    let deadline = length_of(raw, "repository.git.deadline", found);
    let ca_file = path(raw, "repository.git.ca_file", found);
    let scratch = path(raw, "scratch_dir", found);
    if let Some((verify, follow)) = verify.as_ref().zip(follow.as_ref()) {
        verify::of_followed(raw, verify, follow, found);
    }
    Some(Repository::Git(Box::new(GitOptions {
        url: url.as_str().to_owned(),
        follow: follow?,
        path: folder?.as_str().to_owned(),
        deadline: deadline?,
        credentials: credentials.to_vec(),
        ca_file,
        proxy: proxy.clone(),
        scratch,
        verify,
    })))
}

/// The trees of values, each over the one before, and the single ones over all.
fn tree(raw: &RawSettings, singles: &[String], found: Found<'_>) -> Values {
    let mut values = Values::default();
    for node in &raw.trees {
        if let Some(tree) = values_of(node, found) {
            if matches!(tree, Values::Map(_)) {
                values.lay_over(tree);
            } else {
                found.push(Finding::new(Rule::WrongType, node.place.clone(), "`values` is no map"));
            }
        }
    }
    for single in singles {
        let pair = single.split_once('=');
        if let Some((path, text)) = pair.filter(|(path, _)| path.split('.').all(|word| !word.is_empty())) {
            values.set(path, text);
        } else {
            let place = Place::outside("--value");
            let finding = Finding::new(Rule::WrongValue, place, "a value is no pair of a path and a text");
            found.push(finding.hint("write it like `--value postgres.host=db.internal`"));
        }
    }
    values
}

fn values_of(node: &Node, found: Found<'_>) -> Option<Values> {
    match &node.kind {
        Kind::Scalar(text) => Some(Values::Text(Arc::clone(&text.text))),
        Kind::Sequence(items) => {
            Some(Values::List(items.iter().filter_map(|item| values_of(item, found)).collect()))
        }
        Kind::Mapping(entries) => {
            found.extend(entries.iter().filter_map(decode::dotted));
            Some(Values::Map(
                entries
                    .iter()
                    .filter_map(|entry| Some((Arc::clone(&entry.key.text), values_of(&entry.value, found)?)))
                    .collect(),
            ))
        }
        Kind::Empty | Kind::Null => {
            let message = "a value is empty";
            found.push(
                Finding::new(Rule::EmptyValue, node.place.clone(), message)
                    .hint("write `\"\"` for an empty text"),
            );
            None
        }
        Kind::Refused => None,
    }
}

fn prune(raw: &RawSettings, found: Found<'_>) -> Option<Prune> {
    let policy = word(raw, "prune.policy", found);
    let max = number(raw, "prune.max", found);
    let max_percent = number(raw, "prune.max_percent", found);
    if max_percent.is_some_and(|percent| percent > 100) {
        found.push(wrong(raw, "prune.max_percent", "is more than 100"));
    }
    let grace = any_length_of(raw, "prune.grace", found);
    let who = if policy? == "owned" { Pruned::Owned } else { Pruned::Nobody };
    Some(Prune { who, max: max?, max_percent: max_percent?, grace: grace? })
}

fn suspend(raw: &RawSettings, found: Found<'_>) -> Option<Suspend> {
    let node = raw.get("suspend")?;
    let fields = decode::fields("`suspend`", node, &SUSPEND, found)?;
    let reason = fields.set("reason").and_then(|node| decode::text("`reason`", node, found));
    let until = fields.set("until").and_then(|node| decode::text("`until`", node, found));
    let Some(reason) = reason else {
        let finding = Finding::new(Rule::MissingKey, node.place.clone(), "`suspend` gives no reason");
        found.push(finding.hint("add `reason: …`: somebody will ask"));
        return None;
    };
    if reason.says_nothing() {
        let message = "the `reason` of `suspend` says nothing";
        found.push(Finding::new(Rule::ReasonEmpty, reason.place.clone(), message));
        return None;
    }
    let until = match until {
        None => None,
        Some(text) => {
            let Ok(until) = text.as_str().parse() else {
                let message = "`until` is no point in time";
                let finding = Finding::new(Rule::WrongValue, text.place.clone(), message);
                found.push(finding.hint("write it like `2026-12-01T00:00:00Z`"));
                return None;
            };
            Some(until)
        }
    };
    Some(Suspend { reason: Arc::clone(&reason.text), until })
}

fn listen(raw: &RawSettings, found: Found<'_>) -> Option<std::net::SocketAddr> {
    let text = text(raw, "http.listen", found)?;
    let listen = text.as_str().parse().ok();
    if listen.is_none() {
        found.push(wrong(raw, "http.listen", "is no address and port").hint("write it like `0.0.0.0:9808`"));
    }
    listen
}

fn log(raw: &RawSettings, found: Found<'_>) -> Option<Log> {
    let (format, level) = (word(raw, "log.format", found), word(raw, "log.level", found));
    let level = match level? {
        "error" => Level::Error,
        "warn" => Level::Warn,
        "debug" => Level::Debug,
        "trace" => Level::Trace,
        _ => Level::Info,
    };
    Some(Log { json: format? == "json", level })
}
