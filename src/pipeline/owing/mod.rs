//! What must be written although nobody can see that it differs.
//!
//! Some clusters mask secrets on reading. Takes what is desired as digests, what the cluster shows and what was
//! known before; gives the masked keys that must be written, and what is known now. The rule is one: a value whose
//! digest is known and is another one than is desired is owed, until it was written for certain. What was
//! never seen is not owed, and is not known to be as it is desired either. Making digests is left to `kept`, acting to `reconcile`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::config::Value;
use crate::model::desired::Desired;
use crate::model::ledger::{Digest, Entry, Ledger, Owed, Sure, Taken, Wanted};
use crate::model::live::Live;
use crate::model::name::ConnectorName;
use crate::model::plan::{Action, Step};

/// How many connectors are remembered that nobody declares any more, by one who does not look at the cluster.
const FORMER: usize = 1000;

/// The masked keys that must be written.
pub fn owed(ledger: &Ledger, wanted: &Wanted, live: &Live) -> Owed {
    masked(ledger, wanted, live, Entry::owes)
}

/// The masked keys that are as they are desired, because that was seen or written.
pub fn sure(ledger: &Ledger, wanted: &Wanted, live: &Live) -> Sure {
    masked(ledger, wanted, live, |entry, digest| entry == Entry::Settled(digest))
}

/// The masked keys of which something is known that counts.
fn masked(
    ledger: &Ledger,
    wanted: &Wanted,
    live: &Live,
    counts: impl Fn(Entry, Digest) -> bool,
) -> BTreeMap<ConnectorName, BTreeSet<Arc<str>>> {
    let of = |(name, digests): (&ConnectorName, &BTreeMap<Arc<str>, Digest>)| {
        let config = live.connectors.get(name)?.config.as_ref()?;
        let entries = ledger.get(name)?;
        let counts = |(key, digest): &(&Arc<str>, &Digest)| {
            config.get(key).is_some_and(Value::is_masked)
                && entries.get(*key).is_some_and(|entry| counts(*entry, **digest))
        };
        let keys: BTreeSet<_> = digests.iter().filter(counts).map(|(key, _)| Arc::clone(key)).collect();
        (!keys.is_empty()).then(|| (name.clone(), keys))
    };
    wanted.iter().filter_map(of).collect()
}

/// Takes note of what the cluster shows. What is masked and was never known is taken to be as it is desired:
/// nobody can say that it is not.
pub fn looked(ledger: &mut Ledger, wanted: &Wanted, desired: &Desired, live: &Live) {
    // One that is declared and not listed may only not be listed yet.
    ledger.retain(|name, _| live.connectors.contains_key(name) || wanted.contains_key(name));
    for (name, digests) in wanted {
        let Some(config) = live.connectors.get(name).and_then(|one| one.config.as_ref()) else { continue };
        let Some(declared) = desired.connectors.get(name) else { continue };
        let entries = ledger.entry(name.clone()).or_default();
        entries.retain(|key, _| config.get(key).is_some());
        for (key, digest) in digests {
            let Some(value) = config.get(key) else { continue };
            if value.is_masked() {
                entries.entry(Arc::clone(key)).or_insert(Entry::Assumed(*digest));
            } else {
                let is_same = declared.config.get(key).is_some_and(|wanted| wanted.same_text(value));
                let entry = if is_same { Entry::Settled(*digest) } else { Entry::Owed };
                entries.insert(Arc::clone(key), entry);
            }
        }
    }
}

/// Takes note of what an earlier agent knew, which could not be read before. Digests of another key say nothing beside
/// its own, but for this: what was owed by what this agent has seen meanwhile still is. `wanted` is by its key.
pub fn recalled(ledger: &mut Ledger, seen: &Ledger, wanted: &Wanted) {
    for (name, entries) in seen {
        let wanted = wanted.get(name);
        let owes = |key: &Arc<str>, entry: &Entry| match entry {
            Entry::Owed => true,
            Entry::Settled(_) | Entry::Assumed(_) => {
                wanted.and_then(|digests| digests.get(key)).is_some_and(|digest| entry.owes(*digest))
            }
        };
        let open = entries.iter().filter(|(key, entry)| owes(key, entry));
        ledger.entry(name.clone()).or_default().extend(open.map(|(key, _)| (Arc::clone(key), Entry::Owed)));
    }
}

/// Takes note of what is desired while somebody else may be writing it, or may not: neither what was there nor
/// what is desired now can be taken to be there, until it is written for certain.
pub fn doubted(ledger: &mut Ledger, wanted: &Wanted) {
    for (name, digests) in wanted {
        doubted_of(ledger, name, digests);
    }
    let is_former = |name: &ConnectorName| !wanted.contains_key(name);
    if ledger.keys().filter(|name| is_former(name)).count() > FORMER {
        ledger.retain(|name, _| !is_former(name));
    }
}

/// The same of a connector whose config is about to be sent.
pub fn sending(ledger: &mut Ledger, wanted: &Wanted, action: &Action) {
    if let (Step::Configure { .. }, Some(digests)) = (&action.step, wanted.get(&action.connector)) {
        doubted_of(ledger, &action.connector, digests);
    }
}

fn doubted_of(ledger: &mut Ledger, name: &ConnectorName, digests: &BTreeMap<Arc<str>, Digest>) {
    let entries = ledger.entry(name.clone()).or_default();
    for (key, digest) in digests {
        let entry = entries.entry(Arc::clone(key)).or_insert(Entry::Assumed(*digest));
        if entry.owes(*digest) {
            *entry = Entry::Owed;
        }
    }
}

/// Takes note of what became of a request; `before` is what was known before it was sent.
pub fn ended(ledger: &mut Ledger, before: &Ledger, wanted: &Wanted, action: &Action, taken: Taken) {
    let Action { connector, step, reason: _ } = action;
    match (step, taken) {
        (Step::Create { .. } | Step::Configure { .. }, Taken::Yes) => {
            let digests = wanted.get(connector).into_iter().flatten();
            let settled = digests.map(|(key, digest)| (Arc::clone(key), Entry::Settled(*digest)));
            ledger.insert(connector.clone(), settled.collect());
        }
        (Step::Configure { .. }, Taken::No) => match before.get(connector) {
            Some(entries) => drop(ledger.insert(connector.clone(), entries.clone())),
            None => drop(ledger.remove(connector)),
        },
        (Step::Delete, Taken::Yes) => drop(ledger.remove(connector)),
        (Step::Create { .. }, Taken::No | Taken::Unknown)
        | (Step::Configure { .. } | Step::Delete, Taken::Unknown)
        | (Step::Delete, Taken::No)
        | (
            Step::Pause { .. } | Step::Resume { .. } | Step::Stop { .. } | Step::Restart { .. },
            Taken::Yes | Taken::No | Taken::Unknown,
        ) => {}
    }
}

#[cfg(test)]
mod tests;
