//! Which program reads git in the stories that look at a repository without an agent.
//!
//! In an agent it is the agent's own; this process is another one, so it is told before any story begins.
#![expect(unsafe_code, reason = "what runs before `main` is named by the section in which it lies")]

use crate::support::program::program;

#[used]
// SAFETY: it runs on the one thread that there is then, takes nothing, and does not panic.
#[unsafe(link_section = ".init_array")]
static FIRST: extern "C" fn() = tell;

extern "C" fn tell() {
    tagalong::repo::worker::program::tell(&program());
}
