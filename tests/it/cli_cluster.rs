//! The command line against a cluster: plan, apply, status and health as a person or a pipeline uses
//! them.
//!
//! An unrelated connector is in the cluster from the start: into an empty one `apply` looks twice,
//! ten seconds apart, before it creates anything.

use std::time::Duration;

use anyhow::{Context as _, Result};
use insta::assert_snapshot;
use serde_json::{Value, json};
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::WriteKind;
use tagalong_testkit::fake::{Fake, Options, Phase};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::support::agent::{Agent, SOON, wait};
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, file_of, file_source};

const ENVIRONMENT: (&str, &str) = ("environments/test.yaml", "environment: test\n");

const SOMEONE_ELSES: [(&str, &str); 4] =
    [("connector.class", "FileStreamSource"), ("tasks.max", "1"), ("topic", "x"), ("file", "/dev/null")];

/// What `--dir . -e test --connect URL` is for a cluster.
fn flags(fake: &Fake) -> String {
    format!("--dir . -e test --connect {}", fake.url(0))
}

/// A cluster with one unmanaged connector.
async fn cluster() -> Fake {
    let fake = Fake::start(1).await;
    fake.preload("someone-elses", &SOMEONE_ELSES);
    fake
}

/// A folder that declares connectors of these names.
fn desk(names: &[&str]) -> Result<Desk> {
    let desk = Desk::new(&[ENVIRONMENT])?;
    for name in names {
        desk.write(&file_of(name), &file_source(name, ""))?;
    }
    Ok(desk)
}

async fn terminate(child: &tokio::process::Child) -> Result<()> {
    let pid = child.id().context("it runs")?.to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await?.success());
    Ok(())
}

