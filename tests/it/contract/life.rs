//! The cases in plain HTTP: what becomes of a connector that is there.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::contract::site::{Reply, Site, failing, failing_after, source, source_with};

pub async fn a_connector_can_be_made_paused_or_stopped(site: &Site) -> Result<()> {
    for (word, state) in [("PAUSED", "PAUSED"), ("stopped", "STOPPED")] {
        let name = site.name(&state.to_lowercase());
        let body = json!({"name": name, "config": source(), "initial_state": word}).to_string();
        let reply = site.ask("POST", "/connectors?forward=false", Some(&body)).await?;
        if site.version < (3, 7) {
            assert!(reply.is(500).message().starts_with("Unrecognized field \"initial_state\""), "{reply:?}");
            site.ask("GET", &format!("/connectors/{name}"), None).await?.is(404);
            continue;
        }
        reply.is(201);
        site.until_state(&name, state).await?;
        let is_so = |reply: &Reply| reply.json()["tasks"] == json!([]);
        site.stays(&format!("/connectors/{name}/status"), Duration::from_millis(500), is_so).await?;
        site.ask("PUT", &format!("/connectors/{name}/resume"), None).await?.is(202);
        site.until_tasks(&name, "RUNNING").await?;
    }
    Ok(())
}

pub async fn a_source_copies_its_config_into_its_task(site: &Site) -> Result<()> {
    let name = site.name("x");
    site.running(&name, &source()).await?;
    let mut expected = source_with("name", &name);
    if site.version < (3, 4) {
        // They handed on what their tasks need, and their own defaults.
        expected = json!({"file": source()["file"], "topic": source()["topic"], "batch.size": "2000"});
    }
    expected["task.class"] = "org.apache.kafka.connect.file.FileStreamSourceTask".into();
    assert_eq!(site.task_configs(&name).await?, [expected.clone()]);

    let body = source_with("batch.size", "7").to_string();
    let reply = site.ask("PUT", &format!("/connectors/{name}/config?forward=false"), Some(&body)).await?;
    assert_eq!(reply.is(200).json()["config"]["batch.size"], "7");
    expected["batch.size"] = "7".into();
    let path = format!("/connectors/{name}/tasks");
    site.eventually(&path, |reply| (reply.json()[0]["config"] == expected).then_some(())).await?;
    site.until_tasks(&name, "RUNNING").await
}

pub async fn a_sink_makes_as_many_tasks_as_it_may(site: &Site) -> Result<()> {
    let name = site.name("x");
    let config = json!({"connector.class": "FileStreamSink", "file": "/dev/null", "topics": "lines", "tasks.max": "3"});
    site.running(&name, &config).await?;
    site.until(&name, |status| (status["tasks"].as_array()?.len() == 3).then_some(())).await?;
    let status = site.until(&name, |status| Some(status.clone())).await?;
    assert_eq!(status["type"], "sink");
    Ok(())
}

pub async fn pausing_shows_and_resuming_too(site: &Site) -> Result<()> {
    let name = site.name("x");
    site.running(&name, &source()).await?;
    let reply = site.ask("PUT", &format!("/connectors/{name}/pause"), None).await?;
    assert_eq!((reply.status, reply.body.as_str()), (202, ""));
    site.until_state(&name, "PAUSED").await?;
    site.until_tasks(&name, "PAUSED").await?;
    let reply = site.ask("PUT", &format!("/connectors/{name}/resume"), None).await?;
    assert_eq!((reply.status, reply.body.as_str()), (202, ""));
    site.until_state(&name, "RUNNING").await?;
    site.until_tasks(&name, "RUNNING").await
}

pub async fn a_follower_pauses_whatever_it_is_told(site: &Site) -> Result<()> {
    let name = site.name("x");
    site.running(&name, &source()).await?;
    site.ask_follower("PUT", &format!("/connectors/{name}/pause?forward=false"), None).await?.is(202);
    site.until_state(&name, "PAUSED").await
}

pub async fn a_paused_connector_keeps_its_old_tasks_until_it_runs(site: &Site) -> Result<()> {
    let name = site.name("x");
    site.running(&name, &source()).await?;
    site.ask("PUT", &format!("/connectors/{name}/pause"), None).await?.is(202);
    site.until_tasks(&name, "PAUSED").await?;
    let body = source_with("batch.size", "7").to_string();
    site.ask("PUT", &format!("/connectors/{name}/config?forward=false"), Some(&body)).await?.is(200);

    let path = format!("/connectors/{name}/tasks");
    let is_old = |reply: &Reply| reply.json()[0]["config"]["batch.size"] != "7";
    site.stays(&path, Duration::from_millis(800), is_old).await?;
    site.until_state(&name, "PAUSED").await?;

    site.ask("PUT", &format!("/connectors/{name}/resume"), None).await?.is(202);
    site.eventually(&path, |reply| (reply.json()[0]["config"]["batch.size"] == "7").then_some(())).await?;
    site.until_tasks(&name, "RUNNING").await
}

