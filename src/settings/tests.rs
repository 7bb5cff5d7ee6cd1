//! What settings are read as, and what is said about wrong ones.

use super::*;
use crate::connect::access::{Credential, Header};
use crate::model::password::Password;
use crate::model::plan::Mode;
use crate::model::policy::{OnRisk, Prune, Pruned};
use crate::model::revision::Reference;
use crate::model::values::Values;
use crate::pipeline::pace::RestartLimits;
use crate::settings::checked::Repository;

pub fn read(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&'static str, &str)],
) -> (Option<Settings>, Vec<String>) {
    let written = Written {
        file: Some(("settings.yaml", file.as_bytes())),
        environment: environment.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect(),
        flags: flags.iter().map(|&(key, text)| (key, text.to_owned())).collect(),
    };
    let (settings, findings) = Settings::read(&written, &[]);
    let said = findings
        .iter()
        .map(|finding| {
            let hint = finding.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("{}: {}{hint}", finding.place, finding.message)
        })
        .collect();
    (settings, said)
}

pub fn good(file: &str, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Settings {
    let (settings, said) = read(file, environment, flags);
    settings.unwrap_or_else(|| panic!("{said:#?}"))
}

const GIT: &str =
    "environment: staging\nrepository:\n  git:\n    url: https://git.example.com/x\n    ref: {tag: v1}\n";

#[test]
fn folders_of_imports_are_laid_over_each_other_by_name() {
    let file = "imports: {platform: a, legacy: b}\n";
    let written = Written {
        file: Some(("settings.yaml", file.as_bytes())),
        environment: vec![("TAGALONG_IMPORTS".into(), "{platform: c}".into())],
        flags: vec![("imports", "extra=d=e".into())],
    };
    let (settings, findings) = Settings::read(&written, &[]);
    assert!(findings.is_empty(), "{findings:?}");
    let folders = settings.expect("they are good").imports.folders;
    let folders: Vec<_> = folders.iter().map(|(name, folder)| (name.as_str(), folder.to_str())).collect();
    assert_eq!(folders, [("extra", Some("d=e")), ("legacy", Some("b")), ("platform", Some("c"))]);
}

#[test]
fn nothing_said_gives_the_defaults() {
    let settings = good("", &[], &[]);
    assert!(settings.repository.is_none() && settings.environment.is_none());
    assert_eq!(settings.connect.url.as_str(), "http://localhost:8083/");
    assert_eq!((settings.mode, settings.restart), (Mode::Enforce, true));
    assert_eq!(settings.restart_limits, RestartLimits { per_connector: None, at_once: 5 });
    assert_eq!(settings.interval, Duration::from_mins(1));
    assert_eq!(settings.listen.to_string(), "0.0.0.0:9808");
    assert_eq!(settings.connect.writer, None);
}

#[test]
fn the_environment_lies_over_the_file_and_flags_over_both() {
    let environment = [("TAGALONG_ENVIRONMENT", "ed8k"), ("TAGALONG_REPOSITORY__GIT__INTERVAL", "10s")];
    let settings = good(GIT, &environment, &[("environment", "production")]);
    assert_eq!(settings.environment.expect("named").as_str(), "production");
    assert_eq!(settings.interval, Duration::from_secs(10));
}

#[test]
fn a_rival_in_a_later_source_takes_the_place_of_the_earlier() {
    let settings = good(GIT, &[], &[("repository.dir", "here")]);
    assert!(matches!(settings.repository, Some(Repository::Directory(path)) if path.as_os_str() == "here"));
    let settings = good(GIT, &[], &[("repository.git.ref.branch", "main")]);
    let Some(Repository::Git(git)) = settings.repository else { panic!("a git repository") };
    assert_eq!(git.follow, Reference::Branch("main".into()).into());
}

#[test]
fn rivals_in_one_source_are_a_mistake() {
    let (settings, said) = read("repository:\n  dir: here\n  git: {url: /x, ref: {tag: v1}}\n", &[], &[]);
    assert!(settings.is_none());
    assert_eq!(
        said,
        [
            "settings.yaml:3:14: `repository.git.url` and `repository.dir` exclude each other (keep one of them)"
        ]
    );
}

#[test]
fn mistakes_are_told_all_at_once_with_their_places() {
    let file = "enviroment: x\nconnect:\n  url: ftp://x\n  wirter: leader\nmode: obsrve\nrestart: {max_at_once: many}\n";
    let (settings, said) = read(file, &[], &[]);
    assert!(settings.is_none());
    assert_eq!(
        said,
        [
            "settings.yaml:1:1: the settings file has no key `enviroment` (did you mean `environment`?)",
            "settings.yaml:3:8: `connect.url` is neither http nor https (write it like `http://localhost:8083`)",
            "settings.yaml:4:3: `connect` has no key `wirter` (did you mean `writer`?)",
            "settings.yaml:5:7: `mode` takes one of 2 words, and not this one (did you mean `observe`?)",
            "settings.yaml:6:24: `restart.max_at_once` is no whole number",
        ]
    );
}

#[test]
fn an_unknown_variable_is_a_warning_and_the_prefix_of_secrets_is_not() {
    let environment =
        [("TAGALONG_PORT", "tcp://10.0.0.1:80"), ("TAGALONG_SECRET_X", "x"), ("TAGALONG_ENVIRONMNT", "x")];
    let (settings, said) = read("", &environment, &[]);
    assert!(settings.is_some());
    assert_eq!(
        said,
        [
            "TAGALONG_ENVIRONMNT: `TAGALONG_ENVIRONMNT` is no setting (did you mean `TAGALONG_ENVIRONMENT`?)",
            "TAGALONG_PORT: `TAGALONG_PORT` is no setting",
        ]
    );
}

#[test]
fn the_prefix_of_secrets_is_the_one_that_the_settings_say() {
    let environment = [
        ("TAGALONG_SECRETS__ENV_PREFIX", "TAGALONG_PW_"),
        ("TAGALONG_PW_X", "x"),
        ("TAGALONG_SECRET_X", "x"),
    ];
    let (settings, said) = read("", &environment, &[]);
    assert_eq!(said, ["TAGALONG_SECRET_X: `TAGALONG_SECRET_X` is no setting"]);
    assert_eq!(settings.expect("usable").secrets.env_prefix, "TAGALONG_PW_");
}

#[test]
fn a_prefix_of_secrets_that_would_open_the_agents_own_variables_is_refused() {
    for prefix in [
        "TAGALONG_",
        "TAGALONG_GIT_",
        "TAGALONG_CONNECT__",
        "TAGALONG_CONNECT__BASIC_AUTH__",
        "TAGALONG_SECRETS__",
    ] {
        let (settings, said) = read(&format!("secrets: {{env_prefix: {prefix}}}\n"), &[], &[]);
        assert!(settings.is_none(), "{prefix}");
        assert!(said[0].contains("is how variables of the agent's own begin"), "{said:?}");
    }
    for prefix in ["\"\"", "_", "A", "TAGALONG", "TAG", "X=_", "ä_", "9_"] {
        let (settings, said) = read(&format!("secrets: {{env_prefix: {prefix}}}\n"), &[], &[]);
        assert!(settings.is_none(), "{prefix}");
        assert!(said[0].contains("is no word of letters, digits and `_` that ends with `_`"), "{said:?}");
    }
    for prefix in ["TAGALONG_SECRET_", "ORDERS_", "TAGALONG_GITX_"] {
        let (settings, said) = read(&format!("secrets: {{env_prefix: {prefix}}}\n"), &[], &[]);
        assert!(settings.is_some() && said.is_empty(), "{prefix}: {said:?}");
    }
}

#[test]
fn a_folder_of_secrets_is_absolute_and_not_everything() {
    let file =
        "secrets:\n  folders: [secrets, /, //, /run/../etc, /proc/self, /dev, /run/secrets/connectors]\n";
    let (settings, said) = read(file, &[], &[]);
    assert!(settings.is_none());
    let said: Vec<_> = said.iter().map(|said| said.split(" (").next().unwrap_or_default()).collect();
    assert_eq!(
        said,
        [
            "settings.yaml:2:13: a folder of `secrets.folders` is not absolute",
            "settings.yaml:2:22: a folder of `secrets.folders` is the root, so everything could be read",
            "settings.yaml:2:25: a folder of `secrets.folders` is the root, so everything could be read",
            "settings.yaml:2:29: a folder of `secrets.folders` has `..` in it",
            "settings.yaml:2:42: a folder of `secrets.folders` is the kernel's, where the agent's own variables stand",
            "settings.yaml:2:54: a folder of `secrets.folders` is the kernel's, where the agent's own variables stand",
        ]
    );
    let variable = [("TAGALONG_SECRETS__FOLDERS", "[/run/secrets/a, /run/secrets/b]")];
    let (settings, said) = read("secrets: {folders: [/elsewhere]}\n", &variable, &[]);
    assert_eq!(said, [""; 0]);
    let folders = settings.expect("usable").secrets.folders;
    assert_eq!(folders, ["/run/secrets/a", "/run/secrets/b"].map(std::path::PathBuf::from));
}

#[test]
fn the_files_that_the_agent_itself_is_given_are_known_as_its_own() {
    let file = "repository: {git: {url: 'https://h/r', ref: {tag: v1}}}\ngit_credentials:\n  - {host: h, password_file: /s/git}\n  - {host: i, ssh_key_file: /s/ssh, known_hosts_file: /s/hosts}\nconnect:\n  url: https://c\n  basic_auth: {username: u, password_file: /s/connect}\n  client_certificate_file: /s/tls.crt\n  client_key_file: /s/tls.key\n";
    let own = read(file, &[], &[]).0.expect("usable").secrets.own;
    let own: std::collections::BTreeSet<_> = own.iter().map(|path| path.display().to_string()).collect();
    assert_eq!(own.into_iter().collect::<Vec<_>>(), ["/s/connect", "/s/git", "/s/ssh", "/s/tls.key"]);
    let token = read("connect: {bearer_token_file: /s/token}\n", &[], &[]).0.expect("usable").secrets.own;
    assert_eq!(token, [std::path::PathBuf::from("/s/token")]);
}

#[test]
fn what_bounds_a_plan_is_read_and_what_makes_no_sense_is_refused() {
    let file = "risk: warn\nprune: {policy: owned, max: 2, max_percent: 10, grace: 1h}\nstall: {interval: 1m}\nconnect: {ready_deadline: 5m}\n";
    let settings = read(file, &[], &[]).0.expect("usable");
    let prune = Prune { who: Pruned::Owned, max: 2, max_percent: 10, grace: Duration::from_hours(1) };
    assert_eq!((settings.risk, settings.prune), (OnRisk::Warn, prune));
    assert_eq!(settings.stall_interval, Duration::from_mins(1));
    assert_eq!(settings.connect.ready_deadline, Duration::from_mins(5));
    let settings = read("", &[], &[]).0.expect("usable");
    assert_eq!((settings.risk, settings.prune), (OnRisk::Hold, Prune::default()), "the safe ones");
    for (file, says) in [
        ("prune: {max_percent: 101}\n", "settings.yaml:1:22: `prune.max_percent` is more than 100"),
        ("stall: {interval: 9s}\n", "settings.yaml:1:19: `stall.interval` is shorter than 10s"),
    ] {
        let (settings, said) = read(file, &[], &[]);
        assert_eq!((settings.is_none(), said.len()), (true, 1), "{file}: {said:?}");
        assert!(said[0].starts_with(says), "{said:?}");
    }
}

#[test]
fn values_keep_their_text_and_lie_over_each_other() {
    let file = "values:\n  postgres: {host: a, port: 010}\n  list: [1.50, yes]\n";
    let written = Written {
        file: Some(("settings.yaml", file.as_bytes())),
        environment: vec![("TAGALONG_VALUES".into(), "postgres: {host: b}".into())],
        flags: Vec::new(),
    };
    let (settings, findings) = Settings::read(&written, &["postgres.name=c=d".to_owned()]);
    let values = settings.unwrap_or_else(|| panic!("{findings:?}")).values;
    let mut expected = Values::default();
    for (path, text) in [("postgres.host", "b"), ("postgres.port", "010"), ("postgres.name", "c=d")] {
        expected.set(path, text);
    }
    let list = Values::List(vec![Values::Text("1.50".into()), Values::Text("yes".into())]);
    expected.lay_over(Values::Map([("list".into(), list)].into()));
    assert_eq!(values, expected);
}

#[test]
fn a_credential_is_bound_to_a_host_and_cannot_be_printed() {
    let file =
        "git_credentials:\n  - {host: git.example.com, username: x, password: hunter2}\n  - {username: y}\n";
    let (settings, said) = read(&format!("{GIT}{file}"), &[], &[]);
    assert!(settings.is_none());
    assert_eq!(
        said,
        [
            "settings.yaml:8:5: a credential names no host (add `host: git.example.com`: a credential is shown to no other)"
        ]
    );
    let settings = good(&format!("{GIT}{}", file.rsplit_once("  - ").expect("two items").0), &[], &[]);
    let printed = format!("{settings:?}");
    assert!(printed.contains("git.example.com") && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn what_would_not_be_sent_of_an_address_is_refused_and_not_repeated() {
    for url in ["http://localhost:8083/x?apikey=hunter2", "http://localhost:8083/#hunter2"] {
        let (settings, said) = read(&format!("connect: {{url: '{url}'}}\n"), &[], &[]);
        assert!(settings.is_none() && said.len() == 1, "{said:?}");
        assert!(said[0].contains("a query or a fragment") && !said[0].contains("hunter2"), "{said:?}");
    }
}

#[test]
fn a_user_without_a_name_is_refused() {
    let said = said_of("  basic_auth: {username: '', password: x}\n");
    assert!(said.len() == 1 && said[0].contains("`connect.basic_auth.username` is empty"), "{said:?}");
}

#[test]
fn a_secret_in_an_address_is_refused_and_not_repeated() {
    let (settings, said) = read("connect: {url: 'http://user:hunter2@localhost:8083'}\n", &[], &[]);
    assert!(settings.is_none());
    assert!(said.iter().all(|line| !line.contains("hunter2")), "{said:?}");
}

/// What is said about these lines below `connect`, where Connect is on this machine.
fn said_of(connect: &str) -> Vec<String> {
    read(&format!("connect:\n  url: https://connect:8083\n{connect}"), &[], &[]).1
}

#[test]
fn every_key_of_an_access_is_a_variable_too() {
    let environment = [
        ("TAGALONG_CONNECT__URL", "https://connect:8083"),
        ("TAGALONG_CONNECT__BASIC_AUTH__USERNAME", "agent"),
        ("TAGALONG_CONNECT__BASIC_AUTH__PASSWORD", "hunter2"),
        ("TAGALONG_CONNECT__HEADERS", "{X-Api-Key: hunter3}"),
        ("TAGALONG_CONNECT__CA_FILE", "/ca.pem"),
        ("TAGALONG_CONNECT__CLIENT_CERTIFICATE_FILE", "/tls.crt"),
        ("TAGALONG_CONNECT__CLIENT_KEY_FILE", "/tls.key"),
    ];
    let access = good("", &environment, &[]).connect.access;
    let Some(Credential::Basic { username, password }) = &access.credential else { panic!("{access:?}") };
    assert_eq!((username.as_str(), password), ("agent", &Password::Text("hunter2".into())));
    assert_eq!(access.headers.iter().map(Header::name).collect::<Vec<_>>(), ["x-api-key"]);
    assert_eq!(access.ca_file.as_deref(), Some("/ca.pem".as_ref()));
    let identity = access.identity.as_ref().expect("a certificate");
    assert_eq!(identity.certificate_file.as_os_str(), "/tls.crt");
    assert_eq!(identity.key_file.as_os_str(), "/tls.key");
    let shown = format!("{access:?}");
    assert!(!shown.contains("hunter"), "{shown}");

    let environment = [("TAGALONG_CONNECT__BEARER_TOKEN_FILE", "/token")];
    let credential = good("", &environment, &[]).connect.access.credential;
    assert!(matches!(&credential, Some(Credential::Bearer(path)) if path.as_os_str() == "/token"));
}

#[test]
fn a_password_file_of_the_environment_takes_the_place_of_the_files_password() {
    let file = "connect: {basic_auth: {username: agent, password: hunter2}}\n";
    let environment = [("TAGALONG_CONNECT__BASIC_AUTH__PASSWORD_FILE", "/password")];
    let credential = good(file, &environment, &[]).connect.access.credential;
    let Some(Credential::Basic { password, .. }) = credential else { panic!("{credential:?}") };
    assert_eq!(password, Password::File("/password".into()));
}

#[test]
fn who_the_agent_is_is_said_in_one_way_and_completely() {
    for (connect, expected) in [
        (
            "  basic_auth: {username: agent, password: hunter2}\n  bearer_token_file: /token\n",
            "settings.yaml:4:22: `connect.bearer_token_file` and `connect.basic_auth` exclude each other: a request carries one of them (keep one of them)",
        ),
        (
            "  basic_auth: {username: agent, password: hunter2, password_file: /password}\n",
            "settings.yaml:3:67: `connect.basic_auth.password_file` and `connect.basic_auth.password` exclude each other (keep one of them)",
        ),
        (
            "  basic_auth: {username: agent}\n",
            "settings.yaml:3:26: `connect.basic_auth.username` is there, and no password (add `connect.basic_auth.password_file`, or `connect.basic_auth.password`)",
        ),
        (
            "  basic_auth: {password: hunter2}\n",
            "settings.yaml:3:26: `connect.basic_auth.password` is there, and no user name (add `connect.basic_auth.username`)",
        ),
        (
            "  basic_auth: {username: 'a:b', password: hunter2}\n",
            "settings.yaml:3:26: `connect.basic_auth.username` holds a colon, which ends a user name in HTTP",
        ),
        (
            "  bearer_token_file: /token\n  headers: {authorization: hunter2}\n",
            "settings.yaml:4:13: `connect.headers.authorization` and `connect.basic_auth` or `connect.bearer_token_file` exclude each other (keep one of them)",
        ),
    ] {
        assert_eq!(said_of(connect), [expected]);
    }
}

#[test]
fn a_header_that_the_agent_sets_or_that_is_none_is_refused_by_its_name() {
    let said = said_of(
        "  headers:\n    Host: a\n    X Team: b\n    X-Team: \"a\\nb\"\n    x-one: a\n    X-One: b\n",
    );
    assert_eq!(
        said,
        [
            "settings.yaml:4:5: `connect.headers.Host` is a header that the agent sets itself",
            "settings.yaml:5:5: `connect.headers.X Team` is no name of a header",
            "settings.yaml:6:5: `connect.headers.X-Team` has a value that no header can have",
            "settings.yaml:8:5: `connect.headers.X-One` is there already: capitals do not count (keep one of them)",
        ]
    );
}

#[test]
fn a_certificate_and_its_key_belong_together() {
    assert_eq!(
        said_of("  client_certificate_file: /tls.crt\n"),
        [
            "settings.yaml:3:28: `connect.client_certificate_file` is there, and no key (add `connect.client_key_file`; it may be the same file)"
        ]
    );
    assert_eq!(
        said_of("  client_key_file: /tls.key\n"),
        [
            "settings.yaml:3:20: `connect.client_key_file` is there, and no certificate (add `connect.client_certificate_file`; it may be the same file)"
        ]
    );
}

#[test]
fn files_for_tls_and_an_address_without_it_contradict_each_other() {
    let (settings, said) = read("connect: {url: 'http://localhost:8083', ca_file: /ca.pem}\n", &[], &[]);
    assert!(settings.is_none());
    assert_eq!(
        said,
        [
            "settings.yaml:1:50: `connect.ca_file` is for TLS, and `connect.url` begins with http:// (write the address with https://, or take the key away)"
        ]
    );
}

#[test]
fn a_credential_in_the_clear_is_a_warning_unless_it_stays_on_this_machine() {
    let file = |url: &str| format!("connect: {{url: '{url}', bearer_token_file: /token}}\n");
    for quiet in
        ["http://localhost:8083", "http://127.0.0.1:8083", "http://[::1]:8083", "https://connect:8083"]
    {
        let (settings, said) = read(&file(quiet), &[], &[]);
        assert!(settings.is_some() && said.is_empty(), "{quiet}: {said:?}");
    }
    let (settings, said) = read(&file("http://connect:8083"), &[], &[]);
    assert!(settings.is_some());
    assert_eq!(
        said,
        [
            "settings.yaml:1:58: `connect.bearer_token_file` goes over the network unencrypted: `connect.url` is http:// and not this machine (give Connect a certificate and write https://, or talk to the worker on this machine)"
        ]
    );
}

#[test]
fn a_git_repository_needs_something_to_follow() {
    let (settings, said) = read("", &[], &[("repository.git.url", "/srv/definitions")]);
    assert!(settings.is_none());
    assert_eq!(
        said,
        [
            "--git: a git repository is named, and nothing of it to follow (add `repository.git.ref.tag`, or --tag, such as v1)"
        ]
    );
}

#[test]
fn lengths_of_time_are_read_as_people_write_them() {
    for (text, seconds) in
        [("90s", Some(90)), ("10m", Some(600)), ("1h30m", Some(5400)), ("-5s", None), ("soon", None)]
    {
        assert_eq!(duration(text).map(|length| length.as_secs()), seconds, "{text}");
    }
}

#[test]
fn a_length_of_nothing_is_refused() {
    let file = "connect: {change_deadline: 0s}\nrepository: {git: {url: /x, ref: {tag: v1}, deadline: 0s}}\n";
    let (settings, said) = read(file, &[], &[]);
    assert!(settings.is_none());
    assert_eq!(
        said,
        [
            "settings.yaml:1:28: `connect.change_deadline` is no length of time (write it like `90s`, `10m` or `1h30m`)",
            "settings.yaml:2:55: `repository.git.deadline` is no length of time (write it like `90s`, `10m` or `1h30m`)",
        ]
    );
}

#[test]
fn a_credential_has_one_password() {
    let file = "git_credentials: [{host: h, password: hunter2, password_file: /run/secrets/git}]\n";
    let (settings, said) = read(&format!("{GIT}{file}"), &[], &[]);
    assert!(settings.is_none());
    assert_eq!(
        said,
        [
            "settings.yaml:6:19: a credential has both `password` and `password_file` (keep `password_file`: a file can be kept from others)"
        ]
    );
}

#[test]
fn a_scope_that_holds_nothing_is_refused() {
    let (settings, said) = read("select: {include: []}\n", &[], &[]);
    assert!(settings.is_none());
    assert_eq!(
        said,
        [
            "settings.yaml:1:19: `select.include` names nothing, so no connector exists for this agent (write `[\"*\"]` for every connector)"
        ]
    );
}

#[test]
fn every_mistake_in_the_environment_names_its_variable() {
    let environment = [("TAGALONG_MODE", "obsrve"), ("TAGALONG_SELECT__EXCLUDE", "[a, {b: c}]")];
    let (settings, said) = read("", &environment, &[]);
    assert!(settings.is_none());
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[0].starts_with("TAGALONG_MODE: "), "{said:#?}");
    assert!(said[1].starts_with("TAGALONG_SELECT__EXCLUDE:1:5: "), "{said:#?}");
}
