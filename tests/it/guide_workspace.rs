//! The guide to workspaces: its commands meet a database that comes up later, and its Helm hook is run as it stands.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::git::repository::Repository;
use tokio::time::sleep;

use crate::support::command::Desk;
use crate::support::page::{blocks, files, read};
use crate::support::reader::Reader;
use crate::support::tree;

const WORKSPACE: &str = "docs/guide/workspace.md";

#[tokio::test]
async fn the_guide_to_workspaces_works_as_it_stands() -> Result<()> {
    let mut reader = Reader::new().await?;
    reader.fake.refuse("orders", "Unable to connect: Connection to postgres.ws-42:5432 refused.");
    let fake = Arc::clone(&reader.fake);
    let database = async {
        // It comes up once the connector was seen to wait for it.
        while !fake.requests().iter().any(|request| request.status == Some(400)) {
            sleep(Duration::from_millis(50)).await;
        }
        fake.accept("orders");
        std::future::pending().await
    };
    tokio::select! {
        read = reader.read(WORKSPACE) => read,
        never = database => never,
    }
}

#[tokio::test]
async fn the_hook_in_the_guide_to_workspaces_is_a_job_that_applies() -> Result<()> {
    let blocks = blocks(&read(WORKSPACE)?);
    let (job, definitions): (Vec<_>, Vec<_>) =
        blocks.iter().flat_map(files).partition(|(path, _)| path == "hook.yaml");
    let job = tree::read("hook.yaml", &job[0].1)?;
    assert_eq!((&job["apiVersion"], &job["kind"]), (&"batch/v1".into(), &"Job".into()));
    let container = &job["spec"]["template"]["spec"]["containers"][0];

    let mut repository = Repository::new()?;
    let definitions: Vec<_> = definitions.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    repository.commit("orders", &definitions)?;
    repository.annotated_tag("v1", "HEAD", "v1")?;
    let fake = Fake::start(1).await;
    fake.preload("someone-elses", &[("connector.class", "FileStreamSource")]);
    let args: Vec<_> = container["args"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let line = args.join(" ").replace("http://connect:8083", &fake.url(0));
    let line = line.replace(
        "https://git.example.com/connectors.git",
        &format!("file://{}", repository.path().display()),
    );
    let mut desk = Desk::new(&[])?;
    let said = desk.run(&line).await?;
    let refused = said.err.contains("input `postgres.host` is not supplied by this place");
    ensure!(said.code == Some(1) && refused, "nobody says where the database is: {said}");
    for variable in container["env"].as_array().into_iter().flatten() {
        if let (Some(name), Some(value)) = (variable["name"].as_str(), variable["value"].as_str()) {
            desk.set(name, value);
        }
    }
    let said = desk.run(&line).await?;
    assert_eq!(said.code, Some(0), "{said}");
    let config = fake.connector("orders").context("it was created")?.config;
    let of = |key: &str| config.get(key).map(String::as_str);
    assert_eq!((of("database.hostname"), of("snapshot.mode")), (Some("postgres.ws-42"), Some("no_data")));
    Ok(())
}
