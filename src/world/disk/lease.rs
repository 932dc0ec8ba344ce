//! Leases on files: Linux grants one to write a file only while nobody else has it open, and one to read only while nobody
//! has it open to write. Whoever wants to open the file after that waits until the lease ends (`fcntl(2)`, "Leases"). The
//! only unsafe code there is; it must not know what the files are.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use libc::c_int;

/// The file systems whose files nobody can open past this system: ext2 to ext4, XFS, Btrfs, tmpfs, F2FS
/// (`linux/include/uapi/linux/magic.h`). Of files that come over a network or from below another file system, a lease
/// says nothing.
const FILE_SYSTEMS: [i128; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0xF2F5_2010];
/// The command that chooses the signal (`linux/include/uapi/asm-generic/fcntl.h`; the same on every architecture that Rust
/// compiles to), which `libc` does not name.
const F_SETSIG: c_int = 10;

/// Whether leases mean something in a folder.
pub(super) fn are_known(folder: &Path) -> bool {
    rustix::fs::statfs(folder).is_ok_and(|system| FILE_SYSTEMS.contains(&i128::from(system.f_type)))
}

/// An open file with a lease, which ends with it.
#[derive(Debug)]
pub(super) struct Leased {
    file: File,
    kind: c_int,
}

impl Leased {
    /// Opens a file to write it, which nobody else has open.
    ///
    /// # Errors
    /// `WouldBlock` if somebody has.
    pub(super) fn to_write(path: &Path) -> io::Result<Self> {
        Self::open(File::options().write(true), path, libc::F_WRLCK)
    }

    /// Opens a file which nobody has open to write it.
    ///
    /// # Errors
    /// `WouldBlock` if somebody has.
    pub(super) fn to_read(path: &Path) -> io::Result<Self> {
        Self::open(File::options().read(true), path, libc::F_RDLCK)
    }

    fn open(options: &mut OpenOptions, path: &Path, kind: c_int) -> io::Result<Self> {
        // What is no file could block.
        let file = options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
        // Whoever opens it has the system send a signal, by default one that ends the process.
        control(&file, F_SETSIG, libc::SIGURG)?;
        control(&file, libc::F_SETLEASE, kind)?;
        Ok(Self { file, kind })
    }

    /// The file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether nobody has wanted to open the file in a way that the lease forbids. From then on, the lease is said to be what
    /// it has to become.
    pub(super) fn is_undisturbed(&self) -> bool {
        control(&self.file, libc::F_GETLEASE, 0).is_ok_and(|kind| kind == self.kind)
    }

    /// Ends the lease, and leaves the file open if nobody has wanted it.
    pub(super) fn end(self) -> Option<File> {
        let is_undisturbed = self.is_undisturbed() && control(&self.file, libc::F_SETLEASE, libc::F_UNLCK).is_ok();
        is_undisturbed.then_some(self.file)
    }
}

#[expect(unsafe_code, reason = "no library that is kept up wraps leases")]
fn control(file: &File, command: c_int, argument: c_int) -> io::Result<c_int> {
    // SAFETY: the commands above take an integer or nothing and touch no memory of this process; the descriptor is open.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), command, argument) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::thread;
    use std::time::{Duration, Instant};

    use tempfile::{NamedTempFile, TempPath};

    use super::*;

    impl Leased {
        pub(in crate::world::disk) fn wait_until_disturbed(&self) {
            let begin = Instant::now();
            while self.is_undisturbed() {
                assert!(begin.elapsed() < Duration::from_secs(30), "nobody came");
                thread::yield_now();
            }
        }
    }

    fn path() -> TempPath {
        NamedTempFile::new_in("/dev/shm").unwrap().into_temp_path()
    }

    #[test]
    fn whoever_opens_a_leased_file_waits_for_its_end_and_is_noticed() {
        let path = path();
        let leased = Leased::to_write(&path).unwrap();
        let reader = thread::spawn({
            let path = path.to_path_buf();
            move || io::read_to_string(File::open(path).unwrap()).unwrap()
        });
        leased.wait_until_disturbed();
        leased.file().write_all(b"whole").unwrap();
        assert!(leased.end().is_none());
        assert_eq!(reader.join().unwrap(), "whole");
    }

    #[test]
    fn a_lease_is_granted_beside_none_who_could_mind() {
        let path = path();
        let busy = |leased: io::Result<Leased>| leased.unwrap_err().kind() == io::ErrorKind::WouldBlock;
        let reader = File::open(&path).unwrap();
        assert!(busy(Leased::to_write(&path)));
        assert!(Leased::to_read(&path).unwrap().end().is_some());
        drop(reader);
        let writer = File::options().append(true).open(&path).unwrap();
        assert!(busy(Leased::to_write(&path)));
        assert!(busy(Leased::to_read(&path)));
        drop(writer);
        assert!(Leased::to_write(&path).unwrap().end().is_some());
    }
}
