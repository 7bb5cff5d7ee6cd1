//! What expressions give, what is said of wrong ones, and how much one may ask for.

use super::*;
use crate::pipeline::expression::written::as_text;

fn scope() -> Scope {
    let postgres = BTreeMap::from([("host", Value::from("db")), ("port", Value::from("5432"))]);
    let names = BTreeMap::from([
        ("connector", Value::from("Orders-V2")),
        ("values", Value::from(BTreeMap::from([("postgres", Value::from(postgres))]))),
        ("params", Value::from(BTreeMap::from([("tables", Value::from(vec!["a", "b"]))]))),
    ]);
    let names = Value::from(names);
    Scope { names, numbers: BTreeMap::new(), lost: Vec::new(), hidden: false, secrets: None }
}

/// The text that is computed, or the findings.
fn computed(text: &str) -> String {
    let place = Place { path: "a.yaml".into(), line: 1, column: 10 };
    let text = Text::written(text, place, &format!("\"{text}\""));
    let told = |f: &Finding| {
        let hint = f.hint.as_deref().unwrap_or_default();
        format!("{} {}: {} ({hint})", f.place.column, f.rule.name(), f.message)
    };
    let all = |findings: &[Finding]| findings.iter().map(told).collect::<Vec<_>>().join("\n");
    let Some(formula) = compile(&text) else { return format!("plain {}", text.as_str()) };
    match formula.compute(&scope()) {
        Ok(value) => match as_text(&value) {
            Ok(text) => format!("{text} ({})", value.kind()),
            Err(what) => what.to_owned(),
        },
        Err(findings) => all(&[formula.wrong(), &findings].concat()),
    }
}

#[test]
fn expressions_are_computed_and_the_rest_is_plain() {
    for (text, expected) in [
        ("plain", "plain plain"),
        ("{% if x %}{# y #}${file:/a:b}$", "plain {% if x %}{# y #}${file:/a:b}$"),
        ("a }} b", "plain a }} b"),
        ("{{ connector | slug('_') }}", "orders_v2 (string)"),
        ("{{ connector | slug }}", "orders-v2 (string)"),
        ("x-{{ values.postgres.host }}-{{values.postgres.port}}", "x-db-5432 (string)"),
        ("{{ values.postgres.port | int + 1 }}", "5433 (number)"),
        ("{{ params.tables }}", "a,b (sequence)"),
        ("t:{{ params.tables }}", "t:a,b (string)"),
        ("${file:{{ connector }}:key}", "${file:Orders-V2:key} (string)"),
        ("{{ '{{' }}", "{{ (string)"),
        ("{{ {'a': {'b': 1}}['a']['b'] }}", "1 (number)"),
        ("{{ values.x | default('y') }}", "y (string)"),
        ("{{ 'y' if values.x is not defined else values.x }}", "y (string)"),
        ("{{ 'true' | bool }}", "true (bool)"),
        ("{{ 'no' | bool and true }}", "false (bool)"),
    ] {
        assert_eq!(computed(text), expected, "{text}");
    }
}

