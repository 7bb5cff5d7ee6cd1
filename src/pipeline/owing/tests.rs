//! Single facts about what is owed, and the laws that hold whoever leads, dies or is not heard.

use proptest::prelude::*;

use super::*;
use crate::model::config::Config;
use crate::model::desired::{DesiredConnector, DesiredState, Form};
use crate::model::finding::Place;
use crate::model::known::Known;
use crate::model::live::{Kind, LiveConnector};
use crate::model::name::EnvironmentName;
use crate::model::plan::{Plan, Reason};
use crate::model::policy::{OnRisk, Policy};
use crate::model::revision::{At, RepositoryName, RepositoryRevision, Revision};
use crate::pipeline::plan::plan_knowing;

const KEY: &str = "database.password";
const MASK: &str = "••••••••••••";

fn orders() -> ConnectorName {
    ConnectorName::observed("orders")
}

fn config(pairs: &[(&str, &str)]) -> Config {
    pairs.iter().map(|&(key, text)| (key, Value::new(key, text))).collect()
}

fn wanting(config: Config) -> Desired {
    let at = At::Directory { path: "definitions".into(), digest: 0 };
    let one = DesiredConnector {
        config,
        state: DesiredState::Running,
        keep: false,
        acknowledged: Vec::new(),
        template: None,
        form: Form::Own,
        place: Place::start_of("connectors/orders.yaml"),
        origins: BTreeMap::new(),
        suspend: None,
        lost: BTreeSet::new(),
    };
    Desired {
        revision: Revision::of(vec![RepositoryRevision { repository: RepositoryName::main(), at }]),
        environment: EnvironmentName::new("production").expect("a plain name"),
        connectors: [(orders(), one)].into(),
        suspend: None,
        unresolved: BTreeMap::new(),
        forgotten: BTreeSet::new(),
        left_out: BTreeSet::new(),
        incomplete: Vec::new(),
    }
}

fn showing(config: Config) -> Live {
    let one = LiveConnector { config: Some(config), kind: Kind::Source, status: None };
    Live { connectors: [(orders(), one)].into(), ..Live::default() }
}

/// What the cluster shows where it holds this and masks.
fn masked() -> Live {
    showing(config(&[(KEY, MASK)]))
}

/// Stands for the true digest: equal for equal texts, and else not.
fn digest(text: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    Digest::new(bytes)
}

fn digests(desired: &Desired) -> Wanted {
    let of = |(name, one): (&ConnectorName, &DesiredConnector)| {
        let each = one.config.iter().map(|(key, value)| (key.into(), digest(value.expose())));
        (name.clone(), each.collect())
    };
    desired.connectors.iter().map(of).collect()
}

fn password(text: &str) -> (Desired, Wanted) {
    let desired = wanting(config(&[(KEY, text)]));
    let wanted = digests(&desired);
    (desired, wanted)
}

fn planned(desired: &Desired, live: &Live, owed: &Owed) -> Plan {
    // Whether a change could do harm is asked elsewhere.
    let policy = Policy { risk: OnRisk::Warn, ..Policy::default() };
    plan_knowing(
        desired,
        live,
        &Known { owed: owed.clone(), ..Known::default() },
        &policy,
        jiff::Timestamp::UNIX_EPOCH,
    )
}

/// What somebody knows who has looked while this was desired.
fn having_seen(text: &str) -> Ledger {
    let ((desired, wanted), mut ledger) = (password(text), Ledger::new());
    looked(&mut ledger, &wanted, &desired, &masked());
    ledger
}

#[test]
fn what_was_never_seen_is_not_owed_and_what_changed_is() {
    let (desired, wanted) = password("new");
    assert_eq!(owed(&Ledger::new(), &wanted, &masked()), Owed::new());
    assert_eq!(owed(&having_seen("new"), &wanted, &masked()), Owed::new());
    let owed = owed(&having_seen("old"), &wanted, &masked());
    let plan = planned(&desired, &masked(), &owed);
    let [Action { step: Step::Configure { config, changes }, reason: Reason::Differs, .. }] = &plan.steps[..]
    else {
        panic!("{plan:?}")
    };
    assert_eq!(config, &desired.connectors[&orders()].config, "the whole config is sent");
    assert_eq!(format!("{changes:?}").matches("Hidden").count(), 2, "{changes:?}");
    assert_eq!(plan.unverifiable[0].keys, [KEY.into()], "it cannot be compared any the more");
    assert!(!format!("{plan:?}").contains("new"), "{plan:?}");
}

