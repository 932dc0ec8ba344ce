//! Starts threads, with a clear error if the system allows no more.
//!
//! rayon, tokio and notify panic, abort or stay silent if a thread cannot be started, so they are used only after
//! [`prepare`] has succeeded.

use std::io;
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};

use anyhow::anyhow;

/// The most threads of a command besides rayon's: interrupt handler, progress, file watcher, keys.
const MOST_OTHERS: usize = 6;
const ADVICE: &str =
    "the system allows no more threads; raise its limits of processes and memory (`ulimit -u`, `ulimit -v`)";

/// Starts rayon's threads, and checks that the others can be started.
///
/// # Errors
/// The system's error.
pub(crate) fn prepare() -> anyhow::Result<()> {
    rayon::ThreadPoolBuilder::new().build_global().map_err(|error| anyhow!("{ADVICE}: {error}"))?;
    probe(MOST_OTHERS)
}

/// Checks that this many more threads can be started, as a server needs.
///
/// # Errors
/// The system's error.
pub(crate) fn probe(count: usize) -> anyhow::Result<()> {
    let barrier = Arc::new(Barrier::new(count + 1));
    let mut started: Vec<JoinHandle<()>> = Vec::new();
    for _ in 0..count {
        let barrier = Arc::clone(&barrier);
        let wait = move || {
            barrier.wait();
        };
        // This error ends the process, and the waiting threads with it.
        started.push(builder("probe").spawn(wait).map_err(refused)?);
    }
    barrier.wait();
    for thread in started {
        // The thread only waits, so it cannot have failed.
        let _ = thread.join();
    }
    Ok(())
}

/// Starts a thread that ends with the process.
///
/// # Errors
/// The system's error.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> anyhow::Result<()> {
    builder(name).spawn(work).map(drop).map_err(refused)
}

fn builder(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned())
}

fn refused(error: io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(ADVICE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_can_be_started_are_no_error() {
        probe(3).unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        spawn("test", move || sender.send(1).unwrap()).unwrap();
        assert_eq!(receiver.recv().unwrap(), 1);
    }
}
