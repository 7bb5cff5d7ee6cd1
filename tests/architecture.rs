//! Holds the sources to the floors and to the other rules of the house that no compiler holds.
//!
//! The tables are here, the rules in `architecture/rules.rs`, and in `architecture/planted.rs` each
//! rule is shown a source that breaks it. A new arrow between rooms changes the table here and
//! `ARCHITECTURE.md` in the same commit.

#[path = "architecture/planted.rs"]
mod planted;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;

use std::collections::BTreeMap;
use std::path::Path;

use crate::rules::Floor;
use crate::source::Source;

/// Who may import whom: a room, its floor, and the rooms or single modules below it.
const FLOORS: &[Floor] = &[
    ("main", 6, &["cli", "repo::worker"]),
    (
        "cli",
        5,
        &[
            "settings",
            "reconcile",
            "serve",
            "telemetry",
            "pipeline",
            "repo",
            "kept",
            "secrets",
            "lookout",
            "connect",
            "view",
            "metrics",
            "yaml",
            "tls",
            "model",
        ],
    ),
    (
        "settings",
        4,
        &[
            "pipeline::pace::RestartLimits",
            "repo::credential",
            "repo::options",
            "secrets::Options",
            "connect::access",
            "connect::Writer",
            "yaml",
            "model",
        ],
    ),
    ("reconcile", 3, &["pipeline", "repo", "kept", "secrets", "connect", "model"]),
    ("serve", 3, &["files", "view", "metrics", "model"]),
    ("pipeline", 2, &["yaml", "model"]),
    ("repo", 2, &["signature", "files", "tls", "model"]),
    ("kept", 2, &["model"]),
    ("secrets", 2, &["files", "model"]),
    ("lookout", 2, &["model"]),
    ("connect", 2, &["files", "tls", "model"]),
    ("view", 2, &["model"]),
    ("metrics", 2, &["model"]),
    ("telemetry", 2, &["model"]),
    ("files", 0, &[]),
    ("tls", 0, &[]),
    ("signature", 1, &["model"]),
    ("yaml", 1, &["model"]),
    ("model", 0, &[]),
    ("lib", 0, &[]),
];

/// The rooms that only think: same inputs, same bytes.
const PURE: &[&str] = &["model", "yaml", "signature", "pipeline", "view"];

/// What a pure room never names, besides `async` and any `…::now`.
const IMPURE: &[&[&str]] = &[
    &["std", "fs"],
    &["std", "env"],
    &["std", "net"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time", "Instant"],
    &["std", "time", "SystemTime"],
    &["Instant"],
    &["SystemTime"],
    &["fs"],
    &["env"],
    &["tokio"],
    &["futures_util"],
    &["tracing"],
    &["fastrand"],
];

/// Libraries that stay behind a wall, and the rooms that keep them.
const KEPT: &[(&str, &[&str])] = &[
    ("anyhow", &["cli"]),
    ("axum", &["serve"]),
    ("base64", &["serve", "signature", "kept"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("git2", &["repo"]),
    ("granit_parser", &["yaml"]),
    ("jsonc_parser", &["yaml"]),
    ("libgit2_sys", &["repo"]),
    ("minijinja", &["pipeline"]),
    ("notify", &["lookout"]),
    ("pgp", &["signature"]),
    ("prometheus", &["metrics"]),
    ("regex_lite", &["pipeline"]),
    ("reqwest", &["repo", "connect", "cli"]),
    ("ring", &["serve", "signature", "repo", "kept", "tls", "connect"]), // in `connect` it is the module of rustls
    ("rustix", &["repo", "kept", "files"]),
    ("rustls", &["tls", "connect"]),
    ("rustls_platform_verifier", &["connect"]),
    ("semver", &["model", "pipeline", "repo"]),
    ("ssh_key", &["signature"]),
    ("tracing_subscriber", &["telemetry"]),
];

/// The one file that may say `unsafe`: it sets libgit2's process-wide options, and closes what a worker inherited.
const UNSAFE: &str = "repo/worker/process.rs";

/// Who takes the text out of a value that may be secret, and how often.
const EXPOSED: &[(&str, usize)] = &[
    ("connect/wire.rs", 1),                // sends it
    ("kept/key.rs", 1),                    // makes a keyed digest of it
    ("model/config.rs", 1),                // the class, which is no secret
    ("pipeline/check.rs", 1), // looks for placeholders of unknown providers, tells none of a secret
    ("pipeline/expression/written.rs", 1), // puts it into the text around it, which is secret from then on
    ("pipeline/render/config.rs", 1), // compares `name` with the connector's
];

/// Past this a file is two rooms.
const LONGEST: usize = 500;

/// Words that a name may not end in: they fit anything.
const EMPTY: &[&str] = &["manager", "helper", "helpers", "handler", "handlers", "util", "utils", "misc"];

/// Every Rust file under a folder, by its path from there.
fn rust_files(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = BTreeMap::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is in the repository") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).expect("found below it").display().to_string();
                files.insert(name, std::fs::read_to_string(&path).expect("Rust is UTF-8"));
            }
        }
    }
    files
}

fn sources(folder: &str) -> Vec<Source> {
    Source::all(&rust_files(folder))
}

#[track_caller]
fn none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn imports_point_downward() {
    none(&rules::downward(FLOORS));
    none(&rules::floors(&sources("src"), FLOORS));
}

#[test]
fn inside_a_folder_there_is_no_ring() {
    none(&rules::folders(&sources("src")));
}

#[test]
fn pure_rooms_only_think() {
    none(&rules::pure(&sources("src"), PURE, IMPURE));
}

#[test]
fn values_that_cross_walls_know_no_format() {
    none(&rules::pure(&sources("src"), &["model"], &[&["serde"], &["serde_json"], &["granit_parser"]]));
}

#[test]
fn libraries_stay_behind_their_walls() {
    none(&rules::kept(&sources("src"), KEPT));
}

#[test]
fn only_the_command_line_prints() {
    none(&rules::prints(&sources("src"), &["cli", "telemetry"]));
}

#[test]
fn only_one_room_is_unsafe() {
    none(&rules::unsafety(&sources("src"), UNSAFE));
}

#[test]
fn secrets_leave_only_where_it_is_known() {
    none(&rules::exposed(&sources("src"), EXPOSED));
}

#[test]
fn imports_name_their_owner() {
    none(&rules::owners(&sources("src")));
}

#[test]
fn no_file_is_forgotten() {
    none(&rules::forgotten("lib.rs", &rust_files("src")));
    none(&rules::forgotten("main.rs", &rust_files("tests/it")));
    none(&rules::forgotten("lib.rs", &rust_files("tests/kit/src")));
}

#[test]
fn each_file_is_one_room_and_says_which() {
    let folders = ["src", "tests/it", "tests/kit/src", "tests/architecture"];
    let breaches = folders.map(|folder| rules::rooms(&sources(folder), folder, LONGEST));
    none(&breaches.concat());
}

#[test]
fn names_say_what_a_thing_is() {
    none(&rules::names(&sources("src"), EMPTY));
}

#[test]
fn nothing_speaks_of_one_machine() {
    // In halves, so that this file does not hold them itself.
    let words =
        [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("../sha", "red"), concat!("/ho", "me/")];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is in the repository") {
            let path = entry.expect("the folder can be read").path();
            let name = path.strip_prefix(root).expect("found below it").display().to_string();
            if path.is_dir() {
                if !["target", ".git", ".cache"].contains(&name.as_str()) {
                    open.push(path);
                }
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                none(&rules::foreign(&name, &text, &words));
            }
        }
    }
}
