//! What becomes of deletes and of masks where transforms come, go or have other names.

use super::*;

fn config(own: &[&str]) -> Config {
    let class = "connector.class=io.debezium.connector.postgresql.PostgresConnector";
    let pairs = [class].into_iter().chain(own.iter().copied()).flat_map(str::split_whitespace);
    let pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, text)| (key, Value::new(key, text))).collect()
}

/// The keys whose change is held, each with its row.
fn held(before: &[&str], after: &[&str]) -> Vec<(String, &'static str)> {
    let found = of_change(&config(before), &config(after)).into_iter();
    found.filter(|found| found.harm.is_held()).map(|found| (found.key.to_string(), found.row)).collect()
}

#[test]
fn a_bare_unwrap_that_comes_is_held_once_until_it_says_what_becomes_of_deletes() {
    const UNWRAP: &str = "transforms=u transforms.u.type=io.debezium.transforms.ExtractNewRecordState";
    let comes = |own: &str| held(&[], &[UNWRAP, own]);
    let at = |key: &str, row| vec![(key.to_owned(), row)];
    assert_eq!(comes(""), at("transforms.u.type", "deletes-dropped-by-default"));
    for said in
        ["delete.tombstone.handling.mode=tombstone", "drop.tombstones=false", "delete.handling.mode=rewrite"]
    {
        assert_eq!(comes(&format!("transforms.u.{said}")), [], "{said}");
    }
    for said in ["delete.tombstone.handling.mode=drop", "delete.handling.mode=drop", "drop.tombstones=true"] {
        let key = format!("transforms.u.{}", said.split_once('=').expect("a key and a value").0);
        assert_eq!(comes(&format!("transforms.u.{said}")), at(&key, "deletes-dropped"), "{said}");
    }

    // One that was there dropped them already, whatever it was called, and whatever the other one says.
    let renamed = "transforms=flat transforms.flat.type=ExtractNewRecordState";
    let drops = "transforms.flat.delete.handling.mode=drop";
    for own in ["", drops] {
        assert_eq!(held(&[UNWRAP], &[renamed, own]), [], "{own}");
        assert_eq!(held(&[renamed, own], &[UNWRAP]), [], "{own}");
    }
    let kept = "transforms.flat.drop.tombstones=false";
    assert_eq!(held(&[renamed, kept], &[UNWRAP]), at("transforms.u.type", "deletes-dropped-by-default"));
}

#[test]
fn an_unwrap_that_takes_other_records_than_so_far_is_held_where_nothing_dropped_their_deletes() {
    let row = "deletes-dropped-by-default";
    let keys = |before: &str, after: &str| -> Vec<_> {
        held(&[before], &[after]).into_iter().filter(|(_, told)| *told == row).map(|(key, _)| key).collect()
    };
    let of = |class: &str| format!("transforms=u transforms.u.type={class}");
    let (unwrap, other) = (of("ExtractNewRecordState"), of("Flatten$Value"));
    assert_eq!(keys(&other, &unwrap), ["transforms.u.type"]);
    assert_eq!(keys(&unwrap, &other), [""; 0]);
    assert_eq!(keys(&unwrap, &of("io.debezium.transforms.ExtractNewRecordState")), [""; 0]);

    let on = |pattern: &str| format!("predicates.p.type=TopicNameMatches predicates.p.pattern={pattern}");
    let bound = format!("{unwrap} transforms.u.predicate=p {}", on("a"));
    let loose = format!("{unwrap} {}", on("a"));
    assert_eq!(keys(&bound, &loose), ["transforms.u.predicate"]);
    assert_eq!(keys(&loose, &bound), [""; 0], "it takes fewer");
    assert_eq!(keys(&bound, &format!("{bound} transforms.u.negate=true")), ["transforms.u.negate"]);
    assert_eq!(keys(&bound, &bound.replace("pattern=a", "pattern=b")), ["predicates.p.pattern"]);
    let called = bound.replace("predicate=p", "predicate=q").replace("predicates.p", "predicates.q");
    assert_eq!(keys(&bound, &called), [""; 0], "the same under another name");

    // Another one for other records, beside the one that is bound; and beside one that takes all.
    let beside = |first: &str| {
        let v = "transforms.v.type=ExtractNewRecordState transforms.v.predicate=q predicates.q.pattern=b";
        format!("{first} {v} transforms=u,v")
    };
    assert_eq!(keys(&bound, &beside(&bound)), ["transforms.v.type"]);
    assert_eq!(keys(&loose, &beside(&loose)), [""; 0]);
}

#[test]
fn an_unwrap_and_a_router_that_come_together_are_told_each_at_a_key_of_its_own() {
    let sink = "connector.class=io.debezium.connector.jdbc.JdbcSinkConnector topics=a";
    let come = "transforms=u,r transforms.u.type=ExtractNewRecordState transforms.r.type=RegexRouter";
    let told = held(&[sink], &[sink, come]);
    let rows: Vec<_> = told.iter().map(|(key, row)| (key.as_str(), *row)).collect();
    let (list, class) =
        (("transforms", "sink-routed-elsewhere"), ("transforms.u.type", "deletes-dropped-by-default"));
    assert!(rows.contains(&list) && rows.contains(&class), "{rows:?}");
}

#[test]
fn a_mask_is_held_where_its_predicate_says_something_else_and_not_where_it_is_called_otherwise() {
    const MASK: &str = "transforms.m.type=MaskField$Value transforms.m.fields=card";
    const OTHER: &str = "transforms.pii.type=MaskField$Value transforms.pii.fields=card";
    let mask = |name: &str, predicate: &str, pattern: &str| {
        format!(
            "{MASK} {OTHER} transforms={name} transforms.{name}.predicate={predicate} predicates={predicate} \
             predicates.{predicate}.type=TopicNameMatches predicates.{predicate}.pattern={pattern}"
        )
    };
    let held = |before: &str, after: &str| held(&[before], &[after]);
    let before = mask("m", "p", "shop.*");
    for same in [mask("m", "is-shop", "shop.*"), mask("pii", "p", "shop.*"), mask("pii", "is-shop", "shop.*")]
    {
        assert_eq!(held(&before, &same), [], "{same}");
    }
    let rows = |after: &str| held(&before, after).into_iter().map(|(_, row)| row).collect::<BTreeSet<_>>();
    for other in [
        mask("m", "p", "shop.a"),
        mask("m", "is-shop", "shop.a"),
        mask("pii", "p", "shop.a"),
        mask("pii", "is-shop", "shop.a"),
        mask("m", "is-shop", "shop.*").replace("TopicNameMatches", "HasHeaderKey"),
        format!("{} transforms.m.negate=true", mask("m", "is-shop", "shop.*")),
        mask("m", "is-shop", "${env:SHOP}"),
    ] {
        assert_eq!(rows(&other), BTreeSet::from(["field-laid-open"]), "{other}");
    }
}
