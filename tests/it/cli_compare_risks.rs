//! What `tagalong compare` says of changes that may do harm: held, and with the lines that let them pass.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tagalong_testkit::git::repository::pinned;

use crate::support::command::{Desk, Said};

const TEMPLATE: &str = "template: shop
parameters: {slot: {required: true}}
config:
  connector.class: io.debezium.connector.postgresql.PostgresConnector
  plugin.name: pgoutput
  database.hostname: db.internal
  database.dbname: shop
  database.password: \"${file:/run/secrets/db.properties:password}\"
  topic.prefix: shop
  slot.name: \"{{ params.slot }}\"
  heartbeat.interval.ms: 10000
";

const ORDERS: &str = "connector: orders\ntemplate: shop\nwith: {slot: orders}\n";
const NEW_SLOT: &str = "connector: orders\ntemplate: shop\nwith: {slot: orders_v2}\n";
const SALES: &str = "connector: sales\ntemplate: shop\nwith: {slot: orders}\n";

/// A folder with a revision before and one after.
struct Release {
    desk: Desk,
}

impl Release {
    fn new() -> Result<Self> {
        let release = Self { desk: Desk::new(&[])? };
        release.git("init --quiet --initial-branch main")?;
        for environment in ["production", "staging"] {
            let text = format!("environment: {environment}\n");
            release.desk.write(&format!("environments/{environment}.yaml"), &text)?;
        }
        release.desk.write("templates/shop.yaml", TEMPLATE)?;
        release.next(&[ORDERS])?;
        release.git("tag v1")?;
        Ok(release)
    }

    /// Commits these connectors, and no other ones.
    fn next(&self, connectors: &[&str]) -> Result<()> {
        self.desk.write("connectors/all.yaml", &connectors.join("---\n"))?;
        self.git("add --all")?;
        self.git("commit --quiet --message change")
    }