#[test]
fn what_could_be_read_is_known_when_it_is_masked_later() {
    let ((desired, wanted), mut ledger) = (password("old"), Ledger::new());
    looked(&mut ledger, &wanted, &desired, &showing(config(&[(KEY, "old")])));
    assert_eq!(ledger[&orders()][KEY], Entry::Settled(digest("old")));
    assert_eq!(owed(&ledger, &password("new").1, &masked()).len(), 1);
    // Somebody changed it by hand, and then it was masked.
    looked(&mut ledger, &wanted, &desired, &showing(config(&[(KEY, "by hand")])));
    assert_eq!(owed(&ledger, &wanted, &masked()).len(), 1);
}

#[test]
fn an_address_behind_a_mask_is_judged_by_what_was_sent_last_also_beside_another_change() {
    const HOST: &str = "database.hostname";
    const CLASS: (&str, &str) = ("connector.class", "PostgresConnector");
    let of = |host: &str, size: &str| {
        let desired = wanting(config(&[CLASS, (HOST, host), ("max.batch.size", size)]));
        let wanted = digests(&desired);
        (desired, wanted)
    };
    let live = showing(config(&[CLASS, (HOST, MASK), ("max.batch.size", "1")]));
    let risks = |ledger: &Ledger, (desired, wanted): &(Desired, Wanted)| {
        let known = Known {
            owed: owed(ledger, wanted, &live),
            sure: sure(ledger, wanted, &live),
            ..Known::default()
        };
        let plan = plan_knowing(desired, &live, &known, &Policy::default(), jiff::Timestamp::UNIX_EPOCH);
        plan.risks.iter().map(|risk| (risk.key.to_string(), risk.standing.name())).collect::<Vec<_>>()
    };
    let mut ledger = Ledger::new();
    let first = of("db-1", "2");
    let told = [(HOST.to_owned(), "told")];
    assert_eq!(risks(&ledger, &first), told, "nobody knows what is there");
    looked(&mut ledger, &first.1, &first.0, &live);
    assert_eq!(risks(&ledger, &first), told, "that it is desired tells nothing of what is there");

    let configure =
        Step::Configure { config: first.0.connectors[&orders()].config.clone(), changes: Vec::new() };
    let action = Action { connector: orders(), step: configure, reason: Reason::Differs };
    let before = ledger.clone();
    sending(&mut ledger, &first.1, &action);
    ended(&mut ledger, &before, &first.1, &action, Taken::Yes);
    assert_eq!(risks(&ledger, &first), [], "it was sent");

    // Held for as long as nobody answers for it, however often it is looked at.
    let second = of("db-2", "3");
    for _ in 0..3 {
        assert_eq!(risks(&ledger, &second), [(HOST.to_owned(), "held")]);
        looked(&mut ledger, &second.1, &second.0, &live);
    }
    assert_eq!(risks(&ledger, &of("db-1", "3")), [], "and no longer than it is another one");
}

#[test]
fn what_can_be_read_is_not_owed() {
    let (_, wanted) = password("new");
    let live = showing(config(&[(KEY, "old")]));
    assert_eq!(owed(&having_seen("old"), &wanted, &live), Owed::new(), "it is drift that everybody sees");
}

#[test]
fn one_who_follows_owes_what_changed_although_it_changes_back() {
    let mut ledger = Ledger::new();
    for text in ["old", "new", "old"] {
        doubted(&mut ledger, &password(text).1);
    }
    // The leader may have written the second one and died before the third.
    assert_eq!(owed(&ledger, &password("old").1, &masked()).len(), 1);
}

#[test]
fn what_lacks_a_secret_or_is_not_listed_for_a_moment_is_not_forgotten() {
    let (desired, wanted) = password("new");
    let mut ledger = having_seen("old");
    looked(&mut ledger, &Wanted::new(), &desired, &masked());
    doubted(&mut ledger, &Wanted::new());
    looked(&mut ledger, &wanted, &desired, &Live::default());
    assert_eq!(owed(&ledger, &wanted, &masked()).len(), 1);
    looked(&mut ledger, &Wanted::new(), &desired, &Live::default());
    assert_eq!(ledger, Ledger::new(), "what is neither declared nor there is forgotten");
}

#[test]
fn who_follows_for_years_does_not_remember_every_connector_there_ever_was() {
    let mut ledger = Ledger::new();
    for n in 0..=FORMER {
        let one = [("x".into(), digest("x"))].into();
        doubted(&mut ledger, &[(ConnectorName::observed(&n.to_string()), one)].into());
    }
    assert_eq!(ledger.len(), FORMER + 1);
    let (_, wanted) = password("new");
    doubted(&mut ledger, &wanted);
    assert_eq!(ledger.len(), 1);
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Taken,
    Refused,
    /// Nobody hears whether it was taken; this says whether it was.
    Unheard(bool),
    /// The agent dies with the request; this says whether it was taken.
    Dies(bool),
}

