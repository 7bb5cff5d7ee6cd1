//! The HTTP client of the kit: plain, without a proxy of the environment, with a deadline.

use std::time::Duration;

/// Makes a client for servers on this machine; every request ends within a minute.
pub fn client() -> reqwest::Client {
    // An error means that somebody has installed one before, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_mins(1))
        .build()
        .expect("a client without any option that can fail")
}
