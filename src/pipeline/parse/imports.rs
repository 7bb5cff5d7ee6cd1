//! Reads the list of `imports` in `tagalong.yaml`: which repositories of templates there are, and what
//! of them to follow.
//!
//! Takes the list, gives each entry by its name, and a finding for whatever a person can get wrong
//! without anybody being asked. Reaching the repositories is left to others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::model::finding::Finding;
use crate::model::import::Import;
use crate::model::name;
use crate::model::revision::{ObjectId, Reference, RepositoryName};
use crate::model::rule::Rule;
use crate::model::shape::{Field, Shape, Takes};
use crate::model::text::Text;
use crate::model::version::{Follow, Range};
use crate::pipeline::parse::tree;
use crate::yaml::decode::{self, Fields};
use crate::yaml::tree::{Kind, Node};

const WHAT: &str = "an import";

/// What an entry of `imports` may say.
pub static IMPORT: Shape = Shape::new(
    "A repository of templates.",
    &[
        Field::new(
            "name",
            Takes::Like(name::IMPORT),
            "What it is called here: `platform`, where a template is `platform/debezium-postgres`.",
        )
        .needed(),
        Field::new("git", Takes::Literal, "Its address on a git server, without credentials.").needed(),
        Field::new("ref", Takes::Fields(&REF), "What of it to follow.").needed(),
        Field::new("path", Takes::Literal, "The folder inside it that holds `templates/`.").default("."),
        Field::new(
            "interval",
            Takes::Length,
            "The time between two polls; that of this repository if not said.",
        ),
    ],
);

static REF: Shape = Shape::new(
    "What of a repository to follow: one of these.",
    &[
        Field::new("tag", Takes::Literal, "A tag. It may move."),
        Field::new("branch", Takes::Literal, "A branch."),
        Field::new("commit", Takes::Like("^[0-9a-fA-F]{40}$"), "A commit, its full id."),
        Field::new("semver", Takes::Literal, "A range of versions, to follow the tag with the highest of: `^1.4`."),
        Field::new(
            "prefix",
            Takes::Literal,
            "What stands before a version in a tag's name, beside `semver`: `app/`. One `v` behind it counts for nothing.",
        ),
        Field::new(
            "allow_downgrade",
            Takes::Flag,
            "Whether a highest version that went down is taken, beside `semver`. Otherwise the last good one stays.",
        )
        .default("false"),
    ],
)
.apart(&[
    ["tag", "branch"],
    ["tag", "commit"],
    ["tag", "semver"],
    ["branch", "commit"],
    ["branch", "semver"],
    ["commit", "semver"],
    ["prefix", "tag"],
    ["prefix", "branch"],
    ["prefix", "commit"],
    ["allow_downgrade", "tag"],
    ["allow_downgrade", "branch"],
    ["allow_downgrade", "commit"],
]);

/// What goes with a range only.
const OF_RANGE: [&str; 2] = ["prefix", "allow_downgrade"];

/// The time between two polls, at least and at most.
const INTERVALS: [Duration; 2] = [Duration::from_secs(1), Duration::from_hours(24)];

/// Imports by name; none where an entry cannot be used.
type Imports = BTreeMap<RepositoryName, Option<Import>>;

/// Reads every entry; says too whether there may be names that nobody could read.
pub fn imports(node: &Node, findings: &mut Vec<Finding>) -> (Imports, bool) {
    let mut imports = Imports::new();
    let Some(items) = decode::list("`imports`", node, findings) else { return (imports, true) };
    let mut lost = false;
    let mut places = BTreeMap::new();
    for item in items {
        let Some((written, name, import)) = import(item, findings) else {
            lost = true;
            continue;
        };
        if let Some(first) = places.get(&name) {
            let message = format!("import `{name}` is named again; it is already at {first}");
            findings.push(Finding::new(Rule::DuplicateName, written.place, message));
            continue;
        }
        places.insert(name.clone(), written.place);
        imports.insert(name, import);
    }
    (imports, lost)
}

