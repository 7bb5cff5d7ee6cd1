//! The two loops of an agent: following the repository, and making the cluster equal to it; and beside them the look
//! whether what runs also streams.
//!
//! Takes a follower, a reconciler, words to look now and the word to end; runs until that word. A round
//! of the follower wakes the reconciler, so a quiet interval costs one listing and one turn.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::{Instrument, Span, debug, info, info_span};

use crate::model::desired::Desired;
use crate::model::hint::Hints;
use crate::model::report::{Class, Event};
use crate::reconcile::board::Board;
use crate::reconcile::cycle::Reconciler;
use crate::reconcile::follow::{Ask, Follower, Polled};
use crate::reconcile::hinted::Hinted;
use crate::reconcile::interrupt::Interrupt;
use crate::reconcile::turn::{End, Hand, Turn};

/// Rests before another turn where Connect did not answer, or a step broke for a moment, try by try;
/// the last one repeats.
const RETRIES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(10)];

/// How many intervals the repository is asked in vain before an agent that has just begun, or just got the
/// lead, writes what was accepted last: the network of a new machine comes up after the agent, and what
/// another one has applied may be newer.
const IN_VAIN: u32 = 5;

/// The last poll, as the reconciler sees it.
#[derive(Debug, Clone, Copy, Default)]
struct LastPoll {
    /// Which one, counted from 1.
    count: u64,
    /// When the last one that went well began.
    well: Option<Instant>,
    /// Since when they fail, where this one did.
    failing: Option<Instant>,
    /// How many words to look now the polls so far have followed.
    followed: u64,
}

/// Runs until the word to end comes.
pub async fn run(
    follower: Follower,
    reconciler: Reconciler,
    board: Board,
    hints: watch::Receiver<Hints>,
    ending: watch::Receiver<bool>,
) {
    let patience = follower.interval() * IN_VAIN;
    let interrupt = Interrupt::new(ending, follower.accepted());
    let (polls, polled) = watch::channel(LastPoll::default());
    let poke = Arc::new(Notify::new());
    let words = Words { hints, hinted: Hinted::default(), poke: &poke };
    let newest = follower.accepted();
    let watch = reconciler.watch();
    let follow = follow(follower, &board, polls, words, &interrupt);
    let accepted = Accepted { polled, newest, poke: &poke, patience };
    let reconcile = reconcile(reconciler, &board, accepted, &interrupt);
    tokio::join!(follow, reconcile, watch.run(&board, &interrupt));
    info!("ended");
}

async fn follow(
    mut follower: Follower,
    board: &Board,
    polls: watch::Sender<LastPoll>,
    mut words: Words<'_>,
    interrupt: &Interrupt,
) {
    tokio::select! {
        recalled = follower.recall(board).instrument(info_span!("recall")) => {
            if recalled {
                // The cluster is looked at at once, however long the repository takes to answer.
                polls.send_modify(|_| {});
            }
        }
        () = interrupt.ending() => return,
    }
    let mut ask = Ask::Due;
    loop {
        let before = interrupt.newest();
        let changed = async || words.glance().await;
        let polled = tokio::select! {
            polled = follower.poll(ask, board, changed).instrument(info_span!("poll")) => polled,
            () = interrupt.ending() => return,
        };
        // Many a file changes in folders that means nothing: that costs the cluster no look.
        let is_news = ask != Ask::Folders || !is_same(before.as_ref(), interrupt.newest().as_ref());
        polls.send_if_modified(|last| {
            last.count += 1;
            match polled {
                Polled::Well(began) => (last.well, last.failing) = (Some(began), None),
                Polled::Badly(_) => last.failing = last.failing.or(Some(Instant::now())),
            }
            last.followed = words.hinted.followed();
            is_news
        });
        ask = tokio::select! {
            ask = words.wait(follower.rest()) => ask,
            () = interrupt.ending() => return,
        };
    }
}

fn is_same(one: Option<&Arc<Desired>>, other: Option<&Arc<Desired>>) -> bool {
    one.map(Arc::as_ptr) == other.map(Arc::as_ptr)
}

/// Who may have the repositories asked before their time.
struct Words<'a> {
    /// Somebody outside.
    hints: watch::Receiver<Hints>,
    hinted: Hinted,
    /// The reconciler.
    poke: &'a Notify,
}

impl Words<'_> {
    /// Waits until the follower has rested or somebody wants to know now; says what to ask.
    async fn wait(&mut self, rested: impl Future<Output = ()>) -> Ask {
        let mut rested = pin!(rested);
        loop {
            let told = self.hinted.due();
            tokio::select! {
                () = until(told) => {
                    let ask = self.hinted.follow(Instant::now());
                    debug!(?ask, "looking before its time");
                    return ask;
                }
                () = &mut rested => return Ask::Due,
                () = self.poke.notified() => return Ask::All,
                Ok(()) = self.hints.changed() => self.hear(),
            }
        }
    }
}

