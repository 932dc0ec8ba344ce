//! Files on disk: reading them for core, and writing outputs so that no reader ever sees half of one.
//!
//! The only module that touches outputs. It must not know templates; it is told bytes and paths.

mod drafts;
#[cfg_attr(not(target_os = "linux"), path = "no_lease.rs")]
mod lease;
mod spares;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::sync::Mutex;

use camino::{Utf8Path, Utf8PathBuf};
use tempfile::NamedTempFile;
use tgen_core::base::files::Files;

use self::drafts::Drafts;
#[cfg(feature = "store")]
pub(crate) use self::drafts::in_the_making;
pub(crate) use self::drafts::is_temporary;
use self::spares::{Replaced, Spares};
use crate::world::stamp::Stamp;

/// A read asks for no less.
#[cfg(unix)]
const SMALLEST_READ: usize = 16 * 1024;

/// The files below a project's root.
pub(crate) struct Disk {
    root: Utf8PathBuf,
}

impl Disk {
    /// The files below `root`; relative paths are taken from there.
    pub(crate) fn new(root: Utf8PathBuf) -> Self {
        Self { root }
    }

    /// All folders below a folder, itself included.
    pub(crate) fn folders(&self, folder: &Utf8Path) -> Vec<Utf8PathBuf> {
        let top = self.absolute(folder);
        let entries = walk(&top).flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_dir()));
        entries.filter_map(|entry| Some(folder.join(below(&entry, &top)?))).collect()
    }

    /// The path in the world.
    pub(crate) fn absolute(&self, path: &Utf8Path) -> Utf8PathBuf {
        self.root.join(path)
    }
}

impl Files for Disk {
    fn read_into(&self, path: &Utf8Path, buffer: &mut Vec<u8>) -> io::Result<()> {
        buffer.clear();
        let file = open_to_read(&self.absolute(path))?;
        match read_all(&file, buffer) {
            Ok(()) if buffer.is_empty() && is_no_file(&file) => Err(no_file()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(no_file()),
            read => read,
        }
    }

    fn list(&self, folder: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
        let top = self.absolute(folder);
        // The walker would report a missing folder as an entry with an error; here it is the folder's own.
        fs::read_dir(&top)?;
        let entries = walk(&top).flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(folder.join(below(&entry, &top)?))).collect();
        // A path's own order goes part by part, which is slow for thousands.
        paths.sort_unstable_by(|left, right| left.as_str().cmp(right.as_str()));
        Ok(paths)
    }

    /// Without listing what is below it.
    fn is_folder(&self, path: &Utf8Path) -> bool {
        fs::read_dir(self.absolute(path)).is_ok()
    }

    fn is_file(&self, path: &Utf8Path) -> bool {
        self.absolute(path).is_file()
    }

    fn read_beginning(&self, path: &Utf8Path, limit: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        buffer.clear();
        let file = open_to_read(&self.absolute(path))?;
        file.take(limit as u64).read_to_end(buffer).map(drop)
    }
}

/// Opens what stands at a path without waiting for whoever might write to it, such as the other end of a pipe.
#[cfg(unix)]
fn open_to_read(path: &Utf8Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let at_once = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    match File::options().read(true).custom_flags(at_once).open(path) {
        // Whoever has a lease on a file gives way in a moment.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => File::open(path),
        opened => opened,
    }
}

#[cfg(not(unix))]
fn open_to_read(path: &Utf8Path) -> io::Result<File> {
    File::open(path)
}

/// Of what has nothing to read, whether it is a file at all.
fn is_no_file(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| !metadata.is_file())
}

fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is a pipe or a device; put a file in its place")
}

/// Reads a file into memory that mostly held one of its size before, so that the system need not be asked for it.
#[cfg(unix)]
fn read_all(file: &File, buffer: &mut Vec<u8>) -> io::Result<()> {
    loop {
        buffer.reserve(SMALLEST_READ);
        let read = rustix::io::retry_on_intr(|| rustix::io::read(file, rustix::buffer::spare_capacity(buffer)))?;
        if read == 0 {
            return Ok(());
        }
    }
}