/// Reads one entry; nothing where even its name cannot be read.
fn import(node: &Node, findings: &mut Vec<Finding>) -> Option<(Text, RepositoryName, Option<Import>)> {
    let fields = decode::fields(WHAT, node, &IMPORT, findings)?;
    let name = tree::required(WHAT, &fields, "name", findings);
    let git = tree::required(WHAT, &fields, "git", findings).filter(|git| is_address(git, findings));
    let follow = follow(&fields, findings);
    let path = path(&fields, findings);
    let interval = interval(&fields, findings);
    let written = name?;
    let Some(name) = RepositoryName::import(written.as_str()) else {
        findings.push(no_name(&written));
        return None;
    };
    let import = match (git, follow, path, interval) {
        (Some(git), Some(follow), Ok(path), Ok(interval)) => Some(Import {
            name: name.clone(),
            place: written.place.clone(),
            git: git.text,
            follow,
            path,
            interval,
        }),
        _ => None,
    };
    Some((written, name, import))
}

fn no_name(written: &Text) -> Finding {
    let told = |message: &str| Finding::new(Rule::NameInvalid, written.place.clone(), message);
    if written.as_str() == "main" {
        told("an import cannot be called `main`: that is this repository itself").hint("choose another name")
    } else {
        told("an import's name is not usable")
            .hint("use letters, digits, `.`, `_` and `-`, and begin with a letter or a digit")
    }
}

/// A value that is as it should be, or absent; the error was told already.
type Read<T> = Result<T, ()>;

