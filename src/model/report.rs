//! What one poll and one cycle saw and did.
//!
//! Takes values of the looking, thinking and acting rooms; metrics, the status page, logs and exit
//! codes are views of it and add nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::course::{Course, MoveKind};
use crate::model::finding::{Finding, Findings};
use crate::model::live::Live;
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::plan::{Mode, Plan, StepKind};
use crate::model::pulse::Pulses;
use crate::model::revision::{RepositoryName, RepositoryRevision, Revision};
use crate::model::rollout::Brake;

/// Everything the agent knows about itself, published whole after each poll and each cycle.
#[derive(Debug, Clone)]
pub struct Report {
    /// The environment it renders for.
    pub environment: EnvironmentName,
    /// Whether it may write.
    pub mode: Mode,
    /// When the loop last came round; the proof that it lives.
    pub heartbeat: Timestamp,
    /// Each repository.
    pub repositories: Vec<RepositoryReport>,
    /// The cluster as the last cycle saw it.
    pub cluster: ClusterReport,
    /// The three clocks.
    pub clocks: Clocks,
    /// Everything wrong in the revision that the tag points at now.
    pub findings: Findings,
    /// How many connectors are declared by what is in force; `None` while nothing is.
    pub declared: Option<usize>,
    /// How many of the words to look now have been followed, to the end of a cycle.
    pub answered: u64,
}

impl Report {
    /// What is wrong in the files of one repository, or with what they say; what is in no file of an import
    /// is the main repository's. Folders of `extra` have their own.
    pub fn findings_of<'r>(&'r self, repository: &'r RepositoryName) -> impl Iterator<Item = &'r Finding> {
        let imports = || self.repositories.iter().map(|one| &one.repository).filter(|name| !name.is_main());
        let is_folder = repository.folder().is_some();
        let own = self.repositories.iter().filter(move |one| is_folder && one.repository == *repository);
        let of_files = self.findings.iter().filter(move |finding| {
            if repository.is_main() {
                !imports().any(|import| finding.place.is_of(import))
            } else {
                finding.place.is_of(repository)
            }
        });
        of_files.chain(own.flat_map(|one| one.findings.iter()))
    }

    /// Whether the main repository answered when it was last asked.
    pub fn is_main_answering(&self) -> bool {
        self.repositories.iter().all(|one| !one.repository.is_main() || one.consecutive_failures == 0)
    }

    /// From where repositories were rolled back to a revision, where that was the last move of each: `v1 at 8d2e1f0`,
    /// with its name before it where it is an import.
    pub fn rolled_back_to(&self, revision: &Revision) -> Option<String> {
        let back = self.repositories.iter().filter_map(|one| {
            let last = one.course.last.as_ref().filter(|last| last.kind == MoveKind::Backward)?;
            let from = &last.from.as_ref()?.at;
            let is_there =
                |now: &&RepositoryRevision| now.repository == one.repository && now.at == last.to.at;
            revision.repositories.iter().find(is_there)?;
            let name = &one.repository;
            Some(if name.is_main() { from.to_string() } else { format!("{name} {from}") })
        });
        let back: Vec<_> = back.collect();
        (!back.is_empty()).then(|| back.join(", "))
    }
}

/// When which revision was seen, found good, and put in force.
#[derive(Debug, Clone, Default)]
pub struct Clocks {
    /// What the ref names now, and since when this agent has known it.
    pub points_at: Option<Clock>,
    /// The last revision without an error finding.
    pub validated: Option<Clock>,
    /// The last revision that the cluster was seen to equal.
    pub applied: Option<Clock>,
}

/// A revision at a time.
#[derive(Debug, Clone)]
pub struct Clock {
    /// The revision.
    pub revision: Revision,
    /// Since when.
    pub at: Timestamp,
}

/// How one repository fares.
#[derive(Debug, Clone)]
pub struct RepositoryReport {
    /// Which repository.
    pub repository: RepositoryName,
    /// How it fares.
    pub state: RepositoryState,
    /// What its ref named when it was last read well.
    pub revision: Option<Revision>,
    /// When it was last asked.
    pub last_poll: Option<Timestamp>,
    /// When it was last asked with success.
    pub last_success: Option<Timestamp>,
    /// When this agent first saw its current revision.
    pub first_seen: Option<Timestamp>,
    /// When the operation in hand began; `None` between operations.
    pub operation_started: Option<Timestamp>,
    /// Polls in a row that failed.
    pub consecutive_failures: u32,
    /// The last failure, while it lasts.
    pub failure: Option<Failure>,
    /// When it last moved, by kind.
    pub last_moves: BTreeMap<MoveKind, Timestamp>,
    /// How what is followed of it moved.
    pub course: Course,
    /// What is wrong with a folder of `extra`, which fails it alone. What is wrong with a repository is
    /// among the report's own findings.
    pub findings: Findings,
}

macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $variant_doc:literal])+ $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[doc = $variant_doc])+ $variant,)+ }

        impl $name {
            /// Every one of them, for labels that are exported from the first scrape.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word for it in outputs and labels.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

words! {
    /// How a repository fares.
    RepositoryState {
        /// Read well, and in force.
        Ok = "ok",
        /// What was good last is in force: the repository has not answered since the agent began, its ref moves
        /// faster than it can be read, or the folder is empty.
        Stale = "stale",
        /// It cannot be reached.
        Unreachable = "unreachable",
        /// It refuses the credentials.
        AuthFailed = "auth_failed",
        /// It has no such ref.
        RefMissing = "ref_missing",
        /// The signature is missing or wrong.
        VerificationFailed = "verification_failed",
        /// What the ref names is not usable: findings, or a tree over the limits.
        Invalid = "invalid",
        /// A newer state is held back.
        Held = "held",
    }
}

words! {
    /// How a poll ended.
    PollOutcome {
        /// Something new was read.
        Success = "success",
        /// Nothing has changed.
        Noop = "noop",
        /// It failed.
        Error = "error",
    }
}

words! {
    /// What became of a webhook.
    WebhookOutcome {
        /// It is genuine, and the repositories are asked.
        Accepted = "accepted",
        /// Nothing in it proves that the sender knows the secret.
        Refused = "refused",
        /// It was too large, too slow, or broke off, or its body is neither JSON nor a form.
        Unreadable = "unreadable",
        /// Too many were being read at once.
        Busy = "busy",
    }
}

words! {
    /// A part of a poll.
    PollStep {
        /// Asking what the ref names.
        List = "list",
        /// Fetching its objects.
        Fetch = "fetch",
        /// Checking its signature.
        Verify = "verify",
        /// Reading its files.
        Read = "read",
    }
}

/// What one poll of one repository did, for counters and logs.
#[derive(Debug, Clone)]
pub struct Poll {
    /// Which repository.
    pub repository: RepositoryName,
    /// How it ended.
    pub outcome: PollOutcome,
    /// How long each part took.
    pub took: Vec<(PollStep, Duration)>,
    /// Bytes that came over the wire.
    pub received_bytes: u64,
    /// How the ref moved, where it did, and each tag with a version that moved though it never should.
    pub moves: Vec<MoveKind>,
}

/// What one cycle did, for counters and logs.
#[derive(Debug, Clone, Default)]
pub struct Cycle {
    /// How long it took.
    pub took: Duration,
    /// What became of each step that was taken.
    pub taken: Vec<StepResult>,
    /// Every request to Connect.
    pub exchanges: Vec<Exchange>,
}

/// Something to tell as it happens, beside the report that says how everything stands then.
#[derive(Debug, Clone)]
pub enum Event {
    /// A repository was asked.
    Polled(Poll),
    /// The cluster was looked at and planned for; nothing was done yet.
    Looked,
    /// A cycle came to its end.
    Cycled(Cycle),
    /// The loop came round, and nothing else is to be told.
    CameRound,
}

/// How the cluster fares.
#[derive(Debug, Clone, Default)]
pub struct ClusterReport {
    /// Whether Connect answered in the last cycle; `None` before the first.
    pub reachable: Option<bool>,
    /// Whether the worker beside leads; `None` where nobody asked (observe) or nobody could say.
    pub leader: Option<bool>,
    /// What was last seen; only an agent that leads or observes looks.
    pub live: Option<Arc<Live>>,
    /// What was last planned, after the last acting if something was done.
    pub plan: Option<Arc<Plan>>,
    /// What the last cycle that acted did.
    pub results: Vec<StepResult>,
    /// When each drifted connector was first seen so.
    pub drift_since: BTreeMap<ConnectorName, Timestamp>,
    /// Connectors with a change that waits, for their database or for the canary of their template.
    pub waiting: BTreeMap<ConnectorName, Waiting>,
    /// Templates whose changes do not go on, and what holds them back.
    pub rollouts: Vec<Brake>,
    /// Whether the offsets of connectors move, where that is watched.
    pub pulses: Pulses,
    /// Connectors whose last step failed, with the class of the failure.
    pub failed: BTreeMap<ConnectorName, Class>,
    /// When a cycle last came to its end without an error of the world.
    pub last_success: Option<Timestamp>,
    /// When an apply last left the cluster equal to the repository.
    pub last_apply_success: Option<Timestamp>,
    /// How the last apply ended.
    pub last_apply: Option<ApplyResult>,
    /// The last failure, while it lasts.
    pub failure: Option<Failure>,
    /// Who says that nothing is to be written for now.
    pub suspended: BTreeSet<SuspendedBy>,
}

impl ClusterReport {
    /// Whether a connector waits for a database that is not there yet.
    pub fn waits_for_its_database(&self, name: &ConnectorName) -> bool {
        self.waiting.get(name).is_some_and(|waiting| waiting.class == Class::Waiting)
    }

    /// Whether a connector waits: for a database that is not there yet, or for the one of its template that goes first.
    pub fn waits(&self, name: &ConnectorName) -> bool {
        self.waiting.contains_key(name)
    }
}

/// What a connector waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Its class.
    pub class: Class,
    /// Since when this agent has seen it wait for that.
    pub since: Timestamp,
}

