//! The form in which the last good revision is written down: JSON under a seal.
//!
//! Takes values, gives bytes, and the other way round. What a seal is worth is said in `seal`.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::kept::error::Doubt;
use crate::kept::seal::Seal;
use crate::model::finding::{Finding, Place};
use crate::model::kept::{Kept, LastGood, Memory};
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::revision::{At, ObjectId, RepositoryName, RepositoryRevision};
use crate::model::rule::{Rule, Severity};
use crate::model::signature::{Evidence, Signer, Verified};
use crate::model::snapshot::{Files, Snapshot};
use crate::model::version::VersionTag;

/// What every version begins the file with, and the form that this one reads and writes.
const SEAL: Seal = Seal { what: "last good", format: 1 };

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// Whose it is.
    of: String,
    accepted: Timestamp,
    repositories: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    source: String,
    reference: String,
    object: String,
    commit: String,
    committed: Option<Timestamp>,
    verified: Option<Seals>,
    evidence: Option<Objects>,
    tagged: Option<Timestamp>,
    version: Option<String>,
    /// The name of each tag with its commit.
    versions: Vec<(String, String)>,
    /// Each file's bytes, in base64.
    files: BTreeMap<String, String>,
    ignored: Vec<String>,
    findings: Vec<Note>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seals {
    tag: Option<SignerForm>,
    commit: Option<SignerForm>,
    tagged: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignerForm {
    principals: String,
    key: String,
}

/// The raw objects, in base64.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Objects {
    tag: Option<String>,
    commit: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    path: String,
    line: u32,
    column: u32,
    severity: String,
    rule: String,
    message: String,
    hint: Option<String>,
    connector: Option<String>,
    environment: Option<String>,
}

/// Writes it down for whom this is the mark of.
pub fn encode(last: &LastGood, mark: &str) -> Vec<u8> {
    let document = Document {
        of: mark.to_owned(),
        accepted: last.accepted,
        repositories: last.repositories.iter().filter_map(entry).collect(),
    };
    let body = serde_json::to_vec(&document).expect("texts, numbers and lists can be written");
    SEAL.put(&body)
}

/// Reads what was written down for the same.
pub fn decode(bytes: &[u8], mark: &str) -> Result<LastGood, Doubt> {
    let body = SEAL.take(bytes)?;
    let document: Document = serde_json::from_slice(body).map_err(|_| Doubt::Version)?;
    if document.of != mark {
        return Err(Doubt::Foreign);
    }
    let repositories: Option<Vec<_>> = document.repositories.into_iter().map(kept).collect();
    let repositories = repositories.ok_or(Doubt::Version)?;
    let is_main_first = repositories.first().is_some_and(|one| one.snapshot.revision.repository.is_main());
    if !is_main_first {
        return Err(Doubt::Version);
    }
    Ok(LastGood { accepted: document.accepted, repositories })
}

/// What is written of one repository; nothing of a folder, which is there itself.
fn entry(kept: &Kept) -> Option<Entry> {
    let Kept { source, snapshot, evidence, memory: Memory { tagged, version, versions } } = kept;
    let Snapshot { revision: RepositoryRevision { repository, at }, files, ignored, findings } = &**snapshot;
    let At::Git { reference, object, commit, committed, verified } = at else { return None };
    Some(Entry {
        name: repository.as_str().to_owned(),
        source: source.to_string(),
        reference: reference.to_string(),
        object: object.as_str().to_owned(),
        commit: commit.as_str().to_owned(),
        committed: *committed,
        verified: verified.as_deref().map(seals),
        evidence: evidence.as_deref().map(|Evidence { tag, commit }| Objects {
            tag: tag.as_ref().map(|tag| STANDARD.encode(tag)),
            commit: STANDARD.encode(commit),
        }),
        tagged: *tagged,
        version: version.as_deref().map(str::to_owned),
        versions: versions
            .iter()
            .map(|VersionTag { name, commit }| (name.to_string(), commit.as_str().to_owned()))
            .collect(),
        files: files.iter().map(|(path, bytes)| (path.to_string(), STANDARD.encode(bytes))).collect(),
        ignored: ignored.iter().map(ToString::to_string).collect(),
        findings: findings.iter().map(note).collect(),
    })
}