#[tokio::test]
async fn what_was_planned_is_applied_and_then_nothing_is_left() -> Result<()> {
    let (fake, desk) = (cluster().await, desk(&["orders"])?);
    let flags = flags(&fake);
    assert_snapshot!(desk.run(&format!("plan {flags} --detailed-exitcode")).await?, @r#"
    exit 2
    ---- stdout
    Revision     .
    Environment  test

    + create     orders  not in the cluster, 4 keys

    Unmanaged (never touched): someone-elses
    Plan: 1 to create, 0 to change, 0 to delete.
    "#);
    assert_snapshot!(desk.run(&format!("apply {flags}")).await?, @r#"
    exit 0
    ---- stdout
    Revision     .
    Environment  test

    + create     orders  not in the cluster, 4 keys

    Unmanaged (never touched): someone-elses
    Plan: 1 to create, 0 to change, 0 to delete.
    ✓ create     orders  converged, TIME
    Steps: 1 converged.
    Applied. The cluster matches the repository.
    "#);
    assert_snapshot!(desk.run(&format!("plan {flags} --detailed-exitcode")).await?, @r#"
    exit 0
    ---- stdout
    Revision     .
    Environment  test

    Unmanaged (never touched): someone-elses
    No changes. The cluster matches the repository.
    "#);
    let before = fake.writes().len();
    assert_snapshot!(desk.run(&format!("apply {flags}")).await?, @r#"
    exit 0
    ---- stdout
    Revision     .
    Environment  test

    Unmanaged (never touched): someone-elses
    No changes. The cluster matches the repository.
    "#);
    assert_eq!(fake.writes().len(), before);
    Ok(())
}

#[tokio::test]
async fn a_change_by_hand_is_shown_and_put_back() -> Result<()> {
    let (fake, desk) = (cluster().await, desk(&["orders"])?);
    let flags = flags(&fake);
    desk.run(&format!("apply {flags}")).await?;
    fake.edit("orders", |config| {
        config.insert("topic".into(), "elsewhere".into());
        config.insert("batch.size".into(), "7".into());
        config.remove("file");
    });
    assert_snapshot!(desk.run(&format!("plan {flags} --detailed-exitcode")).await?, @r#"
    exit 2
    ---- stdout
    Revision     .
    Environment  test

    ~ configure  orders  3 keys differ
                 - batch.size  7
                 + file        /dev/null
                 ~ topic       elsewhere → orders

    Unmanaged (never touched): someone-elses
    Plan: 0 to create, 1 to change, 0 to delete.
    "#);
    assert_eq!(desk.run(&format!("plan {flags}")).await?.code, Some(0), "without --detailed-exitcode");
    assert_eq!(desk.run(&format!("apply {flags}")).await?.code, Some(0));
    assert_eq!(desk.run(&format!("plan {flags} --detailed-exitcode")).await?.code, Some(0));
    Ok(())
}

#[tokio::test]
async fn the_json_of_a_plan_is_what_is_promised() -> Result<()> {
    let (fake, desk) = (cluster().await, desk(&["orders"])?);
    let flags = flags(&fake);
    desk.run(&format!("apply {flags}")).await?;
    fake.edit("orders", |config| drop(config.insert("topic".into(), "elsewhere".into())));
    desk.write(&file_of("paused"), &file_source("paused", "state: paused\n"))?;
    let said = desk.run(&format!("plan {flags} -o json")).await?;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let form: Value = serde_json::from_str(&said.out)?;
    let added = |key: &str, after: &str| json!({"key": key, "kind": "added", "after": after});
    assert_eq!(
        form,
        json!({
            "format": 1,
            "environment": "test",
            "mode": "enforce",
            "revision": [{"repository": "main", "directory": "."}],
            "steps": [
                {"connector": "orders", "step": "configure", "reason": "differs", "changes": [
                    {"key": "topic", "kind": "changed", "before": "elsewhere", "after": "orders"},
                ]},
                {"connector": "paused", "step": "create", "reason": "missing", "to": "paused", "changes": [
                    added("connector.class", "FileStreamSource"), added("file", "/dev/null"),
                    added("tasks.max", "1"), added("topic", "paused"),
                ]},
            ],
            "held": [],
            "risks": [],
            "unjudged": [{"connector": "orders", "keys": ["topic"]}],
            "leaves": [],
            "unverifiable": [],
            "unresolved": [],
            "unmanaged": ["someone-elses"],
            "warnings": [],
            "incomplete": [],
            "findings": [],
            "summary": {
                "create": 1, "configure": 1, "state": 0, "restart": 0, "delete": 0, "held": 0, "in_sync": 0,
            },
        })
    );
    Ok(())
}

#[tokio::test]
async fn the_json_of_an_apply_is_the_plan_and_its_results() -> Result<()> {
    let (fake, desk) = (cluster().await, desk(&["orders"])?);
    let said = desk.run(&format!("apply {} --output json --yes", flags(&fake))).await?;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let form: Value = serde_json::from_str(&said.out)?;
    assert_eq!((&form["format"], &form["summary"]["create"]), (&json!(1), &json!(1)));
    let result = &form["results"][0];
    assert_eq!(
        (&result["connector"], &result["step"], &result["outcome"], &result["class"]),
        (&json!("orders"), &json!("create"), &json!("converged"), &Value::Null)
    );
    assert!(result["took_ms"].is_u64(), "{form}");

    let again: Value =
        serde_json::from_str(&desk.run(&format!("apply {} -o json", flags(&fake))).await?.out)?;
    assert_eq!((&again["results"], &again["summary"]["in_sync"]), (&json!([]), &json!(1)));
    Ok(())
}

#[tokio::test]
async fn planning_sends_gets_only() -> Result<()> {
    let (fake, desk) = (cluster().await, desk(&["orders", "payments"])?);
    desk.write(&file_of("gone"), "connector: someone-elses\nstate: absent\n")?;
    for line in [
        format!("plan {}", flags(&fake)),
        format!("plan {} -o json", flags(&fake)),
        "validate".to_owned(),
        "render --dir . -e test".to_owned(),
    ] {
        assert_eq!(desk.run(&line).await?.code, Some(0), "{line}");
    }
    let others: Vec<_> = fake.requests().into_iter().filter(|request| request.method != "GET").collect();
    assert_eq!(others, []);
    Ok(())
}

#[tokio::test]
async fn what_is_held_leaves_with_two() -> Result<()> {
    let (fake, desk) = (cluster().await, desk(&["orders"])?);
    desk.write("environments/test.yaml", "environment: test\nsuspend: {reason: \"migration, OPS-77\"}\n")?;
    let flags = flags(&fake);
    assert_snapshot!(desk.run(&format!("apply {flags} --yes")).await?, @r#"
    exit 2
    ---- stdout
    Revision     .
    Environment  test

    ! held       orders  create: not in the cluster, 4 keys; suspended
                 the environment says suspend, until the word is taken away: migration, OPS-77

    Unmanaged (never touched): someone-elses
    Plan: 0 to create, 0 to change, 0 to delete, 1 held.
    "#);
    assert_eq!(desk.run(&format!("plan {flags} --detailed-exitcode")).await?.code, Some(2));
    let form: Value = serde_json::from_str(&desk.run(&format!("apply {flags} -o json")).await?.out)?;
    assert_eq!(
        (&form["held"][0]["connector"], &form["held"][0]["hold"], &form["results"]),
        (&json!("orders"), &json!("suspended"), &json!([]))
    );
    assert_eq!(fake.names(), ["someone-elses"]);
    Ok(())
}

#[tokio::test]
async fn a_refused_config_fails_alone_and_says_why() -> Result<()> {
    let (fake, desk) = (cluster().await, desk(&["orders"])?);
    desk.write(&file_of("bad"), "connector: bad\nconfig: {connector.class: NoSuch, tasks.max: 1}\n")?;
    assert_snapshot!(desk.run(&format!("apply {}", flags(&fake))).await?, @r#"
    exit 1
    ---- stdout
    Revision     .
    Environment  test

    + create     bad     not in the cluster, 2 keys
    + create     orders  not in the cluster, 4 keys

    Unmanaged (never touched): someone-elses
    Plan: 2 to create, 0 to change, 0 to delete.
    ✗ create     bad     failed (invalid), TIME
    ✓ create     orders  converged, TIME
    Steps: 1 converged, 1 failed.
    Failed, with 1 step left.
    ---- stderr
    NOW  WARN Connect refused a step error=failed to create connector bad: the workers have no plugin of this connector.class (HTTP 400)
    "#);
    assert_eq!(fake.names(), ["orders", "someone-elses"]);
    Ok(())
}

#[tokio::test]
async fn an_apply_waits_for_a_cluster_that_comes_up() -> Result<()> {
    let fake = Fake::with(Options { phase: Phase::Down, ..Options::default() }).await;
    fake.preload("someone-elses", &SOMEONE_ELSES);
    let mut desk = desk(&["orders"])?;
    desk.hide(&fake.url(0), "CONNECT");
    let apply = desk.start(&format!("apply {}", flags(&fake)))?;
    // It has begun, and found nobody.
    sleep(Duration::from_secs(6)).await;
    for phase in [Phase::Booting, Phase::Reading, Phase::Ready] {
        fake.phase(0, phase).await;
        sleep(Duration::from_secs(1)).await;
    }
    let said = desk.end(apply).await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert_snapshot!(said.err, @"Waiting for Connect at CONNECT/ (Connection refused (os error 111))");
    assert_eq!(fake.names(), ["orders", "someone-elses"]);
    Ok(())
}

#[tokio::test]
async fn an_apply_gives_up_when_its_time_is_up() -> Result<()> {
    let desk = desk(&["orders"])?;
    let line = "apply --dir . -e test --connect http://127.0.0.1:1 --timeout 6s";
    assert_snapshot!(desk.run(line).await?, @r#"
    exit 1
    ---- stderr
    Waiting for Connect at http://127.0.0.1:1/ (Connection refused (os error 111))
    Error: time was up before Connect was ready
    Caused by: failed to look at Connect at http://127.0.0.1:1/
    Caused by: failed to see whether the worker is ready: Connect cannot be reached
    Caused by: Connection refused (os error 111)
    Hint: is the worker up, and is connect.url its address?
    "#);

    let fake = cluster().await;
    fake.refuse("orders", "Unable to connect: Connection to db:5432 refused.");
    let said = desk.run(&format!("apply {} --timeout 20s", flags(&fake))).await?;
    assert_snapshot!(said, @r#"
    exit 1
    ---- stdout
    Revision     .
    Environment  test

    + create     orders  not in the cluster, 4 keys

    Unmanaged (never touched): someone-elses
    Plan: 1 to create, 0 to change, 0 to delete.
    … create     orders  waiting, TIME
    Steps: 1 waiting.
    Time was up, with 1 step left.
    "#);
    Ok(())
}

#[tokio::test]
async fn an_apply_that_is_told_to_end_gives_what_is_open_a_moment() -> Result<()> {
    let (fake, desk) = (cluster().await, desk(&["orders"])?);
    fake.inject(Fault::on("POST", "/connectors").hang());
    let apply = desk.start(&format!("apply {}", flags(&fake)))?;
    let asked = || async { Ok(fake.requests().iter().any(|request| request.method == "POST")) };
    wait("the creation is under way", asked).await?;
    terminate(&apply).await?;
    let said = desk.end(apply).await?;
    assert!(said.code == Some(1) && said.took < Duration::from_secs(30), "{:?} {said}", said.took);
    assert!(said.out.ends_with("Ended early, with 1 step left.\n"), "{said}");

    let asked = TcpListener::bind("127.0.0.1:0").await?;
    let waiting = desk.start(&format!("apply --dir . -e test --connect http://{}", asked.local_addr()?))?;
    drop((timeout(SOON, asked.accept()).await.context("it asks")??, asked));
    terminate(&waiting).await?;
    let said = desk.end(waiting).await?;
    assert!(said.code == Some(1) && said.took < Duration::from_secs(20), "{:?} {said}", said.took);
    assert!(said.err.ends_with("Error: ended before Connect was ready\n"), "{said}");
    Ok(())
}

#[tokio::test]
async fn into_an_empty_cluster_nothing_is_created_at_first_sight() -> Result<()> {
    let (fake, desk) = (Fake::start(1).await, desk(&["orders"])?);
    let apply = desk.start(&format!("apply {}", flags(&fake)))?;
    let looked = || async { Ok(fake.requests().iter().any(|request| request.query.contains("expand"))) };
    wait("it has seen that nothing is there", looked).await?;
    sleep(Duration::from_secs(6)).await;
    assert_eq!(fake.writes().len(), 0, "it looks again after ten seconds");
    // What was there all the time, and was not listed by a worker that had not read it yet.
    fake.preload(
        "orders",
        &[
            ("connector.class", "FileStreamSource"),
            ("tasks.max", "1"),
            ("topic", "orders"),
            ("file", "/dev/null"),
        ],
    );
    let said = desk.end(apply).await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert_eq!(fake.writes().len(), 0, "{said}");
    Ok(())
}

#[tokio::test]
async fn a_tag_is_applied_from_git() -> Result<()> {
    let definitions = Definitions::new(&[(&file_of("orders"), &file_source("orders", ""))]).await?;
    let (fake, desk) = (cluster().await, Desk::new(&[])?);
    let line = format!("--git {} --tag v1 -e test --connect {}", definitions.url(), fake.url(0));
    let said = desk.run(&format!("apply {line} -o json")).await?;
    let form: Value = serde_json::from_str(&said.out).with_context(|| said.to_string())?;
    let commit = definitions.released()?;
    assert_eq!(form["revision"], json!([{"repository": "main", "ref": "refs/tags/v1", "commit": commit}]));
    assert_eq!(fake.names(), ["orders", "someone-elses"]);
    Ok(())
}

#[tokio::test]
async fn what_is_declared_absent_is_deleted() -> Result<()> {
    let (fake, desk) = (cluster().await, desk(&["orders"])?);
    desk.write(&file_of("gone"), "connector: someone-elses\nstate: absent\n")?;
    let said = desk.run(&format!("apply {}", flags(&fake))).await?;
    assert_snapshot!(said, @r#"
    exit 0
    ---- stdout
    Revision     .
    Environment  test

    ~ stop       someone-elses  before it is deleted
    - delete     someone-elses  declared absent
                 stays behind:
                   offsets  someone-elses
                   topics   x
    + create     orders         not in the cluster, 4 keys

    Plan: 1 to create, 0 to change, 1 to delete.
    ✓ stop       someone-elses  converged, TIME
    ✓ delete     someone-elses  converged, TIME
    ✓ create     orders         converged, TIME
    Steps: 3 converged.
    Applied. The cluster matches the repository.
    "#);
    let writes: Vec<_> = fake.writes().into_iter().map(|write| (write.connector, write.kind)).collect();
    assert_eq!(
        writes,
        [
            ("someone-elses".to_owned(), WriteKind::Stop),
            ("someone-elses".to_owned(), WriteKind::Delete),
            ("orders".to_owned(), WriteKind::Create)
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_secret_is_in_no_output() -> Result<()> {
    let fake = cluster().await;
    let config = "config:
  connector.class: FileStreamSource
  tasks.max: 1
  topic: x
  file: /dev/null
  database.password: hunter1
  connection.url: jdbc:postgresql://db/x?user=u&password=hunter2
  sasl.jaas.config: \"Plain required username='u' password='hunter3';\"
  api.token: \"{{ values.token.secret }}\"
";
    let desk = Desk::new(&[
        ("environments/test.yaml", "environment: test\nvalues: {token: {secret: hunter4}}\n"),
        ("connectors/orders.yaml", &format!("connector: orders\n{config}")),
        ("connectors/bad.yaml", &format!("connector: bad\n{}", config.replace("FileStreamSource", "NoSuch"))),
    ])?;
    fake.preload("orders", &[("connector.class", "FileStreamSource"), ("database.password", "hunter5")]);
    fake.refuse("bad", "Invalid value hunter6 for configuration database.password");
    let flags = flags(&fake);
    let mut told = String::new();
    for line in [
        "validate -v".to_owned(),
        "validate -o json".to_owned(),
        "render --dir . -e test".to_owned(),
        "render --dir . -e test --explain".to_owned(),
        "render --dir . -e test --explain -o json".to_owned(),
        format!("plan {flags}"),
        format!("plan {flags} -o json -vv"),
        format!("apply {flags} -o json"),
        format!("apply {flags} -vv"),
        format!("apply {flags} -vv --log-format json"),
    ] {
        let said = desk.run(&line).await?;
        assert!(matches!(said.code, Some(0 | 1)) && !said.out.is_empty(), "{line}: {said}");
        told.push_str(&said.to_string());
    }
    assert!(told.contains("database.password"), "{told}");
    let leaks: Vec<_> = told.lines().filter(|line| line.contains("hunter")).collect();
    assert_eq!(leaks, Vec::<&str>::new());
    Ok(())
}

#[tokio::test]
async fn a_running_agent_is_asked() -> Result<()> {
    let definitions = Definitions::new(&[(&file_of("orders"), &file_source("orders", ""))]).await?;
    let fake = Fake::start(1).await;
    let agent = Agent::start(&definitions.settings(&fake.url(0))).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let mut desk = Desk::new(&[])?;
    desk.set("TAGALONG_AGENT", agent.url());
    let well = desk.run("status").await?;
    assert_eq!(well.code, Some(0), "{well}");
    assert!(
        well.out.contains("orders") && well.out.ends_with("1 connector, 0 not in sync, 0 error findings.\n")
    );
    let form: Value = serde_json::from_str(&desk.run("status -o json").await?.out)?;
    assert_eq!((&form["format"], &form["environment"]), (&json!(1), &json!("test")));
    let health = desk.run("health").await?;
    assert_eq!(health.code, Some(0), "{health}");

    fake.refuse("orders", "no");
    fake.edit("orders", |config| drop(config.insert("topic".into(), "elsewhere".into())));
    let failed = "tagalong_connector_last_apply_failed{connector=\"orders\"}";
    agent.wait_for_metric(failed, 1.0).await?;
    let unwell = desk.run("status").await?;
    assert_eq!(unwell.code, Some(1), "{unwell}");
    Ok(())
}
