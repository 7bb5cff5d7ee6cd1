//! `tagalong init`: what it writes, where, and where it writes nothing.

use anyhow::{Result, ensure};
use insta::assert_snapshot;
use serde_json::Value;
use tagalong_testkit::git::repository::pinned;

use crate::support::command::Desk;

fn git(desk: &Desk, arguments: &str) -> Result<()> {
    let output = pinned(&desk.path("")).args(arguments.split(' ')).current_dir(desk.path("")).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[tokio::test]
async fn what_is_written_is_valid_without_a_warning() -> Result<()> {
    let desk = Desk::new(&[])?;
    assert_snapshot!(desk.run("init connectors").await?, @r###"
    exit 0
    ---- stdout
    Wrote into connectors:
      .github/workflows/pull-request.yaml
      .github/workflows/release.yaml
      README.md
      connectors/orders.yaml
      environments/ed8k.yaml
      environments/production.yaml
      environments/staging.yaml
      tagalong.yaml
      templates/debezium-postgres.yaml

    Next:
      tagalong validate connectors
      tagalong render --dir connectors -e staging orders
      git -C connectors init --initial-branch main
    "###);
    assert_snapshot!(desk.run("validate connectors --strict").await?, @r###"
    exit 0
    ---- stdout
    Valid for ed8k, production, staging.
    "###);
    Ok(())
}

#[tokio::test]
async fn the_definitions_of_the_demo_are_valid_without_a_warning() -> Result<()> {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/demo/definitions");
    let said = Desk::new(&[])?.run(&format!("validate {demo} --strict")).await?;
    assert_eq!((said.code, said.out.as_str()), (Some(0), "Valid for demo, ed8k.\n"), "{said}");
    Ok(())
}

#[tokio::test]
async fn templates_alone_are_a_repository_of_their_own() -> Result<()> {
    let template = "template: plain\nconfig: {connector.class: org.example.Sink, topics: a}\n";
    let desk = Desk::new(&[("templates/plain.yaml", template)])?;
    let said = desk.run("validate --strict").await?;
    assert_eq!(said.code, Some(0), "{said}");
    desk.write("environments/test.yaml", "environment: test\n")?;
    let said = desk.run("validate --strict").await?;
    assert!(said.code == Some(1) && said.out.contains("connectors-missing"), "{said}");
    Ok(())
}

#[tokio::test]
async fn what_is_written_sets_each_key_once_and_shows_no_secret() -> Result<()> {
    let desk = Desk::new(&[])?;
    desk.run("init .").await?;
    for environment in ["production", "staging", "ed8k --value postgres.host=x"] {
        let said = desk.run(&format!("render --dir . -e {environment} --explain -o json")).await?;
        let form: Value = serde_json::from_str(&said.out)?;
        let orders = &form["connectors"][0];
        for (key, layers) in orders["origins"].as_object().into_iter().flatten() {
            assert_eq!(layers.as_array().map(Vec::len), Some(1), "{key} is set twice");
        }
        assert_eq!(orders["config"]["heartbeat.interval.ms"], "10000");
        assert_eq!(
            orders["config"]["database.password"],
            "${file:/run/secrets/debezium.properties:password}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn nothing_that_is_there_is_written_over() -> Result<()> {
    let desk = Desk::new(&[
        ("tagalong.yaml", "version: 1\n"),
        ("connectors/mine.yaml", "connector: mine\n"),
        (".github/workflows/release.yaml", "mine\n"),
        ("README.md", "mine\n"),
    ])?;
    assert_snapshot!(desk.run("init").await?, @r###"
    exit 1
    ---- stderr
    Error: . has tagalong.yaml, connectors, .github/workflows/release.yaml already, and nothing is written over
    Hint: name another folder and take from it what is missing; `--ci none` leaves workflows out
    "###);
    assert_eq!(std::fs::read_to_string(desk.path("tagalong.yaml"))?, "version: 1\n");
    ensure!(!desk.path("templates").exists(), "nothing is written at all");
    Ok(())
}

#[tokio::test]
async fn a_link_that_leads_nowhere_is_there_and_nothing_is_left_behind() -> Result<()> {
    let desk = Desk::new(&[])?;
    std::os::unix::fs::symlink("nowhere", desk.path("connectors"))?;
    let said = desk.run("init .").await?;
    ensure!(said.code == Some(1) && said.err.contains(". has connectors already"), "{said}");
    ensure!(!desk.path("tagalong.yaml").exists(), "{said}");
    Ok(())
}

#[tokio::test]
async fn what_is_to_be_typed_next_is_quoted_for_a_shell() -> Result<()> {
    let said = Desk::new(&[])?.run("init a;b'c").await?;
    ensure!(said.out.contains(r"  tagalong validate 'a;b'\''c'"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_readme_that_a_forge_made_stays() -> Result<()> {
    let desk = Desk::new(&[("README.md", "mine\n")])?;
    let said = desk.run("init --ci none").await?;
    ensure!(said.code == Some(0) && !said.out.contains("README"), "{said}");
    assert_eq!(std::fs::read_to_string(desk.path("README.md"))?, "mine\n");
    ensure!(!desk.path(".github").exists() && !desk.path(".gitlab-ci.yml").exists());
    Ok(())
}

#[tokio::test]
async fn the_workflows_are_those_of_the_host_of_origin() -> Result<()> {
    for (url, file) in [
        ("git@gitlab.example.com:a/b.git", ".gitlab-ci.yml"),
        ("https://gitlab.com/a/b.git", ".gitlab-ci.yml"),
        ("https://github.com/gitlab/b.git", ".github/workflows/release.yaml"),
    ] {
        let desk = Desk::new(&[])?;
        git(&desk, "init --quiet")?;
        git(&desk, &format!("remote add origin {url}"))?;
        let said = desk.run("init").await?;
        ensure!(desk.path(file).exists() && said.out.contains("git -C . add ."), "{url}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_folder_inside_a_clone_gets_no_workflows() -> Result<()> {
    let desk = Desk::new(&[])?;
    git(&desk, "init --quiet")?;
    let said = desk.run("init deploy/connectors").await?;
    ensure!(said.code == Some(0) && said.err.contains("at the root of a repository only"), "{said}");
    ensure!(!desk.path("deploy/connectors/.github").exists(), "{said}");
    Ok(())
}
