//! `tagalong render`: the configs of one environment, secrets hidden.

use clap::Args;

use crate::cli::failure::{Done, Failure};
use crate::cli::flags::{Common, Definitions, Output, Printing};
use crate::cli::{print, wiring};
use crate::view;

/// Show the configs of one environment, with secrets hidden
#[derive(Debug, Args)]
#[command(after_help = "Nothing is asked of Connect.\n\n\
    Examples:\n  \
    tagalong render --dir . -e production\n  \
    tagalong render --dir . -e production --explain orders\n\n\
    Exit codes: 0 done, 1 failed.")]
pub struct Render {
    /// Only these connectors
    #[arg(value_name = "CONNECTOR")]
    connectors: Vec<String>,

    /// Show, for each key, every layer that set it and where
    #[arg(long)]
    explain: bool,

    #[command(flatten)]
    definitions: Definitions,

    #[command(flatten)]
    printing: Printing,

    #[command(flatten)]
    common: Common,
}

impl Render {
    pub async fn run(self) -> Result<Done, Failure> {
        let settings =
            wiring::settings(&self.common, &[self.definitions.overlay()], self.definitions.values(), false)?;
        let rendered = wiring::rendered(&settings).await?;
        let mut desired = rendered.desired;
        for name in &self.connectors {
            if !desired.connectors.keys().any(|known| known.as_str() == name) {
                let error = anyhow::anyhow!("there is no connector {name:?} in {}", desired.environment);
                return Err(Failure::new(error).hint(Some("without a name all of them are shown")));
            }
        }
        if !self.connectors.is_empty() {
            desired.connectors.retain(|name, _| self.connectors.iter().any(|wanted| wanted == name.as_str()));
        }
        let colour = self.printing.colour();
        print::result(&match (self.printing.output, self.explain) {
            (Output::Json, explain) => view::json::render(&desired, explain),
            (Output::Human, false) => view::human::render(&desired, colour),
            (Output::Human, true) => view::human::explain(&desired, colour),
        });
        Ok(Done::Well)
    }
}
