//! What watching costs, and what is left where the kernel watches no more.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::time::sleep;

use crate::support::process::{descriptors, signal, watches};
use crate::support::watched::{Site, fill, orders, write};

/// How often the kernel queues what it tells of, at most: `fs.inotify.max_queued_events` where nobody changed it.
fn most_queued() -> Result<usize> {
    Ok(fs::read_to_string("/proc/sys/fs/inotify/max_queued_events")?.trim().parse()?)
}

#[expect(clippy::print_stdout, reason = "docs/operations/measured.md has what this prints")]
fn say(text: &str) {
    println!("{text}");
}

#[tokio::test]
async fn a_change_is_applied_at_once() -> Result<()> {
    let site = Site::new().await?;
    let mut took = Vec::new();
    for change in 0..20 {
        // As somebody who saves, looks and saves again.
        sleep(Duration::from_millis(1500)).await;
        let mark = format!("change-{change}");
        fs::write(site.file(), orders(&mark))?;
        took.push(site.shows(&mark).await?);
    }
    took.sort();
    say(&format!(
        "median {:?}, fastest {:?}, slowest {:?}",
        took[took.len() / 2],
        took[0],
        took[took.len() - 1]
    ));
    // Nothing else looks for an hour; how long it takes on a quiet machine is what is said above.
    assert!(took[took.len() / 2] < Duration::from_secs(10), "{took:?}");
    Ok(())
}

#[tokio::test]
async fn a_storm_of_five_thousand_files_is_a_look_a_second() -> Result<()> {
    let site = Site::new().await?;
    let (looks, began) = (site.looks().await?, Instant::now());
    for number in 0..5000 {
        fs::write(site.path(&format!("definitions/connectors/note-{number}.txt")), "no definition")?;
        if number % 500 == 0 {
            sleep(Duration::from_millis(400)).await;
        }
    }
    fs::write(site.file(), orders("after-the-storm"))?;
    site.shows("after-the-storm").await?;
    // The last word may be followed by one more look.
    sleep(Duration::from_secs(2)).await;
    let (looks, took) = (site.looks().await? - looks, began.elapsed());
    assert!(looks >= 1.0 && looks <= took.as_secs_f64() + 1.0, "{looks} looks in {took:?}");
    Ok(())
}

#[tokio::test]
async fn descriptors_and_watches_are_the_same_after_a_thousand_changes() -> Result<()> {
    let site = Site::new().await?;
    let agent = site.agent.pid();
    let before = (descriptors(agent)?, watches(agent)?);
    ensure!(before.1 > 3, "it watches: {before:?}");
    for change in 0..250 {
        fs::write(site.file(), orders(&format!("change-{change}")))?;
        write(&site.path("definitions/connectors/team/shop.txt"), "made")?;
        fs::remove_dir_all(site.path("definitions/connectors/team"))?;
        fs::rename(site.path("definitions"), site.path("away"))?;
        if change % 50 == 0 {
            // Long enough that the other folder is watched for a while.
            fill(&site.path("definitions"), "another")?;
            site.shows("another").await?;
            fs::remove_dir_all(site.path("definitions"))?;
        }
        fs::rename(site.path("away"), site.path("definitions"))?;
        sleep(Duration::from_millis(5)).await;
    }
    fs::write(site.file(), orders("last"))?;
    site.shows("last").await?;
    // A connection to the cluster or to the test may be open or not.
    let after = (descriptors(agent)?, watches(agent)?);
    assert!(after.0 <= before.0 + 2, "descriptors: {before:?}, {after:?}");
    assert_eq!(after.1, before.1, "watches");
    let (status, took) = site.agent.end().await?;
    assert!(status.success() && took < Duration::from_secs(7), "{status}, {took:?}");
    Ok(())
}

#[tokio::test]
async fn events_that_the_kernel_lost_are_followed_by_a_look() -> Result<()> {
    let site = Site::new().await?;
    sleep(Duration::from_millis(1500)).await;
    // While the agent stands still, what happens beside the folder fills the queue and is nothing to it;
    // what happens in the folder then has no room.
    signal(site.agent.pid(), "STOP")?;
    for number in 0..=most_queued()? / 2 {
        let file = site.path(&format!("note-{}", number % 2));
        fs::write(&file, "beside")?;
        fs::remove_file(file)?;
    }
    fs::write(site.file(), orders("lost"))?;
    signal(site.agent.pid(), "CONT")?;
    site.shows("lost").await?;
    Ok(())
}

/// Starts the agent where its user has only so many of a thing of inotify's; `None` where this machine allows
/// nobody to make such a place.
fn with_only(count: usize, thing: &str) -> Option<Vec<String>> {
    let narrow = format!("echo {count} > /proc/sys/user/max_inotify_{thing} && exec \"$0\" \"$@\"");
    let program = ["unshare", "--user", "--map-root-user", "sh", "-c", narrow.as_str()];
    let may = std::process::Command::new(program[0]).args(&program[1..]).arg("true").output();
    may.is_ok_and(|may| may.status.success()).then(|| program.map(ToOwned::to_owned).to_vec())
}

#[tokio::test]
async fn where_not_all_is_watched_it_is_told_once_and_the_interval_goes_on() -> Result<()> {
    let mut places = vec![(Vec::new(), 4100, "there are more than 4096 folders")];
    let narrow = [("watches", "inotify watches left"), ("instances", "inotify instances left")];
    for (thing, reason) in narrow {
        places.extend(with_only(0, thing).map(|program| (program, 0, reason)));
    }
    for (program, folders, reason) in places {
        let program: Vec<_> = program.iter().map(String::as_str).collect();
        let site = Site::behind(&program, "1s", "", |desk| {
            for number in 0..folders {
                fs::create_dir_all(desk.join(format!("definitions/connectors/{number}")))?;
            }
            fill(&desk.join("definitions"), "first")
        })
        .await?;
        site.shows("first").await?;
        for change in ["second", "third"] {
            fs::write(site.file(), orders(change))?;
            site.shows(change).await?;
            sleep(Duration::from_millis(1500)).await;
        }
        let log = site.agent.log();
        let warnings: Vec<_> =
            log.lines().filter(|line| line.contains("not every folder is watched")).collect();
        ensure!(warnings.len() == 1 && warnings[0].contains(reason), "{reason}: {log}");
        site.agent.end().await.context("it ends")?;
    }
    Ok(())
}
