//! Connectors that come under another name, each with what looks like one and is none.

use std::collections::BTreeSet;

use crate::model::desired::DesiredState;
use crate::model::live::RunState;
use crate::model::plan::StepKind;
use crate::model::risk::Harm;
use crate::model::select::Select;
use crate::pipeline::risk::Danger;
use crate::pipeline::scene::own::NAME;
use crate::pipeline::scene::tests::{CLASS, MYSQL, POSTGRES, Pairs, Stage, name, with};
use crate::pipeline::scene::{Met, Scene};

const JDBC: Pairs<'_> = &[
    (CLASS, "io.confluent.connect.jdbc.JdbcSourceConnector"),
    ("connection.url", "jdbc:postgresql://db/shop"),
    ("topic.prefix", "shop"),
];

pub const SINK: Pairs<'_> = &[
    (CLASS, "io.confluent.connect.jdbc.JdbcSinkConnector"),
    ("topics", "shop.public.orders"),
    ("connection.url", "jdbc:postgresql://reports/shop"),
    ("connection.password", "hunter2"),
];

const UNWRAP: &str = "io.debezium.transforms.ExtractNewRecordState";

/// The old one of a rename, with what else it says.
pub fn old(other: Pairs<'_>) -> Stage {
    Stage::new().lives("orders", with(POSTGRES, other))
}

#[test]
fn a_rename_is_told_as_what_it_does() {
    let no_data = ("snapshot.mode", "no_data");
    let new_slot = ("slot.name", "shop_2");
    for (new, goes, harm, told) in [
        (&[][..], true, Harm::Irreversible, "no longer available on the server"),
        (&[no_data], true, Harm::Irreversible, "going back to the old one fails"),
        (&[new_slot], true, Harm::Resnapshot, "The old slot stays"),
        (&[new_slot, no_data], true, Harm::DataGap, "never delivered"),
        (&[], false, Harm::Irreversible, "for as long as the old one runs"),
        (&[no_data], false, Harm::Outage, "for as long as the old one runs"),
        (&[new_slot], false, Harm::Resnapshot, "292 of 300"),
        (&[new_slot, no_data], false, Harm::DataGap, "292 of 300"),
    ] {
        let stage = old(&[]).wants("sales", with(POSTGRES, new));
        let stage = if goes { stage.without("orders") } else { stage };
        let found = stage.dangers("sales", StepKind::Create);
        let [danger] = found.as_slice() else { panic!("{new:?} {goes}: {found:?}") };
        assert_eq!((&*danger.key, danger.harm), (NAME, harm), "{new:?} {goes}: {danger:?}");
        assert!(danger.consequence.starts_with("This is `orders` under another name"), "{danger:?}");
        assert!(danger.consequence.contains(told), "{new:?} {goes}: {danger:?}");
    }
}

#[test]
fn sinks_and_other_sources_that_come_under_another_name_begin_anew() {
    let tuned = [
        ("tasks.max", "4"),
        ("batch.size", "9"),
        ("connection.password", "hunter3"),
        ("errors.retry.timeout", "9"),
    ];
    for (base, row, told) in
        [(SINK, "rename-sink", "The consumer group of a sink"), (JDBC, "rename-source", "knows no offsets")]
    {
        let stage = Stage::new().lives("orders", with(base, &[])).wants("sales", with(base, &tuned));
        for (stage, goes) in [(stage.clone().without("orders"), true), (stage, false)] {
            let found = stage.dangers("sales", StepKind::Create);
            let [danger] = found.as_slice() else { panic!("{row} {goes}: {found:?}") };
            assert_eq!((&*danger.key, danger.row, danger.harm), (NAME, row, Harm::Resnapshot));
            assert!(danger.consequence.contains(told), "{danger:?}");
            assert_eq!(danger.consequence.contains("Both do the same work"), !goes, "{danger:?}");
            assert!(!format!("{danger:?}").contains("hunter"), "{danger:?}");
            assert_eq!(stage.rows("orders", StepKind::Delete)[0].1, "renamed-away");
        }
    }
    let group = [("consumer.override.group.id", "reports")];
    let named =
        Stage::new().lives("orders", with(SINK, &group)).without("orders").wants("sales", with(SINK, &group));
    assert_eq!(named.rows("sales", StepKind::Create)[0].1, "rename-sink-same-group");
    assert_eq!(named.rows("orders", StepKind::Delete), [], "nothing is held for it");
    let stays = Stage::new().lives("orders", with(SINK, &group)).wants("sales", with(SINK, &group));
    let dangers = stays.dangers("sales", StepKind::Create);
    let [danger] = dangers.as_slice() else { panic!("{dangers:?}") };
    assert_eq!((danger.row, danger.harm.is_held()), ("rename-sink-same-group", false), "{danger:?}");
    assert!(danger.consequence.contains("share what comes"), "{danger:?}");
}

