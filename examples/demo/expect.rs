//! Waiting for the world to become as the story says it does: at last it says what was expected and what was seen.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Looks again and again until there is a value, and gives it with the time that it took. A look gives what was seen
/// instead.
pub async fn until<T>(
    expected: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> Result<(T, Duration)> {
    let began = Instant::now();
    loop {
        let seen = match look().await {
            Ok(value) => return Ok((value, began.elapsed())),
            Err(seen) => seen,
        };
        if began.elapsed() > within {
            bail!("expected {expected} within {} s, but saw: {seen}", within.as_secs());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Fails with what was expected and what was seen, unless they are the same.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, seen: &T) -> Result<()> {
    if expected != seen {
        bail!("expected {what} to be {expected:?}, but saw {seen:?}");
    }
    Ok(())
}
