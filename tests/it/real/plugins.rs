//! `validate --connect` against real plugins: Debezium's PostgreSQL connector and Connect's own examples, on the
//! newest Connect and on the oldest that is held to be understood.

use anyhow::Result;
use reqwest::Method;
use tagalong_testkit::proxy::Proxy;
use tagalong_testkit::stack::handle::Stack;
use tagalong_testkit::stack::protocol::Group;

use crate::support::command::{Desk, Said};
use crate::support::page::{blocks, files, read};

const ENVIRONMENT: (&str, &str) = ("environments/test.yaml", "environment: test\n");

/// A pull request with several mistakes; `PORT` and `PASSWORD` are the database's.
const TEMPLATE: &str = r#"template: postgres
config:
  connector.class: io.debezium.connector.postgresql.PostgresConnector
  plugin.name: pgoutput
  database.hostname: 127.0.0.1
  database.port: "PORT"
  database.user: postgres
  database.password: "PASSWORD"
  database.dbname: postgres
  topic.prefix: "{{ connector }}"
"#;

const CONNECTORS: &str = r#"connector: orders
template: postgres
config:
  database.hostname: null
  databse.hostname: 127.0.0.1
  snapshot.mode: intial
  max.batch.size: 0
---
connector: audit
config:
  connector.class: io.debezium.connector.postgres.PostgresConnector
---
connector: leak
config:
  connector.class: FileStreamSource
  topic: "PASSWORD"
  batch.size: "PASSWORD"
  transforms: "PASSWORD"
---
connector: good
template: postgres
---
connector: away
template: postgres
config: {database.dbname: nowhere}
---
connector: lines
config:
  connector.class: FileStreamSource
  batch.size: many
---
connector: client
config:
  connector.class: FileStreamSource
  topic: lines
  producer.override.linger.ms: soon
---
connector: file
config:
  connector.class: FileStreamSource
  topic: "${file:/nonexistent/x.properties:topic}"
"#;

/// Every mistake, where it is and which rule; the same on every version.
const EXPECTED: &[&str] = &[
    "connectors/all.yaml:1:12: error[plugin-refused]: the plugin requires `database.hostname`, which is not set",
    "connectors/all.yaml:5:21: warning[plugin-key]: the plugin does not know `databse.hostname`",
    "connectors/all.yaml:6:18: error[plugin-refused]: `snapshot.mode` takes other values than this one",
    "connectors/all.yaml:7:19: error[plugin-refused]: the number of `max.batch.size` is too small or too large",
    "connectors/all.yaml:11:20: error[plugin-unknown]: the worker has no connector plugin",
    "connectors/all.yaml:13:12: error[plugin-refused]: a key that the plugin requires is not set",
    "connectors/all.yaml:17:15: error[plugin-refused]: `batch.size` takes a whole number",
    "connectors/all.yaml:27:12: error[plugin-refused]: the plugin requires `topic`, which is not set",
    "connectors/all.yaml:30:15: error[plugin-refused]: the plugin refuses `batch.size`: Invalid value many for configuration",
    "connectors/all.yaml:36:32: error[plugin-refused]: `producer.override.linger.ms` takes a whole number",
    "connectors/all.yaml:38:12: error[plugin-refused]: a placeholder names a file that the worker cannot read",
    "templates/postgres.yaml:5:22: warning[plugin-away]: the plugin could not reach what `database.hostname` names, or was refused \
     there, in connector `away`",
];

#[tokio::test]
async fn every_mistake_is_found_at_its_line_and_no_secret_gets_out() -> Result<()> {
    let stack = Stack::shared().await?;
    found_on(stack, &stack.workers()[0].url).await
}

#[tokio::test]
async fn a_real_debezium_takes_the_connector_of_the_readme() -> Result<()> {
    let stack = Stack::shared().await?;
    let at = stack.postgres().at;
    let desk = Desk::new(&[])?;
    let page = blocks(&read("README.md")?);
    for (path, text) in page.iter().filter(|block| block.info == "yaml").flat_map(files) {
        let here = text
            .replace("db.internal", &at.host)
            .replace("database.user: debezium", &format!("database.user: {}", at.user))
            .replace("database: shop", "database: postgres")
            .replace("/run/secrets/debezium.properties", &at.password_file.display().to_string());
        desk.write(&path, &here)?;
    }
    let port = at.port;
    let here = format!("environment: test\nbase: production\nconfig: {{database.port: {port}}}\n");
    desk.write("environments/test.yaml", &here)?;
    let said = desk.run(&format!("validate -e test --strict --connect {}", stack.workers()[0].url)).await?;
    assert_eq!(
        (said.code, said.out.lines().next()),
        (Some(0), Some("Valid for test. The plugins looked at 1 connector.")),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn the_oldest_connect_says_as_much() -> Result<()> {
    let stack = Stack::shared().await?;
    let workers = stack.add_group(Group::new("plugins-2-8").workers(1).version("2.8.2")).await?;
    found_on(stack, &workers[0].url).await
}

async fn found_on(stack: &Stack, worker: &str) -> Result<()> {
    let at = stack.postgres().at;
    let placeholder = format!("${{file:{}:password}}", at.password_file.display());
    let written = |text: &str| text.replace("PORT", &at.port.to_string()).replace("PASSWORD", &placeholder);
    let desk = Desk::new(&[
        ENVIRONMENT,
        ("templates/postgres.yaml", &written(TEMPLATE)),
        ("connectors/all.yaml", &written(CONNECTORS)),
    ])?;
    let proxy = Proxy::start(worker).await?;
    let line = format!("validate -e test --connect {} --no-color", proxy.url());
    let said = desk.run(&line).await?;
    // What lints say of these connectors stands between.
    let lines: Vec<&str> = said.out.lines().filter(|line| line.contains("[plugin-")).collect();
    for (line, expected) in lines.iter().zip(EXPECTED) {
        assert!(line.starts_with(expected), "{expected}\n{said}");
    }
    assert_eq!(lines.len(), EXPECTED.len(), "{said}");
    hints(&said);

    let very = desk.run(&format!("{line} -vv")).await?;
    let json = desk.run(&format!("{line} -o json")).await?;
    for said in [&said, &very, &json] {
        assert_eq!(said.code, Some(1), "{said}");
        assert!(!format!("{said}").contains(&at.password), "the resolved secret is out: {said}");
    }
    let is_question =
        |path: &str| path.starts_with("/connector-plugins/") && path.ends_with("/config/validate");
    for request in proxy.writes() {
        assert!(
            request.method == Method::PUT && is_question(&request.path),
            "{} {}",
            request.method,
            request.path
        );
    }
    assert_eq!(proxy.writes().len(), 3 * 8, "{:?}", proxy.writes());
    Ok(())
}

/// What to do about it is told where the plugin tells it.
#[track_caller]
fn hints(said: &Said) {
    for hint in [
        "hint: `databse.hostname` is set at connectors/all.yaml:5:21",
        "hint: did you mean `database.hostname`?",
        "hint: did you mean `initial`?",
        "hint: did you mean `io.debezium.connector.postgresql.PostgresConnector`?",
        "hint: the plugin says of it: The topic to publish data to",
    ] {
        assert!(said.out.contains(hint), "{hint}: {said}");
    }
}