#[test]
fn what_only_looks_like_a_rename_is_none() {
    let wants = |other: Pairs<'_>| old(&[]).wants("sales", with(POSTGRES, other));
    let slot = ("slot.name", "other");
    let elsewhere = [("database.dbname", "stock"), slot, ("topic.prefix", "stock")];
    let other_topics = [("topic.prefix", "sales"), slot];
    let other_class = [(CLASS, "com.example.PostgresConnector"), slot];
    let mut misses = vec![
        wants(&[("database.hostname", "db2"), slot]),
        wants(&[("database.port", "5433"), slot]),
        wants(&elsewhere),
        wants(&other_topics),
        wants(&other_class),
        Stage::new()
            .lives("orders", with(MYSQL, &[]))
            .wants("sales", with(POSTGRES, &[("topic.prefix", "my")])),
        // Others may well have one prefix for many, and one topic in many places.
        Stage::new().lives("orders", with(JDBC, &[])).wants("sales", with(JDBC, &[("table.whitelist", "b")])),
        Stage::new().lives("orders", with(SINK, &[])).wants("sales", with(SINK, &[("topics", "b")])),
        Stage::new().lives("orders", with(SINK, &[])).wants("sales", with(SINK, &[("connection.url", "b")])),
        Stage::new()
            .lives("orders", with(SINK, &[]))
            .wants("sales", with(SINK, &[(CLASS, "com.example.XSink")])),
        Stage::new()
            .lives("orders", with(SINK, &[]))
            .wants("orders", with(SINK, &[]))
            .wants("sales", with(SINK, &[])),
        Stage::new().lives("orders", with(&SINK[..1], &[])).wants("sales", with(&SINK[..1], &[])),
        // It is stopped for good.
        old(&[]).wants_as("sales", DesiredState::Stopped, with(POSTGRES, &[])),
    ];
    let mut outside = wants(&[]);
    outside.select = Select { include: vec!["sales".into()], exclude: vec![] };
    misses.push(outside);
    for (at, miss) in misses.iter().enumerate() {
        let rows = miss.rows("sales", StepKind::Create);
        assert!(rows.iter().all(|(key, ..)| key != NAME), "{at}: {rows:?}");
    }
    let hit = wants(&[(CLASS, "PostgresConnector"), ("database.port", "5432"), ("database.hostname", "DB.")]);
    assert_eq!(hit.rows("sales", StepKind::Create).len(), 1, "the same in other words");
}

/// Where the old one goes, the new one is most likely meant to go on for it.
fn is_held_where_the_old_one_goes(stage: Stage, says: Pairs<'_>) {
    let stage = stage.without("orders");
    let danger = stage.dangers("sales", StepKind::Create).swap_remove(0);
    assert_eq!((&*danger.key, danger.harm), (NAME, Harm::Resnapshot), "{says:?}: {danger:?}");
    let has_transforms = says.iter().any(|(key, _)| *key == "transforms");
    let part = if has_transforms { "transforms" } else { "brokers" };
    let beside = format!("Its {part} differ, which may send records elsewhere.");
    assert!(danger.consequence.contains(&beside), "{says:?}: {danger:?}");
    assert_eq!(stage.rows("orders", StepKind::Delete)[0].1, "renamed-away", "{says:?}");
}

