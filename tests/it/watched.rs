//! A folder that is changed as people, editors and Kubernetes change folders is applied at once, although
//! the interval is an hour.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::time::sleep;

use crate::secrets;
use crate::support::agent::wait;
use crate::support::definitions::{ENVIRONMENT, file_source};
use crate::support::mount::Mount;
use crate::support::process::watches;
use crate::support::watched::{Site, fill, orders, write};

/// As vim saves: it tries whether it may write, moves the old file aside, writes the new one, removes the old.
fn as_vim(file: &Path, text: &str) -> Result<()> {
    let probe = file.with_file_name("4913");
    fs::write(&probe, "")?;
    fs::remove_file(&probe)?;
    let aside = file.with_file_name("orders.yaml~");
    fs::rename(file, &aside)?;
    fs::write(file, text)?;
    Ok(fs::remove_file(aside)?)
}

/// As most tools save: a file elsewhere takes the place of the old one.
fn as_renamed(file: &Path, text: &str) -> Result<()> {
    let elsewhere = file.ancestors().nth(3).context("the desk")?.join("elsewhere");
    write(&elsewhere.join("new"), text)?;
    Ok(fs::rename(elsewhere.join("new"), file)?)
}

#[tokio::test]
async fn a_file_is_seen_however_it_is_saved() -> Result<()> {
    let site = Site::new().await?;
    fs::write(site.file(), orders("written"))?;
    site.shows("written").await?;
    as_vim(&site.file(), &orders("vim"))?;
    site.shows("vim").await?;
    let sed = Command::new("sed").args(["-i", "s/mark: vim/mark: sed/"]).arg(site.file()).status()?;
    ensure!(sed.success(), "sed -i");
    site.shows("sed").await?;
    as_renamed(&site.file(), &orders("renamed"))?;
    site.shows("renamed").await?;
    Ok(())
}

#[tokio::test]
async fn a_folder_that_was_not_there_is_seen_when_it_comes_and_whenever_it_comes_back() -> Result<()> {
    let site = Site::with("", |_| Ok(())).await?;
    let folder = site.path("definitions");
    site.agent
        .wait_for_metric_from("tagalong_repository_polls_total{outcome=\"error\",repository=\"main\"}", 1.0)
        .await?;
    fill(&folder, "made")?;
    site.shows("made").await?;

    fs::rename(&folder, site.path("away"))?;
    let gone = "tagalong_repository_state{repository=\"main\",state=\"ref_missing\"}";
    site.agent.wait_for_metric(gone, 1.0).await?;
    write(&site.path("away/connectors/orders.yaml"), &orders("while-away"))?;
    fs::rename(site.path("away"), &folder)?;
    site.shows("while-away").await?;

    fs::remove_dir_all(&folder)?;
    fill(&folder, "made-again")?;
    site.shows("made-again").await?;
    // The watch is that of the new folder.
    write(&site.file(), &orders("changed"))?;
    site.shows("changed").await?;
    Ok(())
}

#[tokio::test]
async fn an_extra_folder_is_seen_although_its_parents_are_made_one_by_one() -> Result<()> {
    let extra = "extra: ['{desk}/mounts/extra/shop']\n";
    let site =
        Site::with(extra, |desk| write(&desk.join("definitions").join(ENVIRONMENT.0), ENVIRONMENT.1)).await?;
    site.agent.wait_for_metric("tagalong_repository_state{repository=\"main\",state=\"ok\"}", 1.0).await?;
    for folder in ["mounts", "mounts/extra", "mounts/extra/shop"] {
        fs::create_dir(site.path(folder))?;
        // Longer than it takes until the new folder is watched.
        sleep(Duration::from_millis(600)).await;
    }
    write(&site.path("mounts/extra/shop/orders.yaml"), &orders("first"))?;
    site.shows("first").await?;

    // A folder above it gives way to another one.
    fs::rename(site.path("mounts"), site.path("old"))?;
    write(&site.path("mounts/extra/shop/orders.yaml"), &orders("second"))?;
    site.shows("second").await?;
    Ok(())
}

