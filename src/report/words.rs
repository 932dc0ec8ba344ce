//! The sentences that the formats share, and the report in one line.

use camino::Utf8Path;
use tgen_core::base::problem::{Problem, Severity};
use tgen_core::output::diff::Hunk;
use tgen_core::output::edit::EditKind;
use tgen_core::output::state::State;

use super::{Baseline, OutputReport, Report};
use crate::printer::{Cut, counted, cut, visible};

/// What is wrong with an output, and what to do about it.
pub(super) fn sentence(output: &OutputReport) -> String {
    let kind = Kind::of(output);
    format!("`{}` is {}, {}: {}", output.path, kind.state.name(), kind.meaning(), kind.next_step([output]))
}

/// A state, and the kind of edit where it is that of edited outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    pub(super) state: State,
    pub(super) edit: EditKind,
}

impl Kind {
    pub(super) fn of(output: &OutputReport) -> Self {
        Self { state: output.state, edit: output.edit }
    }

    /// All kinds but fresh, in the order of a summary.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let edits = |state| if state == State::Edited { EditKind::ALL.as_slice() } else { &[EditKind::Text] };
        let states = State::ALL.into_iter().filter(|state| *state != State::Fresh);
        states.flat_map(move |state| edits(state).iter().map(move |edit| Self { state, edit: *edit }))
    }

    /// What it means, of one output or of many.
    pub(super) const fn meaning(self) -> &'static str {
        match self.state {
            State::Edited => self.edit.meaning(),
            state => state.meaning(),
        }
    }

    /// What to do about outputs of this kind.
    pub(super) fn next_step<'a>(self, outputs: impl IntoIterator<Item = &'a OutputReport>) -> String {
        match self.state {
            State::Edited => self.edit.next_step(common_folder(outputs)),
            state => state.next_step().to_owned(),
        }
    }
}

/// The folder that outputs have in common.
fn common_folder<'a>(outputs: impl IntoIterator<Item = &'a OutputReport>) -> &'a Utf8Path {
    let mut folders = outputs.into_iter().filter_map(|output| output.path.parent());
    let first = folders.next().unwrap_or(Utf8Path::new(""));
    folders.fold(first, |common, folder| {
        common.ancestors().find(|ancestor| folder.starts_with(ancestor)).unwrap_or(Utf8Path::new(""))
    })
}

/// The report in one line: ``631 outputs: 629 fresh, 1 stale, 1 edited; 1 warning (0.12 s)``.
pub(super) fn summary(report: &Report) -> String {
    let problems = counted_problems(report);
    let separator = if problems.is_empty() { "" } else { "; " };
    format!("{}{separator}{problems} ({:.2} s)", counted_outputs(report), report.elapsed.as_secs_f64())
}

fn counted_outputs(report: &Report) -> String {
    let total = report.outputs.len() + report.held;
    if total == 0 {
        return "no outputs".to_owned();
    }
    if report.count(State::Fresh) == total {
        let verb = if total == 1 { "is" } else { "are" };
        return format!("{} {verb} fresh", counted(total, "output"));
    }
    let states = State::ALL.map(|state| (report.count(state), state.name()));
    let held = (report.held, "held back by errors");
    let states: Vec<String> = states
        .iter()
        .chain([&held])
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    format!("{}: {}", counted(total, "output"), states.join(", "))
}

fn counted_problems(report: &Report) -> String {
    let kinds = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "note")];
    let count = |severity| report.problems.iter().filter(|problem| problem.severity == severity).count();
    let kinds = kinds.map(|(severity, noun)| (count(severity), noun));
    let kinds: Vec<String> =
        kinds.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| counted(*count, noun)).collect();
    kinds.join(", ")
}

/// The first line of a hunk in a unified diff.
pub(super) fn hunk_heading(hunk: &Hunk) -> String {
    format!("@@ -{},{} +{},{} @@", hunk.old.0, hunk.old.1, hunk.new.0, hunk.new.1)
}

/// A hunk as part of a unified diff, at most `limit` of its lines.
pub(super) fn unified(hunk: &Hunk, limit: usize) -> String {
    let Cut { shown, rest } = cut(&hunk.lines, limit);
    let lines = shown.iter().map(|line| format!("{}{}", line.change.sign(), visible(&line.text)));
    let rest = (rest > 0).then(|| format!("and {rest} more lines"));
    let lines: Vec<String> = std::iter::once(hunk_heading(hunk)).chain(lines).chain(rest).collect();
    lines.join("\n")
}

/// A problem with its help and its related places, one a line.
pub(super) fn whole(problem: &Problem) -> String {
    let help = problem.help.iter().map(|help| format!("help: {help}"));
    let related = problem.related.iter().map(|related| format!("note: {} ({})", related.message, related.path));
    let lines: Vec<String> = std::iter::once(problem.message.clone()).chain(help).chain(related).collect();
    lines.join("\n")
}

/// The note to the difference of an output that is both edited and stale.
pub(super) const fn baseline_note(baseline: Baseline) -> Option<&'static str> {
    match baseline {
        Baseline::Rendering => None,
        Baseline::Signed => {
            Some("its template has changed too: `generate --force` discards the change and renders anew")
        }
        Baseline::RenderingWithoutSigned => Some(
            "its template has changed too, and git does not have the text that was generated then: the difference shows \
             both changes",
        ),
    }
}

/// The words after a difference that is shown for several outputs.
pub(super) fn more_like_it(count: usize) -> Option<String> {
    (count > 1).then(|| format!("and {} more like it", count - 1))
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn the_summary_names_only_what_occurs() {
        assert_eq!(summary(&fixture::fresh(0)), "no outputs (0.12 s)");
        assert_eq!(summary(&fixture::fresh(1)), "1 output is fresh (0.12 s)");
        assert_eq!(summary(&fixture::fresh(631)), "631 outputs are fresh (0.12 s)");
        let held = Report { held: 2, ..fixture::fresh(1) };
        assert_eq!(summary(&held), "3 outputs: 1 fresh, 2 held back by errors (0.12 s)");
        let mixed =
            "8 outputs: 2 fresh, 1 missing, 2 stale, 1 edited, 1 foreign, 1 orphaned; 2 errors, 1 warning (0.12 s)";
        assert_eq!(summary(&fixture::mixed()), mixed);
    }
}
