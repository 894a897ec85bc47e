//! The installation's id in the data folder: by it a Redis that lost its memory is told from a new one.

use std::{fs, io, path::Path};

use anyhow::Context as _;
use uuid::Uuid;

const FILE: &str = "installation";

/// The id that the data folder holds, if it holds one.
pub fn known(data_dir: &Path) -> anyhow::Result<Option<String>> {
    let path = data_dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|id| !id.is_empty())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Keeps `id` in the data folder, whole or not at all.
pub fn keep(data_dir: &Path, id: &str) -> anyhow::Result<()> {
    if known(data_dir)?.as_deref() == Some(id) {
        return Ok(());
    }
    let path = data_dir.join(FILE);
    let part = data_dir.join(format!("{FILE}.{}", Uuid::new_v4().simple()));
    let write = || -> io::Result<()> {
        fs::create_dir_all(data_dir)?;
        fs::write(&part, format!("{id}\n"))?;
        fs::rename(&part, &path)
    };
    write().with_context(|| {
        format!(
            "cannot write {}; make the data folder writable, or set `data.dir`",
            path.display()
        )
    })
}

/// An id for an installation that begins.
pub fn fresh() -> String {
    Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use super::{keep, known};

    #[test]
    fn an_id_that_was_kept_is_known_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        assert_eq!(known(&data).unwrap(), None);
        keep(&data, "a").unwrap();
        assert_eq!(known(&data).unwrap().as_deref(), Some("a"));
    }
}
