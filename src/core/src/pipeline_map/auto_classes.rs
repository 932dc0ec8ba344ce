//! Which transformers auto class loads a model type for a task.
//!
//! The format of the pipeline map's file has no room for them, so a synced map has a second file beside it. This module
//! must not know the disk or how a release is read.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use camino::{Utf8Path, Utf8PathBuf};
use jsonc_parser::ast::{Object, Value};

use super::json::{self, Reader, Shape};
use crate::base::problem::Problem;

const SHAPE: Shape = Shape {
    subject: "the auto classes file",
    example: r#"{"tasks": {"fill-mask": "AutoModelForMaskedLM"}, "models": {"t5": {"fill-mask": "AutoModel"}}}"#,
};

/// Tasks of releases before transformers 5, which a project's map may still list, with the classes of those releases.
const RETIRED_TASKS: &[(&str, &str)] = &[
    ("conversational", "AutoModelForCausalLM"),
    ("image-to-image", "AutoModelForImageToImage"),
    ("image-to-text", "AutoModelForVision2Seq"),
    ("question-answering", "AutoModelForQuestionAnswering"),
    ("summarization", "AutoModelForSeq2SeqLM"),
    ("translation", "AutoModelForSeq2SeqLM"),
    ("visual-question-answering", "AutoModelForVisualQuestionAnswering"),
];

/// The auto class of each task, and the exceptions by model type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AutoClasses {
    tasks: BTreeMap<String, String>,
    models: BTreeMap<String, BTreeMap<String, String>>,
}

impl AutoClasses {
    /// The auto classes of the built-in pipeline map, and those of tasks that only older releases have.
    #[must_use]
    pub fn built_in() -> &'static Self {
        static CLASSES: LazyLock<AutoClasses> = LazyLock::new(|| {
            let path = Utf8Path::new("pipeline_map.auto_classes.json");
            let (mut classes, _) = AutoClasses::parse(path, include_str!("../../data/pipeline_map.auto_classes.json"));
            for (task, class) in RETIRED_TASKS {
                classes.tasks.entry((*task).to_owned()).or_insert_with(|| (*class).to_owned());
            }
            classes
        });
        &CLASSES
    }

    /// The path of the auto classes file of the map at `map`: `<stem>.auto_classes.json`.
    #[must_use]
    pub fn path_beside(map: &Utf8Path) -> Utf8PathBuf {
        map.with_extension("auto_classes.json")
    }

    /// Parses such a file. An invalid entry is left out and becomes a problem.
    #[must_use]
    pub fn parse(path: &Utf8Path, text: &str) -> (Self, Vec<Problem>) {
        json::read(path, text, &SHAPE, Self::read)
    }

    /// The auto class that loads a model type for a task; `None` for an unknown task.
    #[must_use]
    pub fn get(&self, model_type: &str, task: &str) -> Option<&str> {
        let own = self.models.get(model_type).and_then(|tasks| tasks.get(task));
        own.or_else(|| self.tasks.get(task)).map(String::as_str)
    }

    /// Sets the auto class that a task usually has.
    pub fn set_usual(&mut self, task: impl Into<String>, class: impl Into<String>) {
        self.tasks.insert(task.into(), class.into());
    }

    /// Sets the auto class of one model type for a task; nothing is stored if it is the usual one.
    pub fn set(&mut self, model_type: &str, task: &str, class: &str) {
        if self.get(model_type, task) != Some(class) {
            self.models.entry(model_type.to_owned()).or_default().insert(task.to_owned(), class.to_owned());
        }
    }

    /// The file's JSON text: sorted, one task or model type a line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let tasks = self.tasks.iter().map(|(task, class)| (task.as_str(), json::string(class)));
        let models = self.models.iter().map(|(model_type, tasks)| {
            (
                model_type.as_str(),
                json::inline_object(tasks.iter().map(|(task, class)| (task.as_str(), class.as_str()))),
            )
        });
        let parts = [("tasks", json::object(tasks, "  ")), ("models", json::object(models, "  "))];
        json::object(parts, "") + "\n"
    }

    fn read(reader: &mut Reader<'_>, root: &Object<'_>) -> Self {
        let mut classes = Self::default();
        for entry in reader.entries(root) {
            match entry.key {
                "tasks" => classes.tasks = read_strings(reader, entry.value, "`tasks`"),
                "models" => classes.models = read_models(reader, entry.value),
                other => reader.reject(entry.range, format!("the auto classes file has no key `{other}`")),
            }
        }
        classes
    }
}

fn read_models(reader: &mut Reader<'_>, value: &Value<'_>) -> BTreeMap<String, BTreeMap<String, String>> {
    let Some(object) = reader.object(value, "`models`") else { return BTreeMap::new() };
    let entries = reader.entries(object);
    let read_model = |entry: json::Entry<'_>| {
        let subject = format!("the auto classes of `{}`", entry.key);
        (entry.key.to_owned(), read_strings(reader, entry.value, &subject))
    };
    entries.into_iter().map(read_model).filter(|(_, tasks)| !tasks.is_empty()).collect()
}

fn read_strings(reader: &mut Reader<'_>, value: &Value<'_>, subject: &str) -> BTreeMap<String, String> {
    let Some(object) = reader.object(value, subject) else { return BTreeMap::new() };
    let entries = reader.entries(object);
    let read_string = |entry: json::Entry<'_>| {
        let class = reader.string(entry.value, &format!("the auto class of `{}`", entry.key))?;
        Some((entry.key.to_owned(), class.to_owned()))
    };
    entries.into_iter().filter_map(read_string).collect()
}
