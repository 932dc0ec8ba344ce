//! What `cargo tgen lint` and the language server say of a project's inputs: one collection, so that they cannot disagree.
//!
//! Every case is rendered, so that a problem of a single model is found too. No output is looked at.

use std::collections::HashSet;

use crate::comparison::{check_syntax, render_each};
use crate::findings;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::template::Dialect;

/// The problems of all inputs, each once. `step` is called for each output, from several threads.
#[must_use]
pub fn lint(plan: &Plan<'_>, step: &(dyn Fn() + Sync)) -> Vec<Problem> {
    let mut problems = before_rendering(plan);
    problems.extend(of_renderings(plan, step));
    findings::gathered(problems)
}

/// The problems that can be told without rendering an output, for those who know already which renderings fail.
#[must_use]
pub fn before_rendering(plan: &Plan<'_>) -> Vec<Problem> {
    let mut problems = findings::of_inputs(plan.project, plan);
    problems.extend(of_unplanned_templates(plan));
    problems.extend(of_references(plan));
    problems
}

/// A template that no output is made of is compiled all the same.
fn of_unplanned_templates(plan: &Plan<'_>) -> Vec<Problem> {
    let project = plan.project;
    let planned: HashSet<_> = plan.templates.iter().flat_map(|compiled| &compiled.closure).collect();
    let unplanned =
        project.library.project_names().filter(|name| !planned.contains(name) && name.dialect() == Dialect::Tera);
    unplanned.filter_map(|name| project.compilations.get(&project.library, name).err()).flatten().collect()
}

fn of_references(plan: &Plan<'_>) -> Vec<Problem> {
    let found = plan.models.iter().filter_map(|model| plan.project.reference_with_problems(model));
    found.flat_map(|(_, problems)| problems.to_vec()).collect()
}

fn of_renderings(plan: &Plan<'_>, step: &(dyn Fn() + Sync)) -> Vec<Problem> {
    let failures = render_each(plan, &plan.outputs, |output, rendered| {
        step();
        let checked = rendered.and_then(|rendered| check_syntax(output.path.as_path(), rendered));
        checked.err().map(|problem| (problem, plan.subject_name(output)))
    });
    findings::by_template(failures.into_iter().flatten().collect())
}
