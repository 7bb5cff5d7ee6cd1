//! Tell people and programs: model to text.
