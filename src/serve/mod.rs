//! Tell: the HTTP server.
