//! What a check reports of each output. Outputs are reported on many threads at once; how the report is shown must not be
//! known here.

use std::collections::HashSet;
use std::sync::Mutex;

use camino::Utf8PathBuf;
use tgen_core::base::conflict::Conflicts;
use tgen_core::output::diff::{self, HunkGroups};
use tgen_core::output::edit::EditKind;
use tgen_core::output::state::State;
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::comparison::Judged;

use super::CheckArgs;
use super::signed_text::SignedText;
use crate::apply::ExecutableTemplates;
use crate::project::session::Session;
use crate::report::OutputReport;

/// Reports outputs, and collects how they differ.
pub(super) struct Reporter<'r> {
    session: &'r Session,
    plan: &'r Plan<'r>,
    args: &'r CheckArgs,
    templates: Vec<Option<Utf8PathBuf>>,
    executables: ExecutableTemplates,
    groups: Mutex<HunkGroups>,
}

impl<'r> Reporter<'r> {
    pub(super) fn new(session: &'r Session, plan: &'r Plan<'r>, args: &'r CheckArgs) -> Self {
        let executables = ExecutableTemplates::of(plan, &session.root);
        let templates = template_files(session, plan);
        Self { session, plan, args, templates, executables, groups: Mutex::default() }
    }

    /// Reports an output; `number` is its place among the outputs that are checked.
    pub(super) fn report(&self, number: usize, output: &PlannedOutput, judged: &Judged<'_>) -> OutputReport {
        let location = self.plan.location(output);
        let edit = judged.edit();
        let is_stale = judged.state == State::Fresh && self.executables.is_lacking(self.plan, output);
        let signed = SignedText::of(&self.session.root.join(&location), judged, edit, self.args);
        let conflicts = (edit == EditKind::Conflict).then(|| Conflicts::read(judged.existing)).flatten();
        let first_line = match conflicts {
            Some(conflicts) => Some(first_line_at(judged.existing, conflicts.first_marker.start)),
            None => self.first_difference(judged, &signed, number),
        };
        OutputReport {
            path: self.session.standpoint.seen(&location),
            state: if is_stale { State::Stale } else { judged.state },
            edit,
            origin: judged.origin.to_owned(),
            template: self.templates[usize::from(output.template)].clone(),
            first_line,
            baseline: signed.baseline(),
        }
    }

    /// The differences of all reported outputs.
    pub(super) fn into_groups(self) -> HunkGroups {
        self.groups.into_inner().unwrap_or_default()
    }

    /// Adds how an output differs to the groups, and gives the first line that does.
    fn first_difference(&self, judged: &Judged<'_>, signed: &SignedText, number: usize) -> Option<usize> {
        match judged.state {
            State::Stale if !self.args.no_diff => self.add_hunks(judged, (judged.existing, judged.expected), number),
            // Of an edited output the user's change is shown: from what was generated to what the file holds.
            State::Edited if !self.args.no_diff => {
                let generated = signed.text().unwrap_or(judged.expected);
                self.add_hunks(judged, (generated, judged.existing), number)
            }
            _ => None,
        }
    }

    fn add_hunks(&self, judged: &Judged<'_>, (old, new): (&[u8], &[u8]), number: usize) -> Option<usize> {
        let values = self.plan.case(judged.output).telling_values();
        let hunks: Vec<_> = diff::hunks(old, new).into_iter().map(|hunk| (hunk.likeness(&values), hunk)).collect();
        let first_line = hunks.first().map(|(_, hunk)| {
            let first = if judged.state == State::Edited { hunk.new.0 } else { hunk.old.0 };
            first + hunk.lines_before_change()
        });
        if let Ok(mut groups) = self.groups.lock() {
            for (likeness, hunk) in hunks {
                groups.add(number, hunk, likeness);
            }
        }
        first_line
    }
}

/// The files of the plan's templates, as the user would name them; none for a built-in one and one of the database.
fn template_files(session: &Session, plan: &Plan<'_>) -> Vec<Option<Utf8PathBuf>> {
    let library = &plan.project.library;
    let own: HashSet<_> = library.project_names().collect();
    let file = |name| library.path_of(name).filter(|_| own.contains(name)).map(|path| session.standpoint.seen(path));
    plan.templates.iter().map(|template| file(&template.name)).collect()
}

/// The number of the line that holds an offset, from 1.
fn first_line_at(text: &[u8], offset: usize) -> usize {
    text[..offset].split(|byte| *byte == b'\n').count()
}