    fn git(&self, arguments: &str) -> Result<()> {
        let mut git: Command = pinned(&self.desk.path(""));
        let output = git.args(arguments.split(' ')).current_dir(self.desk.path("")).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    async fn compare(&self, options: &str) -> Result<Said> {
        self.desk.run(&format!("compare v1 HEAD {options}")).await
    }

    /// What would become of a connector of production, as programs are told.
    async fn effect(&self, connector: &str) -> Result<Value> {
        let said = self.compare("-e production --output json").await?;
        let told: Value = serde_json::from_str(&said.out)?;
        let all = told["environments"][0]["connectors"].as_array().context("connectors")?;
        let one = all.iter().find(|one| one["connector"] == connector);
        Ok(one.with_context(|| format!("{connector} in {said}"))?.clone())
    }
}

#[tokio::test]
async fn a_slot_that_is_renamed_is_held_in_every_form_with_the_lines_that_release_it() -> Result<()> {
    let release = Release::new()?;
    release.next(&[NEW_SLOT])?;
    let human = release.compare("").await?;
    assert_eq!(human.code, Some(2), "{human}");
    let markdown = release.compare("--output markdown").await?;
    for said in [&human, &markdown] {
        assert_eq!(said.code, Some(2), "{said}");
        for part in ["held, risky-change: slot.name (outage)", "key: slot.name", "to: orders_v2", "2 held"] {
            ensure!(said.out.contains(part), "{part} in {said}");
        }
        assert_eq!(
            said.out.matches("held, risky-change").count(),
            1,
            "told once for both environments: {said}"
        );
    }
    let held = &release.effect("orders").await?["held"];
    assert_eq!(held["hold"], "risky-change");
    ensure!(held["release"].as_str().is_some_and(|lines| lines.contains("to: orders_v2")), "{held}");
    Ok(())
}

#[tokio::test]
async fn what_the_newer_revision_answers_for_passes_where_it_does() -> Result<()> {
    let release = Release::new()?;
    let answered =
        |of: &str| format!("{NEW_SLOT}acknowledge: [{{key: slot.name, to: orders_v2{of}, reason: OPS-1}}]\n");
    release.next(&[&answered(", environment: staging")])?;
    assert_eq!(release.compare("-e staging").await?.code, Some(0));
    assert_eq!(release.compare("-e production").await?.code, Some(2));
    release.next(&[&answered("")])?;
    let said = release.compare("").await?;
    assert_eq!(said.code, Some(0), "{said}");
    release.next(&[&answered("").replace("to: orders_v2", "to: orders_v3")])?;
    assert_eq!(release.compare("").await?.code, Some(2), "another value is another change");
    Ok(())
}

#[tokio::test]
async fn a_rename_is_held_as_what_it_is_and_its_old_name_with_it() -> Result<()> {
    let release = Release::new()?;
    release.next(&[SALES])?;
    let said = release.compare("-e production").await?;
    assert_eq!(said.code, Some(2), "{said}");
    for part in [
        "held, risky-change: name (irreversible): This is `orders` under another name",
        "`orders` is not deleted and goes on running.",
        "curl -fsS -X PUT \"$CONNECT/connectors/orders/stop\"",
        "key: name",
        "to: sales",
        "renamed to sales? Both would run",
        "1 held",
    ] {
        ensure!(said.out.contains(part), "{part} in {said}");
    }

    release.next(&["connector: orders\nstate: absent\n", SALES])?;
    let effect = release.effect("orders").await?;
    assert_eq!(
        (&effect["effect"], &effect["held"]["hold"]),
        (&"delete".into(), &"risky-change".into()),
        "{effect}"
    );

    let answered = format!("{SALES}acknowledge: [{{key: name, to: sales, reason: OPS-2}}]\n");
    release.next(&["connector: orders\nstate: absent\n", &answered])?;
    let said = release.compare("").await?;
    assert_eq!(said.code, Some(0), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_second_connector_on_the_slot_of_another_one_is_held() -> Result<()> {
    let release = Release::new()?;
    let second = format!("{SALES}config: {{topic.prefix: sales}}\n");
    release.next(&[ORDERS, &second])?;
    let said = release.compare("-e production").await?;
    assert_eq!(said.code, Some(2), "{said}");
    ensure!(said.out.contains("`orders` has the same `slot.name`, `orders`, on the same server."), "{said}");
    release.next(&[ORDERS, &second.replace("slot: orders", "slot: sales")])?;
    assert_eq!(release.compare("").await?.code, Some(0));
    Ok(())
}

#[tokio::test]
async fn what_only_readers_see_is_told_in_every_form_and_stops_nothing() -> Result<()> {
    let release = Release::new()?;
    let of = |config: &str| format!("{ORDERS}config: {{{config}}}\n");
    release.next(&[&of("tombstones.on.delete: false")])?;
    for options in ["", "--output markdown"] {
        let said = release.compare(options).await?;
        assert_eq!(said.code, Some(0), "{said}");
        ensure!(said.out.contains("tombstones.on.delete (contract): Without tombstones"), "{said}");
    }
    let told = &release.effect("orders").await?["told"];
    let parts = ["key", "risk", "harm", "standing"].map(|part| told[0][part].as_str());
    assert_eq!(parts, ["tombstones.on.delete", "tombstones", "contract", "told"].map(Some), "{told}");
    ensure!(told[0]["consequence"].as_str().is_some_and(|text| text.starts_with("Without")), "{told}");

    release.next(&[&of("tombstones.on.delete: true")])?;
    assert_eq!(release.effect("orders").await?["told"], Value::Array(Vec::new()), "it is the default");
    Ok(())
}

#[tokio::test]
async fn what_somebody_answers_for_is_told_with_the_reason() -> Result<()> {
    let release = Release::new()?;
    let answered = format!("{NEW_SLOT}acknowledge: [{{key: slot.name, to: orders_v2, reason: OPS-1}}]\n");
    release.next(&[&answered])?;
    let said = release.compare("").await?;
    ensure!(said.out.contains("slot.name (outage), acknowledged: OPS-1: "), "{said}");
    let told = &release.effect("orders").await?["told"][0];
    assert_eq!((&told["standing"], &told["reason"]), (&"acknowledged".into(), &"OPS-1".into()), "{told}");
    Ok(())
}

#[tokio::test]
async fn what_a_stop_does_with_the_slot_is_told() -> Result<()> {
    let release = Release::new()?;
    let drops = format!("{ORDERS}config: {{slot.drop.on.stop: true}}\n");
    release.next(&[&drops])?;
    release.git("tag --force v1")?;
    release.next(&[&format!("{drops}state: stopped\n")])?;
    let said = release.compare("").await?;
    assert_eq!(said.code, Some(0), "{said}");
    ensure!(said.out.contains("slot-dropped (irreversible): `slot.drop.on.stop` is in force"), "{said}");
    Ok(())
}

/// A connector of its own, and more that stands in it.
fn plain(name: &str, more: &str) -> String {
    format!(
        "connector: {name}\n{more}config: {{connector.class: FileStreamSource, topic: {name}, file: /dev/null}}\n"
    )
}

#[tokio::test]
async fn what_agents_delete_for_being_gone_is_told_and_too_much_of_it_is_held() -> Result<()> {
    let release = Release::new()?;
    let all: Vec<_> =
        (0..10).map(|n| plain(&format!("c{n}"), if n == 9 { "keep: true\n" } else { "" })).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    release.next(&all)?;
    release.git("tag --force v1")?;

    release.next(&all[1..])?;
    let said = release.compare("-e production").await?;
    assert_eq!(said.code, Some(0), "{said}");
    ensure!(said.out.contains("? unmanage") && said.out.contains("0 to delete"), "{said}");
    let said = release.compare("-e production --prune owned").await?;
    assert_eq!(said.code, Some(0), "within the limits: {said}");
    for part in ["- delete     c0", "no longer declared", "1 to delete"] {
        ensure!(said.out.contains(part), "{part} in {said}");
    }

    release.next(&all[..9])?;
    let said = release.compare("-e production --prune owned").await?;
    assert_eq!(said.code, Some(2), "{said}");
    ensure!(said.out.contains("held, keep: no file declares it any more"), "{said}");

    release.next(&[&plain("other", "")])?;
    assert_eq!(release.compare("").await?.code, Some(0), "under `never` nothing is deleted");
    let said = release.compare("-e production --prune owned").await?;
    assert_eq!(said.code, Some(2), "{said}");
    for part in ["held, too-many-deletes: no file declares it any more", "10 to delete", "10 held"] {
        ensure!(said.out.contains(part), "{part} in {said}");
    }
    release.desk.write("connectors/moved.yaml", "forget: c0\n")?;
    release.next(&all[1..])?;
    let said = release.compare("-e production --prune owned").await?;
    ensure!(said.out.contains("? unmanage") && said.out.contains("0 to delete"), "it is given away: {said}");

    release
        .desk
        .write("environments/production.yaml", "environment: production\nsuspend: {reason: OPS-9}\n")?;
    std::fs::remove_file(release.desk.path("connectors/moved.yaml"))?;
    release.next(&all[1..])?;
    let said = release.compare("-e production --prune owned").await?;
    ensure!(said.out.contains("held, suspended: the environment says suspend"), "{said}");
    Ok(())
}
