//! Keys over the real `ssh`: those that the agent shows, as they are mounted, and those by which it
//! knows a host.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use insta::assert_snapshot;
use tagalong::model::report::Class;
use tagalong::repo::Repository;
use tagalong::repo::credential::HostKeys;
use tagalong::repo::error::Error;
use tagalong::repo::problem::{HostKeyProblem, KeyProblem};
use tagalong_testkit::git::repository::Repository as Origin;

use crate::real::ssh::origin;
use crate::repo::{look, tag};
use crate::support::agent::Agent;
use crate::support::command::Desk;
use crate::support::definitions::{ENVIRONMENT, file_of, file_source};
use crate::support::sshd::{Sshd, run};

async fn at_v1() -> Result<(Origin, String, Sshd)> {
    let (origin, commit) = origin()?;
    origin.tag("v1", "HEAD")?;
    Ok((origin, commit, Sshd::start("").await?))
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path in text")
}

#[tokio::test]
async fn a_key_that_was_mounted_for_all_to_read_is_used_and_leaves_no_copy() -> Result<()> {
    let (origin, commit, sshd) = at_v1().await?;
    let scratch = tempfile::tempdir()?;
    let mut options = sshd.options(&origin.path(), tag("v1"))?;
    options.scratch = Some(scratch.path().to_owned());
    let key = fs::read_to_string(sshd.at("user"))?;
    for (mode, mounted) in [
        (0o644, key.clone()),
        (0o440, key.clone()),
        (0o600, key.trim_end().to_owned()),
        (0o400, key.replace('\n', "\r\n")),
    ] {
        let path = sshd.at(&format!("mounted-{mode:o}"));
        fs::write(&path, mounted)?;
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        options.credentials[0].ssh_key_file = Some(path);
        let found = look(&Repository::git(options.clone())?).await.with_context(|| format!("{mode:o}"))?;
        assert_eq!(found.1, commit);
        let left: Vec<_> = fs::read_dir(scratch.path())?.flatten().map(|entry| entry.path()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_told_by_what_is_wrong_with_it() -> Result<()> {
    let (origin, commit, sshd) = at_v1().await?;
    let mut options = sshd.options(&origin.path(), tag("v1"))?;
    let locked = sshd.at("locked");
    fs::copy(sshd.at("user"), &locked)?;
    fs::set_permissions(&locked, Permissions::from_mode(0o600))?;
    run("ssh-keygen", &["-q", "-p", "-P", "", "-N", "a passphrase", "-f", text(&locked)?])?;
    fs::write(sshd.at("garbage"), "-----BEGIN OPENSSH PRIVATE KEY-----\nbm8=\n")?;
    run("ssh-keygen", &["-q", "-t", "rsa", "-m", "PEM", "-N", "a passphrase", "-f", text(&sshd.at("old"))?])?;
    let newer = sshd.at("newer");
    fs::copy(sshd.at("old"), &newer)?;
    fs::set_permissions(&newer, Permissions::from_mode(0o600))?;
    let change = ["-q", "-p", "-m", "PKCS8", "-P", "a passphrase", "-N", "another one", "-f"];
    run("ssh-keygen", &[&change[..], &[text(&newer)?]].concat())?;
    for (name, expected) in [
        ("locked", KeyProblem::Passphrase),
        ("old", KeyProblem::Passphrase),
        ("newer", KeyProblem::Passphrase),
        ("garbage", KeyProblem::Unreadable),
        ("user.pub", KeyProblem::Unreadable),
    ] {
        options.credentials[0].ssh_key_file = Some(sshd.at(name));
        let error = Repository::git(options.clone())?.resolve().await.expect_err(name);
        assert!(matches!(&error, Error::Key { problem, .. } if *problem == expected), "{name}: {error:?}");
        assert_eq!(error.class(), Class::AuthFailed);
        assert!(error.hint().is_some());
        let said = std::error::Error::source(&error).context("what ssh said")?.to_string();
        assert!(said.contains(text(&sshd.at(name))?) && !said.contains("tagalong-fetch-"), "{said}");
    }

    fs::write(sshd.at("empty"), "\n")?;
    let repository = |name: &str| {
        let mut options = options.clone();
        options.credentials[0].ssh_key_file = Some(sshd.at(name));
        Repository::git(options)
    };
    for name in ["empty", "renewed"] {
        let error = repository(name)?.resolve().await.expect_err(name);
        assert!(matches!(&error, Error::SettingsFile { path, .. } if *path == sshd.at(name)), "{error:?}");
        assert_eq!(error.class(), Class::AuthFailed);
    }
    // As it is renewed beside a running agent.
    let renewed = repository("renewed")?;
    renewed.resolve().await.expect_err("not there yet");
    fs::copy(sshd.at("user"), sshd.at("renewed"))?;
    assert_eq!(look(&renewed).await?.1, commit);
    Ok(())
}

#[tokio::test]
async fn every_form_of_a_known_host_is_read() -> Result<()> {
    let (origin, commit, sshd) = at_v1().await?;
    let mut options = sshd.options(&origin.path(), tag("v1"))?;
    let known = fs::read_to_string(sshd.at("known_hosts"))?;
    let wrong = fs::read_to_string(sshd.at("wrong_hosts"))?;

    fs::write(sshd.at("hashed"), &known)?;
    run("ssh-keygen", &["-q", "-H", "-f", text(&sshd.at("hashed"))?])?;
    ensure!(fs::read_to_string(sshd.at("hashed"))?.starts_with("|1|"), "it is hashed");
    fs::write(sshd.at("several"), format!("# all keys\n{wrong}{known}git.example.com {wrong}"))?;
    // A file name in which `ssh` would see a variable, and two words.
    fs::write(sshd.at("known %h hosts"), &known)?;
    for name in ["hashed", "several", "known %h hosts"] {
        options.credentials[0].host_keys = HostKeys::File(sshd.at(name));
        let found = look(&Repository::git(options.clone())?).await.with_context(|| name.to_owned())?;
        assert_eq!(found.1, commit);
    }

    fs::write(sshd.at("revoked"), format!("@revoked {known}{known}"))?;
    fs::write(sshd.at("elsewhere"), known.replace("[127.0.0.1]", "[127.0.0.2]"))?;
    fs::write(sshd.at("other-port"), known.replace(&format!("]:{}", sshd.port()), "]:22"))?;
    for (name, expected) in [
        ("no_hosts", HostKeyProblem::Unknown),
        ("elsewhere", HostKeyProblem::Unknown),
        ("other-port", HostKeyProblem::Unknown),
        ("wrong_hosts", HostKeyProblem::Changed),
        ("revoked", HostKeyProblem::Revoked),
    ] {
        options.credentials[0].host_keys = HostKeys::File(sshd.at(name));
        let error = Repository::git(options.clone())?.resolve().await.expect_err(name);
        assert!(
            matches!(&error, Error::HostKey { problem, .. } if *problem == expected),
            "{name}: {error:?}"
        );
        assert_eq!(error.class(), Class::AuthFailed);
        assert!(error.hint().is_some());
    }
    options.credentials[0].host_keys = HostKeys::File(sshd.at("nowhere"));
    let error = Repository::git(options)?.resolve().await.expect_err("no such file");
    assert!(matches!(error, Error::SettingsFile { .. }), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_host_whose_key_an_authority_signed_is_known_by_the_authority() -> Result<()> {
    let (origin, commit, sshd) = at_v1().await?;
    let authority = sshd.at("authority");
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", text(&authority)?])?;
    let host = sshd.at("host.pub");
    let sign = ["-q", "-s", text(&authority)?, "-h", "-I", "a host", "-n", "127.0.0.1", text(&host)?];
    run("ssh-keygen", &sign)?;
    sshd.configure(&format!("HostCertificate {}\n", sshd.at("host-cert.pub").display()))?;
    sshd.know("authorities", "authority.pub")?;
    let authorities = fs::read_to_string(sshd.at("authorities"))?;
    fs::write(sshd.at("authorities"), format!("@cert-authority {authorities}"))?;
    let mut options = sshd.options(&origin.path(), tag("v1"))?;
    options.credentials[0].host_keys = HostKeys::File(sshd.at("authorities"));
    assert_eq!(look(&Repository::git(options.clone())?).await?.1, commit);

    // The same key as no authority is the key of nobody.
    fs::write(sshd.at("authorities"), authorities)?;
    let error = Repository::git(options)?.resolve().await.expect_err("not known");
    assert!(matches!(error, Error::HostKey { .. }), "{error:?}");
    Ok(())
}

/// Definitions behind `sshd`, and a folder to ask for them from.
struct Asked {
    sshd: Sshd,
    _origin: Origin,
    desk: Desk,
    line: String,
}

impl Asked {
    async fn new() -> Result<Self> {
        let mut origin = Origin::new()?;
        origin.commit("all", &[ENVIRONMENT, (&file_of("orders"), &file_source("orders", ""))])?;
        origin.annotated_tag("v1", "HEAD", "release")?;
        let sshd = Sshd::start("").await?;
        let mut desk = Desk::new(&[])?;
        let url = sshd.url(&origin.path())?;
        desk.hide(&url, "URL");
        desk.hide(&sshd.host(), "HOST");
        desk.hide(&format!("[127.0.0.1]:{}", sshd.port()), "HOST");
        Ok(Self { line: format!("render --git {url} --tag v1 -e test"), sshd, _origin: origin, desk })
    }

    /// Says what the settings have for the host, besides the key.
    fn with(&mut self, more: &str) {
        let (host, key) = (self.sshd.host(), self.sshd.at("user"));
        let credential = format!("[{{host: '{host}', ssh_key_file: '{}', {more}}}]", key.display());
        self.desk.set("TAGALONG_GIT_CREDENTIALS", &credential);
    }

    fn fingerprint(&self, key: &str) -> Result<String> {
        let said = run("ssh-keygen", &["-lf", text(&self.sshd.at(key))?])?;
        Ok(said.split(' ').nth(1).context("a fingerprint")?.to_owned())
    }
}

#[tokio::test]
async fn a_host_is_known_by_the_fingerprint_of_its_key_and_no_other() -> Result<()> {
    let mut asked = Asked::new().await?;
    let (here, other) = (asked.fingerprint("host.pub")?, asked.fingerprint("other-host.pub")?);
    for pinned in [format!("[{here}]"), format!("[{other}, {here}]")] {
        asked.with(&format!("host_key_fingerprints: {pinned}"));
        let said = asked.desk.run(&asked.line).await?;
        assert_eq!(said.code, Some(0), "{said}");
    }
    asked.with(&format!("host_key_fingerprints: [{other}]"));
    asked.desk.hide(&here, "SHA256:HERE");
    assert_snapshot!(asked.desk.run(&asked.line).await?, @"
    exit 1
    ---- stderr
    Error: the host key of URL is not known
    Caused by: HOST shows ssh-ed25519 SHA256:HERE, which is not pinned. Host key verification failed.
    Hint: compare the key with what the host's pages say, and name it by `known_hosts_file` or `host_key_fingerprints` in `git_credentials`; `ssh-keyscan -p PORT HOST | ssh-keygen -lf -` shows it, where the port is 22 without `-p`
    ");
    Ok(())
}

#[tokio::test]
async fn a_machine_without_ssh_is_told_so() -> Result<()> {
    let mut asked = Asked::new().await?;
    asked.desk.set("PATH", "/nowhere");
    assert_snapshot!(asked.desk.run(&asked.line).await?, @"
    exit 1
    ---- stderr
    Error: URL is reached by `ssh`, and there is no such program here
    Hint: put OpenSSH's client into the image (`openssh-client`), or use an https address
    ");
    Ok(())
}

/// The processes below one, with their command lines and environments.
fn below(parent: u32) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let read = |file: &str| {
            fs::read(entry.path().join(file)).map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
        };
        // A process may end while it is looked at.
        let (Ok(stat), Ok(line), Ok(variables)) = (read("stat"), read("cmdline"), read("environ")) else {
            continue;
        };
        let of = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        if of == Some(parent) {
            let id: u32 = entry.file_name().to_string_lossy().parse()?;
            found.push(format!("{line}\n{variables}"));
            found.extend(below(id)?);
        }
    }
    Ok(found)
}

#[tokio::test]
async fn what_the_agent_starts_is_told_no_secret_and_nothing_of_the_user_s_configuration() -> Result<()> {
    // Accepts, and never says a word, so that there is time to look.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let host = listener.local_addr()?.to_string();
    let folder = tempfile::tempdir()?;
    let key = folder.path().join("key");
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", text(&key)?])?;
    let credentials = format!(
        "[{{host: git.example.com, password: hunter2}}, {{host: '{host}', ssh_key_file: '{}', host_key_fingerprints: ['SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU']}}]",
        key.display()
    );
    let variables = [
        ("TAGALONG_GIT_CREDENTIALS", credentials.as_str()),
        ("TAGALONG_SECRET_ORDERS", "hunter2"),
        ("OTHER_TOKEN", "hunter2"),
        ("https_proxy", "http://proxy:hunter2@proxy.example.com"),
    ];
    let settings = format!(
        "environment: test\nconnect: {{url: 'http://127.0.0.1:1'}}\nrepository: {{git: {{url: 'ssh://git@{host}/x', ref: {{tag: v1}}, interval: 1s}}}}\nscratch_dir: '{}'\n",
        folder.path().display()
    );
    let agent = Agent::start_with(&settings, &variables).await?;
    let (socket, _) = listener.accept().await?;
    let children = below(agent.pid())?;
    drop(socket);
    ensure!(children.iter().any(|child| child.starts_with("ssh ")), "{children:?}");
    let begin = fs::read_to_string(&key)?.lines().nth(1).context("a key")?.to_owned();
    for child in children {
        assert!(child.contains(" -F none ") && child.contains("StrictHostKeyChecking=yes"), "{child}");
        assert!(child.contains("PATH="), "{child}");
        assert!(
            !child.contains("hunter2") && !child.contains("TAGALONG") && !child.contains(&begin),
            "{child}"
        );
        assert!(!child.contains(text(&key)?), "it has the copy: {child}");
    }
    Ok(())
}
