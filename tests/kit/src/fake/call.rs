//! Requests taken apart: paths as Jetty reads them, bodies as Connect does.
//!
//! Takes method, path, query and body, gives a call, or the answer that the web server and the JSON
//! reader give by themselves. Who carries a call out is said here too, because the path changes on
//! the way from one worker to another.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;

use crate::fake::Request;
use crate::fake::answer::{self, Answer};
use crate::fake::check::Sent;
use crate::fake::cluster::Cluster;
use crate::fake::version::Version;

/// One request, taken apart.
pub struct Call {
    pub worker: usize,
    pub method: String,
    pub segments: Vec<String>,
    pub query: BTreeMap<String, Vec<String>>,
    pub content_type: String,
    pub body: String,
}

/// Reads path and query as the version's Jetty does.
pub fn take_apart(version: Version, request: &Request, content_type: String) -> Result<Call, Answer> {
    let Request { number: _, worker, method, path, query, body, status: _ } = request;
    let mut segments = Vec::new();
    let trimmed = path.trim_start_matches('/').trim_end_matches('/');
    for raw in trimmed.split('/').filter(|_| !trimmed.is_empty()) {
        let upper = raw.to_ascii_uppercase();
        let trouble = [
            ("%2F", "Ambiguous URI path separator"),
            ("%25", "Ambiguous URI path encoding"),
            ("%5C", "Suspicious Path Character"),
        ];
        if version.refuses_odd_paths()
            && let Some((_, title)) = trouble.iter().find(|(code, _)| upper.contains(code))
        {
            return Err(Answer::html(method, 400, title));
        }
        if raw.is_empty() {
            return Err(Answer::html(method, 400, "Ambiguous URI empty segment"));
        }
        let segment = raw.split(';').next().unwrap_or_default();
        segments.push(percent_decode_str(segment).decode_utf8_lossy().into_owned());
    }
    let mut pairs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    let (method, body) = (method.clone(), body.clone());
    Ok(Call { worker: *worker, method, segments, query: pairs, content_type, body })
}

impl Call {
    pub fn asks(&self, key: &str) -> bool {
        self.query.contains_key(key)
    }

    pub fn says(&self, key: &str, value: &str) -> bool {
        self.query.get(key).is_some_and(|values| values.iter().any(|one| one == value))
    }

    /// Who carries it out: this worker or the leader it passes it on to.
    pub fn executor(&self, cluster: &Cluster) -> Result<usize, Answer> {
        self.executor_among(cluster.leader)
    }

    /// Who carries it out where it is the business of one worker, the leader or not.
    pub fn executor_among(&self, whose: Option<usize>) -> Result<usize, Answer> {
        let is_fenced = self.says("forward", "false");
        match whose {
            Some(worker) if worker == self.worker => Ok(worker),
            Some(worker) if !is_fenced => Ok(worker),
            None if !is_fenced => Err(answer::no_leader()),
            Some(_) | None => Err(answer::conflict()),
        }
    }

    /// The name as the worker knows it that carries the request out, if it gets there at all.
    ///
    /// A worker that passes a request on writes an encoded `;` plainly, and the leader takes what
    /// follows for a parameter of the path: another connector is meant. A `/` it takes for a step in the
    /// path.
    pub fn name_at<'a>(&self, name: &'a str, executor: usize) -> Result<&'a str, Answer> {
        if executor == self.worker {
            return Ok(name);
        }
        if name.contains('/') {
            return Err(Answer::error(404, "HTTP 404 Not Found"));
        }
        Ok(name.split(';').next().unwrap_or_default())
    }

    /// What the client reads of a refusal by the worker that carries the request out.
    pub fn refused(&self, cluster: &Cluster, executor: usize, refusal: Answer) -> Answer {
        if executor != self.worker && cluster.version.loses_the_leaders_status() {
            return answer::lost_in_forwarding(&refusal);
        }
        refusal
    }
}

/// Reads a flat map. Numbers and booleans become texts as they were written.
pub fn config(version: Version, body: &str) -> Result<Sent, Answer> {
    let raw: BTreeMap<String, Box<RawValue>> = parse(version, body)?;
    raw.into_iter()
        .map(|(key, raw)| {
            let text = raw.get();
            let value = match text.as_bytes().first() {
                Some(b'"') => Some(serde_json::from_str(text).expect("a JSON text")),
                Some(b'[' | b'{') => {
                    let is_list = text.starts_with('[');
                    let (kind, token) =
                        if is_list { ("Array", "START_ARRAY") } else { ("Object", "START_OBJECT") };
                    return Err(version.unreadable(&version.other_kind("java.lang.String", kind, token), 1));
                }
                _ if text == "null" => None,
                _ => Some(text.to_owned()),
            };
            Ok((key, value))
        })
        .collect()
}

/// Reads an object whose values are looked at later.
pub fn parse(version: Version, body: &str) -> Result<BTreeMap<String, Box<RawValue>>, Answer> {
    serde_json::from_str(body).map_err(|error| {
        if body.trim_start().starts_with('[') {
            let wanted = "java.util.LinkedHashMap<java.lang.String,java.lang.String>";
            return version.unreadable(&version.other_kind(wanted, "Array", "START_ARRAY"), 1);
        }
        version.unreadable("Unexpected end-of-input within/between Object entries", error.column())
    })
}
