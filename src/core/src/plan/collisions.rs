//! Two outputs at one path: both are removed from the plan, and the problem names the cases.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Planned, PlannedOutput};
use crate::base::problem::{Code, Problem};
use crate::project::Project;

/// Removes outputs whose paths are equal, ignoring case, and returns the problems.
pub(super) fn refuse(project: &Project<'_>, plan: &mut Planned) -> Vec<Problem> {
    let mut first: HashMap<Cow<'_, str>, usize> = HashMap::with_capacity(plan.outputs.len());
    let mut refused = vec![false; plan.outputs.len()];
    let mut problems = Vec::new();
    for (index, output) in plan.outputs.iter().enumerate() {
        let other = *first.entry(output.path.case_folded()).or_insert(index);
        if other != index {
            problems.push(collision(project, plan, &plan.outputs[other], output));
            refused[other] = true;
            refused[index] = true;
        }
    }
    let mut refused = refused.into_iter();
    plan.outputs.retain(|_| !refused.next().unwrap_or(false));
    problems
}

fn collision(project: &Project<'_>, plan: &Planned, first: &PlannedOutput, second: &PlannedOutput) -> Problem {
    let origin = |output: &PlannedOutput| {
        let template = &plan.templates[output.template].name;
        plan.case(project, template, output.subject).origin()
    };
    let message =
        format!("two cases have the output path `{}`: {}, and {}", second.path, origin(first), origin(second));
    let problem = Problem::error(Code::OutputCollision, message)
        .help("add a placeholder that differs between them to the suite's `output`, such as `{{ normalized_name }}` or `{{ hardware_type }}`");
    match second.suite() {
        Some(suite) => project.config.place(problem, plan.suites[suite].suite.output.range),
        None => problem,
    }
}
