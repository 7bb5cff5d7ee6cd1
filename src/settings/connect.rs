//! How Connect is reached: its address, who the agent is there, whom it trusts.
//!
//! Takes the keys below `connect`, gives the options of the room of that name, or says which two keys
//! contradict each other. The files that are named here are read where they are used.

use std::collections::BTreeSet;

use url::Url;

use crate::connect::Writer;
use crate::connect::access::{Access, Credential, Header, Identity, is_loopback};
use crate::model::finding::Finding;
use crate::model::password::Password;
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::settings::checked::Connect;
use crate::settings::plain::{Found, length_of, path, text, word, wrong};
use crate::settings::raw::RawSettings;
use crate::yaml::decode;

const USERNAME: &str = "connect.basic_auth.username";
const PASSWORD: &str = "connect.basic_auth.password";
const PASSWORD_FILE: &str = "connect.basic_auth.password_file";
const TOKEN_FILE: &str = "connect.bearer_token_file";
const HEADERS: &str = "connect.headers";
const CA_FILE: &str = "connect.ca_file";
const CERTIFICATE_FILE: &str = "connect.client_certificate_file";
const KEY_FILE: &str = "connect.client_key_file";

/// Checks what is said about Connect.
pub fn connect(raw: &RawSettings, found: Found<'_>) -> Option<Connect> {
    let url = text(raw, "connect.url", found).and_then(|text| address(&text, found));
    let writer = word(raw, "connect.writer", found).map(|word| match word {
        "forwarded" => Writer::Forwarded,
        _ => Writer::Leader,
    });
    let ready_deadline = length_of(raw, "connect.ready_deadline", found);
    let change_deadline = length_of(raw, "connect.change_deadline", found);
    let credential = credential(raw, found);
    let headers = headers(raw, credential.is_some(), found);
    let (ca_file, identity) = (path(raw, CA_FILE, found), identity(raw, found));
    let access = Access { credential, headers, ca_file, identity };
    if let Some(url) = &url {
        in_the_clear(raw, url, &access, found);
    }
    let (ready_deadline, change_deadline) = (ready_deadline?, change_deadline?);
    Some(Connect { url: url?, writer, ready_deadline, change_deadline, access })
}

fn address(text: &Text, found: Found<'_>) -> Option<Url> {
    let refuse = |why: &str, hint: &str| {
        Finding::new(Rule::WrongValue, text.place.clone(), format!("`connect.url` {why}")).hint(hint)
    };
    let example = "write it like `http://localhost:8083`";
    match Url::parse(text.as_str()) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            found.push(refuse("is neither http nor https", example));
            None
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            found.push(refuse(
                "holds credentials",
                "take them out of the address: `connect.basic_auth` is for them",
            ));
            None
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            found.push(refuse(
                "holds a query or a fragment, which are not sent",
                "end it with the path; a key for a gateway goes into `connect.headers`",
            ));
            None
        }
        Ok(url) => Some(url),
        Err(_) => {
            found.push(refuse("is no address", example));
            None
        }
    }
}

fn credential(raw: &RawSettings, found: Found<'_>) -> Option<Credential> {
    let username = text(raw, USERNAME, found);
    let password = path(raw, PASSWORD_FILE, found)
        .map(Password::File)
        .or_else(|| text(raw, PASSWORD, found).map(|text| Password::Text(text.as_str().to_owned())));
    let token_file = path(raw, TOKEN_FILE, found);
    if token_file.is_some() && (username.is_some() || password.is_some()) {
        let why = "and `connect.basic_auth` exclude each other: a request carries one of them";
        found.push(wrong(raw, TOKEN_FILE, why).hint("keep one of them"));
        return None;
    }
    match (username, password) {
        (None, None) => token_file.map(Credential::Bearer),
        (Some(username), Some(_)) if username.as_str().contains(':') => {
            found.push(wrong(raw, USERNAME, "holds a colon, which ends a user name in HTTP"));
            None
        }
        (Some(username), Some(_)) if username.as_str().is_empty() => {
            found.push(wrong(raw, USERNAME, "is empty").hint("is the variable that it comes from set?"));
            None
        }
        (Some(username), Some(password)) => {
            Some(Credential::Basic { username: username.as_str().to_owned(), password })
        }
        (Some(_), None) => {
            let hint = format!("add `{PASSWORD_FILE}`, or `{PASSWORD}`");
            found.push(missing(raw, USERNAME, "is there, and no password").hint(hint));
            None
        }
        (None, Some(_)) => {
            let key = if raw.get(PASSWORD_FILE).is_some() { PASSWORD_FILE } else { PASSWORD };
            found.push(missing(raw, key, "is there, and no user name").hint(format!("add `{USERNAME}`")));
            None
        }
    }
}