impl Words<'_> {
    /// Waits until something has changed in a folder, while a repository is being asked. What else is said
    /// meanwhile is followed afterwards.
    async fn glance(&mut self) {
        loop {
            let due = self.hinted.glance_due();
            tokio::select! {
                () = until(due) => {
                    self.hinted.glance(Instant::now());
                    return;
                }
                Ok(()) = self.hints.changed() => self.hear(),
            }
        }
    }

    fn hear(&mut self) {
        let hints = *self.hints.borrow_and_update();
        self.hinted.hear(hints, Instant::now());
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// The reconciler's end of the follower.
struct Accepted<'a> {
    polled: watch::Receiver<LastPoll>,
    /// What is in force: a folder changes it also while a repository is being asked.
    newest: watch::Receiver<Option<Arc<Desired>>>,
    poke: &'a Notify,
    /// How long it is asked in vain before what was accepted last counts.
    patience: Duration,
}

impl Accepted<'_> {
    /// Has the repository asked now, and waits for the answer.
    async fn ask(&mut self) {
        let count = self.polled.borrow().count;
        self.poke.notify_one();
        // The follower ends only with the agent, and then the caller is cut off as well.
        let _ended = self.polled.wait_for(|last| last.count > count).await;
    }

    /// Waits for news of the follower; nothing where it has ended.
    async fn news(&mut self) -> Option<()> {
        tokio::select! {
            changed = self.polled.changed() => changed.ok(),
            changed = self.newest.changed() => changed.ok(),
        }
    }

    /// Takes note that all that is known so far is looked at.
    fn seen(&mut self) {
        self.polled.mark_unchanged();
        self.newest.mark_unchanged();
    }

    /// Whether what was accepted last may be written by one who could not ask whether it still counts.
    fn unasked(&self) -> Hand {
        let failing = self.polled.borrow().failing;
        let is_away = failing.is_some_and(|since| since.elapsed() >= self.patience);
        if is_away { Hand::Unasked } else { Hand::Bound }
    }
}

async fn reconcile(
    mut reconciler: Reconciler,
    board: &Board,
    mut accepted: Accepted<'_>,
    interrupt: &Interrupt,
) {
    let mut tries = 0;
    let mut rest: Option<Duration> = None;
    loop {
        tokio::select! {
            news = accepted.news() => if news.is_none() { return },
            () = pause(rest) => {}
            () = interrupt.ending() => return,
        }
        accepted.seen();
        let followed = accepted.polled.borrow().followed;
        let end = turn(&mut reconciler, board, &mut accepted, interrupt).await;
        if interrupt.is_ending() {
            return;
        }
        answer(followed, board);
        tries = if let Some(End::Away(_) | End::Unsettled) = end { tries + 1 } else { 0 };
        rest = match end {
            Some(End::Away(Class::Starting)) => Some(RETRIES[0]),
            Some(End::Away(_) | End::Unsettled) => Some(retry(tries)),
            Some(End::Looked) => {
                [reconciler.until_due(), reconciler.until_lifted()].into_iter().flatten().min()
            }
            Some(End::Follows | End::Gained) | None => None,
        };
    }
}

/// Tells that so many words to look now have been followed to the end.
fn answer(followed: u64, board: &Board) {
    if board.read(|report| report.answered < followed) {
        board.write(|report| report.answered = followed);
        board.tell(&Event::CameRound);
    }
}

/// Takes a turn for what is accepted now; `None` where nothing is.
async fn turn(
    reconciler: &mut Reconciler,
    board: &Board,
    accepted: &mut Accepted<'_>,
    interrupt: &Interrupt,
) -> Option<End> {
    let desired = interrupt.newest()?;
    let span = turning(&desired, board);
    let LastPoll { count: _, well: resolved, failing, followed: _ } = *accepted.polled.borrow();
    let hand = resolved.map_or_else(|| accepted.unasked(), Hand::ResolvedAt);
    let Turn { end, results: _ } = reconciler.turn(&desired, hand, board, interrupt).instrument(span).await;
    if end != End::Gained {
        return Some(end);
    }
    // What a new leader remembers may be older than what the last one applied. A repository that has
    // just not answered is asked at its own interval, so that an outage is not made worse.
    if failing.is_none() {
        interrupt.unless_ending(accepted.ask()).await?;
        accepted.seen();
    }
    let desired = interrupt.newest()?;
    let span = turning(&desired, board);
    let hand = match accepted.polled.borrow().well {
        Some(well) if Some(well) != resolved => Hand::ResolvedAt(well),
        Some(_) | None => accepted.unasked(),
    };
    Some(reconciler.turn(&desired, hand, board, interrupt).instrument(span).await.end)
}

/// What every line of a turn carries, those of the audit too: from where it was rolled back. The revision stands in
/// each line of the audit itself.
fn turning(desired: &Desired, board: &Board) -> Span {
    let rolled_back_from = board.read(|report| report.rolled_back_to(&desired.revision));
    info_span!("cycle", rolled_back_from)
}

async fn pause(rest: Option<Duration>) {
    match rest {
        Some(rest) => tokio::time::sleep(rest).await,
        None => std::future::pending().await,
    }
}

fn retry(tries: usize) -> Duration {
    RETRIES[tries.saturating_sub(1).min(RETRIES.len() - 1)]
}
