//! The requests that a step is.
//!
//! Takes a step, gives its requests in the order to send them: one, or the few that an older Connect
//! needs. Sending them is left to the client.

use reqwest::Method;

use crate::connect::ask::addressable;
use crate::connect::error::{Attempt, Error};
use crate::connect::http::Request;
use crate::connect::wire;
use crate::model::config::Config;
use crate::model::live::{RunState, Status};
use crate::model::name::ConnectorName;
use crate::model::plan::{Failed, Initial, Step, Target};

/// Makes a worker execute a request only if it leads; any other answers 409 and writes nothing.
///
/// Hidden from Connect's own documentation and unchanged from 2.0 to 4.3.
pub const FENCE: &str = "forward=false";

/// One request of a step.
#[derive(Clone)]
pub struct Part<'a> {
    /// The request.
    pub request: Request,
    /// The config in its body, where there is one.
    pub sent: Option<&'a Config>,
}

/// The requests of a step; `fenced` says whether those that know how are for the leader alone.
pub fn parts<'a>(
    attempt: &Attempt,
    connector: &ConnectorName,
    step: &'a Step,
    fenced: bool,
) -> Result<Vec<Part<'a>>, Error> {
    let fence = fenced.then_some(FENCE);
    let base = addressable(attempt, connector, "")?;
    let plain = |request| Part { request, sent: None };
    let post = |path| Request::write(Method::POST, path);
    Ok(match step {
        Step::Create { config, initial } => {
            let (at, then) = match *initial {
                Initial::At(target) => (target, None),
                Initial::Then(target) => (Target::Running, Some(turn(&base, target, fence))),
            };
            let body = wire::creation(connector, config, at);
            let request = post("/connectors".to_owned()).query(fence).body(body);
            let first = Part { request, sent: Some(config) };
            [first].into_iter().chain(then.map(plain)).collect()
        }
        Step::Configure { config, changes: _ } => {
            let request = Request::write(Method::PUT, format!("{base}/config")).query(fence);
            vec![Part { request: request.body(wire::configuration(config)), sent: Some(config) }]
        }
        Step::Pause { from: _ } => vec![plain(turn(&base, Target::Paused, fence))],
        Step::Resume { from: _ } => vec![plain(turn(&base, Target::Running, fence))],
        Step::Stop { from: _ } => vec![plain(turn(&base, Target::Stopped, fence))],
        Step::Restart { failed: Failed::InOneCall } => {
            let query = if fenced {
                "includeTasks=true&onlyFailed=true&forward=false"
            } else {
                "includeTasks=true&onlyFailed=true"
            };
            vec![plain(post(format!("{base}/restart")).query(Some(query)))]
        }
        // A fenced restart of one thing is taken by the worker that runs it, and by no other: not by
        // the leader either.
        Step::Restart { failed: Failed::OneByOne { itself, tasks } } => {
            let itself = itself.then(|| format!("{base}/restart"));
            let tasks = tasks.iter().map(|task| format!("{base}/tasks/{task}/restart"));
            itself.into_iter().chain(tasks).map(|path| plain(post(path))).collect()
        }
        Step::Delete => vec![plain(Request::write(Method::DELETE, base).query(fence))],
    })
}

/// The requests that restart all tasks of a connector, whether they run or not.
pub fn all_tasks<'a>(
    attempt: &Attempt,
    connector: &ConnectorName,
    tasks: usize,
    in_one_call: bool,
    fenced: bool,
) -> Result<Vec<Part<'a>>, Error> {
    let base = addressable(attempt, connector, "")?;
    let post = |path| Part { request: Request::write(Method::POST, path), sent: None };
    Ok(if in_one_call {
        let query = if fenced { "includeTasks=true&forward=false" } else { "includeTasks=true" };
        let Part { request, sent } = post(format!("{base}/restart"));
        vec![Part { request: request.query(Some(query)), sent }]
    } else {
        (0..tasks).map(|task| post(format!("{base}/tasks/{task}/restart"))).collect()
    })
}

/// The restart of those that have still failed, of what was seen to have failed a while ago.
pub fn still_failed(itself: bool, tasks: &[u32], now: &Status) -> Step {
    let has_failed = |id: &u32| now.tasks.iter().any(|task| task.id == *id && task.state == RunState::Failed);
    let itself = itself && now.state == RunState::Failed;
    let tasks = tasks.iter().copied().filter(has_failed).collect();
    Step::Restart { failed: Failed::OneByOne { itself, tasks } }
}

/// The request that brings a connector into a state. Pausing and resuming run on any worker and know
/// no `forward`.
fn turn(base: &str, target: Target, fence: Option<&'static str>) -> Request {
    match target {
        Target::Running => Request::write(Method::PUT, format!("{base}/resume")),
        Target::Paused => Request::write(Method::PUT, format!("{base}/pause")),
        Target::Stopped => Request::write(Method::PUT, format!("{base}/stop")).query(fence),
    }
}
