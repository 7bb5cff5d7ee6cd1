//! Where the definitions came from, in words: the revision, which version it is, and who signed it.
//!
//! Takes a revision, gives lines for the head of a plan, or one phrase. What is not known is left out.

use crate::model::revision::{RepositoryRevision, Revision};
use crate::view::text::{line, put};

/// Adds which version each repository stands for, and who signed it.
pub(in crate::view) fn lines(out: &mut String, revision: &Revision) {
    let Revision { repositories, version_tags: _ } = revision;
    for one in repositories {
        let of = if one.repository.is_main() { String::new() } else { format!(" ({})", one.repository) };
        if let Some(version) = version(revision, one) {
            put(out, format_args!("Version      {}{of}", line(version)));
        }
        if let Some(verified) = one.at.verified() {
            put(out, format_args!("Signed by    {}{of}", line(&verified.to_string())));
        }
    }
}

/// The revision on one line: `v1 at 4f1c9e2 (v1.4.2, signed by ada@example.com), platform v2 at 8d2e1f0`.
pub(in crate::view) fn phrase(revision: &Revision) -> String {
    let Revision { repositories, version_tags: _ } = revision;
    let mut parts = Vec::new();
    for one in repositories {
        let RepositoryRevision { repository, at } = one;
        if repository.folder().is_some() {
            parts.push(repository.to_string());
            continue;
        }
        let version = version(revision, one).map(str::to_owned);
        let signed = at.verified().map(|verified| format!("signed by {verified}"));
        let notes: Vec<_> = version.into_iter().chain(signed).collect();
        let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
        let of = if repository.is_main() { String::new() } else { format!("{repository} ") };
        parts.push(format!("{of}{at}{notes}"));
    }
    line(&parts.join(", "))
}

/// The version of one repository, unless what was read is called so itself.
fn version<'r>(revision: &'r Revision, one: &RepositoryRevision) -> Option<&'r str> {
    let version = revision.version_tag(&one.repository)?;
    (one.at.tag() != Some(version)).then_some(version)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::revision::{At, RepositoryName};
    use crate::view::example;

    /// The example at a tag, with a version, signed.
    fn signed(tag: &str, version: &str) -> Revision {
        let mut revision = example::revision();
        if let At::Git { reference, verified, .. } = &mut revision.repositories[0].at {
            *reference = format!("refs/tags/{tag}").into();
            *verified = Some(Arc::new(example::verified()));
        }
        revision.version_tags.insert(RepositoryName::main(), version.into());
        revision
    }

    fn told(revision: &Revision) -> String {
        let mut out = String::new();
        lines(&mut out, revision);
        out
    }

    #[test]
    fn a_tag_that_moves_comes_with_its_version_and_its_signer() {
        let revision = signed("v1", "v1.4.2");
        assert_eq!(phrase(&revision), "v1 at 4f1c9e2 (v1.4.2, signed by ada@example.com)");
        assert_eq!(told(&revision), "Version      v1.4.2\nSigned by    ada@example.com\n");
    }

    #[test]
    fn what_is_not_known_is_left_out_and_a_version_is_not_said_twice() {
        let plain = example::revision();
        assert_eq!((phrase(&plain), told(&plain)), (plain.to_string(), String::new()));
        let revision = signed("v1.4.2", "v1.4.2");
        assert_eq!(phrase(&revision), "v1.4.2 at 4f1c9e2 (signed by ada@example.com)");
        assert_eq!(told(&revision), "Signed by    ada@example.com\n");
    }

    #[test]
    fn an_import_has_its_own_version_and_an_odd_name_disturbs_no_terminal() {
        let mut revision = example::revision();
        let platform = RepositoryName::import("platform").expect("a name");
        let mut import = revision.repositories[0].clone();
        import.repository = platform.clone();
        revision.repositories.push(import);
        revision.version_tags.insert(platform, "v2.0.1\u{202e}".into());
        assert_eq!(phrase(&revision), "v1 at 4f1c9e2, platform v1 at 4f1c9e2 (v2.0.1\\u{202e})");
        assert_eq!(told(&revision), "Version      v2.0.1\\u{202e} (platform)\n");
    }
}
