//! The cases in plain HTTP: who answers, what is refused, what comes to be.

use anyhow::Result;
use serde_json::{Value, json};

use crate::contract::site::{Site, source, source_with};

const CONFLICT: &str = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)";

fn creation(name: &str, config: &Value) -> String {
    json!({"name": name, "config": config}).to_string()
}

fn wrapped(lines: &[&str]) -> String {
    format!(
        "Connector configuration is invalid and contains the following {} error(s):\n{}\nYou can also find the above list of \
         errors at the endpoint `/connector-plugins/{{connectorType}}/config/validate`",
        lines.len(),
        lines.join("\n")
    )
}

pub async fn a_probe_tells_the_leader_from_a_follower(site: &Site) -> Result<()> {
    let name = site.name("nobody");
    let path = format!("/connectors/{name}?forward=false");
    site.ask("DELETE", &path, None).await?.says(404, &format!("Connector {name} not found"));
    site.ask_follower("DELETE", &path, None).await?.says(409, CONFLICT);
    Ok(())
}

pub async fn a_fenced_write_on_a_follower_writes_nothing(site: &Site) -> Result<()> {
    let (there, new) = (site.name("there"), site.name("new"));
    site.running(&there, &source()).await?;
    let changed = source_with("batch.size", "7").to_string();
    let create = creation(&new, &source());
    for (method, path, body) in [
        ("POST", "/connectors?forward=false".to_owned(), Some(create.as_str())),
        ("PUT", format!("/connectors/{new}/config?forward=false"), Some(changed.as_str())),
        ("PUT", format!("/connectors/{there}/config?forward=false"), Some(changed.as_str())),
        ("PUT", format!("/connectors/{there}/stop?forward=false"), None),
        (
            "POST",
            format!("/connectors/{there}/restart?includeTasks=true&onlyFailed=true&forward=false"),
            None,
        ),
        ("DELETE", format!("/connectors/{there}?forward=false"), None),
    ] {
        let reply = site.ask_follower(method, &path, body).await?;
        assert_eq!((reply.status, reply.message().as_str()), (409, CONFLICT), "{method} {path}");
    }
    site.ask("GET", &format!("/connectors/{new}"), None).await?.is(404);
    let config = site.ask("GET", &format!("/connectors/{there}/config"), None).await?.is(200).json();
    assert_eq!(config, source_with("name", &there));
    site.until_state(&there, "RUNNING").await
}

pub async fn a_follower_checks_a_config_before_it_says_who_leads(site: &Site) -> Result<()> {
    let path = format!("/connectors/{}/config?forward=false", site.name("x"));
    let body = source_with("tasks.max", "0").to_string();
    let message = wrapped(&["Invalid value 0 for configuration tasks.max: Value must be at least 1"]);
    site.ask_follower("PUT", &path, Some(&body)).await?.says(400, &message);
    Ok(())
}

pub async fn a_follower_passes_an_ordinary_write_on(site: &Site) -> Result<()> {
    let name = site.name("x");
    site.ask_follower("POST", "/connectors", Some(&creation(&name, &source()))).await?.is(201);
    site.until_tasks(&name, "RUNNING").await?;
    let path = format!("/connectors/{name}/config");
    let body = source_with("batch.size", "7").to_string();
    site.ask_follower("PUT", &path, Some(&body)).await?.is(200);
    site.ask_follower("DELETE", &format!("/connectors/{name}"), None).await?.is(204);
    site.ask("GET", &path, None).await?.is(404);
    Ok(())
}

