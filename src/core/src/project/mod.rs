//! A project: its configuration, models, templates and reference implementations, read once.
//!
//! It holds everything that a plan needs. It does not look at the outputs on disk.

pub mod inputs;
mod module;
mod reading;
pub mod registered;
pub mod request;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use camino::{Utf8Path, Utf8PathBuf};
use tera::Value;

use self::inputs::Inputs;
use self::module::{Module, ParsedModule, module_name};
use self::reading::ReadInputs;
use crate::base::cancellation::Cancellation;
use crate::base::files::Files;
use crate::base::problem::{Problem, Severity};
use crate::base::suggest::RememberedNames;
use crate::config::Config;
use crate::model::catalogue::{Catalogue, Model, Selector};
use crate::pipeline_map::PipelineMap;
use crate::project::registered::Registry;
use crate::python::KnownParts;
use crate::reference::Reference;
use crate::template::TemplateName;
use crate::template::compilations::Compilations;
use crate::template::library::{Library, Pack};

/// A project. Clones share everything that was read.
#[derive(Clone)]
pub struct Project<'f> {
    /// The files it is read from.
    pub files: &'f dyn Files,
    /// Its configuration.
    pub config: Arc<Config>,
    /// Its input files.
    pub inputs: Arc<Inputs>,
    /// Which tasks each model type has.
    pub pipeline_map: Arc<PipelineMap>,
    /// Its models.
    pub catalogue: Arc<Catalogue>,
    /// Its templates.
    pub library: Library<'f>,
    /// The answer of the template database, if a suite needs it and it was queried.
    pub registry: Option<Arc<Registry>>,
    /// Its templates, compiled on first use.
    pub compilations: Compilations,
    /// Parts of its outputs known to be valid Python.
    pub known_python: Arc<KnownParts>,
    /// The problems of its inputs.
    pub problems: Vec<Problem>,
    /// Cancels planning and rendering.
    pub cancellation: Cancellation,
    /// The placeholders that unknown names may stand for.
    pub(crate) placeholders_meant: Arc<RememberedNames>,
    references: BTreeMap<String, Arc<Module>>,
    /// The paths of its own templates and reference implementations, collected on first use.
    files_in_folders: Arc<OnceLock<BTreeSet<String>>>,
}

impl<'f> Project<'f> {
    /// Reads a project. An input that cannot be read becomes a problem and is replaced by the built-in one.
    #[must_use]
    pub fn load(files: &'f dyn Files, config: Config, pack: &'static Pack) -> Self {
        let ReadInputs { pipeline_map, library, references, problems } = ReadInputs::read(files, &config, pack);
        let catalogue = reading::catalogue(&pipeline_map, &config, references.keys().cloned());
        Self {
            files,
            inputs: Arc::new(Inputs::of(&config)),
            config: Arc::new(config),
            pipeline_map: Arc::new(pipeline_map),
            catalogue: Arc::new(catalogue),
            library,
            registry: None,
            compilations: Compilations::default(),
            known_python: Arc::default(),
            problems,
            cancellation: Cancellation::default(),
            placeholders_meant: Arc::default(),
            references,
            files_in_folders: Arc::default(),
        }
    }

    /// Makes planning and rendering cancellable. A cancelled plan is incomplete, and must be dropped.
    #[must_use]
    pub fn cancelled_by(self, cancellation: Cancellation) -> Self {
        Self { cancellation, ..self }
    }

    /// Adds the answer of the template database; `database` is its path as the user would name it.
    #[must_use]
    pub fn with_registry(mut self, database: &Utf8Path, registry: Registry) -> Self {
        for template in registry.templates() {
            let path = Utf8PathBuf::from(format!("{database}:{}", template.name));
            self.library.add(template.template_name(), path, &template.content);
        }
        self.registry = Some(Arc::new(registry));
        self
    }

