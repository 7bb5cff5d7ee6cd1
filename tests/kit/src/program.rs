//! Programs of this workspace that a test or a demo runs as processes of their own.

use crate::environment::variable;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// Builds a program if it is missing or older than its source, and says where it is.
pub async fn build(name: &str) -> Result<PathBuf> {
    let cargo = variable("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "-q", "--workspace", "--bin", name, "--message-format=json-render-diagnostics"])
        // An example brings in the dev-dependencies, and with them the features that `cargo test` builds the
        // dependencies with: without it all of them are built once more.
        .args(["--example", "demo"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("start cargo")?;
    ensure!(output.status.success(), "{name} cannot be built");
    let text = String::from_utf8(output.stdout)?;
    let executable = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    executable.with_context(|| format!("cargo does not say where it put {name}"))
}
