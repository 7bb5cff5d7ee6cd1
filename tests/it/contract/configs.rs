//! The cases in plain HTTP: what is refused in a config, in which words, and what becomes of the rest.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use crate::contract::site::{Site, creation, source, wrapped};

pub async fn a_refused_config_names_its_errors(site: &Site) -> Result<()> {
    let name = site.name("x");
    let null = "Invalid value null for configuration tasks.max: Value must be non-null";
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
            json!({"connector.class": "FileStreamSource", "topic": "x", "batch.size": "1.5"}),
            wrapped(&["Invalid value 1.5 for configuration batch.size: Not a number of type INT"]),
        ),
        (
            json!({"connector.class": "FileStreamSource", "topic": "x", "key.converter": "Nope"}),
            wrapped(&["Invalid value Nope for configuration key.converter: Class Nope could not be found."]),
        ),
        (
            json!({"connector.class": "FileStreamSource", "topic": "x", "name": "other"}),
            format!("Connector name configuration (other) doesn't match connector name in the URL ({name})"),
        ),
    ] {
        let path = format!("/connectors/{name}/config?forward=false");
        let reply = site.ask("PUT", &path, Some(&config.to_string())).await?;
        assert_eq!((reply.status, reply.message()), (400, message), "{config}");
    }
    site.ask("GET", &format!("/connectors/{name}"), None).await?.is(404);
    Ok(())
}

pub async fn an_unknown_class_is_answered_with_every_known_one(site: &Site) -> Result<()> {
    let path = format!("/connectors/{}/config?forward=false", site.name("x"));
    let body = json!({"connector.class": "Nope"}).to_string();
    // It was an error of the worker before it was one of the sender.
    let status = if site.version >= (4, 0) { 400 } else { 500 };
    let begin = "Failed to find any class that implements Connector and which name matches Nope, available connectors are: ";
    for reply in
        [site.ask("PUT", &path, Some(&body)).await?, site.ask_follower("PUT", &path, Some(&body)).await?]
    {
        assert!(reply.is(status).message().starts_with(begin), "{reply:?}");
    }
    Ok(())
}

pub async fn a_sink_without_topics_is_refused(site: &Site) -> Result<()> {
    let path = format!("/connectors/{}/config?forward=false", site.name("x"));
    let body = json!({"connector.class": "FileStreamSink", "tasks.max": "1"}).to_string();
    let topics = "Must configure one of topics or topics.regex";
    let reply = site.ask("PUT", &path, Some(&body)).await?;
    // Since it is a complaint among others, it is made twice.
    let twice = wrapped(&[topics, topics]);
    let (status, message) = if site.version >= (3, 7) { (400, twice.as_str()) } else { (500, topics) };
    reply.says(status, message);
    Ok(())
}