    /// The project after changes at these paths only; everything else that was read is reused. `None` if the project
    /// has to be loaded again: the configuration, the pipeline map or the set of models has changed, or something could
    /// not be read.
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
            } else if self.inputs.contain(path) {
                return None;
            }
        }
        let is_same_set = changed.iter().all(|path| self.has_read(path) && files.is_file(path));
        let files_in_folders = if is_same_set { Arc::clone(&self.files_in_folders) } else { Arc::default() };
        Some(Project {
            files,
            config: Arc::clone(&self.config),
            inputs: Arc::clone(&self.inputs),
            pipeline_map: Arc::clone(&self.pipeline_map),
            catalogue: Arc::clone(&self.catalogue),
            library,
            registry: self.registry.clone(),
            compilations,
            known_python: Arc::clone(&self.known_python),
            problems: self.problems.clone(),
            cancellation: self.cancellation.clone(),
            placeholders_meant: Arc::clone(&self.placeholders_meant),
            references,
            files_in_folders,
        })
    }

    /// The project with the placeholders and model facts of `config`, which must be equal to the project's configuration
    /// otherwise.
    #[must_use]
    pub fn with_values_of(&self, config: Config) -> Self {
        let catalogue = reading::catalogue(&self.pipeline_map, &config, self.references.keys().cloned());
        let placeholders_meant = Arc::default();
        Self { catalogue: Arc::new(catalogue), config: Arc::new(config), placeholders_meant, ..self.clone() }
    }

    /// Whether each input folder that lost a file still exists.
    fn has_its_folders(&self, files: &dyn Files, changed: &[Utf8PathBuf]) -> bool {
        let loses = |folder: &Utf8Path| changed.iter().any(|path| path.starts_with(folder) && !files.is_file(path));
        self.inputs.folders().filter(|folder| loses(folder)).all(|folder| files.is_folder(folder))
    }

    /// The name of the template at a path of the project's own folder, whether or not the file exists.
    #[must_use]
    pub fn template_name(&self, path: &Utf8Path) -> Option<TemplateName> {
        let folder = self.config.templates.as_ref()?;
        path.strip_prefix(&folder.value).ok().map(TemplateName::at)
    }

    /// The name of the module at a path of the skillset folder, whether or not the file exists.
    fn module_at<'a>(&self, path: &'a Utf8Path) -> Option<&'a str> {
        let folder = self.config.skillset.as_ref()?;
        path.starts_with(&folder.value).then(|| module_name(path)).flatten()
    }

    /// The problems of unreadable inputs. While there are any, the planned outputs are not the intended ones, so none
    /// may be written.
    pub fn unreadable(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.is_error())
    }

    /// Whether a template or a reference implementation was read from this path.
    #[must_use]
    pub fn has_read(&self, path: &Utf8Path) -> bool {
        self.files_in_folders().contains(path.as_str())
    }

    /// Whether a template or a reference implementation was read from a file below this folder.
    #[must_use]
    pub fn has_read_below(&self, folder: &Utf8Path) -> bool {
        let below = format!("{folder}/");
        let mut from_there =
            self.files_in_folders().range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded));
        from_there.next().is_some_and(|first| first.starts_with(&below))
    }

    fn files_in_folders(&self) -> &BTreeSet<String> {
        self.files_in_folders.get_or_init(|| {
            let templates = self.library.project_names().filter_map(|name| self.library.path_of(name));
            let references = self.references.values().map(|module| module.path.as_path());
            templates.chain(references).map(|path| path.as_str().to_owned()).collect()
        })
    }

    /// The models of a selection, without duplicates.
    #[must_use]
    pub fn select(&self, selectors: &[Selector]) -> (Vec<Model>, Vec<Problem>) {
        self.catalogue.select(selectors)
    }

    /// Whether a path is an input other than a template, so that a problem may quote its text.
    #[must_use]
    pub fn is_input(&self, path: &Utf8Path) -> bool {
        self.inputs.files().any(|file| file == path) || self.references.values().any(|module| module.path == path)
    }

    /// Whether a change at a path can change an input: the path is one, would be one, or is a folder above one.
    #[must_use]
    pub fn is_read_from(&self, path: &Utf8Path) -> bool {
        self.inputs.contain(path) || self.inputs.stand_below(path)
    }

    /// The parsed reference implementation of a model, as templates see it; Tera's none if there is none.
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

    /// The error for which nothing should be rendered from a model's reference implementation: it cannot be read, or it
    /// is saved in part. `None` if there is no such error, or no reference implementation.
    #[must_use]
    pub fn broken_reference(&self, model: &Model) -> Option<Problem> {
        let problems = &self.parsed_reference(model)?.problems;
        problems.iter().find(|problem| problem.severity == Severity::Error).cloned()
    }

    /// The transformers auto class of each task of a model.
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
        Some(module.parsed(self.files))
    }

    /// The module of the model's reference implementation.
    fn module(&self, model: &Model) -> Option<&Module> {
        self.references.get(model.reference_module.as_ref()?).map(Arc::as_ref)
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

    /// The observable state of a project: its templates, references and plan.
    fn picture(project: &Project<'_>) -> String {
        let text = |name: &TemplateName| project.library.source(name).map(|source| source.text.clone());
        let templates: Vec<_> = project.library.names().map(|name| (name, text(name))).collect();
        let plan = Plan::new(project, &Request::default());
        let references: Vec<_> =
            plan.models.iter().map(|model| (project.reference_path(model), project.reference(model))).collect();
        format!("{templates:?}\n{references:?}\n{:?}\n{:?}\n{:?}", plan.outputs, plan.problems, project.problems)
    }

    #[test]
    fn an_input_that_cannot_be_read_is_told() {
        let unreadable = |change: &dyn Fn(&mut MemoryFiles)| {
            let mut files =
                MemoryFiles::from_fixture(&FIXTURE.replace("[[suite]]", "pipeline-map = \"m.json\"\n[[suite]]"));
            files.insert("m.json", "{\"bert\": [\"fill-mask\"]}");
            change(&mut files);
            load(&files).unreadable().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("\n")
        };
        let check = |change: &dyn Fn(&mut MemoryFiles), expected: &str| {
            let told = unreadable(change);
            assert!(told.starts_with(expected) && told.is_empty() == expected.is_empty(), "{told}");
        };
        check(&|_| {}, "");
        check(&|files| files.insert("m.json", "{\"bert\": [\"fill-m"), "the pipeline map is not valid JSON: ");
        check(
            &|files| files.insert("m.auto_classes.json", [0xff]),
            "cannot read the auto classes file `m.auto_classes.json`: it is not UTF-8 text",
        );
        check(&|files| files.remove("m.json"), "cannot read the pipeline map `m.json`: it does not exist");
        check(
            &|files| files.remove("templates/t.py.tera"),
            "cannot read the templates folder `templates`: it does not exist",
        );
        check(
            &|files| files.remove("skillset/hf_bert.py"),
            "cannot read the skillset folder `skillset`: it does not exist",
        );
    }

    #[test]
    fn a_path_outside_the_project_that_cannot_be_read_is_told_to_be_outside() {
        let check = |configured: &str, is_outside: bool| {
            let mut files = MemoryFiles::from_fixture(FIXTURE);
            files.insert("tgen.toml", configured);
            let project = load(&files);
            let problem = project.unreadable().next().unwrap();
            let help = problem.help.as_deref().unwrap_or_default();
            assert_eq!(help.contains("leads outside it; that is allowed"), is_outside, "{help}");
        };
        check("templates = \"../../etc\"", true);
        check("templates = \"a/../../etc\"", true);
        check("templates = \"a/../etc\"", false);
        check("templates = \"etc\"", false);
        check("skillset = \"../skillset\"", true);
        check("skillset = \"nothing\"", false);
        check("pipeline-map = \"../map.json\"", true);
        check("pipeline-map = \"map.json\"", false);
    }

    proptest! {
        // Loading is slow without optimisation.
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
