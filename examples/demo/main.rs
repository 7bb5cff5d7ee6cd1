//! `make demo`: from a floating tag to a running Debezium connector, on real parts. It starts a stack, a git server and
//! one agent beside each Connect worker, tells a story in eight steps, each with the value that was observed, and
//! stops everything. `KEEP=1` stays up at the end; `DEMO_SABOTAGE=a` … `h` leaves out what that step is about; `DEMO_STEPS=bg` tells
//! those two alone, after the first.

mod expect;
mod failover;
mod hold;
mod hook;
mod look;
mod story;
mod workspace;
mod world;

use anyhow::{Context as _, Result, bail};
use std::process::ExitCode;
use std::time::Instant;
use tagalong_testkit::environment::variable;
use tokio::signal::unix::{Signal, SignalKind, signal};
use world::World;

/// What of the world is left out, by the letter of the step that must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// (a) The second agent is never started.
    SecondAgent,
    /// (b) No row is inserted.
    Row,
    /// (c) The tag is not moved.
    Move,
    /// (d) Nobody changes the connector by hand.
    Hand,
    /// (e) The release has no typo.
    Typo,
    /// (f) The release keeps the slot.
    Slot,
    /// (g) The worker that leads lives on.
    Kill,
    /// (h) The workspace's PostgreSQL is never started.
    Database,
}

fn main() -> ExitCode {
    let began = Instant::now();
    // One thread: the kernel ends the agents with the thread that started them.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime on this thread");
    let told = runtime.block_on(tell(began));
    // It waits for the end of a stack whose start was given up.
    drop(runtime);
    let code = match told {
        Ok(code) => code,
        Err(error) => {
            say(&format!("\nThe demo failed: {error:#}"));
            ExitCode::FAILURE
        }
    };
    say(&format!("Every process has ended. The whole took {:.0} s.", began.elapsed().as_secs_f32()));
    code
}

async fn tell(began: Instant) -> Result<ExitCode> {
    let mut stop = Stop::new();
    let sabotage = sabotage()?;
    let steps = steps()?;
    say(
        "tagalong on real parts: a Kafka broker, two Connect workers with Debezium, PostgreSQL, git over HTTP.",
    );
    let mut world = tokio::select! {
        world = World::start(sabotage) => world?,
        () = stop.asked() => return Ok(stopped()),
    };
    say(&format!("Everything but the agents is up after {:.0} s.", began.elapsed().as_secs_f32()));
    let told = tokio::select! {
        told = story::tell(&mut world, &steps) => told,
        () = stop.asked() => {
            world.end().await?;
            return Ok(stopped());
        }
    };
    match &told {
        Ok(seen) => say(&format!("\nWhat was seen:\n  {}", seen.join("\n  "))),
        Err(_) => say(&world.last_words()),
    }
    if told.is_ok() && variable("KEEP").is_some_and(|keep| !keep.is_empty()) {
        say(&format!("\nEverything stays up until Ctrl-C:\n{}", world.addresses()));
        stop.asked().await;
    }
    let ended = world.end().await;
    told?;
    ended?;
    Ok(ExitCode::SUCCESS)
}

fn stopped() -> ExitCode {
    say("\nStopped before the end of the story.");
    // What a shell says of a program that Ctrl-C has ended.
    ExitCode::from(130)
}

/// Somebody asks for the end: Ctrl-C, SIGTERM, or a terminal that is closed.
struct Stop([Signal; 3]);

impl Stop {
    fn new() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Self(kinds.map(|kind| signal(kind).expect("a signal stream")))
    }

    async fn asked(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

fn sabotage() -> Result<Option<Sabotage>> {
    let Some(letter) = variable("DEMO_SABOTAGE").filter(|letter| !letter.is_empty()) else { return Ok(None) };
    Ok(Some(match letter.to_str() {
        Some("a") => Sabotage::SecondAgent,
        Some("b") => Sabotage::Row,
        Some("c") => Sabotage::Move,
        Some("d") => Sabotage::Hand,
        Some("e") => Sabotage::Typo,
        Some("f") => Sabotage::Slot,
        Some("g") => Sabotage::Kill,
        Some("h") => Sabotage::Database,
        _ => bail!("DEMO_SABOTAGE is one of a, b, c, d, e, f, g, h"),
    }))
}

fn steps() -> Result<String> {
    let Some(steps) = variable("DEMO_STEPS").filter(|steps| !steps.is_empty()) else {
        return Ok(story::STEPS.to_owned());
    };
    let steps = steps.to_str().filter(|steps| steps.chars().all(|step| story::STEPS.contains(step)));
    Ok(steps.with_context(|| format!("DEMO_STEPS is some of {}", story::STEPS))?.to_owned())
}

/// Prints one line of the story.
pub fn say(line: &str) {
    #[expect(clippy::print_stdout, reason = "the demo is told on standard output")]
    {
        println!("{line}");
    }
}
