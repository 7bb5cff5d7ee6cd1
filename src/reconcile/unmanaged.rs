//! Tells of connectors that nobody declares, as they come and go.
//!
//! Takes each plan, writes a line into the log where that is news: all of them where an agent looks for the first
//! time, then each that becomes unmanaged and each that is so no more. Nothing is done about them.

use std::collections::BTreeSet;

use tracing::{info, warn};

use crate::model::name::{ConnectorName, some_of};
use crate::model::plan::{Plan, Reason};

/// How many connectors have a line of their own in one look, and how many names stand in one line.
const MOST: usize = 20;

/// What was seen last.
#[derive(Debug, Default)]
pub struct Unmanaged {
    before: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    unmanaged: BTreeSet<ConnectorName>,
    declared: BTreeSet<ConnectorName>,
    /// What is deleted for being gone from the repository, or would be.
    going: BTreeSet<ConnectorName>,
}

/// What became of a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// It was declared, and is not any more.
    Left,
    /// It is there, and nobody declares it.
    Came,
    /// It is not there any more.
    Gone,
    /// It is declared now.
    Declared,
    /// It was ours and is deleted for being gone from the repository, or would be: the plan says which.
    Going,
    /// It was to be deleted for being gone from the repository, and is not any more.
    Spared,
}

impl Unmanaged {
    /// Looks at a plan and tells what is new.
    pub fn look(&mut self, plan: &Plan) {
        let now = Seen {
            unmanaged: plan.unmanaged.iter().cloned().collect(),
            declared: plan.sync.keys().cloned().collect(),
            going: going(plan).cloned().collect(),
        };
        match &self.before {
            None if now.unmanaged.is_empty() => {}
            None => {
                let names = some_of(&plan.unmanaged, MOST);
                info!(
                    count = now.unmanaged.len(),
                    "no definition declares these, they are left alone: {names}"
                );
            }
            Some(before) => tell(&news(before, &now)),
        }
        self.before = Some(now);
    }
}

fn news<'n>(before: &'n Seen, now: &'n Seen) -> Vec<(&'n ConnectorName, News)> {
    let came = now.unmanaged.difference(&before.unmanaged).map(|name| {
        let what = if before.declared.contains(name) {
            News::Left
        } else if before.going.contains(name) {
            News::Spared
        } else {
            News::Came
        };
        (name, what)
    });
    let gone = before.unmanaged.difference(&now.unmanaged).map(|name| {
        let what = if now.declared.contains(name) {
            News::Declared
        } else if now.going.contains(name) {
            News::Going
        } else {
            News::Gone
        };
        (name, what)
    });
    came.chain(gone).collect()
}

fn going(plan: &Plan) -> impl Iterator<Item = &ConnectorName> {
    let actions = plan.steps.iter().chain(plan.held.iter().map(|held| &held.action));
    actions.filter(|action| action.reason == Reason::NotInRepository).map(|action| &action.connector)
}

fn tell(news: &[(&ConnectorName, News)]) {
    for (connector, what) in news.iter().take(MOST) {
        match what {
            News::Left => warn!(
                %connector,
                hint = "`state: absent` in a definition deletes a connector",
                "no definition declares it any more: it is unmanaged, left alone, and goes on as it is"
            ),
            News::Came => {
                info!(%connector, "it came into the cluster, and no definition declares it: it is left alone");
            }
            News::Gone => info!(%connector, "it was unmanaged, and is gone from the cluster"),
            News::Declared => info!(%connector, "it was unmanaged, and is declared now"),
            News::Going => {
                info!(%connector, "it was unmanaged; it was once declared here, and `prune.policy: owned` deletes it");
            }
            News::Spared => info!(%connector, "it was to be deleted; it is unmanaged now, and left alone"),
        }
    }
    if news.len() > MOST {
        info!(
            count = news.len() - MOST,
            "more connectors became unmanaged or are so no more; `tagalong status` has them"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(unmanaged: &[&str], declared: &[&str], going: &[&str]) -> Seen {
        let names = |names: &[&str]| names.iter().map(|name| ConnectorName::observed(name)).collect();
        Seen { unmanaged: names(unmanaged), declared: names(declared), going: names(going) }
    }

    #[test]
    fn each_that_becomes_unmanaged_or_is_so_no_more_is_news_once() {
        let before = seen(&["adopted", "judged", "scratch", "stays"], &["orders"], &["moved"]);
        let now = seen(&["moved", "orders", "stays", "stranger"], &["adopted"], &["judged"]);
        let told: Vec<_> =
            news(&before, &now).into_iter().map(|(name, what)| (name.as_str(), what)).collect();
        let wanted = [
            ("moved", News::Spared),
            ("orders", News::Left),
            ("stranger", News::Came),
            ("adopted", News::Declared),
            ("judged", News::Going),
            ("scratch", News::Gone),
        ];
        assert_eq!(told, wanted);
        assert_eq!(news(&now, &now), []);
    }
}
