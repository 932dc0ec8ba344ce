//! The problems of one file, as `lint` finds them, for an editor that cannot wait for all files.

use std::collections::BTreeMap;

use camino::Utf8Path;

use crate::base::problem::Problem;
use crate::lint::usage::Usage;
use crate::lint::{renderings, unused};
use crate::plan::strictness::problems_of_template;
use crate::template::{Dialect, TemplateName, check};

/// The problems of a file that can be found without rendering anything.
#[must_use]
pub fn of_file(usage: &Usage<'_>, path: &Utf8Path) -> Vec<Problem> {
    let library = &usage.project.library;
    let is_here = |problem: &&Problem| problem.path.as_deref() == Some(path);
    let mut problems: Vec<_> = usage.project.problems.iter().filter(is_here).cloned().collect();
    if let Some(template) = usage.template(path) {
        if template.name.dialect() == Dialect::Tera || !usage.roots(&template.name).is_empty() {
            // The analysis reuses the tree if it was asked for before.
            let _ = template.source.tree();
            problems.extend(check::problems(library, &template.name));
            let expands = |axis: &str| usage.expands(&template.name, axis);
            problems.extend(problems_of_template(usage.project, &template.name, expands));
        }
        problems.extend(unused::problem(usage, &template).filter(|problem| !check::is_allowed(library, problem)));
    }
    problems.sort_by_key(|problem| problem.range);
    problems.dedup();
    problems
}

/// The problems that rendering a template for all its cases shows; incomplete if `go_on` returned false.
#[must_use]
pub fn of_outputs(usage: &Usage<'_>, path: &Utf8Path, go_on: &(dyn Fn() -> bool + Sync)) -> Vec<Problem> {
    let Some(template) = usage.template(path) else { return Vec::new() };
    let roots = unbroken(usage, usage.roots(&template.name));
    let mut problems: Vec<_> = roots
        .into_iter()
        .flat_map(|root| renderings::problems(usage.project, root, &usage.subjects(root), go_on))
        .collect();
    problems.retain(|problem| problem.path.as_deref() == Some(path));
    problems
}

/// The templates without an error in themselves or in a template that they build on. Each template is checked once.
fn unbroken<'v>(usage: &Usage<'v>, roots: &[&'v TemplateName]) -> Vec<&'v TemplateName> {
    let library = &usage.project.library;
    let mut judged = BTreeMap::new();
    let has_error = |member: &TemplateName| {
        library.path_of(member).is_some_and(|path| of_file(usage, path).iter().any(Problem::is_error))
    };
    let mut is_broken = |member| *judged.entry(member).or_insert_with_key(has_error);
    roots.iter().copied().filter(|root| !library.rendered_with(root).into_iter().any(&mut is_broken)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::fixture::with_cursor;

    /// The codes of what the text of a template tells, and of what its outputs do.
    fn codes(template: &str) -> [Vec<&'static str>; 2] {
        with_cursor(template, |usage, path, _| {
            [of_file(usage, path), of_outputs(usage, path, &|| true)]
                .map(|problems| problems.iter().map(|problem| problem.code.name()).collect())
        })
    }

    #[test]
    fn what_only_outputs_tell_is_told_once_the_template_has_no_error() {
        assert_eq!(codes("# {{ tasks[7] }}"), [vec![], vec!["undefined-value"]]);
        assert_eq!(codes("# {{ tasks[7] }} {{ model_nam }}"), [vec!["unknown-placeholder"], vec![]]);
    }
}
