//! Puts what folders declare in force, beside the repository.
//!
//! Takes what each of them declares, now or when it last was good; adds it to what the repository has.
//! What a folder holds now comes before what another one held, and a deletion comes last: it takes effect
//! only where nobody may have the connector. What a folder may not declare by now is not in force.

use crate::model::desired::Desired;
use crate::pipeline::extra::claims::{Claims, deletes};

/// What a folder declares that is in force, as far as its names are free.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'s> {
    /// The folder alone.
    pub desired: &'s Desired,
    /// Whether it is what the folder holds now.
    pub good: bool,
}

/// Adds what folders declare, in the order of the settings.
pub fn put_in_force(desired: &mut Desired, standing: &[Option<Standing<'_>>], claims: &Claims<'_>) {
    for one in standing.iter().flatten() {
        desired.revision.repositories.extend(one.desired.revision.repositories.iter().cloned());
        desired.left_out.extend(one.desired.left_out.iter().cloned());
    }
    // One that is gone may hold it by now.
    let is_doubtful = |index: usize| !standing[index].is_some_and(|other| other.good);
    for (deletions, good) in [(false, true), (false, false), (true, true), (true, false)] {
        for (index, one) in standing.iter().enumerate() {
            let Some(one) = one.filter(|one| one.good == good) else { continue };
            for (name, connector) in &one.desired.connectors {
                if deletes(connector) != deletions
                    || desired.connectors.contains_key(name)
                    || !claims.is_given(name, connector, index)
                    || (deletions && claims.also_given(name, index).any(is_doubtful))
                {
                    continue;
                }
                desired.connectors.insert(name.clone(), connector.clone());
                let lacks = one.desired.unresolved.get(name);
                desired.unresolved.extend(lacks.map(|lacks| (name.clone(), lacks.clone())));
            }
        }
    }
}
