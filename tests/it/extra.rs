//! Services that bring their own connectors in mounted `ConfigMap`s, beside a repository that an agent
//! follows: what each of them may do, and what none of them can do to the others.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tagalong_testkit::fake::Fake;
use tagalong_testkit::rules::{Effect, Rule};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::secrets::{self, MARK, told, with_folder, with_secret};
use crate::support::agent::{Agent, SOON, wait};
use crate::support::cluster::{preload, writes};
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::mount::Mount;

/// An agent that follows a repository with `orders`, and a folder with `shop` beside it.
struct Site {
    definitions: Definitions,
    shop: Mount,
    fake: Fake,
    agent: Agent,
}

fn settings(definitions: &Definitions, fake: &Fake, folders: &[&Mount]) -> String {
    let folders: Vec<_> = folders.iter().map(|mount| mount.path().display().to_string()).collect();
    format!("{}extra: [{}]\n", definitions.settings(&fake.url(0)), folders.join(", "))
}

impl Site {
    async fn new() -> Result<Self> {
        Self::with_names("").await
    }

    /// The same, where the settings give the folder these names.
    async fn with_names(names: &str) -> Result<Self> {
        let definitions = Definitions::one("orders", "").await?;
        let shop = Mount::new(&[("shop.yaml", &file_source("shop", ""))])?;
        let fake = Fake::start(1).await;
        let path = shop.path().display().to_string();
        let settings = settings(&definitions, &fake, &[&shop]).replace(&path, &format!("{path}{names}"));
        let agent = Agent::start(&settings).await?;
        agent.wait_for_applied(&definitions.released()?).await?;
        assert_eq!(fake.names(), ["orders", "shop"]);
        fake.forget();
        Ok(Self { definitions, shop, fake, agent })
    }

    /// Waits for the state of the folder.
    async fn wait_for_state(&self, state: &str) -> Result<()> {
        let repository = format!("extra:{}", self.shop.path().display());
        let series = format!("tagalong_repository_state{{repository=\"{repository}\",state=\"{state}\"}}");
        self.agent.wait_for_metric(&series, 1.0).await
    }

    /// Changes a connector by hand, and waits until the agent has put it back.
    async fn wait_for_correction(&self, name: &str) -> Result<()> {
        self.fake.edit(name, |config| {
            config.insert("topic".into(), "elsewhere".into());
        });
        let back = || async { Ok(self.fake.connector(name).is_some_and(|one| one.config["topic"] == name)) };
        wait(&format!("{name} is corrected"), back).await
    }

    async fn wait_for_key(&self, name: &str, key: &str) -> Result<()> {
        let there =
            || async { Ok(self.fake.connector(name).is_some_and(|one| one.config.contains_key(key))) };
        wait(&format!("{name} has {key}"), there).await.with_context(|| self.agent.log())
    }

    async fn incomplete(&self) -> Result<Value> {
        Ok(self.agent.status().await?["plan"]["incomplete"].clone())
    }
}

#[tokio::test]
async fn a_renewed_config_map_is_applied_and_an_unchanged_one_writes_nothing() -> Result<()> {
    let mut site = Site::new().await?;
    site.shop.renew(&[
        ("shop.yaml", &file_source("shop", "  batch.size: 7\n")),
        ("more.yaml", &file_source("more", "")),
    ])?;
    site.wait_for_key("shop", "batch.size").await?;
    site.wait_for_key("more", "topic").await?;
    assert_eq!(writes(&site.fake).len(), 2, "{:?}", writes(&site.fake));
    let polls = format!(
        "tagalong_repository_polls_total{{outcome=\"noop\",repository=\"extra:{}\"}}",
        site.shop.path().display()
    );
    let before = site.agent.metric(&polls).await?.unwrap_or_default();
    site.agent.wait_for_metric_from(&polls, before + 3.0).await?;
    assert_eq!(writes(&site.fake).len(), 2, "nothing more is written");
    assert_eq!(site.incomplete().await?, serde_json::json!([]));
    assert_eq!(site.agent.metric("tagalong_revision_current").await?, Some(1.0));
    Ok(())
}

