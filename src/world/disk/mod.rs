//! Files on disk: reading and listing them for core, and writing outputs so that a reader never sees a partial file.
//!
//! This is the only module that writes outputs. It must not know templates, only bytes and paths.

mod drafts;
#[cfg_attr(not(unix), path = "folder_by_path.rs")]
mod folder;
#[cfg_attr(not(target_os = "linux"), path = "no_lease.rs")]
mod lease;
mod listing;
#[cfg(unix)]
mod reader;
mod reading;
mod spares;
mod writer;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::files::Files;
#[cfg(unix)]
use tgen_core::base::files::Reader;

use self::listing::Listing;

pub(crate) use self::drafts::{ScratchFolder, clear_abandoned, is_temporary};
#[cfg(feature = "store")]
pub(crate) use self::reading::require_regular;
pub(crate) use self::reading::{LARGEST_FILE, open_regular, read_beginning, read_file, read_text};
pub(crate) use self::writer::{Executable, NewFile, Overwritten, Writer};

/// The files below a project's root.
pub(crate) struct Disk {
    root: Utf8PathBuf,
    /// Links in listed folders that lead outside the project.
    refused: RwLock<BTreeSet<Utf8PathBuf>>,
    /// Whether `refused` is not empty; most reads check only this, without the lock.
    has_refused: AtomicBool,
}

impl Disk {
    /// The files below `root`, which relative paths are resolved against.
    pub(crate) fn new(root: Utf8PathBuf) -> Self {
        Self { root, refused: RwLock::default(), has_refused: AtomicBool::new(false) }
    }

    /// A folder and all folders below it; empty if one of them cannot be listed.
    pub(crate) fn folders(&self, folder: &Utf8Path) -> Vec<Utf8PathBuf> {
        self.listing(folder).map(|listing| listing.folders).unwrap_or_default()
    }

    /// The real paths that the links below a folder lead to.
    pub(crate) fn link_targets(&self, folder: &Utf8Path) -> Vec<PathBuf> {
        self.listing(folder).map(|listing| listing.link_targets).unwrap_or_default()
    }

    /// The path in the file system.
    pub(crate) fn absolute(&self, path: &Utf8Path) -> Utf8PathBuf {
        self.root.join(path)
    }

    fn listing(&self, folder: &Utf8Path) -> io::Result<Listing> {
        listing::list(&self.root, &self.absolute(folder), folder)
    }

    /// Records the links below a folder that lead outside the project, so that reading one gives a clear error.
    fn set_refused(&self, folder: &Utf8Path, links: &[Utf8PathBuf]) {
        if links.is_empty() && !self.has_refused.load(Ordering::Acquire) {
            return;
        }
        if let Ok(mut refused) = self.refused.write() {
            refused.retain(|link| !link.starts_with(folder));
            refused.extend(links.iter().cloned());
            self.has_refused.store(!refused.is_empty(), Ordering::Release);
        }
    }

    fn check_allowed(&self, path: &Utf8Path) -> io::Result<()> {
        let is_refused =
            self.has_refused.load(Ordering::Acquire) && self.refused.read().is_ok_and(|refused| refused.contains(path));
        if is_refused { Err(listing::link_out("it")) } else { Ok(()) }
    }
}

impl Files for Disk {
    fn read_into(&self, path: &Utf8Path, buffer: &mut Vec<u8>) -> io::Result<()> {
        self.check_allowed(path)?;
        read_file(&self.absolute(path), LARGEST_FILE, buffer)
    }

    /// Links that lead outside the project are listed too; reading one is an error that says so.
    fn list(&self, folder: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
        let Listing { mut files, refused, .. } = self.listing(folder)?;
        self.set_refused(folder, &refused);
        files.extend(refused);
        // Comparing paths works component by component, which is slow for thousands of them.
        files.sort_unstable_by(|left, right| left.as_str().cmp(right.as_str()));
        Ok(files)
    }

    /// Overridden because it need not list the folder.
    fn is_folder(&self, path: &Utf8Path) -> bool {
        fs::read_dir(self.absolute(path)).is_ok()
    }

    fn is_file(&self, path: &Utf8Path) -> bool {
        self.absolute(path).is_file()
    }

    fn obstacle(&self, folder: &Utf8Path, path: &Utf8Path) -> Option<io::Error> {
        listing::obstacle(&self.root, folder, path)
    }

    fn read_beginning(&self, path: &Utf8Path, limit: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        self.check_allowed(path)?;
        reading::read_beginning(&self.absolute(path), limit, buffer)
    }

    #[cfg(unix)]
    fn reader(&self) -> Box<dyn Reader + '_> {
        Box::new(reader::FolderReader::new(self))
    }
}

/// Whether a file is executable.
#[cfg(unix)]
pub(crate) fn is_executable(path: &Utf8Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Whether a file is executable; this system has no such permission.
#[cfg(not(unix))]
pub(crate) fn is_executable(_: &Utf8Path) -> bool {
    false
}

/// The error for a path that leads outside the writer's folder.
fn way_out(link: &Utf8Path, root: &Utf8Path) -> io::Error {
    io::Error::other(format!("`{link}` is a link that leads out of `{root}`"))
}
/// The current folder in place of an empty path, which is the parent of a bare file name.
fn here_if_empty(folder: &Utf8Path) -> &Utf8Path {
    if folder.as_str().is_empty() { Utf8Path::new(".") } else { folder }
}
