//! Who leads, and since when.
//!
//! Asks in the way that this agent writes: the worker beside, or nobody where it must not write or has no worker of its
//! own. Remembers since when the worker beside has led without a break; one that was silent for long, whatever was asked
//! of it, may have lost its lead and got it back. What follows from it is left to the cycle.

use tokio::time::Instant;
use tracing::info;

use crate::connect::error::Error;
use crate::connect::{Client, Leadership};

/// Who leads, as far as this agent asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead {
    /// The worker beside, and did when what is desired was resolved.
    Leads,
    /// The worker beside, since after what is desired was resolved.
    Gained,
    /// Another one.
    Follows,
    /// Nobody asked.
    Unasked,
}

/// What is known of the lead of the worker beside.
#[derive(Debug, Default)]
pub struct Leading {
    since: Option<Instant>,
}

impl Leading {
    /// Asks who leads, where what is desired was resolved at that time; at none where that does not matter.
    pub async fn ask(&mut self, client: &Client, resolved: Option<Instant>) -> Result<Lead, Error> {
        Ok(match client.probe().await? {
            Leadership::Follows => {
                if self.since.is_some() {
                    info!("the worker beside leads no longer");
                }
                self.lost();
                Lead::Follows
            }
            Leadership::Leads => {
                if client.take_doubt() {
                    self.lost();
                }
                let since = *self.since.get_or_insert_with(|| {
                    info!("the worker beside leads");
                    Instant::now()
                });
                if resolved.is_some_and(|resolved| resolved < since) { Lead::Gained } else { Lead::Leads }
            }
        })
    }

    /// Since when the worker beside leads; none where it does not, as far as is known.
    pub fn since(&self) -> Option<Instant> {
        self.since
    }

    /// Takes note that another worker leads, or may.
    pub fn lost(&mut self) {
        self.since = None;
    }
}
