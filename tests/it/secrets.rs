//! Secrets that the agent supplies: one that is missing fails its connector alone, one that comes or changes
//! is applied without a release, and none is ever told.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tagalong_testkit::fake::Fake;
use tagalong_testkit::fake::state::WriteKind;
use tempfile::TempDir;

use crate::support::agent::{Agent, wait};
use crate::support::cluster::writes;
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, file_of, file_source};

/// Stands in every secret of these stories, and in nothing else.
pub const MARK: &str = "hunter2";

/// Secrets mounted as Kubernetes does it: the file is a link to one behind `..data`, which is swapped.
pub struct Mount {
    dir: TempDir,
    count: usize,
}

impl Mount {
    /// An empty one.
    pub fn new() -> Result<Self> {
        Ok(Self { dir: tempfile::Builder::new().prefix("tagalong-mount-").tempdir()?, count: 0 })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Shows another password, all at once.
    pub fn swap(&mut self, password: &str) -> Result<()> {
        self.count += 1;
        let folder = format!("..{}", self.count);
        std::fs::create_dir(self.path().join(&folder))?;
        std::fs::write(self.path().join(&folder).join("password"), format!("{password}\n"))?;
        symlink(&folder, self.path().join("..new"))?;
        std::fs::rename(self.path().join("..new"), self.path().join("..data"))?;
        let file = self.path().join("password");
        if !file.is_symlink() {
            symlink("..data/password", file)?;
        }
        Ok(())
    }

    /// Takes it away.
    pub fn remove(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.path().join("..data"))?)
    }
}

/// A connector with secrets of a mount and of a variable.
pub fn with_secret(name: &str) -> String {
    // No word in these keys says that they are secret.
    file_source(
        name,
        "  greeting: \"{{ secret('file:password') }}\"\n  both: \"{{ secret('env:USER') }}:{{ secret('file:password') }}@x\"\n",
    )
}

fn settings(definitions: &Definitions, fake: &Fake, folder: &Path) -> String {
    with_folder(&definitions.settings(&fake.url(0)), folder)
}

/// Settings that open a folder of secrets.
pub fn with_folder(settings: &str, folder: &Path) -> String {
    format!("{settings}secrets: {{folders: ['{}']}}\n", folder.display())
}

/// Everything that an agent tells, its log down to the last trace.
pub async fn told(agent: &Agent) -> Result<String> {
    let mut text = agent.log();
    for page in ["/", "/status", "/metrics", "/readyz"] {
        text.push_str(&agent.get(page).await?);
    }
    Ok(text)
}

fn sync(state: &str) -> String {
    format!("tagalong_connector_sync_state{{connector=\"orders\",state=\"{state}\"}}")
}

#[tokio::test]
async fn a_missing_secret_fails_its_connector_alone_and_is_applied_once_it_is_there_and_once_it_is_renewed()
-> Result<()> {
    let files = [(file_of("orders"), with_secret("orders")), (file_of("audit"), file_source("audit", ""))];
    let files = files.each_ref().map(|(path, text)| (path.as_str(), text.as_str()));
    let mut definitions = Definitions::new(&files).await?;
    let (fake, mut mount) = (Fake::start(1).await, Mount::new()?);
    let variables = [("TAGALONG_SECRET_USER", "hunter2-user"), ("TAGALONG_LOG__LEVEL", "trace")];
    let agent = Agent::start_with(&settings(&definitions, &fake, mount.path()), &variables).await?;

    // Not there: the other connector is applied.
    agent.wait_for_metric(&sync("unknown"), 1.0).await?;
    let audit = "tagalong_connector_sync_state{connector=\"audit\",state=\"synced\"}";
    agent.wait_for_metric(audit, 1.0).await?;
    assert_eq!(writes(&fake), [("audit".to_owned(), WriteKind::Create)]);
    let status = agent.status().await?;
    assert_eq!(status["plan"]["unresolved"], json!(["orders"]), "{status}");
    assert_eq!(status["clocks"]["applied"], Value::Null, "not all of it is applied");
    let finding = &status["findings"][0];
    assert_eq!((&finding["rule"], &finding["severity"]), (&json!("secret-missing"), &json!("warning")));
    assert_eq!((&finding["path"], &finding["line"]), (&json!("connectors/orders.yaml"), &json!(7)));

    // It appears.
    mount.swap("hunter2-one")?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let config = fake.connector("orders").context("it was created")?.config;
    assert_eq!(
        (config["greeting"].as_str(), config["both"].as_str()),
        ("hunter2-one", "hunter2-user:hunter2-one@x")
    );
    assert_eq!(agent.status().await?["findings"], json!([]));

    // It is renewed: one PUT, and no other.
    mount.swap("hunter2-two")?;
    let renewed =
        || async { Ok(fake.connector("orders").is_some_and(|one| one.config["greeting"] == "hunter2-two")) };
    wait("the new password is there", renewed).await?;
    agent.wait_for_metric(&sync("synced"), 1.0).await?;
    let of_orders = [WriteKind::Create, WriteKind::Configure].map(|kind| ("orders".to_owned(), kind));
    assert_eq!(writes(&fake)[1..], of_orders);

    // It is gone: nothing is done to the connector, and the other one is still kept.
    mount.remove()?;
    agent.wait_for_metric(&sync("unknown"), 1.0).await?;
    fake.edit("audit", |config| {
        config.insert("topic".into(), "elsewhere".into());
    });
    fake.edit("orders", |config| {
        config.insert("topic".into(), "elsewhere".into());
    });
    let back = || async { Ok(fake.connector("audit").is_some_and(|one| one.config["topic"] == "audit")) };
    wait("the other one is corrected", back).await?;
    assert_eq!(fake.connector("orders").context("it stays")?.config["topic"], "elsewhere");

    // A release with a mistake is refused, what is in force gets the new secret, and the mistake is still told.
    definitions.release(&[(&file_of("broken"), &file_source("broken", "stat: paused\n"))])?;
    let errors = "tagalong_findings{repository=\"main\",severity=\"error\"}";
    agent.wait_for_metric(errors, 1.0).await?;
    mount.swap("hunter2-three")?;
    let renewed = || async {
        Ok(fake.connector("orders").is_some_and(|one| one.config["greeting"] == "hunter2-three"))
    };
    wait("the last good revision has the new password", renewed).await?;
    assert_eq!(agent.metric(errors).await?, Some(1.0));

    let told = told(&agent).await?;
    assert!(told.contains("greeting") || told.contains("secret-missing"), "the log is there");
    assert!(!told.contains(MARK), "{}", told.lines().find(|line| line.contains(MARK)).unwrap_or_default());
    Ok(())
}

