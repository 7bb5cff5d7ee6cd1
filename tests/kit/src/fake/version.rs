//! What each version of Connect knows: since when and until when, in one list.
//!
//! Takes a version, gives the addresses that it lacks and the ways in which it differs from the newest.
//! 2.8, 3.7, 3.9 and 4.3 are held to real workers by the contract cases; where a line falls between two
//! of them, it is drawn where Connect's own history draws it.

use crate::fake::answer::{self, Answer};

/// A version, as far as answers follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub (u8, u8));

impl Version {
    /// The answer to an address that this version does not have, ready or not.
    pub fn lacks(self, method: &str, segments: &[&str]) -> Option<Answer> {
        let since = match (method, segments) {
            (_, ["health"]) => (3, 9),
            ("GET", ["connectors", _, "topics"]) => (2, 5),
            ("GET", ["connector-plugins", _, "config"]) => (3, 2),
            ("PUT", ["connectors", _, "stop"]) | ("GET", ["connectors", _, "offsets"]) => (3, 5),
            ("PATCH" | "DELETE", ["connectors", _, "offsets"]) => (3, 6),
            ("GET", ["connectors", _, "tasks-config"]) if self.0 < (4, 0) => (2, 8),
            ("GET", ["connectors", _, "tasks-config"]) => return Some(answer::no_such_path()),
            ("PATCH", ["connectors", _, "config"]) if self.0 < (3, 8) => {
                return Some(answer::no_such_method());
            }
            _ => return None,
        };
        // Where another method has the path, the method is what is wrong.
        let has_path = segments.last() == Some(&"offsets") && self.0 >= (3, 5);
        (self.0 < since).then(|| if has_path { answer::no_such_method() } else { answer::no_such_path() })
    }

    /// Whether `?expand=…` on the list means anything.
    pub fn expands(self) -> bool {
        self.0 >= (2, 3)
    }

    /// Whether what the leader refuses comes back from another worker as a 500.
    pub fn loses_the_leaders_status(self) -> bool {
        ((2, 8)..(3, 4)).contains(&self.0)
    }

    /// Whether a restart can take the tasks along, and is then the leader's business.
    pub fn restarts_tasks_too(self) -> bool {
        self.0 >= (3, 0)
    }

    /// Whether a key without a value is refused; before, it was kept and told back.
    pub fn refuses_null(self) -> bool {
        self.0 >= (3, 2)
    }

    /// Whether converters and the like are listed when asked for.
    pub fn lists_every_plugin(self) -> bool {
        self.0 >= (3, 2)
    }

    /// Whether the `FileStream` connectors hand their whole config to their tasks.
    pub fn copies_whole_configs(self) -> bool {
        self.0 >= (3, 4)
    }

    /// Whether a connector can be made paused or stopped.
    pub fn creates_in_a_state(self) -> bool {
        self.0 >= (3, 7)
    }

    /// Whether a sink without topics is a complaint among others; before, it was an error of the worker.
    pub fn lists_missing_topics(self) -> bool {
        self.0 >= (3, 7)
    }

    /// Whether an unknown class is the sender's fault; before, it was an error of the worker.
    pub fn blames_the_sender_for_an_unknown_class(self) -> bool {
        self.0 >= (4, 0)
    }

    /// Whether odd characters in a path are refused by the web server.
    pub fn refuses_odd_paths(self) -> bool {
        self.0 >= (4, 1)
    }

    /// Whether states say which version of the plugin runs.
    pub fn tells_plugin_versions(self) -> bool {
        self.0 >= (4, 1)
    }

    /// What the JSON reader says of a value of another kind than the wanted one.
    pub fn other_kind(self, wanted: &str, kind: &str, token: &str) -> String {
        if self.0 < (3, 0) {
            let wanted =
                wanted.replace("java.lang.String,java.lang.String", "java.lang.Object,java.lang.Object");
            return format!("Cannot deserialize instance of `{wanted}` out of {token} token");
        }
        format!("Cannot deserialize value of type `{wanted}` from {kind} value (token `JsonToken.{token}`)")
    }

    /// The error of the JSON reader, with its place.
    pub fn unreadable(self, what: &str, column: usize) -> Answer {
        let source = if self.0 < (3, 7) {
            "(org.glassfish.jersey.message.internal.ReaderInterceptorExecutor$UnCloseableInputStream)"
        } else {
            "REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)"
        };
        Answer::error(500, &format!("{what}\n at [Source: {source}; line: 1, column: {column}]"))
    }

    /// How a list of known properties ends.
    pub fn end_of_known_properties(self) -> &'static str {
        if self.0 < (4, 0) { "])" } else { ")" }
    }
}
