//! What else is held of a connector that comes under another name, and by what targets a sink is known under it.

use crate::model::desired::DesiredState;
use crate::model::plan::StepKind;
use crate::pipeline::risk::Danger;
use crate::pipeline::scene::own::NAME;
use crate::pipeline::scene::tests::{CLASS, POSTGRES, Pairs, Stage, with};
use crate::pipeline::scene::tests_rename::{SINK, old};

#[test]
fn what_is_held_in_place_is_held_across_a_rename_each_by_its_key() {
    let hidden = [
        ("column.mask.hash.SHA-256.with.salt.s", "public.a.card"),
        ("table.include.list", "public.a,public.b"),
    ];
    let stage = |will: Pairs<'_>| old(&hidden).without("orders").wants("sales", with(POSTGRES, will));
    let rows = |stage: &Stage| {
        stage.rows("sales", StepKind::Create).into_iter().map(|(key, ..)| key).collect::<Vec<_>>()
    };
    assert_eq!(rows(&stage(&hidden)), [NAME]);
    assert_eq!(rows(&stage(&[hidden[1]])), [NAME, hidden[0].0]);
    let fewer = stage(&[hidden[0], ("table.include.list", "public.a")]);
    assert_eq!(rows(&fewer), [NAME, "table.include.list"]);
    let [_, beside] = <[Danger; 2]>::try_from(fewer.dangers("sales", StepKind::Create)).expect("two");
    assert!(beside.consequence.starts_with("Beside the name, this differs from `orders`. "), "{beside:?}");
    assert_eq!(
        rows(&stage(&[hidden[0], hidden[1], ("snapshot.mode", "always"), ("slot.name", "b")])),
        [NAME]
    );
    let again = [("snapshot.mode", "always")];
    let both = Stage::new().lives("orders", with(POSTGRES, &again)).without("orders");
    let both = both.wants("sales", with(POSTGRES, &[again[0], ("tasks.max", "1")]));
    assert_eq!(rows(&both), [NAME], "it reads everything by its new name alone");
    let rests = old(&hidden).without("orders").wants_as("sales", DesiredState::Stopped, with(POSTGRES, &[]));
    assert!(rows(&rests).is_empty(), "it does nothing yet");
    let sink =
        [("transforms", "m"), ("transforms.m.type", "org.apache.kafka.connect.transforms.MaskField$Value")];
    let bare = Stage::new().lives("orders", with(SINK, &[("errors.tolerance", "none")])).without("orders");
    let bare = bare.wants("sales", with(SINK, &[&sink[..], &[("errors.tolerance", "all")]].concat()));
    assert_eq!(rows(&bare), [NAME, "errors.tolerance"]);
}

#[test]
fn a_sink_is_known_by_whatever_key_names_its_target() {
    const TABLES: Pairs<'_> = &[
        (CLASS, "com.snowflake.kafka.connector.SnowflakeSinkConnector"),
        ("topics", "a"),
        ("snowflake.url.name", "shop.example.com"),
        ("snowflake.schema.name", "shop"),
    ];
    const CALLS: Pairs<'_> = &[
        (CLASS, "io.confluent.connect.http.HttpSinkConnector"),
        ("topics", "a"),
        ("http.api.url", "https://a.example.com"),
    ];
    const DOCUMENTS: Pairs<'_> = &[
        (CLASS, "com.mongodb.kafka.connect.MongoSinkConnector"),
        ("topics", "a"),
        ("connection.uri", "mongodb://a"),
        ("topic.override.a.collection", "orders"),
    ];
    let is_rename = |base: Pairs<'_>, other: Pairs<'_>| {
        let stage = Stage::new().lives("orders", with(base, &[])).without("orders");
        let stage = stage.wants("sales", with(base, other));
        stage.rows("sales", StepKind::Create).iter().any(|(key, ..)| key == NAME)
    };
    let work = ("buffer.count.records", "9");
    for (base, elsewhere) in [
        (TABLES, ("snowflake.schema.name", "audit")),
        (TABLES, ("snowflake.url.name", "audit.example.com")),
        (CALLS, ("http.api.url", "https://b.example.com")),
        (DOCUMENTS, ("topic.override.a.collection", "audit")),
    ] {
        assert!(is_rename(base, &[work]), "the same target: {base:?}");
        assert!(!is_rename(base, &[work, elsewhere]), "{elsewhere:?}");
    }
}