pub async fn a_follower_takes_a_semicolon_for_the_end_of_the_name(site: &Site) -> Result<()> {
    let (name, other) = (site.name("x;y"), site.name("x"));
    let path = format!("/connectors/{}", name.replace(';', "%3B"));
    let body = source().to_string();
    site.ask("PUT", &format!("{path}/config?forward=false"), Some(&body)).await?.is(201);
    let message =
        format!("Connector name configuration ({name}) doesn't match connector name in the URL ({other})");
    site.ask_follower("PUT", &format!("{path}/config"), Some(&body)).await?.says(400, &message);

    // It deletes another connector than the one that was named.
    site.ask("POST", "/connectors", Some(&creation(&other, &source()))).await?.is(201);
    site.ask_follower("DELETE", &path, None).await?.is(204);
    site.ask("GET", &format!("{path}/config"), None).await?.is(200);
    site.ask("GET", &format!("/connectors/{other}/config"), None).await?.is(404);
    Ok(())
}

pub async fn a_worker_tells_its_version_and_its_health(site: &Site) -> Result<()> {
    let root = site.ask("GET", "/", None).await?.is(200).json();
    for key in ["version", "commit", "kafka_cluster_id"] {
        assert!(root[key].is_string(), "{root}");
    }
    let (major, minor) = site.version;
    let version = root["version"].as_str().unwrap_or_default();
    assert!(version.starts_with(&format!("{major}.{minor}.")), "{root}");

    let health = site.ask_follower("GET", "/health", None).await?;
    if site.version < (3, 9) {
        health.says(404, "HTTP 404 Not Found");
        return Ok(());
    }
    let message = "Worker has completed startup and is ready to handle requests.";
    assert_eq!(health.is(200).json(), json!({"status": "healthy", "message": message}));
    Ok(())
}

pub async fn an_unknown_address_is_told_from_an_unknown_connector(site: &Site) -> Result<()> {
    site.ask("GET", "/nothing", None).await?.says(404, "HTTP 404 Not Found");
    site.ask("PUT", "/connectors", None).await?.says(405, "HTTP 405 Method Not Allowed");
    let name = site.name("nobody");
    let path = format!("/connectors/{name}");
    site.ask("GET", &path, None).await?.says(404, &format!("Connector {name} not found"));
    Ok(())
}

pub async fn what_is_not_there_is_told_in_these_words(site: &Site) -> Result<()> {
    let name = site.name("nobody");
    for (method, rest, message) in [
        ("GET", "/config", format!("Connector {name} not found")),
        ("GET", "/tasks", format!("Connector {name} not found")),
        ("GET", "/offsets", format!("Connector {name} not found")),
        ("GET", "/status", format!("No status found for connector {name}")),
        ("PUT", "/pause", format!("Unknown connector {name}")),
        ("PUT", "/resume", format!("Unknown connector {name}")),
        ("PUT", "/stop?forward=false", format!("Unknown connector {name}")),
        ("POST", "/restart?includeTasks=true&onlyFailed=true", format!("Unknown connector: {name}")),
        ("POST", "/tasks/0/restart", format!("Unknown connector: {name}")),
    ] {
        let path = format!("/connectors/{name}{rest}");
        let reply = site.ask(method, &path, None).await?;
        assert_eq!((reply.status, reply.message()), (404, message), "{method} {path}");
    }
    // A follower knows as much, and says so before it says that it does not lead.
    let path = format!("/connectors/{name}/stop?forward=false");
    site.ask_follower("PUT", &path, None).await?.says(404, &format!("Unknown connector {name}"));
    Ok(())
}

pub async fn creating_twice_is_refused(site: &Site) -> Result<()> {
    let name = site.name("x");
    let body = creation(&name, &source());
    site.ask("POST", "/connectors?forward=false", Some(&body)).await?.is(201);
    let message = format!("Connector {name} already exists");
    site.ask("POST", "/connectors?forward=false", Some(&body)).await?.says(409, &message);
    site.ask_follower("POST", "/connectors", Some(&body)).await?.says(409, &message);
    Ok(())
}

