//! Requests that go wrong on demand.
//!
//! Takes which requests are meant, gives what is to become of them: late, answered wrongly, never
//! answered or cut off, before or after they were carried out.

use std::time::Duration;

use tokio::sync::watch;

/// Something that goes wrong, once unless it is said how often.
#[derive(Debug, Clone)]
pub struct Fault {
    method: String,
    path: String,
    is_alone: bool,
    worker: Option<usize>,
    times: usize,
    pub(crate) delay: Duration,
    pub(crate) until: Option<watch::Receiver<bool>>,
    pub(crate) is_executed: bool,
    pub(crate) end: End,
}

/// How a request ends.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// As it would.
    Normal,
    /// With this answer.
    Answer { status: u16, content_type: &'static str, body: String },
    /// With a broken connection.
    Break,
    /// Never.
    Hang,
}

impl Fault {
    /// Means requests of a method whose path, query included, contains a text; `*` is any method.
    pub fn on(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            is_alone: false,
            worker: None,
            times: 1,
            delay: Duration::ZERO,
            until: None,
            is_executed: false,
            end: End::Normal,
        }
    }

    /// Only on this worker.
    #[must_use]
    pub fn worker(self, worker: usize) -> Self {
        Self { worker: Some(worker), ..self }
    }

    /// Only where the path is no longer than what was named.
    #[must_use]
    pub fn alone(self) -> Self {
        Self { is_alone: true, ..self }
    }

    /// So many times.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Every time.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }

    /// Waits before anything else.
    #[must_use]
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Waits until this is true before anything else, however long a test takes.
    #[must_use]
    pub fn until(self, told: watch::Receiver<bool>) -> Self {
        Self { until: Some(told), ..self }
    }

    /// Answers an error of Connect's own.
    #[must_use]
    pub fn answer(self, status: u16, message: &str) -> Self {
        let body = serde_json::json!({"error_code": status, "message": message}).to_string();
        self.raw(status, "application/json", &body)
    }

    /// Answers whatever this is.
    #[must_use]
    pub fn raw(self, status: u16, content_type: &'static str, body: &str) -> Self {
        Self { end: End::Answer { status, content_type, body: body.to_owned() }, ..self }
    }

    /// Cuts the connection without an answer.
    #[must_use]
    pub fn break_off(self) -> Self {
        Self { end: End::Break, ..self }
    }

    /// Never answers.
    #[must_use]
    pub fn hang(self) -> Self {
        Self { end: End::Hang, ..self }
    }

    /// Carries the request out first.
    #[must_use]
    pub fn after_executing(self) -> Self {
        Self { is_executed: true, ..self }
    }

    /// Takes the first fault that means this request.
    pub(crate) fn take(faults: &mut Vec<Self>, worker: usize, method: &str, path: &str) -> Option<Self> {
        let at = faults.iter().position(|fault| {
            (fault.method == "*" || fault.method == method)
                && (path == fault.path || (!fault.is_alone && path.contains(&fault.path)))
                && fault.worker.is_none_or(|only| only == worker)
        })?;
        let fault = faults[at].clone();
        if fault.times <= 1 {
            faults.remove(at);
        } else if fault.times != usize::MAX {
            faults[at].times -= 1;
        }
        Some(fault)
    }
}
