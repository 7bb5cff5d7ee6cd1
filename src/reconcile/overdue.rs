//! Tells of connectors whose database has been away for too long.
//!
//! Takes since when connectors wait, gives those that have waited longer than they may, and writes a line into the log
//! where one is new, and where it waits no more. When a step is tried again is left to `pipeline::pace`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tracing::{info, warn};

use crate::model::name::ConnectorName;
use crate::model::report::Waiting;
use crate::reconcile::verdict;

/// Connectors whose database is awaited for longer than it may take.
#[derive(Debug)]
pub struct Overdue {
    deadline: Duration,
    told: BTreeSet<ConnectorName>,
}

impl Overdue {
    /// How long it may take.
    pub fn new(deadline: Duration) -> Self {
        Self { deadline, told: BTreeSet::new() }
    }

    /// Gives those that wait too long, and tells of the ones that are new.
    pub fn tell(
        &mut self,
        waiting: &BTreeMap<ConnectorName, Waiting>,
        now: Timestamp,
    ) -> BTreeSet<ConnectorName> {
        let overdue = verdict::overdue(waiting, self.deadline, now);
        for connector in overdue.difference(&self.told) {
            let since = waiting.get(connector).map(|waiting| waiting.since.to_string());
            warn!(
                %connector,
                since,
                hint = "is it up, and are its name, user and password right? The connector is tried again until it is",
                "the connector's database is not there for longer than connect.ready_deadline"
            );
        }
        for connector in self.told.difference(&overdue) {
            info!(%connector, "the connector waits for its database no longer");
        }
        self.told.clone_from(&overdue);
        overdue
    }
}
