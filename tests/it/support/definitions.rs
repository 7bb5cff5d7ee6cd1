//! A definitions repository that a story releases from, by moving the tag `v1`.

use anyhow::Result;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository;

/// A definitions repository behind smart HTTP.
pub struct Definitions {
    /// The repository.
    pub origin: Repository,
    /// Its server.
    pub http: GitHttp,
}

/// The environment of every story.
pub const ENVIRONMENT: (&str, &str) = ("environments/test.yaml", "environment: test\n");

impl Definitions {
    /// Makes a repository with these files, released as `v1`.
    pub async fn new(files: &[(&str, &str)]) -> Result<Self> {
        let mut origin = Repository::new()?;
        origin.commit("the environment", &[ENVIRONMENT])?;
        let http = GitHttp::start(origin.parent()).await?;
        let mut definitions = Self { origin, http };
        definitions.release(files)?;
        Ok(definitions)
    }

    /// Makes a repository with one connector that reads a file, released as `v1`.
    pub async fn one(name: &str, more: &str) -> Result<Self> {
        Self::new(&[(&file_of(name), &file_source(name, more))]).await
    }

    /// Commits files and moves `v1` there; gives the commit.
    pub fn release(&mut self, files: &[(&str, &str)]) -> Result<String> {
        let commit = self.origin.commit("a release", files)?;
        self.origin.annotated_tag("v1", "HEAD", "release")?;
        Ok(commit)
    }

    /// Moves `v1` to a commit.
    pub fn move_to(&mut self, commit: &str) -> Result<()> {
        self.origin.annotated_tag("v1", commit, "release")?;
        Ok(())
    }

    /// The commit that `v1` names.
    pub fn released(&self) -> Result<String> {
        self.origin.id("v1^{commit}")
    }

    /// Where it is served.
    pub fn url(&self) -> String {
        self.http.url(Repository::NAME)
    }

    /// The settings of an agent that follows `v1` for the environment `test`.
    pub fn settings(&self, connect: &str) -> String {
        self.settings_within(connect, "20s")
    }

    /// The same, where a change may take so long.
    pub fn settings_within(&self, connect: &str, change_deadline: &str) -> String {
        format!(
            "environment: test\nconnect: {{url: '{connect}', change_deadline: {change_deadline}}}\nrepository:\n  git:\n    url: {}\n    ref: {{tag: v1}}\n    interval: 1s\n    deadline: 60s\n",
            self.url()
        )
    }
}

/// A connector that reads a file, with one more key.
pub fn file_source(name: &str, more: &str) -> String {
    format!(
        "connector: {name}\nconfig:\n  connector.class: FileStreamSource\n  tasks.max: 1\n  topic: {name}\n  file: /dev/null\n{more}"
    )
}

/// The file that a connector of this name stands in.
pub fn file_of(name: &str) -> String {
    format!("connectors/{name}.yaml")
}
