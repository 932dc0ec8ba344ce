//! Which outputs of a plan a change of files can have touched.
//!
//! Each changed file is classified once and each output is looked up once, so that the cost is that of the changes plus
//! that of the outputs. This module asks the file system only whether a changed input is still there.

use std::collections::HashSet;
use std::sync::Arc;

use camino::Utf8PathBuf;

use super::{Plan, PlannedOutput, Subject};
use crate::model::catalogue::Model;
use crate::project::inputs::{InputKind, Reach};
use crate::template::compiled::Compiled;

/// What a change of files can have touched.
pub(super) struct Touch<'a> {
    every_output: bool,
    database_suites: bool,
    /// By template of the plan.
    templates: Vec<bool>,
    /// By model of the plan: whether its reference implementation has changed.
    models: Vec<bool>,
    /// The changed files that may be outputs.
    others: HashSet<&'a str>,
}

impl<'a> Touch<'a> {
    pub(super) fn of(plan: &Plan<'_>, changed: &'a [Utf8PathBuf]) -> Self {
        let mut touch = Self {
            every_output: false,
            database_suites: false,
            templates: Vec::new(),
            models: Vec::new(),
            others: changed.iter().map(|path| path.as_str()).collect(),
        };
        let (mut templates, mut references) = (HashSet::new(), HashSet::new());
        for path in changed {
            for reach in plan.project.inputs.kinds_of(path).map(InputKind::reach) {
                match reach {
                    Reach::Everything => touch.every_output = true,
                    Reach::DatabaseSuites => touch.database_suites = true,
                    // Any case may have used a file that is gone.
                    Reach::Templates | Reach::References if touch.every_output || !plan.project.files.is_file(path) => {
                        touch.every_output = true;
                    }
                    Reach::Templates => drop(templates.insert(path.as_str())),
                    Reach::References => drop(references.insert(path.as_str())),
                }
            }
        }
        let builds_on = |template: &Arc<Compiled>| {
            let mut paths = template.closure.iter().filter_map(|name| plan.project.library.path_of(name));
            paths.any(|path| templates.contains(path.as_str()))
        };
        let refers =
            |model: &Model| plan.project.reference_path(model).is_some_and(|path| references.contains(path.as_str()));
        touch.templates = plan.templates.iter().map(builds_on).collect();
        touch.models = plan.models.iter().map(refers).collect();
        touch
    }

    pub(super) fn reaches(&self, plan: &Plan<'_>, output: &PlannedOutput) -> bool {
        let by_subject = match output.subject {
            Subject::Case { suite, model, .. } => {
                self.models[model] || (self.database_suites && plan.suites[suite].suite.takes_registered())
            }
            Subject::Support => false,
        };
        self.every_output
            || by_subject
            || self.templates[output.template]
            || self.others.contains(plan.location(output).as_str())
    }
}
