//! What two connectors cannot share, each with what looks like it and is none.

use std::sync::Arc;

use super::*;
use crate::model::config::{Config, Value};
use crate::model::desired::{DesiredConnector, DesiredState, Form};
use crate::model::finding::Place;
use crate::model::live::{Kind, LiveConnector, RunState, Status};
use crate::model::name::EnvironmentName;
use crate::model::revision::{At, RepositoryName, RepositoryRevision, Revision};
use crate::model::risk::Harm;
use crate::pipeline::scene::own::NAME;

pub type Pairs<'p> = &'p [(&'p str, &'p str)];

pub const CLASS: &str = "connector.class";

pub const POSTGRES: Pairs<'_> = &[
    (CLASS, "io.debezium.connector.postgresql.PostgresConnector"),
    ("database.hostname", "db"),
    ("database.dbname", "shop"),
    ("database.password", "hunter2"),
    ("topic.prefix", "shop"),
    ("slot.name", "shop"),
];

pub const MYSQL: Pairs<'_> = &[
    (CLASS, "io.debezium.connector.mysql.MySqlConnector"),
    ("database.hostname", "my"),
    ("database.server.id", "1"),
    ("topic.prefix", "my"),
    ("schema.history.internal.kafka.bootstrap.servers", "kafka:9092"),
    ("schema.history.internal.kafka.topic", "history"),
];

pub fn name(text: &str) -> ConnectorName {
    ConnectorName::new(text).expect("a name that the test chose")
}

/// A config, and what is otherwise in it; an empty text takes a key away.
pub fn with(base: Pairs<'_>, other: Pairs<'_>) -> Config {
    let mut config: Config = base.iter().map(|&(key, text)| (key, Value::new(key, text))).collect();
    for &(key, text) in other {
        config.remove(key);
        if !text.is_empty() {
            config.insert(key, Value::new(key, text));
        }
    }
    config
}

/// A cluster and what is desired of it.
#[derive(Clone)]
pub struct Stage {
    pub desired: Desired,
    pub live: Live,
    pub select: Select,
}

impl Stage {
    pub fn new() -> Self {
        let at = At::Directory { path: Arc::from("definitions"), digest: 0 };
        let desired = Desired {
            revision: Revision::of(vec![RepositoryRevision { repository: RepositoryName::main(), at }]),
            environment: EnvironmentName::new("production").expect("a plain name"),
            connectors: BTreeMap::new(),
            suspend: None,
            unresolved: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            left_out: BTreeSet::new(),
            incomplete: Vec::new(),
        };
        Self { desired, live: Live::default(), select: Select::default() }
    }

    pub fn lives_as(mut self, named: &str, state: RunState, config: Config) -> Self {
        let status = Some(Status { state, failure: None, tasks: Vec::new() });
        let one = LiveConnector { config: Some(config), kind: Kind::Source, status };
        self.live.connectors.insert(name(named), one);
        self
    }

    pub fn lives(self, named: &str, config: Config) -> Self {
        self.lives_as(named, RunState::Running, config)
    }

    pub fn wants_as(mut self, named: &str, state: DesiredState, config: Config) -> Self {
        let one = DesiredConnector {
            config,
            state,
            keep: false,
            acknowledged: Vec::new(),
            template: None,
            form: Form::Own,
            place: Place::start_of("connectors/x.yaml"),
            origins: BTreeMap::new(),
            suspend: None,
            lost: BTreeSet::new(),
        };
        self.desired.connectors.insert(name(named), one);
        self
    }

    pub fn wants(self, named: &str, config: Config) -> Self {
        self.wants_as(named, DesiredState::Running, config)
    }

    pub fn without(self, named: &str) -> Self {
        self.wants_as(named, DesiredState::Absent, Config::default())
    }

    /// The dangers of a step, where everything that is wanted absent is deleted.
    pub fn dangers(&self, named: &str, step: StepKind) -> Vec<Danger> {
        let gone = self.desired.connectors.iter().filter(|(_, one)| one.state == DesiredState::Absent);
        self.dangers_where(named, step, &gone.map(|(name, _)| name).collect())
    }

    fn dangers_where(&self, named: &str, step: StepKind, going: &BTreeSet<&ConnectorName>) -> Vec<Danger> {
        let named = name(named);
        let scene = Scene::of_cluster(
            &self.desired,
            &self.live,
            &self.select,
            going,
            [&BTreeSet::new(), &BTreeSet::new()],
        );
        let found = scene.dangers(&named, step).into_iter().map(|met| met.danger);
        found.collect()
    }

