//! The changes that are tried on a connector that streams, with the rows of the table that hold them.
//!
//! Plain values, in groups by what the connector is like before. That no row of PostgreSQL's that loses rows, reads anew or
//! cannot be undone is left out is told by a test of its own; trying them is left to the stories.

/// Keys with what they are to say; a key without a value is taken away.
pub type Keys = [(&'static str, Option<&'static str>)];

/// A change, and the rows of the table for which it is to be held.
pub struct Change {
    /// What it is, in words.
    pub what: &'static str,
    /// The keys that it changes.
    pub keys: &'static Keys,
    /// The rows, each of them and no other.
    pub rows: &'static [&'static str],
}

const fn change(what: &'static str, keys: &'static Keys, rows: &'static [&'static str]) -> Change {
    Change { what, keys, rows }
}

/// A connector as it is before, and what is tried on it.
pub struct Group {
    /// Over what every connector of these stories has.
    pub base: &'static Keys,
    /// One after the other, each taken back before the next.
    pub changes: &'static [Change],
}

/// Another slot.
pub const SLOT: Change = change("another slot", &[("slot.name", Some("another"))], &["slot-renamed"]);

/// A handful, of each kind one.
pub const HANDFUL: Group = Group {
    base: &[],
    changes: &[
        SLOT,
        change("another prefix", &[("topic.prefix", Some("another"))], &["prefix-changed"]),
        change(
            "a list that shrinks",
            &[("table.include.list", Some("public.a"))],
            &["filter-wrong-with-heartbeat"],
        ),
        change(
            "another class",
            &[
                ("connector.class", Some("FileStreamSource")),
                ("topic", Some("held")),
                ("file", Some("/dev/null")),
            ],
            &["class-changed"],
        ),
    ],
};

/// What is tried under `filtered`, with a heartbeat.
pub const FILTERED: Group = Group {
    base: &[],
    changes: &[
        change("another publication", &[("publication.name", Some("another"))], &["publication-filtered"]),
        change(
            "another slot that is read from where it stands",
            &[("slot.name", Some("another")), ("offset.mismatch.strategy", Some("trust_slot"))],
            &["slot-trusted", "offset-mismatch-trusts-slot"],
        ),
        change(
            "another slot, and everything once more",
            &[("slot.name", Some("another")), ("snapshot.mode", Some("when_needed"))],
            &["slot-when-needed"],
        ),
        change("a snapshot at each start", &[("snapshot.mode", Some("always"))], &["snapshot-always"]),
        change("a slot that goes with its task", &[("slot.drop.on.stop", Some("true"))], &["slot-drop-set"]),
        change("another database", &[("database.dbname", Some("postgres"))], &["database-changed"]),
        change("another server", &[("database.port", Some("1"))], &["server-changed"]),
        change(
            "tables that the database's owner did not expect to be altered",
            &[("replica.identity.autoset.values", Some("public.a:FULL"))],
            &["replica-identity-set"],
        ),
        change(
            "a table that is left out",
            &[("table.include.list", None), ("table.exclude.list", Some("public.b"))],
            &["captures-everything", "filter-wrong-with-heartbeat"],
        ),
        change(
            "tables that match nothing",
            &[("table.include.list", Some("public.none"))],
            &["filter-wrong-with-heartbeat"],
        ),
        change(
            "one table more",
            &[("table.include.list", Some("public.a,public.b,public.halt"))],
            &["table-added-filtered"],
        ),
        change(
            "one table more, and a publication that is no longer altered",
            &[
                ("table.include.list", Some("public.a,public.b,public.halt")),
                ("publication.autocreate.mode", Some("all_tables")),
            ],
            &["table-added-leaving-filtered"],
        ),
        change(
            "rows that a filter drops",
            &[
                ("transforms", Some("drop")),
                ("transforms.drop.type", Some("org.apache.kafka.connect.transforms.Filter")),
                ("transforms.drop.predicate", Some("ofB")),
                ("predicates", Some("ofB")),
                (
                    "predicates.ofB.type",
                    Some("org.apache.kafka.connect.transforms.predicates.TopicNameMatches"),
                ),
                ("predicates.ofB.pattern", Some(".*b")),
            ],
            &["filter"],
        ),
        change("operations that are left out", &[("skipped.operations", Some("c"))], &["operations-skipped"]),
        change(
            "messages that are left out",
            &[("message.prefix.exclude.list", Some("audit"))],
            &["messages-left-out"],
        ),
        change("only a snapshot", &[("snapshot.mode", Some("initial_only"))], &["snapshot-only"]),
    ],
};

