//! The pipeline map: the tasks of each model type, the primary task first, and the auto class for each task.
//!
//! It is read from the project's JSON file, from the source of a transformers release, or built in. This module must
//! not know suites, templates or the disk.

mod auto_classes;
pub mod drift;
mod json;
mod ranking;
pub mod release;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

use camino::Utf8Path;
use jsonc_parser::ast::{Object, Value};

pub use self::auto_classes::AutoClasses;
use self::json::{Reader, Shape};
use crate::base::problem::Problem;
use crate::base::text::Range;

const SHAPE: Shape = Shape { subject: "the pipeline map", example: r#"{"bert": ["fill-mask"]}"# };

/// The transformers release that the built-in map was read from.
pub const BUILT_IN_RELEASE: &str = "5.24.0";

/// Model types with their tasks in order, and the auto class of each task.
#[derive(Debug, Clone, Default)]
pub struct PipelineMap {
    tasks: BTreeMap<String, Vec<String>>,
    places: BTreeMap<String, Range>,
    auto_classes: Option<AutoClasses>,
}

impl PipelineMap {
    /// The map of transformers [`BUILT_IN_RELEASE`].
    #[must_use]
    pub fn built_in() -> &'static Self {
        static MAP: LazyLock<PipelineMap> = LazyLock::new(|| {
            let path = Utf8Path::new("pipeline_map.json");
            PipelineMap::parse(path, include_str!("../../data/pipeline_map.json")).0
        });
        &MAP
    }

    /// Parses a map's JSON text, `{model type: [task, ...]}`. An invalid entry is left out and becomes a problem.
    #[must_use]
    pub fn parse(path: &Utf8Path, text: &str) -> (Self, Vec<Problem>) {
        json::read(path, text, &SHAPE, Self::read)
    }

    /// Replaces the built-in auto classes with those read from a file.
    #[must_use]
    pub fn with_auto_classes(mut self, auto_classes: AutoClasses) -> Self {
        self.auto_classes = Some(auto_classes);
        self
    }

    /// The tasks of a model type, the primary one first; `None` for an unknown model type.
    #[must_use]
    pub fn tasks(&self, model_type: &str) -> Option<&[String]> {
        self.tasks.get(model_type).map(Vec::as_slice)
    }

    /// The first task of a model type.
    #[must_use]
    pub fn primary_task(&self, model_type: &str) -> Option<&str> {
        self.tasks(model_type)?.first().map(String::as_str)
    }

    /// Every model type, sorted.
    pub fn model_types(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tasks.keys().map(String::as_str)
    }

    /// Every task that some model type serves, sorted.
    #[must_use]
    pub fn task_names(&self) -> BTreeSet<&str> {
        self.tasks.values().flatten().map(String::as_str).collect()
    }

    /// The transformers auto class that loads a model type for a task.
    #[must_use]
    pub fn auto_class(&self, model_type: &str, task: &str) -> Option<&str> {
        self.auto_classes().get(model_type, task)
    }

    /// The auto classes of every model type and task.
    #[must_use]
    pub fn auto_classes(&self) -> &AutoClasses {
        self.auto_classes.as_ref().unwrap_or_else(|| AutoClasses::built_in())
    }

    /// The place of a model type in the map's file; `None` if the map was not read from a file.
    #[must_use]
    pub fn range_of(&self, model_type: &str) -> Option<Range> {
        self.places.get(model_type).copied()
    }

    /// Sets the tasks of a model type.
    pub fn insert(&mut self, model_type: impl Into<String>, tasks: impl IntoIterator<Item = impl Into<String>>) {
        self.tasks.insert(model_type.into(), tasks.into_iter().map(Into::into).collect());
    }

    /// Removes a model type and returns its tasks.
    pub fn remove(&mut self, model_type: &str) -> Option<Vec<String>> {
        self.places.remove(model_type);
        self.tasks.remove(model_type)
    }

    /// The map as JSON text: sorted, one model type a line, so that diffs are minimal.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::object(self.tasks.iter().map(|(model_type, tasks)| (model_type.as_str(), json::list(tasks))), "") + "\n"
    }

    fn read(reader: &mut Reader<'_>, root: &Object<'_>) -> Self {
        let mut map = Self::default();
        for entry in reader.entries(root) {
            if let Some(tasks) = read_tasks(reader, entry.key, entry.value) {
                map.places.insert(entry.key.to_owned(), entry.range);
                map.tasks.insert(entry.key.to_owned(), tasks);
            }
        }
        map
    }
}

fn read_tasks(reader: &mut Reader<'_>, model_type: &str, value: &Value<'_>) -> Option<Vec<String>> {
    let list = reader.list(value, &format!("the tasks of `{model_type}`"))?;
    let mut tasks: Vec<String> = Vec::with_capacity(list.elements.len());
    let mut seen = HashSet::with_capacity(list.elements.len());
    for element in &list.elements {
        match reader.string(element, &format!("a task of `{model_type}`")) {
            Some(task) if !seen.insert(task) => {
                reader.warn(element, format!("`{model_type}` lists the task `{task}` twice"), "remove one of the two");
            }
            Some(task) => tasks.push(task.to_owned()),
            None => {}
        }
    }
    Some(tasks)
}

#[cfg(test)]
mod tests;