    pub fn rows(&self, named: &str, step: StepKind) -> Vec<(String, &'static str, Harm)> {
        let found = self.dangers(named, step).into_iter();
        found.map(|danger| (danger.key.to_string(), danger.row, danger.harm)).collect()
    }
}

/// What one of two says that the other one says too, and the row for it.
fn clashes() -> Vec<(Pairs<'static>, &'static str, &'static str, Pairs<'static>)> {
    const SLOT: Pairs<'_> = &[("topic.prefix", "b")];
    const PREFIX: Pairs<'_> = &[("slot.name", "b")];
    const SERVER_ID: Pairs<'_> = &[("topic.prefix", "b"), ("schema.history.internal.kafka.topic", "b")];
    const HISTORY: Pairs<'_> = &[("topic.prefix", "b"), ("database.server.id", "2")];
    vec![
        (POSTGRES, "slot.name", "shared-slot", SLOT),
        (POSTGRES, "topic.prefix", "shared-topic-prefix", PREFIX),
        (MYSQL, "database.server.id", "shared-server-id", SERVER_ID),
        (MYSQL, "schema.history.internal.kafka.topic", "shared-history-topic", HISTORY),
    ]
}

#[test]
fn what_one_connector_has_alone_is_not_given_to_a_second_one() {
    for (base, key, row, other) in clashes() {
        let own = [other, &[(key, "own")]].concat();
        let created = Stage::new()
            .lives("a", with(base, &[]))
            .wants("a", with(base, &[]))
            .wants("b", with(base, other));
        let stranger = Stage::new().lives("a", with(base, &[])).wants("b", with(base, other));
        let configured = stranger.clone().lives("b", with(base, &own));
        for (stage, step) in
            [(&created, StepKind::Create), (&stranger, StepKind::Create), (&configured, StepKind::Configure)]
        {
            let rows = stage.rows("b", step);
            let is_rename = ["topic.prefix", "slot.name"].contains(&key)
                && !stage.desired.connectors.contains_key(&name("a"));
            if is_rename && step == StepKind::Create {
                assert_eq!(rows[0].0, NAME, "{row}: with the prefix or the slot it is a rename");
            } else {
                assert_eq!(rows.iter().map(|(key, row, _)| (&**key, *row)).collect::<Vec<_>>(), [(row, row)]);
            }
            let others = stage.dangers("a", step);
            assert_eq!(others, [], "{row}: the other one's own step does nothing");
        }
        // It is so already, goes, is stopped, or lies elsewhere.
        let far = ("database.hostname", "far");
        let kafka = ("schema.history.internal.kafka.bootstrap.servers", "far:9092");
        let elsewhere = [other, &[far, kafka]].concat();
        for (at, stage) in [
            stranger.clone().lives("b", with(base, other)),
            Stage::new().lives("a", with(base, &[(CLASS, "com.example.X")])).wants("b", with(base, other)),
            Stage::new()
                .lives("a", with(base, &[("topic.prefix", "gone")]))
                .without("a")
                .wants("b", with(base, &own)),
            Stage::new()
                .lives_as("a", RunState::Stopped, with(base, &[("topic.prefix", "z")]))
                .wants("b", with(base, other)),
            Stage::new().lives("a", with(base, &[])).wants("b", with(base, &elsewhere)),
            stranger.clone().wants_as("b", DesiredState::Stopped, with(base, other)),
        ]
        .into_iter()
        .enumerate()
        {
            let step = if at == 0 { StepKind::Configure } else { StepKind::Create };
            let held = stage.rows("b", step).into_iter().filter(|(_, _, harm)| harm.is_held());
            let rows: Vec<_> = held.map(|(_, row, _)| row).collect();
            if at == 3 && key == "slot.name" {
                assert_eq!(rows, ["rename-same-slot"], "a slot outlives the work of its reader");
                continue;
            }
            // Topics are the cluster's, wherever their rows come from.
            let everywhere = at == 4 && key == "topic.prefix";
            assert_eq!(rows, if everywhere { vec![row] } else { Vec::new() }, "{row} {at}");
        }
    }
}

