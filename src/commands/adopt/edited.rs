//! Finds the edited outputs that the user names, or all of them.

use std::io;

use anyhow::{anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;
use tgen_core::base::conflict::Conflicts;
use tgen_core::base::problem::Severity;
use tgen_core::base::suggest::did_you_mean;
use tgen_core::output::signature;
use tgen_core::output::state::State;
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::adopt::EditedOutput;
use tgen_core::rendering::comparison::{Judged, judge_each};

use crate::apply::StampsBefore;
use crate::apply::formatted::FormattedOutputs;
use crate::printer::Printer;
use crate::project::session::{self, Session};
use crate::world::stamp::Stamp;

/// The edited outputs of a project.
pub(super) struct Edited {
    pub(super) outputs: Vec<EditedOutput>,
    /// The stamps of their files before they were read.
    pub(super) stamps: StampsBefore,
    /// How many were left out, with a warning or an error.
    pub(super) skipped: usize,
    /// The outputs that were asked for, if they were named.
    pub(super) named: Vec<Utf8PathBuf>,
}

/// What is known of an output that may be edited.
enum Candidate {
    Edited(String),
    Skipped(String),
    Other,
}

impl Edited {
    /// The outputs that `files` name, or all that are edited if it is empty.
    pub(super) fn find(session: &Session, plan: &Plan<'_>, files: &[Utf8PathBuf]) -> anyhow::Result<Self> {
        let wanted = wanted(files)?;
        let location = |output: &PlannedOutput| session.root.join(plan.location(output));
        let named = plan.outputs.iter().map(location).filter(|path| wanted.contains(path)).collect();
        let mut outputs: Vec<PlannedOutput> = if wanted.is_empty() {
            not_intact(plan)
        } else {
            plan.outputs.iter().filter(|output| wanted.contains(&location(output))).cloned().collect()
        };
        let stamps = outputs.iter().map(|output| (plan.location(output), Stamp::at(&location(output)))).collect();
        let mut problems = Vec::new();
        let formatted = FormattedOutputs::format(plan, &mut outputs, &session.root, &mut problems)?;
        let candidates =
            judge_each(plan, &outputs, &|output, buffer| formatted.read(output, buffer), |_, output, judged| {
                judged.map(|judged| (output.path.clone(), candidate(session, plan, &judged, !files.is_empty())))
            });
        let mut edited = Self { outputs: Vec::new(), stamps, skipped: 0, named };
        for candidate in candidates {
            match candidate {
                Ok((path, Candidate::Edited(text))) => {
                    let number = plan.outputs.iter().position(|output| output.path == path);
                    edited.outputs.extend(number.map(|output| EditedOutput { output, text }));
                }
                Ok((_, Candidate::Skipped(message))) => {
                    Printer::new().warning(&message);
                    edited.skipped += 1;
                }
                Ok((_, Candidate::Other)) => {}
                Err(problem) => problems.push(problem),
            }
        }
        edited.skipped += problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        session.print_problems(plan.project, &problems);
        Ok(edited)
    }

    /// Fails if a file that the user named is no output.
    pub(super) fn refuse_unknown(
        named: &[Utf8PathBuf],
        files: &[Utf8PathBuf],
        known: &[Utf8PathBuf],
    ) -> anyhow::Result<()> {
        let wanted = wanted(files)?;
        let mut unknown = files.iter().zip(wanted).filter(|(_, path)| !named.contains(path));
        let Some((file, _)) = unknown.next() else { return Ok(()) };
        let known: Vec<_> = known.iter().map(|path| session::shown(path)).collect();
        let next = did_you_mean(file.as_str(), known.iter().map(|path| path.as_str()))
            .unwrap_or_else(|| "`cargo tgen check` lists the outputs that are edited".to_owned());
        Err(anyhow!("`{file}` is no output of this project; {next}"))
    }

    /// Fails if a file was changed after it was read.
    pub(super) fn refuse_changed_since(&self, session: &Session, plan: &Plan<'_>) -> anyhow::Result<()> {
        for EditedOutput { output, .. } in &self.outputs {
            let location = plan.location(&plan.outputs[*output]);
            if Stamp::at(&session.root.join(&location)) != self.stamps.get(&location).copied().flatten() {
                bail!("`{location}` was changed meanwhile; nothing was changed, run it again");
            }
        }
        Ok(())
    }
}

/// The outputs whose files are not as they were generated, by any template: those alone may be edited, and need rendering.
fn not_intact(plan: &Plan<'_>) -> Vec<PlannedOutput> {
    let is_meant = |buffer: &mut Vec<u8>, output: &PlannedOutput| {
        let read = plan.project.files.read_into(&plan.location(output), buffer);
        let is_meant = match read {
            Ok(()) => !signature::find(buffer).is_some_and(|signature| signature.intact),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        is_meant.then(|| output.clone())
    };
    plan.outputs.par_iter().map_init(Vec::new, is_meant).flatten().collect()
}

fn wanted(files: &[Utf8PathBuf]) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let here = session::current_folder()?;
    Ok(files.iter().map(|file| crate::project::locate::without_dots(&here.join(file))).collect())
}

/// `is_named` says whether the user named the output.
fn candidate(session: &Session, plan: &Plan<'_>, judged: &Judged<'_>, is_named: bool) -> Candidate {
    let path = session.standpoint.seen(&plan.location(judged.output));
    match judged.state {
        State::Edited if is_stale_too(judged) => Candidate::Skipped(format!(
            "`{path}` was edited, and its template has changed since; run `cargo tgen generate --merge` first"
        )),
        State::Edited => match signature::without_signature(judged.existing).map(String::from_utf8) {
            Some(Ok(text)) if Conflicts::read(text.as_bytes()).is_some() => {
                Candidate::Skipped(format!("`{path}` has conflict markers; resolve the conflicts first"))
            }
            Some(Ok(text)) => Candidate::Edited(text),
            _ => Candidate::Skipped(format!("`{path}` is not UTF-8 text")),
        },
        state if is_named => Candidate::Skipped(not_edited(&path, state)),
        _ => Candidate::Other,
    }
}

fn not_edited(path: &Utf8Path, state: State) -> String {
    match state {
        State::Foreign => {
            format!("`{path}` has no signature; restore the first lines that cargo-tgen wrote, for example from git")
        }
        state => format!("`{path}` is {}, not edited: {}", state.name(), state.next_step()),
    }
}

/// Whether the template has changed since the output was generated: then the difference is not the user's alone.
fn is_stale_too(judged: &Judged<'_>) -> bool {
    signature::signed(judged.existing) != signature::signed(judged.expected)
}
