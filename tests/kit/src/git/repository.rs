//! A bare repository that a test fills: commits of whole files, branches, tags that move. It is made with the `git`
//! command, cut off from the settings of the machine and the person, at times that the test decides.

use crate::environment::variable;
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The moment of the first commit, in seconds since 1970; each further commit or tag is one minute later.
pub const FIRST_MOMENT: i64 = 1_767_225_600;

const BRANCH: &str = "main";

/// A bare repository and a work tree beside it.
pub struct Repository {
    dir: TempDir,
    moment: i64,
}

impl Repository {
    /// Makes an empty repository whose branch is `main`.
    pub fn new() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("tagalong-git-").tempdir()?;
        let repository = Self { dir, moment: FIRST_MOMENT };
        fs::create_dir(repository.work_tree())?;
        fs::create_dir(repository.dir.path().join("home"))?;
        let bare = repository.path();
        let bare = bare.to_str().context("a temporary path that is text")?;
        repository.git(&["init", "-q", "--bare", "-b", BRANCH, bare])?;
        repository.git(&["init", "-q", "-b", BRANCH])?;
        repository.git(&["remote", "add", "origin", bare])?;
        // Clients ask for single commits, and fetch without the blobs' history.
        for allowed in ["allowAnySHA1InWant", "allowFilter"] {
            repository.git(&["-C", bare, "config", &format!("uploadpack.{allowed}"), "true"])?;
        }
        Ok(repository)
    }

    /// The bare repository's folder, `…/repository.git`: as it is, a URL that git reads.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("repository.git")
    }

    /// The folder that a server may serve: it holds the bare repository under [`Repository::NAME`].
    pub fn parent(&self) -> &Path {
        self.dir.path()
    }

    /// What the bare repository is called below [`Repository::parent`].
    pub const NAME: &str = "repository.git";

    /// The moment that the next commit or tag will carry.
    pub fn moment(&self) -> i64 {
        self.moment
    }

    /// Sets the moment of the next commit or tag, in seconds since 1970.
    pub fn set_moment(&mut self, moment: i64) {
        self.moment = moment;
    }

    /// Writes these files over what is there, commits on the current branch, pushes, and gives the commit's id.
    pub fn commit(&mut self, message: &str, files: &[(&str, &str)]) -> Result<String> {
        for (path, text) in files {
            let path = self.work_tree().join(path);
            fs::create_dir_all(path.parent().expect("inside the work tree"))?;
            fs::write(path, text)?;
        }
        self.commit_work_tree(message)
    }

    /// Copies a folder over what is there and commits as [`Repository::commit`] does.
    pub fn commit_folder(&mut self, message: &str, from: &Path) -> Result<String> {
        copy(from, &self.work_tree())?;
        self.commit_work_tree(message)
    }

    /// Removes files and commits as [`Repository::commit`] does.
    pub fn remove(&mut self, message: &str, paths: &[&str]) -> Result<String> {
        for path in paths {
            fs::remove_file(self.work_tree().join(path)).with_context(|| format!("remove {path}"))?;
        }
        self.commit_work_tree(message)
    }

    /// Commits and pushes whatever the work tree holds, links and odd modes included.
    pub fn commit_work_tree(&mut self, message: &str) -> Result<String> {
        self.git(&["add", "-A"])?;
        self.git(&["commit", "-q", "--allow-empty", "-m", message])?;
        self.moment += 60;
        self.git(&["push", "-q", "-f", "origin", "HEAD"])?;
        self.id("HEAD")
    }

    /// Goes to a branch, which begins at the current commit if it is new, and pushes it.
    pub fn branch(&self, name: &str) -> Result<()> {
        let known = self.git(&["rev-parse", "-q", "--verify", &format!("refs/heads/{name}")]).is_ok();
        let create: &[&str] = if known { &[] } else { &["-b"] };
        self.git(&[&["checkout", "-q"], create, &[name]].concat())?;
        self.git(&["push", "-q", "-f", "origin", name]).map(drop)
    }

    /// Makes or moves a lightweight tag to a commit (or anything that `git rev-parse` understands).
    pub fn tag(&self, name: &str, target: &str) -> Result<()> {
        self.git(&["tag", "-f", name, target])?;
        self.push_tag(name)
    }

    /// Makes or moves an annotated tag and gives the id of the tag object.
    pub fn annotated_tag(&mut self, name: &str, target: &str, message: &str) -> Result<String> {
        self.git(&["tag", "-f", "-a", "-m", message, name, target])?;
        self.moment += 60;
        self.push_tag(name)?;
        self.id(&format!("refs/tags/{name}"))
    }

    /// Deletes a tag.
    pub fn delete_tag(&self, name: &str) -> Result<()> {
        self.git(&["tag", "-d", name])?;
        self.git(&["push", "-q", "origin", &format!(":refs/tags/{name}")]).map(drop)
    }

    /// The id that a name stands for, unpeeled.
    pub fn id(&self, name: &str) -> Result<String> {
        self.git(&["rev-parse", name])
    }

    /// The work tree, for what the methods here do not offer; follow with [`Repository::commit_work_tree`].
    pub fn work_tree(&self) -> PathBuf {
        self.dir.path().join("work-tree")
    }

    /// Runs any git command in the work tree and gives its trimmed output.
    pub fn git(&self, arguments: &[&str]) -> Result<String> {
        let moment = format!("@{} +0000", self.moment);
        let output = pinned(&self.dir.path().join("home"))
            .current_dir(self.work_tree())
            .args(["-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false", "-c", "gc.auto=0"])
            .args(arguments)
            .env("GIT_AUTHOR_DATE", &moment)
            .env("GIT_COMMITTER_DATE", &moment)
            .output()
            .context("start git")?;
        ensure!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    fn push_tag(&self, name: &str) -> Result<()> {
        self.git(&["push", "-q", "-f", "origin", &format!("refs/tags/{name}")]).map(drop)
    }
}