#[test]
fn a_class_in_short_claims_what_the_whole_name_does() {
    for (base, key, row, other) in clashes() {
        let short = if base == POSTGRES { "PostgresConnector" } else { "MySql" };
        let other = [other, &[(CLASS, short)]].concat();
        let own = [&other[..], &[(key, "own")]].concat();
        let stage = |first: Config, second: Config| {
            Stage::new().lives("a", first.clone()).wants("a", first).wants("b", second)
        };
        let rows = |stage: Stage| {
            stage.rows("b", StepKind::Create).into_iter().map(|(_, row, _)| row).collect::<Vec<_>>()
        };
        assert_eq!(rows(stage(with(base, &[]), with(base, &other))), [row]);
        assert_eq!(rows(stage(with(base, &other), with(base, &[(key, "own")]))), [] as [&str; 0]);
        assert_eq!(rows(stage(with(base, &[]), with(base, &own))), [] as [&str; 0]);
    }
    let reads = |class, own: Pairs<'_>| {
        let filtered = [(CLASS, class), ("publication.autocreate.mode", "filtered")];
        with(POSTGRES, &[own, &filtered].concat())
    };
    let second = [("topic.prefix", "b"), ("slot.name", "b"), ("table.include.list", "public.b")];
    let stage =
        Stage::new().lives("a", reads("Postgres", &[])).wants("b", reads("PostgresConnector", &second));
    let rows = stage.rows("b", StepKind::Create);
    assert_eq!(rows.iter().map(|(_, row, _)| *row).collect::<Vec<_>>(), ["shared-publication"]);
}

#[test]
fn one_prefix_is_told_under_whatever_name_the_host_goes() {
    let alias = [("database.hostname", "10.0.0.7"), ("slot.name", "b")];
    let stage = Stage::new().lives("a", with(POSTGRES, &[])).wants("b", with(POSTGRES, &alias));
    let found = stage.dangers("b", StepKind::Create);
    let [danger] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((&*danger.key, danger.to.as_deref()), ("shared-topic-prefix", Some("a")));
    assert!(
        danger.consequence.starts_with("`a` has the same `topic.prefix`, `shop`. Both write"),
        "{danger:?}"
    );
}

#[test]
fn of_two_that_come_together_the_later_one_by_name_waits() {
    let stage =
        Stage::new().wants("a", with(POSTGRES, &[])).wants("b", with(POSTGRES, &[("topic.prefix", "b")]));
    assert_eq!(stage.rows("a", StepKind::Create), []);
    assert_eq!(stage.rows("b", StepKind::Create).len(), 1);
}

#[test]
fn what_another_one_gives_up_is_taken_only_once_it_is_free() {
    let stage =
        Stage::new().lives("a", with(POSTGRES, &[])).wants("a", with(POSTGRES, &[("slot.name", "new")]));
    let stage = stage.wants("b", with(POSTGRES, &[("topic.prefix", "b")]));
    assert_eq!(stage.rows("b", StepKind::Create).len(), 1, "its change may be held");
    let absent = Stage::new().lives("a", with(POSTGRES, &[])).without("a");
    let absent = absent.wants("b", with(POSTGRES, &[("topic.prefix", "b"), ("database.dbname", "stock")]));
    assert_eq!(absent.rows("b", StepKind::Create), []);
    let kept = absent.dangers_where("b", StepKind::Create, &BTreeSet::new());
    assert_eq!(kept.len(), 1, "its deletion is held");
}

#[test]
fn a_second_reader_of_a_filtered_publication_robs_the_first() {
    let filtered = ("publication.autocreate.mode", "filtered");
    let own = [("topic.prefix", "b"), ("slot.name", "b")];
    let reads = |mode: Pairs<'_>, tables| with(POSTGRES, &[mode, &[("table.include.list", tables)]].concat());
    let comes = |mode: Pairs<'_>, tables| reads(&[&own, mode].concat(), tables);
    let stage = |first: Config, second: Config| Stage::new().lives("a", first).wants("b", second);
    let rows =
        |stage: &Stage, step| stage.rows("b", step).into_iter().map(|(key, ..)| key).collect::<Vec<_>>();

    for (first, second) in [(&[filtered][..], &[filtered][..]), (&[], &[filtered]), (&[filtered], &[])] {
        let stage = stage(reads(first, "public.a"), comes(second, "public.b"));
        assert_eq!(rows(&stage, StepKind::Create), ["shared-publication"], "{first:?} {second:?}");
        let danger = stage.dangers("b", StepKind::Create).remove(0);
        assert_eq!((danger.to.as_deref(), danger.harm), (Some("a"), Harm::DataGap));
    }
    let named = [filtered, ("publication.name", "b")];
    let far = [filtered, ("database.dbname", "stock")];
    for (first, second) in [
        (reads(&[], "public.a"), comes(&[], "public.b")),
        (reads(&[filtered], "public.a"), comes(&[filtered], "public.a")),
        (reads(&[filtered], "public.a"), comes(&named, "public.b")),
        (reads(&[filtered], "public.a"), comes(&far, "public.b")),
    ] {
        assert_eq!(rows(&stage(first, second), StepKind::Create), [] as [&str; 0]);
    }
    // It is so already: nothing is brought about, until its own tables change.
    let already = stage(reads(&[filtered], "public.a"), comes(&[filtered], "public.b"));
    let already = already.lives("b", comes(&[filtered], "public.b"));
    assert_eq!(rows(&already, StepKind::Configure), [] as [&str; 0]);
    let more = already.wants("b", comes(&[filtered], "public.b,public.c"));
    assert_eq!(rows(&more, StepKind::Configure), ["shared-publication"]);
}

