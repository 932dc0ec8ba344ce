//! Open folders: what is done in one happens in that folder, even if another one, or a link, takes its path meanwhile.
//!
//! Only rustix and the system's `…at` calls are used here, so nothing resolves a path a second time.

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
    /// Where it was when it was opened, without links; for messages, and to follow links inside of it.
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
        let path = here_if_empty(path).canonicalize_utf8()?;
        let handle = rustix::fs::openat(CWD, path.as_std_path(), FOLDER, Mode::empty())?;
        Ok(Self { handle, path })
    }

    /// Opens a folder below this one. Links are followed as long as they lead to places below this folder.
    pub(super) fn open_below(&self, below: &Utf8Path, missing: Missing) -> io::Result<Self> {
        match self.walk(below, missing) {
            Err(error) if may_be_link(&error) => self.walk(&self.without_links(below)?, missing),
            walked => walked,
        }
    }

    /// Where this folder was when it was opened.
    pub(super) fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// The path below this folder that `below` leads to by its links.
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

    /// Opens a folder below this one, without following links.
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

    /// Makes a folder that must not exist yet, and opens it.
    pub(super) fn make_folder(&self, name: &str) -> io::Result<Self> {
        rustix::fs::mkdirat(&self.handle, name, Mode::RWXU)?;
        self.enter(name, Missing::Fail)
    }

    /// Makes a file that must not exist yet, to read and to write. Its mode is what the user's mask leaves of reading
    /// and writing for all.
    pub(super) fn make_file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.handle, name, flags, Mode::from_raw_mode(0o666))?.into())
    }

    /// Opens a file to read it; not through a link, and without waiting for the other end of a pipe.
    pub(super) fn open_to_read(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDONLY)
    }

    /// Opens a file to write it; not through a link, and without waiting for the other end of a pipe.
    pub(super) fn open_to_write(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::WRONLY)
    }

    fn open_file(&self, name: &str, access: OFlags) -> io::Result<File> {
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.handle, name, flags, Mode::empty())?.into())
    }

    /// The stamp of what a name leads to; none if that does not exist.
    pub(super) fn stamp(&self, name: &str) -> Option<Stamp> {
        rustix::fs::statat(&self.handle, name, AtFlags::empty()).ok().map(|status| Stamp::of_status(&status))
    }

    /// Renames a file over what stands at its new name.
    pub(super) fn rename(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.handle, name, &to.handle, new_name)?)
    }

    /// Renames a file to a name that is not taken.
    ///
    /// # Errors
    /// `AlreadyExists` if it is.
    pub(super) fn rename_to_free(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        match rustix::fs::renameat_with(&self.handle, name, &to.handle, new_name, rustix::fs::RenameFlags::NOREPLACE) {
            // The file system cannot do it in one step.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            renamed => return Ok(renamed?),
        }
        self.link(name, to, new_name)?;
        self.remove_file(name)
    }

    /// Gives a file another name.
    pub(super) fn link(&self, name: &str, to: &Self, new_name: &str) -> io::Result<()> {
        Ok(rustix::fs::linkat(&self.handle, name, &to.handle, new_name, AtFlags::empty())?)
    }

    /// Deletes a file.
    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.handle, name, AtFlags::empty())?)
    }

    /// Deletes a folder with the files in it.
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

    /// The names of what is in the folder.
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

    /// Whether leases mean something for the folder's files.
    pub(super) fn has_leases(&self) -> bool {
        super::lease::are_known(self.handle.as_fd())
    }
}

/// Whether an error of a walk may come from a link.
fn may_be_link(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::LOOP | Errno::NOTDIR))
}
