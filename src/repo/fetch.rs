//! One revision, fetched by a worker into a repository of its own that is gone afterwards.
//!
//! Takes a way to the server and the ids that a ref is known to name, gives the commit's files. What to
//! fetch is decided here, from what the server advertises; the worker does as it is told, and what it
//! brings is read by the id that was decided on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::model::revision::{ObjectId, Reference};
use crate::model::snapshot::Names;
use crate::repo::deadline::Deadline;
use crate::repo::error::Error;
use crate::repo::exchange::Exchange;
use crate::repo::link::Link;
use crate::repo::listing::{Advertisement, Wanted};
use crate::repo::meter::Meter;
use crate::repo::problem::Doing;
use crate::repo::scratch::Scratch;
use crate::repo::tree::{self, Commit};
use crate::repo::worker::errand::{Errand, Start};
use crate::repo::worker::words::{Ask, Tell};

/// Our own namespace: a server's ref never gets a name that it chose.
const CANDIDATE: &str = "refs/tagalong/candidate";

/// How much memory a worker may have that fetches, in MiB: four times the largest pack.
const MEMORY: u64 = 256;

/// What to fetch.
#[derive(Debug, Clone)]
pub struct Order {
    /// The repository as it may be shown.
    pub repository: Arc<str>,
    /// What is followed.
    pub reference: Reference,
    /// The folder of the definitions, `.` for the root.
    pub path: String,
    /// Which files elsewhere the definitions name.
    pub names: Names,
    /// What the ref named when it was asked.
    pub object: ObjectId,
    /// Where the repository is put for a moment.
    pub scratch: Option<PathBuf>,
    /// When it must be over.
    pub deadline: Deadline,
}

/// What was fetched.
#[derive(Debug)]
pub struct Fetched {
    /// What the ref names; newer than what was ordered where it moved in between.
    pub object: ObjectId,
    /// The commit with its files.
    pub commit: Commit,
    /// How long fetching took.
    pub fetching: Duration,
    /// How long reading took.
    pub reading: Duration,
}

/// What one attempt brought.
enum Attempt {
    Fetched(Box<Fetched>),
    /// The ref names something else by now.
    Moved(ObjectId),
}

/// What the worker is told to fetch: refspecs, and the depth that is enough.
type What = (Vec<String>, Option<i32>);

/// Fetches and reads; blocks, and is to be called on a thread that may.
pub fn fetch(order: &Order, link: &Arc<Link>, runtime: &Handle, meter: &Meter) -> Result<Fetched, Error> {
    let mut expected = order.object.clone();
    let mut moved = false;
    // The ref may move between the question and the fetch; whoever moves it twice is asked later.
    for _ in 0..3 {
        match attempt(order, &expected, link, runtime, meter) {
            Ok(Attempt::Fetched(fetched)) => return Ok(*fetched),
            Ok(Attempt::Moved(_)) if moved => break,
            Ok(Attempt::Moved(object)) => (expected, moved) = (object, true),
            Err(Error::NotGiven { repository, .. }) => match &order.reference {
                Reference::Commit(id) => {
                    return Err(Error::NoCommit { repository, commit: id.to_string() });
                }
                // It moved after it was advertised, and what it named before is gone already.
                Reference::Tag(_) | Reference::Branch(_) => {}
            },
            Err(error) => return Err(error),
        }
    }
    let reference = order.reference.full_name();
    Err(Error::Moving { repository: order.repository.to_string(), reference })
}

/// How far back to fetch.
#[derive(Debug, Clone, Copy)]
pub struct Deep<'d> {
    /// Where to begin, where the server hands out older commits.
    pub boundary: Option<&'d ObjectId>,
    /// How many commits from there on.
    pub more: i32,
    /// How many come before them, for a server that does not.
    pub before: i32,
}

