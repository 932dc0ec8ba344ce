//! Files that were replaced, kept under another name, to be written once more for the same place.
//!
//! To make a file and to free one can take the system far longer than to write one: ext4 without a journal looks at every
//! file that was freed within minutes whenever it makes one. Who replaces the same files again and again is spared both.
//! A reader may still have a replaced file open, so that it is written only when nobody else can see it. This module must
//! not know what the files are.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::mem;
use std::path::Path;
use std::sync::Mutex;

use camino::Utf8Path;
use tempfile::{NamedTempFile, TempPath};

use super::drafts;
use crate::stamp::Stamp;

/// The spare files by the places that they stood at. They are deleted when this is dropped. (A path hashes part by part,
/// which is slow for thousands.)
#[derive(Debug, Default)]
pub(super) struct Spares(Mutex<HashMap<String, Spare>>);

#[derive(Debug)]
enum Spare {
    Kept(TempPath),
    /// One was kept and could not be used. The next would fare no better where the file system has no leases.
    Useless,
}

impl Spares {
    /// The file that stood at a place before the present one, with its old content, if nobody else has it.
    pub(super) fn take(&self, place: &Utf8Path) -> Option<NamedTempFile> {
        let kept = mem::replace(self.0.lock().ok()?.get_mut(place.as_str())?, Spare::Useless);
        let Spare::Kept(path) = kept else { return None };
        let file = open_alone(&path)?;
        self.0.lock().ok()?.remove(place.as_str());
        Some(NamedTempFile::from_parts(file, path))
    }

    /// Whether it is worth the while to keep what stands at a place.
    pub(super) fn has_use_for(&self, place: &Utf8Path) -> bool {
        let is_useless = |spares: &HashMap<String, Spare>| matches!(spares.get(place.as_str()), Some(Spare::Useless));
        cfg!(target_os = "linux") && self.0.lock().is_ok_and(|spares| !is_useless(&spares))
    }

    /// Keeps what stood at a place until the next draft for it.
    pub(super) fn keep(&self, place: &Utf8Path, replaced: Replaced) {
        if let Ok(mut spares) = self.0.lock() {
            spares.insert(place.as_str().to_owned(), Spare::Kept(replaced.0));
        }
    }
}

/// A second name for what stands at a place, under which it stays when it is replaced.
pub(super) struct Replaced(TempPath);

impl Replaced {
    /// Gives the file that stands at `place` a name in a folder.
    pub(super) fn name(place: &Utf8Path, folder: &Path) -> io::Result<Self> {
        let named = drafts::in_the_making().make_in(folder, |path| fs::hard_link(place, path))?;
        // What a link leads to is not replaced.
        if named.path().is_symlink() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self(named.into_temp_path()))
    }

    /// Whether it has the content that it had when it was last looked at.
    pub(super) fn is(&self, seen: Option<Stamp>) -> bool {
        let now = Utf8Path::from_path(&self.0).and_then(Stamp::at);
        now.zip(seen).is_some_and(|(now, seen)| now.is_renamed_from(seen))
    }

    /// Puts it back in its place.
    pub(super) fn put_back(self, place: &Utf8Path) -> io::Result<()> {
        self.0.persist(place).map_err(|error| error.error)
    }
}

/// Opens a file to write it, if no other name and no other process has it.
#[cfg(target_os = "linux")]
fn open_alone(path: &Path) -> Option<File> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

    let file = File::options().write(true).custom_flags(libc::O_NOFOLLOW).open(path).ok()?;
    let metadata = file.metadata().ok()?;
    (metadata.is_file() && metadata.nlink() == 1 && is_open_here_only(&file)).then_some(file)
}

/// Elsewhere nobody can tell.
#[cfg(not(target_os = "linux"))]
fn open_alone(_: &Path) -> Option<File> {
    None
}

/// The command that chooses the signal (`linux/include/uapi/asm-generic/fcntl.h`; the same on every architecture that Rust
/// compiles to), which `libc` does not name.
#[cfg(target_os = "linux")]
const F_SETSIG: libc::c_int = 10;

