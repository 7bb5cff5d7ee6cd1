//! What a step makes two connectors share that only one of them can have.
//!
//! Takes every connector as it is and as it is to be, gives dangers of one of them. Only what its own step brings about
//! counts: what is so already, as with connectors that were adopted, stays as it is. Of two that come to it together the
//! later one by name is told. Who answers for one names the other connector, so that no answer lets a later one pass.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::name::ConnectorName;
use crate::model::risk::Harm;
use crate::pipeline::risk::Danger;
use crate::pipeline::scene::cast::{Actor, Cast, Role};
use crate::pipeline::scene::likeness;
use crate::pipeline::scene::own::{Claim, OWN, Own, Publication, Thing, is_filtered, tables};
use crate::pipeline::scene::read::{Group, read};
use crate::pipeline::sight::Sight;

/// What is known of two connectors that share something.
struct Known {
    row: &'static str,
    harm: Harm,
    says: &'static str,
    remedy: &'static str,
}

impl Known {
    /// The danger of sharing this with another one.
    fn with(&self, other: &ConnectorName, shared: &str) -> Danger {
        let Self { row, harm, says, remedy } = *self;
        Danger {
            key: row.into(),
            to: Some(other.as_str().into()),
            row,
            harm,
            consequence: format!("{shared} {says}").into(),
            remedy: Some(remedy.into()),
        }
    }
}

fn known(thing: Thing) -> Known {
    match thing {
        Thing::Slot => Known {
            row: "shared-slot",
            harm: Harm::Outage,
            says: "A slot serves one reader: both say RUNNING, and the one that came second delivers nothing after its \
                   snapshot for as long as the other one runs.",
            remedy: "give it a `slot.name` of its own, or delete the other one first",
        },
        Thing::TopicPrefix => Known {
            row: "shared-topic-prefix",
            harm: Harm::Resnapshot,
            says: "Both write to the same topics: rows of two databases are mixed there, and where both read one database, \
                   under whatever name of its host, in one worker the second one says RUNNING and delivers nothing, and its \
                   slot keeps the database's log; in two workers most rows came twice (292 of 300).",
            remedy: "give it a `topic.prefix` of its own, or delete the other one first",
        },
        Thing::ServerId => Known {
            row: "shared-server-id",
            harm: Harm::Outage,
            says: "The server ends the connection of the one that was there first, and the two take turns at it (read in \
                   the documentation, not measured).",
            remedy: "give it a `database.server.id` of its own",
        },
        Thing::HistoryTopic => Known {
            row: "shared-history-topic",
            harm: Harm::Irreversible,
            says: "At its next start each reads the other's schemas, and the history cannot be parted again (read in the \
                   documentation, not measured).",
            remedy: "give it a `schema.history.internal.kafka.topic` of its own",
        },
    }
}

const ROBS: Known = Known {
    row: "shared-publication",
    harm: Harm::DataGap,
    says: "Under `filtered` a start sets the publication's tables to the connector's own, and the other one goes on saying \
           RUNNING while its rows are never delivered (298 were lost).",
    remedy: "give it a `publication.name` of its own",
};

const SPLITS: Known = Known {
    row: "shared-group",
    harm: Harm::DataGap,
    says: "Kafka gives each member of a group a part of the partitions: both say RUNNING, and each lacks what the other one \
           takes (read in the documentation, not measured).",
    remedy: "give it a `consumer.override.group.id` of its own",
};

/// The names of the dangers, by which somebody answers for one.
pub fn rows() -> impl Iterator<Item = &'static str> {
    OWN.iter().map(|own| known(own.thing)).chain([ROBS, SPLITS]).map(|known| known.row)
}

type Names<'s> = BTreeSet<&'s ConnectorName>;

/// Who claims what, now or when every step is taken.
#[derive(Debug, Default)]
pub struct Claims<'s> {
    things: BTreeMap<(Thing, Claim), Names<'s>>,
    publications: BTreeMap<Publication, Names<'s>>,
    groups: BTreeMap<Group, Names<'s>>,
}

impl<'s> Claims<'s> {
    /// Looks at every connector.
    pub fn of(cast: &Cast<'s>) -> Self {
        let mut claims = Self::default();
        for (&name, actor) in cast {
            for sight in [actor.was, actor.will].into_iter().flatten().filter_map(|role| role.at_work()) {
                for own in OWN {
                    if let Some(claim) = own.of(&sight) {
                        claims.things.entry((own.thing, claim)).or_default().insert(name);
                    }
                }
                if let Some(publication) = Publication::of(&sight) {
                    claims.publications.entry(publication).or_default().insert(name);
                }
                if let Some(group) = Group::of(name, &sight) {
                    claims.groups.entry(group).or_default().insert(name);
                }
            }
        }
        claims
    }

