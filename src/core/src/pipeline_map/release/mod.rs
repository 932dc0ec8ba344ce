//! Reads the pipeline map of a transformers release from its source text. No Python runs.
//!
//! What transformers knows at run time follows from a few literal tables in its source. Entries that are not understood
//! are left out and become problems; nothing is guessed. This module must not know archives or the disk.
//!
//! The rules:
//! - a task's model types are those of the auto classes that `transformers.pipelines` lists for it under `pt`;
//! - if a task lists several auto classes, those that another task lists too are ignored, unless none would remain;
//! - the bare `AutoModel` is too general, so the model types of its tasks come from other mappings: see [`BARE_TASKS`];
//! - releases without a `text2text-generation` pipeline still have models for that task: see [`RETIRED_TASK`].

mod evaluate;
mod module;
mod package;
mod tasks;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use camino::Utf8Path;

use self::evaluate::{AutoClass, Evaluator};
use self::module::Module;
use self::package::Package;
pub use self::package::{find_package, release_version};
use self::tasks::{Task, model_types, read_tasks};
use super::{AutoClasses, PipelineMap, ranking};
use crate::base::files::Files;
use crate::base::problem::{Code, Problem, Severity};

const PIPELINES: &str = "pipelines/__init__.py";
const MODELING_AUTO: &str = "models/auto/modeling_auto.py";

/// The class that loads any model type, without a head.
const BARE_CLASS: &str = "AutoModel";

/// The source of a task's model types if its auto class does not determine them.
struct OwnTypes {
    task: &'static str,
    /// The mapping in `modeling_auto.py` whose keys they are.
    mapping: &'static str,
    /// The only keys that count; empty for all keys.
    only: &'static [&'static str],
    class: &'static str,
}

/// The task of every model type that has a bare model, whatever classes a release lists for the task.
const FEATURES_OF_ANY: &str = "feature-extraction";

/// The tasks that are served by [`BARE_CLASS`].
const BARE_TASKS: &[OwnTypes] = &[
    OwnTypes { task: FEATURES_OF_ANY, mapping: "MODEL_MAPPING_NAMES", only: &[], class: BARE_CLASS },
    OwnTypes {
        task: "image-feature-extraction",
        mapping: "MODEL_FOR_IMAGE_MAPPING_NAMES",
        only: &[],
        class: BARE_CLASS,
    },
    OwnTypes {
        task: "zero-shot-audio-classification",
        mapping: "MODEL_MAPPING_NAMES",
        only: &["clap"],
        class: BARE_CLASS,
    },
];

/// The task for which transformers 5 has models but no pipeline.
const RETIRED_TASK: OwnTypes = OwnTypes {
    task: "text2text-generation",
    mapping: "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
    only: &[],
    class: "AutoModelForSeq2SeqLM",
};

/// Reads the pipeline map and the auto classes of the release whose package is at or below `root`. What cannot be read
/// is left out and becomes a problem.
#[must_use]
pub fn read_release(files: &dyn Files, root: &Utf8Path) -> (PipelineMap, Vec<Problem>) {
    let Some(folder) = find_package(files, root) else {
        let shown = if root.as_str().is_empty() { "." } else { root.as_str() };
        let message = format!("there is no transformers package in `{shown}`");
        let help = "name the folder of an installed or unpacked transformers, or of a source checkout";
        return (PipelineMap::default(), vec![Problem::error(Code::UnreadableRelease, message).help(help)]);
    };
    let package = Package::new(files, folder);
    let (map, mut problems) = read_package(&package);
    problems.splice(0..0, package.into_syntax_problems());
    (map, problems)
}

fn read_package(package: &Package<'_>) -> (PipelineMap, Vec<Problem>) {
    let modules = (package.module(Utf8Path::new(PIPELINES)), package.module(Utf8Path::new(MODELING_AUTO)));
    match modules {
        (Ok(pipelines), Ok(modeling_auto)) => {
            let evaluator = Evaluator { package };
            let mut reader = ReleaseReader { evaluator, modeling_auto, found: Found::default(), problems: Vec::new() };
            reader.read(pipelines);
            (reader.found.into_map(), reader.problems)
        }
        (pipelines, modeling_auto) => {
            let unreadable = [(PIPELINES, pipelines.err()), (MODELING_AUTO, modeling_auto.err())];
            let problem = |(file, reason): (&str, Option<&str>)| {
                Some(
                    package
                        .problem(Utf8Path::new(file), format!("`{file}` of the release cannot be read: {}", reason?)),
                )
            };
            (PipelineMap::default(), unreadable.into_iter().filter_map(problem).collect())
        }
    }
}