#[test]
fn one_whose_records_go_elsewhere_or_come_from_elsewhere_is_another_one() {
    let stage = |base: Pairs<'_>, was: Pairs<'_>, will: Pairs<'_>| {
        Stage::new().lives("orders", with(base, was)).wants("sales", with(base, will))
    };
    let is_rename = |stage: &Stage| stage.rows("sales", StepKind::Create).iter().any(|(key, ..)| key == NAME);
    let routed = [("transforms", "r"), ("transforms.r.type", "RegexRouter"), ("transforms.r.regex", "a")];
    let by = |class| [("transforms", "r"), ("transforms.r.type", class)];
    let by_field = [&by(UNWRAP)[..], &[("transforms.r.route.by.field", "region")]].concat();
    let traced = by("io.debezium.transforms.tracing.ActivateTracingSpan");
    let kafka = ("consumer.override.bootstrap.servers", "b:9092,c:9092");
    let when = [("transforms.r.predicate", "p"), ("predicates", "p")];
    let only = |pattern| [&routed[..], &when, &[("predicates.p.pattern", pattern)]].concat();
    for base in [SINK, JDBC] {
        for (was, will) in [
            (&[][..], &routed[..]),
            (&routed, &[]),
            (&routed, &[routed[0], routed[1], ("transforms.r.regex", "b")]),
            (&only("a"), &only("b")),
            (&[], &by("org.apache.kafka.connect.transforms.TimestampRouter")),
            (&[], &by("io.debezium.transforms.ByLogicalTableRouter")),
            (&[], &by("io.debezium.transforms.outbox.EventRouter")),
            (&[], &by("io.confluent.connect.transforms.ExtractTopic$Value")),
            (&[], &by("org.apache.kafka.connect.transforms.Filter")),
            (&[], &by("com.example.Whatever")),
            (&by(UNWRAP), &by_field),
            (&by_field, &[by_field[0], by_field[1], ("transforms.r.route.by.field", "shop")]),
            (&[], &[("transforms", "${env:ROUTES}")]),
            (&[], &[kafka]),
            (&[kafka], &[]),
            (&[kafka], &[("consumer.override.bootstrap.servers", "d:9092")]),
            (&[], &[("producer.override.bootstrap.servers", "b:9092")]),
        ] {
            let stage = stage(base, was, will);
            assert!(!is_rename(&stage), "{was:?} {will:?}");
            assert_eq!(stage.rows("orders", StepKind::Delete), [], "{was:?} {will:?}");
            is_held_where_the_old_one_goes(stage, &[was, will].concat());
        }
        let named = [
            ("transforms", "u,other"),
            ("transforms.u.type", UNWRAP),
            ("transforms.other.type", "org.apache.kafka.connect.transforms.RegexRouter"),
            ("transforms.other.regex", "a"),
        ];
        for (was, will) in [
            (&[][..], &by("org.apache.kafka.connect.transforms.InsertField$Value")[..]),
            (&[], &traced),
            (&by_field, &[&by_field[..], &[("transforms.r.add.fields", "op")]].concat()),
            (&routed, &named),
            (&only("a"), &only("a")),
            (&routed[1..], &[]),
            (&[kafka], &[("consumer.override.bootstrap.servers", "c:9092")]),
            (&[], &[("consumer.override.max.poll.records", "9")]),
        ] {
            let stage = stage(base, was, will);
            assert!(is_rename(&stage), "{was:?} {will:?}");
            let danger = stage.dangers("sales", StepKind::Create).swap_remove(0);
            assert!(!danger.consequence.contains("differ"), "{was:?} {will:?}");
        }
    }
}

#[test]
fn one_that_is_declared_still_or_worked_before_is_no_rename() {
    let declared = old(&[]).wants("orders", with(POSTGRES, &[])).wants("sales", with(POSTGRES, &[]));
    let keys: Vec<_> = declared.rows("sales", StepKind::Create).into_iter().map(|(key, ..)| key).collect();
    assert_eq!(keys, ["shared-slot", "shared-topic-prefix"], "both would run on the same");
    let adopted =
        old(&[]).lives("sales", with(POSTGRES, &[])).wants("sales", with(POSTGRES, &[("tasks.max", "1")]));
    assert_eq!(adopted.rows("sales", StepKind::Configure), [], "it is so already");
}

#[test]
fn a_new_one_that_is_stopped_does_not_begin_before_the_old_one_is_gone() {
    let stage = |state| {
        let stage = Stage::new().lives_as("orders", state, with(POSTGRES, &[]));
        stage.lives_as("sales", RunState::Stopped, with(POSTGRES, &[])).wants("sales", with(POSTGRES, &[]))
    };
    let rows = |stage: &Stage| stage.rows("sales", StepKind::Resume);
    assert_eq!(rows(&stage(RunState::Stopped)), [("name".into(), "rename-same-slot", Harm::Irreversible)]);
    let mut gone = stage(RunState::Stopped);
    gone.live.connectors.remove(&name("orders"));
    assert_eq!(rows(&gone), []);
}

