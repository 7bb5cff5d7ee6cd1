//! The Kafka Connect REST API: look at a cluster, take a step.
