//! The cases in plain HTTP: who answers, what is not there, what comes to be.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::json;

use crate::contract::site::{Reply, Site, creation, source, source_with, wrapped};

const CONFLICT: &str = "Cannot complete request because of a conflicting operation (e.g. worker rebalance)";

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
        ("DELETE", format!("/connectors/{there}?forward=false"), None),
    ] {
        let reply = site.ask_follower(method, &path, body).await?;
        assert_eq!((reply.status, reply.message().as_str()), (409, CONFLICT), "{method} {path}");
    }
    // Whose business an older restart is, `a_restart_belongs_to_the_worker_that_runs_it` says.
    if site.version >= (3, 0) {
        let path = format!("/connectors/{there}/restart?includeTasks=true&onlyFailed=true&forward=false");
        site.ask_follower("POST", &path, None).await?.says(409, CONFLICT);
    }
    let stop = site.ask_follower("PUT", &format!("/connectors/{there}/stop?forward=false"), None).await?;
    let answer = if site.version >= (3, 5) { (409, CONFLICT) } else { (404, "HTTP 404 Not Found") };
    stop.says(answer.0, answer.1);

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
    // These are JSON too, and do not say so.
    for (method, path, status, reason) in
        [("GET", "/nothing", 404, "Not Found"), ("PUT", "/connectors", 405, "Method Not Allowed")]
    {
        let reply = site.ask(method, path, None).await?;
        reply.says(status, &format!("HTTP {status} {reason}"));
        assert_eq!(reply.content_type, "", "{reply:?}");
    }
    let name = site.name("nobody");
    let reply = site.ask("GET", &format!("/connectors/{name}"), None).await?;
    reply.says(404, &format!("Connector {name} not found"));
    assert_eq!(reply.content_type, "application/json");
    Ok(())
}

pub async fn what_is_not_there_is_told_in_these_words(site: &Site) -> Result<()> {
    let name = site.name("nobody");
    let since = |version, message: String| {
        if site.version >= version { message } else { "HTTP 404 Not Found".to_owned() }
    };
    for (method, rest, message) in [
        ("GET", "/config", format!("Connector {name} not found")),
        ("GET", "/tasks", format!("Connector {name} not found")),
        ("GET", "/offsets", since((3, 5), format!("Connector {name} not found"))),
        ("GET", "/status", format!("No status found for connector {name}")),
        ("PUT", "/pause", format!("Unknown connector {name}")),
        ("PUT", "/resume", format!("Unknown connector {name}")),
        ("PUT", "/stop?forward=false", since((3, 5), format!("Unknown connector {name}"))),
        ("POST", "/restart?includeTasks=true&onlyFailed=true", format!("Unknown connector: {name}")),
        ("POST", "/tasks/0/restart", format!("Unknown connector: {name}")),
    ] {
        let path = format!("/connectors/{name}{rest}");
        let reply = site.ask(method, &path, None).await?;
        assert_eq!((reply.status, reply.message()), (404, message), "{method} {path}");
    }
    // A follower knows as much, and says so before it says that it does not lead.
    for (method, rest, message) in [
        ("PUT", "/stop?forward=false", since((3, 5), format!("Unknown connector {name}"))),
        ("POST", "/restart?forward=false", format!("Unknown connector: {name}")),
        ("POST", "/tasks/0/restart?forward=false", format!("Unknown connector: {name}")),
    ] {
        site.ask_follower(method, &format!("/connectors/{name}{rest}"), None).await?.says(404, &message);
    }
    // Only a deletion does not look before it is passed on.
    let reply = site.ask_follower("DELETE", &format!("/connectors/{name}"), None).await?;
    let (status, message) = site.forwarded(404, &format!("Connector {name} not found"));
    reply.says(status, &message);
    Ok(())
}

pub async fn creating_twice_is_refused(site: &Site) -> Result<()> {
    let name = site.name("x");
    let body = creation(&name, &source());
    site.ask("POST", "/connectors?forward=false", Some(&body)).await?.is(201);
    let message = format!("Connector {name} already exists");
    site.ask("POST", "/connectors?forward=false", Some(&body)).await?.says(409, &message);
    let (status, message) = site.forwarded(409, &message);
    site.ask_follower("POST", "/connectors", Some(&body)).await?.says(status, &message);
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
    let tells_version = status["tasks"][0].get("version").is_some();
    assert_eq!(tells_version, site.version >= (4, 1), "{status}");
    let info = site.ask("GET", &format!("/connectors/{name}"), None).await?.is(200).json();
    assert_eq!(info["tasks"], json!([{"connector": name, "task": 0}]));
    Ok(())
}

pub async fn a_patch_changes_single_keys(site: &Site) -> Result<()> {
    let name = site.name("x");
    site.running(&name, &source_with("extra", "1")).await?;
    let path = format!("/connectors/{name}/config?forward=false");
    let body = json!({"batch.size": "7", "extra": null}).to_string();
    let by_follower = site.ask_follower("PATCH", &path, Some(&body)).await?;
    let by_leader = site.ask("PATCH", &path, Some(&body)).await?;
    if site.version < (3, 8) {
        by_follower.says(405, "HTTP 405 Method Not Allowed");
        by_leader.says(405, "HTTP 405 Method Not Allowed");
        return Ok(());
    }
    by_follower.says(409, CONFLICT);
    let mut config = source_with("batch.size", "7");
    config["name"] = name.into();
    assert_eq!(by_leader.is(200).json()["config"], config);
    Ok(())
}

pub async fn the_plugins_are_listed(site: &Site) -> Result<()> {
    let kinds = |reply: Reply| -> BTreeSet<String> {
        let json = reply.is(200).json();
        let each = json.as_array().into_iter().flatten().filter_map(|plugin| plugin["type"].as_str());
        each.map(str::to_owned).collect()
    };
    let connectors = BTreeSet::from(["sink".to_owned(), "source".to_owned()]);
    assert_eq!(kinds(site.ask("GET", "/connector-plugins", None).await?), connectors);
    let all = kinds(site.ask("GET", "/connector-plugins?connectorsOnly=false", None).await?);
    // Older ones do not understand the question.
    assert_eq!(all.contains("converter"), site.version >= (3, 2), "{all:?}");
    Ok(())
}

pub async fn the_list_can_be_expanded(site: &Site) -> Result<()> {
    let name = site.name("x");
    site.running(&name, &source()).await?;
    site.until_state(&name, "RUNNING").await?;
    let json = site.ask("GET", "/connectors?expand=status&expand=info", None).await?.is(200).json();
    if site.version < (2, 3) {
        // It does not understand the question, and gives the names.
        assert!(json.as_array().is_some_and(|names| names.contains(&json!(name))), "{json}");
        return Ok(());
    }
    assert_eq!(json[&name]["info"]["name"], name.as_str());
    assert_eq!(json[&name]["status"]["connector"]["state"], "RUNNING");
    Ok(())
}
