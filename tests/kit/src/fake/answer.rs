//! Connect's answers: statuses, bodies and the exact texts of its errors.
//!
//! Takes what happened, gives what a client reads. When each is said is left to `rest` and
//! `cluster`.

use axum::body::Body;
use axum::response::Response;
use serde_json::{Value as Json, json};

use crate::fake::check::Sent;
use crate::fake::version::Version;

/// An answer before it is put on the wire.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<&'static str>,
    pub body: String,
    pub location: Option<String>,
}

impl Answer {
    pub fn json(status: u16, body: &Json) -> Self {
        Self { status, content_type: Some("application/json"), body: body.to_string(), location: None }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, content_type: None, body: String::new(), location: None }
    }

    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, &json!({"error_code": status, "message": message}))
    }

    /// An error of the web server, which knows nothing of Connect. It has a page for whom it takes for a
    /// browser, and nothing for other methods.
    pub fn html(method: &str, status: u16, title: &str) -> Self {
        if !matches!(method, "GET" | "POST" | "HEAD") {
            return Self::empty(status);
        }
        let body = format!(
            "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n\
             <title>Error {status} {title}</title>\n</head>\n<body>\n<h2>HTTP ERROR {status} {title}</h2>\n</body>\n</html>\n"
        );
        Self { status, content_type: Some("text/html;charset=iso-8859-1"), body, location: None }
    }

    /// The same as Connect tells an exception that went through one of its threads.
    pub fn thrown(self, exception: &str, version: Version) -> Self {
        let json: Json = serde_json::from_str(&self.body).expect("an error of Connect's own");
        let message = json["message"].as_str().unwrap_or_default();
        let of_rest = "org.apache.kafka.connect.runtime.rest.errors";
        let is_class = message.starts_with("Failed to find any class");
        let class = if is_class && !version.blames_the_sender_for_an_unknown_class() {
            "org.apache.kafka.connect.errors.ConnectException".to_owned()
        } else {
            format!("{of_rest}.{exception}")
        };
        Self::error(500, &format!("{class}: {message}"))
    }

    pub fn into_response(self) -> Response {
        let mut response = Response::builder().status(self.status);
        if let Some(content_type) = self.content_type {
            response = response.header("content-type", content_type);
        }
        if let Some(location) = self.location {
            response = response.header("location", location);
        }
        response.body(Body::from(self.body)).expect("an answer that can be sent")
    }
}

pub fn connector_not_found(name: &str) -> Answer {
    Answer::error(404, &format!("Connector {name} not found"))
}

pub fn no_status(name: &str) -> Answer {
    Answer::error(404, &format!("No status found for connector {name}"))
}

pub fn unknown_connector(name: &str) -> Answer {
    Answer::error(404, &format!("Unknown connector {name}"))
}

pub fn unknown_connector_to_restart(name: &str) -> Answer {
    Answer::error(404, &format!("Unknown connector: {name}"))
}

pub fn no_such_path() -> Answer {
    of_jersey(404, "Not Found")
}

pub fn no_such_method() -> Answer {
    of_jersey(405, "Method Not Allowed")
}

pub fn no_such_media_type() -> Answer {
    of_jersey(415, "Unsupported Media Type")
}

/// An error before Connect is reached: its JSON all the same, but nothing says that it is.
fn of_jersey(status: u16, reason: &str) -> Answer {
    Answer { content_type: None, ..Answer::error(status, &format!("HTTP {status} {reason}")) }
}

/// What a worker makes of the leader's refusal where it loses the status.
pub fn lost_in_forwarding(refusal: &Answer) -> Answer {
    let json: Json = serde_json::from_str(&refusal.body).unwrap_or_default();
    let message = json["message"].as_str().unwrap_or_default();
    Answer::error(500, &format!("Error trying to forward REST request: {message}"))
}

pub fn exists(name: &str) -> Answer {
    Answer::error(409, &format!("Connector {name} already exists"))
}

pub fn conflict() -> Answer {
    Answer::error(409, "Cannot complete request because of a conflicting operation (e.g. worker rebalance)")
}

pub fn no_leader() -> Answer {
    Answer::error(
        409,
        "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.",
    )
}

pub fn rebalance_expected() -> Answer {
    Answer::error(500, "Request cannot be completed because a rebalance is expected")
}

pub fn other_name(config: &str, url: &str) -> Answer {
    Answer::error(
        400,
        &format!("Connector name configuration ({config}) doesn't match connector name in the URL ({url})"),
    )
}

pub fn no_class(config: &str) -> Answer {
    Answer::error(400, &format!("Connector config {config} contains no connector type"))
}

pub fn unknown_class(status: u16, class: &str, known: &str) -> Answer {
    Answer::error(
        status,
        &format!(
            "Failed to find any class that implements Connector and which name matches {class}, available connectors are: \
             {known}"
        ),
    )
}

pub fn other_class(config: &str, path: &str) -> Answer {
    Answer::error(400, &format!("Included connector type {config} does not match request type {path}"))
}

/// What a plugin thinks of a config: each key that is known, with the complaints that name it.
pub fn opinion(class: &str, known: &[(&str, bool, &str)], sent: &Sent, lines: &[String]) -> Answer {
    let names = |line: &str, key: &str| {
        line.contains(&format!("configuration {key}:"))
            || line.contains(&format!("\"{key}\""))
            || line.contains(&format!("'{key}'"))
            || (line.starts_with("Must configure") && key.starts_with("topics"))
    };
    let configs: Vec<Json> = known
        .iter()
        .map(|(key, required, documentation)| {
            let mut errors: Vec<&String> = lines.iter().filter(|line| names(line, key)).collect();
            errors.dedup();
            let value = sent.get(*key);
            json!({
                "definition": {"name": key, "type": "STRING", "required": required, "documentation": documentation},
                "value": {"name": key, "value": value, "recommended_values": [], "errors": errors, "visible": true},
            })
        })
        .collect();
    let body = json!({"name": class, "error_count": lines.len(), "groups": ["Common"], "configs": configs});
    Answer::json(200, &body)
}

/// The refusal of a config, as Connect wraps it.
pub fn invalid(lines: &[String]) -> Answer {
    Answer::error(
        400,
        &format!(
            "Connector configuration is invalid and contains the following {} error(s):\n{}\nYou can also find the above \
             list of errors at the endpoint `/connector-plugins/{{connectorType}}/config/validate`",
            lines.len(),
            lines.join("\n")
        ),
    )
}

pub fn not_stopped(name: &str) -> Answer {
    Answer::error(
        400,
        &format!(
            "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the \
             specified connector by issuing a 'PUT' request to the '/connectors/{name}/stop' endpoint"
        ),
    )
}
