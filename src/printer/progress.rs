//! How far a long piece of work is: on a terminal, once the work has taken a second, and never in a pipe.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that is done sooner is not worth a flicker.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line is drawn anew while nothing moves.
const TICK: Duration = Duration::from_millis(120);

/// Shows how far a piece of work is, from any thread, until it is finished or dropped.
pub(crate) struct Progress {
    /// None where the output is no terminal.
    bar: Option<ProgressBar>,
    revealer: Mutex<Option<Revealer>>,
}

impl Progress {
    /// Work of a known number of steps.
    pub(crate) fn new(total: usize, doing: &'static str) -> Self {
        Self::start(Some(total as u64), doing, "{spinner} {msg} {bar:30} {human_pos} of {human_len} ({eta} left)")
    }

    /// Work of which only the end is known, such as a program that runs.
    pub(crate) fn endless(doing: &'static str) -> Self {
        Self::start(None, doing, "{spinner} {msg} ({elapsed})")
    }

    /// Says that one step is done.
    pub(crate) fn step(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Takes the line off the terminal; other output may follow.
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

/// A line at the bottom of the terminal that says what is going on, from the first second on.
pub(crate) struct Status {
    /// None where nobody looks.
    bar: Option<ProgressBar>,
    started: Instant,
}

impl Status {
    /// A line that is empty.
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

    /// Writes something else, which then stands above the line.
    pub(crate) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the line off the terminal.
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

/// The thread that waits for the moment when the line is worth showing.
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

    /// Ends the thread, so that it cannot show the line after it was taken off.
    fn stop(self) {
        drop(self.stop);
        self.thread.join().ok();
    }
}
