//! Tell Prometheus.
