//! The integration tests, a module per area.
