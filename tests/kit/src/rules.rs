//! What a server of the kit may do to a request instead of serving it: keep it waiting, answer it wrongly, never answer
//! it. A rule holds for the requests that it names, for ever or a number of times.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::watch;

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    method: Option<Method>,
    path: String,
    effect: Effect,
    times: Option<usize>,
}

/// What happens to a request that a rule names.
#[derive(Clone, Debug)]
pub enum Effect {
    /// It is served after this time.
    Delay(Duration),
    /// It is not passed on, but answered with this status and text.
    Answer(StatusCode, String),
    /// It is not passed on, but answered with this status and this `Retry-After`.
    Later(StatusCode, String),
    /// It is passed on, its effect takes place, and the true answer is replaced by this one.
    Swallow(StatusCode, String),
    /// It is passed on, and the text of the true answer is changed so.
    Rewrite(fn(&str) -> String),
    /// It is not passed on and never answered.
    Hang,
    /// It is served as soon as this is true.
    Until(watch::Receiver<bool>),
}

impl Rule {
    /// Names every request whose path and query contain this text.
    pub fn on(path: &str, effect: Effect) -> Self {
        Self { method: None, path: path.to_owned(), effect, times: None }
    }

    /// Only requests of this method.
    #[must_use]
    pub fn method(self, method: Method) -> Self {
        Self { method: Some(method), ..self }
    }

    /// Only the next so many requests.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times: Some(times), ..self }
    }

    fn names(&self, method: &Method, path: &str) -> bool {
        self.times != Some(0)
            && self.method.as_ref().is_none_or(|wanted| wanted == method)
            && path.contains(&self.path)
    }
}

/// The rules of one server.
#[derive(Default)]
pub struct Rules(Mutex<Vec<Rule>>);

impl Rules {
    /// Adds a rule; of several that name a request the oldest holds.
    pub fn add(&self, rule: Rule) {
        self.0.lock().expect("nobody panics while holding it").push(rule);
    }

    /// Puts one rule in the place of all others, with no moment between them.
    pub fn only(&self, rule: Rule) {
        *self.0.lock().expect("nobody panics while holding it") = vec![rule];
    }

    /// Forgets all rules.
    pub fn clear(&self) {
        self.0.lock().expect("nobody panics while holding it").clear();
    }

    /// Finds what shall happen to a request and counts it.
    pub fn effect(&self, method: &Method, path: &str) -> Option<Effect> {
        let mut rules = self.0.lock().expect("nobody panics while holding it");
        let rule = rules.iter_mut().find(|rule| rule.names(method, path))?;
        rule.times = rule.times.map(|times| times - 1);
        Some(rule.effect.clone())
    }
}

/// Carries an effect out around the true answer.
pub async fn apply(effect: Option<Effect>, serve: impl Future<Output = Response>) -> Response {
    match effect {
        None => serve.await,
        Some(Effect::Delay(time)) => {
            tokio::time::sleep(time).await;
            serve.await
        }
        Some(Effect::Answer(status, text)) => (status, text).into_response(),
        Some(Effect::Later(status, later)) => (status, [(header::RETRY_AFTER, later)]).into_response(),
        Some(Effect::Swallow(status, text)) => {
            let (_, body) = serve.await.into_parts();
            // To the end, so that what serves it comes to its end too.
            let _ = axum::body::to_bytes(body, usize::MAX).await;
            (status, text).into_response()
        }
        Some(Effect::Rewrite(change)) => {
            let (head, body) = serve.await.into_parts();
            match axum::body::to_bytes(body, usize::MAX).await {
                Ok(bytes) => Response::from_parts(head, Body::from(change(&String::from_utf8_lossy(&bytes)))),
                Err(error) => bad_gateway(&error),
            }
        }
        Some(Effect::Hang) => std::future::pending().await,
        Some(Effect::Until(mut told)) => {
            // A test that ends tells nothing any more.
            let _ = told.wait_for(|told| *told).await;
            serve.await
        }
    }
}

/// An answer of this server's own, for a failure behind it.
pub fn bad_gateway(error: &dyn std::fmt::Display) -> Response {
    (StatusCode::BAD_GATEWAY, Body::from(format!("{error}"))).into_response()
}
