//! What is read of JSON, and what is said about what is none.

use proptest::prelude::*;

use super::*;

fn show(node: &Node) -> String {
    let at = format!("{}:{}", node.place.line, node.place.column);
    match &node.kind {
        Kind::Empty => unreachable!("JSON has no empty values"),
        Kind::Null => format!("NULL@{at}"),
        Kind::Refused => "REFUSED".to_owned(),
        Kind::Scalar(text) => format!("{:?}@{at}", text.as_str()),
        Kind::Sequence(items) => {
            format!("[{}]@{at}", items.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        Kind::Mapping(entries) => {
            let show = |Entry { key, value }: &Entry| {
                format!("{}@{}:{}={}", key.as_str(), key.place.line, key.place.column, show(value))
            };
            format!("{{{}}}@{at}", entries.iter().map(show).collect::<Vec<_>>().join(", "))
        }
    }
}

/// The document, then every finding, one a line.
fn read(source: &str) -> String {
    let (document, findings) = document("a.json", source);
    let document = document.map(|document| show(&document.root));
    let findings = findings
        .iter()
        .map(|f| format!("{}:{} {}: {}", f.place.line, f.place.column, f.rule.name(), f.message));
    document.into_iter().chain(findings).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_value_is_the_text_that_was_written() {
    insta::assert_snapshot!(read("{\"a\": 1.50,\n\t\"b\": [1e3, -0, true, null],\r\n \"ü\": {\"x\": \"\"}, \"😀\": 2592000000}\n"), @r#"{a@1:2="1.50"@1:7, b@2:2=["1e3"@2:8, "-0"@2:13, "true"@2:17, NULL@2:23]@2:7, ü@3:2={x@3:8=""@3:13}@3:7, 😀@3:18="2592000000"@3:23}@1:1"#);
}

#[test]
fn escapes_are_what_they_stand_for() {
    insta::assert_snapshot!(read(r#"{"a\u0062": "\ud83d\ude00 \u00e4 \" \\ \/ \t", "c": 1}"#), @r#"{ab@1:2="😀 ä \" \\ / \t"@1:13, c@1:48="1"@1:53}@1:1"#);
    insta::assert_snapshot!(read(r#"{"a": "😀 \ud83d"}"#), @r#"1:10 json-syntax: a text holds an escape that JSON does not know"#);
    insta::assert_snapshot!(read(r#"{"a": "\ude00"}"#), @r#"1:8 json-syntax: a text holds an escape that JSON does not know"#);
    insta::assert_snapshot!(read(r#"{"a": "\x41"}"#), @r#"1:8 json-syntax: a text holds an escape that JSON does not know"#);
    insta::assert_snapshot!(read(r#"{"a": "it\'s"}"#), @r#"1:10 json-syntax: a text holds an escape that JSON does not know"#);
}

#[test]
fn a_key_twice_is_told_with_both_places() {
    insta::assert_snapshot!(read("{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2},\n \"\\u0061\": 2}"), @r#"
    {a@1:2="1"@1:7, b@1:10={c@1:16="1"@1:21}@1:15}@1:1
    1:24 duplicate-key: `c` stands here again; it is already at a.json:1:16
    2:2 duplicate-key: `a` stands here again; it is already at a.json:1:2
    "#);
}

#[test]
fn what_connect_would_not_take_is_told_where_it_stands() {
    let told: Vec<_> = BROKEN.iter().map(|source| format!("{source:?}\n  {}", read(source))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn depth_is_limited() {
    for brackets in ["[", "{\"a\":", "[{\"a\":"] {
        let (document, findings) = document("a.json", &brackets.repeat(100_000));
        assert!(document.is_none(), "{brackets}");
        assert_eq!(findings[0].rule, Rule::JsonSyntax, "{brackets}");
    }
    let nested = |depth| read(&format!("{}1{}", "[".repeat(depth), "]".repeat(depth)));
    assert!(!nested(64).contains("nested"), "{}", nested(64));
    assert!(nested(65).ends_with("1:65 json-syntax: lists and maps are nested more than 64 levels deep"));
}

#[test]
fn a_long_line_is_walked_once() {
    let pairs: Vec<_> = (0..10_000).map(|key| format!("\"key.{key}\":\"{key}\"")).collect();
    let (document, findings) = document("a.json", &format!("{{{}}}", pairs.join(",")));
    assert!(findings.is_empty());
    let Some(Document { root: Node { kind: Kind::Mapping(entries), .. }, .. }) = document else {
        panic!("a map")
    };
    assert_eq!(entries.len(), 10_000);
}

/// What Connect's own reader makes of it: the last of two equal keys wins there, so there are none here.
fn of(node: &Node) -> serde_json::Value {
    match &node.kind {
        Kind::Empty | Kind::Refused => unreachable!("only what was read whole is compared"),
        Kind::Null => serde_json::Value::Null,
        Kind::Scalar(text) => text.as_str().into(),
        Kind::Sequence(items) => items.iter().map(of).collect(),
        Kind::Mapping(entries) => {
            entries.iter().map(|Entry { key, value }| (key.as_str().to_owned(), of(value))).collect()
        }
    }
}

fn texts(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Bool(boolean) => boolean.to_string().into(),
        serde_json::Value::Array(items) => items.into_iter().map(texts).collect(),
        serde_json::Value::Object(map) => map.into_iter().map(|(key, value)| (key, texts(value))).collect(),
        other => other,
    }
}

fn has_numbers(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Number(_) => true,
        serde_json::Value::Array(items) => items.iter().any(has_numbers),
        serde_json::Value::Object(map) => map.values().any(has_numbers),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// It is read here where the most used reader of the standard reads it, and means the same.
    #[test]
    fn what_is_read_is_what_the_standard_reads(text in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..14)) {
        let text = text.concat();
        let (document, findings) = document("a.json", &text);
        let told_twice = findings.iter().any(|finding| finding.rule == Rule::DuplicateKey);
        let standard: Result<serde_json::Value, _> = serde_json::from_str(&text);
        prop_assert_eq!(document.is_some(), standard.is_ok(), "{:?}: {:?}", text, findings);
        prop_assert!(document.is_some() || findings.len() == 1, "{:?}: {:?}", text, findings);
        if let (Some(document), Ok(standard)) = (document, standard) && !told_twice && !has_numbers(&standard) {
            prop_assert_eq!(of(&document.root), texts(standard), "{:?}", text);
        }
    }

    #[test]
    fn arbitrary_text_is_read_to_its_end(text in "\\PC{0,60}") {
        document("a.json", &text);
    }
}

/// What JSON is made of, and what is near to it.
const PIECES: [&str; 52] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "{",
    "}",
    "\"a\"",
    "\"b\"",
    "\"a\":",
    "\"b\":",
    "\"c\": ",
    "1",
    "-1",
    "0",
    "1.50",
    "1e3",
    "01",
    "1.",
    ".5",
    "+1",
    "-",
    "true",
    "false",
    "null",
    "NaN",
    "yes",
    "'a'",
    "a",
    "\"",
    "\\",
    "\"\\n\"",
    "\"\\u00e4\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "\"\\x\"",
    "\"\n\"",
    "\"ä\"",
    " ",
    "\n",
    "\t",
    "\r",
    "\u{a0}",
    "\u{b}",
    "\u{feff}",
    "// x\n",
    "/* x */",
    "#",
    "{{ x }}",
    "\0",
    "ä",
];

/// What Connect would not take.
const BROKEN: &[&str] = &[
    "",
    " \n",
    "\u{feff}{}",
    "{\n  // why\n}",
    "{\n  \"a\": 1 /* why */\n}",
    "{\n  \"a\": 1, # why\n  \"b\": 2}",
    "{\"a\": 1,\n}",
    "[1,]",
    "{'a': 1}",
    "{\"a\": 'b'}",
    "{a: 1}",
    "{\"a\": NaN}",
    "{\"a\": -Infinity}",
    "{\"a\": 010}",
    "{\"a\": 0x10}",
    "{\"a\": +1}",
    "{\"a\": .5}",
    "{\"a\": 1.}",
    "{\"a\": yes}",
    "{\"a\": True}",
    "{\"a\" 1}",
    "{\"a\": }",
    "{\"a\": 1\n \"b\": 2}",
    "{\"a\": \"b\n \"c\": 1}",
    "{\"a\": \"b\tc\"}",
    "{\"a\": \"b}",
    "{\"a\":\u{a0}1}",
    "{\"a\":\u{c}1}",
    "{\"a\": 1",
    "[{\"a\": 1}",
    "{\"a\": 1}}",
    "{}\n{}",
    "curl -X POST",
    "apiVersion: v1",
    "{\"a\": {{ .Values.a }}}",
    "{\"a\": {{ values.a }}}",
    "{\"a\": \"x\", {{- if .Values.b }}\n",
    "{{ include \"x\" . }}",
    r#"{"connector.class":"X","a":"say \"{{ x }}\"", "b": oops}"#,
    r#"{"connector.class":"X","a":"say \"{{ .Values.x }}\"", "b": 1,}"#,
    r#"{"body":"{\"id\": \"{{ id }}\"}", // c"#,
    r#"{"x":"it is {{ a","y": {{ .Values.a }} }"#,
];

#[test]
fn what_a_merge_left_open_is_told_at_its_first_mark() {
    let left = "{\"a\": 1,\n<<<<<<< HEAD\n \"b\": 2}\n=======\n \"b\": 3}\n>>>>>>> topic\n";
    assert_eq!(read(left), "2:1 json-syntax: not well-formed: a mark of a merge stands here");
    assert_eq!(read("{\"a\": \"<<<<<<< HEAD\"}"), "{a@1:2=\"<<<<<<< HEAD\"@1:7}@1:1");
}
