//! Folders on systems without calls relative to an open folder: they are identified by their paths, and links are
//! checked when a folder is opened.

use std::fs::{self, File};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use super::here_if_empty;
use super::way_out;
use crate::world::stamp::Stamp;

/// A folder, by its path.
#[derive(Debug)]
pub(super) struct Folder {
    path: Utf8PathBuf,
}

/// What to do if a folder does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Create,
    Fail,
}

impl Folder {
    /// Opens a folder by path.
    pub(super) fn open(path: &Utf8Path) -> io::Result<Self> {
        Ok(Self { path: here_if_empty(path).canonicalize_utf8()? })
    }

    /// Opens a subfolder. Links are followed if they lead to places below this folder.
    pub(super) fn open_below(&self, below: &Utf8Path, missing: Missing) -> io::Result<Self> {
        let path = self.path.join(below);
        let existing = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&self.path);
        if !existing.canonicalize_utf8()?.starts_with(&self.path) {
            return Err(way_out(existing, &self.path));
        }
        match missing {
            Missing::Create => fs::create_dir_all(&path)?,
            Missing::Fail => {
                fs::metadata(&path)?;
            }
        }
        Ok(Self { path })
    }

    /// The path of this folder.
    pub(super) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Creates a folder, which must not exist yet, and opens it.
    pub(super) fn make_folder(&self, name: &str) -> io::Result<Self> {
        let path = self.path.join(name);
        fs::create_dir(&path)?;
        Ok(Self { path })
    }

    /// Creates a file, which must not exist yet, for reading and writing.
    pub(super) fn make_file(&self, name: &str) -> io::Result<File> {
        File::options().read(true).write(true).create_new(true).open(self.path.join(name))
    }

    /// Opens a file for reading.
    pub(super) fn open_to_read(&self, name: &str) -> io::Result<File> {
        File::open(self.path.join(name))
    }

    /// Opens a file for writing.
    pub(super) fn open_to_write(&self, name: &str) -> io::Result<File> {
        File::options().write(true).open(self.path.join(name))
    }

    /// The stamp of the file that a name leads to; `None` if it does not exist.
    pub(super) fn stamp(&self, name: &str) -> Option<Stamp> {
        Stamp::at(&self.path.join(name))
    }

    /// Renames a file, replacing an existing one.
    pub(super) fn rename(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        fs::rename(self.path.join(name), to.path.join(new_name))
    }

    /// Renames a file to a name that must not exist.
    ///
    /// # Errors
    /// `AlreadyExists` if the name exists.
    pub(super) fn rename_to_free(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        self.link(name, to, new_name)?;
        self.remove_file(name)
    }

    /// Creates a hard link to a file.
    pub(super) fn link(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        fs::hard_link(self.path.join(name), to.path.join(new_name))
    }

    /// Deletes a file.
    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    /// Deletes a folder and the files in it.
    pub(super) fn remove_folder(&self, name: &str) -> io::Result<()> {
        fs::remove_dir_all(self.path.join(name))
    }

    /// The names of the folder's entries.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let entries = self.path.read_dir_utf8()?;
        entries.map(|entry| Ok(entry?.file_name().to_owned())).collect()
    }

    /// Whether leases work for the folder's files.
    #[expect(clippy::unused_self, reason = "on other systems it depends on the folder")]
    pub(super) fn has_leases(&self) -> bool {
        false
    }
}