/// The `git` command with nothing of the machine's or the person's settings; `home` stands for the home folder.
pub fn pinned(home: &Path) -> Command {
    let mut git = Command::new("git");
    // Nothing is inherited: a hook that runs the tests sets GIT_DIR, which would lead every command astray.
    git.env_clear().env("PATH", variable("PATH").unwrap_or_default());
    git.stdin(Stdio::null())
        .env("HOME", home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "Ada")
        .env("GIT_AUTHOR_EMAIL", "ada@example.com")
        .env("GIT_COMMITTER_NAME", "Ada")
        .env("GIT_COMMITTER_EMAIL", "ada@example.com")
        .env("LC_ALL", "C");
    git
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_steps_give_the_same_ids() -> Result<()> {
        let build = || -> Result<(String, String)> {
            let mut repository = Repository::new()?;
            let commit = repository.commit("first", &[("connectors/a.yaml", "connector: a\n")])?;
            Ok((commit, repository.annotated_tag("v1", "HEAD", "release")?))
        };
        assert_eq!(build()?, build()?);
        Ok(())
    }

    #[test]
    fn a_tag_moves_in_the_bare_repository() -> Result<()> {
        let mut repository = Repository::new()?;
        let first = repository.commit("first", &[("a", "1")])?;
        repository.tag("v1", "HEAD")?;
        let second = repository.commit("second", &[("a", "2")])?;
        let seen = || repository.git(&["ls-remote", "origin", "refs/tags/v1"]);
        assert!(seen()?.starts_with(&first));
        repository.tag("v1", "HEAD")?;
        assert!(seen()?.starts_with(&second));
        repository.delete_tag("v1")?;
        assert_eq!(seen()?, "");
        Ok(())
    }

    #[test]
    fn branches_part_and_files_go() -> Result<()> {
        let mut repository = Repository::new()?;
        let first = repository.commit("first", &[("a", "1"), ("b", "1")])?;
        repository.branch("other")?;
        let second = repository.remove("second", &["b"])?;
        assert_eq!(repository.id("main")?, first);
        assert_eq!(
            repository.git(&["ls-remote", "origin", "refs/heads/other"])?,
            format!("{second}\trefs/heads/other")
        );
        assert_eq!(repository.git(&["ls-tree", "--name-only", &second])?, "a");
        Ok(())
    }
}
