//! Whose a connector is that nobody declares now.
//!
//! Takes what is desired, what is live, and a record of what was said of names before; says which connectors somebody has
//! to find out about, and whose each of the others is. A name is ours where the newest word on it, in the history of what
//! is followed or in what the agent saw itself, declares it for this environment; it is a stranger's where that word gives
//! it away, or where there is none. `past` reads older revisions. What follows from it is left to the plan, fetching and
//! keeping to others.

pub mod past;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::desired::{Desired, DesiredConnector};
use crate::model::known::{Claim, Former, Look, LookEnd, Mention, Record, Said};
use crate::model::live::Live;
use crate::model::name::ConnectorName;
use crate::model::policy::{Policy, Pruned};
use crate::model::revision::{At, ObjectId, RepositoryName};
use crate::pipeline::ownership::past::MOST;

/// The live connectors of which it must be known whose they are: nobody declares them, and some of them may be deleted.
/// None while a folder is not whole, for they may be its own.
pub fn doubtful(desired: &Desired, live: &Live, policy: &Policy) -> BTreeSet<ConnectorName> {
    match policy.prune.who {
        Pruned::Nobody => return BTreeSet::new(),
        Pruned::Owned if !desired.incomplete.is_empty() => return BTreeSet::new(),
        Pruned::Owned => {}
    }
    let is_doubtful = |name: &&ConnectorName| {
        policy.select.covers(name)
            && !desired.connectors.contains_key(*name)
            && !desired.forgotten.contains(*name)
    };
    live.connectors.keys().filter(is_doubtful).cloned().collect()
}

/// Those of them for which the history of what is followed must be asked.
pub fn unjudged(
    record: &Record,
    desired: &Desired,
    doubtful: &BTreeSet<ConnectorName>,
) -> BTreeSet<ConnectorName> {
    let Some(commit) = commit(desired) else { return BTreeSet::new() };
    match record.look.as_ref().filter(|look| look.from == *commit) {
        None => doubtful.clone(),
        Some(Look { end: LookEnd::Root | LookEnd::Limit, .. }) => BTreeSet::new(),
        Some(Look { end: LookEnd::Enough, .. }) => {
            doubtful.iter().filter(|name| !record.names.contains_key(*name)).cloned().collect()
        }
    }
}

/// Whether a look at the history needs not go behind an earlier one. Behind one that ended early it goes on at the oldest
/// commit, for the same revision alone: at a newer one names are asked about that the earlier one did not look for.
pub fn goes_on(look: &Look, desired: &Desired) -> bool {
    match look.end {
        LookEnd::Root | LookEnd::Limit => true,
        LookEnd::Enough => commit(desired) == Some(&look.from),
    }
}

/// Whose each of them is, as far as it is known.
pub fn claims(
    record: &Record,
    desired: &Desired,
    doubtful: &BTreeSet<ConnectorName>,
) -> BTreeMap<ConnectorName, Claim> {
    let unjudged = unjudged(record, desired, doubtful);
    let claim = |name: &ConnectorName| (name.clone(), claim(record.names.get(name), desired));
    doubtful.difference(&unjudged).map(claim).collect()
}

/// Whose it is after the newest word on it. What a folder declared counts while that folder is there.
fn claim(mention: Option<&Mention>, desired: &Desired) -> Claim {
    match mention {
        Some(mention @ Mention { said: Said::Declared { keep }, by, .. }) if is_there(desired, by) => {
            Claim::Ours(Former { keep: *keep, source: source(mention) })
        }
        Some(_) | None => Claim::Stranger,
    }
}

fn is_there(desired: &Desired, repository: &RepositoryName) -> bool {
    desired.revision.repositories.iter().any(|one| one.repository == *repository)
}

fn source(mention: &Mention) -> Arc<str> {
    match (&mention.commit, mention.by.folder()) {
        (Some(commit), _) => format!("commit {}", commit.short()).into(),
        (None, Some(folder)) => format!("the agent's own record of the folder {folder}").into(),
        (None, None) => "the agent's own record".into(),
    }
}

/// Takes note of what is declared now, and of what is given away.
pub fn declared(record: &mut Record, desired: &Desired) {
    let main = main(desired);
    let mention = |said, by: &RepositoryName| {
        let (commit, committed) = if by.is_main() { main.clone() } else { (None, None) };
        Mention { said, by: by.clone(), commit, committed }
    };
    let folders: Vec<_> = desired
        .revision
        .repositories
        .iter()
        .map(|one| &one.repository)
        .filter_map(|repository| Some((repository, repository.folder()?)))
        .collect();
    let own = RepositoryName::main();
    for (name, connector) in &desired.connectors {
        let by = folders.iter().find(|(_, folder)| is_in(connector, folder)).map_or(&own, |(by, _)| *by);
        record.names.insert(name.clone(), mention(Said::Declared { keep: connector.keep }, by));
    }
    let forgotten = desired.forgotten.iter().map(|name| (name.clone(), mention(Said::Forgotten, &own)));
    record.names.extend(forgotten);
    bound(record, desired);
}

