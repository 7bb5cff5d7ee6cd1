//! tagalong follows a floating git tag of connector definitions and makes a Kafka Connect cluster
//! equal to them.
//!
//! ```text
//!   the repository            thought (pure, sync)               the cluster
//!   ──────────────     ─────────────────────────────────     ─────────────────
//!    tag
//!     │ resolve
//!    Revision
//!     │ read
//!    Snapshot ───────▶ parse  ▶ Definitions
//!                      render ▶ Desired ── check ▶ Findings
//!                                  │
//!                      plan   ◀────┴──────────────────────────  Live ◀ look
//!                        │
//!                      Plan ───────── apply, step by step ────▶ take
//!                        │
//!                      Report ▶ log · metrics · /status · exit code
//! ```
//!
//! Four verbs: `repo` and `connect` look, `pipeline` thinks, `reconcile` acts, `view`, `metrics` and
//! `serve` tell.

pub mod cli;
pub mod connect;
pub mod files;
pub mod kept;
pub mod lookout;
pub mod metrics;
pub mod model;
pub mod pipeline;
pub mod reconcile;
pub mod repo;
pub mod secrets;
pub mod serve;
pub mod settings;
pub mod signature;
pub mod telemetry;
pub mod tls;
pub mod view;
pub mod yaml;