#[cfg(not(unix))]
fn read_all(mut file: &File, buffer: &mut Vec<u8>) -> io::Result<()> {
    file.read_to_end(buffer).map(drop)
}

fn walk(top: &Utf8Path) -> ignore::Walk {
    ignore::WalkBuilder::new(top)
        .standard_filters(false)
        .follow_links(true)
        .filter_entry({
            let inside = top.canonicalize().unwrap_or_default();
            move |entry| !is_never_listed(entry) && !leads_out(entry, &inside)
        })
        .build()
}

fn below<'e>(entry: &'e ignore::DirEntry, top: &Utf8Path) -> Option<&'e Utf8Path> {
    Utf8Path::from_path(entry.path())?.strip_prefix(top).ok()
}

/// Folders of other tools that hold nothing of ours, and our own files in the making.
fn is_never_listed(entry: &ignore::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
    (is_folder
        && entry.depth() > 0
        && matches!(name.as_ref(), ".git" | ".hg" | ".svn" | "__pycache__" | "node_modules" | ".venv"))
        || is_temporary(&name)
}

/// A link from inside a folder to somewhere else: what is there is not ours to list.
fn leads_out(entry: &ignore::DirEntry, top: &std::path::Path) -> bool {
    entry.depth() > 0
        && entry.path_is_symlink()
        && !entry.path().canonicalize().is_ok_and(|target| target.starts_with(top))
}

/// What became of a file that was to be written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overwritten {
    /// It was written; its stamp, unless somebody wrote to it right after.
    Yes(Option<Stamp>),
    /// Somebody touched it first, and it was left alone.
    No,
}

/// Writes outputs below one folder, and nowhere else.
pub(crate) struct Writer {
    root: Utf8PathBuf,
    checked: Mutex<HashSet<Utf8PathBuf>>,
    drafts: Drafts,
    spares: Spares,
}

impl Writer {
    /// A writer of files below `root`, which is created if need be.
    pub(crate) fn new(root: &Utf8Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        Ok(Self {
            root: root.canonicalize_utf8()?,
            checked: Mutex::default(),
            drafts: Drafts::default(),
            spares: Spares::default(),
        })
    }

    /// Takes over what an earlier writer kept, so that the files that it replaced are written again.
    pub(crate) fn succeeding(mut self, earlier: Self) -> Self {
        self.drafts = earlier.drafts;
        self.spares = earlier.spares;
        self
    }

    /// Writes a file: a draft of it, then a rename, so that it is there whole or not at all. The
    /// mode of a file that is replaced is kept.
    pub(crate) fn write(&self, path: &Utf8Path, content: &[u8]) -> io::Result<()> {
        let target = self.root.join(path);
        let temporary = self.prepare(&target, content)?;
        temporary.persist(&target).map(drop).map_err(|error| error.error)
    }

    /// Writes a file in the same way, unless somebody touched it after it had the stamp `seen`.
    ///
    /// # Errors
    /// `ResourceBusy` if somebody may be writing to it.
    pub(crate) fn write_over(&self, path: &Utf8Path, content: &[u8], seen: Option<Stamp>) -> io::Result<Overwritten> {
        let target = self.root.join(path);
        match self.try_write_over(&target, content, seen) {
            // Somebody tidied up while the draft was made.
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.try_write_over(&target, content, seen),
            done => done,
        }
    }

    fn try_write_over(&self, target: &Utf8Path, content: &[u8], seen: Option<Stamp>) -> io::Result<Overwritten> {
        let draft = self.prepare(target, content)?;
        let written = Stamp::of_file(draft.as_file())?;
        if Stamp::at(target) != seen {
            return Ok(Overwritten::No);
        }
        let is_ours = match seen {
            None => put_new(draft, target)?,
            Some(seen) => self.replace(target, seen, draft, written)?,
        };
        if !is_ours {
            return Ok(Overwritten::No);
        }
        // Between the rename and this look somebody may have written already; then nothing is known of the file.
        Ok(Overwritten::Yes(Stamp::at(target).filter(|now| now.is_renamed_from(written))))
    }

