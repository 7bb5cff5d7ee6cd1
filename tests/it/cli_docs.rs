//! `tagalong docs`: the page that it writes, held to its definitions, and what it shows of secrets.

use anyhow::{Result, ensure};
use insta::assert_snapshot;

use crate::support::command::Desk;
use crate::support::page::blocks;

const FILES: &[(&str, &str)] = &[
    (
        "templates/base.yaml",
        "template: jdbc\ndescription: |\n  Reads a table.\n  Rows come in the order of <id>.\nparameters:\n  \
         table: {required: true, pattern: '^\\w+\\.\\w+$', description: schema and table}\n  \
         mode: {enum: [bulk, incrementing], default: bulk}\n  size: {type: integer, default: 100}\n\
         config:\n  connector.class: X\n  table: \"{{ params.table }}\"\n  mode: \"{{ params.mode }}\"\n  \
         size: \"{{ params.size }}\"\n  url: \"jdbc:postgresql://{{ values.postgres.host }}/db\"\n  \
         connection.password: hunter2\n  key.password: \"${file:/run/secrets/db:password}\"\nenvironments:\n  \
         production: {config: {size: 4096, mode: null}}\n",
    ),
    (
        "templates/all.yaml",
        "template: all.types\nbase: jdbc\nparameters:\n  text: {required: true}\n  \
         choice: {required: true, enum: [a|b, c]}\n  list: {type: list, required: true}\n  \
         chosen: {type: list, required: true, enum: [x, y]}\n  matched: {type: list, required: true, pattern: '^/'}\n  \
         integer: {type: integer, required: true}\n  number: {type: number, required: true}\n  \
         level: {type: integer, required: true, enum: [3, 5]}\n  boolean: {type: boolean, required: true}\n  \
         map: {type: map, required: true}\n  options: {type: map, default: {password: hunter2, retries: 3}}\n\
         with: {table: public.orders, size: \"{{ params.integer }}\"}\nconfig:\n  \
         all: \"{{ params.text }}{{ params.choice }}{{ params.list }}{{ params.chosen }}{{ params.matched }}\"\n  \
         more: \"{{ params.number }}{{ params.level }}{{ params.boolean }}{{ params.map.a }}{{ params.options.retries }}\"\n",
    ),
    (
        "environments/production.yaml",
        "environment: production\ninputs: {postgres.host: {example: db.internal}}\n",
    ),
    ("connectors/none.yaml", "connector: none\nconfig: {connector.class: X}\n"),
    ("tagalong.yaml", "allow: {plain-secret: the secrets of a test}\n"),
];

#[tokio::test]
async fn the_page_says_what_a_template_asks_for_sets_and_needs() -> Result<()> {
    let said = Desk::new(FILES)?.run("docs").await?;
    ensure!(!said.out.contains("hunter2"), "{said}");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases/docs");
    insta::with_settings!({ snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true }, {
        assert_snapshot!("page", said);
    });
    Ok(())
}

#[tokio::test]
async fn a_default_that_ends_under_the_key_of_a_secret_is_hidden() -> Result<()> {
    let template = "template: lower\nparameters: {pw: {default: hunter2}, size: {default: '100'}}\n\
        config: {connector.class: X, database.password: \"{{ params.pw }}\", size: \"{{ params.size }}\"}\n\
        ---\ntemplate: upper\nbase: lower\nwith: {pw: hunter3}\n";
    let said = Desk::new(&[("templates/t.yaml", template)])?.run("docs").await?;
    ensure!(!said.out.contains("hunter") && said.out.contains("| `pw` | string | (hidden) |"), "{said}");
    ensure!(said.out.contains("| `pw` | (hidden) |") && said.out.contains("`100`"), "{said}");
    Ok(())
}

#[tokio::test]
async fn the_example_of_each_template_is_a_connector_that_is_valid() -> Result<()> {
    let desk = Desk::new(FILES)?;
    let page = desk.run("docs .").await?.out;
    let examples: Vec<_> = blocks(&page).into_iter().filter(|block| block.info == "yaml").collect();
    ensure!(examples.len() == 2, "{page}");
    for (index, example) in examples.iter().enumerate() {
        desk.write(&format!("connectors/example-{index}.yaml"), &example.text)?;
    }
    let said = desk.run("validate --strict").await?;
    ensure!(said.code == Some(0) && said.out == "Valid for production.\n", "{said}");
    Ok(())
}

#[tokio::test]
async fn a_page_is_held_to_its_definitions() -> Result<()> {
    let desk = Desk::new(FILES)?;
    let page = desk.run("docs").await?.out;
    desk.write("TEMPLATES.md", &page)?;
    assert_snapshot!(desk.run("docs --check TEMPLATES.md").await?, @"exit 0");
    desk.write("TEMPLATES.md", &page.replace('\n', "\r\n"))?;
    assert_snapshot!(desk.run("docs --check TEMPLATES.md").await?, @"exit 0");
    desk.write("TEMPLATES.md", &page.replace("Reads a table.", "Reads tables."))?;
    assert_snapshot!(desk.run("docs . --check TEMPLATES.md").await?, @r"
    exit 1
    ---- stderr
    TEMPLATES.md is not the page of these definitions, from line 58 on.
    Hint: `tagalong docs . > TEMPLATES.md` writes it
    ");
    assert_snapshot!(desk.run("docs . --check GONE.md").await?, @r"
    exit 1
    ---- stderr
    Error: failed to read GONE.md
    Caused by: No such file or directory (os error 2)
    Hint: `tagalong docs . > GONE.md` writes it
    ");
    Ok(())
}

#[tokio::test]
async fn definitions_with_errors_are_not_told() -> Result<()> {
    let desk = Desk::new(FILES)?;
    desk.write("templates/more.yaml", "template: more\nbase: jdcb\n")?;
    assert_snapshot!(desk.run("docs").await?, @r"
    exit 1
    ---- stderr
    templates/more.yaml:2:7: error[unknown-template]: there is no template `jdcb`
      hint: did you mean `jdbc`?
    1 error.
    Error: the definitions cannot be told while they are wrong
    ");
    Ok(())
}

#[tokio::test]
async fn the_templates_of_an_import_are_told_under_their_full_names() -> Result<()> {
    let about =
        "imports:\n  - {name: platform, git: \"https://git.example.com/platform.git\", ref: {tag: v2}}\n";
    let desk = Desk::new(&[
        ("own/tagalong.yaml", about),
        ("own/connectors/a.yaml", "connector: a\ntemplate: platform/plain\n"),
        ("platform/templates/plain.yaml", "template: plain\nconfig: {connector.class: X}\n"),
    ])?;
    let said = desk.run("docs own --import platform=platform").await?;
    ensure!(said.code == Some(0) && said.out.contains("platform/plain"), "{said}");
    let said = desk.run("docs own").await?;
    ensure!(!said.out.contains("platform/plain"), "{said}");
    Ok(())
}
