//! What is secret, decided in one place.
//!
//! Takes a config key and its text, says whether the text may be shown. Showing, comparing and
//! sending are left to others; they ask here, so the same value is hidden in a plan, a log line, a
//! metric and the status page.

use crate::model::{address, jaas};

/// Words that make a key's value secret wherever they stand in the key, lower case.
///
/// From the password-typed settings of Debezium 3.6 and the JDBC, S3 and MSK connectors, and from
/// the settings of theirs that are secret although they are typed as plain strings.
const SECRET_WORDS: &[&str] =
    &["passw", "secret", "token", "credential", "jaas", "private", "passphrase", "user.info"];

/// Words of keys whose value is an address. It is secret unless it is seen that it holds no credential.
const ADDRESS_WORDS: &[&str] = &["connection.string", "connection.uri", "connection.url", "database.url"];

/// Pairs of words that make a key secret with `.`, `_`, `-` or nothing between them.
const SECRET_PAIRS: &[(&str, &str)] = &[("api", "key"), ("access", "key")];

/// Says whether a config value must not be shown.
///
/// A value that is nothing but one of Connect's own placeholders (`${file:…:…}`) is a reference and
/// no secret, whatever its key is called. Neither is an empty text, nor a login whose password is a placeholder.
pub fn is_secret(key: &str, text: &str) -> bool {
    if is_placeholder(text) || text.trim().is_empty() {
        return false;
    }
    (is_secret_key(key) && !is_login_elsewhere(key, text))
        || (is_address_key(key) && !address::is_open(text))
        || may_hold_credentials(text)
}

/// Says whether a text is a login in a form that its key has, and its credentials are placeholders.
fn is_login_elsewhere(key: &str, text: &str) -> bool {
    let key = key.to_ascii_lowercase();
    (key.ends_with("sasl.jaas.config") && jaas::is_open(text))
        || (key.ends_with("user.info") && address::is_open_login(text))
}

/// Says whether a key's name alone makes its value secret.
pub fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
        || key.ends_with("ssl.key")
        || key.ends_with("ssl.keystore.key")
        || SECRET_PAIRS.iter().any(|(first, second)| holds_pair(&key, first, second))
}

fn is_address_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ADDRESS_WORDS.iter().any(|word| key.contains(word))
}

fn holds_pair(key: &str, first: &str, second: &str) -> bool {
    key.match_indices(first).any(|(at, _)| {
        let rest = &key[at + first.len()..];
        rest.starts_with(second)
            || rest.strip_prefix(['.', '_', '-']).is_some_and(|rest| rest.starts_with(second))
    })
}

/// Says whether the whole text is one placeholder of Connect's config providers.
///
/// The form is `${provider:[path:]key}`; `${topic}` has no provider and is none.
pub fn is_placeholder(text: &str) -> bool {
    text.strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|inner| inner.contains(':') && !inner.contains(['{', '}', '$']))
}

/// Says whether a text holds a placeholder of Connect's config providers somewhere.
///
/// It errs on the side of yes: what stands in its place is not known here.
pub fn holds_placeholder(text: &str) -> bool {
    text.match_indices("${")
        .any(|(at, _)| text[at..].split('}').next().is_some_and(|inner| inner.contains(':')))
}

/// Endings of keys whose whole text is a secret. Narrower than [`is_secret_key`], which would rather
/// hide a provider's class than show a password.
const WRITTEN_OUT: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "secret.key",
    "secret.access.key",
    "private.key",
    "ssl.keystore.key",
    "api.key",
    "api_key",
    "apikey",
    "credentials.json",
];

/// Says whether the whole text under a key is a secret.
pub fn is_whole_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    WRITTEN_OUT.iter().any(|ending| key.ends_with(ending))
}

/// Says whether a text is one of its own: not empty, no mask, and no placeholder in it.
pub fn is_own_text(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains("${") && !is_masked(text)
}

/// Says whether a secret itself stands in a text, and no placeholder for one.
pub fn is_written_out(key: &str, text: &str) -> bool {
    let is_user_info = key.to_ascii_lowercase().ends_with("user.info") && text.contains(':');
    ((is_whole_secret(key) || is_user_info) && is_own_text(text)) || holds_credentials(text)
}

/// Says whether a text carries credentials of its own: a URL with a password, or `password=…`.
pub fn holds_credentials(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let assigned = ["password=", "passwd=", "pwd=", "secret=", "token="].iter().any(|word| {
        lower.match_indices(word).any(|(at, _)| {
            let value = lower[at + word.len()..].trim_start_matches(['"', '\'']);
            !value.is_empty() && !value.starts_with("${")
        })
    });
    assigned || holds_userinfo(text)
}

/// What a credential is called where it is given inside a text, lower case.
const ASSIGNED: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "accesskey",
    "access_key",
    "accountkey",
];

/// Says whether a text under any key may carry credentials. Wider than [`holds_credentials`]: to hide too
/// much costs less than to be wrong, while a finding must be right.
fn may_hold_credentials(text: &str) -> bool {
    let bare = without_insides(text);
    holds_credentials(text) || may_assign(&bare) || may_hold_userinfo(&bare) || may_hold_oracle_login(&bare)
}

