//! Replaced files, kept under temporary names so that the next draft for the same path reuses them.
//!
//! Creating and deleting a file can take far longer than writing one: ext4 without a journal scans every file deleted
//! within the last minutes whenever it creates one. A watch replaces the same files again and again, and reuse avoids
//! both costs. A reader may still have a replaced file open, so a file is reused only if no other program can notice;
//! where the system cannot tell, none is kept. This module must not know what the files are.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::drafts::{Draft, TemporaryName};
use super::folder::Folder;
use super::lease::Leased;
use crate::world::stamp::{Access, Stamp};

/// The error for a file that another program may write to.
const BUSY: &str = "another program has it open for writing";

/// How long deleting the files may take when the process ends. Deleting a recently written file waits for its data to
/// reach the disk, which takes milliseconds.
const LONGEST_DELETION: Duration = Duration::from_millis(100);

/// The spare files by their original path. They are deleted when this is dropped, or by a later run if that takes too
/// long. (Paths are kept as strings, because hashing a path component by component is slow for thousands.)
#[derive(Debug, Default)]
pub(super) struct Spares(Mutex<HashMap<String, TemporaryName>>);

impl Drop for Spares {
    fn drop(&mut self) {
        let until = Instant::now() + LONGEST_DELETION;
        let spares = self.0.get_mut().map(std::mem::take).unwrap_or_default();
        spares.into_values().skip_while(|_| Instant::now() < until).for_each(TemporaryName::leave);
    }
}

impl Spares {
    /// Rewrites the spare file of a path with new content; `present` is the stamp of the file there now. `None` if
    /// another program has the spare open, or if a new file would have another mode or owner.
    pub(super) fn rewrite(&self, folder: &Folder, name: &str, present: Stamp, content: &[u8]) -> Option<Draft> {
        let spare = self.0.lock().ok()?.remove(folder.path().join(name).as_str())?;
        let file = spare.folder().open_to_write(spare.name()).ok()?;
        let leased = Leased::to_write(file).ok().filter(|leased| is_like_new(leased.file(), present.access()))?;
        leased.file().write_all(content).ok()?;
        leased.file().set_len(content.len() as u64).ok()?;
        // While the file is leased, opening it at its final path would block.
        Some(Draft { name: spare, file: leased.end()? })
    }

    /// Keeps a file for the next draft of the same path.
    fn keep(&self, folder: &Folder, name: &str, spare: TemporaryName) {
        if let Ok(mut spares) = self.0.lock() {
            spares.insert(folder.path().join(name).into_string(), spare);
        }
    }
}

/// A file that is about to be replaced. It gets a second name that outlives the replacement, and while this is held, no
/// program can write to the file unnoticed.
pub(super) struct Replaced {
    second_name: TemporaryName,
    leased: Leased,
}

impl Replaced {
    /// Holds the file at a path if it still has the given stamp; its second name is in the folder `own`.
    ///
    /// # Errors
    /// `ResourceBusy` if another program has it open for writing; other errors if it cannot be held.
    pub(super) fn hold(folder: &Folder, name: &str, before: Stamp, own: &Arc<Folder>) -> io::Result<Self> {
        let leased = Leased::to_read(folder.open_to_read(name)?).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::Error::new(io::ErrorKind::ResourceBusy, BUSY),
            _ => error,
        })?;
        let (second_name, ()) = TemporaryName::make(own, |own, new_name| folder.link(name, own, new_name))?;
        let named = own.stamp(second_name.name());
        let is_same = |stamp: Stamp| stamp.is_renamed_from(before);
        if named.is_some_and(is_same) && Stamp::of_file(leased.file()).is_ok_and(is_same) {
            return Ok(Self { second_name, leased });
        }
        Err(io::ErrorKind::InvalidInput.into())
    }

    /// Whether no program has tried to write to the file.
    pub(super) fn is_undisturbed(&self) -> bool {
        self.leased.is_undisturbed()
    }

    /// Keeps the file as a spare after the file with the stamp `written` replaced it. If a program is waiting to write
    /// to the replaced file, restores that file instead. Returns whether the replacement stands.
    ///
    /// # Errors
    /// If the file could not be restored; the error says where it is.
    pub(super) fn settle(self, folder: &Folder, name: &str, written: Stamp, spares: &Spares) -> io::Result<bool> {
        if !self.is_undisturbed() {
            // A third program may have written the path since; its file is the latest and stays.
            let is_ours = folder.stamp(name).is_some_and(|now| now.is_renamed_from(written));
            return if is_ours { self.put_back(folder, name).map(|()| false) } else { Ok(false) };
        }
        // A per-file watcher notices a replacement only when the old inode is moved or deleted, so the file is moved.
        let own = self.second_name.folder();
        if let Ok((moved, ())) =
            TemporaryName::make(own, |own, new_name| own.rename_to_free(self.second_name.name(), own, new_name))
        {
            spares.keep(folder, name, moved);
        }
        Ok(true)
    }

    fn put_back(self, folder: &Folder, name: &str) -> io::Result<()> {
        self.second_name.place(folder, name).map_err(|(error, second_name)| match rescue(&second_name, folder, name) {
            Ok(kept) => {
                let reason = tgen_core::base::files::reason(&error);
                let path = folder.path().join(kept);
                io::Error::other(format!("{reason}; what another program wrote to it is in `{path}`"))
            }
            Err(_) => error,
        })
    }
}

