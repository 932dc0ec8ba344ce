//! A request to stop work whose result nobody needs any more: an edited text was replaced, or the user ended the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request to stop work. Clones share the request. What was stopped has an incomplete result, which must be dropped.
#[derive(Debug, Clone, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Stops the work that was given this cancellation, at its next step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the work should stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
