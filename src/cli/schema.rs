//! `tagalong schema`: JSON Schemas of the files that people write, for editors.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::cli::failure::{Done, Failure};
use crate::cli::print;
use crate::pipeline;
use crate::settings;
use crate::view;

/// Write the JSON Schema of a kind of file, for editors
#[derive(Debug, Args)]
#[command(
    after_help = "A schema knows keys, types and words; `tagalong validate` also knows which names exist.\n\n\
    Examples:\n  \
    tagalong schema > definitions.json\n  \
    tagalong schema settings\n  \
    tagalong schema --write .schemas\n\n\
    Exit codes: 0 done, 1 a file cannot be written."
)]
pub struct Schema {
    /// Kind of file
    #[arg(value_enum, value_name = "KIND", default_value_t)]
    kind: Kind,

    /// Write the schema of every kind into this folder, as KIND.json
    #[arg(long, value_name = "DIR", conflicts_with = "kind")]
    write: Option<PathBuf>,
}

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum Kind {
    /// Files of templates/, connectors/ and environments/
    #[default]
    Definitions,
    /// tagalong.yaml
    Repository,
    /// The agent's settings
    Settings,
    /// Connectors in Kafka Connect's JSON
    Connect,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Definitions, Self::Repository, Self::Settings, Self::Connect];

    /// The word for it, and the name of its file without the ending.
    pub fn name(self) -> &'static str {
        match self {
            Self::Definitions => "definitions",
            Self::Repository => "repository",
            Self::Settings => "settings",
            Self::Connect => "connect",
        }
    }

    /// Its schema, as text.
    pub fn schema(self) -> String {
        let (kinds, repository, connector) = pipeline::shapes();
        match self {
            Self::Definitions => view::schema::definitions(kinds),
            Self::Repository => view::schema::file("tagalong.yaml", repository),
            Self::Settings => view::schema::by_path(
                "Settings of tagalong",
                "The agent's own settings. Every key is also an environment variable.",
                &settings::shape::fields(),
            ),
            Self::Connect => view::schema::connect(connector),
        }
    }
}

impl Schema {
    /// Writes it.
    pub fn run(self) -> Result<Done, Failure> {
        let Some(folder) = self.write else {
            print::result(&self.kind.schema())?;
            return Ok(Done::Well);
        };
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("failed to make the folder {}", folder.display()))
            .map_err(Failure::new)?;
        for kind in Kind::ALL {
            let path = folder.join(format!("{}.json", kind.name()));
            std::fs::write(&path, kind.schema())
                .with_context(|| format!("failed to write {}", path.display()))
                .map_err(Failure::new)?;
            print::result(&format!("{}\n", path.display()))?;
        }
        Ok(Done::Well)
    }
}
