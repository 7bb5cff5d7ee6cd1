//! Every metric family: its name, type, labels and what it means.
//!
//! One table, from which counters are registered, gauges are written and the reference page is made.
//! A name here is a promise: alert rules and dashboards of others are built on it.

/// What a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Set from the last report.
    Gauge,
    /// Added to, never taken from.
    Counter,
    /// Counted into buckets.
    Histogram,
}

impl Kind {
    /// The word for it in the exposition format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric family.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// Its whole name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The names of its labels, in order.
    pub labels: &'static [&'static str],
    /// What it means, one sentence.
    pub help: &'static str,
}

impl Family {
    /// Whether it has a series for each connector, and can be switched off for that.
    pub fn is_per_connector(&self) -> bool {
        self.labels.first() == Some(&"connector")
    }
}

macro_rules! families {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*], $help:literal;)+) => {
        $(pub(in crate::metrics) const $constant: &Family = &Family {
            name: concat!("tagalong_", $name),
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
        };)+

        /// Every family, in the order of the reference page.
        pub const ALL: &[&Family] = &[$($constant),+];
    };
}

families! {
    BUILD_INFO = Gauge "build_info" ["version", "commit", "libgit2"],
        "1, with the version of the agent as labels.";
    REPOSITORY_INFO = Gauge "repository_info" ["repository", "ref", "revision", "version_tag", "verified_by"],
        "1, with the revision that is in hand as labels; absent before the first good read.";
    REPOSITORY_STATE = Gauge "repository_state" ["repository", "state"],
        "1 for the state that the repository is in, 0 for the others.";
    REPOSITORY_LAST_POLL = Gauge "repository_last_poll_timestamp_seconds" ["repository"],
        "When the repository was last asked, 0 = never.";
    REPOSITORY_LAST_SUCCESS = Gauge "repository_last_success_timestamp_seconds" ["repository"],
        "When the repository was last asked with success, 0 = never.";
    REPOSITORY_FIRST_SEEN = Gauge "repository_revision_first_seen_timestamp_seconds" ["repository"],
        "When this agent first saw the current revision, 0 = none yet.";
    REPOSITORY_COMMIT = Gauge "repository_commit_timestamp_seconds" ["repository"],
        "The committer's time of the current revision, 0 = not known.";
    REPOSITORY_OPERATION_STARTED = Gauge "repository_operation_started_timestamp_seconds" ["repository"],
        "When the operation in hand began, 0 = none in hand.";
    REPOSITORY_POLLS = Counter "repository_polls_total" ["repository", "outcome"],
        "Polls of the repository, by how they ended.";
    REPOSITORY_MOVES = Counter "repository_moves_total" ["repository", "kind"],
        "Moves of the ref that this agent saw, by kind; a version tag that moved is sideways.";
    REPOSITORY_LAST_MOVE = Gauge "repository_last_move_timestamp_seconds" ["repository", "kind"],
        "When the ref last moved in this way, 0 = never.";
    REPOSITORY_POLL_DURATION = Histogram "repository_poll_duration_seconds" ["repository", "step"],
        "How long each part of a poll took.";
    REPOSITORY_RECEIVED_BYTES = Counter "repository_received_bytes_total" ["repository"],
        "Bytes received from the repository.";
    REPOSITORY_CONSECUTIVE_FAILURES = Gauge "repository_consecutive_failures" ["repository"],
        "Polls in a row that failed.";
    FINDINGS = Gauge "findings" ["repository", "severity"],
        "Findings in the revision that the ref points at.";
    LEADER = Gauge "leader" [],
        "1 where the worker beside this agent leads, 0 where it follows; absent in observe mode and while nobody knows.";
    REVISION_CURRENT = Gauge "revision_current" [],
        "1 where the cluster was last seen equal to the revision that the ref points at; absent in an agent that follows.";
    CYCLE_LAST_SUCCESS = Gauge "cycle_last_success_timestamp_seconds" [],
        "When a cycle last came to its end, 0 = never.";
    CYCLE_DURATION = Histogram "cycle_duration_seconds" [],
        "How long a cycle took.";
    APPLY_LAST_SUCCESS = Gauge "apply_last_success_timestamp_seconds" [],
        "When an apply last left the cluster equal to the repository, 0 = never.";
    APPLY_LAST_RESULT = Gauge "apply_last_result" ["result"],
        "1 for how the last apply ended, 0 for the others.";
    CONNECTORS = Gauge "connectors" ["sync"],
        "Connectors, each counted once, by how they stand; absent in an agent that follows.";
    CONNECTOR_SYNC_STATE = Gauge "connector_sync_state" ["connector", "state"],
        "1 for how the declared connector stands against the cluster, 0 for the others; surplus is wanted absent.";
    CONNECTOR_DRIFTED_KEYS = Gauge "connector_drifted_keys" ["connector"],
        "Config keys that differ.";
    CONNECTOR_UNVERIFIABLE_KEYS = Gauge "connector_unverifiable_keys" ["connector"],
        "Config keys that Connect masks, so that nobody can say whether they differ.";
    CONNECTOR_DRIFT_SINCE = Gauge "connector_drift_since_timestamp_seconds" ["connector"],
        "Since when the connector is not as declared, 0 = it is.";
    CONNECTOR_INFO = Gauge "connector_info" ["connector", "class", "type"],
        "1, with the connector's class and type as labels.";
    CONNECTOR_STATE = Gauge "connector_state" ["connector", "state"],
        "1 for the state that Connect tells of the connector itself, 0 for the others.";
    CONNECTOR_TASKS = Gauge "connector_tasks" ["connector", "state"],
        "Tasks of the connector in each state.";
    CONNECTOR_STALLED = Gauge "connector_stalled" ["connector"],
        "1 where the connector says RUNNING and its offsets stand still; who is watched is said in docs/operations/stalled.md.";
    CONNECTOR_WAITING = Gauge "connector_waiting" ["connector"],
        "1 where the connector waits: for its database, which is not there yet, or with its change for the one of its template that goes first.";
    CONNECTOR_LAST_APPLY_FAILED = Gauge "connector_last_apply_failed" ["connector"],
        "1 where the last step for the connector failed, or its database is away for longer than connect.ready_deadline.";
    STEPS = Counter "steps_total" ["step", "outcome"],
        "Steps taken, by how they ended.";
    HELD = Gauge "held" ["hold"],
        "Steps and lower versions that are held, by the brake that holds them.";
    SUSPENDED = Gauge "suspended" ["by"],
        "1 where writing is suspended, by who says so.";
    CONNECT_REACHABLE = Gauge "connect_reachable" [],
        "1 where Connect answered in the last cycle, 0 where it did not; absent before the first.";
    CONNECT_REQUESTS = Counter "connect_requests_total" ["method", "code_class"],
        "Requests to Connect, by the class of the answer; none = no answer came.";
    CONNECT_REQUEST_DURATION = Histogram "connect_request_duration_seconds" ["method"],
        "How long a request to Connect took.";
    WEBHOOKS = Counter "webhooks_total" ["outcome"],
        "Hints to poll now that came by webhook, by what became of them.";
}
