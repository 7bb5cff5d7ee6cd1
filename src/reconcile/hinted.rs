//! When to look because somebody said so.
//!
//! Takes how many words have come and the time, says when to look, at what, and how many words that
//! follows. Any number of them become one look; asking and waiting are left to the daemon.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::hint::Hints;
use crate::reconcile::follow::Ask;

/// The shortest time between two looks for words from outside.
const GAP: Duration = Duration::from_secs(5);

/// A tag is moved by deleting it and making it anew, and a host tells of it before all of its servers know: after
/// a webhook there is a second look.
const ECHO: Duration = Duration::from_secs(30);

/// The shortest time between two looks for changes in folders: they cost no server anything, and whoever changes
/// a file waits for it.
const FOLDER_GAP: Duration = Duration::from_secs(1);

/// What was heard, and what is to be done about it.
#[derive(Debug, Default)]
pub struct Hinted {
    heard: Hints,
    /// When to look.
    look: Option<Instant>,
    /// When to look once more.
    echo: Option<Instant>,
    /// When to look at folders alone.
    folders: Option<Instant>,
    /// The same, while a repository is being asked.
    glance: Option<Instant>,
    /// When the last look was that a word was followed by.
    last: Option<Instant>,
    /// When folders were looked at last because of a hint.
    last_folders: Option<Instant>,
    /// How many words had come by then.
    followed: u64,
}

impl Hinted {
    /// Takes note of what has come.
    pub fn hear(&mut self, hints: Hints, now: Instant) {
        if hints.count != self.heard.count {
            let free = self.last.map_or(now, |last| now.max(last + GAP));
            self.look.get_or_insert(free);
        }
        if hints.webhooks != self.heard.webhooks {
            self.echo = Some(now + ECHO);
        }
        if hints.folders != self.heard.folders {
            let free = self.last_folders.map_or(now, |last| now.max(last + FOLDER_GAP));
            self.folders.get_or_insert(free);
            self.glance.get_or_insert(free);
        }
        self.heard = hints;
    }

    /// When to look next.
    pub fn due(&self) -> Option<Instant> {
        self.look.into_iter().chain(self.echo).chain(self.folders).min()
    }

    /// Takes note that the look begins that is due now; says what to ask.
    pub fn follow(&mut self, now: Instant) -> Ask {
        let is_told = self.look.into_iter().chain(self.echo).any(|due| due <= now);
        // Whatever is looked at, folders are part of it.
        (self.folders, self.glance) = (None, None);
        self.last_folders = Some(now);
        if !is_told {
            return Ask::Folders;
        }
        self.look = self.look.filter(|look| *look > now);
        self.echo = self.echo.filter(|echo| *echo > now);
        self.last = Some(now);
        self.followed = self.heard.count;
        Ask::Anew
    }

    /// When to look at the folders beside a repository that is being asked.
    pub fn glance_due(&self) -> Option<Instant> {
        self.glance
    }

    /// Takes note that they are looked at. There will be a look at all folders when it has answered, since a
    /// repository may be one, too.
    pub fn glance(&mut self, now: Instant) {
        self.glance = None;
        self.last_folders = Some(now);
    }

    /// How many words the looks so far have followed.
    pub fn followed(&self) -> u64 {
        self.followed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds in which there are looks, of the seconds in which words come: many in each of them.
    fn looks(webhooks: &[u64], others: &[u64]) -> Vec<u64> {
        let begin = Instant::now();
        let (mut hinted, mut hints, mut looks) = (Hinted::default(), Hints::default(), Vec::new());
        for second in 0..120 {
            let now = begin + Duration::from_secs(second);
            let (hooks, others) = (webhooks.contains(&second), others.contains(&second));
            hints.webhooks += if hooks { 1000 } else { 0 };
            hints.count += if hooks || others { 1000 } else { 0 };
            hinted.hear(hints, now);
            if hinted.due().is_some_and(|due| due <= now) {
                assert_eq!(hinted.follow(now), Ask::Anew);
                assert_eq!(hinted.followed(), hints.count, "everything that had come by then");
                looks.push(second);
            }
        }
        assert_eq!(hinted.due(), None, "nothing is left");
        looks
    }

    #[test]
    fn a_thousand_webhooks_are_one_look_and_one_more_later() {
        assert_eq!(looks(&[10], &[]), [10, 40]);
    }

    #[test]
    fn there_are_five_seconds_between_two_looks() {
        assert_eq!(looks(&[], &[10, 11, 12, 13, 14, 15, 16]), [10, 15, 20]);
        assert_eq!(looks(&[10, 12, 39], &[]), [10, 15, 39, 69]);
    }

    #[test]
    fn a_storm_in_a_folder_is_a_look_a_second_and_asks_no_server() {
        let begin = Instant::now();
        let (mut hinted, mut hints, mut looks) = (Hinted::default(), Hints::default(), Vec::new());
        for tenth in 0..50 {
            let now = begin + Duration::from_millis(100 * tenth);
            hints.folders += u64::from((3..=22).contains(&tenth));
            // Somebody says so as well, once: that look is for the folders, too.
            hints.count += u64::from(tenth == 18);
            hinted.hear(hints, now);
            if hinted.due().is_some_and(|due| due <= now) {
                looks.push((tenth, hinted.follow(now)));
                assert_eq!(hinted.followed(), u64::from(tenth >= 18), "a change in a folder is no word");
            }
        }
        let asked = [(3, Ask::Folders), (13, Ask::Folders), (18, Ask::Anew), (28, Ask::Folders)];
        assert_eq!(looks, asked);
        assert_eq!(hinted.due(), None, "nothing is left");
    }

    #[test]
    fn while_a_repository_is_asked_folders_are_looked_at_once_a_second_and_once_more_when_it_has_answered() {
        let begin = Instant::now();
        let (mut hinted, mut hints, mut glances) = (Hinted::default(), Hints::default(), Vec::new());
        for tenth in 0..50 {
            let now = begin + Duration::from_millis(100 * tenth);
            hints.folders += u64::from((3..=12).contains(&tenth));
            hinted.hear(hints, now);
            if hinted.glance_due().is_some_and(|due| due <= now) {
                hinted.glance(now);
                glances.push(tenth);
            }
        }
        assert_eq!(glances, [3, 13]);
        let now = begin + Duration::from_secs(5);
        assert!(hinted.due().is_some_and(|due| due <= now), "it is not forgotten");
        assert_eq!(hinted.follow(now), Ask::Folders);
        assert_eq!((hinted.due(), hinted.glance_due()), (None, None), "nothing is left");
    }

    #[test]
    fn who_asks_by_hand_is_answered_once() {
        assert_eq!(looks(&[], &[10, 50]), [10, 50]);
    }
}
