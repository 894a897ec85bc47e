//! What the configuration may read besides its file: environment variables and secret files, as an argument.
//!
//! A process makes one with [`Environment::from_process`]; a test passes a map and never touches the machine.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

/// Environment variables, and a way to read files.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    files: Files,
}

#[derive(Clone)]
enum Files {
    Disk,
    Given(BTreeMap<PathBuf, String>),
}

impl Default for Files {
    fn default() -> Self {
        Self::Given(BTreeMap::new())
    }
}

impl Environment {
    /// The environment of this process and the files of this machine.
    ///
    /// Variables that are not Unicode are left out: no setting can be spelt with them.
    pub fn from_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            variables,
            files: Files::Disk,
        }
    }

    /// These variables and no files.
    pub fn from_variables<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self {
            variables,
            files: Files::default(),
        }
    }

    /// These variables and the files of this machine.
    #[must_use]
    pub fn with_disk(mut self) -> Self {
        self.files = Files::Disk;
        self
    }

    /// This environment with one more file, in place of the files of the machine.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let mut given = match self.files {
            Files::Disk => BTreeMap::new(),
            Files::Given(files) => files,
        };
        given.insert(path.into(), text.into());
        self.files = Files::Given(given);
        self
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    pub(crate) fn read(&self, path: &Path) -> io::Result<String> {
        match &self.files {
            Files::Disk => fs::read_to_string(path),
            Files::Given(files) => files
                .get(path)
                .cloned()
                .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound)),
        }
    }
}

impl fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .finish_non_exhaustive()
    }
}
