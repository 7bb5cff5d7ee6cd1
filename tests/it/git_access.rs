//! Who is shown what on the way to a git server: hosts with their ports, renewed files, proxies, private
//! authorities, servers that refuse in bad ways, and places where a secret must not turn up.

use anyhow::{Context as _, Result, ensure};
use insta::assert_snapshot;
use tagalong::model::password::Password;
use tagalong::model::report::Class;
use tagalong::repo::Repository;
use tagalong::repo::credential::{Credential, Host};
use tagalong::repo::error::Error;
use tagalong::repo::options::{GitOptions, Proxy};
use tagalong_testkit::fake::Fake;
use tagalong_testkit::git::http::GitHttp;
use tagalong_testkit::git::repository::Repository as Origin;

use crate::repo::{look, tag};
use crate::repo_http::{address, origin, password, text, with};
use crate::repo_wire::{Play, Scripted, answer};
use crate::support::agent::Agent;
use crate::support::authority::Authority;
use crate::support::command::Desk;
use crate::support::definitions::{Definitions, ENVIRONMENT, file_of, file_source};
use crate::support::tunnel::Tunnel;

const SECRET: &str = "hunter2-of-git";

/// The secret as a header has it.
const ENCODED: &str = "cmVhZGVyOmh1bnRlcjItb2YtZ2l0";

/// Definitions with one connector, for whoever knows a password.
async fn guarded() -> Result<Definitions> {
    let definitions = Definitions::one("orders", "").await?;
    definitions.http.change_password("reader", SECRET);
    Ok(definitions)
}

fn credential(definitions: &Definitions, password: &str) -> String {
    format!("{{host: '{}', username: reader, {password}}}", definitions.http.url("").trim_end_matches('/'))
}

