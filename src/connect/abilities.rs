//! What the worker can do: found out, not configured.
//!
//! Asks the worker for its version, and where that says nothing of Kafka's, for addresses that came
//! with one. The answer is kept, so that a quiet interval costs nothing, and given up as soon as the
//! worker may have been replaced: it was away or starting, or an answer contradicts. A version that was
//! contradicted is not believed again while the worker goes on saying it: then addresses tell. A worker
//! that was replaced unseen is found out after [`TRUST`]. What follows from it is left to `pipeline`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::connect::ask::{ask, nobody};
use crate::connect::error::{Attempt, Error};
use crate::connect::http::{Http, Request};
use crate::connect::refusal::Refusal;
use crate::connect::wire;
use crate::model::capability::{Capabilities, Version};
use crate::model::report::Class;

/// How long an answer holds without a sign that the worker is another one.
///
/// Taken for older than it is, a worker does all that is asked of it, only in the older way. Taken for
/// newer, it refuses, writes nothing, and is asked again at once.
const TRUST: Duration = Duration::from_mins(10);

/// How long it holds that nothing told what the worker can do: something that starts behind a load
/// balancer may have answered.
const TRUST_IN_NOTHING: Duration = Duration::from_mins(1);

/// What one worker was found to be able to do.
#[derive(Debug, Default)]
pub struct Abilities {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// And until when that holds.
    found: Option<(Capabilities, Instant)>,
    /// The version that the worker said and does not have.
    contradicted: Option<Arc<str>>,
}

impl Abilities {
    /// Gives what the worker can do; asks only where that is not known or no longer to be relied on.
    pub async fn get(&self, http: &Http) -> Result<Capabilities, Error> {
        if let Some((found, until)) = &self.known().found
            && Instant::now() < *until
        {
            return Ok(found.clone());
        }
        let contradicted = self.known().contradicted.clone();
        let found = self.hear(find(http, contradicted.as_deref()).await)?;
        let trust = if found.is_known() { TRUST } else { TRUST_IN_NOTHING };
        self.known().found = Some((found.clone(), Instant::now() + trust));
        Ok(found)
    }

    /// Passes a result on; one that lets doubt which worker answers, or which it is, is remembered.
    pub fn hear<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result
            && casts_doubt(error)
        {
            let mut known = self.known();
            let found = known.found.take();
            match error.class() {
                Class::Unsupported => {
                    let said = found.and_then(|(found, _)| found.version);
                    known.contradicted = said.or(known.contradicted.take());
                }
                // Whoever comes back may be another one.
                Class::Unreachable | Class::Starting => known.contradicted = None,
                _ => {}
            }
        }
        result
    }

    /// Has the next one who needs it ask anew.
    pub fn forget(&self) {
        self.known().found = None;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether after this error another worker may answer.
fn casts_doubt(error: &Error) -> bool {
    let class = error.class();
    class.is_silent() || class == Class::Unsupported
}

async fn find(http: &Http, contradicted: Option<&str>) -> Result<Capabilities, Error> {
    let root = evidence(ask(http, &Attempt::Root, Request::get("/")).await)?;
    let Some(said) = root.and_then(|answer| wire::root(&answer.body).ok()?.version) else {
        return footprint(http).await;
    };
    let Some(version) = Version::read(&said) else {
        return Ok(footprint(http).await?.said(&said));
    };
    let claimed = Capabilities::of(version).said(&said);
    if claimed.version.as_deref() == contradicted {
        return Ok(claimed.within(&footprint(http).await?));
    }
    Ok(claimed)
}

/// What an answer proves; an address that something before Connect keeps back proves nothing.
fn evidence<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Refused { status: 300..500, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Looks for addresses that came with a version. Nothing but GETs, and none of a real connector.
async fn footprint(http: &Http) -> Result<Capabilities, Error> {
    let health = evidence(ask(http, &Attempt::Root, Request::get("/health")).await)?;
    if health.is_some_and(|answer| wire::is_health(&answer.body)) {
        return Ok(Capabilities::of(Version { major: 3, minor: 9 }));
    }
    // Connect says of what it does not know at all another 404 than of a connector it does not have.
    for (path, version) in [
        (format!("/connectors/{}/offsets", nobody()), Version { major: 3, minor: 5 }),
        (format!("/connector-plugins/{}/config", nobody()), Version { major: 3, minor: 2 }),
    ] {
        match ask(http, &Attempt::Root, Request::get(path)).await {
            Ok(_) => {}
            Err(Error::Refused { refusal: Refusal::NotFound, .. }) => return Ok(Capabilities::of(version)),
            Err(error) => drop(evidence::<()>(Err(error))?),
        }
    }
    Ok(Capabilities::unknown())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::access::Access;
    use tagalong_testkit::fake::{Fake, Options};
    use url::Url;

    #[tokio::test]
    async fn a_worker_that_was_replaced_unseen_is_found_out_after_a_while() {
        for before in [(4, 3), (2, 8)] {
            let (old, new) = (fake(before).await, fake((3, 5)).await);
            let abilities = Abilities::default();
            let version = async |fake: &Fake| {
                let url = Url::parse(&fake.url(0)).expect("an url");
                let found = abilities.get(&Http::new(&url, "x", &Access::default()).expect("a client")).await;
                found.expect("an answer").version
            };
            let first = version(&old).await;
            assert_eq!(version(&new).await, first, "nothing says that it is another one");
            let held_until = abilities.known().found.as_ref().map(|(_, until)| *until).expect("it is kept");
            assert!(held_until.duration_since(Instant::now()).abs_diff(TRUST) < Duration::from_secs(30));
            abilities.known().found.as_mut().expect("it is kept").1 = Instant::now();
            assert_eq!(version(&new).await.as_deref(), Some("3.5.0"));
        }
    }

    async fn fake(version: (u8, u8)) -> Fake {
        Fake::with(Options { version, ..Options::default() }).await
    }
}
