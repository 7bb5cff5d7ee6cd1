//! The parts tagalong is tried on: a fake Connect, a real stack, git servers, a recording proxy.
