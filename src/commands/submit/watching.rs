//! Follows a run on another engine: shows its progress, and records its results in a file here.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use serde::Serialize;
use tgen_core::results::outcome::Meaning;
use tgen_core::results::reading::{Recorded, line};

use crate::commands::results::RunFormat;
use crate::commands::run::screen::{Detail, Screen};
use crate::run::{Listener, Recording, RunProgress};
use crate::submit::ray::{Following, HeadError, Wait};
use crate::world::interrupt;

/// How often the progress is shown.
const TICK: Duration = Duration::from_secs(1);

/// A run that is followed.
pub(super) struct Watching<'a> {
    run: &'a str,
    planned: usize,
    recording: Recording,
    /// The hashes of the recorded lines: each attempt to follow a job reads its log from the beginning.
    known: HashSet<blake3::Hash>,
    screen: Screen,
    done: usize,
    failed: usize,
    began: Instant,
    interrupted: Receiver<()>,
}

impl<'a> Watching<'a> {
    pub(super) fn new(
        run: &'a str,
        planned: usize,
        recording: Recording,
        recorded: &Recorded,
        format: RunFormat,
    ) -> Self {
        let (wake, interrupted) = sync_channel(1);
        interrupt::listen_and(move || {
            // Where a wake-up waits already, one more changes nothing.
            let _ = wake.try_send(());
        });
        let detail = if format == RunFormat::Human { Detail::Failures } else { Detail::None };
        let mut watching = Self {
            run,
            planned,
            recording,
            known: HashSet::new(),
            screen: Screen::new("python".to_owned(), detail),
            done: 0,
            failed: 0,
            began: Instant::now(),
            interrupted,
        };
        for header in &recorded.headers {
            watching.is_new(header);
        }
        for attempt in &recorded.attempts {
            watching.is_new(attempt);
        }
        for end in &recorded.ends {
            watching.done += usize::from(watching.is_new(end));
        }
        watching
    }

    pub(super) fn finish(&self) {
        self.screen.finish();
    }

    /// Whether a line is not recorded yet; it counts as recorded from now on.
    fn is_new(&mut self, record: &impl Serialize) -> bool {
        self.known.insert(blake3::hash(line(record).as_bytes()))
    }

    fn show_progress(&mut self) {
        let left = self.planned.saturating_sub(self.done);
        let left = (self.done > 0).then(|| expected_left(self.began.elapsed(), self.done, left)).flatten();
        let progress =
            RunProgress { running: Vec::new(), done: self.done, planned: self.planned, failed: self.failed, left };
        self.screen.tick(&progress);
    }
}

impl Following for Watching<'_> {
    /// Only lines of this run are taken: what a log has beside them is not ours.
    fn results(&mut self, news: Recorded) -> anyhow::Result<()> {
        let news = news.of_runs(|run| run == self.run);
        for header in &news.headers {
            if self.is_new(header) {
                self.recording.add(header)?;
            }
        }
        for attempt in &news.attempts {
            if self.is_new(attempt) {
                self.recording.add(attempt)?;
                self.failed += usize::from(attempt.outcome.meaning() == Meaning::Failure);
                self.screen.attempt(attempt, "")?;
            }
        }
        for end in &news.ends {
            if self.is_new(end) {
                self.recording.add(end)?;
                self.done += 1;
            }
        }
        self.show_progress();
        Ok(())
    }

    fn lost(&mut self, error: &HeadError) {
        self.screen.warning(&format!("{error}; trying again"));
    }

    fn found(&mut self) {
        self.screen.warning("Ray answers again");
    }

    fn wait(&mut self, at_most: Duration) -> Wait {
        let until = Instant::now() + at_most;
        loop {
            if interrupt::requested() {
                return Wait::Leave;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Wait::GoOn;
            }
            if self.interrupted.recv_timeout(left.min(TICK)) == Err(RecvTimeoutError::Timeout) {
                self.show_progress();
            }
        }
    }
}

/// How long the rest takes if it takes as long as what is done.
fn expected_left(elapsed: Duration, done: usize, left: usize) -> Option<Duration> {
    Some(elapsed / u32::try_from(done).ok()? * u32::try_from(left).ok()?)
}
