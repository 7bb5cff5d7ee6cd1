//! What the story happens to: the stack, the definitions repository, a recording proxy in front of each worker, an agent
//! beside each, and at last a workspace.

use crate::Sabotage;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail, ensure};
use reqwest::Client;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository;
use tagalong_testkit::http;
use tagalong_testkit::ports;
use tagalong_testkit::process::{Launch, Process};
use tagalong_testkit::program;
use tagalong_testkit::proxy::{Proxy, Recorded};
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::Options;
use tempfile::TempDir;

/// The time between two polls of the tag.
pub const INTERVAL: Duration = Duration::from_secs(5);
/// The database that the connector captures.
pub const DATABASE: &str = "shop";

/// Everything that runs. Dropping it ends everything.
pub struct World {
    /// The agents, in the order of their workers. First, because fields are dropped in this order.
    pub agents: Vec<Agent>,
    /// What stands between each agent and its worker.
    pub proxies: Vec<Proxy>,
    /// The definitions repository.
    pub definitions: Repository,
    /// What serves it.
    pub git: GitHttp,
    /// Kafka, Connect and PostgreSQL.
    pub stack: Stack,
    /// The developer's workspace, once the story has come to it.
    pub workspace: Option<Workspace>,
    /// For reading what they all say.
    pub client: Client,
    /// What is left out.
    pub sabotage: Option<Sabotage>,
    /// The binary.
    pub tagalong: PathBuf,
    // The agents' settings and logs.
    dir: TempDir,
}

/// One `tagalong run`.
pub struct Agent {
    /// Where it tells.
    pub url: String,
    process: Process,
}

impl World {
    /// Starts everything but the agents; the tag `v1` is at the first release.
    pub async fn start(sabotage: Option<Sabotage>) -> Result<Self> {
        let tagalong = program::build("tagalong").await?;
        let stack = Stack::start(Options::default()).await?;
        let mut definitions = Repository::new()?;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/demo/definitions");
        definitions.commit_folder("orders: capture the shop's orders", &folder)?;
        definitions.annotated_tag("v1", "HEAD", "first release")?;
        let git = GitHttp::start(definitions.parent()).await?;
        let postgres = stack.postgres();
        postgres.database(DATABASE).await?;
        postgres.sql(DATABASE, "CREATE TABLE orders (id int PRIMARY KEY, item text)").await?;
        let mut proxies = Vec::new();
        for worker in stack.workers() {
            proxies.push(Proxy::start(&worker.url).await?);
        }
        let dir = tempfile::Builder::new().prefix("tagalong-demo-").tempdir()?;
        let client = http::client();
        let (agents, workspace) = (Vec::new(), None);
        Ok(Self { agents, proxies, definitions, git, stack, workspace, client, sabotage, tagalong, dir })
    }

    /// Starts an agent beside each worker.
    pub fn start_agents(&mut self) -> Result<()> {
        let ports = ports::free(self.proxies.len())?;
        for (number, port) in ports.into_iter().enumerate() {
            let name = format!("agent-{}", number + 1);
            let settings = self.dir.path().join(format!("{name}.yaml"));
            fs::write(&settings, self.settings(number, port))?;
            let path = settings.to_str().context("a temporary path that is text")?;
            let launch = Launch::new(&self.tagalong, &["run", "--settings", path]);
            let mut process = Process::new(&name, launch, self.dir.path());
            if self.sabotage != Some(Sabotage::SecondAgent) || number == 0 {
                process.start()?;
            }
            self.agents.push(Agent { url: format!("http://127.0.0.1:{port}"), process });
        }
        Ok(())
    }

