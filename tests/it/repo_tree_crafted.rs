//! Trees in git that no honest tool writes: names that lead elsewhere, files that swell, folders that hold
//! themselves. Each is a finding or an error, and the agent stays small.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tagalong::model::report::Class;
use tagalong::model::snapshot::Snapshot;
use tagalong::repo::Repository;
use tagalong::repo::options::GitOptions;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo::{following, tag};
use crate::repo_tree::{findings, names, snapshot};

/// Trees that no honest tool writes, straight into the object database.
pub struct Forge<'a>(pub &'a Origin);

impl Forge<'_> {
    fn git(&self, arguments: &[&str], input: &[u8]) -> Result<String> {
        let mut child = Command::new("git")
            .arg("-C")
            .arg(self.0.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        child.stdin.take().context("a pipe")?.write_all(input)?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "git {arguments:?}");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// A file.
    pub fn blob(&self, bytes: &[u8]) -> Result<String> {
        self.git(&["hash-object", "-w", "--stdin"], bytes)
    }

    /// A folder of modes, names and ids.
    pub fn tree(&self, entries: &[(&str, &[u8], &str)]) -> Result<String> {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            for pair in id.as_bytes().chunks(2) {
                bytes.push(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
            }
        }
        self.git(&["hash-object", "-w", "-t", "tree", "--literally", "--stdin"], &bytes)
    }

    /// Puts a tag object under `v1`, whatever stands in it.
    pub fn tag(&self, text: &str) -> Result<()> {
        let tag = self.git(&["hash-object", "-w", "-t", "tag", "--literally", "--stdin"], text.as_bytes())?;
        self.git(&["update-ref", "refs/tags/v1", &tag], b"").map(drop)
    }

    /// Puts a tree under `v1`.
    pub fn release(&self, tree: &str) -> Result<()> {
        let text = format!("tree {tree}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n");
        let commit = self.git(&["hash-object", "-w", "-t", "commit", "--stdin"], text.as_bytes())?;
        self.git(&["update-ref", "refs/tags/v1", &commit], b"").map(drop)
    }
}

/// What the agent reads of `v1`, over HTTP, as from a server that checks nothing.
async fn over_http(origin: &Origin) -> Result<Snapshot> {
    let server = GitHttp::start(origin.parent()).await?;
    snapshot(&following(server.url(Origin::NAME), tag("v1"))?).await
}