pub async fn a_creation_trims_the_name_and_says_where(site: &Site) -> Result<()> {
    let name = site.name("x");
    let reply = site.ask("POST", "/connectors", Some(&creation(&format!(" {name} "), &source()))).await?;
    let info = reply.is(201).json();
    assert_eq!(info["name"], name.as_str());
    assert_eq!(info["config"], source_with("name", &name));
    assert_eq!((&info["tasks"], &info["type"]), (&json!([]), &json!("source")));
    assert!(reply.location.ends_with(&format!("/connectors/{name}")), "{reply:?}");
    Ok(())
}

pub async fn a_refused_config_names_its_errors(site: &Site) -> Result<()> {
    let name = site.name("x");
    let null = "Invalid value null for configuration tasks.max: Value must be non-null";
    let topics = "Must configure one of topics or topics.regex";
    for (config, message) in [
        (
            json!({"connector.class": "FileStreamSource", "tasks.max": "0", "topic": "x"}),
            wrapped(&["Invalid value 0 for configuration tasks.max: Value must be at least 1"]),
        ),
        (
            json!({"connector.class": "FileStreamSource", "tasks.max": "abc"}),
            wrapped(&[
                "Invalid value abc for configuration tasks.max: Not a number of type INT",
                null,
                "Missing required configuration \"topic\" which has no default value.",
            ]),
        ),
        (
            json!({"connector.class": "FileStreamSource", "tasks.max": null, "topic": "x"}),
            wrapped(&[null, "Null value can not be supplied as the configuration value."]),
        ),
        (
            json!({"connector.class": "FileStreamSource", "topic": "x", "batch.size": "1.5"}),
            wrapped(&["Invalid value 1.5 for configuration batch.size: Not a number of type INT"]),
        ),
        (
            json!({"connector.class": "FileStreamSource", "topic": "x", "key.converter": "Nope"}),
            wrapped(&["Invalid value Nope for configuration key.converter: Class Nope could not be found."]),
        ),
        // A sink says this twice.
        (json!({"connector.class": "FileStreamSink", "tasks.max": "1"}), wrapped(&[topics, topics])),
        (
            json!({"connector.class": "FileStreamSource", "topic": "x", "name": "other"}),
            format!("Connector name configuration (other) doesn't match connector name in the URL ({name})"),
        ),
    ] {
        let path = format!("/connectors/{name}/config?forward=false");
        let reply = site.ask("PUT", &path, Some(&config.to_string())).await?;
        assert_eq!((reply.status, reply.message()), (400, message), "{config}");
    }
    let body = json!({"connector.class": "Nope"}).to_string();
    let reply = site.ask("PUT", &format!("/connectors/{name}/config"), Some(&body)).await?;
    let begin = "Failed to find any class that implements Connector and which name matches Nope, available connectors are: ";
    assert!(reply.is(400).message().starts_with(begin), "{reply:?}");
    site.ask("GET", &format!("/connectors/{name}"), None).await?.is(404);
    Ok(())
}

pub async fn a_config_without_a_class_is_repeated_whole(site: &Site) -> Result<()> {
    let body = creation(&site.name("x"), &json!({"password": "S3cr3t"}));
    let message = site.ask("POST", "/connectors", Some(&body)).await?.is(400).message();
    assert!(
        message.starts_with("Connector config {") && message.ends_with("} contains no connector type"),
        "{message}"
    );
    assert!(message.contains("password=S3cr3t"), "{message}");
    Ok(())
}

