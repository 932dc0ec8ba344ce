//! Inputs that cannot be read.

use anyhow::bail;
use tgen_core::base::problem::{Code, Problem};
use tgen_core::lint::findings;
use tgen_core::plan::Plan;

use crate::project::session::Session;

/// The problems of inputs that cannot be read: while there is one, nothing may be written. The outputs would be rendered
/// from defaults in place of the input, and would change again once it can be read.
pub(crate) fn unreadable_inputs(plan: &Plan<'_>) -> Vec<Problem> {
    let project = &plan.project;
    let modules = plan.models.iter().filter_map(|model| project.reference_with_problems(model));
    let references = modules.flat_map(|(_, problems)| problems).filter(|problem| problem.code == Code::UnreadableFile);
    project.unreadable().chain(references).cloned().collect()
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
