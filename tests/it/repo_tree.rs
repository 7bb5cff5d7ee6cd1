//! What a repository's tree may hold, as people write it. Git and a plain folder are judged by the same
//! rules; what only git can hold is in `repo_tree_crafted`.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context as _, Result};
use tagalong::model::report::Class;
use tagalong::model::revision::At;
use tagalong::model::snapshot::Snapshot;
use tagalong::repo::Repository;
use tagalong::repo::error::Error;
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo::{following, tag};

pub async fn snapshot(repository: &Repository) -> Result<Snapshot> {
    let revision = repository.resolve().await?.revision;
    Ok(repository.read(&revision).await?.snapshot)
}

/// Every finding as `path rule`.
pub fn findings(snapshot: &Snapshot) -> Vec<String> {
    let line = |finding: &tagalong::model::finding::Finding| {
        format!("{} {}", finding.place.path, finding.rule.name())
    };
    snapshot.findings.iter().map(line).collect()
}

pub fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.files.keys().map(AsRef::as_ref).collect()
}

/// The work tree as a folder, and what is committed of it as `v1`.
async fn both(origin: &mut Origin) -> Result<[Snapshot; 2]> {
    origin.commit_work_tree("all")?;
    origin.tag("v1", "HEAD")?;
    let git = following(origin.path().display().to_string(), tag("v1"))?;
    Ok([snapshot(&git).await?, snapshot(&Repository::directory(origin.work_tree())).await?])
}

fn write(origin: &Origin, path: &str, text: impl AsRef<[u8]>) -> Result<()> {
    let path = origin.work_tree().join(path);
    fs::create_dir_all(path.parent().context("a folder")?)?;
    Ok(fs::write(path, text)?)
}

#[tokio::test]
async fn definitions_are_read_and_the_rest_is_passed_over() -> Result<()> {
    let mut origin = Origin::new()?;
    for path in [
        "tagalong.yaml",
        "templates/a.yaml",
        "connectors/b.yml",
        "connectors/deep/er/c.json",
        "connectors/README.md",
        "connectors/D.YAML",
        "connectors/.hidden.yaml",
        "connectors/.hidden/e.yaml",
        "connectors/.gitkeep",
        "environments/production.yaml",
        "scripts/f.yaml",
        "g.yaml",
        "README.md",
    ] {
        write(&origin, path, path)?;
    }
    for snapshot in both(&mut origin).await? {
        assert_eq!(
            names(&snapshot),
            [
                "connectors/b.yml",
                "connectors/deep/er/c.json",
                "environments/production.yaml",
                "tagalong.yaml",
                "templates/a.yaml",
            ]
        );
        let ignored: Vec<_> = snapshot.ignored.iter().map(AsRef::as_ref).collect();
        assert_eq!(ignored, ["connectors/D.YAML", "connectors/README.md", "g.yaml"]);
        assert_eq!(findings(&snapshot), ["connectors/D.YAML file-ending"]);
    }
    Ok(())
}