#[tokio::test]
async fn a_password_goes_to_its_scheme_and_port_and_to_no_other_of_the_host() -> Result<()> {
    let (origin, commit) = origin()?;
    let server = GitHttp::with_password(origin.parent(), "reader", SECRET).await?;
    let url = server.url(Origin::NAME);
    let port = address(&server).port();
    for (host, is_shown) in [
        ("127.0.0.1".to_owned(), false),
        (format!("127.0.0.1:{port}"), false),
        ("http://127.0.0.1".to_owned(), false),
        (format!("https://127.0.0.1:{port}"), false),
        (format!("http://localhost:{port}"), false),
        (format!("http://127.0.0.1:{port}"), true),
    ] {
        server.clear();
        let credential =
            Credential { host: Host::new(&host).context("a host")?, ..password(&url, text(SECRET)) };
        let found = look(&with(&url, credential)?).await;
        assert_eq!(found.is_ok(), is_shown, "{host}: {found:?}");
        assert!(server.exchanges().iter().all(|exchange| exchange.authorized == is_shown), "{host}");
        if is_shown {
            assert_eq!(found?.1, commit);
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_agent_whose_token_is_renewed_goes_on_with_the_next_poll() -> Result<()> {
    let mut definitions = guarded().await?;
    let fake = Fake::start(1).await;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{SECRET}\n"))?;
    let from_file = credential(&definitions, &format!("password_file: '{}'", file.display()));
    let settings = format!("{}git_credentials: [{from_file}]\n", definitions.settings(&fake.url(0)));
    let agent = Agent::start(&settings).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    let (denied, well) = (
        "tagalong_repository_state{repository=\"main\",state=\"auth_failed\"}",
        "tagalong_repository_state{repository=\"main\",state=\"ok\"}",
    );

    definitions.http.change_password("reader", "the next one");
    agent.wait_for_metric(denied, 1.0).await?;
    std::fs::write(&file, "the next one\r\n")?;
    agent.wait_for_metric(well, 1.0).await?;

    // A file that is gone, or was emptied by whoever writes it: nothing is shown and nothing is undone.
    std::fs::remove_file(&file)?;
    agent.wait_for_metric(denied, 1.0).await?;
    let told = agent.status().await?["repositories"][0].to_string();
    assert!(told.contains("failed to read the password from") && told.contains("auth_failed"), "{told}");
    std::fs::write(&file, "\n")?;
    definitions.http.clear();
    agent.wait_for_metric_from("tagalong_repository_consecutive_failures{repository=\"main\"}", 3.0).await?;
    assert_eq!(definitions.http.exchanges(), []);
    assert_eq!(fake.names(), ["orders"]);

    std::fs::write(&file, "the next one")?;
    let commit = definitions.release(&[(&file_of("more"), &file_source("more", ""))])?;
    agent.wait_for_applied(&commit).await?;
    assert_eq!(fake.names(), ["more", "orders"]);
    Ok(())
}

#[tokio::test]
async fn a_command_without_its_password_file_fails_and_says_which() -> Result<()> {
    let definitions = guarded().await?;
    let mut desk = Desk::new(&[])?;
    desk.hide(&definitions.url(), "URL");
    let line = format!("render --git {} --tag v1 -e test", definitions.url());
    desk.set("TAGALONG_GIT_CREDENTIALS", &format!("[{}]", credential(&definitions, "password_file: token")));
    assert_snapshot!(desk.run(&line).await?, @"
    exit 1
    ---- stderr
    Error: failed to read the password from token
    Caused by: No such file or directory (os error 2)
    Hint: the settings name it: is it mounted, whole, and may the agent read it?
    ");
    desk.write("token", "\n")?;
    assert_snapshot!(desk.run(&line).await?, @"
    exit 1
    ---- stderr
    Error: failed to read the password from token
    Caused by: it is empty
    Hint: the settings name it: is it mounted, whole, and may the agent read it?
    ");
    desk.write("token", SECRET)?;
    assert_eq!(desk.run(&line).await?.code, Some(0));
    Ok(())
}

#[tokio::test]
async fn a_refusal_that_is_written_to_harm_is_one_request_and_a_short_word() -> Result<()> {
    for status in ["401 Unauthorized", "403 Forbidden", "407 Proxy Authentication Required"] {
        let server = Scripted::http(move |_| {
            let challenge = "Basic realm=\"\u{202e}\", Negotiate, NTLM TlRMTVNTUAAC, Digest nonce=\"";
            let long = "x".repeat(30_000);
            let headers = [
                ("www-authenticate", challenge),
                ("www-authenticate", long.as_str()),
                ("set-cookie", "session=1"),
                ("content-type", "application/x-git-upload-pack-result"),
            ];
            vec![answer(status, &headers, &b"\0ERR \x1b]0;owned\x07".repeat(700_000))]
        })
        .await?;
        let repository = with(server.url("x"), password(&server.url("x"), text(SECRET)))?;
        for polls in 1..=3 {
            let error = repository.resolve().await.expect_err("refused");
            assert_eq!(error.class(), Class::AuthFailed, "{error:?}");
            let said = in_words(&error);
            assert!(said.len() < 300 && !said.contains(SECRET) && !said.contains(char::is_control), "{said}");
            assert_eq!(server.seen().len(), polls);
        }
        assert!(server.seen().iter().all(|request| !request.headers.contains_key("cookie")));
    }
    Ok(())
}

/// An error with its causes.
fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_told_and_gets_nothing() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let to = address(&definitions.http);
    let other = Scripted::http(move |_| vec![Play::Forward { to, old: false }]).await?;
    let target = other.url(&format!("{}/info/refs?service=git-upload-pack", Origin::NAME));
    let here = Scripted::http(move |_| vec![answer("302 Found", &[("location", &target)], b"")]).await?;
    let mut desk = Desk::new(&[])?;
    let line = format!("render --git {} --tag v1 -e test", here.url(Origin::NAME));
    let said = desk.run(&line).await?;
    assert!(
        said.code == Some(0) && !said.err.contains("redirect"),
        "nothing to show, nothing to tell: {said}"
    );

    let host = here.url("");
    let host = host.trim_end_matches('/');
    desk.set(
        "TAGALONG_GIT_CREDENTIALS",
        &format!("[{{host: '{host}', username: reader, password: {SECRET}}}]"),
    );
    let said = desk.run(&line).await?;
    assert_eq!(said.code, Some(0), "{said}");
    assert_eq!(said.err.matches("leads to another host, port or scheme").count(), 1, "{said}");
    assert!(!said.err.contains(SECRET), "{said}");
    let strayed = other.seen().into_iter().find(|request| request.headers.contains_key("authorization"));
    assert!(strayed.is_none(), "{strayed:?}");
    Ok(())
}

/// A git server behind TLS of a private authority.
async fn behind_tls(git: &GitHttp, authority: &Authority) -> Result<Scripted> {
    let to = address(git);
    Scripted::https(authority, move |_| vec![Play::Forward { to, old: false }]).await
}

fn trusted_at(url: &str, authority: &Authority) -> Credential {
    let origin = url::Url::parse(url).expect("a URL").origin().ascii_serialization();
    let host = Host::new(&origin).expect("a host");
    Credential { ca_file: Some(authority.file()), ..Credential::at(host) }
}

#[tokio::test]
async fn a_private_authority_is_trusted_at_the_host_that_it_is_named_for() -> Result<()> {
    let (origin, commit) = origin()?;
    let git = GitHttp::start(origin.parent()).await?;
    let authority = Authority::new()?;
    let server = behind_tls(&git, &authority).await?;
    let url = server.url(Origin::NAME);
    let read = |credential: Credential| {
        Repository::git(GitOptions { credentials: vec![credential], ..GitOptions::new(&url, tag("v1")) })
    };
    assert_eq!(look(&read(trusted_at(&url, &authority))?).await?.1, commit);
    for elsewhere in ["https://localhost", "https://127.0.0.1", "https://git.example.com"] {
        let error = read(trusted_at(elsewhere, &authority))?.resolve().await.expect_err("not trusted");
        assert!(error.hint().is_some_and(|hint| hint.contains("ca_file")), "{elsewhere}: {error:?}");
    }

    // Renewed while the agent runs; half written, it is an error that says so.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("ca.pem");
    let renewed = read(Credential { ca_file: Some(file.clone()), ..trusted_at(&url, &authority) })?;
    for unusable in [None, Some(""), Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")] {
        if let Some(text) = unusable {
            std::fs::write(&file, text)?;
        }
        let error = renewed.resolve().await.expect_err("unusable");
        assert!(
            matches!(&error, Error::SettingsFile { path, .. } if *path == file),
            "{unusable:?}: {error:?}"
        );
    }
    std::fs::copy(authority.file(), &file)?;
    assert_eq!(look(&renewed).await?.1, commit);
    std::fs::copy(Authority::new()?.file(), &file)?;
    renewed.resolve().await.expect_err("no connection of before is used again");
    Ok(())
}

#[tokio::test]
async fn a_proxy_is_asked_for_a_tunnel_and_sees_no_secret_but_its_own() -> Result<()> {
    let (origin, commit) = origin()?;
    let git = GitHttp::with_password(origin.parent(), "reader", SECRET).await?;
    let authority = Authority::new()?;
    let server = behind_tls(&git, &authority).await?;
    let url = server.url(Origin::NAME);
    // `proxy:own secret`
    let tunnel = Tunnel::start(Some("Basic cHJveHk6b3duIHNlY3JldA==".to_owned())).await?;
    let mut options = GitOptions::new(&url, tag("v1"));
    options.proxy = Proxy::new(&tunnel.url()).context("a proxy")?;
    let ca_file = Some(authority.file());
    options.credentials.push(Credential { ca_file, ..password(&url, text(SECRET)) });

    let error = Repository::git(options.clone())?.resolve().await.expect_err("it wants a password");
    assert!(matches!(error, Error::ProxyDenied { .. }), "{error:?}");
    assert_eq!(error.class(), Class::AuthFailed);
    assert!(error.hint().is_some_and(|hint| hint.contains("repository.git.proxy")));

    let own = password(&tunnel.url(), Password::Text("own secret".to_owned()));
    options.credentials.push(Credential { username: Some("proxy".to_owned()), ..own });
    assert_eq!(look(&Repository::git(options)?).await?.1, commit);
    let asked = tunnel.asked();
    let port = url::Url::parse(&url)?.port().context("a port")?;
    assert!(asked.iter().all(|head| head.starts_with(&format!("CONNECT localhost:{port} "))), "{asked:?}");
    assert!(asked.iter().all(|head| !head.contains(ENCODED)), "{asked:?}");
    assert!(server.seen().iter().all(|request| !request.headers.contains_key("proxy-authorization")));
    Ok(())
}

#[tokio::test]
async fn the_environment_names_a_proxy_and_whom_to_reach_without_it() -> Result<()> {
    let definitions = Definitions::one("orders", "").await?;
    let authority = Authority::new()?;
    let server = behind_tls(&definitions.http, &authority).await?;
    let tunnel = Tunnel::start(None).await?;
    let url = server.url(Origin::NAME);
    let line = format!("render --git {url} --tag v1 -e test");
    let (proxy, nobody) = (tunnel.url(), "http://127.0.0.1:1");
    for (variables, tunnels) in [
        (&[("https_proxy", proxy.as_str())][..], true),
        (&[("HTTPS_PROXY", &proxy)], true),
        (&[("all_proxy", &proxy)], true),
        (&[("http_proxy", nobody)], false),
        (&[("https_proxy", nobody), ("no_proxy", "example.com,localhost")], false),
        (&[("https_proxy", nobody), ("NO_PROXY", "*")], false),
        (&[("TAGALONG_REPOSITORY__GIT__PROXY", &proxy), ("https_proxy", nobody)], true),
        (&[("TAGALONG_REPOSITORY__GIT__PROXY", nobody), ("no_proxy", "localhost")], false),
        (&[("TAGALONG_REPOSITORY__GIT__PROXY", "none"), ("https_proxy", nobody)], false),
    ] {
        let mut desk = Desk::new(&[])?;
        desk.set("TAGALONG_REPOSITORY__GIT__CA_FILE", &authority.file().display().to_string());
        for (name, value) in variables {
            desk.set(name, value);
        }
        let before = tunnel.asked().len();
        let said = desk.run(&line).await?;
        assert_eq!(said.code, Some(0), "{variables:?}: {said}");
        assert_eq!(tunnel.asked().len() > before, tunnels, "{variables:?}");
    }
    Ok(())
}

#[tokio::test]
async fn no_secret_of_git_is_in_a_log_a_metric_or_a_page() -> Result<()> {
    let definitions = guarded().await?;
    let fake = Fake::start(1).await;
    let tunnel = Tunnel::start(None).await?;
    let proxy = tunnel.url().replace("http://", "http://proxy:hunter2-of-proxy@");
    let own = credential(&definitions, &format!("password: {SECRET}"));
    let credentials = format!("[{own}, {{host: elsewhere.example.com, password: hunter2-of-another}}]");
    let variables = [
        ("TAGALONG_GIT_CREDENTIALS", credentials.as_str()),
        ("TAGALONG_LOG__LEVEL", "trace"),
        ("https_proxy", proxy.as_str()),
    ];
    let agent = Agent::start_with(&definitions.settings(&fake.url(0)), &variables).await?;
    agent.wait_for_applied(&definitions.released()?).await?;
    definitions.http.change_password("reader", "another");
    agent
        .wait_for_metric("tagalong_repository_state{repository=\"main\",state=\"auth_failed\"}", 1.0)
        .await?;

    let mut texts = vec![("the log", agent.log())];
    for page in ["/metrics", "/status", "/"] {
        texts.push((page, agent.get(page).await?));
    }
    ensure!(texts[0].1.contains("hyper_util"), "the libraries below tell what they do: {}", texts[0].1);
    for (what, text) in texts {
        assert!(!text.contains("hunter2") && !text.contains(ENCODED), "{what}: {text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_password_in_an_address_is_refused_and_not_repeated_also_in_an_import() -> Result<()> {
    let mut desk = Desk::new(&[])?;
    let said = desk.run("render --git https://reader:hunter2@git.example.com/x --tag v1 -e test").await?;
    assert!(said.code == Some(1) && said.err.contains("it holds a password"), "{said}");
    let imports = "version: 1\nimports:\n  - {name: p, git: \"https://reader:hunter2@git.example.com/p\", ref: {tag: v1}}\n";
    desk.write("tagalong.yaml", imports)?;
    desk.write(ENVIRONMENT.0, ENVIRONMENT.1)?;
    desk.write(&file_of("orders"), &file_source("orders", ""))?;
    let imported = desk.run("validate --fetch-imports").await?;
    assert_eq!(imported.code, Some(1), "{imported}");
    desk.set("TAGALONG_REPOSITORY__GIT__PROXY", "http://proxy:hunter2@proxy.example.com:3128");
    let proxied = desk.run("render --git https://git.example.com/x --tag v1 -e test").await?;
    assert!(proxied.code == Some(1) && proxied.err.contains("git_credentials"), "{proxied}");
    for said in [said, imported, proxied] {
        assert!(!said.err.contains("hunter2") && !said.out.contains("hunter2"), "{said}");
    }
    Ok(())
}
