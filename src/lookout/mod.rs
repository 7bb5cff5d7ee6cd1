//! Looks out for changes in folders.
//!
//! Takes paths, gives a word each time that something may have changed that they lead to. A path may be missing, be a
//! link, be replaced, come back: whatever it takes until it leads somewhere else is watched with it. What
//! has changed is not asked: the word only makes a look come sooner that comes at its interval anyway, for
//! the kernel loses events, runs out of watches, and knows nothing of what happens on another machine.

mod blind;
mod eyes;
mod sight;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use crate::lookout::blind::Blind;
use crate::lookout::eyes::Eyes;
use crate::lookout::sight::Sight;
use crate::model::hint::Hints;

/// Who writes a file seldom does it in one go: it has to be quiet for so long,
const QUIET: Duration = Duration::from_millis(200);

/// but what never comes to rest is looked at all the same.
const LONGEST: Duration = Duration::from_secs(2);

/// How often it is asked anew what there is to watch, where folders are made meanwhile. Whoever goes on making
/// them is seen by what is watched already.
const TURNS: usize = 5;

/// Watches what some paths lead to.
pub struct Lookout {
    paths: Vec<PathBuf>,
    eyes: Option<Eyes>,
    stirred: Arc<Notify>,
    /// Why not all is watched, as it was told last.
    told: Option<String>,
}

/// What came of setting the watches.
struct Turned {
    eyes: Option<Eyes>,
    /// Whether something is watched now that was not.
    is_new: bool,
    blind: Option<Blind>,
}

impl Lookout {
    /// Watches from now on.
    pub async fn open(paths: Vec<PathBuf>) -> Self {
        let mut lookout = Self { paths, eyes: None, stirred: Arc::default(), told: None };
        lookout.turn().await;
        lookout
    }

    /// Gives a word at each change until the word to end comes. At every interval the watches are set anew,
    /// so that what went wrong with them heals.
    pub async fn run(
        mut self,
        interval: Duration,
        hints: watch::Sender<Hints>,
        mut ending: watch::Receiver<bool>,
    ) {
        if self.paths.is_empty() {
            return;
        }
        let watching = async {
            loop {
                let has_stirred = tokio::select! {
                    () = self.stirred.notified() => true,
                    () = sleep(interval) => false,
                };
                if has_stirred {
                    self.settle().await;
                }
                // First the watches, then the word: what changes from here on stirs anew.
                if self.turn().await || has_stirred {
                    hints.send_modify(|hints| hints.folders += 1);
                }
            }
        };
        tokio::select! {
            () = watching => {}
            // A dropped sender means the end as well.
            _ = ending.wait_for(|ending| *ending) => {}
        }
    }

    /// Waits until it is quiet, but not for ever.
    async fn settle(&self) {
        let end = Instant::now() + LONGEST;
        while Instant::now() < end && timeout(QUIET, self.stirred.notified()).await.is_ok() {}
    }

    /// Watches what the paths lead to now; says whether that is something else than before.
    async fn turn(&mut self) -> bool {
        if self.paths.is_empty() {
            return false;
        }
        let (paths, eyes, stirred) = (self.paths.clone(), self.eyes.take(), Arc::clone(&self.stirred));
        let turned = tokio::task::spawn_blocking(move || turn(&paths, eyes, stirred)).await;
        // Without watches the interval is left, so nothing in here ends the agent.
        let Turned { eyes, is_new, blind } = turned.unwrap_or_else(|panic| Turned {
            eyes: None,
            is_new: false,
            blind: Some(Blind::Broken(panic.to_string())),
        });
        self.eyes = eyes;
        self.tell(blind.as_ref());
        is_new
    }

    /// Tells once that not all is watched, and once that it is again.
    fn tell(&mut self, blind: Option<&Blind>) {
        let blind = blind.map(|blind| (blind.to_string(), blind.hint()));
        if blind.as_ref().map(|(reason, _)| reason) == self.told.as_ref() {
            return;
        }
        if let Some((reason, hint)) = &blind {
            warn!(reason, hint, "not every folder is watched; they are read at every interval");
        } else {
            info!("every folder is watched again");
        }
        self.told = blind.map(|(reason, _)| reason);
    }
}

fn turn(paths: &[PathBuf], eyes: Option<Eyes>, stirred: Arc<Notify>) -> Turned {
    let mut eyes = match eyes.map_or_else(|| Eyes::open(stirred), Ok) {
        Ok(eyes) => eyes,
        Err(blind) => return Turned { eyes: None, is_new: false, blind: Some(blind) },
    };
    let (mut is_new, mut blind) = (false, None);
    // A folder that is made after it was looked for and before its parent is watched would never be seen.
    for _ in 0..TURNS {
        match eyes.turn_to(Sight::of(paths)) {
            Ok(false) => break,
            Ok(true) => is_new = true,
            Err(because) => {
                blind = Some(because);
                break;
            }
        }
    }
    debug!(folders = eyes.count(), is_new, "set the watches");
    Turned { eyes: Some(eyes), is_new, blind }
}
