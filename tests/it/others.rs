//! Files that others write, from the repository to the cluster: which of them are read, which are
//! passed over, and what a connector makes of one that it names.

use std::fs;
use std::os::unix::fs::symlink;

use anyhow::{Context as _, Result};
use insta::assert_snapshot;
use tagalong::model::snapshot::{Snapshot, Sources};
use tagalong::pipeline;
use tagalong::repo::Repository;
use tagalong_testkit::fake::{Fake, Options};
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo::{following, tag};
use crate::support::command::Desk;

async fn snapshot(repository: Repository) -> Result<Snapshot> {
    let repository = repository.naming(pipeline::named);
    let revision = repository.resolve().await?.revision;
    Ok(repository.read(&revision).await?.snapshot)
}

/// The work tree as a folder, and what is committed of it as `v1`.
async fn both(origin: &mut Origin) -> Result<[Snapshot; 2]> {
    origin.commit_work_tree("all")?;
    origin.tag("v1", "HEAD")?;
    let git = following(origin.path().display().to_string(), tag("v1"))?;
    Ok([snapshot(git).await?, snapshot(Repository::directory(origin.work_tree())).await?])
}

fn write(origin: &Origin, path: &str, text: impl AsRef<[u8]>) -> Result<()> {
    let path = origin.work_tree().join(path);
    fs::create_dir_all(path.parent().context("a folder")?)?;
    Ok(fs::write(path, text)?)
}

fn from(name: &str, path: &str) -> String {
    format!("---\nconnector: {name}\nfrom: {path}\n")
}

const JSON: &str = "{\"connector.class\": \"FileStreamSource\"}";

#[tokio::test]
async fn a_file_elsewhere_is_read_where_a_connector_names_it_and_no_other() -> Result<()> {
    let mut origin = Origin::new()?;
    let named =
        [from("a", "../legacy/a.json"), from("b", "../b.yaml"), from("c", "../legacy/deep/er/c.json")];
    write(&origin, "connectors/all.yaml", named.concat())?;
    write(&origin, "connectors/deep/d.yaml", from("d", "../../legacy/a.json"))?;
    for path in
        ["legacy/a.json", "legacy/z.json", "b.yaml", "c.yaml", "legacy/deep/er/c.json", "legacy/deep/c.json"]
    {
        write(&origin, path, JSON)?;
    }
    // What is read because it is named is not asked for further names.
    write(&origin, "b.yaml", from("e", "c.yaml"))?;
    for snapshot in both(&mut origin).await? {
        let paths: Vec<_> = snapshot.files.keys().map(AsRef::as_ref).collect();
        let elsewhere = [
            "b.yaml",
            "connectors/all.yaml",
            "connectors/deep/d.yaml",
            "legacy/a.json",
            "legacy/deep/er/c.json",
        ];
        assert_eq!(paths, elsewhere);
        let ignored: Vec<_> = snapshot.ignored.iter().map(AsRef::as_ref).collect();
        assert_eq!((snapshot.findings.len(), ignored), (0, vec!["c.yaml"]), "{:?}", snapshot.findings);
    }
    Ok(())
}

