//! The cases in plain HTTP: names beyond letters, digits, `.`, `_` and `-`.

use anyhow::Result;

use crate::contract::site::{Site, creation, source};

pub async fn a_follower_takes_a_semicolon_for_the_end_of_the_name(site: &Site) -> Result<()> {
    let (name, other) = (site.name("x;y"), site.name("x"));
    let path = format!("/connectors/{}", name.replace(';', "%3B"));
    let body = source().to_string();
    site.ask("PUT", &format!("{path}/config?forward=false"), Some(&body)).await?.is(201);
    let message =
        format!("Connector name configuration ({name}) doesn't match connector name in the URL ({other})");
    let (status, message) = site.forwarded(400, &message);
    site.ask_follower("PUT", &format!("{path}/config"), Some(&body)).await?.says(status, &message);

    // It deletes another connector than the one that was named.
    site.ask("POST", "/connectors", Some(&creation(&other, &source()))).await?.is(201);
    site.ask_follower("DELETE", &path, None).await?.is(204);
    site.ask("GET", &format!("{path}/config"), None).await?.is(200);
    site.ask("GET", &format!("/connectors/{other}/config"), None).await?.is(404);
    Ok(())
}

pub async fn names_beyond_the_tame_alphabet_work_when_encoded(site: &Site) -> Result<()> {
    for (rest, encoded) in
        [("a b", "a%20b"), ("zwölf", "zw%C3%B6lf"), ("a?b#c+d&e", "a%3Fb%23c%2Bd%26e"), ("a;b", "a%3Bb")]
    {
        let (name, path) = (site.name(rest), format!("/connectors/{}", site.name(encoded)));
        let body = source().to_string();
        let reply = site.ask("PUT", &format!("{path}/config?forward=false"), Some(&body)).await?;
        assert_eq!(reply.is(201).json()["name"], name.as_str());
        let config = site.ask("GET", &format!("{path}/config"), None).await?.is(200).json();
        assert_eq!(config["name"], name.as_str());
        site.ask("DELETE", &format!("{path}?forward=false"), None).await?.is(204);
    }
    // Plainly, what follows a semicolon is dropped: another connector is meant.
    let other = site.name("other");
    site.ask("POST", "/connectors", Some(&creation(&other, &source()))).await?.is(201);
    let config = site.ask("GET", &format!("/connectors/{other};x=1/config"), None).await?.is(200).json();
    assert_eq!(config["name"], other.as_str());
    Ok(())
}

pub async fn some_names_cannot_be_addressed(site: &Site) -> Result<()> {
    for (rest, encoded, title) in [
        ("a/b", "a%2Fb", "Ambiguous URI path separator"),
        ("a%b", "a%25b", "Ambiguous URI path encoding"),
        ("a\\b", "a%5Cb", "Suspicious Path Character"),
    ] {
        let (name, path) = (site.name(rest), format!("/connectors/{}", site.name(encoded)));
        let body = source().to_string();
        let created = site.ask("PUT", &format!("{path}/config?forward=false"), Some(&body)).await?;
        let read = site.ask("GET", &format!("{path}/config"), None).await?;
        if site.version >= (4, 1) {
            // A page for whom it takes for a browser, nothing for others.
            assert_eq!((created.status, created.body.as_str()), (400, ""), "{created:?}");
            assert!(read.is(400).content_type.starts_with("text/html"), "{read:?}");
            assert!(read.body.contains(title), "{read:?}");
            continue;
        }
        assert_eq!(created.is(201).json()["name"], name.as_str());
        assert_eq!(read.is(200).json()["name"], name.as_str());
        // A slash does not survive being passed on.
        let passed_on = site.ask_follower("DELETE", &path, None).await?;
        if rest == "a/b" {
            let (status, message) = site.forwarded(404, "HTTP 404 Not Found");
            passed_on.says(status, &message);
            site.ask("DELETE", &path, None).await?.is(204);
        } else {
            passed_on.is(204);
        }
    }
    Ok(())
}

pub async fn a_name_with_braces_is_created_and_answered_with_an_error(site: &Site) -> Result<()> {
    let path = format!("/connectors/{}", site.name("%7Bx%7D"));
    let body = source().to_string();
    let reply = site.ask("PUT", &format!("{path}/config"), Some(&body)).await?;
    reply.says(500, "The template variable 'x' has no value");
    site.ask("GET", &format!("{path}/config"), None).await?.is(200);
    site.ask("DELETE", &path, None).await?.is(204);
    Ok(())
}
