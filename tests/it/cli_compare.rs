//! `tagalong compare`: what a move of the tag would do, told from a clone, between folders, and where it
//! cannot be told.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use insta::assert_snapshot;
use serde_json::Value;
use tagalong_testkit::git::repository::pinned;

use crate::support::command::{Desk, Said};

const TEMPLATE: &str = "template: lines
config:
  connector.class: FileStreamSource
  file: /var/log/lines
  topic: \"{{ connector | slug('_') }}\"
  batch.size: 100
";

/// A clone with a tag `v1` and, in its work tree, what comes after it.
struct Release {
    desk: Desk,
}

impl Release {
    fn new(files: &[(&str, &str)]) -> Result<Self> {
        let release = Self { desk: Desk::new(&[])? };
        release.git("init --quiet --initial-branch main")?;
        release.commit(files)?;
        release.git("tag v1")?;
        Ok(release)
    }

    /// Ten connectors of one template in three environments, released as `v1`.
    fn of_ten() -> Result<Self> {
        let release = Self { desk: Desk::new(&[])? };
        release.git("init --quiet --initial-branch main")?;
        for index in 0..10 {
            let text = format!("connector: lines-{index}\ntemplate: lines\n");
            release.desk.write(&format!("connectors/lines-{index}.yaml"), &text)?;
        }
        let secret = "connector: orders\nconfig: {connector.class: X, database.password: hunter2}\n";
        let mut files = vec![("templates/lines.yaml", TEMPLATE), ("connectors/orders.yaml", secret)];
        files.extend([
            ("tagalong.yaml", "allow: {plain-secret: the secret of a test}\n"),
            ("environments/production.yaml", "environment: production\n"),
            ("environments/staging.yaml", "environment: staging\n"),
            ("environments/ed8k.yaml", "environment: ed8k\n"),
        ]);
        release.commit(&files)?;
        release.git("tag v1")?;
        Ok(release)
    }

    fn commit(&self, files: &[(&str, &str)]) -> Result<()> {
        for (path, text) in files {
            self.desk.write(path, text)?;
        }
        self.git("add --all")?;
        self.git("commit --quiet --message change")
    }

