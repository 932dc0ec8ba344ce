//! Writes outputs below one folder and nowhere else, each atomically.
//!
//! Folders are opened once and written to through their handles, so that replacing a folder by a link does not redirect
//! a write.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex};

use camino::{Utf8Path, Utf8PathBuf};

use super::drafts::{self, Draft, Drafts};
use super::folder::{Folder, Missing};
use super::spares::{Replaced, Spares};
use crate::world::stamp::Stamp;

/// How many folders are kept open.
const MOST_FOLDERS: usize = 64;

/// The result of replacing a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overwritten {
    /// It was replaced. The stamp is that of the new file; `None` if another program has written to it since.
    Yes(Option<Stamp>),
    /// Another program changed it first, so it was not replaced.
    No,
}

/// Whether a new file is executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Executable {
    Yes,
    No,
}

/// A file to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewFile<'a> {
    /// The bytes.
    pub(crate) content: &'a [u8],
    /// Whether the file is executable. A replaced file keeps the rest of its mode.
    pub(crate) executable: Executable,
}

impl<'a> From<&'a [u8]> for NewFile<'a> {
    fn from(content: &'a [u8]) -> Self {
        Self { content, executable: Executable::No }
    }
}

impl<'a> From<&'a Vec<u8>> for NewFile<'a> {
    fn from(content: &'a Vec<u8>) -> Self {
        content.as_slice().into()
    }
}

/// Writes outputs below one folder, and nowhere else.
pub(crate) struct Writer {
    root: Arc<Folder>,
    folders: Mutex<OpenFolders>,
    /// Declared before the folders that the files are in, so that the files are deleted first.
    spares: Spares,
    drafts: Drafts,
}

#[derive(Default)]
struct OpenFolders {
    by_path: HashMap<Utf8PathBuf, Arc<Folder>>,
    /// The paths of the open folders, the oldest first.
    order: VecDeque<Utf8PathBuf>,
    /// The paths of all folders that were written to.
    written: HashSet<Utf8PathBuf>,
}

/// A file's folder and its name in it.
struct Place<'a> {
    folder: Arc<Folder>,
    name: &'a str,
}

impl Place<'_> {
    fn stamp(&self) -> Option<Stamp> {
        self.folder.stamp(self.name)
    }
}

