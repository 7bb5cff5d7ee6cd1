//! What `tagalong compare` tells beside changes: what stays behind of connectors that go, and what is said and does nothing.

use anyhow::{Result, ensure};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::command::{Desk, Said};

const POSTGRES: &str = "connector: orders
config:
  connector.class: io.debezium.connector.postgresql.PostgresConnector
  plugin.name: pgoutput
  database.hostname: db.internal
  database.dbname: shop
  database.password: \"${file:/run/secrets/db.properties:password}\"
  topic.prefix: shop
  slot.name: orders
  heartbeat.interval.ms: 10000
";

/// A connector of its own, and more that stands in it.
fn lines(name: &str, more: &str) -> String {
    format!(
        "connector: {name}\n{more}config: {{connector.class: FileStreamSource, topic: {name}, file: /dev/null}}\n"
    )
}

/// Two folders: what is there before, and what comes after.
struct Move {
    desk: Desk,
}

impl Move {
    fn new(old: &[&str], new: &[&str]) -> Result<Self> {
        let of = Self { desk: Desk::new(&[])? };
        for (folder, connectors) in [("old", old), ("new", new)] {
            of.write(folder, "environment: production\n", connectors)?;
        }
        Ok(of)
    }

    fn write(&self, folder: &str, environment: &str, connectors: &[&str]) -> Result<()> {
        self.desk.write(&format!("{folder}/environments/production.yaml"), environment)?;
        self.desk.write(&format!("{folder}/connectors/all.yaml"), &connectors.join("---\n"))
    }

    async fn compare(&self, options: &str) -> Result<Said> {
        self.desk.run(&format!("compare ./old ./new {options}")).await
    }

    /// The one environment, as programs are told.
    async fn told(&self, options: &str) -> Result<Value> {
        let said = self.compare(&format!("--output json {options}")).await?;
        let told: Value = serde_json::from_str(&said.out)?;
        Ok(told["environments"][0].clone())
    }
}

#[tokio::test]
async fn what_stays_behind_of_a_connector_that_goes_is_told_in_every_form() -> Result<()> {
    let other = lines("other", "");
    let goes = Move::new(&[POSTGRES, &other], &["connector: orders\nstate: absent\n", &other])?;
    assert_snapshot!(goes.compare("").await?, @r#"
    exit 0
    ---- stdout
    From         ./old
    To           ./new

    production
    - delete     orders
                 declared absent
                 stays behind:
                   slot         orders in database shop at db.internal:5432
                   publication  dbz_publication in database shop at db.internal:5432
                   offsets      orders
                   topics       __debezium-heartbeat.shop
                   topics       shop.*

    In 1 environment: 0 to create, 0 to change, 1 to delete.
    "#);
    let said = goes.compare("--output markdown").await?;
    ensure!(
        said.out
            .contains("<br>stays behind: slot `orders` in `database shop at db.internal:5432`, publication "),
        "{said}"
    );
    let leaves = &goes.told("").await?["connectors"][0]["leaves"];
    assert_eq!(
        (&leaves[0], &leaves[2]),
        (
            &json!({"kind": "slot", "name": "orders", "within": "database shop at db.internal:5432"}),
            &json!({"kind": "offsets", "name": "orders"})
        )
    );

    let gone = Move::new(&[POSTGRES], &["forget: nobody\n"])?;
    let said = gone.compare("").await?;
    ensure!(said.out.contains("? unmanage") && !said.out.contains("stays behind"), "it goes on: {said}");
    let said = gone.compare("--prune owned").await?;
    ensure!(
        said.out.contains("held, too-many-deletes") && said.out.contains("slot         orders"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn what_stays_behind_of_many_is_told_by_an_example() -> Result<()> {
    let names: Vec<_> = (0..5).map(|index| format!("lines-{index}")).collect();
    let old: Vec<_> = names.iter().map(|name| lines(name, "")).collect();
    let absent = |name: &String| format!("connector: {name}\nstate: absent\n");
    let new: Vec<_> = names[1..].iter().map(absent).chain([old[0].clone()]).collect();
    let [old, new] = [&old, &new].map(|all| all.iter().map(String::as_str).collect::<Vec<_>>());
    let gone = Move::new(&old, &new)?;
    let said = gone.compare("").await?;
    ensure!(
        said.out.contains(
            "- delete     4 connectors: lines-1, lines-2, lines-3, lines-4\n             declared absent\n             stays \
             behind:  (of lines-1; each has its own)\n               offsets  lines-1\n               topics   lines-1\n"
        ),
        "{said}"
    );
    let said = gone.compare("--output markdown").await?;
    assert_snapshot!(
        said.out.lines().last().unwrap_or_default(),
        @"| delete | 4 connectors: `lines-1`, `lines-2`, `lines-3`, `lines-4` | `declared absent`<br>stays behind: offsets `lines-1`, topics `lines-1`  (of lines-1; each has its own) |"
    );
    Ok(())
}
