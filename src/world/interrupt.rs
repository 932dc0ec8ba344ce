//! Ctrl-C and SIGTERM: work stops between two files, so that nothing is left half-written.

use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C asks the work to stop; a second one ends the process at once.
pub(crate) fn listen() {
    listen_and(|| ());
}

/// As [`listen`]; `wake` is called at the first Ctrl-C, for work that waits.
pub(crate) fn listen_and(wake: impl Fn() + Send + 'static) {
    // Without a handler Ctrl-C ends the process, which loses nothing either: every write is a rename.
    let _ = ctrlc::set_handler(move || {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        wake();
    });
}

/// Whether the work should stop.
pub(crate) fn requested() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
