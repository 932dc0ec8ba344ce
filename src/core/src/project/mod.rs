//! A project: its configuration, models, templates and reference implementations, read once.
//!
//! Everything a plan needs is here; what is on disk as output is not looked at.

pub mod registered;
pub mod request;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, OnceLock};

use camino::{Utf8Path, Utf8PathBuf};
use tera::Value;

use crate::base::files::{self, Files};
use crate::base::problem::{Code, Problem};
use crate::config::{Config, ModelFacts, Spot};
use crate::model::catalogue::{Catalogue, Facts, Model, Selector};
use crate::model::family::Family;
use crate::pipeline_map::{AutoClasses, PipelineMap};
use crate::project::registered::Registry;
use crate::python::{self, KnownParts};
use crate::reference::{Reference, parse_reference};
use crate::template::TemplateName;
use crate::template::compilations::Compilations;
use crate::template::library::{Library, Pack};

/// A project, read. A copy shares everything that was read.
#[derive(Clone)]
pub struct Project<'f> {
    /// The world it is read from.
    pub files: &'f dyn Files,
    /// Its configuration.
    pub config: Arc<Config>,
    /// Which tasks each model type has.
    pub pipeline_map: Arc<PipelineMap>,
    /// Its models.
    pub catalogue: Arc<Catalogue>,
    /// Its templates.
    pub library: Library<'f>,
    /// What the template database answered, where a suite takes its templates from there and it was asked.
    pub registry: Option<Arc<Registry>>,
    /// Its templates, ready to render.
    pub compilations: Compilations,
    /// What of its outputs is known to be valid Python.
    pub known_python: Arc<KnownParts>,
    /// What is wrong with its inputs.
    pub problems: Vec<Problem>,
    references: BTreeMap<String, Arc<Module>>,
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
        let (config, pipeline_map, catalogue) = (Arc::new(config), Arc::new(pipeline_map), Arc::new(catalogue));
        let (compilations, known_python) = (Compilations::default(), Arc::default());
        let registry = None;
        Self {
            files,
            config,
            pipeline_map,
            catalogue,
            library,
            registry,
            compilations,
            known_python,
            problems,
            references,
        }
    }

    /// Takes what the template database answered; `database` is its path as the user would name it.
    #[must_use]
    pub fn with_registry(mut self, database: &Utf8Path, registry: Registry) -> Self {
        for template in registry.templates() {
            let path = Utf8PathBuf::from(format!("{database}:{}", template.name));
            self.library.add(template.template_name(), path, &template.content);
        }
        self.registry = Some(Arc::new(registry));
        self
    }

    /// The project as `files` has it, which differs from what was read at these paths alone; what was read of all others
    /// stays. None where only a fresh load can tell: the configuration, the pipeline map or the set of models has changed,
    /// or something could not be read.
    #[must_use]
    pub fn after<'g>(&self, files: &'g dyn Files, changed: &[Utf8PathBuf]) -> Option<Project<'g>> {
        if !self.problems.is_empty() || !self.has_its_folders(files, changed) {
            return None;
        }
        let mut library = self.library.on(files);
        let compilations = self.compilations.clone();
        let mut references = self.references.clone();
        for path in changed {
            if let Some(name) = self.template_name(path) {
                library.reread(name.clone(), path);
                compilations.forget(&name, &self.library, &library);
            } else if let Some(module) = self.module_at(path) {
                let known = references.get_mut(module).filter(|_| files.is_file(path))?;
                *known = Arc::new(Module::new(path.clone()));
            } else if self.is_input(path) {
                return None;
            }
        }
        let (config, pipeline_map) = (Arc::clone(&self.config), Arc::clone(&self.pipeline_map));
        let (catalogue, problems) = (Arc::clone(&self.catalogue), self.problems.clone());
        let (registry, known_python) = (self.registry.clone(), Arc::clone(&self.known_python));
        let next = Project {
            files,
            config,
            pipeline_map,
            catalogue,
            library,
            registry,
            compilations,
            known_python,
            problems,
            references,
        };
        Some(next)
    }

    /// Whether the folders out of which something may be gone are still there.
    fn has_its_folders(&self, files: &dyn Files, changed: &[Utf8PathBuf]) -> bool {
        let loses = |folder: &Utf8Path| changed.iter().any(|path| path.starts_with(folder) && !files.is_file(path));
        let folders = [&self.config.templates, &self.config.skillset].into_iter().flatten().map(|spot| &spot.value);
        folders.filter(|folder| loses(folder)).all(|folder| files.is_folder(folder))
    }

    /// The name of the template that stands, or would stand, at a path of the project's own folder.
    #[must_use]
    pub fn template_name(&self, path: &Utf8Path) -> Option<TemplateName> {
        let folder = self.config.templates.as_ref()?;
        path.strip_prefix(&folder.value).ok().map(TemplateName::at)
    }

    /// The name of the module that stands, or would stand, at a path of the skillset folder.
    fn module_at<'a>(&self, path: &'a Utf8Path) -> Option<&'a str> {
        let folder = self.config.skillset.as_ref()?;
        path.starts_with(&folder.value).then(|| module_name(path)).flatten()
    }

    /// The files of its folders that are inputs: its own templates, and its reference implementations.
    pub fn files_in_folders(&self) -> impl Iterator<Item = &Utf8Path> {
        let templates = self.library.project_names().filter_map(|name| self.library.path_of(name));
        templates.chain(self.references.values().map(|module| module.path.as_path()))
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

    /// Whether a change at a path can be one of what the project is read from: an input, or a file that becomes one.
    #[must_use]
    pub fn is_read_from(&self, path: &Utf8Path) -> bool {
        let mut folders = [&self.config.templates, &self.config.skillset].into_iter().flatten();
        self.is_input(path) || folders.any(|folder| path.starts_with(&folder.value) || folder.value.starts_with(path))
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
        self.references.get(model.reference_module.as_ref()?).map(Arc::as_ref)
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
fn find_references(files: &dyn Files, config: &Config, problems: &mut Vec<Problem>) -> BTreeMap<String, Arc<Module>> {
    let Some(spot) = &config.skillset else { return BTreeMap::new() };
    match files.list(&spot.value) {
        Ok(paths) => {
            let module = |path: Utf8PathBuf| Some((module_name(&path)?.to_owned(), Arc::new(Module::new(path))));
            paths.into_iter().filter_map(module).collect()
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

fn catalogue(map: &PipelineMap, config: &Config, references: &BTreeMap<String, Arc<Module>>) -> Catalogue {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::files::MemoryFiles;
    use crate::config::{self, Origin};
    use crate::plan::Plan;
    use crate::project::request::Request;

    const PATHS: [&str; 6] = [
        "templates/t.py.tera",
        "templates/part.tera",
        "templates/tasks/fill-mask.py.tera",
        "skillset/hf_bert.py",
        "skillset/hf_vit.py",
        "elsewhere/notes.md",
    ];
    const CONTENTS: [&str; 4] = [
        "class hf_bert:\n    def init_cpu(self): pass\n",
        "{{ model_name }}",
        "{% include \"part.tera\" %}",
        "{{ oops",
    ];
    const FIXTURE: &str = r#"
-- tgen.toml --
templates = "templates"
skillset = "skillset"

[[suite]]
name = "s"
template = ["tasks/{{ primary_task }}.py.tera", "t.py.tera"]
models = ["bert", "vit"]
output = "out/{{ normalized_name }}.py"
-- templates/t.py.tera --
{{ model_name }} {{ reference.module }}
-- skillset/hf_bert.py --
class hf_bert:
    def init_cpu(self): pass
"#;

    fn load(files: &MemoryFiles) -> Project<'_> {
        Project::load(files, config::load(files, Origin::TgenToml).unwrap(), &[("part.tera", "built in")])
    }

    /// What can be seen of a project: its templates, its references, and what it plans.
    fn picture(project: &Project<'_>) -> String {
        let text = |name: &TemplateName| project.library.source(name).map(|source| source.text.clone());
        let templates: Vec<_> = project.library.names().map(|name| (name, text(name))).collect();
        let plan = Plan::new(project, &Request::default());
        let references: Vec<_> =
            plan.models.iter().map(|model| (project.reference_path(model), project.reference(model))).collect();
        format!("{templates:?}\n{references:?}\n{:?}\n{:?}\n{:?}", plan.outputs, plan.problems, project.problems)
    }

    proptest! {
        // A load takes a while without optimization.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn changes_one_by_one_equal_a_fresh_load(
            steps in prop::collection::vec((0..PATHS.len(), prop::option::of(0..CONTENTS.len())), 0..8)
        ) {
            let mut worlds = vec![MemoryFiles::from_fixture(FIXTURE)];
            for (path, content) in &steps {
                let mut world = worlds.last().cloned().unwrap();
                match content {
                    Some(content) => world.insert(PATHS[*path], CONTENTS[*content]),
                    None => world.remove(PATHS[*path]),
                }
                worlds.push(world);
            }
            let mut project = load(&worlds[0]);
            for (world, (path, _)) in worlds[1..].iter().zip(&steps) {
                let after = project.after(world, &[Utf8PathBuf::from(PATHS[*path])]);
                project = after.unwrap_or_else(|| load(world));
                prop_assert_eq!(picture(&project), picture(&load(world)));
            }
        }
    }
}
