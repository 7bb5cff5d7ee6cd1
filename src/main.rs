//! The `tagalong` command.

fn main() {}
