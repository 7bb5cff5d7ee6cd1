//! `POST /reconcile`: somebody who knows the token says to look now.
//!
//! Takes a request, gives a word to look now, and answers with its number: `/status` tells which of them
//! have been followed.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use tokio::sync::watch;
use tracing::info;

use crate::model::hint::Hints;
use crate::serve::secret::{Secret, same};
use crate::view::asked::AskedForm;

/// What is needed to take such words.
struct Look {
    token: Secret,
    hints: watch::Sender<Hints>,
}

/// Takes words to look now from whoever knows the token; without one from nobody.
pub fn router(token: Option<Secret>, hints: watch::Sender<Hints>) -> Router {
    const ADDRESS: &str = "/reconcile";
    const OFF: &str = "nobody may tell this agent anything: `http.token_file` is not set\n";
    let Some(token) = token else {
        return Router::new().route(ADDRESS, post(async || (StatusCode::FORBIDDEN, OFF)));
    };
    Router::new().route(ADDRESS, post(receive)).with_state(Arc::new(Look { token, hints }))
}

async fn receive(State(look): State<Arc<Look>>, headers: HeaderMap) -> Response {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
    if !shown.is_some_and(|shown| same(shown, &look.token.now())) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
        let text = "the token is missing or another one than in `http.token_file`\n";
        return (StatusCode::UNAUTHORIZED, challenge, text).into_response();
    }
    info!("told to look now");
    look.hints.send_modify(|hints| hints.count += 1);
    let asked = look.hints.borrow().count;
    (StatusCode::ACCEPTED, Json(AskedForm::new(asked))).into_response()
}

/// The token in an `Authorization`.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let (scheme, token) = value.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| token.trim_ascii())
}
