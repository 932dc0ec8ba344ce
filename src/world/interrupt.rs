//! Ctrl-C and SIGTERM: work stops between two files, so that no file is half-written.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tgen_core::base::cancellation::Cancellation;

static IS_REQUESTED: AtomicBool = AtomicBool::new(false);
static CANCELLATION: LazyLock<Cancellation> = LazyLock::new(Cancellation::default);

/// From now on, Ctrl-C asks the work to stop; a second Ctrl-C ends the process at once.
pub(crate) fn listen() {
    listen_and(|| ());
}

/// See [`listen`]; `wake` is called at the first Ctrl-C, for work that waits.
pub(crate) fn listen_and(wake: impl Fn() + Send + 'static) {
    // Without a handler, Ctrl-C ends the process, which is safe too: every write is a rename.
    let _ = ctrlc::set_handler(move || {
        if IS_REQUESTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        CANCELLATION.cancel();
        wake();
    });
}

/// Lets a write beyond the largest allowed file size fail as one on a full disk does; the signal for it would end the
/// process and leave a temporary file behind.
#[cfg(unix)]
pub(crate) fn survive_the_file_size_limit() {
    // Without this, the signal ends the process as before.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
}

/// This system has no such signal.
#[cfg(not(unix))]
pub(crate) fn survive_the_file_size_limit() {}

/// Whether an interrupt was requested.
pub(crate) fn requested() -> bool {
    CANCELLATION.is_cancelled()
}

/// Cancels core's work whose partial result may be dropped.
pub(crate) fn cancellation() -> &'static Cancellation {
    &CANCELLATION
}

/// Leaves the memory of a value to the end of the program, which is near: freeing a large project takes longer than the
/// user wants to wait.
pub(crate) fn leave_to_exit<T>(value: T) {
    std::mem::forget(value);
}
