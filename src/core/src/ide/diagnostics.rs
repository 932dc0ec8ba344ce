//! The problems of a file, as `lint` has them, for an editor that cannot wait for all files.

use camino::Utf8Path;

use super::View;
use crate::problem::Problem;
use crate::renderings;
use crate::strictness::problems_of_template;
use crate::template::{Dialect, TemplateName, check};

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
    let roots = view.roots(&template.name).iter().filter(|root| !is_broken(view, root));
    let mut problems: Vec<_> =
        roots.flat_map(|root| renderings::problems(view.project, root, &view.subjects(root), go_on)).collect();
    problems.retain(|problem| problem.path.as_deref() == Some(path));
    problems
}

/// Whether a template, or one that it builds on, has an error, so that no output of it is ever rendered.
fn is_broken(view: &View<'_>, root: &TemplateName) -> bool {
    let library = &view.project.library;
    let closure = library.closure(root);
    let mut paths = closure.iter().filter_map(|member| library.path_of(member));
    paths.any(|path| of_file(view, path).iter().any(Problem::is_error))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::with_cursor;
    use super::*;

    /// The codes of what the text of a template tells, and of what its outputs do.
    fn codes(template: &str) -> [Vec<&'static str>; 2] {
        with_cursor(template, |view, path, _| {
            [of_file(view, path), of_outputs(view, path, &|| true)]
                .map(|problems| problems.iter().map(|problem| problem.code.name()).collect())
        })
    }

    #[test]
    fn what_only_outputs_tell_is_told_once_the_template_has_no_error() {
        assert_eq!(codes("# {{ tasks[7] }}"), [vec![], vec!["undefined-value"]]);
        assert_eq!(codes("# {{ tasks[7] }} {{ model_nam }}"), [vec!["unknown-placeholder"], vec![]]);
    }
}
