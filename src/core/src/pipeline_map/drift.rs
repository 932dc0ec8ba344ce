//! The differences between two pipeline maps: what an update to a newer transformers would change.
//!
//! It compares two maps and must not know where they came from or which outputs would change.

use std::collections::BTreeMap;

use serde::Serialize;

use super::PipelineMap;

/// What `theirs` adds to, removes from and changes in `ours`; model types are sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Drift {
    /// Model types that only `theirs` has, with their tasks.
    pub added: BTreeMap<String, Vec<String>>,
    /// Model types that only `ours` has, with their tasks.
    pub removed: BTreeMap<String, Vec<String>>,
    /// Model types that both have, with other tasks.
    pub changed: BTreeMap<String, ModelDrift>,
}

/// What changes for one model type. The order of tasks after the primary one is ignored, because the project chooses
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ModelDrift {
    /// Tasks that only `theirs` has, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added_tasks: Vec<String>,
    /// Tasks that only `ours` has, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub removed_tasks: Vec<String>,
    /// The primary task, if it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_task: Option<Replaced>,
    /// The auto class of tasks that both have, if it differs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub auto_classes: BTreeMap<String, Replaced>,
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// The value in our map.
    pub ours: Option<String>,
    /// The value in theirs.
    pub theirs: Option<String>,
}

/// Compares two maps.
#[must_use]
pub fn drift(ours: &PipelineMap, theirs: &PipelineMap) -> Drift {
    Drift { added: only_in(theirs, ours), removed: only_in(ours, theirs), changed: changed(ours, theirs) }
}

impl Drift {
    /// Whether the two maps agree.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    /// Every model type that differs, sorted within each kind of difference.
    pub fn model_types(&self) -> impl Iterator<Item = &str> {
        self.added.keys().chain(self.removed.keys()).chain(self.changed.keys()).map(String::as_str)
    }
}

impl ModelDrift {
    fn between(model_type: &str, ours: &PipelineMap, theirs: &PipelineMap) -> Self {
        let (our_tasks, their_tasks) = (tasks(ours, model_type), tasks(theirs, model_type));
        let class = |map: &PipelineMap, task: &str| map.auto_class(model_type, task).map(str::to_owned);
        let in_both = our_tasks.iter().filter(|task| their_tasks.contains(task));
        Self {
            added_tasks: without(their_tasks, our_tasks),
            removed_tasks: without(our_tasks, their_tasks),
            primary_task: replaced(our_tasks.first().cloned(), their_tasks.first().cloned()),
            auto_classes: in_both
                .filter_map(|task| Some((task.clone(), replaced(class(ours, task), class(theirs, task))?)))
                .collect(),
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn changed(ours: &PipelineMap, theirs: &PipelineMap) -> BTreeMap<String, ModelDrift> {
    let in_both = ours.model_types().filter(|model_type| theirs.tasks(model_type).is_some());
    in_both
        .map(|model_type| (model_type.to_owned(), ModelDrift::between(model_type, ours, theirs)))
        .filter(|(_, drift)| !drift.is_empty())
        .collect()
}

fn only_in(map: &PipelineMap, other: &PipelineMap) -> BTreeMap<String, Vec<String>> {
    let missing = map.model_types().filter(|model_type| other.tasks(model_type).is_none());
    missing.map(|model_type| (model_type.to_owned(), tasks(map, model_type).to_vec())).collect()
}

fn tasks<'map>(map: &'map PipelineMap, model_type: &str) -> &'map [String] {
    map.tasks(model_type).unwrap_or_default()
}

fn without(tasks: &[String], others: &[String]) -> Vec<String> {
    tasks.iter().filter(|task| !others.contains(task)).cloned().collect()
}

fn replaced(ours: Option<String>, theirs: Option<String>) -> Option<Replaced> {
    (ours != theirs).then_some(Replaced { ours, theirs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline_map::AutoClasses;

    #[track_caller]
    fn check(ours: &str, theirs: &str, expected: &str) {
        let (ours, theirs) = (map(ours), map(theirs));
        assert_eq!(serde_json::to_string(&drift(&ours, &theirs)).unwrap(), expected);
    }

    /// A map from lines such as `bert: fill-mask text-generation=AutoModelForCausalLM`.
    fn map(lines: &str) -> PipelineMap {
        let (mut map, mut classes) = (PipelineMap::default(), AutoClasses::default());
        for (model_type, tasks) in lines.lines().filter_map(|line| line.trim().split_once(": ")) {
            let tasks = tasks.split(' ').map(|task| match task.split_once('=') {
                Some((task, class)) => {
                    classes.set(model_type, task, class);
                    task
                }
                None => task,
            });
            map.insert(model_type, tasks.collect::<Vec<_>>());
        }
        map.with_auto_classes(classes)
    }

    #[test]
    fn a_model_type_that_only_one_map_has_is_added_or_removed() {
        check(
            "bert: fill-mask\nold: text-generation",
            "bert: fill-mask\nnew: decision",
            r#"{"added":{"new":["decision"]},"removed":{"old":["text-generation"]},"changed":{}}"#,
        );
    }

    #[test]
    fn tasks_that_come_and_go_and_another_primary_task_are_changes() {
        check(
            "bert: fill-mask conversational",
            "bert: decision fill-mask",
            r#"{"added":{},"removed":{},"changed":{"bert":{"added_tasks":["decision"],"removed_tasks":["conversational"],"primary_task":{"ours":"fill-mask","theirs":"decision"}}}}"#,
        );
    }

    #[test]
    fn another_order_behind_the_primary_task_is_no_drift() {
        let (ours, theirs) = (map("bert: a b c"), map("bert: a c b"));
        assert!(drift(&ours, &theirs).is_empty());
    }

    #[test]
    fn another_auto_class_is_a_change() {
        check(
            "t5: summarization=A",
            "t5: summarization=B",
            r#"{"added":{},"removed":{},"changed":{"t5":{"auto_classes":{"summarization":{"ours":"A","theirs":"B"}}}}}"#,
        );
    }

    #[test]
    fn every_model_type_that_differs_is_named() {
        let drift = drift(&map("a: x\nb: x\nc: x"), &map("b: y\nc: x\nd: x"));
        assert_eq!(drift.model_types().collect::<Vec<_>>(), ["d", "a", "b"]);
    }
}
