//! A project: its configuration, models, templates and reference implementations, read once.
//!
//! Everything a plan needs is here; what is on disk as output is not looked at.

use std::collections::BTreeMap;
use std::io;
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};
use tera::Value;

use crate::config::{Config, ModelFacts, Spot};
use crate::family::Family;
use crate::files::{self, Files};
use crate::models::{Catalogue, Facts, Model, Selector};
use crate::pipeline_map::{AutoClasses, PipelineMap};
use crate::problem::{Code, Problem};
use crate::python;
use crate::reference::{Reference, parse_reference};
use crate::registry::Registry;
use crate::template::library::{Library, Pack};

/// A project, read.
pub struct Project<'f> {
    /// The world it is read from.
    pub files: &'f dyn Files,
    /// Its configuration.
    pub config: Config,
    /// Which tasks each model type has.
    pub pipeline_map: PipelineMap,
    /// Its models.
    pub catalogue: Catalogue,
    /// Its templates.
    pub library: Library<'f>,
    /// What the template database answered, where a suite takes its templates from there and it was asked.
    pub registry: Option<Registry>,
    /// What is wrong with its inputs.
    pub problems: Vec<Problem>,
    references: BTreeMap<String, Module>,
}

/// A reference implementation, parsed when it is first asked for.
struct Module {
    path: Utf8PathBuf,
    parsed: OnceLock<ParsedModule>,
}

struct ParsedModule {
    reference: Option<Reference>,
    value: Value,
    problems: Vec<Problem>,
}

impl<'f> Project<'f> {
    /// Reads a project. What cannot be read is a problem, and the built-in stands in for it.
    #[must_use]
    pub fn load(files: &'f dyn Files, config: Config, pack: &'static Pack) -> Self {
        let mut problems = Vec::new();
        let pipeline_map = load_pipeline_map(files, &config, &mut problems);
        let references = find_references(files, &config, &mut problems);
        let catalogue = catalogue(&pipeline_map, &config, &references);
        let library = load_library(files, &config, pack, &mut problems);
        Self { files, config, pipeline_map, catalogue, library, registry: None, problems, references }
    }

    /// Takes what the template database answered; `database` is its path as the user would name it.
    #[must_use]
    pub fn with_registry(mut self, database: &Utf8Path, registry: Registry) -> Self {
        for template in registry.templates() {
            let path = Utf8PathBuf::from(format!("{database}:{}", template.name));
            self.library.add(template.template_name(), path, &template.content);
        }
        self.registry = Some(registry);
        self
    }

    /// The models of a selection, each once.
    #[must_use]
    pub fn select(&self, selectors: &[Selector]) -> (Vec<Model>, Vec<Problem>) {
        self.catalogue.select(selectors)
    }

    /// Whether a path was a template or a reference implementation that is gone; any case may have used it.
    #[must_use]
    pub fn has_lost(&self, path: &Utf8Path) -> bool {
        let inside =
            |folder: &Option<Spot<Utf8PathBuf>>| folder.as_ref().is_some_and(|folder| path.starts_with(&folder.value));
        (inside(&self.config.templates) || inside(&self.config.skillset)) && !self.files.is_file(path)
    }

    /// Whether a path is one of the project's inputs, whose text a problem may show.
    #[must_use]
    pub fn is_input(&self, path: &Utf8Path) -> bool {
        let map = self.config.pipeline_map.as_ref().map(|spot| spot.value.as_path());
        self.config.path.as_deref() == Some(path)
            || map.is_some_and(|map| map == path || AutoClasses::path_beside(map) == path)
            || self.references.values().any(|module| module.path == path)
    }

    /// The parsed reference implementation of a model, as templates see it; none where there is none.
    #[must_use]
    pub fn reference(&self, model: &Model) -> Value {
        self.parsed_reference(model).map_or_else(Value::none, |parsed| parsed.value.clone())
    }

    /// The path of a model's reference implementation.
    #[must_use]
    pub fn reference_path(&self, model: &Model) -> Option<&Utf8Path> {
        self.module(model).map(|module| module.path.as_path())
    }

    /// The reference implementation of a model and the problems of its source.
    #[must_use]
    pub fn reference_with_problems(&self, model: &Model) -> Option<(Option<&Reference>, &[Problem])> {
        self.parsed_reference(model).map(|parsed| (parsed.reference.as_ref(), parsed.problems.as_slice()))
    }

    /// Task to transformers auto class, for the tasks of a model.
    #[must_use]
    pub fn auto_classes(&self, model: &Model) -> Value {
        let class = |task: &String| {
            self.pipeline_map.auto_class(model.type_name(), task).map(|class| (task.clone(), class.to_owned()))
        };
        let classes: serde_json::Map<String, serde_json::Value> =
            model.tasks.iter().filter_map(class).map(|(task, class)| (task, class.into())).collect();
        Value::from_serializable(&classes)
    }

