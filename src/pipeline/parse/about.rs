//! Reads `tagalong.yaml`: what a repository says of itself.

use semver::{BuildMetadata, Prerelease, Version, VersionReq};

use crate::model::definition::About;
use crate::model::finding::Finding;
use crate::model::rule::Rule;
use crate::model::shape::{Field, Shape, Takes};
use crate::model::text::Text;
use crate::pipeline::parse::{imports, lints, tree};
use crate::yaml::decode::{self, Fields};
use crate::yaml::tree::{Document, Kind, Node};

/// What `tagalong.yaml` may say.
pub static ABOUT: Shape = Shape::new(
    "What a repository of definitions says of itself.",
    &[
        Field::new("version", Takes::Word(&["1"]), "The version of the format.").default("1"),
        Field::new(
            "requires",
            Takes::Literal,
            "The versions of tagalong that understand this repository, such as `>=0.3`. Any other keeps what it has.",
        ),
        Field::new(
            "imports",
            Takes::List(&Takes::Fields(&imports::IMPORT)),
            "Repositories of templates, each followed at a ref of its own.",
        ),
        Field::new(
            "config_providers",
            Takes::List(&Takes::Text),
            "The aliases of Connect's config providers that placeholders may use, such as `file`. Without it any may.",
        ),
        Field::new("lints", lints::SEVERITIES_TAKES, "How much a lint weighs here, by its name."),
        Field::new(
            "allow",
            lints::ALLOW_TAKES,
            "Lints that are silenced in the whole repository, each with the reason.",
        ),
    ],
);

/// This agent's version.
const AGENT: &str = env!("CARGO_PKG_VERSION");

/// Reads what stands there; what cannot be read is as if nobody had said it, but for the imports.
pub fn about(document: &Document, findings: &mut Vec<Finding>) -> About {
    let mut about = About { imports_lost: !document.whole, ..About::default() };
    let Some(fields) = fields(&document.root, findings) else {
        about.imports_lost |= !matches!(document.root.kind, Kind::Empty);
        return about;
    };
    about.requires = requires(&fields, findings);
    if let Some(list) = fields.get("imports") {
        let (imports, lost) = imports::imports(list, findings);
        about.imports = imports;
        about.imports_lost |= lost;
    }
    if let Some(list) = fields.get("config_providers") {
        about.config_providers = decode::texts("`config_providers`", list, findings);
        tree::repeated(about.config_providers.as_deref().unwrap_or_default(), findings);
    }
    about.lints = lints::severities(&fields, findings);
    about.allow = lints::allow(&fields, findings);
    about
}

/// Reads the `tagalong.yaml` of an import: what concerns the agent counts, what concerns connectors is
/// said by the repository that has them.
pub fn of_import(document: &Document, findings: &mut Vec<Finding>) {
    let Some(fields) = fields(&document.root, findings) else { return };
    requires(&fields, findings);
    if let Some(entry) = fields.entry("imports") {
        let message = "imports of an import are not followed";
        let finding = Finding::new(Rule::ImportIgnored, entry.key.place.clone(), message);
        findings.push(finding.hint("import them in the `tagalong.yaml` of the connectors' own repository"));
    }
}

fn fields<'n>(root: &'n Node, findings: &mut Vec<Finding>) -> Option<Fields<'n>> {
    if matches!(root.kind, Kind::Empty) {
        return None;
    }
    let fields = decode::fields("tagalong.yaml", root, &ABOUT, findings)?;
    if let Some(version) = fields.get("version") {
        decode::choice("`version`", version, &[("1", ())], findings);
    }
    Some(fields)
}

fn requires(fields: &Fields<'_>, findings: &mut Vec<Finding>) -> Option<Text> {
    let requires = tree::optional(fields, "requires", findings)?;
    findings.extend(unmet(&requires, AGENT));
    Some(requires)
}

/// Says that a version of the agent is outside a range, or that there is no such range.
///
/// A build on the way to a version counts as that version: it knows the words that the version brings.
fn unmet(requires: &Text, agent: &str) -> Option<Finding> {
    let Ok(range) = VersionReq::parse(requires.as_str()) else {
        let message = "`requires` is no range of versions";
        let finding = Finding::new(Rule::WrongValue, requires.place.clone(), message);
        return Some(finding.hint("write it like `\">=0.3\"` or `\">=0.3, <2\"`"));
    };
    let ours = Version::parse(agent).expect("a package has a version");
    let release = Version { pre: Prerelease::EMPTY, build: BuildMetadata::EMPTY, ..ours.clone() };
    if range.matches(&ours) || range.matches(&release) {
        return None;
    }
    let message =
        format!("the repository requires tagalong {}, and this is tagalong {agent}", requires.as_str());
    Some(Finding::new(Rule::AgentVersion, requires.place.clone(), message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Place;

    fn said(range: &str, agent: &str) -> Option<Rule> {
        let requires = Text::plain(range, Place::start_of("tagalong.yaml"));
        unmet(&requires, agent).map(|finding| finding.rule)
    }

    #[test]
    fn a_range_holds_every_version_inside_it_and_no_other() {
        for (range, agent) in [
            (">=0.3", "0.3.0"),
            (">=0.3", "1.0.0"),
            (">=0.3, <2", "1.9.9"),
            ("0.3", "0.3.7"),
            ("^1.4", "1.4.0"),
            ("*", "0.1.0"),
        ] {
            assert_eq!(said(range, agent), None, "{range} {agent}");
        }
        for (range, agent) in
            [(">=0.3", "0.2.9"), (">=0.3, <2", "2.0.0"), ("0.3", "0.4.0"), ("^1.4", "1.3.9")]
        {
            assert_eq!(said(range, agent), Some(Rule::AgentVersion), "{range} {agent}");
        }
    }

    #[test]
    fn a_build_on_the_way_to_a_version_counts_as_that_version() {
        assert_eq!(said(">=0.3", "0.3.0-rc.1"), None);
        assert_eq!(said(">=0.3", "0.4.0-dev+4f1c9e2"), None);
        assert_eq!(said(">=0.3.0-rc.2", "0.3.0-rc.3"), None);
        assert_eq!(said(">=0.4", "0.3.0-rc.1"), Some(Rule::AgentVersion));
    }

    #[test]
    fn what_is_no_range_is_told() {
        for range in ["", "new", ">=", "0.3 or newer", "v0.3"] {
            assert_eq!(said(range, "0.3.0"), Some(Rule::WrongValue), "{range:?}");
        }
    }
}
