//! What becomes of connectors that go, where a `suspend` or a `keep` has something to do with it.

use std::sync::Arc;

use super::*;
use crate::model::comparison::{Effect, EffectKind};
use crate::model::config::{Config, Value};
use crate::model::desired::{DesiredConnector, DesiredState, Form, Suspend};
use crate::model::finding::Place;
use crate::model::name::ConnectorName;
use crate::model::plan::Hold;
use crate::model::policy::Pruned;
use crate::model::revision::RepositoryRevision;
use crate::model::risk::Acknowledged;
use crate::pipeline::compare::effect::effects;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn name(text: &str) -> ConnectorName {
    ConnectorName::new(text).expect("a name that the test chose")
}

/// A connector that reads one database through this slot, for which its own name is answered.
fn connector(named: &str, slot: &str) -> DesiredConnector {
    let config: Config = [
        ("connector.class", "io.debezium.connector.postgresql.PostgresConnector"),
        ("database.hostname", "db"),
        ("database.dbname", "shop"),
        ("topic.prefix", slot),
        ("slot.name", slot),
    ]
    .map(|(key, text)| (key, Value::new(key, text)))
    .into_iter()
    .collect();
    let place = Place::start_of("connectors/x.yaml");
    let (key, to) = ("name".into(), Some(Value::new("name", named)));
    DesiredConnector {
        config,
        state: DesiredState::Running,
        keep: false,
        acknowledged: vec![Acknowledged { key, to, reason: "OPS-1".into(), place: place.clone() }],
        template: None,
        form: Form::Own,
        place,
        origins: BTreeMap::new(),
        suspend: None,
        lost: BTreeSet::new(),
    }
}

fn desired(connectors: &[(&str, &DesiredConnector)]) -> Desired {
    let at = At::Directory { path: Arc::from("definitions"), digest: 0 };
    Desired {
        revision: Revision::of(vec![RepositoryRevision { repository: RepositoryName::main(), at }]),
        environment: EnvironmentName::new("production").expect("a plain name"),
        connectors: connectors.iter().map(|(text, one)| (name(text), (*one).clone())).collect(),
        suspend: None,
        unresolved: BTreeMap::new(),
        forgotten: BTreeSet::new(),
        left_out: BTreeSet::new(),
        incomplete: Vec::new(),
    }
}

fn suspend() -> Suspend {
    Suspend { reason: "OPS-2".into(), until: None }
}

fn of_orders(before: &Desired, after: &Desired) -> Effect {
    let prune = Prune { who: Pruned::Owned, ..Prune::default() };
    effects(before, after, prune, NOW).0.remove(&name("orders")).expect("it goes")
}

#[test]
fn a_connector_is_not_told_to_go_while_its_new_name_is_suspended() {
    let (other, mut sales) = (connector("other", "other"), connector("sales", "shop"));
    let before = desired(&[("orders", &connector("orders", "shop")), ("other", &other)]);
    let gone = DesiredConnector { state: DesiredState::Absent, ..connector("orders", "shop") };
    for held in [false, true] {
        sales.suspend = held.then(suspend);
        for after in [
            desired(&[("other", &other), ("sales", &sales)]),
            desired(&[("orders", &gone), ("other", &other), ("sales", &sales)]),
        ] {
            let effect = of_orders(&before, &after);
            assert_eq!(effect.kind, EffectKind::Delete);
            let brake = effect.held.map(|brake| (brake.hold, brake.detail));
            assert_eq!(brake.as_ref().map(|brake| brake.0), held.then_some(Hold::Suspended), "{brake:?}");
            assert!(brake.is_none_or(|(_, detail)| detail.contains("`sales` is this connector")));
        }
    }
}

#[test]
fn what_is_kept_is_held_for_that_in_a_suspended_environment_too() {
    let other = connector("other", "other");
    let mut orders = connector("orders", "shop");
    let mut after = desired(&[("other", &other)]);
    after.suspend = Some(suspend());
    for (keep, hold) in [(false, Hold::Suspended), (true, Hold::Keep)] {
        orders.keep = keep;
        let before = desired(&[("orders", &orders), ("other", &other)]);
        let held = of_orders(&before, &after).held;
        assert_eq!(held.as_ref().map(|brake| brake.hold), Some(hold), "as an agent says it: {held:?}");
    }
}