fn identity(raw: &RawSettings, found: Found<'_>) -> Option<Identity> {
    match (path(raw, CERTIFICATE_FILE, found), path(raw, KEY_FILE, found)) {
        (None, None) => None,
        (Some(certificate_file), Some(key_file)) => Some(Identity { certificate_file, key_file }),
        (Some(_), None) => {
            let finding = missing(raw, CERTIFICATE_FILE, "is there, and no key");
            found.push(finding.hint(format!("add `{KEY_FILE}`; it may be the same file")));
            None
        }
        (None, Some(_)) => {
            let finding = missing(raw, KEY_FILE, "is there, and no certificate");
            found.push(finding.hint(format!("add `{CERTIFICATE_FILE}`; it may be the same file")));
            None
        }
    }
}

fn headers(raw: &RawSettings, has_credential: bool, found: Found<'_>) -> Vec<Header> {
    let Some(node) = raw.get(HEADERS) else { return Vec::new() };
    let Some(entries) = decode::map(&format!("`{HEADERS}`"), node, found) else { return Vec::new() };
    let (mut headers, mut names) = (Vec::new(), BTreeSet::new());
    for entry in entries {
        let name = entry.key.as_str();
        let what = format!("`{HEADERS}.{name}`");
        let Some(text) = decode::text(&what, &entry.value, found) else { continue };
        let mut refuse = |why: &str, hint: &str| {
            let finding = Finding::new(Rule::WrongValue, entry.key.place.clone(), format!("{what} {why}"));
            found.push(if hint.is_empty() { finding } else { finding.hint(hint) });
        };
        match Header::new(name, text.as_str()) {
            Err(why) => refuse(why, ""),
            Ok(header) if header.is_authorization() && has_credential => {
                let why = "and `connect.basic_auth` or `connect.bearer_token_file` exclude each other";
                refuse(why, "keep one of them");
            }
            Ok(header) if !names.insert(header.name().to_owned()) => {
                refuse("is there already: capitals do not count", "keep one of them");
            }
            Ok(header) => headers.push(header),
        }
    }
    headers
}

/// What cannot be meant, or should not, where nothing is encrypted.
fn in_the_clear(raw: &RawSettings, url: &Url, access: &Access, found: Found<'_>) {
    if url.scheme() != "http" {
        return;
    }
    for key in [CA_FILE, CERTIFICATE_FILE, KEY_FILE] {
        if raw.get(key).is_some() {
            let why = "is for TLS, and `connect.url` begins with http://";
            found.push(wrong(raw, key, why).hint("write the address with https://, or take the key away"));
        }
    }
    if access.shows_a_secret() && !is_loopback(url) {
        let key = [USERNAME, TOKEN_FILE, HEADERS].into_iter().find(|key| raw.get(key).is_some());
        let key = key.unwrap_or(HEADERS);
        let message = format!(
            "`{key}` goes over the network unencrypted: `connect.url` is http:// and not this machine"
        );
        let place = raw.get(key).map_or_else(|| wrong(raw, key, "").place, |node| node.place.clone());
        found.push(Finding::new(Rule::Unencrypted, place, message));
    }
}

fn missing(raw: &RawSettings, key: &str, why: &str) -> Finding {
    Finding { rule: Rule::MissingKey, ..wrong(raw, key, why) }
}