/// An agent: what it knows, and what its file says.
#[derive(Default)]
struct Agent {
    ledger: Ledger,
    file: Ledger,
}

/// A cluster that masks, two agents, and one of them beside the leader.
struct World {
    holds: String,
    agents: [Agent; 2],
    leader: usize,
    written: usize,
}

impl World {
    fn new() -> Self {
        let agents = [Agent::default(), Agent::default()];
        Self { holds: "a".to_owned(), agents, leader: 0, written: 0 }
    }

    /// Both take a turn with this password.
    fn turn(&mut self, text: &str, fate: Fate) {
        let (desired, wanted) = password(text);
        let follower = &mut self.agents[1 - self.leader];
        doubted(&mut follower.ledger, &wanted);
        follower.file = follower.ledger.clone();

        let agent = &mut self.agents[self.leader];
        let plan = planned(&desired, &masked(), &owed(&agent.ledger, &wanted, &masked()));
        looked(&mut agent.ledger, &wanted, &desired, &masked());
        let before = agent.ledger.clone();
        for action in &plan.steps {
            sending(&mut agent.ledger, &wanted, action);
            agent.file = agent.ledger.clone();
            let taken = match fate {
                Fate::Taken => Taken::Yes,
                Fate::Refused => Taken::No,
                Fate::Unheard(_) | Fate::Dies(_) => Taken::Unknown,
            };
            if matches!(fate, Fate::Taken | Fate::Unheard(true) | Fate::Dies(true)) {
                text.clone_into(&mut self.holds);
                self.written += 1;
            }
            if matches!(fate, Fate::Dies(_)) {
                agent.ledger = agent.file.clone();
                return;
            }
            ended(&mut agent.ledger, &before, &wanted, action, taken);
        }
        agent.file = agent.ledger.clone();
    }
}