#[tokio::test]
async fn a_mistake_in_a_folder_fails_that_folder_alone() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let shop = Mount::new(&[("shop.yaml", &file_source("shop", ""))])?;
    let mut other = Mount::new(&[("other.yaml", &file_source("other", ""))])?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&settings(&definitions, &fake, &[&shop, &other])).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let mut site = Site { definitions, shop, fake, agent };

    let wrong = format!("{}---\n{}", file_source("shop", "stat: paused\n"), file_source("new", ""));
    site.shop.renew(&[("shop.yaml", &wrong)])?;
    site.wait_for_state("invalid").await?;
    let status = site.agent.status().await?;
    let finding = &status["findings"][0];
    assert_eq!(
        (&finding["path"], &finding["line"], &finding["column"], &finding["rule"]),
        (&site.shop.file("shop.yaml").into(), &7.into(), &1.into(), &"unknown-key".into())
    );
    let of =
        |repository: &str| format!("tagalong_findings{{repository=\"{repository}\",severity=\"error\"}}");
    let folder = format!("extra:{}", site.shop.path().display());
    assert_eq!(site.agent.metric(&of(&folder)).await?, Some(1.0));
    assert_eq!(site.agent.metric(&of("main")).await?, Some(0.0));
    assert_eq!(
        site.agent.metric("tagalong_repository_state{repository=\"main\",state=\"ok\"}").await?,
        Some(1.0)
    );

    site.wait_for_correction("shop").await?;
    let second =
        site.definitions.release(&[(&file_of("orders"), &file_source("orders", "  batch.size: 7\n"))])?;
    site.agent.wait_for_applied(&second).await?;
    other.renew(&[("other.yaml", &file_source("other", "  batch.size: 8\n"))])?;
    site.wait_for_key("other", "batch.size").await?;
    assert_eq!(site.fake.names(), ["orders", "other", "shop"], "nothing of the bad folder");
    assert_eq!(site.incomplete().await?[0]["reason"], "invalid");

    site.shop.renew(&[("shop.yaml", &file_source("shop", "  batch.size: 9\n"))])?;
    site.wait_for_key("shop", "batch.size").await?;
    site.wait_for_state("ok").await
}

#[tokio::test]
async fn what_lints_say_of_a_folder_is_told_as_its_own() -> Result<()> {
    let mut site = Site::new().await?;
    let answer = "acknowledge: [{key: errors.tolerance, to: all, reason: OPS-1}]\n";
    let shop = file_source("shop", "  errors.tolerance: all\n") + answer;
    site.shop.renew(&[("shop.yaml", &shop)])?;
    site.wait_for_key("shop", "errors.tolerance").await?;
    site.wait_for_state("ok").await?;
    let of =
        |repository: &str| format!("tagalong_findings{{repository=\"{repository}\",severity=\"warning\"}}");
    let folder = format!("extra:{}", site.shop.path().display());
    assert_eq!(site.agent.metric(&of(&folder)).await?, Some(1.0));
    assert_eq!(site.agent.metric(&of("main")).await?, Some(0.0));
    assert!(site.agent.log().contains("records-dropped"), "{}", site.agent.log());
    Ok(())
}

