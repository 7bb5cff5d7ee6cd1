//! Reads what a folder of `extra` holds, beside a repository.
//!
//! Takes what the repository defines and the files of the folder; gives its definitions, with what they may
//! use of the repository, and what is wrong with them in whatever environment. Who has a name that two
//! folders want is left to `claims`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::definition::{Definitions, Template};
use crate::model::finding::{Finding, Findings};
use crate::model::snapshot::Snapshot;
use crate::pipeline::parse::{self, Lost};
use crate::pipeline::unused::{self, Uses};
use crate::pipeline::{nulls, resolve};

/// What a folder defines.
#[derive(Debug)]
pub struct Read {
    /// Its connectors, and what they may use. The findings are its own.
    pub definitions: Arc<Definitions>,
    /// What its expressions use, and those of what it may use.
    pub uses: Uses,
}

/// Reads a folder.
pub fn read(host: &Definitions, snapshot: &Snapshot) -> Read {
    let mut findings = snapshot.findings.clone();
    let (own, lost) = parse::folder(snapshot, &mut findings);
    for (name, connector) in &own.connectors {
        if let Some(first) = host.connectors.get(name) {
            findings.push(parse::twice(&format!("connector `{name}`"), &connector.place, &first.place));
        }
    }
    let (templates, taken): (BTreeMap<_, _>, BTreeMap<_, _>) =
        own.templates.into_iter().partition(|(name, _)| !host.templates.contains_key(name));
    let parameters: Vec<_> = templates.keys().cloned().collect();
    let mut all = Definitions {
        templates: host.templates.clone(),
        connectors: own.connectors,
        repeated: own.repeated,
        environments: host.environments.clone(),
        forgotten: Vec::new(),
        about: host.about.clone(),
        findings: Findings::default(),
    };
    all.templates.extend(templates);
    for (name, template) in &taken {
        let first = &host.templates[name];
        let what = format!("template `{name}`");
        findings.push(parse::twice(&what, &template.name.place, &first.name.place));
        // Nobody can say which of the two a connector means: it is held to neither.
        all.templates.insert(Arc::clone(name), Template { whole: false, ..first.clone() });
    }
    let lost = lost_with(host, &lost);
    let mut checked = Vec::new();
    let mut uses = resolve::check(&all, &lost, &mut checked);
    let of_connectors = all.connectors.values().filter_map(|connector| connector.template.as_ref());
    let of_folder = || parameters.iter().map(|name| &all.templates[name]);
    uses.add_imports(of_connectors.chain(of_folder().filter_map(|template| template.base.as_ref())));
    nulls::check(&all, &mut checked);
    checked.extend(of_taken(host, taken, &lost));
    let own_place = |finding: &Finding| snapshot.files.contains_key(&finding.place.path);
    findings.extend(checked.into_iter().filter(own_place));
    unused::parameters(of_folder(), &uses, &snapshot.files, &mut findings);
    all.findings.extend(findings);
    all.findings.settle();
    Read { definitions: Arc::new(all), uses }
}

/// What is wrong with templates whose names are taken, each for itself.
fn of_taken(host: &Definitions, taken: BTreeMap<Arc<str>, Template>, lost: &Lost) -> Vec<Finding> {
    let mut found = Vec::new();
    if taken.is_empty() {
        return found;
    }
    let mut all = Definitions {
        templates: host.templates.clone(),
        environments: host.environments.clone(),
        ..Definitions::default()
    };
    all.templates.extend(taken);
    resolve::check(&all, lost, &mut found);
    found
}

/// Where the repository itself is broken, nobody knows what it would have had.
fn lost_with(host: &Definitions, lost: &Lost) -> Lost {
    let broken = host.findings.has_errors();
    let imports = host.about.imports.keys().filter(|_| broken).map(|name| name.as_str().into());
    Lost {
        templates: lost.templates || broken,
        environments: lost.environments || broken,
        imports: imports.collect(),
    }
}
