//! The effect of changed files: the project with them, and the outputs that they can change.

use std::collections::HashMap;

use camino::Utf8Path;

use super::Adoption;
use crate::base::files::Files;
use crate::plan::{Plan, PlannedOutput};
use crate::project::Project;
use crate::rendering::comparison::render_each;

/// The project with the changed files of an adoption, read from `files`. `None` if the project has to be loaded anew.
#[must_use]
pub fn changed_project<'f>(project: &Project<'_>, files: &'f dyn Files, adoption: &Adoption) -> Option<Project<'f>> {
    let is_config = |path: &Utf8Path| project.config.path.as_deref() == Some(path);
    let paths = adoption.files.iter().map(|file| file.path.as_path());
    let (configs, templates): (Vec<_>, Vec<_>) = paths.partition(|path| is_config(path));
    let changed = project.after(files, &templates.into_iter().map(Utf8Path::to_owned).collect::<Vec<_>>())?;
    if configs.is_empty() {
        return Some(changed);
    }
    // In a configuration, an adoption changes only placeholders and facts of models.
    project.config.reread(files).ok().map(|config| changed.with_values_of(config))
}

/// The outputs that can differ between two plans of one configuration.
#[must_use]
pub fn affected(plan: &Plan<'_>, changed: &Plan<'_>) -> Vec<PlannedOutput> {
    let hash = |plan: &Plan<'_>, output: &PlannedOutput| plan.templates[output.template].text_hash;
    let before: HashMap<&str, u128> =
        plan.outputs.iter().map(|output| (output.path.as_path().as_str(), hash(plan, output))).collect();
    let is_same_config = plan.project.config == changed.project.config;
    let is_affected = |output: &&PlannedOutput| {
        !is_same_config || before.get(output.path.as_path().as_str()) != Some(&hash(changed, output))
    };
    changed.outputs.iter().filter(is_affected).cloned().collect()
}

/// How many outputs other than the one at a path are rendered differently by two plans of one configuration.
#[must_use]
pub fn others_that_change(plan: &Plan<'_>, changed: &Plan<'_>, path: &Utf8Path) -> usize {
    let mut after = affected(plan, changed);
    after.retain(|output| output.path.as_path() != path);
    let by_path: HashMap<&str, &PlannedOutput> =
        plan.outputs.iter().map(|output| (output.path.as_path().as_str(), output)).collect();
    let before: Vec<PlannedOutput> =
        after.iter().filter_map(|output| by_path.get(output.path.as_path().as_str()).copied().cloned()).collect();
    let texts = |plan: &Plan<'_>, outputs: &[PlannedOutput]| -> HashMap<String, Option<u128>> {
        let of_output = |output: &PlannedOutput, text: Result<&[u8], _>| {
            (output.path.as_path().as_str().to_owned(), text.ok().map(twox_hash::XxHash3_128::oneshot))
        };
        render_each(plan, outputs, of_output).into_iter().collect()
    };
    let (before, after) = (texts(plan, &before), texts(changed, &after));
    after.iter().filter(|(path, text)| before.get(*path) != Some(text)).count()
}
