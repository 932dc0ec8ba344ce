//! Stamps: the metadata of a file without opening it. Equal stamps mean that nobody wrote to the file in between.
//!
//! A file that is written twice to the same size within one tick of the file system's clock keeps its stamp. Code that
//! needs certainty compares contents, or trusts a stamp only if [`Stamp::last_changed`] is old enough.

use std::fs::Metadata;
use std::io;
use std::time::{Duration, SystemTime};

use camino::Utf8Path;

/// The size, times and identity of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The part that a rename does not change.
    content: Content,
    access: Access,
    /// The change time of the inode, in nanoseconds. The system sets it; programs cannot.
    changed: i128,
}

/// The part of a stamp that a rename does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Content {
    identity: Identity,
    /// In bytes.
    size: u64,
    /// In nanoseconds.
    modified: i128,
}

/// The permissions and owner of a file; zeros on systems without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access {
    /// The file type and permissions.
    pub(crate) mode: u32,
    owner: u32,
    group: u32,
}

/// The identity of a file, independent of its name: device and inode, where they exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity(u64, u64);

impl Stamp {
    /// The stamp of the file at a path; `None` if it does not exist.
    pub(crate) fn at(path: &Utf8Path) -> Option<Self> {
        path.metadata().ok().map(|metadata| Self::of(&metadata))
    }

    /// The stamp of an open file.
    pub(crate) fn of_file(file: &std::fs::File) -> io::Result<Self> {
        file.metadata().map(|metadata| Self::of(&metadata))
    }

    /// The file's identity.
    pub(crate) fn identity(self) -> Identity {
        self.content.identity
    }

    /// The file's mode, owner and group.
    pub(crate) fn access(self) -> Access {
        self.access
    }

    /// Whether it is the same file with the same content, possibly under another name.
    pub(crate) fn is_renamed_from(self, other: Self) -> bool {
        self.content == other.content
    }

    /// When the content or the inode was last changed; `None` for a time before 1970.
    pub(crate) fn last_changed(self) -> Option<SystemTime> {
        let nanoseconds = u64::try_from(self.content.modified.max(self.changed)).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(nanoseconds))
    }

    /// The stamp as bytes, for a hash that a later process compares.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let Content { identity: Identity(device, inode), size, modified } = self.content;
        let Access { mode, owner, group } = self.access;
        // A folder's size carries no information beyond its times.
        let size = if self.is_folder() { 0 } else { size };
        let times = [modified, self.changed].map(i128::to_le_bytes).concat();
        let numbers = [device, inode, size].map(u64::to_le_bytes).concat();
        [times, numbers, [mode, owner, group].map(u32::to_le_bytes).concat()].concat()
    }

    #[cfg(unix)]
    fn is_folder(self) -> bool {
        // As POSIX systems have it, though in integers of different sizes.
        const FILE_TYPE: u32 = 0o170_000;
        const FOLDER: u32 = 0o040_000;
        self.access.mode & FILE_TYPE == FOLDER
    }

    #[cfg(not(unix))]
    fn is_folder(self) -> bool {
        self.content.identity.1 == 1
    }

    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            content: Content {
                identity: Identity(metadata.dev(), metadata.ino()),
                size: metadata.size(),
                modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            },
            access: Access { mode: metadata.mode(), owner: metadata.uid(), group: metadata.gid() },
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The stamp from metadata. The types of the fields differ between systems.
    #[cfg(unix)]
    pub(crate) fn of_status(status: &rustix::fs::Stat) -> Self {
        fn number<T: TryInto<i128>, N: TryFrom<i128> + Default>(number: T) -> N {
            number.try_into().ok().and_then(|number| N::try_from(number).ok()).unwrap_or_default()
        }
        Self {
            content: Content {
                identity: Identity(number(status.st_dev), number(status.st_ino)),
                size: number(status.st_size),
                modified: nanoseconds(number(status.st_mtime), number(status.st_mtime_nsec)),
            },
            access: Access { mode: number(status.st_mode), owner: number(status.st_uid), group: number(status.st_gid) },
            changed: nanoseconds(number(status.st_ctime), number(status.st_ctime_nsec)),
        }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        let nanoseconds = |time: io::Result<SystemTime>| {
            let since = time.ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok()).unwrap_or_default();
            i128::try_from(since.as_nanos()).unwrap_or_default()
        };
        let created = nanoseconds(metadata.created());
        // A file that replaces another of the same name may inherit its creation time; then the modification time
        // differs.
        let identity = Identity(u64::try_from(created).unwrap_or_default(), u64::from(metadata.is_dir()));
        Self {
            content: Content { identity, size: metadata.len(), modified: nanoseconds(metadata.modified()) },
            access: Access { mode: 0, owner: 0, group: 0 },
            changed: 0,
        }
    }
}

#[cfg(unix)]
fn nanoseconds(seconds: i64, rest: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(rest)
}
