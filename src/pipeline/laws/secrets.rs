//! Laws of secrets: whatever an expression does to one, nobody can tell what it is.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

use crate::model::config::{Config, Value};
use crate::model::desired::Desired;
use crate::model::finding::Findings;
use crate::model::live::{Kind, Live, LiveConnector};
use crate::model::name::EnvironmentName;
use crate::model::plan::Step;
use crate::model::policy::Policy;
use crate::model::revision::Revision;
use crate::model::rule::{Rule, Severity};
use crate::model::select::Select;
use crate::model::supplied::{SecretName, Secrets};
use crate::model::values::Values;
use crate::pipeline::desired;
use crate::pipeline::laws::{read, revision};
use crate::pipeline::plan::plan;
use crate::pipeline::supply::Supply;

/// Secrets that differ in whatever could be asked of them: length, case, type, order, being true.
const SECRETS: [&str; 6] =
    ["hunter2", "0", "false", "HUNTER-TWO, and,more", "********", "${vault:hunter:two}"];

fn secrets(text: &str) -> Secrets {
    ["env:A", "file:a/b"]
        .map(|name| (SecretName::new(name).expect("a name"), Ok(Value::secret(text))))
        .into_iter()
        .collect()
}

fn render(files: &[(&str, String)], secrets: Option<&Secrets>) -> (Option<Desired>, Findings) {
    let definitions = read(files.iter().map(|(path, text)| (*path, text.as_str())));
    let revision = Revision::of(vec![revision()]);
    let environment = EnvironmentName::new("e").expect("a name");
    let supply = Supply { values: &Values::default(), examples: true, secrets };
    desired(&definitions, &revision, &environment, &supply, &Select::default())
}

/// A repository with an expression at one of the places where there may be one.
fn repository(slot: usize, expression: &str) -> Vec<(&'static str, String)> {
    let text = |own: usize, other: &str| if own == slot { expression.to_owned() } else { other.to_owned() };
    let template = format!(
        "template: t\nparameters:\n  p: {{default: \"{}\"}}\n  l: {{type: list, default: [a, \"{}\"]}}\n  m: {{type: map, default: {{x: \"{}\", y: b}}}}\n  i: {{type: integer, default: 1}}\nconfig:\n  connector.class: X\n  plain: \"{}\"\n  list: [a, \"{}\"]\n  handed: \"{{{{ params.p }}}}\"\n  joined: \"{{{{ params.l }}}}\"\n  member: \"{{{{ params.m.y }}}}\"\n  number: \"{{{{ params.i }}}}\"\n",
        text(0, "{{ secret('env:A') }}"),
        text(1, "{{ secret('file:a/b') }}"),
        text(2, "{{ secret('env:A') }}"),
        text(3, "x"),
        text(4, "x"),
    );
    let connector = format!(
        "connector: c\ntemplate: t\nwith: {{p: \"{}\"}}\nconfig:\n  own: \"{}\"\n  connector.class: \"{}\"\n",
        text(5, "{{ secret('env:A') }}"),
        text(6, "x"),
        text(7, "X"),
    );
    vec![
        ("templates/t.yaml", template),
        ("connectors/c.yaml", connector),
        ("environments/e.yaml", format!("environment: e\nconfig: {{shared: \"{}\"}}\n", text(8, "x"))),
        ("tagalong.yaml", "config_providers: [file]\n".to_owned()),
    ]
}

/// What an expression is made of.
const ATOMS: [&str; 28] = [
    "secret('env:A')",
    "secret('file:a/b')",
    "secret('env:' ~ 'A')",
    "secret",
    "secret(params.p)",
    "params.p",
    "params['p']",
    "params.l",
    "params.l[1]",
    "params.l[-1]",
    "params.m",
    "params.m.x",
    "params.m['x']",
    "params",
    "params.m[params.p]",
    "params.p.x",
    "params.p[0]",
    "params.p[1:3]",
    "params.p.upper()",
    "params.m.items()",
    "[params.p]",
    "{'a': params.p}",
    "'x'",
    "1",
    "params.i",
    "connector",
    "dict(params)",
    "range(params.p)",
];

const FILTERS: [&str; 24] = [
    "",
    "",
    " | upper",
    " | length",
    " | int",
    " | bool",
    " | slug",
    " | join('-')",
    " | first",
    " | list",
    " | string",
    " | default('d')",
    " | replace('h', 'x')",
    " | reverse",
    " | sort",
    " | tojson",
    " | urlencode",
    " | escape",
    " | trim",
    " | items",
    " | attr('x')",
    " | select('eq', 'hunter2')",
    " | map('upper')",
    " | nothing",
];

