//! Which rows of the table of risks are tried on the real Debezium. How they are tried stands with the stories.

use std::collections::BTreeSet;

use tagalong::model::risk::Harm;
use tagalong::pipeline::risk::family::Family;
use tagalong::pipeline::risk::rows;

use crate::real::held_changes::tried;

#[test]
fn each_row_of_postgresql_that_loses_reads_anew_or_cannot_be_undone_is_tried_on_the_real_one() {
    let is_grave = |harm| matches!(harm, Harm::DataGap | Harm::Resnapshot | Harm::Irreversible);
    let graves = rows().filter(|row| row.of == Family::Postgres && row.harm.is_some_and(is_grave));
    let tried: BTreeSet<_> = tried().collect();
    let left_out: Vec<_> = graves.map(|row| row.id).filter(|id| !tried.contains(id)).collect();
    assert_eq!(left_out, [""; 0]);
    let known: BTreeSet<_> = rows().map(|row| row.id).collect();
    assert!(tried.is_subset(&known), "{:?}", tried.difference(&known));
}
