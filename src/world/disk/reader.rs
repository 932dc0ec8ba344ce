//! Reads one file after the other with as few system calls as can be: one folder is opened for all its files, and a file that
//! holds what is expected is opened, read and closed.

use std::fs::File;
use std::io;
use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fd::OwnedFd;
use tgen_core::base::files::Reader;

use super::Disk;
use super::reading::{LARGEST_FILE, open_in, open_to_search, open_without_waiting, read_open, regular_size};

/// How many bytes of a file are read at first.
const FIRST: usize = 64 * 1024;
/// A larger file is read with its size known.
const LARGEST_GLANCE: usize = 1024 * 1024;
/// The kernel copies fastest to the beginning of a page.
const PAGE: usize = 4096;

/// A reader that keeps the folder of the last file open.
pub(super) struct FolderReader<'d> {
    disk: &'d Disk,
    /// The path of the last file's folder, and its handle unless it could not be opened.
    folder: Option<(Utf8PathBuf, Option<OwnedFd>)>,
    glanced: Glanced,
    /// The last file's bytes, where more than a glance was needed.
    whole: Option<Vec<u8>>,
}

/// What one call saw of a file.
#[derive(Default)]
struct Glanced {
    /// All of it is initialised.
    buffer: Vec<u8>,
    /// Where the file's bytes are.
    seen: Range<usize>,
}

impl<'d> FolderReader<'d> {
    /// A reader of a project's files.
    pub(super) fn new(disk: &'d Disk) -> Self {
        Self { disk, folder: None, glanced: Glanced::default(), whole: None }
    }

    fn open(&mut self, path: &Utf8Path) -> io::Result<File> {
        self.disk.check_allowed(path)?;
        let in_folder = path.as_str().rsplit_once('/').and_then(|(folder, name)| Some((self.folder(folder)?, name)));
        match in_folder {
            Some((folder, name)) => open_in(folder, name),
            // By its path, for an error that tells why.
            None => open_without_waiting(&self.disk.absolute(path)),
        }
    }

    /// The open folder at a path; `None` if it could not be opened.
    fn folder(&mut self, path: &str) -> Option<&OwnedFd> {
        let is_kept = self.folder.as_ref().is_some_and(|(kept, _)| kept.as_str() == path);
        if !is_kept {
            let path = Utf8Path::new(path);
            self.folder = Some((path.to_owned(), open_to_search(&self.disk.absolute(path)).ok()));
        }
        self.folder.as_ref().and_then(|(_, handle)| handle.as_ref())
    }

    /// Makes sure that a glance saw all of a regular file; reads the file again if not.
    fn complete(&mut self, file: &File) -> io::Result<Completed> {
        if usize::try_from(regular_size(file)?).is_ok_and(|size| size > 0 && size == self.glanced.seen.len()) {
            return Ok(Completed::AsSeen);
        }
        let mut whole = Vec::new();
        read_open(file, LARGEST_FILE, &mut whole)?;
        self.whole = Some(whole);
        Ok(Completed::Again)
    }
}

/// How a file's bytes were made sure of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Completed {
    AsSeen,
    Again,
}

impl Reader for FolderReader<'_> {
    fn read(&mut self, path: &Utf8Path, is_expected: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<bool> {
        self.whole = None;
        self.glanced.seen = 0..0;
        let file = self.open(path)?;
        self.glanced.look(&file);
        if !self.glanced.seen.is_empty() && is_expected(self.content()) {
            return Ok(true);
        }
        match self.complete(&file) {
            Ok(Completed::AsSeen) => Ok(false),
            Ok(Completed::Again) => Ok(is_expected(self.content())),
            Err(error) => {
                self.glanced.seen = 0..0;
                Err(error)
            }
        }
    }

    fn content(&self) -> &[u8] {
        self.whole.as_deref().unwrap_or(&self.glanced.buffer[self.glanced.seen.clone()])
    }
}

