//! What the file system says of a file without opening it: equal stamps mean that nothing wrote to the file in between.
//!
//! A file that is written twice within one tick of the file system's clock, to the same size, keeps its stamp. Code that
//! needs certainty compares contents, or trusts a stamp only if [`Stamp::last_changed`] is old enough.

use std::fs::Metadata;
use std::io;
use std::time::{Duration, SystemTime};

use camino::Utf8Path;

/// The size, times and identity of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// What a rename leaves as it is.
    content: Content,
    access: Access,
    /// When the file's entry was last changed, in nanoseconds. The system sets it; no program can set it back.
    changed: i128,
}

/// What a rename leaves as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Content {
    identity: Identity,
    /// In bytes.
    size: u64,
    /// In nanoseconds.
    modified: i128,
}

/// Who may do what with a file; zeros where the system has no such thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access {
    /// The file's type and permissions.
    pub(crate) mode: u32,
    owner: u32,
    group: u32,
}

/// Which file it is, whatever its name: device and inode where there are such things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity(u64, u64);

impl Stamp {
    /// The stamp of what a path leads to; none if that does not exist.
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

    /// When the content or the entry was last changed; none for a time before 1970.
    pub(crate) fn last_changed(self) -> Option<SystemTime> {
        let nanoseconds = u64::try_from(self.content.modified.max(self.changed)).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(nanoseconds))
    }

    /// The stamp as bytes, for a hash that a later process compares.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let Content { identity: Identity(device, inode), size, modified } = self.content;
        let Access { mode, owner, group } = self.access;
        // A folder's size says nothing that its times do not.
        let size = if self.is_folder() { 0 } else { size };
        let times = [modified, self.changed].map(i128::to_le_bytes).concat();
        let numbers = [device, inode, size].map(u64::to_le_bytes).concat();
        [times, numbers, [mode, owner, group].map(u32::to_le_bytes).concat()].concat()
    }

    #[cfg(unix)]
    fn is_folder(self) -> bool {
        rustix::fs::FileType::from_raw_mode(self.access.mode) == rustix::fs::FileType::Directory
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

    /// The stamp of what the system said of a file. The types of its fields differ between systems.
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
        // A file that replaces another of its name may keep the time of creation; its time of writing differs then.
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
