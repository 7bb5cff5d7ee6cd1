//! Names that two want: a folder of `extra` and the repository, two folders, or one folder twice. What is
//! told follows from the files alone, whatever else is wrong with them, and all of it is told in one run.

use anyhow::{Context as _, Result};
use insta::assert_snapshot;
use tagalong::model::desired::DesiredState;
use tagalong::model::finding::Findings;
use tagalong::model::folder::Names;
use tagalong::model::name::{ConnectorName, EnvironmentName};
use tagalong::model::revision::{At, RepositoryName, RepositoryRevision};
use tagalong::model::select::Select;
use tagalong::model::snapshot::{Snapshot, Sources};
use tagalong::model::values::Values;
use tagalong::pipeline;
use tagalong::pipeline::extra::{Folder, Ground, Joined, Target, join};
use tagalong::pipeline::supply::Supply;

use crate::support::command::Desk;
use crate::support::example::desk;

const SHOP: &str = "connector: shop\ntemplate: file-source\nwith: {file: /var/log/shop}\n";

/// What `validate` says of these files beside the shared example.
async fn validated(files: &[(&str, &str)], folders: &str) -> Result<String> {
    let desk = with(files)?;
    let folders: Vec<_> = folders.split(' ').map(|folder| format!("--extra {folder}")).collect();
    Ok(desk.run(&format!("validate -e staging {}", folders.join(" "))).await?.out)
}

fn with(files: &[(&str, &str)]) -> Result<Desk> {
    let desk = desk()?;
    for (path, text) in files {
        desk.write(path, text)?;
    }
    Ok(desk)
}