#[derive(Debug, Clone)]
enum Happens {
    Turn(&'static str, Fate),
    /// Another one leads.
    Moves,
    /// Both start again.
    Restart,
}

fn any_happening() -> impl Strategy<Value = Happens> {
    let fate = prop_oneof![
        Just(Fate::Taken),
        Just(Fate::Refused),
        any::<bool>().prop_map(Fate::Unheard),
        any::<bool>().prop_map(Fate::Dies),
    ];
    let turn =
        (prop::sample::select(vec!["a", "b", "c"]), fate).prop_map(|(text, fate)| Happens::Turn(text, fate));
    prop_oneof![4 => turn, 1 => Just(Happens::Moves), 1 => Just(Happens::Restart)]
}

fn any_config() -> impl Strategy<Value = Config> {
    let key = prop::sample::select(vec!["connector.class", "topic", KEY, "sasl.jaas.config", "x"]);
    prop::collection::btree_map(key, "[a-c]{0,2}", 0..5)
        .prop_map(|pairs| pairs.iter().map(|(key, text)| (*key, Value::new(key, text))).collect())
}

fn any_ledger() -> impl Strategy<Value = Ledger> {
    let entry = prop_oneof!["[a-c]{0,2}".prop_map(|text| Entry::Settled(digest(&text))), Just(Entry::Owed)];
    let key = prop::sample::select(vec!["connector.class", "topic", KEY, "sasl.jaas.config", "x"]);
    prop::collection::btree_map(key.prop_map(Into::into), entry, 0..5)
        .prop_map(|entries| [(orders(), entries)].into())
}

/// The same config with some values masked.
fn with_masks(config: &Config, which: u8) -> Config {
    let masked = |(at, (key, value)): (usize, (&str, &Value))| {
        let value = if which >> at & 1 == 1 { Value::new(key, MASK) } else { value.clone() };
        (key.to_owned(), value)
    };
    config.iter().enumerate().map(masked).collect()
}

#[test]
fn beside_what_is_read_late_what_was_owed_meanwhile_still_is() {
    let digest = |byte| Digest::new([byte; 32]);
    let of = |entries: &[(&str, Entry)]| -> Ledger {
        let entries = entries.iter().map(|(key, entry)| (Arc::from(*key), *entry)).collect();
        [(orders(), entries)].into()
    };
    let mut ledger = of(&[("as-before", Entry::Settled(digest(1))), ("owed", Entry::Settled(digest(2)))]);
    let seen = of(&[
        ("as-before", Entry::Settled(digest(7))),
        ("owed", Entry::Owed),
        ("changed", Entry::Settled(digest(8))),
        ("new", Entry::Settled(digest(9))),
    ]);
    let wanted = [("as-before", 7), ("owed", 6), ("changed", 5), ("new", 9)];
    let wanted = wanted.map(|(key, byte)| (Arc::from(key), digest(byte))).into();
    recalled(&mut ledger, &seen, &[(orders(), wanted)].into());
    let entries = [("as-before", Entry::Settled(digest(1))), ("owed", Entry::Owed), ("changed", Entry::Owed)];
    assert_eq!(ledger, of(&entries));
}

proptest! {
    #[test]
    fn a_mask_is_never_sent(
        want in any_config(), is in any_config(), which in any::<u8>(), ledger in any_ledger(),
    ) {
        let (desired, live) = (wanting(want.clone()), showing(with_masks(&is, which)));
        let owed = owed(&ledger, &digests(&desired), &live);
        for action in planned(&desired, &live, &owed).steps {
            let Step::Configure { config, changes: _ } = action.step else { continue };
            prop_assert!(config.iter().all(|(_, value)| !value.is_masked()));
            prop_assert_eq!(config, want.clone());
        }
    }

    #[test]
    fn nothing_is_written_for_a_mask_without_an_older_digest(
        want in any_config(), which in any::<u8>(), ledger in any_ledger(),
    ) {
        let (desired, live) = (wanting(want.clone()), showing(with_masks(&want, which)));
        let wanted = digests(&desired);
        let steps = |owed: &Owed| planned(&desired, &live, owed).steps.len();
        prop_assert_eq!(steps(&owed(&Ledger::new(), &wanted, &live)), 0);
        let is_known = |(key, digest): (&Arc<str>, &Digest)| {
            ledger[&orders()].get(key).is_some_and(|entry| entry.owes(*digest))
                && with_masks(&want, which).get(key).is_some_and(Value::is_masked)
        };
        let known = wanted[&orders()].iter().any(is_known);
        prop_assert_eq!(steps(&owed(&ledger, &wanted, &live)), usize::from(known));
    }

    #[test]
    fn the_same_twice_owes_nothing(want in any_config(), which in any::<u8>()) {
        let (desired, live) = (wanting(want.clone()), showing(with_masks(&want, which)));
        let (wanted, mut ledger) = (digests(&desired), Ledger::new());
        looked(&mut ledger, &wanted, &desired, &live);
        for _ in 0..2 {
            doubted(&mut ledger, &wanted);
            looked(&mut ledger, &wanted, &desired, &live);
            prop_assert_eq!(owed(&ledger, &wanted, &live), Owed::new());
        }
    }

    #[test]
    fn whatever_happens_the_cluster_ends_with_what_is_desired_and_is_then_left_alone(
        happenings in prop::collection::vec(any_happening(), 0..12),
    ) {
        let mut world = World::new();
        world.turn("a", Fate::Taken);
        let mut last = "a";
        for happens in happenings {
            match happens {
                Happens::Turn(text, fate) => {
                    last = text;
                    world.turn(text, fate);
                }
                Happens::Moves => world.leader = 1 - world.leader,
                Happens::Restart => world.agents.iter_mut().for_each(|one| one.ledger = one.file.clone()),
            }
        }
        for _ in 0..2 {
            world.turn(last, Fate::Taken);
            prop_assert_eq!(&world.holds, last);
            world.leader = 1 - world.leader;
        }
        let written = world.written;
        for _ in 0..4 {
            world.leader = 1 - world.leader;
            world.agents.iter_mut().for_each(|one| one.ledger = one.file.clone());
            world.turn(last, Fate::Taken);
        }
        prop_assert_eq!(world.written, written, "a lead that moves back and forth costs nothing more");
    }

    #[test]
    fn one_who_leads_without_a_break_writes_each_change_once(
        texts in prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..10),
    ) {
        let mut world = World::new();
        world.turn("a", Fate::Taken);
        let (mut changes, mut last) = (0, "a");
        for text in texts {
            changes += usize::from(text != last);
            last = text;
            world.turn(text, Fate::Taken);
            world.turn(text, Fate::Taken);
        }
        prop_assert_eq!(world.written, changes);
    }

    #[test]
    fn what_was_refused_and_is_desired_no_more_is_not_written(text in "[b-z]") {
        let mut world = World::new();
        world.turn("a", Fate::Taken);
        world.turn(&text, Fate::Refused);
        world.turn(&text, Fate::Refused);
        world.turn("a", Fate::Taken);
        prop_assert_eq!(world.written, 0);
        world.turn(&text, Fate::Refused);
        world.turn(&text, Fate::Taken);
        prop_assert_eq!((world.written, world.holds), (1, text));
    }
}
