//! What is said of names among the values, and of values of another sort than their key takes.

use crate::settings::keys;
use crate::settings::tests::{good, read};
use crate::yaml::forms;

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

/// People write what another tool takes: the hint shows what this one does.
#[test]
fn what_takes_a_map_or_a_list_shows_how_one_is_written() {
    let (_, said) =
        read("connect: http://localhost:8083\n", &[("TAGALONG_EXTRA", "/etc/tagalong/extra/shop")], &[]);
    assert_eq!(
        said,
        [
            "TAGALONG_EXTRA:1:1: `extra` takes a list, and here is a text (write a list, as in `TAGALONG_EXTRA='[/etc/tagalong/extra/shop]'`)",
            "settings.yaml:1:10: `connect` takes a map, and here is a text (write a map, as in `connect: {url: http://localhost:8083}`)",
        ]
    );
    let (_, said) = read("repository: {git: {url: https://git.example.com/x, ref: v1}}\n", &[], &[]);
    assert!(said.iter().any(|told| told.ends_with("(write a map, as in `ref: {tag: v1}`)")), "{said:?}");
}

/// What a hint shows is read without a word by those whose key it is: here, or by the definitions.
#[test]
fn each_shown_form_of_a_setting_is_taken() {
    let mut tried = 0;
    for (key, value) in forms::tests::all() {
        let is_prefix =
            |known: &str| known == key || known.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        if !keys::KEYS.iter().any(|known| is_prefix(known.path))
            || (key == "imports" && value.starts_with('['))
        {
            continue;
        }
        let file = key.rsplit('.').fold(value.to_owned(), |inner, name| format!("{{{name}: {inner}}}"));
        let (_, said) = read(&format!("{file}\n"), &[], &[]);
        // A part of a whole may lack what goes with it.
        let is_wrong = |told: &&String| {
            ["has no key", " takes ", " is no ", "cannot be used"].iter().any(|word| told.contains(word))
        };
        assert_eq!(said.iter().find(is_wrong), None, "{key}: {file}");
        tried += 1;
    }
    assert!(tried > 15, "{tried}");
}

#[test]
fn a_reason_that_says_nothing_is_none_as_in_a_definition() {
    for reason in ["…", "...", " ", " … "] {
        let (settings, said) = read(&format!("suspend: {{reason: \"{reason}\"}}\n"), &[], &[]);
        assert!(settings.is_none(), "{reason:?}");
        let wanted =
            "the `reason` of `suspend` says nothing (say why, in a few words or with the number of an issue)";
        assert!(said.len() == 1 && said[0].ends_with(wanted), "{reason:?}: {said:?}");
    }
    let settings = good("suspend: {reason: \"… OPS-1\"}\n", &[], &[]);
    assert_eq!(settings.suspend.map(|suspend| suspend.reason.to_string()).as_deref(), Some("… OPS-1"));
}
