//! What a run of tests recorded, and its faces: for people, for programs, for CI services.
//!
//! The formats only write what core says of the attempts. They must not know how tests are executed.

pub(crate) mod github;
pub(crate) mod html;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod markdown;
pub(crate) mod overview;
mod timeline;
pub(crate) mod trace;

#[cfg(test)]
mod fixture;

use std::time::Duration;

use tgen_core::results::attempt::Attempt;
use tgen_core::results::matrix::{Cell, Rating};
use tgen_core::results::message::place_and_message;
use tgen_core::results::reading::{Recorded, Unreadable};
use tgen_core::results::rerun::missing_units;
use tgen_core::results::verdict::{Conclusion, Summary, Test, Verdict, tests};

use crate::printer::counted;

/// A run, or several that were merged.
pub(crate) struct RunReport<'r> {
    /// What was recorded.
    pub(crate) recorded: &'r Recorded,
    /// Every test, by file and name.
    pub(crate) tests: Vec<Test<'r>>,
    /// How many tests have which verdict.
    pub(crate) summary: Summary,
    /// How many planned units have no end recorded.
    missing_units: u64,
    /// How long the run took; none for what was read from a file.
    pub(crate) elapsed: Option<Duration>,
    /// The interpreter, as the user would call it.
    python: &'r str,
}

impl<'r> RunReport<'r> {
    /// The report of what was recorded, with `python` in the commands that reproduce failures.
    pub(crate) fn new(recorded: &'r Recorded, elapsed: Option<Duration>, python: &'r str) -> Self {
        let tests = tests(recorded);
        let summary = Summary::of(&tests);
        Self { recorded, tests, summary, missing_units: missing_units(recorded), elapsed, python }
    }

    /// What all tests together say. A run that was cut short has not passed, nor has one of which nothing is known.
    pub(crate) fn conclusion(&self) -> Conclusion {
        let is_incomplete = self.missing_units > 0 || self.unreadable_lines() > 0 || self.recorded.is_empty();
        match self.summary.conclusion() {
            Conclusion::Passed if is_incomplete => Conclusion::Incomplete,
            conclusion => conclusion,
        }
    }

    /// Whether it has passed as far as it is known, and something that was recorded cannot be read.
    fn is_known_in_part(&self) -> bool {
        self.missing_units == 0 && self.summary.conclusion() == Conclusion::Passed
    }

    /// Lines that may have told of a failure.
    fn unreadable_lines(&self) -> usize {
        self.recorded.ignored.iter().filter(|line| line.reason != Unreadable::CutShort).count()
    }

    /// The command that runs a test again.
    fn reproduce(&self, attempt: &Attempt) -> String {
        reproduce(self.python, attempt)
    }

    /// The run in one line: `124 tests: 120 passed, 2 flaky, 1 failed, 1 timed out (12.30 s)`. Units without an end and lines
    /// that could not be read are told, for their tests are not among those that are counted.
    fn sentence(&self) -> String {
        let elapsed = self.elapsed.map(|elapsed| format!(" ({:.2} s)", elapsed.as_secs_f64())).unwrap_or_default();
        let missing = usize::try_from(self.missing_units).unwrap_or(usize::MAX);
        let missing = match missing {
            0 => String::new(),
            missing => format!("; {} did not end", counted(missing, "planned unit")),
        };
        let unreadable = match self.unreadable_lines() {
            0 => String::new(),
            lines => format!("; {} could not be read", counted(lines, "line")),
        };
        let implementations = self.implementations().map(|shares| format!("; {shares}")).unwrap_or_default();
        format!("{}{missing}{unreadable}{elapsed}{implementations}", self.counted_tests())
    }

    /// How many tests ran the model, and how many could not: `REAL` and `MOCK`.
    fn implementations(&self) -> Option<String> {
        let count = |name| self.tests.iter().filter(|test| test.last().implementation.as_deref() == Some(name)).count();
        let (real, mock) = (count("REAL"), count("MOCK"));
        #[expect(clippy::cast_precision_loss, reason = "a percentage")]
        let percent = 100.0 * real as f64 / (real + mock) as f64;
        (real + mock > 0).then(|| format!("{real} REAL, {mock} MOCK ({percent:.0} % REAL)"))
    }

    fn counted_tests(&self) -> String {
        let counts = Verdict::all().into_iter().map(|verdict| (self.summary.total(verdict), words(verdict)));
        let counts: Vec<_> =
            counts.filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect();
        match self.tests.len() {
            0 => "no tests".to_owned(),
            tests => format!("{}: {}", counted(tests, "test"), counts.join(", ")),
        }
    }
}

/// The command that runs a test again, or all of a file where no test is to blame.
pub(crate) fn reproduce(python: &str, attempt: &Attempt) -> String {
    shell_words::join([python, "-m", "pytest", &attempt.nodeid])
}

/// The command that shows which template line wrote the line that failed, where that is a line of the test file itself.
pub(crate) fn explain(attempt: &Attempt) -> Option<String> {
    let line = failed_line(attempt)?;
    Some(shell_words::join(["cargo", "tgen", "explain", &format!("{}:{line}", attempt.file)]))
}

/// The verdict in words for people.
fn words(verdict: Verdict) -> String {
    verdict.name().replace('_', " ")
}

/// A cell of the matrix in a few signs, which differ by more than colour: `✗ 3/20`.
fn cell_words(cell: &Cell) -> String {
    let tests = cell.tests();
    let of_all = |count: usize| if count == tests { count.to_string() } else { format!("{count}/{tests}") };
    match cell.rating() {
        Rating::Failing => format!("✗ {}", of_all(cell.failed)),
        Rating::Unknown => format!("? {}", of_all(cell.unknown)),
        Rating::Flaky => format!("~ {}", of_all(cell.flaky)),
        Rating::Passing => format!("✓ {}", of_all(cell.passed)),
        Rating::Skipped => format!("– {}", of_all(cell.skipped)),
    }
}

/// The line of the test file in which an attempt failed: pytest begins the reason with the place of the error.
pub(crate) fn failed_line(attempt: &Attempt) -> Option<usize> {
    let (path, line, _) = place_and_message(&attempt.reason)?;
    let path = path.replace('\\', "/");
    let is_own = path == attempt.file || path.ends_with(&format!("/{}", attempt.file));
    is_own.then_some(line)
}
