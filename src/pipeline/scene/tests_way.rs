//! The safe way to another name, as it is told.

use crate::model::desired::DesiredState;
use crate::model::live::RunState;
use crate::model::plan::StepKind;
use crate::pipeline::scene::tests::{POSTGRES, Pairs, Stage, with};
use crate::pipeline::scene::tests_rename::{SINK, old};

/// What is told at a new one.
fn way(stage: &Stage, new: &str, step: StepKind) -> String {
    stage.dangers(new, step).remove(0).remedy.expect("there is a way").into_owned()
}

/// The commands, line by line.
fn commands(told: &str) -> Vec<&str> {
    let (_, block) = told.split_once(":\n(").expect("one block");
    block.strip_suffix(')').expect("its end").split(" &&\n").collect()
}

fn is_in_order(commands: &[&str], parts: &[&str]) {
    assert_eq!(commands.len(), parts.len(), "{commands:#?}");
    for (command, part) in commands.iter().zip(parts) {
        assert!(command.contains(part), "{part}: {command}");
    }
}

const STOP: &str = "PUT \"$CONNECT/connectors/orders/stop\"";
const RESTS: &str = "\"$CONNECT/connectors/orders/status\"";
const DELETE: &str = "DELETE \"$CONNECT/connectors/orders\"";
const SALES_OFFSETS: &str = "PATCH \"$CONNECT/connectors/sales/offsets\"";
const STOCK_OFFSETS: &str = "PATCH \"$CONNECT/connectors/stock/offsets\"";
const SALES_MADE: &str = "{\"name\":\"sales\",\"initial_state\":\"STOPPED\"";
const STOCK_MADE: &str = "{\"name\":\"stock\",\"initial_state\":\"STOPPED\"";

#[test]
fn it_has_the_real_names_and_no_secret() {
    let way = |stage: &Stage, new: &str, other| {
        way(&stage.clone().wants(new, with(POSTGRES, other)), new, StepKind::Create)
    };
    let told = way(&old(&[]), "sales", &[]);
    let resume = "PUT \"$CONNECT/connectors/sales/resume\"";
    is_in_order(&commands(&told), &[STOP, RESTS, SALES_MADE, SALES_OFFSETS, DELETE, resume]);
    assert!(!told.contains("hunter2") && !told.contains("slot.name"), "{told}");

    let other_slot = way(&old(&[]), "sales", &[("slot.name", "sales")]);
    assert!(other_slot.contains("`slot.name: shop`"), "{other_slot}");
    let masked = way(&old(&[("database.password", "••••••••")]), "sales", &[]);
    assert!(masked.contains("`state: stopped`") && !masked.contains("initial_state"), "{masked}");
    let odd = way(&old(&[]), "the sales", &[]);
    assert!(!odd.contains("curl"), "{odd}");
}

#[test]
fn what_was_made_already_is_not_made_again() {
    let stage = old(&[]).wants("sales", with(POSTGRES, &[]));
    let begun = stage.lives_as("sales", RunState::Stopped, with(POSTGRES, &[]));
    let told = way(&begun, "sales", StepKind::Resume);
    is_in_order(&commands(&told), &[STOP, RESTS, SALES_OFFSETS, DELETE, "sales/resume"]);
}

/// `orders` goes, and two come.
fn split(base: Pairs<'_>, first: Pairs<'_>, second: Pairs<'_>) -> Stage {
    let stage = Stage::new().lives("orders", with(base, &[("topics", "a,b")])).without("orders");
    stage.wants("sales", with(base, first)).wants("stock", with(base, second))
}

#[test]
fn one_that_becomes_two_is_deleted_only_once_both_have_its_offsets() {
    let both = [STOP, RESTS, SALES_MADE, SALES_OFFSETS, STOCK_MADE, STOCK_OFFSETS, DELETE];
    let stage = split(SINK, &[("topics", "a")], &[("topics", "b")]);
    for new in ["sales", "stock"] {
        let told = way(&stage, new, StepKind::Create);
        assert!(told.starts_with("`orders` comes under each of these names: `sales`, `stock`. "), "{told}");
        is_in_order(&commands(&told), &both);
    }
    // One that is made stopped, and stays so for now, is to have them as well.
    let sales = || with(SINK, &[("topics", "a")]);
    let rests = stage.clone().wants_as("sales", DesiredState::Stopped, sales());
    is_in_order(&commands(&way(&rests, "stock", StepKind::Create)), &both);
    let begun = stage.lives_as("sales", RunState::Stopped, sales());
    let told = way(&begun, "stock", StepKind::Create);
    is_in_order(&commands(&told), &[STOP, RESTS, SALES_OFFSETS, STOCK_MADE, STOCK_OFFSETS, DELETE]);
    let stage = split(SINK, &[("topics", "a")], &[("topics", "c")]);
    let told = way(&stage, "sales", StepKind::Create);
    assert!(!told.contains("stock"), "that is another sink: {told}");
}

#[test]
fn of_several_each_is_made_by_the_agent_where_the_config_is_masked() {
    let masked = with(SINK, &[("topics", "a,b"), ("connection.password", "••••••••")]);
    let stage = Stage::new().lives("orders", masked).without("orders");
    let stage =
        stage.wants("sales", with(SINK, &[("topics", "a")])).wants("stock", with(SINK, &[("topics", "b")]));
    let told = way(&stage, "stock", StepKind::Create);
    assert!(told.contains("let the agent make `sales`, `stock` first, with `state: stopped`"), "{told}");
    is_in_order(&commands(&told), &[STOP, RESTS, SALES_OFFSETS, STOCK_OFFSETS, DELETE]);
}

#[test]
fn of_several_of_debezium_only_one_can_go_on() {
    let stage = split(POSTGRES, &[], &[("topic.prefix", "stock")]);
    for new in ["sales", "stock"] {
        let told = way(&stage, new, StepKind::Create);
        assert!(
            told.starts_with("let only one of `sales`, `stock` come") && !told.contains("curl"),
            "{told}"
        );
    }
}

#[test]
fn one_that_only_looks_like_it_and_rests_keeps_its_own_offsets() {
    let backfill = [("topics", "b"), ("insert.mode", "upsert")];
    let stage = split(SINK, &[("topics", "a")], &[]);
    let stage = stage.lives_as("stock", RunState::Stopped, with(SINK, &backfill));
    let stage = stage.wants_as("stock", DesiredState::Stopped, with(SINK, &backfill));
    let told = way(&stage, "sales", StepKind::Create);
    is_in_order(&commands(&told), &[STOP, RESTS, SALES_MADE, SALES_OFFSETS, DELETE, "sales/resume"]);
}

#[test]
fn where_the_stop_drops_the_slot_no_commands_are_told() {
    let stage = old(&[("slot.drop.on.stop", "true")]);
    let told = way(&stage.wants("sales", with(POSTGRES, &[])), "sales", StepKind::Create);
    assert!(told.contains("the stop drops the slot") && !told.contains("curl"), "{told}");
}
