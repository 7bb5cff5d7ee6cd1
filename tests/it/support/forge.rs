//! What a forge does with a repository that `tagalong init` wrote: a bare repository, a developer's clone, and a
//! runner that takes each step of a workflow and gives it to a shell, in a fresh clone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tagalong_testkit::git::repository::pinned;

use crate::support::command::Desk;
use crate::support::program::program;
use crate::support::tree;

/// What the Connect runs that runners reach.
const PLANNED: &str = "staging";

/// A forge with one repository.
pub struct Forge {
    /// The developer's desk; `work` is their clone, `origin.git` the forge's repository.
    pub desk: Desk,
    /// The address of a Connect that runners reach, where they do.
    pub connect: Option<String>,
    /// The digest of the binary that runners download.
    digest: String,
    runs: usize,
}

/// How a job ended.
#[derive(Debug)]
pub struct Ended {
    /// The step that failed, where one did.
    pub failed: Option<String>,
    /// Everything that was printed.
    pub said: String,
    /// What would have been posted as a comment.
    pub comment: Option<String>,
}

impl Forge {
    /// A forge with what `init` writes on `main`.
    pub async fn new(ci: &str) -> Result<Self> {
        let mut forge = Self { desk: Desk::new(&[])?, connect: None, digest: String::new(), runs: 0 };
        let said = forge.desk.run(&format!("init work --ci {ci}")).await?;
        ensure!(said.code == Some(0), "{said}");
        forge.git(".", "init --quiet --bare --initial-branch main origin.git")?;
        forge.git("work", "init --quiet --initial-branch main")?;
        forge.git("work", "remote add origin ../origin.git")?;
        forge.digest = forge.shell(".", &format!("sha256sum {}", program().display()), &[])?;
        forge.digest.truncate(64);
        forge.push("main", &[])?;
        Ok(forge)
    }

    /// Commits files on a branch and pushes it.
    pub fn push(&self, branch: &str, files: &[(&str, &str)]) -> Result<()> {
        self.git("work", &format!("checkout --quiet -B {branch}"))?;
        for (path, text) in files {
            self.desk.write(&format!("work/{path}"), text)?;
        }
        self.git("work", "add --all")?;
        self.git("work", "commit --quiet --message change")?;
        self.git("work", &format!("push --quiet --force origin {branch}")).map(drop)
    }

