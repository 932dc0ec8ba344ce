//! What the user sees of a run: a line of progress, and each failure as it happens, with the command that reproduces it.

use std::time::Duration;

use tgen_core::results::attempt::{Attempt, UnitEnd};
use tgen_core::results::outcome::{Meaning, Outcome};

use crate::printer::{Cut, Printer, Status, counted, cut, visible};
use crate::report::run::human::write_failure;
use crate::run::{Listener, RunProgress, Unit};

/// How many running files are named.
const MOST_NAMED: usize = 2;

/// Shows a run.
pub(crate) struct Screen {
    printer: Printer,
    status: Status,
    /// The interpreter, as the user would type it.
    python: String,
    detail: Detail,
}

/// What is shown while tests run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Failures, as they happen.
    Failures,
    /// Nothing but progress: the result is for programs.
    None,
}

impl Screen {
    pub(crate) fn new(python: String, detail: Detail) -> Self {
        Self { printer: Printer::new(), status: Status::new(), python, detail }
    }

    pub(crate) fn finish(&self) {
        self.status.finish();
    }

    fn show(&self, attempt: &Attempt, text: &str) -> std::io::Result<()> {
        self.printer.report(|out| write_failure(out, attempt, text, &self.python))
    }
}

impl Listener for Screen {
    fn attempt(&mut self, attempt: &Attempt, text: &str) -> anyhow::Result<()> {
        let is_worth_showing = attempt.outcome.meaning() != Meaning::Success && attempt.outcome != Outcome::NotRun;
        if self.detail == Detail::Failures && is_worth_showing {
            self.status.above(|| self.show(attempt, text))?;
        }
        Ok(())
    }

    fn unit(&mut self, _: &UnitEnd) -> anyhow::Result<()> {
        Ok(())
    }

    fn warning(&mut self, message: &str) {
        self.status.above(|| self.printer.warning(message));
    }

    fn tick(&mut self, progress: &RunProgress<'_>) {
        self.status.show(&line(progress));
    }
}

/// `12 of 600 files, 1 failed, 2 min left: test_hf_bert.py (3 s), ...`
fn line(progress: &RunProgress<'_>) -> String {
    let RunProgress { running, done, planned, failed, left } = progress;
    let mut parts = vec![format!("{done} of {}", counted(*planned, "file"))];
    parts.extend((*failed > 0).then(|| format!("{failed} failed")));
    parts.extend(left.map(|left| format!("{} left", in_words(left))));
    let Cut { shown, rest } = cut(running, MOST_NAMED);
    let mut names: Vec<String> = shown.iter().map(|(unit, elapsed)| running_for(unit, *elapsed)).collect();
    names.extend((rest > 0).then(|| format!("{rest} more")));
    let line = parts.join(", ");
    if names.is_empty() { line } else { format!("{line}: {}", names.join(", ")) }
}

fn running_for(unit: &Unit, elapsed: Duration) -> String {
    let name = unit.file.file_name().unwrap_or(unit.file.as_str());
    format!("{} ({} s)", visible(name), elapsed.as_secs())
}

/// `40 s`, `3 min`, `2 h`.
pub(super) fn in_words(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{:.1} h", Duration::from_secs(seconds).as_secs_f64() / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_as_exact_as_it_is_long() {
        let words = |seconds| in_words(Duration::from_secs(seconds));
        assert_eq!([words(40), words(180), words(9000)], ["40 s", "3 min", "2.5 h"]);
    }
}
