//! What commands that look once say of the tag that they looked at: which version it stands for, who signed it,
//! and whether an agent of the same place would take it.

use anyhow::Result;
use serde_json::Value;
use tagalong_testkit::fake::Fake;

use crate::support::agent::Agent;
use crate::support::cluster::writes;
use crate::support::command::{Desk, Said};
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::platform::Platform;
use crate::support::signing::Signer;

/// A repository whose tag `v1` stands for `v1.4.2`, a cluster, and a folder with settings for both.
struct Story {
    definitions: Definitions,
    fake: Fake,
    desk: Desk,
}

impl Story {
    async fn new() -> Result<Self> {
        let mut definitions = Definitions::one("orders", "").await?;
        definitions.origin.annotated_tag("v1.4.2", "HEAD", "release")?;
        let fake = Fake::start(1).await;
        fake.preload("someone-elses", &[("connector.class", "FileStreamSource"), ("topic", "x")]);
        let mut desk = Desk::new(&[("settings.yaml", &definitions.settings(&fake.url(0)))])?;
        desk.set("TAGALONG_STATE_DIR", &desk.path("state").display().to_string());
        Ok(Self { definitions, fake, desk })
    }

    /// Follows a range of versions.
    fn follow_range(&self, more: &str) -> Result<String> {
        let range = format!("ref: {{semver: '^1.4'{more}}}");
        let settings = self.definitions.settings(&self.fake.url(0)).replace("ref: {tag: v1}", &range);
        self.desk.write("settings.yaml", &settings)?;
        Ok(settings)
    }

    async fn run(&self, command: &str) -> Result<Said> {
        self.desk.run(&format!("{command} --settings settings.yaml")).await
    }
}

/// The revision that a command told in JSON.
fn revision(said: &Said) -> Result<Value> {
    Ok(serde_json::from_str::<Value>(&said.out)?["revision"][0].clone())
}

