//! The rules of the house that a compiler does not hold, each a pure function from sources to breaches.
//!
//! Takes sources and the tables of `architecture.rs`, gives one line per breach, as `file:line: what`.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Path, Source, words_of};

/// A room, its floor, and the rooms or single modules (`repo::options`) that it may import.
pub type Floor = (&'static str, u8, &'static [&'static str]);

fn breach(source: &Source, line: usize, what: &str) -> String {
    format!("src/{}:{line}: {what}", source.path)
}

/// What a path names inside this crate: its names behind `crate`, or behind the crate's own name in `main`.
fn inside(path: &Path) -> Option<&[String]> {
    (path.begins(&["crate"]) || path.begins(&["tagalong"])).then(|| &path.names[1..])
}

/// Names every import that the table of floors does not have.
pub fn floors(sources: &[Source], table: &[Floor]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        let room = source.room();
        let Some((_, _, may)) = table.iter().find(|(name, _, _)| *name == room) else {
            breaches.push(breach(source, 1, &format!("the room `{room}` is not in the table of floors")));
            continue;
        };
        for path in source.paths() {
            let Some(names) = inside(&path) else { continue };
            let own = names.first().is_some_and(|name| name == room);
            let allowed = may.iter().any(|entry| {
                let entry: Vec<_> = entry.split("::").collect();
                names.len() >= entry.len() && names.iter().zip(entry).all(|(a, b)| a == b)
            });
            if !own && !allowed {
                breaches.push(breach(source, path.line, &format!("`{room}` must not import `{path}`")));
            }
        }
    }
    breaches
}

/// Names every row of the table that does not point downward.
pub fn downward(table: &[Floor]) -> Vec<String> {
    let floor_of: BTreeMap<_, _> = table.iter().map(|(room, floor, _)| (*room, *floor)).collect();
    let mut breaches = Vec::new();
    for (room, floor, may) in table {
        for entry in *may {
            let target = entry.split("::").next().unwrap_or_default();
            match floor_of.get(target) {
                Some(below) if below < floor => {}
                Some(_) => breaches.push(format!("`{room}` to `{target}` does not point downward")),
                None => breaches.push(format!("`{room}` may import `{target}`, which is no room")),
            }
        }
    }
    breaches
}

/// Names every file that imports its own `mod.rs`, and every ring of siblings.
pub fn folders(sources: &[Source]) -> Vec<String> {
    let modules: BTreeSet<_> = sources.iter().map(Source::module).collect();
    let mut breaches = Vec::new();
    let mut arrows: BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for source in sources {
        let from = source.module();
        for path in source.paths() {
            let Some(names) = inside(&path) else { continue };
            let owner = (1..=names.len()).rev().map(|n| &names[..n]).find(|names| modules.contains(*names));
            let Some(owner) = owner else { continue };
            if owner.len() < from.len() && from.starts_with(owner) {
                breaches.push(breach(source, path.line, &format!("`{path}` is of its own folder's mod.rs")));
            }
            let shared = from.iter().zip(owner).take_while(|(a, b)| a == b).count();
            if shared > 0 && shared < from.len() && shared < owner.len() {
                let folder = arrows.entry(from[..shared].to_vec()).or_default();
                folder.entry(from[shared].clone()).or_default().insert(owner[shared].clone());
            }
        }
    }
    for (folder, arrows) in &arrows {
        for start in arrows.keys().filter(|start| reaches(arrows, start)) {
            breaches.push(format!("src/{}: `{start}` imports itself through its siblings", folder.join("/")));
        }
    }
    breaches
}

fn reaches(arrows: &BTreeMap<String, BTreeSet<String>>, start: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = vec![start];
    while let Some(at) = open.pop() {
        for next in arrows.get(at).into_iter().flatten() {
            if next == start {
                return true;
            }
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    false
}

/// Names whatever makes a pure room look, wait, tell the time or speak.
pub fn pure(sources: &[Source], rooms: &[&str], paths: &[&[&str]]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources.iter().filter(|source| rooms.contains(&source.room())) {
        for word in source.words.iter().filter(|word| ["async", "await"].contains(&word.text.as_str())) {
            breaches.push(breach(source, word.line, &format!("`{}` in a pure room", word.text)));
        }
        for path in source.paths() {
            let clock = path.names.len() > 1 && path.names.last().is_some_and(|name| name == "now");
            if clock || paths.iter().any(|names| path.begins(names)) {
                breaches.push(breach(source, path.line, &format!("`{path}` in a pure room")));
            }
        }
    }
    breaches
}

/// Names every use of a library outside the rooms that keep it.
pub fn kept(sources: &[Source], table: &[(&str, &[&str])]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        for path in source.paths() {
            let Some((_, keepers)) = table.iter().find(|(library, _)| path.begins(&[library])) else {
                continue;
            };
            if !keepers.contains(&source.room()) {
                breaches.push(breach(
                    source,
                    path.line,
                    &format!("`{path}` is kept in {}", keepers.join(", ")),
                ));
            }
        }
    }
    breaches
}

/// Names every print outside the rooms that speak to the terminal.
pub fn prints(sources: &[Source], rooms: &[&str]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources.iter().filter(|source| !rooms.contains(&source.room())) {
        for name in ["print", "println", "eprint", "eprintln", "dbg"] {
            for line in source.lines_of(&[name, "!"]) {
                breaches.push(breach(source, line, &format!("`{name}!` outside {rooms:?}")));
            }
        }
        for path in source.paths().iter().filter(|path| path.names.len() > 1) {
            if path.names.last().is_some_and(|name| name == "stdout" || name == "stderr") {
                breaches.push(breach(source, path.line, &format!("`{path}` outside {rooms:?}")));
            }
        }
    }
    breaches
}

/// Names every `unsafe` outside the one file that may say it.
pub fn unsafety(sources: &[Source], file: &str) -> Vec<String> {
    let others = sources.iter().filter(|source| source.path != file);
    others
        .flat_map(|source| {
            let lines = source.lines_of(&["unsafe"]).into_iter().chain(source.lines_of(&["unsafe_code"]));
            lines.map(|line| breach(source, line, &format!("`unsafe` outside src/{file}")))
        })
        .collect()
}

/// Names every file whose calls of `Value::expose` are not as many as the table says.
pub fn exposed(sources: &[Source], table: &[(&str, usize)]) -> Vec<String> {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for source in sources {
        let calls =
            source.lines_of(&[".", "expose"]).len() + source.lines_of(&["Value", "::", "expose"]).len();
        if calls > 0 {
            counted.insert(&source.path, calls);
        }
    }
    let allowed: BTreeMap<&str, usize> = table.iter().copied().collect();
    let files: BTreeSet<_> = counted.keys().chain(allowed.keys()).collect();
    files
        .into_iter()
        .map(|file| (file, counted.get(file).unwrap_or(&0), allowed.get(file).unwrap_or(&0)))
        .filter(|(_, found, allowed)| found != allowed)
        .map(|(file, found, allowed)| format!("src/{file}: exposes {found} times, {allowed} are known"))
        .collect()
}

/// Names every import that hides its owner: globs, re-exports and `super` paths.
pub fn owners(sources: &[Source]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        for path in source.paths() {
            if path.names.last().is_some_and(|name| name == "*") {
                breaches.push(breach(source, path.line, &format!("`{path}` imports whatever is there")));
            }
            if path.begins(&["super"]) {
                breaches.push(breach(source, path.line, &format!("`{path}` does not name its owner")));
            }
        }
        for (at, word) in source.words.iter().enumerate().filter(|(_, word)| word.text == "use") {
            if at > 0 && (source.is(at - 1, "pub") || source.is(at - 1, ")")) && !source.is(at + 1, "<") {
                breaches.push(breach(source, word.line, "a re-export gives a thing two owners"));
            }
        }
    }
    breaches
}

/// Names every file of a folder of Rust that no `mod` line brings in, so that nothing in it is built.
pub fn forgotten(root: &str, files: &BTreeMap<String, String>) -> Vec<String> {
    let mut breaches = Vec::new();
    let is_root = |path: &str| path == root || path == "main.rs" || path.starts_with("bin/");
    for path in files.keys().filter(|path| !is_root(path)) {
        let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
        let (parent, name) = module
            .rsplit_once('/')
            .map_or((root.to_owned(), module), |(folder, name)| (format!("{folder}/mod.rs"), name));
        let known = files.get(&parent).is_some_and(|text| {
            let words = words_of(&parent, text);
            words
                .windows(3)
                .any(|three| three.iter().zip(["mod", name, ";"]).all(|(word, text)| word.text == text))
        });
        if !known {
            breaches.push(format!("{path}: no `mod {name};` in {parent}"));
        }
    }
    breaches
}

/// Names every file that is too long for one room, or that does not open by saying what it is.
pub fn rooms(sources: &[Source], folder: &str, longest: usize) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        if source.lines > longest {
            breaches
                .push(format!("{folder}/{}:{longest}: {} lines are two rooms", source.path, source.lines));
        }
        if !source.opens_with_doc {
            let what = "does not open with `//!`: what it takes, gives and leaves";
            breaches.push(format!("{folder}/{}:1: {what}", source.path));
        }
    }
    breaches
}

/// Names every type and file whose name says nothing.
pub fn names(sources: &[Source], empty: &[&str]) -> Vec<String> {
    let mut breaches = Vec::new();
    for source in sources {
        let stems = source.module().into_iter().map(|name| (name, 1));
        let items = source
            .words
            .windows(2)
            .filter(|pair| ["struct", "enum", "trait", "type", "fn", "mod"].contains(&pair[0].text.as_str()));
        for (name, line) in stems.chain(items.map(|pair| (pair[1].text.clone(), pair[1].line))) {
            let lower = name.to_lowercase();
            if empty.iter().any(|word| lower.ends_with(word)) {
                breaches.push(breach(source, line, &format!("`{name}` does not say what it is")));
            }
        }
    }
    breaches
}

/// Names every place of a text where a word stands that has no place in the project.
pub fn foreign(path: &str, text: &str, words: &[&str]) -> Vec<String> {
    let mut breaches = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for word in words.iter().filter(|word| line.contains(**word)) {
            breaches.push(format!("{path}:{}: `{word}` is not of this project", at + 1));
        }
    }
    breaches
}