const OPERATORS: [&str; 12] =
    ["", "", " ~ ", " == ", " < ", " in ", " + ", " and ", " or ", " if ", " is sameas ", " is defined "];

fn expression() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(ATOMS.to_vec());
    let filter = prop::sample::select(FILTERS.to_vec());
    let operator = prop::sample::select(OPERATORS.to_vec());
    let part = (atom.clone(), filter.clone()).prop_map(|(atom, filter)| format!("{atom}{filter}"));
    let inside = (part.clone(), operator, part, any::<bool>()).prop_map(|(one, operator, other, ternary)| {
        match (operator, ternary) {
            ("" | " is defined ", _) => format!("{one}{operator}"),
            (" if ", _) => format!("{one} if {other} else 'n'"),
            (_, true) => format!("'y' if {one}{operator}{other} else 'n'"),
            (_, false) => format!("{one}{operator}{other}"),
        }
    });
    let around =
        prop::sample::select(vec!["", "", "x", "-{{ connector }}-", "{{ secret('env:A') }}", "${vault:"]);
    (around.clone(), inside, around)
        .prop_map(|(before, inside, after)| format!("{before}{{{{ {inside} }}}}{after}"))
}

/// All that is told of a rendered environment, and of a plan for it on a cluster that runs something else.
fn told(rendered: &(Option<Desired>, Findings)) -> String {
    let (desired, findings) = rendered;
    let mut text = format!("{findings:?}\n{desired:?}\n");
    let Some(desired) = desired else { return text };
    let policy = Policy::default();
    for live in
        [None, Some(Config::default()), desired.connectors.values().next().map(|one| one.config.clone())]
    {
        let changed = live.map(|mut config| {
            config.insert("more", Value::new("more", "x"));
            config
        });
        let one = |config| LiveConnector { config: Some(config), kind: Kind::Source, status: None };
        let name = desired.connectors.keys().next().expect("a connector").clone();
        let connectors = changed.map(|config| (name, one(config))).into_iter().collect();
        let live = Live { connectors, ..Live::default() };
        let plan = plan(desired, &live, &policy, jiff::Timestamp::UNIX_EPOCH);
        write!(text, "{plan:?}").expect("a string takes all");
    }
    text
}

