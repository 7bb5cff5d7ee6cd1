//! `tagalong render`: the configs of one environment, secrets hidden.

use clap::Args;

use crate::cli::failure::{Done, Failure};
use crate::cli::flags::{Common, Definitions, Output};
use crate::cli::{print, wiring};
use crate::view;

/// Show the configs of one environment, with secrets hidden
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tagalong render --dir . -e production --explain orders")]
pub struct Render {
    /// Only these connectors
    #[arg(value_name = "CONNECTOR")]
    connectors: Vec<String>,

    /// Show, for each key, every layer that set it and where
    #[arg(long)]
    explain: bool,

    /// How the result is written
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,

    /// Never write in colour
    #[arg(long, env = "NO_COLOR", hide_env = true)]
    no_color: bool,

    #[command(flatten)]
    definitions: Definitions,

    #[command(flatten)]
    common: Common,
}

impl Render {
    pub async fn run(self) -> Result<Done, Failure> {
        let settings =
            wiring::settings(&self.common, &[self.definitions.overlay()], self.definitions.values(), false)?;
        let rendered = wiring::rendered(&settings).await?;
        let Some(mut desired) = rendered.desired else { return Ok(Done::Said) };
        for name in &self.connectors {
            if !desired.connectors.keys().any(|known| known.as_str() == name) {
                let error = anyhow::anyhow!("there is no connector {name:?} in {}", desired.environment);
                return Err(Failure::new(error).hint(Some("leave the name out to see all of them")));
            }
        }
        if !self.connectors.is_empty() {
            desired.connectors.retain(|name, _| self.connectors.iter().any(|wanted| wanted == name.as_str()));
        }
        let colour = print::colour(self.no_color);
        print::result(&match (self.output, self.explain) {
            (Output::Json, explain) => view::json::render(&desired, explain),
            (Output::Human, false) => view::human::render(&desired, colour),
            (Output::Human, true) => view::human::explain(&desired, colour),
        });
        Ok(Done::Well)
    }
}
