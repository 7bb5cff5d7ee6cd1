//! The folders of `extra`: which, and the names of connectors that each is given.
//!
//! Takes texts such as `/etc/tagalong/extra/shop=shop-*`, gives folders, each once and in its order.
//! Reading them is left to others.

use std::path::PathBuf;

use crate::model::folder::{ExtraFolder, Names};
use crate::settings::plain::{Found, texts, wrong};
use crate::settings::raw::RawSettings;

const KEY: &str = "extra";

/// Checks the folders.
pub fn extra(raw: &RawSettings, found: Found<'_>) -> Vec<ExtraFolder> {
    let mut folders: Vec<ExtraFolder> = Vec::new();
    for text in texts(raw, KEY, found) {
        match folder(&text) {
            Err(why) => found.push(wrong(raw, KEY, why).hint("write FOLDER, or FOLDER=NAME:NAME")),
            Ok(folder) if folders.iter().any(|known| known.path == folder.path) => {
                let why = format!("names the folder {} twice", folder.path.display());
                found.push(wrong(raw, KEY, &why).hint("keep one of them"));
            }
            Ok(folder) => folders.push(folder),
        }
    }
    folders
}

/// Reads one folder with its names; says what is wrong with it.
pub fn folder(text: &str) -> Result<ExtraFolder, &'static str> {
    // A comma would part the items of a list in YAML. No connector's name has a `/` in it, so a `=` before one is part of a path.
    let (path, names) = match text.rsplit_once('=').filter(|(_, names)| !names.contains('/')) {
        Some((path, names)) => (path, names.split(':').map(str::trim).map(ToOwned::to_owned).collect()),
        None => (text, Vec::new()),
    };
    let path = if path == "/" { "/" } else { path.trim_end_matches('/') };
    if path.is_empty() {
        Err("names a folder without a name")
    } else if names.iter().any(String::is_empty) {
        Err("gives a folder a name without a letter")
    } else {
        Ok(ExtraFolder { path: PathBuf::from(path), names: Names(names) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
