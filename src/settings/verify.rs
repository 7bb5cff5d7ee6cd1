//! Whose signatures are asked for: said here, and never by a repository.
//!
//! Takes raw settings, gives what is asked of the main repository and of each that it imports. What
//! nobody speaks of is asked for what the main repository is asked for.

use std::path::PathBuf;

use crate::model::finding::Finding;
use crate::model::revision::Reference;
use crate::model::rule::Rule;
use crate::model::signature::What;
use crate::model::text::Text;
use crate::model::version::Follow;
use crate::repo::options::{ImportVerification, Verification};
use crate::settings::plain::{Found, path, word, wrong};
use crate::settings::raw::RawSettings;
use crate::settings::shape::IMPORT_VERIFY;
use crate::yaml::decode;
use crate::yaml::tree::Node;

const WHAT: &str = "repository.git.verify.what";
const FILE: &str = "repository.git.verify.allowed_signers_file";

/// What is asked of the main repository, and so of each that it imports.
pub fn verify(raw: &RawSettings, found: Found<'_>) -> Option<Verification> {
    let what = word(raw, WHAT, found).and_then(|word| What::ALL.into_iter().find(|what| what.name() == word));
    let Some(allowed_signers_file) = path(raw, FILE, found) else {
        if raw.get(WHAT).is_some() {
            let finding = wrong(raw, WHAT, "asks for signatures, and nobody may sign");
            found.push(finding.hint(format!("add `{FILE}`")));
        }
        return None;
    };
    Some(Verification { what: what?, allowed_signers_file })
}

/// Says so where what is asked for can never be there: a tag's signature, and no tag is followed.
pub fn of_followed(raw: &RawSettings, verify: &Verification, follow: &Follow, found: Found<'_>) {
    let followed = match follow {
        Follow::One(Reference::Tag(_)) | Follow::Highest(_) => return,
        Follow::One(Reference::Branch(_)) => "a branch",
        Follow::One(Reference::Commit(_)) => "a commit",
    };
    if verify.what.needs_tag() {
        let why = format!("asks for the signature of a tag, and {followed} is followed");
        let mut finding = wrong(raw, FILE, &why);
        if raw.get(WHAT).is_some() {
            finding = wrong(raw, WHAT, &why);
        }
        found.push(finding.hint(format!("follow a tag, or set `{WHAT}` to `commit`")));
    }
}

/// What is asked of single repositories that are imported, by their addresses.
pub fn imports(raw: &RawSettings, main: Option<&Verification>, found: Found<'_>) -> Vec<ImportVerification> {
    let Some(node) = raw.get("import_verify") else { return Vec::new() };
    let Some(items) = decode::list("`import_verify`", node, found) else { return Vec::new() };
    items.iter().filter_map(|item| import(item, main, found)).collect()
}

fn import(node: &Node, main: Option<&Verification>, found: Found<'_>) -> Option<ImportVerification> {
    let fields = decode::fields("an entry of `import_verify`", node, &IMPORT_VERIFY, found)?;
    let mut said = |key: &str| decode::text(&format!("`{key}`"), fields.set(key)?, found);
    let (git, what, file) = (said("git"), said("what"), said("allowed_signers_file"));
    let missing = |what: &str| Finding::new(Rule::MissingKey, node.place.clone(), what.to_owned());
    let Some(git) = git else {
        let finding = missing("an entry of `import_verify` names no repository");
        found.push(finding.hint("add `git: …`, the address that `tagalong.yaml` imports from"));
        return None;
    };
    let git = git.as_str().to_owned();
    let what = match what.as_ref().map(Text::as_str) {
        Some("none") => return Some(ImportVerification { git, verify: None }),
        None => What::Tag,
        Some(word) => {
            let known = What::ALL.into_iter().find(|what| what.name() == word);
            if known.is_none() {
                let names = What::ALL.map(What::name).join(", ");
                let place = what.map_or_else(|| node.place.clone(), |what| what.place);
                let finding = Finding::new(Rule::WrongValue, place, "`what` is no word that is known here");
                found.push(finding.hint(format!("the words are {names}, none")));
            }
            known?
        }
    };
    let file = file.map(|file| PathBuf::from(file.as_str()));
    let Some(allowed_signers_file) = file.or_else(|| Some(main?.allowed_signers_file.clone())) else {
        let finding = missing("an entry of `import_verify` asks for signatures, and nobody may sign");
        found.push(finding.hint("add `allowed_signers_file: …`"));
        return None;
    };
    Some(ImportVerification { git, verify: Some(Verification { what, allowed_signers_file }) })
}