#[tokio::test]
async fn a_name_twice_in_one_folder_hides_nothing_else_of_it() -> Result<()> {
    let again = format!("{SHOP}stat: paused\nconfig: {{a: \"{{{{ valuse.x }}}}\"}}\n");
    let other = "connector: till\ntemplate: file-source\nwith: {fil: x}\n";
    let said = validated(&[("a/1.yaml", SHOP), ("a/2.yaml", &again), ("a/3.yaml", other)], "a").await?;
    assert_snapshot!(said, @r#"
    a/2.yaml:1:12: error[duplicate-name]: connector `shop` is defined again; it is already at a/1.yaml:1:12
      hint: rename one of them, or remove it
    a/2.yaml:4:1: error[unknown-key]: a connector has no key `stat`
      hint: did you mean `state`?
    a/2.yaml:5:17: error[undefined-name]: `valuse` is not set
      hint: did you mean `values`?
    a/3.yaml:3:8: error[unknown-parameter]: template `file-source` has no parameter `fil`
      hint: did you mean `file`?
    4 errors.
    Not valid for staging.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_name_of_the_repository_hides_nothing_else_of_the_folder() -> Result<()> {
    let orders = "connector: orders\ntemplate: file-source\nwith: {file: a, fil: b}\nconfig: {a: \"{{ values.x }}\"}\n";
    let said = validated(&[("a/1.yaml", orders)], "a").await?;
    assert_snapshot!(said, @r#"
    a/1.yaml:1:12: error[duplicate-name]: connector `orders` is defined again; it is already at connectors/orders.yaml:1:12
      hint: rename one of them, or remove it
    a/1.yaml:3:17: error[unknown-parameter]: template `file-source` has no parameter `fil`
      hint: did you mean `file`?
    a/1.yaml:4:17: error[undefined-name]: `values.x` is not set
      hint: set it in the environment's `values` or in the settings
    3 errors.
    Not valid for staging.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_name_of_two_folders_is_told_whether_or_not_the_first_is_good() -> Result<()> {
    let good = validated(&[("b/1.yaml", SHOP), ("a/1.yaml", SHOP)], "b a").await?;
    assert_snapshot!(good, @r#"
    a/1.yaml:1:12: error[duplicate-name]: connector `shop` exists already in this environment, from b/1.yaml:1:12
      hint: rename one of them, or remove it
    1 error.
    Not valid for staging.
    "#);
    let wrong = format!("{SHOP}stat: paused\n");
    let bad = validated(&[("b/1.yaml", &wrong), ("a/1.yaml", SHOP)], "b a").await?;
    assert_snapshot!(bad, @r#"
    a/1.yaml:1:12: error[duplicate-name]: connector `shop` exists already in this environment, from b/1.yaml:1:12
      hint: rename one of them, or remove it
    b/1.yaml:4:1: error[unknown-key]: a connector has no key `stat`
      hint: did you mean `state`?
    2 errors.
    Not valid for staging.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_connector_is_not_judged_by_a_template_of_which_there_are_two() -> Result<()> {
    let template = "template: file-source\nparameters: {path: {required: true}, idle: {}}\n\
        config: {connector.class: FileStreamSource, topic: x, file: \"{{ params.pth }}\", errors.tolerance: all}\n";
    let connector = "connector: shop\ntemplate: file-source\nwith: {path: /var/log/shop}\n";
    let sound = template.replace("params.pth", "params.path");
    let said = validated(&[("a/1.yaml", &sound), ("a/2.yaml", connector)], "a").await?;
    assert_snapshot!(said, @r#"
    a/1.yaml:1:11: error[duplicate-name]: template `file-source` is defined again; it is already at templates/file-source.yaml:1:11
      hint: rename one of them, or remove it
    1 error.
    Not valid for staging.
    "#);
    let said = validated(&[("a/1.yaml", template), ("a/2.yaml", connector)], "a").await?;
    assert_snapshot!(said, @r#"
    a/1.yaml:1:11: error[duplicate-name]: template `file-source` is defined again; it is already at templates/file-source.yaml:1:11
      hint: rename one of them, or remove it
    a/1.yaml:3:65: error[undefined-name]: `params.pth` is no parameter that is known here
      hint: did you mean `path`?
    2 errors.
    Not valid for staging.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_deletion_takes_no_name_from_another_folder() -> Result<()> {
    let absent = "connector: shop\nstate: absent\n";
    let said = validated(&[("a/1.yaml", absent), ("b/1.yaml", SHOP)], "a=* b=shop").await?;
    assert_snapshot!(said, @r#"
    a/1.yaml:1:12: error[duplicate-name]: connector `shop` exists already in this environment, from b/1.yaml:1:12
      hint: rename one of them, or remove it
    1 error.
    Not valid for staging.
    "#);
    let said = validated(&[("a/1.yaml", absent)], "a").await?;
    assert_snapshot!(said, @r#"
    a/1.yaml:1:12: error[name-not-given]: connector `shop` would be deleted, and the settings give this folder no names
      hint: let the settings give it the name, beside the folder, as in `extra: [{folder: /etc/tagalong/extra/shop, names: [shop-*]}]`, or declare it in the repository
    1 error.
    Not valid for staging.
    "#);
    assert_eq!(validated(&[("a/1.yaml", absent)], "a=shop").await?, "Valid for staging.\n");
    Ok(())
}

#[tokio::test]
async fn only_the_folder_that_is_not_given_a_name_is_refused_whatever_the_order() -> Result<()> {
    let absent = "connector: shop\nstate: absent\n";
    let refused = "b/1.yaml:1:12: error[name-not-given]: the settings give the name `shop` to the folder a\n  \
        hint: let the settings give it the name, beside the folder, as in `extra: [{folder: /etc/tagalong/extra/shop, names: [shop-*]}]`, \
        or declare it in the repository\n1 error.\nNot valid for staging.\n";
    for owned in [SHOP, absent] {
        for foreign in [SHOP, absent] {
            for order in ["b a=s*", "a=s* b"] {
                let said = validated(&[("a/1.yaml", owned), ("b/1.yaml", foreign)], order).await?;
                assert_eq!(said, refused, "{order}: {owned}{foreign}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_value_that_only_a_folder_uses_is_used() -> Result<()> {
    let values = "environment: staging\nvalues: {kafka: {host: a, port: '1'}, idle: x}\n";
    let shop = format!("{SHOP}config: {{broker: \"{{{{ values.kafka.host }}}}\"}}\n");
    let said = validated(&[("environments/staging.yaml", values), ("a/1.yaml", &shop)], "a").await?;
    assert_snapshot!(said, @r#"
    environments/staging.yaml:2:27: warning[value-unused]: no definition uses `values.kafka.port`
      hint: remove it, or correct its name; an expression uses it as `{{ values.… }}`
    environments/staging.yaml:2:39: warning[value-unused]: no definition uses `values.idle`
      hint: remove it, or correct its name; an expression uses it as `{{ values.… }}`
    2 warnings.
    Valid for staging.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_parameter_that_a_template_of_a_folder_never_uses_is_told() -> Result<()> {
    let template = "template: till\nparameters: {idle: {default: x}}\nconfig: {connector.class: FileStreamSource, topic: x}\n";
    let connector = "---\nconnector: till\ntemplate: till\n";
    let said = validated(&[("a/1.yaml", &format!("{template}{connector}"))], "a").await?;
    assert_snapshot!(said, @r#"
    a/1.yaml:2:14: warning[parameter-unused]: template `till` never uses its parameter `idle`
      hint: remove it, or use it as `{{ params.… }}`
    1 warning.
    Valid for staging.
    "#);
    Ok(())
}

#[tokio::test]
async fn a_folder_with_a_slash_at_its_end_has_one_in_its_paths() -> Result<()> {
    let said = validated(&[("a/1.yaml", "connector: shop\nstat: x\n")], "./a/").await?;
    assert!(said.contains("./a/1.yaml:2:1: error[unknown-key]"), "{said}");
    Ok(())
}

const IMPORTS: &str = "imports:
  - {name: platform, git: \"https://git.example.com/platform.git\", ref: {tag: v2}}
  - {name: legacy, git: \"https://git.example.com/legacy.git\", ref: {tag: v2}}
";
const PLAIN: &str = "template: plain\nconfig: {connector.class: FileStreamSource, topic: x, file: x}\n";

/// What `validate` says of this folder of `extra` beside a repository that uses none of its two imports.
async fn with_imports(folder: &str) -> Result<String> {
    let desk = with(&[
        ("own/tagalong.yaml", IMPORTS),
        (
            "own/connectors/a.yaml",
            "connector: a\nconfig: {connector.class: FileStreamSource, topic: a, file: a}\n",
        ),
        ("own/environments/staging.yaml", "environment: staging\n"),
        ("platform/templates/plain.yaml", PLAIN),
        ("legacy/templates/plain.yaml", PLAIN),
        ("a/1.yaml", folder),
    ])?;
    let line = "validate own -e staging --import platform=platform --import legacy=legacy --extra a";
    Ok(desk.run(line).await?.out)
}

#[tokio::test]
async fn an_import_that_only_a_folder_uses_is_used() -> Result<()> {
    let said = with_imports("connector: shop\ntemplate: platform/plain\n").await?;
    assert_snapshot!(said, @r#"
    tagalong.yaml:3:12: warning[import-unused]: no connector and no template uses import `legacy`
      hint: remove the import, or use one of its templates as `template: NAME/TEMPLATE`
    1 warning.
    Valid for staging.
    "#);
    Ok(())
}

#[tokio::test]
async fn an_import_on_which_only_a_template_of_a_folder_is_based_is_used() -> Result<()> {
    let said =
        with_imports("template: till\nbase: platform/plain\n---\nconnector: shop\ntemplate: till\n").await?;
    assert_snapshot!(said, @r#"
    tagalong.yaml:3:12: warning[import-unused]: no connector and no template uses import `legacy`
      hint: remove the import, or use one of its templates as `template: NAME/TEMPLATE`
    1 warning.
    Valid for staging.
    "#);
    Ok(())
}

fn snapshot(repository: RepositoryName, text: &str) -> Snapshot {
    let path = match repository.folder() {
        Some(folder) => format!("{folder}/1.yaml"),
        None => "environments/staging.yaml".to_owned(),
    };
    let at = At::Directory { path: "here".into(), digest: 0 };
    let files = [(path.into(), text.as_bytes().into())].into();
    Snapshot {
        revision: RepositoryRevision { repository, at },
        files,
        ignored: Vec::new(),
        findings: Vec::new(),
    }
}

#[test]
fn what_a_folder_declared_when_it_had_the_name_does_not_stand_in_the_way_of_its_owner() -> Result<()> {
    let environment = EnvironmentName::new("staging")?;
    let sources = Sources::alone(snapshot(RepositoryName::main(), "environment: staging\n"));
    let definitions = pipeline::definitions(&sources);
    let (values, select) = (Values::default(), Select::default());
    let supply = Supply { values: &values, examples: true, secrets: None };
    let (desired, findings) =
        pipeline::desired(&definitions, &sources.revision(), &environment, &supply, &select);
    assert_eq!(findings, Findings::default());
    let ground = Ground { definitions, desired, findings };
    let target = Target { environment: &environment, supply, select: &select };
    let config = "connector: shop\nconfig: {connector.class: X}\n";
    let before = snapshot(RepositoryName::extra("b"), config);
    let (all, none) = (Names(vec!["s*".to_owned()]), Names::default());
    let folder =
        |read, names, last| Folder { repository: &before.revision.repository, names, look: Ok(read), last };
    let Joined { outcomes, .. } = join(&ground, &[folder(&before, &all, None)], &target);
    let last = outcomes[0].part.as_ref().context("it was good")?;

    let owner = snapshot(RepositoryName::extra("a"), "connector: shop\nstate: absent\n");
    let owner = Folder { repository: &owner.revision.repository, names: &all, look: Ok(&owner), last: None };
    let now =
        snapshot(RepositoryName::extra("b"), "connector: shop\nconfig: {connector.class: X}\nstat: x\n");
    let Joined { desired, .. } = join(&ground, &[folder(&now, &none, Some(last)), owner], &target);
    let connectors = desired.context("the repository is good")?.connectors;
    assert_eq!(connectors[&ConnectorName::new("shop")?].state, DesiredState::Absent);
    Ok(())
}

#[tokio::test]
async fn no_import_is_called_unused_while_a_folder_is_wrong() -> Result<()> {
    let said = with_imports("connector: shop\ntemplate: [platform/plain]\n").await?;
    assert_snapshot!(said, @r#"
    a/1.yaml:2:11: error[wrong-type]: `template` takes a text, and here is a list
      hint: write a text
    1 error.
    Not valid for staging.
    "#);
    Ok(())
}
