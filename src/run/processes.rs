//! Processes that tests have started: their memory, and those that a test leaves behind.
//!
//! On Linux the runner adopts every process whose parent has ended, so that none is lost, and reads `/proc`. Elsewhere it
//! reaches the process groups of the tests only. This module must not know tests.

#[cfg(target_os = "linux")]
use std::fs;

#[cfg(unix)]
use rustix::process::{Pid, Signal};

/// How to end processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// They may clean up first.
    Ask,
    /// At once.
    Kill,
}

impl Ending {
    /// The number of the signal, as Unix has it.
    pub(super) fn signal(self) -> i32 {
        match self {
            Self::Ask => 15,
            Self::Kill => 9,
        }
    }
}

/// The environment variable that marks a process with the start of a file to which it belongs.
pub(super) const MARK: &str = "TGEN_RUN_START";

/// Makes this process the parent of its descendants whose own parent ends, if the system offers that.
pub(super) fn adopt_orphans() {
    // Without it, only a process that leaves its group and whose parent ends is missed.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Pid::from_raw(1));
}

/// Signals a process group.
#[cfg(unix)]
pub(super) fn signal_group(leader: i32, ending: Ending) {
    let signal = match ending {
        Ending::Ask => Signal::TERM,
        Ending::Kill => Signal::KILL,
    };
    if let Some(leader) = Pid::from_raw(leader) {
        // An error says that it has ended.
        let _ = rustix::process::kill_process_group(leader, signal);
    }
}

#[cfg(not(unix))]
pub(super) fn signal_group(_: i32, _: Ending) {}

/// The exit status of an adopted process, a signal as a negative number; none while it runs.
#[cfg(unix)]
pub(super) fn ended(process: i32) -> Option<i32> {
    use rustix::process::{WaitOptions, test_kill_process, waitpid};
    let pid = Pid::from_raw(process);
    match waitpid(pid, WaitOptions::NOHANG) {
        Ok(None) => None,
        Ok(Some((_, status))) => {
            Some(status.exit_status().unwrap_or_else(|| status.terminating_signal().map_or(-1, |signal| -signal)))
        }
        // As long as its own parent lives, only that one can wait for it.
        Err(_) if pid.is_some_and(|pid| test_kill_process(pid).is_ok()) => None,
        Err(_) => Some(-Ending::Kill.signal()),
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on other systems it may still run")]
pub(super) fn ended(_: i32) -> Option<i32> {
    Some(1)
}

/// The memory of a process and its descendants, in bytes; `None` if the system does not tell. Memory that a process shares
/// with the one that it was forked from counts once.
#[cfg(target_os = "linux")]
pub(super) fn memory(process: i32) -> Option<u64> {
    /// The most processes that are counted, since a tree may grow while it is read.
    const MOST: usize = 1024;
    let mut tree = children(process);
    let mut at = 0;
    while let Some(&process) = tree.get(at).filter(|_| at < MOST) {
        at += 1;
        tree.extend(children(process));
    }
    let of_tree: u64 = tree[..at].iter().filter_map(|process| own_memory(*process)).sum();
    Some(resident_memory(process)? + of_tree)
}

#[cfg(target_os = "linux")]
fn resident_memory(process: i32) -> Option<u64> {
    let sizes = fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let pages: u64 = sizes.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// The memory of a process, of which shared pages count in proportion.
#[cfg(target_os = "linux")]
fn own_memory(process: i32) -> Option<u64> {
    let sizes = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let share = sizes.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(share.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn memory(_: i32) -> Option<u64> {
    None
}

/// Processes that were adopted: children of this one that are not in `known`.
#[cfg(target_os = "linux")]
pub(super) fn adopted(known: &[i32]) -> Vec<i32> {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    children(own).into_iter().filter(|child| !known.contains(child)).collect()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn adopted(_: &[i32]) -> Vec<i32> {
    Vec::new()
}

/// Whether a process belongs to a start of a file: it is in the session of its process, or has its mark.
#[cfg(target_os = "linux")]
pub(super) fn belongs_to(process: i32, leader: i32, mark: &str) -> bool {
    let session = Pid::from_raw(process).and_then(|process| rustix::process::getsid(Some(process)).ok());
    if session == Pid::from_raw(leader) {
        return true;
    }
    let marked = format!("{MARK}={mark}");
    let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == marked.as_bytes())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn belongs_to(_: i32, _: i32, _: &str) -> bool {
    false
}

/// Kills an adopted process and its group.
#[cfg(unix)]
pub(super) fn end_adopted(process: i32) {
    use rustix::process::{WaitOptions, kill_process, waitpid};
    let Some(process) = Pid::from_raw(process) else { return };
    // Errors say that it has ended.
    let _ = kill_process(process, Signal::KILL);
    let _ = waitpid(Some(process), WaitOptions::empty());
}

#[cfg(not(unix))]
pub(super) fn end_adopted(_: i32) {}

#[cfg(target_os = "linux")]
fn children(process: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let of_thread =
        |thread: std::io::Result<fs::DirEntry>| fs::read_to_string(thread.ok()?.path().join("children")).ok();
    let lists: Vec<String> = threads.filter_map(of_thread).collect();
    lists.iter().flat_map(|list| list.split_ascii_whitespace()).filter_map(|child| child.parse().ok()).collect()
}
