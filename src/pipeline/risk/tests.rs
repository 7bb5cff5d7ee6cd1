//! Every row has a change that it speaks of, and changes that look alike have none.

use proptest::prelude::*;

use super::*;
use crate::model::config::Value;
use crate::pipeline::risk::examples;
use crate::pipeline::risk::examples::alike::NONE;
use crate::pipeline::risk::examples::example::Example;
use crate::pipeline::risk::examples::renames::RENAMES;

const PG: &str = "io.debezium.connector.postgresql.PostgresConnector";

fn config(pairs: &[(&str, &str)]) -> Config {
    let class = [("connector.class", PG)];
    class.iter().chain(pairs).map(|&(key, text)| (key, Value::new(key, text))).collect()
}

fn said(before: &Config, after: &Config) -> BTreeMap<String, &'static str> {
    let judged = judged(before, after, &BTreeSet::new());
    judged.into_iter().map(|(key, row)| (key.to_string(), row.id)).collect()
}

/// How many keys an example names on one of its sides only, or with another text.
fn keys(before: &Config, after: &Config) -> usize {
    Turn::new(before, after, &BTreeSet::new()).changed().count()
}

#[test]
fn each_example_is_what_its_row_speaks_of() {
    for example in examples::rows() {
        let (before, after) = example.configs();
        let said = said(&before, &after);
        assert!(said.values().any(|row| *row == example.row), "{example:?}: {said:?}");
        let row = rows().find(|row| row.id == example.row).expect("a row of that name");
        if keys(&before, &after) == 1 && row.on == On::Change {
            assert_eq!(said.len(), 1, "{example:?}: {said:?}");
        }
        let harms = of_change(&before, &after).into_iter().filter(|danger| danger.row == example.row);
        assert_eq!(harms.map(|danger| danger.harm).next(), row.harm, "{example:?}");
    }
    for example in RENAMES {
        let (before, after) = example.configs();
        assert_eq!(of_rename(&before, &after).map(|danger| danger.row), Some(example.row), "{example:?}");
    }
}

#[test]
fn each_row_has_an_example() {
    let shown: BTreeSet<_> = examples::rows().chain(RENAMES).map(|example| example.row).collect();
    let all: BTreeSet<_> = rows().map(|row| row.id).collect();
    assert_eq!(shown, all);
}

#[test]
fn changes_that_only_look_like_one_are_none() {
    for example in NONE {
        let (before, after) = example.configs();
        assert_eq!(said(&before, &after), BTreeMap::new(), "{example:?}");
    }
}

#[test]
fn each_row_is_whole_and_has_a_name_of_its_own() {
    let mut ids = BTreeSet::new();
    for row in rows() {
        let Row { id, keys, of: _, on, when, harm, consequence, names, remedy, seen: _ } = row;
        let is_kebab = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(!id.is_empty() && id.chars().all(is_kebab), "{id:?} is no name");
        assert!(ids.insert(id), "{id} stands twice");
        assert!(!keys.is_empty(), "{id} is of no key");
        assert!(consequence.ends_with('.'), "{id}: {consequence:?} is no sentence");
        assert!(remedy.is_none_or(|remedy| !remedy.ends_with('.')), "{id}: a remedy is no sentence");
        assert!(harm.is_some() || remedy.is_none(), "{id} does no harm and has a remedy");
        assert!(names.is_none() || harm.is_some(), "{id} does no harm and has names");
        assert!(*on == On::Change || (keys.len() == 1 && !keys[0].contains('*')), "{id} is of one key");
        assert!(*on == On::Change || !when.to_string().is_empty(), "{id} says of which setting it speaks");
    }
}

