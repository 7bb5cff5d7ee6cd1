//! How commands end where the world around them is at fault: nobody takes the result, Connect says nothing, a
//! person has waited enough.

use std::fs::File;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::fake::Fake;
use tagalong_testkit::fake::fault::Fault;
use tagalong_testkit::fake::state::WriteKind;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::support::agent::SOON;
use crate::support::cluster::{preload, writes};
use crate::support::command::Desk;
use crate::support::definitions::{file_of, file_source};
use crate::support::example::desk;
use crate::support::process::signal;

/// A result goes to a disk on which nothing has room.
async fn told_to_a_full_disk(desk: &Desk, line: &str) -> Result<()> {
    let full = File::options().write(true).open("/dev/full").context("this system has it")?;
    let said = desk.end(desk.start_into(line, full)?).await?;
    ensure!(said.code == Some(1), "{line}: {said}");
    ensure!(said.err.contains("Error: failed to write the result to standard output"), "{line}: {said}");
    ensure!(said.err.contains("No space left on device"), "{line}: {said}");
    Ok(())
}

#[tokio::test]
async fn a_result_that_cannot_be_written_is_a_failure() -> Result<()> {
    let desk = desk()?;
    for line in [
        "render --dir . -e staging",
        "render --dir . -e staging -o json",
        "render --dir . -e staging --explain",
        "validate",
        "validate --output gitlab",
        "validate --output github",
        "validate --output markdown",
        "compare . .",
        "docs",
        "schema",
        "schema --write schemas",
        "completions bash",
        "init definitions",
        "--help",
        "help plan",
        "--version",
    ] {
        told_to_a_full_disk(&desk, line).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_plan_that_cannot_be_written_is_a_failure_and_is_not_applied() -> Result<()> {
    let fake = Fake::start(1).await;
    let desk = Desk::new(&[("environments/test.yaml", "environment: test\n")])?;
    desk.write(&file_of("orders"), &file_source("orders", ""))?;
    let flags = format!("--dir . -e test --connect {}", fake.url(0));
    for line in ["plan", "plan -o json", "plan -o markdown", "apply"] {
        told_to_a_full_disk(&desk, &format!("{line} {flags}")).await?;
    }
    ensure!(fake.writes().is_empty(), "{:?}", fake.writes());
    Ok(())
}

/// A port that takes connections and never says a word, and what asks Connect there.
async fn silence() -> Result<(TcpListener, [String; 2])> {
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("--connect http://{}", silent.local_addr()?);
    let apply = format!("apply --dir . -e staging --yes {url}");
    Ok((silent, [apply, format!("validate -e staging {url}")]))
}

#[tokio::test]
async fn who_interrupts_does_not_wait_for_a_connect_that_hangs() -> Result<()> {
    let (desk, (silent, lines)) = (desk()?, silence().await?);
    for line in lines {
        for name in ["INT", "TERM"] {
            let child = desk.start(&line)?;
            let _asked = timeout(SOON, silent.accept()).await.context("it asks")??;
            signal(child.id().context("it runs")?, name)?;
            let said = desk.end(child).await?;
            ensure!(said.took < Duration::from_secs(20), "{name} {line}: {:?} {said}", said.took);
            ensure!(said.code == Some(1), "{name} {line}: {said}");
            let why = if line.starts_with("apply") {
                "ended before Connect was ready"
            } else {
                "interrupted: 0 of 1"
            };
            ensure!(said.err.contains(why), "{name} {line}: {said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn time_is_up_while_connect_hangs() -> Result<()> {
    let (desk, (_silent, lines)) = (desk()?, silence().await?);
    for line in lines {
        let said = desk.run(&format!("{line} --timeout 2s")).await?;
        ensure!(said.took < Duration::from_secs(20), "{line}: {:?} {said}", said.took);
        ensure!(said.code == Some(1) && said.err.contains("time was up"), "{line}: {said}");
        ensure!(said.err.contains("Hint: ") && !said.err.contains("carried out"), "{line}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn nothing_is_written_in_colour_for_who_wants_none() -> Result<()> {
    let lines = ["plan --dir . -e staging --connect http://127.0.0.1:1", "plan --nonsense", "validate"];
    for (variable, flag, is_coloured) in [
        (None, "", true),
        (Some(""), "", true),
        (Some("1"), "", false),
        (Some("0"), "", false),
        (None, "--no-color", false),
    ] {
        let mut desk = desk()?;
        desk.write("connectors/odd.yaml", "connector: odd\nodd: true\n")?;
        desk.set("TERM", "xterm");
        desk.set("TAGALONG_SECRETS__FOLDERS", "[/nowhere]");
        if let Some(text) = variable {
            desk.set("NO_COLOR", text);
        }
        for line in lines {
            let said = desk.run_at_terminal(&format!("{line} {flag}")).await?;
            ensure!(said.out.contains("\x1b[") == is_coloured, "{variable:?} {line} {flag}: {:?}", said.out);
        }
    }
    Ok(())
}

/// At the first two looks, the one that shows the plan and the one that would act, nobody can say what is there.
#[tokio::test]
async fn an_apply_that_cannot_compare_a_connector_looks_again() -> Result<()> {
    let fake = Fake::start(1).await;
    let desk = Desk::new(&[("environments/test.yaml", "environment: test\n")])?;
    desk.write(&file_of("orders"), &file_source("orders", "  batch.size: 7\n"))?;
    preload(&fake, "orders");
    fake.inject(Fault::on("GET", "expand").raw(200, "application/json", "{}").times(2));
    let rebalance = "Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)";
    fake.inject(Fault::on("GET", "/connectors/orders/config").alone().answer(409, rebalance).times(2));
    let said = desk.run(&format!("apply --dir . -e test --connect {}", fake.url(0))).await?;
    ensure!(said.code == Some(0) && said.out.contains("matches the repository"), "{said}");
    ensure!(writes(&fake) == [("orders".to_owned(), WriteKind::Configure)], "{said}");
    Ok(())
}
