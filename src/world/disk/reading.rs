//! Reads whole files into memory: only regular files, up to a size limit.

use std::fs::File;
use std::io::{self, Read};

use camino::Utf8Path;
#[cfg(unix)]
use rustix::{
    fd::OwnedFd,
    fs::{Mode, OFlags},
    io::Errno,
};

/// The largest file that is read; no hand-written or generated text comes near this size.
pub(crate) const LARGEST_FILE: u64 = 128 << 20;

/// The buffer's initial capacity, so that files of similar sizes need no reallocation.
#[cfg(unix)]
const SMALLEST_BUFFER: usize = 16 * 1024;

/// Reads a regular file into `buffer`, which is cleared first.
///
/// # Errors
/// `InvalidInput` if it is not a regular file, `FileTooLarge` if it is larger than `limit`, or the system's error.
pub(crate) fn read_file(path: &Utf8Path, limit: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    read_open(&open_without_waiting(path)?, limit, buffer)
}

/// Opens a file of an open folder for reading, without blocking on a pipe or a device.
///
/// # Errors
/// The system's error.
#[cfg(unix)]
pub(super) fn open_in(folder: &OwnedFd, name: &str) -> io::Result<File> {
    let open = |flags| {
        let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC;
        rustix::io::retry_on_intr(|| rustix::fs::openat(folder, name, flags, Mode::empty()))
    };
    let file = match open(OFlags::NONBLOCK) {
        // See `open_without_waiting`.
        Err(Errno::WOULDBLOCK) => open(OFlags::empty()),
        opened => opened,
    };
    Ok(file?.into())
}

/// Opens a folder, only to reach its files.
///
/// # Errors
/// The system's error.
#[cfg(unix)]
pub(super) fn open_to_search(folder: &Utf8Path) -> io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    const SEARCH: OFlags = OFlags::PATH;
    #[cfg(not(target_os = "linux"))]
    const SEARCH: OFlags = OFlags::RDONLY;
    let flags = SEARCH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(folder.as_std_path(), flags, Mode::empty())?)
}

/// Reads an open regular file into `buffer`, which is empty.
///
/// # Errors
/// See [`read_file`].
pub(super) fn read_open(file: &File, limit: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
    let size = regular_size(file)?;
    if size > limit { Err(too_large(limit)) } else { read_all(file, size, limit, buffer) }
}

/// Reads the first `limit` bytes of a regular file into `buffer`, which is cleared first.
///
/// # Errors
/// `InvalidInput` if it is not a regular file, or the system's error.
pub(crate) fn read_beginning(path: &Utf8Path, limit: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    open_regular(path)?.take(limit as u64).read_to_end(buffer).map(drop)
}

/// Reads a regular file as text.
///
/// # Errors
/// See [`read_file`]; `InvalidData` if it is not UTF-8.
pub(crate) fn read_text(path: &Utf8Path) -> io::Result<String> {
    let mut buffer = Vec::new();
    read_file(path, LARGEST_FILE, &mut buffer)?;
    String::from_utf8(buffer).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Opens a regular file for reading, without blocking on a pipe or a device.
///
/// # Errors
/// `InvalidInput` if it is not a regular file, or the system's error.
pub(crate) fn open_regular(path: &Utf8Path) -> io::Result<File> {
    let file = open_without_waiting(path)?;
    regular_size(&file)?;
    Ok(file)
}

/// Fails if there is anything but a regular file at a path.
///
/// # Errors
/// See [`open_regular`]; a missing file is not an error.
#[cfg(feature = "store")]
pub(crate) fn require_regular(path: &Utf8Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => Err(not_regular()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens a file for reading, without blocking on a pipe or a device.
///
/// # Errors
/// The system's error.
#[cfg(unix)]
pub(super) fn open_without_waiting(path: &Utf8Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let flags = OFlags::NONBLOCK.bits().cast_signed();
    match File::options().read(true).custom_flags(flags).open(path) {
        // The file is leased. The holder ends its lease shortly, and a blocking open waits for that.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => File::open(path),
        opened => opened,
    }
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Utf8Path) -> io::Result<File> {
    File::open(path)
}

/// The size of a regular file.
///
/// # Errors
/// `InvalidInput` if it is something else, or the system's error.
#[cfg(unix)]
pub(super) fn regular_size(file: &File) -> io::Result<u64> {
    use rustix::fs::FileType;
    let status = rustix::fs::fstat(file)?;
    match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => Ok(u64::try_from(status.st_size).unwrap_or_default()),
        FileType::Directory => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(not_regular()),
    }
}

/// The size of a regular file.
#[cfg(not(unix))]
fn regular_size(file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    match (metadata.is_file(), metadata.is_dir()) {
        (true, _) => Ok(metadata.len()),
        (_, true) => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(not_regular()),
    }
}

/// Reads a file up to its known size, which saves the read call that would find the end. If the size is 0, as for the
/// files of `/proc`, reads to the end.
#[cfg(unix)]
fn read_all(file: &File, size: u64, limit: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.reserve(usize::try_from(size).unwrap_or(usize::MAX).max(SMALLEST_BUFFER));
    loop {
        let read = rustix::io::retry_on_intr(|| rustix::io::read(file, rustix::buffer::spare_capacity(buffer)))?;
        let length = buffer.len() as u64;
        if length > limit {
            return Err(too_large(limit));
        }
        if read == 0 || (size > 0 && length >= size) {
            return Ok(());
        }
        buffer.reserve(SMALLEST_BUFFER);
    }
}

#[cfg(not(unix))]
fn read_all(file: &File, _size: u64, limit: u64, buffer: &mut Vec<u8>) -> io::Result<()> {
    file.take(limit + 1).read_to_end(buffer)?;
    if buffer.len() as u64 > limit { Err(too_large(limit)) } else { Ok(()) }
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is a pipe or a device; put a file in its place")
}

fn too_large(limit: u64) -> io::Error {
    let message = format!("it is larger than {} MiB, the most that is read of one file", limit >> 20);
    io::Error::new(io::ErrorKind::FileTooLarge, message)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;

    use tgen_core::base::files::reason;

    use super::*;

    #[track_caller]
    fn check(path: &Utf8Path, limit: u64, expected: &str) {
        let mut buffer = b"before".to_vec();
        let read = read_file(path, limit, &mut buffer);
        let read = read.map_or_else(|error| reason(&error), |()| String::from_utf8(buffer).unwrap());
        assert_eq!(read, expected);
    }

    #[test]
    fn only_regular_files_up_to_a_limit_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let (file, sparse, pipe) = (folder.join("file"), folder.join("sparse"), folder.join("pipe"));
        fs::write(&file, "text").unwrap();
        File::create(&sparse).unwrap().set_len(4 << 30).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let not_regular = "it is a pipe or a device; put a file in its place";
        check(&file, 4, "text");
        check(&file, 3, "it is larger than 0 MiB, the most that is read of one file");
        check(&sparse, LARGEST_FILE, "it is larger than 128 MiB, the most that is read of one file");
        check(&pipe, LARGEST_FILE, not_regular);
        check("/dev/zero".into(), LARGEST_FILE, not_regular);
        check(folder, LARGEST_FILE, "it is a folder");
        check(&folder.join("gone"), LARGEST_FILE, "it does not exist");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_does_not_tell_its_size_is_read_to_its_end() {
        let mut buffer = Vec::new();
        read_file("/proc/self/status".into(), LARGEST_FILE, &mut buffer).unwrap();
        assert!(buffer.starts_with(b"Name:"));
    }
}
