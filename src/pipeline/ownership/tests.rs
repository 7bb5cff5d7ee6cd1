//! What older revisions say, and whose a connector is after what is known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use crate::model::capability::Capabilities;
use crate::model::config::Config;
use crate::model::desired::{Desired, DesiredConnector, DesiredState, Form, Incomplete, Lapse};
use crate::model::finding::Place;
use crate::model::known::{Claim, Former, Look, LookEnd, Mention, Record, Said};
use crate::model::live::{Kind, Live, LiveConnector};
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::policy::{Policy, Prune, Pruned};
use crate::model::revision::{At, ObjectId, RepositoryName, RepositoryRevision, Revision};
use crate::model::select::Select;
use crate::model::snapshot::Files;
use crate::pipeline::ownership::past::{MOST, Past};
use crate::pipeline::ownership::{claims, declared, doubtful, goes_on, learnt, recalled, unjudged};

const HERE: &str = "environments/production.yaml";

fn files(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(path, text)| ((*path).into(), text.as_bytes().into())).collect()
}

fn name(text: &str) -> ConnectorName {
    ConnectorName::observed(text)
}

fn id(number: u32) -> ObjectId {
    ObjectId::new(&format!("{number:040x}")).expect("forty digits")
}

/// What revisions say, the newest first, of every name.
fn said(revisions: &[Files]) -> BTreeMap<String, Said> {
    let environment = EnvironmentName::new("production").expect("a name");
    let mut past = Past::new(environment, BTreeSet::new());
    for (number, files) in (1..).zip(revisions) {
        past.read(files, &id(number), None);
    }
    past.into_mentions().into_iter().map(|(name, mention)| (name.to_string(), mention.said)).collect()
}

/// What one revision says of every name, beside an environment `production` that is based on `default`.
fn says(text: &[(&str, &str)]) -> BTreeMap<String, Said> {
    let there = [(HERE, "environment: production\nbase: default\n---\nenvironment: default\n")];
    said(&[files(&[&there, text].concat())])
}

const DECLARED: Said = Said::Declared { keep: false };
const KEPT: Said = Said::Declared { keep: true };

#[track_caller]
fn only(said: &BTreeMap<String, Said>, wanted: &[(&str, Said)]) {
    let wanted: BTreeMap<_, _> = wanted.iter().map(|(name, said)| ((*name).to_owned(), *said)).collect();
    assert_eq!(*said, wanted);
}

