//! Why something is not watched.
//!
//! Takes what the kernel answered, gives a reason and what to do about it. No reason ends anything: what is
//! not watched is read at its interval.

use std::io;

use notify::ErrorKind;

use crate::lookout::sight::MOST_FOLDERS;

/// What `inotify_init` answers where a user may have no more of them, and where the process may have no more
/// files.
const EMFILE: i32 = 24;

/// Why something is not watched.
#[derive(Debug, thiserror::Error)]
pub enum Blind {
    /// The kernel gives this user no watches any more.
    #[error("this user has no inotify watches left")]
    Watches,
    /// Nor anything to set them with.
    #[error("this user has no inotify instances left, or this process no open files")]
    Instances,
    /// More than are watched.
    #[error("there are more than {MOST_FOLDERS} folders")]
    Folders,
    /// Something else, in a word of the kernel.
    #[error("inotify failed: {0}")]
    Kernel(io::ErrorKind),
    /// The part that watches fell.
    #[error("the watching broke off: {0}")]
    Broken(String),
}

impl Blind {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Watches => "raise the sysctl fs.inotify.max_user_watches on the host",
            Self::Instances => "raise the sysctl fs.inotify.max_user_instances on the host",
            Self::Folders => "name folders that hold definitions or secrets and little else",
            Self::Kernel(_) | Self::Broken(_) => "nothing has to be done: changes are seen at the interval",
        }
    }

    /// Says why a folder cannot be watched; `None` where it is gone, or not for this user to read, which
    /// whoever reads it will tell.
    pub fn of_folder(error: &notify::Error) -> Option<Self> {
        match &error.kind {
            ErrorKind::MaxFilesWatch => Some(Self::Watches),
            ErrorKind::PathNotFound | ErrorKind::WatchNotFound => None,
            ErrorKind::Io(cause) if is_about_the_folder(cause) => None,
            ErrorKind::Io(_) | ErrorKind::Generic(_) | ErrorKind::InvalidConfig(_) => Some(Self::new(error)),
        }
    }

    /// Says why nothing can be watched.
    pub fn new(error: &notify::Error) -> Self {
        match &error.kind {
            ErrorKind::Io(cause) if cause.raw_os_error() == Some(EMFILE) => Self::Instances,
            ErrorKind::Io(cause) => Self::Kernel(cause.kind()),
            ErrorKind::MaxFilesWatch => Self::Watches,
            ErrorKind::Generic(_)
            | ErrorKind::PathNotFound
            | ErrorKind::WatchNotFound
            | ErrorKind::InvalidConfig(_) => Self::Broken(error.to_string()),
        }
    }
}

fn is_about_the_folder(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
    )
}
