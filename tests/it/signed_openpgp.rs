//! A repository that must be signed with OpenPGP, with certificates, tags and commits made by `gpg` and
//! `git`: what is accepted, the reason why the rest is not, and who an agent says it was.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tagalong::model::revision::Reference;
use tagalong::model::signature::{Verified, What};
use tagalong::repo::Repository;
use tagalong::repo::error::Error;
use tagalong::repo::options::{GitOptions, Verification};
use tagalong::signature::refusal::Refusal;
use tagalong::signature::unfit::Unfit;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::git::repository::Repository as Origin;
use tempfile::TempDir;

use crate::support::agent::Agent;
use crate::support::definitions::Definitions;
use crate::support::gpg::Gpg;
use crate::support::reader::Reader;
use crate::support::signing::push;

const DAY: i64 = 86400;

/// A certificate's key signs, for ten years; `gpg`'s own default adds a subkey to encrypt.
const DEFAULT: [&str; 3] = ["default", "default", "10y"];

/// A repository, and an agent's look at its tag `v1`.
struct Story {
    origin: Origin,
    dir: TempDir,
}

impl Story {
    fn new() -> Result<Self> {
        let mut origin = Origin::new()?;
        origin.commit("first", &[("connectors/orders.yaml", "connector: orders\n")])?;
        Ok(Self { origin, dir: tempfile::tempdir()? })
    }

    /// A month before the first release.
    fn before(&self) -> i64 {
        self.origin.moment() - 30 * DAY
    }

    fn trust(&self, people: &[&Gpg]) -> Result<()> {
        let now = self.origin.moment();
        let keys = people.iter().map(|gpg| gpg.export(now)).collect::<Result<Vec<_>>>()?;
        Ok(fs::write(self.file(), keys.concat())?)
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("keys.asc")
    }

    async fn look(&self, what: What) -> Result<Verified, Error> {
        let openpgp_keys_file = Some(self.file());
        let verify = Some(Verification { what, allowed_signers_file: None, openpgp_keys_file });
        let url = self.origin.path().display().to_string();
        let options = GitOptions::new(url, Reference::Tag("v1".into()));
        let repository = Repository::git(GitOptions { verify, ..options })?;
        let resolved = repository.resolve().await?;
        let reading = repository.read(&resolved.revision).await?;
        Ok(reading.snapshot.revision.at.verified().expect("what is read is verified").clone())
    }

    async fn refusal(&self) -> Result<Refusal> {
        match self.look(What::Tag).await {
            Err(Error::Unverified { source, .. }) => Ok(source),
            other => anyhow::bail!("it is not refused: {other:?}"),
        }
    }

