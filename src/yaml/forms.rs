//! What a map or a list looks like, for who wrote something else.
//!
//! Takes the key and what it takes, gives an example. There is one for each key that people know from
//! other tools in another form; the readers of these keys are elsewhere.

/// The key, what it takes, and a value of it.
const FORMS: &[(&str, &str, &str)] = &[
    ("environments", "a map", "{staging: {state: paused}}"),
    ("suspend", "a map", "{reason: \"migration, OPS-77\"}"),
    ("config", "a map", "{tasks.max: 2}"),
    ("with", "a map", "{database: shop}"),
    ("parameters", "a map", "{database: {required: true}}"),
    ("values", "a map", "{postgres: {host: db.internal}}"),
    ("inputs", "a map", "{postgres.host: {example: db.internal}}"),
    ("allow", "a map", "{heartbeat-missing: \"the database is busy all day\"}"),
    ("lints", "a map", "{heartbeat-missing: error}"),
    ("only", "a list", "[staging, production]"),
    ("except", "a list", "[production]"),
    ("enum", "a list", "[small, large]"),
    ("acknowledge", "a list", "[{key: slot.name, to: orders_v2, reason: \"OPS-1234\"}]"),
    ("imports", "a list", "[{name: platform, git: https://git.example.com/platform.git, ref: {tag: v2}}]"),
    ("imports", "a map", "{platform: ../platform}"),
    ("config_providers", "a list", "[file, env]"),
    ("repository", "a map", "{git: {url: https://git.example.com/connectors.git, ref: {tag: v1}}}"),
    ("repository.git", "a map", "{url: https://git.example.com/connectors.git, ref: {tag: v1}}"),
    ("repository.git.ref", "a map", "{tag: v1}"),
    ("repository.git.verify", "a map", "{allowed_signers_file: /etc/tagalong/allowed_signers}"),
    (
        "git_credentials",
        "a list",
        "[{host: git.example.com, username: agent, password_file: /run/secrets/git}]",
    ),
    ("import_verify", "a list", "[{git: https://git.example.com/platform.git, what: tag}]"),
    ("extra", "a list", "[/etc/tagalong/extra/shop]"),
    ("select", "a map", "{include: [orders-*]}"),
    ("select.include", "a list", "[orders-*]"),
    ("select.exclude", "a list", "[orders-*]"),
    ("secrets", "a map", "{folders: [/run/secrets/connectors]}"),
    ("secrets.folders", "a list", "[/run/secrets/connectors]"),
    ("connect", "a map", "{url: http://localhost:8083}"),
    ("connect.basic_auth", "a map", "{username: agent, password_file: /run/secrets/connect}"),
    ("connect.headers", "a map", "{X-Team: platform}"),
    ("prune", "a map", "{policy: never}"),
    ("restart", "a map", "{enabled: false}"),
    ("http", "a map", "{listen: 127.0.0.1:9808}"),
    ("metrics", "a map", "{per_connector: false}"),
    ("log", "a map", "{format: json}"),
];

/// How to write what a key takes; `what` is the key as a finding names it, and `path` where it was read: a
/// file, or the variable that holds the value alone.
pub fn of(what: &str, wanted: &str, path: &str) -> Option<String> {
    let key = what.strip_prefix('`')?.strip_suffix('`')?;
    let (_, _, value) = FORMS.iter().find(|(known, takes, _)| (*known, *takes) == (key, wanted))?;
    let last = key.rsplit('.').next().unwrap_or(key);
    Some(if is_variable(path) { format!("{path}='{value}'") } else { format!("{last}: {value}") })
}

fn is_variable(path: &str) -> bool {
    path.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// The forms, for the tests of the rooms that read these keys.
#[cfg(test)]
pub mod tests {
    use super::FORMS;

    /// Every form, as it stands under its whole key.
    pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
        FORMS.iter().map(|(key, _, value)| (*key, *value))
    }

    #[test]
    fn a_form_is_told_under_its_last_key_or_as_the_value_of_a_variable() {
        let told = |path| super::of("`repository.git.ref`", "a map", path);
        assert_eq!(told("settings.yaml").as_deref(), Some("ref: {tag: v1}"));
        let told = super::of("`extra`", "a list", "TAGALONG_EXTRA");
        assert_eq!(told.as_deref(), Some("TAGALONG_EXTRA='[/etc/tagalong/extra/shop]'"));
        assert_eq!(super::of("`only`", "a map", "a.yaml"), None);
        assert_eq!(super::of("an item of `only`", "a list", "a.yaml"), None);
    }

    #[test]
    fn every_form_is_what_its_key_takes() {
        for (key, takes, value) in FORMS {
            let (documents, findings) = crate::yaml::documents("a.yaml", format!("x: {value}\n").as_bytes());
            assert!(findings.is_empty() && documents.len() == 1, "{key}: {findings:?}");
            assert_eq!(value.starts_with('['), *takes == "a list", "{key}");
        }
    }
}
