//! Which `tagalong` the stories run.

use std::path::PathBuf;

use tagalong_testkit::environment::variable;

/// The one that was built with them, or the one that `TAGALONG_PROGRAM` names, such as one that is to be released.
pub fn program() -> PathBuf {
    variable("TAGALONG_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_tagalong").into(), PathBuf::from)
}
