//! Act: the cycle.
