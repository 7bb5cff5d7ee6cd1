//! What is said of names among the values.

use crate::settings::tests::read;

#[test]
fn a_name_with_a_dot_among_values_is_refused_in_the_file_and_in_the_variable() {
    let file = "values:\n  kafka.bootstrap: a\n  kafka: {list: [{a.b: c}]}\n";
    let (settings, said) = read(file, &[("TAGALONG_VALUES", "kafka: {at.last.most: 3}")], &[]);
    assert!(settings.is_none());
    let told = |name: &str| format!("the name `{name}` has a dot, which leads into a map in an expression");
    assert_eq!(
        said,
        [
            format!("TAGALONG_VALUES:1:9: {} (write `at: {{last: {{most: …}}}}`)", told("at.last.most")),
            format!("settings.yaml:2:3: {} (write `kafka: {{bootstrap: …}}`)", told("kafka.bootstrap")),
            format!("settings.yaml:3:19: {} (write `a: {{b: …}}`)", told("a.b")),
        ]
    );
    let (_, said) = read("values: {password: {hun.ter2}}\n", &[], &[]);
    assert!(said.len() == 1 && !said[0].contains("hun"), "{said:?}");
}