const MASK: [(&str, &str); 3] = [
    ("transforms", "hide"),
    ("transforms.hide.type", "org.apache.kafka.connect.transforms.MaskField$Value"),
    ("transforms.hide.fields", "card"),
];

#[test]
fn two_sinks_with_other_targets_are_not_in_one_group() {
    const INDEX: Pairs<'_> = &[
        (CLASS, "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector"),
        ("topics", "a,b"),
        ("connection.url", "http://es:9200"),
    ];
    let group = |id| ("consumer.override.group.id", id);
    let routed =
        [("transforms", "r"), ("transforms.r.type", "org.apache.kafka.connect.transforms.RegexRouter")];
    let stage = |was: Pairs<'_>, will: Pairs<'_>| {
        let stage = Stage::new().lives("idx", with(INDEX, was)).wants("idx", with(INDEX, was));
        stage.wants("idx-v2", with(INDEX, will))
    };
    let rows = |stage: &Stage| stage.rows("idx-v2", StepKind::Create);
    let expected = [("shared-group".to_owned(), "shared-group", Harm::DataGap)];
    let search = group("search");
    for (was, will) in [
        (&[search][..], &[search, routed[0], routed[1]][..]),
        (&[search], &[search, ("connection.url", "http://other:9200")]),
        (&[search], &[search, routed[0], routed[1], ("topics", "b,c")]),
        (&[search], &[search, routed[0], routed[1], ("topics", ""), ("topics.regex", "x")]),
        (&[], &[group("connect-idx"), routed[0], routed[1]]),
        (&[search], &[search, ("topics", "b,c"), ("connection.url", "http://other:9200")]),
        (&[search], &[search, ("topics", "b,c"), ("write.method", "insert")]),
        // What comes to the one is not what comes to the other.
        (&[search], &[search, ("topics", "b,c"), ("value.converter", "com.example.Other")]),
        (&[search], &[search, ("topics", "b,c"), ("errors.tolerance", "all")]),
        (&[search], &[search, ("topics", "b,c"), MASK[0], MASK[1], MASK[2]]),
    ] {
        assert_eq!(rows(&stage(was, will)), expected, "{will:?}");
    }
    for (was, will) in [
        (&[][..], &routed[..]),
        (&[search], &routed),
        (&[search], &[search, routed[0], routed[1], ("topics", "c")]),
        (&[search], &[search, routed[0], routed[1], ("consumer.override.bootstrap.servers", "far:9092")]),
        (&[search], &[search]),
        // Whichever of them gets a record, it comes to the same place in the same form.
        (&[search], &[search, ("topics", "b,c")]),
        (&[search], &[search, ("topics", "b")]),
        (&[search], &[search, ("topics", ""), ("topics.regex", "[ab]")]),
    ] {
        assert_eq!(rows(&stage(was, will)), [], "{will:?}");
    }
    let told = stage(&[search], &[search, routed[0], routed[1]]).dangers("idx-v2", StepKind::Create);
    assert!(
        told[0].consequence.starts_with("`idx` reads the same topics in the same consumer group, `search`.")
    );
    let both = [search, routed[0], routed[1]];
    let adopted = stage(&[search], &[both[0], both[1], both[2], ("tasks.max", "2")])
        .lives("idx-v2", with(INDEX, &both));
    assert_eq!(adopted.rows("idx-v2", StepKind::Configure), [], "it is so already");
    let gone = stage(&[search], &both).without("idx").dangers("idx-v2", StepKind::Create);
    assert!(gone.iter().all(|danger| danger.row != "shared-group"), "{gone:?}");
}
