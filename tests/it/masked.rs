//! A cluster that masks secrets on reading: a secret that changed is written once, by the one that leads, and
//! nothing is written of which nobody knows that it changed.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::WriteKind;
use tagalong_testkit::fake::{Fake, Options};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::secrets::{MARK, Mount, told, with_folder};
use crate::support::agent::{Agent, wait};
use crate::support::cluster::writes;
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, file_of, file_source};

const KEY: &str = "database.password";
const DEFINED: &str = "  database.password: \"{{ secret('file:password') }}\"\n";
const UNVERIFIABLE: &str = "tagalong_connector_unverifiable_keys{connector=\"orders\"}";
const DRIFTED: &str = "tagalong_connector_drifted_keys{connector=\"orders\"}";

/// A cluster of two workers that masks, a repository whose connector has a mounted password, and a folder for
/// each agent that outlives it.
struct Story {
    definitions: Definitions,
    fake: Fake,
    mount: Mount,
    folders: [TempDir; 2],
}

impl Story {
    async fn new() -> Result<Self> {
        let definitions = Definitions::one("orders", DEFINED).await?;
        let fake = Fake::with(Options { workers: 2, masks: true, ..Options::default() }).await;
        let mut mount = Mount::new()?;
        mount.swap("hunter2-one")?;
        Ok(Self { definitions, fake, mount, folders: [tempfile::tempdir()?, tempfile::tempdir()?] })
    }

    /// Starts the agent beside a worker.
    async fn start(&self, worker: usize) -> Result<Agent> {
        self.start_with(worker, "").await
    }

    async fn start_with(&self, worker: usize, more: &str) -> Result<Agent> {
        let settings = self.definitions.settings(&self.fake.url(worker));
        let settings = with_folder(&settings, self.mount.path()) + more;
        let folder = self.folders[worker].path().to_string_lossy();
        Agent::start_with(&settings, &[("TAGALONG_STATE_DIR", &folder)]).await
    }

    /// Has the agent beside the leader make the connector; the writes so far are forgotten.
    async fn made(&self) -> Result<Agent> {
        let agent = self.start(0).await?;
        agent.wait_for_applied(&self.definitions.released()?).await?;
        agent.wait_for_metric(UNVERIFIABLE, 1.0).await?;
        self.kept(0).await?;
        self.fake.forget();
        Ok(agent)
    }

    /// Waits until an agent has kept what it saw.
    async fn kept(&self, worker: usize) -> Result<PathBuf> {
        let find = || {
            let paths = fs::read_dir(self.folders[worker].path())?.flatten().map(|entry| entry.path());
            let kept = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "digests");
            anyhow::Ok(paths.into_iter().find(kept))
        };
        wait("digests are kept", || async { Ok(find()?.is_some()) }).await?;
        find()?.context("it is there")
    }

    fn password(&self) -> Option<String> {
        self.fake.connector("orders")?.config.get(KEY).cloned()
    }

    async fn wait_for(&self, password: &str) -> Result<()> {
        wait("the new password is there", || async { Ok(self.password().as_deref() == Some(password)) }).await
    }

    /// Waits for as long as a needless write would take to come, and says what was written.
    async fn written(&self) -> Vec<WriteKind> {
        sleep(Duration::from_secs(4)).await;
        writes(&self.fake).into_iter().map(|(_, kind)| kind).collect()
    }
}

/// How often an agent has said this.
fn said(agent: &Agent, text: &str) -> usize {
    agent.log().lines().filter(|line| line.contains(text)).count()
}

async fn renewed(agent: &Agent) -> Result<()> {
    wait("the agent has read the new password", || async {
        Ok(said(agent, "a secret has changed; what is in force") > 0)
    })
    .await
}

