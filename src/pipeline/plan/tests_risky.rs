//! What is held for what it may do to data, and what lets it pass.

use super::tests::{config, desired, live, name, policy, running, wanted};
use super::*;
use crate::model::config::{Config, Value};
use crate::model::desired::Form;
use crate::model::finding::Place;
use crate::model::plan::Held;
use crate::model::policy::OnRisk;
use crate::model::risk::{Acknowledged, Standing};
use crate::pipeline::risk::examples;
use crate::pipeline::risk::examples::alike::NONE;
use crate::pipeline::risk::rows;
use crate::yaml;
use crate::yaml::tree::{Kind, Node};

pub const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const POSTGRES: (&str, &str) = ("connector.class", "io.debezium.connector.postgresql.PostgresConnector");

/// A connector that runs with one config and is to have another one.
pub struct Turn {
    pub wanted: DesiredConnector,
    pub live: LiveConnector,
}

impl Turn {
    pub fn new(before: Config, after: Config) -> Self {
        let mut live = running(RunState::Running, &[RunState::Running], &[]);
        live.config = Some(before);
        Self { wanted: DesiredConnector { config: after, ..wanted(DesiredState::Running, &[]) }, live }
    }

    fn of(before: &[(&str, &str)], after: &[(&str, &str)]) -> Self {
        let of = |pairs: &[(&str, &str)]| config(&[&[POSTGRES], pairs].concat());
        Self::new(of(before), of(after))
    }

    fn acknowledging(mut self, key: &str, to: Option<&str>) -> Self {
        self.wanted.acknowledged.push(acknowledged(key, to.map(|to| Value::new(key, to))));
        self
    }

    fn plan(&self, policy: &Policy) -> Plan {
        let known = Known::default();
        let (name, wanted, live_) = (name("orders"), self.wanted.clone(), self.live.clone());
        plan_knowing(&desired([(name.clone(), wanted)]), &live([(name, live_)]), &known, policy, NOW)
    }
}

pub fn acknowledged(key: &str, to: Option<Value>) -> Acknowledged {
    Acknowledged { key: key.into(), to, reason: "OPS-1".into(), place: Place::start_of("connectors/x.yaml") }
}

pub fn warning() -> Policy {
    Policy { risk: OnRisk::Warn, ..policy() }
}