pub async fn a_broken_body_is_an_error_of_connects_own(site: &Site) -> Result<()> {
    let name = site.name("x");
    let config = format!("/connectors/{name}/config");
    for (method, path, body, begin) in [
        (
            "PUT",
            config.as_str(),
            r#"{"connector.class":"#.to_owned(),
            "Unexpected end-of-input within/between Object entries",
        ),
        (
            "PUT",
            config.as_str(),
            source().to_string().replace("\"1\"", "[1]"),
            "Cannot deserialize value of type `java.lang.String` from Array value (token `JsonToken.START_ARRAY`)",
        ),
        (
            "PUT",
            config.as_str(),
            source().to_string().replace("\"1\"", "{}"),
            "Cannot deserialize value of type `java.lang.String` from Object value (token `JsonToken.START_OBJECT`)",
        ),
        (
            "PUT",
            config.as_str(),
            "[]".to_owned(),
            "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.String>` from Array value",
        ),
        (
            "POST",
            "/connectors",
            json!({"name": name, "config": source(), "more": 1}).to_string(),
            "Unrecognized field \"more\" (class org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest)",
        ),
        (
            "POST",
            "/connectors",
            json!({"name": name, "config": source(), "initial_state": "ODD"}).to_string(),
            "Cannot construct instance of `org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest$InitialState`",
        ),
        (
            "POST",
            "/connectors",
            json!({"name": name}).to_string(),
            "Cannot invoke \"java.util.Map.get(Object)\" because \"connectorConfig\" is null",
        ),
    ] {
        let reply = site.ask(method, path, Some(&body)).await?;
        assert!(reply.is(500).message().starts_with(begin), "{body}: {reply:?}");
    }
    site.ask("GET", &config, None).await?.is(404);
    Ok(())
}

pub async fn numbers_and_booleans_become_texts_as_written(site: &Site) -> Result<()> {
    let path = format!("/connectors/{}/config", site.name("x"));
    let body = r#"{"connector.class":"FileStreamSource","topic":"lines","tasks.max":2,"a":1.50,"b":1e3,"c":true,
                   "d":12345678901234567890,"e":"first","e":"second"}"#;
    site.ask("PUT", &path, Some(body)).await?.is(201);
    let config = site.ask("GET", &path, None).await?.is(200).json();
    let texts = [
        ("tasks.max", "2"),
        ("a", "1.50"),
        ("b", "1e3"),
        ("c", "true"),
        ("d", "12345678901234567890"),
        ("e", "second"),
    ];
    for (key, text) in texts {
        assert_eq!(config[key], text, "{key}");
    }
    Ok(())
}

pub async fn a_new_connector_is_listed_and_then_runs(site: &Site) -> Result<()> {
    let name = site.name("x");
    site.ask("POST", "/connectors", Some(&creation(&name, &source()))).await?.is(201);
    let list = site.ask("GET", "/connectors", None).await?.is(200).json();
    assert!(list.as_array().is_some_and(|names| names.contains(&json!(name))), "{list}");

    // The expanded read has it only once it has a status.
    let expanded = "/connectors?expand=status&expand=info";
    let entry = site.eventually(expanded, |reply| reply.json().get(&name).cloned()).await?;
    assert_eq!(entry["info"]["config"], source_with("name", &name));
    assert_eq!((&entry["info"]["type"], &entry["status"]["type"]), (&json!("source"), &json!("source")));

    site.until_tasks(&name, "RUNNING").await?;
    let reply = site.ask("GET", &format!("/connectors/{name}/status"), None).await?;
    let status = reply.is(200).json();
    assert_eq!(status["name"], name.as_str());
    assert_eq!(status["tasks"][0]["id"], 0);
    assert!(status["connector"]["worker_id"].is_string(), "{status}");
    assert!(status["connector"].get("trace").is_none(), "{status}");
    let info = site.ask("GET", &format!("/connectors/{name}"), None).await?.is(200).json();
    assert_eq!(info["tasks"], json!([{"connector": name, "task": 0}]));
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
    for (encoded, title) in [
        ("a%2Fb", "Ambiguous URI path separator"),
        ("a%25b", "Ambiguous URI path encoding"),
        ("a%5Cb", "Suspicious Path Character"),
    ] {
        let reply = site.ask("GET", &format!("/connectors/{encoded}/config"), None).await?;
        assert!(reply.is(400).content_type.starts_with("text/html"), "{reply:?}");
        assert!(reply.body.contains(title), "{reply:?}");
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