#[tokio::test]
async fn a_secret_that_changed_is_written_once_and_by_the_one_that_leads() -> Result<()> {
    let mut story = Story::new().await?;
    let agents = [story.made().await?, story.start(1).await?];
    story.kept(1).await?;
    story.mount.swap("hunter2-two")?;
    story.wait_for("hunter2-two").await?;
    renewed(&agents[1]).await?;
    assert_eq!(story.written().await, [WriteKind::Configure]);
    assert!(story.fake.writes().iter().all(|write| write.worker == 0));
    agents[0].wait_for_metric(DRIFTED, 0.0).await?;
    assert_eq!(agents[0].metric(UNVERIFIABLE).await?, Some(1.0), "nobody can compare it any the more");
    assert_eq!(said(&agents[0], "~database.password"), 1, "the audit names the key");

    for (worker, agent) in agents.iter().enumerate() {
        let path = story.kept(worker).await?;
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        let file = fs::read_to_string(path)?;
        let told = told(agent).await? + &file;
        assert!(
            !told.contains(MARK),
            "{}",
            told.lines().find(|line| line.contains(MARK)).unwrap_or_default()
        );
        let digests: Vec<_> = file
            .split('"')
            .map(|text| text.trim_start_matches('~'))
            .filter(|text| text.len() == 44)
            .collect();
        assert!(digests.len() > 1, "{file}");
        let told = self::told(agent).await?;
        assert!(digests.iter().all(|digest| !told.contains(digest)), "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_leader_had_to_write_and_did_not_is_written_by_the_next_one() -> Result<()> {
    let mut story = Story::new().await?;
    let first = story.made().await?;
    let second = story.start(1).await?;
    story.kept(1).await?;
    first.kill().await?;
    story.mount.swap("hunter2-two")?;
    renewed(&second).await?;
    assert_eq!(story.written().await, [], "its worker does not lead");
    // It need not live through it, either.
    second.kill().await?;
    let second = story.start(1).await?;
    second.wait_for_metric("tagalong_leader", 0.0).await?;
    story.fake.lead(1);
    story.wait_for("hunter2-two").await?;
    assert_eq!(story.written().await, [WriteKind::Configure]);

    // The first one comes back and leads, and has not seen that it was written: this is what it costs.
    let first = story.start(0).await?;
    story.kept(0).await?;
    story.fake.lead(0);
    wait("it is written once more", || async { Ok(story.fake.writes().len() == 2) }).await?;
    for leader in [1, 0, 1, 0] {
        story.fake.lead(leader);
        sleep(Duration::from_millis(1500)).await;
    }
    assert_eq!(story.written().await, [WriteKind::Configure; 2], "and no more than that");
    drop((first, second));
    Ok(())
}

#[tokio::test]
async fn a_secret_that_changed_while_the_agent_was_away_is_written_when_it_starts_and_never_again()
-> Result<()> {
    let mut story = Story::new().await?;
    story.made().await?.kill().await?;
    let agent = story.start(0).await?;
    agent.wait_for_metric(UNVERIFIABLE, 1.0).await?;
    assert_eq!(story.written().await, [], "a start costs no write");
    agent.kill().await?;
    story.mount.swap("hunter2-two")?;
    let agent = story.start(0).await?;
    story.wait_for("hunter2-two").await?;
    agent.wait_for_metric(DRIFTED, 0.0).await?;
    agent.kill().await?;
    let agent = story.start(0).await?;
    agent.wait_for_metric(UNVERIFIABLE, 1.0).await?;
    assert_eq!(story.written().await, [WriteKind::Configure]);
    Ok(())
}

#[tokio::test]
async fn where_the_digests_are_lost_or_damaged_nothing_is_written_until_it_changes_again() -> Result<()> {
    let mut story = Story::new().await?;
    story.made().await?.kill().await?;
    let path = story.kept(0).await?;
    for (password, next) in [("hunter2-two", "hunter2-three"), ("hunter2-four", "hunter2-five")] {
        if password == "hunter2-two" {
            fs::remove_dir_all(story.folders[0].path())?;
        } else {
            let mut bytes = fs::read(&path)?;
            let last = bytes.len() - 10;
            bytes[last] ^= 1;
            fs::write(&path, bytes)?;
        }
        story.mount.swap(password)?;
        story.fake.forget();
        let agent = story.start(0).await?;
        agent.wait_for_applied(&story.definitions.released()?).await?;
        assert_eq!(agent.metric(UNVERIFIABLE).await?, Some(1.0));
        assert_eq!(story.written().await, []);
        assert_ne!(story.password().as_deref(), Some(password));
        let damaged = usize::from(password == "hunter2-four");
        assert_eq!(said(&agent, "digests of what was desired could not be read"), damaged, "{}", agent.log());
        story.mount.swap(next)?;
        story.wait_for(next).await?;
        agent.wait_for_metric(DRIFTED, 0.0).await?;
        agent.kill().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_was_refused_or_not_heard_of_is_owed_until_it_is_there() -> Result<()> {
    let mut story = Story::new().await?;
    let agent = story.made().await?;
    // Cut off before it was carried out: the mask looks as if all were well.
    story.fake.inject(Fault::on("PUT", "/connectors/orders/config").break_off());
    story.mount.swap("hunter2-two")?;
    story.wait_for("hunter2-two").await?;
    agent.wait_for_metric(DRIFTED, 0.0).await?;
    assert_eq!(story.written().await, [WriteKind::Configure]);

    // Carried out and not heard of: once more.
    story.fake.forget();
    story.fake.inject(Fault::on("PUT", "/connectors/orders/config").after_executing().break_off());
    story.mount.swap("hunter2-three")?;
    story.wait_for("hunter2-three").await?;
    agent.wait_for_metric(DRIFTED, 0.0).await?;
    assert_eq!(story.written().await, [WriteKind::Configure; 2]);

    // Refused, and still owed by the next agent.
    story.fake.forget();
    story.fake.refuse("orders", "Failed to reach the vault");
    story.mount.swap("hunter2-four")?;
    agent.wait_for_metric("tagalong_connector_last_apply_failed{connector=\"orders\"}", 1.0).await?;
    assert_eq!(agent.metric(DRIFTED).await?, Some(1.0));
    agent.end().await?;
    assert_eq!(story.password().as_deref(), Some("hunter2-three"));
    story.fake.accept("orders");
    let agent = story.start(0).await?;
    story.wait_for("hunter2-four").await?;
    agent.wait_for_metric(DRIFTED, 0.0).await?;
    assert_eq!(story.written().await, [WriteKind::Configure]);
    Ok(())
}

#[tokio::test]
async fn an_agent_that_is_killed_before_it_hears_of_a_write_knows_that_it_sent_one() -> Result<()> {
    let mut story = Story::new().await?;
    let agent = story.made().await?;
    story.fake.inject(Fault::on("PUT", "/connectors/orders/config").after_executing().hang());
    story.mount.swap("hunter2-two")?;
    story.wait_for("hunter2-two").await?;
    agent.kill().await?;
    // As before: only who knows that something else was sent writes it again.
    story.mount.swap("hunter2-one")?;
    let agent = story.start(0).await?;
    story.wait_for("hunter2-one").await?;
    agent.wait_for_metric(DRIFTED, 0.0).await?;
    assert_eq!(story.written().await, [WriteKind::Configure; 2]);
    Ok(())
}

#[tokio::test]
async fn one_that_observes_tells_what_it_would_write_and_one_that_looks_once_knows_nothing() -> Result<()> {
    let mut story = Story::new().await?;
    let writer = story.made().await?;
    writer.kill().await?;
    let agent = story.start_with(1, "mode: observe\n").await?;
    agent.wait_for_metric(UNVERIFIABLE, 1.0).await?;
    story.kept(1).await?;
    assert_eq!(agent.metric(DRIFTED).await?, Some(0.0));
    story.mount.swap("hunter2-two")?;
    agent.wait_for_metric(DRIFTED, 1.0).await?;
    assert_eq!(story.written().await, []);
    let asked = story.fake.requests();
    assert!(asked.iter().all(|one| one.method == "GET"), "{asked:?}");

    let mut desk = Desk::new(&[
        ("d/environments/test.yaml", "environment: test\n"),
        ("d/connectors/orders.yaml", &file_source("orders", DEFINED)),
        ("settings.yaml", &with_folder("", story.mount.path())),
    ])?;
    desk.set("TAGALONG_SETTINGS", "settings.yaml");
    desk.set("TAGALONG_STATE_DIR", &story.folders[0].path().to_string_lossy());
    let cluster = format!("--dir d -e test --connect {}", story.fake.url(0));
    let said = desk.run(&format!("plan --detailed-exitcode {cluster}")).await?;
    assert_eq!(said.code, Some(0), "{said}");
    let why = "1 key of orders cannot be compared: Connect masks database.password";
    assert!(said.out.contains(why), "{said}");
    let said = desk.run(&format!("apply --yes {cluster}")).await?;
    assert_eq!((said.code, writes(&story.fake)), (Some(0), vec![]), "{said}");
    Ok(())
}

#[tokio::test]
async fn an_agent_of_a_folder_keeps_digests_too() -> Result<()> {
    let mut story = Story::new().await?;
    let desk = Desk::new(&[
        ("environments/test.yaml", "environment: test\n"),
        (&file_of("orders"), &file_source("orders", DEFINED)),
    ])?;
    let settings = format!(
        "environment: test\nconnect: {{url: '{}'}}\nrepository: {{dir: '{}'}}\n",
        story.fake.url(0),
        desk.path("").display()
    );
    let settings = with_folder(&settings, story.mount.path());
    let folder = story.folders[0].path().to_string_lossy().into_owned();
    let start = async || Agent::start_with(&settings, &[("TAGALONG_STATE_DIR", &folder)]).await;
    let agent = start().await?;
    agent.wait_for_metric(UNVERIFIABLE, 1.0).await?;
    story.kept(0).await?;
    agent.kill().await?;
    story.mount.swap("hunter2-two")?;
    let agent = start().await?;
    story.wait_for("hunter2-two").await?;
    agent.end().await.map(drop)
}

#[tokio::test]
async fn digests_that_cannot_be_read_for_a_moment_are_not_written_over() -> Result<()> {
    let mut story = Story::new().await?;
    story.made().await?.end().await?;
    // What is locked is no file: nobody can say whether another agent has it.
    let lock = story.kept(0).await?.with_extension("digests-lock");
    fs::remove_file(&lock)?;
    fs::create_dir(&lock)?;
    story.mount.swap("hunter2-two")?;
    let agent = story.start(0).await?;
    agent.wait_for_applied(&story.definitions.released()?).await?;
    assert_eq!(story.written().await, [], "nobody knows that it changed");
    assert_eq!(said(&agent, "are not written until they can"), 1, "{}", agent.log());
    fs::remove_dir(&lock)?;
    story.wait_for("hunter2-two").await?;
    assert_eq!(story.written().await, [WriteKind::Configure]);
    Ok(())
}
