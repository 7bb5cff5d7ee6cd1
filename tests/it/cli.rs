//! The command line without a cluster: what each command says, where it says it, and how it exits.

use anyhow::Result;
use insta::assert_snapshot;
use serde_json::Value;

use crate::support::command::{Desk, is_installed};
use crate::support::example::{ORDERS, TEMPLATE, desk};

#[tokio::test]
async fn no_command_at_all_is_a_usage_error_that_teaches() -> Result<()> {
    let said = desk()?.run("").await?;
    assert_eq!((said.code, said.out.as_str()), (Some(64), ""));
    assert!(said.err.contains("Usage: tagalong <COMMAND>"), "{said}");
    Ok(())
}

#[tokio::test]
async fn help_goes_to_standard_output() -> Result<()> {
    assert_snapshot!(desk()?.run("--help").await?, @r#"
    exit 0
    ---- stdout
    Follow a floating git tag of Kafka Connect connector definitions, and make the cluster equal to them

    Usage: tagalong <COMMAND>

    Commands:
      run          Follow a repository and keep the cluster equal to it, until told to end
      apply        Make the cluster equal to the repository, once
      plan         Show what would change in the cluster, and change nothing
      validate     Check a folder of definitions for every environment, offline
      render       Show the configs of one environment, with secrets hidden
      compare      Show what moving from one revision to another would do, in every environment, offline
      init         Write a definitions repository to start from, with its pull-request and release
                   workflows
      status       Ask a running agent what it sees: revisions, connectors, drift, what is held
      reconcile    Tell a running agent to look now: at its repositories and at the cluster
      health       Ask a running agent whether its loop lives
      schema       Write the JSON Schema of a kind of file, for editors
      docs         Write a reference page of the templates, in Markdown
      completions  Write the completions of a shell to standard output
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Start with:
      tagalong validate DIR
      tagalong plan --dir DIR -e ENVIRONMENT --connect http://localhost:8083

    Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 failed, 2
    something is left (as the command says), 64 wrong command line.
    "#);
    Ok(())
}

#[tokio::test]
async fn every_command_has_help_with_its_exit_codes() -> Result<()> {
    let desk = desk()?;
    for command in [
        "run", "apply", "plan", "validate", "render", "compare", "init", "status", "health", "schema", "docs",
    ] {
        let said = desk.run(&format!("{command} --help")).await?;
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said}");
        assert!(said.out.contains("Exit codes: "), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_flag_is_a_usage_error() -> Result<()> {
    assert_snapshot!(desk()?.run("plan --detailed-exit-code").await?, @r#"
    exit 64
    ---- stderr
    error: unexpected argument '--detailed-exit-code' found

      tip: a similar argument exists: '--detailed-exitcode'

    Usage: tagalong plan --detailed-exitcode

    For more information, try '--help'.
    "#);
    Ok(())
}

#[tokio::test]
async fn an_unknown_command_is_a_usage_error() -> Result<()> {
    assert_snapshot!(desk()?.run("pln").await?, @r#"
    exit 64
    ---- stderr
    error: unrecognized subcommand 'pln'

      tip: a similar subcommand exists: 'plan'

    Usage: tagalong <COMMAND>

    For more information, try '--help'.
    "#);
    Ok(())
}

#[tokio::test]
async fn good_definitions_are_valid_in_every_environment() -> Result<()> {
    assert_snapshot!(desk()?.run("validate").await?, @r#"
    exit 0
    ---- stdout
    Valid for production, staging.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_mistake_of_some_environments_is_told_once_and_names_them() -> Result<()> {
    let desk = desk()?;
    desk.write("environments/third.yaml", "environment: third\nvalues: {only: here}\n")?;
    desk.write(
        "connectors/where.yaml",
        "connector: where\nconfig:\n  connector.class: FileStreamSource\n  topic: \"{{ values.only }}\"\n",
    )?;
    assert_snapshot!(desk.run("validate .").await?, @r"
    exit 1
    ---- stdout
    connectors/where.yaml:4:14: error[undefined-name]: `values.only` is not set (in production, staging)
      hint: set it in the environment's `values` or in the settings
    1 error.
    Not valid for production, staging. Valid for third.
    ");
    Ok(())
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() -> Result<()> {
    let desk = desk()?;
    desk.write(
        "connectors/wrong.yaml",
        "connector: wrong\ntemplate: file-sink\nstat: paused\nonly: [prod]\n",
    )?;
    desk.write("connectors/late.yaml", "connector: late\ntemplate: file-source\n")?;
    assert_snapshot!(desk.run("validate .").await?, @r#"
    exit 1
    ---- stdout
    connectors/late.yaml:2:11: error[parameter-missing]: parameter `file` is not given
      hint: add `file` to `with`: the file to read
    connectors/wrong.yaml:2:11: error[unknown-template]: there is no template `file-sink`
      hint: there are file-source
    connectors/wrong.yaml:3:1: error[unknown-key]: a connector has no key `stat`
      hint: did you mean `state`?
    connectors/wrong.yaml:4:8: error[unknown-environment]: there is no environment `prod`
      hint: there are production, staging
    4 errors.
    Not valid for production, staging.
    "#);
    Ok(())
}

#[tokio::test]
async fn findings_as_json_are_told_per_environment() -> Result<()> {
    let desk = desk()?;
    let block = "environments: {production: {config: {file: null, nothing: null}}}\n";
    desk.write("connectors/orders.yaml", &format!("{ORDERS}{block}"))?;
    assert_snapshot!(desk.run("validate -o json").await?, @r#"
    exit 1
    ---- stdout
    {
      "format": 1,
      "environments": [
        {
          "environment": "production",
          "findings": [
            {
              "path": "connectors/orders.yaml",
              "line": 8,
              "column": 59,
              "rule": "null-removes-nothing",
              "severity": "error",
              "message": "no layer under this one sets `nothing`",
              "hint": "remove the line, or correct the key",
              "connector": null
            }
          ]
        },
        {
          "environment": "staging",
          "findings": [
            {
              "path": "connectors/orders.yaml",
              "line": 8,
              "column": 59,
              "rule": "null-removes-nothing",
              "severity": "error",
              "message": "no layer under this one sets `nothing`",
              "hint": "remove the line, or correct the key",
              "connector": null
            }
          ]
        }
      ]
    }
    "#);
    Ok(())
}

#[tokio::test]
async fn a_warning_fails_only_where_that_is_asked() -> Result<()> {
    let desk = desk()?;
    desk.write("connectors/odd.yaml", "connector: odd name\ntemplate: file-source\nwith: {file: x}\n")?;
    assert_snapshot!(desk.run("validate -e staging").await?, @r#"
    exit 0
    ---- stdout
    connectors/odd.yaml:1:12: warning[name-alphabet]: connector `odd name` has unusual characters in its name
      hint: use letters, digits, `.`, `_` and `-`; keep the name where the connector has it already
    1 warning.
    Valid for staging.
    "#);
    let said = desk.run("validate -e staging --strict").await?;
    let last = said.out.lines().last().unwrap_or_default();
    assert_eq!(
        (said.code, last),
        (Some(1), "Valid for staging, but a warning fails with --strict."),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn a_folder_that_a_connector_reads_from_is_not_said_to_be_passed_over() -> Result<()> {
    let desk = desk()?;
    desk.write("connector/old.json", r#"{"connector.class": "X"}"#)?;
    let said = desk.run("validate --dir . --strict").await?;
    assert!(said.out.contains("connector:1:1: warning[beside-folders]"), "{said}");
    desk.write("connectors/old.yaml", "connector: old\nfrom: ../connector/old.json\n")?;
    let said = desk.run("validate --dir . --strict").await?;
    assert_eq!(said.code, Some(0), "{said}");
    Ok(())
}

#[tokio::test]
async fn files_that_are_no_definitions_are_named_on_request() -> Result<()> {
    let desk = desk()?;
    desk.write("connectors/README.md", "hello")?;
    assert_snapshot!(desk.run("validate -v").await?, @r#"
    exit 0
    ---- stdout
    Valid for production, staging.
    ---- stderr
    ignored connectors/README.md: not a definition file
    "#);
    Ok(())
}

#[tokio::test]
async fn an_environment_that_nobody_defines_is_named() -> Result<()> {
    assert_snapshot!(desk()?.run("validate -e stagin").await?, @r#"
    exit 1
    ---- stdout
    environment: error[unknown-environment]: there is no environment `stagin`
      hint: did you mean `staging`?
    1 error.
    Not valid for stagin.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error_with_a_hint() -> Result<()> {
    assert_snapshot!(desk()?.run("validate nope").await?, @r#"
    exit 1
    ---- stderr
    Error: failed to read the folder nope
    Caused by: No such file or directory (os error 2)
    Hint: name the folder that holds `connectors/`, `templates/` and `environments/`
    "#);
    Ok(())
}

#[tokio::test]
async fn a_folder_of_something_else_is_not_valid() -> Result<()> {
    let desk = Desk::new(&[("src/main.rs", "")])?;
    assert_snapshot!(desk.run("validate").await?, @r#"
    exit 1
    ---- stdout
    .:1:1: error[repository-empty]: none of `tagalong.yaml`, `templates/`, `connectors/` and `environments/` is here
      hint: `path` in the settings names the folder that holds them
    1 error.
    Not valid, and there is no environment to render for.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_repository_without_an_environment_says_so() -> Result<()> {
    let desk = Desk::new(&[("templates/file-source.yaml", TEMPLATE), ("connectors/orders.yaml", ORDERS)])?;
    assert_snapshot!(desk.run("validate").await?, @r#"
    exit 1
    ---- stdout
    templates/file-source.yaml:10:3: error[unknown-environment]: there is no environment `production`
      hint: define it, with `environment: production`
    1 error.
    Not valid, and there is no environment to render for.
    "#);
    Ok(())
}

#[tokio::test]
async fn configs_are_rendered_with_secrets_hidden() -> Result<()> {
    assert_snapshot!(desk()?.run("render --dir . -e production").await?, @r#"
    exit 0
    ---- stdout
    orders  running, template file-source  connectors/orders.yaml:1:12
      connection.url     ***
      connector.class    FileStreamSource
      database.password  ***
      file               /var/log/orders
      tasks.max          4
      topic              orders-production

    1 connector of production, .
    "#);
    Ok(())
}

#[tokio::test]
async fn each_key_can_be_explained() -> Result<()> {
    assert_snapshot!(desk()?.run("render --dir . -e production --explain orders").await?, @r#"
    exit 0
    ---- stdout
    orders  running, template file-source  connectors/orders.yaml:1:12
      connection.url     ***
          connector orders, connectors/orders.yaml:6:19: ***
      connector.class    FileStreamSource
          template file-source, templates/file-source.yaml:5:20: FileStreamSource
      database.password  ***
          connector orders, connectors/orders.yaml:5:22: ***
      file               /var/log/orders
          template file-source, templates/file-source.yaml:7:9: /var/log/orders
      tasks.max          4
          template file-source, templates/file-source.yaml:6:14: 1
          template file-source in production, templates/file-source.yaml:10:36: 4
      topic              orders-production
          template file-source, templates/file-source.yaml:8:10: orders-production

    1 connector of production, .
    "#);
    Ok(())
}

#[tokio::test]
async fn rendered_json_has_the_hidden_keys_apart() -> Result<()> {
    let said = desk()?.run("render --dir . -e staging -o json").await?;
    let form: Value = serde_json::from_str(&said.out)?;
    let orders = &form["connectors"][0];
    assert_eq!(orders["hidden"], serde_json::json!(["connection.url", "database.password"]));
    assert_eq!(orders["config"]["topic"], "orders-staging");
    assert_eq!(orders["config"]["tasks.max"], "1");
    Ok(())
}

#[tokio::test]
async fn a_connector_that_is_not_declared_cannot_be_rendered() -> Result<()> {
    assert_snapshot!(desk()?.run("render --dir . -e production order").await?, @r#"
    exit 1
    ---- stderr
    Error: there is no connector "order" in production
    Hint: did you mean `orders`?
    "#);
    Ok(())
}

#[tokio::test]
async fn a_connector_of_other_environments_is_told_with_their_names() -> Result<()> {
    let desk = Desk::new(&[
        ("environments/all.yaml", "environment: production\n---\nenvironment: ed8k\nbase: production\n"),
        (
            "connectors/demo.yaml",
            "connector: demo-data\nonly: [ed8k]\nconfig: {connector.class: X}\n---\nconnector: orders\n\
             config: {connector.class: X}\nenvironments: {ed8k: {name: orders-ed8k}}\n",
        ),
    ])?;
    assert_snapshot!(desk.run("render --dir . -e production demo-data").await?, @r#"
    exit 1
    ---- stderr
    Error: there is no connector "demo-data" in production
    Hint: it exists only in ed8k
    "#);
    let renamed = desk.run("render --dir . -e production orders-ed8k").await?;
    assert!(renamed.err.contains("Hint: it exists only in ed8k\n"), "{renamed}");
    let old = desk.run("render --dir . -e ed8k orders").await?;
    assert!(old.err.contains("Hint: it exists only in production\n"), "{old}");
    let nowhere = desk.run("render --dir . -e production demo-dat").await?;
    assert!(!nowhere.err.contains("exists only"), "{nowhere}");
    Ok(())
}

#[tokio::test]
async fn an_input_that_is_missing_is_told_with_the_flag_that_supplies_it() -> Result<()> {
    let desk = Desk::new(&[
        ("environments/a.yaml", "environment: production\ninputs: {postgres.host: {example: db}}\n"),
        (
            "connectors/a.yaml",
            "connector: a\nconfig: {connector.class: X, host: '{{ values.postgres.host }}'}\n",
        ),
    ])?;
    for command in ["render", "plan"] {
        let said = desk.run(&format!("{command} --dir . -e production")).await?;
        assert!(said.err.contains("hint: supply it with `--value postgres.host=…`"), "{said}");
    }
    let said = desk.run("render --dir . -e production --value postgres.host=db").await?;
    assert_eq!(said.code, Some(0), "{said}");
    Ok(())
}

#[tokio::test]
async fn nobody_has_to_know_how_no_colour_is_spelt() -> Result<()> {
    for text in ["1", "true", "0", "false", "yes please", ""] {
        let mut desk = desk()?;
        desk.set("NO_COLOR", text);
        for line in ["validate", "render --dir . -e staging", "render --dir . -e staging --no-color"] {
            let said = desk.run(line).await?;
            assert_eq!(said.code, Some(0), "NO_COLOR={text} {line}: {said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_reader_that_has_gone_is_no_failure() -> Result<()> {
    let desk = desk()?;
    for line in ["render --dir . -e staging", "validate", "--help", "completions bash"] {
        let mut child = desk.start(line)?;
        drop(child.stdout.take());
        let said = desk.end(child).await?;
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{line}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn completions_are_scripts_that_their_shells_can_read() -> Result<()> {
    let desk = desk()?;
    for shell in ["bash", "zsh", "fish"] {
        let said = desk.run(&format!("completions {shell}")).await?;
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
        assert!(said.out.contains("detailed-exitcode") && said.out.contains("validate"), "{shell}");
        if is_installed(shell) {
            desk.write("script", &said.out)?;
            let read =
                tokio::process::Command::new(shell).arg("-n").arg(desk.path("script")).status().await?;
            assert!(read.success(), "{shell}");
        }
    }
    assert_eq!(desk.run("completions tcsh").await?.code, Some(64));
    Ok(())
}
