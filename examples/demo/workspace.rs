//! A developer's workspace: a Kafka, a Connect worker and a PostgreSQL of its own, and the one `tagalong apply` that a
//! Helm hook runs there. The database has been made and filled, but its server is down at first.

use crate::say;
use crate::world::DATABASE;
use anyhow::{Context as _, Result};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tagalong_testkit::process::Launch;
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::{Group, Options};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// The environment that a workspace is.
pub const ENVIRONMENT: &str = "ed8k";
const POSTGRES: &str = "postgres";
// The hook's patience: longer than everything that is late on a busy machine.
const TIMEOUT: &str = "90s";

/// A workspace that is up, but for its database.
pub struct Workspace {
    /// Its own Kafka, Connect and PostgreSQL.
    pub stack: Stack,
}

/// What a `tagalong apply` said, and how it ended.
pub struct Told {
    /// Its exit code.
    pub code: Option<i32>,
    /// How long it took.
    pub took: Duration,
    lines: Vec<(Duration, String)>,
}

impl Workspace {
    /// Starts it. The database holds one row from before anybody captured it.
    pub async fn start() -> Result<Self> {
        let stack =
            Stack::start(Options { postgres: true, group: Group::new(ENVIRONMENT).workers(1) }).await?;
        let postgres = stack.postgres();
        postgres.database(DATABASE).await?;
        postgres.sql(DATABASE, "CREATE TABLE orders (id int PRIMARY KEY, item text)").await?;
        postgres.sql(DATABASE, "INSERT INTO orders VALUES (1, 'apples')").await?;
        stack.stop_part(POSTGRES).await?;
        Ok(Self { stack })
    }

    /// Starts PostgreSQL.
    pub async fn start_postgres(&self) -> Result<()> {
        self.stack.start_part(POSTGRES).await.map(drop)
    }

    /// Runs `tagalong apply` on the repository's tag `v1` to its end, and says each line as it comes, also to who listens.
    pub async fn apply(&self, tagalong: &Path, git: &str, heard: impl Fn(&str)) -> Result<Told> {
        let arguments = self.arguments(git);
        say(&format!("    tagalong {}", arguments.join(" ")));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = Launch::new(tagalong, &arguments).command();
        let began = Instant::now();
        let mut apply = command.stdout(Stdio::piped()).spawn().context("start tagalong apply")?;
        let mut output = BufReader::new(apply.stdout.take().context("a pipe")?).lines();
        let mut lines = Vec::new();
        while let Some(line) = output.next_line().await? {
            let at = began.elapsed();
            say(&format!("    {:>4.1} s  {line}", at.as_secs_f32()));
            heard(&line);
            lines.push((at, line));
        }
        let code = apply.wait().await?.code();
        Ok(Told { code, took: began.elapsed(), lines })
    }

    fn arguments(&self, git: &str) -> Vec<String> {
        let postgres = self.stack.postgres().at;
        let values = [
            format!("postgres.host={}", postgres.host),
            format!("postgres.port={}", postgres.port),
            format!("postgres.password_file={}", postgres.password_file.display()),
        ];
        let url = self.stack.workers()[0].url.as_str();
        let fixed = ["apply", "--git", git, "--tag", "v1", "-e", ENVIRONMENT, "--connect", url];
        let fixed = fixed.into_iter().chain(["--yes", "--timeout", TIMEOUT]).map(str::to_owned);
        fixed.chain(values.into_iter().flat_map(|value| ["--value".to_owned(), value])).collect()
    }

    /// Where a person can look.
    pub fn addresses(&self) -> Vec<String> {
        let postgres = self.stack.postgres().at;
        let mut lines = vec![format!("ed8k worker   {}/connectors/orders", self.stack.workers()[0].url)];
        lines.push(format!(
            "ed8k postgres psql postgresql://{}:{}@{}:{}/{DATABASE}",
            postgres.user, postgres.password, postgres.host, postgres.port
        ));
        lines.push(format!(
            "ed8k Kafka    kcat -C -b {} -t orders.public.orders",
            self.stack.kafka().bootstrap
        ));
        lines
    }
}

impl Told {
    /// When it first said this of a connector's step.
    pub fn when(&self, connector: &str, outcome: &str) -> Option<Duration> {
        self.lines.iter().find(|(_, line)| says(line, connector, outcome)).map(|(at, _)| *at)
    }

    /// Its last line.
    pub fn last(&self) -> &str {
        self.lines.last().map_or("nothing", |(_, line)| line)
    }
}

/// Whether a line says this of a connector's step.
pub fn says(line: &str, connector: &str, outcome: &str) -> bool {
    line.contains(&format!(" {connector}  {outcome},"))
}
