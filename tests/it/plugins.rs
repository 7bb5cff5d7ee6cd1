//! `validate --connect`: what the plugins of a worker say, at the lines where the configs were written.

use std::time::Duration;

use anyhow::{Context as _, Result};
use insta::assert_snapshot;
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::{Fake, Options};
use tokio::time::sleep;

use crate::support::command::Desk;

const ENVIRONMENTS: [(&str, &str); 2] =
    [("environments/test.yaml", "environment: test\n"), ("environments/live.yaml", "environment: live\n")];

const LINES: &str = "connector: lines
config:
  connector.class: FileStreamSource
  topic: lines
";

/// What Connect asks of, and what not.
const VALIDATE: &str = "/config/validate";

fn desk(files: &[(&str, &str)]) -> Result<Desk> {
    let desk = Desk::new(&ENVIRONMENTS)?;
    for (path, text) in files {
        desk.write(path, text)?;
    }
    Ok(desk)
}

fn asked(fake: &Fake) -> Vec<String> {
    fake.requests().into_iter().map(|request| format!("{} {}", request.method, request.path)).collect()
}

#[tokio::test]
async fn every_mistake_of_a_pull_request_is_told_at_its_line_in_one_run() -> Result<()> {
    let fake = Fake::start(1).await;
    let desk = desk(&[
        (
            "templates/lines.yaml",
            "template: lines\nconfig:\n  connector.class: FileStreamSource\n  batch.size: many\n",
        ),
        ("connectors/bare.yaml", "connector: bare\ntemplate: lines\n"),
        // A lint that is an error would leave the connector out.
        ("tagalong.yaml", "lints: {tasks-max: warning}\n"),
        (
            "connectors/slips.yaml",
            "connector: slips\nconfig:\n  connector.class: org.apache.kafka.connect.fiel.FileStreamSourceConnector\n",
        ),
        (
            "connectors/typos.yaml",
            "connector: typos\ntemplate: lines\nconfig:\n  batch.size: null\n  topik: lines\n  tasks.max: 0\n  batchSize: 1\n  \
             producer.override.lingr.ms: 1\n",
        ),
        ("connectors/wrong.yaml", "connector: wrong\ntemplate: lines\nconfg: {}\n"),
        ("connectors/class.yaml", "connector: class\nconfig: {connector.class: io.example.Nope}\n"),
    ])?;
    assert_snapshot!(desk.run(&format!("validate -e test --connect {}", fake.url(0))).await?, @r#"
    exit 1
    ---- stdout
    connectors/bare.yaml:1:12: error[plugin-refused]: the plugin requires `topic`, which is not set
      hint: the plugin says of it: The topic to publish data to
    connectors/class.yaml:2:27: error[plugin-unknown]: the worker has no connector plugin `io.example.Nope`
      hint: install it on every worker; it has 18 others, listed under /connector-plugins
    connectors/slips.yaml:3:20: error[plugin-unknown]: the worker has no connector plugin `org.apache.kafka.connect.fiel.FileStreamSourceConnector`
      hint: did you mean `org.apache.kafka.connect.file.FileStreamSourceConnector`?
    connectors/typos.yaml:1:12: error[plugin-refused]: the plugin requires `topic`, which is not set
      hint: `topik` is set at connectors/typos.yaml:5:10
    connectors/typos.yaml:5:10: warning[plugin-key]: the plugin does not know `topik`, and Connect passes over it in silence
      hint: did you mean `topic`?
    connectors/typos.yaml:6:14: error[plugin-refused]: the plugin refuses `tasks.max`: Invalid value 0 for configuration tasks.max: Value must be at least 1
      hint: the plugin says of it: Maximum number of tasks to use for this connector
    connectors/typos.yaml:6:14: warning[tasks-max]: `tasks.max` is no whole number from 1
      hint: write a whole number from 1
    connectors/typos.yaml:7:14: warning[plugin-key]: the plugin does not know `batchSize`, and Connect passes over it in silence
      hint: did you mean `batch.size`?
    connectors/wrong.yaml:3:1: error[unknown-key]: a connector has no key `confg`
      hint: did you mean `config`?
    templates/lines.yaml:4:15: error[plugin-refused]: the plugin refuses `batch.size`: Invalid value many for configuration batch.size: Not a number of type INT, in connector `bare`
      hint: the plugin says of it: The maximum number of records the source task can read
    7 errors, 3 warnings.
    Not valid for test. The plugins looked at 4 connectors; one with errors of its own or secrets of the agent's was left out.
    "#);
    Ok(())
}

#[tokio::test]
async fn each_config_is_asked_about_once_and_nothing_is_written() -> Result<()> {
    let fake = Fake::start(1).await;
    let desk = desk(&[
        ("connectors/lines.yaml", LINES),
        ("connectors/gone.yaml", "connector: gone\nstate: absent\n"),
        (
            "connectors/two.yaml",
            "connector: two\nconfig: {connector.class: FileStreamSource, topic: x}\nenvironments: {live: {config: {topic: y}}}\n",
        ),
    ])?;
    assert_snapshot!(desk.run(&format!("validate --connect {}", fake.url(0))).await?, @r"
    exit 0
    ---- stdout
    Valid for live, test. The plugins looked at 2 connectors.
    ");
    let mut asked = asked(&fake);
    asked.sort();
    let validate = "PUT /connector-plugins/FileStreamSource/config/validate";
    assert_eq!(asked, ["GET /connector-plugins", validate, validate, validate]);
    assert!(fake.writes().is_empty(), "{:?}", fake.writes());
    Ok(())
}

#[tokio::test]
async fn no_more_than_four_configs_are_asked_about_at_once() -> Result<()> {
    let fake = Fake::start(1).await;
    fake.inject(Fault::on("PUT", VALIDATE).always().hang());
    let desk = desk(&[])?;
    for number in 0..9 {
        let text = LINES.replace("connector: lines", &format!("connector: lines-{number}"));
        desk.write(&format!("connectors/{number}.yaml"), &text)?;
    }
    let said = desk.run(&format!("validate -e test --timeout 1s --connect {}", fake.url(0))).await?;
    assert_snapshot!(said, @r"
    exit 1
    ---- stderr
    Error: time was up after 1 s: 0 of 9 configs were looked at
    Hint: give more with --timeout, or ask for one environment with -e
    ");
    assert_eq!(asked(&fake).len(), 1 + 4);
    Ok(())
}

#[tokio::test]
async fn a_worker_that_is_away_is_told_after_what_is_wrong_offline() -> Result<()> {
    let desk = desk(&[("connectors/wrong.yaml", "connector: wrong\nconfg: {}\n")])?;
    let url = "http://127.0.0.1:1";
    for form in ["human", "json"] {
        let said = desk.run(&format!("validate -e test --connect {url} -o {form}")).await?;
        assert_eq!(said.code, Some(1), "{said}");
        assert!(said.out.contains("unknown-key") && !said.out.contains("Valid for"), "{said}");
        assert!(said.err.contains("failed to look at Connect at http://127.0.0.1:1"), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_worker_that_breaks_off_is_asked_no_more() -> Result<()> {
    let fake = Fake::start(1).await;
    fake.inject(Fault::on("PUT", VALIDATE).always().break_off());
    let desk = desk(&[])?;
    for number in 0..9 {
        let text = LINES.replace("connector: lines", &format!("connector: lines-{number}"));
        desk.write(&format!("connectors/{number}.yaml"), &text)?;
    }
    let said = desk.run(&format!("validate -e test --connect {}", fake.url(0))).await?;
    assert_eq!(said.code, Some(1), "{said}");
    assert!(said.err.contains("Error: 0 of 9 configs were looked at"), "{said}");
    assert!(asked(&fake).len() <= 1 + 2 * 4, "{:?}", asked(&fake));
    Ok(())
}

#[tokio::test]
async fn an_interrupt_ends_the_asking_with_what_was_heard() -> Result<()> {
    let fake = Fake::start(1).await;
    fake.inject(Fault::on("PUT", VALIDATE).always().hang());
    let desk = desk(&[
        ("connectors/lines.yaml", LINES),
        ("connectors/wrong.yaml", "connector: wrong\nconfg: {}\n"),
    ])?;
    let child = desk.start(&format!("validate -e test --connect {}", fake.url(0)))?;
    while asked(&fake).len() < 2 {
        sleep(Duration::from_millis(10)).await;
    }
    let pid = child.id().context("it runs")?.to_string();
    assert!(tokio::process::Command::new("kill").args(["-INT", &pid]).status().await?.success());
    let said = desk.end(child).await?;
    assert_eq!(said.code, Some(1), "{said}");
    assert!(said.out.contains("error[unknown-key]"), "{said}");
    assert!(said.err.contains("Error: interrupted: 0 of 1 configs were looked at"), "{said}");
    Ok(())
}

#[tokio::test]
async fn no_text_of_a_hostile_answer_gets_out() -> Result<()> {
    let fake = Fake::start(1).await;
    let desk = desk(&[(
        "connectors/lines.yaml",
        &format!("{LINES}  batch.size: \"${{file:/x:y}}\"\n  transforms: \"${{file:/x:y}}\"\n"),
    )])?;
    let error = "Invalid value S3cr3t for configuration batch.size: Not a number of type INT";
    let one = |name: &str, errors: &str| {
        format!(
            r#"{{"definition":{{"name":"{name}"}},"value":{{"name":"{name}","value":"S3cr3t","recommended_values":["S3cr3t"],"errors":{errors}}}}}"#
        )
    };
    let list = format!("[\"{error}\"]");
    for (status, body) in [
        (
            200,
            format!(
                r#"{{"error_count":2,"configs":[{},{}]}}"#,
                one("batch.size", &list),
                one("transforms.S3cr3t.type", &list)
            ),
        ),
        (200, format!(r#"{{"error_count":1,"configs":[{}]}}"#, one("S3cr3t\\u0000", &list))),
        (200, format!(r#"{{"error_count":1,"configs":[{}]}}"#, one("batch.size", r#"{"S3cr3t":1}"#))),
        (200, "<html>S3cr3t</html>".to_owned()),
        (200, format!("{{\"configs\":[\"S3cr3t{}", "x".repeat(9_000_000))),
        (500, r#"{"error_code":500,"message":"java.lang.NullPointerException: S3cr3t"}"#.to_owned()),
        (500, format!(r#"{{"error_code":500,"message":"x.ConfigException: {error}"}}"#)),
        (
            400,
            r#"{"error_code":400,"message":"Connector config {a=S3cr3t} contains no connector type"}"#
                .to_owned(),
        ),
        (502, "S3cr3t".to_owned()),
    ] {
        for form in ["human", "json"] {
            fake.clear_faults();
            fake.inject(Fault::on("PUT", VALIDATE).always().raw(status, "application/json", &body));
            let said = desk.run(&format!("validate -e test -vv -o {form} --connect {}", fake.url(0))).await?;
            assert_eq!(said.code, Some(1), "{status} {}: {said}", &body[..body.len().min(200)]);
            assert!(
                !format!("{said}").contains("S3cr3t"),
                "{status} {}: {said}",
                &body[..body.len().min(200)]
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_values_of_the_place_lie_over_the_examples() -> Result<()> {
    let fake = Fake::start(1).await;
    let desk = desk(&[
        ("environments/test.yaml", "environment: test\ninputs: {size: {example: \"1\"}}\n"),
        ("connectors/lines.yaml", &format!("{LINES}  batch.size: \"{{{{ values.size }}}}\"\nonly: [test]\n")),
    ])?;
    let line = format!("validate -e test --connect {}", fake.url(0));
    assert_eq!(desk.run(&line).await?.code, Some(0));
    let said = desk.run(&format!("{line} --value size=many")).await?;
    assert!(
        said.out
            .contains("connectors/lines.yaml:5:15: error[plugin-refused]: the plugin refuses `batch.size`"),
        "{said}"
    );
    assert_eq!(
        desk.run("validate --value size=many").await?.code,
        Some(64),
        "without a place there is no value of it"
    );
    Ok(())
}

#[tokio::test]
async fn a_database_that_is_away_is_a_warning() -> Result<()> {
    let fake = Fake::with(Options { version: (2, 8), ..Options::default() }).await;
    let error = "Error while validating connector config: Connection to db:5432 refused. Check the 'database.hostname' value";
    fake.refuse("orders", error);
    let class = "io.debezium.connector.postgresql.PostgresConnector";
    let text = format!(
        "connector: orders\nconfig:\n  connector.class: {class}\n  topic.prefix: orders\n  database.hostname: db\n"
    );
    let desk = desk(&[("connectors/orders.yaml", &text)])?;
    let line = format!("validate -e test --connect {}", fake.url(0));
    let said = desk.run(&line).await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert!(said.out.contains("connectors/orders.yaml:5:22: warning[plugin-away]"), "{said}");
    assert_eq!(desk.run(&format!("{line} --strict")).await?.code, Some(1));
    Ok(())
}

#[tokio::test]
async fn a_connector_with_a_value_that_its_template_could_not_make_is_not_asked_about() -> Result<()> {
    let fake = Fake::start(1).await;
    let template = "template: lines\nparameters: {topic: {}}\nconfig:\n  connector.class: FileStreamSource\n  topic: \"all-{{ parms.topic }}\"\n";
    let desk = desk(&[
        ("templates/lines.yaml", template),
        ("connectors/lines.yaml", "connector: lines\ntemplate: lines\nwith: {topic: a}\n"),
    ])?;
    let said = desk.run(&format!("validate -e test --connect {}", fake.url(0))).await?;
    assert!(said.out.contains("templates/lines.yaml:5:18: error[undefined-name]"), "{said}");
    assert!(!asked(&fake).iter().any(|request| request.ends_with(VALIDATE)), "{:?}", asked(&fake));
    Ok(())
}
