//! `tagalong render`: the configs of one environment, secrets hidden; or in a form of others, without any.

use clap::Args;

use crate::cli::failure::{Done, Failure};
use crate::cli::flags::{Common, Definitions, RenderOutput, Rendering};
use crate::cli::wiring::Secrets;
use crate::cli::{print, wiring};
use crate::model::definition;
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::pipeline;
use crate::view;
use crate::view::foreign::{self, Obstacle, Portable};
use crate::yaml::decode::nearest;

/// Show the configs of one environment, with secrets hidden
#[derive(Debug, Args)]
#[command(after_help = "Nothing is asked of Connect, and no secret is read.\n\n\
    Examples:\n  \
    tagalong render --dir . -e production\n  \
    tagalong render --dir . -e production --explain orders\n  \
    tagalong render --dir . -e production --output strimzi --cluster connect\n\n\
    With --output connect or strimzi a secret that is no placeholder is not written, nor is anything else then.\n\n\
    Exit codes: 0 done, 1 failed or an extra folder was left out.")]
pub struct Render {
    /// Only these connectors
    #[arg(value_name = "CONNECTOR")]
    connectors: Vec<String>,

    /// Show, for each key, every layer that set it and where
    #[arg(long)]
    explain: bool,

    /// With --output strimzi: the `KafkaConnect` that is to run them, for the label `strimzi.io/cluster`
    #[arg(long, value_name = "NAME", value_parser = cluster)]
    cluster: Option<String>,

    #[command(flatten)]
    definitions: Definitions,

    #[command(flatten)]
    rendering: Rendering,

    #[command(flatten)]
    common: Common,
}

impl Render {
    pub async fn run(self) -> Result<Done, Failure> {
        let output = self.rendering.output;
        if self.explain && matches!(output, RenderOutput::Connect | RenderOutput::Strimzi) {
            return Err(Failure::usage(anyhow::anyhow!("--explain has no place in a form of others")));
        }
        if self.cluster.is_some() && output != RenderOutput::Strimzi {
            return Err(Failure::usage(anyhow::anyhow!("--cluster is for --output strimzi")));
        }
        let settings =
            wiring::settings(&self.common, &[self.definitions.overlay()], self.definitions.values(), false)?;
        let rendered =
            wiring::rendered(&settings, self.common.settings(), self.definitions.values(), Secrets::Unread)
                .await?;
        let mut desired = rendered.desired;
        for name in &self.connectors {
            if !desired.connectors.keys().any(|known| known.as_str() == name) {
                let error = anyhow::anyhow!("there is no connector {name:?} in {}", desired.environment);
                let near = nearest(name, desired.connectors.keys().map(ConnectorName::as_str));
                let near = near.map(|near| format!("did you mean `{near}`?"));
                let hint = elsewhere(&rendered.definitions, name, &desired.environment).or(near);
                return Err(Failure::new(error)
                    .hint(hint.or(Some("without a name all of them are shown".to_owned()))));
            }
        }
        if !self.connectors.is_empty() {
            desired.connectors.retain(|name, _| self.connectors.iter().any(|wanted| wanted == name.as_str()));
        }
        let colour = self.rendering.colour();
        print::result(&match (output, self.explain) {
            (RenderOutput::Json, explain) => view::json::render(&desired, explain),
            (RenderOutput::Human, false) => view::human::render(&desired, colour),
            (RenderOutput::Human, true) => view::human::explain(&desired, colour),
            (RenderOutput::Connect, _) => written(foreign::connect(&desired))?,
            (RenderOutput::Strimzi, _) => written(foreign::strimzi(&desired, self.cluster.as_deref()))?,
        })?;
        Ok(if rendered.left_out { Done::Said } else { Done::Well })
    }
}

/// Says that a connector exists only in other environments than this one.
fn elsewhere(definitions: &definition::Definitions, name: &str, here: &EnvironmentName) -> Option<String> {
    let homes = pipeline::homes(definitions, name);
    if homes.is_empty() || homes.contains(&here) {
        return None;
    }
    let homes: Vec<_> = homes.iter().map(|environment| environment.as_str()).collect();
    Some(format!("it exists only in {}", homes.join(", ")))
}

/// The text in a form of others; what it leaves out is told.
fn written(made: Result<Portable, Vec<Obstacle>>) -> Result<String, Failure> {
    match made {
        Ok(Portable { text, lost }) => {
            for lost in lost {
                print::note(&format!("Note: {lost}"));
            }
            Ok(text)
        }
        Err(obstacles) => {
            for Obstacle { connector, what, hint } in obstacles {
                print::note(&format!("connector {connector}: {what}\n  hint: {hint}"));
            }
            Err(Failure::new(anyhow::anyhow!("nothing is written: this form cannot say all of it")))
        }
    }
}

/// Reads the name of a `KafkaConnect` that was typed.
fn cluster(text: &str) -> Result<String, String> {
    let is_name = foreign::is_kubernetes_name(text);
    is_name.then(|| text.to_owned()).ok_or_else(|| "it is no name of Kubernetes'".to_owned())
}
