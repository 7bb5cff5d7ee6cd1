//! Sinks that read what fits a pattern and come under another name, each with two that are different.

use crate::model::plan::StepKind;
use crate::pipeline::scene::own::NAME;
use crate::pipeline::scene::tests::{CLASS, Pairs, Stage, with};

const BUCKET: Pairs<'_> =
    &[(CLASS, "io.confluent.connect.s3.S3SinkConnector"), ("s3.bucket.name", "lake"), ("flush.size", "9")];

const LIST: &str = "topics";
const PATTERN: &str = "topics.regex";

/// A sink that goes, and one that comes.
fn stage(was: Pairs<'_>, will: Pairs<'_>) -> Stage {
    Stage::new().lives("orders", with(BUCKET, was)).without("orders").wants("sales", with(BUCKET, will))
}

fn is_rename(stage: &Stage) -> bool {
    stage.rows("sales", StepKind::Create).iter().any(|(key, ..)| key == NAME)
}

#[test]
fn a_list_that_becomes_a_pattern_is_the_same_sink_where_both_read_one_topic() {
    for (list, pattern) in [
        ("shop.orders", "shop[.].*"),
        ("shop.orders,shop.lines", "shop\\.(orders|lines)"),
        ("shop.orders,stock.sums", "stock[.].*"),
    ] {
        for (was, will) in [((LIST, list), (PATTERN, pattern)), ((PATTERN, pattern), (LIST, list))] {
            let stage = stage(&[was], &[will]);
            let danger = stage.dangers("sales", StepKind::Create).swap_remove(0);
            assert_eq!((&*danger.key, danger.row), (NAME, "rename-sink"), "{was:?} {will:?}");
            assert!(danger.consequence.contains("for topics that both read"), "{danger:?}");
            assert_eq!(stage.rows("orders", StepKind::Delete)[0].1, "renamed-away", "{was:?} {will:?}");
        }
    }
}

#[test]
fn a_pattern_that_becomes_another_one_is_the_same_sink_where_one_name_fits_both() {
    for (one, other) in [
        ("shop[.].*", "shop[.]public[.].*"),
        ("shop[.].*", "(shop|stock)[.].*"),
        ("shop[.](orders|lines)", "shop[.](lines|sums)"),
    ] {
        for (was, will) in [(one, other), (other, one)] {
            let stage = stage(&[(PATTERN, was)], &[(PATTERN, will)]);
            assert!(is_rename(&stage), "{was} {will}");
            assert_eq!(stage.rows("orders", StepKind::Delete)[0].1, "renamed-away", "{was} {will}");
        }
    }
}

#[test]
fn two_sinks_of_one_target_whose_topics_do_not_meet_are_two() {
    // All else is the same: so are two that one template makes for two teams.
    for (was, will) in [
        ((PATTERN, "shop[.].*"), (PATTERN, "audit[.].*")),
        ((PATTERN, "shop[.].*"), (PATTERN, "shopping[.].*")),
        ((PATTERN, "shop[.].*"), (LIST, "audit.logins")),
        ((LIST, "audit.logins,shop"), (PATTERN, "shop[.].*")),
        ((LIST, "shop.orders"), (LIST, "shop.lines")),
        // Nobody knows here what these fit.
        ((PATTERN, "shop[.].*"), (PATTERN, "${env:TEAM}[.].*")),
        ((LIST, "shop.orders"), (PATTERN, "(?!audit).*")),
    ] {
        let stage = stage(&[was], &[will]);
        assert!(!is_rename(&stage), "{was:?} {will:?}");
        assert_eq!(stage.rows("orders", StepKind::Delete), [], "{was:?} {will:?}");
    }
    for other in [("s3.bucket.name", "audit"), ("topics.dir", "raw"), (CLASS, "com.example.XSink")] {
        let stage = stage(&[(LIST, "shop.orders")], &[(PATTERN, "shop[.].*"), other]);
        assert!(!is_rename(&stage), "{other:?}");
    }
}

#[test]
fn beside_one_that_stays_a_pattern_is_another_sink() {
    for (was, will) in
        [((LIST, "shop.orders"), (PATTERN, "shop[.].*")), ((PATTERN, "shop[.].*"), (PATTERN, ".*"))]
    {
        let stage = Stage::new().lives("orders", with(BUCKET, &[was])).wants("sales", with(BUCKET, &[will]));
        assert!(!is_rename(&stage), "{was:?} {will:?}");
    }
}