impl Glanced {
    /// Reads a file in one call. That call fails for what has no beginning, such as a pipe, and takes nothing out of it.
    /// It fills the buffer if there may be more; else these are all the bytes of a regular file. Nothing else holds the text
    /// of an output and ends there.
    fn look(&mut self, file: &File) {
        if self.buffer.is_empty() {
            self.buffer = vec![0; FIRST + PAGE];
        }
        let start = self.buffer.as_ptr().align_offset(PAGE).min(PAGE);
        let space = &mut self.buffer[start..];
        let room = space.len();
        match rustix::io::retry_on_intr(|| rustix::io::pread(file, &mut *space, 0)) {
            Ok(read) if read < room => self.seen = start..start + read,
            // The next file may be as large.
            Ok(_) if room < LARGEST_GLANCE => self.buffer = vec![0; 4 * room + PAGE],
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tgen_core::base::files::{Files, reason};

    use super::*;

    fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        (folder, path)
    }

    /// What a reader gives for a path, if a text is expected.
    fn read(reader: &mut dyn Reader, path: &str, expected: &[u8]) -> String {
        match reader.read(path.into(), &mut |content| content == expected) {
            Ok(true) => "as expected".to_owned(),
            Ok(false) => String::from_utf8_lossy(reader.content()).into_owned(),
            Err(error) => {
                assert!(reader.content().is_empty());
                reason(&error)
            }
        }
    }

    #[test]
    fn a_reader_gives_what_reading_each_file_by_itself_gives() {
        let (_folder, root) = folder();
        let large = vec![b'x'; 3 * FIRST];
        fs::create_dir_all(root.join("a/b")).unwrap();
        for (name, content) in [("top", b"top".as_slice()), ("a/x", b"text"), ("a/b/y", b""), ("a/b/large", &large)] {
            fs::write(root.join(name), content).unwrap();
        }
        let disk = Disk::new(root.clone());
        let mut reader = disk.reader();
        let absolute = root.join("a/x").into_string();
        for path in
            ["top", "a/x", &absolute, "a/b/y", "a/b/large", "a/b/large", "a/gone", "no/x", "a/b", "a/x/y", "a/x"]
        {
            let mut content = Vec::new();
            let by_itself = disk.read_into(path.into(), &mut content).map_err(|error| reason(&error));
            let by_itself = by_itself.map_or_else(|reason| reason, |()| String::from_utf8(content.clone()).unwrap());
            assert_eq!(read(&mut *reader, path, b"something else"), by_itself, "{path}");
            if [b"text".as_slice(), &large].contains(&content.as_slice()) {
                assert_eq!(read(&mut *reader, path, &content), "as expected", "{path}");
            }
        }
    }

    #[test]
    fn a_file_that_is_longer_than_what_is_expected_is_not_it() {
        let (_folder, root) = folder();
        let disk = Disk::new(root.clone());
        for length in [FIRST - 1, FIRST, FIRST + PAGE, FIRST + PAGE + 1, LARGEST_GLANCE + 5 * PAGE] {
            let text = vec![b'x'; length];
            fs::write(root.join("x"), [text.as_slice(), b"y"].concat()).unwrap();
            let mut reader = disk.reader();
            for _ in 0..3 {
                assert!(!reader.read("x".into(), &mut |content| content == text).unwrap(), "{length}");
                assert_eq!(reader.content().len(), length + 1);
            }
        }
    }

    #[test]
    fn nothing_is_taken_out_of_a_pipe() {
        let (_folder, root) = folder();
        let pipe = root.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let mut ends = File::options().read(true).write(true).open(&pipe).unwrap();
        io::Write::write_all(&mut ends, b"text").unwrap();
        let disk = Disk::new(root);
        let seen = read(&mut *disk.reader(), "pipe", b"text");
        assert_eq!(seen, "it is a pipe or a device; put a file in its place");
        let mut left = [0; 4];
        io::Read::read_exact(&mut ends, &mut left).unwrap();
        assert_eq!(&left, b"text");
    }

    #[test]
    fn a_device_is_refused() {
        let (_folder, root) = folder();
        let disk = Disk::new(root);
        let seen = read(&mut *disk.reader(), "/dev/zero", b"text");
        assert_eq!(seen, "it is a pipe or a device; put a file in its place");
    }
}