#[tokio::test]
async fn a_renewed_config_map_and_a_renewed_secret_are_seen() -> Result<()> {
    let mut shop = Mount::new(&[("orders.yaml", &orders("first"))])?;
    let mut passwords = secrets::Mount::new()?;
    passwords.swap("hunter2-one")?;
    let settings = format!(
        "extra: ['{}']\nsecrets: {{folders: ['{}']}}\n",
        shop.path().display(),
        passwords.path().display()
    );
    let secret = file_source("till", "  greeting: \"{{ secret('file:password') }}\"\n");
    let site = Site::with(&settings, |desk| {
        write(&desk.join("definitions").join(ENVIRONMENT.0), ENVIRONMENT.1)?;
        write(&desk.join("definitions/connectors/till.yaml"), &secret)
    })
    .await?;
    site.shows("first").await?;
    for renewal in ["second", "third"] {
        shop.renew(&[("orders.yaml", &orders(renewal))])?;
        site.shows(renewal).await?;
        passwords.swap(&format!("hunter2-{renewal}"))?;
        let password = || async {
            let till = site.fake.connector("till");
            Ok(till.is_some_and(|till| till.config["greeting"] == format!("hunter2-{renewal}")))
        };
        wait("the new password is there", password).await.with_context(|| site.agent.log())?;
    }
    Ok(())
}

#[tokio::test]
async fn a_folder_that_is_a_link_is_seen_when_the_link_is_switched() -> Result<()> {
    let site = Site::with("", |desk| {
        fill(&desk.join("releases/1"), "first")?;
        fill(&desk.join("releases/2"), "second")?;
        Ok(symlink("releases/1", desk.join("definitions"))?)
    })
    .await?;
    site.shows("first").await?;
    let watched = watches(site.agent.pid())?;
    symlink("releases/2", site.path("new"))?;
    fs::rename(site.path("new"), site.path("definitions"))?;
    site.shows("second").await?;
    // Where it leads to now is watched, and where it led to is not.
    write(&site.path("releases/2/connectors/orders.yaml"), &orders("third"))?;
    site.shows("third").await?;
    assert_eq!(watches(site.agent.pid())?, watched);
    let looks = site.looks().await?;
    write(&site.path("releases/1/connectors/orders.yaml"), &orders("fourth"))?;
    sleep(Duration::from_secs(2)).await;
    assert!(
        (site.looks().await? - looks).abs() < f64::EPSILON,
        "nobody looks for a folder that is not followed"
    );
    Ok(())
}

#[tokio::test]
async fn folders_that_are_made_in_it_are_watched() -> Result<()> {
    let site =
        Site::with("", |desk| write(&desk.join("definitions").join(ENVIRONMENT.0), ENVIRONMENT.1)).await?;
    site.agent.wait_for_metric("tagalong_repository_state{repository=\"main\",state=\"ok\"}", 1.0).await?;
    let file = site.path("definitions/connectors/team/shop/orders.yaml");
    write(&file, &orders("first"))?;
    site.shows("first").await?;
    write(&file, &orders("second"))?;
    site.shows("second").await?;
    Ok(())
}

#[tokio::test]
async fn a_half_written_file_is_told_and_changes_nothing_until_it_is_whole() -> Result<()> {
    let site = Site::new().await?;
    site.fake.forget();
    let text = orders("whole");
    let (half, rest) = text.split_at(text.find("mark").context("it is marked")?);
    fs::write(site.file(), format!("{half}\"mark: "))?;
    let invalid = "tagalong_repository_state{repository=\"main\",state=\"invalid\"}";
    site.agent.wait_for_metric(invalid, 1.0).await?;
    assert_eq!(site.mark().as_deref(), Some("first"), "what was good last stays");
    assert_eq!(site.fake.writes().len(), 0);
    fs::write(site.file(), format!("{half}{rest}"))?;
    site.shows("whole").await?;
    site.agent.wait_for_metric(invalid, 0.0).await
}

#[tokio::test]
async fn a_change_that_means_nothing_costs_a_look_at_the_folder_and_none_at_the_cluster() -> Result<()> {
    let site = Site::new().await?;
    site.agent
        .wait_for_metric("tagalong_connector_sync_state{connector=\"orders\",state=\"synced\"}", 1.0)
        .await?;
    // What was begun is over.
    sleep(Duration::from_secs(1)).await;
    let looks = site.looks().await?;
    site.fake.forget();
    write(&site.path("definitions/connectors/.orders.yaml.swp"), "an editor's own")?;
    write(&site.file(), &orders("first"))?;
    let looked = || async { Ok(site.looks().await? > looks) };
    wait("the folder is looked at", looked).await?;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(site.fake.requests().len(), 0);
    Ok(())
}