#[test]
fn the_old_one_is_not_deleted_before_somebody_answers_for_the_new_one() {
    let stage = old(&[]).without("orders");
    let going = BTreeSet::new();
    let (orders, sales) = (name("orders"), name("sales"));
    for state in [DesiredState::Running, DesiredState::Stopped] {
        let stage = stage.clone().wants_as("sales", state, with(POSTGRES, &[]));
        let scene = Scene::of_cluster(
            &stage.desired,
            &stage.live,
            &stage.select,
            &going,
            [&BTreeSet::new(), &BTreeSet::new()],
        );
        let found = scene.dangers(&orders, StepKind::Delete);
        let [Met { danger, by }] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((&*danger.key, danger.row, *by), (NAME, "renamed-away", &sales));
    }
    assert_eq!(stage.rows("orders", StepKind::Delete), [], "nothing takes its place");
    let other = [("database.dbname", "stock"), ("topic.prefix", "stock")];
    let elsewhere = stage.wants("sales", with(POSTGRES, &other));
    assert_eq!(elsewhere.rows("orders", StepKind::Delete), []);
}

#[test]
fn of_several_old_ones_each_that_goes_is_spared_and_the_likeliest_is_meant() {
    let running = |stage: Stage, named: &str| stage.lives(named, with(POSTGRES, &[]));
    let rested = |stage: Stage, named: &str| stage.lives_as(named, RunState::Stopped, with(POSTGRES, &[]));
    let both = |stage: Stage| stage.without("a").without("b").wants("sales", with(POSTGRES, &[]));
    let (first, second) =
        (both(rested(running(Stage::new(), "a"), "b")), both(rested(running(Stage::new(), "b"), "a")));
    for (stage, meant) in [(&first, "a"), (&second, "b")] {
        let [danger] = <[Danger; 1]>::try_from(stage.dangers("sales", StepKind::Create)).expect("one");
        assert!(danger.consequence.starts_with(&format!("This is `{meant}` under")), "{danger:?}");
        for old in ["a", "b"] {
            let spared: Vec<_> =
                stage.rows(old, StepKind::Delete).into_iter().map(|(_, row, _)| row).collect();
            assert_eq!(spared, ["renamed-away"], "{old}");
        }
    }
    let stays = running(rested(Stage::new(), "a"), "b").without("a").wants("sales", with(POSTGRES, &[]));
    let told = stays.dangers("sales", StepKind::Create);
    assert!(
        told[0].consequence.starts_with("This is `a` under"),
        "one that goes before one that works: {told:?}"
    );
    let other = [("database.dbname", "stock"), ("topic.prefix", "stock")];
    let elsewhere = first.lives("b", with(POSTGRES, &other));
    assert_eq!(elsewhere.rows("b", StepKind::Delete), [], "that is another one");
}

/// What a rename of `orders` is told as: its harm, what it does, and the safe way.
fn told(stage: &Stage) -> Danger {
    let found = stage.dangers("sales", StepKind::Create);
    let [danger] = <[Danger; 1]>::try_from(found).expect("one danger");
    assert_eq!((&*danger.key, danger.to.as_deref()), (NAME, Some("sales")), "{danger:?}");
    danger
}

#[test]
fn who_takes_the_slot_of_one_that_goes_or_rests_is_that_one_under_whatever_prefix() {
    let prefix = ("topic.prefix", "sales");
    let stage = |state, other: Pairs<'_>| {
        let stage = Stage::new().lives_as("orders", state, with(POSTGRES, &[]));
        stage.wants("sales", with(POSTGRES, other))
    };
    for state in [RunState::Running, RunState::Paused, RunState::Stopped] {
        for (goes, no_data) in [(true, true), (true, false), (false, true), (false, false)] {
            let mode = if no_data { "no_data" } else { "initial" };
            let stage = stage(state, &[prefix, ("snapshot.mode", mode)]);
            let stage = if goes { stage.without("orders") } else { stage };
            let danger = told(&stage);
            let row = if no_data { "rename-without-snapshot" } else { "rename-same-slot" };
            assert_eq!(danger.row, row, "{danger:?}");
            let is_beside = !goes && state != RunState::Stopped;
            let harm = if is_beside && no_data { Harm::Outage } else { Harm::Irreversible };
            assert_eq!(danger.harm, harm, "{state:?} {goes} {mode}: {danger:?}");
            assert_eq!(danger.consequence.contains("A slot serves one reader"), is_beside, "{danger:?}");
            let same = "This is `orders` under another name: the same server, the same database and the same slot. \
                        Its `topic.prefix` is `sales` and not `shop`. All rows come in other topics";
            assert!(danger.consequence.starts_with(same), "{danger:?}");
            let remedy = danger.remedy.expect("there is a way");
            assert!(remedy.contains("let the definition of `sales` keep `topic.prefix: shop`."), "{remedy}");
            assert_eq!(stage.rows("orders", StepKind::Delete)[0].1, "renamed-away", "{state:?} {goes}");
        }
    }
    let unnamed = Stage::new().lives("orders", with(POSTGRES, &[("slot.name", "")])).without("orders");
    let unnamed = unnamed.wants("sales", with(POSTGRES, &[prefix, ("slot.name", "debezium")]));
    assert_eq!(told(&unnamed).row, "rename-same-slot", "the usual slot is one as well");
    for miss in [("database.dbname", "stock"), ("database.hostname", "db2"), ("slot.name", "sales")] {
        let rows = stage(RunState::Stopped, &[prefix, miss]).rows("sales", StepKind::Create);
        assert_eq!(rows, [], "{miss:?}");
    }
}

