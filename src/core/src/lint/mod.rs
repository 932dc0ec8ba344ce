//! The problems of a project's inputs, for `cargo tgen lint` and the language server alike, so that they cannot
//! disagree.
//!
//! Every case is rendered, so that a problem of a single model is found too. No output file is read.

pub mod candidate;
pub mod diagnostics;
pub mod findings;
pub mod renderings;
mod unused;
pub mod usage;

#[cfg(test)]
mod diagnostics_tests;
#[cfg(test)]
pub(crate) mod fixture;

use std::collections::BTreeMap;

use camino::Utf8Path;
use rayon::prelude::*;

use crate::base::problem::Problem;
use crate::base::text::Position;
use crate::lint::renderings::LintSubject;
use crate::lint::usage::Usage;
use crate::plan::{Plan, TemplateIndex};

/// The problems of all inputs, each once. `step` is called for each output, from several threads.
#[must_use]
pub fn lint(plan: &Plan<'_>, step: &(dyn Fn() + Sync)) -> Vec<Problem> {
    let mut problems = before_rendering(plan);
    problems.extend(of_renderings(plan, step));
    let mut problems = findings::gathered(problems);
    problems.sort_by(|one, other| place_of(one).cmp(&place_of(other)));
    problems
}

/// The file and line of a problem, by which a reader works through a list of them.
fn place_of(problem: &Problem) -> (Option<&Utf8Path>, Option<Position>) {
    (problem.path.as_deref(), problem.range.map(|range| range.start))
}

/// The problems that can be found without rendering an output, for callers that render outputs themselves.
#[must_use]
pub fn before_rendering(plan: &Plan<'_>) -> Vec<Problem> {
    let mut problems = findings::of_inputs(plan.project, plan);
    problems.extend(of_templates(plan));
    problems.extend(of_references(plan));
    problems
}

/// The problems that planning finds in one file; [`diagnostics`] has those of its text and of its outputs.
#[must_use]
pub fn of_input(plan: &Plan<'_>, path: &Utf8Path) -> Vec<Problem> {
    let mut problems = findings::of_inputs(plan.project, plan);
    problems.extend(of_references(plan));
    problems.retain(|problem| problem.path.as_deref() == Some(path));
    problems
}

/// The problems of all templates in the project's folder, including templates that no case renders.
fn of_templates(plan: &Plan<'_>) -> Vec<Problem> {
    let usage = Usage::new(plan.project, &plan.planned);
    let library = &plan.project.library;
    let paths: Vec<_> = library.project_names().filter_map(|name| library.path_of(name)).collect();
    paths.par_iter().flat_map_iter(|path| diagnostics::of_file(&usage, path)).collect()
}

fn of_references(plan: &Plan<'_>) -> Vec<Problem> {
    let found = plan.models.iter().filter_map(|model| plan.project.reference_with_problems(model));
    found.flat_map(|(_, problems)| problems.to_vec()).collect()
}

/// The problems that rendering every output shows. `step` is called for each, from several threads.
pub(crate) fn of_renderings(plan: &Plan<'_>, step: &(dyn Fn() + Sync)) -> Vec<Problem> {
    let mut by_template: BTreeMap<TemplateIndex, Vec<LintSubject<'_>>> = BTreeMap::new();
    for output in &plan.outputs {
        let subject = LintSubject { case: plan.case(output), path: plan.location(output) };
        by_template.entry(output.template).or_default().push(subject);
    }
    let go_on = || {
        step();
        true
    };
    let templates: Vec<_> = by_template.into_iter().collect();
    let problems = templates.par_iter().flat_map_iter(|(template, subjects)| {
        renderings::problems(plan.project, &plan.templates[*template].name, subjects, &go_on)
    });
    problems.collect()
}
