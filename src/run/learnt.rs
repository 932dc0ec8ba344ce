//! The modules that the tests of a project lead to, kept from run to run: the launcher imports them before it forks.

use std::fs;
use std::path::Path;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

/// The version of the file.
const VERSION: u32 = 1;
/// The longest file that is read.
const LONGEST: u64 = 4 << 20;

/// What was learnt of a project with an interpreter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Learnt {
    version: u32,
    /// What the interpreter has installed, as a stamp: what was learnt of something else does not count.
    installed: String,
    pub(super) modules: Vec<String>,
}

/// Where it is kept.
pub(super) fn location(root: &Utf8Path, interpreter: &Path) -> Option<Utf8PathBuf> {
    let folder = Utf8PathBuf::from_path_buf(dirs::cache_dir()?).ok()?;
    let key = format!("{root}\n{}", interpreter.display());
    Some(folder.join("cargo-tgen").join(format!("run-{}", &blake3::hash(key.as_bytes()).to_hex()[..32])))
}

impl Learnt {
    pub(super) fn new(installed: &str, modules: Vec<String>) -> Self {
        Self { version: VERSION, installed: installed.to_owned(), modules }
    }

    /// Reads what was learnt, where it still counts.
    pub(super) fn read(file: &Utf8Path, installed: &str) -> Option<Self> {
        if fs::metadata(file).ok()?.len() > LONGEST {
            return None;
        }
        let learnt: Self = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
        (learnt.version == VERSION && learnt.installed == installed).then_some(learnt)
    }

    /// Keeps it. What cannot be kept only costs time.
    pub(super) fn write(&self, file: &Utf8Path) {
        let write = || {
            let folder = file.parent()?;
            fs::create_dir_all(folder).ok()?;
            let mut draft = tempfile::NamedTempFile::new_in(folder).ok()?;
            serde_json::to_writer(&mut draft, self).ok()?;
            draft.persist(file).ok()
        };
        drop(write());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learnt_counts_as_long_as_the_same_is_installed() {
        let folder = tempfile::tempdir().unwrap();
        let file = Utf8Path::from_path(folder.path()).unwrap().join("new/learnt");
        let learnt = Learnt::new("a", vec!["json".to_owned()]);
        learnt.write(&file);
        assert_eq!(Learnt::read(&file, "a"), Some(learnt));
        assert_eq!(Learnt::read(&file, "b"), None);
        fs::write(&file, "nonsense").unwrap();
        assert_eq!(Learnt::read(&file, "a"), None);
    }
}
