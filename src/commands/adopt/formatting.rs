//! Edits that look like a formatter's: they cannot be adopted, so the user gets a hint how to prevent them.

use std::collections::BTreeSet;

use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::python::likeness::is_same_but_for_formatting;
use tgen_core::rendering::adopt::{Adoption, EditedOutput};
use tgen_core::rendering::comparison::render_each;

use crate::printer::{Printer, counted};
use crate::project::session::Session;

/// Hints how to keep a formatter from editing outputs, if outputs that stay edited differ in formatting only.
pub(super) fn show_hint(session: &Session, plan: &Plan<'_>, adoption: &Adoption, edited: &[EditedOutput]) {
    let stays = |edited: &&EditedOutput| adoption.left.iter().any(|left| left.output == edited.output);
    let left: Vec<&EditedOutput> = edited.iter().filter(stays).collect();
    let outputs: Vec<PlannedOutput> = left.iter().map(|edited| plan.outputs[edited.output].clone()).collect();
    let generated = render_each(plan, &outputs, |_, text| Some(String::from_utf8_lossy(text.ok()?).into_owned()));
    let is_formatted = |(edited, generated): &(&EditedOutput, Option<String>)| {
        generated.as_ref().is_some_and(|generated| is_same_but_for_formatting(generated, &edited.text))
    };
    let formatted = left.into_iter().zip(generated).filter(is_formatted).map(|(edited, _)| edited);
    let outputs: Vec<&PlannedOutput> = formatted.map(|edited| &plan.outputs[edited.output]).collect();
    if !outputs.is_empty() {
        Printer::new().warning(&hint(session, plan, &outputs));
    }
}

fn hint(session: &Session, plan: &Plan<'_>, outputs: &[&PlannedOutput]) -> String {
    let suites: BTreeSet<&str> =
        outputs.iter().filter_map(|output| Some(plan.suites[output.suite()?].suite.name.value.as_str())).collect();
    let suites: Vec<String> = suites.into_iter().map(|name| format!("`{name}`")).collect();
    let folders: BTreeSet<String> = outputs
        .iter()
        .filter_map(|output| Some(session.standpoint.seen(plan.location(output).parent()?).into_string()))
        .collect();
    let folders: Vec<String> = folders.into_iter().map(|folder| format!("\"{folder}\"")).collect();
    format!(
        "the edits of {} look like those of a formatter, such as `ruff format`; let cargo-tgen run it, with this in the \
         suite {}:\n  format = [\"ruff\", \"format\"]\n  or exclude the outputs, with this in `[tool.ruff]` of \
         `pyproject.toml`:\n  extend-exclude = [{}]",
        counted(outputs.len(), "output"),
        suites.join(", "),
        folders.join(", "),
    )
}
