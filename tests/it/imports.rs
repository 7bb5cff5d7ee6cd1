//! Templates from another repository, read once by a command: from git, from a folder, or not at all.

use anyhow::Result;
use insta::assert_snapshot;
use serde_json::{Value, json};
use tagalong_testkit::git::repository::Repository;

use crate::support::command::Desk;
use crate::support::definitions::{Definitions, ENVIRONMENT};
use crate::support::platform::{ORDERS, Platform, TEMPLATE, imports};

const NOWHERE: &str = "https://git.example.com/platform.git";

/// A folder of definitions, and one of templates beside it.
fn beside() -> Result<Desk> {
    Desk::new(&[
        ("main/tagalong.yaml", &imports("platform", NOWHERE, "")),
        (&format!("main/{}", ORDERS.0), ORDERS.1),
        (&format!("main/{}", ENVIRONMENT.0), ENVIRONMENT.1),
        (&format!("platform/{}", TEMPLATE.0), TEMPLATE.1),
        ("platform/connectors/example.yaml", "connector: example\ntemplate: file\n"),
    ])
}

#[tokio::test]
async fn offline_an_import_is_an_error_at_its_line_until_a_folder_is_given_for_it() -> Result<()> {
    let desk = beside()?;
    assert_snapshot!(desk.run("validate main").await?, @r#"
    exit 1
    ---- stdout
    tagalong.yaml:3:12: error[import-unread]: import `platform` is not read here, so nothing is said of connectors of its templates
      hint: add `--import platform=DIR` with a folder that holds it, or `--fetch-imports`
    1 error.
    Not valid for test.
    "#);
    let said = desk.run("validate main --strict -v --import platform=platform").await?;
    assert_snapshot!(said, @r#"
    exit 0
    ---- stdout
    Valid for test.
    ---- stderr
    ignored platform:connectors/example.yaml: only templates of an import are read
    "#);
    Ok(())
}

#[tokio::test]
async fn a_repository_of_templates_alone_checks_itself() -> Result<()> {
    let template = format!("{}environments: {{production: {{config: {{tasks.max: 4}}}}}}\n", TEMPLATE.1);
    let desk = Desk::new(&[(TEMPLATE.0, &template)])?;
    let said = desk.run("validate").await?;
    let valid = "Valid, and there is no environment to render for.\n";
    assert_eq!((said.code, said.out.as_str()), (Some(0), valid), "{said}");
    let page = desk.run("docs").await?;
    assert!(page.code == Some(0) && page.out.contains("| config in `production` | |"), "{page}");
    desk.write(TEMPLATE.0, &template.replace("params.topic", "params.topci"))?;
    let said = desk.run("validate").await?;
    assert!(said.code == Some(1) && said.out.contains("error[undefined-name]"), "{said}");
    // With an environment of its own the names are judged.
    desk.write(TEMPLATE.0, &template)?;
    desk.write(ENVIRONMENT.0, ENVIRONMENT.1)?;
    let said = desk.run("validate").await?;
    assert!(said.out.contains("error[unknown-environment]: there is no environment `production`"), "{said}");
    Ok(())
}

#[tokio::test]
async fn the_page_of_templates_has_those_of_imports_under_their_names() -> Result<()> {
    let desk = beside()?;
    let said = desk.run("docs main").await?;
    assert!(said.code == Some(1) && said.err.contains("add `--import platform=DIR`"), "{said}");
    let page = desk.run("docs main --import platform=platform").await?;
    assert_eq!(page.code, Some(0), "{page}");
    for wanted in
        ["\n## platform/file\n", "Defined in `platform:templates/file.yaml`.", "\ntemplate: platform/file\n"]
    {
        assert!(page.out.contains(wanted), "{page}");
    }
    desk.write("TEMPLATES.md", "# Templates\n")?;
    let said = desk.run("docs main --import platform=platform --check TEMPLATES.md").await?;
    let hint = "Hint: `tagalong docs main --import platform=platform > TEMPLATES.md` writes it";
    assert!(said.code == Some(1) && said.err.contains(hint), "{said}");
    Ok(())
}

#[tokio::test]
async fn the_page_of_templates_asks_git_for_imports_where_it_may() -> Result<()> {
    let platform = Platform::new().await?;
    let desk = Desk::new(&[
        ("tagalong.yaml", &platform.imported("")),
        (ORDERS.0, ORDERS.1),
        (ENVIRONMENT.0, ENVIRONMENT.1),
    ])?;
    let page = desk.run("docs --fetch-imports").await?;
    assert!(page.code == Some(0) && page.out.contains("\n## platform/file\n"), "{page}");
    Ok(())
}

#[tokio::test]
async fn a_mistake_in_a_template_of_an_import_says_whose_file_it_is() -> Result<()> {
    let desk = beside()?;
    desk.write("platform/templates/file.yaml", &TEMPLATE.1.replace("params.topic", "params.topci"))?;
    assert_snapshot!(desk.run("validate main --import platform=platform").await?, @r#"
    exit 1
    ---- stdout
    platform:templates/file.yaml:7:14: error[undefined-name]: `params.topci` is no parameter that is known here
      hint: did you mean `topic`?
    1 error.
    Not valid for test.
    "#);
    let said = desk.run("validate main -o json --import platform=platform").await?;
    let found: Value = serde_json::from_str(&said.out)?;
    assert_eq!(found["environments"][0]["findings"][0]["path"], "platform:templates/file.yaml", "{said}");
    Ok(())
}

#[tokio::test]
async fn a_folder_for_what_is_not_imported_is_told_with_the_nearest_name() -> Result<()> {
    let desk = beside()?;
    assert_snapshot!(desk.run("validate main --import platfrom=platform").await?, @r#"
    exit 64
    ---- stderr
    Error: the definitions import no repository `platfrom`, and a folder is named for it
    Hint: did you mean `platform`?
    "#);
    assert_snapshot!(desk.run("render --dir main -e test --import platform").await?, @r#"
    exit 64
    ---- stderr
    --import: error[wrong-value]: an import is no pair of a name and a folder
      hint: write it like `--import platform=../platform`, or `{platform: ../platform}`
    1 error.
    Error: the command line is not usable
    "#);
    let said = desk.run("render --dir main -e test --import main=platform").await?;
    assert_eq!(said.code, Some(64), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_folder_takes_the_place_of_git_in_the_settings_too() -> Result<()> {
    let mut desk = beside()?;
    let said = desk.run("render --dir main -e test --import platform=platform").await?;
    assert!(said.code == Some(0) && said.out.contains("template platform/file"), "{said}");
    desk.set("TAGALONG_IMPORTS", "{platform: platform}");
    let again = desk.run("render --dir main -e test").await?;
    assert_eq!((again.code, &again.out), (Some(0), &said.out), "{again}");
    Ok(())
}

#[tokio::test]
async fn a_plan_is_of_all_repositories_together() -> Result<()> {
    let platform = Platform::new().await?;
    let definitions = platform.definitions().await?;
    let desk = Desk::new(&[])?;
    let said = desk.run(&format!("render --git {} --tag v1 -e test -o json", definitions.url())).await?;
    let rendered: Value = serde_json::from_str(&said.out)?;
    let named = |repository: &str, reference: &str, commit: String| json!({"repository": repository, "ref": reference, "commit": commit});
    assert_eq!(
        rendered["revision"],
        json!([
            named("main", "refs/tags/v1", definitions.released()?),
            named("platform", "refs/tags/v2", platform.origin.id("v2^{commit}")?),
        ])
    );
    let said = desk.run(&format!("render --git {} --tag v1 -e test", definitions.url())).await?;
    let last = said.out.lines().last().unwrap_or_default();
    assert!(last.contains("v1 at") && last.contains("platform v2 at"), "{said}");
    Ok(())
}

#[tokio::test]
async fn an_import_that_cannot_be_read_ends_a_command_that_names_it() -> Result<()> {
    let platform = Platform::new().await?;
    let definitions = platform.definitions().await?;
    let mut desk = Desk::new(&[])?;
    desk.hide(&platform.host(), "HOST");
    let line = format!("render --git {} --tag v1 -e test", definitions.url());
    platform.origin.delete_tag("v2")?;
    assert_snapshot!(desk.run(&line).await?, @r#"
    exit 1
    ---- stderr
    Error: failed to read the import `platform`, which tagalong.yaml:3:12 names
    Caused by: http://HOST/repository.git has no refs/tags/v2
    Hint: is the name right, and is it pushed? `git ls-remote` shows what the server has
    "#);
    platform.http.fail(axum::http::StatusCode::SERVICE_UNAVAILABLE);
    let said = desk.run(&line).await?;
    assert!(said.code == Some(1) && said.err.contains("the import `platform`"), "{said}");
    assert!(said.err.contains("503"), "{said}");
    Ok(())
}

#[tokio::test]
async fn what_is_shown_to_one_host_is_never_shown_to_the_other() -> Result<()> {
    let platform = Platform::new().await?;
    let mut origin = Repository::new()?;
    let about = platform.imported("");
    origin.commit("all", &[ENVIRONMENT, ORDERS, ("tagalong.yaml", &about)])?;
    origin.annotated_tag("v1", "HEAD", "release")?;
    let http =
        tagalong_testkit::git::http::GitHttp::with_password(origin.parent(), "reader", "hunter2").await?;
    let definitions = Definitions { origin, http };
    let main = definitions.http.url("").trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut desk = Desk::new(&[])?;
    let credential = |host: &str, password: &str| {
        format!("{{host: 'http://{host}', username: reader, password: {password}}}")
    };
    let line = format!("render --git {} --tag v1 -e test", definitions.url());

    desk.set("TAGALONG_GIT_CREDENTIALS", &format!("[{}]", credential(&main, "hunter2")));
    let said = desk.run(&line).await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert!(definitions.http.exchanges().iter().all(|exchange| exchange.authorized));
    let seen = platform.http.exchanges();
    assert!(!seen.is_empty() && seen.iter().all(|exchange| !exchange.authorized), "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn an_import_has_credentials_of_its_own_by_its_host() -> Result<()> {
    let platform = Platform::with_password("builder", "s3cret").await?;
    let definitions = platform.definitions().await?;
    let mut desk = Desk::new(&[])?;
    desk.hide(&platform.host(), "HOST");
    let line = format!("render --git {} --tag v1 -e test", definitions.url());
    assert_snapshot!(desk.run(&line).await?, @r#"
    exit 1
    ---- stderr
    Error: failed to read the import `platform`, which tagalong.yaml:3:12 names
    Caused by: http://HOST/repository.git refuses access
    Caused by: 401 Unauthorized
    Hint: nothing in `git_credentials` is meant for this address: a host without a port is https on 443 or ssh on 22, and plain http is written out, as in `host: http://git.example.com:8080`; after a redirect to another host, port or scheme nothing is shown
    "#);
    let credential = format!("[{{host: 'http://{}', username: builder, password: s3cret}}]", platform.host());
    desk.set("TAGALONG_GIT_CREDENTIALS", &credential);
    let said = desk.run(&line).await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert!(definitions.http.exchanges().iter().all(|exchange| !exchange.authorized));

    desk.write("tagalong.yaml", &platform.imported(""))?;
    desk.write(ORDERS.0, ORDERS.1)?;
    desk.write(ENVIRONMENT.0, ENVIRONMENT.1)?;
    let said = desk.run("validate --fetch-imports --strict").await?;
    assert_eq!((said.code, said.out.as_str()), (Some(0), "Valid for test.\n"), "{said}");
    Ok(())
}

#[tokio::test]
async fn an_import_without_templates_is_told_once_and_at_its_line() -> Result<()> {
    let desk = beside()?;
    desk.write("empty/connectors/example.yaml", "connector: example\ntemplate: file\n")?;
    let said = desk.run("validate main --import platform=empty").await?;
    assert_eq!(
        said.out.lines().next(),
        Some(
            "tagalong.yaml:3:12: error[repository-empty]: import `platform` has no `templates/`, or nothing in it"
        ),
        "{said}"
    );
    assert_eq!(said.out.matches("error[").count(), 1, "{said}");
    Ok(())
}