    /// Moves a draft to where a file stands that was seen. Whether the draft is what stands there then.
    fn replace(&self, target: &Utf8Path, seen: Stamp, draft: NamedTempFile, written: Stamp) -> io::Result<bool> {
        let replaced = self.hold(target, seen)?;
        // As late as can be: a file that is renamed to here after that is lost.
        let is_seen = Stamp::at(target).is_some_and(|now| now.is_renamed_from(seen));
        if !is_seen || replaced.as_ref().is_some_and(|replaced| !replaced.is_undisturbed()) {
            return Ok(false);
        }
        draft.persist(target).map_err(|error| error.error)?;
        replaced.map_or(Ok(true), |replaced| replaced.settle(target, written, &self.spares))
    }

    /// Holds what is to be replaced; nothing where it could not be written again.
    fn hold(&self, target: &Utf8Path, seen: Stamp) -> io::Result<Option<Replaced>> {
        let folder = target.parent().unwrap_or(&self.root);
        if !lease::are_known(folder.as_std_path()) {
            return Ok(None);
        }
        match self.drafts.in_own_folder(folder, |own| Replaced::hold(target, seen, own)) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Err(error),
            held => Ok(held.ok()),
        }
    }

    /// The content beside its target, with the mode that the target has or should have.
    fn prepare(&self, target: &Utf8Path, content: &[u8]) -> io::Result<NamedTempFile> {
        let folder = target.parent().unwrap_or(&self.root);
        self.prepare_folder(folder)?;
        let present = fs::metadata(target).ok();
        if let Some(spare) = present.as_ref().and_then(|present| self.spares.rewrite(target, present, content)) {
            return Ok(spare);
        }
        let draft = self.drafts.write(folder, content)?;
        // Most have it already, and to ask is cheaper than to change what is in the file system's journal.
        if let Some(wanted) = present.map(|present| present.permissions())
            && draft.as_file().metadata()?.permissions() != wanted
        {
            draft.as_file().set_permissions(wanted)?;
        }
        Ok(draft)
    }

    /// Deletes a file.
    pub(crate) fn delete(&self, path: &Utf8Path) -> io::Result<()> {
        let target = self.root.join(path);
        self.refuse_way_out(target.parent().unwrap_or(&self.root))?;
        fs::remove_file(target)
    }

    /// Deletes what a killed process left behind in the folders that were written to.
    pub(crate) fn clear_abandoned(&self) {
        let folders = self.checked.lock().map(|checked| checked.clone()).unwrap_or_default();
        for folder in &folders {
            drafts::clear_abandoned(folder);
        }
    }

    /// Deletes what a killed process left behind in a folder.
    pub(crate) fn clear_abandoned_in(&self, folder: &Utf8Path) {
        let folder = self.root.join(folder);
        if self.refuse_way_out(&folder).is_ok() {
            drafts::clear_abandoned(&folder);
        }
    }

    fn prepare_folder(&self, folder: &Utf8Path) -> io::Result<()> {
        let known = |checked: &HashSet<Utf8PathBuf>| checked.contains(folder);
        if self.checked.lock().is_ok_and(|checked| known(&checked)) {
            return Ok(());
        }
        self.refuse_way_out(folder)?;
        fs::create_dir_all(folder)?;
        if let Ok(mut checked) = self.checked.lock() {
            checked.insert(folder.to_owned());
        }
        Ok(())
    }

    /// A link inside the folder may lead out of it; what is there already decides.
    fn refuse_way_out(&self, folder: &Utf8Path) -> io::Result<()> {
        let existing = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&self.root);
        if existing.canonicalize_utf8()?.starts_with(&self.root) {
            return Ok(());
        }
        let message = format!("`{existing}` is a link that leads out of `{}`", self.root);
        Err(io::Error::other(message))
    }
}

/// Moves a draft to where nothing stood. Whether nothing stands there still.
fn put_new(draft: NamedTempFile, target: &Utf8Path) -> io::Result<bool> {
    match draft.persist_noclobber(target) {
        Ok(_) => Ok(true),
        // A link that leads nowhere is nobody's file.
        Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists && Stamp::at(target).is_none() => {
            failed.file.persist(target).map(|_| true).map_err(|error| error.error)
        }
        Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(failed) => Err(failed.error),
    }
}
