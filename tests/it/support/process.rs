//! Processes as the system shows them: whose children there are, what they are doing, how to end them.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

/// The ids of a process's children, the dead that nobody has waited for among them.
pub fn children(parent: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| field(*id, "PPid:").as_deref() == Some(parent.to_string().as_str())).collect()
}

/// The workers among them.
pub fn workers(parent: u32) -> Vec<u32> {
    let is_worker = |id: &u32| {
        let arguments = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        arguments.split(|byte| *byte == 0).any(|argument| argument == b"git-worker")
    };
    children(parent).into_iter().filter(is_worker).collect()
}

/// What the system says of a process, by its key.
pub fn field(process: u32, key: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(key)).map(|value| value.trim().to_owned())
}

/// Whether a process is there and not dead.
pub fn lives(process: u32) -> bool {
    field(process, "State:").is_some_and(|state| !state.starts_with('Z'))
}

/// How many descriptors a process has open.
pub fn descriptors(process: u32) -> Result<usize> {
    Ok(fs::read_dir(Path::new("/proc").join(process.to_string()).join("fd"))?.count())
}

/// How many folders a process watches.
pub fn watches(process: u32) -> Result<usize> {
    let infos = fs::read_dir(format!("/proc/{process}/fdinfo"))?.flatten();
    let watches = infos.map(|info| {
        let text = fs::read_to_string(info.path()).unwrap_or_default();
        text.lines().filter(|line| line.starts_with("inotify ")).count()
    });
    Ok(watches.sum())
}

/// Sends a process a signal, by its name.
pub fn signal(process: u32, name: &str) -> Result<()> {
    let status =
        std::process::Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status()?;
    ensure!(status.success(), "kill -{name} {process}");
    Ok(())
}
