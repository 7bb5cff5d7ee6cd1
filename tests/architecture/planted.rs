//! Shows each rule a source that breaks it, and one beside it that does not.
//!
//! A rule counts only because it was seen to fail; here it is seen again at every run.

use std::collections::BTreeMap;

use crate::rules;
use crate::source::Source;

fn plant(files: &[(&str, &str)]) -> Vec<Source> {
    files.iter().map(|(path, text)| Source::new(path, text)).collect()
}

#[test]
fn an_arrow_that_is_not_in_the_table_is_seen() {
    let table: &[rules::Floor] =
        &[("main", 2, &["cli"]), ("cli", 1, &["repo::options"]), ("repo", 0, &[]), ("view", 0, &[])];
    let sources = plant(&[
        ("cli/mod.rs", "use crate::{repo::options::Limits, view::human};\nuse crate::cli::run;"),
        ("main.rs", "fn main() { tagalong::cli::run(); tagalong::view::human::plan(); }"),
        ("repo/git.rs", "use std::fmt;\nfn f() -> crate::view::Text { g() }"),
        ("view/mod.rs", "#[cfg(test)]\nmod tests { use crate::repo::git; }"),
        ("extra.rs", ""),
    ]);
    assert_eq!(
        rules::floors(&sources, table),
        [
            "src/cli/mod.rs:1: `cli` must not import `crate::view::human`",
            "src/main.rs:1: `main` must not import `tagalong::view::human::plan`",
            "src/repo/git.rs:2: `repo` must not import `crate::view::Text`",
            "src/extra.rs:1: the room `extra` is not in the table of floors",
        ]
    );
    let single = plant(&[("cli/mod.rs", "use crate::repo::git::Fetch;")]);
    assert_eq!(rules::floors(&single, table).len(), 1, "only the module that is named, not the whole room");
}

#[test]
fn a_table_that_points_upward_is_seen() {
    let table: &[rules::Floor] = &[("a", 1, &["b", "c::options"]), ("b", 1, &[]), ("c", 0, &["d"])];
    assert_eq!(
        rules::downward(table),
        ["`a` to `b` does not point downward", "`c` may import `d`, which is no room"]
    );
}

#[test]
fn a_file_that_imports_its_own_folder_is_seen() {
    let sources = plant(&[
        ("repo/mod.rs", "use crate::repo::git::Fetch;\npub struct Repo;"),
        ("repo/git.rs", "use crate::repo::Repo;\nuse crate::repo::error::Error;"),
        ("repo/error.rs", "pub enum Error {}"),
    ]);
    assert_eq!(
        rules::folders(&sources),
        ["src/repo/git.rs:1: `crate::repo::Repo` is of its own folder's mod.rs"]
    );
}

#[test]
fn a_ring_of_siblings_is_seen() {
    let sources = plant(&[
        ("repo/mod.rs", "use crate::repo::git;"),
        ("repo/git.rs", "use crate::repo::wire::Line;"),
        ("repo/wire.rs", "fn f() -> crate::repo::auth::Token { g() }"),
        ("repo/auth.rs", "use crate::repo::{git::Fetch, error::Error};"),
        ("repo/error.rs", ""),
    ]);
    assert_eq!(
        rules::folders(&sources),
        [
            "src/repo: `auth` imports itself through its siblings",
            "src/repo: `git` imports itself through its siblings",
            "src/repo: `wire` imports itself through its siblings",
        ]
    );
}

#[test]
fn a_ring_between_folders_of_a_room_is_seen() {
    let sources = plant(&[
        ("repo/http/mod.rs", ""),
        ("repo/http/a.rs", "use crate::repo::git::b::B;"),
        ("repo/git/mod.rs", ""),
        ("repo/git/b.rs", "use crate::repo::http::a::A;"),
    ]);
    assert_eq!(rules::folders(&sources).len(), 2);
}

#[test]
fn a_pure_room_that_looks_or_tells_the_time_is_seen() {
    let paths: &[&[&str]] = &[&["std", "fs"], &["tokio"], &["Instant"]];
    for text in [
        "use std::{fmt, fs::File};",
        "fn f() { std::fs::read(x) }",
        "use tokio::time;",
        "async fn f() {}",
        "fn f() { g().await }",
        "fn f() { jiff::Timestamp::now() }",
        "use jiff::Timestamp;\nfn f() { Timestamp::now() }",
        "fn f() { Instant::elapsed(x) }",
    ] {
        let planted = plant(&[("pipeline/plan.rs", text)]);
        assert_eq!(rules::pure(&planted, &["pipeline"], paths).len(), 1, "{text}");
        assert!(rules::pure(&planted, &["view"], paths).is_empty(), "another room may: {text}");
    }
    let clean = "/// Never `std::fs::read`, never Timestamp::now().\nfn now(now: Timestamp) { \"tokio::x\"; now }\n\
                 #[cfg(test)]\nmod tests { fn f() { std::fs::read(x) } }";
    assert!(rules::pure(&plant(&[("pipeline/plan.rs", clean)]), &["pipeline"], paths).is_empty());
}

#[test]
fn a_library_outside_its_room_is_seen() {
    let sources = plant(&[
        ("repo/git.rs", "use git2::Oid;"),
        ("reconcile/cycle.rs", "fn f(id: git2::Oid) {}"),
        ("metrics.rs", "use git2 as libgit2;"),
    ]);
    assert_eq!(
        rules::kept(&sources, &[("git2", &["repo"])]),
        ["src/reconcile/cycle.rs:1: `git2::Oid` is kept in repo", "src/metrics.rs:1: `git2` is kept in repo",]
    );
}