#[test]
fn what_is_hidden_or_filled_in_by_the_worker_is_the_worst_that_it_can_be() {
    let hidden = |key: &str| {
        let mut after = config(&[]);
        after.insert(key, Value::secret("hunter2"));
        of_change(&config(&[]), &after).into_iter().map(|danger| danger.row).collect::<Vec<_>>()
    };
    assert_eq!(hidden("snapshot.mode"), ["snapshot-always"]);
    assert_eq!(hidden("table.include.list"), ["table-removed"], "what goes before what comes");
    assert_eq!(hidden("slot.drop.on.stop"), ["slot-drop-set"]);
    assert_eq!(hidden("transforms"), ["filter"]);
    assert_eq!(hidden("database.password"), [] as [&str; 0]);

    let mode = |mode| {
        let both = [("publication.autocreate.mode", mode)];
        let of = |name| config(&[&both[..], &[("publication.name", name)]].concat());
        of_change(&of("a"), &of("b"))[0].harm
    };
    assert_eq!(mode("all_tables"), Harm::Outage);
    assert_eq!(mode("${env:MODE}"), Harm::DataGap);
}

#[test]
fn what_a_setting_does_at_every_restart_is_told_only_where_it_is_sure() {
    let with = |mode| {
        let before = config(&[("snapshot.mode", mode)]);
        let after = config(&[("snapshot.mode", mode), ("max.batch.size", "1")]);
        of_change(&before, &after).len()
    };
    assert_eq!((with("always"), with("${env:MODE}"), with("initial")), (1, 0, 0));
    let same = config(&[("snapshot.mode", "always"), ("slot.drop.on.stop", "true")]);
    assert_eq!(of_change(&same, &same), [], "nothing changes, nothing restarts");
}

#[test]
fn a_masked_value_is_a_change_where_it_is_owed() {
    let (before, after) = (config(&[("database.user", "********")]), config(&[("database.user", "a")]));
    assert_eq!(of_change(&before, &after), []);
    let owed = BTreeSet::from(["database.user".into()]);
    let rows: Vec<_> = of_change_owing(&before, &after, &owed).into_iter().map(|danger| danger.row).collect();
    assert_eq!(rows, ["user-changed"]);
}

#[test]
fn a_danger_of_a_key_by_its_old_name_is_told_and_answered_for_by_that_name() {
    let [before, after] = ["a", "b"].map(|name| config(&[("database.server.name", name)]));
    let keys: Vec<_> = of_change(&before, &after).into_iter().map(|danger| danger.key).collect();
    assert_eq!(keys, ["database.server.name".into()]);
    assert!(knows("database.server.name") && knows("table.whitelist") && !knows("table.whitelists"));

    // Moved on to 2.0 with the old list alone: from then on nothing reads it.
    let list = ("table.whitelist", "p.a");
    let (before, after) = (config(&[list]), config(&[list, ("topic.prefix", "s")]));
    let keys: Vec<_> = of_change(&before, &after).into_iter().map(|danger| danger.key).collect();
    assert_eq!(keys, ["table.whitelist".into(), "topic.prefix".into()]);
}

#[test]
fn where_the_class_changes_only_what_both_classes_have_is_looked_at() {
    let file = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    let pairs = [("connector.class", file), ("slot.name", "b"), ("value.converter", "B")];
    let before = config(&[("slot.name", "a"), ("value.converter", "A")]);
    let after = pairs.iter().map(|&(key, text)| (key, Value::new(key, text))).collect();
    let found = said(&before, &after);
    let found: Vec<_> = found.iter().map(|(key, row)| (key.as_str(), *row)).collect();
    assert_eq!(found, [("connector.class", "class-changed"), ("value.converter", "converters")]);
}

/// The keys whose change is held, each with its row.
fn held(before: &[(&str, &str)], after: &[(&str, &str)]) -> Vec<(String, &'static str)> {
    let found = of_change(&config(before), &config(after)).into_iter();
    let held = found.filter(|danger| danger.harm.is_held());
    held.map(|danger| (danger.key.to_string(), danger.row)).collect()
}

