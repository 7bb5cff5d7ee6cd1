//! The consumer group that a sink reads its topics in.
//!
//! Takes a sink's name and configs, gives what its group is called and whether a change keeps it. What happens to a sink that
//! leaves its group is said by the rows of the table.

use crate::model::config::Config;
use crate::pipeline::risk::side::{Said, Side};

/// The key that names a sink's consumer group.
pub const KEY: &str = "consumer.override.group.id";

/// The consumer group of a sink whose config names none.
pub fn own(name: &str) -> String {
    format!("connect-{name}")
}

/// Whether a sink of this name stays in its consumer group, which is called after the sink where its config names none.
pub fn is_kept(name: &str, before: &Config, after: &Config) -> bool {
    let of = |config: &Config| match Side::new(config).said(KEY) {
        Said::Text(group) => Some(group),
        Said::Nothing => Some(own(name).into()),
        Said::Unknown => None,
    };
    of(before).is_some_and(|group| of(after) == Some(group))
}