#[test]
fn a_name_is_declared_whatever_form_it_is_written_in() {
    only(
        &says(&[
            (
                "connectors/native.yaml",
                "connector: native\ntemplate: nowhere/at-all\nstate: absent\n---\nconnector: second\nkeep: true\n",
            ),
            (
                "connectors/posted.json",
                r#"[{"name": "posted", "config": {}}, {"name": "posted-2", "config": {}}]"#,
            ),
            ("connectors/flat.json", r#"{"connector.class": "x"}"#),
            ("connectors/named.json", r#"{"connector.class": "x", "name": "b\u00fcro"}"#),
            (
                "connectors/strimzi.yaml",
                "apiVersion: kafka.strimzi.io/v1beta2\nkind: KafkaConnector\nmetadata: {name: manifest}\nspec: {class: x}\n",
            ),
        ]),
        &[
            ("native", DECLARED),
            ("second", KEPT),
            ("posted", DECLARED),
            ("posted-2", DECLARED),
            ("flat", DECLARED),
            ("büro", DECLARED),
            ("manifest", DECLARED),
        ],
    );
}

#[test]
fn only_what_exists_in_the_environment_counts_by_the_name_that_it_has_there() {
    only(
        &says(&[(
            "connectors/all.yaml",
            "connector: here\nonly: [production]\n---\nconnector: there\nonly: [staging]\n---\n\
             connector: not-here\nexcept: [production]\n---\n\
             connector: renamed\nenvironments: {production: {name: renamed-prod}, staging: {name: renamed-stg}}\n---\n\
             connector: inherited\nenvironments: {default: {name: inherited-default}}\n",
        )]),
        &[("here", DECLARED), ("renamed-prod", DECLARED), ("inherited-default", DECLARED)],
    );
}

#[test]
fn what_declares_the_environment_nowhere_declares_nothing_for_it() {
    only(&said(&[files(&[("connectors/a.yaml", "connector: a\n")])]), &[]);
    let elsewhere =
        [("environments/x.yaml", "environment: staging\n"), ("connectors/a.yaml", "connector: a\n")];
    only(&said(&[files(&elsewhere)]), &[]);
}

#[test]
fn under_a_base_that_cannot_be_read_only_a_name_that_nothing_can_change_counts() {
    let environment = (HERE, "environment: production\nbase: gone\n");
    let connectors = "connector: plain\n---\nconnector: odd\nenvironments: {gone: {name: odd-gone}}\n---\n\
        connector: sure\nenvironments: {gone: {name: sure-gone}, production: {name: sure-prod}}\n";
    only(
        &said(&[files(&[environment, ("connectors/a.yaml", connectors)])]),
        &[("plain", DECLARED), ("sure-prod", DECLARED)],
    );
}

#[test]
fn a_file_that_is_a_part_of_a_connector_is_none_itself() {
    let json = ("connectors/audit.json", r#"{"name": "other", "config": {"connector.class": "x"}}"#);
    only(
        &says(&[json, ("connectors/a.yaml", "connector: audit\nfrom: audit.json\n")]),
        &[("audit", DECLARED)],
    );
    only(
        &says(&[json, ("connectors/a.yaml", "connector: audit\n")]),
        &[("audit", DECLARED), ("other", DECLARED)],
    );
}

#[test]
fn of_what_is_broken_the_rest_counts() {
    let bomb =
        format!("a: &a [{}]\nconnector: bomb\nconfig: {{b: [{}]}}\n", "x".repeat(1000), "*a, ".repeat(1000));
    only(
        &says(&[
            ("connectors/1.yaml", "connector: whole\n---\nconnector: half\nonly: [production\n"),
            ("connectors/2.json", "{\"name\": "),
            ("connectors/3.yaml", "connector: no-config\nconfig: 7\nunknown: key\n"),
            ("connectors/4.yaml", "connector: unclear\nonly: {production: yes}\n"),
            ("connectors/5.yaml", "connector: unclear-kept\nkeep: true\nonly: {production: yes}\n"),
            ("connectors/6.yaml", "connector: [not, a, name]\n"),
            ("connectors/7.yaml", "connector: keep-what\nkeep: perhaps\n"),
            ("connectors/8.yaml", &bomb),
            ("templates/t.yaml", "template: t\nconfig: [\n"),
        ]),
        &[
            ("whole", DECLARED),
            ("no-config", DECLARED),
            ("keep-what", KEPT),
            ("unclear-kept", KEPT),
            ("bomb", DECLARED),
        ],
    );
}

#[test]
fn the_newest_word_on_a_name_counts() {
    let here = (HERE, "environment: production\n");
    let revision = |text: &str| files(&[here, ("connectors/a.yaml", text)]);
    let [keep, plain, forget, nothing] =
        ["connector: a\nkeep: true\n", "connector: a\n", "forget: a\n", "connector: b\n"].map(revision);
    let of_a = |revisions: &[&Files]| {
        let revisions: Vec<_> = revisions.iter().map(|files| (*files).clone()).collect();
        said(&revisions).get("a").copied()
    };
    assert_eq!(of_a(&[&nothing, &keep, &plain]), Some(KEPT));
    assert_eq!(of_a(&[&nothing, &plain, &keep]), Some(DECLARED));
    assert_eq!(
        of_a(&[&nothing, &forget, &keep]),
        Some(Said::Forgotten),
        "given away, and the word removed later"
    );
    assert_eq!(of_a(&[&nothing, &plain, &forget]), Some(DECLARED), "it came back");
    assert_eq!(of_a(&[&nothing]), None);
}

#[test]
fn a_look_ends_when_something_was_said_on_each_name_that_is_wanted() {
    let here = (HERE, "environment: production\n");
    let environment = EnvironmentName::new("production").expect("a name");
    let mut past = Past::new(environment, BTreeSet::from([name("a"), name("b")]));
    let mut read = |text: &str| {
        past.read(&files(&[here, ("connectors/a.yaml", text)]), &id(1), None);
        past.is_enough()
    };
    assert!(!read("connector: c\n"));
    assert!(!read("connector: a\n"));
    assert!(read("connector: a\n---\nforget: b\n"));
}

#[test]
fn a_file_that_did_not_change_is_not_read_again_and_says_the_same() {
    let here = (HERE, "environment: production\n");
    let one =
        files(&[here, ("connectors/a.yaml", "connector: a\n"), ("connectors/b.yaml", "connector: b\n")]);
    // Everything but the text of one file is the same memory.
    let mut other = one.clone();
    other.insert("connectors/b.yaml".into(), b"connector: c\n".as_slice().into());
    only(&said(&[one, other]), &[("a", DECLARED), ("b", DECLARED), ("c", DECLARED)]);
}

fn at(number: u32, seconds: i64) -> At {
    At::Git {
        reference: "refs/tags/v1".into(),
        object: id(number),
        commit: id(number),
        committed: Timestamp::from_second(seconds).ok(),
        verified: None,
    }
}

/// What is desired at a commit: these connectors, each by the folder that it stands in.
fn desired(at: At, connectors: &[(&str, bool, &str)], folders: &[&str]) -> Desired {
    let one = |(connector, keep, path): &(&str, bool, &str)| {
        let one = DesiredConnector {
            config: Config::default(),
            state: DesiredState::Running,
            keep: *keep,
            acknowledged: Vec::new(),
            template: None,
            form: Form::Own,
            place: Place::start_of(path),
            origins: BTreeMap::new(),
            suspend: None,
            lost: BTreeSet::new(),
        };
        (name(connector), one)
    };
    let main = RepositoryRevision { repository: RepositoryName::main(), at };
    let folder = |path: &&str| RepositoryRevision {
        repository: RepositoryName::extra(path),
        at: At::Directory { path: (*path).into(), digest: 1 },
    };
    Desired {
        revision: Revision::of(std::iter::once(main).chain(folders.iter().map(folder)).collect()),
        environment: EnvironmentName::new("production").expect("a name"),
        connectors: connectors.iter().map(one).collect(),
        suspend: None,
        unresolved: BTreeMap::new(),
        forgotten: BTreeSet::new(),
        left_out: BTreeSet::new(),
        incomplete: Vec::new(),
    }
}

const FILE: &str = "connectors/a.yaml";

fn live(names: &[&str]) -> Live {
    let one = || LiveConnector { config: None, kind: Kind::Unknown, status: None };
    Live {
        connectors: names.iter().map(|text| (name(text), one())).collect(),
        capabilities: Capabilities::default(),
    }
}

fn pruning() -> Policy {
    Policy { prune: Prune { who: Pruned::Owned, ..Prune::default() }, ..Policy::default() }
}

fn names(all: &[&str]) -> BTreeSet<ConnectorName> {
    all.iter().map(|text| name(text)).collect()
}

#[test]
fn only_what_may_be_deleted_is_asked_about() {
    let mut wanted = desired(at(1, 1), &[("declared", false, FILE)], &[]);
    wanted.forgotten.insert(name("forgotten"));
    let live = live(&["declared", "forgotten", "outside", "left"]);
    let policy =
        Policy { select: Select { exclude: vec!["out*".to_owned()], ..Select::default() }, ..pruning() };
    assert_eq!(doubtful(&wanted, &live, &policy), names(&["left"]));
    let never = Policy { prune: Prune::default(), ..policy.clone() };
    assert_eq!(doubtful(&wanted, &live, &never), names(&[]), "nothing is ever deleted");
    wanted.incomplete.push(Incomplete { repository: RepositoryName::extra("/x"), lapse: Lapse::Missing });
    assert_eq!(doubtful(&wanted, &live, &policy), names(&[]), "it may be the folder's");
}

fn mention(said: Said, number: u32, seconds: i64) -> Mention {
    Mention {
        said,
        by: RepositoryName::main(),
        commit: Some(id(number)),
        committed: Timestamp::from_second(seconds).ok(),
    }
}

fn look(from: u32, end: LookEnd) -> Look {
    Look { from: id(from), to: id(1), commits: 3, end }
}

fn ours(keep: bool, source: &str) -> Claim {
    Claim::Ours(Former { keep, source: source.into() })
}

#[test]
fn nobody_is_judged_before_the_history_was_read_from_the_commit_in_force() {
    let wanted = desired(at(9, 9), &[], &[]);
    let doubtful = names(&["a", "b"]);
    let mut record = Record { names: [(name("a"), mention(DECLARED, 5, 5))].into(), ..Record::default() };
    assert_eq!(unjudged(&record, &wanted, &doubtful), doubtful, "a later commit may have said `keep`");
    assert_eq!(claims(&record, &wanted, &doubtful), BTreeMap::new());
    record.look = Some(look(8, LookEnd::Root));
    assert_eq!(unjudged(&record, &wanted, &doubtful), doubtful, "it was read from another commit");
    record.look = Some(look(9, LookEnd::Enough));
    assert_eq!(unjudged(&record, &wanted, &doubtful), names(&["b"]), "there is more to read");
    for end in [LookEnd::Root, LookEnd::Limit] {
        record.look = Some(look(9, end));
        assert_eq!(unjudged(&record, &wanted, &doubtful), names(&[]));
        let known = claims(&record, &wanted, &doubtful);
        assert_eq!(known[&name("a")], ours(false, "commit 0000000"));
        assert_eq!(known[&name("b")], Claim::Stranger);
    }
}

#[test]
fn of_two_words_the_newer_one_counts_and_in_doubt_the_one_that_deletes_less() {
    let nothing = desired(at(9, 9), &[], &[]);
    for (known, found, newest) in [
        ((DECLARED, 1, 1), (KEPT, 2, 2), KEPT),
        ((KEPT, 1, 1), (DECLARED, 2, 2), DECLARED),
        // The ref was moved back: the agent saw what the history does not lead to.
        ((KEPT, 3, 3), (DECLARED, 2, 2), KEPT),
        ((Said::Forgotten, 3, 3), (DECLARED, 2, 2), Said::Forgotten),
        ((DECLARED, 3, 3), (Said::Forgotten, 2, 2), DECLARED),
        ((KEPT, 1, 2), (DECLARED, 2, 2), KEPT),
        ((DECLARED, 1, 2), (KEPT, 2, 2), KEPT),
        ((DECLARED, 1, 2), (Said::Forgotten, 2, 2), Said::Forgotten),
        ((Said::Forgotten, 1, 2), (DECLARED, 2, 2), Said::Forgotten),
        ((DECLARED, 2, 2), (KEPT, 2, 2), KEPT),
    ] {
        let of = |(said, number, seconds)| mention(said, number, seconds);
        let mut record = Record { names: [(name("a"), of(known))].into(), ..Record::default() };
        learnt(&mut record, [(name("a"), of(found))].into(), look(9, LookEnd::Root), &nothing);
        assert_eq!(record.names[&name("a")].said, newest, "{known:?} {found:?}");
    }
}

#[test]
fn what_is_read_later_of_one_look_is_older_and_takes_nothing_back_that_spares() {
    let nothing = desired(at(9, 9), &[], &[]);
    let (goes, kept, given) = (DECLARED, KEPT, Said::Forgotten);
    for (known, found, from, newest) in [
        (given, goes, 9, given),
        (kept, goes, 9, kept),
        (given, kept, 9, given),
        (goes, given, 9, given),
        (goes, kept, 9, kept),
        (given, goes, 8, goes),
    ] {
        let names = [(name("a"), mention(known, 1, 10))].into();
        let mut record = Record { names, look: Some(look(from, LookEnd::Enough)), ..Record::default() };
        // The clock of who made the older commit was ahead.
        learnt(&mut record, [(name("a"), mention(found, 2, 20))].into(), look(9, LookEnd::Root), &nothing);
        assert_eq!(record.names[&name("a")].said, newest, "{known:?} {found:?} {from}");
    }
}

#[test]
fn a_look_that_ended_early_is_gone_on_with_at_its_own_revision() {
    let (same, newer) = (desired(at(9, 9), &[], &[]), desired(at(10, 10), &[], &[]));
    for (end, at_newer) in [(LookEnd::Root, true), (LookEnd::Limit, true), (LookEnd::Enough, false)] {
        assert_eq!((goes_on(&look(9, end), &same), goes_on(&look(9, end), &newer)), (true, at_newer));
    }
}

#[test]
fn what_the_agent_sees_is_remembered_as_it_was_last() {
    let mut record = Record::default();
    declared(&mut record, &desired(at(1, 1), &[("a", true, FILE), ("b", false, FILE)], &[]));
    declared(&mut record, &desired(at(2, 2), &[("a", false, FILE)], &[]));
    let mut third = desired(at(3, 3), &[], &[]);
    third.forgotten.insert(name("b"));
    declared(&mut record, &third);
    assert_eq!(record.names[&name("a")], mention(DECLARED, 2, 2));
    assert_eq!(record.names[&name("b")], mention(Said::Forgotten, 3, 3));
}

#[test]
fn what_an_earlier_agent_knew_is_added_and_what_was_seen_meanwhile_is_newer() {
    let known = [(name("a"), mention(KEPT, 1, 1)), (name("b"), mention(KEPT, 1, 1))];
    let earlier = Record { names: known.into(), look: Some(look(1, LookEnd::Root)), ..Record::default() };
    let seen = [(name("b"), mention(DECLARED, 2, 2)), (name("c"), mention(DECLARED, 2, 2))];
    for (looked, look) in
        [(None, look(1, LookEnd::Root)), (Some(look(2, LookEnd::Limit)), look(2, LookEnd::Limit))]
    {
        let mut record = Record { names: seen.clone().into(), look: looked, ..Record::default() };
        recalled(&mut record, earlier.clone());
        let all =
            [("a", mention(KEPT, 1, 1)), ("b", mention(DECLARED, 2, 2)), ("c", mention(DECLARED, 2, 2))];
        assert_eq!(record.names, all.map(|(one, mention)| (name(one), mention)).into());
        assert_eq!(record.look, Some(look));
    }
}

#[test]
fn a_newer_word_of_an_earlier_agent_stays() {
    let earlier = [(name("a"), mention(KEPT, 5, 5))];
    let mut record = Record { names: [(name("a"), mention(DECLARED, 1, 1))].into(), ..Record::default() };
    recalled(&mut record, Record { names: earlier.clone().into(), ..Record::default() });
    assert_eq!(record.names, earlier.into());
}

#[test]
fn a_folder_has_no_history_and_its_names_count_while_it_is_there() {
    let main = || At::Directory { path: "/definitions".into(), digest: 7 };
    let mut record = Record::default();
    let all = [("own", false, FILE), ("service", true, "/extra/a.yaml"), ("near", false, "/extra-2/a.yaml")];
    declared(&mut record, &desired(main(), &all, &["/extra", "/extra-2"]));
    let doubtful = names(&["own", "service", "near", "stranger"]);
    let now = claims(&record, &desired(main(), &[], &["/extra"]), &doubtful);
    assert_eq!(now[&name("own")], ours(false, "the agent's own record"));
    assert_eq!(now[&name("service")], ours(true, "the agent's own record of the folder /extra"));
    assert_eq!(now[&name("near")], Claim::Stranger, "its folder is gone from the settings");
    assert_eq!(now[&name("stranger")], Claim::Stranger);
}

#[test]
fn there_is_a_bound_and_the_oldest_that_is_not_declared_is_forgotten_first() {
    let mut record = Record::default();
    let number = |number: usize| u32::try_from(number).expect("few");
    record.names = (0..MOST + 10)
        .map(|at| {
            (name(&format!("c{at:05}")), mention(DECLARED, number(at), 10_000_000 - i64::from(number(at))))
        })
        .collect();
    let last = format!("c{:05}", MOST + 9);
    declared(&mut record, &desired(at(1, 1), &[(&last, false, FILE)], &[]));
    assert_eq!(record.names.len(), MOST);
    assert!(record.names.contains_key(&name(&last)), "it is declared");
    assert!(record.names.contains_key(&name("c00000")), "it is the newest");
    assert!(!record.names.contains_key(&name(&format!("c{:05}", MOST + 8))), "it is the oldest");
}

proptest! {
    #[test]
    fn whatever_stands_in_a_file_is_read_without_harm(text in "[\\x00-\\x7f]{0,300}", json: bool) {
        let path: Arc<str> = if json { "connectors/a.json" } else { "connectors/a.yaml" }.into();
        said(&[files(&[(&path, &text), (HERE, "environment: production\n")])]);
    }
}
