//! `tagalong apply` where files are gone: it waits for the second look, keeps to the limits, and takes a person's word.

use std::time::Duration;

use anyhow::{Context as _, Result};
use insta::assert_snapshot;
use tagalong_testkit::fake::Fake;
use tagalong_testkit::fake::state::WriteKind;

use crate::support::cluster::{preload, writes};
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, file_of, file_source};
use crate::support::page::{blocks, read};

/// A repository that lost the files of some connectors which run, a stranger beside them, and the flags for both.
async fn site(declared: &[&str], lost: &[&str]) -> Result<(Definitions, Fake, Desk, String)> {
    let files: Vec<_> =
        declared.iter().chain(lost).map(|name| (file_of(name), file_source(name, ""))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut definitions = Definitions::new(&files).await?;
    let fake = Fake::start(1).await;
    for name in declared.iter().chain(lost).chain(&["stranger"]) {
        preload(&fake, name);
    }
    let gone: Vec<_> = lost.iter().map(|name| file_of(name)).collect();
    definitions.origin.remove("files are gone", &gone.iter().map(String::as_str).collect::<Vec<_>>())?;
    let commit = definitions.release(&[("README.md", "what is declared here\n")])?;
    let mut desk = Desk::new(&[])?;
    desk.set("TAGALONG_PRUNE__POLICY", "owned");
    desk.hide(&commit[..7], "COMMIT");
    let flags = format!("--git {} --tag v1 -e test --connect {}", definitions.url(), fake.url(0));
    Ok((definitions, fake, desk, flags))
}

#[tokio::test]
async fn an_apply_waits_for_the_second_look_before_it_deletes_what_has_no_file() -> Result<()> {
    let (_definitions, fake, desk, flags) = site(&["a", "b"], &["old"]).await?;
    let said = desk.run(&format!("apply {flags}")).await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert!(said.took >= Duration::from_secs(10), "{:?} {said}", said.took);
    for line in [
        "! held       old  delete: not in the repository; too-many-deletes",
        "it waits for the second look, and is deleted when that finds the same.",
        "✓ stop       old  converged",
        "✓ delete     old  converged",
        "Applied. The cluster matches the repository.",
    ] {
        assert!(said.out.contains(line), "{line}: {said}");
    }
    assert_eq!(fake.names(), ["a", "b", "stranger"]);
    let of_old = |kind| ("old".to_owned(), kind);
    assert_eq!(writes(&fake), [of_old(WriteKind::Stop), of_old(WriteKind::Delete)]);
    Ok(())
}

#[tokio::test]
async fn more_than_the_limits_is_held_and_a_person_names_what_may_go() -> Result<()> {
    let (_definitions, fake, mut desk, flags) = site(&["orders", "payments"], &["clicks", "refunds"]).await?;
    desk.set("TAGALONG_PRUNE__MAX", "1");
    let held = desk.run(&format!("apply {flags}")).await?;
    assert_eq!((held.code, writes(&fake)), (Some(2), vec![]), "{held}");
    let page = blocks(&read("docs/operations/deleting.md")?);
    let shown = page.iter().find(|block| block.info == "text").context("the page shows a plan")?;
    for line in shown.text.lines().filter(|line| line.trim() != "…") {
        assert!(held.out.lines().any(|told| told == line), "the page says {line:?}: {held}");
    }
    let said = desk
        .run(&format!(
            "apply {flags} --confirm-delete clicks --confirm-delete orders --confirm-delete stranger --confirm-delete gone"
        ))
        .await?;
    assert_snapshot!(said.err, @"
    --confirm-delete gone: no such connector is in the cluster, or `select` leaves it out.
    --confirm-delete orders: it is declared; `state: absent` deletes it.
    --confirm-delete stranger: it is left alone: nothing says that this repository once declared it here, or a `forget` names it.
    ");
    assert_eq!(fake.names(), ["orders", "payments", "refunds", "stranger"], "{said}");
    assert_eq!(said.code, Some(2), "what nobody named is held still: {said}");
    let again = desk.run(&format!("apply {flags} --confirm-delete clicks")).await?;
    assert_eq!(
        fake.names(),
        ["orders", "payments", "stranger"],
        "what is left is within the limits: {again}"
    );
    assert_eq!(again.code, Some(0), "{again}");
    Ok(())
}

#[tokio::test]
async fn nobody_confirms_what_the_settings_never_delete() -> Result<()> {
    let (_definitions, fake, mut desk, flags) = site(&["a"], &["old"]).await?;
    desk.set("TAGALONG_PRUNE__POLICY", "never");
    let said = desk.run(&format!("apply {flags} --confirm-delete old")).await?;
    assert_snapshot!(said, @r#"
    exit 1
    ---- stderr
    Error: nothing was applied
    Caused by: the settings say `prune.policy: never`, so no connector is deleted for having no file, old neither
    Hint: declare it with `state: absent`, or set `prune.policy: owned`
    "#);
    assert_eq!(writes(&fake), []);
    let plan = desk.run(&format!("plan {flags}")).await?;
    assert!(plan.out.contains("Unmanaged (never touched): old, stranger"), "{plan}");
    Ok(())
}

#[tokio::test]
async fn a_word_that_is_of_nobody_is_told_in_the_plan_by_what_it_says() -> Result<()> {
    let (mut definitions, _fake, mut desk, flags) = site(&["a", "b"], &[]).await?;
    let moved = ("connectors/moved.yaml", "forget: nobody\n---\nforget: stranger\n");
    definitions.release(&[moved, (&file_of("later"), &file_source("later", ""))])?;
    desk.set("TAGALONG_SELECT__EXCLUDE", "[later, Stranger, b]");
    desk.set("TAGALONG_SELECT__INCLUDE", "['*', 'team-*']");
    let said = desk.run(&format!("plan {flags}")).await?;
    assert_eq!(said.code, Some(0), "{said}");
    for line in [
        "`select.include` in the settings has `team-*`, and no connector is called so",
        "`select.exclude` in the settings has `Stranger`, and no connector is called so",
        "; `stranger` is called almost so",
    ] {
        assert_eq!(said.out.matches(line).count(), 1, "{line}: {said}");
    }
    assert_eq!(said.out.matches("is called so").count(), 2, "what is declared alone is somebody: {said}");
    assert!(!said.out.contains("`forget`"), "that one is of another environment, or went long ago: {said}");
    Ok(())
}
