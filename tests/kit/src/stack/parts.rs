//! Where the parts lie that `tests/stack/install` has fetched, and what to say when they do not.

use crate::environment::variable;
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

const KAFKA: &str = "kafka-4.3.0";
const DEBEZIUM: &str = "debezium-postgres-3.6.3.Final";

/// The class path of the broker.
pub fn kafka_classes() -> Result<String> {
    Ok(format!("{}/*", fetched(KAFKA)?.display()))
}

/// The class path of a worker, Connect's mock connectors included: Connect looks for the tasks of what it takes
/// for its own (`org.apache.kafka.…`) nowhere else, so from the plugin path they can be listed and never run.
pub fn connect_classes(version: &str) -> Result<String> {
    let connect = fetched(&format!("connect-{version}"))?;
    let (runtime, mock) = (connect.join("runtime"), connect.join("plugins/connect-test-plugins"));
    // Before 3.6 they are part of the runtime.
    let mock = if mock.exists() { format!(":{}/*", mock.display()) } else { String::new() };
    Ok(format!("{}/*{mock}", runtime.display()))
}

/// The plugin path of a worker: Connect's own example connectors, Debezium.
pub fn plugins(version: &str) -> Result<String> {
    let connect = fetched(&format!("connect-{version}"))?.join("plugins/connect-file");
    Ok(format!("{},{}", connect.display(), fetched(DEBEZIUM)?.display()))
}

/// The `java` to run, from `JAVA_HOME` where that is set.
pub fn java() -> PathBuf {
    variable("JAVA_HOME").map_or_else(|| "java".into(), |home| Path::new(&home).join("bin/java"))
}

/// The folder of PostgreSQL's programs, the newest where there are several.
pub fn postgres_programs() -> Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, programs)| programs.join("initdb").exists())
        .collect();
    found.sort();
    found.pop().map(|(_, programs)| programs).context("PostgreSQL is missing: run tests/stack/install")
}

fn fetched(name: &str) -> Result<PathBuf> {
    let folder = cache().join("stack").join(name);
    // The stamp is written before the folder gets its name: what has none is not from the installer.
    if !folder.join(".complete").exists() {
        bail!("{} is missing: run tests/stack/install", folder.display());
    }
    Ok(folder)
}

fn cache() -> PathBuf {
    variable("TAGALONG_CACHE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("tests/kit").join(".cache"),
        PathBuf::from,
    )
}
