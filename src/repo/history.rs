//! The history of what is followed, fetched as far as it is wanted.
//!
//! Takes an order, and somebody who listens to older revisions; gives how far back was looked. More is fetched step by
//! step, each into a repository of its own that is gone afterwards: what is asked for is mostly in the last commits. A
//! limit that is reached is no error: it says how much was read. A look that was cut short is gone on with at its oldest
//! commit, so that a history that is too long for one deadline is read in several. What the revisions say is left to the
//! listener.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::model::known::{Look, LookEnd};
use crate::model::report::Class;
use crate::model::revision::ObjectId;
use crate::repo::error::Error;
use crate::repo::fetch::{self, Deep, Order};
use crate::repo::link::Link;
use crate::repo::local::Here;
use crate::repo::meter::Meter;
use crate::repo::older::{Listener, Stop, Walk};
use crate::repo::problem::Doing;
use crate::repo::tree::Objects;

/// How many commits more are fetched, step by step. The last one is as far as anybody goes back.
const DEPTHS: [i32; 4] = [10, 100, 1_000, 5_000];

/// What a look at the history brought.
#[derive(Debug)]
pub struct History {
    /// How far back was looked.
    pub look: Look,
    /// Bytes that came over the wire, without HTTP's and TLS's own.
    pub received_bytes: u64,
    /// Why it ended early, where that may be another time.
    pub trouble: Option<Error>,
}

/// What is asked of a history.
pub struct Question<'q> {
    /// Where to begin: `object` is the commit.
    pub order: &'q Order,
    /// What was read at another time. A look that began where this one does is gone on with, and one that leads to an
    /// earlier one ends there.
    pub known: Option<&'q Look>,
    /// Hears of each revision.
    pub listener: &'q mut Listener,
}

/// Looks at the history of a repository that is far away; blocks, and is to be called on a thread that may.
pub fn fetched(mut question: Question<'_>, link: &Arc<Link>, runtime: &Handle) -> Result<History, Error> {
    let mut walk = question.walk();
    let mut received_bytes = 0;
    for more in DEPTHS {
        let (before, meter) = (walk.commits, Meter::default());
        let stopped = step(&mut question, more, &mut walk, link, runtime, &meter);
        received_bytes += meter.received();
        match stopped {
            // Where nothing was read yet, what is looked for lies deeper: the ref has moved on.
            Ok((Stop::Missing, true)) if walk.commits > before || before == 0 => {}
            Ok((stop, _)) => return question.ended(&walk, Ok(stop), received_bytes),
            Err(error) => return question.ended(&walk, Err(error), received_bytes),
        }
    }
    question.ended(&walk, Ok(Stop::Missing), received_bytes)
}

/// Looks at the history of a repository on this machine, as it lies there.
pub fn here(question: Question<'_>, here: &Here, runtime: &Handle) -> Result<History, Error> {
    let mut walk = question.walk();
    let stopped =
        runtime.block_on(here.open(Doing::Reading, &question.order.deadline)).and_then(|mut errand| {
            let reference = question.order.reference.full_name();
            let mut objects = Objects::new(&mut errand, runtime, question.order.reading(&reference));
            let stopped = walk.go(&mut objects, question.listener);
            runtime.block_on(errand.end());
            stopped
        });
    question.ended(&walk, stopped, 0)
}

/// Fetches so many commits and goes on with the walk; says too whether the server has more.
fn step(
    question: &mut Question<'_>,
    more: i32,
    walk: &mut Walk,
    link: &Arc<Link>,
    runtime: &Handle,
    meter: &Meter,
) -> Result<(Stop, bool), Error> {
    let order = question.order;
    let (boundary, before) = (walk.boundary().cloned(), i32::try_from(walk.all()).unwrap_or(i32::MAX - more));
    let fetch = |boundary| fetch::deep(order, Deep { boundary, more, before }, link, runtime, meter);
    let fetched = match (fetch(boundary.as_ref()), &boundary) {
        // It said that it would.
        (Err(Error::NotGiven { .. }), Some(_)) => fetch(None),
        (fetched, _) => fetched,
    };
    let (mut errand, scratch, is_shallow) = fetched?;
    let reference = order.reference.full_name();
    let mut objects = Objects::new(&mut errand, runtime, order.reading(&reference));
    let stopped = walk.go(&mut objects, question.listener);
    runtime.block_on(errand.end());
    drop(scratch);
    Ok((stopped?, is_shallow))
}