#[test]
fn a_print_outside_the_command_line_is_seen() {
    for text in ["fn f() { println!(\"x\") }", "fn f() { eprint!(\"x\") }", "fn f() { std::io::stderr() }"] {
        let sources = plant(&[("repo/git.rs", text), ("cli/run.rs", text)]);
        assert_eq!(rules::prints(&sources, &["cli"]).len(), 1, "{text}");
    }
    let piped = plant(&[("repo/ssh.rs", "fn f() { command.stdout(Stdio::piped()) }")]);
    assert!(rules::prints(&piped, &["cli"]).is_empty());
}

#[test]
fn unsafe_outside_its_room_is_seen() {
    let text = "fn f() { unsafe { g() } }";
    let sources = plant(&[("repo/process.rs", text), ("repo/git.rs", text)]);
    assert_eq!(
        rules::unsafety(&sources, "repo/process.rs"),
        ["src/repo/git.rs:1: `unsafe` outside src/repo/process.rs"]
    );
    let silenced = plant(&[("view/mod.rs", "#[expect(unsafe_code, reason = \"x\")]\nfn f() {}")]);
    assert_eq!(rules::unsafety(&silenced, "repo/process.rs").len(), 1);
}

#[test]
fn a_new_place_that_exposes_a_secret_is_seen() {
    let wire = ("connect/wire.rs", "fn f() { a.expose(); b.map(Value::expose) }");
    assert!(rules::exposed(&plant(&[wire]), &[("connect/wire.rs", 2)]).is_empty());
    assert_eq!(
        rules::exposed(
            &plant(&[wire, ("view/human.rs", "fn f() { a\n.expose() }")]),
            &[("connect/wire.rs", 1)]
        ),
        [
            "src/connect/wire.rs: exposes 2 times, 1 are known",
            "src/view/human.rs: exposes 1 times, 0 are known",
        ]
    );
    assert_eq!(
        rules::exposed(&[], &[("connect/wire.rs", 2)]),
        ["src/connect/wire.rs: exposes 0 times, 2 are known"],
        "a table that is no longer true is wrong as well"
    );
}

#[test]
fn an_import_that_hides_its_owner_is_seen() {
    for text in [
        "use crate::model::plan::*;",
        "use crate::model::{name, plan::{self, *}};",
        "use super::error::Error;",
        "fn f() { super::g() }",
        "pub use crate::model::plan::Plan;",
        "pub(crate) use crate::model::plan::Plan;",
    ] {
        assert_eq!(rules::owners(&plant(&[("view/human.rs", text)])).len(), 1, "{text}");
    }
    let clean = "use crate::model::plan::{self, Plan};\npub(super) fn f(self) { Self::g(self::f(2 * 3)) }\n\
                 #[cfg(test)]\nmod tests { use super::*; }";
    assert_eq!(rules::owners(&plant(&[("view/human.rs", clean)])), [""; 0]);
}

#[test]
fn a_forgotten_file_is_seen() {
    let files = |list: &[(&str, &str)]| -> BTreeMap<_, _> {
        list.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    };
    let whole = [("main.rs", "mod cycle;\nmod real;"), ("cycle.rs", ""), ("real/mod.rs", "mod story;")];
    let mut all = files(&whole);
    all.insert("real/story.rs".to_owned(), String::new());
    assert!(rules::forgotten("main.rs", &all).is_empty());
    all.insert("daemon.rs".to_owned(), String::new());
    all.insert("real/contract.rs".to_owned(), String::new());
    all.insert("lost/case.rs".to_owned(), String::new());
    assert_eq!(
        rules::forgotten("main.rs", &all),
        [
            "daemon.rs: no `mod daemon;` in main.rs",
            "lost/case.rs: no `mod case;` in lost/mod.rs",
            "real/contract.rs: no `mod contract;` in real/mod.rs",
        ]
    );
    let commented = files(&[("main.rs", "// mod cycle;"), ("cycle.rs", "")]);
    assert_eq!(rules::forgotten("main.rs", &commented).len(), 1, "a comment brings nothing in");
}

#[test]
fn a_file_of_two_rooms_and_a_file_that_says_nothing_are_seen() {
    let long = format!("//! Doc.\n{}", "fn f() {}\n".repeat(3));
    assert_eq!(
        rules::rooms(&plant(&[("a.rs", &long), ("b.rs", "fn f() {}")]), "src", 3),
        [
            "src/a.rs:3: 4 lines are two rooms",
            "src/b.rs:1: does not open with `//!`: what it takes, gives and leaves",
        ]
    );
}

#[test]
fn a_name_that_says_nothing_is_seen() {
    let sources = plant(&[("repo/utils.rs", "struct FetchManager;\nfn error_handler() {}\nstruct Fetch;")]);
    assert_eq!(rules::names(&sources, &["manager", "handler", "utils"]).len(), 3);
}

#[test]
fn a_word_of_one_machine_is_seen() {
    let found = rules::foreign("docs/a.md", "fine\nsee /srv/secret/x", &["/srv/secret/"]);
    assert_eq!(found, ["docs/a.md:2: `/srv/secret/` is not of this project"]);
}
