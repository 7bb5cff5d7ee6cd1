//! Holds the imports to the floors.