#[tokio::test]
async fn no_command_tells_a_secret() -> Result<()> {
    let fake = Fake::start(1).await;
    let mut mount = Mount::new()?;
    mount.swap("hunter2-one")?;
    let mut desk = Desk::new(&[
        ("d/environments/test.yaml", "environment: test\n"),
        ("d/connectors/orders.yaml", &with_secret("orders")),
        ("settings.yaml", &format!("secrets: {{folders: ['{}']}}\n", mount.path().display())),
    ])?;
    desk.set("TAGALONG_SECRET_USER", "hunter2-user");
    desk.set("TAGALONG_SETTINGS", "settings.yaml");
    let cluster = format!("--dir d -e test --connect {}", fake.url(0));
    let mut all = String::new();
    let mut look = async |line: &str, code: i32| -> Result<String> {
        let said = desk.run(line).await?;
        assert_eq!(said.code, Some(code), "{line}: {said}");
        let said = said.to_string();
        all.push_str(&said);
        Ok(said)
    };
    look("validate d", 0).await?;
    look("render --dir d -e test --explain -vv", 0).await?;
    look("render --dir d -e test -o json", 0).await?;
    look(&format!("plan {cluster}"), 0).await?;
    look(&format!("plan -vv {cluster} -o json"), 0).await?;
    look(&format!("apply -vv --yes {cluster}"), 0).await?;
    assert_eq!(fake.connector("orders").context("it was created")?.config["greeting"], "hunter2-one");
    mount.swap("hunter2-two")?;
    fake.edit("orders", |config| {
        config.insert("both".into(), "hunter2-by-hand".into());
    });
    let changed = look(&format!("plan --detailed-exitcode {cluster}"), 2).await?;
    assert!(changed.contains("greeting  *** → ***") && changed.contains("both      *** → ***"), "{changed}");
    look(&format!("plan {cluster} -o json"), 0).await?;
    look(&format!("apply -vv --yes {cluster} -o json"), 0).await?;
    assert_eq!(fake.connector("orders").context("it is there")?.config["both"], "hunter2-user:hunter2-two@x");
    assert!(!all.contains(MARK), "{}", all.lines().find(|line| line.contains(MARK)).unwrap_or_default());
    Ok(())
}

/// A login for Kafka with a password.
fn login(password: &str) -> String {
    format!(
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"app\" password=\"{password}\";"
    )
}