fn may_assign(bare: &str) -> bool {
    let lower = bare.to_ascii_lowercase();
    ASSIGNED.iter().any(|word| {
        lower.match_indices(word).any(|(at, _)| {
            let rest = lower[at + word.len()..].trim_start_matches(['"', '\'', '\\', ' ']);
            let Some(value) = rest.strip_prefix(['=', ':']) else { return false };
            let value = value.trim_start_matches(['"', '\'', '\\', ' ']);
            let literal = value.trim_start_matches("${}");
            let is_filled = literal.len() < value.len();
            let is_over = literal.starts_with(['"', '\'', '&', ';', ',', ' ', ')', '\\']);
            !(literal.is_empty() || is_filled && is_over)
        })
    })
}

/// A password may hold whatever ends an address elsewhere, so that only the last `@` says where one ends.
fn may_hold_userinfo(bare: &str) -> bool {
    bare.match_indices("://").any(|(at, separator)| {
        let Some((before, _)) = bare[at + separator.len()..].rsplit_once('@') else { return false };
        let authority = before.split(['/', '?', '#']).next().unwrap_or_default();
        let is_elsewhere = before.rsplit_once(':').is_some_and(|(_, password)| is_all_placeholders(password));
        let is_whole = authority.len() == before.len();
        !(is_all_placeholders(before) || is_whole && is_elsewhere) && (is_whole || authority.contains(':'))
    })
}

fn may_hold_oracle_login(bare: &str) -> bool {
    let lower = bare.to_ascii_lowercase();
    lower.match_indices("jdbc:oracle:").any(|(at, start)| {
        let rest = &lower[at + start.len()..];
        let login = rest.split_once(':').and_then(|(_, rest)| rest.rsplit_once('@'));
        login.and_then(|(login, _)| login.split_once('/')).is_some_and(|(_, word)| !is_all_placeholders(word))
    })
}

fn is_all_placeholders(bare: &str) -> bool {
    !bare.is_empty() && bare.replace("${}", "").is_empty()
}

/// A text with nothing inside of its placeholders: there may be colons and slashes in them.
fn without_insides(text: &str) -> String {
    let mut parts = text.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |bare, part| match part.split_once('}') {
        Some((_, rest)) => bare + "${}" + rest,
        None => bare + "${" + part,
    })
}

fn holds_userinfo(text: &str) -> bool {
    let text = without_insides(text);
    text.match_indices("://").any(|(at, separator)| {
        let rest = &text[at + separator.len()..];
        let authority = rest.split(['/', '?', '#', ' ', ',', '"']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| {
            user.split_once(':')
                .is_some_and(|(_, password)| !password.is_empty() && !password.starts_with("${"))
        })
    })
}

