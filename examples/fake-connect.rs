//! Runs the fake Connect cluster by hand: `cargo run --example fake-connect -- --workers 2`.

use clap::Parser;
use tagalong_testkit::fake::{Fake, Options};

/// A Kafka Connect cluster in memory. The first worker leads; nothing is kept. Ends at Ctrl-C.
#[derive(Parser)]
struct Arguments {
    /// The first worker's port; the others take the next ones. 0 takes any free ports.
    #[arg(long, default_value_t = 8083)]
    port: u16,
    /// How many workers there are.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// How many connectors are there from the start, as connector-000, connector-001 and so on.
    #[arg(long, default_value_t = 0)]
    connectors: usize,
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]
async fn main() -> anyhow::Result<()> {
    let Arguments { port, workers, connectors } = Arguments::parse();
    let fake = Fake::with(Options { workers, port, ..Options::default() }).await;
    for number in 0..connectors {
        let config = [("connector.class", "FileStreamSource"), ("topic", "lines"), ("tasks.max", "1")];
        fake.preload(&format!("connector-{number:03}"), &config);
    }
    for worker in 0..workers {
        println!("{}{}", fake.url(worker), if worker == 0 { " (leads)" } else { "" });
    }
    tokio::signal::ctrl_c().await?;
    Ok(())
}