#[tokio::test]
async fn every_command_names_the_version_that_a_tag_stands_for_and_who_signed_it() -> Result<()> {
    let mut story = Story::new().await?;
    let ada = Signer::new("ada")?;
    ada.tag(&mut story.definitions.origin, "v1", "HEAD")?;
    story.desk.write("signers", &ada.line("")?)?;
    let verify =
        format!("    verify: {{allowed_signers_file: '{}'}}\n", story.desk.path("signers").display());
    story.desk.write("settings.yaml", &(story.definitions.settings(&story.fake.url(0)) + &verify))?;
    let at = format!("v1 at {}", &story.definitions.released()?[..7]);
    let signer = "ada@example.com";
    for command in ["plan", "apply"] {
        let said = story.run(command).await?;
        let head =
            format!("Revision     {at}\nVersion      v1.4.2\nSigned by    {signer}\nEnvironment  test\n");
        assert!(said.code == Some(0) && said.out.starts_with(&head), "{command}: {said}");
    }
    let phrase = format!("{at} (v1.4.2, signed by {signer})");
    for (command, told) in [
        ("render", format!("1 connector of test, {phrase}\n")),
        ("plan --output markdown", format!("Revision `{phrase}`.")),
    ] {
        let said = story.run(command).await?;
        assert!(said.code == Some(0) && said.out.contains(&told), "{command}: {said}");
    }
    for command in ["plan", "apply", "render"] {
        let told = revision(&story.run(&format!("{command} --output json")).await?)?;
        assert_eq!(
            (&told["version_tag"], &told["verified_by"]),
            (&"v1.4.2".into(), &signer.into()),
            "{command}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_has_no_version_says_none_and_a_version_is_not_said_twice() -> Result<()> {
    let mut story = Story::new().await?;
    for follow in ["--tag v1.4.2", "--semver ^1.4"] {
        let said = story.run(&format!("plan {follow}")).await?;
        assert!(said.out.starts_with("Revision     v1.4.2 at ") && !said.out.contains("Version"), "{said}");
        let told = revision(&story.run(&format!("plan {follow} --output json")).await?)?;
        assert_eq!(told["version_tag"], "v1.4.2", "{told}");
    }
    story.definitions.release(&[(&file_of("orders"), &file_source("orders", "  batch.size: 7\n"))])?;
    story.definitions.origin.branch("next")?;
    for follow in ["--tag v1", "--branch next"] {
        let said = story.run(&format!("plan {follow}")).await?;
        assert!(said.code == Some(0) && !said.out.contains("Version"), "{said}");
        let told = revision(&story.run(&format!("plan {follow} --output json")).await?)?;
        assert_eq!(told.get("version_tag"), None, "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn an_import_has_a_version_of_its_own() -> Result<()> {
    let mut platform = Platform::new().await?;
    platform.origin.annotated_tag("v2.0.1", "v2^{commit}", "release")?;
    let definitions = platform.definitions().await?;
    let fake = Fake::start(1).await;
    let desk = Desk::new(&[("settings.yaml", &definitions.settings(&fake.url(0)))])?;
    let said = desk.run("plan --settings settings.yaml").await?;
    assert!(said.code == Some(0) && said.out.contains("\nVersion      v2.0.1 (platform)\n"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_comparison_names_the_versions_of_both_tags() -> Result<()> {
    let mut story = Story::new().await?;
    story.definitions.release(&[(&file_of("orders"), &file_source("orders", "  batch.size: 7\n"))])?;
    let origin = &story.definitions.origin;
    origin.tag("v1.5.0", "HEAD")?;
    origin.tag("release/v1.4.2", "v1.4.2^{commit}")?;
    origin.tag("release/v1", "v1.4.2^{commit}")?;
    let clone = origin.work_tree().display().to_string();
    let said = story.desk.run(&format!("compare release/v1 v1 --dir {clone}")).await?;
    let [old, new] = ["v1.4.2^{commit}", "v1^{commit}"].map(|name| origin.id(name));
    let head = format!(
        "From         release/v1 at {} (release/v1.4.2)\nTo           v1 at {} (v1.5.0)\n",
        &old?[..7],
        &new?[..7]
    );
    assert!(said.out.starts_with(&head), "{said}");
    let said = story.desk.run(&format!("compare release/v1 HEAD --dir {clone} --output json")).await?;
    let told: Value = serde_json::from_str(&said.out)?;
    assert_eq!(told["old"][0]["version_tag"], "release/v1.4.2");
    assert_eq!(told["new"][0].get("version_tag"), None, "a commit stands for none: {said}");
    Ok(())
}

#[tokio::test]
async fn a_lower_version_than_the_agent_accepted_is_not_applied_by_hand() -> Result<()> {
    let mut story = Story::new().await?;
    let settings = story.follow_range("")?;
    let state = story.desk.path("state").display().to_string();
    let change = file_source("orders", "  batch.size: 5\n");
    let five = story.definitions.origin.commit("five", &[(&file_of("orders"), &change)])?;
    story.definitions.origin.tag("v1.5.0", "HEAD")?;
    let agent = Agent::start_with(&settings, &[("TAGALONG_STATE_DIR", &state)]).await?;
    agent.wait_for_applied(&five).await?;
    // While it runs and holds the file, and after it has gone.
    let said = story.run("apply").await?;
    assert!(said.code == Some(0) && said.out.contains("No changes."), "{said}");
    story.definitions.origin.delete_tag("v1.5.0")?;
    story.fake.forget();
    let detail = "the highest version went down from v1.5.0 at ";
    let refused = async || {
        let said = story.run("apply").await?;
        assert!(said.code == Some(1) && said.out.is_empty(), "{said}");
        assert!(said.err.contains("nothing was applied: a lower version is held"), "{said}");
        assert!(said.err.contains(detail) && said.err.contains("allow_downgrade"), "{said}");
        anyhow::Ok(())
    };
    refused().await?;
    agent.wait_for_metric("tagalong_held{hold=\"lower-version\"}", 1.0).await?;
    agent.end().await?;
    refused().await?;
    let said = story.run("plan").await?;
    assert!(said.code == Some(0) && said.out.starts_with("Revision     v1.4.2 at "), "{said}");
    assert!(said.err.contains("Held: ") && said.err.contains(detail), "{said}");
    assert_eq!(writes(&story.fake), []);

    story.follow_range(", allow_downgrade: true")?;
    let said = story.run("apply").await?;
    assert!(said.code == Some(0) && !said.err.contains(detail), "{said}");
    assert_eq!(writes(&story.fake).len(), 1);
    Ok(())
}

#[tokio::test]
async fn without_what_an_agent_kept_the_highest_version_is_applied_and_nothing_is_made() -> Result<()> {
    let story = Story::new().await?;
    story.follow_range("")?;
    let said = story.run("apply").await?;
    assert!(said.code == Some(0) && said.out.starts_with("Revision     v1.4.2 at "), "{said}");
    assert!(!story.desk.path("state").exists(), "who looks once keeps nothing");
    Ok(())
}
