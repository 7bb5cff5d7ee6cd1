//! The one place of the kit that reads the process's environment.

use std::ffi::OsString;

/// The value of a variable, if it is set.
pub fn variable(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "test support has no settings to read it for it")]
    std::env::var_os(name)
}
