//! The problems of a file, as `lint` has them, for an editor that cannot wait for all files.

use camino::Utf8Path;

use super::View;
use crate::problem::Problem;
use crate::renderings;
use crate::strictness::problems_of_template;
use crate::template::{Dialect, check};

/// What a file's text and the project tell without rendering anything.
#[must_use]
pub fn of_file(view: &View<'_>, path: &Utf8Path) -> Vec<Problem> {
    let is_here = |problem: &&Problem| problem.path.as_deref() == Some(path);
    let mut problems: Vec<_> = view.project.problems.iter().filter(is_here).cloned().collect();
    if let Some(template) = view.template(path)
        && (template.name.dialect() == Dialect::Tera || !view.roots(&template.name).is_empty())
    {
        // The analysis is made of a tree that is there already.
        let _ = template.source.tree();
        problems.extend(check::problems(&view.project.library, &template.name));
        problems.extend(problems_of_template(view.project, &template.name, |axis| view.expands(&template.name, axis)));
    }
    problems.sort_by_key(|problem| problem.range);
    problems.dedup();
    problems
}

/// What rendering a template for all its cases tells. It stops when `go_on` says no, and is not complete then.
#[must_use]
pub fn of_outputs(view: &View<'_>, path: &Utf8Path, go_on: &(dyn Fn() -> bool + Sync)) -> Vec<Problem> {
    let Some(template) = view.template(path) else { return Vec::new() };
    let roots = view.roots(&template.name).iter();
    let mut problems: Vec<_> =
        roots.flat_map(|root| renderings::problems(view.project, root, &view.subjects(root), go_on)).collect();
    problems.retain(|problem| problem.path.as_deref() == Some(path));
    problems
}
