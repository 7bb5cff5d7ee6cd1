//! Wrong input of every kind: settings, flags, addresses. Each is told with what to do about it, and
//! what is secret is never repeated.

use anyhow::Result;
use insta::assert_snapshot;

use crate::support::definitions::Definitions;
use crate::support::example::{FILES, desk};

#[tokio::test]
async fn definitions_with_errors_are_not_used() -> Result<()> {
    let desk = desk()?;
    desk.write("connectors/late.yaml", "connector: late\ntemplate: file-source\n")?;
    let said = desk.run("plan --dir . -e production -o json").await?;
    assert_snapshot!(said, @r#"
    exit 1
    ---- stderr
    connectors/late.yaml:2:11: error[parameter-missing]: parameter `file` is not given (in production)
      hint: add `file` to `with`: the file to read
    1 error.
    Error: the definitions cannot be used for production
    Hint: `tagalong validate DIR` checks a folder before it is released
    "#);
    Ok(())
}

#[tokio::test]
async fn a_mistake_of_a_template_is_told_once_wherever_its_connectors_stand() -> Result<()> {
    let desk = desk()?;
    let template = "template: t\nconfig:\n  connector.class: X\n  a: \"{{ values.q }}\"\n  \
        b: \"${file:/a:b}\"\n  c: \"********\"\n  d: \"{{ 'x' | int }}\"\n";
    desk.write("templates/t.yaml", template)?;
    desk.write("connectors/a.yaml", "connector: a\ntemplate: t\n")?;
    desk.write("connectors/b.yaml", "connector: b\ntemplate: t\nonly: [production]\n")?;
    desk.write("tagalong.yaml", "config_providers: [env]\n")?;
    let said = desk.run("validate").await?;
    assert_snapshot!(said, @r#"
    exit 1
    ---- stdout
    templates/t.yaml:4:10: error[undefined-name]: `values.q` is not set
      hint: set it in the environment's `values` or in the settings
    templates/t.yaml:5:7: error[config-provider-unknown]: a placeholder under `b` uses a config provider `file` that is not listed
      hint: correct it, or add it to `config_providers` in tagalong.yaml
    templates/t.yaml:6:6: error[masked-value]: the value of `c` is a mask and no value
      hint: write the secret's placeholder, such as `${file:/run/secrets/db.properties:password}`
    templates/t.yaml:7:7: error[expression-failed]: `int` takes a whole number
      hint: look at the types of what it uses: values are texts until `int` or `bool` is asked for
    4 errors.
    Not valid for production, staging.
    "#);
    let said = desk.run("validate --output github").await?;
    assert_eq!(said.out.lines().filter(|line| line.starts_with("::error")).count(), 4, "{said}");
    // What shows in some of the environments is told with them.
    desk.write("connectors/a.yaml", "connector: a\ntemplate: t\nonly: [production]\n")?;
    let said = desk.run("validate").await?;
    assert_eq!(said.out.matches("`values.q` is not set (in production)").count(), 1, "{said}");
    Ok(())
}

#[tokio::test]
async fn without_an_environment_nothing_can_be_rendered() -> Result<()> {
    assert_snapshot!(desk()?.run("render --dir .").await?, @r#"
    exit 64
    ---- stderr
    Error: no environment is named
    Hint: add -e NAME, or `environment: NAME` to the settings
    "#);
    Ok(())
}

#[tokio::test]
async fn without_definitions_nothing_can_be_planned() -> Result<()> {
    assert_snapshot!(desk()?.run("plan -e production").await?, @r#"
    exit 64
    ---- stderr
    Error: no definitions are named
    Hint: add --dir DIR, or --git URL with --tag TAG, or `repository:` to the settings
    "#);
    Ok(())
}

#[tokio::test]
async fn what_counts_only_where_plugins_are_asked_is_refused_with_the_reason() -> Result<()> {
    let desk = desk()?;
    for (flag, why) in
        [("--value a.b=c", "inputs take their examples"), ("--timeout 5s", "the plugins of a Connect")]
    {
        let said = desk.run(&format!("validate {flag}")).await?;
        let name = flag.split(' ').next().unwrap_or_default();
        assert_eq!(said.code, Some(64), "{said}");
        assert!(said.err.contains(&format!("Error: {name} is of use only with --connect\nHint: ")), "{said}");
        assert!(said.err.contains(why), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn a_value_that_nothing_uses_is_told_with_the_one_that_was_meant() -> Result<()> {
    let desk = desk()?;
    desk.write("environments/staging.yaml", "environment: staging\ninputs: {logs.host: {example: h}}\n")?;
    let connector = "connector: shipped\nonly: [staging]\ntemplate: file-source\nwith: {file: '{{ values.logs.host }}'}\n";
    desk.write("connectors/shipped.yaml", connector)?;
    let line = "render --dir . -e staging --value logs.host=a --value logs.hots=b --value zone=c";
    let said = desk.run(line).await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert_snapshot!(said.err, @r#"
    --value: warning[value-unused]: no definition uses `values.logs.hots`
      hint: did you mean `logs.host`?
    --value: warning[value-unused]: no definition uses `values.zone`
      hint: the definitions use logs.host
    2 warnings.
    "#);
    for line in
        ["compare . . --value logs.hots=b", "validate . --value logs.hots=b --connect http://127.0.0.1:1"]
    {
        let said = desk.run(line).await?;
        assert_eq!(said.err.matches("--value: warning[value-unused]").count(), 1, "{said}");
    }

    // Which values a folder beside the definitions uses is not asked.
    desk.write(
        "beside/more.yaml",
        "connector: more\ntemplate: file-source\nwith: {file: '{{ values.zone }}'}\n",
    )?;
    let said =
        desk.run("render --dir . -e staging --extra beside --value logs.host=a --value zone=c").await?;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said}");
    // Nor is anything said where a file is wrong, which might have used it.
    desk.write("connectors/shipped.yaml", "connector: shipped\ntempalte: file-source\n")?;
    let said = desk.run("render --dir . -e staging --value logs.host=a").await?;
    assert!(said.code == Some(1) && !said.err.contains("--value"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_folder_and_a_tag_exclude_each_other() -> Result<()> {
    let said = desk()?.run("plan --dir . --tag v1 -e production").await?;
    assert_eq!(said.code, Some(64), "{said}");
    Ok(())
}

#[tokio::test]
async fn wrong_texts_of_flags_are_usage_errors_told_all_at_once() -> Result<()> {
    let line = "plan --dir . --environment prod/eu --connect localhost:8083 --value a";
    assert_snapshot!(desk()?.run(line).await?, @r#"
    exit 64
    ---- stderr
    --connect: error[wrong-value]: `connect.url` is neither http nor https
      hint: write it like `http://localhost:8083`
    --environment: error[wrong-value]: `environment` is no name of an environment
      hint: use letters, digits, `.`, `_` and `-`
    --value: error[wrong-value]: a value is no pair of a path and a text
      hint: write it like `--value postgres.host=db.internal`
    3 errors.
    Error: the command line is not usable
    "#);
    Ok(())
}

#[tokio::test]
async fn a_length_of_time_is_read_as_people_write_it() -> Result<()> {
    assert_snapshot!(desk()?.run("apply --dir . -e production --timeout soon").await?, @r#"
    exit 64
    ---- stderr
    error: invalid value 'soon' for '--timeout <DURATION>': write it like 90s, 10m or 1h30m

    For more information, try '--help'.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_settings_file_is_read_where_it_is_named() -> Result<()> {
    let mut desk = desk()?;
    desk.write("settings.yaml", "environment: staging\nrepository: {dir: .}\n")?;
    let by_flag = desk.run("render --settings settings.yaml").await?;
    assert!(by_flag.out.contains("orders-staging"), "{by_flag}");
    desk.set("TAGALONG_SETTINGS", "settings.yaml");
    assert_eq!(desk.run("render").await?.out, by_flag.out);
    let over = desk.run("render -e production").await?;
    assert!(over.out.contains("orders-production"), "{over}");
    Ok(())
}

#[tokio::test]
async fn a_variable_that_names_no_settings_file_is_as_if_it_were_not_there() -> Result<()> {
    let mut desk = desk()?;
    desk.set("TAGALONG_SETTINGS", "");
    assert_eq!(desk.run("render --dir . -e staging").await?.code, Some(0));
    Ok(())
}

#[tokio::test]
async fn settings_can_be_variables_and_an_unknown_one_is_a_warning() -> Result<()> {
    let mut desk = desk()?;
    desk.set("TAGALONG_ENVIRONMENT", "staging");
    desk.set("TAGALONG_REPOSITORY__DIR", ".");
    desk.set("TAGALONG_PORT", "tcp://10.0.0.1:80");
    let said = desk.run("render").await?;
    assert!(said.out.contains("orders-staging"), "{said}");
    assert_snapshot!(said.err, @r#"
    TAGALONG_PORT: warning[unknown-variable]: `TAGALONG_PORT` is no setting
    1 warning.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_settings_file_that_is_not_there_is_an_error() -> Result<()> {
    assert_snapshot!(desk()?.run("plan --settings nope.yaml").await?, @r#"
    exit 1
    ---- stderr
    Error: failed to read the settings file nope.yaml
    Caused by: No such file or directory (os error 2)
    "#);
    Ok(())
}

#[tokio::test]
async fn wrong_settings_are_told_with_their_places() -> Result<()> {
    let desk = desk()?;
    desk.write("settings.yaml", "enviroment: staging\nconnect: {url: localhost}\nmode: enforced\n")?;
    assert_snapshot!(desk.run("plan --settings settings.yaml").await?, @r#"
    exit 1
    ---- stderr
    settings.yaml:1:1: error[unknown-key]: the settings file has no key `enviroment`
      hint: did you mean `environment`?
    settings.yaml:2:16: error[wrong-value]: `connect.url` is no address
      hint: write it like `http://localhost:8083`
    settings.yaml:3:7: error[wrong-value]: `mode` takes one of 2 words, and not this one
      hint: did you mean `enforce`?
    3 errors.
    Error: the settings are not usable
    Hint: docs/reference/settings.md has every key, config/settings.example.yaml an example
    "#);
    desk.write("settings.yaml", "environment: [\n")?;
    assert_snapshot!(desk.run("plan --settings settings.yaml").await?, @r#"
    exit 1
    ---- stderr
    settings.yaml:1:14: error[yaml-syntax]: not well-formed: unclosed bracket '['
      hint: close each `[` and `{` that is opened, with commas between the items; put a text that holds a bracket in quotes
    1 error.
    Error: the settings are not usable
    Hint: docs/reference/settings.md has every key, config/settings.example.yaml an example
    "#);
    Ok(())
}

#[tokio::test]
async fn what_shows_itself_as_wrong_only_in_use_is_told_with_its_place_in_the_file() -> Result<()> {
    let desk = desk()?;
    let (url, tag) = ("https://git.example.com/x", "{tag: v1}");
    for (url, reference, path, place) in [
        ("https://ada:hunter2@git.example.com/x", tag, ".", "settings.yaml:4:10: `repository.git.url`"),
        (url, "{tag: refs/tags/v1}", ".", "settings.yaml:5:16: `repository.git.ref.tag`"),
        (url, "{branch: HEAD}", ".", "settings.yaml:5:19: `repository.git.ref.branch`"),
        (url, tag, "../x", "settings.yaml:6:11: `repository.git.path`"),
    ] {
        let git = format!("repository:\n  git:\n    url: '{url}'\n    ref: {reference}\n    path: {path}\n");
        desk.write("settings.yaml", &format!("environment: production\n{git}"))?;
        let said = desk.run("plan --settings settings.yaml").await?;
        let told = format!("Error: {place} cannot be used\nCaused by: ");
        assert!(said.code == Some(1) && said.err.starts_with(&told), "{place}: {said}");
        assert!(said.err.contains("\nHint: ") && !said.err.contains("hunter2"), "{said}");
    }
    desk.write(
        "settings.yaml",
        "environment: production\nhttp:\n  webhook_secret_file: /nowhere/secret\n  listen: 127.0.0.1:0\n",
    )?;
    let said = desk.run("run --settings settings.yaml --dir .").await?;
    let told = "Error: settings.yaml:3:24: `http.webhook_secret_file` cannot be used\n\
        Caused by: failed to use `http.webhook_secret_file`, /nowhere/secret\nCaused by: ";
    assert!(said.code == Some(1) && said.err.contains(told), "{said}");
    Ok(())
}

#[tokio::test]
async fn who_may_only_observe_cannot_apply() -> Result<()> {
    let desk = desk()?;
    desk.write("settings.yaml", "mode: observe\n")?;
    assert_snapshot!(desk.run("apply --settings settings.yaml --dir . -e staging").await?, @r#"
    exit 1
    ---- stderr
    Error: the settings say `mode: observe`, so nothing may be applied
    Hint: use `tagalong plan`, or set `mode: enforce`
    "#);
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_named() -> Result<()> {
    assert_snapshot!(desk()?.run("plan --dir . -e staging --connect http://127.0.0.1:1").await?, @r#"
    exit 1
    ---- stderr
    Error: failed to look at Connect at http://127.0.0.1:1/
    Caused by: failed to see whether the worker is ready: Connect cannot be reached
    Caused by: Connection refused (os error 111)
    Hint: is the worker up, and is connect.url its address?
    "#);
    Ok(())
}

#[tokio::test]
async fn a_secret_in_the_address_of_connect_is_refused_and_not_repeated() -> Result<()> {
    let said = desk()?.run("plan --dir . -e staging --connect http://u:hunter4@127.0.0.1:1").await?;
    assert_snapshot!(said, @r#"
    exit 64
    ---- stderr
    --connect: error[wrong-value]: `connect.url` holds credentials
      hint: take them out of the address: `connect.basic_auth` is for them
    1 error.
    Error: the command line is not usable
    "#);
    Ok(())
}

#[tokio::test]
async fn a_secret_in_the_address_of_the_repository_is_refused_and_not_repeated() -> Result<()> {
    let said = desk()?.run("plan --git https://u:hunter5@127.0.0.1:1/x.git --tag v1 -e staging").await?;
    assert_snapshot!(said, @r#"
    exit 1
    ---- stderr
    Error: the repository address https://127.0.0.1:1/x.git cannot be used: it holds a password
    Hint: put it into `git_credentials`, with the host it is for
    "#);
    Ok(())
}

#[tokio::test]
async fn a_repository_needs_something_to_follow() -> Result<()> {
    assert_snapshot!(desk()?.run("plan --git https://127.0.0.1:1/x.git -e staging").await?, @r#"
    exit 64
    ---- stderr
    --git: error[missing-key]: a git repository is named, and nothing of it to follow
      hint: add `repository.git.ref.tag`, or --tag, such as v1
    1 error.
    Error: the command line is not usable
    "#);
    Ok(())
}

#[tokio::test]
async fn a_repository_that_cannot_be_reached_is_named() -> Result<()> {
    assert_snapshot!(desk()?.run("plan --git http://127.0.0.1:1/x.git --tag v1 -e staging").await?, @r#"
    exit 1
    ---- stderr
    Error: failed to reach http://127.0.0.1:1/x.git while asking what the ref names
    Caused by: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)
    Hint: nothing listens at this host and port: is the server up, and is the address right, its port too?
    "#);
    Ok(())
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_named() -> Result<()> {
    assert_snapshot!(desk()?.run("plan --git ./nope --tag v1 -e staging").await?, @r#"
    exit 1
    ---- stderr
    Error: there is no repository ./nope
    Caused by: failed to resolve path './nope': No such file or directory
    Hint: many servers say so when they hide it: is the address right, are the credentials?
    "#);
    let definitions = Definitions::new(&FILES).await?;
    let mut desk = desk()?;
    let url = definitions.http.url("nope.git");
    desk.hide(url.trim_end_matches("/nope.git"), "GIT");
    assert_snapshot!(desk.run(&format!("plan --git {url} --tag v1 -e staging")).await?, @r#"
    exit 1
    ---- stderr
    Error: there is no repository GIT/nope.git
    Caused by: 404 Not Found
    Hint: many servers say so when they hide it: is the address right, are the credentials?
    "#);
    Ok(())
}

#[tokio::test]
async fn a_tag_that_is_not_there_is_named() -> Result<()> {
    let definitions = Definitions::new(&FILES).await?;
    let mut desk = desk()?;
    let url = definitions.url();
    desk.hide(&url, "GIT");
    assert_snapshot!(desk.run(&format!("render --git {url} --tag v2 -e staging")).await?, @r#"
    exit 1
    ---- stderr
    Error: GIT has no refs/tags/v2
    Hint: is the name right, and is it pushed? `git ls-remote` shows what the server has
    "#);
    let said = desk.run(&format!("render --git {url} --tag v1 -e staging")).await?;
    assert!(said.code == Some(0) && said.out.contains("1 connector of staging, v1 at "), "{said}");
    Ok(())
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_neither_well_nor_alive() -> Result<()> {
    let desk = desk()?;
    assert_snapshot!(desk.run("status --agent http://127.0.0.1:1").await?, @r#"
    exit 1
    ---- stderr
    Error: failed to ask the agent at http://127.0.0.1:1/
    Caused by: Connection refused (os error 111)
    Hint: is `tagalong run` up, and is --agent its http.listen address?
    "#);
    assert_snapshot!(desk.run("health --agent http://127.0.0.1:1").await?, @r#"
    exit 1
    ---- stderr
    Error: failed to ask the agent at http://127.0.0.1:1/
    Caused by: Connection refused (os error 111)
    Hint: is `tagalong run` up, and is --agent its http.listen address?
    "#);
    assert_eq!(desk.run("status --agent here").await?.code, Some(64));
    Ok(())
}

#[tokio::test]
async fn an_agent_cannot_start_where_another_one_serves() -> Result<()> {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let listen = taken.local_addr()?.to_string();
    let mut desk = desk()?;
    desk.hide(&listen, "TAKEN");
    let line = format!("run --dir . -e staging --connect http://127.0.0.1:1 --listen {listen}");
    assert_snapshot!(desk.run(&line).await?, @r#"
    exit 1
    ---- stderr
    Error: failed to listen on TAKEN
    Caused by: Address already in use (os error 98)
    Hint: choose another address with --listen, or `http.listen` in the settings
    "#);
    Ok(())
}
