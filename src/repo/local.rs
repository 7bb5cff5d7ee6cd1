//! A repository on this machine, read where it lies.
//!
//! Takes a path, gives what its refs name and a commit's files. Nothing is fetched: the objects are
//! here, and no object of git's ever changes. A worker reads them as it does what came from afar.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::model::revision::{ObjectId, Reference};
use crate::repo::deadline::Deadline;
use crate::repo::error::Error;
use crate::repo::fetch::{Fetched, Order};
use crate::repo::listing::{Named, Seek};
use crate::repo::problem::Doing;
use crate::repo::tree;
use crate::repo::worker::errand::{Errand, Start};
use crate::repo::worker::words::{Ask, Tell};

/// How much memory a worker may have that reads here, in MiB: the index of a large clone is mapped whole.
const MEMORY: u64 = 1024;

/// A repository on this machine.
#[derive(Debug, Clone)]
pub struct Here {
    /// As it may be shown.
    pub repository: Arc<str>,
    /// Its folder.
    pub path: PathBuf,
}

impl Here {
    /// Starts a worker that has opened it.
    pub async fn open(&self, doing: Doing, deadline: &Deadline) -> Result<Errand, Error> {
        // Where the agent is: the path may be relative.
        let start = Start { memory: MEMORY, folder: Path::new(".") };
        let mut errand = Errand::start(start, &self.repository, doing, deadline).await?;
        match errand.ask(&Tell::Open, self.path.as_os_str().as_encoded_bytes()).await {
            Ok((Ask::Done, _)) => Ok(errand),
            Ok(_) => Err(errand.end_as(None).await),
            Err(error) => Err(errand.end_as(Some(error)).await),
        }
    }

    /// What a ref names; `None` where there is no such ref.
    pub async fn list(&self, reference: &Reference, deadline: &Deadline) -> Result<Option<Named>, Error> {
        let mut errand = self.open(Doing::Listing, deadline).await?;
        let list = Tell::List { reference: reference.full_name() };
        let named = match errand.ask(&list, &[]).await {
            Ok((Ask::Nothing, _)) => Ok(None),
            Ok((Ask::Named { object, commit }, _)) => {
                let named = ObjectId::new(&object).zip(ObjectId::new(&commit));
                let named = named.map(|(object, commit)| Some(Named { object, commit }));
                named.ok_or_else(|| errand.nonsense())
            }
            Ok(_) => Err(errand.nonsense()),
            Err(error) => Err(error),
        };
        errand.end().await;
        named
    }

    /// Hands on every tag.
    pub async fn tags(&self, seek: &mut dyn Seek, deadline: &Deadline) -> Result<(), Error> {
        let mut errand = self.open(Doing::Listing, deadline).await?;
        let listed = match errand.ask(&Tell::Tags, &[]).await {
            Ok((Ask::Tags, lines)) => hand_on(&lines, seek).ok_or_else(|| errand.nonsense()),
            Ok(_) => Err(errand.nonsense()),
            Err(error) => Err(error),
        };
        errand.end().await;
        listed
    }

    /// Reads what is ordered; blocks, and is to be called on a thread that may.
    pub fn read(&self, order: &Order, runtime: &Handle) -> Result<Fetched, Error> {
        let begun = Instant::now();
        let mut errand = runtime.block_on(self.open(Doing::Reading, &order.deadline))?;
        let reference = order.reference.full_name();
        let read = tree::read(&mut errand, runtime, &order.object, order.reading(&reference));
        runtime.block_on(errand.end());
        let (object, fetching) = (order.object.clone(), Duration::ZERO);
        Ok(Fetched { object, commit: read?, fetching, reading: begun.elapsed() })
    }
}

fn hand_on(lines: &[u8], seek: &mut dyn Seek) -> Option<()> {
    for line in std::str::from_utf8(lines).ok()?.lines() {
        let mut words = line.splitn(3, ' ');
        let (object, commit, name) = (words.next()?, words.next()?, words.next()?);
        seek.take(name, Named { object: ObjectId::new(object)?, commit: ObjectId::new(commit)? });
    }
    Some(())
}
