//! `tagalong init`: a definitions repository to start from, with the workflows that check and release it.
//!
//! The files themselves lie in `config/init`. Nothing that is there already is ever written over.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use crate::cli::failure::{Done, Failure};
use crate::cli::print;
use crate::repo::clone::LocalClone;

/// Write a definitions repository to start from, with its pull-request and release workflows
#[derive(Debug, Args)]
#[command(
    after_help = "One template (Debezium for PostgreSQL), one connector, three environments; what is written is valid. Nothing \
    that is there is written over.\n\n\
    Examples:\n  \
    tagalong init connectors\n  \
    tagalong init . --ci gitlab\n\n\
    Exit codes: 0 done, 1 failed."
)]
pub struct Init {
    /// Folder to write into; it is made where it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,

    /// Whose workflows; default: those of the host that the remote `origin` names, else GitHub's
    #[arg(long, value_enum, value_name = "WHOSE")]
    ci: Option<Ci>,
}

/// Whose workflows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ci {
    // Without help of their own, so that `--help` lists them in one line.
    Github,
    Gitlab,
    None,
}

/// A file by its path in the new repository.
type File = (&'static str, &'static str);

/// It may be there already: a forge makes one with each repository.
const README: File = ("README.md", include_str!("../../config/init/README.md"));

const DEFINITIONS: [File; 6] = [
    ("tagalong.yaml", include_str!("../../config/init/tagalong.yaml")),
    ("templates/debezium-postgres.yaml", include_str!("../../config/init/templates/debezium-postgres.yaml")),
    ("connectors/orders.yaml", include_str!("../../config/init/connectors/orders.yaml")),
    ("environments/production.yaml", include_str!("../../config/init/environments/production.yaml")),
    ("environments/staging.yaml", include_str!("../../config/init/environments/staging.yaml")),
    ("environments/ed8k.yaml", include_str!("../../config/init/environments/ed8k.yaml")),
];

const GITHUB: [File; 2] = [
    (".github/workflows/pull-request.yaml", include_str!("../../config/init/github/pull-request.yaml")),
    (".github/workflows/release.yaml", include_str!("../../config/init/github/release.yaml")),
];

const GITLAB: [File; 1] = [(".gitlab-ci.yml", include_str!("../../config/init/gitlab/gitlab-ci.yml"))];

/// What makes a folder one of definitions already.
const ENTRIES: [&str; 4] = ["tagalong.yaml", "templates", "connectors", "environments"];

impl Init {
    pub async fn run(self) -> Result<Done, Failure> {
        let Self { dir, ci } = self;
        fs::create_dir_all(&dir)
            .with_context(|| format!("failed to make the folder {}", dir.display()))
            .map_err(Failure::new)?;
        let clone = LocalClone::around(&dir).ok();
        let ci = match ci {
            Some(ci) => ci,
            None => suggested(clone.as_ref()).await,
        };
        let workflows = match ci {
            Ci::Github => GITHUB.as_slice(),
            Ci::Gitlab => GITLAB.as_slice(),
            Ci::None => &[],
        };
        let mut files: Vec<_> = DEFINITIONS.iter().chain(workflows).collect();
        vacant(&dir, &files)?;
        if !is_there(&dir.join(README.0)) {
            files.push(&README);
        }
        for (path, text) in &files {
            write(&dir.join(path), text)
                .with_context(|| format!("failed to write {}", dir.join(path).display()))
                .map_err(Failure::new)?;
        }
        let inner = clone.as_ref().is_some_and(|clone| !clone.is_root());
        if ci == Ci::None && inner {
            print::note("No workflows are written: a forge reads them at the root of a repository only.");
        }
        print::result(&told(&dir, &files, clone.is_some()))?;
        Ok(Done::Well)
    }
}

/// Whose workflows the folder most likely needs.
async fn suggested(clone: Option<&LocalClone>) -> Ci {
    match clone {
        Some(clone) if !clone.is_root() => Ci::None,
        Some(clone) if clone.origin().await.is_some_and(|host| host.contains("gitlab")) => Ci::Gitlab,
        Some(_) | None => Ci::Github,
    }
}

/// Refuses a folder in which something of it is there already, and says what.
fn vacant(dir: &Path, files: &[&File]) -> Result<(), Failure> {
    let mut there: Vec<_> = ENTRIES.iter().copied().filter(|entry| is_there(&dir.join(entry))).collect();
    let of_entries = |path: &str| ENTRIES.iter().any(|entry| Path::new(path).starts_with(entry));
    there.extend(
        files.iter().map(|(path, _)| *path).filter(|path| !of_entries(path) && is_there(&dir.join(path))),
    );
    if there.is_empty() {
        return Ok(());
    }
    let error =
        anyhow::anyhow!("{} has {} already, and nothing is written over", dir.display(), there.join(", "));
    let error = Failure::new(error);
    Err(error
        .hint(Some("name another folder and take from it what is missing; `--ci none` leaves workflows out")))
}

/// Whether there is something, be it a link that leads nowhere.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

/// A path as a shell reads it back.
fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if path.chars().all(is_plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

/// What was written, and the next three commands.
fn told(dir: &Path, files: &[&File], in_git: bool) -> String {
    let shown = quoted(&dir.display().to_string());
    let mut paths: Vec<_> = files.iter().map(|(path, _)| *path).collect();
    paths.sort_unstable();
    let written = paths.join("\n  ");
    let commit = if in_git {
        format!("git -C {shown} add .")
    } else {
        format!("git -C {shown} init --initial-branch main")
    };
    format!(
        "Wrote into {shown}:\n  {written}\n\nNext:\n  tagalong validate {shown}\n  \
         tagalong render --dir {shown} -e staging orders\n  {commit}\n"
    )
}
