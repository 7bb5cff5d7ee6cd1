//! Changes of what every connector has.

use crate::pipeline::risk::examples::example::{
    DEAD_LETTERS, ELASTIC, Example, FILE, FILTER, JDBC_SINK, MASKED, MASKS, MONGO, MONGO_SOURCE, PG,
    TOLERANT, example,
};

/// An example of each row about them.
pub const ROWS: &[Example] = &[
    example(
        "class-in-short",
        "",
        [
            "",
            "connector.class=io.debezium.connector.postgresql.PostgresConnector",
            "connector.class=PostgresConnector",
        ],
    ),
    example(
        "class-changed",
        "",
        [
            "",
            "connector.class=io.debezium.connector.postgresql.PostgresConnector slot.name=a",
            "connector.class=org.apache.kafka.connect.file.FileStreamSourceConnector",
        ],
    ),
    example("filter", PG, ["", "", FILTER]),
    example("filter", PG, [FILTER, "transforms.f.condition=a", "transforms.f.condition=b"]),
    example(
        "filter",
        PG,
        [
            "transforms=f transforms.f.type=Filter transforms.f.predicate=p",
            "predicates.p.pattern=a",
            "predicates.p.pattern=b",
        ],
    ),
    example(
        "router",
        PG,
        ["transforms=r transforms.r.type=RegexRouter", "transforms.r.regex=a", "transforms.r.regex=b"],
    ),
    example(
        "deletes-dropped-from-now",
        PG,
        ["transforms.u.delete.tombstone.handling.mode=drop", "", "transforms=u"],
    ),
    example(
        "deletes-dropped-from-now",
        JDBC_SINK,
        ["transforms.u.delete.handling.mode=drop", "", "transforms=u"],
    ),
    example(
        "transforms",
        PG,
        [
            "",
            "transforms.u.delete.handling.mode=rewrite",
            "transforms=u transforms.u.delete.handling.mode=drop",
        ],
    ),
    example(
        "transforms",
        PG,
        [
            "transforms.u.delete.handling.mode=drop transforms.v.delete.handling.mode=drop",
            "transforms=u",
            "transforms=v",
        ],
    ),
    // Until Debezium 3.1 each of these drops deletes by its default.
    example(
        "deletes-dropped-by-default",
        PG,
        [
            "transforms=u",
            "transforms.u.type=Flatten$Value",
            "transforms.u.type=io.debezium.transforms.ExtractNewRecordState",
        ],
    ),
    example(
        "deletes-dropped-by-default",
        JDBC_SINK,
        ["transforms.u.type=ExtractNewRecordState transforms.u.drop.tombstones=true", "", "transforms=u"],
    ),
    example(
        "deletes-dropped-by-default",
        MONGO,
        [
            "transforms.u.type=io.debezium.connector.mongodb.transforms.ExtractNewDocumentState transforms.r.type=RegexRouter",
            "transforms=r",
            "transforms=r,u",
        ],
    ),
    example(
        "transforms",
        PG,
        ["transforms.u.type=ExtractNewRecordState transforms.u.drop.tombstones=false", "", "transforms=u"],
    ),
    example(
        "transforms",
        PG,
        [
            "transforms.u.type=ExtractNewRecordState transforms.v.type=ExtractNewRecordState \
             transforms.v.delete.handling.mode=drop",
            "transforms=u",
            "transforms=v",
        ],
    ),
    example("filter", JDBC_SINK, ["transforms.p.type=com.acme.PatternFilter$Value", "", "transforms=p"]),
    example(
        "filter",
        PG,
        [
            "transforms=f transforms.f.type=io.aiven.kafka.connect.transforms.FilterByFieldValue$Value",
            "transforms.f.field.value=a",
            "transforms.f.field.value=b",
        ],
    ),
    example(
        "transforms",
        PG,
        ["transforms.s.type=io.debezium.transforms.SchemaChangeEventFilter", "", "transforms=s"],
    ),
    example(
        "sink-routed-elsewhere",
        ELASTIC,
        [
            "transforms=r transforms.r.type=org.apache.kafka.connect.transforms.RegexRouter",
            "transforms.r.replacement=$1",
            "transforms.r.replacement=$1_v2",
        ],
    ),
    example(
        "field-laid-open",
        ELASTIC,
        [
            "transforms.m.type=MaskField$Value transforms.m.fields=card transforms.r.type=RegexRouter",
            "transforms=m",
            "transforms=r",
        ],
    ),
    example("sink-routed-elsewhere", ELASTIC, ["transforms.r.type=RegexRouter", "", "transforms=r"]),
    example("sink-routed-elsewhere", ELASTIC, ["transforms.r.type=TimestampRouter", "transforms=r", ""]),
    example(
        "sink-routed-elsewhere",
        ELASTIC,
        ["transforms.t.type=com.acme.ExtractTopic$Key", "", "transforms=t"],
    ),
    example("filter", ELASTIC, ["transforms=r", "", "transforms.r.type=${env:CLASS}"]),
    example(
        "sink-routed-elsewhere",
        ELASTIC,
        [
            "transforms=r transforms.r.type=RegexRouter transforms.r.predicate=p",
            "predicates.p.pattern=a",
            "predicates.p.pattern=b",
        ],
    ),
    example(
        "sink-routed-elsewhere",
        ELASTIC,
        [
            "transforms.r.type=RegexRouter transforms.r.regex=a transforms.q.type=RegexRouter transforms.q.regex=b",
            "transforms=r,q",
            "transforms=q,r",
        ],
    ),
    example(
        "sink-routed-elsewhere",
        ELASTIC,
        ["transforms=u transforms.u.type=ExtractNewRecordState", "", "transforms.u.route.by.field=region"],
    ),
    example(
        "transforms",
        ELASTIC,
        [
            "transforms.r.type=RegexRouter transforms.r.regex=a transforms.s.type=RegexRouter transforms.s.regex=a",
            "transforms=r",
            "transforms=s",
        ],
    ),
    example(
        "transforms",
        ELASTIC,
        ["transforms.r.type=RegexRouter transforms.u.type=Unwrap", "transforms=r", "transforms=u,r"],
    ),
    example(
        "transforms",
        ELASTIC,
        [
            "transforms=u transforms.u.type=ExtractNewRecordState transforms.u.route.by.field=r",
            "",
            "transforms.u.add.fields=op",
        ],
    ),
    example("router", ELASTIC, ["transforms.r.type=RegexRouter", "", "transforms.r.regex=a"]),
    example("source-errors-dropped", MONGO_SOURCE, ["", "", "mongo.errors.tolerance=all"]),
    example("transforms", PG, ["transforms.u.type=Unwrap", "", "transforms=u"]),
    example("field-laid-open", PG, [MASKS, "transforms=m", ""]),
    example("field-laid-open", JDBC_SINK, [MASKS, "transforms=m", "transforms=other"]),
    example(
        "field-laid-open",
        PG,
        ["transforms=m", MASKS, "transforms.m.type=Cast$Value transforms.m.spec=a:int8"],
    ),
    example(
        "field-laid-open",
        PG,
        [
            "transforms=m transforms.m.type=MaskField$Value",
            "transforms.m.fields=card,name",
            "transforms.m.fields=name transforms.m.replacement=x",
        ],
    ),
    example(
        "field-laid-open",
        PG,
        [
            "transforms=m transforms.m.type=MaskField$Value",
            "transforms.m.fields=card",
            "transforms.m.fields=${env:F}",
        ],
    ),
    example(
        "field-laid-open",
        PG,
        [
            "transforms=d transforms.d.type=ReplaceField$Value",
            "transforms.d.exclude=a,card",
            "transforms.d.exclude=a",
        ],
    ),
    example(
        "field-laid-open",
        PG,
        [
            "transforms=d transforms.d.type=ReplaceField$Value",
            "transforms.d.blacklist=card",
            "transforms.d.exclude=a",
        ],
    ),
    example(
        "field-laid-open",
        PG,
        [
            "transforms=d transforms.d.type=ReplaceField$Value",
            "transforms.d.include=a",
            "transforms.d.include=a,card",
        ],
    ),
    example(
        "field-laid-open",
        PG,
        ["transforms=d transforms.d.type=ReplaceField$Value", "transforms.d.include=a", ""],
    ),
    example("field-laid-open", PG, [MASKED, "", "transforms.m.predicate=p"]),
    example("field-laid-open", PG, [MASKED, "transforms.m.predicate=p", "transforms.m.predicate=q"]),
    example(
        "field-laid-open",
        PG,
        [
            "transforms=m transforms.m.type=MaskField$Value transforms.m.fields=card transforms.m.predicate=p",
            "predicates.p.pattern=a",
            "predicates.p.pattern=b",
        ],
    ),
    example(
        "field-laid-open",
        PG,
        [
            "transforms=m transforms.m.fields=card",
            "transforms.m.type=MaskField$Value",
            "transforms.m.type=MaskField$Key",
        ],
    ),
    example("field-laid-open", PG, ["transforms.h.type=com.acme.HashFields", "transforms=h", ""]),
    example(
        "field-laid-open",
        PG,
        [
            "transforms=h transforms.h.type=com.acme.HashFields",
            "transforms.h.names=a",
            "transforms.h.names=b",
        ],
    ),
    example(
        "field-laid-open",
        PG,
        [
            "transforms.u.type=io.debezium.transforms.ExtractNewRecordState transforms.m.type=MaskField$Value transforms.m.fields=card",
            "transforms=u,m",
            "transforms=m",
        ],
    ),
    example(
        "field-laid-open",
        PG,
        [
            "transforms.u.type=io.debezium.transforms.ExtractNewRecordState transforms.m.type=MaskField$Value transforms.m.fields=card",
            "transforms=u,m",
            "transforms=m,u",
        ],
    ),
    example(
        "field-laid-open",
        PG,
        [
            "transforms.f.type=Filter transforms.m.type=MaskField$Value transforms.m.fields=card",
            "transforms=m",
            "transforms=f",
        ],
    ),
    example("transforms", PG, [MASKED, "", "transforms.m.replacement=x"]),
    example(
        "transforms",
        PG,
        [
            "transforms=m transforms.m.type=MaskField$Value",
            "transforms.m.fields=a",
            "transforms.m.fields=a,b",
        ],
    ),
    example(
        "transforms",
        PG,
        [
            "transforms.m.type=MaskField$Value transforms.m.fields=card transforms.n.type=MaskField$Value transforms.n.fields=a,card",
            "transforms=m",
            "transforms=n",
        ],
    ),
    example(
        "transforms",
        PG,
        [
            "transforms.m.type=MaskField$Value transforms.m.fields=card transforms.n.type=ReplaceField$Value transforms.n.exclude=card",
            "transforms=m",
            "transforms=n",
        ],
    ),
    example(
        "transforms",
        PG,
        [
            "transforms.m.type=MaskField$Value transforms.m.fields=card transforms.n.type=ReplaceField$Value transforms.n.include=a",
            "transforms=m",
            "transforms=n",
        ],
    ),
    example(
        "transforms",
        PG,
        [
            "transforms.m.type=MaskField$Value transforms.m.fields=card transforms.r.type=RegexRouter",
            "transforms=m",
            "transforms=r,m",
        ],
    ),
    example("transforms", PG, [MASKED, "transforms.m.predicate=p", ""]),
    example(
        "transforms",
        PG,
        [
            "transforms.m.type=MaskField$Value transforms.m.fields=${env:F} transforms.r.type=RegexRouter",
            "transforms=m",
            "transforms=m,r",
        ],
    ),
    example(
        "transforms",
        PG,
        [
            "transforms=d transforms.d.type=ReplaceField$Value",
            "transforms.d.blacklist=card",
            "transforms.d.exclude=card",
        ],
    ),
    example("transforms", FILE, [FILTER, "predicates.p.pattern=a", "predicates.p.pattern=b"]),
    example("converter-access", FILE, ["", "", "value.converter.basic.auth.user.info=a:b"]),
    example("converters", FILE, ["", "value.converter=A", "value.converter=B"]),
    example("errors-tolerated", PG, ["", "", "errors.tolerance=all"]),
    example("batch-size", PG, ["", "max.batch.size=1", "max.batch.size=2"]),
    example("batch-size", PG, ["", "tasks.max=1", "tasks.max=2"]),
    example("tuning", PG, ["", "", "poll.interval.ms=5"]),
    example("tuning", PG, [TOLERANT, DEAD_LETTERS, ""]),
    example("tuning", JDBC_SINK, ["", DEAD_LETTERS, ""]),
    example("topic-creation", FILE, ["", "", "topic.creation.default.partitions=3"]),
    example("offsets-topic-changed", FILE, ["", "", "offsets.storage.topic=mine"]),
    example(
        "kafka-same-cluster",
        JDBC_SINK,
        ["", "consumer.override.bootstrap.servers=a:1,b:1", "consumer.override.bootstrap.servers=c:1,b:1"],
    ),
    example("kafka-other-cluster", JDBC_SINK, ["", "", "consumer.override.bootstrap.servers=b:1"]),
    example(
        "kafka-other-cluster",
        PG,
        ["", "producer.override.bootstrap.servers=a:1", "producer.override.bootstrap.servers=b:1"],
    ),
];
