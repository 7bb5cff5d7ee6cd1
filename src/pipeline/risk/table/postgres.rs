//! Debezium for PostgreSQL: the slot, the publication and the snapshot.
//!
//! Almost every row was measured: about ten rows a second went into each of two tables before, during and after the change,
//! and each was looked for in the topics.

use crate::model::risk::Harm;
use crate::pipeline::risk::answer::Answer;
use crate::pipeline::risk::family::Family;
use crate::pipeline::risk::row::{BLANK, On, Row, Seen};
use crate::pipeline::risk::side::Said;
use crate::pipeline::risk::turn::Turn;
use crate::pipeline::risk::when::When;
use crate::pipeline::server;

const ROW: Row = Row { of: Family::Postgres, ..BLANK };

const MODE: &str = "publication.autocreate.mode";

const MESSAGES: &[&str] = &["message.prefix.include.list", "message.prefix.exclude.list"];

const COPY_SLOT: Option<&str> = Some(
    "make the new slot as a copy of the old one, `SELECT pg_copy_logical_replication_slot('OLD', 'NEW')`, before the change, and drop the old one by hand afterwards: nothing was lost, doubled or read anew",
);

const PUBLICATION_FIRST: Option<&str> = Some(
    "make the new publication with all of its tables at least 8 seconds before the change (right before it is a race): nothing was lost, doubled or read anew",
);

