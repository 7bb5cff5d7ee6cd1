//! Whose signatures are asked for: said here, and never by a repository.
//!
//! Takes raw settings, gives what is asked of the main repository and of each that it imports. What
//! nobody speaks of is asked for what the main repository is asked for.

use std::path::PathBuf;

use crate::model::finding::Finding;
use crate::model::revision::Reference;
use crate::model::rule::Rule;
use crate::model::signature::{OPENPGP, What};
use crate::model::text::Text;
use crate::model::version::Follow;
use crate::repo::options::{ImportVerification, Verification};
use crate::settings::plain::{Found, path, word, wrong};
use crate::settings::raw::RawSettings;
use crate::settings::shape::IMPORT_VERIFY;
use crate::yaml::decode;
use crate::yaml::tree::Node;

const WHAT: &str = "repository.git.verify.what";
const SIGNERS: &str = "repository.git.verify.allowed_signers_file";
const OPENPGP_KEYS: &str = "repository.git.verify.openpgp_keys_file";

const NOT_BUILT: &str = "names OpenPGP keys, and this build knows only SSH signatures";
const BUILD: &str = "build with `--features openpgp`, or sign with SSH and name `allowed_signers_file`";

/// What is asked of the main repository, and so of each that it imports.
pub fn verify(raw: &RawSettings, found: Found<'_>) -> Option<Verification> {
    let what = word(raw, WHAT, found).and_then(|word| What::ALL.into_iter().find(|what| what.name() == word));
    let (allowed_signers_file, openpgp_keys_file) =
        (path(raw, SIGNERS, found), path(raw, OPENPGP_KEYS, found));
    if openpgp_keys_file.is_some() && !OPENPGP {
        found.push(wrong(raw, OPENPGP_KEYS, NOT_BUILT).hint(BUILD));
        return None;
    }
    if allowed_signers_file.is_none() && openpgp_keys_file.is_none() {
        if raw.get(WHAT).is_some() {
            let finding = wrong(raw, WHAT, "asks for signatures, and nobody may sign");
            found.push(finding.hint(format!("add `{SIGNERS}`")));
        }
        return None;
    }
    Some(Verification { what: what?, allowed_signers_file, openpgp_keys_file })
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
        let said = [WHAT, SIGNERS].into_iter().find(|key| raw.get(key).is_some());
        let finding = wrong(raw, said.unwrap_or(OPENPGP_KEYS), &why);
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
    let (git, what) = (said("git"), said("what"));
    let (signers, keys) = (said("allowed_signers_file"), said("openpgp_keys_file"));
    if let Some(keys) = keys.as_ref().filter(|_| !OPENPGP) {
        let said = format!("`openpgp_keys_file` {NOT_BUILT}");
        found.push(Finding::new(Rule::WrongValue, keys.place.clone(), said).hint(BUILD));
        return None;
    }
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
    let file = |text: Option<Text>| text.map(|text| PathBuf::from(text.as_str()));
    let own = Verification { what, allowed_signers_file: file(signers), openpgp_keys_file: file(keys) };
    if own.files().next().is_some() {
        return Some(ImportVerification { git, verify: Some(own) });
    }
    let Some(main) = main else {
        let finding = missing("an entry of `import_verify` asks for signatures, and nobody may sign");
        found.push(finding.hint("add `allowed_signers_file: …`"));
        return None;
    };
    Some(ImportVerification { git, verify: Some(Verification { what, ..main.clone() }) })
}