#[test]
fn what_is_laid_open_is_answered_for_at_the_keys_that_do_it() {
    let mask = [("transforms", "m"), ("transforms.m.type", "MaskField$Value")];
    let masks = |own: &[(&'static str, &'static str)]| [&mask[..], own].concat();
    let (card, name) = (("transforms.m.fields", "card"), ("transforms.m.fields", "name"));
    let less = masks(&[name, ("transforms.m.replacement", "x")]);
    assert_eq!(held(&masks(&[card]), &less), [("transforms.m.fields".into(), "field-laid-open")]);
    let other = [mask[0], ("transforms.m.type", "Cast$Value"), ("transforms.m.spec", "a:int8")];
    assert_eq!(held(&masks(&[card]), &other), [("transforms.m.type".into(), "field-laid-open")]);
    assert_eq!(held(&masks(&[card]), &[]), [("transforms".into(), "field-laid-open")]);

    let cut = |key| [(key, "p.a.card")];
    let (short, long) = (cut("column.truncate.to.4.chars"), cut("column.truncate.to.20.chars"));
    assert_eq!(held(&short, &long), [("column.truncate.to.4.chars".into(), "column-laid-open")]);
    assert_eq!(held(&long, &short), []);
    assert_eq!(held(&short, &cut("column.mask.with.8.chars")), []);
}

#[test]
fn what_is_laid_open_is_named_where_it_is_known_and_what_a_mask_writes_is_not() {
    let told = |before: &[(&str, &str)], after: &[(&str, &str)]| {
        let found = of_change(&config(before), &config(after)).into_iter();
        let told = found.filter(|danger| danger.harm.is_held()).map(|danger| danger.consequence.into_owned());
        told.collect::<Vec<_>>().join("\n")
    };
    let mask = |fields| {
        let class = ("transforms.m.type", "MaskField$Value");
        [("transforms", "u,m"), class, ("transforms.m.fields", fields), ("transforms.m.replacement", "4711")]
    };
    let named = told(&mask("card,iban,name"), &mask("name"));
    assert!(named.ends_with(" Concerned: `card`, `iban`."), "{named}");
    // What cannot be told for sure: all that the mask looks for.
    let flat = [&mask("card")[..], &[("transforms.u.type", "Flatten$Value")]].concat();
    let moved = told(&mask("card"), &flat);
    assert!(moved.ends_with(" Concerned: `card`.") && !moved.contains("4711"), "{moved}");
    let filled_in = told(&mask("card"), &mask("${env:FIELDS}"));
    assert!(filled_in.ends_with(" Concerned: `card`."), "{filled_in}");
    let hash = [("transforms", "m"), ("transforms.m.type", "com.acme.Hash"), ("transforms.m.key", "4711")];
    let unknown = told(&hash, &[]);
    assert!(unknown.ends_with("from there.") && !unknown.contains("4711"), "{unknown}");

    let left = |fields| {
        let list = ("transforms.m.include", fields);
        [("transforms", "m"), ("transforms.m.type", "ReplaceField$Value"), list]
    };
    let more = told(&left("a,b"), &left("a,card"));
    assert!(more.ends_with(" Concerned: `card`."), "{more}");

    let columns =
        told(&[("column.mask.with.8.chars", "p.a.card,p.a.iban")], &[("column.exclude.list", "p.a.iban")]);
    assert!(columns.ends_with(" Concerned: `p.a.card`."), "{columns}");
    let [few, all] = ["p.a.id", "p.a.id,p.a.card"].map(|list| [("column.include.list", list)]);
    assert!(told(&few, &all).ends_with(" Concerned: `p.a.card`."), "{}", told(&few, &all));

    let many: Vec<_> = (0..12).map(|at| format!("p.a.c{at:02}")).collect();
    let many = told(&[("column.exclude.list", &many.join(","))], &[]);
    assert!(many.ends_with("`p.a.c09`, and 2 more."), "{many}");
}

#[test]
fn a_name_in_which_the_text_of_a_secret_stands_is_not_told() {
    let of = |fields: &str| {
        let mut config = config(&[("column.exclude.list", fields)]);
        config.insert("database.password", Value::secret("hunter2"));
        config
    };
    let found = of_change(&of("p.a.hunter2,p.a.card"), &of(""));
    assert!(found[0].consequence.ends_with(" Concerned: `p.a.card`."), "{found:?}");
}