/// Whether nobody else has a file open. The system grants a lease to write on no other terms (`fcntl(2)`, "Leases").
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no library that is kept up wraps leases")]
fn is_open_here_only(file: &File) -> bool {
    use std::os::fd::AsRawFd;

    let file = file.as_raw_fd();
    // SAFETY: these commands of `fcntl` take an integer and touch no memory of this process; the descriptor is open.
    unsafe {
        // Whoever opens the file in this moment has the system send a signal, by default one that ends the process.
        libc::fcntl(file, F_SETSIG, libc::SIGURG) == 0
            && libc::fcntl(file, libc::F_SETLEASE, libc::F_WRLCK) == 0
            && libc::fcntl(file, libc::F_SETLEASE, libc::F_UNLCK) == 0
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;
    use tempfile::TempDir;

    use super::*;
    use crate::disk::{Overwritten, Writer};

    /// An output that is written over time and again.
    struct Output {
        folder: TempDir,
        writer: Writer,
    }

    impl Output {
        fn new(content: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let writer = Writer::new(Utf8Path::from_path(folder.path()).unwrap()).unwrap();
            let output = Self { folder, writer };
            fs::write(output.path(), content).unwrap();
            output
        }

        fn path(&self) -> Utf8PathBuf {
            Utf8PathBuf::from_path_buf(self.folder.path().join("output")).unwrap()
        }

        #[track_caller]
        fn write(&self, content: &str) {
            let seen = Stamp::at(&self.path());
            let written = self.writer.write_over(Utf8Path::new("output"), content.as_bytes(), seen).unwrap();
            assert_eq!(written, Overwritten::Yes(Stamp::at(&self.path())));
            assert_eq!(fs::read_to_string(self.path()).unwrap(), content);
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.folder.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn two_files_take_turns_at_a_place_that_is_written_again_and_again() {
        let output = Output::new("first, and the longest");
        let identity = || Stamp::at(&output.path()).unwrap().identity();
        let mut identities = vec![identity()];
        for content in ["second", "third, longer", "4th", "fifth"] {
            output.write(content);
            identities.push(identity());
        }
        let [first, second, rest @ ..] = identities.as_slice() else { unreachable!() };
        assert_ne!(first, second);
        assert_eq!(rest, [*first, *second, *first]);
    }

    #[test]
    fn whoever_has_a_replaced_file_open_reads_on_in_what_it_was() {
        let output = Output::new("first");
        let mut readers = Vec::new();
        for content in ["second", "third", "fourth", "fifth"] {
            readers.push(File::open(output.path()).unwrap());
            output.write(content);
        }
        let contents: Vec<_> = readers.into_iter().map(|reader| io::read_to_string(reader).unwrap()).collect();
        assert_eq!(contents, ["first", "second", "third", "fourth"]);
    }

    #[test]
    fn a_second_name_of_an_output_keeps_the_content_that_it_had() {
        let output = Output::new("first");
        let second_name = output.folder.path().join("copy");
        fs::hard_link(output.path(), &second_name).unwrap();
        for content in ["second", "third", "fourth"] {
            output.write(content);
        }
        assert_eq!(fs::read_to_string(second_name).unwrap(), "first");
    }

    #[cfg(unix)]
    #[test]
    fn what_a_replaced_link_leads_to_is_never_written() {
        let output = Output::new("");
        let elsewhere = output.folder.path().join("elsewhere");
        fs::write(&elsewhere, "mine").unwrap();
        fs::remove_file(output.path()).unwrap();
        std::os::unix::fs::symlink("elsewhere", output.path()).unwrap();
        for content in ["second", "third", "fourth"] {
            output.write(content);
        }
        assert_eq!(fs::read_to_string(elsewhere).unwrap(), "mine");
    }

    #[test]
    fn what_is_kept_may_be_deleted_at_any_time_and_goes_with_the_writer() {
        let output = Output::new("first");
        for content in ["second", "third", "fourth", "fifth"] {
            output.write(content);
            for name in output.names().iter().filter(|name| drafts::is_temporary(name)) {
                fs::remove_dir_all(output.folder.path().join(name)).unwrap();
            }
        }
        output.write("sixth");
        let Output { folder, writer } = output;
        drop(writer);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn what_somebody_writes_to_a_file_while_it_is_replaced_comes_back() {
        let output = Output::new("ours");
        let seen = Stamp::at(&output.path());
        let replaced = Replaced::name(&output.path(), output.folder.path()).unwrap();
        assert!(replaced.is(seen));
        fs::write(output.path(), "by hand").unwrap();
        fs::write(output.folder.path().join("draft"), "new").unwrap();
        fs::rename(output.folder.path().join("draft"), output.path()).unwrap();
        assert!(!replaced.is(seen));
        replaced.put_back(&output.path()).unwrap();
        assert_eq!(fs::read_to_string(output.path()).unwrap(), "by hand");
        assert_eq!(output.names(), ["output"]);
    }
}
