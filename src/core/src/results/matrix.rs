//! How the tests of each model ended on each hardware type. This module must not know how that is shown.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::outcome::{Meaning, Outcome};
use super::verdict::{Test, Verdict};
use crate::base::named::named_enum;
use crate::model::hardware::HardwareType;

named_enum! {
    /// The combined result of several tests, the worst first.
    pub enum Rating {
        /// Some fail.
        Failing = "failing",
        /// The outcome of some is unknown.
        Unknown = "unknown",
        /// Some passed only on a retry.
        Flaky = "flaky",
        /// Some passed, and nothing is wrong with the others.
        Passing = "passing",
        /// All were skipped.
        Skipped = "skipped",
    }
}

/// The tests of a model on a hardware type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    /// How many failed.
    pub failed: usize,
    /// How many have an unknown outcome.
    pub unknown: usize,
    /// How many passed only on a retry.
    pub flaky: usize,
    /// How many passed.
    pub passed: usize,
    /// How many were skipped.
    pub skipped: usize,
}

impl Cell {
    /// The combined result of the tests.
    #[must_use]
    pub const fn rating(&self) -> Rating {
        if self.failed > 0 {
            Rating::Failing
        } else if self.unknown > 0 {
            Rating::Unknown
        } else if self.flaky > 0 {
            Rating::Flaky
        } else if self.passed > 0 {
            Rating::Passing
        } else {
            Rating::Skipped
        }
    }

    /// How many tests there are.
    #[must_use]
    pub const fn tests(&self) -> usize {
        self.failed + self.unknown + self.flaky + self.passed + self.skipped
    }

    fn add(&mut self, verdict: Verdict) {
        let count = match rating(verdict) {
            Rating::Failing => &mut self.failed,
            Rating::Unknown => &mut self.unknown,
            Rating::Flaky => &mut self.flaky,
            Rating::Passing => &mut self.passed,
            Rating::Skipped => &mut self.skipped,
        };
        *count += 1;
    }
}

/// The result that a single test counts as.
#[must_use]
pub const fn rating(verdict: Verdict) -> Rating {
    match verdict {
        Verdict::Flaky => Rating::Flaky,
        Verdict::Ended(Outcome::Skipped) => Rating::Skipped,
        Verdict::Ended(outcome) => match outcome.meaning() {
            Meaning::Failure => Rating::Failing,
            Meaning::Unknown => Rating::Unknown,
            Meaning::Success => Rating::Passing,
        },
    }
}

/// A model's tests, by hardware type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'r> {
    /// The model; the test file, where a test is of no model.
    pub model: &'r str,
    /// A cell for each hardware type of the matrix; none where there is no test.
    pub cells: Vec<Option<Cell>>,
}

impl Row<'_> {
    /// The sum of its cells.
    #[must_use]
    pub fn total(&self) -> Cell {
        self.cells.iter().flatten().fold(Cell::default(), |sum, cell| Cell {
            failed: sum.failed + cell.failed,
            unknown: sum.unknown + cell.unknown,
            flaky: sum.flaky + cell.flaky,
            passed: sum.passed + cell.passed,
            skipped: sum.skipped + cell.skipped,
        })
    }
}

/// All models by all hardware types that tests ran on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix<'r> {
    /// The hardware types.
    pub hardware: Vec<HardwareType>,
    /// The models, the worst first.
    pub rows: Vec<Row<'r>>,
}

impl<'r> Matrix<'r> {
    /// The matrix of tests.
    #[must_use]
    pub fn new(tests: &[Test<'r>]) -> Self {
        let hardware: BTreeSet<HardwareType> = tests.iter().map(|test| test.last().hardware).collect();
        let columns: BTreeMap<HardwareType, usize> = hardware.iter().copied().zip(0..).collect();
        let mut rows: BTreeMap<&str, Vec<Option<Cell>>> = BTreeMap::new();
        for test in tests {
            let last = test.last();
            let cells = rows.entry(subject(test)).or_insert_with(|| vec![None; columns.len()]);
            if let Some(cell) = columns.get(&last.hardware).and_then(|column| cells.get_mut(*column)) {
                cell.get_or_insert_default().add(test.verdict);
            }
        }
        let mut rows: Vec<Row<'r>> = rows.into_iter().map(|(model, cells)| Row { model, cells }).collect();
        rows.sort_by_cached_key(|row| {
            let total = row.total();
            (total.rating(), Reverse((total.failed, total.unknown, total.flaky)))
        });
        Self { hardware: hardware.into_iter().collect(), rows }
    }
}

/// The row in which a test counts: its model, or else its file.
#[must_use]
pub fn subject<'r>(test: &Test<'r>) -> &'r str {
    let last = test.last();
    last.model.as_deref().unwrap_or(&last.file)
}