impl Question<'_> {
    fn walk(&self) -> Walk {
        match self.known {
            Some(known) if known.from == self.order.object => Walk::onward(known),
            known => Walk::new(&self.order.object, known.map(|known| &known.from)),
        }
    }

    /// Whether another look began elsewhere, and this one would have to come to it.
    fn is_after_another(&self) -> bool {
        self.known.is_some_and(|known| known.from != self.order.object)
    }

    /// Says how far back was looked.
    fn ended(self, walk: &Walk, stopped: Result<Stop, Error>, received_bytes: u64) -> Result<History, Error> {
        let from = &self.order.object;
        let (end, trouble) = match stopped {
            Ok(Stop::Missing) if !walk.is_begun => return Err(self.no_commit(from)),
            Ok(Stop::Root) => (LookEnd::Root, None),
            Ok(Stop::Enough) => (LookEnd::Enough, None),
            Ok(Stop::Missing | Stop::Limit) => (LookEnd::Limit, None),
            Ok(Stop::Known) => {
                let known = self.known.expect("nothing else is known");
                let commits = walk.commits + known.commits;
                let look = Look { from: from.clone(), to: known.to.clone(), commits, end: known.end };
                return Ok(History { look, received_bytes, trouble: None });
            }
            // What was said between here and where the other look began is not known, and may be newer than what that
            // one found.
            Err(error) if self.is_after_another() => return Err(error),
            Err(error) if is_limit(&error, walk.commits) => (LookEnd::Limit, None),
            Err(error) if walk.commits == 0 => return Err(error),
            Err(error) => (LookEnd::Enough, Some(error)),
        };
        let to = walk.last.clone().unwrap_or_else(|| from.clone());
        let look = Look { from: from.clone(), to, commits: walk.all(), end };
        Ok(History { look, received_bytes, trouble })
    }

    fn no_commit(&self, commit: &ObjectId) -> Error {
        Error::NoCommit { repository: self.order.repository.to_string(), commit: commit.to_string() }
    }
}

