//! How the last round changed the outputs, kept for the key that shows it, up to a bound of memory.

use camino::Utf8Path;
use tgen_core::output::diff::{self, HunkGroups};
use tgen_core::output::state::State;
use tgen_core::plan::Plan;
use tgen_core::rendering::comparison::Judged;

use crate::report::{OutputReport, Report};

/// The most bytes of texts that are kept.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The texts of outputs that differ.
#[derive(Default)]
pub(super) struct Differences {
    kept: Vec<Difference>,
    bytes: usize,
    /// The number of outputs that differ and were not kept.
    pub(super) rest: usize,
}

struct Difference {
    output: OutputReport,
    values: Vec<(&'static str, String)>,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Differences {
    /// Keeps an output's texts, up to the bound.
    pub(super) fn add(&mut self, plan: &Plan<'_>, location: &Utf8Path, judged: &Judged<'_>) {
        // For edited outputs, the difference runs from the rendered text to the user's.
        let (before, after) = match judged.state {
            State::Edited => (judged.expected, judged.existing),
            _ => (judged.existing, judged.expected),
        };
        self.bytes += before.len() + after.len();
        if self.bytes > MOST_BYTES {
            self.rest += 1;
            return;
        }
        let output =
            OutputReport { origin: judged.origin.to_owned(), ..OutputReport::new(location.to_owned(), judged.state) };
        let values = plan.case(judged.output).telling_values();
        self.kept.push(Difference { output, values, before: before.to_vec(), after: after.to_vec() });
    }

    /// Whether nothing was kept.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// A report of the differences, with hunks that are alike shown once.
    pub(super) fn report(&self) -> Report {
        let mut sorted: Vec<&Difference> = self.kept.iter().collect();
        sorted.sort_by(|left, right| left.output.path.cmp(&right.output.path));
        let mut groups = HunkGroups::default();
        for (number, difference) in sorted.iter().enumerate() {
            for hunk in diff::hunks(&difference.before, &difference.after) {
                let likeness = hunk.likeness(&difference.values);
                groups.add(number, hunk, likeness);
            }
        }
        let outputs = sorted.iter().map(|difference| difference.output.clone()).collect();
        Report { outputs, groups: groups.into_groups(), ..Report::default() }
    }
}
