//! Files that the settings name, read as files of strangers: whoever mounts them may put anything there.
//!
//! Takes a path and a limit, gives the bytes. A pipe or a device is refused before a byte is waited for, and a
//! mount that hangs costs one wait: until it answers, its file is refused at once. What the bytes mean, and
//! what a reader keeps where there are none, is left to others.

use std::collections::BTreeMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;

/// How long is waited for a file. A disk answers in a moment, and somebody waits.
const LONGEST: Duration = Duration::from_secs(2);

/// The files that are waited for although nobody waits any more, and by how many threads.
static HANGING: Mutex<BTreeMap<PathBuf, usize>> = Mutex::new(BTreeMap::new());

/// Reads a file of no more than so many bytes; blocks, but not for long.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = path.to_owned();
    within(path, move || whole(&file, most))?
}

/// Reads a file on a thread that may block.
pub async fn read_aside(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let path = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || read(&path, most)).await;
    reading.unwrap_or_else(|join| Err(io::Error::other(join)))
}

/// What stands at a path; blocks, but not for long.
pub fn metadata(path: &Path) -> io::Result<Metadata> {
    let file = path.to_owned();
    within(path, move || file.metadata())?
}

/// Does something with a file that may hang, and gives it up then; never twice at once with one that hangs.
pub fn within<T: Send + 'static>(path: &Path, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    if hanging().contains_key(path) {
        return Err(io::Error::new(ErrorKind::TimedOut, "an earlier look at it still hangs"));
    }
    let (say, heard) = mpsc::sync_channel(0);
    let name = path.to_owned();
    thread::Builder::new().name("file".to_owned()).spawn(move || {
        // Nobody listens any more where it took too long.
        if say.send(work()).is_err() {
            arrived(&name);
        }
    })?;
    match heard.recv_timeout(LONGEST) {
        Ok(done) => Ok(done),
        Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the thread that reads it ended")),
        Err(RecvTimeoutError::Timeout) => {
            let mut hanging = hanging();
            // Nothing is lost in between: it is handed over, or the thread finds nobody and says that it has arrived.
            if let Ok(done) = heard.try_recv() {
                return Ok(done);
            }
            *hanging.entry(path.to_owned()).or_default() += 1;
            drop(heard);
            Err(io::Error::new(ErrorKind::TimedOut, format!("it took longer than {} s", LONGEST.as_secs())))
        }
    }
}

fn arrived(path: &Path) {
    let mut hanging = hanging();
    if let Some(threads) = hanging.get_mut(path) {
        *threads -= 1;
        if *threads == 0 {
            hanging.remove(path);
        }
    }
}

fn hanging() -> MutexGuard<'static, BTreeMap<PathBuf, usize>> {
    HANGING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opening a pipe would wait for somebody to write into it.
fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is a pipe or a device, not a file"));
    }
    Ok(file)
}

fn whole(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let text = format!("it is longer than {} KiB", most / 1024);
        return Err(io::Error::new(ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    // For what is to come at once, on a machine that has others to serve too; a hundred waits are longer.
    const ENOUGH: Duration = Duration::from_mins(1);

    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status();
        assert!(made.expect("mkfifo runs").success());
        std::fs::write(at("file"), "text").expect("written");
        std::os::unix::fs::symlink(at("pipe"), at("link")).expect("linked");
        let begun = Instant::now();
        for (path, kind) in [
            (at("pipe"), ErrorKind::InvalidInput),
            (at("link"), ErrorKind::InvalidInput),
            ("/dev/zero".into(), ErrorKind::InvalidInput),
            (folder.path().to_owned(), ErrorKind::IsADirectory),
            (at("none"), ErrorKind::NotFound),
        ] {
            assert_eq!(read(&path, 9).expect_err("no file").kind(), kind, "{path:?}");
        }
        assert!(begun.elapsed() < ENOUGH, "{:?}", begun.elapsed());
        assert_eq!(read(&at("file"), 4).expect("a file"), b"text");
        assert_eq!(read(&at("file"), 3).expect_err("too long").kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_file_that_hangs_is_waited_for_once_and_read_again_when_it_answers() {
        let path = Path::new("/a/mount/that/hangs");
        let (answer, answers) = mpsc::channel::<()>();
        let begun = Instant::now();
        let error = within(path, move || answers.recv()).expect_err("it hangs");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(begun.elapsed() >= LONGEST);
        let begun = Instant::now();
        for _ in 0..100 {
            assert_eq!(within(path, || ()).expect_err("it still hangs").kind(), ErrorKind::TimedOut);
        }
        assert!(begun.elapsed() < ENOUGH, "{:?}", begun.elapsed());
        assert!(within(Path::new("/another"), || ()).is_ok());
        answer.send(()).expect("somebody waits");
        let begun = Instant::now();
        while within(path, || ()).is_err() {
            assert!(begun.elapsed() < ENOUGH, "it has answered");
            thread::yield_now();
        }
    }
}
