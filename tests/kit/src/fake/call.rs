//! Requests taken apart: paths as Jetty reads them, bodies as Connect does.
//!
//! Takes method, path, query and body, gives a call, or the answer that the web server and the JSON
//! reader give by themselves. Who carries a call out is said here too, because the path changes on
//! the way from one worker to another.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;

use crate::fake::answer::{self, Answer};
use crate::fake::check::Sent;
use crate::fake::cluster::Cluster;

/// One request, taken apart.
pub struct Call {
    pub worker: usize,
    pub method: String,
    pub segments: Vec<String>,
    pub query: BTreeMap<String, Vec<String>>,
    pub content_type: String,
    pub body: String,
}

/// Reads path and query as Jetty does.
pub fn take_apart(
    worker: usize,
    method: &str,
    path: &str,
    query: &str,
    content_type: String,
    body: String,
) -> Result<Call, Answer> {
    let mut segments = Vec::new();
    let trimmed = path.trim_start_matches('/').trim_end_matches('/');
    for raw in trimmed.split('/').filter(|_| !trimmed.is_empty()) {
        let upper = raw.to_ascii_uppercase();
        let trouble = [
            ("%2F", "Ambiguous URI path separator"),
            ("%25", "Ambiguous URI path encoding"),
            ("%5C", "Suspicious Path Character"),
        ];
        if let Some((_, title)) = trouble.iter().find(|(code, _)| upper.contains(code)) {
            return Err(Answer::html(400, title));
        }
        if raw.is_empty() {
            return Err(Answer::html(400, "Ambiguous URI empty segment"));
        }
        let segment = raw.split(';').next().unwrap_or_default();
        segments.push(percent_decode_str(segment).decode_utf8_lossy().into_owned());
    }
    let mut pairs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    Ok(Call { worker, method: method.to_owned(), segments, query: pairs, content_type, body })
}

impl Call {
    pub fn says(&self, key: &str, value: &str) -> bool {
        self.query.get(key).is_some_and(|values| values.iter().any(|one| one == value))
    }

    /// Who carries it out: this worker or the leader it passes it on to.
    pub fn executor(&self, cluster: &Cluster) -> Result<usize, Answer> {
        let is_fenced = self.says("forward", "false");
        match cluster.leader {
            Some(leader) if leader == self.worker => Ok(leader),
            Some(leader) if !is_fenced => Ok(leader),
            None if !is_fenced => Err(answer::no_leader()),
            Some(_) | None => Err(answer::conflict()),
        }
    }

    /// The name as the worker knows it that carries the request out.
    ///
    /// A worker that passes a request on writes an encoded `;` plainly, and the leader takes what
    /// follows for a parameter of the path: another connector is meant.
    pub fn name_at<'a>(&self, name: &'a str, executor: usize) -> &'a str {
        if executor == self.worker { name } else { name.split(';').next().unwrap_or_default() }
    }
}

/// Reads a flat map. Numbers and booleans become texts as they were written.
pub fn config(body: &str) -> Result<Sent, Answer> {
    let raw: BTreeMap<String, Box<RawValue>> = parse(body)?;
    raw.into_iter()
        .map(|(key, raw)| {
            let text = raw.get();
            let value = match text.as_bytes().first() {
                Some(b'"') => Some(serde_json::from_str(text).expect("a JSON text")),
                Some(b'[' | b'{') => {
                    let (kind, token) = if text.starts_with('[') { ("Array", "START_ARRAY") } else { ("Object", "START_OBJECT") };
                    return Err(answer::unreadable(
                        &format!(
                            "Cannot deserialize value of type `java.lang.String` from {kind} value (token `JsonToken.{token}`)"
                        ),
                        1,
                    ));
                }
                _ if text == "null" => None,
                _ => Some(text.to_owned()),
            };
            Ok((key, value))
        })
        .collect()
}

/// Reads an object whose values are looked at later.
pub fn parse(body: &str) -> Result<BTreeMap<String, Box<RawValue>>, Answer> {
    serde_json::from_str(body).map_err(|error| {
        if body.trim_start().starts_with('[') {
            let text = "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.String>` \
                        from Array value (token `JsonToken.START_ARRAY`)";
            return answer::unreadable(text, 1);
        }
        answer::unreadable("Unexpected end-of-input within/between Object entries", error.column())
    })
}
