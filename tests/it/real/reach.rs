//! Connect that asks who is there: its own basic-auth extension, on two workers.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use reqwest::StatusCode;
use tagalong_testkit::http;
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::{Group, Worker};
use tempfile::TempDir;

use crate::real::cluster::{CHANGE_DEADLINE, Cluster, PATIENCE, note};
use crate::support::agent::{Agent, wait_within};
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, ENVIRONMENT, file_of, file_source};

/// `kit:kit`, for whom the password never changes.
const KIT: &str = "Basic a2l0OmtpdA==";

/// Where the workers look up who may ask.
struct Logins(TempDir);

impl Logins {
    fn new(password: &str) -> Result<Self> {
        let logins = Self(tempfile::tempdir()?);
        let module = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";
        let text = format!("KafkaConnect {{ {module} required file=\"{}\"; }};\n", logins.file().display());
        std::fs::write(logins.0.path().join("jaas.conf"), text)?;
        logins.set(password)?;
        Ok(logins)
    }

    fn file(&self) -> std::path::PathBuf {
        self.0.path().join("logins.properties")
    }

    fn set(&self, password: &str) -> Result<()> {
        Ok(std::fs::write(self.file(), format!("agent={password}\nkit=kit\n"))?)
    }

    fn group(&self, name: &str) -> Group {
        let extension = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
        let jaas = self.0.path().join("jaas.conf");
        Group::new(name)
            .setting("rest.extension.classes", extension)
            .jvm(&format!("-Djava.security.auth.login.config={}", jaas.display()))
            .authorization(KIT)
    }
}

/// What a worker answers to a user and a password.
async fn status(worker: &Worker, path: &str, password: Option<&str>) -> Result<StatusCode> {
    let request = http::client().get(format!("{}{path}", worker.url));
    let request = match password {
        Some(password) => request.basic_auth("agent", Some(password)),
        None => request,
    };
    Ok(request.send().await?.status())
}

fn with_login(definitions: &Definitions, url: &str, password_file: &Path) -> String {
    let login = format!("basic_auth: {{username: agent, password_file: '{}'}}", password_file.display());
    definitions.settings_within(url, CHANGE_DEADLINE).replace("connect: {", &format!("connect: {{{login}, "))
}

#[tokio::test]
async fn a_connect_that_asks_for_a_login_gets_it_and_the_password_may_change() -> Result<()> {
    let logins = Logins::new("first")?;
    let stack = Stack::shared().await?;
    let workers = stack.add_group(logins.group("reach-basic")).await?;
    let clusters: Vec<_> = workers.iter().map(|worker| Cluster::known_as(worker, KIT)).collect();
    let leader = usize::from(!clusters[0].leads().await?);
    let (cluster, follower) = (&clusters[leader], &workers[1 - leader]);
    for path in ["/health", "/", "/connectors"] {
        assert_eq!(status(follower, path, None).await?, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(status(follower, path, Some("first")).await?, StatusCode::OK, "{path}");
    }
    commands(follower, cluster).await?;

    // The agent beside the leader: created, changed, deleted.
    let mut definitions = Definitions::one("reach-two", "").await?;
    let password = tempfile::NamedTempFile::new()?;
    std::fs::write(password.path(), "first\n")?;
    let settings = with_login(&definitions, &workers[leader].url, password.path());
    let agent = Agent::start(&settings).await?.patient(PATIENCE);
    agent.wait_for_applied(&definitions.released()?).await?;
    let changed = file_source("reach-two", "  batch.size: 7\n");
    let commit = definitions.release(&[(&file_of("reach-two"), &changed)])?;
    agent.wait_for_applied(&commit).await?;
    assert_eq!(cluster.config("reach-two").await?["batch.size"], "7");

    // Connect's own login module reads its file once in a process: both workers are started anew.
    logins.set("second")?;
    assert_eq!(status(&workers[leader], "/health", Some("second")).await?, StatusCode::UNAUTHORIZED);
    for worker in &workers {
        stack.stop_part(&worker.name).await?;
    }
    for worker in &workers {
        stack.start_part(&worker.name).await?;
    }
    let refused = || async { Ok(agent.log().contains("Connect refuses the agent's credentials (HTTP 401)")) };
    wait_within(PATIENCE, "the old password is refused", refused).await.with_context(|| agent.log())?;
    let failure = agent.status().await?.to_string();
    ensure!(failure.contains("denied"), "{failure}");

    std::fs::write(password.path(), "second\n")?;
    let gone = "connector: reach-two\nstate: absent\n";
    let commit = definitions.release(&[(&file_of("reach-two"), gone)])?;
    // Whichever worker leads now, one agent goes on without a restart; it stands beside one of them.
    if cluster.leads().await? {
        agent.wait_for_applied(&commit).await?;
    } else {
        note("the other worker leads since the restart: the agent follows");
        agent.wait_for_metric("tagalong_leader", 0.0).await?;
        let settings = with_login(&definitions, &follower.url, password.path());
        let second = Agent::start(&settings).await?.patient(PATIENCE);
        second.wait_for_applied(&commit).await?;
        second.end().await?;
    }
    assert_eq!(cluster.names().await?, ["reach-one"]);
    for told in [agent.log(), agent.get("/status").await?, agent.get("/metrics").await?] {
        ensure!(!told.contains("c2Vjb25k") && !told.contains("Basic "), "a password is told: {told}");
    }
    agent.end().await?;
    for worker in &workers {
        stack.stop_part(&worker.name).await?;
    }
    Ok(())
}

/// What a person sees at the command line; writes go through the follower, which passes the login on.
async fn commands(follower: &Worker, cluster: &Cluster) -> Result<()> {
    let one = file_source("reach-one", "");
    let mut desk = Desk::new(&[ENVIRONMENT, (&file_of("reach-one"), &one)])?;
    desk.hide(&follower.url, "CONNECT");
    for command in ["plan", "apply --yes"] {
        let said = desk.run(&format!("{command} --dir . -e test --connect {}", follower.url)).await?;
        assert_eq!(said.code, Some(1), "{command}: {said}");
        let hint = "Hint: give connect.basic_auth or connect.bearer_token_file";
        ensure!(said.err.contains(hint), "{command}: {said}");
    }
    desk.set("TAGALONG_CONNECT__BASIC_AUTH__USERNAME", "agent");
    desk.set("TAGALONG_CONNECT__BASIC_AUTH__PASSWORD_FILE", "password");
    desk.write("password", "wrong")?;
    let apply = format!("apply --yes --dir . -e test --connect {}", follower.url);
    let said = desk.run(&apply).await?;
    insta::assert_snapshot!(said.to_string(), @r"
    exit 1
    ---- stderr
    Error: failed to look at Connect at CONNECT/
    Caused by: failed to see whether the worker is ready: Connect refuses the agent's credentials (HTTP 401)
    Hint: give connect.basic_auth or connect.bearer_token_file; if one is given, Connect does not know it
    ");
    assert!(cluster.names().await?.is_empty(), "nothing is written");

    desk.write("password", "first")?;
    let said = desk.run(&apply).await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert_eq!(cluster.names().await?, ["reach-one"]);
    desk.write(&file_of("reach-one"), &file_source("reach-one", "  batch.size: 7\n"))?;
    let said = desk.run(&apply).await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert_eq!(cluster.config("reach-one").await?["batch.size"], "7");
    Ok(())
}
