//! Every source of Debezium: what its topics look like, and what stands still without a word.
//!
//! Measured with PostgreSQL, where the row says measured.

use crate::model::risk::Harm;
use crate::pipeline::risk::family::Family;
use crate::pipeline::risk::row::{BLANK, On, Row, Seen};
use crate::pipeline::risk::shown;
use crate::pipeline::risk::when::When;

const ROW: Row = Row { of: Family::Debezium, ..BLANK };

/// The rows.
pub static ROWS: &[Row] = &[
    Row {
        id: "prefix-moved",
        keys: &["topic.prefix"],
        harm: Some(Harm::Irreversible),
        consequence: "All rows come in other topics, under other schema names, and the offsets are not found: everything is read anew, or, where `snapshot.mode` reads no data, there is a gap. A history of the schema does not fit any more, and the start may fail for it.",
        remedy: Some(
            "make a new connector with the new prefix beside the old one, and delete the old one once nobody reads its topics",
        ),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "address-changed",
        keys: &["database.hostname", "database.port", "database.url", "database.instance"],
        harm: Some(Harm::DataGap),
        consequence: "The same server under another name: only a restart. Another server behind the same offsets: the connector fails, or goes on from a position that means nothing there, with a gap or with foreign rows.",
        remedy: Some(
            "for the same server acknowledge it; another one is for a new connector, with a name and a prefix of its own",
        ),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "database-moved",
        keys: &["database.dbname", "database.pdb.name"],
        harm: Some(Harm::Irreversible),
        consequence: "Another database behind the same offsets: the connector fails, or foreign rows come in the same topics, and nothing says so.",
        remedy: Some("make a new connector, with a name and a prefix of its own"),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "snapshot-each-start",
        keys: &["snapshot.mode"],
        when: When::To(&["always"]),
        harm: Some(Harm::Resnapshot),
        consequence: "Everything is read and delivered again now, and at every later restart of the task or change of the config.",
        remedy: Some("an incremental snapshot of what is to be read again, by a signal"),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "snapshot-each-start-again",
        keys: &["snapshot.mode"],
        on: On::Restart,
        when: When::Says("snapshot.mode", &["always"]),
        harm: Some(Harm::Resnapshot),
        consequence: "`snapshot.mode` is `always`: any change of the config restarts the task, which reads and delivers everything again.",
        remedy: Some("set `snapshot.mode` to `initial` with the same change"),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "snapshot-then-nothing",
        keys: &["snapshot.mode"],
        when: When::To(&["initial_only"]),
        harm: Some(Harm::Outage),
        consequence: "Nothing is streamed any more, and the connector says RUNNING.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "snapshot-recovery",
        keys: &["snapshot.mode"],
        of: Family::Historized,
        when: When::To(&["recovery", "schema_only_recovery"]),
        harm: Some(Harm::Irreversible),
        consequence: "The history of the schema is made anew from the tables as they are now. Where one was altered since the connector's position, what lies in between is read with the wrong schema, and wrong values come.",
        remedy: Some(
            "only where no table was altered since the connector last read; then set the mode back with the next change",
        ),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "snapshot-in-reserve",
        keys: &["snapshot.mode"],
        when: When::To(&["initial", "no_data", "schema_only", "when_needed", "when_needed_no_data", "never"]),
        consequence: "Only a restart: the mode counts where the offsets are missing or no longer good.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "snapshot-own",
        keys: &["snapshot.mode"],
        harm: Some(Harm::Resnapshot),
        consequence: "What this mode does at the next start is decided by other keys, or by code of one's own: at worst everything is read and delivered again.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "snapshot-configured",
        keys: &["snapshot.mode.configuration.based.*", "snapshot.mode.custom.name"],
        when: When::Says("snapshot.mode", &["configuration_based", "custom"]),
        harm: Some(Harm::Resnapshot),
        consequence: "It decides what is read at the next start: at worst everything is read and delivered again.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "failures-skipped",
        keys: &[
            "event.processing.failure.handling.mode",
            "event.deserialization.failure.handling.mode",
            "inconsistent.schema.handling.mode",
        ],
        when: When::Not(&When::To(&["fail"])),
        harm: Some(Harm::DataGap),
        consequence: "What the connector cannot process is passed over, and the position moves on.",
        remedy: Some("leave it at `fail`: the task then stops there, and nothing is lost"),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "operations-skipped",
        keys: &["skipped.operations"],
        when: When::Own("an operation is skipped that was not, `t` apart", shown::skips),
        harm: Some(Harm::DataGap),
        consequence: "Records of that operation are no longer delivered, and other operations or a heartbeat move the offsets on: 299 and 290 were lost. Only where nothing else is written and no heartbeat is configured do they come once it is changed back.",
        ..ROW
    },
    Row {
        id: "operations-otherwise",
        keys: &["skipped.operations"],
        harm: Some(Harm::Contract),
        consequence: "Operations that were skipped are delivered from then on, or TRUNCATE no longer is.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "column-laid-open",
        keys: &["column.exclude.list", "column.mask.*", "column.truncate.to.*", "field.exclude.list"],
        when: When::Own(
            "a column is no longer left out, masked, hashed or cut off as short, nor is it by another key",
            shown::laid_open,
        ),
        harm: Some(Harm::Irreversible),
        consequence: "The values of that column stand in the topics as they are, or more of them does, and cannot be taken back from there.",
        names: Some(shown::laid_open_by_name),
        remedy: Some("see that everybody who reads these topics may see it"),
        seen: Seen::Follows,
        ..ROW
    },
    Row {
        id: "columns-no-longer-chosen",
        keys: &["column.include.list"],
        when: When::Emptied,
        harm: Some(Harm::Irreversible),
        consequence: "The values of all columns stand in the topics, and cannot be taken back from there.",
        remedy: Some("see that everybody who reads these topics may see all of them"),
        seen: Seen::Follows,
        ..ROW
    },
    Row {
        id: "column-chosen",
        keys: &["column.include.list"],
        when: When::Own(
            "it takes a column, or a pattern, that it did not, and no other key leaves that out or masks it",
            shown::chosen_anew,
        ),
        harm: Some(Harm::Irreversible),
        consequence: "The values of that column stand in the topics as they are, and cannot be taken back from there.",
        names: Some(shown::chosen_by_name),
        remedy: Some("see that everybody who reads these topics may see it"),
        seen: Seen::Follows,
        ..ROW
    },
    Row {
        id: "columns",
        keys: &["column.*"],
        harm: Some(Harm::Contract),
        consequence: "Values or schemas change in the middle of a topic. Nothing is lost; what was written in between stays as it was written.",
        ..ROW
    },
    Row {
        id: "fields",
        keys: &["field.exclude.list", "field.renames"],
        of: Family::Mongo,
        harm: Some(Harm::Contract),
        consequence: "Fields go, or have other names, in the middle of a topic. What was written in between stays as it was written.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "message-keys",
        keys: &["message.key.columns"],
        harm: Some(Harm::Contract),
        consequence: "The keys change in the middle of a topic: rows come in other partitions, compaction and sinks that upsert see other rows. Nothing is lost. A column that does not exist is passed over without a warning.",
        remedy: Some("let the sinks stand still meanwhile, or write to new topics"),
        ..ROW
    },
    Row {
        id: "tombstones",
        keys: &["tombstones.on.delete"],
        harm: Some(Harm::Contract),
        consequence: "Without tombstones compacted topics and sinks keep deleted rows; those of the time in between are not sent later.",
        ..ROW
    },
    Row {
        id: "value-forms",
        keys: &[
            "decimal.handling.mode",
            "time.precision.mode",
            "binary.handling.mode",
            "hstore.handling.mode",
            "interval.handling.mode",
            "schema.name.adjustment.mode",
            "field.name.adjustment.mode",
            "include.unknown.datatypes",
            "unavailable.value.placeholder",
            "converters",
        ],
        harm: Some(Harm::Contract),
        consequence: "Values or schemas change in the middle of a topic: a schema registry may refuse them, and who reads them must know both. Nothing is lost; what was written in between stays as it was written.",
        ..ROW
    },
    Row {
        id: "topic-names",
        keys: &["topic.naming.strategy", "topic.delimiter", "topic.transaction", "topic.heartbeat.prefix"],
        harm: Some(Harm::Contract),
        consequence: "Records come in other topics from then on; those of the time in between stay where they are.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "more-records",
        keys: &["provide.transaction.metadata", "include.schema.changes"],
        harm: Some(Harm::Contract),
        consequence: "Fields in every record, or a topic beside the others, come or go.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "errors-tolerated-with-heartbeat",
        keys: &["errors.tolerance"],
        when: When::All(&[When::To(&["all"]), When::Beats]),
        harm: Some(Harm::DataGap),
        consequence: "What a transform or a converter cannot take is dropped, without a warning in the log, and the heartbeat moves the offsets on: it cannot be had by changing it back.",
        remedy: Some("leave it at `none`, and set `errors.log.enable` to see what fails"),
        seen: Seen::Follows,
        ..ROW
    },
];
