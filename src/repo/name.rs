//! Which names a ref can have.
//!
//! Takes a full name, says whether git would take it; the rules are those of `git check-ref-format`.
//! Whether there is such a ref is left to others.

use crate::model::character::is_unprintable;

/// Whether git takes it for the full name of a ref, as in `refs/tags/v1`.
pub fn is_of_a_ref(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            // What git calls its locks.
            && !part.strip_suffix("lock").is_some_and(|stem| stem.ends_with('.'))
    };
    let is_foreign = |c: char| is_unprintable(c) || " ~^:?*[\\".contains(c);
    name.split('/').count() > 1
        && name.split('/').all(is_part)
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(is_foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_git_takes() {
        for name in
            ["refs/tags/v1", "refs/tags/v1.0.0-rc.1+b", "refs/heads/a/b", "refs/tags/ä@", "refs/tags/-x"]
        {
            assert!(is_of_a_ref(name), "{name}");
        }
        for name in [
            "v1",
            "refs/tags/",
            "refs//v1",
            "refs/tags/.v1",
            "refs/tags/v1.lock",
            "refs/tags/v1.",
            "refs/tags/v..1",
            "refs/tags/v 1",
            "refs/tags/v1^",
            "refs/tags/v~1",
            "refs/tags/a:b",
            "refs/tags/*",
            "refs/tags/[v1",
            "refs/tags/v\\1",
            "refs/tags/v@{1",
            "refs/tags/v\n1",
            "refs/tags/v?",
        ] {
            assert!(!is_of_a_ref(name), "{name}");
        }
    }
}
