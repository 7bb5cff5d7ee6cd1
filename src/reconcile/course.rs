//! Tells how what is followed moved: into the log, and into the report of its repository.
//!
//! Takes moves that were judged, writes each once. What is told at each poll goes no further than to those
//! who look closely (debug).

use jiff::Timestamp;
use tracing::{debug, info, warn};

use crate::model::course::{LowerVersion, Move, MoveKind, MovedVersion};
use crate::model::revision::{At, RepositoryName, RepositoryRevision};
use crate::model::version::VersionTag;
use crate::reconcile::board::Board;
use crate::repo::error::Error;

/// How many moved version tags are remembered for people.
const MOST_MOVED: usize = 10;

/// Tells a move to something that was read.
pub fn tell(
    repository: &RepositoryName,
    kind: MoveKind,
    from: Option<RepositoryRevision>,
    to: &RepositoryRevision,
    board: &Board,
) {
    let is = to.at.to_string();
    // A folder stays where it is, and so does what comes back or is tagged anew.
    let from_text = from.as_ref().map(|from| from.at.to_string()).filter(|from| *from != is);
    let was = from_text.as_deref().unwrap_or_default();
    let is_folder = matches!(to.at, At::Directory { .. });
    let text = match kind {
        MoveKind::Forward | MoveKind::Backward | MoveKind::Sideways | MoveKind::Retag if is_folder => {
            format!("the files in {is} have changed")
        }
        MoveKind::Forward => format!("moved forward from {was} to {is}"),
        MoveKind::Backward => format!("rolled back from {was} to {is}"),
        MoveKind::Sideways => format!("moved sideways from {was} to {is}"),
        MoveKind::Retag => format!("tagged anew: {is}, the same commit"),
        MoveKind::Appeared => format!("it is there: {is}"),
        MoveKind::Deleted => format!("it is gone: {is}"),
    };
    info!(%repository, kind = kind.name(), from = from_text, to = is, "{text}");
    board.write_repository(repository, |report| {
        report.course.last = Some(Move { kind, from, to: to.clone(), at: Timestamp::now() });
    });
}

/// Tells that a lower version is held.
pub fn tell_held(repository: &RepositoryName, lower: &LowerVersion, board: &Board) {
    warn!(
        %repository,
        hold = "lower-version",
        kept = %lower.kept.at,
        offered = %lower.offered.at,
        hint = LowerVersion::RELEASE,
        "{}; the last good one stays in force",
        lower.detail()
    );
    board.write_repository(repository, |report| report.course.held = Some(lower.clone()));
}

/// Tells that nothing is held any more.
pub fn tell_released(repository: &RepositoryName, board: &Board) {
    info!(%repository, "the highest version is no longer lower than what is in force");
    board.write_repository(repository, |report| report.course.held = None);
}

/// Tells which version a tag stands for.
pub fn tell_version(repository: &RepositoryName, version: Option<&VersionTag>, board: &Board) {
    if let Some(VersionTag { name, commit }) = version {
        info!(%repository, version_tag = %name, commit = commit.short(), "it is the version {name}");
    }
    board.write_repository(repository, |report| {
        report.course.version_tag = version.map(|version| version.name.clone());
    });
}

/// Tells that a tag with a version was moved.
pub fn tell_moved_version(repository: &RepositoryName, before: &VersionTag, now: &VersionTag, board: &Board) {
    warn!(
        %repository,
        version_tag = %now.name,
        from = before.commit.short(),
        to = now.commit.short(),
        hint = "a version that was released is never to change: push a higher one instead",
        "the tag {} says a version and was moved to another commit",
        now.name
    );
    let moved = MovedVersion {
        tag: now.name.clone(),
        from: before.commit.clone(),
        to: now.commit.clone(),
        at: Timestamp::now(),
    };
    board.write_repository(repository, |report| {
        let moved_versions = &mut report.course.moved_versions;
        moved_versions.push(moved);
        let spare = moved_versions.len().saturating_sub(MOST_MOVED);
        moved_versions.drain(..spare);
    });
}

/// Tells why a repository could not be followed, aloud where that is news.
pub fn tell_failure(repository: &RepositoryName, error: &Error, is_news: bool, board: &Board) {
    let (cause, hint) = (error as &dyn std::error::Error, error.hint());
    if is_news {
        let has_good = board.read(|report| report.clocks.validated.is_some());
        let rest = if has_good { "the last good revision stays in force" } else { "none is in force" };
        warn!(%repository, error = cause, hint, "could not follow the repository; {rest}");
    } else {
        debug!(%repository, error = cause, hint, "could still not follow the repository");
    }
}

/// Tells that a repository can be followed again.
pub fn tell_recovered(repository: &RepositoryName) {
    info!(%repository, "the repository can be followed again");
}
