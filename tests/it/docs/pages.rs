//! Reading Markdown and sources, as far as the comparisons need it.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// The root of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A page, by its path from the root.
pub(super) fn read(page: &str) -> String {
    let path = root().join(page);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Markdown pages of the workspace.
pub(super) fn markdown() -> Vec<PathBuf> {
    files("", "md")
}

/// All files below a folder whose name ends in `ending`; build output and hidden folders are passed over.
pub(super) fn files(below: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if path.is_dir() && !name.starts_with('.') && name != "target" {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == ending) {
                found.push(path);
            }
        }
    }
    found
}

/// Everything that is written as code: spans within a line, and lines of fenced blocks.
pub(super) fn code(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            found.push(line.trim().to_owned());
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// Whether code in a page is the name of a test: a path, or a sentence. A metric's name is neither.
pub(super) fn names_a_test(code: &str) -> bool {
    if code.starts_with("signalbox_") {
        return false;
    }
    let plain = code
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b':');
    plain && (code.contains("::") || code.matches('_').count() >= 3)
}

/// The targets of links to files, without what stands after `#`.
pub(super) fn links(text: &str) -> Vec<String> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    targets
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .map(str::to_owned)
        .collect()
}

/// A test function in the sources.
#[derive(Debug)]
pub(super) struct Test {
    file: PathBuf,
    name: String,
}

impl Test {
    /// Whether `path`, a name with or without its modules, means this test.
    pub(super) fn is_named(&self, path: &str) -> bool {
        let mut segments = path.rsplit("::");
        let parts: HashSet<String> = self
            .file
            .with_extension("")
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        segments.next() == Some(&self.name) && segments.all(|module| parts.contains(module))
    }
}

/// Every test of the workspace.
pub(super) fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    for file in files("", "rs") {
        let text = fs::read_to_string(&file).unwrap();
        let mut marked = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                marked = true;
            } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| marked) {
                let name = rest.split(['(', '<']).next().unwrap_or_default().to_owned();
                let file = file.clone();
                tests.push(Test { file, name });
                marked = false;
            }
        }
    }
    tests
}