/// What is tried where the publication is of all tables.
pub const ALL_TABLES: Group = Group {
    base: &[("publication.autocreate.mode", Some("all_tables"))],
    changes: &[
        change("another publication", &[("publication.name", Some("another"))], &["publication-renamed"]),
        change(
            "a publication of some tables",
            &[("publication.autocreate.mode", Some("filtered"))],
            &["publication-mode-refused"],
        ),
        change(
            "one table more",
            &[("table.include.list", Some("public.a,public.b,public.halt"))],
            &["table-added"],
        ),
    ],
};

/// What is tried where the publication is somebody else's, and no snapshot is taken.
pub const DISABLED: Group = Group {
    base: &[("publication.autocreate.mode", Some("disabled")), ("snapshot.mode", Some("no_data"))],
    changes: &[
        change("another publication", &[("publication.name", Some("another"))], &["publication-disabled"]),
        change(
            "a publication that it sets to its own tables",
            &[("publication.autocreate.mode", Some("filtered"))],
            &["publication-mode-takes-over"],
        ),
        change(
            "one table more",
            &[("table.include.list", Some("public.a,public.b,public.halt"))],
            &["table-added-unpublished"],
        ),
        change(
            "another prefix with a slot of its own",
            &[("topic.prefix", Some("another")), ("slot.name", Some("another"))],
            &["prefix-new-slot-without-snapshot", "slot-renamed"],
        ),
    ],
};

/// What is tried where each start does harm, and there is no heartbeat.
pub const EACH_START: Group = Group {
    base: &[
        ("heartbeat.interval.ms", None),
        ("slot.drop.on.stop", Some("true")),
        ("snapshot.mode", Some("always")),
    ],
    changes: &[
        change(
            "a word of tuning",
            &[("max.batch.size", Some("1024"))],
            &["slot-dropped", "snapshot-always-again"],
        ),
        change(
            "a list that shrinks",
            &[("table.include.list", Some("public.a"))],
            &["slot-dropped", "snapshot-always-again", "table-removed"],
        ),
    ],
};

/// A connector that would come beside the first one.
pub struct Beside {
    /// Its name.
    pub name: &'static str,
    /// Over what every connector of these stories has.
    pub keys: &'static Keys,
    /// Whether the first one goes with the same commit.
    pub gone: bool,
    /// The key that somebody would have to answer for.
    pub key: &'static str,
    /// The row of the table; none for what has to do with two.
    pub row: Option<&'static str>,
}

const OTHER_SLOT: (&str, Option<&str>) = ("slot.name", Some("held_second"));

/// What is tried beside a connector of the name `held-first`.
pub const BESIDE: &[Beside] = &[
    Beside {
        name: "held-first-same-slot",
        keys: &[("slot.name", Some("held_first"))],
        gone: false,
        key: "shared-slot",
        row: None,
    },
    Beside {
        name: "held-first-robs",
        keys: &[
            OTHER_SLOT,
            ("publication.name", Some("held_first")),
            ("table.include.list", Some("public.b")),
        ],
        gone: false,
        key: "shared-publication",
        row: None,
    },
    Beside {
        name: "held-first-same-prefix",
        keys: &[OTHER_SLOT, ("topic.prefix", Some("held-first"))],
        gone: false,
        key: "shared-topic-prefix",
        row: None,
    },
    Beside {
        name: "held-first-renamed",
        keys: &[("topic.prefix", Some("held-first")), ("slot.name", Some("held_first"))],
        gone: true,
        key: "name",
        row: Some("rename-same-slot"),
    },
    Beside {
        name: "held-first-with-a-slot",
        keys: &[("topic.prefix", Some("held-first")), OTHER_SLOT],
        gone: true,
        key: "name",
        row: Some("rename-new-slot"),
    },
    Beside {
        name: "held-first-without-a-snapshot",
        keys: &[("topic.prefix", Some("held-first")), OTHER_SLOT, ("snapshot.mode", Some("no_data"))],
        gone: true,
        key: "name",
        row: Some("rename-new-slot-without-snapshot"),
    },
];

/// The rows that are tried by any of these.
pub fn tried() -> impl Iterator<Item = &'static str> {
    let groups = [HANDFUL, FILTERED, ALL_TABLES, DISABLED, EACH_START].into_iter();
    let changes = groups.flat_map(|group| group.changes);
    changes.flat_map(|change| change.rows).copied().chain(BESIDE.iter().filter_map(|beside| beside.row))
}
