//! The settings that say what of a git repository is followed.
//!
//! Takes `repository.git.ref`, gives a ref or a range of versions, or says in a finding why not. Whether
//! the repository has it is found out by others.

use crate::model::finding::Finding;
use crate::model::revision::{ObjectId, Reference};
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::model::version::{Follow, Range};
use crate::settings::plain::{Found, flag, text, wrong};
use crate::settings::raw::RawSettings;

const TAG: &str = "repository.git.ref.tag";
const BRANCH: &str = "repository.git.ref.branch";
const COMMIT: &str = "repository.git.ref.commit";
const SEMVER: &str = "repository.git.ref.semver";
const PREFIX: &str = "repository.git.ref.prefix";
const ALLOW_DOWNGRADE: &str = "repository.git.ref.allow_downgrade";

/// Checks what is followed; `url` is where it is missed.
pub fn follow(raw: &RawSettings, url: &Text, found: Found<'_>) -> Option<Follow> {
    if let Some(range) = text(raw, SEMVER, found) {
        return highest(raw, &range, found);
    }
    for key in [PREFIX, ALLOW_DOWNGRADE] {
        if let Some(node) = raw.get(key) {
            let message = format!("`{key}` has no effect: no range of versions is followed");
            let finding = Finding::new(Rule::NoEffect, node.place.clone(), message);
            found.push(finding.hint("it belongs beside `repository.git.ref.semver`"));
        }
    }
    if let Some(tag) = text(raw, TAG, found) {
        return Some(Reference::Tag(tag.as_str().to_owned()).into());
    }
    if let Some(branch) = text(raw, BRANCH, found) {
        return Some(Reference::Branch(branch.as_str().to_owned()).into());
    }
    if let Some(commit) = text(raw, COMMIT, found) {
        let id = ObjectId::new(commit.as_str());
        if id.is_none() {
            let why = "is no full id of a commit: 40 hexadecimal digits";
            found.push(wrong(raw, COMMIT, why).hint("`git rev-parse COMMIT` prints it"));
        }
        return id.map(|id| Reference::Commit(id).into());
    }
    let message = "a git repository is named, and nothing of it to follow";
    let finding = Finding::new(Rule::MissingKey, url.place.clone(), message);
    found.push(finding.hint("add `repository.git.ref.tag`, or --tag, such as v1"));
    None
}

fn highest(raw: &RawSettings, range: &Text, found: Found<'_>) -> Option<Follow> {
    let prefix = text(raw, PREFIX, found);
    let prefix = prefix.as_ref().map_or("", |prefix| prefix.as_str());
    let allow_downgrade = flag(raw, ALLOW_DOWNGRADE, found);
    let range = Range::new(range.as_str(), prefix, allow_downgrade?);
    if range.is_none() {
        let hint =
            "write it like `^1.4`, `~1.4.2` or `>=1.4, <2`; no `v` in it, and a comma between two conditions";
        found.push(wrong(raw, SEMVER, "is no range of versions").hint(hint));
    }
    range.map(Follow::Highest)
}

#[cfg(test)]
mod tests {
    use crate::model::revision::Reference;
    use crate::model::version::{Follow, Range};
    use crate::settings::checked::Repository;
    use crate::settings::tests::read;

    fn settings(reference: &str, flags: &[(&'static str, &str)]) -> (Option<Follow>, Vec<String>) {
        let file = format!("repository:\n  git:\n    url: https://git.example.com/x\n    ref: {reference}\n");
        let (settings, said) = read(&file, &[], flags);
        let follow = settings.map(|settings| match settings.repository {
            Some(Repository::Git(git)) => git.follow,
            other => panic!("{other:?}"),
        });
        (follow, said)
    }

    #[test]
    fn a_range_has_a_prefix_and_says_whether_it_may_go_down() {
        let range = |prefix, down| Follow::Highest(Range::new("^1.4", prefix, down).expect("a range"));
        assert_eq!(settings("{semver: ^1.4}", &[]), (Some(range("", false)), vec![]));
        let all = "{semver: ^1.4, prefix: app/, allow_downgrade: true}";
        assert_eq!(settings(all, &[]), (Some(range("app/", true)), vec![]));
        let flag = [("repository.git.ref.semver", "^1.4")];
        assert_eq!(settings("{tag: v1}", &flag), (Some(range("", false)), vec![]));
    }

    #[test]
    fn what_is_no_range_is_told_and_what_belongs_to_one_is_a_warning_elsewhere() {
        for range in ["latest", "v1.4", ">=1.4 <2", "^1.4 || ^2"] {
            let (follow, said) = settings(&format!("{{semver: '{range}'}}"), &[]);
            assert_eq!(follow, None, "{range}");
            let expected =
                "settings.yaml:4:19: `repository.git.ref.semver` is no range of versions (write it like";
            assert!(said[0].starts_with(expected), "{range}: {said:?}");
        }
        let (follow, said) = settings("{tag: v1, prefix: v}", &[]);
        assert_eq!(follow, Some(Reference::Tag("v1".into()).into()));
        let expected = "settings.yaml:4:28: `repository.git.ref.prefix` has no effect: no range of versions is followed \
            (it belongs beside `repository.git.ref.semver`)";
        assert_eq!(said, [expected]);
        let (follow, said) = settings("{tag: v1, semver: ^1.4}", &[]);
        assert_eq!((follow, said.len()), (None, 1), "{said:?}");
    }
}