#[tokio::test]
async fn links_large_files_and_deep_folders_are_findings() -> Result<()> {
    let mut origin = Origin::new()?;
    write(&origin, "connectors/ok.yaml", "x")?;
    write(&origin, "connectors/largest.yaml", vec![b'x'; 256 * 1024])?;
    write(&origin, "connectors/large.yaml", vec![b'x'; 300 * 1024])?;
    write(&origin, "connectors/2/3/4/5/6/7/8/ok.yaml", "x")?;
    write(&origin, "connectors/2/3/4/5/6/7/8/9/deep.yaml", "x")?;
    symlink("/etc/passwd", origin.work_tree().join("connectors/passwd.yaml"))?;
    symlink("..", origin.work_tree().join("connectors/round"))?;
    symlink("connectors", origin.work_tree().join("templates"))?;
    for snapshot in both(&mut origin).await? {
        assert_eq!(
            findings(&snapshot),
            [
                "connectors/2/3/4/5/6/7/8/9 too-deep",
                "connectors/large.yaml file-too-large",
                "connectors/passwd.yaml link",
                "connectors/round link",
                "templates link",
            ]
        );
        assert_eq!(
            names(&snapshot),
            ["connectors/2/3/4/5/6/7/8/ok.yaml", "connectors/largest.yaml", "connectors/ok.yaml"]
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_repository_without_the_four_entries_or_without_connectors_is_told() -> Result<()> {
    let mut origin = Origin::new()?;
    write(&origin, "src/main.rs", "x")?;
    for snapshot in both(&mut origin).await? {
        assert_eq!(findings(&snapshot), [". repository-empty"]);
        assert!(snapshot.findings[0].hint.is_some());
    }
    // Templates alone are what others import.
    for (path, told) in [
        ("templates/a.yaml", None),
        ("tagalong.yaml", None),
        ("environments/a.yaml", Some("connectors connectors-missing")),
    ] {
        write(&origin, path, "x")?;
        for snapshot in both(&mut origin).await? {
            assert_eq!(findings(&snapshot), told.as_slice(), "{path}");
        }
    }
    let mut origin = Origin::new()?;
    write(&origin, "tagalong.yaml", "x")?;
    for snapshot in both(&mut origin).await? {
        assert_eq!(findings(&snapshot), ["connectors connectors-missing"]);
    }
    Ok(())
}

#[tokio::test]
async fn what_looks_like_definitions_beside_the_folders_is_told() -> Result<()> {
    let mut origin = Origin::new()?;
    for path in [
        "connectors/a.yaml",
        "connector/a.yaml",
        "Template/a.yaml",
        "environment.yml",
        "tagalong.yml",
        "README.yaml",
        "src/connectors.yaml",
    ] {
        write(&origin, path, "x: y")?;
    }
    for snapshot in both(&mut origin).await? {
        assert_eq!(
            findings(&snapshot),
            [
                "Template beside-folders",
                "connector beside-folders",
                "environment.yml beside-folders",
                "tagalong.yml beside-folders"
            ]
        );
        let hints: Vec<_> = snapshot.findings.iter().filter_map(|finding| finding.hint.as_deref()).collect();
        assert_eq!(
            hints,
            [
                "did you mean `templates/`?",
                "did you mean `connectors/`?",
                "move it into `environments/`",
                "rename it to `tagalong.yaml`"
            ]
        );
        let weights: Vec<_> = snapshot.findings.iter().map(|finding| finding.severity.name()).collect();
        assert_eq!(weights, ["warning", "warning", "warning", "error"]);
        assert_eq!(names(&snapshot), ["connectors/a.yaml"]);
        let ignored: Vec<_> = snapshot.ignored.iter().map(AsRef::as_ref).collect();
        assert_eq!(ignored, ["README.yaml", "environment.yml", "tagalong.yml"]);
    }
    write(&origin, "tagalong.yaml", "version: 1")?;
    for snapshot in both(&mut origin).await? {
        let yml = snapshot.findings.iter().find(|finding| &*finding.place.path == "tagalong.yml");
        let yml = yml.context("it is told beside the one that is read, too")?;
        assert_eq!(
            (yml.severity.name(), yml.hint.as_deref()),
            ("warning", Some("did you mean `tagalong.yaml`?"))
        );
    }
    Ok(())
}

/// `connectors/stock.yaml.txt`, saved by an editor, and a file of the root were passed over without a word.
#[tokio::test]
async fn a_file_that_declares_a_connector_and_is_not_read_is_told() -> Result<()> {
    let mut origin = Origin::new()?;
    let connector = "# why\nconnector: stock\nconfig: {connector.class: FileStreamSource}\n";
    for path in [
        "connectors/a.yaml",
        "connectors/stock.yaml.txt",
        "connectors/stock",
        "connectors/kept.yaml.disabled",
        "connectors/kept.yaml.bak",
        "connectors/kept.yaml~",
        "connectors/how.md",
        "stock.yaml",
        ".stock.yaml",
        "stock.txt",
        "src/stock.yaml",
    ] {
        write(&origin, path, connector)?;
    }
    write(&origin, "compose.yaml", "services: {}\nconfig: {}\n")?;
    write(&origin, "connectors/notes.txt", "connector: see the page\n")?;
    write(&origin, "connectors/large.txt", connector.repeat(8000))?;
    for snapshot in both(&mut origin).await? {
        assert_eq!(
            findings(&snapshot),
            [
                "connectors/stock file-ending",
                "connectors/stock.yaml.txt file-ending",
                "stock.yaml beside-folders"
            ]
        );
        assert_eq!(names(&snapshot), ["connectors/a.yaml"]);
    }
    Ok(())
}

#[tokio::test]
async fn more_than_sixteen_mebibytes_are_a_finding() -> Result<()> {
    let mut origin = Origin::new()?;
    for n in 0..65 {
        write(&origin, &format!("connectors/{n:02}.yaml"), vec![b'x'; 256 * 1024])?;
    }
    for snapshot in both(&mut origin).await? {
        assert_eq!(findings(&snapshot), ["connectors/64.yaml repository-too-large"]);
        assert_eq!(snapshot.files.len(), 64);
    }
    Ok(())
}

/// A line of a file that stands for a larger one elsewhere.
const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

#[tokio::test]
async fn a_pointer_to_large_file_storage_is_told_as_one() -> Result<()> {
    let mut origin = Origin::new()?;
    write(&origin, "connectors/large.yaml", POINTER)?;
    write(&origin, "connectors/large.json", POINTER)?;
    // Who only speaks of it is none.
    write(&origin, "connectors/near.yaml", format!("# {POINTER}"))?;
    write(&origin, "connectors/picture.png", POINTER)?;
    for snapshot in both(&mut origin).await? {
        assert_eq!(
            findings(&snapshot),
            ["connectors/large.json lfs-pointer", "connectors/large.yaml lfs-pointer"]
        );
        assert_eq!(names(&snapshot), ["connectors/near.yaml"]);
    }
    Ok(())
}

type Change = dyn Fn(&Path) -> std::io::Result<()>;

fn digest(snapshot: &Snapshot) -> u64 {
    match &snapshot.revision.at {
        At::Directory { digest, .. } => *digest,
        At::Git { .. } => panic!("a folder"),
    }
}

#[tokio::test]
async fn a_folders_digest_changes_with_every_change_that_matters() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let connectors = folder.path().join("connectors");
    fs::create_dir(&connectors)?;
    let repository = Repository::directory(folder.path());
    let mut seen = Vec::new();
    let changes: [&Change; 5] = [
        &|_| Ok(()),
        &|at| fs::write(at.join("a.yaml"), "1"),
        &|at| fs::write(at.join("a.yaml"), "2"),
        &|at| fs::rename(at.join("a.yaml"), at.join("b.yaml")),
        &|at| symlink("b.yaml", at.join("c.yaml")),
    ];
    for change in changes {
        change(&connectors)?;
        let now = snapshot(&repository).await?;
        assert_eq!(digest(&now), digest(&snapshot(&repository).await?), "unchanged");
        assert!(!seen.contains(&digest(&now)), "changed");
        seen.push(digest(&now));
    }
    fs::write(folder.path().join("elsewhere.txt"), "x")?;
    assert_eq!(seen.last(), Some(&digest(&snapshot(&repository).await?)), "not looked at");
    Ok(())
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_is_an_error_with_its_path() -> Result<()> {
    let error = Repository::directory("/nowhere/at/all").resolve().await.expect_err("not there");
    assert_eq!(error.class(), Class::RefMissing);
    assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    let file = tempfile::NamedTempFile::new()?;
    let error = Repository::directory(file.path()).resolve().await.expect_err("not a folder");
    assert_eq!(error.class(), Class::Unusable);
    assert!(error.to_string().starts_with("failed to read the folder "), "{error}");
    Ok(())
}

#[test]
fn an_error_says_whether_it_is_a_file_or_a_folder_that_could_not_be_read() {
    let failed =
        |file| Error::Folder { file, path: "/x/a.yaml".into(), source: ErrorKind::PermissionDenied.into() };
    assert_eq!(failed(true).to_string(), "failed to read the file /x/a.yaml");
    assert_eq!(failed(false).to_string(), "failed to read the folder /x/a.yaml");
    assert_ne!(failed(true).hint(), failed(false).hint());
}
