//! `tagalong docs`: a page about the templates of a folder.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::cli::definitions::{self, Reach};
use crate::cli::failure::{Done, Failure};
use crate::cli::flags::Common;
use crate::cli::{print, wiring};
use crate::model::finding::Findings;
use crate::model::rule::Severity;
use crate::pipeline;
use crate::repo::Repository;
use crate::view;

/// Write a reference page of the templates, in Markdown
#[derive(Debug, Args)]
#[command(
    after_help = "What may be a secret is hidden. Templates of imports are told too, under the names that connectors use.\n\n\
    Examples:\n  \
    tagalong docs > TEMPLATES.md\n  \
    tagalong docs definitions --check definitions/TEMPLATES.md\n  \
    tagalong docs --import platform=../platform\n\n\
    Exit codes: 0 done, 1 failed, or the file differs."
)]
pub struct Docs {
    /// Folder of definitions
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,

    /// Write nothing; say whether this file is the page
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,

    /// Folder to read an import from; may be given again
    #[arg(long = "import", value_name = "NAME=DIR")]
    imports: Vec<String>,

    /// Ask git for the imports that are in no folder, with credentials of `TAGALONG_GIT_CREDENTIALS`
    #[arg(long)]
    fetch_imports: bool,

    #[command(flatten)]
    common: Common,
}

impl Docs {
    pub async fn run(self) -> Result<Done, Failure> {
        let repository = Repository::directory(&self.dir).naming(pipeline::named);
        let reach = if self.fetch_imports { Reach::Git } else { Reach::Folders };
        let overlay = self.imports.iter().map(|import| ("imports", import.clone())).collect();
        let options = wiring::imports(&self.common, overlay, reach)?;
        let definitions = pipeline::definitions(&definitions::sources(&repository, &options, reach).await?);
        if definitions.findings.has_errors() {
            let mut errors = Findings::default();
            let is_error = |severity| severity == Severity::Error;
            errors.extend(definitions.findings.into_iter().filter(|finding| is_error(finding.severity)));
            print::note(view::human::findings(&errors, false).trim_end());
            return Err(Failure::new(anyhow::anyhow!("the definitions cannot be told while they are wrong")));
        }
        let page = view::reference::page(&pipeline::reference::of(&definitions));
        match &self.check {
            None => {
                print::result(&page)?;
                Ok(Done::Well)
            }
            Some(file) => self.compare(file, &page),
        }
    }

    fn compare(&self, file: &Path, page: &str) -> Result<Done, Failure> {
        let name = file.display();
        let found = std::fs::read_to_string(file)
            .with_context(|| format!("failed to read {name}"))
            .map_err(|error| Failure::new(error).hint(Some(self.how(file))))?;
        // Git may write a carriage return before each end of a line where it checks the file out.
        let found = found.replace("\r\n", "\n");
        if found == page {
            return Ok(Done::Well);
        }
        let same = found.lines().zip(page.lines()).take_while(|(found, wanted)| found == wanted).count();
        print::note(&format!("{name} is not the page of these definitions, from line {} on.", same + 1));
        print::note(&format!("Hint: {}", self.how(file)));
        Ok(Done::Said)
    }

    fn how(&self, file: &Path) -> String {
        let imports: Vec<_> = self.imports.iter().map(|import| format!(" --import {import}")).collect();
        let imports = imports.concat();
        let fetch = if self.fetch_imports { " --fetch-imports" } else { "" };
        format!("`tagalong docs {}{imports}{fetch} > {}` writes it", self.dir.display(), file.display())
    }
}
