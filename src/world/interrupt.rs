//! Ctrl-C and SIGTERM: work stops between two files, so that nothing is left half-written.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tgen_core::base::cancellation::Cancellation;

static IS_REQUESTED: AtomicBool = AtomicBool::new(false);
static CANCELLATION: LazyLock<Cancellation> = LazyLock::new(Cancellation::default);

/// From now on Ctrl-C asks the work to stop; a second one ends the process at once.
pub(crate) fn listen() {
    listen_and(|| ());
}

/// As [`listen`]; `wake` is called at the first Ctrl-C, for work that waits.
pub(crate) fn listen_and(wake: impl Fn() + Send + 'static) {
    // Without a handler Ctrl-C ends the process, which loses nothing either: every write is a rename.
    let _ = ctrlc::set_handler(move || {
        if IS_REQUESTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        CANCELLATION.cancel();
        wake();
    });
}

/// Whether the work should stop.
pub(crate) fn requested() -> bool {
    CANCELLATION.is_cancelled()
}

/// What stops work of core's that may be dropped half-done.
pub(crate) fn cancellation() -> &'static Cancellation {
    &CANCELLATION
}
