//! Every setting there is: its key, what it takes, what it is without being said, what it is for.
//!
//! One table feeds the reading of the file, of the environment and of the flags, the suggestions
//! for mistyped keys, and the reference page.

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// A whole number, or `unlimited`.
    Limit,
    /// A length of time, as in `90s`, `10m` or `1h30m`.
    Duration,
    /// One of some words.
    Word(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A tree of texts.
    Tree,
    /// A map of folders by name.
    Folders,
    /// A map of texts by the name of a header.
    Headers,
    /// A list of credentials.
    Credentials,
    /// A list of what must be signed in which import.
    Verifications,
    /// A list of folders, each with the names that are its own.
    ExtraFolders,
    /// A pause with its reason and its end.
    Suspend,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its key, with dots between the levels.
    pub path: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What it is where nobody says; empty for nothing.
    pub default: &'static str,
    /// What it is for.
    pub says: &'static str,
}

const fn key(path: &'static str, takes: Takes, default: &'static str, says: &'static str) -> Key {
    Key { path, takes, default, says }
}

/// Every setting, in the order of the reference page.
pub const KEYS: &[Key] = &[
    key("environment", Takes::Text, "", "The environment that the definitions are rendered for."),
    key(
        "repository.git.url",
        Takes::Text,
        "",
        "Where the definitions are: `http(s)://`, `ssh://`, `git://`, `file://`, `user@host:path` or a path. No password in it: see `git_credentials`.",
    ),
    key("repository.git.ref.tag", Takes::Text, "", "The tag to follow. It may move."),
    key("repository.git.ref.branch", Takes::Text, "", "The branch to follow, instead of a tag."),
    key(
        "repository.git.ref.commit",
        Takes::Text,
        "",
        "The commit to stay at, its full id, instead of a tag.",
    ),
    key(
        "repository.git.ref.semver",
        Takes::Text,
        "",
        "A range of versions, such as `^1.4`, to follow the tag with the highest of, instead of one tag.",
    ),
    key(
        "repository.git.ref.prefix",
        Takes::Text,
        "",
        "What stands before a version in a tag's name, such as `app/`. One `v` behind it counts for nothing. Beside `semver` only.",
    ),
    key(
        "repository.git.ref.allow_downgrade",
        Takes::Flag,
        "false",
        "Whether a highest version that went down is taken. Otherwise it is held, and the last good one stays in force. Beside `semver` only.",
    ),
    key(
        "repository.git.path",
        Takes::Text,
        ".",
        "The folder inside the repository that holds the definitions.",
    ),
    key(
        "repository.git.interval",
        Takes::Duration,
        "60s",
        "The time between two polls, give or take a tenth, at least 1s; below 10s only for a git server of your own. docs/operations/polling.md has the exact pace.",
    ),
    key(
        "repository.git.deadline",
        Takes::Duration,
        "30s",
        "How long one listing or one fetch may take, all in all.",
    ),
    key(
        "repository.git.ca_file",
        Takes::Text,
        "",
        "Certificate authorities to trust for this repository (PEM), instead of the system's.",
    ),
    key(
        "repository.git.proxy",
        Takes::Text,
        "",
        "The HTTP proxy to git servers, `http://proxy.example.com:3128`, but for the hosts in `no_proxy`; `none` for no proxy. Not said: what `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say. Its password is one of `git_credentials`. It counts for imports too, and not for SSH.",
    ),
    key(
        "repository.git.verify.what",
        Takes::Word(&["tag", "commit", "tag-and-commit", "tag-or-commit"]),
        "tag",
        "What must be signed, once `allowed_signers_file` or `openpgp_keys_file` says by whom. Only `tag` and `tag-and-commit` keep somebody without a key from putting an old release back.",
    ),
    key(
        "repository.git.verify.allowed_signers_file",
        Takes::Text,
        "",
        "Who may sign with SSH: a file in OpenSSH's form. Where it is named, nothing is accepted without a signature that counts, from the repositories that are imported neither. Read anew at every poll.",
    ),
    key(
        "repository.git.verify.openpgp_keys_file",
        Takes::Text,
        "",
        "Who may sign with OpenPGP: a file of public keys, as `gpg --export` writes it; for a build with the feature `openpgp`. Where it is named, nothing is accepted without a signature that counts, from the repositories that are imported neither. Read anew at every poll.",
    ),
    key(
        "repository.dir",
        Takes::Text,
        "",
        "A folder of definitions instead of git, for trying a connector before it is released. It is watched, and read anew at every interval as well.",
    ),
    key(
        "git_credentials",
        Takes::Credentials,
        "",
        "A list of what to show to which host, and to no other, and whom to take for it: `host` with `username`, `password_file` or `password`, `ca_file`, `ssh_key_file`, `known_hosts_file` or `host_key_fingerprints`. A host without a port is https on 443 and ssh on 22; plain http is written out: `http://git.example.com:8080`.",
    ),
    key(
        "imports",
        Takes::Folders,
        "",
        "Folders to read imports from in place of git, by the names that they have in `tagalong.yaml`: `{platform: ../platform}`. For trying templates before they are released.",
    ),
    key(
        "import_verify",
        Takes::Verifications,
        "",
        "A list of what is asked of single imports in place of what the main repository is asked for: `git` (the address, as in `tagalong.yaml`) with `what`, which may also be `none`, and `allowed_signers_file` or `openpgp_keys_file`.",
    ),
    key(
        "extra",
        Takes::ExtraFolders,
        "",
        "More folders of definitions, each flat, as where a service brings its own connectors in a mounted `ConfigMap`. What is wrong with one of them fails that one alone. They are watched, and read anew at every interval as well. The names of connectors that are a folder's own stand beside it, as in `{folder: /etc/tagalong/extra/shop, names: [shop-*, till]}`: it declares those alone, and no other folder does. An item may be the folder alone: without names it deletes nothing. The flag takes `FOLDER=NAME:NAME`.",
    ),
    key(
        "values",
        Takes::Tree,
        "",
        "Values for the templates, over those of the environment file. `TAGALONG_VALUES` is YAML and lies over these; `--value a.b=c` lies over both.",
    ),
    key(
        "select.include",
        Takes::Texts,
        "*",
        "Patterns of connector names that exist for this agent; `*` and `?` stand for characters.",
    ),
    key("select.exclude", Takes::Texts, "", "Patterns of connector names that do not exist for this agent."),
    key(
        "secrets.env_prefix",
        Takes::Text,
        "TAGALONG_SECRET_",
        "What stands before the name of a variable that definitions may name: `secret('env:A')` is `TAGALONG_SECRET_A`. It ends with `_`, and none of the agent's own variables begins with it.",
    ),
    key(
        "secrets.folders",
        Takes::Texts,
        "",
        "Folders whose files definitions may name, absolute: `secret('file:a/b')` is `a/b` in the first of them that has it. They are watched. What the agent itself is given is never read.",
    ),
    key("connect.url", Takes::Text, "http://localhost:8083", "The Connect worker beside this agent."),
    key(
        "connect.writer",
        Takes::Word(&["leader", "forwarded"]),
        "",
        "`leader`: only the agent beside the Connect leader writes, with one agent beside each worker; the default of `run`. `forwarded`: the worker passes writes on, for exactly one agent; the default of `apply`.",
    ),
    key(
        "connect.ready_deadline",
        Takes::Duration,
        "10m",
        "How long a connector may wait for its database before that is an alert.",
    ),
    key(
        "connect.change_deadline",
        Takes::Duration,
        "2m",
        "How long a change may take until it is seen to be in effect.",
    ),
    key(
        "connect.basic_auth.username",
        Takes::Text,
        "",
        "The user name that every request to Connect carries.",
    ),
    key(
        "connect.basic_auth.password_file",
        Takes::Text,
        "",
        "The file that holds its password, in one line. Read again when it is renewed, as every file of `connect` is.",
    ),
    key("connect.basic_auth.password", Takes::Text, "", "The password itself, instead of a file."),
    key(
        "connect.bearer_token_file",
        Takes::Text,
        "",
        "The file that holds a token for Connect, instead of a user name and a password.",
    ),
    key(
        "connect.headers",
        Takes::Headers,
        "",
        "More headers for every request to Connect. Their values are taken for secrets.",
    ),
    key(
        "connect.ca_file",
        Takes::Text,
        "",
        "Certificate authorities to trust for Connect (PEM), instead of the system's.",
    ),
    key(
        "connect.client_certificate_file",
        Takes::Text,
        "",
        "The agent's own certificate for Connect, and those between it and its authority (PEM).",
    ),
    key(
        "connect.client_key_file",
        Takes::Text,
        "",
        "The key of that certificate (PEM: PKCS#8, PKCS#1 or SEC1, not encrypted). It may be the same file.",
    ),
    key(
        "mode",
        Takes::Word(&["enforce", "observe"]),
        "enforce",
        "`observe` plans and tells, and writes nothing.",
    ),
    key(
        "suspend",
        Takes::Suspend,
        "",
        "Write nothing for now, and go on looking: `{reason: …, until: 2026-12-01T00:00:00Z}`; `until` may be left out.",
    ),
    key(
        "risk",
        Takes::Word(&["hold", "warn"]),
        "hold",
        "What to do with a change that could do harm and that nobody acknowledged. `warn`: it passes and is told, for workspaces. docs/reference/risks.md has the table.",
    ),
    key(
        "prune.policy",
        Takes::Word(&["never", "owned"]),
        "never",
        "What to do with connectors whose file is gone. `never`: they become unmanaged. `owned`: those that this repository once declared are deleted.",
    ),
    key(
        "prune.max",
        Takes::Number,
        "5",
        "How many connectors may be deleted at once for being gone, whatever share that is.",
    ),
    key(
        "prune.max_percent",
        Takes::Number,
        "20",
        "Which share of the connectors may be deleted at once for being gone, however many those are. All of them never are.",
    ),
    key("prune.grace", Takes::Duration, "0s", "How long a connector is stopped before it is deleted."),
    key(
        "restart.enabled",
        Takes::Flag,
        "true",
        "Restart connectors and tasks that failed: at once, then after 2, 6, 12, 20, 30, 42, 56 and 60 minutes.",
    ),
    key(
        "restart.max_per_connector",
        Takes::Limit,
        "unlimited",
        "Restarts of one connector that is not stable between them.",
    ),
    key("restart.max_at_once", Takes::Number, "5", "Restarts in one cycle across the cluster."),
    key(
        "stall.interval",
        Takes::Duration,
        "5m",
        "How often the offsets of a connector whose heartbeat writes are looked at while nothing changes, at least 10s. docs/operations/stalled.md.",
    ),
    key("http.listen", Takes::Text, "0.0.0.0:9808", "Where metrics, status and health are served."),
    key(
        "http.token_file",
        Takes::Text,
        "",
        "The file that holds the token with which somebody may tell the agent to look now: `POST /reconcile`, `tagalong reconcile`. Read again when it is renewed. Without it nobody may.",
    ),
    key(
        "http.webhook_secret_file",
        Takes::Text,
        "",
        "The file that holds the secret with which a git host signs its webhooks to `/hooks/git`. Read again when it is renewed. Without it they are not taken.",
    ),
    key("metrics.per_connector", Takes::Flag, "true", "Whether there are series for each connector."),
    key("log.format", Takes::Word(&["text", "json"]), "text", "How logs are written to standard error."),
    key(
        "log.level",
        Takes::Word(&["error", "warn", "info", "debug", "trace"]),
        "info",
        "How much is logged.",
    ),
    key(
        "scratch_dir",
        Takes::Text,
        "",
        "Where fetched packs are put for a moment; the system's temporary folder if not said.",
    ),
    key(
        "state_dir",
        Takes::Text,
        "/var/lib/tagalong",
        "Where `run` keeps what it accepted last, for a start while git is away, and digests of what was desired, for clusters that mask secrets. `none` keeps nothing.",
    ),
];

