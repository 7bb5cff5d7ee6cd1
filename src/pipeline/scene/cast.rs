//! Who is there: every connector of a cluster as it is, and as it is to be.
//!
//! Takes what is desired beside what is live, gives both sides of each connector. What they have to do
//! with each other is left to `clash` and `rename`.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::config::Config;
use crate::model::desired::{Desired, DesiredConnector, DesiredState};
use crate::model::live::{Live, LiveConnector, RunState};
use crate::model::name::ConnectorName;
use crate::model::select::Select;
use crate::pipeline::sight::Sight;

/// Every connector by its name.
pub type Cast<'s> = BTreeMap<&'s ConnectorName, Actor<'s>>;

/// One connector.
#[derive(Debug, Clone, Copy)]
pub struct Actor<'s> {
    /// What it is; none where it is not there.
    pub was: Option<Role<'s>>,
    /// What it is to be; none where it goes.
    pub will: Option<Role<'s>>,
    /// Whether somebody declares it, and not to be absent.
    pub is_declared: bool,
    /// Whether it is deleted for being gone from the repository. Until it is, it keeps what it has: that may be held yet.
    pub is_pruned: bool,
    /// Whether its file is gone and its deletion waits for a second look or for a person's word.
    pub is_lost: bool,
}

/// A connector at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Role<'s> {
    /// Its config.
    pub config: &'s Config,
    /// Whether it has tasks: one that is stopped holds nothing.
    pub works: bool,
}

impl<'s> Role<'s> {
    /// What it says; none where it says no class.
    pub fn sight(&self) -> Option<Sight<'s>> {
        Sight::of(self.config)
    }

    /// What it says while it works.
    pub fn at_work(&self) -> Option<Sight<'s>> {
        self.sight().filter(|_| self.works)
    }
}

impl Actor<'_> {
    /// Whether it goes.
    pub fn goes(&self) -> bool {
        self.was.is_some() && self.will.is_none()
    }

    /// Whether it is there with tasks.
    pub fn worked(&self) -> bool {
        self.was.is_some_and(|was| was.works)
    }
}

/// Those of a cluster, inside a scope. Of what is not to be there any more, only what is `going` goes now. What lost its file
/// is `pruned` now or goes later.
pub fn of_cluster<'s>(
    desired: &'s Desired,
    live: &'s Live,
    select: &Select,
    going: &BTreeSet<&ConnectorName>,
    [pruned, lost]: [&BTreeSet<&ConnectorName>; 2],
) -> Cast<'s> {
    let names: BTreeSet<_> = desired.connectors.keys().chain(live.connectors.keys()).collect();
    let actor = |name: &'s ConnectorName| {
        let was = live.connectors.get(name).and_then(playing);
        let wanted = desired.connectors.get(name);
        let will = match wanted.and_then(to_play) {
            Some(will) => Some(will),
            None => was.filter(|_| !going.contains(name)),
        };
        let is_declared = wanted.is_some_and(|wanted| wanted.state != DesiredState::Absent);
        Actor { was, will, is_declared, is_pruned: pruned.contains(name), is_lost: lost.contains(name) }
    };
    names.into_iter().filter(|name| select.covers(name)).map(|name| (name, actor(name))).collect()
}

fn playing(live: &LiveConnector) -> Option<Role<'_>> {
    let is_stopped = live.status.as_ref().is_some_and(|status| status.state == RunState::Stopped);
    Some(Role { config: live.config.as_ref()?, works: !is_stopped })
}

fn to_play(wanted: &DesiredConnector) -> Option<Role<'_>> {
    let works = match wanted.state {
        DesiredState::Running | DesiredState::Paused => true,
        DesiredState::Stopped => false,
        DesiredState::Absent => return None,
    };
    Some(Role { config: &wanted.config, works })
}