    /// Why the key does not count that signed `v1`.
    async fn why(&self) -> Result<Unfit> {
        match self.refusal().await? {
            Refusal::Unfit { why, .. } => Ok(why),
            other => anyhow::bail!("it is not the key: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_gpg_signs_is_accepted_and_names_its_signer() -> Result<()> {
    for kind in ["ed25519", "rsa2048", "nistp256", "nistp384"] {
        let mut story = Story::new()?;
        let ada = Gpg::new("Ada", story.before(), [kind, "sign", "10y"])?;
        story.trust(&[&ada])?;
        ada.commit(&mut story.origin)?;
        ada.tag(&mut story.origin, "v1", "HEAD")?;
        ada.git(&story.origin, &["verify-tag", "v1"]).with_context(|| format!("git too: {kind}"))?;
        let verified = story.look(What::TagAndCommit).await.with_context(|| kind.to_owned())?;
        let [key] = ada.fingerprints(story.origin.moment())?.try_into().expect("it has no subkey");
        assert_eq!(verified.to_string(), format!("{key} Ada <ada@example.com>"), "{kind}");
        assert_eq!(verified.keys(), [key]);
    }
    Ok(())
}

#[tokio::test]
async fn a_subkey_signs_for_its_certificate() -> Result<()> {
    let mut story = Story::new()?;
    let ada = Gpg::new("Ada", story.before(), ["ed25519", "cert", "10y"])?;
    let certificate = ada.fingerprints(story.before())?.remove(0);
    ada.run(story.before(), &["--quick-add-key", &certificate, "ed25519", "sign", "10y"])?;
    ada.run(story.before(), &["--quick-add-key", &certificate, "cv25519", "encr", "10y"])?;
    story.trust(&[&ada])?;
    ada.tag(&mut story.origin, "v1", "HEAD")?;
    let verified = story.look(What::Tag).await?;
    assert_eq!(verified.to_string(), format!("{certificate} Ada <ada@example.com>"));
    assert_eq!(verified.keys(), [ada.fingerprints(story.before())?.remove(1)]);
    Ok(())
}

#[tokio::test]
async fn whoever_is_not_in_the_file_does_not_count() -> Result<()> {
    let mut story = Story::new()?;
    let (ada, eve) = (Gpg::new("Ada", story.before(), DEFAULT)?, Gpg::new("Eve", story.before(), DEFAULT)?);
    story.trust(&[&ada])?;
    eve.tag(&mut story.origin, "v1", "HEAD")?;
    assert_eq!(story.why().await?, Unfit::Unknown);
    story.trust(&[&ada, &eve])?;
    assert!(story.look(What::Tag).await?.to_string().ends_with(" Eve <eve@example.com>"));
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_was_taken_back_does_not_count_for_what_it_signed_before() -> Result<()> {
    let mut story = Story::new()?;
    let ada = Gpg::new("Ada", story.before(), ["ed25519", "sign", "2y"])?;
    let key = ada.fingerprints(story.before())?.remove(0);
    ada.tag(&mut story.origin, "v1", "HEAD")?;
    // Prolonged, so that what it says of its name is younger than what takes it back.
    ada.run(story.origin.moment(), &["--quick-set-expire", &key, "10y"])?;
    story.trust(&[&ada])?;
    assert!(story.look(What::Tag).await.is_ok());
    ada.revoke(story.origin.moment())?;
    story.trust(&[&ada])?;
    assert_eq!(story.why().await?, Unfit::Revoked);
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_has_expired_counts_again_when_it_is_prolonged() -> Result<()> {
    let mut story = Story::new()?;
    // It lasts for two days after the release, which are long gone.
    let ada = Gpg::new("Ada", story.before(), ["ed25519", "sign", "32d"])?;
    let key = ada.fingerprints(story.before())?.remove(0);
    ada.tag(&mut story.origin, "v1", "HEAD")?;
    story.trust(&[&ada])?;
    assert!(matches!(story.why().await?, Unfit::Expired(_)));
    ada.run(story.origin.moment(), &["--quick-set-expire", &key, "10y"])?;
    story.trust(&[&ada])?;
    assert!(story.look(What::Tag).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn a_signed_tag_of_another_name_is_refused_although_git_accepts_it() -> Result<()> {
    let mut story = Story::new()?;
    let ada = Gpg::new("Ada", story.before(), DEFAULT)?;
    story.trust(&[&ada])?;
    ada.tag(&mut story.origin, "v0.9", "HEAD")?;
    story.origin.git(&["update-ref", "refs/tags/v1", "refs/tags/v0.9"])?;
    push(&story.origin, "v1")?;
    ada.git(&story.origin, &["verify-tag", "v1"])?;
    let (written, asked) = ("v0.9".into(), "v1".into());
    assert_eq!(story.refusal().await?, Refusal::OtherName { written, asked });
    Ok(())
}

#[tokio::test]
async fn an_agent_says_who_signed_what_runs() -> Result<()> {
    let mut definitions = Definitions::one("orders", "").await?;
    let fake = Fake::start(1).await;
    let dir = tempfile::tempdir()?;
    let now = definitions.origin.moment();
    let ada = Gpg::new("Ada", now - 30 * DAY, DEFAULT)?;
    let file = dir.path().join("keys.asc");
    fs::write(&file, ada.export(now)?)?;
    ada.tag(&mut definitions.origin, "v1", "HEAD")?;
    let settings = definitions.settings(&fake.url(0));
    let agent =
        Agent::start(&format!("{settings}    verify: {{openpgp_keys_file: '{}'}}\n", file.display())).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let key = ada.fingerprints(now)?.remove(0);
    let who = format!("{key} Ada <ada@example.com>");
    let metrics = agent.get("/metrics").await?;
    assert!(metrics.contains(&format!("verified_by=\"{who}\"")), "{metrics}");
    let status = agent.status().await?;
    let revision = &status["clocks"]["applied"]["revision"][0];
    assert_eq!((&revision["verified_by"], &revision["signing_keys"][0]), (&who.clone().into(), &key.into()));
    let audit = agent.log().lines().find(|line| line.contains("tagalong::audit")).map(str::to_owned);
    let audit: serde_json::Value = serde_json::from_str(&audit.context("a line for the creation")?)?;
    assert_eq!(audit["signer"], who.as_str(), "{audit}");
    Ok(())
}

#[tokio::test]
async fn the_page_of_openpgp_works_as_it_stands() -> Result<()> {
    Reader::new().await?.today().read("docs/operations/openpgp.md").await
}
