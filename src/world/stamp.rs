//! What the file system says of a file without opening it: two equal stamps mean that nobody wrote to it in between.
//!
//! A file that is written twice within one tick of the clock, to the same size, has one stamp; whoever needs certainty
//! reads it.

use std::fs::Metadata;
use std::io;

use camino::Utf8Path;

/// The outside of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// What a rename leaves as it is.
    content: Content,
    /// When the entry itself was last changed, in nanoseconds; the system's own, which no program can set back.
    changed: i128,
}

/// What a rename leaves as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Content {
    identity: Identity,
    size: u64,
    modified: i128,
}

/// Which file it is, whatever its name: device and inode where there are such things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity(u64, u64);

impl Stamp {
    /// The stamp of what stands at a path; none where nothing does.
    pub(crate) fn at(path: &Utf8Path) -> Option<Self> {
        path.metadata().ok().map(|metadata| Self::of(&metadata))
    }

    /// The stamp of an open file.
    pub(crate) fn of_file(file: &std::fs::File) -> io::Result<Self> {
        file.metadata().map(|metadata| Self::of(&metadata))
    }

    /// Which file it is.
    pub(crate) fn identity(self) -> Identity {
        self.content.identity
    }

    /// Whether it is the same file with the same content, under whatever name.
    pub(crate) fn is_renamed_from(self, other: Self) -> bool {
        self.content == other.content
    }

    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            content: Content {
                identity: Identity(metadata.dev(), metadata.ino()),
                size: metadata.size(),
                modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            },
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    fn of(metadata: &Metadata) -> Self {
        let nanoseconds = |time: io::Result<std::time::SystemTime>| {
            let since = time.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
            i128::try_from(since.as_nanos()).unwrap_or_default()
        };
        let created = nanoseconds(metadata.created());
        // A file that replaces another of its name may keep the time of creation; its time of writing differs then.
        let identity = Identity(u64::try_from(created).unwrap_or_default(), u64::from(metadata.is_dir()));
        Self {
            content: Content { identity, size: metadata.len(), modified: nanoseconds(metadata.modified()) },
            changed: 0,
        }
    }
}