/// The rows.
pub static ROWS: &[Row] = &[
    Row {
        id: "slot-trusted",
        keys: &["slot.name"],
        when: When::Says("offset.mismatch.strategy", &["trust_slot", "trust_greater_lsn"]),
        harm: Some(Harm::DataGap),
        consequence: "The connector takes the new slot's position for the truth and skips what lies between its offset and the slot, without a word (37 rows were lost). It goes on RUNNING.",
        remedy: COPY_SLOT,
        ..ROW
    },
    Row {
        id: "slot-when-needed",
        keys: &["slot.name"],
        when: When::Says("snapshot.mode", &["when_needed"]),
        harm: Some(Harm::Resnapshot),
        consequence: "A new slot is made, and every table is read and delivered again. The old slot stays, and the database keeps its log for it until somebody drops it.",
        remedy: COPY_SLOT,
        ..ROW
    },
    Row {
        id: "slot-renamed",
        keys: &["slot.name"],
        harm: Some(Harm::Outage),
        consequence: "The task fails within 3 seconds: the offset \"is no longer available on the server\", and no slot is made. Nothing is delivered until the old name is back, and then nothing is lost. The usual repairs do lose rows: `no_data` with deleted offsets lost 343.",
        remedy: COPY_SLOT,
        ..ROW
    },
    Row {
        id: "publication-filtered",
        keys: &["publication.name"],
        when: When::Says(MODE, &["filtered"]),
        harm: Some(Harm::DataGap),
        consequence: "One start fails, then the connector runs on with a publication that is newer than its offset: what was written in between is skipped without a word (7 to 13 rows were lost in each of 6 runs).",
        remedy: PUBLICATION_FIRST,
        ..ROW
    },
    Row {
        id: "publication-disabled",
        keys: &["publication.name"],
        when: When::Says(MODE, &["disabled"]),
        harm: Some(Harm::DataGap),
        consequence: "It depends on what is there. A table that the new publication does not have is no longer delivered, without a warning (306 rows were lost). A publication that does not exist fails the task, and one that was only just made may leave it in a loop of tries while it says RUNNING; both lose nothing.",
        remedy: PUBLICATION_FIRST,
        ..ROW
    },
    Row {
        id: "publication-renamed",
        keys: &["publication.name"],
        harm: Some(Harm::Outage),
        consequence: "The connector says RUNNING for ever and delivers nothing: at the position of its slot the new publication does not exist yet, and it tries again every 10 seconds. With the old name back everything comes, nothing is lost; the new publication stays behind.",
        remedy: PUBLICATION_FIRST,
        ..ROW
    },
    Row {
        id: "publication-mode-refused",
        keys: &[MODE],
        when: When::All(&[When::To(&["filtered"]), When::From(&["all_tables"])]),
        harm: Some(Harm::Outage),
        consequence: "The task fails at its start: a publication for all tables \"can not be altered\". Nothing is lost, and with `all_tables` back everything comes.",
        remedy: Some(
            "make a publication of another name with just these tables at least 8 seconds earlier, and change name and mode together",
        ),
        ..ROW
    },
    Row {
        id: "publication-mode-takes-over",
        keys: &[MODE],
        when: When::To(&["filtered"]),
        harm: Some(Harm::DataGap),
        consequence: "At its start the connector sets the publication to its own tables (`ALTER PUBLICATION … SET TABLE`). Whoever else reads from that publication silently loses the others: a second connector with another list robbed the first one of 298 rows.",
        remedy: Some("give each connector a publication of its own"),
        seen: Seen::Follows,
        ..ROW
    },
    Row {
        id: "publication-mode-kept",
        keys: &[MODE],
        consequence: "Only a restart: a publication that exists is not changed by `disabled`, `no_tables` or `all_tables`.",
        ..ROW
    },
    Row {
        id: "plugin-changed",
        keys: &["plugin.name"],
        harm: Some(Harm::Outage),
        consequence: "The slot is bound to the plugin that it was made with: the task fails, with a misleading text about offsets that are no longer available. Nothing is lost, and with the old plugin back everything comes. Without the key the plugin is `decoderbufs`.",
        ..ROW
    },
    Row {
        id: "slot-drop-set",
        keys: &["slot.drop.on.stop"],
        when: When::To(&["true"]),
        harm: Some(Harm::Irreversible),
        consequence: "This change alone does nothing; the next restart, change of config or stop drops the slot. No new one is made, whatever Debezium says in its warning: the task fails, and what is written from then on cannot be had any more.",
        remedy: Some("leave it out, and drop the slot by hand once the connector is gone for good"),
        ..ROW
    },
    Row {
        id: "slot-dropped",
        keys: &["slot.drop.on.stop"],
        on: On::Restart,
        when: When::Said("slot.drop.on.stop", &["true"]),
        harm: Some(Harm::Irreversible),
        consequence: "`slot.drop.on.stop` is in force: any change of the config stops the task, which drops the slot. No new one is made: the task fails, and what is written from then on cannot be had any more.",
        ..ROW
    },
    Row {
        id: "offset-mismatch-trusts-slot",
        keys: &["offset.mismatch.strategy"],
        when: When::To(&["trust_slot", "trust_greater_lsn"]),
        harm: Some(Harm::DataGap),
        consequence: "Whenever the slot is ahead of the connector's offset, what lies between the two is skipped without a word, where the connector would else fail. With another slot 37 rows were lost.",
        remedy: Some("leave it as it is, and see why the two differ"),
        seen: Seen::Follows,
        ..ROW
    },
    Row {
        id: "lsn-not-flushed",
        keys: &["flush.lsn.source"],
        when: When::To(&["false"]),
        harm: Some(Harm::Outage),
        consequence: "Rows go on coming, but the connector no longer tells the database how far it is: the slot stands still, and the database keeps its log until the disk is full or the slot is given up.",
        remedy: Some("something else must then advance the slot"),
        ..ROW
    },
    Row {
        id: "lsn-flush-manual",
        keys: &["lsn.flush.mode"],
        when: When::To(&["manual"]),
        harm: Some(Harm::Outage),
        consequence: "As `flush.lsn.source: false`: rows go on coming, but the slot stands still, and the database keeps its log until the disk is full or the slot is given up.",
        remedy: Some("something else must then advance the slot"),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "replica-identity-set",
        keys: &["replica.identity.autoset.values"],
        when: When::Less,
        harm: Some(Harm::Irreversible),
        consequence: "At its start the connector alters the replica identity of these tables in the database. Changing the config back leaves them as they are then: a table stayed FULL.",
        remedy: Some("alter the tables by hand, when the database's owners know of it"),
        ..ROW
    },
    Row {
        id: "replica-identity-left",
        keys: &["replica.identity.autoset.values"],
        consequence: "The tables stay as they are in the database.",
        ..ROW
    },
    Row {
        id: "messages-left-out",
        keys: MESSAGES,
        when: When::Less,
        harm: Some(Harm::DataGap),
        consequence: "Messages that programs write into the database's log by `pg_logical_emit_message`, and whose prefix this list leaves out, are no longer delivered, and the position moves on: they cannot be had by changing it back. A list of those that are included leaves out all others.",
        remedy: Some("see that nobody waits for these messages any more"),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "messages-taken-in",
        keys: MESSAGES,
        harm: Some(Harm::Contract),
        consequence: "Messages whose prefix this list left out are delivered from then on, unless the other list leaves them out.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "partition-root",
        keys: &["publish.via.partition.root"],
        harm: Some(Harm::Contract),
        consequence: "Rows of partitions come under the name of the whole table, or no longer do: in other topics. It only counts for a publication that the connector makes anew.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "heartbeat-query",
        keys: &["heartbeat.action.query"],
        when: When::Not(&When::Removed),
        harm: Some(Harm::Outage),
        consequence: "Where the statement fails, as on a table that is not there or not allowed, the connector says RUNNING for ever and tries again every 10 seconds; rows come in bursts between the tries, if at all. Nothing is lost once the statement is put right.",
        remedy: Some("run the statement once by hand as the connector's user"),
        ..ROW
    },
    Row {
        id: "heartbeat-query-removed",
        keys: &["heartbeat.action.query"],
        consequence: "Only a restart; on a quiet database the slot then advances by other writes alone.",
        seen: Seen::Follows,
        ..ROW
    },
    Row {
        id: "heartbeat-off",
        keys: &["heartbeat.interval.ms"],
        when: When::To(&["0"]),
        harm: Some(Harm::Contract),
        consequence: "The heartbeat's topic gets no more records. While the captured tables are quiet the slot does not advance, and the database keeps its log; a connector that stands still can no longer be told from one that has nothing to do.",
        seen: Seen::Follows,
        ..ROW
    },
    Row {
        id: "heartbeat-set",
        keys: &["heartbeat.interval.ms"],
        consequence: "Only a restart, and a topic of its own, `__debezium-heartbeat.` and the prefix, which stays. From then on the offsets advance also while a filter is wrong: what it kept out cannot be had by changing it back.",
        ..ROW
    },
    Row {
        id: "user-changed",
        keys: &["database.user"],
        harm: Some(Harm::Outage),
        consequence: "A user who may log in and do all that the old one could: only a restart. One without REPLICATION passes Connect's check, and then the connector says RUNNING for ever and delivers nothing; one who may not read a table, or does not own the publication, fails at the next snapshot or new table. Nothing is lost once it is put right.",
        remedy: Some(
            "see that the new user has LOGIN, REPLICATION and SELECT on each table, and owns the publication unless its mode is `disabled`",
        ),
        ..ROW
    },
    Row {
        id: "password-rotated",
        keys: &["database.password"],
        consequence: "Only a restart. A wrong password is refused with a 400, and the old config runs on; but where the old one counts no longer, the next restart finds the connector in a loop of tries.",
        ..ROW
    },
    Row {
        id: "retries-off",
        keys: &["errors.max.retries"],
        when: When::To(&["0"]),
        harm: Some(Harm::Outage),
        consequence: "The next connection that breaks fails the task within 2 seconds, where it would else heal by itself: a database that was away for 27 seconds was not even noticed. A restart goes on where it stood.",
        remedy: Some("leave it at -1, or let failed tasks be restarted"),
        ..ROW
    },
    Row {
        id: "host-alias",
        keys: &["database.hostname"],
        when: When::Own(
            "both are names of the same machine (`localhost`, `127.0.0.1`; case; a dot at the end)",
            same_host,
        ),
        consequence: "Only a restart.",
        ..ROW
    },
    Row {
        id: "server-changed",
        keys: &["database.hostname", "database.port"],
        harm: Some(Harm::DataGap),
        consequence: "The same server under another name: only a restart. Another server without that slot: the task fails, nothing is lost. Another server that has a slot of that name: the connector goes on there from a position that means nothing to it, RUNNING; of 116 new rows none came.",
        remedy: Some(
            "for the same server acknowledge it; another one is for a new connector, with a name, a prefix and a slot of its own",
        ),
        ..ROW
    },
    Row {
        id: "database-changed",
        keys: &["database.dbname"],
        harm: Some(Harm::Irreversible),
        consequence: "Where the other database has no such slot the task fails, and nothing is lost. Where slot and publication exist there, its rows come in the same topics: 99 foreign rows came, 346 own ones were lost, and nothing says so. Foreign rows cannot be taken back out of a topic.",
        remedy: Some("make a new connector, with a name, a prefix and a slot of its own"),
        ..ROW
    },
    Row {
        id: "snapshot-always",
        keys: &["snapshot.mode"],
        when: When::To(&["always"]),
        harm: Some(Harm::Resnapshot),
        consequence: "Every table is read and delivered again now, and at every later restart of the task or change of the config.",
        remedy: Some("an incremental snapshot of the tables that are to be read again, by a signal"),
        ..ROW
    },
    Row {
        id: "snapshot-always-again",
        keys: &["snapshot.mode"],
        on: On::Restart,
        when: When::Says("snapshot.mode", &["always"]),
        harm: Some(Harm::Resnapshot),
        consequence: "`snapshot.mode` is `always`: any change of the config restarts the task, which reads and delivers every table again.",
        remedy: Some("set `snapshot.mode` to `initial` with the same change"),
        ..ROW
    },
    Row {
        id: "snapshot-only",
        keys: &["snapshot.mode"],
        when: When::To(&["initial_only"]),
        harm: Some(Harm::Outage),
        consequence: "Nothing is streamed any more, and the connector says RUNNING. The slot stands still, so that with the old mode back everything comes.",
        ..ROW
    },
    Row {
        id: "snapshot-never",
        keys: &["snapshot.mode"],
        when: When::To(&["never"]),
        consequence: "Refused with a 400 since Debezium 3.3, and the old config runs on; before, the same as `no_data`.",
        ..ROW
    },
    Row {
        id: "snapshot-latent",
        keys: &["snapshot.mode"],
        when: When::To(&["initial", "no_data", "when_needed"]),
        consequence: "Only a restart: the mode counts where offsets or slot are missing. It then decides whether rows are lost (`no_data`) or read again (`when_needed`).",
        ..ROW
    },
    Row {
        id: "prefix-new-slot-without-snapshot",
        keys: &["topic.prefix"],
        when: When::All(&[NO_DATA, When::Also("slot.name")]),
        harm: Some(Harm::DataGap),
        consequence: "Under the new prefix there are no offsets and no tables are read; the new slot begins at that moment. What is written between the last offset and then is never delivered.",
        remedy: MOVE_OFFSETS,
        seen: Seen::Follows,
        ..ROW
    },
    Row {
        id: "prefix-without-snapshot",
        keys: &["topic.prefix"],
        when: NO_DATA,
        harm: Some(Harm::Contract),
        consequence: "All rows come in other topics from then on, under other schema names. Nothing is lost, and at most the row at the seam comes twice.",
        remedy: MOVE_OFFSETS,
        ..ROW
    },
    Row {
        id: "prefix-changed",
        keys: &["topic.prefix"],
        harm: Some(Harm::Irreversible),
        consequence: "Under the new prefix there are no offsets: every table is read anew and delivered into new topics. The slot moves on, so that the old prefix fails afterwards: its offset \"is no longer available on the server\".",
        remedy: MOVE_OFFSETS,
        ..ROW
    },
];

const NO_DATA: When = When::Says("snapshot.mode", &["no_data", "never"]);

const MOVE_OFFSETS: Option<&str> = Some(
    "stop the connector, write its offsets anew under the new prefix (PATCH …/offsets with `{\"server\": \"NEW\"}`), change the config, resume: nothing was lost, doubled or read anew",
);

/// Other names of one machine cannot be told from another machine without asking; these can.
fn same_host(turn: &Turn<'_>, key: &str) -> Answer {
    match (turn.before(key), turn.after(key)) {
        (Said::Text(before), Said::Text(after)) => (server::host(&before) == server::host(&after)).into(),
        (Said::Unknown, _) | (_, Said::Unknown) => Answer::Unknown,
        (Said::Nothing, _) | (_, Said::Nothing) => Answer::No,
    }
}
