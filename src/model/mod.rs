//! What things are: plain values that cross the walls between rooms.
//!
//! Nothing here looks, decides or tells: no I/O, no clock, no serialisation. A type lives here when
//! two rooms must agree on it; a type that one room keeps to itself stays there.
//!
//! | word | meaning |
//! |---|---|
//! | revision | what each repository's ref names now |
//! | snapshot | the definition files of one revision, in memory |
//! | definition | one connector as a person wrote it, with its place |
//! | desired | every connector one environment should run, fully rendered |
//! | live | every connector the cluster has: its config, state and tasks |
//! | plan | the steps from live to desired, and the held ones with the reason |
//! | risk | what a step may do to data, and who answers for it |
//! | rollout | the changes of the connectors of one template; one of them, its canary, goes first |
//! | claim | whose a live connector is that nobody declares now |
//! | held | a step that the agent would take if a brake did not stop it |
//! | unmanaged | a live connector that is not declared and not ours |
//! | finding | something wrong in the repository: place, rule, hint |
//! | last good | what was accepted last, as it is kept across restarts |
//! | ledger | what each value in the cluster is taken to be, where nobody can read it |
//! | owed | a masked value that must be written, for it was known to be another one |
//! | report | what one cycle saw and did |

pub mod address;
pub mod capability;
pub mod character;
pub mod comparison;
pub mod config;
pub mod course;
pub mod definition;
pub mod desired;
pub mod finding;
pub mod folder;
pub mod hint;
pub mod import;
pub mod jaas;
pub mod kept;
pub mod known;
pub mod ledger;
pub mod live;
pub mod name;
pub mod opinion;
pub mod password;
pub mod plan;
pub mod policy;
pub mod pulse;
pub mod reference;
pub mod report;
pub mod revision;
pub mod risk;
pub mod rollout;
pub mod rule;
pub mod secret;
pub mod select;
pub mod shape;
pub mod signature;
pub mod snapshot;
pub mod supplied;
pub mod text;
pub mod values;
pub mod version;
pub mod warning;
