//! Inputs that cannot be read.

use anyhow::bail;
use tgen_core::base::problem::{Code, Problem};
use tgen_core::lint::findings;
use tgen_core::plan::Plan;

use crate::project::session::Session;

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

/// Ends a command that writes if an input cannot be read; `consequence` says what was not done.
///
/// # Errors
/// An input cannot be read.
pub(crate) fn refuse_unreadable(session: &Session, plan: &Plan<'_>, consequence: &str) -> anyhow::Result<()> {
    let unreadable = unreadable_inputs(plan);
    if unreadable.is_empty() {
        return Ok(());
    }
    session.print_problems(plan.project, &findings::gathered(unreadable));
    bail!("an input cannot be read; {consequence}");
}