#[test]
fn another_address_is_no_other_server_where_slot_database_and_prefix_are_the_same() {
    for (key, was, will) in [("database.hostname", "db", "10.0.0.7"), ("database.port", "5432", "6432")] {
        let goes = old(&[]).without("orders").wants("sales", with(POSTGRES, &[(key, will)]));
        let danger = told(&goes);
        assert_eq!((danger.row, danger.harm), ("rename-same-slot", Harm::Irreversible));
        let same = format!(
            "the same slot, the same database and the same topics. Its `{key}` is `{will}` and not `{was}`."
        );
        assert!(danger.consequence.contains(&same), "{danger:?}");
        let kept = format!("keep `{key}: {was}`.");
        assert!(danger.remedy.as_ref().is_some_and(|remedy| remedy.contains(&kept)), "{danger:?}");
        assert_eq!(goes.rows("orders", StepKind::Delete)[0].1, "renamed-away");
        let other = ("topic.prefix", "other");
        let stage = old(&[]).without("orders").wants("sales", with(POSTGRES, &[(key, will), other]));
        assert_eq!(stage.rows("sales", StepKind::Create), []);
    }
}

#[test]
fn who_goes_and_leaves_its_topics_to_one_on_another_server_is_that_one() {
    const MONGO: Pairs<'_> = &[
        (CLASS, "io.debezium.connector.mongodb.MongoDbConnector"),
        ("mongodb.connection.string", "mongodb://a,b/?replicaSet=r"),
        ("topic.prefix", "docs"),
    ];
    for (base, other, row) in [
        (MYSQL, &[("database.hostname", "my2")][..], "rename-debezium"),
        (MONGO, &[("mongodb.connection.string", "mongodb://b,a/?replicaSet=r")], "rename-debezium"),
        (POSTGRES, &[("database.hostname", "db2"), ("slot.name", "other")], "rename-new-slot"),
        (POSTGRES, &[("database.hostname", "db2"), ("database.dbname", "stock")], "rename-same-slot"),
    ] {
        let stage = Stage::new().lives("orders", with(base, &[])).wants("sales", with(base, other));
        let beside = stage.rows("sales", StepKind::Create);
        assert!(beside.iter().all(|(key, ..)| key != NAME), "one that stays is told for itself: {beside:?}");
        let stage = stage.without("orders");
        let rows = stage.rows("sales", StepKind::Create);
        assert_eq!((&*rows[0].0, rows[0].1), (NAME, row), "{other:?}");
        assert!(
            stage.dangers("sales", StepKind::Create)[0]
                .consequence
                .contains("The server has another address")
        );
        assert_eq!(stage.rows("orders", StepKind::Delete)[0].1, "renamed-away", "{other:?}");
        let elsewhere = [other, &[("topic.prefix", "elsewhere")]].concat();
        let rows = stage.wants("sales", with(base, &elsewhere)).rows("sales", StepKind::Create);
        assert_eq!(rows, [], "{other:?}");
    }
}

