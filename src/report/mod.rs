//! What a check found and what a plan holds, and their faces: for people, for programs, for CI services.
//!
//! A report is data; the formats below only write it. They must not read files or know how the outputs were judged.

mod causes;
pub(crate) mod github;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod markdown;
#[cfg(feature = "store")]
pub(crate) mod plan;
#[cfg(feature = "store")]
pub(crate) mod plan_matrix;
pub(crate) mod run;
pub(crate) mod sarif;

#[cfg(test)]
mod fixture;
mod place;
mod words;

use std::time::Duration;

use camino::Utf8PathBuf;
use serde::Serialize;
use tgen_core::base::problem::Problem;
use tgen_core::output::diff::HunkGroup;
use tgen_core::output::edit::EditKind;
use tgen_core::output::state::State;

/// What a check found.
#[derive(Default)]
pub(crate) struct Report {
    /// What is wrong with the inputs, and with outputs that could not be judged.
    pub(crate) problems: Vec<Problem>,
    /// Every output, in the order of the plan, orphans last.
    pub(crate) outputs: Vec<OutputReport>,
    /// The differences, those that are alike as one, in the order of their examples: `HunkGroup::output` is an index into
    /// `outputs`. They lead from what is committed to what should be; those of an edited output the other way, so that a
    /// person's change reads as one.
    pub(crate) groups: Vec<HunkGroup>,
    /// How many outputs could not be judged, because their template has errors or their formatter failed.
    pub(crate) held: usize,
    /// How long it took.
    pub(crate) elapsed: Duration,
    /// Why the check could not run to its end.
    pub(crate) failure: Option<String>,
}

/// One output in a report.
#[derive(Debug, Clone)]
pub(crate) struct OutputReport {
    /// Where it stands, as the user would name it.
    pub(crate) path: Utf8PathBuf,
    /// Its state.
    pub(crate) state: State,
    /// What kind of edit it is, of an edited output.
    pub(crate) edit: EditKind,
    /// What it is generated from: ``skillset.py.tera for bert``; empty for an orphan.
    pub(crate) origin: String,
    /// The template's file, as the user would name it; none where the template is no file of the project.
    pub(crate) template: Option<Utf8PathBuf>,
    /// The first line that differs in the committed file, from 1.
    pub(crate) first_line: Option<usize>,
    /// What the committed file was compared with.
    pub(crate) baseline: Baseline,
}

/// What the difference of an output was taken against. Only an edited output that is also stale has another baseline than
/// what its template renders to now: the user's change is what differs from the text that was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Baseline {
    /// What the template renders to now.
    #[default]
    Rendering,
    /// The text that was signed, from git's history.
    Signed,
    /// What the template renders to now, because the text that was signed is not in git's history: the difference holds
    /// the template's change as well as the user's.
    RenderingWithoutSigned,
}

impl Baseline {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn is_rendering(&self) -> bool {
        *self == Self::Rendering
    }
}

impl OutputReport {
    /// An output of which nothing else is known.
    pub(crate) fn new(path: Utf8PathBuf, state: State) -> Self {
        Self {
            path,
            state,
            edit: EditKind::default(),
            origin: String::new(),
            template: None,
            first_line: None,
            baseline: Baseline::default(),
        }
    }

    /// The name of the template; the state's name for an orphan, which has none.
    fn template_name(&self) -> &str {
        match self.origin.split_once(" for ") {
            Some((template, _)) => template,
            None if self.origin.is_empty() => self.state.name(),
            None => &self.origin,
        }
    }
}

impl Report {
    /// Adds what was found in another project.
    pub(crate) fn add(&mut self, other: Self) {
        let before = self.outputs.len();
        self.held += other.held;
        self.problems.extend(other.problems);
        if self.outputs.is_empty() {
            self.outputs = other.outputs;
        } else {
            self.outputs.extend(other.outputs);
        }
        self.groups.extend(other.groups.into_iter().map(|group| HunkGroup { output: before + group.output, ..group }));
    }

    /// How many outputs are in a state.
    pub(crate) fn count(&self, state: State) -> usize {
        self.outputs.iter().filter(|output| output.state == state).count()
    }

    /// The differences of which an output is the example.
    fn differences_of(&self, output: usize) -> impl Iterator<Item = &HunkGroup> {
        let first = self.groups.partition_point(|group| group.output < output);
        self.groups[first..].iter().take_while(move |group| group.output == output)
    }

    /// Whether nothing differs and nothing is wrong.
    pub(crate) fn is_clean(&self) -> bool {
        self.failure.is_none()
            && self.outputs.iter().all(|output| output.state == State::Fresh)
            && !self.problems.iter().any(Problem::is_error)
    }
}
