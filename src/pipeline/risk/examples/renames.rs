//! Connectors that come under another name.

use crate::pipeline::risk::examples::example::{Example, FILE, JDBC_SINK, MYSQL, PG, example};

/// An example of each row about that.
pub const RENAMES: &[Example] = &[
    example("rename-new-slot-without-snapshot", PG, ["snapshot.mode=no_data", "slot.name=a", "slot.name=b"]),
    example("rename-without-snapshot", PG, ["snapshot.mode=no_data", "", ""]),
    example("rename-new-slot", PG, ["", "slot.name=a", "slot.name=b"]),
    example("rename-same-slot", PG, ["slot.name=a", "", ""]),
    example("rename-debezium", MYSQL, ["", "", ""]),
    example("rename-sink-same-group", JDBC_SINK, ["consumer.override.group.id=g", "", ""]),
    example("rename-sink", JDBC_SINK, ["", "", ""]),
    example("rename-sink", JDBC_SINK, ["", "", "consumer.override.group.id=g"]),
    example("rename-sink", JDBC_SINK, ["", "consumer.override.group.id=g", "consumer.override.group.id=h"]),
    example("rename-source", FILE, ["", "", ""]),
];
