//! What `tagalong compare` tells beside changes: what stays behind of connectors that go, what is said and does
//! nothing, and what agents with a scope do not see.

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

#[tokio::test]
async fn a_suspend_whose_end_is_past_is_told_as_past_and_counts_for_nothing() -> Result<()> {
    let (orders, sales) = (lines("orders", ""), lines("sales", ""));
    let past = "suspend: {reason: OPS-1, until: '2020-01-01T00:00:00Z'}\n";
    let environment = format!("environment: production\n{past}");
    let over = Move::new(&[&orders, &sales], &[])?;
    over.write("new", &environment, &["connector: orders\nstate: absent\n", &lines("sales", past)])?;
    let said = over.compare("").await?;
    assert_eq!(said.code, Some(0), "nothing is held: {said}");
    assert_snapshot!(said.out, @r#"
    From         ./old
    To           ./new
    warning: the environment says suspend until 2020-01-01T00:00:00Z, which is past: nothing is suspended by that word. Take it away, or correct its end (in production)
    warning: sales: its definition says suspend until 2020-01-01T00:00:00Z, which is past: nothing is suspended by that word. Take it away, or correct its end (in production)

    production
    - delete     orders
                 declared absent
                 stays behind:
                   offsets  orders
                   topics   orders

    In 1 environment: 0 to create, 0 to change, 1 to delete.
    "#);
    let said = over.compare("--output markdown").await?;
    ensure!(said.out.contains("\n- warning: sales: its definition says suspend until "), "{said}");
    let told = over.told("").await?;
    assert_eq!(told["suspend"], json!({"changes": "no"}), "{told}");
    let warned = |at: usize| (&told["warnings"][at]["connector"], &told["warnings"][at]["warning"]);
    assert_eq!(
        [warned(0), warned(1)],
        [(&Value::Null, &"suspension-over".into()), (&"sales".into(), &"suspension-over".into())]
    );

    // That it is taken away lets nothing go that waited.
    over.write("old", &environment, &[&orders])?;
    over.write("new", "environment: production\n", &[&orders])?;
    let said = over.compare("").await?;
    ensure!(said.out.ends_with("\nNo changes. 1 environment would stay as they are.\n"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_forget_that_is_of_nobody_is_told_with_the_one_that_goes_and_is_called_almost_so() -> Result<()> {
    let (orders, sales) = (lines("orders", ""), lines("sales", ""));
    let slip = Move::new(&[&orders, &sales], &[&sales, "forget: Orders\n"])?;
    let said = slip.compare("--prune owned").await?;
    let warning = "warning: Orders: no connector of this name is here, so `forget` does nothing in this environment; \
        `orders`, whose file is gone, is called almost so and is not forgotten (in production)\n";
    ensure!(said.out.contains(warning) && said.out.contains("- delete     orders"), "{said}");
    let told = slip.told("--prune owned").await?;
    assert_eq!(told["warnings"][0]["warning"], "nothing-forgotten");

    let never = slip.compare("").await?;
    ensure!(!never.out.contains("warning:"), "nothing has to be given away there: {never}");
    slip.write("new", "environment: production\n", &[&orders, &sales, "forget: Orders\n"])?;
    let stays = slip.compare("--prune owned").await?;
    ensure!(!stays.out.contains("warning:"), "it is declared still: {stays}");
    Ok(())
}

#[tokio::test]
async fn what_is_outside_of_the_scope_of_the_agents_is_not_told() -> Result<()> {
    let old = [lines("team-a-stays", ""), lines("team-a-leaves", ""), lines("team-b-old", "")];
    let new = [
        lines("team-a-stays", "state: paused\n"),
        lines("team-b-leaves", ""),
        lines("team-b-old", "state: absent\n"),
        lines("team-a-scratch", ""),
    ];
    let of = Move::new(&old.each_ref().map(String::as_str), &new.each_ref().map(String::as_str))?;
    let kinds = async |options: &str| -> Result<Value> {
        let told = of.told(options).await?;
        let effects = told["connectors"].as_array().into_iter().flatten();
        Ok(effects.map(|one| json!([one["connector"], one["effect"]])).collect())
    };
    let all = kinds("").await?;
    assert_eq!(all.as_array().map(Vec::len), Some(5), "{all}");
    let scope = "--include team-a-* --exclude *-scratch";
    assert_eq!(
        kinds(scope).await?,
        json!([["team-a-leaves", "unmanage"], ["team-a-stays", "change"]]),
        "a new name that is outside is created by nobody"
    );
    let slip = of.compare("--include team-c-*").await?;
    ensure!(slip.code == Some(1) && slip.out.is_empty(), "{slip:?}");
    ensure!(slip.err.contains("no connector of either has a name like `team-c-*`"), "{slip:?}");
    let one_of_two = of.compare("--include team-a-* --include team-c-*").await?;
    ensure!(one_of_two.code == Some(1) && one_of_two.err.contains("`team-c-*`"), "{one_of_two:?}");
    let none = of.compare("--include team-a-* --exclude team-*").await?;
    ensure!(none.code == Some(1) && none.err.contains("--include and --exclude let in"), "{none:?}");
    Ok(())
}
