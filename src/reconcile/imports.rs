//! The repositories that the main one imports, as they are followed.
//!
//! Takes what a `tagalong.yaml` names, asks each at its own interval, gives what was last read of each,
//! or why there is nothing. What was read for one address is never used for another.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;
use tracing::warn;

use crate::model::definition::About;
use crate::model::import::{Import, Unread};
use crate::model::report::{Class, Failure, Poll};
use crate::model::snapshot::Sources;
use crate::pipeline::polling::Pace;
use crate::reconcile::board::Board;
use crate::reconcile::cycle::chain;
use crate::reconcile::followed::{Asked, Followed, state};
use crate::repo::Repository;
use crate::repo::error::Error;
use crate::repo::options::ImportOptions;

/// All imports.
pub struct Imports {
    options: ImportOptions,
    /// The main repository's interval.
    interval: Duration,
    named: Vec<Imported>,
    /// Those that the main repository names no more, while what is in force was made of them: should the
    /// new revision be bad, the next one may name them again.
    spare: Vec<Imported>,
}

/// What asking them gave.
#[derive(Default)]
pub struct Answers {
    /// Of each that was asked.
    pub polls: Vec<Poll>,
    /// Whether something must be rendered anew.
    pub news: bool,
}

struct Imported {
    import: Import,
    /// None where even its address cannot be used.
    followed: Option<Followed>,
    /// Why it could not be asked, while that is so.
    failed: Option<(Class, Unread)>,
    /// Whether it was asked in this poll.
    asked: bool,
}

impl Imports {
    /// No imports yet.
    pub fn new(options: ImportOptions, interval: Duration) -> Self {
        Self { options, interval, named: Vec::new(), spare: Vec::new() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// When each of them is to be asked again.
    pub fn due(&self) -> Vec<Instant> {
        self.named.iter().filter_map(|one| Some(one.followed.as_ref()?.due())).collect()
    }

    /// Takes note of what is imported now. What was read of an import stays where it is read from the same
    /// place as before.
    pub fn name(&mut self, about: &About, board: &Board) {
        let mut known = std::mem::take(&mut self.named);
        known.append(&mut self.spare);
        for import in about.imports.values().flatten() {
            let same = |one: &Imported| one.import.name == import.name && one.import.is_same_source(import);
            self.named.push(match known.iter().position(same) {
                Some(at) => Imported { import: import.clone(), ..known.swap_remove(at) },
                None => Imported::new(import.clone(), &self.options, self.interval),
            });
        }
        for one in &mut self.named {
            let own = one.import.interval.unwrap_or(self.interval);
            if let Some(followed) = &mut one.followed {
                followed.change_pace(own, own.min(self.interval));
            }
        }
        self.spare = known;
        self.spare.retain(Imported::snapshot_is_there);
        board.import(self.named.iter().map(|one| one.import.name.clone()).collect());
        for one in &self.named {
            one.tell(board);
        }
        for name in self.options.folders.keys().filter(|name| !about.imports.contains_key(name)) {
            warn!(import = %name, "a folder is named for a repository that the definitions do not import");
        }
    }

    /// Has all of them asked again as soon as their servers may be asked.
    pub fn hurry(&mut self) {
        self.followed().for_each(Followed::hurry);
    }

    /// The same, and what went wrong so far does not count any more.
    pub fn forgive(&mut self) {
        self.followed().for_each(Followed::forgive);
    }

    fn followed(&mut self) -> impl Iterator<Item = &mut Followed> {
        self.named.iter_mut().filter_map(|one| one.followed.as_mut())
    }

    /// Asks those that are due by then.
    pub async fn ask(&mut self, by: Instant, board: &Board) -> Answers {
        let asked = self.named.iter_mut().map(|one| async move {
            let followed = one.followed.as_mut().filter(|followed| followed.due() <= by)?;
            let asked = followed.ask(board).await;
            Some(one.take(asked))
        });
        let mut answers = Answers::default();
        for (poll, news) in join_all(asked).await.into_iter().flatten() {
            answers.polls.push(poll);
            answers.news |= news;
        }
        answers
    }

    /// Asks those that have never been asked.
    pub async fn ask_unasked(&mut self, board: &Board) -> Vec<Poll> {
        let asked = self.named.iter_mut().map(|one| async move {
            if one.asked || one.failed.is_some() || one.snapshot_is_there() {
                return None;
            }
            let asked = one.followed.as_mut()?.ask(board).await;
            Some(one.take(asked).0)
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// Takes note that a poll is over: from now on they may be asked again.
    pub fn rest(&mut self) {
        self.named.iter_mut().for_each(|one| one.asked = false);
    }

    /// Adds what was last read of each, or why there is nothing.
    pub fn add_to(&self, sources: &mut Sources) {
        for one in &self.named {
            let name = one.import.name.clone();
            if let Some(snapshot) = one.followed.as_ref().and_then(Followed::snapshot) {
                sources.imports.insert(name, snapshot.clone());
            } else if let Some((_, unread)) = &one.failed {
                sources.unread.insert(name, unread.clone());
            }
        }
    }

    /// Takes note that what was read last was found good, and lets go of what nothing in force was made of.
    pub fn settle(&mut self) {
        self.spare.clear();
        self.named.iter_mut().filter_map(|one| one.followed.as_mut()).for_each(Followed::accept);
    }
}

impl Imported {
    /// One that was not asked yet; `interval` is the main repository's.
    fn new(import: Import, options: &ImportOptions, interval: Duration) -> Self {
        let own = import.interval.unwrap_or(interval);
        // One that fails keeps a revision from being read: it is asked no later than the main one.
        let pace = Pace::new(own, own.min(interval));
        let name = import.name.clone();
        let (followed, failed) = match Repository::import(&import, options) {
            Ok(repository) => (Some(Followed::new(name, repository, None, pace)), None),
            Err(error) => (None, Some(failed(&error))),
        };
        Self { import, followed, failed, asked: false }
    }

    fn snapshot_is_there(&self) -> bool {
        self.followed.as_ref().is_some_and(|followed| followed.snapshot().is_some())
    }

    /// Takes note of an answer; says whether something must be rendered anew.
    fn take(&mut self, asked: Asked) -> (Poll, bool) {
        let Asked { poll, result } = asked;
        self.asked = true;
        let news = match result {
            Ok(new) => {
                self.failed = None;
                new
            }
            Err(error) => {
                let (class, unread) = failed(&error);
                let before = self.failed.replace((class, unread));
                // While there is something to render with, that it cannot be asked changes nothing.
                !self.snapshot_is_there() && before.is_none_or(|(before, _)| before != class)
            }
        };
        (poll, news)
    }

    /// Writes why it can never be asked, where that is so.
    fn tell(&self, board: &Board) {
        let (None, Some((class, unread))) = (&self.followed, &self.failed) else { return };
        board.write_repository(&self.import.name, |report| {
            report.state = state(*class);
            report.failure = Some(Failure { class: *class, text: unread.why.clone() });
        });
    }
}

fn failed(error: &Error) -> (Class, Unread) {
    (error.class(), Unread { why: chain(error).into(), hint: error.hint().map(Into::into) })
}
