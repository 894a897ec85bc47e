//! What is in `deploy` and docker-compose.yml: that it can be used, and that it is what the documents say.

mod compose;
mod demo;
mod image;
mod systemd;

use std::fs;

use harness::containers::root;

/// A file of the workspace, by its path from the root.
fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
