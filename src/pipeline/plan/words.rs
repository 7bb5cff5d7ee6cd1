//! A connector's name in lines that a person copies: into a definition, into a shell.
//!
//! Takes a name, gives text that reads back as that name.

use crate::model::name::ConnectorName;

/// Words that YAML takes for something else than a text, or once did.
const RESERVED: [&str; 7] = ["null", "true", "false", "yes", "no", "on", "off"];

/// The name as a value in YAML.
pub fn scalar(name: &ConnectorName) -> String {
    let text = name.as_str();
    let is_word = name.is_plain()
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !RESERVED.contains(&text.to_ascii_lowercase().as_str());
    if is_word { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// The name as an argument in a shell.
pub fn argument(name: &ConnectorName) -> String {
    let text = name.as_str();
    let is_word = name.is_plain() && !text.starts_with('-') && !text.is_empty();
    if is_word { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The definition that deletes a connector; none for a name that no definition may carry.
pub fn absent(name: &ConnectorName) -> Option<String> {
    name.is_addressable().then(|| format!("connector: {}\nstate: absent", scalar(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_where_it_would_be_read_as_something_else() {
        for (name, yaml, shell) in [
            ("orders-v2.public", "orders-v2.public", "orders-v2.public"),
            ("null", "'null'", "null"),
            ("No", "'No'", "No"),
            ("1.50", "'1.50'", "1.50"),
            ("-x", "'-x'", "'-x'"),
            ("a b", "'a b'", "'a b'"),
            ("it's", "'it''s'", r"'it'\''s'"),
            ("a: b #c", "'a: b #c'", "'a: b #c'"),
        ] {
            let name = ConnectorName::observed(name);
            assert_eq!((scalar(&name).as_str(), argument(&name).as_str()), (yaml, shell));
        }
    }

    #[test]
    fn a_name_that_no_definition_may_carry_has_no_definition() {
        assert_eq!(absent(&ConnectorName::observed("a/b")), None);
        let lines = absent(&ConnectorName::observed("a b")).expect("it may be declared");
        assert_eq!(lines, "connector: 'a b'\nstate: absent");
    }
}
