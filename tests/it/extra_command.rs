//! Folders of `extra` on the command line: what each command makes of a good and of a bad one.

use anyhow::Result;
use insta::assert_snapshot;
use tagalong_testkit::fake::Fake;

use crate::support::cluster::preload;
use crate::support::command::Desk;
use crate::support::definitions::file_source;
use crate::support::example::{FILES, TEMPLATE, desk};

const SHOP: &str = "connector: shop\ntemplate: file-source\nwith: {file: /var/log/shop}\n";
const WRONG: &str = "connector: till\ntemplate: file-sourc\nwith: {file: /var/log/till}\n";

/// The shared example, with a good folder and a bad one beside it.
fn with_folders() -> Result<Desk> {
    let desk = desk()?;
    desk.write("extra/shop/shop.yaml", SHOP)?;
    desk.write("extra/till/till.yaml", WRONG)?;
    Ok(desk)
}

const BOTH: &str = "--extra extra/shop --extra extra/till";

#[tokio::test]
async fn a_folder_is_validated_beside_the_repository_in_one_run() -> Result<()> {
    let desk = with_folders()?;
    assert_snapshot!(desk.run("validate --extra extra/shop").await?, @r#"
    exit 0
    ---- stdout
    Valid for production, staging.
    "#);
    assert_snapshot!(desk.run(&format!("validate {BOTH}")).await?, @r#"
    exit 1
    ---- stdout
    extra/till/till.yaml:2:11: error[unknown-template]: there is no template `file-sourc`
      hint: did you mean `file-source`?
    1 error.
    Not valid for production, staging.
    "#);
    assert_snapshot!(desk.run("validate --extra extra/none").await?, @r#"
    exit 1
    ---- stderr
    Error: failed to read the folder extra/none
    Caused by: No such file or directory (os error 2)
    Hint: is it mounted, and may the agent read it? `extra` in the settings names it
    "#);
    Ok(())
}

#[tokio::test]
async fn what_lints_say_of_a_folder_weighs_what_the_repository_wants_and_fails_that_folder_alone()
-> Result<()> {
    let (desk, fake) = (with_folders()?, Fake::start(1).await);
    desk.write("extra/shop/shop.yaml", &format!("{SHOP}config: {{errors.tolerance: all}}\n"))?;
    assert_snapshot!(desk.run("validate --extra extra/shop --strict").await?, @r#"
    exit 1
    ---- stdout
    extra/shop/shop.yaml:4:28: warning[records-dropped]: records that a transform or a converter cannot take are dropped, and nothing is logged
      hint: remove `errors.tolerance`, or set `errors.log.enable: true` beside it
    1 warning.
    Valid for production, staging, but a warning fails with --strict.
    "#);
    let line = format!("plan --dir . -e staging --connect {} --extra extra/shop", fake.url(0));
    assert_snapshot!(desk.run(&line).await?, @r#"
    exit 0
    ---- stdout
    Revision     ., extra:extra/shop
    Environment  staging

    + create     orders  not in the cluster, 6 keys
    + create     shop    not in the cluster, 5 keys

    Plan: 2 to create, 0 to change, 0 to delete.
    ---- stderr
    extra/shop/shop.yaml:4:28: warning[records-dropped]: records that a transform or a converter cannot take are dropped, and nothing is logged (in staging)
      hint: remove `errors.tolerance`, or set `errors.log.enable: true` beside it
    1 warning.
    "#);
    desk.write("tagalong.yaml", "lints: {records-dropped: error}\n")?;
    assert_snapshot!(desk.run(&line).await?, @r#"
    exit 1
    ---- stdout
    Revision     .
    Environment  staging

    + create     orders  not in the cluster, 6 keys

    ? the folder extra/shop has findings; nothing is deleted because of it
    Plan: 1 to create, 0 to change, 0 to delete.
    ---- stderr
    extra/shop/shop.yaml:4:28: error[records-dropped]: records that a transform or a converter cannot take are dropped, and nothing is logged (in staging)
      hint: remove `errors.tolerance`, or set `errors.log.enable: true` beside it
    1 error.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_broken_repository_is_not_blamed_on_the_folder() -> Result<()> {
    let desk = with_folders()?;
    desk.write("templates/file-source.yaml", "config: {a: [}\ntemplate: file-source\n")?;
    let said = desk.run("validate --extra extra/shop -o json").await?;
    assert_eq!(said.code, Some(1), "{said}");
    assert!(!said.out.contains("extra/shop"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_folder_with_findings_is_left_out_of_a_plan_and_said() -> Result<()> {
    let (desk, fake) = (with_folders()?, Fake::start(1).await);
    preload(&fake, "someone-elses");
    let line = format!("plan --dir . -e staging --connect {} {BOTH} --detailed-exitcode", fake.url(0));
    assert_snapshot!(desk.run(&line).await?, @r#"
    exit 1
    ---- stdout
    Revision     ., extra:extra/shop
    Environment  staging

    + create     orders  not in the cluster, 6 keys
    + create     shop    not in the cluster, 4 keys

    ? the folder extra/till has findings; nothing is deleted because of it
    Unmanaged (never touched): someone-elses
    Plan: 2 to create, 0 to change, 0 to delete.
    ---- stderr
    extra/till/till.yaml:2:11: error[unknown-template]: there is no template `file-sourc`
      hint: did you mean `file-source`?
    1 error.
    "#);
    Ok(())
}

#[tokio::test]
async fn the_rest_is_applied_and_the_exit_code_says_that_something_was_left_out() -> Result<()> {
    let (desk, fake) = (with_folders()?, Fake::start(1).await);
    preload(&fake, "someone-elses");
    let line = format!("apply --dir . -e staging --connect {} --extra extra/gone {BOTH}", fake.url(0));
    let said = desk.run(&line).await?;
    assert_eq!(said.code, Some(1), "{said}");
    assert!(said.err.contains("failed to read the folder extra/gone"), "{said}");
    assert_eq!(fake.names(), ["orders", "shop", "someone-elses"]);
    let again = desk.run(&line).await?;
    assert_eq!(again.code, Some(1), "also where nothing is to be done: {again}");

    desk.write("extra/gone/gone.yaml", "# nothing yet\n")?;
    desk.write("extra/till/till.yaml", SHOP.replace("shop", "till").as_str())?;
    let said = desk.run(&line).await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert_eq!(fake.names(), ["orders", "shop", "someone-elses", "till"]);
    Ok(())
}

#[tokio::test]
async fn an_empty_folder_is_no_failure() -> Result<()> {
    let desk = desk()?;
    desk.write("extra/empty/README.md", "nothing yet\n")?;
    let said = desk.run("render --dir . -e staging --extra extra/empty").await?;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said}");
    let said = desk.run("validate --extra extra/empty").await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert_eq!(said.err, "extra/empty holds no definition file\n");
    Ok(())
}

#[tokio::test]
async fn the_variable_and_the_settings_name_folders_and_the_flag_takes_their_place() -> Result<()> {
    let mut desk = with_folders()?;
    desk.write("extra/more/more.yaml", &file_source("more", ""))?;
    desk.set("TAGALONG_EXTRA", "[{folder: extra/shop, names: [shop]}]");
    let said = desk.run("render --dir . -e staging").await?;
    assert!(said.out.contains("shop  running") && !said.out.contains("more  running"), "{said}");
    let said = desk.run("render --dir . -e staging --extra extra/more").await?;
    assert!(said.out.contains("more  running") && !said.out.contains("shop  running"), "{said}");
    Ok(())
}

/// The shared example twice, the second with another template, and a folder beside them.
fn two_revisions(template: &str) -> Result<Desk> {
    let desk = Desk::new(&[])?;
    for (path, text) in FILES {
        desk.write(&format!("old/{path}"), text)?;
        desk.write(&format!("new/{path}"), text)?;
    }
    desk.write("new/templates/file-source.yaml", template)?;
    desk.write("extra/shop/shop.yaml", SHOP)?;
    Ok(desk)
}

#[tokio::test]
async fn a_comparison_says_what_a_move_does_to_the_connectors_of_a_folder() -> Result<()> {
    let desk = two_revisions(&TEMPLATE.replace("tasks.max: 1", "tasks.max: 2"))?;
    let line = "compare ./old ./new -e staging --extra extra/shop";
    assert_snapshot!(desk.run(line).await?, @r#"
    exit 0
    ---- stdout
    From         ./old
    To           ./new

    staging
    ~ change     2 connectors: orders, shop
                 ~ tasks.max  1 → 2

    In 1 environment: 0 to create, 2 to change, 0 to delete.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_comparison_finds_what_a_move_breaks_in_a_folder() -> Result<()> {
    let renamed =
        TEMPLATE.replace("  file: {required", "  path: {required").replace("params.file", "params.path");
    let desk = two_revisions(&renamed)?;
    desk.write(
        "new/connectors/orders.yaml",
        "connector: orders\nconfig: {connector.class: FileStreamSource}\n",
    )?;
    let line = "compare ./old ./new -e staging --extra extra/shop";
    assert_snapshot!(desk.run(line).await?, @r#"
    exit 1
    ---- stdout
    extra/shop/shop.yaml:3:1: error[parameter-missing]: parameter `path` is not given
      hint: add `path` to `with`: the file to read
    extra/shop/shop.yaml:3:8: error[unknown-parameter]: template `file-source` has no parameter `file`
      hint: its parameters are path
    2 errors.
    From         ./old
    To           ./new
    ! staging would take the new revision, which breaks the folder extra/shop: what it declared last stays

    staging
    ~ change     orders
                 - connection.url     ***
                 - database.password  ***
                 - file               /var/log/orders
                 - tasks.max          1
                 - topic              orders-staging

    In 1 environment: 0 to create, 1 to change, 0 to delete, 1 folder broken.
    "#);
    let form = desk.run(&format!("{line} --output json")).await?;
    let form: serde_json::Value = serde_json::from_str(&form.out)?;
    let there = &form["environments"][0];
    assert_eq!(there["folders"], serde_json::json!([{"folder": "extra/shop", "course": "breaks"}]));
    assert_eq!((&there["taken"], &form["summary"]["unmanage"]), (&true.into(), &0.into()), "{there}");
    Ok(())
}

#[tokio::test]
async fn a_comparison_holds_no_move_to_account_for_a_folder_that_was_broken_before() -> Result<()> {
    let desk = two_revisions(&TEMPLATE.replace("tasks.max: 1", "tasks.max: 2"))?;
    let wrong = SHOP.replace("/var/log/shop", "/var/log/shop, fil: x");
    desk.write("extra/shop/shop.yaml", &wrong)?;
    let line = "compare ./old ./new -e staging --extra extra/shop";
    assert_snapshot!(desk.run(line).await?, @r#"
    exit 0
    ---- stdout
    From         ./old
    To           ./new
    ! in staging the folder extra/shop was broken before, and the new revision adds no mistake: `validate --extra` tells more

    staging
    ~ change     orders
                 ~ tasks.max  1 → 2

    In 1 environment: 0 to create, 1 to change, 0 to delete.
    "#);
    // Another mistake is the move's.
    let renamed =
        TEMPLATE.replace("  file: {required", "  path: {required").replace("params.file", "params.path");
    desk.write("new/templates/file-source.yaml", &renamed)?;
    desk.write(
        "new/connectors/orders.yaml",
        "connector: orders\nconfig: {connector.class: FileStreamSource}\n",
    )?;
    let said = desk.run(line).await?;
    assert!(said.out.contains("which breaks the folder extra/shop"), "{said}");
    assert_eq!(said.code, Some(1), "{said}");
    // And one that it mends is told.
    desk.write(
        "new/templates/file-source.yaml",
        &TEMPLATE.replace("  file: {required", "  fil: {}\n  file: {required"),
    )?;
    assert_snapshot!(desk.run(line).await?, @r#"
    exit 0
    ---- stdout
    templates/file-source.yaml:3:3: warning[parameter-unused]: template `file-source` never uses its parameter `fil`
      hint: remove it, or use it as `{{ params.… }}`
    1 warning.
    From         ./old
    To           ./new
    ! in staging the folder extra/shop was broken before, and is not any more: what it declares is told as new

    staging
    ~ change     orders
                 - connection.url     ***
                 - database.password  ***
                 - file               /var/log/orders
                 - tasks.max          1
                 - topic              orders-staging
    + create     shop

    In 1 environment: 1 to create, 1 to change, 0 to delete.
    "#);
    Ok(())
}
