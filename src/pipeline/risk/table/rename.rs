//! What it does to bring a connector under another name: Connect keeps offsets by the connector's name.

use crate::model::risk::Harm;
use crate::pipeline::risk::family::Family;
use crate::pipeline::risk::group;
use crate::pipeline::risk::row::{BLANK, Row, Seen};
use crate::pipeline::risk::when::When;

/// The key of these rows, which is in no config.
pub const NAME: &str = "name";

/// What these rows speak of themselves: which connector it is, and with what it begins.
pub const TOLD: &[&str] =
    &["slot.name", "topic.prefix", "database.hostname", "database.port", "snapshot.mode", group::KEY];

const ROW: Row = Row { keys: &[NAME], of: Family::Postgres, ..BLANK };

const MOVE_OFFSETS: Option<&str> = Some(
    "stop the old connector, make the new one with `initial_state` STOPPED, write the old one's offsets to the new one (PATCH …/offsets), delete the old one, resume the new one: nothing is lost, doubled or read anew",
);

const NO_DATA: When = When::Says("snapshot.mode", &["no_data", "never"]);

/// The rows.
pub static ROWS: &[Row] = &[
    Row {
        id: "rename-new-slot-without-snapshot",
        when: When::All(&[NO_DATA, When::Also("slot.name")]),
        harm: Some(Harm::DataGap),
        consequence: "The new connector makes a slot that begins at that moment and reads no tables: what is written between the last offset of the old one and then is never delivered (36 rows were lost). The old slot stays, and the database keeps its log for it.",
        remedy: MOVE_OFFSETS,
        ..ROW
    },
    Row {
        id: "rename-without-snapshot",
        when: NO_DATA,
        harm: Some(Harm::Contract),
        consequence: "The new connector goes on where the slot stands: nothing is lost, and at most the row at the seam comes twice. Its offsets have another key.",
        ..ROW
    },
    Row {
        id: "rename-new-slot",
        when: When::Also("slot.name"),
        harm: Some(Harm::Resnapshot),
        consequence: "The new connector knows no offsets, reads every table anew and delivers all of it again; what is written meanwhile comes twice. The old slot stays, and the database keeps its log for it.",
        remedy: MOVE_OFFSETS,
        ..ROW
    },
    Row {
        id: "rename-same-slot",
        harm: Some(Harm::Irreversible),
        consequence: "The new connector knows no offsets, reads every table anew and delivers all of it again. The slot moves on under the new name, so that going back to the old one fails: its offsets are no longer available on the server.",
        remedy: MOVE_OFFSETS,
        ..ROW
    },
    Row {
        id: "rename-debezium",
        of: Family::Debezium,
        harm: Some(Harm::Resnapshot),
        consequence: "The new connector knows no offsets: it reads everything anew and delivers it again, or, where its `snapshot.mode` reads no data, begins at that moment and leaves a gap.",
        remedy: MOVE_OFFSETS,
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "rename-sink-same-group",
        of: Family::Sinks,
        when: When::All(&[When::Has(group::KEY), When::Not(&When::Also(group::KEY))]),
        harm: Some(Harm::Contract),
        consequence: "The consumer group is named in the config and goes on where it stands.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "rename-sink",
        of: Family::Sinks,
        harm: Some(Harm::Resnapshot),
        consequence: "The consumer group of a sink is `connect-` and the connector's name: the new one begins at the start of its topics and delivers everything again. The old group stays.",
        remedy: Some(
            "stop the old connector, give the new group the offsets of the old one while both are stopped, resume the new one",
        ),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "rename-source",
        of: Family::Sources,
        harm: Some(Harm::Resnapshot),
        consequence: "The new connector knows no offsets and begins anew: most sources then read and deliver everything again.",
        remedy: MOVE_OFFSETS,
        seen: Seen::Read,
        ..ROW
    },
];
