//! An overlay of texts over a project's files: open documents, or files as they would be after a change.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::files::Files;
use camino::{Utf8Path, Utf8PathBuf};

/// Texts by their paths relative to the project's root.
pub type Texts = BTreeMap<Utf8PathBuf, Arc<str>>;

/// Files with an overlay: a text in `texts` hides the file at its path.
#[derive(Clone)]
pub struct Layered<F> {
    below: F,
    texts: Texts,
}

impl<F> Layered<F> {
    /// Lays `texts` over the files of `below`.
    pub fn new(below: F, texts: Texts) -> Self {
        Self { below, texts }
    }
}

impl<F: Files> Files for Layered<F> {
    fn read_into(&self, path: &Utf8Path, buffer: &mut Vec<u8>) -> io::Result<()> {
        let Some(text) = self.texts.get(path) else { return self.below.read_into(path, buffer) };
        buffer.clear();
        buffer.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn list(&self, folder: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
        let open: Vec<_> = self.texts.keys().filter(|path| path.starts_with(folder)).cloned().collect();
        let mut paths = match self.below.list(folder) {
            Ok(paths) => paths,
            Err(_) if !open.is_empty() => Vec::new(),
            Err(error) => return Err(error),
        };
        paths.extend(open);
        paths.sort_unstable_by(|left, right| left.as_str().cmp(right.as_str()));
        paths.dedup();
        Ok(paths)
    }

    fn is_file(&self, path: &Utf8Path) -> bool {
        self.texts.contains_key(path) || self.below.is_file(path)
    }

    fn obstacle(&self, folder: &Utf8Path, path: &Utf8Path) -> Option<io::Error> {
        if self.texts.contains_key(path) { None } else { self.below.obstacle(folder, path) }
    }

    fn read_beginning(&self, path: &Utf8Path, limit: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        if self.texts.contains_key(path) {
            self.read_into(path, buffer)?;
            buffer.truncate(limit);
            return Ok(());
        }
        self.below.read_beginning(path, limit, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::MemoryFiles;

    use super::*;

    #[test]
    fn a_text_wins_and_is_listed_before_it_is_saved() {
        let disk = MemoryFiles::from_fixture("-- t/a --\nold\n-- t/b --\nb\n");
        let texts = [("t/a", "new"), ("t/c", "c")].map(|(path, text)| (path.into(), Arc::from(text)));
        let files = Layered::new(disk, texts.into());
        assert_eq!(files.read_text("t/a".into()).unwrap(), "new");
        assert_eq!(files.read_text("t/b".into()).unwrap(), "b\n");
        assert_eq!(files.list("t".into()).unwrap(), ["t/a", "t/b", "t/c"]);
        assert!(files.is_file("t/c".into()) && !files.is_file("t/d".into()));
    }
}