#[test]
fn a_key_without_a_row_is_not_judged_and_one_that_is_known_to_do_no_harm_is() {
    let of =
        |pairs: &[(&str, &str)]| unjudged(&config(&[("acme.mode", "a")]), &config(pairs), &BTreeSet::new());
    assert_eq!(of(&[("acme.mode", "b"), ("max.batch.size", "1")]), ["acme.mode".into()]);
    assert_eq!(of(&[("table.include.list", "p.a"), ("transforms.m.acme", "x")]), ["acme.mode".into()]);
    assert_eq!(of(&[("acme.mode", "a"), ("tasks.max", "1")]), [] as [Arc<str>; 0], "the default written out");
}

#[test]
fn what_stays_hidden_is_held_at_no_key() {
    let mask = [("transforms.m.type", "MaskField$Value"), ("transforms.m.fields", "card")];
    let behind = |list: &'static str, key: &'static str, class| {
        [&mask[..], &[("transforms", list), (key, class)]].concat()
    };
    let unwrap = "io.debezium.transforms.ExtractNewRecordState";
    let old = behind("u,m", "transforms.u.type", unwrap);
    assert_eq!(held(&old, &behind("unwrap,m", "transforms.unwrap.type", "ExtractNewRecordState")), []);
    let other = behind("flat,m", "transforms.flat.type", "org.apache.kafka.connect.transforms.Flatten$Value");
    assert_eq!(held(&old, &other), [("transforms".into(), "field-laid-open")]);

    let out = [("column.exclude.list", "p.a.card")];
    assert_eq!(held(&out, &[("column.include.list", "p.a.id,p.a.name")]), []);
    let chosen = held(&out, &[("column.include.list", "p.a.id,p.a.card")]);
    assert_eq!(chosen, [("column.exclude.list".into(), "column-laid-open")]);
}

#[test]
fn the_safe_way_to_do_without_dead_letters_keeps_what_mongodb_would_drop() {
    let sink = |own: &str| -> Config {
        let all = format!("connector.class=com.mongodb.kafka.connect.MongoSinkConnector {own}");
        let pairs = all.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, text)| (key, Value::new(key, text))).collect()
    };
    let before =
        sink("errors.tolerance=all mongo.errors.tolerance=all errors.deadletterqueue.topic.name=failed");
    let held = |after: &str| {
        let found = of_change(&before, &sink(after)).into_iter();
        found.filter(|danger| danger.harm.is_held()).collect::<Vec<_>>()
    };
    let half = held("errors.tolerance=none mongo.errors.tolerance=all");
    assert_eq!(half.iter().map(|danger| danger.row).collect::<Vec<_>>(), ["sink-errors-no-longer-kept"]);
    let remedy = half[0].remedy.as_deref().unwrap_or_default();
    assert!(remedy.contains("`errors.tolerance`") && remedy.contains("`mongo.errors.tolerance`"), "{remedy}");
    assert_eq!(held("errors.tolerance=none mongo.errors.tolerance=none"), []);
}

#[test]
fn a_router_of_a_sink_that_only_gets_another_name_is_not_held() {
    let sink = |name: &str, own: &str| -> Config {
        let all = format!(
            "connector.class=AcmeSink transforms={name} transforms.{name}.type=RegexRouter \
             transforms.{name}.regex=a transforms.{name}.replacement={own}"
        );
        let pairs = all.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, text)| (key, Value::new(key, text))).collect()
    };
    let held = |after: &Config| {
        let found = of_change(&sink("r", "b"), after).into_iter();
        let held = found.filter(|danger| danger.harm.is_held());
        held.map(|danger| (danger.key.to_string(), danger.row)).collect::<Vec<_>>()
    };
    assert_eq!(held(&sink("route", "b")), []);
    assert_eq!(held(&sink("route", "c")), [("transforms".into(), "sink-routed-elsewhere")]);
    assert_eq!(held(&sink("route", "${env:TO}")), [("transforms".into(), "sink-routed-elsewhere")]);
}

