//! Findings grouped by cause: one edit of a template makes hundreds of outputs stale, which a CI service should show once.

use std::cmp::Reverse;
use std::collections::HashMap;

use camino::Utf8Path;
use tgen_core::base::problem::{Problem, Severity};
use tgen_core::output::edit::EditKind;
use tgen_core::output::state::State;

use super::words::Kind;
use super::{OutputReport, Report, words};

/// What caused one or more findings.
pub(super) enum Cause<'a> {
    Problem(&'a Problem),
    Outputs(AlikeOutputs<'a>),
}

/// Outputs that are in a state for the same reason.
pub(super) struct AlikeOutputs<'a> {
    pub(super) state: State,
    edit: EditKind,
    /// Their numbers in the report; never empty.
    pub(super) numbers: Vec<usize>,
    report: &'a Report,
}

/// All causes, the most important ones first: what users edited, then errors, then what `generate` corrects.
pub(super) fn causes(report: &Report) -> Vec<Cause<'_>> {
    let mut causes: Vec<Cause<'_>> = report.problems.iter().map(Cause::Problem).collect();
    let mut groups: Vec<AlikeOutputs<'_>> = Vec::new();
    let mut places: HashMap<(Kind, &str), usize> = HashMap::new();
    for (number, output) in report.outputs.iter().enumerate().filter(|(_, output)| output.state != State::Fresh) {
        let next = groups.len();
        // Each edit of a person is a cause of its own; all edits of a formatter are one.
        let at = if output.state.is_protected() && output.edit != EditKind::Formatting {
            next
        } else {
            *places.entry((Kind::of(output), output.template_name())).or_insert(next)
        };
        match groups.get_mut(at) {
            Some(group) => group.numbers.push(number),
            None => groups.push(AlikeOutputs { state: output.state, edit: output.edit, numbers: vec![number], report }),
        }
    }
    causes.extend(groups.into_iter().map(Cause::Outputs));
    causes.sort_by_key(|cause| Reverse(cause.weight()));
    causes
}

impl Cause<'_> {
    pub(super) fn severity(&self) -> Severity {
        match self {
            Self::Problem(problem) => problem.severity,
            Self::Outputs(_) => Severity::Error,
        }
    }

    /// How many findings it has caused.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Problem(_) => 1,
            Self::Outputs(outputs) => outputs.numbers.len(),
        }
    }

    fn weight(&self) -> (Severity, u8) {
        let within = match self {
            Self::Problem(_) => 1,
            Self::Outputs(outputs) => 2 * u8::from(outputs.state.is_protected()),
        };
        (self.severity(), within)
    }
}

impl<'a> AlikeOutputs<'a> {
    /// The first of them, as the example.
    pub(super) fn example(&self) -> (usize, &'a OutputReport) {
        let number = self.numbers[0];
        (number, &self.report.outputs[number])
    }

    /// The file that a reader has to open: the template of several outputs, where it is one of the project's files.
    pub(super) fn place(&self) -> (&'a Utf8Path, Option<usize>) {
        let (_, example) = self.example();
        match &example.template {
            Some(template) if self.numbers.len() > 1 && matches!(self.state, State::Missing | State::Stale) => {
                (template, None)
            }
            _ => (&example.path, example.first_line),
        }
    }

    /// What is wrong, and what to do about it.
    pub(super) fn message(&self) -> String {
        let (_, example) = self.example();
        if self.numbers.len() == 1 {
            return words::sentence(example);
        }
        let of = if example.origin.is_empty() { String::new() } else { format!(" of `{}`", example.template_name()) };
        let (kind, count) = (Kind { state: self.state, edit: self.edit }, self.numbers.len());
        let outputs = self.numbers.iter().map(|number| &self.report.outputs[*number]);
        format!(
            "{count} outputs{of} are {}, {}: {}; the first is `{}`",
            kind.state.name(),
            kind.meaning(),
            kind.next_step(outputs),
            example.path
        )
    }

    /// The paths of all but the first.
    pub(super) fn others(&self) -> impl Iterator<Item = &'a Utf8Path> {
        self.numbers[1..].iter().map(|number| self.report.outputs[*number].path.as_path())
    }
}
