//! The folders of `extra`: which, and the names of connectors that each is given.
//!
//! Takes maps such as `{folder: /etc/tagalong/extra/shop, names: [shop-*]}`, and the same in one text, as a
//! flag has it; gives folders, each once and in its order. Reading them is left to others.

use std::path::PathBuf;

use crate::model::finding::Finding;
use crate::model::folder::{ExtraFolder, Names};
use crate::model::rule::Rule;
use crate::settings::plain::Found;
use crate::settings::raw::RawSettings;
use crate::settings::shape::EXTRA_FOLDER;
use crate::yaml::decode;
use crate::yaml::tree::{Kind, Node};

const ITEM: &str = "an item of `extra`";
const NAMELESS: &str =
    "write one, or leave `names` out: the folder may then declare what nobody else has, and deletes nothing";

/// Checks the folders.
pub fn extra(raw: &RawSettings, found: Found<'_>) -> Vec<ExtraFolder> {
    let Some(node) = raw.get("extra") else { return Vec::new() };
    let Some(items) = decode::list("`extra`", node, found) else { return Vec::new() };
    let mut folders: Vec<ExtraFolder> = Vec::new();
    for item in items {
        match read(item, found) {
            Some(folder) if folders.iter().any(|known| known.path == folder.path) => {
                let message = format!("`extra` names the folder {} twice", folder.path.display());
                found.push(wrong(item, message).hint("keep one of them"));
            }
            Some(folder) => folders.push(folder),
            None => {}
        }
    }
    folders
}

fn read(item: &Node, found: Found<'_>) -> Option<ExtraFolder> {
    let (folder, hint) = match &item.kind {
        Kind::Scalar(text) => (folder(text.as_str()), "write FOLDER, or FOLDER=NAME:NAME"),
        Kind::Mapping(_) => (of_map(item, found)?, "write `{folder: FOLDER, names: [NAME, NAME]}`"),
        Kind::Empty | Kind::Null | Kind::Sequence(_) | Kind::Refused => {
            found.extend(decode::wrong_type(ITEM, "a folder", item));
            return None;
        }
    };
    folder.map_err(|why| found.push(wrong(item, format!("`extra` {why}")).hint(hint))).ok()
}

fn of_map(node: &Node, found: Found<'_>) -> Option<Result<ExtraFolder, &'static str>> {
    let fields = decode::fields(ITEM, node, &EXTRA_FOLDER, found)?;
    let names = match fields.set("names") {
        Some(node) => {
            let names = decode::texts("`names`", node, found)?;
            if names.is_empty() {
                found.push(wrong(node, "`names` gives the folder none".to_owned()).hint(NAMELESS));
                return None;
            }
            names
        }
        None => Vec::new(),
    };
    let Some(path) = fields.get("folder") else {
        if !fields.is_there("folder") {
            let finding = Finding::new(Rule::MissingKey, node.place.clone(), format!("{ITEM} has no folder"));
            found.push(finding.hint("add `folder: /etc/tagalong/extra/NAME`"));
        }
        return None;
    };
    let path = decode::text("`folder`", path, found)?;
    Some(checked(path.as_str(), names.iter().map(|name| name.as_str().to_owned()).collect()))
}

/// Reads one folder with its names, as a flag has it; says what is wrong with it.
pub fn folder(text: &str) -> Result<ExtraFolder, &'static str> {
    // A comma would part the items of a list in YAML. No connector's name has a `/` in it, so a `=` before one is part of a path.
    match text.rsplit_once('=').filter(|(_, names)| !names.contains('/')) {
        Some((path, names)) => {
            checked(path, names.split(':').map(str::trim).map(ToOwned::to_owned).collect())
        }
        None => checked(text, Vec::new()),
    }
}

fn checked(path: &str, names: Vec<String>) -> Result<ExtraFolder, &'static str> {
    let path = if path == "/" { "/" } else { path.trim_end_matches('/') };
    if path.is_empty() {
        Err("names a folder without a name")
    } else if names.iter().any(String::is_empty) {
        Err("gives a folder a name without a letter")
    } else {
        Ok(ExtraFolder { path: PathBuf::from(path), names: Names(names) })
    }
}

