//! The kernel's watches.
//!
//! Takes which folders to watch, stirs whoever waits when something happens there that counts. Everything
//! of the library that watches is in here. When to look, and at what, is left to others.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::lookout::blind::Blind;
use crate::lookout::sight::{Identity, Sight};

/// Some folders that are watched.
pub struct Eyes {
    watcher: RecommendedWatcher,
    /// What counts, for the thread that hears the kernel.
    sight: Arc<RwLock<Sight>>,
    watched: BTreeMap<PathBuf, Identity>,
}

impl Eyes {
    /// Watches nothing yet.
    pub fn open(stirred: Arc<Notify>) -> Result<Self, Blind> {
        let sight = Arc::new(RwLock::new(Sight::default()));
        let known = Arc::clone(&sight);
        let hear = move |event: notify::Result<Event>| {
            let counts = |event: &Event| counts(&known.read().unwrap_or_else(PoisonError::into_inner), event);
            if event.as_ref().map_or(true, counts) {
                stirred.notify_one();
            }
        };
        let watcher = notify::recommended_watcher(hear).map_err(|error| Blind::new(&error))?;
        Ok(Self { watcher, sight, watched: BTreeMap::new() })
    }

    /// How many folders are watched.
    pub fn count(&self) -> usize {
        self.watched.len()
    }

    /// Watches these folders and no others; says whether one of them was not watched before.
    pub fn turn_to(&mut self, sight: Sight) -> Result<bool, Blind> {
        let wanted: BTreeMap<_, _> =
            sight.folders().map(|(path, identity)| (path.to_owned(), identity)).collect();
        let is_short = sight.is_short();
        // Known before anything of it can be heard, and let go of again: the thread answers only when it may read.
        *self.sight.write().unwrap_or_else(PoisonError::into_inner) = sight;
        // A watch stays with a folder that is moved away, so it is taken off before the next one of that name has its own.
        let gone = self.watched.extract_if(.., |path, identity| wanted.get(path) != Some(identity));
        for (path, _) in gone {
            // The kernel takes it off by itself where the folder was deleted.
            let _gone = self.watcher.unwatch(&path);
        }
        let (mut is_new, mut blind) = (false, None);
        for (path, identity) in wanted {
            // Also where it is watched already, which costs little: the library takes a watch off when it
            // hears late that an older folder of this name went.
            match self.watcher.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => is_new |= self.watched.insert(path, identity).is_none(),
                Err(error) => {
                    self.watched.remove(&path);
                    blind = blind.or(Blind::of_folder(&error));
                    if let Some(Blind::Watches) = blind {
                        break;
                    }
                }
            }
        }
        match blind {
            Some(blind) => Err(blind),
            None if is_short => Err(Blind::Folders),
            None => Ok(is_new),
        }
    }
}

/// Whether an event counts. Reading is no change: every look of our own opens what it looks at.
fn counts(sight: &Sight, event: &Event) -> bool {
    match event.kind {
        EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write) => false,
        // Where events were lost there is no place.
        EventKind::Access(_)
        | EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => event.paths.is_empty() || event.paths.iter().any(|place| sight.concerns(place)),
    }
}
