//! How a worker ended that should not have ended yet.
//!
//! Takes how the process ended and what it wrote, gives the limit that it passed or the signal that
//! ended it.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;

/// The most seconds of one processor. Less than the usual deadline, so that a loop is told as one.
pub const CPU_SECONDS: u64 = 20;

/// The most of one file: a pack as large as may be fetched, and what completes it.
pub const FILE_MEBIBYTES: u64 = 128;

/// What helps against a repository that is too large.
pub const OWN_REPOSITORY: &str = "keep the definitions in a repository of their own";

const KILLED: &str =
    "was it the system, for want of memory? The worker's comes on top of the agent's own while it fetches";

/// How a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It could not be started.
    NotStarted,
    /// It is another program than this one.
    Version,
    /// It wanted more memory than so many MiB.
    Memory(u64),
    /// It computed for longer than so many seconds.
    Cpu(u64),
    /// It wrote a file of more than so many MiB.
    File(u64),
    /// A signal ended it.
    Signal(i32),
    /// It ended by itself.
    Early,
    /// It said what makes no sense.
    Nonsense,
    /// It handed out an object that is not the one of its id.
    Lied,
}

impl Ended {
    /// Judges a process by its end and by its last words.
    pub fn of(status: ExitStatus, said: &str, memory_mebibytes: u64) -> Self {
        let Some(signal) = status.signal() else { return Self::Early };
        if signal == Signal::XCPU.as_raw() {
            Self::Cpu(CPU_SECONDS)
        } else if signal == Signal::XFSZ.as_raw() {
            Self::File(FILE_MEBIBYTES)
        } else if signal == Signal::ABORT.as_raw() && said.contains("memory allocation of") {
            // What Rust says where there is no more of it.
            Self::Memory(memory_mebibytes)
        } else {
            Self::Signal(signal)
        }
    }

    /// What a person can do about it, where something is known to help.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Memory(_) | Self::Cpu(_) | Self::File(_) => Some(OWN_REPOSITORY),
            Self::Signal(signal) if *signal == Signal::KILL.as_raw() => Some(KILLED),
            Self::Version => Some("start the agent again"),
            Self::Signal(_) | Self::NotStarted | Self::Early | Self::Nonsense | Self::Lied => None,
        }
    }

    /// Whether the repository is the reason: it passed a limit.
    pub fn is_limit(&self) -> bool {
        match self {
            Self::Memory(_) | Self::Cpu(_) | Self::File(_) => true,
            Self::NotStarted
            | Self::Version
            | Self::Signal(_)
            | Self::Early
            | Self::Nonsense
            | Self::Lied => false,
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted => f.write_str("could not be started"),
            Self::Version => f.write_str("is of another version than the agent"),
            Self::Memory(mebibytes) => write!(f, "was ended: it wanted more than {mebibytes} MiB of memory"),
            Self::Cpu(seconds) => write!(f, "was ended: it computed for more than {seconds} s"),
            Self::File(mebibytes) => {
                write!(f, "was ended: it wrote a file of more than {mebibytes} MiB")
            }
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Self::Early => f.write_str("ended by itself"),
            Self::Nonsense => f.write_str("said what makes no sense"),
            Self::Lied => f.write_str("handed out an object that is not the one of its id"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_worker_has_a_name() {
        let ended = |raw, said| Ended::of(ExitStatus::from_raw(raw), said, 256);
        assert_eq!(ended(24, ""), Ended::Cpu(CPU_SECONDS));
        assert_eq!(ended(25, ""), Ended::File(FILE_MEBIBYTES));
        assert_eq!(ended(6, "memory allocation of 16 bytes failed"), Ended::Memory(256));
        assert_eq!(ended(6, "assertion failed"), Ended::Signal(6));
        assert_eq!(ended(11, ""), Ended::Signal(11));
        assert_eq!(ended(9, ""), Ended::Signal(9));
        assert_eq!(ended(1 << 8, ""), Ended::Early);
    }
}