pub async fn a_stopped_connector_has_no_tasks_and_stays_stopped(site: &Site) -> Result<()> {
    let name = site.name("x");
    site.running(&name, &source()).await?;
    let stop = format!("/connectors/{name}/stop?forward=false");
    let reply = site.ask("PUT", &stop, None).await?;
    if site.version < (3, 5) {
        reply.says(404, "HTTP 404 Not Found");
        let is_running = |reply: &Reply| reply.json()["tasks"][0]["state"] == "RUNNING";
        return site
            .stays(&format!("/connectors/{name}/status"), Duration::from_millis(500), is_running)
            .await;
    }
    assert_eq!((reply.status, reply.body.as_str()), (204, ""));
    site.until(&name, |status| (status["tasks"] == json!([])).then_some(())).await?;
    site.until_state(&name, "STOPPED").await?;
    site.ask("PUT", &stop, None).await?.is(204);

    let body = source_with("batch.size", "7").to_string();
    site.ask("PUT", &format!("/connectors/{name}/config?forward=false"), Some(&body)).await?.is(200);
    site.until_state(&name, "STOPPED").await?;
    assert!(site.task_configs(&name).await?.is_empty());
    site.ask("PUT", &format!("/connectors/{name}/resume"), None).await?.is(202);
    site.until_tasks(&name, "RUNNING").await
}

pub async fn an_unchanged_config_revives_no_failed_task(site: &Site) -> Result<()> {
    let name = site.name("x");
    let body = json!({"name": name, "config": failing()}).to_string();
    site.ask("POST", "/connectors", Some(&body)).await?.is(201);
    site.until_tasks(&name, "FAILED").await?;
    let path = format!("/connectors/{name}/status");
    let status = site.ask("GET", &path, None).await?.is(200).json();
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    assert!(trace.starts_with("java.lang.RuntimeException"), "{status}");

    let config = failing().to_string();
    site.ask("PUT", &format!("/connectors/{name}/config?forward=false"), Some(&config)).await?.is(200);
    site.stays(&path, Duration::from_millis(800), |reply| reply.json()["tasks"][0]["state"] == "FAILED").await
}

pub async fn a_restart_says_what_it_restarts(site: &Site) -> Result<()> {
    let name = site.name("x");
    site.running(&name, &source()).await?;
    site.until_state(&name, "RUNNING").await?;
    let path = format!("/connectors/{name}/restart");
    if site.version >= (3, 0) {
        let fenced = format!("{path}?includeTasks=true&onlyFailed=true&forward=false");
        let state = site.ask("POST", &fenced, None).await?.is(202).json();
        assert_eq!(
            (&state["connector"]["state"], &state["tasks"][0]["state"]),
            (&json!("RUNNING"), &json!("RUNNING"))
        );
        let state = site.ask("POST", &format!("{path}?includeTasks=true"), None).await?.is(202).json();
        assert_eq!(
            (&state["connector"]["state"], &state["tasks"][0]["state"]),
            (&json!("RESTARTING"), &json!("RESTARTING"))
        );
        site.until_tasks(&name, "RUNNING").await?;
        site.until_state(&name, "RUNNING").await?;
    }

    let reply = site.ask("POST", &path, None).await?;
    assert_eq!((reply.status, reply.body.as_str()), (204, ""));
    site.ask("POST", &format!("/connectors/{name}/tasks/0/restart"), None).await?.is(204);
    let reply = site.ask("POST", &format!("/connectors/{name}/tasks/9/restart"), None).await?;
    reply.says(404, &format!("Unknown task: {name}-9"));
    Ok(())
}

pub async fn a_restart_of_what_failed_takes_its_tasks_along(site: &Site) -> Result<()> {
    let name = site.name("x");
    let body = json!({"name": name, "config": failing_after("6000")}).to_string();
    site.ask("POST", "/connectors", Some(&body)).await?.is(201);
    site.until_tasks(&name, "FAILED").await?;
    let status = format!("/connectors/{name}/status");
    let is_failed = |reply: &Reply| reply.json()["tasks"][0]["state"] == "FAILED";

    let path = format!("/connectors/{name}/restart?includeTasks=true&onlyFailed=true");
    let reply = site.ask("POST", &path, None).await?;
    if site.version >= (3, 0) {
        let state = reply.is(202).json();
        assert_eq!(
            (&state["connector"]["state"], &state["tasks"][0]["state"]),
            (&json!("RUNNING"), &json!("RESTARTING"))
        );
    } else {
        // It does not understand the question: the connector is restarted, which did not fail, and no task.
        assert_eq!((reply.status, reply.body.as_str()), (204, ""));
        site.stays(&status, Duration::from_millis(800), is_failed).await?;
        site.ask("POST", &format!("/connectors/{name}/tasks/0/restart"), None).await?.is(204);
    }
    site.eventually(&status, |reply| (!is_failed(reply)).then_some(())).await?;
    site.until_tasks(&name, "FAILED").await
}