    /// What the step of a connector makes it share with others, those apart that it takes the place of.
    pub fn dangers(
        &self,
        cast: &Cast<'_>,
        (name, actor): (&ConnectorName, &Actor<'_>),
        except: Option<&ConnectorName>,
    ) -> Vec<Danger> {
        let Some(sight) = actor.will.and_then(|will| will.at_work()) else { return Vec::new() };
        let mut found: Vec<_> =
            OWN.iter().flat_map(|own| self.of_thing(cast, (name, actor, &sight), own, except)).collect();
        found.extend(self.of_publication(cast, (name, actor, &sight), except));
        found.extend(self.of_group(cast, (name, actor, &sight), except));
        found
    }

    fn of_thing(
        &self,
        cast: &Cast<'_>,
        (name, actor, sight): (&ConnectorName, &Actor<'_>, &Sight<'_>),
        own: &Own,
        except: Option<&ConnectorName>,
    ) -> Vec<Danger> {
        let Some(claim) = own.of(sight) else { return Vec::new() };
        let has_it =
            |role: Role<'_>| role.at_work().and_then(|sight| own.of(&sight)).as_ref() == Some(&claim);
        if actor.was.is_some_and(has_it) {
            return Vec::new();
        }
        let shares = |other: &&&ConnectorName| {
            let mut roles = roles((name, other), cast.get(*other), except);
            roles.any(has_it)
        };
        let known = known(own.thing);
        let (key, value) = (own.key, &claim.1);
        let on = own.told;
        let danger = |other: &&ConnectorName| {
            let told = format!("`{other}` has the same `{key}`, `{value}`,{on}.").replace("`,.", "`.");
            known.with(other, &told)
        };
        let others = self.things.get(&(own.thing, claim.clone())).into_iter().flatten();
        others.filter(shares).map(danger).collect()
    }

    fn of_publication(
        &self,
        cast: &Cast<'_>,
        (name, actor, sight): (&ConnectorName, &Actor<'_>, &Sight<'_>),
        except: Option<&ConnectorName>,
    ) -> Vec<Danger> {
        let Some(publication) = Publication::of(sight) else { return Vec::new() };
        let before = actor.was.and_then(|was| was.at_work());
        let before = before.filter(|before| Publication::of(before).as_ref() == Some(&publication));
        let has_new_tables = before.is_none_or(|before| tables(&before) != tables(sight));
        // Two with the same tables do each other no harm, and where neither is filtered nothing is set.
        let harms = |one: &Sight<'_>, other: &Sight<'_>| {
            (is_filtered(one) || is_filtered(other)) && tables(one) != tables(other)
        };
        let is_new = |other: &Sight<'_>| {
            before.is_none_or(|before| !harms(&before, other)) || (is_filtered(sight) && has_new_tables)
        };
        let robs = |other: &&&ConnectorName| {
            let mut roles = roles((name, other), cast.get(*other), except).filter_map(|role| role.at_work());
            roles.any(|other| {
                Publication::of(&other).as_ref() == Some(&publication)
                    && harms(sight, &other)
                    && is_new(&other)
            })
        };
        let whose = if is_filtered(sight) { "" } else { ", and it is `filtered`" };
        let through = &publication.name;
        let danger = |other: &&ConnectorName| {
            let shared =
                format!("`{other}` reads other tables through the same publication, `{through}`{whose}.");
            ROBS.with(other, &shared)
        };
        let others = self.publications.get(&publication).into_iter().flatten();
        others.filter(robs).map(danger).collect()
    }

    fn of_group(
        &self,
        cast: &Cast<'_>,
        (name, actor, sight): (&ConnectorName, &Actor<'_>, &Sight<'_>),
        except: Option<&ConnectorName>,
    ) -> Vec<Danger> {
        let Some(group) = Group::of(name, sight) else { return Vec::new() };
        let before = actor.was.and_then(|was| was.at_work());
        let before = before.filter(|before| Group::of(name, before).as_ref() == Some(&group));
        let is_new = |other: &Sight<'_>| before.is_none_or(|before| !splits(&before, other));
        let takes = |other: &&&ConnectorName| {
            let mut roles = roles((name, other), cast.get(*other), except).filter_map(|role| role.at_work());
            roles.any(|role| {
                Group::of(other, &role).as_ref() == Some(&group) && splits(sight, &role) && is_new(&role)
            })
        };
        let id = &group.id;
        let danger = |other: &&ConnectorName| {
            SPLITS
                .with(other, &format!("`{other}` reads the same topics in the same consumer group, `{id}`."))
        };
        let others = self.groups.get(&group).into_iter().flatten();
        others.filter(takes).map(danger).collect()
    }
}

/// Whether two of one consumer group take each other's records: they read one topic, and do not do one work. Kafka gives a topic
/// only to members that read it, so of two which do the same with a record none lacks any.
pub fn splits(one: &Sight<'_>, other: &Sight<'_>) -> bool {
    read(one).may_overlap(&read(other)) && !likeness::is_one_work(one, other)
}

/// What another connector is while the step of one is taken: what it is now, unless it goes, and what its own step makes
/// of it, where that comes first.
fn roles<'s>(
    (name, other): (&ConnectorName, &ConnectorName),
    actor: Option<&Actor<'s>>,
    except: Option<&ConnectorName>,
) -> impl Iterator<Item = Role<'s>> {
    let actor = actor.filter(|_| other != name && Some(other) != except);
    let was = actor.and_then(|actor| actor.was.filter(|_| !actor.goes()));
    let will = actor.and_then(|actor| actor.will.filter(|_| other < name));
    was.into_iter().chain(will)
}
