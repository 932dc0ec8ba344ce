//! Progress of long work: shown on a terminal once the work has taken a second, and never in a pipe.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter work is not worth a flicker.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line is redrawn without progress.
const TICK: Duration = Duration::from_millis(120);

/// Shows the progress of work, from any thread, until it is finished or dropped.
pub(crate) struct Progress {
    /// `None` if the output is not a terminal.
    bar: Option<ProgressBar>,
    revealer: Mutex<Option<Revealer>>,
}

impl Progress {
    /// Work with a known number of steps.
    pub(crate) fn new(total: usize, doing: &'static str) -> Self {
        Self::start(Some(total as u64), doing, "{spinner} {msg} {bar:30} {human_pos} of {human_len} ({eta} left)")
    }

    /// Work of unknown length, such as running a program.
    pub(crate) fn endless(doing: &'static str) -> Self {
        Self::start(None, doing, "{spinner} {msg} ({elapsed})")
    }

    /// Counts one step as done.
    pub(crate) fn step(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Removes the line from the terminal; other output may follow.
    pub(crate) fn finish(&self) {
        if let Some(revealer) = self.revealer.lock().ok().and_then(|mut revealer| revealer.take()) {
            revealer.stop();
            self.bar.iter().for_each(ProgressBar::finish_and_clear);
        }
    }

    fn start(total: Option<u64>, doing: &'static str, template: &str) -> Self {
        let bar = (std::io::stderr().is_terminal() && !super::is_quiet()).then(|| hidden(total, doing, template));
        let revealer = bar.clone().map(Revealer::start);
        Self { bar, revealer: Mutex::new(revealer) }
    }
}

/// A status line at the bottom of the terminal, shown from the first second on.
pub(crate) struct Status {
    /// `None` if the output is not a terminal.
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Status {
    /// An empty status line.
    pub(crate) fn new() -> Self {
        let is_seen = std::io::stderr().is_terminal() && !super::is_quiet();
        Self { bar: is_seen.then(|| hidden(None, "", "{spinner} {wide_msg}")), started: Instant::now() }
    }

    /// Shows a text.
    pub(crate) fn show(&self, text: &str) {
        if let Some(bar) = self.bar.as_ref().filter(|_| self.started.elapsed() > PATIENCE) {
            if bar.is_hidden() {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            bar.set_message(text.to_owned());
            bar.tick();
        }
    }

    /// Writes other output above the line.
    pub(crate) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Removes the line from the terminal.
    pub(crate) fn finish(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.finish();
    }
}

fn hidden(total: Option<u64>, doing: &'static str, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden()).with_style(style).with_message(doing)
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

/// The thread that shows the line after a delay.
struct Revealer {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Revealer {
    fn start(bar: ProgressBar) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            if stopped.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(TICK);
            }
        });
        Self { stop, thread }
    }

    /// Ends the thread, so that it cannot show the line after its removal.
    fn stop(self) {
        drop(self.stop);
        self.thread.join().ok();
    }
}
