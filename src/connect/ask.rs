//! One question to Connect: what its answer means, and which names can stand in its path.
//!
//! Takes a request, gives the answer of a success, or the error that any other status is. What is
//! asked, and what a success says, is left to callers.

use std::collections::BTreeSet;

use crate::connect::error::{Attempt, Error, Nonsense};
use crate::connect::http::{self, Answer, Http, Request};
use crate::connect::refusal::{self, Refusal};
use crate::connect::wire;
use crate::model::config::Config;
use crate::model::name::ConnectorName;

/// What names the connector of the leader probe; nothing real is called so.
const NOBODY_PREFIX: &str = "tagalong-probe-";

/// Sends a request and takes every status but a success for an error.
pub async fn ask(http: &Http, attempt: &Attempt, request: Request) -> Result<Answer, Error> {
    let answer = http.send(attempt, request).await?;
    match refused(attempt, &answer, false, None) {
        Some(error) => Err(error),
        None => Ok(answer),
    }
}

/// The error that an answer is; `None` for a success. `sent` is the config that was sent.
pub fn refused(attempt: &Attempt, answer: &Answer, fenced: bool, sent: Option<&Config>) -> Option<Error> {
    let status = answer.status;
    if (200..300).contains(&status) {
        return None;
    }
    let message = wire::error_message(status, &answer.body);
    let keys: BTreeSet<&str> = sent.into_iter().flat_map(Config::keys).collect();
    let answer = refusal::Answer { status, message: message.as_deref(), fenced };
    Some(Error::Refused { attempt: attempt.clone(), status, refusal: Refusal::read(answer, &keys) })
}

/// Says what was attempted where an answer could not be read.
pub fn understood<T>(attempt: &Attempt, read: Result<T, Nonsense>) -> Result<T, Error> {
    read.map_err(|problem| Error::NotUnderstood { attempt: attempt.clone(), problem })
}

/// The path of a connector, `rest` appended.
pub fn addressable(attempt: &Attempt, name: &ConnectorName, rest: &str) -> Result<String, Error> {
    http::connector_path(name, rest).ok_or_else(|| Error::Unaddressable { attempt: attempt.clone() })
}

/// A name that no connector has, another one each time.
pub fn nobody() -> String {
    format!("{NOBODY_PREFIX}{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}
