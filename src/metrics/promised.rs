//! The families that are promised, read from the text of the promise.
//!
//! Gives names with their labels; comparing them with what is told is left to the tests.

/// The families as the specification lists them: prefix left out, label values after `=`.
const PROMISED: &str = "build_info{version,commit,libgit2} · repository_info{repository,ref,revision,version_tag,verified_by} · repository_state{repository,state=ok|stale|unreachable|auth_failed|ref_missing|verification_failed|invalid|held} · repository_{last_poll,last_success,revision_first_seen,commit,operation_started}_timestamp_seconds{repository} · repository_polls_total{repository,outcome=success|noop|error} · \
repository_moves_total{repository,kind=forward|backward|sideways|retag|deleted|appeared} · repository_last_move_timestamp_seconds{repository,kind} · repository_poll_duration_seconds{repository,step=list|fetch|verify|read} · repository_received_bytes_total{repository} · repository_consecutive_failures{repository} · findings{repository,severity} · \
leader · revision_current · cycle_last_success_timestamp_seconds · cycle_duration_seconds · apply_last_success_timestamp_seconds · apply_last_result{result=success|partial|failed|never} · connectors{sync=synced|drifted|missing|held|waiting|unmanaged|unknown} · connector_sync_state{connector,state=synced|config_drift|state_drift|missing|surplus|unknown} · \
connector_drifted_keys{connector} · connector_unverifiable_keys{connector} · connector_drift_since_timestamp_seconds{connector} · connector_info{connector,class,type} · connector_state{connector,state} · connector_tasks{connector,state} · connector_stalled{connector} · connector_waiting{connector} · connector_last_apply_failed{connector} · \
steps_total{step,outcome} · held{hold} · suspended{by=environment|definition|settings} · connect_reachable · connect_requests_total{method,code_class} · connect_request_duration_seconds{method} · webhooks_total{outcome}";

/// A label with the values that were promised.
pub(in crate::metrics) type Label = (String, Vec<String>);

/// Each promised family with its labels.
pub(in crate::metrics) fn promised() -> Vec<(String, Vec<Label>)> {
    let mut families = Vec::new();
    for family in PROMISED.split(" · ") {
        let (name, labels) = match family.strip_suffix('}').and_then(|inner| inner.rsplit_once('{')) {
            Some((name, labels)) => (name, labels),
            None => (family, ""),
        };
        let labels: Vec<Label> = labels
            .split(',')
            .filter(|label| !label.is_empty())
            .map(|label| match label.split_once('=') {
                Some((label, values)) => (label.to_owned(), values.split('|').map(str::to_owned).collect()),
                None => (label.to_owned(), Vec::new()),
            })
            .collect();
        match name.split_once('{') {
            Some((before, rest)) => {
                let (middles, after) = rest.split_once('}').expect("a list of middles");
                for middle in middles.split(',') {
                    families.push((format!("tagalong_{before}{middle}{after}"), labels.clone()));
                }
            }
            None => families.push((format!("tagalong_{name}"), labels)),
        }
    }
    families
}
