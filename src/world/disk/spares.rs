//! Files that were replaced, kept under another name, to be written once more for the same place.
//!
//! To make a file and to free one can take the system far longer than to write one: ext4 without a journal looks at every
//! file that was freed within minutes whenever it makes one. Who replaces the same files again and again is spared both.
//! A reader may still have a replaced file open, so that it is written only when nobody else can see it; where the system
//! does not tell, none is kept. This module must not know what the files are.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use camino::Utf8Path;
use tempfile::{Builder, NamedTempFile, TempPath};

use super::drafts;
use super::lease::Leased;
use crate::world::stamp::Stamp;

/// What to say of a file that is not replaced because somebody may write to it.
const BUSY: &str = "another program has it open to write to it; it is written when that program lets go of it";

/// The spare files by the places that they stood at. They are deleted when this is dropped. (A path hashes part by part,
/// which is slow for thousands.)
#[derive(Debug, Default)]
pub(super) struct Spares(Mutex<HashMap<String, TempPath>>);

impl Spares {
    /// The file that stood at a place before the `present` one, with new content, if nobody else has it and it is as a new
    /// file would be.
    pub(super) fn rewrite(&self, place: &Utf8Path, present: &Metadata, content: &[u8]) -> Option<NamedTempFile> {
        let path = self.0.lock().ok()?.remove(place.as_str())?;
        let leased = Leased::to_write(&path).ok().filter(|leased| is_like_new(leased.file(), present))?;
        leased.file().write_all(content).ok()?;
        leased.file().set_len(content.len() as u64).ok()?;
        // With a lease, the file could not be opened in its place without waiting.
        Some(NamedTempFile::from_parts(leased.end()?, path))
    }

    /// Keeps what stood at a place until the next draft for it.
    fn keep(&self, place: &Utf8Path, path: TempPath) {
        if let Ok(mut spares) = self.0.lock() {
            spares.insert(place.as_str().to_owned(), path);
        }
    }
}

/// What stands at a place and is to be replaced. It has a second name, under which it stays, and while it is held nobody can
/// write to it unnoticed.
pub(super) struct Replaced {
    name: TempPath,
    leased: Leased,
}

impl Replaced {
    /// Holds the file that was seen at a place, under a name in a folder.
    ///
    /// # Errors
    /// `ResourceBusy` if somebody has it open to write it; others if it cannot be held.
    pub(super) fn hold(place: &Utf8Path, seen: Stamp, folder: &Path) -> io::Result<Self> {
        let leased = Leased::to_read(place.as_std_path()).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::Error::new(io::ErrorKind::ResourceBusy, BUSY),
            _ => error,
        })?;
        let name = drafts::in_the_making().make_in(folder, |path| fs::hard_link(place, path))?.into_temp_path();
        let named = Utf8Path::from_path(&name).and_then(Stamp::at);
        let is_seen = |stamp: Stamp| stamp.is_renamed_from(seen);
        if named.is_some_and(is_seen) && Stamp::of_file(leased.file()).is_ok_and(is_seen) {
            return Ok(Self { name, leased });
        }
        Err(io::ErrorKind::InvalidInput.into())
    }

    /// Whether nobody wants to write to it.
    pub(super) fn is_undisturbed(&self) -> bool {
        self.leased.is_undisturbed()
    }

    /// Keeps the file among the spares once it was replaced by what was `written`, or puts it back if somebody wants to write
    /// to it, who waits until then. Whether it was kept.
    ///
    /// # Errors
    /// Where it is, if it could not be put back.
    pub(super) fn settle(self, place: &Utf8Path, written: Stamp, spares: &Spares) -> io::Result<bool> {
        if !self.is_undisturbed() {
            // What somebody else has put there since is the latest.
            let is_ours = Stamp::at(place).is_some_and(|now| now.is_renamed_from(written));
            return if is_ours { self.put_back(place).map(|()| false) } else { Ok(false) };
        }
        // Whoever watches the file itself, and not its folder, learns only of a file that goes that another one came.
        if let Some(folder) = self.name.parent()
            && let Ok(moved) = drafts::in_the_making().make_in(folder, |path| fs::rename(&self.name, path))
        {
            spares.keep(place, moved.into_temp_path());
        }
        Ok(true)
    }

    fn put_back(self, place: &Utf8Path) -> io::Result<()> {
        self.name.persist(place).map_err(|failed| match rescue(&failed.path, place) {
            Ok(path) => {
                let reason = tgen_core::base::files::reason(&failed.error);
                io::Error::other(format!("{reason}; what somebody wrote to it is in `{}`", path.display()))
            }
            Err(_) => failed.error,
        })
    }
}

