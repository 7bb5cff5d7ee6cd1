//! Bytes that nobody wrote: the files of the cases, changed at random, are read and rendered without a
//! panic and without an end that does not come, and every finding points into its file.
//!
//! A run begins at a number of its own and tells it; `TAGALONG_FUZZ_FROM` with that number repeats it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use fastrand::Rng;
use tagalong::model::finding::Findings;
use tagalong::model::select::Select;
use tagalong::model::snapshot::{Files, Sources};
use tagalong::model::values::Values;
use tagalong::pipeline;
use tagalong::pipeline::supply::Supply;
use tagalong_testkit::environment;

use crate::corpus::{folders, sources};

/// No file of a few kilobytes takes this long, however busy the machine is.
const LONGEST: Duration = Duration::from_secs(20);

/// What languages and templates are made of: random bytes alone break the first line and nothing else.
const WORDS: &[&str] = &[
    "{{ ",
    " }}",
    "{{",
    "{%",
    "{#",
    "| slug('_')",
    "| int",
    "secret('env:A')",
    "params.",
    "values.",
    "connector",
    "${file:/a:b}",
    "${fiel:",
    "null",
    "~",
    "\"",
    "'",
    "|\n",
    ">\n",
    "---\n",
    "...\n",
    "\t",
    "  ",
    "\n",
    ": ",
    "- ",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "%YAML 1.1\n",
    "[",
    "]",
    "{",
    "}",
    "[[[[[[[[",
    "{a: {a: {a: {a: ",
    ",",
    "#",
    "\\",
    "\u{feff}",
    "é",
    "\u{1f600}",
    "\u{202e}",
    "\0",
    "0x1f",
    "1e3",
    ".inf",
    "template: ",
    "base: ",
    "environments: ",
    "from: ",
    "\\ud800",
    "\"\\u0000\"",
    "apiVersion: kafka.strimzi.io/v1\nkind: KafkaConnector\n",
];

#[test]
fn a_minute_of_changed_files() -> Result<()> {
    changed_files(Duration::from_mins(1))
}

#[test]
#[ignore = "long: an hour"]
fn an_hour_of_changed_files() -> Result<()> {
    changed_files(Duration::from_hours(1))
}

fn changed_files(time: Duration) -> Result<()> {
    let mut seeds: Vec<Sources> = Vec::new();
    for kind in ["render", "findings"] {
        for case in folders(kind)? {
            let sides = ["wrong", "near"].map(|side| case.join(side));
            let sides = if kind == "render" { vec![case] } else { sides.to_vec() };
            for side in sides {
                seeds.push(sources(&side)?);
            }
        }
    }
    ensure!(seeds.len() > 100, "{} repositories to begin with", seeds.len());
    let from = environment::variable("TAGALONG_FUZZ_FROM").and_then(|text| text.to_str()?.parse().ok());
    let mut number: u64 = from.unwrap_or_else(|| fastrand::u64(..));
    let (began, mut runs) = (Instant::now(), 0);
    while began.elapsed() < time {
        let run = catch_unwind(AssertUnwindSafe(|| one(&seeds, number)));
        run.unwrap_or_else(|_| bail!("a panic")).with_context(|| format!("TAGALONG_FUZZ_FROM={number}"))?;
        (number, runs) = (number.wrapping_add(1), runs + 1);
    }
    ensure!(runs > 1_000, "only {runs} in {time:?}");
    Ok(())
}

fn one(seeds: &[Sources], number: u64) -> Result<()> {
    let mut rng = Rng::with_seed(number);
    let mut changed = seeds[rng.usize(..seeds.len())].clone();
    let mut main = (*changed.main).clone();
    let other = &seeds[rng.usize(..seeds.len())].main.files;
    for _ in 0..rng.usize(1..6) {
        change(&mut main.files, other, &mut rng);
    }
    let files = main.files.clone();
    changed.main = Arc::new(main);
    let began = Instant::now();
    let findings = judged(&changed);
    let took = began.elapsed();
    ensure!(took < LONGEST, "it took {took:?}");
    for finding in findings.iter() {
        let Some(bytes) = files.get(&finding.place.path) else { continue };
        let text = String::from_utf8_lossy(bytes);
        if text.contains('\r') {
            // What ends a line there, YAML and JSON see differently.
            continue;
        }
        let place = &finding.place;
        let lines: Vec<_> = text.split('\n').collect();
        let line = usize::try_from(place.line)?;
        ensure!((1..=lines.len()).contains(&line), "{place} is in none of {} lines", lines.len());
        let characters = lines[line - 1].chars().count();
        let column = usize::try_from(place.column)?;
        ensure!(
            (1..=characters + 2).contains(&column),
            "{place} is behind {characters} characters: {finding:?}"
        );
    }
    Ok(())
}

/// Reads everything and renders every environment.
fn judged(sources: &Sources) -> Findings {
    let definitions = pipeline::definitions(sources);
    let supply = Supply { values: &Values::default(), examples: true, secrets: None };
    let all = pipeline::everywhere(&definitions, &sources.revision(), &supply, &Select::default());
    let mut findings = definitions.findings.clone();
    findings.extend(all.into_values().flat_map(|(_, found)| found));
    findings
}

/// Changes one file a little, or puts one of another repository beside it.
fn change(files: &mut Files, other: &Files, rng: &mut Rng) {
    let paths: Vec<_> = files.keys().cloned().collect();
    if paths.is_empty() || rng.u8(..16) == 0 {
        let strangers: Vec<_> = other.iter().collect();
        if let Some((path, bytes)) = rng.choice(strangers) {
            files.insert(Arc::clone(path), Arc::clone(bytes));
        }
        return;
    }
    let path = Arc::clone(&paths[rng.usize(..paths.len())]);
    let mut bytes = files[&path].to_vec();
    let at = rng.usize(..=bytes.len());
    match rng.u8(..8) {
        0 if at < bytes.len() => bytes[at] = rng.u8(..),
        1 => bytes.truncate(at),
        2 if at < bytes.len() => {
            let end = (at + rng.usize(1..40)).min(bytes.len());
            bytes.drain(at..end);
        }
        3 if at < bytes.len() => {
            let end = (at + rng.usize(1..60)).min(bytes.len());
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        _ => {
            let word = rng.choice(WORDS).copied().unwrap_or_default();
            bytes.splice(at..at, word.bytes());
        }
    }
    files.insert(path, bytes.into());
}
