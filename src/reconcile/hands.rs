//! What acting needs, and whether a request may be sent now.
//!
//! Takes who leads and what ends the work early, gives leave or the reason why not. Sending is left to others.

use std::time::Duration;

use tracing::{info, warn};

use crate::connect::{Client, Leadership, Writer};
use crate::model::ledger::Taken;
use crate::model::plan::{Failed, Step};
use crate::model::report::{Class, Outcome};
use crate::model::revision::Revision;
use crate::model::risk::Risk;
use crate::reconcile::interrupt::Interrupt;

/// What taking steps needs.
pub struct Hands<'a> {
    /// The cluster.
    pub client: &'a Client,
    /// How this agent writes.
    pub writer: Writer,
    /// The revision that the steps are for.
    pub revision: &'a Revision,
    /// What the steps may do to data, and who answers for it.
    pub risks: &'a [Risk],
    /// How long a change may take until it is seen to be in effect.
    pub deadline: Duration,
    /// What ends the work early.
    pub interrupt: &'a Interrupt,
}

/// Why a request was not carried out, as far as is known.
pub struct Missed {
    /// How the step ended for it.
    pub outcome: Outcome,
    /// Why.
    pub class: Class,
    /// Whether it was carried out.
    pub taken: Taken,
}

impl Hands<'_> {
    /// Whether another one may have led since who leads was asked: then it is asked once more, and what is desired is
    /// resolved again, before anything else is sent.
    pub fn is_in_doubt(&self) -> bool {
        self.writer == Writer::Leader && self.client.is_in_doubt()
    }
}

impl Missed {
    /// Certainly not.
    pub fn certainly(outcome: Outcome, class: Class) -> Self {
        Self { outcome, class, taken: Taken::No }
    }

    /// Nobody can say.
    pub fn perhaps(outcome: Outcome, class: Class) -> Self {
        Self { outcome, class, taken: Taken::Unknown }
    }
}

/// Whether a request may be sent now. Any worker takes a pause, a resume and the restart of one task,
/// so who leads is asked right before these.
pub async fn may_send(hands: &Hands<'_>, step: &Step, over: Option<Class>) -> Result<(), Missed> {
    if let Some(why) = over {
        return Err(Missed::certainly(Outcome::NotTaken, why));
    }
    if hands.interrupt.supersedes(hands.revision) {
        return Err(Missed::certainly(Outcome::NotTaken, Class::Superseded));
    }
    undoubted(hands)?;
    let is_fenced = match step {
        Step::Pause { .. } | Step::Resume { .. } | Step::Restart { failed: Failed::OneByOne { .. } } => {
            hands.writer == Writer::Forwarded
        }
        Step::Create { .. }
        | Step::Configure { .. }
        | Step::Stop { .. }
        | Step::Restart { failed: Failed::InOneCall }
        | Step::Delete => true,
    };
    if !is_fenced {
        match hands.interrupt.unless_ending(hands.client.probe()).await {
            // Its answer may be the first one after a silence.
            Some(Ok(Leadership::Leads)) => undoubted(hands)?,
            None => {}
            Some(Ok(Leadership::Follows)) => {
                return Err(Missed::certainly(Outcome::NotTaken, Class::NotLeader));
            }
            Some(Err(error)) => {
                warn!(error = &error as &dyn std::error::Error, "could not ask who leads before a step");
                return Err(Missed::certainly(Outcome::NotTaken, error.class()));
            }
        }
    }
    Ok(())
}

/// Nothing where no other one may have led since that was asked, so that what is decided may still be sent.
pub fn undoubted(hands: &Hands<'_>) -> Result<(), Missed> {
    if !hands.is_in_doubt() {
        return Ok(());
    }
    info!("the worker was silent or started anew; who leads is asked before anything else is sent");
    Err(Missed::certainly(Outcome::NotTaken, Class::LeadInDoubt))
}

/// Whether after this nothing more is sent in a turn: another one leads or may have led, or nobody answers.
pub fn ends_it(class: Class) -> bool {
    matches!(class, Class::NotLeader | Class::LeadInDoubt) || class.is_silent()
}

/// Whether the worker beside still leads. An agent that is to end need not know.
pub async fn still_leads(hands: &Hands<'_>) -> bool {
    match hands.writer {
        Writer::Forwarded => true,
        Writer::Leader => {
            let probe = hands.interrupt.unless_ending(hands.client.probe()).await;
            matches!(probe, Some(Ok(Leadership::Leads)) | None)
        }
    }
}

#[cfg(test)]
mod tests {
    use tagalong_testkit::fake::Fake;
    use tagalong_testkit::fake::fault::Fault;
    use tokio::sync::watch;
    use url::Url;

    use super::*;
    use crate::connect::Options;
    use crate::connect::access::Access;
    use crate::model::plan::Target;

    #[tokio::test]
    async fn a_step_that_is_asked_for_before_is_not_sent_where_the_answer_ends_a_long_silence() {
        let fake = Fake::start(1).await;
        let url = Url::parse(&fake.url(0)).expect("an url");
        let (writer, user_agent) = (Writer::Leader, "x".to_owned());
        let client = Client::new(Options { url, writer, user_agent, access: Access::default() });
        let client = client.expect("a client");
        let (_end, ending) = watch::channel(false);
        let (_accept, newest) = watch::channel(None);
        let interrupt = Interrupt::new(ending, newest);
        let revision = Revision::of(Vec::new());
        let hands = Hands {
            client: &client,
            writer,
            revision: &revision,
            risks: &[],
            deadline: Duration::from_mins(1),
            interrupt: &interrupt,
        };
        let pause = Step::Pause { from: Target::Running };
        assert!(may_send(&hands, &pause, None).await.is_ok());
        fake.inject(Fault::on("GET", "/").alone().break_off());
        client.root().await.expect_err("nobody answers");
        assert!(!hands.is_in_doubt(), "not for long");
        // Longer than another worker takes to lead.
        fake.inject(Fault::on("DELETE", "probe").delay(Duration::from_secs(16)));
        let missed = may_send(&hands, &pause, None).await.expect_err("another one may have led");
        assert_eq!((missed.class, missed.taken), (Class::LeadInDoubt, Taken::No));
    }
}