impl Writer {
    /// A writer of files below `root`, which is created if necessary.
    pub(crate) fn new(root: &Utf8Path) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        Ok(Self {
            root: Arc::new(Folder::open(root)?),
            folders: Mutex::default(),
            drafts: Drafts::default(),
            spares: Spares::default(),
        })
    }

    /// Takes over the temporary folders and replaced files of an earlier writer.
    pub(crate) fn succeeding(mut self, earlier: Self) -> Self {
        self.drafts = earlier.drafts;
        self.spares = earlier.spares;
        self
    }

    /// Writes a file atomically, as a draft that is renamed. A replaced file keeps its mode.
    pub(crate) fn write<'a>(&self, path: &Utf8Path, new: impl Into<NewFile<'a>>) -> io::Result<()> {
        let new = new.into();
        self.retrying(path, |place| {
            let draft = self.draft(place, new)?;
            draft.name.place(&place.folder, place.name).map_err(|(error, _)| error)
        })
    }

    /// Writes a file atomically, if the existing file still has the stamp `stamp_before`.
    ///
    /// # Errors
    /// `ResourceBusy` if another program may be writing to it.
    pub(crate) fn write_over<'a>(
        &self,
        path: &Utf8Path,
        new: impl Into<NewFile<'a>>,
        stamp_before: Option<Stamp>,
    ) -> io::Result<Overwritten> {
        let new = new.into();
        self.retrying(path, |place| self.try_write_over(place, new, stamp_before))
    }

    /// Runs `act` with a place, and retries if a folder or a temporary file was deleted meanwhile.
    fn retrying<T>(&self, path: &Utf8Path, act: impl Fn(&Place<'_>) -> io::Result<T>) -> io::Result<T> {
        match act(&self.place(path, Missing::Create)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.close(parent(path));
                act(&self.place(path, Missing::Create)?)
            }
            done => done,
        }
    }

    fn try_write_over(
        &self,
        place: &Place<'_>,
        new: NewFile<'_>,
        stamp_before: Option<Stamp>,
    ) -> io::Result<Overwritten> {
        let draft = self.draft(place, new)?;
        let written = Stamp::of_file(&draft.file)?;
        if place.stamp() != stamp_before {
            return Ok(Overwritten::No);
        }
        let is_ours = match stamp_before {
            None => put_new(draft, place)?,
            Some(before) => self.replace(place, before, draft, written)?,
        };
        if !is_ours {
            return Ok(Overwritten::No);
        }
        // Another program may have written to the file since the rename; then its state is unknown.
        Ok(Overwritten::Yes(place.stamp().filter(|now| now.is_renamed_from(written))))
    }

    /// Renames a draft over the file with a stamp; returns whether the draft is there now.
    fn replace(&self, place: &Place<'_>, before: Stamp, draft: Draft, written: Stamp) -> io::Result<bool> {
        let replaced = self.hold(place, before)?;
        // Checked as late as possible: a file renamed to this path after the check is lost.
        let is_unchanged = place.stamp().is_some_and(|now| now.is_renamed_from(before));
        if !is_unchanged || replaced.as_ref().is_some_and(|replaced| !replaced.is_undisturbed()) {
            return Ok(false);
        }
        draft.name.place(&place.folder, place.name).map_err(|(error, _)| error)?;
        replaced.map_or(Ok(true), |replaced| replaced.settle(&place.folder, place.name, written, &self.spares))
    }

    /// Holds a file that is about to be replaced; `None` if it could not be reused.
    fn hold(&self, place: &Place<'_>, before: Stamp) -> io::Result<Option<Replaced>> {
        if !place.folder.has_leases() {
            return Ok(None);
        }
        match self.drafts.in_own_folder(&place.folder, |own| Replaced::hold(&place.folder, place.name, before, own)) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Err(error),
            held => Ok(held.ok()),
        }
    }

    /// A draft of the content in the same folder, with the mode of the existing file, or of a new one.
    fn draft(&self, place: &Place<'_>, new: NewFile<'_>) -> io::Result<Draft> {
        let present = place.stamp();
        if new.executable == Executable::No
            && let Some(present) = present
            && let Some(spare) = self.spares.rewrite(&place.folder, place.name, present, new.content)
        {
            return Ok(spare);
        }
        let draft = self.drafts.write(&place.folder, new.content)?;
        set_mode(&draft.file, present, new.executable)?;
        Ok(draft)
    }

    /// Deletes a file.
    pub(crate) fn delete(&self, path: &Utf8Path) -> io::Result<()> {
        let place = self.place(path, Missing::Fail)?;
        place.folder.remove_file(place.name)
    }

    /// Deletes what killed processes left behind in the folders that were written to.
    pub(crate) fn clear_abandoned(&self) {
        let written = self.folders.lock().map(|folders| folders.written.clone()).unwrap_or_default();
        for folder in &written {
            self.clear_abandoned_in(folder);
        }
    }

    /// Deletes what killed processes left behind in a folder.
    pub(crate) fn clear_abandoned_in(&self, folder: &Utf8Path) {
        if let Ok(folder) = self.root.open_below(folder, Missing::Fail) {
            drafts::clear_abandoned(folder.path());
        }
    }

    fn place<'p>(&self, path: &'p Utf8Path, missing: Missing) -> io::Result<Place<'p>> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        Ok(Place { folder: self.folder(parent(path), missing)?, name })
    }

    fn folder(&self, path: &Utf8Path, missing: Missing) -> io::Result<Arc<Folder>> {
        if let Some(open) = self.folders.lock().ok().and_then(|folders| folders.by_path.get(path).cloned()) {
            return Ok(open);
        }
        let folder = Arc::new(self.root.open_below(path, missing)?);
        if let Ok(mut folders) = self.folders.lock() {
            if folders.order.len() >= MOST_FOLDERS
                && let Some(oldest) = folders.order.pop_front()
            {
                folders.by_path.remove(&oldest);
            }
            folders.order.push_back(path.to_owned());
            folders.by_path.insert(path.to_owned(), Arc::clone(&folder));
            folders.written.insert(path.to_owned());
        }
        Ok(folder)
    }

    /// Drops the cached handle of a folder, so that it is opened again.
    fn close(&self, path: &Utf8Path) {
        if let Ok(mut folders) = self.folders.lock() {
            folders.by_path.remove(path);
            folders.order.retain(|known| known != path);
        }
    }
}

fn parent(path: &Utf8Path) -> &Utf8Path {
    path.parent().unwrap_or(Utf8Path::new(""))
}

