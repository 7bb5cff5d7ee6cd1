//! An agent that follows what must be signed, and is started again: what it accepted is in force where its signature
//! counts today, and no older than that is accepted. A release that is refused changes neither.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use axum::http::StatusCode;
use tokio::time::{Duration, sleep};

use crate::last_good::{DRIFTED, Story, state, warnings};
use crate::support::agent::{Agent, wait};
use crate::support::cluster::writes;
use crate::support::definitions::{file_of, file_source};
use crate::support::platform::{Platform, TEMPLATE, template};
use crate::support::signing::{Signer, push};

/// A story whose tag must be signed by Ada.
async fn signed() -> Result<(Story, Signer, PathBuf)> {
    of(Story::new().await?)
}

fn of(mut story: Story) -> Result<(Story, Signer, PathBuf)> {
    let ada = Signer::new("ada")?;
    ada.tag(&mut story.definitions.origin, "v1", "HEAD")?;
    let signers = story.folder.path().join("allowed_signers");
    fs::write(&signers, ada.line("")?)?;
    story.settings =
        format!("{}    verify: {{allowed_signers_file: '{}'}}\n", story.settings, signers.display());
    Ok((story, ada, signers))
}

#[tokio::test]
async fn an_old_signed_tag_is_refused_after_a_restart_too() -> Result<()> {
    let (mut story, ada, _) = signed().await?;
    let old = story.definitions.origin.id("refs/tags/v1")?;
    let file = file_source("orders", "  batch.size: 7\n");
    story.definitions.origin.commit("a release", &[(&file_of("orders"), &file)])?;
    ada.tag(&mut story.definitions.origin, "v1", "HEAD")?;
    story.accept().await?;
    story.definitions.origin.git(&["update-ref", "refs/tags/v1", &old])?;
    push(&story.definitions.origin, "v1")?;
    let agent = story.start().await?;
    agent.wait_for_metric(&state("main", "verification_failed"), 1.0).await?;
    assert!(agent.status().await?.to_string().contains("an old one was put back"));
    sleep(Duration::from_secs(7)).await;
    assert_eq!((writes(&story.fake), story.key("batch.size").as_deref()), (vec![], Some("7")));
    Ok(())
}

#[tokio::test]
async fn what_is_kept_is_not_in_force_where_its_signer_counts_no_more_or_none_was_asked_for() -> Result<()> {
    let (mut story, ada, signers) = signed().await?;
    story.accept().await?;
    story.definitions.http.fail(StatusCode::INTERNAL_SERVER_ERROR);
    story.drift();
    fs::write(&signers, Signer::new("bob")?.line("")?)?;
    let agent = story.start().await?;
    agent.wait_for_metric(&state("main", "unreachable"), 1.0).await?;
    assert_eq!(warnings(&agent, "its signature does not count today").len(), 1, "{}", agent.log());
    assert_eq!(agent.status().await?["clocks"]["validated"], serde_json::Value::Null);
    agent.kill().await?;
    fs::write(&signers, ada.line("")?)?;
    let agent = story.start().await?;
    agent.wait_for_metric(DRIFTED, 1.0).await?;
    assert!(agent.get("/metrics").await?.contains("verified_by=\"ada@example.com\""));
    agent.kill().await?;

    // Kept while nobody asked for signatures: nobody vouched for it.
    let verified = story.settings.clone();
    story.settings = story.definitions.settings(&story.fake.url(0));
    story.definitions.http.heal();
    fs::remove_file(story.file()?)?;
    story.accept().await?;
    story.definitions.http.fail(StatusCode::INTERNAL_SERVER_ERROR);
    story.settings = verified;
    let agent = story.start().await?;
    agent.wait_for_metric(&state("main", "unreachable"), 1.0).await?;
    assert_eq!(warnings(&agent, "signatures were not asked for then").len(), 1, "{}", agent.log());
    Ok(())
}

/// Waits until a repository was asked again and again, and fares so.
async fn fares(agent: &Agent, repository: &str, wanted: &str) -> Result<()> {
    agent.wait_for_metric(&state(repository, wanted), 1.0).await?;
    let polls = format!(
        "tagalong_repository_poll_duration_seconds_count{{repository=\"{repository}\",step=\"list\"}}"
    );
    let before = agent.metric(&polls).await?.unwrap_or_default();
    agent.wait_for_metric_from(&polls, before + 2.0).await?;
    agent.wait_for_metric(&state(repository, wanted), 1.0).await
}

/// Has Ada sign a release of the connector with this in it.
fn release(story: &mut Story, ada: &Signer, tag: &str, more: &str) -> Result<()> {
    let file = if more.is_empty() { "connectr: orders\n".to_owned() } else { file_source("orders", more) };
    story.definitions.origin.commit("a release", &[(&file_of("orders"), &file)])?;
    ada.tag(&mut story.definitions.origin, tag, "HEAD")
}

