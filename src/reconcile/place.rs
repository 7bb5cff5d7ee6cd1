//! What a place makes of definitions.
//!
//! Takes what was read of repositories and of the folders beside them, gives what is to be put in force, with
//! the secrets that are named in it. When that is done is left to the follower and to the commands.

use std::collections::BTreeSet;

use crate::model::definition::Definitions;
use crate::model::desired::Desired;
use crate::model::finding::Findings;
use crate::model::name::EnvironmentName;
use crate::model::revision::Revision;
use crate::model::select::Select;
use crate::model::snapshot::Sources;
use crate::model::supplied::Secrets;
use crate::model::values::Values;
use crate::pipeline;
use crate::pipeline::extra::{Ground, Joined, Outcome, Target};
use crate::pipeline::supply::Supply;
use crate::reconcile::extras::Extras;
use crate::secrets::Store;

/// Which environment it is, and what the place adds.
pub struct Place {
    /// The environment to render for.
    pub environment: EnvironmentName,
    /// The place's own values.
    pub values: Values,
    /// The agent's scope.
    pub select: Select,
    /// The secrets that definitions may name.
    pub store: Store,
}

/// What definitions became at a place.
pub struct Rendered {
    /// The connectors, where no finding of a repository is an error.
    pub desired: Option<Desired>,
    /// Everything that is wrong with the repositories.
    pub findings: Findings,
    /// What came of each folder of `extra`.
    pub outcomes: Vec<Outcome>,
    /// The secrets that they need, as they were read.
    pub secrets: Secrets,
}

impl Place {
    /// Renders what repositories define, without a look at secrets: what needs one is unresolved, and no
    /// finding says so.
    pub fn ground(&self, sources: &Sources) -> Ground {
        self.on(pipeline::definitions(sources), &sources.revision(), None)
    }

    /// Puts the folders beside it, without a look at secrets.
    pub fn complete_offline(&self, ground: &Ground, extras: &Extras) -> Rendered {
        let Joined { desired, findings, outcomes } = extras.join(ground, &self.target(None));
        Rendered { desired, findings, outcomes, secrets: Secrets::default() }
    }

    /// Puts the folders beside it, and renders all with the secrets that are named. Only those are read that
    /// this environment needs.
    pub fn complete(&self, ground: &Ground, extras: &Extras) -> Rendered {
        let offline = self.complete_offline(ground, extras);
        let Some(desired) = &offline.desired else { return offline };
        // Also those of a folder that is wrong: what it says of them is to be true.
        let of_folders = offline.outcomes.iter().flat_map(|outcome| &outcome.lacks);
        let needed: BTreeSet<_> = desired.unresolved.values().flatten().chain(of_folders).cloned().collect();
        let Some(own) = ground.desired.as_ref().filter(|_| !needed.is_empty()) else { return offline };
        let secrets = self.store.read(&needed);
        let ground = self.on(ground.definitions.clone(), &own.revision, Some(&secrets));
        let Joined { desired, findings, outcomes } = extras.join(&ground, &self.target(Some(&secrets)));
        Rendered { desired, findings, outcomes, secrets }
    }

    fn on(&self, definitions: Definitions, revision: &Revision, secrets: Option<&Secrets>) -> Ground {
        let Target { environment, supply, select } = self.target(secrets);
        let (desired, findings) = pipeline::desired(&definitions, revision, environment, &supply, select);
        Ground { definitions, desired, findings }
    }

    fn target<'t>(&'t self, secrets: Option<&'t Secrets>) -> Target<'t> {
        let Self { environment, values, select, store: _ } = self;
        Target { environment, supply: Supply { values, examples: false, secrets }, select }
    }
}
