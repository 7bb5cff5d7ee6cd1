//! A repository that must be signed, with tags and commits made by `git` and keys by `ssh-keygen`: what
//! is accepted, and the reason why the rest is not.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tagalong::model::report::Class;
use tagalong::model::revision::Reference;
use tagalong::model::signature::{Verified, What};
use tagalong::repo::Repository;
use tagalong::repo::error::Error;
use tagalong::repo::options::{GitOptions, Verification};
use tagalong::signature::refusal::Refusal;
use tagalong_testkit::git::repository::{FIRST_MOMENT, Repository as Origin};
use tempfile::TempDir;

use crate::repo_tree_crafted::Forge;
use crate::support::signing::{Signer, push};

/// Says whether a refusal is the one that is expected.
type Reason = fn(&Refusal) -> bool;

/// A repository, and an agent's look at its tag `v1`.
struct Story {
    origin: Origin,
    dir: TempDir,
}

impl Story {
    /// One unsigned commit, and these allowed signers.
    fn new(signers: &str) -> Result<Self> {
        let mut origin = Origin::new()?;
        origin.commit("first", &[("connectors/orders.yaml", "connector: orders\n")])?;
        let story = Self { origin, dir: tempfile::tempdir()? };
        story.allow(signers)?;
        Ok(story)
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("allowed_signers")
    }

    fn allow(&self, signers: &str) -> Result<()> {
        Ok(fs::write(self.file(), signers)?)
    }

    fn repository(&self, what: What, reference: Reference) -> Result<Repository, Error> {
        let allowed_signers_file = Some(self.file());
        let verify = Some(Verification { what, allowed_signers_file, openpgp_keys_file: None });
        let url = self.origin.path().display().to_string();
        Repository::git(GitOptions { verify, ..GitOptions::new(url, reference) })
    }

    /// Who signed what `v1` names.
    async fn look(&self, what: What) -> Result<Verified, Error> {
        let repository = self.repository(what, Reference::Tag("v1".into()))?;
        let resolved = repository.resolve().await?;
        let reading = repository.read(&resolved.revision).await?;
        Ok(reading.snapshot.revision.at.verified().expect("what is read is verified").clone())
    }

    /// The one reason why what `v1` names is refused.
    async fn refusal(&self, what: What) -> Result<Refusal> {
        match self.look(what).await {
            Err(error @ Error::Unverified { .. }) => {
                assert_eq!(error.class(), Class::Unverified);
                let Error::Unverified { source, .. } = error else { unreachable!("it is one") };
                Ok(source)
            }
            other => anyhow::bail!("it is not refused: {other:?}"),
        }
    }

    /// Whether `git` itself accepts the signature of `v1`.
    fn git_accepts(&self) -> bool {
        let file = format!("gpg.ssh.allowedSignersFile={}", self.file().display());
        self.origin.git(&["-c", &file, "verify-tag", "v1"]).is_ok()
    }
}

#[tokio::test]
async fn a_tag_signed_with_any_kind_of_key_is_accepted_and_names_its_signer() -> Result<()> {
    let kinds: [&[&str]; 5] = [
        &["-t", "ed25519"],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "rsa", "-b", "2048"],
        &["-t", "rsa", "-b", "3072"],
    ];
    for kind in kinds {
        let ada = Signer::with("ada", kind)?;
        let mut story = Story::new(&ada.line("namespaces=\"git\"")?)?;
        ada.tag(&mut story.origin, "v1", "HEAD")?;
        assert!(story.git_accepts(), "{kind:?}");
        let verified = story.look(What::Tag).await.with_context(|| format!("{kind:?}"))?;
        assert_eq!(verified.to_string(), "ada@example.com", "{kind:?}");
        assert_eq!(verified.keys(), [ada.fingerprint()?]);
        ada.commit(&mut story.origin)?;
        ada.tag(&mut story.origin, "v1", "HEAD")?;
        let verified = story.look(What::TagAndCommit).await.with_context(|| format!("{kind:?}"))?;
        assert_eq!(verified.what(), What::TagAndCommit);
    }
    Ok(())
}

#[tokio::test]
async fn a_key_of_a_kind_that_is_not_checked_is_named() -> Result<()> {
    let ada = Signer::with("ada", &["-t", "ecdsa", "-b", "521"])?;
    let mut story = Story::new(&ada.line("")?)?;
    ada.tag(&mut story.origin, "v1", "HEAD")?;
    let refusal = story.refusal(What::Tag).await?;
    assert!(matches!(refusal, Refusal::KeyKind { .. }), "{refusal:?}");
    Ok(())
}

