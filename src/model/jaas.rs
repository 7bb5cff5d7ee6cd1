//! Logins in the form of Java's JAAS, as Kafka's clients take them: `MODULE required name="value" …;`.
//!
//! Takes a text, says whether it is understood to its end and each credential in it is a placeholder. Whatever
//! is not understood may hold one. Which keys have such texts is `secret`'s.

use crate::model::address::{filled, is_filled, is_plain, names_login};

/// The words that say how much hangs on a module.
const FLAGS: [&str; 4] = ["required", "requisite", "sufficient", "optional"];

/// Says whether nothing in a login is a secret.
///
/// Connect's own placeholders may stand where credentials do: what they stand for is not here.
pub fn is_open(text: &str) -> bool {
    let Some(text) = filled(text.trim()) else { return false };
    let Some(text) = text.strip_suffix(';') else { return false };
    let Some((module, rest)) = text.split_once(' ') else { return false };
    let Some((flag, options)) = rest.trim_start().split_once(' ') else { return false };
    module.chars().all(|c| is_plain(c) || c == '$') && FLAGS.contains(&flag) && are_open(options)
}

fn are_open(options: &str) -> bool {
    let mut left = options.trim();
    while !left.is_empty() {
        let Some((name, rest)) = left.split_once('=') else { return false };
        let Some((value, rest)) = value(rest) else { return false };
        if !is_one_open(name, value) {
            return false;
        }
        left = rest.trim_start();
    }
    true
}

/// The value of an option, in quotes or not, and what follows it.
fn value(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('"') {
        Some(quoted) => {
            let (value, rest) = quoted.split_once('"')?;
            (rest.is_empty() || rest.starts_with(' ')).then_some((value, rest))
        }
        None => Some(text.split_once(' ').unwrap_or((text, ""))),
    }
}

fn is_one_open(name: &str, value: &str) -> bool {
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let is_flag = matches!(value, "true" | "false");
    let is_open = if names_login(name) {
        is_flag || (!value.is_empty() && is_filled(value))
    } else {
        value.chars().all(|c| is_plain(c) || "/:@".contains(c)) && !names_login(value)
    };
    is_name && is_open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_without_a_credential_is_open() {
        for text in [
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"app\" password=\"${file:/run/secrets/a.properties:password}\";",
            "a.B required username=\"${env:U}\" password=\"${env:P}\" ;",
            "a.B  required username=app password=${env:P};",
            "a.OAuthBearerLoginModule required clientId=\"app\" clientSecret=\"${env:S}\" scope=\"kafka\";",
            "a.Krb5LoginModule required useKeyTab=true storeKey=true principal=\"app@EXAMPLE.COM\";",
            "a.B required password=\"${vault:kv/a:p q}\";",
        ] {
            assert!(is_open(text), "{text}");
        }
    }

    #[test]
    fn what_may_hold_a_credential_is_not() {
        for text in [
            "",
            "hunter2",
            "hunter2;",
            "a.B required;",
            "a.B required username=\"app\" password=\"hunter2\";",
            "a.B required username=\"app\" password=\"${env:P}hunter2\";",
            "a.B required username=\"app\" password=\"${env:P}\" hunter2;",
            "a.B required username=\"app\" password=\"${env:P}\"",
            "a.B required username=\"app\" password=\"a\\\" ${env:P}\";",
            "a.B required username=\"password=hunter2\" password=\"${env:P}\";",
            "a.B required password=\"\";",
            "a.B required sslToken=\"hunter2\" password=\"${env:P}\";",
            "a.B hunter2 password=\"${env:P}\";",
            "a.B required password=\"${env:P}\"; a.C required password=\"hunter2\";",
            "a.B required password=\"${P}\";",
        ] {
            assert!(!is_open(text), "{text}");
        }
    }
}