fn path(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Read<Arc<str>> {
    if fields.get("path").is_none() {
        return Ok(".".into());
    }
    let path = tree::optional(fields, "path", findings).ok_or(())?;
    if path.as_str().starts_with('/') || path.as_str().split('/').any(|step| step == "..") {
        let message = "`path` leads out of the import";
        let finding = Finding::new(Rule::WrongValue, path.place, message);
        findings.push(finding.hint("name a folder inside it, from its root on, such as `connect`"));
        return Err(());
    }
    Ok(path.text)
}

fn interval(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Read<Option<Duration>> {
    if fields.get("interval").is_none() {
        return Ok(None);
    }
    let text = tree::optional(fields, "interval", findings).ok_or(())?;
    let length = text.as_str().parse::<jiff::SignedDuration>().ok();
    let length = length.and_then(|length| Duration::try_from(length).ok());
    let [least, most] = INTERVALS;
    let (message, hint) = match length {
        Some(length) if (least..=most).contains(&length) => return Ok(Some(length)),
        Some(_) => ("`interval` is not between 1s and 24h", "write it like `5m`"),
        None => ("`interval` is no length of time", "write it like `90s`, `5m` or `1h30m`"),
    };
    findings.push(Finding::new(Rule::WrongValue, text.place, message).hint(hint));
    Err(())
}

fn follow(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Option<Follow> {
    const EXAMPLE: &str = "write it like `ref: {tag: v2}`";
    let Some(entry) = fields.entry("ref") else {
        findings.push(tree::missing(WHAT, fields, "ref").hint(EXAMPLE));
        return None;
    };
    if let Kind::Scalar(text) = &entry.value.kind {
        let message = "`ref` does not say whether it is a tag, a branch, a commit or a range of versions";
        findings.push(Finding::new(Rule::WrongType, text.place.clone(), message).hint(EXAMPLE));
        return None;
    }
    let before = findings.len();
    let inner = decode::fields("`ref`", &entry.value, &REF, findings)?;
    let entry = |key: &'static str| Some((key, inner.entry(key)?));
    let (options, kinds): (Vec<_>, Vec<_>) =
        REF.fields.iter().filter_map(|field| entry(field.key)).partition(|(key, _)| OF_RANGE.contains(key));
    // Beside a range they say more of it, beside anything else they contradict it.
    let said = match kinds.as_slice() {
        [] | [("semver", _)] => kinds,
        _ => kinds.into_iter().chain(options).collect(),
    };
    match said.as_slice() {
        [] if findings.len() == before => {
            let message = "`ref` names nothing to follow";
            findings.push(Finding::new(Rule::MissingKey, inner.place, message).hint(EXAMPLE));
            None
        }
        [] => None,
        [("semver", _)] => highest(&inner, findings),
        [(key, _)] => named(key, &tree::optional(&inner, key, findings)?, findings).map(Follow::One),
        [(first, _), (second, other), ..] => {
            let message = format!("`{first}` and `{second}` exclude each other");
            let finding = Finding::new(Rule::Conflict, other.key.place.clone(), message);
            findings.push(finding.hint("keep one of them"));
            None
        }
    }
}

fn highest(inner: &Fields<'_>, findings: &mut Vec<Finding>) -> Option<Follow> {
    let range = tree::optional(inner, "semver", findings);
    let prefix = match inner.get("prefix") {
        None => Some(Text::plain("", inner.place.clone())),
        Some(_) => tree::optional(inner, "prefix", findings),
    };
    let allow_downgrade = match inner.get("allow_downgrade") {
        None => Some(false),
        Some(node) => decode::boolean("`allow_downgrade`", node, findings),
    };
    let written = range?;
    let range = Range::new(written.as_str(), prefix?.as_str(), allow_downgrade?);
    if range.is_none() {
        let hint =
            "write it like `^1.4`, `~1.4.2` or `>=1.4, <2`; no `v` in it, and a comma between two conditions";
        let finding = Finding::new(Rule::WrongValue, written.place, "`semver` is no range of versions");
        findings.push(finding.hint(hint));
    }
    range.map(Follow::Highest)
}

fn named(key: &str, text: &Text, findings: &mut Vec<Finding>) -> Option<Reference> {
    let mut refuse = |message: String, hint: &str| {
        findings.push(Finding::new(Rule::WrongValue, text.place.clone(), message).hint(hint));
        None
    };
    let name = text.as_str();
    if key == "commit" {
        let id = ObjectId::new(name).map(Reference::Commit);
        let message = "`commit` is no full id of a commit: 40 hexadecimal digits";
        return id.or_else(|| refuse(message.to_owned(), "`git rev-parse COMMIT` prints it"));
    }
    if !is_short_name(name) {
        let hint =
            format!("write its short name, such as `{key}: {}`", if key == "tag" { "v2" } else { "main" });
        return refuse(format!("`{key}` cannot be the name of a {key}"), &hint);
    }
    Some(if key == "tag" { Reference::Tag(name.to_owned()) } else { Reference::Branch(name.to_owned()) })
}

/// Whether git takes it for the short name of a tag or branch.
fn is_short_name(name: &str) -> bool {
    let odd = |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let is_step = |step: &str| {
        !step.is_empty()
            && !step.starts_with('.')
            && std::path::Path::new(step).extension().is_none_or(|e| e != "lock")
    };
    !name.starts_with("refs/")
        && !name.starts_with('-')
        && !name.ends_with('.')
        && !name.contains(odd)
        && !name.contains("..")
        && !name.contains("@{")
        && name != "@"
        && name.split('/').all(is_step)
}

/// Whether an address can be that of an import. What is wrong with one that cannot is told without it:
/// there may be a password in it.
fn is_address(git: &Text, findings: &mut Vec<Finding>) -> bool {
    const ELSEWHERE: &str = "write it like `https://git.example.com/platform.git`";
    const CREDENTIALS: &str =
        "take it out, change it, and put it into `git_credentials` of the agent's settings, by host";
    const LOCAL: &str = "give the address of a git server; `--import NAME=DIR` reads a folder in its place";
    let (message, hint) = match problem(git.as_str()) {
        None => return true,
        Some(Problem::Malformed) => ("`git` is no address of a repository", ELSEWHERE),
        Some(Problem::Scheme) => ("`git` is none of https://, http://, ssh:// and git://", ELSEWHERE),
        Some(Problem::Credentials) => {
            ("`git` holds credentials, and everybody who reads this file knows them", CREDENTIALS)
        }
        Some(Problem::Local) => {
            ("`git` names a place on the agent's own machine, which a repository must not choose", LOCAL)
        }
    };
    findings.push(Finding::new(Rule::WrongValue, git.place.clone(), message).hint(hint));
    false
}

/// Why an address cannot be that of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    Malformed,
    Scheme,
    Credentials,
    Local,
}

fn problem(address: &str) -> Option<Problem> {
    if address.is_empty() || address.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some(Problem::Malformed);
    }
    if address.contains("://") {
        return of_url(address);
    }
    match address.split_once(':') {
        Some((host, path)) if !host.contains('/') || host.starts_with('[') => of_scp(host, path),
        Some(_) | None => Some(Problem::Local),
    }
}

fn of_url(address: &str) -> Option<Problem> {
    let Ok(url) = Url::parse(address) else { return Some(Problem::Malformed) };
    let web = match url.scheme() {
        "http" | "https" => true,
        "git" | "ssh" | "git+ssh" | "ssh+git" => false,
        "file" => return Some(Problem::Local),
        _ => return Some(Problem::Scheme),
    };
    // A name alone before a web address is a token more often than not.
    if url.password().is_some() || (web && !url.username().is_empty()) {
        return Some(Problem::Credentials);
    }
    let whole = url.host_str().is_some_and(|host| !host.is_empty() && !host.starts_with('-'))
        && !url.path().trim_matches('/').is_empty()
        && url.query().is_none()
        && url.fragment().is_none();
    (!whole).then_some(Problem::Malformed)
}

/// `user@host:path`. A second `@` is behind a password.
fn of_scp(host: &str, path: &str) -> Option<Problem> {
    if path.contains('@') && !host.contains('@') {
        return Some(Problem::Credentials);
    }
    let unsound = host.is_empty() || host.starts_with('-') || path.is_empty() || path.starts_with('-');
    unsound.then_some(Problem::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_a_server_and_holds_no_credentials() {
        for address in [
            "https://git.example.com/platform.git",
            "http://localhost:3000/a",
            "ssh://git@git.example.com:2222/a",
            "git@git.example.com:a/b.git",
            "git@[::1]:a",
            "git://git.example.com/a",
        ] {
            assert_eq!(problem(address), None, "{address}");
        }
        for (address, expected) in [
            ("", Problem::Malformed),
            ("https://git.example.com", Problem::Malformed),
            ("https://git.example.com/a?token=x", Problem::Malformed),
            ("https://git.example.com/a b", Problem::Malformed),
            ("git@git.example.com:", Problem::Malformed),
            ("git@git.example.com:-a", Problem::Malformed),
            ("-oProxyCommand=x:a", Problem::Malformed),
            ("ftp://git.example.com/a", Problem::Scheme),
            ("https://reader:hunter2@git.example.com/a", Problem::Credentials),
            ("https://ghp_token@git.example.com/a", Problem::Credentials),
            ("ssh://git:hunter2@git.example.com/a", Problem::Credentials),
            ("git:hunter2@git.example.com:a", Problem::Credentials),
            ("file:///run/secrets", Problem::Local),
            ("/run/secrets", Problem::Local),
            ("../platform", Problem::Local),
            ("platform", Problem::Local),
            ("./a:b", Problem::Local),
        ] {
            assert_eq!(problem(address), Some(expected), "{address}");
        }
    }

    #[test]
    fn a_ref_has_a_name_that_git_takes() {
        for name in ["v2", "release/v2.0", "a-b_c", "v2.lock.1"] {
            assert!(is_short_name(name), "{name}");
        }
        for name in [
            "",
            "refs/tags/v2",
            "a b",
            "a..b",
            "-a",
            "a/",
            "/a",
            "a//b",
            ".a",
            "a.lock",
            "a~1",
            "a:b",
            "@",
            "a@{1}",
            "a.",
        ] {
            assert!(!is_short_name(name), "{name}");
        }
    }
}
