//! A repository of templates that a story's definitions import, released as `v2`.

use anyhow::Result;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository;

use crate::support::definitions::Definitions;

/// A repository of templates behind smart HTTP.
pub struct Platform {
    /// The repository.
    pub origin: Repository,
    /// Its server.
    pub http: GitHttp,
}

impl Platform {
    /// Makes a repository with a template, served to everybody.
    pub async fn new() -> Result<Self> {
        let origin = Self::released()?;
        let http = GitHttp::start(origin.parent()).await?;
        Ok(Self { origin, http })
    }

    /// The same, served to whoever knows this password.
    pub async fn with_password(user: &str, password: &str) -> Result<Self> {
        let origin = Self::released()?;
        let http = GitHttp::with_password(origin.parent(), user, password).await?;
        Ok(Self { origin, http })
    }

    fn released() -> Result<Repository> {
        let mut origin = Repository::new()?;
        origin.commit("a template", &[TEMPLATE])?;
        origin.annotated_tag("v2", "HEAD", "release")?;
        Ok(origin)
    }

    /// Commits files and moves `v2` there; gives the commit.
    pub fn release(&mut self, files: &[(&str, &str)]) -> Result<String> {
        let commit = self.origin.commit("a release", files)?;
        self.origin.annotated_tag("v2", "HEAD", "release")?;
        Ok(commit)
    }

    /// Where its server listens, as `host:port`.
    pub fn host(&self) -> String {
        self.http.url("").trim_start_matches("http://").trim_end_matches('/').to_owned()
    }

    /// A `tagalong.yaml` that imports it as `platform`.
    pub fn imported(&self, more: &str) -> String {
        imports("platform", &self.http.url(Repository::NAME), more)
    }

    /// Definitions with a connector of its template.
    pub async fn definitions(&self) -> Result<Definitions> {
        Definitions::new(&[("tagalong.yaml", &self.imported("")), ORDERS]).await
    }
}

/// A `tagalong.yaml` with one import.
pub fn imports(name: &str, url: &str, more: &str) -> String {
    format!("version: 1\nimports:\n  - {{name: {name}, git: \"{url}\", ref: {{tag: v2}}{more}}}\n")
}

/// The template, as it is released first.
pub const TEMPLATE: (&str, &str) = (
    "templates/file.yaml",
    "template: file\nparameters: {topic: {required: true}}\nconfig:\n  connector.class: FileStreamSource\n  tasks.max: 1\n  file: /dev/null\n  topic: \"{{ params.topic }}\"\n",
);

/// A connector of that template.
pub const ORDERS: (&str, &str) =
    ("connectors/orders.yaml", "connector: orders\ntemplate: platform/file\nwith: {topic: orders}\n");

/// The template with one more key.
pub fn template(more: &str) -> String {
    format!("{}{more}", TEMPLATE.1)
}