words! {
    /// Who says that nothing is to be written for now.
    SuspendedBy {
        /// The environment's file.
        Environment = "environment",
        /// A connector's definition, for that connector.
        Definition = "definition",
        /// The agent's settings.
        Settings = "settings",
    }
}

words! {
    /// How an apply ended.
    ApplyResult {
        /// Everything is as it should be, but for what is held.
        Success = "success",
        /// Some steps failed or wait.
        Partial = "partial",
        /// No step succeeded, or the cluster could not be read.
        Failed = "failed",
        /// There was none yet.
        Never = "never",
    }
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepResult {
    /// Which connector.
    pub connector: ConnectorName,
    /// Which step.
    pub step: StepKind,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it did not converge.
    pub class: Option<Class>,
    /// How long it took, from the request to the last look.
    pub took: Duration,
}

words! {
    /// How a step ended.
    Outcome {
        /// Done, and seen to be done.
        Converged = "converged",
        /// Refused or broken.
        Failed = "failed",
        /// It waits for something that is not there yet.
        Waiting = "waiting",
        /// Taken, and not seen to be done within its deadline.
        Pending = "pending",
        /// Not taken: the cycle ended before, or it is not due yet.
        NotTaken = "not-taken",
    }
}

words! {
    /// The class of a failure: what metrics, logs and retries know of it.
    Class {
        /// The worker beside does not lead (any more).
        NotLeader = "not-leader",
        /// The worker beside was silent for long or started anew: who leads is asked before anything else is sent.
        LeadInDoubt = "lead-in-doubt",
        /// A rebalance is under way.
        Rebalancing = "rebalancing",
        /// The worker is still starting.
        Starting = "starting",
        /// Nothing answers, or the connection broke.
        Unreachable = "unreachable",
        /// No answer in time; the request may have been carried out.
        TimedOut = "timed-out",
        /// It exists already.
        Exists = "exists",
        /// There is no such connector.
        NotFound = "not-found",
        /// Connect says that the config is invalid.
        Invalid = "invalid",
        /// The connector's database or broker is not there yet, or refuses.
        Waiting = "waiting",
        /// Connect refuses the agent's credentials.
        Denied = "denied",
        /// The answer could not be understood.
        NotUnderstood = "not-understood",
        /// This Connect is too old for what was asked of it.
        Unsupported = "unsupported",
        /// The connector or a task of it failed with the new config.
        Failed = "failed",
        /// The connector needs history that is gone; a restart cannot help.
        DataLost = "data-lost",
        /// A newer revision came, or the agent is ending.
        Superseded = "superseded",
        /// It is not yet time to try again.
        NotDue = "not-due",
        /// Another connector of its template goes first, and is not well with its change.
        Canary = "canary",
        /// The repository refused the credentials.
        AuthFailed = "auth-failed",
        /// The repository has no such ref, or no such repository.
        RefMissing = "ref-missing",
        /// The repository's content is over the limits or not usable.
        Unusable = "unusable",
        /// A signature is missing or does not count.
        Unverified = "unverified",
        /// Connect answered an error of its own.
        Internal = "internal",
    }
}

impl Outcome {
    /// Whether anything was asked of Connect for the step.
    pub fn is_taken(self) -> bool {
        match self {
            Self::Converged | Self::Failed | Self::Waiting | Self::Pending => true,
            Self::NotTaken => false,
        }
    }
}

impl Class {
    /// Whether it says that the worker does not answer: it is gone, hangs or starts anew, and whatever was
    /// seen through it may be old.
    pub fn is_silent(self) -> bool {
        match self {
            Self::Starting | Self::Unreachable | Self::TimedOut => true,
            Self::NotLeader
            | Self::LeadInDoubt
            | Self::Rebalancing
            | Self::Exists
            | Self::NotFound
            | Self::Invalid
            | Self::Waiting
            | Self::Denied
            | Self::NotUnderstood
            | Self::Unsupported
            | Self::Failed
            | Self::DataLost
            | Self::Superseded
            | Self::NotDue
            | Self::Canary
            | Self::AuthFailed
            | Self::RefMissing
            | Self::Unusable
            | Self::Unverified
            | Self::Internal => false,
        }
    }
}

/// An error made tellable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its class.
    pub class: Class,
    /// The whole chain of causes as text, without anything secret.
    pub text: Arc<str>,
    /// What a person can do about it, where there is something.
    pub hint: Option<&'static str>,
}

/// One request to Connect, for counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// `GET`, `PUT`, `POST`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// `1xx` to `5xx`, or `none` where no answer came.
    pub code_class: &'static str,
    /// How long it took.
    pub took: Duration,
}