fn seals(Verified { tag, commit, tagged }: &Verified) -> Seals {
    let seal = |Signer { principals, key }: &Signer| SignerForm {
        principals: principals.to_string(),
        key: key.to_string(),
    };
    Seals { tag: tag.as_ref().map(seal), commit: commit.as_ref().map(seal), tagged: *tagged }
}

fn note(finding: &Finding) -> Note {
    let Finding {
        place: Place { path, line, column },
        severity,
        rule,
        message,
        hint,
        connector,
        environment,
    } = finding;
    Note {
        path: path.to_string(),
        line: *line,
        column: *column,
        severity: severity.name().to_owned(),
        rule: rule.name().to_owned(),
        message: message.clone(),
        hint: hint.clone(),
        connector: connector.as_ref().map(ToString::to_string),
        environment: environment.as_ref().map(ToString::to_string),
    }
}

/// What was written of one repository; nothing where it is no form of ours.
fn kept(entry: Entry) -> Option<Kept> {
    let repository = match entry.name.as_str() {
        "main" => RepositoryName::main(),
        name => RepositoryName::import(name)?,
    };
    let at = At::Git {
        reference: entry.reference.into(),
        object: ObjectId::new(&entry.object)?,
        commit: ObjectId::new(&entry.commit)?,
        committed: entry.committed,
        verified: entry.verified.map(|seals| Arc::new(verified(seals))),
    };
    let file = |(path, text): (String, String)| Some((path.into(), STANDARD.decode(text).ok()?.into()));
    let files: Option<Files> = entry.files.into_iter().map(file).collect();
    let findings: Option<Vec<_>> = entry.findings.into_iter().map(finding).collect();
    let tag = |(name, commit): (String, String)| {
        Some(VersionTag { name: name.into(), commit: ObjectId::new(&commit)? })
    };
    let versions: Option<Vec<_>> = entry.versions.into_iter().map(tag).collect();
    let evidence = match entry.evidence {
        None => None,
        Some(objects) => Some(Arc::new(evidence(objects)?)),
    };
    let snapshot = Snapshot {
        revision: RepositoryRevision { repository, at },
        files: files?,
        ignored: entry.ignored.into_iter().map(Into::into).collect(),
        findings: findings?,
    };
    Some(Kept {
        source: entry.source.into(),
        snapshot: Arc::new(snapshot),
        evidence,
        memory: Memory { tagged: entry.tagged, version: entry.version.map(Into::into), versions: versions? },
    })
}

fn verified(Seals { tag, commit, tagged }: Seals) -> Verified {
    let signer = |SignerForm { principals, key }| Signer { principals: principals.into(), key: key.into() };
    Verified { tag: tag.map(signer), commit: commit.map(signer), tagged }
}

fn evidence(Objects { tag, commit }: Objects) -> Option<Evidence> {
    let tag = match tag {
        None => None,
        Some(tag) => Some(STANDARD.decode(tag).ok()?),
    };
    Some(Evidence { tag, commit: STANDARD.decode(commit).ok()? })
}

fn finding(note: Note) -> Option<Finding> {
    let environment = match note.environment {
        None => None,
        Some(name) => Some(EnvironmentName::new(&name).ok()?),
    };
    Some(Finding {
        place: Place { path: note.path.into(), line: note.line, column: note.column },
        severity: Severity::ALL.into_iter().find(|one| one.name() == note.severity)?,
        rule: *Rule::ALL.iter().find(|one| one.name() == note.rule)?,
        message: note.message,
        hint: note.hint,
        connector: note.connector.as_deref().map(ConnectorName::observed),
        environment,
    })
}
