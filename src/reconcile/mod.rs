//! Act: follow the repository, look at the cluster, take the steps between them.
//!
//! Two loops run side by side in one task. The *follower* asks the repository at its pace and
//! accepts what renders without an error; each of its rounds wakes the *reconciler*, which probes
//! for leadership, looks, plans and takes the steps that are due. Both write what they see on one
//! *board*, from which everything that tells is fed. Thinking is left to `pipeline`.
//!
//! | file | does |
//! |---|---|
//! | `board` | holds the report, and tells each change of it |
//! | `interrupt` | knows when to leave off: the agent ends, or a newer revision is there |
//! | `follow` | repositories → accepted desired |
//! | `in_force` | what was accepted, the folders beside it and its secrets, as they change |
//! | `followed` | one repository: asks it, reads what is new |
//! | `meaning` | what an answer means to pace and state |
//! | `past` | what was accepted of it, which others are judged by |
//! | `causes` | an error with its causes in one line |
//! | `course` | tells how what is followed moved |
//! | `keeping` | keeps what was accepted last across restarts |
//! | `owing` | what must be written although Connect masks it |
//! | `patient` | work on a disk that may take long |
//! | `recalled` | whether what was kept counts today |
//! | `versions` | which version a tag stands for |
//! | `hinted` | words from outside that it is time to look → when to look |
//! | `imports` | the repositories that the main one imports |
//! | `extras` | folders of `extra` beside the repository |
//! | `place` | what was read, with the secrets of the place → what is to be put in force |
//! | `cycle` | desired × cluster → plan → acts → report |
//! | `verdict` | says what a turn means for the report |
//! | `apply` | takes steps in their order, bounded |
//! | `lasting` | when to tell again of a trouble that lasts |
//! | `unmanaged` | tells of connectors that nobody declares, as they come and go |
//! | `settle` | waits until a step took effect |
//! | `daemon` | the two loops |
//! | `once` | turns until nothing is left to do |

pub mod apply;
pub mod board;
mod causes;
mod course;
pub mod cycle;
pub mod daemon;
pub mod extras;
pub mod follow;
mod followed;
mod hinted;
mod imports;
mod in_force;
pub mod interrupt;
pub mod keeping;
mod lasting;
mod meaning;
pub mod once;
pub mod owing;
mod past;
mod patient;
pub mod place;
mod recalled;
mod settle;
mod unmanaged;
mod verdict;
mod versions;