/// Says whether Connect masked this text on reading, so that it tells nothing.
///
/// Confluent's distribution answers twelve bullets, others eight or more asterisks; `[hidden]` is
/// how Kafka itself prints a password.
pub fn is_masked(text: &str) -> bool {
    text == "[hidden]"
        || (text.chars().count() >= 4 && text.chars().all(|c| c == '•'))
        || (text.len() >= 8 && text.bytes().all(|b| b == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_carry_secrets_are_hidden() {
        for key in [
            "database.password",
            "connection.password",
            "mongodb.connection.string",
            "connection.url",
            "Other.Database.URL",
            "schema.history.internal.producer.sasl.jaas.config",
            "value.converter.basic.auth.user.info",
            "aws.secret.access.key",
            "aws.access.key.id",
            "some.api-key",
            "x.apikey",
            "producer.override.ssl.key.password",
            "listener.ssl.key",
            "GITHUB.TOKEN",
        ] {
            assert!(is_secret(key, "x"), "{key}");
        }
    }

    #[test]
    fn keys_that_only_look_alike_are_shown() {
        for key in ["message.key.columns", "key.converter", "database.user", "topic.prefix", "tasks.max"] {
            assert!(!is_secret(key, "x"), "{key}");
        }
    }

    #[test]
    fn a_placeholder_is_a_reference_and_no_secret() {
        assert!(!is_secret("database.password", "${file:/run/secrets/db.properties:password}"));
        assert!(!is_secret("database.password", "${env:PASSWORD}"));
        assert!(is_secret("database.password", "${topic}"));
        assert!(is_secret("database.password", "${env:A}${env:B}x"));
        assert!(is_secret("database.password", "x${env:A}"));
    }

    #[test]
    fn a_placeholder_is_found_inside_a_text() {
        for text in ["${env:A}", "jdbc:postgresql://${file:/a:host}/x", "${a}${env:B}", "${env:A"] {
            assert!(holds_placeholder(text), "{text}");
        }
        for text in ["${topic}_sink: x", "$1", "{env:A}", "a:b"] {
            assert!(!holds_placeholder(text), "{text}");
        }
    }

    #[test]
    fn a_value_with_credentials_inside_is_hidden_under_any_key() {
        assert!(is_secret("topic", "jdbc:postgresql://db/x?user=a&password=b"));
        assert!(is_secret("target", "https://user:pw@host/path"));
        assert!(!is_secret("target", "https://host/path?at=a@b:c"));
        assert!(!is_secret("target", "https://user:${env:PW}@host/path"));
        assert!(!is_secret("target", "https://${file:/a/b:user}:${file:/a/b:pw}@host/path"));
        assert!(is_secret("target", "https://${env:U}:hunter2@host/path"));
        assert!(!is_secret("target", "jdbc:postgresql://db/x?password=${env:PW}"));
    }

    #[test]
    fn an_address_is_hidden_for_what_stands_in_it() {
        for key in ["connection.url", "database.url", "mongodb.connection.string", "x.Connection.URI"] {
            assert!(!is_secret(key, "jdbc:postgresql://db/x?user=a"), "{key}");
            assert!(!is_secret(key, "mongodb://app:${file:/a:b}@db/x"), "{key}");
            assert!(is_secret(key, "mongodb://app:hunter2@db/x"), "{key}");
            assert!(is_secret(key, "db:5432"), "{key}: it is not understood");
        }
        // Another word of the key still counts.
        assert!(is_secret("token.database.url", "jdbc:postgresql://db/x"));
    }

    #[test]
    fn a_login_whose_password_is_a_placeholder_is_open() {
        let jaas = "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"app\" password=\"${file:/a:b}\";";
        for key in ["sasl.jaas.config", "schema.history.internal.producer.sasl.jaas.config"] {
            assert!(!is_secret(key, jaas), "{key}");
            assert!(is_secret(key, &jaas.replace("${file:/a:b}", "hunter2")), "{key}");
            assert!(is_secret(key, &jaas.replace("${file:/a:b}", "${file:/a:b}hunter2")), "{key}");
        }
        assert!(is_secret("some.secret", jaas));
        assert!(!is_secret("value.converter.basic.auth.user.info", "app:${env:PW}"));
        for text in ["app:hunter2", "app:${env:PW}x", "hunter2", "${env:U}:hunter2"] {
            assert!(is_secret("value.converter.basic.auth.user.info", text), "{text}");
        }
    }

    #[test]
    fn an_empty_text_is_no_secret() {
        for key in ["database.password", "connection.url", "sasl.jaas.config"] {
            assert!(!is_secret(key, "") && !is_secret(key, " "), "{key}");
        }
    }

    #[test]
    fn a_credential_in_a_text_is_hidden_however_it_is_given() {
        for text in [
            "https://hunter2@host",
            "https://user:pa/ss@host",
            "https://user:pa,ss@host",
            "https://user:pa ss@host",
            "see https://user:pa#ss@host",
            "jdbc:oracle:thin:scott/hunter2@//db/x",
            "jdbc:oracle:thin:${env:U}/hunter2@db",
            "password = hunter2",
            "password=${env:PW}hunter2",
            "password=\";hunter2\"",
            "{\"password\": \"hunter2\"}",
            "{\\\"token\\\":\\\"hunter2\\\"}",
            "AccountName=a;AccountKey=hunter2",
            "x?api_key=hunter2",
        ] {
            assert!(is_secret("target", text), "{text}");
        }
        for text in [
            "https://host:8080/path",
            "https://host/a@b",
            "http://a:8081,http://b:8082",
            "https://${env:USER}@host",
            "password=\"${env:PW}\", x",
            "password=${env:PW}&user=a",
            "password=",
            "jdbc:oracle:thin:scott/${env:PW}@db",
            "jdbc:oracle:thin:@db",
            "token, secret and password",
            "bypass",
        ] {
            assert!(!is_secret("target", text), "{text}");
        }
    }

    #[test]
    fn a_secret_that_is_written_out_is_told_from_what_only_speaks_of_one() {
        for (key, text) in [
            ("database.password", "hunter2"),
            ("value.converter.basic.auth.user.info", "user:hunter2"),
            ("connection.url", "jdbc:postgresql://db/x?user=a&password=hunter2"),
            ("aws.secret.access.key", "hunter2"),
        ] {
            assert!(is_written_out(key, text), "{key}");
        }
        for (key, text) in [
            ("database.password", ""),
            ("database.password", "${env:PASSWORD}"),
            ("database.password", "x-${env:PASSWORD}"),
            ("database.password", "********"),
            ("connection.url", "jdbc:postgresql://db/x"),
            ("aws.credentials.provider.class", "com.example.Provider"),
            ("sasl.oauthbearer.token.endpoint.url", "https://login.example.com"),
            ("gcs.credentials.path", "/run/secrets/gcs.json"),
        ] {
            assert!(!is_written_out(key, text), "{key}");
        }
    }

    #[test]
    fn masks_are_recognised() {
        assert!(is_masked("••••••••••••"));
        assert!(is_masked("********"));
        assert!(is_masked("[hidden]"));
        assert!(!is_masked("***"));
        assert!(!is_masked("a********"));
    }
}
