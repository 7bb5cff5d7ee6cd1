//! The repositories that the main one imports, as they are followed.
//!
//! Takes what a `tagalong.yaml` names, asks each at its own interval, gives what was last read of each,
//! or why there is nothing. What was read for one address is never used for another. An asking goes on
//! between two polls, and while it does, what was read last is what there is; which of them are waited for
//! is said here, when is left to the follower.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll as Wait};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, poll_fn};
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::warn;

use crate::model::definition::About;
use crate::model::import::{Import, Unread};
use crate::model::kept::{Kept, Memories, Memory, Of};
use crate::model::report::{Class, Failure, Poll};
use crate::model::snapshot::{Snapshot, Sources};
use crate::pipeline::polling::Pace;
use crate::reconcile::board::Board;
use crate::reconcile::causes::chain;
use crate::reconcile::followed::{Asked, Followed};
use crate::reconcile::meaning::state;
use crate::repo::Repository;
use crate::repo::error::Error;
use crate::repo::options::ImportOptions;

/// How long a poll waits for an import that was read before: two repositories whose tags move together are
/// then rendered together.
const LINGER: Duration = Duration::from_secs(1);

/// All imports.
pub struct Imports {
    options: ImportOptions,
    /// The main repository's interval.
    interval: Duration,
    named: Vec<Imported>,
    /// Those that the main repository names no more, while what is in force was made of them: should the
    /// new revision be bad, the next one may name them again.
    spare: Vec<Imported>,
    /// What came back since the last poll took it.
    answers: Answers,
    /// What was kept of them from before, until they are named.
    kept: Vec<Kept>,
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
    fares: Fares,
    /// Why it could not be asked, while that is so.
    failed: Option<(Class, Unread)>,
    /// Whether an asking of it began in this poll.
    asked: bool,
}

/// What an import is doing.
enum Fares {
    /// Not even its address can be used.
    Unusable,
    /// Nothing, until it is due.
    Resting(Box<Followed>),
    /// It is being asked.
    Asking(Box<Asking>),
}

/// An asking, which goes on as long as somebody waits for anything here.
struct Asking {
    run: LocalBoxFuture<'static, (Box<Followed>, Asked)>,
    /// What had been read before.
    last: Option<Arc<Snapshot>>,
    /// What is to be kept of that, when it is found good.
    kept: Option<Kept>,
    /// What is known of its past.
    past: Option<(Of, Memory)>,
    /// Whether that was found good meanwhile.
    accepted: bool,
    /// Whether it is the first of this import, which has nothing to render with.
    first: bool,
    /// What is to be told to it when it is back.
    after: Option<fn(&mut Followed)>,
}

