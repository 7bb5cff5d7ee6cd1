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
//! | `claims` | whose the connectors are that nobody declares now |
//! | `place` | what was read, with the secrets of the place → what is to be put in force |
//! | `cycle` | desired × cluster → plan → acts → report |
//! | `turn` | what a turn may do, and how it ends |
//! | `verdict` | says what a turn means for the report |
//! | `apply` | takes steps in their order, bounded |
//! | `lead` | who leads, and since when |
//! | `hands` | what acting needs, and whether a request may be sent now |
//! | `tasks` | starts tasks anew that would go on as before a change |
//! | `renewals` | who is owed such a start, where the step ended before |
//! | `audit` | a line for every mutation |
//! | `lasting` | when to tell again of a trouble that lasts |
//! | `holds` | tells of what is held and of risks that pass, as they come and go |
//! | `news` | what of a plan is news for the log |
//! | `written` | what a turn writes on the board |
//! | `unmanaged` | tells of connectors that nobody declares, as they come and go |
//! | `overdue` | tells of databases that are away for too long |
//! | `rollout` | whose change of a template goes first, and tells what holds the others back |
//! | `settle` | waits until a step took effect |
//! | `unseen` | what was sent and not seen to take effect, for who wants to know |
//! | `deleting` | what turns remember of deletions |
//! | `stall` | looks whether connectors that run also stream, beside the cycle |
//! | `daemon` | the two loops |
//! | `once` | turns until nothing is left to do |

pub mod apply;
mod audit;
pub mod board;
mod causes;
pub mod claims;
mod course;
pub mod cycle;
pub mod daemon;
mod deleting;
pub mod extras;
pub mod follow;
mod followed;
mod hands;
mod hinted;
mod holds;
mod imports;
mod in_force;
pub mod interrupt;
pub mod keeping;
mod lasting;
mod lead;
mod meaning;
mod news;
pub mod once;
mod overdue;
pub mod owing;
mod past;
mod patient;
pub mod place;
mod recalled;
mod renewals;
mod rollout;
mod settle;
pub mod stall;
mod tasks;
mod turn;
mod unmanaged;
mod unseen;
mod verdict;
mod versions;
mod written;
