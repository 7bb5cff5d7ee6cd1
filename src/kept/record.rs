//! The form in which it is written down which names were declared: JSON under a seal.
//!
//! Takes values, gives bytes, and the other way round. There is nothing secret in it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::kept::error::Doubt;
use crate::kept::seal::Seal;
use crate::model::known::{Batch, Look, LookEnd, Mention, Record, Said};
use crate::model::name::ConnectorName;
use crate::model::revision::{ObjectId, RepositoryName};

/// What every version begins the file with, and the form that this one reads and writes.
const SEAL: Seal = Seal { what: "declared names", format: 1 };

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// Whose it is.
    of: String,
    look: Option<LookForm>,
    names: BTreeMap<String, MentionForm>,
    /// What went together; nothing where nothing did, and in files from before it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch: Option<BatchForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchForm {
    names: BTreeSet<String>,
    every: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LookForm {
    from: String,
    to: String,
    commits: usize,
    end: EndForm,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EndForm {
    Root,
    Enough,
    Limit,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MentionForm {
    said: SaidForm,
    /// The folder, where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    committed: Option<Timestamp>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SaidForm {
    Declared,
    Kept,
    Forgotten,
}

/// Writes it down for whom this is the mark of.
pub fn encode(record: &Record, mark: &str) -> Vec<u8> {
    let Record { names, look, batch } = record;
    let name = |(name, mention): (&ConnectorName, &Mention)| (name.as_str().to_owned(), written(mention));
    let document = Document {
        of: mark.to_owned(),
        look: look.as_ref().map(|Look { from, to, commits, end }| LookForm {
            from: from.as_str().to_owned(),
            to: to.as_str().to_owned(),
            commits: *commits,
            end: match end {
                LookEnd::Root => EndForm::Root,
                LookEnd::Enough => EndForm::Enough,
                LookEnd::Limit => EndForm::Limit,
            },
        }),
        names: names.iter().map(name).collect(),
        batch: (!batch.names.is_empty()).then(|| BatchForm {
            names: batch.names.iter().map(|name| name.as_str().to_owned()).collect(),
            every: batch.every,
        }),
    };
    SEAL.put(&serde_json::to_vec(&document).expect("texts, numbers and maps can be written"))
}

/// Reads what was written down for the same.
pub fn decode(bytes: &[u8], mark: &str) -> Result<Record, Doubt> {
    let body = SEAL.take(bytes)?;
    let document: Document = serde_json::from_slice(body).map_err(|_| Doubt::Version)?;
    if document.of != mark {
        return Err(Doubt::Foreign);
    }
    let names = document.names.into_iter();
    let names: Option<_> =
        names.map(|(name, form)| Some((ConnectorName::observed(&name), mention(form)?))).collect();
    let look = match document.look {
        None => None,
        Some(form) => Some(look(&form).ok_or(Doubt::Version)?),
    };
    let batch = document.batch.map_or_else(Batch::default, |form| Batch {
        names: form.names.iter().map(|name| ConnectorName::observed(name)).collect(),
        every: form.every,
    });
    Ok(Record { names: names.ok_or(Doubt::Version)?, look, batch })
}

fn written(Mention { said, by, commit, committed }: &Mention) -> MentionForm {
    MentionForm {
        said: match said {
            Said::Declared { keep: false } => SaidForm::Declared,
            Said::Declared { keep: true } => SaidForm::Kept,
            Said::Forgotten => SaidForm::Forgotten,
        },
        folder: by.folder().map(str::to_owned),
        commit: commit.as_ref().map(|commit| commit.as_str().to_owned()),
        committed: *committed,
    }
}

fn mention(MentionForm { said, folder, commit, committed }: MentionForm) -> Option<Mention> {
    let commit = match commit {
        None => None,
        Some(id) => Some(ObjectId::new(&id)?),
    };
    let said = match said {
        SaidForm::Declared => Said::Declared { keep: false },
        SaidForm::Kept => Said::Declared { keep: true },
        SaidForm::Forgotten => Said::Forgotten,
    };
    let by = folder.map_or_else(RepositoryName::main, |folder| RepositoryName::extra(&folder));
    Some(Mention { said, by, commit, committed })
}

fn look(LookForm { from, to, commits, end }: &LookForm) -> Option<Look> {
    let end = match end {
        EndForm::Root => LookEnd::Root,
        EndForm::Enough => LookEnd::Enough,
        EndForm::Limit => LookEnd::Limit,
    };
    Some(Look { from: ObjectId::new(from)?, to: ObjectId::new(to)?, commits: *commits, end })
}
