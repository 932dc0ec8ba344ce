//! A project that follows its files: after any changes it is what a fresh load would give.
//!
//! What no change concerns is not read or parsed again. It holds no plan: [`crate::plan::Plan`] is made from it anew, which
//! costs little beside rendering.

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::Changes;
use crate::base::cancellation::Cancellation;
use crate::base::files::Files;
use crate::base::problem::Problem;
use crate::config::{self, Config, Origin, is_in_pyproject, origins_in};
use crate::project::Project;
use crate::project::inputs::{InputKind, Inputs};
use crate::template::library::Pack;

/// From this many changed paths on, as after a checkout, everything is read again: that costs less than asking of each.
const MANY: usize = 64;

/// A project and its files.
pub struct LiveProject<'f> {
    files: &'f dyn Files,
    pack: &'static Pack,
    origin: Option<Origin>,
    inputs: Arc<Inputs>,
    /// As of the last configuration that could be read.
    project: Option<Project<'f>>,
    /// What is wrong with the configuration now.
    faults: Vec<Problem>,
    cancellation: Cancellation,
}

/// What a changed path means to a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Concern {
    /// It is no input, or came and went unseen.
    None,
    /// One template or reference implementation.
    File,
    /// Something on which everything may depend.
    All,
}

impl<'f> LiveProject<'f> {
    /// Reads the project whose configuration stands at `origin`; none for the built-in one. A `tgen.toml`, or a table in a
    /// `Cargo.toml`, that appears in its root later is found.
    #[must_use]
    pub fn load(files: &'f dyn Files, pack: &'static Pack, origin: Option<Origin>) -> Self {
        let inputs = Arc::new(Inputs::of_configuration(origin));
        let (project, faults, cancellation) = (None, Vec::new(), Cancellation::default());
        let mut live = Self { files, pack, origin, inputs, project, faults, cancellation };
        live.load_afresh();
        live
    }

    /// Lets planning and rendering it end early, as [`Project::cancelled_by`] says.
    #[must_use]
    pub fn cancelled_by(mut self, cancellation: &Cancellation) -> Self {
        self.cancellation = cancellation.clone();
        self.project = self.project.map(|project| project.cancelled_by(cancellation.clone()));
        self
    }

    /// The project as its files are now.
    ///
    /// # Errors
    /// What is wrong with its configuration, when that cannot be read.
    pub fn current(&self) -> Result<&Project<'f>, &[Problem]> {
        self.project.as_ref().filter(|_| self.faults.is_empty()).ok_or(&self.faults)
    }

    /// The project as of the last configuration that could be read.
    #[must_use]
    pub fn last_good(&self) -> Option<&Project<'f>> {
        self.project.as_ref()
    }

    /// Follows changes of files.
    pub fn apply(&mut self, changes: &Changes) {
        let of_configuration = changes.paths().any(|path| self.is_configuration(path));
        // Once the configuration can be read again, everything is read with it.
        let can_follow = self.faults.is_empty();
        if of_configuration || !(can_follow && self.follow(changes)) {
            self.load_afresh();
        }
    }

    /// Whether a change at a path may change the project.
    #[must_use]
    pub fn is_concerned(&self, path: &Utf8Path) -> bool {
        self.is_configuration(path)
            || self.project.as_ref().is_some_and(|project| concern(project, self.files, path) != Concern::None)
    }

    /// The files that it is read from: while the configuration cannot be read, as of the last one that could be.
    #[must_use]
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Whether a path is a configuration, or the root above it.
    fn is_configuration(&self, path: &Utf8Path) -> bool {
        let mut kinds = self.inputs.kinds_of(path);
        path.as_str().is_empty() || kinds.any(|kind| kind == InputKind::Configuration)
    }

    /// Reads again what has changed; false where that cannot be told file by file.
    fn follow(&mut self, changes: &Changes) -> bool {
        let Some(project) = &self.project else { return false };
        let Some(files) = changed_inputs(project, self.files, changes) else { return false };
        if files.is_empty() {
            return true;
        }
        let Some(after) = project.after(self.files, &files) else { return false };
        self.project = Some(after);
        true
    }

    fn load_afresh(&mut self) {
        self.origin = origin_now(self.files, self.origin);
        match self
            .origin
            .map_or_else(|| Ok(Config::unconfigured(self.files)), |origin| config::load(self.files, origin))
        {
            Ok(config) => {
                self.faults.clear();
                let project = Project::load(self.files, config, self.pack).cancelled_by(self.cancellation.clone());
                self.inputs = Arc::clone(&project.inputs);
                self.project = Some(project);
            }
            Err(faults) => {
                self.faults = faults;
                let configuration = Inputs::of_configuration(self.origin);
                self.inputs = Arc::new(self.inputs.with_configuration(&configuration));
            }
        }
    }
}

/// A project as `files` has it after changes; what no change concerns is shared with the project before. None where only a
/// fresh load can tell.
#[must_use]
pub fn follow<'g>(project: &Project<'_>, files: &'g dyn Files, changes: &Changes) -> Option<Project<'g>> {
    project.after(files, &changed_inputs(project, files, changes)?)
}

/// The templates and reference implementations that changes concern. None where everything may depend on a change.
fn changed_inputs(project: &Project<'_>, files: &dyn Files, changes: &Changes) -> Option<Vec<Utf8PathBuf>> {
    if changes.is_rescan() || changes.paths().len() >= MANY {
        return None;
    }
    let mut inputs = Vec::new();
    for path in changes.paths() {
        match concern(project, files, path) {
            Concern::None => {}
            Concern::File => inputs.push(path.to_owned()),
            Concern::All => return None,
        }
    }
    Some(inputs)
}

/// The files in which a configuration can stand, the one that wins first.
const CONFIGURATIONS: [&str; 3] =
    [Origin::TgenToml.file_name(), Origin::PyProjectTool.file_name(), Origin::CargoPackageMetadata.file_name()];

/// Where the configuration stands now. One that is gone is missed rather than silently replaced by the built-in one.
fn origin_now(files: &dyn Files, before: Option<Origin>) -> Option<Origin> {
    let [tgen_toml, pyproject_toml, cargo_toml] = CONFIGURATIONS.map(Utf8Path::new);
    if files.is_file(tgen_toml) {
        return Some(Origin::TgenToml);
    }
    if files.read_text(pyproject_toml).ok().and_then(|text| is_in_pyproject(&text)).unwrap_or_default() {
        return Some(Origin::PyProjectTool);
    }
    let tables = files.read_text(cargo_toml).ok().and_then(|text| origins_in(&text)).unwrap_or_default();
    tables.first().copied().or(before)
}

/// What a change at a path, of a file or a folder, means.
fn concern(project: &Project<'_>, files: &dyn Files, path: &Utf8Path) -> Concern {
    if project.inputs.stand_below(path) || project.has_read_below(path) {
        return Concern::All;
    }
    if !project.inputs.contain(path) {
        return Concern::None;
    }
    if files.is_file(path) {
        return Concern::File;
    }
    match (files.is_folder(path), project.has_read(path)) {
        (true, _) => Concern::All,
        (false, true) => Concern::File,
        (false, false) => Concern::None,
    }
}