pub async fn a_key_without_a_value_is_refused_or_kept(site: &Site) -> Result<()> {
    let refusal = "Null value can not be supplied as the configuration value.";
    let path = format!("/connectors/{}/config", site.name("x"));
    let mut config = source();
    config["other"] = Value::Null;
    let reply = site.ask("PUT", &format!("{path}?forward=false"), Some(&config.to_string())).await?;
    if site.version >= (3, 2) {
        reply.says(400, &wrapped(&[refusal]));
        site.ask("GET", &path, None).await?.is(404);
    } else {
        assert_eq!(reply.is(201).json()["config"]["other"], Value::Null);
        config["name"] = site.name("x").into();
        assert_eq!(site.ask("GET", &path, None).await?.is(200).json(), config);
    }

    let null = "Invalid value null for configuration tasks.max: Value must be non-null";
    let body = json!({"connector.class": "FileStreamSource", "tasks.max": null, "topic": "x"}).to_string();
    let reply = site.ask("PUT", &format!("{path}?forward=false"), Some(&body)).await?;
    let message = if site.version >= (3, 2) { wrapped(&[null, refusal]) } else { wrapped(&[null]) };
    reply.says(400, &message);

    // Only of the name it is taken for none.
    let mut config = source();
    config["name"] = Value::Null;
    let path = format!("/connectors/{}/config?forward=false", site.name("named"));
    let reply = site.ask("PUT", &path, Some(&config.to_string())).await?;
    assert_eq!(reply.is(201).json()["config"]["name"], site.name("named").as_str());
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
    let other_kind = |wanted: &str, kind: &str| {
        let token = format!("START_{}", kind.to_uppercase());
        if site.version >= (3, 0) {
            format!(
                "Cannot deserialize value of type `{wanted}` from {kind} value (token `JsonToken.{token}`)"
            )
        } else {
            let wanted = wanted.replace("String,java.lang.String", "Object,java.lang.Object");
            format!("Cannot deserialize instance of `{wanted}` out of {token} token")
        }
    };
    let (text, map) = ("java.lang.String", "java.util.LinkedHashMap<java.lang.String,java.lang.String>");
    for (body, begin) in [
        (
            r#"{"connector.class":"#.to_owned(),
            "Unexpected end-of-input within/between Object entries".to_owned(),
        ),
        (source().to_string().replace("\"1\"", "[1]"), other_kind(text, "Array")),
        (source().to_string().replace("\"1\"", "{}"), other_kind(text, "Object")),
        ("[]".to_owned(), other_kind(map, "Array")),
    ] {
        let reply = site.ask("PUT", &config, Some(&body)).await?;
        assert!(reply.is(500).message().starts_with(&begin), "{body}: {reply:?}");
    }

    let class = "org.apache.kafka.connect.runtime.rest.entities.CreateConnectorRequest";
    let unknown =
        |key: &str| format!("Unrecognized field \"{key}\" (class {class}), not marked as ignorable");
    let odd = format!("Cannot construct instance of `{class}$InitialState`");
    for (body, begin) in [
        (json!({"name": name, "config": source(), "more": 1}), unknown("more")),
        (
            json!({"name": name, "config": source(), "initial_state": "ODD"}),
            if site.version >= (3, 7) { odd } else { unknown("initial_state") },
        ),
        (
            json!({"name": name}),
            "Cannot invoke \"java.util.Map.get(Object)\" because \"connectorConfig\" is null".to_owned(),
        ),
    ] {
        let reply = site.ask("POST", "/connectors", Some(&body.to_string())).await?;
        assert!(reply.is(500).message().starts_with(&begin), "{body}: {reply:?}");
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

pub async fn a_plugin_says_what_it_thinks_and_nothing_is_written(site: &Site) -> Result<()> {
    let class = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    let path = |class: &str| format!("/connector-plugins/{class}/config/validate");
    let config = json!({
        "name": site.name("x"), "connector.class": class, "tasks.max": "0", "batch.size": "many", "odd": "1",
    });
    for reply in [
        site.ask("PUT", &path(class), Some(&config.to_string())).await?,
        site.ask_follower("PUT", &path(class), Some(&config.to_string())).await?,
    ] {
        let json = reply.is(200).json();
        assert_eq!((&json["name"], &json["error_count"]), (&json!(class), &json!(3)), "{json}");
        let errors = errors_by_key(&json);
        for (key, error) in [
            ("tasks.max", "Invalid value 0 for configuration tasks.max: Value must be at least 1"),
            ("topic", "Missing required configuration \"topic\" which has no default value."),
            ("batch.size", "Invalid value many for configuration batch.size: Not a number of type INT"),
        ] {
            assert_eq!(errors.get(key).map(Vec::as_slice), Some([error.to_owned()].as_slice()), "{json}");
        }
        // What the plugin does not know is passed over in silence, and is not among the keys.
        assert_eq!(errors.get("file"), Some(&Vec::new()), "{json}");
        assert_eq!(errors.get("odd"), None, "{json}");
    }
    site.ask("GET", &format!("/connectors/{}", site.name("x")), None).await?.is(404);
    Ok(())
}

fn errors_by_key(opinion: &Value) -> BTreeMap<String, Vec<String>> {
    let texts = |errors: &Value| -> Vec<String> {
        errors.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let configs = opinion["configs"].as_array().into_iter().flatten();
    configs
        .map(|each| {
            let name = each["definition"]["name"].as_str().unwrap_or_default().to_owned();
            (name, texts(&each["value"]["errors"]))
        })
        .collect()
}

pub async fn a_plugin_is_asked_by_the_class_of_the_config(site: &Site) -> Result<()> {
    let long = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    let ask = async |path: &str, config: Value| {
        site.ask("PUT", &format!("/connector-plugins/{path}/config/validate"), Some(&config.to_string()))
            .await
    };
    let config = |class: &str| json!({"name": "x", "connector.class": class, "topic": "x"});
    for (path, class) in [
        (long, long),
        ("FileStreamSource", "FileStreamSource"),
        ("FileStreamSourceConnector", "FileStreamSourceConnector"),
        ("FileStreamSource", long),
    ] {
        let json = ask(path, config(class)).await?.is(200).json();
        assert_eq!((&json["error_count"], &json["name"]), (&json!(0), &json!(class)), "{path}");
    }
    // A short name in the config, and the long one in the path, is taken for two classes.
    ask(long, config("FileStreamSource"))
        .await?
        .says(400, &format!("Included connector type FileStreamSource does not match request type {long}"));
    // Without its name a config misses one.
    let json = ask(long, json!({"connector.class": long, "topic": "x"})).await?.is(200).json();
    let missing = "Missing required configuration \"name\" which has no default value.";
    assert_eq!(errors_by_key(&json)["name"], [missing], "{json}");
    Ok(())
}

pub async fn what_no_plugin_gets_to_see_is_an_error_of_the_worker(site: &Site) -> Result<()> {
    let ask = async |class: &str, config: Value| {
        site.ask("PUT", &format!("/connector-plugins/{class}/config/validate"), Some(&config.to_string()))
            .await
    };
    let of_rest = "org.apache.kafka.connect.runtime.rest.errors.BadRequestException: ";
    let of_class =
        if site.version >= (4, 0) { of_rest } else { "org.apache.kafka.connect.errors.ConnectException: " };
    let unknown = "Failed to find any class that implements Connector and which name matches io.example.Nope, available connectors are: ";
    let reply = ask("io.example.Nope", json!({"name": "x", "connector.class": "io.example.Nope"})).await?;
    assert!(reply.is(500).message().starts_with(&format!("{of_class}{unknown}")), "{reply:?}");

    let reply = ask("FileStreamSource", json!({"name": "x", "password": "S3cr3t"})).await?;
    let message = reply.is(500).message();
    assert!(message.starts_with(&format!("{of_rest}Connector config {{")), "{message}");
    assert!(message.contains("password=S3cr3t"), "the whole config is repeated: {message}");

    let reply = ask("FileStreamSink", json!({"name": "x", "connector.class": "FileStreamSink"})).await?;
    let topics = "Must configure one of topics or topics.regex";
    if site.version >= (3, 7) {
        let errors = errors_by_key(&reply.is(200).json());
        assert_eq!(
            (&errors["topics"], &errors["topics.regex"]),
            (&vec![topics.to_owned()], &vec![topics.to_owned()])
        );
    } else {
        reply.says(500, &format!("org.apache.kafka.common.config.ConfigException: {topics}"));
    }
    Ok(())
}