/// A chain is read as deep as it is long, and a number can make any text long: neither may end the
/// process, nor take its memory.
#[test]
fn an_expression_has_its_measure() {
    let long = format!("{{{{ values{} }}}}", ".a".repeat(6_000));
    for deep in
        [long, format!("{{{{ {}1 }}}}", "-".repeat(9_000)), format!("{{{{ {}1 }}}}", "1+".repeat(9_000))]
    {
        assert!(computed(&deep).contains("expression-syntax: an expression is longer"));
    }
    for chain in
        [format!("values{}", ".a".repeat(500)), format!("{}1", "-".repeat(1_000)), "not ".repeat(250) + "1"]
    {
        assert!(!computed(&format!("{{{{ {chain} }}}}")).contains("longer"));
    }
    let began = std::time::Instant::now();
    for much in [
        "{{ 'a' * 99999999 }}",
        "{{ [1] * 99999999 }}",
        "{{ range(99999) | join(range(99999) | join(1)) | length }}",
        "{{ ('a' * 9999) | replace('a', 'a' * 9999) }}",
        "{{ '%99999999d' | format(1) }}",
        "{{ 'a' * 300000 }}",
    ] {
        assert!(computed(much).contains("expression-failed"), "{much}");
    }
    assert!(began.elapsed() < std::time::Duration::from_mins(1), "{:?}", began.elapsed());
    let many = format!("x{}", "{{ 'a' * 200000 }}".repeat(3));
    assert!(computed(&many).contains("computes more than"), "each is small enough, and all are not");
    assert!(computed("{{ range(5000) | join(',') | length }}").contains("23889"));
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    for (text, expected) in [
        ("{{ valeus.postgres.host }}", "14 undefined-name: `valeus` is not set (did you mean `values`?)"),
        (
            "x {{ values.postgres.hots }}",
            "16 undefined-name: `values.postgres.hots` is not set (did you mean `values.postgres.host`?)",
        ),
        (
            "{{ values.mysql.port | int }}",
            "14 undefined-name: `values.mysql` is not set (set it in the environment's `values` or in the settings)",
        ),
        (
            "{{ values.x | default('a') ~ values.y }}",
            "40 undefined-name: `values.y` is not set (set it in the environment's `values` or in the settings)",
        ),
        (
            "a {{ connector",
            "13 expression-syntax: an expression has no end (close it with `}}`; a quote inside an expression must be closed too)",
        ),
        (
            "{{ connector | }}",
            "11 expression-syntax: an expression is not well-formed: unexpected end of input, expected identifier (write a name like `values.a.b`, with filters like `| slug('_')`)",
        ),
        (
            "{{- connector }}",
            "11 expression-syntax: an expression has no `-` at its braces (remove it; nothing around an expression is trimmed)",
        ),
        ("{{ connector | slgu }}", "26 expression-failed: there is no filter `slgu` (did you mean `slug`?)"),
        (
            "{{ connector | int }}",
            "11 expression-failed: `int` takes a whole number (look at the types of what it uses: values are texts until `int` or `bool` is asked for)",
        ),
        (
            "{{ (values.postgres.port | int) // 0 }}",
            "11 expression-failed: an expression cannot be computed: invalid operation (look at the types of what it uses: values are texts until `int` or `bool` is asked for)",
        ),
        ("{{ values.postgres }}", "a map"),
        (
            "x{{ values.postgres }}",
            "12 expression-failed: an expression gives a map, which cannot be part of a text (take one of its members, or join it)",
        ),
    ] {
        assert_eq!(computed(text), expected, "{text}");
    }
}

#[test]
fn each_bad_name_of_one_text_is_told() {
    let lines = |text: &str| -> Vec<String> {
        computed(text).lines().map(|line| line.split(" (").next().unwrap_or_default().to_owned()).collect()
    };
    for (text, expected) in [
        (
            "{{ values.a }}-{{ values.b }}-{{ connector | slgu }}",
            &[
                "56 expression-failed: there is no filter `slgu`",
                "14 undefined-name: `values.a` is not set",
                "29 undefined-name: `values.b` is not set",
            ][..],
        ),
        (
            "{{ values.a ~ values.b }}",
            &["14 undefined-name: `values.a` is not set", "25 undefined-name: `values.b` is not set"],
        ),
        (
            "{{ nosuch(values.a) | uper }}",
            &[
                "14 expression-failed: there is no function `nosuch`",
                "33 expression-failed: there is no filter `uper`",
                "21 undefined-name: `values.a` is not set",
            ],
        ),
        (
            "{{ a b }}{{ values.a }}",
            &[
                "11 expression-syntax: an expression is not well-formed: unexpected input after expression",
                "23 undefined-name: `values.a` is not set",
            ],
        ),
        (
            "{{ values.a }}{{ x",
            &["25 expression-syntax: an expression has no end", "14 undefined-name: `values.a` is not set"],
        ),
        (
            "{{ connector | int + values.a | int }}",
            &["11 expression-failed: `int` takes a whole number", "32 undefined-name: `values.a` is not set"],
        ),
        (
            "{{ connector | int if true else values.a }}",
            &["11 expression-failed: `int` takes a whole number"],
        ),
        (
            "{{ connector | int + values.a | default('1') }}",
            &["11 expression-failed: `int` takes a whole number"],
        ),
        // A branch that is not taken need not be there.
        ("{{ values.a if connector == 'x' else values.b }}", &["48 undefined-name: `values.b` is not set"]),
        ("{{ .Values.a }}", &["11 helm-template: an action of a Helm chart stands here"]),
        ("{{- .Values.a }}", &["11 helm-template: an action of a Helm chart stands here"]),
    ] {
        assert_eq!(lines(text), expected, "{text}");
    }
}