fn is_in(connector: &DesiredConnector, folder: &str) -> bool {
    let path = connector.place.path.strip_prefix(folder.trim_end_matches('/'));
    path.is_some_and(|rest| rest.starts_with('/'))
}

/// Takes note of what an earlier agent knew; what this one has seen meanwhile is newer.
pub fn recalled(record: &mut Record, earlier: Record) {
    let seen = std::mem::replace(record, earlier);
    add(record, seen.names);
    record.look = seen.look.or(record.look.take());
    record.batch.names.extend(seen.batch.names);
    record.batch.every |= seen.batch.every;
}

/// Takes note of what the history said, and of how far back it was read.
pub fn learnt(
    record: &mut Record,
    mut mentions: BTreeMap<ConnectorName, Mention>,
    look: Look,
    desired: &Desired,
) {
    if record.look.as_ref().is_some_and(|before| before.from == look.from) {
        // It was gone on with: what it said before is newer, whatever clock a committer had. What deletes less may count
        // all the same, for the agent may have seen that name elsewhere.
        let spares = |mention: &Mention| match mention.said {
            Said::Declared { keep: false } => 0,
            Said::Declared { keep: true } => 1,
            Said::Forgotten => 2,
        };
        mentions
            .retain(|name, found| record.names.get(name).is_none_or(|known| spares(found) >= spares(known)));
    }
    add(record, mentions);
    record.look = Some(look);
    bound(record, desired);
}

/// Adds words on names; of two on one the newer counts.
fn add(record: &mut Record, mentions: BTreeMap<ConnectorName, Mention>) {
    for (name, mention) in mentions {
        let newest = match record.names.remove(&name) {
            Some(known) => later(known, mention),
            None => mention,
        };
        record.names.insert(name, newest);
    }
}

/// The newer of two words on one name. The agent may have seen a commit that the history does not lead to, as where the
/// ref was moved back or elsewhere; then the committers' times decide. Where nobody can say which is newer, the one that
/// deletes less.
fn later(known: Mention, found: Mention) -> Mention {
    if known.commit.is_some() && known.commit == found.commit {
        return found;
    }
    let times = known.committed.zip(found.committed);
    match times.map(|(known, found)| known.cmp(&found)) {
        Some(std::cmp::Ordering::Less) => found,
        Some(std::cmp::Ordering::Greater) => known,
        Some(std::cmp::Ordering::Equal) | None => {
            let said = match (known.said, found.said) {
                (Said::Declared { keep: one }, Said::Declared { keep: other }) => {
                    Said::Declared { keep: one || other }
                }
                (Said::Forgotten, _) | (_, Said::Forgotten) => Said::Forgotten,
            };
            Mention { said, ..known }
        }
    }
}

/// Forgets the oldest of what is not declared now, where there is too much of it.
fn bound(record: &mut Record, desired: &Desired) {
    let surplus = record.names.len().saturating_sub(MOST.max(desired.connectors.len()));
    if surplus == 0 {
        return;
    }
    let mut old: Vec<_> = record
        .names
        .iter()
        .filter(|(name, _)| !desired.connectors.contains_key(*name) && !desired.forgotten.contains(*name))
        .map(|(name, mention)| (mention.committed, name.clone()))
        .collect();
    old.sort_unstable();
    for (_, name) in old.into_iter().take(surplus) {
        record.names.remove(&name);
    }
    // There would be no room for the answer either: what is not here is taken for somebody else's.
    if let Some(look) = &mut record.look {
        look.end = LookEnd::Limit;
    }
}

/// The commit that is in force; none where a folder is.
fn commit(desired: &Desired) -> Option<&ObjectId> {
    match &desired.revision.main().at {
        At::Git { commit, .. } => Some(commit),
        At::Directory { .. } => None,
    }
}

fn main(desired: &Desired) -> (Option<ObjectId>, Option<jiff::Timestamp>) {
    match &desired.revision.main().at {
        At::Git { commit, committed, .. } => (Some(commit.clone()), *committed),
        At::Directory { .. } => (None, None),
    }
}

#[cfg(test)]
mod tests;