/// Each step and each held one by its kind, each risk by its key and how it stands.
fn summary(plan: &Plan) -> (Vec<&'static str>, Vec<&'static str>, Vec<(&str, &'static str)>) {
    let kind = |action: &Action| action.step.kind().name();
    (
        plan.steps.iter().map(kind).collect(),
        plan.held.iter().map(|held| kind(&held.action)).collect(),
        plan.risks.iter().map(|risk| (risk.key.as_ref(), risk.standing.name())).collect(),
    )
}

#[test]
fn a_sink_that_names_its_own_group_stays_in_it() {
    let of = |group: Option<&str>| {
        let class = ("connector.class", "io.debezium.connector.jdbc.JdbcSinkConnector");
        config(
            &[
                &[class][..],
                &group.map(|group| ("consumer.override.group.id", group)).into_iter().collect::<Vec<_>>(),
            ]
            .concat(),
        )
    };
    let held = |before, after| Turn::new(of(before), of(after)).plan(&policy()).held.len();
    assert_eq!(held(None, Some("connect-orders")), 0);
    assert_eq!(held(Some("connect-orders"), None), 0);
    assert_eq!(held(None, Some("connect-other")), 1);
    assert_eq!(held(Some("mine"), None), 1);
    assert_eq!(held(None, Some("${env:GROUP}")), 1);
}

#[test]
fn every_row_holds_or_tells_what_it_says() {
    for example in examples::rows() {
        let row = rows().find(|row| row.id == example.row).expect("a row of that name");
        let (before, after) = example.configs();
        let turn = Turn::new(before, after);
        let plan = turn.plan(&policy());
        let found = plan.risks.iter().find(|risk| risk.row == row.id);
        let Some(harm) = row.harm else {
            assert_eq!(found, None, "{example:?}: does nothing");
            let others = plan.risks.iter().any(|risk| risk.harm.is_held());
            assert_eq!(plan.held.is_empty(), !others, "{example:?}: held for nothing");
            continue;
        };
        let found = found.unwrap_or_else(|| panic!("{example:?}: {:?}", plan.risks));
        assert_eq!((found.harm, found.consequence.starts_with(row.consequence)), (harm, true), "{example:?}");
        if !harm.is_held() {
            assert_eq!(found.standing, Standing::Told, "{example:?}");
            continue;
        }
        assert_eq!(found.standing, Standing::Held, "{example:?}");
        assert_eq!(summary(&plan).0, [] as [&str; 0], "{example:?}");
        let [Held { action: _, hold: Hold::RiskyChange, detail, release: Some(release) }] =
            plan.held.as_slice()
        else {
            panic!("{example:?}: {:?}", plan.held)
        };
        assert!(detail.contains(row.consequence), "{example:?}: {detail}");
        assert!(row.remedy.is_none_or(|remedy| detail.contains(remedy)), "{example:?}: {detail}");

        let answered = Turn { wanted: answering(turn.wanted, release), ..turn };
        let plan = answered.plan(&policy());
        assert_eq!(summary(&plan).0, ["configure"], "{example:?}: {release}");
        assert_eq!(plan.held, [], "{example:?}");
    }
}

/// A connector with the lines that release it.
pub fn answering(mut wanted: DesiredConnector, release: &str) -> DesiredConnector {
    for (key, to) in items(release) {
        let to = to.map(|to| Value::new(&key, &to));
        wanted.acknowledged.push(acknowledged(&key, to));
    }
    wanted
}

/// The keys and values of the lines, as the reader of definitions sees them.
fn items(release: &str) -> Vec<(String, Option<String>)> {
    let text = if release.starts_with("acknowledge:") {
        release.to_owned()
    } else {
        format!("acknowledge:\n{release}")
    };
    let (documents, findings) = yaml::documents("x.yaml", text.as_bytes());
    assert!(findings.is_empty(), "{text}\n{findings:?}");
    let entries = |node: &Node| match &node.kind {
        Kind::Mapping(entries) => entries.clone(),
        other => panic!("{text}\n{other:?}"),
    };
    let Kind::Sequence(list) = entries(&documents[0].root)[0].value.kind.clone() else { panic!("{text}") };
    let scalar = |node: &Node| match &node.kind {
        Kind::Null => None,
        Kind::Scalar(scalar) => Some(scalar.as_str().to_owned()),
        other => panic!("{text}\n{other:?}"),
    };
    list.iter()
        .map(|item| {
            let item = entries(item);
            let keys: Vec<_> = item.iter().map(|entry| entry.key.as_str()).collect();
            assert_eq!(keys, ["key", "to", "reason"]);
            (scalar(&item[0].value).expect("a key"), scalar(&item[1].value))
        })
        .collect()
}

#[test]
fn what_only_looks_like_a_row_is_done() {
    for example in NONE {
        let (before, after) = example.configs();
        let plan = Turn::new(before, after).plan(&policy());
        assert_eq!((plan.held.as_slice(), plan.risks.as_slice()), (&[][..], &[][..]), "{example:?}");
    }
}

#[test]
fn a_held_change_says_what_would_happen_and_the_lines_that_release_it() {
    let turn = Turn::of(
        &[("slot.name", "orders"), ("topic.prefix", "shop"), ("database.port", "5433")],
        &[
            ("slot.name", "orders_v2"),
            ("topic.prefix", "shop"),
            ("database.port", "5434"),
            ("tasks.max", "2"),
        ],
    );
    let plan = turn.plan(&policy());
    assert_eq!(plan.sync[&name("orders")], Sync::ConfigDrift);
    let risks = [("database.port", "held"), ("slot.name", "held")];
    assert_eq!(summary(&plan), (vec![], vec!["configure"], risks.to_vec()));
    let Held { action, hold: _, detail, release } = &plan.held[0];
    let Step::Configure { config: _, changes } = &action.step else { panic!("a configure") };
    assert_eq!(changes.len(), 3, "the harmless key is held with the others");
    let lines: Vec<_> = detail.lines().collect();
    assert!(lines[0].starts_with("database.port (data-gap): The same server under another name"), "{detail}");
    assert!(lines[2].starts_with("slot.name (outage): The task fails within 3 seconds"), "{detail}");
    assert!(lines[3].starts_with("the safe way: make the new slot as a copy"), "{detail}");
    let list = "acknowledge: # the items alone, where the list is there already";
    let slot = "  - key: slot.name\n    to: orders_v2\n    reason: \"…\"";
    let port = "  - key: database.port\n    to: \"5434\"\n    reason: \"…\"";
    assert_eq!(release.as_deref(), Some(format!("{list}\n{port}\n{slot}").as_str()));

    let half = turn.acknowledging("slot.name", Some("orders_v2"));
    let plan = half.plan(&policy());
    let risks = [("database.port", "held"), ("slot.name", "acknowledged")];
    assert_eq!(summary(&plan), (vec![], vec!["configure"], risks.to_vec()), "one risky key holds the whole");
    assert_eq!(plan.held[0].release.as_deref(), Some(port), "the list is there already");
    assert!(!plan.held[0].detail.contains("slot.name"), "{}", plan.held[0].detail);

    let whole = half.acknowledging("database.port", Some("5434"));
    let plan = whole.plan(&policy());
    let risks = [("database.port", "acknowledged"), ("slot.name", "acknowledged")];
    assert_eq!(summary(&plan), (vec!["configure"], vec![], risks.to_vec()));
    assert_eq!(plan.risks[0].standing, Standing::Acknowledged("OPS-1".into()));
}

#[test]
fn an_acknowledgement_is_of_a_key_and_of_the_value_that_it_gets() {
    let held = |turn: Turn| !turn.plan(&policy()).held.is_empty();
    let slot = |after: &[(&str, &str)]| Turn::of(&[("slot.name", "a")], after);
    let b = [("slot.name", "b")];
    assert!(held(slot(&b)));
    assert!(held(slot(&b).acknowledging("slot.name", Some("c"))), "another value");
    assert!(held(slot(&b).acknowledging("slot.name", None)), "it does not go");
    assert!(held(slot(&b).acknowledging("topic.prefix", Some("b"))), "another key");
    assert!(held(slot(&b).acknowledging("slot.name", Some("hidden"))), "it is not hidden");
    assert!(!held(slot(&b).acknowledging("slot.name", Some("b"))));
    assert!(held(slot(&[]).acknowledging("slot.name", Some("a"))), "it goes");
    assert!(!held(slot(&[]).acknowledging("slot.name", None)));
}

#[test]
fn an_acknowledgement_that_no_longer_matters_is_no_risk() {
    let turn = Turn::of(&[("slot.name", "b")], &[("slot.name", "b")]).acknowledging("slot.name", Some("b"));
    assert!(turn.plan(&policy()).is_empty());
    let turn = Turn::of(&[], &[("max.batch.size", "1")]).acknowledging("slot.name", Some("b"));
    assert_eq!(summary(&turn.plan(&policy())), (vec!["configure"], vec![], vec![]));
}

#[test]
fn who_answered_for_a_setting_answered_for_no_later_restart() {
    for (key, text, row) in
        [("slot.drop.on.stop", "true", "slot-dropped"), ("snapshot.mode", "always", "snapshot-always-again")]
    {
        let set = Turn::of(&[], &[(key, text)]).acknowledging(key, Some(text));
        assert_eq!(summary(&set.plan(&policy())), (vec!["configure"], vec![], vec![(key, "acknowledged")]));

        let tuned = Turn::of(&[(key, text)], &[(key, text), ("max.batch.size", "1")]);
        let tuned = tuned.acknowledging(key, Some(text));
        let plan = tuned.plan(&policy());
        assert_eq!(summary(&plan), (vec![], vec!["configure"], vec![(row, "held")]));
        let release = plan.held[0].release.clone().unwrap_or_default();
        assert_eq!(items(&release), [(row.to_owned(), Some(text.to_owned()))]);
        let lives_with_it = tuned.acknowledging(row, Some(text)).plan(&policy());
        assert_eq!(
            summary(&lives_with_it).2,
            [(row, "acknowledged")],
            "at every restart, until it is taken away"
        );

        let ends = Turn::of(&[(key, text)], &[]).acknowledging(row, Some(text)).plan(&policy());
        let of_the_row = ends.risks.iter().filter(|risk| risk.standing != Standing::Told);
        let keys: Vec<_> = of_the_row.map(|risk| (&*risk.key, risk.standing.name())).collect();
        assert!(
            keys.iter().all(|one| *one == (key, "held")),
            "a key that changes is answered for itself: {keys:?}"
        );
    }
}

#[test]
fn what_a_setting_does_at_a_stop_or_a_start_is_told_and_the_step_passes() {
    let [running, paused, stopped] = [DesiredState::Running, DesiredState::Paused, DesiredState::Stopped];
    let moved = |config: (&str, &str), state, lives| {
        let mut turn = Turn::of(&[config], &[config]);
        turn.wanted.state = state;
        turn.live.status.as_mut().expect("a status").state = lives;
        let plan = turn.plan(&policy());
        assert_eq!((plan.steps.len(), plan.held.len()), (1, 0), "{config:?}");
        plan.risks.iter().map(|risk| (risk.row, risk.standing.name())).collect::<Vec<_>>()
    };
    let (drops, always) = (("slot.drop.on.stop", "true"), ("snapshot.mode", "always"));
    assert_eq!(moved(drops, stopped, RunState::Running), [("slot-dropped", "told")]);
    assert_eq!(moved(always, running, RunState::Stopped), [("snapshot-always-again", "told")]);
    let nothing: [(&str, &str); 0] = [];
    assert_eq!(moved(drops, paused, RunState::Running), nothing, "the task of one that is paused goes on");
    assert_eq!(moved(always, running, RunState::Paused), nothing);
    assert_eq!(moved(drops, running, RunState::Stopped), nothing, "the slot is gone already");
    assert_eq!(moved(always, stopped, RunState::Running), nothing);
    assert_eq!(moved(("snapshot.mode", "initial"), running, RunState::Stopped), nothing);
}

#[test]
fn what_says_the_same_in_other_words_starts_the_tasks_anew_too() {
    for (key, text, row) in
        [("slot.drop.on.stop", "true", "slot-dropped"), ("snapshot.mode", "always", "snapshot-always-again")]
    {
        let list = |text| ("table.include.list", text);
        let turn =
            Turn::of(&[(key, text), list("public.a,public.b")], &[(key, text), list("public.b,public.a")]);
        assert_eq!(summary(&turn.plan(&policy())), (vec![], vec!["configure"], vec![(row, "held")]));
    }
}

#[test]
fn the_lines_for_a_form_that_has_no_place_for_them_are_a_definition_that_takes_its_file() {
    let of = |form| {
        let mut turn = Turn::of(&[("slot.name", "a")], &[("slot.name", "b")]);
        turn.wanted.form = form;
        turn.wanted.place = Place::start_of("connectors/shop/all.json");
        turn.plan(&policy()).held[0].release.clone().expect("lines")
    };
    let (own, foreign, among) = (of(Form::Own), of(Form::Foreign), of(Form::ForeignAmong));
    assert!(own.starts_with("acknowledge:"), "{own}");
    let over = |from: &str| format!("connector: orders\nfrom: {from}\n{own}");
    assert_eq!(foreign.split_once('\n').expect("lines").1, over("all.json"));
    assert_eq!(among.split_once('\n').expect("lines").1, over("all-alone.json"));
    assert!(among.contains("into `connectors/shop/all-alone.json`; then"), "{among}");
    assert!(foreign.starts_with("# ") && foreign.contains("`connectors/shop/all.over.yaml`"), "{foreign}");
}

#[test]
fn a_hidden_value_is_answered_for_with_the_word_hidden() {
    let mut turn = Turn::of(&[("database.user", "a")], &[]);
    turn.wanted.config.insert("database.user", Value::secret("hunter2"));
    let plan = turn.plan(&policy());
    let release = plan.held[0].release.clone().expect("lines");
    assert!(release.contains("to: hidden"), "{release}");
    assert!(!format!("{plan:?}").contains("hunter2"));
    let turn = turn.acknowledging("database.user", Some("hidden"));
    assert_eq!(summary(&turn.plan(&policy())).2, [("database.user", "acknowledged")]);
}

#[test]
fn a_value_behind_a_mask_is_a_risk_where_it_is_owed() {
    let turn = Turn::of(&[("database.user", "********")], &[("database.user", "a"), ("max.batch.size", "1")]);
    let of = || [(name("orders"), BTreeSet::from(["database.user".into()]))].into();
    let known = Known { owed: of(), ..Known::default() };
    let (want, is) = (desired([(name("orders"), turn.wanted)]), live([(name("orders"), turn.live)]));
    let plan = plan_knowing(&want, &is, &known, &policy(), NOW);
    assert_eq!(summary(&plan).2, [("database.user", "held")]);
    let release = plan.held[0].release.as_deref().expect("lines");
    assert!(release.contains("to: a\n"), "what it is to be is no secret: {release}");
    let known = Known { sure: of(), ..Known::default() };
    let plan = plan_knowing(&want, &is, &known, &policy(), NOW);
    assert_eq!(summary(&plan), (vec!["configure"], vec![], vec![]), "it is known not to change");
}

#[test]
fn a_value_behind_a_mask_that_nobody_knows_is_told_where_it_is_sent_with_others() {
    let (user, size) = (("database.user", "********"), ("max.batch.size", "1"));
    let password = ("database.password", "********");
    let wanted = [("database.user", "a"), ("database.password", "b")];
    let turn = Turn::of(&[user, password], &[wanted[0], wanted[1], size]);
    let plan = turn.plan(&policy());
    assert_eq!(summary(&plan), (vec!["configure"], vec![], vec![("database.user", "told")]));
    let said = &plan.risks[0].consequence;
    assert!(said.starts_with("Connect masks what is there") && said.contains("REPLICATION"), "{said}");

    let alone = Turn::of(&[user, password], &wanted).plan(&policy());
    assert_eq!(summary(&alone), (vec![], vec![], vec![]), "nothing is sent");

    let held = Turn::of(&[user, ("slot.name", "a")], &[wanted[0], ("slot.name", "b")]).plan(&policy());
    let told = vec![("database.user", "told"), ("slot.name", "held")];
    assert_eq!(summary(&held), (vec![], vec!["configure"], told));
    assert_eq!(items(held.held[0].release.as_deref().expect("lines")).len(), 1, "it need not be released");
}

#[test]
fn pauses_and_stops_pass_and_a_resume_waits_with_the_change() {
    let slot = || Turn::of(&[("slot.name", "a")], &[("slot.name", "b")]);
    for (state, step) in [(DesiredState::Paused, "pause"), (DesiredState::Stopped, "stop")] {
        let mut turn = slot();
        turn.wanted.state = state;
        let plan = turn.plan(&policy());
        assert_eq!(summary(&plan), (vec![step], vec!["configure"], vec![("slot.name", "held")]));
    }
    for state in [RunState::Paused, RunState::Stopped] {
        let mut turn = slot();
        turn.live.status.as_mut().expect("a status").state = state;
        let plan = turn.plan(&policy());
        assert_eq!(summary(&plan), (vec![], vec!["configure", "resume"], vec![("slot.name", "held")]));
        assert_eq!(plan.held[1].detail, "it would run the change that is held");
        let passed = turn.acknowledging("slot.name", Some("b")).plan(&policy());
        assert_eq!(summary(&passed).0, ["configure", "resume"]);
    }
    let mut still = slot();
    still.wanted.state = DesiredState::Stopped;
    still.live.status.as_mut().expect("a status").state = RunState::Stopped;
    assert_eq!(summary(&still.plan(&policy())).1, ["configure"], "what counts when it resumes is judged now");
}

#[test]
fn a_held_change_keeps_no_failed_connector_from_its_restart() {
    let slot = |state, task| {
        let mut turn = Turn::of(&[("slot.name", "a")], &[("slot.name", "b")]);
        let pairs = turn.live.config.take();
        turn.live = LiveConnector { config: pairs, ..running(state, &[task], &[]) };
        turn
    };
    let (runs, failed, paused) = (RunState::Running, RunState::Failed, RunState::Paused);
    let done = |turn: &Turn| {
        let plan = turn.plan(&policy());
        let (taken, held, _) = summary(&plan);
        (taken.join(" "), held.join(" "))
    };
    let both = |taken: &str, held: &str| (taken.to_owned(), held.to_owned());
    assert_eq!(done(&slot(runs, failed)), both("restart", "configure"));
    assert_eq!(done(&slot(failed, failed)), both("restart", "configure"));
    assert_eq!(done(&slot(runs, runs)), both("", "configure"));
    assert_eq!(
        done(&slot(paused, failed)),
        both("", "configure resume"),
        "its resume is held with the change"
    );
    let passes = slot(runs, failed).acknowledging("slot.name", Some("b"));
    assert_eq!(done(&passes), both("configure", ""), "a change restarts it as well");

    let mut waits = slot(runs, failed);
    waits.wanted.state = DesiredState::Paused;
    assert_eq!(done(&waits), both("pause", "configure"));
    let mut suspended = slot(runs, failed);
    suspended.wanted.suspend = Some(Suspend { reason: "later".into(), until: None });
    assert_eq!(done(&suspended), both("", "configure"));
    let lets_be = slot(runs, failed).plan(&Policy { restart: false, ..policy() });
    assert_eq!(summary(&lets_be).0, [] as [&str; 0]);
}

#[test]
fn warn_lets_a_risk_pass_and_says_so() {
    let turn = Turn::of(
        &[("slot.name", "a"), ("tombstones.on.delete", "true")],
        &[("slot.name", "b"), ("tombstones.on.delete", "false")],
    );
    let risks = [("slot.name", "warned"), ("tombstones.on.delete", "told")];
    assert_eq!(summary(&turn.plan(&warning())), (vec!["configure"], vec![], risks.to_vec()));
}

#[test]
fn what_is_suspended_tells_its_risks_and_is_held_as_suspended() {
    let mut turn = Turn::of(&[("slot.name", "a")], &[("slot.name", "b")]);
    turn.wanted.suspend = Some(Suspend { reason: "later".into(), until: None });
    let plan = turn.plan(&policy());
    assert_eq!(summary(&plan), (vec![], vec!["configure"], vec![("slot.name", "held")]));
    assert_eq!((plan.held[0].hold, plan.held[0].release.as_deref()), (Hold::Suspended, None));
}

#[test]
fn who_changed_it_by_hand_is_undone_under_the_same_rules() {
    let by_hand = Turn::of(&[("table.include.list", "p.a,p.b")], &[("table.include.list", "p.a")]);
    assert_eq!(summary(&by_hand.plan(&policy())).1, ["configure"]);
}

#[test]
fn the_lines_are_read_back_as_they_were_meant() {
    for text in [
        "orders_v2",
        "yes",
        "Null",
        "5433",
        "0x1f",
        "1e3",
        "~",
        "-",
        "a: b",
        "a # b",
        "- a",
        "",
        " a ",
        "\"quoted\" \\ back",
        "${env:HOST}",
        "p.a,p.b",
        "p\\.a",
        "line\nline",
        "tab\there",
        "é",
        "\u{feff}",
        "\u{85}\u{2028}",
        "[a]",
        "{a: b}",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "'a'",
        "2026-12-01",
        ".inf",
        ".",
        "_a",
        "a.b-c",
    ] {
        let turn = Turn::of(&[("topic.prefix", "before")], &[("topic.prefix", text)]);
        let plan = turn.plan(&policy());
        let release = plan.held[0].release.clone().expect("lines");
        assert_eq!(items(&release), [("topic.prefix".to_owned(), Some(text.to_owned()))], "{release}");
        // Our own reader takes only `null` for no text; other readers know more such words.
        let is_quoted = release.contains(&format!("to: \"{text}\""));
        assert!(is_quoted || !["yes", "Null", "5433", ".inf"].contains(&text), "{release}");
    }
}