/// Starts a worker that has fetched so many commits, or all of them where the server knows no depth; says too which of
/// the two it is. It works in the folder, which is to be kept as long.
pub fn deep(
    order: &Order,
    deep: Deep<'_>,
    link: &Arc<Link>,
    runtime: &Handle,
    meter: &Meter,
) -> Result<(Errand, Scratch, bool), Error> {
    let Order { repository, deadline, .. } = order;
    let wanted = order.wanted();
    let opening = link.open(&wanted, deadline, meter, Doing::Fetching);
    let (advertisement, conversation) = runtime.block_on(opening)?;
    let boundary = deep.boundary.filter(|_| advertisement.gives_older());
    let (refspecs, is_enough) = match (boundary, &order.reference) {
        (Some(id), _) | (None, Reference::Commit(id)) => way_to(id, &advertisement),
        (None, Reference::Tag(_) | Reference::Branch(_)) => {
            let name = order.reference.full_name();
            advertisement.named(&name).ok_or_else(|| order.no_reference())?;
            (vec![format!("+{name}:{CANDIDATE}")], Some(1))
        }
    };
    let depth = deep.more + if boundary.is_some() { 0 } else { deep.before };
    let depth = is_enough.map(|_| depth).filter(|_| advertisement.can("shallow"));
    let scratch = Scratch::new(order.scratch.as_deref())?;
    let start = Start { memory: MEMORY, folder: scratch.folder() };
    let mut errand = runtime.block_on(Errand::start(start, repository, Doing::Fetching, deadline))?;
    let exchange = Exchange::new(link, conversation, deadline, meter);
    match runtime.block_on(download(&mut errand, exchange, (refspecs, depth), &advertisement)) {
        Ok(()) => Ok((errand, scratch, depth.is_some())),
        Err(error) => Err(runtime.block_on(errand.end_as(Some(error)))),
    }
}

fn attempt(
    order: &Order,
    expected: &ObjectId,
    link: &Arc<Link>,
    runtime: &Handle,
    meter: &Meter,
) -> Result<Attempt, Error> {
    let begun = Instant::now();
    let Order { repository, deadline, .. } = order;
    let wanted = order.wanted();
    let opening = link.open(&wanted, deadline, meter, Doing::Fetching);
    let (advertisement, conversation) = runtime.block_on(opening)?;
    let what = match &order.reference {
        Reference::Commit(id) => way_to(id, &advertisement),
        Reference::Tag(_) | Reference::Branch(_) => {
            let name = order.reference.full_name();
            match advertisement.named(&name) {
                None => return Err(order.no_reference()),
                Some(named) if named.object != *expected => return Ok(Attempt::Moved(named.object)),
                Some(_) => (vec![format!("+{name}:{CANDIDATE}")], Some(1)),
            }
        }
    };
    let scratch = Scratch::new(order.scratch.as_deref())?;
    let start = Start { memory: MEMORY, folder: scratch.folder() };
    let mut errand = runtime.block_on(Errand::start(start, repository, Doing::Fetching, deadline))?;
    let exchange = Exchange::new(link, conversation, deadline, meter);
    let read = runtime.block_on(download(&mut errand, exchange, what, &advertisement)).and_then(|()| {
        let (fetching, begun) = (begun.elapsed(), Instant::now());
        let commit = tree::read(&mut errand, runtime, expected, order.reading(&order.reference.full_name()))?;
        Ok(Fetched { object: expected.clone(), commit, fetching, reading: begun.elapsed() })
    });
    runtime.block_on(errand.end());
    read.map(|fetched| Attempt::Fetched(Box::new(fetched)))
}

/// Lets the worker fetch, and gives it what the server says.
async fn download(
    errand: &mut Errand,
    mut exchange: Exchange,
    (refspecs, depth): What,
    advertisement: &Advertisement,
) -> Result<(), Error> {
    let depth = depth.filter(|_| advertisement.can("shallow"));
    let stateless = exchange.is_stateless();
    let fetch = Tell::Fetch { refspecs, depth, stateless };
    errand.tell(&fetch, &advertisement.to_bytes(stateless)).await?;
    loop {
        match errand.hear().await? {
            (Ask::Request, _) => exchange.begin(),
            (Ask::Write, bytes) => exchange.send(&bytes).await?,
            (Ask::Read { most }, _) => {
                let bytes = exchange.receive(most).await?;
                errand.tell(&Tell::Bytes, &bytes).await?;
            }
            (Ask::Done, _) => return Ok(()),
            _ => return Err(errand.nonsense()),
        }
    }
}