#[tokio::test]
async fn a_folder_that_is_gone_deletes_nothing_and_what_it_declared_last_stays() -> Result<()> {
    let site = Site::new().await?;
    site.shop.unmount()?;
    site.wait_for_state("unreachable").await?;
    site.wait_for_correction("shop").await?;
    assert_eq!(site.fake.names(), ["orders", "shop"]);
    let incomplete = site.incomplete().await?;
    assert_eq!((&incomplete[0]["reason"], incomplete[1].is_null()), (&"missing".into(), true));
    let status = site.agent.status().await?;
    let told = status["repositories"].as_array().context("repositories")?.iter();
    let classes: Vec<_> = told.map(|one| &one["failure"]["class"]).filter(|class| !class.is_null()).collect();
    assert_eq!(classes, ["unreachable"], "a folder has no ref that could be missing: {status}");
    sleep(Duration::from_secs(3)).await;
    let told = site.agent.log().matches("could not read an extra folder").count();
    assert_eq!(told, 1, "told once, not at every interval: {}", site.agent.log());

    site.shop.mount_again()?;
    site.wait_for_state("ok").await?;
    // The plan says so with the next cycle.
    let patience = Instant::now() + SOON;
    while site.incomplete().await? != serde_json::json!([]) {
        assert!(Instant::now() < patience, "{}", site.agent.log());
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_config_map_that_was_emptied_says_nothing() -> Result<()> {
    let mut site = Site::with_names("=shop").await?;
    site.shop.renew(&[])?;
    site.wait_for_state("stale").await?;
    site.wait_for_correction("shop").await?;
    assert_eq!(site.incomplete().await?[0]["reason"], "empty");

    let absent = file_source("shop", "state: absent\n");
    site.shop.renew(&[("shop.yaml", &absent)])?;
    let gone = || async { Ok(site.fake.names() == ["orders"]) };
    wait("a deletion that is declared is taken", gone).await
}

#[tokio::test]
async fn a_folder_that_never_was_good_is_neither_applied_nor_deleted() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let shop = Mount::new(&[("shop.yaml", &file_source("shop", "stat: paused\n"))])?;
    let fake = Fake::start(1).await;
    preload(&fake, "shop");
    let agent = Agent::start(&settings(&definitions, &fake, &[&shop])).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(fake.names(), ["orders", "shop"]);
    assert!(writes(&fake).iter().all(|(name, _)| name == "orders"), "{:?}", writes(&fake));
    let status = agent.status().await?;
    assert_eq!(status["plan"]["unmanaged"], serde_json::json!(["shop"]));
    assert_eq!(status["plan"]["incomplete"][0]["reason"], "invalid");
    Ok(())
}

#[tokio::test]
async fn a_refused_release_and_a_lost_git_server_do_not_hold_a_folder_back() -> Result<()> {
    let mut site = Site::new().await?;
    site.definitions.release(&[(&file_of("orders"), &file_source("orders", "stat: paused\n"))])?;
    site.agent
        .wait_for_metric("tagalong_repository_state{repository=\"main\",state=\"invalid\"}", 1.0)
        .await?;
    site.shop.renew(&[("shop.yaml", &file_source("shop", "  batch.size: 7\n"))])?;
    site.wait_for_key("shop", "batch.size").await?;

    let Site { definitions, mut shop, fake, agent } = site;
    drop(definitions);
    agent
        .wait_for_metric("tagalong_repository_state{repository=\"main\",state=\"unreachable\"}", 1.0)
        .await?;
    shop.renew(&[("shop.yaml", &file_source("shop", "  batch.bytes: 8\n"))])?;
    let changed =
        || async { Ok(fake.connector("shop").is_some_and(|one| one.config.contains_key("batch.bytes"))) };
    wait("the folder is followed all the same", changed).await.with_context(|| agent.log())?;
    assert_eq!(fake.names(), ["orders", "shop"]);
    Ok(())
}

#[tokio::test]
async fn a_git_server_that_hangs_holds_no_folder_up() -> Result<()> {
    let mut site = Site::new().await?;
    let http = &site.definitions.http;
    let (answer, told) = watch::channel(false);
    http.rule(Rule::on("", Effect::Until(told)));
    wait("git is asked, and hangs", || async { Ok(http.unanswered() == 1) }).await?;
    for key in ["batch.size", "batch.bytes"] {
        // No sooner than a second after the last look.
        sleep(Duration::from_secs(1)).await;
        site.shop.renew(&[("shop.yaml", &file_source("shop", &format!("  {key}: 7\n")))])?;
        site.wait_for_key("shop", key).await?;
    }
    // It is still the same question, which is given up only after the deadline.
    assert_eq!(http.unanswered(), 1, "{:?}", http.exchanges());
    answer.send_replace(true);
    site.wait_for_correction("orders").await?;
    site.agent.wait_for_metric("tagalong_repository_state{repository=\"main\",state=\"ok\"}", 1.0).await
}

#[tokio::test]
async fn a_name_that_the_repository_takes_belongs_to_the_repository() -> Result<()> {
    let mut site = Site::new().await?;
    site.shop.renew(&[("shop.yaml", &file_source("shop", "")), ("more.yaml", &file_source("more", ""))])?;
    site.wait_for_key("more", "topic").await?;
    let second =
        site.definitions.release(&[(&file_of("shop"), &file_source("shop", "  batch.size: 7\n"))])?;
    site.agent.wait_for_applied(&second).await?;
    site.wait_for_key("shop", "batch.size").await?;
    site.wait_for_state("invalid").await?;
    let status = site.agent.status().await?;
    assert_eq!(status["findings"][0]["rule"], "duplicate-name");
    assert_eq!(status["findings"][0]["path"], site.shop.file("shop.yaml"));
    site.wait_for_correction("more").await
}

#[tokio::test]
async fn a_secret_of_a_folder_is_read_and_a_missing_one_leaves_its_connector_alone() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let shop = Mount::new(&[("shop.yaml", &with_secret("shop")), ("more.yaml", &file_source("more", ""))])?;
    let (fake, mut mount) = (Fake::start(1).await, secrets::Mount::new()?);
    let settings = with_folder(&settings(&definitions, &fake, &[&shop]), mount.path());
    let agent = Agent::start_with(&settings, &[("TAGALONG_SECRET_USER", "hunter2-user")]).await?;

    let more = "tagalong_connector_sync_state{connector=\"more\",state=\"synced\"}";
    agent.wait_for_metric(more, 1.0).await?;
    assert_eq!(fake.names(), ["more", "orders"]);
    let plan = agent.status().await?["plan"].clone();
    assert_eq!((&plan["unresolved"], &plan["incomplete"]), (&json!(["shop"]), &json!([])), "{plan}");

    for password in ["hunter2-one", "hunter2-two"] {
        mount.swap(password)?;
        let sent = || async {
            Ok(fake
                .connector("shop")
                .is_some_and(|shop| shop.config.get("greeting") == Some(&password.into())))
        };
        wait("the secret is sent", sent).await.with_context(|| agent.log())?;
    }
    assert!(!told(&agent).await?.contains(MARK));
    Ok(())
}