#[tokio::test]
async fn a_signed_release_with_a_typo_makes_no_old_one_of_what_is_in_force() -> Result<()> {
    let (mut story, ada, _) = signed().await?;
    let (good, commit) = (story.definitions.origin.id("refs/tags/v1")?, story.definitions.released()?);
    let agent = story.start().await?;
    agent.wait_for_applied(&commit).await?;
    release(&mut story, &ada, "v1", "")?;
    fares(&agent, "main", "invalid").await?;
    agent.kill().await?;

    // The next agent has what was good in force, and puts drift right.
    story.drift();
    let agent = story.start().await?;
    fares(&agent, "main", "invalid").await?;
    let validated = agent.status().await?["clocks"]["validated"].to_string();
    assert!(validated.contains(&commit), "{validated}: {}", agent.log());
    wait("drift is put right", || async { Ok(story.key("topic").as_deref() == Some("orders")) }).await?;

    // And the tag may be moved back to the very object that is in force.
    story.definitions.origin.git(&["update-ref", "refs/tags/v1", &good])?;
    push(&story.definitions.origin, "v1")?;
    fares(&agent, "main", "ok").await?;
    assert_eq!(warnings(&agent, "an old one was put back").len(), 0, "{}", agent.log());
    Ok(())
}

#[tokio::test]
async fn a_signed_import_with_a_typo_makes_no_old_one_of_what_is_in_force() -> Result<()> {
    let mut platform = Platform::new().await?;
    let (story, ada, _) = of(Story::of(platform.definitions().await?).await?)?;
    ada.tag(&mut platform.origin, "v2", "HEAD")?;
    let good = platform.origin.id("refs/tags/v2")?;
    let agent = story.start().await?;
    agent.wait_for_applied(&story.definitions.released()?).await?;
    platform.origin.commit("a typo", &[(TEMPLATE.0, "tenplate: x\n")])?;
    ada.tag(&mut platform.origin, "v2", "HEAD")?;
    fares(&agent, "main", "invalid").await?;
    agent.kill().await?;

    story.drift();
    let agent = story.start().await?;
    fares(&agent, "main", "invalid").await?;
    wait("drift is put right", || async { Ok(story.key("topic").as_deref() == Some("orders")) }).await?;
    platform.origin.git(&["update-ref", "refs/tags/v2", &good])?;
    push(&platform.origin, "v2")?;
    fares(&agent, "platform", "ok").await?;

    // Accepted it counts, and what is older is put back by nobody.
    platform.origin.commit("a release", &[(TEMPLATE.0, &template("  batch.size: 8\n"))])?;
    ada.tag(&mut platform.origin, "v2", "HEAD")?;
    wait("it is in force", || async { Ok(story.key("batch.size").as_deref() == Some("8")) }).await?;
    platform.origin.git(&["update-ref", "refs/tags/v2", &good])?;
    push(&platform.origin, "v2")?;
    fares(&agent, "platform", "verification_failed").await?;
    agent.kill().await?;
    let agent = story.start().await?;
    fares(&agent, "platform", "verification_failed").await?;
    assert_eq!(story.key("batch.size").as_deref(), Some("8"));
    Ok(())
}

#[tokio::test]
async fn a_lower_version_that_is_allowed_is_taken_although_its_tag_was_signed_before() -> Result<()> {
    let (mut story, ada, _) = signed().await?;
    ada.tag(&mut story.definitions.origin, "v1.4.0", "HEAD")?;
    release(&mut story, &ada, "v1.5.0", "  batch.size: 5\n")?;
    let range = "ref: {semver: '^1.4', allow_downgrade: true}";
    story.settings = story.settings.replace("ref: {tag: v1}", range);
    let agent = story.start().await?;
    wait("it is in force", || async { Ok(story.key("batch.size").as_deref() == Some("5")) }).await?;
    story.definitions.origin.delete_tag("v1.5.0")?;
    wait("the lower one is", || async { Ok(story.key("batch.size").is_none()) }).await?;
    fares(&agent, "main", "ok").await?;
    agent.kill().await?;
    let agent = story.start().await?;
    fares(&agent, "main", "ok").await?;

    // Of one name, an older tag is still put back by nobody.
    let old = story.definitions.origin.id("refs/tags/v1.4.0")?;
    release(&mut story, &ada, "v1.4.0", "  batch.size: 6\n")?;
    wait("it is in force", || async { Ok(story.key("batch.size").as_deref() == Some("6")) }).await?;
    story.definitions.origin.git(&["update-ref", "refs/tags/v1.4.0", &old])?;
    push(&story.definitions.origin, "v1.4.0")?;
    fares(&agent, "main", "verification_failed").await
}