/// The refspecs that bring a commit, and the depth that is enough.
fn way_to(commit: &ObjectId, advertisement: &Advertisement) -> What {
    if advertisement.gives_commits() {
        return (vec![format!("+{commit}:{CANDIDATE}")], Some(1));
    }
    let tip = advertisement.refs.iter().find(|(name, id)| id == commit && !name.ends_with("^{}"));
    if let Some((name, _)) = tip {
        return (vec![format!("+{name}:{CANDIDATE}")], Some(1));
    }
    let all = ["heads", "tags"].map(|kind| format!("+refs/{kind}/*:refs/tagalong/{kind}/*"));
    (all.to_vec(), None)
}

impl Order {
    /// How the files are read of what the ref is called in full.
    pub fn reading<'a>(&'a self, reference: &'a str) -> tree::Reading<'a> {
        tree::Reading { repository: &self.repository, reference, path: &self.path, names: self.names }
    }

    /// What is to be advertised for it.
    fn wanted(&self) -> Wanted {
        match &self.reference {
            Reference::Commit(id) => Wanted::WayTo(id.clone()),
            Reference::Tag(_) | Reference::Branch(_) => Wanted::Name(self.reference.full_name()),
        }
    }

    fn no_reference(&self) -> Error {
        Error::NoReference { repository: self.repository.to_string(), reference: self.reference.full_name() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::address::Address;
    use crate::repo::ended::Ended;
    use crate::repo::link::Conversation;
    use crate::repo::options::GitOptions;
    use crate::repo::worker::acted::{Acted, printed, ready, repository};

    /// What comes of a fetch in which the worker only ever says this.
    async fn downloading(said: &str) -> Result<(), Error> {
        let acted = Acted::new(&format!("{}; {said}; sleep 60", ready()));
        let mut errand = acted.start().await?;
        let url = "http://127.0.0.1:9/x";
        let options = GitOptions::new(url, Reference::Tag("v1".into()));
        let link = Link::new(&repository(), Address::parse(url)?, &options).expect("it is far away");
        let conversation = Conversation::Stateless(url::Url::parse(url).expect("an address"));
        let exchange = Exchange::new(&Arc::new(link), conversation, &acted.deadline, &Meter::default());
        let what = (vec![format!("+refs/tags/v1:{CANDIDATE}")], None);
        let advertisement = Advertisement { capabilities: String::new(), refs: Vec::new() };
        let result = download(&mut errand, exchange, what, &advertisement).await;
        errand.end().await;
        result
    }

    #[tokio::test]
    async fn a_worker_that_never_ends_to_speak_is_ended() {
        let endless = |frame: &str| format!("while :; do {frame}; done");
        let error = downloading(&endless(&printed(&Ask::Write, &[b'x'; 8192]))).await.expect_err("endless");
        assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
        let error = downloading(&endless(&printed(&Ask::Request, &[]))).await.expect_err("endless");
        assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_worker_that_falls_in_a_fetch_is_told_by_how_it_fell() {
        let asks = [printed(&Ask::Request, &[]), printed(&Ask::Write, b"0000")].join("; ");
        let error = downloading(&format!("{asks}; kill -KILL $$")).await.expect_err("it is gone");
        assert!(
            matches!(&error, Error::Worker { ended: Ended::Signal(9), doing: Doing::Fetching, .. }),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn a_worker_that_answers_where_it_should_ask_makes_no_sense() {
        for word in [Ask::Nothing, Ask::Tags, Ask::Ready { version: String::new() }] {
            let error = downloading(&printed(&word, b"x")).await.expect_err("out of turn");
            assert!(matches!(&error, Error::Worker { ended: Ended::Nonsense, .. }), "{word:?}: {error:?}");
        }
    }
}
