//! Inputs that cannot be read.

use tgen_core::base::problem::{Code, Problem};
use tgen_core::plan::Plan;

/// The problems of inputs that cannot be read: while there is one, nothing may be written. The outputs would be rendered
/// from defaults in place of the input, and would change again once it can be read.
pub(crate) fn unreadable_inputs(plan: &Plan<'_>) -> Vec<Problem> {
    let folder = plan.project.config.skillset.as_ref().map(|folder| folder.value.as_path());
    let is_reference = |problem: &&Problem| {
        let path = problem.path.as_deref();
        problem.code == Code::UnreadableFile && path.zip(folder).is_some_and(|(path, folder)| path.starts_with(folder))
    };
    // The plan names the reference implementations that a template asks for; others do not matter.
    plan.project.unreadable().chain(plan.problems.iter().filter(is_reference)).cloned().collect()
}
