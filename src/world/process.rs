//! Runs other programs with limits on their time and output, and ends them together with all their descendants.
//!
//! Output goes to unnamed temporary files instead of pipes: a pipe that a grandchild keeps open would block its reader
//! forever, and reading two pipes at once takes a second thread. This module must not know what the programs do.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tgen_core::base::files::reason;

use crate::world::interrupt;

/// The first pause between two checks whether a program has ended; it doubles each time.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// The time between asking a program to end and killing it.
const GRACE: Duration = Duration::from_millis(500);

/// The limits of a program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The longest time that it may run.
    pub(crate) time: Duration,
    /// The most bytes that it may write to each of standard output and standard error.
    pub(crate) output: u64,
}

/// A program that ended within its limits, and its output.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The status that it exited with.
    pub(crate) status: ExitStatus,
    stdout: File,
    stderr: File,
}

impl Finished {
    /// The first `limit` bytes of standard error, as text.
    pub(crate) fn stderr(&self, limit: u64) -> String {
        beginning(&self.stderr, limit)
    }

    /// The first `limit` bytes of standard output, as text.
    pub(crate) fn stdout(&self, limit: u64) -> String {
        beginning(&self.stdout, limit)
    }
}

/// Why a program was stopped or not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    #[error("it cannot be run: {}", reason(.0))]
    Start(#[source] io::Error),
    #[error("it was stopped because it ran for over {} s", .0.as_secs())]
    TooLong(Duration),
    #[error("it was stopped because it wrote over {} MiB of messages", .0 >> 20)]
    TooMuchOutput(u64),
    #[error("it was stopped by an interrupt")]
    Interrupted,
    #[error("cannot tell whether it has ended: {}", reason(.0))]
    Wait(#[source] io::Error),
}

/// Runs a program to its end. A limit or an interrupt ends it early, with all its descendants.
pub(crate) fn run(command: &mut Command, limits: Limits) -> Result<Finished, ProcessError> {
    let stdout = tempfile::tempfile().map_err(ProcessError::Start)?;
    let stderr = tempfile::tempfile().map_err(ProcessError::Start)?;
    let copy = |file: &File| file.try_clone().map(Stdio::from).map_err(ProcessError::Start);
    command.stdin(Stdio::null()).stdout(copy(&stdout)?).stderr(copy(&stderr)?);
    lead_a_group(command);
    let mut child = command.spawn().map_err(ProcessError::Start)?;
    match wait_within(&mut child, limits, [&stdout, &stderr]) {
        Ok(status) => Ok(Finished { status, stdout, stderr }),
        Err(error) => {
            end(&mut child);
            Err(error)
        }
    }
}

fn wait_within(child: &mut Child, limits: Limits, outputs: [&File; 2]) -> Result<ExitStatus, ProcessError> {
    let started = Instant::now();
    let mut pause = SHORTEST_PAUSE;
    loop {
        if let Some(status) = child.try_wait().map_err(ProcessError::Wait)? {
            return Ok(status);
        }
        if interrupt::requested() {
            return Err(ProcessError::Interrupted);
        }
        if started.elapsed() > limits.time {
            return Err(ProcessError::TooLong(limits.time));
        }
        let is_too_large = |file: &File| file.metadata().is_ok_and(|metadata| metadata.len() > limits.output);
        if outputs.into_iter().any(is_too_large) {
            return Err(ProcessError::TooMuchOutput(limits.output));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Ends a program with all its descendants, and waits for it.
fn end(child: &mut Child) {
    let asked = Instant::now();
    signal_group(child, Force::Ask);
    while matches!(child.try_wait(), Ok(None)) {
        if asked.elapsed() > GRACE {
            signal_group(child, Force::Kill);
            // The kill cannot be refused, so this does not wait long, and an error needs no handling.
            let _ = child.wait();
            return;
        }
        std::thread::sleep(LONGEST_PAUSE);
    }
}

fn beginning(mut file: &File, limit: u64) -> String {
    let mut bytes = Vec::new();
    // Output that cannot be read back is only missing from the message about a worse error.
    let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(limit).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How to end a program.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Force {
    /// Politely: it may clean up first.
    Ask,
    /// Immediately.
    Kill,
}

/// Makes a program the leader of a process group, so that it can be ended with its descendants.
#[cfg(unix)]
pub(crate) fn lead_a_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

/// Signals a program's process group. The child must not have been waited for, so that its id is not reused yet.
#[cfg(unix)]
pub(crate) fn signal_group(child: &mut Child, force: Force) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = match force {
        Force::Ask => Signal::TERM,
        Force::Kill => Signal::KILL,
    };
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // An error means that the group has ended already.
        let _ = kill_process_group(group, signal);
    }
}

#[cfg(not(unix))]
pub(crate) fn lead_a_group(_: &mut Command) {}

#[cfg(not(unix))]
pub(crate) fn signal_group(child: &mut Child, _: Force) {
    // An error means that the program has ended already.
    let _ = child.kill();
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { time: Duration::from_secs(30), output: 1 << 20 };

    fn sh(script: &str, limits: Limits) -> Result<Finished, ProcessError> {
        run(Command::new("sh").args(["-c", script]), limits)
    }

    #[test]
    fn a_program_is_run_to_its_end_and_its_output_kept() {
        let finished = sh("echo out; echo err >&2; exit 3", LIMITS).unwrap();
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!((finished.stdout(100), finished.stderr(2)), ("out\n".to_owned(), "er".to_owned()));
    }

    #[test]
    fn a_grandchild_that_keeps_the_output_open_is_not_waited_for() {
        let started = Instant::now();
        let finished = sh("sleep 60 & echo $!", LIMITS).unwrap();
        assert!(started.elapsed() < Duration::from_secs(20));
        let grandchild = finished.stdout(20).trim().parse().ok().and_then(rustix::process::Pid::from_raw).unwrap();
        rustix::process::kill_process(grandchild, rustix::process::Signal::KILL).unwrap();
    }

    #[test]
    fn a_program_that_runs_or_writes_too_long_is_ended_with_its_children() {
        let short = Limits { time: Duration::from_millis(200), ..LIMITS };
        let started = Instant::now();
        assert!(matches!(sh("sleep 60 & sleep 60", short), Err(ProcessError::TooLong(_))));
        assert!(matches!(sh("trap '' TERM; while :; do sleep 1; done", short), Err(ProcessError::TooLong(_))));
        assert!(matches!(sh("exec yes", LIMITS), Err(ProcessError::TooMuchOutput(_))));
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_program_that_does_not_exist_is_an_error() {
        let error = run(&mut Command::new("no-such-program-of-ours"), LIMITS).unwrap_err();
        assert_eq!(error.to_string(), "it cannot be run: it does not exist");
    }
}