#[tokio::test]
async fn hostile_names_and_modes_in_a_tree_are_findings() -> Result<()> {
    let origin = Origin::new()?;
    let forge = Forge(&origin);
    let blob = forge.blob(b"x")?;
    let inner = forge.tree(&[("100644", b"a.yaml", &blob)])?;
    let tree = forge.tree(&[
        ("40000", b"..", &inner),
        ("40000", b".GIT", &inner),
        ("100644", b"../../etc/x.yaml", &blob),
        ("100644", b"a\x1b[2J.yaml", &blob),
        ("100644", b"b\\c.yaml", &blob),
        ("100664", b"ok.yaml", &blob),
        ("160000", b"sub", &"1".repeat(40)),
        ("120000", b"zlink.yaml", &blob),
        ("100644", b"\xff.yaml", &blob),
    ])?;
    forge.release(&forge.tree(&[("40000", b"connectors", &tree)])?)?;
    let snapshot = over_http(&origin).await?;
    assert_eq!(names(&snapshot), ["connectors/ok.yaml"]);
    let seen = findings(&snapshot);
    for (part, rule) in [
        ("connectors/..", "file-name"),
        ("connectors/.GIT", "file-name"),
        ("etc/x.yaml", "file-name"),
        ("[2J", "file-name"),
        ("c.yaml", "file-name"),
        ("connectors/\u{fffd}.yaml", "file-name"),
        ("connectors/sub", "submodule"),
        ("connectors/zlink.yaml", "link"),
    ] {
        assert!(seen.iter().any(|line| line.contains(part) && line.ends_with(rule)), "{part}: {seen:?}");
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
    assert!(seen.iter().all(|line| !line.contains(char::is_control)), "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn a_few_bytes_that_stand_for_a_large_file_are_not_unpacked() -> Result<()> {
    let origin = Origin::new()?;
    let forge = Forge(&origin);
    let blob = forge.blob(&vec![0; 60 * 1024 * 1024])?;
    let tree = forge.tree(&[("100644", b"a.yaml", &blob)])?;
    forge.release(&forge.tree(&[("40000", b"connectors", &tree)])?)?;
    assert_eq!(findings(&over_http(&origin).await?), ["connectors/a.yaml file-too-large"]);
    Ok(())
}

#[tokio::test]
async fn a_tree_that_holds_itself_many_times_over_is_not_walked_to_the_end() -> Result<()> {
    let origin = Origin::new()?;
    let forge = Forge(&origin);
    let mut tree = forge.tree(&[("100644", b"a.md", &forge.blob(b"x")?)])?;
    for _ in 0..6 {
        let names: Vec<_> = (0..30).map(|n| format!("{n:02}")).collect();
        let entries: Vec<_> = names.iter().map(|name| ("40000", name.as_bytes(), tree.as_str())).collect();
        tree = forge.tree(&entries)?;
    }
    forge.release(&forge.tree(&[("40000", b"connectors", &tree)])?)?;
    let snapshot = over_http(&origin).await?;
    let [finding] = &findings(&snapshot)[..] else { panic!("{:?}", findings(&snapshot)) };
    assert!(finding.ends_with("too-many-files"), "{finding}");
    assert!(snapshot.ignored.len() <= 1_000);
    Ok(())
}

#[tokio::test]
async fn the_file_after_the_ten_thousandth_is_a_finding() -> Result<()> {
    let origin = Origin::new()?;
    let forge = Forge(&origin);
    let blob = forge.blob(b"x")?;
    let names: Vec<_> = (0..10_001).map(|n| format!("{n:05}.yaml")).collect();
    let entries: Vec<_> = names.iter().map(|name| ("100644", name.as_bytes(), blob.as_str())).collect();
    let tree = forge.tree(&entries)?;
    forge.release(&forge.tree(&[("40000", b"connectors", &tree)])?)?;
    let snapshot = over_http(&origin).await?;
    assert_eq!(findings(&snapshot), ["connectors/10000.yaml too-many-files"]);
    assert_eq!(snapshot.files.len(), 10_000);
    Ok(())
}

#[tokio::test]
async fn a_name_that_is_there_twice_is_a_finding_and_a_twin_in_other_letters_is_none() -> Result<()> {
    let origin = Origin::new()?;
    let forge = Forge(&origin);
    let [one, other] = [forge.blob(b"1")?, forge.blob(b"2")?];
    let [left, right] = [&one, &other].map(|blob| forge.tree(&[("100644", b"a.yaml", blob)]));
    let (left, right) = (left?, right?);
    let twins = forge.tree(&[("100644", b"A.yaml", &one), ("100644", b"a.yaml", &other)])?;
    let twice = forge.tree(&[("100644", b"a.yaml", &one), ("100644", b"a.yaml", &other)])?;
    let mixed = forge.tree(&[("100644", b"a.yaml", &one), ("40000", b"a.yaml", &left)])?;
    let connectors = b"connectors".as_slice();
    for (what, root, expected) in [
        ("a twin", vec![("40000", connectors, twins.as_str())], &[][..]),
        ("a file", vec![("40000", connectors, &*twice)], &["connectors/a.yaml file-name"]),
        ("a file and a folder", vec![("40000", connectors, &*mixed)], &["connectors/a.yaml file-name"]),
        (
            "a folder",
            vec![("40000", connectors, &*left), ("40000", connectors, &*right)],
            &["connectors file-name"],
        ),
        (
            "what is not read",
            vec![("40000", connectors, &*left), ("40000", b"other", &*left), ("40000", b"other", &*right)],
            &[],
        ),
    ] {
        forge.release(&forge.tree(&root)?)?;
        assert_eq!(findings(&over_http(&origin).await?), expected, "{what}");
    }
    // The folder of the settings on the way to the definitions.
    let [a, b] = [&left, &right].map(|folder| forge.tree(&[("40000", connectors, folder)]));
    forge.release(&forge.tree(&[("40000", b"app", &a?), ("40000", b"app", &b?)])?)?;
    let git = GitHttp::start(origin.parent()).await?;
    let options = GitOptions { path: "app".to_owned(), ..GitOptions::new(git.url(Origin::NAME), tag("v1")) };
    let repository = Repository::git(options)?;
    let revision = repository.resolve().await?.revision;
    let error = repository.read(&revision).await.expect_err("which one is meant?");
    assert_eq!(error.class(), Class::NotUnderstood, "{error:?}");
    Ok(())
}