/// Gives a file a name of its own beside a place, where nobody tidies up.
fn rescue(file: &Path, place: &Utf8Path) -> io::Result<PathBuf> {
    let prefix = format!("{}.", place.file_name().unwrap_or_default());
    let folder = place.parent().unwrap_or(place);
    let rescued = Builder::new().prefix(&prefix).suffix(".kept").make_in(folder, |path| fs::hard_link(file, path))?;
    Ok(rescued.into_temp_path().keep()?)
}

/// Whether a spare file has one name only, and the owner and mode of the present file, and nothing else to it, such as an
/// access list: what a new file would be given and what would not be given to it.
#[cfg(target_os = "linux")]
fn is_like_new(spare: &File, present: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    let traits = |metadata: &Metadata| (metadata.mode(), metadata.uid(), metadata.gid());
    let is_alike = |spare: Metadata| spare.is_file() && spare.nlink() == 1 && traits(&spare) == traits(present);
    spare.metadata().is_ok_and(is_alike) && !has_attributes(spare)
}

#[cfg(not(target_os = "linux"))]
fn is_like_new(_: &File, _: &Metadata) -> bool {
    false
}

/// Whether somebody gave a file attributes. Those of the system's security every file has.
#[cfg(target_os = "linux")]
fn has_attributes(file: &File) -> bool {
    let mut names = [0; 1024];
    match rustix::fs::flistxattr(file, &mut names) {
        Ok(length) => {
            let mut names = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
            names.any(|name| !name.starts_with(b"security."))
        }
        Err(rustix::io::Errno::NOTSUP) => false,
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;
    use tempfile::TempDir;

    use super::*;
    use crate::world::disk::{Overwritten, Writer};

    /// An output that is written over time and again.
    struct Output {
        folder: TempDir,
        writer: Writer,
    }

    impl Output {
        fn new(content: &str) -> Self {
            Self::in_folder(tempfile::tempdir().unwrap(), content)
        }

        /// Where leases are known, on every Linux.
        #[cfg(target_os = "linux")]
        fn in_memory(content: &str) -> Self {
            Self::in_folder(tempfile::tempdir_in("/dev/shm").unwrap(), content)
        }

        fn in_folder(folder: TempDir, content: &str) -> Self {
            let writer = Writer::new(Utf8Path::from_path(folder.path()).unwrap()).unwrap();
            let output = Self { folder, writer };
            fs::write(output.path(), content).unwrap();
            output
        }

        fn path(&self) -> Utf8PathBuf {
            Utf8PathBuf::from_path_buf(self.folder.path().join("output")).unwrap()
        }

        fn stamp(&self) -> Stamp {
            Stamp::at(&self.path()).unwrap()
        }

        #[track_caller]
        fn write(&self, content: &str) -> Stamp {
            let seen = Stamp::at(&self.path());
            let written = self.writer.write_over(Utf8Path::new("output"), content.as_bytes(), seen).unwrap();
            assert_eq!(written, Overwritten::Yes(Some(self.stamp())));
            assert_eq!(fs::read_to_string(self.path()).unwrap(), content);
            self.stamp()
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
    fn two_files_take_turns_at_a_place_except_while_somebody_has_one_open() {
        let output = Output::in_memory("first, and the longest");
        let first = output.stamp().identity();
        let second = output.write("second").identity();
        assert_eq!(output.write("third, longer").identity(), first);
        let reader = File::open(output.path()).unwrap();
        assert_eq!(output.write("4th").identity(), second);
        let third = output.write("fifth").identity();
        assert_ne!(third, first);
        assert_eq!(io::read_to_string(reader).unwrap(), "third, longer");
        assert_eq!(output.write("sixth").identity(), second);
        assert_eq!(output.write("seventh").identity(), third);
    }

    #[cfg(unix)]
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
        std::os::unix::fs::symlink(&elsewhere, output.path()).unwrap();
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

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_replaced() {
        let output = Output::new("");
        fs::remove_file(output.path()).unwrap();
        std::os::unix::fs::symlink("nowhere", output.path()).unwrap();
        output.write("ours");
        assert!(!output.path().is_symlink());
    }

    #[test]
    fn a_file_that_appeared_where_nothing_was_seen_stays() {
        let output = Output::new("by hand");
        let written = output.writer.write_over(Utf8Path::new("output"), b"ours", None).unwrap();
        assert_eq!(written, Overwritten::No);
        let draft = NamedTempFile::new_in(&output.folder).unwrap();
        assert!(!crate::world::disk::put_new(draft, &output.path()).unwrap());
        assert_eq!(fs::read_to_string(output.path()).unwrap(), "by hand");
        assert_eq!(output.names(), ["output"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_somebody_is_writing_to_is_not_replaced() {
        let output = Output::in_memory("ours");
        let mut editor = File::options().append(true).open(output.path()).unwrap();
        let seen = output.stamp();
        let error = output.writer.write_over(Utf8Path::new("output"), b"new", Some(seen)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        editor.write_all(b" and theirs").unwrap();
        drop(editor);
        assert_eq!(fs::read_to_string(output.path()).unwrap(), "ours and theirs");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_somebody_wants_to_write_to_while_it_is_replaced_comes_back() {
        let output = Output::in_memory("ours");
        let replaced = Replaced::hold(&output.path(), output.stamp(), output.folder.path()).unwrap();
        let editor = std::thread::spawn({
            let path = output.path();
            move || File::options().append(true).open(path).unwrap().write_all(b" and theirs").unwrap()
        });
        replaced.leased.wait_until_disturbed();
        fs::write(output.folder.path().join("draft"), "new").unwrap();
        fs::rename(output.folder.path().join("draft"), output.path()).unwrap();
        assert!(!replaced.settle(&output.path(), output.stamp(), &Spares::default()).unwrap());
        editor.join().unwrap();
        assert_eq!(fs::read_to_string(output.path()).unwrap(), "ours and theirs");
        assert_eq!(output.names(), ["output"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn whoever_watches_the_file_itself_learns_that_it_went() {
        use notify::event::{EventKind, ModifyKind};
        use notify::{RecursiveMode, Watcher};

        let output = Output::in_memory("first");
        let (tell, told) = std::sync::mpsc::channel();
        let mut watcher = notify::recommended_watcher(tell).unwrap();
        watcher.watch(output.path().as_std_path(), RecursiveMode::NonRecursive).unwrap();
        output.write("second");
        let next = || told.recv_timeout(std::time::Duration::from_secs(30)).expect("it never learnt").unwrap().kind;
        while !matches!(next(), EventKind::Modify(ModifyKind::Name(_)) | EventKind::Remove(_)) {}
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_cannot_be_put_back_stays_where_the_error_says() {
        let output = Output::in_memory("by hand");
        let replaced = Replaced::hold(&output.path(), output.stamp(), output.folder.path()).unwrap();
        fs::remove_file(output.path()).unwrap();
        fs::create_dir(output.path()).unwrap();
        let error = replaced.put_back(&output.path()).unwrap_err().to_string();
        let path = error.split('`').nth(1).unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "by hand");
        assert!(!drafts::is_temporary(path));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_is_not_as_a_new_one_would_be_is_not_written_again() {
        use std::os::unix::fs::{PermissionsExt, chown};

        use rustix::fs::{XattrFlags, setxattr};

        let check = |first_change: &dyn Fn(&Utf8Path), second_change: &dyn Fn(&Utf8Path)| {
            let output = Output::in_memory("first");
            let first = output.stamp().identity();
            first_change(&output.path());
            output.write("second");
            second_change(&output.path());
            assert_ne!(output.write("third").identity(), first);
        };
        check(&|path| setxattr(path.as_std_path(), "user.mark", b"1", XattrFlags::empty()).unwrap(), &|_| ());
        check(&|_| (), &|path| fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap());
        // Only root may give files away.
        if rustix::process::geteuid().is_root() {
            check(&|path| chown(path, Some(65534), None).unwrap(), &|_| ());
        }
    }
}
