//! The tasks of a release's pipelines, each with the auto classes that serve it.
//!
//! It reads what the release lists; the caller derives the model types.

use std::collections::BTreeMap;

use super::evaluate::{AutoClass, Entry, Evaluator, Value};
use super::module::{Module, Place};
use crate::base::problem::Problem;

/// A task as `transformers.pipelines` lists it.
pub(super) struct Task<'a> {
    pub(super) name: &'a str,
    pub(super) place: Place<'a>,
    /// The classes under `pt`, in their order.
    pub(super) classes: Vec<AutoClass<'a>>,
}

/// The dictionary of tasks in `pipelines/__init__.py`.
const TABLE: &str = "SUPPORTED_TASKS";

const UNREAD_TASKS: &str = "see which tasks the release has and add the missing ones to the map by hand";
const UNREAD_TYPES: &str = "see which model types the release has for it and add the missing ones to the map by hand";

/// The tasks that the module lists, in its order.
pub(super) fn read_tasks<'a>(
    evaluator: Evaluator<'a>,
    pipelines: &'a Module,
    problems: &mut Vec<Problem>,
) -> Vec<Task<'a>> {
    let Some(table) = evaluator.mapping_named(pipelines, TABLE) else {
        problems
            .push(pipelines.place().problem(format!("the release's pipelines have no `{TABLE}`")).help(UNREAD_TASKS));
        return Vec::new();
    };
    let mut tasks: Vec<Task<'a>> = Vec::with_capacity(table.len());
    for entry in table {
        match entry {
            Entry::Known(name, specification) => {
                tasks.retain(|task| task.name != name);
                tasks.push(read_task(evaluator, name, specification, problems));
            }
            Entry::Unknown(place) => {
                let message = format!("`{}` was not understood, so tasks of the release may be missing", place.quote());
                problems.push(place.problem(message).help(UNREAD_TASKS));
            }
        }
    }
    tasks
}

fn read_task<'a>(
    evaluator: Evaluator<'a>,
    name: &'a str,
    specification: Value<'a>,
    problems: &mut Vec<Problem>,
) -> Task<'a> {
    let fields: BTreeMap<&str, Value<'a>> = evaluator.entries(specification).into_iter().filter_map(known).collect();
    let listed = match fields.get("pt") {
        Some(classes) => evaluator.auto_classes(*classes),
        None => vec![Err(specification.place())],
    };
    let mut classes = Vec::with_capacity(listed.len());
    for class in listed {
        match class {
            Ok(class) => classes.push(class),
            Err(place) => {
                let quote = place.quote();
                let message =
                    format!("`{quote}` was not understood, so model types of the task `{name}` may be missing");
                problems.push(place.problem(message).help(UNREAD_TYPES));
            }
        }
    }
    Task { name, place: specification.place(), classes }
}

fn known(entry: Entry<'_>) -> Option<(&str, Value<'_>)> {
    match entry {
        Entry::Known(key, value) => Some((key, value)),
        Entry::Unknown(_) => None,
    }
}

/// The model types that are the keys of a mapping; all unsupported entries together become one problem.
pub(super) fn model_types<'a>(mapping: &[Entry<'a>], subject: &str, problems: &mut Vec<Problem>) -> Vec<&'a str> {
    let (mut model_types, mut unknown) = (Vec::with_capacity(mapping.len()), Vec::new());
    for entry in mapping {
        match entry {
            Entry::Known(key, _) => model_types.push(*key),
            Entry::Unknown(place) => unknown.push(*place),
        }
    }
    if let Some(problem) = not_understood(&unknown, subject)
        && !problems.contains(&problem)
    {
        problems.push(problem);
    }
    model_types
}

fn not_understood(unknown: &[Place<'_>], subject: &str) -> Option<Problem> {
    let (first, others) = unknown.split_first()?;
    let more = match others.len() {
        0 => String::new(),
        others => format!(" (and {others} more)"),
    };
    let message = format!("`{}`{more} was not understood, so {subject} may be incomplete", first.quote());
    Some(first.problem(message).help(UNREAD_TYPES))
}
