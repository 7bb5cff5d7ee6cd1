//! Connect behind TLS: a private authority, a worker that wants a certificate, and both renewed while an agent runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::environment::variable;
use tagalong_testkit::ports;
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::{Group, Worker};
use tempfile::TempDir;

use crate::real::cluster::{CHANGE_DEADLINE, Cluster, PATIENCE};
use crate::support::agent::{Agent, wait_within};
use crate::support::authority::Authority;
use crate::support::command::{Desk, Said};
use crate::support::definitions::{Definitions, ENVIRONMENT, file_of, file_source};

const STORE_PASSWORD: &str = "changeit";

/// The stores of one worker; it reads them when it starts.
struct Stores(TempDir);

impl Stores {
    fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Fills them: who the worker is, and whose certificates it accepts.
    fn fill(&self, authority: &Authority) -> Result<()> {
        let issued = authority.server()?;
        std::fs::write(self.at("server.pem"), issued.certificate + &issued.key)?;
        let password = format!("pass:{STORE_PASSWORD}");
        let export = ["pkcs12", "-export", "-in", "server.pem", "-out", "key.p12", "-passout", &password];
        self.run(Path::new("openssl"), &export)?;
        // It adds, and does not replace.
        let _ = std::fs::remove_file(self.at("trust.p12"));
        let keytool =
            variable("JAVA_HOME").map_or("keytool".into(), |home| Path::new(&home).join("bin/keytool"));
        let file = authority.file().display().to_string();
        let import = ["-importcert", "-noprompt", "-alias", "ca", "-file", &file, "-keystore", "trust.p12"];
        self.run(&keytool, &[&import[..], &["-storetype", "PKCS12", "-storepass", STORE_PASSWORD]].concat())
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> Result<()> {
        let output = Command::new(program).args(arguments).current_dir(self.0.path()).output();
        let output = output.with_context(|| format!("start {}", program.display()))?;
        ensure!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
        Ok(())
    }

    /// One worker with these, on `https` beside the kit's own plain listener.
    async fn worker(&self, name: &str, wants_certificates: bool) -> Result<(Worker, String)> {
        let port = ports::free(1)?[0];
        let mut group = Group::new(name)
            .workers(1)
            .setting("listeners", &format!("http://127.0.0.1:{{port}},https://127.0.0.1:{port}"))
            .setting("rest.advertised.listener", "http");
        let auth = if wants_certificates { "required" } else { "none" };
        for (key, value) in [
            ("keystore.location", self.at("key.p12").display().to_string()),
            ("keystore.type", "PKCS12".to_owned()),
            ("keystore.password", STORE_PASSWORD.to_owned()),
            ("key.password", STORE_PASSWORD.to_owned()),
            ("truststore.location", self.at("trust.p12").display().to_string()),
            ("truststore.type", "PKCS12".to_owned()),
            ("truststore.password", STORE_PASSWORD.to_owned()),
            ("client.auth", auth.to_owned()),
        ] {
            group = group.setting(&format!("listeners.https.ssl.{key}"), &value);
        }
        let worker = Stack::shared().await?.add_group(group).await?.remove(0);
        Ok((worker, format!("https://localhost:{port}")))
    }
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// A plan for one connector, as a person asks for it.
async fn plan(desk: &Desk, url: &str) -> Result<Said> {
    desk.run(&format!("plan --dir . -e test --connect {url}")).await
}

fn told(said: &Said, cause: &str, hint: &str) -> Result<()> {
    assert_eq!(said.code, Some(1), "{said}");
    ensure!(said.err.contains(cause) && said.err.contains(hint), "{said}");
    Ok(())
}

/// Settings with these lines about Connect.
fn settings(definitions: &Definitions, url: &str, more: &str) -> String {
    definitions.settings_within(url, CHANGE_DEADLINE).replace("connect: {", &format!("connect: {{{more}, "))
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_it_is_named_also_when_it_changes() -> Result<()> {
    let (stores, old, new) = (Stores::new()?, Authority::new()?, Authority::new()?);
    stores.fill(&old)?;
    let (worker, url) = stores.worker("reach-tls", false).await?;
    let mut desk = Desk::new(&[ENVIRONMENT, (&file_of("reach-three"), &file_source("reach-three", ""))])?;
    told(
        &plan(&desk, &url).await?,
        "Connect's certificate comes from an unknown authority",
        "connect.ca_file",
    )?;
    let plain = url.replace("https://", "http://");
    told(&plan(&desk, &plain).await?, "does not speak HTTP", "write connect.url with https://")?;
    let wrong = worker.url.replace("http://", "https://");
    told(&plan(&desk, &wrong).await?, "does not speak TLS", "write connect.url with http://")?;
    desk.set("TAGALONG_CONNECT__CA_FILE", &old.file().display().to_string());
    let said = plan(&desk, &url).await?;
    ensure!(said.code == Some(0) && said.out.contains("1 to create"), "{said}");

    let mut definitions = Definitions::one("reach-three", "").await?;
    let trusted = desk.path("ca.pem");
    std::fs::copy(old.file(), &trusted)?;
    let more = format!("ca_file: '{}'", trusted.display());
    let agent = Agent::start(&settings(&definitions, &url, &more)).await?.patient(PATIENCE);
    agent.wait_for_applied(&definitions.released()?).await?;

    let stack = Stack::shared().await?;
    stack.stop_part(&worker.name).await?;
    stores.fill(&new)?;
    stack.start_part(&worker.name).await?;
    let refused = || async { Ok(agent.log().contains("comes from an unknown authority")) };
    wait_within(PATIENCE, "the new authority is unknown", refused).await.with_context(|| agent.log())?;
    std::fs::copy(new.file(), &trusted)?;
    let changed = file_source("reach-three", "  batch.size: 7\n");
    let commit = definitions.release(&[(&file_of("reach-three"), &changed)])?;
    agent.wait_for_applied(&commit).await?;
    assert_eq!(Cluster::of(&worker).config("reach-three").await?["batch.size"], "7");
    agent.end().await?;
    stack.stop_part(&worker.name).await
}

#[tokio::test]
async fn a_worker_that_wants_a_certificate_is_shown_it_also_when_it_is_renewed() -> Result<()> {
    let (stores, old, new) = (Stores::new()?, Authority::new()?, Authority::new()?);
    stores.fill(&old)?;
    let (worker, url) = stores.worker("reach-mutual", true).await?;
    let mut desk = Desk::new(&[ENVIRONMENT, (&file_of("reach-four"), &file_source("reach-four", ""))])?;
    std::fs::copy(old.file(), desk.path("ca.pem"))?;
    desk.set("TAGALONG_CONNECT__CA_FILE", "ca.pem");
    // Often: the worker's alert may be lost on the way.
    for _ in 0..10 {
        let said = plan(&desk, &url).await?;
        told(
            &said,
            "Connect wants a client certificate, and the agent has none",
            "connect.client_certificate_file",
        )?;
    }
    let issued = old.issue("extendedKeyUsage=clientAuth", 1)?;
    desk.write("tls.crt", &issued.certificate)?;
    desk.write("tls.key", &issued.key)?;

    let mut definitions = Definitions::one("reach-four", "").await?;
    let at = |name: &str| desk.path(name).display().to_string();
    let more = format!(
        "ca_file: '{}', client_certificate_file: '{}', client_key_file: '{}'",
        at("ca.pem"),
        at("tls.crt"),
        at("tls.key")
    );
    let agent = Agent::start(&settings(&definitions, &url, &more)).await?.patient(PATIENCE);
    agent.wait_for_applied(&definitions.released()?).await?;

    // Another authority on both sides: nothing of the old one is good for anything any more.
    let stack = Stack::shared().await?;
    stack.stop_part(&worker.name).await?;
    stores.fill(&new)?;
    stack.start_part(&worker.name).await?;
    let issued = new.issue("extendedKeyUsage=clientAuth", 1)?;
    // As `certbot` or a volume may do it: one file after the other, and the agent looks every second.
    desk.write("ca.pem", &std::fs::read_to_string(new.file())?)?;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    desk.write("tls.crt", &issued.certificate)?;
    let halfway = || async { Ok(agent.log().contains("does not belong to the certificate")) };
    wait_within(PATIENCE, "the half of it is told", halfway).await.with_context(|| agent.log())?;
    desk.write("tls.key", &issued.key)?;
    let changed = file_source("reach-four", "  batch.size: 7\n");
    let commit = definitions.release(&[(&file_of("reach-four"), &changed)])?;
    agent.wait_for_applied(&commit).await?;
    assert_eq!(Cluster::of(&worker).config("reach-four").await?["batch.size"], "7");
    ensure!(!agent.log().contains("PRIVATE KEY"), "{}", agent.log());
    agent.end().await?;
    stack.stop_part(&worker.name).await
}
