//! How the last round changed the outputs, kept until somebody asks, and never more of it than a terminal could show.

use std::time::Duration;

use camino::Utf8Path;
use tgen_core::output::diff::{self, HunkGroups};
use tgen_core::output::state::State;
use tgen_core::plan::Plan;
use tgen_core::rendering::comparison::Judged;

use crate::report::{OutputReport, Report};

/// Texts are kept until they make up this many bytes, so that memory does not grow with the outputs.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The texts of outputs that differ.
#[derive(Default)]
pub(super) struct Differences {
    kept: Vec<Difference>,
    bytes: usize,
    /// How many more there are.
    pub(super) rest: usize,
}

struct Difference {
    output: OutputReport,
    values: Vec<(&'static str, String)>,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Differences {
    /// Keeps an output's texts, where there is room for them.
    pub(super) fn add(&mut self, plan: &Plan<'_>, location: &Utf8Path, judged: &Judged<'_>) {
        // Of an edited output the person's change is shown: what was made of what the template says.
        let (before, after) = match judged.state {
            State::Edited => (judged.expected, judged.existing),
            _ => (judged.existing, judged.expected),
        };
        self.bytes += before.len() + after.len();
        if self.bytes > MOST_BYTES {
            self.rest += 1;
            return;
        }
        let output = OutputReport {
            path: location.to_owned(),
            state: judged.state,
            origin: judged.origin.to_owned(),
            first_line: None,
        };
        let values = plan.case(judged.output).telling_values();
        self.kept.push(Difference { output, values, before: before.to_vec(), after: after.to_vec() });
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What differs, with hunks that are alike shown once.
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
        Report { problems: Vec::new(), outputs, groups: groups.into_groups(), elapsed: Duration::ZERO }
    }
}