/// Applies the rules to one release.
struct ReleaseReader<'a> {
    evaluator: Evaluator<'a>,
    modeling_auto: &'a Module,
    found: Found,
    problems: Vec<Problem>,
}

impl<'a> ReleaseReader<'a> {
    fn read(&mut self, pipelines: &'a Module) {
        let tasks = read_tasks(self.evaluator, pipelines, &mut self.problems);
        let listed = count_listings(&tasks);
        for task in &tasks {
            if !ranking::knows(task.name) {
                self.problems.push(unranked(task));
            }
            self.read_task(task, &listed);
        }
        let retired = !tasks.is_empty() && tasks.iter().all(|task| task.name != RETIRED_TASK.task);
        if retired {
            self.add_own_types(&RETIRED_TASK);
        }
    }

    fn read_task(&mut self, task: &Task<'a>, listed: &HashMap<&str, usize>) {
        let bare = matches!(task.classes.as_slice(), [only] if only.name == BARE_CLASS);
        if !bare && task.name != FEATURES_OF_ANY {
            return self.add_classes(task, &telling_classes(task, listed));
        }
        match BARE_TASKS.iter().find(|known| known.task == task.name) {
            Some(known) => self.add_own_types(known),
            None => self.problems.push(untold(task)),
        }
    }

    fn add_classes(&mut self, task: &Task<'a>, classes: &[&AutoClass<'a>]) {
        if let Some(first) = classes.first() {
            self.found.classes.set_usual(task.name, first.name);
        }
        for class in classes {
            let subject = format!("the model types of `{}`", class.name);
            for model_type in model_types(&class.mapping, &subject, &mut self.problems) {
                self.found.add(model_type, task.name, class.name);
            }
        }
    }

    fn add_own_types(&mut self, own: &OwnTypes) {
        let OwnTypes { task, mapping, only, class } = own;
        self.found.classes.set_usual(*task, *class);
        let Some(entries) = self.evaluator.mapping_named(self.modeling_auto, mapping) else {
            let message = format!("the release has no `{mapping}`, so no model type has the task `{task}`");
            let place = self.modeling_auto.place().problem(message);
            self.problems.push(Problem { severity: Severity::Warning, ..place });
            return;
        };
        for model_type in model_types(&entries, &format!("`{mapping}`"), &mut self.problems) {
            if only.is_empty() || only.contains(&model_type) {
                self.found.add(model_type, task, class);
            }
        }
    }
}

/// The number of tasks that list each auto class.
fn count_listings<'a>(tasks: &[Task<'a>]) -> HashMap<&'a str, usize> {
    let mut listed = HashMap::new();
    for class in tasks.iter().flat_map(|task| &task.classes) {
        *listed.entry(class.name).or_default() += 1;
    }
    listed
}

/// The classes that only this task lists, or all of its classes if there are none.
fn telling_classes<'t, 'a>(task: &'t Task<'a>, listed: &HashMap<&str, usize>) -> Vec<&'t AutoClass<'a>> {
    let own: Vec<&AutoClass<'a>> = task.classes.iter().filter(|class| listed.get(class.name) == Some(&1)).collect();
    if own.is_empty() { task.classes.iter().collect() } else { own }
}

fn unranked(task: &Task<'_>) -> Problem {
    let message = format!("the task `{}` is not ranked yet, so it comes after the tasks that are", task.name);
    let help = "where it should be a model type's primary task, put it first in the map";
    Problem { severity: Severity::Warning, ..task.place.problem(message).help(help) }
}

fn untold(task: &Task<'_>) -> Problem {
    let message = format!("the task `{}` lists only `{BARE_CLASS}`, which does not tell its model types", task.name);
    task.place.problem(message).help("it is left out of the map; add it by hand to the model types that it is for")
}

/// The result so far: the auto class for each task of each model type.
#[derive(Default)]
struct Found {
    models: BTreeMap<String, Vec<String>>,
    classes: AutoClasses,
}

impl Found {
    /// If several classes serve a model type for one task, the first one wins: `transformers.pipelines` tries them in
    /// that order.
    fn add(&mut self, model_type: &str, task: &str, class: &str) {
        let tasks = self.models.entry(model_type.to_owned()).or_default();
        if tasks.iter().all(|known| known != task) {
            tasks.push(task.to_owned());
            self.classes.set(model_type, task, class);
        }
    }

    fn into_map(self) -> PipelineMap {
        let mut map = PipelineMap::default();
        for (model_type, mut tasks) in self.models {
            ranking::sort(&mut tasks);
            map.insert(model_type, tasks);
        }
        map.with_auto_classes(self.classes)
    }
}
