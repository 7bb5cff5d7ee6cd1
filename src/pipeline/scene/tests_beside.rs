//! What else is held of a connector that comes under another name.

use crate::model::desired::DesiredState;
use crate::model::plan::StepKind;
use crate::pipeline::risk::Danger;
use crate::pipeline::scene::own::NAME;
use crate::pipeline::scene::tests::{POSTGRES, Pairs, Stage, with};
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
