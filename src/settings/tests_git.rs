//! What is said about wrong settings of the way to git, and what right ones are read as.

use crate::repo::credential::{Host, HostKeys, Way};
use crate::repo::options::Proxy;
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
