//! Changes of what stands in front of a mask, and of what a mask is called.

use crate::pipeline::risk::examples::example::{Example, JDBC_SINK, MASKS, PG, example};

/// What Debezium's usual transform and a mask behind it say.
const UNWRAPPED: &str = "transforms=u,m transforms.u.type=io.debezium.transforms.ExtractNewRecordState \
                         transforms.m.type=MaskField$Value transforms.m.fields=card";
/// A transform that gives fields other names, and a mask behind it.
const RENAMED: &str = "transforms=r,m transforms.r.type=ReplaceField$Value transforms.m.type=MaskField$Value \
                       transforms.m.fields=card";
/// One that may depend on a predicate, and a mask behind it.
const WHERE: &str = "transforms=r,m transforms.r.type=ReplaceField$Value transforms.r.renames=a:b \
                     transforms.r.predicate=p transforms.m.type=MaskField$Value transforms.m.fields=card";
/// One that makes one level of many, and a mask behind it.
const FLAT: &str = "transforms=f,m transforms.f.type=Flatten$Value transforms.m.type=MaskField$Value \
                    transforms.m.fields=after_card";
/// One that writes fields to headers too, and a mask behind it.
const HEADERS: &str = "transforms=h,m transforms.h.type=io.debezium.transforms.HeaderFrom$Value \
                       transforms.h.operation=copy transforms.m.type=MaskField$Value transforms.m.fields=card";
/// A mask that depends on the topic, one that may send records to another one, and Debezium's usual transform.
const BOUND: &str = "transforms.m.type=MaskField$Value transforms.m.fields=card transforms.m.predicate=p \
                     predicates.p.type=TopicNameMatches predicates.p.pattern=shop.* transforms.r.type=RegexRouter \
                     transforms.r.regex=shop.(.*) transforms.u.type=io.debezium.transforms.ExtractNewRecordState";
/// The same mask, on whatever record.
const FREE: &str = "transforms.m.type=MaskField$Value transforms.m.fields=card transforms.r.type=RegexRouter \
                    transforms.r.regex=shop.(.*)";
/// A mask under two names, and one that gives fields other names.
const TWICE: &str = "transforms.m.type=MaskField$Value transforms.m.fields=card transforms.pii.type=MaskField$Value \
                     transforms.pii.fields=card transforms.r.type=ReplaceField$Value transforms.r.renames=card:no";
/// One that leaves out a field of a record's value.
const LEFT_OUT: &str = "transforms=d transforms.d.type=ReplaceField$Value";

/// Those that lay open, and those that only look like it.
pub const ROWS: &[Example] = &[
    example("field-laid-open", PG, [RENAMED, "transforms.r.renames=a:b", "transforms.r.renames=a:b,card:no"]),
    example("field-laid-open", PG, [BOUND, "transforms=m", "transforms=r,m"]),
    example("field-laid-open", PG, [BOUND, "transforms=m,r", "transforms=r,m"]),
    example(
        "field-laid-open",
        PG,
        [
            BOUND,
            "transforms=r,m transforms.r.replacement=shop.$1",
            "transforms=r,m transforms.r.replacement=$1",
        ],
    ),
    example("field-laid-open", PG, [BOUND, "transforms=u,m", "transforms=u,m transforms.u.route.by.field=a"]),
    example("transforms", PG, [BOUND, "transforms=m", "transforms=m,r"]),
    example("transforms", PG, [FREE, "transforms=m", "transforms=r,m"]),
    example("field-laid-open", PG, [RENAMED, "", "transforms.r.renames=card:no"]),
    example(
        "field-laid-open",
        PG,
        [RENAMED, "transforms.r.renames=no:card", "transforms.r.renames=${env:R}"],
    ),
    example("field-laid-open", PG, [WHERE, "predicates.p.pattern=a", "predicates.p.pattern=b"]),
    example("field-laid-open", PG, [FLAT, "transforms.f.delimiter=_", "transforms.f.delimiter=."]),
    example("field-laid-open", PG, [HEADERS, "transforms.h.fields=a", "transforms.h.fields=a,card"]),
    example("field-laid-open", PG, [UNWRAPPED, "", "transforms.u.predicate=p"]),
    example("field-laid-open", PG, [UNWRAPPED, "", "transforms.u.add.fields=op,before.card"]),
    example("field-laid-open", PG, [UNWRAPPED, "", "transforms.u.add.headers=after"]),
    example(
        "field-laid-open",
        PG,
        [
            "transforms=u,m transforms.m.type=MaskField$Value transforms.m.fields=card",
            "transforms.u.type=io.debezium.transforms.ExtractNewRecordState",
            "transforms.u.type=InsertField$Value",
        ],
    ),
    example("field-laid-open", PG, [TWICE, "transforms=m", "transforms=r,pii"]),
    example("field-laid-open", JDBC_SINK, [UNWRAPPED, "", "transforms.u.type=Flatten$Value"]),
    example("transforms", PG, [TWICE, "transforms=r,m", "transforms=r,pii"]),
    example("transforms", PG, [UNWRAPPED, "", "transforms.u.add.fields=op,source.ts_ms"]),
    example("delete-handling", PG, [UNWRAPPED, "", "transforms.u.delete.tombstone.handling.mode=rewrite"]),
    example("router", PG, [UNWRAPPED, "", "transforms.u.route.by.field=region"]),
    example("transforms", PG, [RENAMED, "transforms.r.exclude=a", "transforms.r.exclude=a,b"]),
    example(
        "transforms",
        PG,
        [
            "transforms.m.type=MaskField$Value transforms.m.fields=card \
             transforms.t.type=io.debezium.transforms.tracing.ActivateTracingSpan",
            "transforms=m",
            "transforms=t,m",
        ],
    ),
    example(
        "transforms",
        PG,
        [
            "transforms.m.type=MaskField$Value transforms.m.fields=card",
            "transforms=u,m transforms.u.type=io.debezium.transforms.ExtractNewRecordState transforms.u.add.fields=op",
            "transforms=unwrap,m transforms.unwrap.type=ExtractNewRecordState",
        ],
    ),
    example("transforms", JDBC_SINK, [LEFT_OUT, "transforms.d.exclude=a,card", "transforms.d.exclude=a"]),
    example("transforms", JDBC_SINK, [LEFT_OUT, "transforms.d.include=a", "transforms.d.include=a,card"]),
    example("field-laid-open", JDBC_SINK, [MASKS, "transforms=m", ""]),
    example("field-laid-open", PG, [LEFT_OUT, "transforms.d.exclude=card", "transforms.d.blacklist=card"]),
    example("field-laid-open", PG, [LEFT_OUT, "transforms.d.include=a", "transforms.d.whitelist=a"]),
    example("transforms", PG, [LEFT_OUT, "transforms.d.whitelist=a", "transforms.d.include=a"]),
    example("transforms", PG, [LEFT_OUT, "transforms.d.blacklist=a", "transforms.d.blacklist=a,b"]),
];
