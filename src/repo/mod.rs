//! Look: where snapshots come from.
