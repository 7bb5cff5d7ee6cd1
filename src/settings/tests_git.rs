//! What is said about wrong settings of the way to git, and what right ones are read as.

use std::path::PathBuf;

use crate::repo::credential::{Host, HostKeys, Way};
use crate::repo::options::{Proxy, Verification};
use crate::settings::tests::read;

const PIN: &str = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";

#[test]
fn what_is_wrong_with_a_credential_is_told_at_its_place() {
    let both = "keep one of them: a revoked key in the file would count for nothing beside a fingerprint";
    let host = "write `git.example.com`, `git.example.com:8443` or `http://git.example.com:8080`, without a user and a path";
    let pin = "write what `ssh-keygen -lf KEY` says: `SHA256:` and 43 characters";
    for (credential, told) in [
        (
            "{host: 'https://git.example.com/platform'}",
            format!("26: the host of a credential is none ({host})"),
        ),
        ("{host: '*.example.com'}", format!("26: the host of a credential is none ({host})")),
        (
            &format!("{{host: h, known_hosts_file: /f, host_key_fingerprints: ['{PIN}']}}"),
            format!("19: a credential has both `known_hosts_file` and `host_key_fingerprints` ({both})"),
        ),
        (
            &format!("{{host: h, host_key_fingerprints: ['{PIN}', 'MD5:16:27:ac:a5']}}"),
            format!("107: this is no SHA-256 of a host key ({pin})"),
        ),
        (
            "{host: h, host_key_fingerprints: []}",
            format!("52: no host key is named, so no host could be spoken to ({pin})"),
        ),
    ] {
        let (settings, said) = read(&format!("git_credentials: [{credential}]\n"), &[], &[]);
        assert!(settings.is_none(), "{credential}");
        assert_eq!(said, [format!("settings.yaml:1:{told}")]);
    }
}

#[test]
fn a_credential_names_its_host_and_whom_to_take_for_it() {
    let file = format!(
        "git_credentials:\n  - {{host: git.example.com, ca_file: /ca}}\n  - {{host: 'ssh://git.example.com:2222', host_key_fingerprints: ['{PIN}']}}\n"
    );
    let credentials = read(&file, &[], &[]).0.expect("usable").imports.credentials;
    assert_eq!(credentials[0].ca_file.as_deref(), Some(std::path::Path::new("/ca")));
    assert_eq!(Some(&credentials[1].host), Host::new("ssh://git.example.com:2222").as_ref());
    assert!(credentials[1].fits(Way::Ssh, "git.example.com", Some(2222), None));
    let HostKeys::Fingerprints(pinned) = &credentials[1].host_keys else { panic!("pinned") };
    assert_eq!(pinned[0].as_str(), PIN);
}

#[test]
fn a_proxy_with_a_password_is_refused_and_not_repeated() {
    let wrong = "repository: {git: {proxy: 'http://me:hunter2@proxy.example.com:3128'}}\n";
    let (settings, said) = read(wrong, &[], &[]);
    assert!(settings.is_none());
    assert_eq!(
        said,
        [
            "settings.yaml:1:27: `repository.git.proxy` is no address of a proxy (write it like `http://proxy.example.com:3128`, or `none`; its user and password stand in `git_credentials`)"
        ]
    );
    let proxy = |text: &str| {
        let settings = read(&format!("repository: {{git: {{proxy: {text}}}}}\n"), &[], &[]).0;
        settings.expect("usable").imports.proxy
    };
    assert_eq!(proxy("none"), Proxy::Nothing);
    assert!(matches!(proxy("http://proxy.example.com:3128"), Proxy::At(_)));
}

#[test]
fn the_last_good_is_kept_in_a_folder_unless_there_is_none() {
    let folder = |file| read(file, &[], &[]).0.and_then(|settings| settings.state_dir);
    assert_eq!(folder("{}\n"), Some("/var/lib/tagalong".into()));
    assert_eq!(folder("state_dir: /data\n"), Some("/data".into()));
    assert_eq!(folder("state_dir: none\n"), None);
}

/// What is asked of the main repository, and of the one that is imported; or what is said instead.
fn asked(verify: &str, import: &str) -> Result<(Files, Files), Vec<String>> {
    let git = "repository: {git: {url: 'https://git.example.com/x', ref: {tag: v1}, ";
    let file = format!(
        "{git}verify: {{{verify}}}}}}}\nimport_verify: [{{git: 'https://git.example.com/y'{import}}}]\n"
    );
    let (settings, said) = read(&format!("environment: staging\n{file}"), &[], &[]);
    let files = |asked: Option<&Verification>| {
        let asked = asked.expect("signatures are asked for");
        let name = |file: &Option<PathBuf>| file.as_ref().map(|file| file.display().to_string());
        (name(&asked.allowed_signers_file), name(&asked.openpgp_keys_file))
    };
    let settings = settings.ok_or(said)?;
    let import = settings.imports.verify_at.first().expect("one import is spoken of");
    Ok((files(settings.imports.verify.as_ref()), files(import.verify.as_ref())))
}

type Files = (Option<String>, Option<String>);

#[test]
fn an_import_is_signed_by_those_whom_it_names_and_else_by_those_of_the_main_repository() {
    let ssh = |name: &str| (Some(name.to_owned()), None);
    assert_eq!(asked("allowed_signers_file: a", ""), Ok((ssh("a"), ssh("a"))));
    assert_eq!(asked("allowed_signers_file: a", ", allowed_signers_file: b"), Ok((ssh("a"), ssh("b"))));
    let said = asked("", "").expect_err("nobody may sign");
    assert!(said[0].contains("asks for signatures, and nobody may sign"), "{said:?}");
}

#[cfg(feature = "openpgp")]
#[test]
fn whom_to_trust_with_openpgp_stands_beside_the_others_or_alone() {
    let openpgp = |name: &str| (None, Some(name.to_owned()));
    let both = (Some("a".to_owned()), Some("k".to_owned()));
    assert_eq!(asked("openpgp_keys_file: k", ""), Ok((openpgp("k"), openpgp("k"))));
    let two = "allowed_signers_file: a, openpgp_keys_file: k";
    assert_eq!(asked(two, ""), Ok((both.clone(), both.clone())));
    // Who names somebody means them, and nobody else.
    assert_eq!(asked(two, ", openpgp_keys_file: l"), Ok((both, openpgp("l"))));
    let branch = "repository: {git: {url: 'https://git.example.com/x', ref: {branch: main}, \
                  verify: {openpgp_keys_file: k}}}\n";
    let said = read(&format!("environment: staging\n{branch}"), &[], &[]).1;
    let told =
        "`repository.git.verify.openpgp_keys_file` asks for the signature of a tag, and a branch is followed";
    assert!(said.iter().any(|said| said.contains(told)), "{said:?}");
}

#[cfg(not(feature = "openpgp"))]
#[test]
fn openpgp_keys_are_an_error_in_a_build_that_cannot_use_them() {
    let told =
        "names OpenPGP keys, and this build knows only SSH signatures (build with `--features openpgp`";
    for (verify, import) in [
        ("openpgp_keys_file: k", ""),
        ("allowed_signers_file: a, openpgp_keys_file: k", ""),
        ("allowed_signers_file: a", ", openpgp_keys_file: k"),
    ] {
        let said = asked(verify, import).expect_err("it cannot be used");
        assert!(said.iter().any(|said| said.contains(told)), "{verify} {import}: {said:?}");
    }
}