#[tokio::test]
async fn a_file_elsewhere_is_held_to_the_same_limits() -> Result<()> {
    let mut origin = Origin::new()?;
    let named = [
        "link.json",
        "linked/a.json",
        "large.json",
        "1/2/3/4/5/6/7/8/9/a.json",
        "1/2/3/4/5/6/7/8/a.json",
        "gone.json",
        "folder.json",
    ];
    let documents: Vec<_> =
        named.iter().map(|path| from(&path.replace('/', "-"), &format!("../{path}"))).collect();
    write(&origin, "connectors/all.yaml", documents.concat())?;
    write(&origin, "secret.txt", JSON)?;
    write(&origin, "large.json", vec![b' '; 300 * 1024])?;
    write(&origin, "1/2/3/4/5/6/7/8/9/a.json", JSON)?;
    write(&origin, "1/2/3/4/5/6/7/8/a.json", JSON)?;
    write(&origin, "folder.json/a.json", JSON)?;
    write(&origin, "elsewhere/a.json", JSON)?;
    symlink("secret.txt", origin.work_tree().join("link.json"))?;
    symlink("elsewhere", origin.work_tree().join("linked"))?;
    for snapshot in both(&mut origin).await? {
        let paths: Vec<_> = snapshot.files.keys().map(AsRef::as_ref).collect();
        assert_eq!(paths, ["1/2/3/4/5/6/7/8/a.json", "connectors/all.yaml"]);
        let told: Vec<_> =
            snapshot.findings.iter().map(|f| format!("{} {}", f.place.path, f.rule.name())).collect();
        assert_eq!(
            told,
            ["1/2/3/4/5/6/7/8/9 too-deep", "large.json file-too-large", "link.json link", "linked link"]
        );
        let findings = pipeline::definitions(&Sources::alone(snapshot.clone())).findings;
        let missing = findings.iter().filter(|finding| finding.rule.name() == "from-file").count();
        assert_eq!(missing, 6, "{findings:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_change_of_a_file_elsewhere_is_a_change() -> Result<()> {
    let mut origin = Origin::new()?;
    write(&origin, "connectors/a.yaml", from("a", "../a.json"))?;
    write(&origin, "a.json", JSON)?;
    let [_, before] = both(&mut origin).await?;
    write(&origin, "a.json", JSON.replace("Source", "Sink"))?;
    let [_, after] = both(&mut origin).await?;
    assert_ne!(before.revision, after.revision);
    Ok(())
}

fn desk() -> Result<Desk> {
    Desk::new(&[("environments/staging.yaml", "environment: staging\n")])
}

#[tokio::test]
async fn what_is_written_in_another_language_is_passed_over_with_a_note() -> Result<()> {
    let desk = desk()?;
    desk.write("connectors/orders.json", JSON)?;
    for path in [
        "main.tf",
        "main.tf.json.bak",
        "kafka.hcl",
        "create.sh",
        "orders.tpl",
        "connect.properties",
        "orders.jsonc",
        "orders.json5",
        "orders.yaml.tpl",
        "orders.json.j2",
        "orders.gotmpl",
        "orders.ndjson",
        "orders.toml",
        "orders.JSON",
        "Makefile",
        "orders.yaml~",
    ] {
        desk.write(&format!("connectors/{path}"), "{{ nothing that could be read\n")?;
    }
    desk.write("templates/_helpers.tpl", "{{ define }}")?;
    desk.write("environments/.env", "X=1")?;
    assert_snapshot!(desk.run("validate -v").await?, @r#"
    exit 0
    ---- stdout
    connectors/orders.JSON:1:1: warning[file-ending]: the file is not read, for its ending has capitals
      hint: rename it, so that its ending is in small letters
    1 warning.
    Valid for staging.
    ---- stderr
    ignored connectors/Makefile: not a definition file
    ignored connectors/connect.properties: not a definition file
    ignored connectors/create.sh: not a definition file
    ignored connectors/kafka.hcl: not a definition file
    ignored connectors/main.tf: not a definition file
    ignored connectors/main.tf.json.bak: not a definition file
    ignored connectors/orders.JSON: not a definition file
    ignored connectors/orders.gotmpl: not a definition file
    ignored connectors/orders.json.j2: not a definition file
    ignored connectors/orders.json5: not a definition file
    ignored connectors/orders.jsonc: not a definition file
    ignored connectors/orders.ndjson: not a definition file
    ignored connectors/orders.toml: not a definition file
    ignored connectors/orders.tpl: not a definition file
    ignored connectors/orders.yaml.tpl: not a definition file
    ignored connectors/orders.yaml~: not a definition file
    ignored templates/_helpers.tpl: not a definition file
    "#);
    Ok(())
}

#[tokio::test]
async fn files_of_others_are_planned_like_any_connector() -> Result<()> {
    let desk = desk()?;
    desk.write(
        "connectors/posted.json",
        "{\"name\": \"posted\", \"config\": {\"connector.class\": \"FileStreamSource\", \"tasks.max\": 1, \"file\": \"/dev/null\", \"topic\": \"{{ t }}\"}, \"initial_state\": \"PAUSED\"}",
    )?;
    desk.write(
        "connectors/strimzi.yaml",
        "apiVersion: kafka.strimzi.io/v1\nkind: KafkaConnector\nmetadata: {name: suspended, annotations: {strimzi.io/pause-reconciliation: \"true\"}}\nspec: {class: FileStreamSource, tasksMax: 2, config: {file: /dev/null, topic: t}}\n",
    )?;
    desk.write(
        "connectors/over.yaml",
        "connector: over\nfrom: ../legacy/audit.json\nconfig: {topic: \"{{ environment }}\", password: ~}\nallow: {plain-secret: made up}\n",
    )?;
    desk.write(
        "legacy/audit.json",
        "{\n  \"connector.class\": \"FileStreamSource\",\n  \"file\": \"/dev/null\",\n  \"topic\": \"audit\",\n  \"password\": \"x\"\n}\n",
    )?;
    let fake = Fake::with(Options::default()).await;
    let plan = desk.run(&format!("plan --dir . -e staging --connect {}", fake.url(0))).await?;
    assert_snapshot!(plan, @r#"
    exit 0
    ---- stdout
    Revision     .
    Environment  staging

    + create     over       not in the cluster, 3 keys
    + create     posted     not in the cluster, 4 keys, to be paused
    ! held       suspended  create: not in the cluster, 4 keys; suspended
                 its definition says suspend, until the word is taken away: strimzi.io/pause-reconciliation

    Plan: 2 to create, 0 to change, 0 to delete, 1 held.
    "#);
    assert_snapshot!(desk.run("render --dir . -e staging --explain over").await?, @r#"
    exit 0
    ---- stdout
    over  running  connectors/over.yaml:1:12
      connector.class  FileStreamSource
          file legacy/audit.json, legacy/audit.json:2:22: FileStreamSource
      file             /dev/null
          file legacy/audit.json, legacy/audit.json:3:11: /dev/null
      topic            staging
          file legacy/audit.json, legacy/audit.json:4:12: audit
          connector over, connectors/over.yaml:3:17: staging
      password  (removed)
          file legacy/audit.json, legacy/audit.json:5:15: ***
          connector over, connectors/over.yaml:3:48: (removed)

    1 connector of staging, .
    "#);
    assert_snapshot!(desk.run("validate").await?, @r#"
    exit 0
    ---- stdout
    Valid for staging.
    "#);
    Ok(())
}