#[tokio::test]
async fn names_with_patterns_count_where_they_count_for_git() -> Result<()> {
    let ada = Signer::new("ada")?;
    let mut story = Story::new("")?;
    ada.tag(&mut story.origin, "v1", "HEAD")?;
    let key = ada.line("")?;
    let key = key.split_once(' ').context("a name and a key")?.1.to_owned();
    let yes = [
        "a@b",
        "*",
        "?",
        "*@b",
        "a@b,!c@d",
        "!a@b,*",
        "!a@b,a@b,c@d",
        "*,!*@b",
        "*@b,!a@b",
        "A@b,!a@b",
        "a,,b",
    ];
    let quoted = ["\"a b,c\"", "\"a@b, !*\"", "\"a@b ,!a@b\""];
    let no = [
        "!*", "a@b,!*", "!*,a@b", "!c@d", "a@b,!a@b", "!a@b,a@b", "!?", "!", "!!a", "a@b,!*@b", ",a",
        "!a,,b", ",",
    ];
    let for_git = ["file,git", "!file,git", "g?t", ",git"];
    let for_others = ["file, git", " git", "git ", "git,!g*", "!file", "", "GIT", "!!git"];
    let names = |names: &str| format!("{names} {key}");
    let uses = |uses: &&str| format!("a@b namespaces=\"{uses}\" {key}");
    let good = yes.iter().chain(&quoted).map(|one| names(one)).chain(for_git.iter().map(uses));
    let bad = no.iter().chain(&["\"!*\"", "\"\""]).map(|one| names(one)).chain(for_others.iter().map(uses));
    for (line, counts) in good.map(|line| (line, true)).chain(bad.map(|line| (line, false))) {
        story.allow(&line)?;
        assert_eq!(story.git_accepts(), counts, "git: {line}");
        assert_eq!(story.look(What::Tag).await.is_ok(), counts, "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn two_signers_are_told_apart() -> Result<()> {
    let (ada, bob) = (Signer::new("ada")?, Signer::new("bob")?);
    let mut story = Story::new(&(ada.line("")? + &bob.line("")?))?;
    for signer in [&ada, &bob] {
        signer.tag(&mut story.origin, "v1", "HEAD")?;
        assert_eq!(story.look(What::Tag).await?.keys(), [signer.fingerprint()?]);
    }
    Ok(())
}

#[tokio::test]
async fn each_way_in_which_a_key_may_not_sign_is_told() -> Result<()> {
    let (ada, eve) = (Signer::new("ada")?, Signer::new("eve")?);
    let mut story = Story::new("")?;
    ada.tag(&mut story.origin, "v1", "HEAD")?;
    // The tag is of the first of January 2026.
    let expected: [(String, Reason); 6] = [
        (eve.line("")?, |refusal| matches!(refusal, Refusal::UnknownKey { .. })),
        (ada.line("namespaces=\"file\"")?, |refusal| matches!(refusal, Refusal::NotForGit { .. })),
        (ada.line("valid-before=\"20251231\"")?, |refusal| matches!(refusal, Refusal::Expired { .. })),
        (ada.line("valid-after=\"20260301Z\"")?, |refusal| matches!(refusal, Refusal::NotYetValid { .. })),
        (ada.line("cert-authority")?, |refusal| matches!(refusal, Refusal::Line { line: 1, .. })),
        (String::new(), |refusal| matches!(refusal, Refusal::Nobody)),
    ];
    for (signers, is_it) in expected {
        story.allow(&signers)?;
        let refusal = story.refusal(What::Tag).await?;
        assert!(is_it(&refusal), "{signers}: {refusal:?}");
        assert!(!story.git_accepts(), "git too: {signers}");
    }
    fs::remove_file(story.file())?;
    let error = story.look(What::Tag).await.expect_err("nobody counts");
    assert_eq!(error.class(), Class::Unverified);
    Ok(())
}

#[tokio::test]
async fn a_key_that_ended_to_count_does_not_count_for_what_it_signed_before() -> Result<()> {
    let ada = Signer::new("ada")?;
    let mut story = Story::new(&ada.line("valid-before=\"20260201Z\"")?)?;
    ada.tag(&mut story.origin, "v1", "HEAD")?;
    // git takes the tagger's word for when it was signed, and so would take that of a thief.
    assert!(story.git_accepts());
    let refusal = story.refusal(What::Tag).await?;
    assert!(matches!(refusal, Refusal::Expired { .. }), "{refusal:?}");
    Ok(())
}

#[tokio::test]
async fn a_signed_tag_of_another_name_is_refused_although_git_accepts_it() -> Result<()> {
    let ada = Signer::new("ada")?;
    let mut story = Story::new(&ada.line("")?)?;
    ada.tag(&mut story.origin, "v0.9", "HEAD")?;
    story.origin.git(&["update-ref", "refs/tags/v1", "refs/tags/v0.9"])?;
    push(&story.origin, "v1")?;
    assert!(story.git_accepts());
    assert_eq!(
        story.refusal(What::Tag).await?,
        Refusal::OtherName { written: "v0.9".into(), asked: "v1".into() }
    );
    Ok(())
}

// Each of them is signed well by somebody who may sign: only what is signed is not what is followed.
#[tokio::test]
async fn a_good_signature_counts_for_one_use_one_name_one_commit_and_a_time_that_has_come() -> Result<()> {
    let ada = Signer::new("ada")?;
    let story = Story::new(&ada.line("")?)?;
    let commit = story.origin.id("HEAD")?;
    let tag = |object: &str, kind: &str, name: &str, made: i64| {
        let who = format!("A <a@example.com> {made} +0000");
        format!("object {object}\ntype {kind}\ntag {name}\ntagger {who}\n\nrelease\n")
    };
    let honest = tag(&commit, "commit", "v1", FIRST_MOMENT);
    let put = |text: &str, used: &str| Forge(&story.origin).tag(&(text.to_owned() + &ada.seal(text, used)?));
    put(&honest, "git")?;
    assert_eq!(story.look(What::Tag).await?.keys(), [ada.fingerprint()?]);

    // git reads an id in capitals as the same id, and so do those who look for the commit.
    let in_capitals = tag(&commit.to_uppercase(), "commit", "v1", FIRST_MOMENT);
    assert_ne!(in_capitals, honest);
    let century = 100 * 365 * 24 * 3600;
    let cases: [(String, &str, Reason); 5] = [
        (honest, "file", |refusal| matches!(refusal, Refusal::Namespace { found, .. } if found == "file")),
        (
            tag(&commit, "commit", "v2", FIRST_MOMENT),
            "git",
            |refusal| matches!(refusal, Refusal::OtherName { written, .. } if written == "v2"),
        ),
        (tag(&commit, "tree", "v1", FIRST_MOMENT), "git", |refusal| {
            matches!(refusal, Refusal::OtherCommit { .. })
        }),
        (in_capitals, "git", |refusal| matches!(refusal, Refusal::OtherCommit { .. })),
        (tag(&commit, "commit", "v1", FIRST_MOMENT + century), "git", |refusal| {
            matches!(refusal, Refusal::Ahead { .. })
        }),
    ];
    for (text, used, is_it) in cases {
        put(&text, used)?;
        let refusal = story.refusal(What::Tag).await.with_context(|| text.clone())?;
        assert!(is_it(&refusal), "{text}: {refusal:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_tag_that_was_changed_after_it_was_signed_is_refused() -> Result<()> {
    let ada = Signer::new("ada")?;
    let mut story = Story::new(&ada.line("")?)?;
    ada.tag(&mut story.origin, "v1", "HEAD")?;
    story.origin.commit("second", &[("connectors/orders.yaml", "connector: evil\n")])?;
    let (old, new) = (story.origin.id("v1^{commit}")?, story.origin.id("HEAD")?);
    let forged = story.origin.git(&["cat-file", "tag", "v1"])?.replace(&old, &new) + "\n";
    let path = story.dir.path().join("forged");
    fs::write(&path, forged)?;
    let path = path.to_str().context("a path that is text")?;
    let id = story.origin.git(&["hash-object", "-t", "tag", "-w", path])?;
    story.origin.git(&["update-ref", "refs/tags/v1", &id])?;
    push(&story.origin, "v1")?;
    let refusal = story.refusal(What::Tag).await?;
    assert!(matches!(refusal, Refusal::Forged { .. }), "{refusal:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_not_signed_is_refused_for_what_it_is() -> Result<()> {
    let ada = Signer::new("ada")?;
    let mut story = Story::new(&ada.line("")?)?;
    story.origin.annotated_tag("v1", "HEAD", "release")?;
    let refusal = story.refusal(What::Tag).await?;
    assert_eq!(refusal.to_string(), "the tag is not signed");
    // The commit's signature does not stand for the tag's, nor the tag's for the commit's.
    ada.commit(&mut story.origin)?;
    story.origin.tag("v1", "HEAD")?;
    assert_eq!(story.refusal(What::Tag).await?, Refusal::Lightweight { name: "v1".into() });
    assert_eq!(story.look(What::Commit).await?.what(), What::Commit);
    assert_eq!(story.look(What::TagOrCommit).await?.what(), What::Commit);
    story.origin.commit("unsigned", &[("connectors/b.yaml", "connector: b\n")])?;
    ada.tag(&mut story.origin, "v1", "HEAD")?;
    assert_eq!(story.refusal(What::TagAndCommit).await?.to_string(), "the commit is not signed");
    Ok(())
}

#[tokio::test]
async fn a_branch_has_no_tag_that_could_be_signed() -> Result<()> {
    let ada = Signer::new("ada")?;
    let mut story = Story::new(&ada.line("")?)?;
    ada.commit(&mut story.origin)?;
    let branch = || Reference::Branch("main".into());
    let repository = story.repository(What::Tag, branch())?;
    let resolved = repository.resolve().await?;
    let error = repository.read(&resolved.revision).await.expect_err("no tag");
    assert!(matches!(error, Error::Unverified { source: Refusal::NoTag { .. }, .. }), "{error:?}");
    let repository = story.repository(What::Commit, branch())?;
    let reading = repository.read(&resolved.revision).await?;
    assert_eq!(
        reading.snapshot.revision.at.verified().map(ToString::to_string).as_deref(),
        Some("ada@example.com")
    );
    Ok(())
}
