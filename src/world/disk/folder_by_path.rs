//! Folders where the system has no calls that work below an open one: they are known by their paths, and links are
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

/// What to do about a folder that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Create,
    Fail,
}

impl Folder {
    /// Opens a folder by its path.
    pub(super) fn open(path: &Utf8Path) -> io::Result<Self> {
        Ok(Self { path: here_if_empty(path).canonicalize_utf8()? })
    }

    /// Opens a folder below this one. Links are followed as long as they lead to places below this folder.
    pub(super) fn open_below(&self, below: &Utf8Path, missing: Missing) -> io::Result<Self> {
        let path = self.path.join(below);
        let existing = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&self.path);
        if !existing.canonicalize_utf8()?.starts_with(&self.path) {
            return Err(way_out(existing, &self.path));
        }
        match missing {
            Missing::Create => fs::create_dir_all(&path)?,
            Missing::Fail => drop(fs::metadata(&path)?),
        }
        Ok(Self { path })
    }

    /// Where this folder is.
    pub(super) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Makes a folder that must not exist yet, and opens it.
    pub(super) fn make_folder(&self, name: &str) -> io::Result<Self> {
        let path = self.path.join(name);
        fs::create_dir(&path)?;
        Ok(Self { path })
    }

    /// Makes a file that must not exist yet, to read and to write.
    pub(super) fn make_file(&self, name: &str) -> io::Result<File> {
        File::options().read(true).write(true).create_new(true).open(self.path.join(name))
    }

    /// Opens a file to read it.
    pub(super) fn open_to_read(&self, name: &str) -> io::Result<File> {
        File::open(self.path.join(name))
    }

    /// Opens a file to write it.
    pub(super) fn open_to_write(&self, name: &str) -> io::Result<File> {
        File::options().write(true).open(self.path.join(name))
    }

    /// The stamp of what a name leads to; none if that does not exist.
    pub(super) fn stamp(&self, name: &str) -> Option<Stamp> {
        Stamp::at(&self.path.join(name))
    }

    /// Renames a file over what stands at its new name.
    pub(super) fn rename(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        fs::rename(self.path.join(name), to.path.join(new_name))
    }

    /// Renames a file to a name that is not taken.
    ///
    /// # Errors
    /// `AlreadyExists` if it is.
    pub(super) fn rename_to_free(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        self.link(name, to, new_name)?;
        self.remove_file(name)
    }

    /// Gives a file another name.
    pub(super) fn link(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        fs::hard_link(self.path.join(name), to.path.join(new_name))
    }

    /// Deletes a file.
    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    /// Deletes a folder with the files in it.
    pub(super) fn remove_folder(&self, name: &str) -> io::Result<()> {
        fs::remove_dir_all(self.path.join(name))
    }

    /// The names of what is in the folder.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let entries = self.path.read_dir_utf8()?;
        entries.map(|entry| Ok(entry?.file_name().to_owned())).collect()
    }

    /// Whether leases mean something for the folder's files.
    pub(super) fn has_leases(&self) -> bool {
        false
    }
}