#[tokio::test]
async fn the_password_of_a_login_is_in_no_form_and_in_no_plan() -> Result<()> {
    const KEY: &str = "consumer.override.sasl.jaas.config";
    let fake = Fake::start(1).await;
    let cluster = format!("--dir d -e test --connect {}", fake.url(0));
    let mut desk = Desk::new(&[("d/environments/test.yaml", "environment: test\n")])?;
    desk.set("TAGALONG_SECRET_USER", "hunter2-user");
    desk.write("d/tagalong.yaml", "allow: {plain-secret: the secret of a test}\n")?;
    fake.preload("orders", &[("connector.class", "FileStreamSource"), (KEY, &login("hunter2-live"))]);
    for password in ["hunter2-written", "{{ secret('env:USER') }}", "${env:P}hunter2-behind"] {
        desk.write(
            "d/connectors/orders.yaml",
            &file_source("orders", &format!("  {KEY}: '{}'\n", login(&password.replace('\'', "\'\'")))),
        )?;
        for (line, code, shown) in [
            ("render --dir d -e test -o connect".to_owned(), 1, format!("`{KEY}` is secret")),
            ("render --dir d -e test -o strimzi --cluster main".to_owned(), 1, format!("`{KEY}` is secret")),
            ("render --dir d -e test -o human".to_owned(), 0, "***".to_owned()),
            ("render --dir d -e test --explain".to_owned(), 0, "***".to_owned()),
            ("render --dir d -e test -o json".to_owned(), 0, format!("\"{KEY}\"")),
            (format!("plan -vv {cluster}"), 0, "*** → ***".to_owned()),
            (format!("plan {cluster} -o json"), 0, "\"hidden\": true".to_owned()),
            (format!("plan {cluster} -o markdown"), 0, KEY.to_owned()),
        ] {
            let said = desk.run(&line).await?;
            assert_eq!(said.code, Some(code), "{line}: {said}");
            let all = said.to_string();
            assert!(all.contains(&shown) && !all.contains(MARK), "{line} with {password}: {all}");
        }
    }

    // Where Connect fills the password in, nothing of the login is secret.
    desk.write(
        "d/connectors/orders.yaml",
        &file_source("orders", &format!("  {KEY}: '{}'\n", login("${env:P}"))),
    )?;
    for form in ["connect", "strimzi --cluster main"] {
        let said = desk.run(&format!("render --dir d -e test -o {form}")).await?;
        assert!(said.code == Some(0) && said.out.contains("${env:P}"), "{said}");
    }
    // What runs there still is.
    let said = desk.run(&format!("plan {cluster}")).await?;
    assert!(said.out.contains(&format!("{KEY}  *** → ***")) && !said.to_string().contains(MARK), "{said}");
    Ok(())
}

#[tokio::test]
async fn an_apply_without_a_secret_does_the_rest_and_fails() -> Result<()> {
    let fake = Fake::start(1).await;
    let desk = Desk::new(&[
        ("d/environments/test.yaml", "environment: test\n"),
        ("d/connectors/orders.yaml", &with_secret("orders")),
        ("d/connectors/audit.yaml", &file_source("audit", "")),
    ])?;
    let cluster = format!("--dir d -e test --connect {}", fake.url(0));
    let said = desk.run(&format!("plan --detailed-exitcode {cluster}")).await?;
    assert_eq!(said.code, Some(2), "{said}");
    assert!(said.out.contains("? orders is left alone: a secret of it is missing\n"), "{said}");
    assert!(said.err.contains("the agent has no variable `TAGALONG_SECRET_USER`"), "{said}");
    assert!(said.err.contains("the agent's settings name no folder of secrets"), "{said}");
    let said = desk.run(&format!("apply --yes {cluster}")).await?;
    assert_eq!(said.code, Some(1), "{said}");
    assert!(said.out.ends_with("Applied, but for 1 with a missing secret.\n"), "{said}");
    assert_eq!(fake.names(), ["audit"]);

    // Nothing is left to do, and it is a failure still.
    let said = desk.run(&format!("apply --yes {cluster} -o json")).await?;
    let plan: Value = serde_json::from_str(&said.out)?;
    assert_eq!((said.code, &plan["unresolved"], &plan["steps"]), (Some(1), &json!(["orders"]), &json!([])));
    Ok(())
}

#[tokio::test]
async fn a_repository_cannot_read_what_is_the_agents_own() -> Result<()> {
    let fake = Fake::start(1).await;
    let desk = Desk::new(&[
        ("d/environments/test.yaml", "environment: test\n"),
        ("secrets/token", "hunter2-token"),
        ("secrets/settings.yaml", ""),
        ("outside", "hunter2-outside"),
    ])?;
    let folder = desk.path("secrets");
    let file = format!(
        "secrets: {{folders: ['{0}']}}\nconnect: {{url: '{1}', bearer_token_file: '{0}/token'}}\n# hunter2\n",
        folder.display(),
        fake.url(0)
    );
    desk.write("secrets/settings.yaml", &file)?;
    let link = |to: &str, at: &str| symlink(PathBuf::from(to), folder.join(at));
    link("token", "alias")?;
    link("../outside", "out")?;
    link("/proc/self/environ", "environ")?;
    for (at, secret) in ["token", "alias", "settings.yaml", "out", "environ"].iter().enumerate() {
        let text =
            file_source(&format!("c{at}"), &format!("  stolen: \"{{{{ secret('file:{secret}') }}}}\"\n"));
        desk.write(&format!("d/connectors/c{at}.yaml"), &text)?;
    }
    let said = desk.run("apply --yes --dir d -e test --settings secrets/settings.yaml").await?;
    assert_eq!(said.code, Some(1), "{said}");
    assert_eq!(fake.names(), [""; 0], "{said}");
    assert_eq!(said.err.matches("it is the agent's own, and no connector gets it").count(), 3, "{said}");
    assert_eq!(said.err.matches("a link leads out of the folder").count(), 2, "{said}");
    Ok(())
}
