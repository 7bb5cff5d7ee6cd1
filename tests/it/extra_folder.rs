//! What a folder of `extra` is read as: the files of one moment, and nothing from outside of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong::model::report::Class;
use tagalong::model::snapshot::Snapshot;
use tagalong::repo::flat;

use crate::support::mount::Mount;

async fn read(folder: &Path) -> Result<Snapshot> {
    Ok(flat::read(folder.to_owned()).await?)
}

/// The names of the files, and what stands in them.
fn told(snapshot: &Snapshot, folder: &Path) -> Vec<String> {
    let folder = format!("{}/", folder.display());
    let line = |(path, bytes): (&std::sync::Arc<str>, &std::sync::Arc<[u8]>)| {
        let name = path.strip_prefix(folder.as_str()).unwrap_or(path);
        format!("{name}: {}", String::from_utf8_lossy(bytes))
    };
    snapshot.files.iter().map(line).collect()
}

#[tokio::test]
async fn a_mounted_config_map_is_read_through_its_links() -> Result<()> {
    let mut mount = Mount::new(&[("b.yaml", "1"), ("a.json", "2"), ("README.md", "3")])?;
    let first = read(mount.path()).await?;
    assert_eq!(told(&first, mount.path()), ["a.json: 2", "b.yaml: 1"]);
    assert_eq!(first.ignored, [mount.file("README.md").into()]);
    assert_eq!(first.findings, []);
    assert_eq!(read(mount.path()).await?.revision, first.revision, "the same is told from another");

    mount.renew(&[("b.yaml", "4"), ("c.yaml", "5")])?;
    let second = read(mount.path()).await?;
    assert_eq!(told(&second, mount.path()), ["b.yaml: 4", "c.yaml: 5"]);
    assert_ne!(second.revision, first.revision);
    Ok(())
}

#[tokio::test]
async fn right_after_the_renaming_all_is_new_although_the_names_are_old() -> Result<()> {
    let mut mount = Mount::new(&[("gone.yaml", "1"), ("kept.yaml", "1")])?;
    let files = [("kept.yaml", "2"), ("new.yaml", "2")];
    let old = mount.rename(&files)?;
    let between = read(mount.path()).await?;
    assert_eq!(told(&between, mount.path()), ["kept.yaml: 2", "new.yaml: 2"]);
    assert_eq!(between.findings, []);
    mount.set_right(&files, old.as_deref())?;
    assert_eq!(read(mount.path()).await?.revision, between.revision, "nothing is news afterwards");
    Ok(())
}

#[test]
fn a_renewal_in_the_middle_gives_all_old_or_all_new() -> Result<()> {
    let mut mount = Mount::new(&[("a.yaml", "0"), ("b.yaml", "0")])?;
    let folder = mount.path().to_owned();
    let renewed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let renewing = scope.spawn(|| {
            let all = (1..=60).try_for_each(|state| {
                let text = state.to_string();
                mount.renew(&[("a.yaml", &text), ("b.yaml", &text)])?;
                std::thread::park_timeout(Duration::from_millis(10));
                Ok(())
            });
            renewed.store(true, Ordering::Relaxed);
            all
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let reading = runtime.block_on(async {
            while !renewed.load(Ordering::Relaxed) {
                let files: Vec<_> = read(&folder).await?.files.into_values().collect();
                ensure!(files.len() == 2 && files[0] == files[1], "a mix: {files:?}");
            }
            Ok(())
        });
        let renewing: Result<()> = renewing.join().map_err(|_| anyhow::anyhow!("it panicked"))?;
        renewing.and(reading)
    })
}

#[tokio::test]
async fn links_are_followed_inside_the_folder_and_never_out_of_it() -> Result<()> {
    let desk = tempfile::tempdir()?;
    let (folder, outside) = (desk.path().join("shop"), desk.path().join("outside.yaml"));
    fs::create_dir(&folder)?;
    fs::write(&outside, "secret")?;
    fs::write(folder.join("real.yaml"), "real")?;
    symlink("real.yaml", folder.join("inside.yaml"))?;
    symlink("../outside.yaml", folder.join("relative.yaml"))?;
    symlink(&outside, folder.join("absolute.yaml"))?;
    symlink("nothing", folder.join("dangling.yaml"))?;
    symlink(desk.path(), folder.join("..elsewhere"))?;
    symlink("..elsewhere/outside.yaml", folder.join("through.yaml"))?;
    symlink(&folder, desk.path().join("link-to-it"))?;
    for named in [folder, desk.path().join("link-to-it")] {
        let snapshot = read(&named).await?;
        assert_eq!(told(&snapshot, &named), ["inside.yaml: real", "real.yaml: real"]);
        let found: Vec<_> = snapshot
            .findings
            .iter()
            .map(|finding| {
                let name = Path::new(finding.place.path.as_ref()).file_name().unwrap_or_default();
                format!("{} {}", name.display(), finding.rule.name())
            })
            .collect();
        let links = ["absolute.yaml", "dangling.yaml", "relative.yaml", "through.yaml"];
        assert_eq!(found, links.map(|name| format!("{name} link")));
    }
    Ok(())
}

