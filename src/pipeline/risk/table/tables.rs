//! What is captured: lists of tables, schemas, databases and collections.

use crate::model::risk::Harm;
use crate::pipeline::risk::beside;
use crate::pipeline::risk::captured;
use crate::pipeline::risk::family::Family;
use crate::pipeline::risk::row::{BLANK, Row, Seen};
use crate::pipeline::risk::when::When;

const LISTS: &[&str] = &[
    "table.include.list",
    "table.exclude.list",
    "schema.include.list",
    "schema.exclude.list",
    "database.include.list",
    "database.exclude.list",
    "collection.include.list",
    "collection.exclude.list",
];

const INCLUDED: &[&str] =
    &["table.include.list", "schema.include.list", "database.include.list", "collection.include.list"];

const MODE: &str = "publication.autocreate.mode";

const ROW: Row = Row { keys: LISTS, of: Family::Postgres, ..BLANK };

const SIGNAL: Option<&str> = Some(
    "if its old rows are wanted, start an incremental snapshot of the new table by a signal right after the change: nothing was lost, some rows came twice. An empty table needs nothing",
);

const NOBODY_READS: Option<&str> =
    Some("see that nobody reads its topics any more; to have it again later takes an incremental snapshot");

const HISTORY_ANEW: Option<&str> = Some(
    "stop the connector, delete the history topic, resume with `snapshot.mode: recovery`, then start an incremental snapshot of the new table by a signal",
);