#[test]
fn a_sink_that_takes_the_place_of_one_that_goes_is_that_one_whatever_else_it_says() {
    const SEARCH: Pairs<'_> = &[
        (CLASS, "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector"),
        ("topics", "a,b"),
        ("connection.url", "http://es1:9200,http://es2:9200"),
    ];
    const OWN: Pairs<'_> =
        &[(CLASS, "com.example.OwnSink"), ("topics", "a"), ("own.index", "a"), ("flush.size", "1")];
    const BUCKET: Pairs<'_> = &[
        (CLASS, "io.confluent.connect.s3.S3SinkConnector"),
        ("topics.regex", "shop[.].*"),
        ("s3.bucket.name", "lake"),
    ];
    let stage = |base: Pairs<'_>, other: Pairs<'_>| {
        Stage::new().lives("orders", with(base, &[])).wants("sales", with(base, other))
    };
    let is_rename = |stage: &Stage| stage.rows("sales", StepKind::Create).iter().any(|(key, ..)| key == NAME);
    let unread = with(SEARCH, &[("topics", "c")]);
    let second = Stage::new().lives("orders", with(SEARCH, &[])).without("orders").wants("sales", unread);
    assert!(!is_rename(&second), "it reads something else");
    for (base, other, is_same_beside) in [
        (SINK, ("auto.create", "true"), false),
        (SINK, ("fields.whitelist", "id"), false),
        (SINK, ("connection.user", "app"), false),
        (SINK, ("connection.url", "jdbc:postgresql://REPORTS:5432/shop?ApplicationName=x"), true),
        (SINK, ("topics", "shop.public.lines,shop.public.orders"), false),
        (SEARCH, ("topics", "b,a"), true),
        (SEARCH, ("topics", "b"), false),
        (SEARCH, ("flush.timeout.ms", "9"), true),
        (BUCKET, ("rotate.interval.ms", "9"), false),
    ] {
        let stage = stage(base, &[other]);
        assert_eq!(is_rename(&stage), is_same_beside, "beside one that stays: {other:?}");
        let gone = stage.without("orders");
        assert!(is_rename(&gone), "{other:?}");
        assert_eq!(gone.rows("orders", StepKind::Delete)[0].1, "renamed-away", "{other:?}");
    }
    for (base, other) in [
        (OWN, ("own.index", "b")),
        (SINK, ("connection.url", "jdbc:postgresql://reports/audit")),
        (SINK, ("table.name.format", "audit_${topic}")),
        (SEARCH, ("connection.url", "http://es9:9200")),
        (BUCKET, ("s3.bucket.name", "audit")),
        (BUCKET, ("topics.regex", "audit[.].*")),
    ] {
        assert!(!is_rename(&stage(base, &[other]).without("orders")), "{other:?}");
    }
}

#[test]
fn a_new_connector_for_the_rows_of_one_that_goes_is_told_and_not_held() {
    let own = [("topic.prefix", "sales"), ("slot.name", "sales"), ("publication.name", "sales")];
    let wants = |other: Pairs<'_>| old(&[]).wants("sales", with(POSTGRES, &[&own, other].concat()));
    let danger = told(&wants(&[]).without("orders"));
    assert_eq!((danger.row, danger.harm), ("begins-anew", Harm::Contract));
    assert!(danger.consequence.starts_with("`orders` goes, and this reads the same tables"), "{danger:?}");
    let remedy = danger.remedy.expect("there is a way");
    assert!(
        remedy.ends_with("keep `slot.name: shop`, `topic.prefix: shop`, `publication.name: dbz_publication`"),
        "{remedy}"
    );
    assert_eq!(wants(&[]).without("orders").rows("orders", StepKind::Delete), [], "it is not spared");
    assert_eq!(wants(&[]).rows("sales", StepKind::Create), [], "a second reader beside one that stays");
    for other in
        [("table.include.list", "public.b"), ("database.dbname", "stock"), ("database.hostname", "db2")]
    {
        assert_eq!(wants(&[other]).without("orders").rows("sales", StepKind::Create), [], "{other:?}");
    }
    let stopped = old(&[]).without("orders").wants_as("sales", DesiredState::Stopped, with(POSTGRES, &own));
    assert_eq!(stopped.rows("sales", StepKind::Create), []);
}

#[test]
fn in_the_middle_of_a_rename_it_is_not_said_that_no_offsets_were_given() {
    let stage = old(&[]).wants("sales", with(POSTGRES, &[]));
    let begun = stage.clone().lives_as("sales", RunState::Stopped, with(POSTGRES, &[]));
    let unless =
        "Unless it was given the offsets of `orders` since it was made: The new connector knows no offsets";
    let says = |danger: &Danger| danger.consequence.contains(unless);
    let goes_on = |danger: &Danger| {
        danger.remedy.as_ref().is_some_and(|way| way.starts_with("go on where that stands: stop"))
    };
    let before = told(&stage);
    assert!(!says(&before) && !goes_on(&before), "{before:?}");
    let [amid] = <[Danger; 1]>::try_from(begun.dangers("sales", StepKind::Resume)).expect("one danger");
    assert!(says(&amid) && goes_on(&amid), "{amid:?}");
}