#[tokio::test]
async fn data_that_leads_out_of_the_folder_is_not_read() -> Result<()> {
    let desk = tempfile::tempdir()?;
    let (folder, outside) = (desk.path().join("shop"), desk.path().join("outside"));
    fs::create_dir(&folder)?;
    fs::create_dir(&outside)?;
    fs::write(outside.join("a.yaml"), "secret")?;
    symlink("../outside", folder.join("..data"))?;
    symlink("..data/a.yaml", folder.join("a.yaml"))?;
    let snapshot = read(&folder).await?;
    assert!(snapshot.files.is_empty(), "{snapshot:?}");
    assert_eq!(snapshot.findings.len(), 1);
    Ok(())
}

#[tokio::test]
async fn what_lies_deeper_is_passed_over_and_the_limits_hold() -> Result<()> {
    let desk = tempfile::tempdir()?;
    let folder = desk.path();
    fs::create_dir_all(folder.join("connectors"))?;
    fs::write(folder.join("connectors/a.yaml"), "deeper")?;
    fs::write(folder.join(".hidden.yaml"), "hidden")?;
    fs::write(folder.join("B.YAML"), "capitals")?;
    fs::write(folder.join("large.yaml"), vec![b'x'; 256 * 1024 + 1])?;
    fs::write(folder.join("plain.yaml"), "plain")?;
    let snapshot = read(folder).await?;
    assert_eq!(told(&snapshot, folder), ["plain.yaml: plain"]);
    let ignored: Vec<_> = snapshot.ignored.iter().map(AsRef::as_ref).collect();
    let path = |name: &str| folder.join(name).display().to_string();
    assert_eq!(ignored, [path("B.YAML"), path("connectors")]);
    let rules: Vec<_> = snapshot.findings.iter().map(|finding| finding.rule.name()).collect();
    assert_eq!(rules, ["file-ending", "file-too-large"]);
    Ok(())
}

#[tokio::test]
async fn what_is_no_file_is_told_and_never_opened() -> Result<()> {
    let desk = tempfile::tempdir()?;
    let folder = desk.path();
    fs::write(folder.join("plain.yaml"), "plain")?;
    for name in ["pipe.yaml", "pipe"] {
        let made = std::process::Command::new("mkfifo").arg(folder.join(name)).status()?;
        ensure!(made.success(), "mkfifo {name}");
    }
    let _listens = std::os::unix::net::UnixListener::bind(folder.join("socket.json"))?;
    symlink("pipe.yaml", folder.join("link.yaml"))?;
    // Opening a pipe would wait for ever.
    let snapshot =
        tokio::time::timeout(Duration::from_secs(20), read(folder)).await.context("it waits")??;
    assert_eq!(told(&snapshot, folder), ["plain.yaml: plain"]);
    let path = |name: &str| folder.join(name).display().to_string();
    let found: Vec<_> = snapshot.findings.iter().map(|f| (f.place.path.to_string(), f.rule.name())).collect();
    assert_eq!(found, ["link.yaml", "pipe.yaml", "socket.json"].map(|name| (path(name), "not-a-file")));
    assert!(snapshot.ignored.iter().any(|ignored| ignored.as_ref() == path("pipe")));
    Ok(())
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error_with_its_path() -> Result<()> {
    let mount = Mount::new(&[("a.yaml", "1")])?;
    mount.unmount()?;
    let error = flat::read(mount.path().to_owned()).await.err().context("it is not there")?;
    assert_eq!(error.class(), Class::RefMissing);
    assert_eq!(error.to_string(), format!("failed to read the folder {}", mount.path().display()));
    assert!(error.hint().is_some_and(|hint| hint.contains("mounted")));
    Ok(())
}