/// The rows.
pub static ROWS: &[Row] = &[
    Row {
        id: "schemas-of-the-same-tables",
        keys: &["schema.include.list"],
        when: When::Own(
            "each item of `table.include.list` is the name of a table in a schema that is in the list on both sides",
            beside::has_the_schema_of_each_table,
        ),
        consequence: "The same tables: the list of tables names each of them.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "captured-by-another-pattern",
        of: Family::Debezium,
        when: When::Own(
            "a pattern takes the place of another one, and no plain name goes",
            captured::by_other_patterns,
        ),
        harm: Some(Harm::DataGap),
        consequence: "Nobody can tell from the text of two patterns what they have in common. What the new one no longer takes is not delivered, and the rows that are written meanwhile are gone with the old one back. What it takes beside is streamed from then on, for all who read these topics, and what was there before is never read.",
        remedy: Some(
            "compare what both patterns match among the tables that are there; to add some, leave the old pattern in the list and add the new one",
        ),
        seen: Seen::Follows,
        ..ROW
    },
    Row {
        id: "filter-wrong-with-heartbeat",
        when: When::All(&[When::Less, When::Beats]),
        harm: Some(Harm::DataGap),
        consequence: "What the list no longer has is no longer delivered, and the heartbeat moves the offsets on: with the old list back the rows in between are gone (289 were lost).",
        remedy: NOBODY_READS,
        ..ROW
    },
    Row {
        id: "captures-nothing",
        when: When::All(&[When::Nothing, When::Not(&When::Beats)]),
        harm: Some(Harm::Outage),
        consequence: "Nothing of the old list is delivered any more, and nothing says so. Where the new list matches nothing that is written to, the offsets stand still, and with the old list back everything comes. Where it does, they move on, and the rows in between are gone.",
        remedy: Some("keep the old tables in the list, or make a new connector for the new ones"),
        ..ROW
    },
    Row {
        id: "schema-excluded",
        keys: &["schema.exclude.list", "database.exclude.list"],
        when: When::All(&[When::Less, When::Not(&When::Beats)]),
        harm: Some(Harm::Outage),
        consequence: "What is excluded is no longer delivered, and nothing says so. Where nothing else is written to, the offsets stand still, and with the old list back everything comes. Where other tables are, the rows in between are gone.",
        remedy: NOBODY_READS,
        ..ROW
    },
    Row {
        id: "table-removed",
        when: When::Less,
        harm: Some(Harm::DataGap),
        consequence: "What the list no longer has is no longer delivered, and the tables beside it move the offsets on: with the old list back the rows in between are gone (302 and 307 were lost). Its topics stay.",
        remedy: NOBODY_READS,
        ..ROW
    },
    Row {
        id: "table-added-leaving-filtered",
        when: When::All(&[
            When::More,
            When::Said(MODE, &["filtered"]),
            When::Not(&When::Says(MODE, &["filtered"])),
        ]),
        harm: Some(Harm::DataGap),
        consequence: "The publication holds the tables that it was filtered to and is no longer altered: rows of the new table never arrive, and nothing says so.",
        remedy: Some(
            "add the table first, under `filtered`, and change the mode with a later change; or add the table to the publication by hand at least 8 seconds earlier",
        ),
        ..ROW
    },
    Row {
        id: "table-added-unpublished",
        when: When::All(&[When::More, When::Says(MODE, &["disabled", "no_tables"])]),
        harm: Some(Harm::DataGap),
        consequence: "The connector does not alter the publication: rows of the new table never arrive, and nothing says so. Where somebody has added the table to it, its old rows are never read.",
        remedy: Some(
            "add the table to the publication by hand at least 8 seconds earlier, then start an incremental snapshot of it by a signal",
        ),
        ..ROW
    },
    Row {
        id: "captures-everything",
        keys: INCLUDED,
        of: Family::Debezium,
        when: When::Emptied,
        harm: Some(Harm::Irreversible),
        consequence: "Without the list everything is captured that no other list leaves out. What was not meant to be read by others stands in topics from then on and cannot be taken back from there; what was there before is never read.",
        remedy: Some("name in the list what is to be captured"),
        seen: Seen::Follows,
        ..ROW
    },
    Row {
        id: "table-added-filtered",
        when: When::All(&[When::More, When::Says(MODE, &["filtered"])]),
        harm: Some(Harm::DataGap),
        consequence: "The publication gets the new table at the start, and its rows are streamed from then on: its old rows are never read, and those of about the first 0.6 seconds are lost.",
        remedy: SIGNAL,
        ..ROW
    },
    Row {
        id: "table-added",
        when: When::More,
        harm: Some(Harm::DataGap),
        consequence: "Rows of the new table are streamed from then on; its old rows are never read.",
        remedy: SIGNAL,
        ..ROW
    },
    Row {
        id: "database-added-without-schema",
        keys: &["database.include.list", "database.exclude.list"],
        of: Family::Binlog,
        when: When::All(&[
            When::More,
            When::Says("schema.history.internal.store.only.captured.databases.ddl", &["true"]),
        ]),
        harm: Some(Harm::DataGap),
        consequence: "By default the history holds only the databases that are captured. The schema of the new one is not in it: the task fails at its first row, and its old rows are never read.",
        remedy: HISTORY_ANEW,
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "table-added-without-schema",
        of: Family::Historized,
        when: When::All(&[
            When::More,
            When::Says("schema.history.internal.store.only.captured.tables.ddl", &["true"]),
        ]),
        harm: Some(Harm::DataGap),
        consequence: "The schema of the new table is not in the history: the task fails at its first row, and its old rows are never read.",
        remedy: HISTORY_ANEW,
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "captured-less",
        of: Family::Debezium,
        when: When::Less,
        harm: Some(Harm::DataGap),
        consequence: "What the list no longer has is no longer delivered, and the position moves on: with the old list back what was written in between is gone. Its topics stay.",
        remedy: NOBODY_READS,
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "captured-more",
        of: Family::Debezium,
        when: When::More,
        harm: Some(Harm::DataGap),
        consequence: "What is new in the list is streamed from then on; what was there before is never read.",
        remedy: SIGNAL,
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "captured-alike",
        of: Family::Debezium,
        consequence: "The same tables in other words.",
        seen: Seen::Follows,
        ..ROW
    },
];
