//! What of a plan is news for the log.
//!
//! Takes each plan, gives it to those who tell of it: what is not done as it is declared, or does nothing, is told here, what is
//! held and what nobody declares in rooms of their own. Nothing is done about any of it.

use std::collections::BTreeSet;

use tracing::warn;

use crate::model::plan::Plan;
use crate::model::warning::Warning;
use crate::reconcile::holds::Holds;
use crate::reconcile::unmanaged::Unmanaged;

/// What was told last.
#[derive(Debug, Default)]
pub struct News {
    warned: BTreeSet<Warning>,
    unmanaged: Unmanaged,
    /// What is held, where that is told in the log: who applies once was shown it.
    holds: Option<Holds>,
}

impl News {
    /// Tells what is held, too.
    pub fn with_holds() -> Self {
        Self { holds: Some(Holds::default()), ..Self::default() }
    }

    /// Looks at a plan and tells what is new.
    pub fn look(&mut self, plan: &Plan) {
        self.warn(plan);
        self.unmanaged.look(plan);
        if let Some(holds) = &mut self.holds {
            holds.look(plan);
        }
    }

    /// Another agent tells what is held from now on.
    pub fn leave(&mut self) {
        if let Some(holds) = &mut self.holds {
            holds.forget();
        }
    }

    /// Logs what is not done as it is declared, where that is news.
    fn warn(&mut self, plan: &Plan) {
        let now: BTreeSet<_> = plan.warnings.iter().cloned().collect();
        for warning in now.difference(&self.warned) {
            let connector = warning.connector.as_ref().map(ToString::to_string);
            warn!(connector, "{warning}");
        }
        self.warned = now;
    }
}
