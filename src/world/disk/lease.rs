//! Leases on files. Linux grants a write lease only while no other program has the file open, and a read lease only while
//! no program has it open for writing. A program that opens the file later waits until the lease ends (`fcntl(2)`,
//! "Leases"). This is the only unsafe code of the project; it must not know what the files are.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::c_int;

/// The file systems whose files can be opened only through this kernel: ext2 to ext4, XFS, Btrfs, tmpfs, F2FS
/// (`linux/include/uapi/linux/magic.h`). On network file systems and below stacked ones, a lease protects nothing.
const FILE_SYSTEMS: [i128; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0xF2F5_2010];
/// The command that sets the signal (`linux/include/uapi/asm-generic/fcntl.h`; the same on every architecture that Rust
/// supports), which `libc` does not define.
const F_SETSIG: c_int = 10;

/// Whether leases work for the files of an open folder.
pub(super) fn are_known(folder: BorrowedFd<'_>) -> bool {
    rustix::fs::fstatfs(folder).is_ok_and(|system| FILE_SYSTEMS.contains(&i128::from(system.f_type)))
}

/// An open file with a lease; dropping it ends the lease.
#[derive(Debug)]
pub(super) struct Leased {
    file: File,
    kind: c_int,
}

impl Leased {
    /// Takes a write lease on a file that was opened for writing and that no other program has open.
    ///
    /// # Errors
    /// `WouldBlock` if another program has it open.
    pub(super) fn to_write(file: File) -> io::Result<Self> {
        Self::take(file, libc::F_WRLCK)
    }

    /// Takes a read lease on a file that no program has open for writing.
    ///
    /// # Errors
    /// `WouldBlock` if a program has.
    pub(super) fn to_read(file: File) -> io::Result<Self> {
        Self::take(file, libc::F_RDLCK)
    }

    fn take(file: File, kind: c_int) -> io::Result<Self> {
        // The system sends a signal when another program opens the file; the default signal would end this process.
        control(&file, F_SETSIG, libc::SIGURG)?;
        control(&file, libc::F_SETLEASE, kind)?;
        Ok(Self { file, kind })
    }

    /// The file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether no program has tried to open the file in conflict with the lease. After such an attempt, the system
    /// reports the kind of lease that is left.
    pub(super) fn is_undisturbed(&self) -> bool {
        control(&self.file, libc::F_GETLEASE, 0).is_ok_and(|kind| kind == self.kind)
    }

    /// Ends the lease; returns the open file if no program has tried to open it meanwhile.
    pub(super) fn end(self) -> Option<File> {
        let is_undisturbed = self.is_undisturbed() && control(&self.file, libc::F_SETLEASE, libc::F_UNLCK).is_ok();
        is_undisturbed.then_some(self.file)
    }
}

#[expect(unsafe_code, reason = "no maintained library wraps leases")]
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
                assert!(begin.elapsed() < Duration::from_secs(30), "no program opened it");
                thread::yield_now();
            }
        }
    }

    fn to_write(path: &TempPath) -> io::Result<Leased> {
        Leased::to_write(File::options().write(true).open(path)?)
    }

    fn to_read(path: &TempPath) -> io::Result<Leased> {
        Leased::to_read(File::open(path)?)
    }

    fn path() -> TempPath {
        NamedTempFile::new_in("/dev/shm").unwrap().into_temp_path()
    }

    #[test]
    fn a_program_that_opens_a_leased_file_waits_for_its_end_and_is_noticed() {
        let path = path();
        let leased = to_write(&path).unwrap();
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
    fn a_lease_is_granted_only_where_no_open_file_conflicts() {
        let path = path();
        let busy = |leased: io::Result<Leased>| leased.unwrap_err().kind() == io::ErrorKind::WouldBlock;
        let reader = File::open(&path).unwrap();
        assert!(busy(to_write(&path)));
        assert!(to_read(&path).unwrap().end().is_some());
        drop(reader);
        let writer = File::options().append(true).open(&path).unwrap();
        assert!(busy(to_write(&path)));
        assert!(busy(to_read(&path)));
        drop(writer);
        assert!(to_write(&path).unwrap().end().is_some());
    }
}
