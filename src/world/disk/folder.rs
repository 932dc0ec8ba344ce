//! Open folders: an operation affects the folder that was opened, even if its path leads to another folder or a link by
//! now.
//!
//! Only rustix and the `…at` system calls are used, so no path is resolved a second time.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags};
use rustix::io::Errno;

use super::here_if_empty;
use super::way_out;
use crate::world::stamp::Stamp;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    handle: OwnedFd,
    /// Its path without links when it was opened; for messages, and to follow links inside it.
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
        let path = here_if_empty(path).canonicalize_utf8()?;
        let handle = rustix::fs::openat(CWD, path.as_std_path(), FOLDER, Mode::empty())?;
        Ok(Self { handle, path })
    }

    /// Opens a subfolder. Links are followed if they lead to places below this folder.
    pub(super) fn open_below(&self, below: &Utf8Path, missing: Missing) -> io::Result<Self> {
        match self.walk(below, missing) {
            Err(error) if may_be_link(&error) => self.walk(&self.without_links(below)?, missing),
            walked => walked,
        }
    }

    /// The path of this folder when it was opened.
    pub(super) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// The path below this folder after resolving the links in `below`.
    fn without_links(&self, below: &Utf8Path) -> io::Result<Utf8PathBuf> {
        let path = self.path.join(below);
        let existing = path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&self.path);
        let real = existing.canonicalize_utf8()?;
        let rest = path.strip_prefix(existing).unwrap_or(Utf8Path::new(""));
        match real.strip_prefix(&self.path) {
            Ok(inside) => Ok(inside.join(rest)),
            Err(_) => Err(way_out(existing, &self.path)),
        }
    }

    /// Opens a subfolder without following links.
    fn walk(&self, below: &Utf8Path, missing: Missing) -> io::Result<Self> {
        let mut folder = Self { handle: self.handle.try_clone()?, path: self.path.clone() };
        for component in below.components() {
            match component {
                Utf8Component::Normal(name) => folder = folder.enter(name, missing)?,
                Utf8Component::CurDir => {}
                _ => return Err(way_out(&self.path.join(below), &self.path)),
            }
        }
        Ok(folder)
    }

    fn enter(&self, name: &str, missing: Missing) -> io::Result<Self> {
        let open = || rustix::fs::openat(&self.handle, name, FOLDER | OFlags::NOFOLLOW, Mode::empty());
        let handle = match open() {
            Err(Errno::NOENT) if missing == Missing::Create => {
                match rustix::fs::mkdirat(&self.handle, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => open()?,
                    Err(error) => return Err(error.into()),
                }
            }
            opened => opened?,
        };
        Ok(Self { handle, path: self.path.join(name) })
    }

    /// Creates a folder, which must not exist yet, and opens it.
    pub(super) fn make_folder(&self, name: &str) -> io::Result<Self> {
        rustix::fs::mkdirat(&self.handle, name, Mode::RWXU)?;
        self.enter(name, Missing::Fail)
    }

    /// Creates a file, which must not exist yet, for reading and writing. Its mode is 0666 without the bits of the
    /// user's umask.
    pub(super) fn make_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.handle, name, flags, Mode::from_raw_mode(0o666))?.into())
    }

    /// Opens a file for reading, without following a link and without blocking on a pipe.
    pub(super) fn open_to_read(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDONLY)
    }

    /// Opens a file for writing, without following a link and without blocking on a pipe.
    pub(super) fn open_to_write(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::WRONLY)
    }

    fn open_file(&self, name: &str, access: OFlags) -> io::Result<File> {
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.handle, name, flags, Mode::empty())?.into())
    }

    /// The stamp of the file that a name leads to; `None` if it does not exist.
    pub(super) fn stamp(&self, name: &str) -> Option<Stamp> {
        rustix::fs::statat(&self.handle, name, AtFlags::empty()).ok().map(|status| Stamp::of_status(&status))
    }

    /// Renames a file, replacing an existing one.
    pub(super) fn rename(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, name, &to.handle, new_name)?)
    }

    /// Renames a file to a name that must not exist.
    ///
    /// # Errors
    /// `AlreadyExists` if the name exists.
    pub(super) fn rename_to_free(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        match rustix::fs::renameat_with(&self.handle, name, &to.handle, new_name, rustix::fs::RenameFlags::NOREPLACE) {
            // The file system cannot do this atomically.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            renamed => return Ok(renamed?),
        }
        self.link(name, to, new_name)?;
        self.remove_file(name)
    }

    /// Creates a hard link to a file.
    pub(super) fn link(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        Ok(rustix::fs::linkat(&self.handle, name, &to.handle, new_name, AtFlags::empty())?)
    }

    /// Deletes a file.
    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    /// Deletes a folder and the files in it.
    pub(super) fn remove_folder(&self, name: &str) -> io::Result<()> {
        let folder = self.enter(name, Missing::Fail)?;
        for inside in folder.names()? {
            let removed = folder.remove_file(&inside);
            if removed.is_err_and(|error| {
                matches!(error.kind(), io::ErrorKind::IsADirectory | io::ErrorKind::PermissionDenied)
            }) {
                folder.remove_folder(&inside)?;
            }
        }
        Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::REMOVEDIR)?)
    }

    /// The names of the folder's entries.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.handle)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().to_str()
                && !matches!(name, "." | "..")
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Whether leases work for the folder's files.
    pub(super) fn has_leases(&self) -> bool {
        super::lease::are_known(self.handle.as_fd())
    }
}

/// Whether an error of a walk may be due to a link.
fn may_be_link(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::LOOP | Errno::NOTDIR))
}