/// Gives a file a permanent name next to its path.
fn rescue(file: &TemporaryName, folder: &Folder, name: &str) -> io::Result<String> {
    for number in 1.. {
        let kept = format!("{name}.{number}.kept");
        match file.folder().link(file.name(), folder, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => return linked.map(|()| kept),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Whether a spare file has a single name, the owner and mode of the present file, and no extended attributes such as
/// an access control list, so that it is indistinguishable from a new file.
#[cfg(target_os = "linux")]
fn is_like_new(spare: &File, present: Access) -> bool {
    use std::fs::Metadata;
    use std::os::unix::fs::MetadataExt;

    let has_one_name = |metadata: Metadata| metadata.is_file() && metadata.nlink() == 1;
    spare.metadata().is_ok_and(has_one_name)
        && Stamp::of_file(spare).is_ok_and(|stamp| stamp.access() == present)
        && !has_attributes(spare)
}

#[cfg(not(target_os = "linux"))]
fn is_like_new(_: &File, _: Access) -> bool {
    false
}

/// Whether a file has extended attributes, other than security labels, which every file has.
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
    use std::fs;

    use camino::{Utf8Path, Utf8PathBuf};
    use tempfile::TempDir;

    use super::*;
    use crate::world::disk::drafts::is_temporary;
    use crate::world::disk::writer::{Overwritten, Writer};

    /// An output that is replaced repeatedly.
    struct Output {
        folder: TempDir,
        writer: Writer,
    }

    impl Output {
        fn new(content: &str) -> Self {
            Self::in_folder(tempfile::tempdir().unwrap(), content)
        }

        /// On Linux, where leases exist.
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

        fn open_folder(&self) -> Arc<Folder> {
            Arc::new(Folder::open(Utf8Path::from_path(self.folder.path()).unwrap()).unwrap())
        }

        fn hold(&self) -> Replaced {
            let folder = self.open_folder();
            Replaced::hold(&folder, "output", self.stamp(), &folder).unwrap()
        }

        fn stamp(&self) -> Stamp {
            Stamp::at(&self.path()).unwrap()
        }

        #[track_caller]
        fn write(&self, content: &str) -> Stamp {
            let before = Stamp::at(&self.path());
            let written = self.writer.write_over(Utf8Path::new("output"), content.as_bytes(), before).unwrap();
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
    fn two_files_take_turns_at_a_place_unless_a_program_has_one_open() {
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
    fn a_program_that_has_a_replaced_file_open_reads_its_old_content() {
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
    fn the_target_of_a_replaced_link_is_never_written() {
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
    fn spare_files_may_be_deleted_at_any_time_and_go_with_the_writer() {
        let output = Output::new("first");
        for content in ["second", "third", "fourth", "fifth"] {
            output.write(content);
            for name in output.names().iter().filter(|name| is_temporary(name)) {
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
    fn a_file_that_appeared_at_a_free_place_stays() {
        let output = Output::new("by hand");
        let written = output.writer.write_over("output".into(), b"ours".as_slice(), None).unwrap();
        assert_eq!(written, Overwritten::No);
        assert_eq!(fs::read_to_string(output.path()).unwrap(), "by hand");
        assert_eq!(output.names(), ["output"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_is_open_for_writing_is_not_replaced() {
        let output = Output::in_memory("ours");
        let mut editor = File::options().append(true).open(output.path()).unwrap();
        let before = output.stamp();
        let error = output.writer.write_over("output".into(), b"new".as_slice(), Some(before)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        editor.write_all(b" and theirs").unwrap();
        drop(editor);
        assert_eq!(fs::read_to_string(output.path()).unwrap(), "ours and theirs");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_a_program_opens_for_writing_while_it_is_replaced_comes_back() {
        let output = Output::in_memory("ours");
        let replaced = output.hold();
        let editor = std::thread::spawn({
            let path = output.path();
            move || File::options().append(true).open(path).unwrap().write_all(b" and theirs").unwrap()
        });
        replaced.leased.wait_until_disturbed();
        fs::write(output.folder.path().join("draft"), "new").unwrap();
        fs::rename(output.folder.path().join("draft"), output.path()).unwrap();
        assert!(!replaced.settle(&output.open_folder(), "output", output.stamp(), &Spares::default()).unwrap());
        editor.join().unwrap();
        assert_eq!(fs::read_to_string(output.path()).unwrap(), "ours and theirs");
        assert_eq!(output.names(), ["output"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_watcher_of_the_file_itself_notices_its_replacement() {
        use notify::event::{EventKind, ModifyKind};
        use notify::{RecursiveMode, Watcher};

        let output = Output::in_memory("first");
        let (tell, told) = std::sync::mpsc::channel();
        let mut watcher = notify::recommended_watcher(tell).unwrap();
        watcher.watch(output.path().as_std_path(), RecursiveMode::NonRecursive).unwrap();
        output.write("second");
        let next = || told.recv_timeout(std::time::Duration::from_secs(30)).expect("no event").unwrap().kind;
        while !matches!(next(), EventKind::Modify(ModifyKind::Name(_)) | EventKind::Remove(_)) {}
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_cannot_be_put_back_is_where_the_error_says() {
        let output = Output::in_memory("by hand");
        let replaced = output.hold();
        fs::remove_file(output.path()).unwrap();
        fs::create_dir(output.path()).unwrap();
        let error = replaced.put_back(&output.open_folder(), "output").unwrap_err().to_string();
        let path = error.split('`').nth(1).unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "by hand");
        assert!(!is_temporary(path));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_differs_from_a_new_one_is_not_reused() {
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
        // Only root may change the owner.
        if rustix::process::geteuid().is_root() {
            check(&|path| chown(path, Some(65534), None).unwrap(), &|_| ());
        }
    }
}