#[tokio::test]
async fn what_a_lost_folder_declared_last_goes_on_with_the_secrets_as_they_are_now() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let mut shop = Mount::new(&[("shop.yaml", &with_secret("shop"))])?;
    let (fake, mut mount) = (Fake::start(1).await, secrets::Mount::new()?);
    mount.swap("hunter2-one")?;
    let settings = with_folder(&settings(&definitions, &fake, &[&shop]), mount.path());
    let variables = [("TAGALONG_SECRET_USER", "hunter2-user"), ("TAGALONG_SECRET_OTHER", "hunter2-other")];
    let agent = Agent::start_with(&settings, &variables).await?;
    let sends = async |password: &str| {
        let sent = || async {
            let shop = fake.connector("shop");
            Ok(shop.is_some_and(|shop| shop.config.get("greeting") == Some(&password.into())))
        };
        wait("the secret is sent", sent).await.with_context(|| agent.log())
    };
    sends("hunter2-one").await?;
    let more = file_source("more", "  other: \"{{ secret('env:OTHER') }}\"\nstat: paused\n");
    let wrong = format!("{}---\n{more}", with_secret("shop"));
    shop.renew(&[("shop.yaml", &wrong)])?;
    let of = |rule| {
        format!("tagalong_findings{{repository=\"extra:{}\",severity=\"{rule}\"}}", shop.path().display())
    };
    agent.wait_for_metric(&of("error"), 1.0).await?;
    assert_eq!(agent.metric(&of("warning")).await?, Some(0.0), "no secret is missing: {}", agent.log());
    mount.swap("hunter2-two")?;
    sends("hunter2-two").await?;

    shop.unmount()?;
    mount.swap("hunter2-three")?;
    sends("hunter2-three").await?;
    assert!(!told(&agent).await?.contains(MARK));
    Ok(())
}

#[tokio::test]
async fn a_folder_deletes_nothing_that_the_settings_do_not_give_it() -> Result<()> {
    let mut site = Site::new().await?;
    preload(&site.fake, "ledger");
    let absent = |name: &str| file_source(name, "state: absent\n");
    site.shop.renew(&[("shop.yaml", &absent("ledger")), ("more.yaml", &absent("shop"))])?;
    site.wait_for_state("invalid").await?;
    site.wait_for_correction("shop").await?;
    assert_eq!(site.fake.names(), ["ledger", "orders", "shop"]);
    let status = site.agent.status().await?;
    let rules: Vec<_> = (0..2).map(|index| &status["findings"][index]["rule"]).collect();
    assert_eq!(rules, ["name-not-given", "name-not-given"]);
    Ok(())
}

#[tokio::test]
async fn a_deletion_waits_while_another_folder_that_may_have_the_connector_is_lost() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let till = Mount::new(&[("shop.yaml", &file_source("till", "state: absent\n"))])?;
    let shop = Mount::new(&[("till.yaml", &file_source("till", ""))])?;
    shop.unmount()?;
    let fake = Fake::start(1).await;
    preload(&fake, "till");
    let (first, second) = (till.path().display(), shop.path().display());
    let settings = format!("{}extra: ['{first}=till', '{second}=*']\n", definitions.settings(&fake.url(0)));
    let agent = Agent::start(&settings).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(fake.names(), ["orders", "till"], "{}", agent.log());
    assert!(agent.log().contains("could not read an extra folder; nothing of it is in force"));
    shop.mount_again()?;
    let of = format!("tagalong_repository_state{{repository=\"extra:{first}\",state=\"invalid\"}}");
    agent.wait_for_metric(&of, 1.0).await?;
    assert_eq!(fake.names(), ["orders", "till"], "it is declared there");
    Ok(())
}