    fn parsed_reference(&self, model: &Model) -> Option<&ParsedModule> {
        let module = self.module(model)?;
        Some(module.parsed.get_or_init(|| module.parse(self.files)))
    }

    /// The module that the catalogue found for the model.
    fn module(&self, model: &Model) -> Option<&Module> {
        self.references.get(model.reference_module.as_ref()?)
    }
}

impl Module {
    fn parse(&self, files: &dyn Files) -> ParsedModule {
        match files.read_text(&self.path) {
            Ok(source) => {
                let (reference, problems) = python::with_stack_for(&source, || parse_reference(&self.path, &source));
                let value = reference.as_ref().map_or_else(Value::none, Value::from_serializable);
                ParsedModule { reference, value, problems }
            }
            Err(error) => {
                let problem = unreadable("reference implementation", &self.path, &error);
                ParsedModule { reference: None, value: Value::none(), problems: vec![problem] }
            }
        }
    }
}

fn load_pipeline_map(files: &dyn Files, config: &Config, problems: &mut Vec<Problem>) -> PipelineMap {
    let Some(spot) = &config.pipeline_map else { return PipelineMap::built_in().clone() };
    match files.read_text(&spot.value) {
        Ok(text) => {
            let (map, found) = PipelineMap::parse(&spot.value, &text);
            problems.extend(found);
            with_auto_classes(files, map, &spot.value, problems)
        }
        Err(error) => {
            let problem = unreadable("pipeline map", &spot.value, &error)
                .help("run `cargo tgen map sync`, or take `pipeline-map` out to use the built-in one");
            problems.push(configured_at(problem, config, spot));
            PipelineMap::built_in().clone()
        }
    }
}

/// The auto classes stand in a file beside the map; a map without it has the built-in ones.
fn with_auto_classes(files: &dyn Files, map: PipelineMap, path: &Utf8Path, problems: &mut Vec<Problem>) -> PipelineMap {
    let beside = AutoClasses::path_beside(path);
    match files.read_text(&beside) {
        Ok(text) => {
            let (classes, found) = AutoClasses::parse(&beside, &text);
            problems.extend(found);
            map.with_auto_classes(classes)
        }
        Err(_) => map,
    }
}

/// The skillset's modules by their names.
fn find_references(files: &dyn Files, config: &Config, problems: &mut Vec<Problem>) -> BTreeMap<String, Module> {
    let Some(spot) = &config.skillset else { return BTreeMap::new() };
    match files.list(&spot.value) {
        Ok(paths) => {
            paths.into_iter().filter_map(|path| Some((module_name(&path)?.to_owned(), Module::new(path)))).collect()
        }
        Err(error) => {
            problems.push(configured_at(unreadable("skillset folder", &spot.value, &error), config, spot));
            BTreeMap::new()
        }
    }
}

impl Module {
    fn new(path: Utf8PathBuf) -> Self {
        Self { path, parsed: OnceLock::new() }
    }
}

/// `hf_big_bird.py` is the module `hf_big_bird`; other files of the folder are none.
fn module_name(path: &Utf8Path) -> Option<&str> {
    path.file_name()?.strip_suffix(".py").filter(|name| name.starts_with("hf_"))
}

fn catalogue(map: &PipelineMap, config: &Config, references: &BTreeMap<String, Module>) -> Catalogue {
    let types = map.model_types().filter_map(|name| Some((name, map.tasks(name)?)));
    let facts = config.models.iter().map(|(name, facts)| (name.clone(), known_facts(facts)));
    Catalogue::new(types).with_facts(facts).with_skillset(references.keys().cloned())
}

fn known_facts(facts: &ModelFacts) -> Facts {
    Facts {
        model_type: facts.model_type.as_ref().map(|spot| spot.value.clone()),
        family: facts.family.as_ref().map(|spot| Family::new(spot.value.clone())),
        tasks: facts.tasks.as_ref().map(|spot| spot.value.clone()),
    }
}

fn load_library<'f>(
    files: &'f dyn Files,
    config: &Config,
    pack: &'static Pack,
    problems: &mut Vec<Problem>,
) -> Library<'f> {
    let folder = config.templates.as_ref();
    Library::new(files, folder.map(|spot| spot.value.as_path()), pack).unwrap_or_else(|error| {
        if let Some(spot) = folder {
            let problem = unreadable("templates folder", &spot.value, &error)
                .help("create it, or run `cargo tgen init --templates` for a copy of the built-in pack");
            problems.push(configured_at(problem, config, spot));
        }
        Library::built_in(files, pack)
    })
}

fn unreadable(what: &str, path: &Utf8Path, error: &io::Error) -> Problem {
    Problem::error(Code::UnreadableFile, format!("cannot read the {what} `{path}`: {}", files::reason(error)))
        .in_file(path)
}

/// A file that the configuration names and that is not there is a problem of the configuration.
fn configured_at<T>(problem: Problem, config: &Config, spot: &Spot<T>) -> Problem {
    match &config.path {
        Some(path) => problem.in_file(path).at(spot.range),
        None => problem,
    }
}
