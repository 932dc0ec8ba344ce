//! Writes single outputs, unless they are fresh or their files may not be replaced.

use std::collections::{HashMap, HashSet};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::problem::Problem;
use tgen_core::output::state::State;
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::comparison::Judged;
use tgen_core::template::TemplateName;

use super::applied::{Applied, LeftAloneReason, Protected, cannot_write};
use crate::project::standpoint::Standpoint;
use crate::world::disk::{self, Executable, NewFile, Overwritten, Writer};
use crate::world::interrupt;
use crate::world::stamp::Stamp;

/// Which existing files may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overwrite {
    /// Files that cargo-tgen wrote and that are unchanged since.
    OwnFiles,
    /// Every file: `--force`.
    AllFiles,
}

/// The stamps of output files before they were compared, by the outputs' locations; none where there was no file.
pub(crate) type StampsBefore = HashMap<Utf8PathBuf, Option<Stamp>>;

/// Writes outputs or refuses to. It can be shared between threads, one output at a time each.
pub(crate) struct Applier<'a> {
    /// Which existing files may be replaced.
    pub(crate) overwrite: Overwrite,
    /// None where nothing is to be written, or can be.
    pub(crate) writer: Option<Writer>,
    /// How to name files in messages.
    pub(crate) standpoint: &'a Standpoint,
    /// Where given, a file that no longer has its stamp is left alone.
    pub(crate) stamps: Option<&'a StampsBefore>,
    /// The templates whose outputs are to be executable.
    pub(crate) executables: ExecutableTemplates,
}

/// The templates whose files are executable: their outputs are to be, too.
#[derive(Debug, Default)]
pub(crate) struct ExecutableTemplates {
    names: HashSet<TemplateName>,
    /// The project's root.
    root: Utf8PathBuf,
}

impl ExecutableTemplates {
    /// Finds those of a plan, for a project in `root`.
    pub(crate) fn of(plan: &Plan<'_>, root: &Utf8Path) -> Self {
        let library = &plan.project.library;
        let is_executable =
            |name: &&TemplateName| library.path_of(name).is_some_and(|path| disk::is_executable(&root.join(path)));
        let names = plan.templates.iter().map(|template| &template.name).filter(is_executable).cloned().collect();
        Self { names, root: root.to_owned() }
    }

    /// Whether an output's file should be executable, and is not.
    pub(crate) fn is_lacking(&self, plan: &Plan<'_>, output: &PlannedOutput) -> bool {
        self.has(plan, output) == Executable::Yes && !disk::is_executable(&self.root.join(plan.location(output)))
    }

    fn has(&self, plan: &Plan<'_>, output: &PlannedOutput) -> Executable {
        if self.names.contains(&plan.templates[output.template].name) { Executable::Yes } else { Executable::No }
    }
}

impl Applier<'_> {
    /// Writes an output, unless it is fresh or its file may not be replaced.
    pub(crate) fn apply(
        &self,
        plan: &Plan<'_>,
        output: &PlannedOutput,
        judged: &Result<Judged<'_>, Problem>,
    ) -> Applied {
        if interrupt::requested() {
            return Applied::Interrupted;
        }
        let judged = match judged {
            Ok(judged) => judged,
            Err(problem) => return Applied::Failed(problem.clone()),
        };
        match judged.state {
            State::Fresh if !self.executables.is_lacking(plan, output) => Applied::Fresh,
            state if state.is_protected() && self.overwrite == Overwrite::OwnFiles => {
                Applied::LeftAlone(LeftAloneReason::Protected(Protected { state, edit: judged.edit() }))
            }
            State::Fresh if self.writer.is_none() => Applied::Due(State::Stale),
            state if self.writer.is_none() => Applied::Due(state),
            _ => self.write(plan, output, judged.expected),
        }
    }

    /// Writes what an output is to hold; the caller has made sure that its file may be replaced.
    pub(crate) fn write(&self, plan: &Plan<'_>, output: &PlannedOutput, content: &[u8]) -> Applied {
        if interrupt::requested() {
            return Applied::Interrupted;
        }
        let Some(writer) = &self.writer else { return Applied::Due(State::Stale) };
        let location = plan.location(output);
        let path = output.path.as_path();
        let new = NewFile { content, executable: self.executables.has(plan, output) };
        let written = match self.stamps {
            Some(stamps) => writer.write_over(path, new, stamps.get(&location).copied().flatten()),
            None => writer.write(path, new).map(|()| Overwritten::Yes(None)),
        };
        match written {
            Ok(Overwritten::Yes(stamp)) => Applied::Written(stamp),
            Ok(Overwritten::No) => Applied::LeftAlone(LeftAloneReason::ChangedMeanwhile),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                Applied::LeftAlone(LeftAloneReason::OpenElsewhere)
            }
            Err(error) => Applied::Failed(cannot_write(&self.standpoint.seen(&location), &error)),
        }
    }
}
