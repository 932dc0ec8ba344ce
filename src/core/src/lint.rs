//! What `cargo tgen lint` and the language server say of a project's inputs: one collection, so that they cannot disagree.
//!
//! Every case is rendered, so that a problem of a single model is found too. No output is looked at.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::comparison::{check_syntax, render_each};
use crate::findings;
use crate::plan::Plan;
use crate::problem::Problem;
use crate::strictness::problems_of_template;
use crate::template::{Dialect, TemplateName, check};

/// The problems of all inputs, each once. `step` is called for each output, from several threads.
#[must_use]
pub fn lint(plan: &Plan<'_>, step: &(dyn Fn() + Sync)) -> Vec<Problem> {
    let mut problems = findings::of_inputs(plan.project, plan);
    problems.extend(of_templates(plan));
    problems.extend(of_references(plan));
    problems.extend(of_renderings(plan, step));
    findings::gathered(problems)
}

/// Every template of the project's own, whether an output is made of it or not.
fn of_templates(plan: &Plan<'_>) -> Vec<Problem> {
    let library = &plan.project.library;
    let planned: HashSet<_> = plan.templates.iter().flat_map(|compiled| &compiled.closure).collect();
    let names: Vec<_> = library.project_names().collect();
    let problems = names.par_iter().flat_map_iter(|name| {
        if planned.contains(name) { check::problems(library, name) } else { of_unplanned_template(plan, name) }
    });
    problems.collect()
}

/// A file in the templates folder that no suite names may be anything, unless its name says that it is Tera's.
fn of_unplanned_template(plan: &Plan<'_>, name: &TemplateName) -> Vec<Problem> {
    if name.dialect() == Dialect::Dollar {
        return Vec::new();
    }
    let mut problems = check::problems(&plan.project.library, name);
    problems.extend(problems_of_template(plan.project, name, |_| true));
    problems
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
