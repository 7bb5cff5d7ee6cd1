//! Logs on standard error: one line an event, as text for people or JSON for programs.
//!
//! Takes the wanted form and level once, at start; the rest of the agent speaks through `tracing`.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Sets up logging for the whole process; may be called once.
///
/// What the libraries below say is let through only at `TRACE`: it may name addresses with every
/// detail.
pub fn start(json: bool, level: LevelFilter) -> Result<(), TryInitError> {
    let others = if level == LevelFilter::TRACE { LevelFilter::DEBUG } else { LevelFilter::ERROR };
    let filter = Targets::new().with_target("tagalong", level).with_default(others);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(std::io::stderr).with_timer(Clock).with_target(json);
    if json {
        registry.with(layer.json().flatten_event(true).with_span_list(false)).try_init()
    } else {
        registry.with(layer.with_ansi(std::io::stderr().is_terminal())).try_init()
    }
}

/// The time of an event, UTC, to the millisecond.
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{:.3}", jiff::Timestamp::now())
    }
}
