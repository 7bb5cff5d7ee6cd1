//! What Connect's REST API does, as cases that hold for the fake and for real workers alike.
//!
//! Each case gets a cluster with a leader and a follower and names of its own. Where fake and real
//! differ, the fake is wrong. `real/contract.rs` runs the same cases on real workers. A case holds for
//! every version: where older ones answer otherwise, it says since when, and what they answer.

pub mod client;
pub mod configs;
pub mod life;
pub mod names;
pub mod rest;
pub mod site;

use std::time::Duration;

use tagalong_testkit::fake::state::Timing;
use tagalong_testkit::fake::{Fake, Options};

use crate::contract::site::Site;

/// Runs the cases in plain HTTP as tests of their own, with `$marks` as attributes, on what `$site` gives for
/// the case's name and `$version`.
macro_rules! every_plain_case {
    ($site:path, $version:expr, $marks:tt) => {
        $crate::contract::run! { $site, $version, $marks;
            rest: a_probe_tells_the_leader_from_a_follower,
            rest: a_fenced_write_on_a_follower_writes_nothing,
            rest: a_follower_checks_a_config_before_it_says_who_leads,
            rest: a_follower_passes_an_ordinary_write_on,
            names: a_follower_takes_a_semicolon_for_the_end_of_the_name,
            rest: a_worker_tells_its_version_and_its_health,
            rest: an_unknown_address_is_told_from_an_unknown_connector,
            rest: what_is_not_there_is_told_in_these_words,
            rest: creating_twice_is_refused,
            rest: a_creation_trims_the_name_and_says_where,
            configs: a_refused_config_names_its_errors,
            configs: an_unknown_class_is_answered_with_every_known_one,
            configs: a_sink_without_topics_is_refused,
            configs: a_key_without_a_value_is_refused_or_kept,
            configs: a_config_without_a_class_is_repeated_whole,
            configs: a_broken_body_is_an_error_of_connects_own,
            configs: numbers_and_booleans_become_texts_as_written,
            configs: a_plugin_says_what_it_thinks_and_nothing_is_written,
            configs: a_plugin_is_asked_by_the_class_of_the_config,
            configs: what_no_plugin_gets_to_see_is_an_error_of_the_worker,
            rest: a_new_connector_is_listed_and_then_runs,
            life: a_connector_can_be_made_paused_or_stopped,
            life: a_source_copies_its_config_into_its_task,
            life: a_sink_makes_as_many_tasks_as_it_may,
            life: pausing_shows_and_resuming_too,
            life: a_follower_pauses_whatever_it_is_told,
            life: a_paused_connector_keeps_its_old_tasks_until_it_runs,
            life: a_stopped_connector_has_no_tasks_and_stays_stopped,
            life: an_unchanged_config_revives_no_failed_task,
            life: a_restart_says_what_it_restarts,
            life: a_restart_of_what_failed_takes_its_tasks_along,
            life: a_restart_belongs_to_the_worker_that_runs_it,
            life: a_deleted_connector_is_gone,
            life: offsets_change_only_where_it_is_stopped,
            life: the_tasks_configs_come_in_one_answer_for_a_while,
            rest: a_patch_changes_single_keys,
            rest: the_list_can_be_expanded,
            rest: the_plugins_are_listed,
            names: names_beyond_the_tame_alphabet_work_when_encoded,
            names: some_names_cannot_be_addressed,
            names: a_name_with_braces_is_created_and_answered_with_an_error,
        }
    };
}
pub(crate) use every_plain_case;

/// Runs what shows that a version is too old, and how it leads all the same.
macro_rules! every_case_of_the_refused {
    ($site:path, $version:expr, $marks:tt) => {
        $crate::contract::run! { $site, $version, $marks;
            rest: a_probe_tells_the_leader_from_a_follower,
            rest: a_fenced_write_on_a_follower_writes_nothing,
            rest: a_worker_tells_its_version_and_its_health,
            rest: an_unknown_address_is_told_from_an_unknown_connector,
            rest: the_list_can_be_expanded,
        }
    };
}
pub(crate) use every_case_of_the_refused;

/// Runs the cases of our own client likewise.
macro_rules! every_client_case {
    ($site:path, $version:expr, $marks:tt) => {
        $crate::contract::run! { $site, $version, $marks;
            client: it_knows_the_leader_and_the_follower,
            client: it_carries_a_connector_through_its_life,
            client: it_finds_out_what_the_worker_can_do,
            client: it_creates_in_a_state,
            client: it_creates_and_brings_into_a_state_right_after,
            client: it_does_not_write_through_a_follower,
            client: it_writes_through_a_follower_where_it_may,
            client: it_tells_a_refused_config,
            client: it_tells_what_exists_and_what_does_not,
            client: it_restarts_what_failed,
            client: it_restarts_one_by_one,
            client: it_reads_a_worker_that_is_ready,
            client: it_tells_offsets_that_moved_from_those_that_did_not,
        }
    };
}
pub(crate) use every_client_case;

macro_rules! run {
    ($site:path, $version:expr, $marks:tt; $($room:ident: $name:ident),* $(,)?) => {
        $( $crate::contract::run_one! { $site, $version, $marks; $room: $name } )*
    };
}
pub(crate) use run;

// A macro of its own, because the marks repeat at another rate than the cases do.
macro_rules! run_one {
    ($site:path, $version:expr, [$(#[$mark:meta])*]; $room:ident: $name:ident) => {
        #[tokio::test]
        $(#[$mark])*
        async fn $name() -> anyhow::Result<()> {
            let site = $site(stringify!($name), $version).await?;
            $crate::contract::$room::$name(&site).await
        }
    };
}
pub(crate) use run_one;

/// A fake cluster for one case, with delays that make every stage visible.
async fn fake(case: &str, version: (u8, u8)) -> anyhow::Result<Site> {
    let moment = Duration::from_millis(60);
    let timing = Timing {
        status: moment,
        tasks: moment,
        settle: moment,
        state: moment,
        rebalance: Duration::from_millis(30),
    };
    let fake = Fake::with(Options { workers: 2, timing, version, ..Options::default() }).await;
    Ok(Site::new(case, version, fake.url(0), fake.url(1), Box::new(fake)))
}

every_plain_case!(fake, (4, 3), []);
every_client_case!(fake, (4, 3), []);

/// Too old: only what tells that it is.
mod fake_2_2 {
    crate::contract::every_case_of_the_refused!(crate::contract::fake, (2, 2), []);
}

/// The oldest that is held to be understood.
mod fake_2_8 {
    crate::contract::every_plain_case!(crate::contract::fake, (2, 8), []);
    crate::contract::every_client_case!(crate::contract::fake, (2, 8), []);
}

mod fake_3_5 {
    crate::contract::every_client_case!(crate::contract::fake, (3, 5), []);
}

mod fake_3_7 {
    crate::contract::every_plain_case!(crate::contract::fake, (3, 7), []);
    crate::contract::every_client_case!(crate::contract::fake, (3, 7), []);
}

mod fake_3_9 {
    crate::contract::every_plain_case!(crate::contract::fake, (3, 9), []);
}
