//! The cryptography of every TLS connection that this process makes.
//!
//! Takes nothing and gives nothing: whoever prepares a client says so here first. Which authorities a
//! client trusts and what it shows is left to the rooms that have clients.

use std::sync::Once;

/// Chooses it, once in a process.
pub fn prepare() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        // Fails where a program that this library is a part of has chosen already, which is as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
