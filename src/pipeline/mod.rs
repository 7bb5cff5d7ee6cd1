//! What to think: pure, synchronous functions from model to model.