    /// Runs git in a folder of the desk; gives what it said.
    pub fn git(&self, folder: &str, arguments: &str) -> Result<String> {
        let mut git = pinned(&self.desk.path(""));
        let output = git.args(arguments.split(' ')).current_dir(self.desk.path(folder)).output()?;
        ensure!(output.status.success(), "git {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// What a name means in the forge's repository; none where it means nothing.
    pub fn origin(&self, name: &str) -> Option<String> {
        self.git("origin.git", &format!("rev-parse --quiet --verify {name}^{{commit}}")).ok()
    }

    /// A fresh clone with everything, as `fetch-depth: 0` gives it; gives its folder.
    fn clone(&mut self) -> Result<String> {
        self.runs += 1;
        let folder = format!("run-{}", self.runs);
        self.git(".", &format!("clone --quiet origin.git {folder}"))?;
        self.git(&folder, "checkout --quiet --detach")?;
        Ok(folder)
    }

    /// Runs the only job of a GitHub workflow, for a pull request of a branch where one is named.
    pub fn github(&mut self, workflow: &str, branch: Option<&str>) -> Result<Ended> {
        let path = format!("work/.github/workflows/{workflow}.yaml");
        let workflow = tree::read(&path, &std::fs::read_to_string(self.desk.path(&path))?)?;
        let jobs = workflow["jobs"].as_object().context("it has jobs")?;
        ensure!(jobs.len() == 1, "one job is run");
        let job = jobs.values().next().context("one job")?;
        let folder = self.clone()?;
        if let Some(branch) = branch {
            self.git(&folder, &format!("merge --quiet --no-ff --no-edit origin/{branch}"))?;
        }
        let temp = self.desk.path(&format!("{folder}-temp"));
        std::fs::create_dir(&temp)?;
        let mut ended = Ended { failed: None, said: String::new(), comment: None };
        for step in job["steps"].as_array().into_iter().flatten() {
            let name = step["name"].as_str().unwrap_or_default().to_owned();
            let Some(script) = step["run"].as_str() else {
                let uses = step["uses"].as_str().context("a step runs or uses something")?;
                ensure!(uses.starts_with("actions/checkout@v"), "{uses}");
                ensure!(step["with"]["fetch-depth"] == "0", "the clone has everything");
                continue;
            };
            // What only the forge can do.
            if name == "Comment" {
                ended.comment = Some(std::fs::read_to_string(temp.join("compare.md"))?);
                continue;
            }
            let own = step["if"].as_str().unwrap_or("always");
            if own.starts_with("vars.PLAN_CONNECT && ") && self.connect.is_none() {
                continue;
            }
            let mut variables = self.variables(&temp)?;
            for (key, value) in [&job["env"], &step["env"]].into_iter().filter_map(Value::as_object).flatten()
            {
                variables.insert(key.clone(), self.filled(value.as_str().context("a text")?)?);
            }
            let output = self.bash(&folder, script, &variables, &["-e"])?;
            if !ended.take(&name, &output) {
                if step["continue-on-error"] == "true" {
                    ended.failed = None;
                    continue;
                }
                break;
            }
        }
        Ok(ended)
    }

    /// Runs one job of the GitLab pipeline on a branch.
    pub fn gitlab(&mut self, job: &str, branch: &str) -> Result<Ended> {
        let pipeline = std::fs::read_to_string(self.desk.path("work/.gitlab-ci.yml"))?;
        let pipeline = tree::read(".gitlab-ci.yml", &pipeline)?;
        ensure!(pipeline["variables"]["GIT_DEPTH"] == "0", "the clone has everything");
        let folder = self.clone()?;
        self.git(&folder, &format!("checkout --quiet --detach origin/{branch}"))?;
        let mut variables: BTreeMap<String, String> = BTreeMap::new();
        for (key, value) in pipeline["variables"].as_object().into_iter().flatten() {
            variables.insert(key.clone(), value.as_str().context("a text")?.to_owned());
        }
        for (key, value) in [
            ("TAGALONG_URL", format!("file://{}", program().display())),
            ("TAGALONG_SHA256", self.digest.clone()),
            ("HOME", self.desk.path("").display().to_string()),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", self.git(&folder, "merge-base origin/main HEAD")?),
            ("CI_PROJECT_URL", format!("file://{}", self.desk.path("origin").display())),
            ("GITLAB_USER_LOGIN", "ada".to_owned()),
            ("GITLAB_USER_EMAIL", "ada@example.com".to_owned()),
            ("RELEASE_TOKEN", "none".to_owned()),
        ] {
            variables.insert(key.to_owned(), value);
        }
        if let Some(connect) = &self.connect {
            variables.insert("PLAN_CONNECT".to_owned(), connect.clone());
            variables.insert("PLAN_ENVIRONMENT".to_owned(), PLANNED.to_owned());
        }
        let lines = |job: &Value, key: &str| -> Vec<String> {
            job[key]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(ToOwned::to_owned)
                .collect()
        };
        let of = &pipeline[job];
        let base =
            of["extends"].as_str().map(|base| &pipeline[base]).context("it extends the one that installs")?;
        let mut script = lines(base, "before_script");
        script.extend(lines(of, "script"));
        let output = self.bash(&folder, &script.join("\n"), &variables, &["-eo", "pipefail"])?;
        let mut ended = Ended { failed: None, said: String::new(), comment: None };
        ended.take(job, &output);
        ended.comment = std::fs::read_to_string(self.desk.path(&folder).join("compare.md")).ok();
        Ok(ended)
    }

    /// What a GitHub runner sets for each step.
    fn variables(&self, temp: &Path) -> Result<BTreeMap<String, String>> {
        let file = |name: &str| temp.join(name).display().to_string();
        let path = std::fs::read_to_string(temp.join("path")).unwrap_or_default();
        let paths = path.lines().map(PathBuf::from).chain(paths());
        let path = std::env::join_paths(paths)?.into_string().map_err(|_| anyhow::anyhow!("no text"))?;
        let pairs = [
            ("PATH", path),
            ("HOME", self.desk.path("").display().to_string()),
            ("RUNNER_TEMP", temp.display().to_string()),
            ("GITHUB_PATH", file("path")),
            ("GITHUB_STEP_SUMMARY", file("summary.md")),
            ("GITHUB_ACTOR", "ada".to_owned()),
        ];
        Ok(pairs.map(|(key, value)| (key.to_owned(), value)).into())
    }

    /// A value with what a runner puts in place of its expression.
    fn filled(&self, value: &str) -> Result<String> {
        let Some(expression) = value.strip_prefix("${{ ").and_then(|rest| rest.strip_suffix(" }}")) else {
            ensure!(!value.contains("${{"), "an expression is the whole value: {value}");
            return Ok(value.to_owned());
        };
        Ok(match expression {
            "vars.TAGALONG_URL" => format!("file://{}", program().display()),
            "vars.TAGALONG_SHA256" => self.digest.clone(),
            "github.base_ref" => "main".to_owned(),
            "vars.PLAN_CONNECT" => self.connect.clone().unwrap_or_default(),
            "vars.PLAN_ENVIRONMENT" => PLANNED.to_owned(),
            // What is not set is empty.
            "vars.PLAN_VALUES" => String::new(),
            other => bail!("no runner of this test knows {other}"),
        })
    }

    fn shell(&self, folder: &str, script: &str, options: &[&str]) -> Result<String> {
        let output = self.bash(folder, script, &BTreeMap::new(), options)?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    fn bash(
        &self,
        folder: &str,
        script: &str,
        variables: &BTreeMap<String, String>,
        options: &[&str],
    ) -> Result<Output> {
        let mut bash = std::process::Command::new("bash");
        bash.args(options).args(["-c", script]).current_dir(self.desk.path(folder)).env_clear();
        bash.env("PATH", std::env::join_paths(paths())?).env("GIT_CONFIG_NOSYSTEM", "1");
        Ok(bash.envs(variables).output()?)
    }
}

impl Ended {
    /// Keeps what a step said; whether the next one may follow.
    fn take(&mut self, name: &str, output: &Output) -> bool {
        self.said.push_str(&String::from_utf8_lossy(&output.stdout));
        self.said.push_str(&String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            self.failed = Some(name.to_owned());
        }
        output.status.success()
    }
}

/// The search path of a runner, which has no tagalong yet.
fn paths() -> Vec<PathBuf> {
    let path = tagalong_testkit::environment::variable("PATH").unwrap_or_default();
    std::env::split_paths(&path).filter(|folder| !folder.join("tagalong").exists()).collect()
}