/// The environment variable of a key: `TAGALONG_` and the key in capitals, `__` between levels.
pub fn variable(path: &str) -> String {
    format!("TAGALONG_{}", path.to_ascii_uppercase().replace('.', "__"))
}

/// The flag that sets a key, where there is one.
pub fn flag(path: &str) -> Option<&'static str> {
    Some(match path {
        "environment" => "--environment",
        "repository.git.url" => "--git",
        "repository.git.ref.tag" => "--tag",
        "repository.git.ref.branch" => "--branch",
        "repository.git.ref.commit" => "--commit",
        "repository.git.ref.semver" => "--semver",
        "repository.dir" => "--dir",
        "imports" => "--import",
        "extra" => "--extra",
        "values" => "--value",
        "connect.url" => "--connect",
        "http.listen" => "--listen",
        "log.format" => "--log-format",
        _ => return None,
    })
}

/// The setting with this key.
pub fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The words that may follow a prefix of keys, each once.
pub fn below(prefix: &str) -> Vec<&'static str> {
    let mut words: Vec<_> = KEYS
        .iter()
        .filter_map(|key| match prefix {
            "" => Some(key.path),
            prefix => key.path.strip_prefix(prefix)?.strip_prefix('.'),
        })
        .map(|rest| rest.split('.').next().expect("a key has a word"))
        .collect();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_variable() {
        assert_eq!(variable("repository.git.ref.tag"), "TAGALONG_REPOSITORY__GIT__REF__TAG");
    }

    #[test]
    fn the_words_below_a_prefix_are_those_of_one_level() {
        assert_eq!(below("repository"), ["git", "dir"]);
        assert_eq!(below("select"), ["include", "exclude"]);
        assert!(below("").contains(&"connect") && below("mode").is_empty());
    }

    #[test]
    fn no_key_is_said_twice() {
        let mut paths: Vec<_> = KEYS.iter().map(|key| key.path).collect();
        paths.sort_unstable();
        let count = paths.len();
        paths.dedup();
        assert_eq!(paths.len(), count);
    }
}
