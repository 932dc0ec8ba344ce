//! Groups problems: the same problem of many models becomes one that says how many it concerns.

use std::collections::HashMap;

use indexmap::IndexSet;

use crate::base::problem::Problem;
use crate::plan::Plan;
use crate::project::Project;

/// The problems of a project's inputs and of its plan.
#[must_use]
pub fn of_inputs(project: &Project<'_>, plan: &Plan<'_>) -> Vec<Problem> {
    project.problems.iter().chain(&plan.problems).cloned().collect()
}

/// Problems of single outputs, each with the subject of its output; those at one place of a template become one.
#[must_use]
pub fn by_template(problems: Vec<(Problem, String)>) -> Vec<Problem> {
    grouped(problems).into_iter().map(|(problem, subjects)| concerning(problem, &subjects)).collect()
}

/// Each problem once, with all its subjects, in the order in which they were found.
pub(crate) fn grouped(found: impl IntoIterator<Item = (Problem, String)>) -> Vec<(Problem, Vec<String>)> {
    let mut order: Vec<(Problem, Vec<String>)> = Vec::new();
    let mut places = HashMap::new();
    for (problem, subject) in found {
        let key = (problem.code, problem.path.clone(), problem.range, problem.message.clone());
        let at = *places.entry(key).or_insert(order.len());
        match order.get_mut(at) {
            Some((_, subjects)) => subjects.push(subject),
            None => order.push((problem, vec![subject])),
        }
    }
    order
}

fn concerning(mut problem: Problem, subjects: &[String]) -> Problem {
    let whom = match subjects {
        [] => return problem,
        [one] => format!("`{one}`"),
        [first, rest @ ..] => format!("`{first}` and {} more", rest.len()),
    };
    problem.message = format!("{} (for {whom})", problem.message);
    problem
}

/// Each problem once. Errors come last, because the end of the output is what a terminal shows.
#[must_use]
pub fn gathered(problems: Vec<Problem>) -> Vec<Problem> {
    let distinct: IndexSet<Problem> = problems.into_iter().collect();
    let mut gathered: Vec<_> = distinct.into_iter().collect();
    gathered.sort_by_key(|problem| problem.severity);
    gathered
}
