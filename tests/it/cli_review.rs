//! What those who look at a pull request get: annotations at the right file, a report, a comment.

use anyhow::{Result, ensure};
use insta::assert_snapshot;
use serde_json::Value;
use tagalong_testkit::fake::Fake;

use crate::support::command::Desk;
use crate::support::definitions::{file_of, file_source};
use crate::support::example::TEMPLATE;

/// A checkout whose definitions lie in a folder, with a mistake, a warning and something good to know.
fn checkout() -> Result<Desk> {
    let desk = Desk::new(&[
        ("checkout/definitions/templates/file-source.yaml", TEMPLATE),
        ("checkout/definitions/environments/production.yaml", "environment: production\n"),
        ("checkout/definitions/environments/staging.yaml", "environment: staging\n"),
        (
            "checkout/definitions/connectors/orders.yaml",
            "connector: orders\ntemplate: file-source\nwith: {file: x}\nstat: paused\n",
        ),
        ("checkout/definitions/connectors/empty.yaml", "# nothing\n"),
    ])?;
    std::fs::create_dir(desk.path("checkout/.git"))?;
    Ok(desk)
}

#[tokio::test]
async fn annotations_name_the_file_from_the_root_of_the_checkout() -> Result<()> {
    assert_snapshot!(checkout()?.run("validate checkout/definitions --output github").await?, @r"
    exit 1
    ---- stdout
    ::error file=definitions/connectors/orders.yaml,line=4,col=1,title=unknown-key::a connector has no key `stat`%0Ahint: did you mean `state`?
    ::warning file=definitions/connectors/empty.yaml,line=1,col=1,title=nothing-declared::the file declares nothing%0Ahint: remove the file if its connectors are to go, else bring them back
    1 error, 1 warning.
    Not valid for production, staging.
    ");
    Ok(())
}

#[tokio::test]
async fn annotations_name_the_file_from_the_working_directory_where_git_keeps_nothing() -> Result<()> {
    let desk = checkout()?;
    std::fs::remove_dir(desk.path("checkout/.git"))?;
    let said = desk.run("validate ./checkout/definitions -o github").await?;
    ensure!(said.out.contains("file=checkout/definitions/connectors/orders.yaml,line=4,col=1,"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_report_for_gitlab_has_the_same_paths() -> Result<()> {
    let said = checkout()?.run("validate checkout/definitions -o gitlab").await?;
    let report: Value = serde_json::from_str(&said.out)?;
    let paths: Vec<_> = report.as_array().into_iter().flatten().map(|one| &one["location"]["path"]).collect();
    assert_eq!(paths, ["definitions/connectors/empty.yaml", "definitions/connectors/orders.yaml"]);
    assert_eq!(said.code, Some(1));
    Ok(())
}

#[tokio::test]
async fn findings_are_a_page_for_a_comment() -> Result<()> {
    assert_snapshot!(checkout()?.run("validate checkout/definitions -o markdown").await?, @r"
    exit 1
    ---- stdout
    ### Definitions

    Not valid for production, staging.

    1 error, 1 warning.

    | severity | place | finding |
    |---|---|---|
    | error | `connectors/orders.yaml:4:1` | a connector has no key `stat` (`unknown-key`)<br>*did you mean `state`?* |
    | warning | `connectors/empty.yaml:1:1` | the file declares nothing (`nothing-declared`)<br>*remove the file if its connectors are to go, else bring them back* |
    ");
    Ok(())
}

#[tokio::test]
async fn a_repository_without_a_mistake_has_no_annotation() -> Result<()> {
    let desk = Desk::new(&[("environments/a.yaml", "environment: a\n"), ("connectors/.keep.yaml", "")])?;
    desk.write("connectors/b.yaml", "connector: b\nconfig: {connector.class: X}\n")?;
    let said = desk.run("validate -o github").await?;
    assert_eq!((said.code, said.out.as_str()), (Some(0), "Valid for a.\n"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_name_in_a_repository_is_no_command_of_a_workflow() -> Result<()> {
    let desk = checkout()?;
    desk.write(
        "checkout/definitions/connectors/evil.yaml",
        "connector: x\ntemplate: \"@team\\n::set-env name=PATH:: <img src=x> |`\"\nconfig: {a: b}\n",
    )?;
    let said = desk.run("validate checkout/definitions -o github").await?;
    for line in said.out.lines().filter(|line| line.trim_start().starts_with("::")) {
        ensure!(["::error ", "::warning ", "::notice "].iter().any(|own| line.starts_with(own)), "{line}");
    }
    ensure!(said.out.contains("set-env"), "the name is told: {said}");
    let said = desk.run("validate checkout/definitions -o markdown").await?;
    ensure!(!said.out.contains("<img") && !said.out.contains("@team"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_plan_is_a_page_for_a_comment() -> Result<()> {
    let fake = Fake::start(1).await;
    fake.preload("someone-elses", &[("connector.class", "FileStreamSource")]);
    let desk = Desk::new(&[("environments/test.yaml", "environment: test\n")])?;
    desk.write(&file_of("orders"), &file_source("orders", ""))?;
    let said = desk.run(&format!("plan --dir . -e test --connect {} -o markdown", fake.url(0))).await?;
    assert_snapshot!(said, @r"
    exit 0
    ---- stdout
    ### Plan for `test`

    **Plan: 1 to create, 0 to change, 0 to delete.**

    Revision `.`.

    | step | connector | why |
    |---|---|---|
    | create | `orders` | not in the cluster, 4 keys |

    - unmanaged, never touched: `someone-elses`
    ");
    Ok(())
}

#[tokio::test]
async fn a_form_that_a_command_does_not_have_is_a_usage_error_that_names_the_others() -> Result<()> {
    let desk = checkout()?;
    for (line, forms) in [
        ("validate -o connect", "[possible values: human, json, markdown, github, gitlab]"),
        ("plan -o github", "[possible values: human, json, markdown]"),
        ("apply -o markdown", "[possible values: human, json]"),
    ] {
        let said = desk.run(line).await?;
        ensure!(said.code == Some(64) && said.err.contains(forms), "{line}: {said}");
    }
    Ok(())
}