pub async fn a_restart_belongs_to_the_worker_that_runs_it(site: &Site) -> Result<()> {
    let config = json!({"connector.class": "FileStreamSink", "file": "/dev/null", "topics": "lines", "tasks.max": "2"});
    let mut seen = BTreeSet::new();
    // Enough for either worker to run some.
    for number in 0..3 {
        let name = site.name(&number.to_string());
        site.running(&name, &config).await?;
        only_its_worker_restarts(site, &name, "/connector", "restart?").await?;
        seen.insert(only_its_worker_restarts(site, &name, "/tasks/0", "tasks/0/restart?").await?);
        seen.insert(only_its_worker_restarts(site, &name, "/tasks/1", "tasks/1/restart?").await?);
        if site.version < (3, 0) {
            // What a newer leader would take for itself is this very restart here.
            let path = "restart?includeTasks=true&onlyFailed=true&";
            only_its_worker_restarts(site, &name, "/connector", path).await?;
        }
        for rest in ["restart", "tasks/0/restart"] {
            let path = format!("/connectors/{name}/{rest}");
            site.ask("POST", &path, None).await?.is(204);
            site.ask_follower("POST", &path, None).await?.is(204);
        }
    }
    assert_eq!(seen.len(), 2, "every task runs on the same worker: nothing was told apart");
    Ok(())
}

/// Asks both workers, again while a connector moves from one to the other; gives whether it is the leader's.
async fn only_its_worker_restarts(site: &Site, name: &str, what: &str, path: &str) -> Result<bool> {
    let fenced = format!("/connectors/{name}/{path}forward=false");
    let start = Instant::now();
    loop {
        let status = site.ask("GET", &format!("/connectors/{name}/status"), None).await?.is(200).json();
        let worker = status.pointer(&format!("{what}/worker_id")).and_then(|id| id.as_str());
        let is_leaders = worker.is_some_and(|id| site.leader.ends_with(id));
        let leader = site.ask("POST", &fenced, None).await?.status;
        let follower = site.ask_follower("POST", &fenced, None).await?.status;
        if (leader, follower) == if is_leaders { (204, 409) } else { (409, 204) } {
            return Ok(is_leaders);
        }
        let seen = format!("{fenced}: leader {leader}, follower {follower}, {status}");
        ensure!(start.elapsed() < Duration::from_secs(30), "{seen}");
        sleep(Duration::from_millis(100)).await;
    }
}

pub async fn the_tasks_configs_come_in_one_answer_for_a_while(site: &Site) -> Result<()> {
    let name = site.name("x");
    site.running(&name, &source()).await?;
    let reply = site.ask("GET", &format!("/connectors/{name}/tasks-config"), None).await?;
    if site.version >= (4, 0) {
        reply.says(404, "HTTP 404 Not Found");
        return Ok(());
    }
    let configs = site.task_configs(&name).await?;
    assert_eq!(reply.is(200).json(), json!({format!("{name}-0"): configs[0]}));
    Ok(())
}

pub async fn a_deleted_connector_is_gone(site: &Site) -> Result<()> {
    let name = site.name("x");
    site.running(&name, &source()).await?;
    let path = format!("/connectors/{name}");
    let fenced = format!("{path}?forward=false");
    let reply = site.ask("DELETE", &fenced, None).await?;
    assert_eq!((reply.status, reply.body.as_str()), (204, ""));
    let message = format!("Connector {name} not found");
    site.ask("DELETE", &fenced, None).await?.says(404, &message);
    site.ask("GET", &path, None).await?.says(404, &message);
    let list = site.ask("GET", "/connectors", None).await?.is(200).json();
    assert!(list.as_array().is_some_and(|names| !names.contains(&json!(name))), "{list}");
    site.eventually(&format!("{path}/status"), |reply| (reply.status == 404).then_some(())).await
}

pub async fn offsets_change_only_where_it_is_stopped(site: &Site) -> Result<()> {
    let name = site.name("x");
    site.running(&name, &source()).await?;
    let path = format!("/connectors/{name}/offsets");
    if site.version < (3, 5) {
        for method in ["GET", "PATCH", "DELETE"] {
            site.ask(method, &path, Some("{}")).await?.says(404, "HTTP 404 Not Found");
        }
        return Ok(());
    }
    assert_eq!(site.ask("GET", &path, None).await?.is(200).json(), json!({"offsets": []}));
    let message = format!(
        "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified \
         connector by issuing a 'PUT' request to the '/connectors/{name}/stop' endpoint"
    );
    site.ask("DELETE", &path, None).await?.says(400, &message);
    let message = "Partitions / offsets need to be provided for an alter offsets request";
    site.ask("PATCH", &path, Some(r#"{"offsets":[]}"#)).await?.says(400, message);

    site.ask("PUT", &format!("/connectors/{name}/stop"), None).await?.is(204);
    site.until_state(&name, "STOPPED").await?;
    site.until(&name, |status| (status["tasks"] == json!([])).then_some(())).await?;
    let reply = site.ask("DELETE", &path, None).await?;
    let message = "The offsets for this connector have been reset successfully";
    assert_eq!(reply.is(200).json(), json!({"message": message}));
    Ok(())
}
