//! Ctrl-C: work stops between two files, so that nothing is left half-written.

use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From here on Ctrl-C asks the work to stop; a second one ends the process at once.
pub(crate) fn listen() {
    // Without a handler Ctrl-C ends the process, which loses nothing either: every write is a rename.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
}

/// Whether the work should stop.
pub(crate) fn requested() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
