//! A project that follows changes of its files; the result is always equal to a fresh load.
//!
//! Unchanged inputs are not read or parsed again. It holds no plan: the caller computes a new [`crate::plan::Plan`],
//! which is cheap compared to rendering.

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

/// From this many changed paths on, for example after a checkout, a full reload is cheaper than checking each path.
const MANY: usize = 64;

/// A project and its files.
pub struct LiveProject<'f> {
    files: &'f dyn Files,
    pack: &'static Pack,
    origin: Option<Origin>,
    inputs: Arc<Inputs>,
    /// Read with the last valid configuration.
    project: Option<Project<'f>>,
    /// The problems of the current configuration.
    faults: Vec<Problem>,
    cancellation: Cancellation,
}

/// How a changed path affects a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Concern {
    /// Not an input, or a file that was created and deleted before anyone read it.
    None,
    /// One template or reference implementation.
    File,
    /// Anything may depend on it.
    All,
}

impl<'f> LiveProject<'f> {
    /// Reads the project whose configuration is at `origin`; `None` for the built-in configuration. A `tgen.toml`, or a
    /// table in a `Cargo.toml`, that is created in the root later is noticed.
    #[must_use]
    pub fn load(files: &'f dyn Files, pack: &'static Pack, origin: Option<Origin>) -> Self {
        let inputs = Arc::new(Inputs::of_configuration(origin));
        let (project, faults, cancellation) = (None, Vec::new(), Cancellation::default());
        let mut live = Self { files, pack, origin, inputs, project, faults, cancellation };
        live.load_afresh();
        live
    }

    /// Makes planning and rendering cancellable, see [`Project::cancelled_by`].
    #[must_use]
    pub fn cancelled_by(mut self, cancellation: &Cancellation) -> Self {
        self.cancellation = cancellation.clone();
        self.project = self.project.map(|project| project.cancelled_by(cancellation.clone()));
        self
    }

    /// The project in its current state.
    ///
    /// # Errors
    /// The problems of its configuration, if that is not valid.
    pub fn current(&self) -> Result<&Project<'f>, &[Problem]> {
        self.project.as_ref().filter(|_| self.faults.is_empty()).ok_or(&self.faults)
    }

    /// The project with the last valid configuration.
    #[must_use]
    pub fn last_good(&self) -> Option<&Project<'f>> {
        self.project.as_ref()
    }

    /// Applies changes of files.
    pub fn apply(&mut self, changes: &Changes) {
        let of_configuration = changes.paths().any(|path| self.is_configuration(path));
        // After a change that makes the configuration valid again, everything is read again.
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

    /// The input files; while the configuration is not valid, those of the last valid one.
    #[must_use]
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Whether a path is a configuration, or the project's root.
    fn is_configuration(&self, path: &Utf8Path) -> bool {
        let mut kinds = self.inputs.kinds_of(path);
        path.as_str().is_empty() || kinds.any(|kind| kind == InputKind::Configuration)
    }

    /// Reads the changed files again; false if a full reload is needed.
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

/// The project after changes, which shares everything unaffected with `project`. `None` if a full reload is needed.
#[must_use]
pub fn follow<'g>(project: &Project<'_>, files: &'g dyn Files, changes: &Changes) -> Option<Project<'g>> {
    project.after(files, &changed_inputs(project, files, changes)?)
}

/// The changed templates and reference implementations. `None` if anything may depend on a change.
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

/// The files that can contain the configuration, by precedence.
const CONFIGURATIONS: [&str; 3] =
    [Origin::TgenToml.file_name(), Origin::PyProjectTool.file_name(), Origin::CargoPackageMetadata.file_name()];

/// The current place of the configuration. A deleted configuration stays an error; the built-in one does not silently
/// replace it.
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

/// How a change at a path, of a file or a folder, affects the project.
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
