//! One mistake is told once: what follows from it is not told as well.

use anyhow::Result;
use insta::assert_snapshot;

use crate::support::command::Desk;

const CONNECTOR: &str = "connector: orders\ntemplate: platform/postgres\nwith: {tables: [public.orders]}\n";
const ENVIRONMENT: &str = "environment: staging\nvalues: {postgres: {host: db.internal, port: 5432}}\nconfig: {errors.log.enable: true}\n";

#[tokio::test]
async fn a_wrong_path_is_told_and_no_environment_is_asked_for() -> Result<()> {
    let desk = Desk::new(&[
        ("defs/connectors/orders.yaml", CONNECTOR),
        ("defs/environments/staging.yaml", ENVIRONMENT),
    ])?;
    assert_snapshot!(desk.run("plan --dir . -e staging --connect http://127.0.0.1:1").await?, @r#"
    exit 1
    ---- stderr
    .:1:1: error[repository-empty]: none of `tagalong.yaml`, `templates/`, `connectors/` and `environments/` is here
      hint: `path` in the settings names the folder that holds them
    1 error.
    Error: the definitions cannot be used for staging
    Hint: `tagalong validate DIR` checks a folder before it is released
    "#);
    Ok(())
}

#[tokio::test]
async fn a_tagalong_yml_is_the_mistake_and_not_what_it_would_have_imported() -> Result<()> {
    let about = "imports: [{name: platform, git: https://git.example.com/platform.git, ref: {tag: v1}}]\n";
    let desk = Desk::new(&[
        ("tagalong.yml", about),
        ("connectors/orders.yaml", CONNECTOR),
        ("environments/staging.yaml", ENVIRONMENT),
    ])?;
    assert_snapshot!(desk.run("validate . --import platform=elsewhere").await?, @r#"
    exit 1
    ---- stdout
    tagalong.yml:1:1: error[beside-folders]: the file is not read under this name, so neither its imports nor anything else in it holds
      hint: rename it to `tagalong.yaml`
    1 error.
    Not valid for staging.
    "#);
    Ok(())
}

/// The map that a place replaced by a text was missing wherever it is used.
#[tokio::test]
async fn what_a_variable_puts_over_a_map_is_told_at_the_map() -> Result<()> {
    let connector = "connector: orders\nconfig:\n  connector.class: FileStreamSource\n  \
        file: \"{{ values.postgres.host }}:{{ values.postgres.port }}\"\n";
    let mut desk =
        Desk::new(&[("connectors/orders.yaml", connector), ("environments/staging.yaml", ENVIRONMENT)])?;
    desk.set("TAGALONG_VALUES", "{postgres: x}");
    assert_snapshot!(desk.run("render --dir . -e staging").await?, @r#"
    exit 1
    ---- stderr
    environments/staging.yaml:2:10: error[input-kind]: `postgres` is a map here, and this place supplies something else for all of it (in staging)
      hint: supply a map, such as `{postgres: {…: …}}`; look at `TAGALONG_VALUES`, at `values` in the settings and at `--value postgres=…`
    1 error.
    Error: the definitions cannot be used for staging
    Hint: `tagalong validate DIR` checks a folder before it is released
    "#);
    Ok(())
}
