//! The HTTP client of the kit: plain, without a proxy of the environment, with a deadline.

use std::time::Duration;

/// Makes a client for servers on this machine; every request ends within a minute.
pub fn client() -> reqwest::Client {
    client_as(None)
}

/// Makes the same, with an `Authorization` in every request.
pub fn client_as(authorization: Option<&str>) -> reqwest::Client {
    let value = |text: &str| text.parse().expect("a value of a header");
    let headers = authorization.map(|text| (reqwest::header::AUTHORIZATION, value(text)));
    // An error means that somebody has installed one before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .default_headers(headers.into_iter().collect())
        .timeout(Duration::from_mins(1))
        .build()
        .expect("a client without any option that can fail")
}
