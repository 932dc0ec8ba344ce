//! The modules that the tests of a project import, kept from run to run: the launcher imports them before it forks.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::world::caches::ProjectCache;
use crate::world::disk::read_file;

/// The version of the file.
const VERSION: u32 = 1;
/// The longest file that is read.
const LONGEST: u64 = 4 << 20;

/// The modules of a project with an interpreter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Learnt {
    version: u32,
    /// A stamp of the interpreter's packages; with other packages, the modules may not be there.
    installed: String,
    pub(super) modules: Vec<String>,
}

impl Learnt {
    pub(super) fn new(installed: &str, modules: Vec<String>) -> Self {
        Self { version: VERSION, installed: installed.to_owned(), modules }
    }

    /// Reads the modules, unless the installed packages have changed since.
    pub(super) fn read(cache: &ProjectCache, interpreter: &Path, installed: &str) -> Option<Self> {
        let mut content = Vec::new();
        read_file(&cache.file(&name(interpreter)), LONGEST, &mut content).ok()?;
        let learnt: Self = serde_json::from_slice(&content).ok()?;
        (learnt.version == VERSION && learnt.installed == installed).then_some(learnt)
    }

    /// Writes the modules. If that fails, the next run is only slower.
    pub(super) fn write(&self, cache: &ProjectCache, interpreter: &Path) {
        if let Ok(content) = serde_json::to_vec(self) {
            let _ = cache.write(&name(interpreter), &content);
        }
    }
}

fn name(interpreter: &Path) -> String {
    let hash = blake3::hash(interpreter.as_os_str().as_encoded_bytes()).to_hex();
    format!("run-{}", &hash[..32])
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;

    #[test]
    fn what_was_learnt_counts_as_long_as_the_same_is_installed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ProjectCache::in_project(Utf8Path::from_path(folder.path()).unwrap().join("new"));
        let (python, other) = (Path::new("/usr/bin/python3"), Path::new("/opt/python3"));
        let learnt = Learnt::new("a", vec!["json".to_owned()]);
        learnt.write(&cache, python);
        assert_eq!(Learnt::read(&cache, python, "a"), Some(learnt));
        assert_eq!(Learnt::read(&cache, other, "a"), None);
        assert_eq!(Learnt::read(&cache, python, "b"), None);
        cache.write(&name(python), b"nonsense").unwrap();
        assert_eq!(Learnt::read(&cache, python, "a"), None);
    }
}
