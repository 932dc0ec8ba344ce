//! Reads the inputs of a project. An unreadable input becomes a problem and is replaced by the built-in one, so that
//! all other problems are found in the same run.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::inputs::{InputKind, unreadable};
use super::module::{Module, module_name};
use crate::base::files::Files;
use crate::base::problem::Problem;
use crate::config::{Config, ModelFacts, Spot};
use crate::model::catalogue::{Catalogue, Facts};
use crate::model::family::Family;
use crate::pipeline_map::{AutoClasses, PipelineMap};
use crate::template::library::{Library, Pack};

/// The inputs of a project, read.
pub(super) struct ReadInputs<'f> {
    pub(super) pipeline_map: PipelineMap,
    pub(super) library: Library<'f>,
    /// The reference implementations by module name.
    pub(super) references: BTreeMap<String, Arc<Module>>,
    pub(super) problems: Vec<Problem>,
}

impl<'f> ReadInputs<'f> {
    /// Reads all inputs of the project with this configuration.
    pub(super) fn read(files: &'f dyn Files, config: &Config, pack: &'static Pack) -> Self {
        let mut read = Self {
            pipeline_map: PipelineMap::built_in().clone(),
            library: Library::built_in(files, pack),
            references: BTreeMap::new(),
            problems: Vec::new(),
        };
        for kind in InputKind::ALL {
            match kind {
                InputKind::PipelineMap => read.pipeline_map(files, config),
                InputKind::AutoClasses => read.auto_classes(files, config),
                // The caller reads the configuration, and queries the database for a plan (`Project::with_registry`).
                InputKind::Configuration | InputKind::TemplateDatabase => {}
                InputKind::Templates => read.templates(files, config, pack),
                InputKind::References => read.references(files, config),
            }
        }
        read
    }

    fn pipeline_map(&mut self, files: &dyn Files, config: &Config) {
        let Some(spot) = &config.pipeline_map else { return };
        match files.read_text(&spot.value) {
            Ok(text) => {
                let (map, found) = PipelineMap::parse(&spot.value, &text);
                self.problems.extend(found);
                self.pipeline_map = map;
            }
            Err(error) => {
                let problem = unreadable(InputKind::PipelineMap.name(), &spot.value, &error).help(next_step(
                    &spot.value,
                    "run `cargo tgen map sync`, or take `pipeline-map` out to use the built-in one",
                ));
                self.problems.push(configured_at(problem, config, spot));
            }
        }
    }

    /// Without an auto classes file beside the map, the built-in auto classes apply.
    fn auto_classes(&mut self, files: &dyn Files, config: &Config) {
        let Some(spot) = &config.pipeline_map else { return };
        let path = AutoClasses::path_beside(&spot.value);
        match files.read_text(&path) {
            Ok(text) => {
                let (classes, found) = AutoClasses::parse(&path, &text);
                self.problems.extend(found);
                self.pipeline_map = std::mem::take(&mut self.pipeline_map).with_auto_classes(classes);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.problems.push(
                unreadable(InputKind::AutoClasses.name(), &path, &error)
                    .help("check the file and its permissions, or delete it to use the built-in auto classes"),
            ),
        }
    }

    fn templates(&mut self, files: &'f dyn Files, config: &Config, pack: &'static Pack) {
        let Some(spot) = &config.templates else { return };
        match Library::new(files, Some(&spot.value), pack) {
            Ok(library) => self.library = library,
            Err(error) => {
                let problem = unreadable(InputKind::Templates.name(), &spot.value, &error).help(next_step(
                    &spot.value,
                    "create it, correct its permissions, or run `cargo tgen init --templates` for a copy of the built-in pack",
                ));
                self.problems.push(configured_at(problem, config, spot));
            }
        }
    }

    fn references(&mut self, files: &dyn Files, config: &Config) {
        let Some(spot) = &config.skillset else { return };
        match files.list(&spot.value) {
            Ok(paths) => {
                let module = |path: Utf8PathBuf| Some((module_name(&path)?.to_owned(), Arc::new(Module::new(path))));
                self.references = paths.into_iter().filter_map(module).collect();
            }
            Err(error) => {
                let problem = unreadable(InputKind::References.name(), &spot.value, &error).help(next_step(
                    &spot.value,
                    "create it, correct its permissions, or take `skillset` out if there are no reference implementations",
                ));
                self.problems.push(configured_at(problem, config, spot));
            }
        }
    }
}

/// The models of a project, from its pipeline map, configuration and reference implementations.
pub(super) fn catalogue(map: &PipelineMap, config: &Config, references: impl Iterator<Item = String>) -> Catalogue {
    let types = map.model_types().filter_map(|name| Some((name, map.tasks(name)?)));
    let facts = config.models.iter().map(|(name, facts)| (name.clone(), known_facts(facts)));
    Catalogue::new(types).with_facts(facts).with_skillset(references)
}

fn known_facts(facts: &ModelFacts) -> Facts {
    Facts {
        model_type: facts.model_type.as_ref().map(|spot| spot.value.clone()),
        family: facts.family.as_ref().map(|spot| Family::new(spot.value.clone())),
        tasks: facts.tasks.as_ref().map(|spot| spot.value.clone()),
    }
}

/// A missing file that the configuration names is reported at its place in the configuration.
/// What to do about an input that cannot be read. Who names a place outside the project by mistake is told so first, since
/// that is allowed and no error by itself.
fn next_step(path: &Utf8Path, steps: &str) -> String {
    if leads_outside(path) {
        let place = "paths start at the project's root, and this one leads outside it";
        format!("{place}; that is allowed, so if it is meant, {steps}")
    } else {
        steps.to_owned()
    }
}

/// Whether a relative path leaves the folder that it starts at.
fn leads_outside(path: &Utf8Path) -> bool {
    let mut depth = 0_usize;
    for component in path.components() {
        match component {
            Utf8Component::ParentDir if depth == 0 => return true,
            Utf8Component::ParentDir => depth -= 1,
            Utf8Component::Normal(_) => depth += 1,
            Utf8Component::CurDir | Utf8Component::RootDir | Utf8Component::Prefix(_) => {}
        }
    }
    false
}

fn configured_at<T>(problem: Problem, config: &Config, spot: &Spot<T>) -> Problem {
    match (&config.path, spot.range) {
        (Some(path), Some(range)) => problem.in_file(path).at(range),
        _ => problem,
    }
}