    fn settings(&self, number: usize, port: u16) -> String {
        let postgres = self.stack.postgres().at;
        format!(
            "environment: demo
repository:
  git: {{url: \"{git}\", ref: {{tag: v1}}, interval: {interval}s}}
connect: {{url: \"{connect}\"}}
values: {{postgres: {{host: \"{host}\", port: {database_port}, password_file: \"{password_file}\"}}}}
http: {{listen: \"127.0.0.1:{port}\"}}
state_dir: \"{state}\"
",
            state = self.dir.path().join(format!("state-{number}")).display(),
            git = self.git.url(Repository::NAME),
            interval = INTERVAL.as_secs(),
            connect = self.proxies[number].url(),
            host = postgres.host,
            database_port = postgres.port,
            password_file = postgres.password_file.display(),
        )
    }

    /// A release that gives the connector another batch size.
    pub fn release_batch_size(&mut self, message: &str, size: &str) -> Result<String> {
        let path = "connectors/orders.yaml";
        let text = fs::read_to_string(self.definitions.work_tree().join(path))?;
        let old = text.lines().find(|line| line.trim_start().starts_with("max.batch.size: "));
        let old = old.with_context(|| format!("{path} has no max.batch.size"))?;
        let changed = text.replace(old, &format!("  max.batch.size: {size}"));
        ensure!(changed != text, "{path} has max.batch.size {size} already");
        self.release(message, path, &changed)
    }

    /// A release: changes one definition, commits, and moves the tag, unless that is what is left out.
    pub fn release(&mut self, message: &str, path: &str, text: &str) -> Result<String> {
        let commit = self.definitions.commit(message, &[(path, text)])?;
        if self.sabotage != Some(Sabotage::Move) {
            self.definitions.annotated_tag("v1", "HEAD", message)?;
        }
        Ok(commit)
    }

    /// Takes the file with the typo out of the next release, if there is one.
    pub fn take_typo_back(&self) -> Result<()> {
        let typo = self.definitions.work_tree().join("connectors/payments.yaml");
        if typo.exists() {
            fs::remove_file(typo)?;
        }
        Ok(())
    }

    /// Every request that changed something, or may have, of both agents. The question who leads is a DELETE of a
    /// connector that cannot exist, and what is answered with 409 has changed nothing.
    pub fn writes(&self) -> Vec<Recorded> {
        let all = self.proxies.iter().flat_map(Proxy::writes);
        let asks = |write: &Recorded| write.method == "DELETE" && write.path.contains("/tagalong-probe-");
        all.filter(|write| !asks(write) && write.status != Some(409)).collect()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.proxies.iter().for_each(Proxy::clear);
    }

    /// The config of a connector as Connect has it; the error says what was seen instead.
    pub async fn config(&self, connector: &str) -> Result<Value, String> {
        self.connect(&format!("/connectors/{connector}/config")).await
    }

    /// Asks the first worker that answers, past the proxies.
    pub async fn connect(&self, path: &str) -> Result<Value, String> {
        let mut seen = String::new();
        for worker in self.stack.workers() {
            match self.get(&format!("{}{path}", worker.url)).await {
                Ok(text) => return serde_json::from_str(&text).map_err(|_| text),
                Err(error) => seen = error,
            }
        }
        Err(seen)
    }

    /// Reads a page; the error says what was seen instead.
    pub async fn get(&self, url: &str) -> Result<String, String> {
        let answer = self.client.get(url).send().await.map_err(|_| format!("no answer from {url}"))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|_| format!("half an answer from {url}"))?;
        if status.is_success() { Ok(text) } else { Err(format!("{status} from {url}: {text}")) }
    }

    /// What an agent says of itself now.
    pub async fn status(&self, agent: usize) -> Result<Value, String> {
        let text = self.get(&format!("{}/status", self.agents[agent].url)).await?;
        serde_json::from_str(&text).map_err(|_| text)
    }

    /// What an agent's metric says now; labels are given as `name="value"`.
    pub async fn metric(&self, agent: usize, family: &str, labels: &[&str]) -> Result<i64, String> {
        let text = self.get(&format!("{}/metrics", self.agents[agent].url)).await?;
        let line = text.lines().find(|line| {
            let rest = line.strip_prefix(family).unwrap_or_default();
            rest.starts_with(['{', ' ']) && labels.iter().all(|label| rest.contains(label))
        });
        let value = line.and_then(|line| line.rsplit(' ').next()).and_then(|value| value.parse().ok());
        value.ok_or_else(|| format!("no {family} {labels:?} at agent {}", agent + 1))
    }

    /// The agent beside the worker that leads.
    pub async fn leader(&self) -> Result<usize> {
        for agent in 0..self.agents.len() {
            if self.metric(agent, "tagalong_leader", &[]).await == Ok(1) {
                return Ok(agent);
            }
        }
        bail!("expected one agent to lead, but saw none")
    }

    /// How often the connector's task was started: the workers write every change of state into a topic.
    pub async fn starts(&self, connector: &str) -> Result<usize> {
        let task = format!("status-task-{connector}-0");
        let records = self.stack.kafka().all("connect-statuses").await?;
        let states = records.iter().filter(|record| record.key.as_ref() == Some(&task));
        let running = states.filter(|record| {
            let value: Value =
                serde_json::from_str(record.value.as_deref().unwrap_or_default()).unwrap_or_default();
            value["state"] == "RUNNING"
        });
        Ok(running.count())
    }

    /// Where a person can look.
    pub fn addresses(&self) -> String {
        let mut lines = Vec::new();
        for (number, agent) in self.agents.iter().enumerate() {
            lines.push(format!("agent {}       {}/   (also /status and /metrics)", number + 1, agent.url));
        }
        for (number, worker) in self.stack.workers().iter().enumerate() {
            lines.push(format!("worker {}      {}/connectors/orders", number + 1, worker.url));
        }
        let postgres = self.stack.postgres().at;
        lines.push(format!(
            "PostgreSQL    psql postgresql://{}:{}@{}:{}/{DATABASE}",
            postgres.user, postgres.password, postgres.host, postgres.port
        ));
        let bootstrap = self.stack.kafka().bootstrap;
        lines.push(format!("Kafka         kcat -C -b {bootstrap} -t orders.public.orders"));
        let work_tree = self.definitions.work_tree();
        lines.push(format!(
            "definitions   {} (work tree in {})",
            self.git.url(Repository::NAME),
            work_tree.display()
        ));
        lines.push(format!(
            "release       cd {} && git commit -am … && git tag -f v1 && git push -f origin v1",
            work_tree.display()
        ));
        lines.extend(self.workspace.iter().flat_map(Workspace::addresses));
        format!("  {}", lines.join("\n  "))
    }

    /// The ends of the agents' logs.
    pub fn last_words(&self) -> String {
        let last = self.agents.iter().map(|agent| {
            let log = fs::read_to_string(agent.process.log()).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(10)..].join("\n  ");
            format!("\n{} said last:\n  {last}", agent.process.log().display())
        });
        last.collect()
    }

    /// Ends everything in order: agents, then the stacks.
    pub async fn end(mut self) -> Result<()> {
        for agent in &mut self.agents {
            if !agent.process.runs()? {
                continue;
            }
            let status = agent.process.stop(Duration::from_secs(12)).await?;
            ensure!(
                status.is_some_and(|status| status.success()),
                "expected an agent to end with 0 within 10 s of SIGTERM, but saw {status:?}"
            );
        }
        let workspace = async {
            match self.workspace {
                Some(workspace) => workspace.stack.stop().await,
                None => Ok(()),
            }
        };
        let (stack, workspace) = tokio::join!(self.stack.stop(), workspace);
        stack.and(workspace)
    }
}
