//! `POST /hooks/git`: a git host says that something was pushed.
//!
//! Takes a request, gives a word to look now where it proves that it knows the secret. What the host
//! says in it is not looked at: a webhook may be old, doubled, or of another repository, and what is so
//! is asked of the repository itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::StreamExt as _;
use tokio::sync::{Semaphore, watch};
use tracing::{debug, warn};

use crate::metrics::Metrics;
use crate::model::hint::Hints;
use crate::model::report::WebhookOutcome;
use crate::serve::proof::Claim;
use crate::serve::secret::Secret;

/// The longest body.
const LIMIT: usize = 1024 * 1024;
/// How long a body may take.
const WITHIN: Duration = Duration::from_secs(10);
/// How many bodies are read at once, so that slow ones leave connections for the probes.
const AT_ONCE: usize = 8;
/// How often the log tells of webhooks that were refused.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// What is needed to take webhooks.
pub struct Hook {
    secret: Secret,
    hints: watch::Sender<Hints>,
    metrics: Arc<Metrics>,
    room: Semaphore,
    refused: Mutex<Refused>,
}

/// Webhooks that were refused: nobody who sends many of them fills the log.
#[derive(Default)]
struct Refused {
    told: Option<Instant>,
    since: u64,
}

/// Takes webhooks that know the secret; without one there is no such address.
pub fn router(secret: Option<Secret>, hints: watch::Sender<Hints>, metrics: &Arc<Metrics>) -> Router {
    const ADDRESS: &str = "/hooks/git";
    let Some(secret) = secret else {
        return Router::new().route(ADDRESS, post(async || (StatusCode::NOT_FOUND, "webhooks are off\n")));
    };
    let hook = Hook {
        secret,
        hints,
        metrics: Arc::clone(metrics),
        room: Semaphore::new(AT_ONCE),
        refused: Mutex::default(),
    };
    Router::new().route(ADDRESS, post(receive)).with_state(Arc::new(hook))
}

/// Why a webhook is not followed.
enum Problem {
    NoRoom,
    TooLarge,
    TooSlow,
    BrokenOff,
    OtherContent,
    NoProof,
}

async fn receive(State(hook): State<Arc<Hook>>, request: Request) -> Response {
    let judged = hook.judge(request).await;
    let (outcome, code, text) = match judged {
        Ok(()) => (WebhookOutcome::Accepted, StatusCode::ACCEPTED, "the repository is asked\n"),
        Err(Problem::NoRoom) => {
            (WebhookOutcome::Busy, StatusCode::SERVICE_UNAVAILABLE, "too many webhooks at once\n")
        }
        Err(Problem::TooLarge) => {
            (WebhookOutcome::Unreadable, StatusCode::PAYLOAD_TOO_LARGE, "more than 1 MiB\n")
        }
        Err(Problem::TooSlow) => (WebhookOutcome::Unreadable, StatusCode::REQUEST_TIMEOUT, "too slow\n"),
        Err(Problem::BrokenOff) => (WebhookOutcome::Unreadable, StatusCode::BAD_REQUEST, "it broke off\n"),
        Err(Problem::OtherContent) => {
            (WebhookOutcome::Unreadable, StatusCode::UNSUPPORTED_MEDIA_TYPE, "neither JSON nor a form\n")
        }
        Err(Problem::NoProof) => {
            hook.tell_refused();
            (WebhookOutcome::Refused, StatusCode::UNAUTHORIZED, "no signature with the agent's secret\n")
        }
    };
    hook.metrics.observe_webhook(outcome);
    if outcome == WebhookOutcome::Accepted {
        debug!("a webhook says that there is something new");
        hook.hints.send_modify(|hints| {
            hints.count += 1;
            hints.webhooks += 1;
        });
    }
    (code, text).into_response()
}

impl Hook {
    async fn judge(&self, request: Request) -> Result<(), Problem> {
        let _place = self.room.try_acquire().map_err(|_| Problem::NoRoom)?;
        let (head, body) = request.into_parts();
        let mut claim = Claim::new(&head.headers, &self.secret.now());
        let length =
            head.headers.get(header::CONTENT_LENGTH).and_then(|text| text.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: usize| length > LIMIT) {
            return Err(Problem::TooLarge);
        }
        let mut pieces = body.into_data_stream();
        let reading = async {
            let mut received = 0;
            while let Some(piece) = pieces.next().await {
                let piece = piece.map_err(|_| Problem::BrokenOff)?;
                received += piece.len();
                if received > LIMIT {
                    return Err(Problem::TooLarge);
                }
                claim.read(&piece);
            }
            Ok(())
        };
        tokio::time::timeout(WITHIN, reading).await.map_err(|_| Problem::TooSlow)??;
        // To the end first: a host that is cut off sees a broken connection, and not why.
        if !claim.holds() {
            return Err(Problem::NoProof);
        }
        if is_json_or_form(&head.headers) { Ok(()) } else { Err(Problem::OtherContent) }
    }

    fn tell_refused(&self) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.since += 1;
        if refused.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            warn!(
                count = refused.since,
                "refused webhooks: they are not signed with the secret in `http.webhook_secret_file`"
            );
            *refused = Refused { told: Some(Instant::now()), since: 0 };
        }
    }
}

fn is_json_or_form(headers: &HeaderMap) -> bool {
    let text = headers.get(header::CONTENT_TYPE).and_then(|text| text.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/x-www-form-urlencoded"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
}