#[test]
fn a_router_of_a_sink_is_held_where_its_predicate_asks_for_something_else_whatever_it_is_called() {
    let sink = |router: &str, predicate: &str, pattern: &str| -> Config {
        let all = format!(
            "connector.class=AcmeSink transforms={router} transforms.{router}.type=RegexRouter \
             transforms.{router}.regex=a transforms.{router}.predicate={predicate} predicates={predicate} \
             predicates.{predicate}.type=TopicNameMatches predicates.{predicate}.pattern={pattern}"
        );
        let pairs = all.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, text)| (key, Value::new(key, text))).collect()
    };
    let held = |before: &Config, after: &Config| {
        let found = of_change(before, after).into_iter().filter(|danger| danger.harm.is_held());
        found.map(|danger| (danger.key.to_string(), danger.row)).collect::<Vec<_>>()
    };
    let at = |key: &str| vec![(key.to_owned(), "sink-routed-elsewhere")];
    let before = sink("r", "p", "shop.*");
    // Records that the pattern did not fit are routed from then on, or no longer.
    assert_eq!(held(&before, &sink("r", "p", "s.*")), at("predicates.p.pattern"));
    assert_eq!(held(&before, &sink("route", "p", "s.*")), at("transforms"));
    assert_eq!(held(&before, &sink("route", "is-shop", "s.*")), at("transforms"));
    assert_eq!(held(&before, &sink("route", "is-shop", "${env:P}")), at("transforms"));
    assert_eq!(held(&before, &sink("r", "is-shop", "s.*")).first(), at("predicates.is-shop.pattern").first());

    assert_eq!(held(&before, &sink("route", "is-shop", "shop.*")), []);
    assert_eq!(held(&before, &sink("r", "is-shop", "shop.*")), []);
    let filled_in = |router| sink(router, "p", "${env:P}");
    assert_eq!(held(&filled_in("r"), &filled_in("route")), []);
}

#[test]
fn deletes_that_were_dropped_already_are_dropped_by_no_other_name() {
    let unwrap = |name: &str, mode: &str| -> Config {
        let pairs = [
            ("connector.class".to_owned(), "io.debezium.connector.postgresql.PostgresConnector"),
            ("transforms".to_owned(), name),
            (format!("transforms.{name}.type"), "io.debezium.transforms.ExtractNewRecordState"),
            (format!("transforms.{name}.delete.tombstone.handling.mode"), mode),
        ];
        pairs.into_iter().map(|(key, text)| (key.clone(), Value::new(&key, text))).collect()
    };
    let is_held = |before: &Config, after: &Config| {
        of_change(before, after).iter().any(|danger| danger.row.starts_with("deletes-dropped"))
    };
    assert!(!is_held(&unwrap("unwrap", "drop"), &unwrap("flat", "drop")));
    assert!(is_held(&unwrap("unwrap", "tombstone"), &unwrap("flat", "drop")));
    assert!(is_held(&unwrap("unwrap", "tombstone"), &unwrap("unwrap", "drop")));
}

