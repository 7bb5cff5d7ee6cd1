//! Configs that run, and do harm later.
//!
//! Each was seen to do it; the rule's section in the reference says where.

use crate::model::rule::Rule;
use crate::pipeline::classes::{self, POSTGRES, SINGLE_TASK, SQL_SERVER};
use crate::pipeline::lints::seen::{Breach, Seen};

/// A key of some of Debezium's classes and the values of it that do harm.
struct Trap {
    rule: Rule,
    /// None: all of Debezium's sources.
    classes: Option<&'static [&'static str]>,
    key: &'static str,
    words: &'static [&'static str],
    says: &'static str,
}

const TRAPS: &[Trap] = &[
    Trap {
        rule: Rule::SlotDropOnStop,
        classes: Some(POSTGRES),
        key: "slot.drop.on.stop",
        words: &["true"],
        says: "the replication slot is dropped whenever the task stops",
    },
    Trap {
        rule: Rule::SnapshotAlways,
        classes: None,
        key: "snapshot.mode",
        words: &["always"],
        says: "all tables are read again whenever the task starts",
    },
    Trap {
        rule: Rule::OffsetSkipped,
        classes: Some(POSTGRES),
        key: "offset.mismatch.strategy",
        words: &["trust_slot", "trust_greater_lsn"],
        says: "what lies between the offset and the slot is skipped",
    },
    Trap {
        rule: Rule::DdlSkipped,
        classes: None,
        key: "schema.history.internal.skip.unparseable.ddl",
        words: &["true"],
        says: "a statement that cannot be read is skipped, and the schema is wrong from there on",
    },
];

/// Values that do harm.
pub fn values(seen: &Seen<'_>) -> Vec<Breach> {
    let sprung = |trap: &&Trap| {
        trap.classes.map_or_else(|| seen.is_debezium(), |classes| seen.is(classes))
            && seen.says(trap.key, trap.words)
    };
    TRAPS.iter().filter(sprung).map(|trap| seen.breach(trap.rule, trap.key, trap.says)).collect()
}

/// More tasks than the connector can have.
pub fn single_task(seen: &Seen<'_>) -> Vec<Breach> {
    let one = seen.is(SINGLE_TASK) || (seen.is(SQL_SERVER) && !seen.has("database.names"));
    let number = seen.literal("tasks.max").and_then(|text| text.trim().parse::<i32>().ok());
    match number {
        Some(number) if one && number > 1 => {
            let message = format!("this connector has one task, and `tasks.max` is {number}");
            vec![seen.breach(Rule::SingleTask, "tasks.max", message)]
        }
        Some(_) | None => Vec::new(),
    }
}

/// A slot that only moves while the captured tables do.
pub fn heartbeat(seen: &Seen<'_>) -> Vec<Breach> {
    const KEY: &str = "heartbeat.interval.ms";
    // One that ends after its snapshot has no stream to keep alive.
    if !seen.is(POSTGRES) || seen.says("snapshot.mode", &["initial_only"]) {
        return Vec::new();
    }
    let is_off = seen.literal(KEY).is_some_and(|text| text.trim().parse() == Ok(0));
    match (seen.has(KEY), is_off) {
        (true, false) => Vec::new(),
        (true, true) => {
            vec![seen.breach(Rule::HeartbeatMissing, KEY, "`heartbeat.interval.ms` is 0: no heartbeat")]
        }
        (false, _) => vec![seen.breach(Rule::HeartbeatMissing, KEY, "`heartbeat.interval.ms` is not set")],
    }
}

/// Records that are let go.
pub fn tolerance(seen: &Seen<'_>) -> Vec<Breach> {
    const KEY: &str = "errors.tolerance";
    const QUEUE: &str = "errors.deadletterqueue.topic.name";
    const LOG: &str = "errors.log.enable";
    if !seen.says(KEY, &["all"]) {
        return Vec::new();
    }
    let is_logged = seen.has(LOG) && !seen.says(LOG, &["false"]);
    if classes::is_sink(seen.class) && !seen.has(QUEUE) {
        let message = "records that the sink cannot take are dropped: there is no dead letter queue";
        vec![seen.breach(Rule::DeadLettersMissing, KEY, message)]
    } else if classes::is_source(seen.class) && !is_logged {
        let message =
            "records that a transform or a converter cannot take are dropped, and nothing is logged";
        vec![seen.breach(Rule::RecordsDropped, KEY, message)]
    } else {
        Vec::new()
    }
}