    fn git(&self, arguments: &str) -> Result<()> {
        let mut git: Command = pinned(&self.desk.path(""));
        let output = git.args(arguments.split(' ')).current_dir(self.desk.path("")).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    async fn compare(&self, line: &str) -> Result<Said> {
        let mut said = self.desk.run(&format!("compare {line}")).await?;
        said.out = said.out.lines().map(nameless).collect();
        Ok(said)
    }
}

/// A line without the digits of a commit, which depend on the clock.
fn nameless(line: &str) -> String {
    let mut parts = line.split(" at ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_id = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let rest = part.split_at_checked(7).filter(|(digits, _)| is_id(digits)).map(|(_, rest)| rest);
        out.push_str(" at ");
        out.push_str(&rest.map_or_else(|| part.to_owned(), |rest| format!("COMMIT{rest}")));
    }
    out + "\n"
}

#[tokio::test]
async fn what_many_connectors_have_in_common_is_told_once() -> Result<()> {
    let release = Release::of_ten()?;
    let changed = TEMPLATE.replace("100", "200") + "  dead.letter: \"dlq-{{ connector }}\"\n";
    release.commit(&[
        ("templates/lines.yaml", &changed),
        (
            "connectors/orders.yaml",
            "connector: orders\nconfig: {connector.class: X, database.password: hunter3}\nenvironments: {production: {state: paused}}\n",
        ),
        ("connectors/lines-9.yaml", "connector: lines-9\nstate: absent\n"),
        ("connectors/lines-8.yaml", "connector: fresh\ntemplate: lines\n"),
    ])?;
    assert_snapshot!(release.compare("v1 HEAD").await?, @r#"
    exit 0
    ---- stdout
    From         v1 at COMMIT
    To           HEAD at COMMIT

    ed8k, production, staging
    - delete     lines-9
                 declared absent
                 stays behind:
                   offsets  lines-9
                   topics   lines_9
    ~ change     8 connectors: lines-0, lines-1, lines-2, lines-3, lines-4, lines-5, lines-6, lines-7
                 ~ batch.size   100 → 200
                 + dead.letter  dlq-lines-0  (of lines-0; each has its own)
    + create     fresh
    ? unmanage   lines-8
                 no longer declared; it goes on running

    ed8k, staging
    ~ change     orders
                 ~ database.password  *** → ***

    production
    ~ change     orders
                 running → paused
                 ~ database.password  *** → ***

    In 3 environments: 3 to create, 27 to change, 3 to delete, 3 no longer declared.
    "#);
    Ok(())
}

#[tokio::test]
async fn nothing_is_told_where_nothing_differs() -> Result<()> {
    let release = Release::of_ten()?;
    assert_snapshot!(release.compare("v1 .").await?, @r#"
    exit 0
    ---- stdout
    From         v1 at COMMIT
    To           .

    No changes. 3 environments would stay as they are.
    "#);
    Ok(())
}

#[tokio::test]
async fn what_would_be_held_leaves_with_two() -> Result<()> {
    let release = Release::of_ten()?;
    let suspended = "environment: staging\nsuspend: {reason: a migration}\n";
    release.commit(&[("environments/staging.yaml", suspended)])?;
    let said = release.compare("v1 HEAD").await?;
    assert_eq!(said.code, Some(0), "nothing is to be written, so nothing is held: {said}");

    release.commit(&[("connectors/lines-9.yaml", "connector: lines-9\nstate: absent\n")])?;
    let said = release.compare("v1 HEAD -e staging").await?;
    assert_eq!(said.code, Some(2), "{said}");
    assert_snapshot!(said.out, @r#"
    From         v1 at COMMIT
    To           HEAD at COMMIT
    ! staging is suspended: a migration

    staging
    - delete     lines-9
                 declared absent
                 held, suspended: the environment says suspend, until the word is taken away: a migration
                 stays behind:
                   offsets  lines-9
                   topics   lines_9

    In 1 environment: 0 to create, 0 to change, 1 to delete, 1 held.
    "#);
    assert_eq!(release.compare("v1 HEAD -e production").await?.code, Some(0));
    // What was held by the older revision is written by the newer one.
    let said = release.compare("HEAD v1 -e staging").await?;
    ensure!(
        said.out.contains("staging is not suspended any more: what waits there is written too"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_not_valid_leaves_with_one_and_its_place() -> Result<()> {
    let release = Release::of_ten()?;
    release.commit(&[("connectors/lines-9.yaml", "connector: lines-9\ntempalte: lines\n")])?;
    assert_snapshot!(release.compare("v1 HEAD").await?, @r#"
    exit 1
    ---- stdout
    connectors/lines-9.yaml:2:1: error[unknown-key]: a connector has no key `tempalte`
      hint: did you mean `template`?
    1 error.
    From         v1 at COMMIT
    To           HEAD at COMMIT
    ! ed8k would not take the new revision: it is not valid there
    ! production would not take the new revision: it is not valid there
    ! staging would not take the new revision: it is not valid there

    Not valid for ed8k, production, staging: an agent there stays at the last good revision.
    "#);
    // The other way round nothing is wrong with the newer one, and nothing ever ran of the older one.
    assert_snapshot!(release.compare("HEAD v1").await?, @r###"
    exit 0
    ---- stdout
    From         HEAD at COMMIT
    To           v1 at COMMIT
    ! ed8k cannot be compared: the old revision was not valid there, so no agent applied it
    ! production cannot be compared: the old revision was not valid there, so no agent applied it
    ! staging cannot be compared: the old revision was not valid there, so no agent applied it

    In 3 environments: 0 to create, 0 to change, 0 to delete.
    "###);
    Ok(())
}

#[tokio::test]
async fn an_environment_that_comes_or_goes_is_told_as_such() -> Result<()> {
    let release = Release::of_ten()?;
    release.git("mv environments/ed8k.yaml environments/eu.yaml")?;
    release.commit(&[("environments/eu.yaml", "environment: eu\n")])?;
    assert_snapshot!(release.compare("v1 HEAD").await?, @r#"
    exit 0
    ---- stdout
    From         v1 at COMMIT
    To           HEAD at COMMIT
    ! ed8k is gone: its agents refuse the new revision and stay at the last good one
    ! eu is new, with 11 connectors

    In 4 environments: 0 to create, 0 to change, 0 to delete.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_new_name_for_the_same_config_is_told() -> Result<()> {
    let release = Release::of_ten()?;
    release.commit(&[("connectors/lines-3.yaml", "connector: Lines_Three\ntemplate: lines\n")])?;
    assert_snapshot!(release.compare("v1 HEAD -e production").await?, @r#"
    exit 0
    ---- stdout
    From         v1 at COMMIT
    To           HEAD at COMMIT

    production
    + create     Lines_Three
                 renamed from lines-3? The new connector knows no offsets and begins anew: most sources then read and deliver everything again.
    ? unmanage   lines-3
                 no longer declared; it goes on running
                 renamed to Lines_Three? Both would run

    In 1 environment: 1 to create, 0 to change, 0 to delete, 1 no longer declared.
    "#);
    Ok(())
}

#[tokio::test]
async fn names_mean_what_git_means_by_them() -> Result<()> {
    let release = Release::of_ten()?;
    release.commit(&[("templates/lines.yaml", &TEMPLATE.replace("100", "200"))])?;
    release.git("update-ref refs/remotes/origin/main v1")?;
    let first = |said: &Said| said.out.lines().next().map(ToOwned::to_owned).unwrap_or_default();
    for (old, shown) in
        [("v1", "v1"), ("refs/tags/v1", "v1"), ("HEAD~1", "HEAD~1"), ("origin/main", "origin/main")]
    {
        let said = release.compare(&format!("{old} main")).await?;
        assert_eq!(first(&said), format!("From         {shown} at COMMIT"), "{said}");
        ensure!(said.out.contains("In 3 environments: 0 to create, 30 to change, 0 to delete."), "{said}");
    }
    release.git("branch v1 main")?;
    assert_snapshot!(release.compare("v1 HEAD").await?, @r###"
    exit 1
    ---- stderr
    Error: "v1" means refs/tags/v1 and refs/heads/v1, and they differ
    Hint: write the full name of the one that is meant
    "###);
    assert_eq!(release.compare("refs/heads/v1 HEAD").await?.code, Some(0));
    assert_snapshot!(release.compare("v7 HEAD").await?, @r###"
    exit 1
    ---- stderr
    Error: DESK has no tag, branch or commit "v7"
    Hint: `git fetch --tags` brings the tags of the server; a folder is written as a path: `./old`
    "###);
    Ok(())
}

#[tokio::test]
async fn a_shallow_clone_is_named_with_what_to_do() -> Result<()> {
    let release = Release::of_ten()?;
    release.commit(&[("connectors/orders.yaml", "connector: orders\nstate: absent\n")])?;
    let url = format!("file://{}", release.desk.path("").display());
    release.git(&format!("clone --quiet --depth 1 --no-tags {url} shallow"))?;
    assert_snapshot!(release.compare("v1 HEAD --dir shallow").await?, @r###"
    exit 1
    ---- stderr
    Error: DESK/shallow has no tag, branch or commit "v1"
    Hint: this clone is shallow. In GitHub Actions give `actions/checkout` `fetch-depth: 0`, in GitLab set `GIT_DEPTH: 0`, elsewhere run `git fetch --unshallow --tags`
    "###);
    Ok(())
}

#[tokio::test]
async fn definitions_in_a_folder_of_a_clone_are_found_there() -> Result<()> {
    let release = Release::new(&[
        ("README.md", "of an application\n"),
        ("deploy/connect/environments/test.yaml", "environment: test\n"),
    ])?;
    release.commit(&[(
        "deploy/connect/connectors/a.yaml",
        "connector: a\nconfig: {connector.class: FileStreamSource}\n",
    )])?;
    for line in ["v1 HEAD --dir deploy/connect", "v1 ./deploy/connect"] {
        let said = release.compare(line).await?;
        ensure!(said.out.ends_with("In 1 environment: 1 to create, 0 to change, 0 to delete.\n"), "{said}");
    }
    Ok(())
}

#[tokio::test]
async fn two_folders_need_no_git() -> Result<()> {
    let environment = ("old/environments/test.yaml", "environment: test\n");
    let desk = Desk::new(&[environment, ("new/environments/test.yaml", environment.1)])?;
    desk.write("new/connectors/a.yaml", "connector: a\nconfig: {connector.class: X}\n")?;
    desk.write("old/connectors/a.yaml", "connector: a\nstate: paused\nconfig: {connector.class: X}\n")?;
    assert_snapshot!(desk.run("compare ./old ./new").await?, @r###"
    exit 0
    ---- stdout
    From         ./old
    To           ./new

    test
    ~ change     a
                 paused → running

    In 1 environment: 0 to create, 1 to change, 0 to delete.
    "###);
    assert_snapshot!(desk.run("compare old ./new").await?, @r###"
    exit 1
    ---- stderr
    Error: ./new lies in no git repository
    Hint: names of tags, branches and commits are looked up in the clone in which the definitions lie; to compare two folders, write both as paths: `./old ./new`
    "###);
    Ok(())
}

#[tokio::test]
async fn an_environment_that_neither_has_is_refused() -> Result<()> {
    let release = Release::of_ten()?;
    assert_snapshot!(release.compare("v1 HEAD -e nowhere").await?, @r###"
    exit 1
    ---- stderr
    Error: there is no environment nowhere in v1 or HEAD
    Hint: without -e all of them are compared
    "###);
    Ok(())
}

#[tokio::test]
async fn the_form_for_programs_has_each_connector_by_itself() -> Result<()> {
    let release = Release::of_ten()?;
    release.commit(&[
        ("connectors/orders.yaml", "connector: orders\nkeep: true\nstate: paused\nconfig: {connector.class: X, database.password: hunter22, owner: shop}\n"),
        ("connectors/lines-9.yaml", "connector: lines-9\nstate: absent\n"),
    ])?;
    for form in ["human", "json", "markdown"] {
        let said = release.desk.run(&format!("compare v1 HEAD --output {form}")).await?;
        ensure!(said.out.contains("database.password") && !said.out.contains("hunter2"), "{form}: {said}");
    }
    let said = release.desk.run("compare v1 HEAD -e staging -o json").await?;
    let form: Value = serde_json::from_str(&said.out)?;
    assert_eq!(form["format"], 1);
    let connectors = form["environments"][0]["connectors"].as_array().context("a list")?;
    assert_snapshot!(serde_json::to_string(connectors)?, @r###"
    [{"connector":"lines-9","effect":"delete","before":"running","after":"absent","changes":[],"keep":null,"suspend":{"changes":"no"},"renamed":null,"held":null,"told":[],"leaves":[{"kind":"offsets","name":"lines-9"},{"kind":"topics","name":"lines_9"}]},{"connector":"orders","effect":"change","before":"running","after":"paused","changes":[{"key":"database.password","kind":"changed","hidden":true},{"key":"owner","kind":"added","after":"shop"}],"keep":true,"suspend":{"changes":"no"},"renamed":null,"held":null,"told":[],"leaves":[]}]
    "###);
    assert_snapshot!(form["summary"].to_string(), @r###"
    {"create":0,"change":1,"delete":1,"unmanage":0,"held":0}
    "###);
    assert_eq!(form["old"][0]["ref"], "refs/tags/v1");
    Ok(())
}

#[tokio::test]
async fn a_comment_holds_nothing_of_the_repository_that_a_forge_would_read() -> Result<()> {
    let release = Release::of_ten()?;
    let hostile = "connector: orders\nconfig:\n  connector.class: X\n  a|b: \"@everyone </code><img src=x> | `x` #1\"\n";
    release.commit(&[("connectors/orders.yaml", hostile)])?;
    let said = release.compare("v1 HEAD -e production --output markdown").await?;
    for live in ["@everyone", "<img", "| `x`", " #1"] {
        ensure!(!said.out.contains(live), "{live}: {said}");
    }
    assert_snapshot!(said.out.lines().last().unwrap_or_default().replace('\u{2060}', "~"), @r#"| change | `orders` | + <code>a&#124;b</code>: <code>&#64;~everyone &#60;/code&#62;&#60;img src=x&#62; &#124; &#96;x&#96; &#35;~1</code><br>- `database.password`: (hidden) |"#);
    Ok(())
}

#[tokio::test]
async fn a_comment_is_never_longer_than_a_forge_takes() -> Result<()> {
    let release = Release::of_ten()?;
    let connectors = |more: &str| -> String {
        let one = |index| {
            let more = more.replace('#', &format!("{index}"));
            format!("---\nconnector: c-{index}\nconfig: {{connector.class: X{more}}}\n")
        };
        (0..2000).map(one).collect()
    };
    release.commit(&[("connectors/many.yaml", connectors("").trim_start_matches("---\n"))])?;
    release.git("tag --force v1")?;
    // Each gets a key of its own, so that no two of them are alike.
    release.commit(&[("connectors/many.yaml", connectors(", key-#: 1").trim_start_matches("---\n"))])?;
    let said = release.compare("v1 HEAD --output markdown").await?;
    ensure!(said.out.chars().count() <= 65_536, "{}", said.out.chars().count());
    ensure!(
        said.out.contains("**In 3 environments: 0 to create, 6000 to change"),
        "the sum stands at the beginning"
    );
    ensure!(said.out.trim_end().ends_with("`tagalong compare` tells all of it."), "it is cut");
    Ok(())
}

/// What two revisions of a repository import, and the template that they get from there.
fn platform(reference: &str) -> String {
    format!(
        "imports: [{{name: platform, git: 'https://git.example.com/platform.git', ref: {{tag: {reference}}}}}]\n"
    )
}

#[tokio::test]
async fn an_import_that_moves_is_named_also_offline() -> Result<()> {
    let release = Release::new(&[
        ("tagalong.yaml", &platform("v1")),
        ("environments/test.yaml", "environment: test\n"),
        ("connectors/a.yaml", "connector: a\ntemplate: platform/lines\n"),
    ])?;
    release.commit(&[("tagalong.yaml", &platform("v2"))])?;
    // Beside the clone's definitions, and no part of them.
    release.desk.write("platform/templates/lines.yaml", TEMPLATE)?;
    assert_snapshot!(release.compare("v1 HEAD --import platform=platform").await?, @r###"
    exit 0
    ---- stdout
    From         v1 at COMMIT, platform platform
    To           HEAD at COMMIT, platform platform
    ! import platform moves from v1 (read from platform) to v2 (read from platform)
    ! both sides of import platform were read from platform: what its templates change is not shown

    No changes. 1 environment would stay as they are.
    "###);
    let said = release.compare("v1 HEAD").await?;
    ensure!(said.code == Some(1) && said.out.contains("tagalong.yaml:1:18: error[import-unread]"), "{said}");
    let said = release.compare("v1 HEAD --import nowhere=platform").await?;
    assert_eq!(said.code, Some(64), "{said}");
    Ok(())
}

#[tokio::test]
async fn an_import_that_only_the_newer_revision_has_is_read_for_it_alone() -> Result<()> {
    let release = Release::new(&[
        ("environments/test.yaml", "environment: test\n"),
        ("connectors/a.yaml", "connector: a\nconfig: {connector.class: FileStreamSource}\n"),
    ])?;
    release.commit(&[
        ("tagalong.yaml", &platform("v2")),
        ("connectors/a.yaml", "connector: a\ntemplate: platform/lines\n"),
    ])?;
    release.desk.write("platform/templates/lines.yaml", TEMPLATE)?;
    assert_snapshot!(release.compare("v1 HEAD --import platform=platform").await?, @r###"
    exit 0
    ---- stdout
    From         v1 at COMMIT
    To           HEAD at COMMIT, platform platform
    ! import platform is new: https://git.example.com/platform.git, v2 (read from platform)

    test
    ~ change     a
                 + batch.size  100
                 + file        /var/log/lines
                 + topic       a

    In 1 environment: 0 to create, 1 to change, 0 to delete.
    "###);
    Ok(())
}
