//! Whose the connectors are that nobody declares now, from turn to turn and across restarts.
//!
//! Takes what a turn desires and sees; says whose each of them is, as far as it is known. Remembers each name that was
//! declared, and asks the repository for its history where that has to say more: once, and seldom again where it does not
//! answer. What follows from what is left to `pipeline::ownership`, fetching to `repo`, how it is written to `kept`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::kept::RecordKeeper;
use crate::model::desired::Desired;
use crate::model::known::{Batch, Claim, Look, LookEnd, Record};
use crate::model::live::Live;
use crate::model::name::{ConnectorName, some_of};
use crate::model::policy::Policy;
use crate::model::report::Class;
use crate::pipeline::ownership::past::Past;
use crate::pipeline::ownership::{self, claims, doubtful, goes_on, unjudged};
use crate::reconcile::causes::chain;
use crate::reconcile::patient::Patient;
use crate::repo::Repository;
use crate::repo::error::Error;
use crate::repo::history::History;
use crate::repo::older::Older;

/// What is lost with it.
const LOST: &str = "of connectors that nobody declares any more, the history of the repository alone says whose they \
    were; docs/operations/state.md has more";

/// How long after the first attempt that failed the next one is; each later one waits twice as long.
const REST: Duration = Duration::from_secs(15);

/// The longest rest between two attempts.
const LONGEST_REST: Duration = Duration::from_mins(30);

/// What helps against a history that takes too long, where what was read of it counts.
const ONWARD: &str = "it is gone on with where it was read to; where that takes too long each time, raise \
    `repository.git.deadline` in the settings";

/// What helps where nothing of it counts: what comes before an earlier look is newer than what that one found, and has to be
/// read in one.
const ANEW: &str = "nothing of this look is kept, and the next one begins where it began: where that takes too long each \
    time, raise `repository.git.deadline` in the settings";

/// How many names stand in one line.
const NAMES: usize = 20;

/// Knows whose the connectors are that nobody declares now.
#[derive(Default)]
pub struct Claims {
    record: Record,
    /// Whose history may be asked for; none for a folder, which has none.
    repository: Option<Repository>,
    file: Option<File>,
    /// When the history is asked for again after an attempt that failed, and how long the next rest is.
    pace: Option<(Instant, Duration)>,
}

/// The file of the record.
struct File {
    keeper: Patient<RecordKeeper>,
    /// Whether it is the agent's own; else it is only looked at.
    own: bool,
    /// Whether it was read. What could not be is not written either: it may say more than is known now.
    is_read: bool,
    /// What it holds, once it was read or written.
    written: Option<Record>,
}

impl Claims {
    /// Asks this repository, and remembers for as long as the agent runs.
    pub fn new(repository: Option<Repository>) -> Self {
        Self { repository, ..Self::default() }
    }

    /// Remembers across restarts.
    #[must_use]
    pub fn keeping(self, keeper: Option<RecordKeeper>) -> Self {
        Self { file: keeper.map(|keeper| File::new(keeper, true)), ..self }
    }

    /// Knows what an agent remembers here, and changes nothing of it.
    #[must_use]
    pub fn looking(self, keeper: Option<RecordKeeper>) -> Self {
        Self { file: keeper.map(|keeper| File::new(keeper, false)), ..self }
    }

    /// Begins a turn that desires this.
    pub async fn begin(&mut self, desired: &Desired) {
        if let Some(record) = self.recall().await {
            ownership::recalled(&mut self.record, record);
        }
        ownership::declared(&mut self.record, desired);
        self.keep().await;
    }

    /// Finds out what is not known yet, where it matters. What cannot be found out stays unknown.
    pub async fn judge(&mut self, desired: &Desired, live: &Live, policy: &Policy) {
        let wanted = unjudged(&self.record, desired, &doubtful(desired, live, policy));
        let is_resting = self.pace.is_some_and(|(again, _)| Instant::now() < again);
        if wanted.is_empty() || is_resting {
            return;
        }
        let Some(repository) = &self.repository else { return };
        debug!(count = wanted.len(), "asking the history whose these are");
        let known = self.record.look.clone().filter(|look| goes_on(look, desired));
        let (asked, mentions) = ask(repository, desired, &wanted, known).await;
        match asked {
            Ok(None) => {}
            Ok(Some(History { look, received_bytes, trouble })) => {
                let past = mentions.into_mentions();
                ownership::learnt(&mut self.record, past, look.clone(), desired);
                tell(&self.record, &look, &wanted, received_bytes);
                // Something was read, so it is gone on with soon, however often that was so.
                self.pace = None;
                if let Some(error) = trouble {
                    self.rest(&error, true);
                }
                self.keep().await;
            }
            Err(error) => self.rest(&error, false),
        }
    }

    /// Whose each live connector is that nobody declares now; one that is not in it is not known yet.
    pub fn known(&self, desired: &Desired, live: &Live, policy: &Policy) -> BTreeMap<ConnectorName, Claim> {
        claims(&self.record, desired, &doubtful(desired, live, policy))
    }