/// Whether the repository is too large to be read any further back: the same would come of the same question. What cannot
/// be understood after it was fetched stays so. One that took too long may be quicker another time.
fn is_limit(error: &Error, commits: usize) -> bool {
    match error {
        Error::NotUnderstood { doing, .. } => *doing == Doing::Reading || commits > 0,
        error => error.class() == Class::Unusable,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ops::ControlFlow;
    use std::time::Duration;

    use super::*;
    use crate::model::revision::Reference;
    use crate::repo::cause::Cause;
    use crate::repo::deadline::Deadline;
    use crate::repo::ended::Ended;
    use crate::repo::problem::Limit;

    fn id(digit: &str) -> ObjectId {
        ObjectId::new(&digit.repeat(40)).expect("forty digits")
    }

    /// What comes of a look that read so many commits and stopped like this.
    fn after(commits: usize, stopped: Result<Stop, Error>, known: Option<&Look>) -> Result<History, Error> {
        came(commits, commits > 0, stopped, known)
    }

    fn came(
        commits: usize,
        is_begun: bool,
        stopped: Result<Stop, Error>,
        known: Option<&Look>,
    ) -> Result<History, Error> {
        let repository: Arc<str> = Arc::from("r");
        let (deadline, _asking) = Deadline::begin(&repository, Duration::from_secs(10));
        let order = Order {
            repository,
            reference: Reference::Tag("v1".to_owned()),
            path: ".".to_owned(),
            names: |_| BTreeSet::new(),
            object: id("a"),
            scratch: None,
            deadline,
        };
        let mut listener = |_: &crate::repo::older::Older<'_>| ControlFlow::Continue(());
        let question = Question { order: &order, known, listener: &mut listener };
        let mut walk = question.walk();
        (walk.commits, walk.is_begun) = (commits, is_begun);
        if commits > 0 {
            walk.last = Some(id("b"));
        }
        question.ended(&walk, stopped, 7)
    }

    #[test]
    fn a_limit_says_how_far_back_was_read_and_what_may_pass_is_trouble() {
        let repository = || "r".to_owned();
        let large = || Error::TooLarge { repository: repository(), limit: Limit::PackBytes(1) };
        let late = || Error::TimedOut {
            repository: repository(),
            doing: Doing::Fetching,
            after: Duration::from_secs(1),
        };
        let fallen =
            |ended| Error::Worker { repository: repository(), doing: Doing::Reading, ended, source: None };
        for (commits, error, end) in [
            (3, large(), Some((LookEnd::Limit, false))),
            (0, large(), Some((LookEnd::Limit, false))),
            (3, late(), Some((LookEnd::Enough, true))),
            (0, late(), None),
            (3, fallen(Ended::Cpu(20)), Some((LookEnd::Limit, false))),
            (3, fallen(Ended::Signal(9)), Some((LookEnd::Enough, true))),
            (0, fallen(Ended::Signal(9)), None),
        ] {
            let text = format!("{commits} {error:?}");
            let told = after(commits, Err(error), None).ok();
            assert_eq!(told.map(|told| (told.look.end, told.trouble.is_some())), end, "{text}");
        }
        let error = after(0, Ok(Stop::Missing), None).expect_err("it is not there");
        assert!(matches!(error, Error::NoCommit { .. }), "{error:?}");
    }

    #[test]
    fn a_look_that_leads_to_an_earlier_one_goes_as_far_back_as_that() {
        let known = Look { from: id("c"), to: id("d"), commits: 5, end: LookEnd::Root };
        let look = after(2, Ok(Stop::Known), Some(&known)).expect("it went well").look;
        assert_eq!(look, Look { from: id("a"), to: id("d"), commits: 7, end: LookEnd::Root });
        let look = after(2, Ok(Stop::Root), Some(&known)).expect("it went well").look;
        assert_eq!(look, Look { from: id("a"), to: id("b"), commits: 2, end: LookEnd::Root });
    }

    #[test]
    fn a_look_that_was_cut_short_is_gone_on_with_and_loses_nothing() {
        let known = Look { from: id("a"), to: id("d"), commits: 5, end: LookEnd::Enough };
        let late = || Error::TimedOut {
            repository: "r".to_owned(),
            doing: Doing::Fetching,
            after: Duration::from_secs(1),
        };
        let large = || Error::TooLarge { repository: "r".to_owned(), limit: Limit::PackBytes(1) };
        for (commits, stopped, to, end) in [
            (2, Ok(Stop::Root), "b", LookEnd::Root),
            (2, Err(late()), "b", LookEnd::Enough),
            (0, Ok(Stop::Root), "d", LookEnd::Root),
            (0, Err(large()), "d", LookEnd::Limit),
        ] {
            let text = format!("{commits} {stopped:?}");
            let look = after(commits, stopped, Some(&known)).expect("it says how far").look;
            assert_eq!(look, Look { from: id("a"), to: id(to), commits: 5 + commits, end }, "{text}");
        }
        assert!(after(0, Err(late()), Some(&known)).is_err(), "no step further");
        let page = Error::NotUnderstood {
            repository: "r".to_owned(),
            doing: Doing::Fetching,
            source: Cause::new("a page about maintenance"),
        };
        assert!(after(0, Err(page), Some(&known)).is_err(), "it says nothing of what was read another time");
    }

    #[test]
    fn a_look_that_was_gone_on_with_where_the_server_has_no_more_is_at_its_limit() {
        let known = Look { from: id("a"), to: id("d"), commits: 5, end: LookEnd::Enough };
        let look = came(0, true, Ok(Stop::Missing), Some(&known)).expect("its last commit is there").look;
        assert_eq!(look, Look { end: LookEnd::Limit, ..known.clone() });
        let error = came(0, false, Ok(Stop::Missing), Some(&known)).expect_err("not even that is there");
        assert!(matches!(error, Error::NoCommit { .. }), "{error:?}");
    }

    #[test]
    fn a_look_that_is_cut_before_an_earlier_one_is_none_for_what_is_said_between_them_is_newer() {
        let known = Look { from: id("c"), to: id("d"), commits: 5, end: LookEnd::Root };
        let late = Error::TimedOut {
            repository: "r".to_owned(),
            doing: Doing::Fetching,
            after: Duration::from_secs(1),
        };
        let large = Error::TooLarge { repository: "r".to_owned(), limit: Limit::PackBytes(1) };
        for error in [late, large] {
            let (text, class) = (format!("{error:?}"), error.class());
            let ended = after(2, Err(error), Some(&known)).expect_err("nothing came of it");
            assert_eq!(ended.class(), class, "{text}");
        }
    }
}
