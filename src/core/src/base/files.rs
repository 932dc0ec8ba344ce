//! The trait through which core reads files.
//!
//! It is implemented for the disk (in the binary), for open buffers over the disk (in the language server) and for memory
//! (in tests). Core must not know which implementation it uses.

use std::collections::BTreeMap;
use std::io;
use std::ops::Deref;

use camino::{Utf8Path, Utf8PathBuf};

/// Reads files and lists folders. Paths are relative to the project's root, or absolute.
pub trait Files: Sync {
    /// Reads a file's bytes into `buffer`, which is cleared first, so that a caller can reuse its memory.
    ///
    /// # Errors
    /// The implementation's error; a missing file is [`io::ErrorKind::NotFound`].
    fn read_into(&self, path: &Utf8Path, buffer: &mut Vec<u8>) -> io::Result<()>;

    /// All files below a folder, at any depth, sorted by path, each path beginning with `folder`.
    ///
    /// # Errors
    /// The implementation's error; a missing folder is [`io::ErrorKind::NotFound`].
    fn list(&self, folder: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>>;

    /// Whether there is a folder at `path` that can be listed.
    fn is_folder(&self, path: &Utf8Path) -> bool {
        self.list(path).is_ok()
    }

    /// Whether there is a file at `path`.
    fn is_file(&self, path: &Utf8Path) -> bool;

    /// The reason why [`Files::list`] leaves a path below `folder` out although a link stands there, or where a folder of it
    /// should be.
    fn obstacle(&self, folder: &Utf8Path, path: &Utf8Path) -> Option<io::Error> {
        let _ = (folder, path);
        None
    }

    /// Reads at most `limit` bytes from the beginning of a file into `buffer`, which is cleared first.
    ///
    /// # Errors
    /// The same as for [`Files::read_into`].
    fn read_beginning(&self, path: &Utf8Path, limit: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        self.read_into(path, buffer)?;
        buffer.truncate(limit);
        Ok(())
    }

    /// A reader for one pass over many files.
    fn reader(&self) -> Box<dyn Reader + '_> {
        Box::new(EachByItself { files: self, content: Vec::new() })
    }

    /// Reads a file as text.
    ///
    /// # Errors
    /// The same as for [`Files::read_into`]; a file that is not UTF-8 is [`io::ErrorKind::InvalidData`].
    fn read_text(&self, path: &Utf8Path) -> io::Result<String> {
        let mut buffer = Vec::new();
        self.read_into(path, &mut buffer)?;
        String::from_utf8(buffer)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, not_utf8(error.utf8_error().valid_up_to())))
    }
}

/// Reads one file after the other, most of which hold what the caller expects.
///
/// It may keep the folder of the last file open, so it must not outlive one pass over the files.
pub trait Reader {
    /// Reads a file, and tells whether `is_expected` accepts its bytes, which [`Reader::content`] gives from then on.
    ///
    /// To learn that a file holds what is expected takes less than to read any file: bytes that are accepted are known to be
    /// all that the file holds, and others are made sure of first. So `is_expected` may be asked twice; its last answer is
    /// the one that counts.
    ///
    /// # Errors
    /// The same as for [`Files::read_into`]; there is no content then.
    fn read(&mut self, path: &Utf8Path, is_expected: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<bool>;

    /// What the last file holds.
    fn content(&self) -> &[u8];
}

/// A reader that keeps nothing but its buffer.
struct EachByItself<'f, F: ?Sized> {
    files: &'f F,
    content: Vec<u8>,
}

impl<F: Files + ?Sized> Reader for EachByItself<'_, F> {
    fn read(&mut self, path: &Utf8Path, is_expected: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<bool> {
        let read = self.files.read_into(path, &mut self.content);
        if read.is_err() {
            self.content.clear();
        }
        read.map(|()| is_expected(&self.content))
    }

    fn content(&self) -> &[u8] {
        &self.content
    }
}

/// What lends or shares files reads them: a reference, an `Arc`.
impl<P: Deref<Target: Files> + Sync> Files for P {
    fn read_into(&self, path: &Utf8Path, buffer: &mut Vec<u8>) -> io::Result<()> {
        (**self).read_into(path, buffer)
    }

    fn list(&self, folder: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
        (**self).list(folder)
    }

    fn is_folder(&self, path: &Utf8Path) -> bool {
        (**self).is_folder(path)
    }

    fn is_file(&self, path: &Utf8Path) -> bool {
        (**self).is_file(path)
    }

    fn obstacle(&self, folder: &Utf8Path, path: &Utf8Path) -> Option<io::Error> {
        (**self).obstacle(folder, path)
    }

    fn read_beginning(&self, path: &Utf8Path, limit: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        (**self).read_beginning(path, limit, buffer)
    }

    fn reader(&self) -> Box<dyn Reader + '_> {
        (**self).reader()
    }
}

fn not_utf8(valid_up_to: usize) -> String {
    format!("it is not UTF-8 text (the first other byte is at offset {valid_up_to})")
}

/// What an [`io::Error`] means, in lower case and without the operating system's number.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::NotADirectory => "a part of its path is not a folder".to_owned(),
        io::ErrorKind::StorageFull => "no space is left on the disk".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::InvalidFilename => "the file name is too long or not allowed".to_owned(),
        _ => without_number(&error.to_string()),
    }
}

/// The system's words as a part of a sentence: `Broken pipe (os error 32)` becomes `broken pipe`.
fn without_number(words: &str) -> String {
    let words = words.rsplit_once(" (os error ").map_or(words, |(words, _)| words);
    match words.split_at_checked(1) {
        Some((first, rest)) if !rest.starts_with(char::is_uppercase) => first.to_ascii_lowercase() + rest,
        _ => words.to_owned(),
    }
}

/// Files in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles(BTreeMap<Utf8PathBuf, Vec<u8>>);

impl MemoryFiles {
    /// Adds or replaces a file.
    pub fn insert(&mut self, path: impl Into<Utf8PathBuf>, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), content.into());
    }

    /// Removes a file.
    pub fn remove(&mut self, path: impl AsRef<Utf8Path>) {
        self.0.remove(path.as_ref());
    }

    /// Reads a fixture: a line `-- path --` starts each file.
    #[must_use]
    pub fn from_fixture(fixture: &str) -> Self {
        let mut files = Self::default();
        let mut current: Option<(&str, String)> = None;
        for line in fixture.split_inclusive('\n') {
            if let Some(path) = line.trim_end().strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --")) {
                if let Some((path, content)) = current.replace((path, String::new())) {
                    files.insert(path, content);
                }
            } else if let Some((_, content)) = &mut current {
                content.push_str(line);
            }
        }
        if let Some((path, content)) = current {
            files.insert(path, content);
        }
        files
    }
}

impl Files for MemoryFiles {
    fn read_into(&self, path: &Utf8Path, buffer: &mut Vec<u8>) -> io::Result<()> {
        let content = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        buffer.clear();
        buffer.extend_from_slice(content);
        Ok(())
    }

    fn list(&self, folder: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
        let inside: Vec<_> = self.0.keys().filter(|path| path.starts_with(folder)).cloned().collect();
        if inside.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(inside) }
    }

    fn is_file(&self, path: &Utf8Path) -> bool {
        self.0.contains_key(path)
    }
}