impl Imports {
    /// No imports yet.
    pub fn new(options: ImportOptions, interval: Duration) -> Self {
        Self {
            options,
            interval,
            named: Vec::new(),
            spare: Vec::new(),
            answers: Answers::default(),
            kept: Vec::new(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// When each of them is to be asked again that is not being asked.
    pub fn due(&self) -> Vec<Instant> {
        self.named.iter().filter_map(|one| Some(one.resting()?.due())).collect()
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
        for followed in self.named.iter_mut().filter_map(Imported::resting_mut) {
            if let Some(kept) = self.kept.iter().find(|kept| followed.owns(kept)) {
                followed.remember(kept);
            }
        }
        for one in &mut self.named {
            one.change_pace(self.interval);
        }
        self.spare = known;
        self.spare.retain(|one| one.snapshot().is_some());
        board.import(self.named.iter().map(|one| one.import.name.clone()).collect());
        for one in &self.named {
            one.tell(board);
        }
        for name in self.options.folders.keys().filter(|name| !about.imports.contains_key(name)) {
            warn!(import = %name, "a folder is named for a repository that the definitions do not import");
        }
    }

    /// Takes what was kept of imports, for when they are named.
    pub fn remember(&mut self, kept: Vec<Kept>) {
        self.kept = kept;
    }

    /// Takes up what was kept of those that are named; says whether there is something of each.
    pub async fn recall(&mut self, accepted: Timestamp, board: &Board) -> bool {
        let mut is_whole = true;
        for one in &mut self.named {
            let Some(followed) = one.resting_mut() else { return false };
            let kept = self.kept.iter().position(|kept| followed.owns(kept));
            is_whole &= match kept {
                Some(kept) => followed.recall(self.kept.swap_remove(kept), accepted, board).await,
                None => false,
            };
        }
        is_whole
    }

    /// What is to be kept of each.
    pub fn kept(&self) -> Vec<Kept> {
        self.named.iter().filter_map(Imported::kept).collect()
    }

    /// What is known of the past of each.
    pub fn memories(&self) -> Memories {
        self.named.iter().filter_map(Imported::past).collect()
    }

    /// Has all of them asked again as soon as their servers may be asked.
    pub fn hurry(&mut self) {
        self.named.iter_mut().for_each(|one| one.tell_to(Followed::hurry));
    }

    /// The same, and what went wrong so far does not count any more.
    pub fn forgive(&mut self) {
        self.named.iter_mut().for_each(|one| one.tell_to(Followed::forgive));
    }

    /// Has those asked again now that are folders.
    pub fn hurry_folders(&mut self) {
        self.named.iter_mut().for_each(|one| one.tell_to(Followed::hurry_folder));
    }

    /// Begins to ask those that are due by then.
    pub fn ask(&mut self, by: Instant, board: &Board) {
        for one in &mut self.named {
            if one.resting().is_some_and(|followed| followed.due() <= by) {
                one.ask(board);
            }
        }
    }

    /// Asks those that have never been asked, and waits for them.
    pub async fn ask_unasked(&mut self, board: &Board) {
        for one in &mut self.named {
            if !one.asked && one.failed.is_none() && one.snapshot().is_none() {
                one.ask(board);
            }
        }
        self.until(|one| !matches!(&one.fares, Fares::Asking(asking) if asking.first)).await;
    }

    /// Lets them go on while something else is waited for.
    pub async fn beside<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        poll_fn(|context| {
            self.go_on(context);
            other.as_mut().poll(context)
        })
        .await
    }

    /// Waits a moment for those whose asking began in this poll.
    pub async fn linger(&mut self) {
        let answered = self.until(|one| !(one.asked && matches!(one.fares, Fares::Asking(_))));
        // What does not come in time is taken when it comes.
        let _in_time = tokio::time::timeout(LINGER, answered).await;
    }

    /// Waits until one has answered.
    pub async fn answered(&mut self) {
        poll_fn(|context| {
            self.go_on(context);
            if self.answers.polls.is_empty() { Wait::Pending } else { Wait::Ready(()) }
        })
        .await;
    }

    /// What has come back since this was asked last.
    pub fn answers(&mut self) -> Answers {
        std::mem::take(&mut self.answers)
    }

    /// Waits until each of them is as it should be.
    async fn until(&mut self, is: impl Fn(&Imported) -> bool) {
        poll_fn(|context| {
            self.go_on(context);
            if self.named.iter().all(&is) { Wait::Ready(()) } else { Wait::Pending }
        })
        .await;
    }

    fn go_on(&mut self, context: &mut Context<'_>) {
        for one in &mut self.named {
            if let Some((poll, news)) = one.go_on(self.interval, context) {
                self.answers.polls.push(poll);
                self.answers.news |= news;
            }
        }
    }

    /// Takes note that a poll is over: from now on they may be asked again.
    pub fn rest(&mut self) {
        self.named.iter_mut().for_each(|one| one.asked = false);
    }

    /// Adds what was last read of each, or why there is nothing.
    pub fn add_to(&self, sources: &mut Sources) {
        for one in &self.named {
            let name = one.import.name.clone();
            if let Some(snapshot) = one.snapshot() {
                sources.imports.insert(name, snapshot.clone());
            } else if let Some((_, unread)) = &one.failed {
                sources.unread.insert(name, unread.clone());
            }
        }
    }

    /// Takes note that what was read last was found good, and lets go of what nothing in force was made of.
    pub fn settle(&mut self) {
        self.spare.clear();
        self.named.iter_mut().for_each(Imported::accept);
    }
}

impl Imported {
    /// One that was not asked yet; `interval` is the main repository's.
    fn new(import: Import, options: &ImportOptions, interval: Duration) -> Self {
        let own = import.interval.unwrap_or(interval);
        // One that fails keeps a revision from being read: it is asked no later than the main one.
        let pace = Pace::new(own, own.min(interval));
        let name = import.name.clone();
        let (fares, failed) = match Repository::import(&import, options) {
            Ok(repository) => (Fares::Resting(Box::new(Followed::new(name, repository, pace))), None),
            Err(error) => (Fares::Unusable, Some(failed(&error))),
        };
        Self { import, fares, failed, asked: false }
    }

    fn resting(&self) -> Option<&Followed> {
        match &self.fares {
            Fares::Resting(followed) => Some(followed),
            Fares::Unusable | Fares::Asking(_) => None,
        }
    }

    fn resting_mut(&mut self) -> Option<&mut Followed> {
        match &mut self.fares {
            Fares::Resting(followed) => Some(followed),
            Fares::Unusable | Fares::Asking(_) => None,
        }
    }

    fn kept(&self) -> Option<Kept> {
        match &self.fares {
            Fares::Unusable => None,
            Fares::Resting(followed) => followed.kept(),
            Fares::Asking(asking) => asking.kept.clone(),
        }
    }

    fn past(&self) -> Option<(Of, Memory)> {
        match &self.fares {
            Fares::Unusable => None,
            Fares::Resting(followed) => followed.past(),
            Fares::Asking(asking) => asking.past.clone(),
        }
    }

    /// What was read last; while it is being asked, what was read before.
    fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        match &self.fares {
            Fares::Unusable => None,
            Fares::Resting(followed) => followed.snapshot(),
            Fares::Asking(asking) => asking.last.as_ref(),
        }
    }

    /// Begins to ask it, unless it is being asked.
    fn ask(&mut self, board: &Board) {
        self.fares = match std::mem::replace(&mut self.fares, Fares::Unusable) {
            Fares::Resting(mut followed) => {
                self.asked = true;
                let (last, board) = (followed.snapshot().cloned(), board.clone());
                let first = last.is_none() && self.failed.is_none();
                let (kept, past) = (followed.kept(), followed.past());
                let run = async move {
                    let asked = followed.ask(&board).await;
                    (followed, asked)
                };
                let run = run.boxed_local();
                let asking = Asking { run, last, kept, past, accepted: false, first, after: None };
                Fares::Asking(Box::new(asking))
            }
            fares @ (Fares::Unusable | Fares::Asking(_)) => fares,
        };
    }

    /// Lets an asking go on; gives what it brought when it is over.
    fn go_on(&mut self, interval: Duration, context: &mut Context<'_>) -> Option<(Poll, bool)> {
        let Fares::Asking(asking) = &mut self.fares else { return None };
        let Wait::Ready((mut followed, asked)) = asking.run.poll_unpin(context) else { return None };
        if asking.accepted
            && let Some(last) = &asking.last
        {
            followed.accept_earlier(&last.revision);
        }
        let after = asking.after;
        self.fares = Fares::Resting(followed);
        self.change_pace(interval);
        if let Some(tell) = after {
            self.tell_to(tell);
        }
        Some(self.take(asked))
    }

    /// Tells it something, now or when it is back.
    fn tell_to(&mut self, tell: fn(&mut Followed)) {
        match &mut self.fares {
            Fares::Unusable => {}
            Fares::Resting(followed) => tell(followed),
            Fares::Asking(asking) => asking.after = Some(tell),
        }
    }

    /// Takes its own interval, where it has one; one that is being asked does when it is back.
    fn change_pace(&mut self, interval: Duration) {
        let own = self.import.interval.unwrap_or(interval);
        if let Fares::Resting(followed) = &mut self.fares {
            followed.change_pace(own, own.min(interval));
        }
    }

    fn accept(&mut self) {
        match &mut self.fares {
            Fares::Unusable => {}
            Fares::Resting(followed) => followed.accept(),
            Fares::Asking(asking) => {
                asking.accepted = true;
                if let (Some(kept), Some((_, memory))) = (&asking.kept, &mut asking.past) {
                    memory.clone_from(&kept.memory);
                }
            }
        }
    }

    /// Takes note of an answer; says whether something must be rendered anew.
    fn take(&mut self, asked: Asked) -> (Poll, bool) {
        let Asked { poll, result } = asked;
        let news = match result {
            Ok(new) => {
                self.failed = None;
                new
            }
            Err(error) => {
                let (class, unread) = failed(&error);
                let before = self.failed.replace((class, unread));
                // While there is something to render with, that it cannot be asked changes nothing.
                self.snapshot().is_none() && before.is_none_or(|(before, _)| before != class)
            }
        };
        (poll, news)
    }

    /// Writes why it can never be asked, where that is so.
    fn tell(&self, board: &Board) {
        let (Fares::Unusable, Some((class, unread))) = (&self.fares, &self.failed) else { return };
        board.write_repository(&self.import.name, |report| {
            report.state = state(*class);
            report.failure = Some(Failure { class: *class, text: unread.why.clone(), hint: None });
        });
    }
}

fn failed(error: &Error) -> (Class, Unread) {
    (error.class(), Unread { why: chain(error).into(), hint: error.hint().map(Into::into) })
}