    /// Those that went together, more than may at once, as the last look that counts found it.
    pub fn batch(&self) -> &Batch {
        &self.record.batch
    }

    /// Takes note of what goes together. It is kept before anything of it is deleted.
    pub async fn went_together(&mut self, batch: Batch) {
        self.record.batch = batch;
        self.keep().await;
    }

    fn rest(&mut self, error: &Error, is_kept: bool) {
        let rest = self.pace.map_or(REST, |(_, last)| (last * 2).min(LONGEST_REST));
        self.pace = Some((Instant::now() + rest, rest));
        let hint = helps(error, is_kept);
        warn!(
            error = chain(error),
            hint,
            again_in = format!("{} s", rest.as_secs()),
            "the history of the repository could not be read; what nobody declares is left alone until it can"
        );
    }

    async fn recall(&mut self) -> Option<Record> {
        let file = self.file.as_mut().filter(|file| !file.is_read)?;
        let own = file.own;
        let read = move |keeper: &mut RecordKeeper| if own { keeper.recall() } else { keeper.look() };
        let attempt = "the names that were declared could not be read, and are not written until they can";
        let record = file.keeper.read(attempt, read).await?;
        file.is_read = true;
        let record = record?;
        file.written = Some(record.clone());
        Some(record)
    }

    /// Keeps what is known, where that is news.
    async fn keep(&mut self) {
        let Some(file) = self.file.as_mut().filter(|file| file.own && file.is_read) else { return };
        if file.written.as_ref() == Some(&self.record) {
            return;
        }
        let record = self.record.clone();
        let attempt = "the names that are declared could not be kept";
        if file.keeper.work(attempt, move |keeper| keeper.keep(&record)).await.is_some() {
            file.written = Some(self.record.clone());
        }
    }
}

impl File {
    fn new(keeper: RecordKeeper, own: bool) -> Self {
        Self { keeper: Patient::new(keeper, LOST), own, is_read: false, written: None }
    }
}

/// What helps against an error of the history; `is_kept` where what was read of it counts.
fn helps(error: &Error, is_kept: bool) -> Option<&'static str> {
    let late = if is_kept { ONWARD } else { ANEW };
    error.hint().or((error.class() == Class::TimedOut).then_some(late))
}

/// Has the history read for these names; gives what it said, also where it ended early.
async fn ask(
    repository: &Repository,
    desired: &Desired,
    wanted: &BTreeSet<ConnectorName>,
    known: Option<Look>,
) -> (Result<Option<History>, Error>, Past) {
    let empty = || Past::new(desired.environment.clone(), wanted.clone());
    let past = Arc::new(Mutex::new(empty()));
    let hearing = Arc::clone(&past);
    let listener = move |older: &Older<'_>| {
        let mut past = hearing.lock().unwrap_or_else(PoisonError::into_inner);
        past.read(older.files, older.commit, older.committed);
        if past.is_enough() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let at = &desired.revision.main().at;
    let asked = repository.history(at, known, Box::new(listener)).await;
    let past = std::mem::replace(&mut *past.lock().unwrap_or_else(PoisonError::into_inner), empty());
    (asked, past)
}

/// Says what the look brought.
fn tell(record: &Record, look: &Look, wanted: &BTreeSet<ConnectorName>, received_bytes: u64) {
    let unfound: Vec<_> = wanted.iter().filter(|name| !record.names.contains_key(*name)).collect();
    let (commits, oldest) = (look.commits, look.to.short());
    let found = wanted.len() - unfound.len();
    match look.end {
        LookEnd::Limit if !unfound.is_empty() => warn!(
            commits,
            oldest,
            received_bytes,
            hint = "`state: absent` in a definition deletes a connector, wherever it was declared",
            "the history was read as far back as may be; these were not found so far and are taken for somebody else's: {}",
            some_of(&unfound, NAMES)
        ),
        LookEnd::Root | LookEnd::Enough | LookEnd::Limit => {
            let unknown = unfound.len();
            info!(
                commits,
                oldest,
                received_bytes,
                found,
                unknown,
                "the history was read for connectors that nobody declares"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::problem::Doing;

    #[test]
    fn only_a_look_that_counts_is_said_to_be_gone_on_with() {
        let late = Error::TimedOut {
            repository: "r".to_owned(),
            doing: Doing::Fetching,
            after: Duration::from_secs(1),
        };
        for (is_kept, told) in
            [(true, "it is gone on with where it was read to"), (false, "nothing of this look is kept")]
        {
            let hint = helps(&late, is_kept).expect("something helps");
            assert!(hint.starts_with(told) && hint.contains("`repository.git.deadline`"), "{hint}");
        }
        let page = Error::NoCommit { repository: "r".to_owned(), commit: "c".to_owned() };
        assert_eq!(helps(&page, true), page.hint(), "more time does not help");
    }
}
