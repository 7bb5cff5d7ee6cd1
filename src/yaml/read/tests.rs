//! What is read of a text, and where, and what is refused.

use super::*;

fn show(node: &Node) -> String {
    match &node.kind {
        Kind::Empty => "EMPTY".to_owned(),
        Kind::Null => "NULL".to_owned(),
        Kind::Refused => "REFUSED".to_owned(),
        Kind::Scalar(text) => format!("{:?}@{}:{}", text.as_str(), node.place.line, node.place.column),
        Kind::Sequence(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Kind::Mapping(entries) => {
            let show = |Entry { key, value }: &Entry| {
                format!("{}@{}:{}={}", key.as_str(), key.place.line, key.place.column, show(value))
            };
            format!("{{{}}}", entries.iter().map(show).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Every document, then every finding, one a line.
fn read(source: &str) -> String {
    let (documents, findings) = documents("a.yaml", source);
    let documents = documents
        .iter()
        .map(|document| format!("{}{}", show(&document.root), if document.whole { "" } else { " …" }));
    let findings = findings
        .iter()
        .map(|f| format!("{}:{} {}: {}", f.place.line, f.place.column, f.rule.name(), f.message));
    documents.chain(findings).collect::<Vec<_>>().join("\n")
}

#[test]
fn scalars_keep_their_text_and_their_place() {
    insta::assert_snapshot!(read("a: 010\nb: [1.50, 1e3, yes]\nc: 'it''s'\nd: \"x\\ty\"\ne: |\n  one\n  two\nf: plain\n  folded\n"), @r#"{a@1:1="010"@1:4, b@2:1=["1.50"@2:5, "1e3"@2:11, "yes"@2:16], c@3:1="it's"@3:4, d@4:1="x\ty"@4:4, e@5:1="one\ntwo\n"@6:3, f@8:1="plain folded"@8:4}"#);
}

#[test]
fn nothing_null_and_the_word_null_are_three_things() {
    insta::assert_snapshot!(read("a:\nb: ~\nc: null\nd: 'null'\ne: \"~\"\nf: ''\ng: [~, ]\nh: Null\n"), @r#"{a@1:1=EMPTY, b@2:1=NULL, c@3:1=NULL, d@4:1="null"@4:4, e@5:1="~"@5:4, f@6:1=""@6:4, g@7:1=[NULL], h@8:1="Null"@8:4}"#);
}

#[test]
fn documents_are_read_one_by_one_and_a_broken_one_costs_only_its_rest() {
    insta::assert_snapshot!(read("a: 1\n---\nb: 1\nc: [1, 2\nd: 3\n---\ne: 1\n---\n---\n\tf: 1\n---\ng: 1\n"), @r#"
    {a@1:1="1"@1:4}
    {b@3:1="1"@3:4, c@4:1=REFUSED} …
    {e@7:1="1"@7:4}
    EMPTY
    {f@10:2="1"@10:5}
    {g@12:1="1"@12:4}
    5:2 yaml-syntax: not well-formed: illegal placement of ':' indicator
    "#);
}

#[test]
fn byte_order_mark_carriage_returns_and_wide_characters_do_not_move_places() {
    insta::assert_snapshot!(read("\u{feff}a: 1\r\nzwölf: \"ü\"\r\n\"😀\": x\r\n"), @r#"{a@1:1="1"@1:4, zwölf@2:1="ü"@2:8, 😀@3:1="x"@3:6}"#);
}

#[test]
fn a_key_twice_is_told_with_both_places() {
    insta::assert_snapshot!(read("a: 1\nb: {c: 1, c: 2}\n\"a\": 2\n"), @r#"
    {a@1:1="1"@1:4, b@2:1={c@2:5="1"@2:8}}
    2:11 duplicate-key: `c` stands here again; it is already at a.yaml:2:5
    3:1 duplicate-key: `a` stands here again; it is already at a.yaml:1:1
    "#);
}

#[test]
fn what_gives_one_text_two_meanings_is_refused() {
    insta::assert_snapshot!(read("a: &x {b: 1}\nc: *x\nd: *unknown\ne: {<<: *x, f: 1}\ng: !!str 1\nh: !x\n'<<': 1\n? [1]\n: 2\n~: 3\n: 4\n"), @r#"
    {a@1:1={b@1:8="1"@1:11}, c@2:1=REFUSED, d@3:1=REFUSED, e@4:1={f@4:13="1"@4:16}, g@5:1="1"@5:10, h@6:1=""@6:6, <<@7:1="1"@7:7}
    1:4 yaml-alias: an anchor is set
    2:4 yaml-alias: an alias is used
    3:4 yaml-alias: an alias is used
    4:5 yaml-merge-key: a merge key is used
    5:4 yaml-tag: a tag is used
    6:4 yaml-tag: a tag is used
    8:3 yaml-key: a key is a list
    10:1 yaml-key: a key is null
    11:1 yaml-key: a key is nothing
    "#);
    insta::assert_snapshot!(read("%YAML 1.2\n---\na: 1\n---\nb: 1\n"), @r#"
    {b@5:1="1"@5:4}
    1:1 yaml-directive: a directive is used
    "#);
}

#[test]
fn an_unquoted_expression_has_a_rule_of_its_own() {
    insta::assert_snapshot!(read("a: {{ values.x }}\nb: 1\nc: [{{ f(a, 'b') }}]\nd: {e: {{ x }}}\n{{ x }}: 1\nf: x-{{ y }}\n"), @r#"
    {a@1:1=REFUSED, b@2:1="1"@2:4, c@3:1=REFUSED} …
    1:4 template-not-quoted: an expression is not in quotes
    3:5 template-not-quoted: an expression is not in quotes
    "#);
    insta::assert_snapshot!(read("a: {{ values.x }}-b\n---\nb: {{ a['x'] }}\n---\nc: {d: x-{{ y }}}\n---\ne: {{ y\n---\nf: {{}}\n"), @r#"
    {a@1:1=REFUSED} …
    {b@3:1=REFUSED} …
    {c@5:1={d@5:5=REFUSED}} …
    {e@7:1=REFUSED} …
    {f@9:1=REFUSED}
    1:4 template-not-quoted: an expression is not in quotes
    3:4 template-not-quoted: an expression is not in quotes
    5:10 template-not-quoted: an expression is not in quotes
    7:4 template-not-quoted: an expression is not in quotes
    9:4 template-not-quoted: an expression is not in quotes
    "#);
}

#[test]
fn depth_is_limited() {
    let (_, findings) = documents("a.yaml", &"[".repeat(100_000));
    assert_eq!(findings[0].rule, Rule::YamlTooDeep);
    let (_, findings) = documents("a.yaml", &"- ".repeat(100_000));
    assert_eq!(findings[0].rule, Rule::YamlTooDeep);
}

#[test]
fn what_is_no_text_is_told_where_it_begins() {
    let (documents, findings) = crate::yaml::documents("a.yaml", b"a: 1\nb: \xff\n");
    assert!(documents.is_empty());
    assert_eq!((findings[0].rule, findings[0].place.line, findings[0].place.column), (Rule::NotUtf8, 2, 4));
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_are_read_to_their_end(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..512)) {
        crate::yaml::documents("a.yaml", &bytes);
    }

    #[test]
    fn arbitrary_marks_are_read_to_their_end(text in "[ab:,\\-?&*!|>'\"%@`{}\\[\\]#~<. \t\r\n\u{feff}ä]{0,200}") {
        let (documents, findings) = documents("a.yaml", &text);
        let broken = documents.iter().any(|document| !document.whole);
        proptest::prop_assert!(!broken || !findings.is_empty());
    }
}