/// Gives a draft the mode of the file that it replaces; an executable can be run by those who can read it.
#[cfg(unix)]
fn set_mode(draft: &File, present: Option<Stamp>, executable: Executable) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    // Most replaced files have the default mode, and reading a mode is cheaper than changing it.
    if present.is_none() && executable == Executable::No {
        return Ok(());
    }
    let mode = Stamp::of_file(draft)?.access().mode;
    let wanted = present.map_or(mode, |present| present.access().mode);
    let wanted = if executable == Executable::Yes { wanted | ((wanted & 0o444) >> 2) } else { wanted };
    if mode & 0o7777 == wanted & 0o7777 {
        return Ok(());
    }
    draft.set_permissions(std::fs::Permissions::from_mode(wanted & 0o7777))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on other systems it can fail")]
fn set_mode(_: &File, _: Option<Stamp>, _: Executable) -> io::Result<()> {
    Ok(())
}

/// Renames a draft to a path that did not exist; returns false if it exists by now.
fn put_new(draft: Draft, place: &Place<'_>) -> io::Result<bool> {
    match draft.name.place_at_free(&place.folder, place.name) {
        Ok(()) => Ok(true),
        // The entry is a dangling link, so no file is lost.
        Err((error, name)) if error.kind() == io::ErrorKind::AlreadyExists && place.stamp().is_none() => {
            name.place(&place.folder, place.name).map(|()| true).map_err(|(error, _)| error)
        }
        Err((error, _)) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err((error, _)) => Err(error),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    struct Project {
        folder: tempfile::TempDir,
        writer: Writer,
    }

    impl Project {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = Utf8Path::from_path(folder.path()).unwrap().join("root");
            let writer = Writer::new(&root).unwrap();
            fs::create_dir(root.join("../outside")).unwrap();
            Self { folder, writer }
        }

        fn path(&self, path: &str) -> Utf8PathBuf {
            Utf8Path::from_path(self.folder.path()).unwrap().join(path)
        }

        fn write(&self, path: &str) -> io::Result<()> {
            self.writer.write(path.into(), b"ours".as_slice())
        }
    }

    #[test]
    fn a_link_out_of_the_folder_is_refused_and_one_inside_is_followed() {
        let project = Project::new();
        fs::create_dir(project.path("root/inside")).unwrap();
        symlink("../outside", project.path("root/out")).unwrap();
        symlink(project.path("root/inside"), project.path("root/link")).unwrap();
        let error = project.write("out/below/x").unwrap_err().to_string();
        assert!(error.contains("is a link that leads out of"), "{error}");
        assert!(project.writer.delete("out/x".into()).is_err());
        assert!(project.write("../outside/x").is_err());
        assert_eq!(fs::read_dir(project.path("outside")).unwrap().count(), 0);
        project.write("link/below/x").unwrap();
        assert_eq!(fs::read_to_string(project.path("root/inside/below/x")).unwrap(), "ours");
    }

    #[test]
    fn a_folder_that_becomes_a_link_in_the_middle_leads_nowhere() {
        let project = Project::new();
        project.write("out/x").unwrap();
        fs::rename(project.path("root/out"), project.path("root/moved")).unwrap();
        symlink("../outside", project.path("root/out")).unwrap();
        project.write("out/y").unwrap();
        assert_eq!(fs::read_dir(project.path("outside")).unwrap().count(), 0);
        assert!(project.path("root/moved/y").exists());
    }

    #[test]
    fn a_folder_that_was_deleted_meanwhile_comes_back() {
        let project = Project::new();
        for _ in 0..3 {
            for name in ["out/x", "out/y"] {
                project.write(name).unwrap();
            }
            fs::remove_dir_all(project.path("root/out")).unwrap();
        }
        project.write("out/x").unwrap();
        assert_eq!(fs::read_to_string(project.path("root/out/x")).unwrap(), "ours");
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_program_can_be_run() {
        use std::os::unix::fs::PermissionsExt;

        let project = Project::new();
        let mode = |path: &str| fs::metadata(project.path(path)).unwrap().permissions().mode() & 0o777;
        project.write("x").unwrap();
        fs::set_permissions(project.path("root/x"), fs::Permissions::from_mode(0o640)).unwrap();
        project.write("x").unwrap();
        assert_eq!(mode("root/x"), 0o640);
        let program = NewFile { content: b"#!", executable: Executable::Yes };
        project.writer.write("x".into(), program).unwrap();
        assert_eq!(mode("root/x"), 0o750);
        project.writer.write("new".into(), program).unwrap();
        assert_eq!(mode("root/new") & 0o500, 0o500);
    }
}
