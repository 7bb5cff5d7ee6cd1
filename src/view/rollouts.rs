//! Rollouts that do not go on, for JSON and in words.
//!
//! Takes what holds the changes of a template back, gives a form and one line. Nothing is decided here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::rollout::{Brake, Why};
use crate::view::text::{ago, count, line};

/// A template whose changes do not go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::view) struct RolloutForm {
    pub(in crate::view) template: String,
    pub(in crate::view) canary: String,
    pub(in crate::view) why: String,
    #[serde(default)]
    pub(in crate::view) class: Option<String>,
    pub(in crate::view) stopped: bool,
    #[serde(default)]
    pub(in crate::view) waits_for: Option<String>,
    #[serde(default)]
    pub(in crate::view) since: Option<Timestamp>,
    pub(in crate::view) waiting: Vec<String>,
}

impl RolloutForm {
    /// Mirrors what holds changes back.
    pub(in crate::view) fn new(brake: &Brake) -> Self {
        let Brake { template, by, why, since, rest } = brake;
        let class = match why {
            Why::Refused(class) => Some((*class).to_owned()),
            Why::Failed
            | Why::Stalled
            | Why::Away
            | Why::Unassigned
            | Why::Outdated
            | Why::Awaited
            | Why::Unproven => None,
        };
        Self {
            template: template.to_string(),
            canary: by.to_string(),
            why: why.name().to_owned(),
            class,
            stopped: why.is_stop(),
            waits_for: why.waits_for().map(str::to_owned),
            since: Some(*since),
            waiting: rest.iter().map(ToString::to_string).collect(),
        }
    }

    /// One line for people, without a full stop.
    pub(in crate::view) fn in_words(&self, now: Timestamp) -> String {
        let Self { template, canary, why, class, stopped, waits_for, since, waiting } = self;
        let (template, canary, why) = (line(template), line(canary), line(why));
        let class = class.as_ref().map(|class| format!(" ({})", line(class))).unwrap_or_default();
        let rest = count(waiting.len(), "connector", "connectors");
        let since = since.map(|since| format!(", since {}", ago(since, now))).unwrap_or_default();
        if *stopped {
            format!("{template} stopped: {canary} is {why}{class}, {rest} not changed{since}")
        } else {
            let until = waits_for.as_deref().unwrap_or("it is well");
            format!("{template} waits for {canary}, until {}; {rest} not changed yet{since}", line(until))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::ConnectorName;

    #[test]
    fn a_rollout_that_waits_says_for_what_and_since_when() {
        let since = Timestamp::UNIX_EPOCH;
        let rest = ["b", "c"].map(ConnectorName::observed).into();
        let by = ConnectorName::observed("a");
        let told = |why| {
            let brake = Brake { template: "t".into(), by: by.clone(), why, since, rest: Clone::clone(&rest) };
            RolloutForm::new(&brake).in_words(Timestamp::from_second(300).expect("a time"))
        };
        assert_eq!(
            told(Why::Away),
            "t waits for a, until its database is there; 2 connectors not changed yet, since 5 min ago"
        );
        assert_eq!(
            told(Why::Outdated),
            "t waits for a, until its tasks, which may run its old config, were restarted; 2 connectors not changed yet, since 5 min ago"
        );
        assert_eq!(told(Why::Failed), "t stopped: a is failed, 2 connectors not changed, since 5 min ago");
    }
}