/// The values that may be shown, and the keys of the others.
fn shown(desired: &Desired) -> BTreeMap<String, String> {
    let config = &desired.connectors.values().next().expect("a connector").config;
    config.iter().map(|(key, value)| (key.to_owned(), format!("{:?}", value.shown()))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Everything that is told is the same, whatever the secret is: it does not hang on its text, its
    /// length, its letters or its type. And where it is not at hand, the same definitions are good.
    #[test]
    fn nothing_that_is_told_depends_on_a_secret(slot in 0..9_usize, expression in expression(), other in 1..SECRETS.len()) {
        let files = repository(slot, &expression);
        let (one, two) = (secrets(SECRETS[0]), secrets(SECRETS[other]));
        let (a, b) = (render(&files, Some(&one)), render(&files, Some(&two)));
        prop_assert_eq!(told(&a), told(&b), "{}", &expression);
        prop_assert!(!told(&a).contains("hunter2\"") || expression.contains("hunter2"), "{}", told(&a));
        let offline = render(&files, None);
        prop_assert_eq!(a.0.as_ref().map(shown), offline.0.as_ref().map(shown), "{}", &expression);
        prop_assert_eq!(a.1, offline.1);
    }

    /// No expression makes a stand-in of a secret and sends it.
    #[test]
    fn what_is_sent_has_the_secret_itself(slot in 0..9_usize, expression in expression()) {
        sends_the_secret_itself(slot, &expression);
    }
}

/// What has the secret in it is made of its text, and what was made without it has nothing of it.
fn sends_the_secret_itself(slot: usize, expression: &str) {
    let (desired, _) = render(&repository(slot, expression), Some(&secrets("hunter2")));
    let Some(desired) = desired else { return };
    assert!(desired.unresolved.is_empty());
    for (key, value) in desired.connectors.values().next().expect("a connector").config.iter() {
        let text = value.expose();
        let stands_in = text.to_lowercase().contains("hidden") || text.contains("secret('");
        assert!(!stands_in, "{key} {expression}: {text}");
        assert_eq!(text.contains("hunter2"), value.is_secret(), "{key} {expression}: {text}");
    }
}

/// In a template, where its parameters have secrets in them: every pair of pieces, since most pairs that
/// chance makes are no expressions.
#[test]
fn nothing_is_computed_with_a_secret() {
    const TEMPLATE: usize = 3;
    for atom in ATOMS {
        for filter in FILTERS {
            sends_the_secret_itself(TEMPLATE, &format!("{{{{ {atom}{filter} }}}}"));
        }
        for operator in OPERATORS.iter().filter(|operator| !operator.is_empty()) {
            sends_the_secret_itself(TEMPLATE, &format!("{{{{ {atom}{operator}params.p }}}}"));
            sends_the_secret_itself(TEMPLATE, &format!("{{{{ 'x'{operator}{atom} }}}}"));
        }
    }
    for expression in
        ["params.p ~ 'x'", "params.p | upper", "params['p']", "params.m['x'] | trim", "params.l | join"]
    {
        let (desired, findings) = render(&repository(TEMPLATE, &format!("{{{{ {expression} }}}}")), None);
        assert!(
            desired.is_none() && findings.iter().any(|found| found.rule == Rule::SecretUse),
            "{expression}"
        );
    }
}

#[test]
fn what_a_parameter_allows_is_not_held_against_a_secret() {
    for (declared, given) in [
        ("enum: [hunter2]", "\"{{ secret('env:A') }}\""),
        ("pattern: '^hunter2$'", "\"{{ secret('env:A') }}\""),
        ("type: list, enum: [a, hunter2]", "[a, \"{{ secret('env:A') }}\"]"),
    ] {
        let template = format!(
            "template: t\nparameters:\n  p: {{{declared}}}\nconfig:\n  connector.class: X\n  p: \"{{{{ params.p }}}}\"\n"
        );
        let files = [
            ("templates/t.yaml", template),
            ("connectors/c.yaml", format!("connector: c\ntemplate: t\nwith: {{p: {given}}}\n")),
            ("environments/e.yaml", "environment: e\n".to_owned()),
        ];
        let told = render(&files, None).1;
        assert_eq!(
            told.iter().map(|found| found.rule).collect::<Vec<_>>(),
            [Rule::ParameterValue],
            "{declared}"
        );
        assert!(told.iter().all(|found| found.message.ends_with("takes no secret")), "{told:?}");
        for secret in SECRETS {
            assert_eq!(render(&files, Some(&secrets(secret))).1, told, "{declared}");
        }
    }
}

#[test]
fn the_expressions_of_the_laws_are_not_all_refused() {
    let secret = secrets("hunter2");
    for (slot, expression) in [
        (0, "{{ secret('env:A') }}"),
        (1, "x{{ secret('env:A') }}y{{ secret('file:a/b') }}"),
        (3, "{{ params.p }}"),
        (3, "jdbc:{{ params.p }}@{{ connector }}"),
        (3, "{{ params.m.x }}"),
        (3, "{{ params.l }}"),
        (8, "{{ secret('env:A') }}"),
    ] {
        let (desired, findings) = render(&repository(slot, expression), Some(&secret));
        assert!(desired.is_some(), "{expression}: {findings:?}");
    }
}

#[test]
fn a_missing_secret_is_no_error_and_nothing_is_done_to_its_connector_alone() {
    let mut files = repository(6, "a{{ secret('env:A') }}");
    files.push(("connectors/d.yaml", "connector: d\nconfig: {connector.class: X}\n".to_owned()));
    let (desired, findings) = render(&files, Some(&Secrets::default()));
    let desired = desired.expect("accepted");
    assert!(
        findings.iter().all(|found| (found.rule, found.severity) == (Rule::SecretMissing, Severity::Warning))
    );
    assert_eq!(findings.iter().count(), 2, "{findings:?}");
    let names: Vec<_> = desired.unresolved.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["c"]);
    let policy = Policy::default();
    let plan = plan(&desired, &Live::default(), &policy, jiff::Timestamp::UNIX_EPOCH);
    let steps: Vec<_> = plan.steps.iter().map(|action| action.connector.as_str()).collect();
    assert_eq!((steps, plan.unresolved.len(), plan.is_sure()), (vec!["d"], 1, false));
    assert!(matches!(plan.steps[0].step, Step::Create { .. }));
}

#[test]
fn a_secret_that_a_layer_above_takes_away_is_not_needed() {
    let files = [
        (
            "templates/t.yaml",
            "template: t\nconfig: {connector.class: X, a: \"{{ secret('env:A') }}\"}\n".to_owned(),
        ),
        ("connectors/c.yaml", "connector: c\ntemplate: t\nconfig: {a: plain}\n".to_owned()),
        ("connectors/d.yaml", "connector: d\ntemplate: t\nstate: absent\n".to_owned()),
        ("environments/e.yaml", "environment: e\n".to_owned()),
    ];
    let (desired, findings) = render(&files, Some(&Secrets::default()));
    assert!(findings.is_empty(), "{findings:?}");
    assert!(desired.expect("rendered").unresolved.is_empty());
}
