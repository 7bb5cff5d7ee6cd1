//! YAML with places: text in, a tree of nodes with line and column out.
