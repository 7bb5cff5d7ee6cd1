//! A pipe in place of a file that the settings name: nobody waits for a writer, and what was read last stays in force.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong::model::password::Password;
use tagalong::model::signature::What;
use tagalong::repo::Repository;
use tagalong::repo::credential::{Credential, Host, HostKeys};
use tagalong::repo::error::Error;
use tagalong::repo::options::{GitOptions, Verification};
use tagalong_testkit::fake::Fake;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;
use tokio::time::timeout;

use crate::hostile_git::state;
use crate::repo::{look, tag};
use crate::repo_http::origin;
use crate::support::agent::Agent;
use crate::support::definitions::Definitions;

/// Who opens a pipe to read waits for ever.
const MOMENT: Duration = Duration::from_secs(30);

fn pipe(path: &Path) -> Result<()> {
    ensure!(Command::new("mkfifo").arg(path).status()?.success(), "mkfifo runs");
    Ok(())
}

#[tokio::test]
async fn a_pipe_in_place_of_a_file_of_the_settings_is_refused_in_every_one() -> Result<()> {
    let (origin, _) = origin()?;
    let git = GitHttp::start(origin.parent()).await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("pipe");
    pipe(&path)?;
    let http = || Credential::at(Host::new(git.url("").trim_end_matches('/')).expect("a host"));
    let ssh = || Credential::at(Host::new("ssh://git.example.com").expect("a host"));
    let (url, ssh_url) = (git.url(Origin::NAME), "ssh://git@git.example.com/x.git");
    for (what, url, credential) in [
        ("password", &*url, Credential { password: Some(Password::File(path.clone())), ..http() }),
        ("authorities", &*url, Credential { ca_file: Some(path.clone()), ..http() }),
        ("key", ssh_url, Credential { ssh_key_file: Some(path.clone()), ..ssh() }),
        ("known hosts", ssh_url, Credential { host_keys: HostKeys::File(path.clone()), ..ssh() }),
    ] {
        let options = GitOptions { credentials: vec![credential], ..GitOptions::new(url, tag("v1")) };
        let repository = Repository::git(options)?;
        let error = timeout(MOMENT, repository.resolve()).await.context(what)?;
        let error = error.expect_err(what);
        assert!(matches!(&error, Error::SettingsFile { path: named, .. } if *named == path), "{error:?}");
        let because = std::error::Error::source(&error).context("why")?.to_string();
        assert_eq!(because, "it is a pipe or a device, not a file", "{what}");
    }
    let verify = Some(Verification {
        what: What::Tag,
        allowed_signers_file: Some(path.clone()),
        openpgp_keys_file: None,
    });
    let repository = Repository::git(GitOptions { verify, ..GitOptions::new(url, tag("v1")) })?;
    let error = timeout(MOMENT, look(&repository)).await?.expect_err("nobody is trusted");
    assert!(matches!(&error, Error::AllowedSigners { .. }), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn an_agent_whose_password_file_becomes_a_pipe_lives_on_and_goes_on_after_it() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    definitions.http.change_password("reader", "hunter2");
    let fake = Fake::start(1).await;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("password");
    std::fs::write(&path, "hunter2\n")?;
    let host = definitions.http.url("");
    let credential = format!(
        "git_credentials: [{{host: '{}', username: reader, password_file: '{}'}}]\n",
        host.trim_end_matches('/'),
        path.display()
    );
    let agent = Agent::start(&(definitions.settings(&fake.url(0)) + &credential)).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    std::fs::remove_file(&path)?;
    pipe(&path)?;
    agent.wait_for_metric(&state("auth_failed"), 1.0).await?;
    let alive = timeout(MOMENT, agent.get("/livez")).await.context("it hangs")??;
    assert!(alive.contains("came round"), "{alive}");
    let failure = agent.status().await?["repositories"][0]["failure"].to_string();
    assert!(failure.contains("it is a pipe or a device") && failure.contains("password"), "{failure}");
    std::fs::remove_file(&path)?;
    std::fs::write(&path, "hunter2\n")?;
    agent.wait_for_metric(&state("ok"), 1.0).await
}
