//! Every connector: what belongs to Connect itself.

use crate::model::risk::Harm;
use crate::pipeline::risk::beside;
use crate::pipeline::risk::family::Family;
use crate::pipeline::risk::hiding;
use crate::pipeline::risk::routed;
use crate::pipeline::risk::row::{BLANK, Row, Seen};
use crate::pipeline::risk::setting::KAFKA;
use crate::pipeline::risk::shown;
use crate::pipeline::risk::when::When;

const ROW: Row = BLANK;

/// The rows.
pub static ROWS: &[Row] = &[
    Row {
        id: "class-in-short",
        keys: &["connector.class"],
        when: When::Own(
            "both are names of one class, with or without its package and `Connector`",
            shown::same_class,
        ),
        consequence: "Only a restart.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "class-changed",
        keys: &["connector.class"],
        harm: Some(Harm::Outage),
        consequence: "Another connector runs under the same name, and what the old one did stands still. The old offsets survive: with the old class back nothing was lost, doubled or read anew.",
        remedy: Some("declare the other connector under a name of its own"),
        ..ROW
    },
    Row {
        id: "field-laid-open",
        keys: &["transforms", "transforms.*", "predicates.*"],
        when: When::Own(
            "a transform no longer masks, hashes or leaves out a field, nor does another one, or nobody can tell, as where \
             another transform in front of it does something else; what `ReplaceField` leaves out in a sink does not count",
            hiding::laid_open,
        ),
        harm: Some(Harm::Irreversible),
        consequence: "The values of that field stand as they are in the topics, or where a sink writes to, and cannot be taken back from there.",
        names: Some(hiding::shown_anew),
        remedy: Some("see that everybody who reads there may see them"),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "filter",
        keys: &["transforms", "transforms.*", "predicates.*"],
        when: When::Own(
            "a transform that filters comes into force, or what it lets through changes",
            shown::filters,
        ),
        harm: Some(Harm::DataGap),
        consequence: "What the filter keeps out is dropped, and the records beside it move the offsets on: it cannot be had by changing it back (301 rows were lost).",
        ..ROW
    },
    Row {
        id: "deletes-dropped-from-now",
        keys: &[
            "transforms",
            "transforms.*.type",
            "transforms.*.predicate",
            "transforms.*.negate",
            "predicates.*",
        ],
        when: When::Own(
            "a transform whose keys said already that deletes are dropped, and their tombstones too, comes into the list or is \
             bound to another predicate, and none in the list dropped those so far",
            beside::drops_deletes_from_now,
        ),
        harm: Some(Harm::DataGap),
        consequence: "A delete comes neither as a record nor as a tombstone, and the offsets move on: compacted topics and targets keep what is deleted, and it does not come again.",
        remedy: Some("set the mode to `rewrite-with-tombstone`, or leave the tombstones in"),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "deletes-dropped-by-default",
        keys: &[
            "transforms",
            "transforms.*.type",
            "transforms.*.predicate",
            "transforms.*.negate",
            "predicates.*",
        ],
        when: When::Own(
            "`ExtractNewRecordState` or `ExtractNewDocumentState` comes into the list or is bound to another predicate, no key \
             of its says what becomes of deletes, and none in the list dropped those so far",
            beside::drops_deletes_by_default,
        ),
        harm: Some(Harm::DataGap),
        consequence: "Where no key says what becomes of deletes, until Debezium 3.1 a delete comes neither as a record nor as a tombstone, and the offsets move on: compacted topics and targets keep what is deleted, and it does not come again. From 3.2 on a tombstone comes.",
        remedy: Some(
            "set `delete.tombstone.handling.mode` of the transform to `tombstone` or `rewrite-with-tombstone`; before Debezium 2.5, which does not have that key, set `drop.tombstones` to `false`",
        ),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "sink-routed-elsewhere",
        keys: &["transforms", "transforms.*", "predicates.*"],
        of: Family::Sinks,
        when: When::Own(
            "a transform that routes by its name or a field comes, goes or says something else",
            routed::otherwise,
        ),
        harm: Some(Harm::DataGap),
        consequence: "A sink that names an index, a table or a directory after the topic writes to another one from then on, which gets nothing of what the old one has.",
        remedy: Some(
            "for a sink that takes no name from the topic acknowledge it; another target is for a new connector, which begins at the start of its topics",
        ),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "router",
        keys: &[
            "transforms.*.regex",
            "transforms.*.replacement",
            "transforms.*.topic.regex",
            "transforms.*.topic.replacement",
            "transforms.*.route.by.field",
        ],
        when: When::Not(&When::Own("it is what a mask writes", hiding::is_of_mask)),
        harm: Some(Harm::Contract),
        consequence: "Records come in other topics from then on; those of the time in between stay where they are. Nothing is lost.",
        ..ROW
    },
    Row {
        id: "delete-handling",
        keys: &["transforms.*.delete.*", "transforms.*.drop.tombstones"],
        harm: Some(Harm::Contract),
        consequence: "Deletes come in another form, or no longer: compacted topics and sinks may keep deleted rows.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "transforms",
        keys: &["transforms", "transforms.*", "predicates", "predicates.*"],
        harm: Some(Harm::Contract),
        consequence: "Records have another form in the middle of a topic; those of the time in between stay as they are. One that fails at run time fails the task within 2 seconds, and nothing is lost; a class that is not there is refused with a 400.",
        ..ROW
    },
    Row {
        id: "converter-access",
        keys: &[
            "*.converter.*basic.auth.*",
            "*.converter.*ssl.*",
            "*.converter.*sasl.*",
            "*.converter.*bearer.*",
        ],
        consequence: "Only a restart, where the new access is good.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "converters",
        keys: &[
            "key.converter",
            "value.converter",
            "header.converter",
            "key.converter.*",
            "value.converter.*",
            "header.converter.*",
        ],
        harm: Some(Harm::Contract),
        consequence: "Records are written in another form in the middle of a topic; whoever reads it must know both. Nothing is lost. One that fails at run time fails the task within 2 seconds; a class that is not there is refused with a 400.",
        ..ROW
    },
    Row {
        id: "errors-tolerated",
        keys: &["errors.tolerance"],
        of: Family::Sources,
        when: When::To(&["all"]),
        harm: Some(Harm::Outage),
        consequence: "What a transform or a converter cannot take is dropped, RUNNING and without a warning in the log. Where all fails, the offsets stand still, and everything comes once it is changed back; where some of it does, that is gone.",
        remedy: Some("leave it at `none`, and set `errors.log.enable` to see what fails"),
        ..ROW
    },
    Row {
        id: "source-errors-dropped",
        keys: &["mongo.errors.tolerance"],
        of: Family::Sources,
        when: When::All(&[
            When::To(&["all"]),
            When::Not(&When::Has("mongo.errors.deadletterqueue.topic.name")),
            When::Not(&When::Has("errors.deadletterqueue.topic.name")),
        ]),
        harm: Some(Harm::DataGap),
        consequence: "What the source of MongoDB's makers cannot convert is dropped, and its position moves on: it cannot be had by changing it back.",
        remedy: Some("set `mongo.errors.deadletterqueue.topic.name` with it"),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "batch-size",
        keys: &["max.batch.size", "tasks.max"],
        consequence: "Only a restart of 1 to 2 seconds.",
        ..ROW
    },
    Row {
        id: "tuning",
        keys: &[
            "max.queue.size",
            "max.queue.size.in.bytes",
            "poll.interval.ms",
            "snapshot.fetch.size",
            "query.fetch.size",
            "errors.*",
            "retriable.*",
        ],
        consequence: "Only a restart.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "topic-creation",
        keys: &["topic.creation.*"],
        consequence: "It counts for topics that do not exist yet: the partitions and replicas of the others stay as they are.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "offsets-topic-changed",
        keys: &["offsets.storage.topic"],
        of: Family::Sources,
        harm: Some(Harm::Resnapshot),
        consequence: "The offsets are looked for in another topic: where they are not there, the connector begins anew, or goes on from old ones that the worker still has.",
        remedy: Some(
            "stop the connector, change the topic, write the offsets there (PATCH …/offsets), resume",
        ),
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "kafka-same-cluster",
        keys: KAFKA,
        when: When::Own("one of the brokers stays in the list", shown::shares_an_item),
        consequence: "The same Kafka: only a restart.",
        seen: Seen::Read,
        ..ROW
    },
    Row {
        id: "kafka-other-cluster",
        keys: KAFKA,
        harm: Some(Harm::DataGap),
        consequence: "The same Kafka in other words: only a restart. Another one: a source writes there from then on and does not bring what it wrote before; a sink reads there, where its group has no offsets, and what it had not read yet here is not delivered.",
        remedy: Some("for the same Kafka acknowledge it; another one is for a new connector"),
        seen: Seen::Read,
        ..ROW
    },
];
