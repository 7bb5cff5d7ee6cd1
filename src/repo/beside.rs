//! What is not read and looks as if it should be.
//!
//! Takes names and texts of files that are no definition files, says which of them somebody may take for
//! one. Reading them is left to `collect`.

use crate::model::finding::{Finding, Place};
use crate::model::rule::{Rule, Severity};

/// The file in which a repository speaks of itself.
pub const SETTINGS: &str = "tagalong.yaml";
/// The folder of the connectors.
pub const CONNECTORS: &str = "connectors";
/// The folder of the templates.
pub const TEMPLATES: &str = "templates";
/// The folder of the environments.
pub const ENVIRONMENTS: &str = "environments";
/// All three folders.
pub const FOLDERS: [&str; 3] = [TEMPLATES, CONNECTORS, ENVIRONMENTS];

/// What the name of a file ends in that somebody put aside, or that is a text about definitions.
const ASIDE: &[&str] = &[
    "adoc", "backup", "bak", "disabled", "dist", "example", "j2", "md", "off", "old", "orig", "rej", "rst",
    "sample", "swp", "tmpl", "tpl",
];

/// Says of what lies beside the three folders that it is not read, where its name looks as if it should be.
pub fn finding(name: &str, is_file: bool, has_settings: bool) -> Option<Finding> {
    let told = |message: &str| Finding::new(Rule::BesideFolders, Place::start_of(name), message);
    let (stem, ending) = if is_file { name.rsplit_once('.').unwrap_or((name, "")) } else { (name, "") };
    let stem = stem.to_ascii_lowercase();
    if stem == "tagalong" && matches!(ending, "yml" | "yaml") && !has_settings {
        let finding = told(
            "the file is not read under this name, so neither its imports nor anything else in it holds",
        );
        let finding = finding.hint(format!("rename it to `{SETTINGS}`"));
        // What is imported is not known then, and a connector without its template is none.
        return Some(Finding { severity: Severity::Error, ..finding });
    }
    let is_near = |word: &&str| strsim::damerau_levenshtein(&stem, word) <= 2;
    let hint = match FOLDERS.iter().find(|word| is_near(word)) {
        Some(folder) if is_file => format!("move it into `{folder}/`"),
        Some(folder) => format!("did you mean `{folder}/`?"),
        None if is_file && is_near(&"tagalong") => format!("did you mean `{SETTINGS}`?"),
        None => return None,
    };
    Some(told("this looks like definitions, and nothing of it is read").hint(hint))
}

/// Whether a file's last ending says that it is kept and not meant.
pub fn is_put_aside(path: &str) -> bool {
    let ending = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    path.ends_with('~') || ASIDE.contains(&ending.as_str())
}

/// Whether `connector` is a key at the beginning of a line, and beside it one that a connector has.
pub fn declares_a_connector(text: &str) -> bool {
    let begins = |line: &str, key: &str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
    let has = |key: &str| text.lines().any(|line| begins(line, key));
    has("connector") && ["template", "config", "from"].iter().any(|key| has(key))
}
