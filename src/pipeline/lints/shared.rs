//! What two connectors of one environment must not have in common.
//!
//! Each is told beside the first one by name. What cannot be shared is known to `scene::own`, and which sinks may be in one
//! consumer group to `scene::clash`.

use std::collections::BTreeMap;

use crate::model::desired::DesiredState;
use crate::model::rule::Rule;
use crate::pipeline::lints::seen::{Breach, Seen};
use crate::pipeline::risk::group;
use crate::pipeline::scene::clash::splits;
use crate::pipeline::scene::own::{Claim, OWN, PUBLICATION, Publication, Thing, is_filtered, tables};
use crate::pipeline::scene::read::Group;

/// Every pair that shares something, with the place of the second in the list.
pub fn breaches(all: &[Seen<'_>]) -> Vec<(usize, Breach)> {
    let mut breaches = Vec::new();
    // One that is stopped has no task that could hold anything.
    let working: Vec<_> =
        all.iter().enumerate().filter(|(_, seen)| seen.connector.state != DesiredState::Stopped).collect();
    for own in OWN {
        let mut first: BTreeMap<Claim, usize> = BTreeMap::new();
        for &(index, seen) in &working {
            let Some(at) = own.of(&seen.sight()) else { continue };
            let Some(&other) = first.get(&at) else {
                first.insert(at, index);
                continue;
            };
            let (key, value, told) = (own.key, &at.1, own.told);
            let message = format!("connector `{}`{told} has the same `{key}`, `{value}`", all[other].name);
            let breach = seen.breach(rule(own.thing), key, message);
            breaches.push((index, Breach { partner: Some(other), ..breach }));
        }
    }
    breaches.extend(publications(&working));
    breaches.extend(groups(&working));
    breaches
}

fn rule(thing: Thing) -> Rule {
    match thing {
        Thing::Slot => Rule::SharedSlot,
        Thing::ServerId => Rule::SharedServerId,
        Thing::TopicPrefix => Rule::SharedTopicPrefix,
        Thing::HistoryTopic => Rule::SharedHistoryTopic,
    }
}

/// Under `filtered` a connector sets the publication's tables to its own when it starts.
fn publications(working: &[(usize, &Seen<'_>)]) -> Vec<(usize, Breach)> {
    let mut groups: BTreeMap<_, Vec<(usize, &Seen<'_>)>> = BTreeMap::new();
    for &(index, seen) in working {
        let Some(publication) = Publication::of(&seen.sight()) else { continue };
        groups.entry(publication).or_default().push((index, seen));
    }
    let mut breaches = Vec::new();
    for (Publication { name, .. }, group) in groups {
        let [(partner, first), rest @ ..] = group.as_slice() else { continue };
        if !group.iter().any(|(_, seen)| is_filtered(&seen.sight())) {
            continue;
        }
        for (index, seen) in rest.iter().filter(|(_, seen)| tables(&seen.sight()) != tables(&first.sight())) {
            let message = format!(
                "connector `{}` has the same `{PUBLICATION}`, `{name}`, and other tables",
                first.name
            );
            let breach = seen.breach(Rule::SharedPublication, PUBLICATION, message);
            breaches.push((*index, Breach { partner: Some(*partner), ..breach }));
        }
    }
    breaches
}

/// Each member of a consumer group has a part of the partitions alone.
fn groups(working: &[(usize, &Seen<'_>)]) -> Vec<(usize, Breach)> {
    let mut groups: BTreeMap<_, Vec<(usize, &Seen<'_>)>> = BTreeMap::new();
    for &(index, seen) in working {
        let Some(group) = Group::of(seen.name, &seen.sight()) else { continue };
        groups.entry(group).or_default().push((index, seen));
    }
    let mut breaches = Vec::new();
    for (Group { id, .. }, group) in groups {
        for (at, (index, seen)) in group.iter().enumerate() {
            let takes = |(_, first): &&(usize, &Seen<'_>)| splits(&first.sight(), &seen.sight());
            let Some((partner, first)) = group[..at].iter().find(takes) else { continue };
            let message = format!(
                "connector `{}` reads the same topics in the same consumer group, `{id}`, and does other work",
                first.name
            );
            let breach = seen.breach(Rule::SharedGroup, group::KEY, message);
            breaches.push((*index, Breach { partner: Some(*partner), ..breach }));
        }
    }
    breaches
}