fn wrong(item: &Node, message: String) -> Finding {
    Finding::new(Rule::WrongValue, item.place.clone(), message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::checked::Settings;
    use crate::settings::tests::{good, read};

    fn shown(settings: &Settings) -> Vec<String> {
        let shown = |folder: &ExtraFolder| format!("{} {}", folder.path.display(), folder.names.0.join(" "));
        settings.extra.iter().map(|folder| shown(folder).trim_end().to_owned()).collect()
    }

    #[test]
    fn folders_keep_their_order_and_the_later_source_takes_their_place() {
        let file = "extra: [/etc/b/, /etc/a]\n";
        assert_eq!(shown(&good(file, &[], &[])), ["/etc/b", "/etc/a"]);
        assert_eq!(shown(&good(file, &[("TAGALONG_EXTRA", "[x, y]")], &[])), ["x", "y"]);
        let flags = [("extra", "one"), ("extra", "two=shop-*:till")];
        assert_eq!(shown(&good(file, &[], &flags)), ["one", "two shop-* till"]);
    }

    #[test]
    fn a_map_says_what_a_text_is_short_for() {
        let list = "[{folder: /etc/a/, names: [shop-*, till]}, {folder: b=c}, d, 'e=f:g']";
        let same = ["/etc/a shop-* till", "b=c", "d", "e f g"];
        assert_eq!(shown(&good(&format!("extra: {list}\n"), &[], &[])), same);
        assert_eq!(shown(&good("", &[("TAGALONG_EXTRA", list)], &[])), same);
    }

    #[test]
    fn what_is_wrong_with_a_folder_is_told_at_its_item() {
        let map = "write `{folder: FOLDER, names: [NAME, NAME]}`";
        for (list, told) in [
            (
                "/etc/a",
                "8: `extra` takes a list, and here is a text (write a list, as in `extra: [/etc/tagalong/extra/shop]`)".to_owned(),
            ),
            ("[a, a/]", "12: `extra` names the folder a twice (keep one of them)".to_owned()),
            ("[a, {folder: a}]", "12: `extra` names the folder a twice (keep one of them)".to_owned()),
            ("[[a]]", "9: an item of `extra` takes a folder, and here is a list (write a folder)".to_owned()),
            (
                "['a=']",
                "9: `extra` gives a folder a name without a letter (write FOLDER, or FOLDER=NAME:NAME)"
                    .to_owned(),
            ),
            (
                "[{folder: a, names: ['']}]",
                format!("9: `extra` gives a folder a name without a letter ({map})"),
            ),
            ("[{folder: a, names: []}]", format!("28: `names` gives the folder none ({NAMELESS})")),
            ("[{folder: '/'}, {folder: ''}]", format!("24: `extra` names a folder without a name ({map})")),
            (
                "[{names: [a]}]",
                "9: an item of `extra` has no folder (add `folder: /etc/tagalong/extra/NAME`)".to_owned(),
            ),
            (
                "[{folder: a, name: [b]}]",
                "21: an item of `extra` has no key `name` (did you mean `names`?)".to_owned(),
            ),
            (
                "[{folder: a, names: b}]",
                "28: `names` takes a list, and here is a text (write a list)".to_owned(),
            ),
        ] {
            let (settings, said) = read(&format!("extra: {list}\n"), &[], &[]);
            assert!(settings.is_none(), "{list}");
            assert_eq!(said, [format!("settings.yaml:1:{told}")], "{list}");
        }
    }

    #[test]
    fn the_names_of_a_folder_stand_behind_it() {
        for (text, path, names) in [
            ("/a", "/a", &[][..]),
            ("/", "/", &[]),
            ("./a/", "./a", &[]),
            ("/a/=shop-*: till", "/a", &["shop-*", "till"]),
            ("/env=x/shop", "/env=x/shop", &[]),
            ("/env=x/shop=a", "/env=x/shop", &["a"]),
        ] {
            let names = Names(names.iter().map(|&name| name.to_owned()).collect());
            assert_eq!(folder(text), Ok(ExtraFolder { path: PathBuf::from(path), names }), "{text}");
        }
        for text in ["", "=a", "//=a"] {
            assert_eq!(folder(text), Err("names a folder without a name"), "{text}");
        }
        for text in ["/a=", "/a=b:", "/a=b::c"] {
            assert_eq!(folder(text), Err("gives a folder a name without a letter"), "{text}");
        }
    }
}