#[test]
fn two_sinks_have_one_target_where_no_key_that_names_it_differs() {
    let sink = |own: &str| -> Config {
        let pairs = own.split_whitespace().filter_map(|pair| pair.split_once('='));
        let class = [("connector.class", "AcmeSink")];
        class.into_iter().chain(pairs).map(|(key, text)| (key, Value::new(key, text))).collect()
    };
    let is_one = |both: &str, one: &str, other: &str| {
        is_one_target(&sink(&format!("{both} {one}")), &sink(&format!("{both} {other}")))
    };
    for (place, beside) in [
        ("connection.uri=mongodb://a", ["topic.override.t.collection=a", "topic.override.t.collection=b"]),
        ("s3.bucket.name=a", ["store.url=http://a", "store.url=http://b"]),
        ("s3.bucket.name=a", ["topics.dir=a", "topics.dir=b"]),
        ("gcs.bucket.name=a", ["file.name.prefix=a", "file.name.prefix=b"]),
        ("azure.storage.container.name=a", ["file.name.prefix=a", "file.name.prefix=b"]),
        ("snowflake.url.name=a", ["snowflake.schema.name=a", "snowflake.schema.name=b"]),
        ("project=a", ["defaultDataset=a", "defaultDataset=b"]),
        ("hostname=a", ["database=a", "database=b"]),
        ("iceberg.catalog.uri=a", ["iceberg.tables=a", "iceberg.tables=b"]),
        ("http.api.url=a", ["http.url=a", "http.url=b"]),
        ("redis.uri=a", ["redis.keyspace=a", "redis.keyspace=b"]),
        ("neo4j.uri=a", ["neo4j.database=a", "neo4j.database=b"]),
        ("neo4j.server.uri=a", ["neo4j.database=a", "neo4j.database=b"]),
        ("connect.s3.kcql=a", ["connect.s3.custom.endpoint=a", "connect.s3.custom.endpoint=b"]),
        ("connect.gcpstorage.kcql=a", ["topics=a", "connect.gcpstorage.kcql=b"]),
        ("connect.datalake.kcql=a", ["connect.datalake.endpoint=a", "connect.datalake.endpoint=b"]),
        ("connect.mongo.connection=a", ["connect.mongo.kcql=a", "connect.mongo.kcql=b"]),
    ] {
        let [one, other] = beside;
        assert!(is_one(place, one, one) && !is_one(place, one, other), "{place} {beside:?}");
        assert!(!is_one("", place, &format!("{place}x")), "{place}");
    }
    assert!(!is_one("my.place=a", "", ""), "nobody knows where it writes");
}

fn any_example() -> impl Strategy<Value = &'static Example> {
    prop::sample::select(examples::rows().chain(NONE).collect::<Vec<_>>())
}

fn any_config() -> impl Strategy<Value = Config> {
    let side = (any_example(), any::<bool>());
    prop::collection::vec(side, 0..4).prop_map(|sides| {
        let mut config = config(&[]);
        for (example, is_before) in sides {
            let (before, after) = example.configs();
            for (key, value) in if is_before { before } else { after }.iter() {
                config.insert(key, value.clone());
            }
        }
        config
    })
}

proptest! {
    #[test]
    fn law_what_stays_has_no_danger(config in any_config()) {
        prop_assert_eq!(of_change(&config, &config), []);
    }

    #[test]
    fn law_a_key_is_judged_once_and_only_one_that_changes_or_is_set(before in any_config(), after in any_config()) {
        let found = of_change(&before, &after);
        let keys: BTreeSet<_> = found.iter().map(|danger| &danger.key).collect();
        prop_assert_eq!(keys.len(), found.len());
        for danger in &found {
            let key = in_force(&danger.key).unwrap_or(&danger.key);
            let is_there = before.get(key).is_some() || after.get(key).is_some();
            prop_assert!(is_there, "{}", danger.key);
        }
        prop_assert_eq!(&found, &of_change(&before.clone(), &after.clone()));
    }

    #[test]
    fn law_hiding_a_value_never_makes_a_change_less_harmful(
        before in any_config(), after in any_config(), which in any::<prop::sample::Index>(),
    ) {
        let seen = of_change(&before, &after);
        let is_same = |key: &str, value: &Value| before.get(key).is_some_and(|old| old.same_text(value));
        let changed = after.iter().filter(|(key, value)| !is_same(key, value));
        let changed: Vec<_> = changed.map(|(key, _)| key.to_owned()).collect();
        prop_assume!(!changed.is_empty());
        let key = &changed[which.index(changed.len())];
        prop_assume!(key != "connector.class");
        let mut hidden = after.clone();
        hidden.insert(key, Value::secret("hunter2"));
        let blind = of_change(&before, &hidden);
        for danger in seen.iter().filter(|danger| rows().any(|row| row.id == danger.row && row.on == On::Change)) {
            let worst = blind.iter().find(|other| other.key == danger.key).map(|other| other.harm);
            prop_assert!(worst >= Some(danger.harm), "{danger:?} {worst:?} where {key} is hidden");
        }
    }
}
