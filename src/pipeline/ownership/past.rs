//! What older revisions said: which names they declared for an environment, and which they gave away.
//!
//! Takes the definition files of one revision after the other, the newest first, and keeps the newest word on each name.
//! Nothing is rendered, for a connector's name is a literal: templates, values and imports are not looked at, and findings
//! do not matter. What cannot be read of a revision says nothing, but for this: who said `keep` is believed whatever else
//! is wrong. Fetching them is left to others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::definition::{Connector, Definitions, Reading, Scope};
use crate::model::known::{Mention, Said};
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::revision::{ObjectId, RepositoryName};
use crate::model::snapshot::Files;
use crate::pipeline::parse;

/// The most names that are remembered.
pub const MOST: usize = 20_000;

/// Older revisions, as they are read.
#[derive(Debug)]
pub struct Past {
    environment: EnvironmentName,
    /// The names on which nothing was said yet.
    wanted: BTreeSet<ConnectorName>,
    mentions: BTreeMap<ConnectorName, Mention>,
    pages: BTreeMap<Arc<str>, Page>,
}

/// A file of a revision.
#[derive(Debug, Clone)]
struct Page {
    bytes: Arc<[u8]>,
    says: Arc<Says>,
}

/// What a file says by itself.
#[derive(Debug)]
struct Says {
    /// In whose words: only what is not our own can be a part of a connector that stands elsewhere.
    is_ours: bool,
    connectors: Vec<Declared>,
    forgotten: Vec<ConnectorName>,
    environments: Vec<Environment>,
    /// The files that it names with `from`.
    names: BTreeSet<Arc<str>>,
}

/// A connector, as far as it matters which name it has where.
#[derive(Debug)]
struct Declared {
    name: ConnectorName,
    /// By environment, where it is called otherwise.
    names: Vec<(Arc<str>, ConnectorName)>,
    scope: Scope,
    keep: bool,
    /// Whether nobody knows in which environments it exists.
    broken: bool,
}

#[derive(Debug)]
struct Environment {
    name: EnvironmentName,
    base: Option<Arc<str>>,
    whole: bool,
}

/// An environment and those under it, the topmost first.
struct Chain<'p> {
    names: Vec<&'p str>,
    /// Whether these are all.
    whole: bool,
}

impl Past {
    /// Nothing was read yet, and this is to be found out.
    pub fn new(environment: EnvironmentName, wanted: BTreeSet<ConnectorName>) -> Self {
        Self { environment, wanted, mentions: BTreeMap::new(), pages: BTreeMap::new() }
    }

    /// Reads the revision before those that were read already. A file whose bytes are the same memory as there is not
    /// read again.
    pub fn read(&mut self, files: &Files, commit: &ObjectId, committed: Option<Timestamp>) {
        let mut before = std::mem::take(&mut self.pages);
        let page = |(path, bytes): (&Arc<str>, &Arc<[u8]>)| {
            let same = before.remove(path).filter(|page| Arc::ptr_eq(&page.bytes, bytes));
            let read = || Page { bytes: Arc::clone(bytes), says: Arc::new(says(path, bytes)) };
            (Arc::clone(path), same.unwrap_or_else(read))
        };
        self.pages = files.iter().map(page).collect();
        let said = said(&self.pages, &self.environment);
        for (name, said) in said {
            self.wanted.remove(&name);
            if self.mentions.len() == MOST {
                continue;
            }
            self.mentions.entry(name).or_insert_with(|| Mention {
                said,
                by: RepositoryName::main(),
                commit: Some(commit.clone()),
                committed,
            });
        }
    }

    /// Whether something was said on each name that is wanted.
    pub fn is_enough(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The newest word on each name.
    pub fn into_mentions(self) -> BTreeMap<ConnectorName, Mention> {
        self.mentions
    }
}

/// Reads a file.
fn says(path: &Arc<str>, bytes: &Arc<[u8]>) -> Says {
    let (Definitions { connectors, repeated, environments, forgotten, .. }, is_ours) =
        parse::alone(path, bytes);
    let file = Files::from([(Arc::clone(path), Arc::clone(bytes))]);
    Says {
        is_ours,
        connectors: connectors.into_values().chain(repeated.connectors).map(Declared::of).collect(),
        forgotten: forgotten.iter().map(|name| ConnectorName::observed(name.as_str())).collect(),
        environments: environments
            .into_values()
            .map(|environment| Environment {
                name: environment.name,
                base: environment.base.map(|base| base.text),
                whole: environment.whole,
            })
            .collect(),
        names: parse::named(&file),
    }
}

/// What all files say together on each name.
fn said(pages: &BTreeMap<Arc<str>, Page>, environment: &EnvironmentName) -> BTreeMap<ConnectorName, Said> {
    let mut said = BTreeMap::new();
    if let Some(chain) = chain(pages, environment) {
        let parts: BTreeSet<_> = pages.values().flat_map(|page| &page.says.names).collect();
        let stands = |(path, page): &(&Arc<str>, &Page)| page.says.is_ours || !parts.contains(path);
        let pages = pages.iter().filter(stands);
        for connector in pages.flat_map(|(_, page)| &page.says.connectors) {
            let Some(name) = connector.called(&chain, environment) else { continue };
            let keep = connector.keep || said.get(&name) == Some(&Said::Declared { keep: true });
            said.insert(name, Said::Declared { keep });
        }
    }
    let forgotten = pages.values().flat_map(|page| &page.says.forgotten);
    said.extend(forgotten.map(|name| (name.clone(), Said::Forgotten)));
    said
}

/// The environments that count; none where there is no such environment, and so nothing is declared for it.
fn chain<'p>(pages: &'p BTreeMap<Arc<str>, Page>, environment: &'p EnvironmentName) -> Option<Chain<'p>> {
    let all = || pages.values().flat_map(|page| &page.says.environments);
    let find = |name: &str| all().find(|environment| environment.name.as_str() == name);
    let mut chain = Chain { names: Vec::new(), whole: true };
    let mut next = Some(environment.as_str());
    while let Some(name) = next {
        let Some(found) = find(name).filter(|_| !chain.names.contains(&name)) else {
            chain.whole = false;
            break;
        };
        chain.names.push(name);
        chain.whole &= found.whole;
        next = found.base.as_deref();
    }
    (!chain.names.is_empty()).then_some(chain)
}

impl Declared {
    fn of(connector: Connector) -> Self {
        let Connector { name, environments, scope, keep, reading, .. } = connector;
        let names = environments.into_iter().filter_map(|block| Some((block.environment.text, block.name?)));
        Self { name, names: names.collect(), scope, keep, broken: reading == Reading::Broken }
    }

    /// The name that it has in an environment; none where it does not exist there, or nobody can say.
    fn called(&self, chain: &Chain<'_>, environment: &EnvironmentName) -> Option<ConnectorName> {
        if (self.broken && !self.keep) || !self.scope.covers(environment) {
            return None;
        }
        let named = |name: &&str| self.names.iter().find(|(environment, _)| **environment == **name);
        if let Some((_, name)) = chain.names.iter().find_map(named) {
            return Some(name.clone());
        }
        // What is under an environment that cannot be read may call it otherwise.
        let may_be = |(environment, _): &(Arc<str>, _)| !chain.names.contains(&&**environment);
        (chain.whole || !self.names.iter().any(may_be)).then(|| self.name.clone())
    }
}
