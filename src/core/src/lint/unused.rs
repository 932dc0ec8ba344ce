//! Templates of the project that no output is made from.

use crate::base::problem::{Code, Problem};
use crate::config::TemplateSource;
use crate::lint::usage::{Template, Usage};
use crate::plan::PlannedSuite;
use crate::template::{Dialect, TemplateName};

/// Says that no output is made from a template, if that is certain: every suite is planned, and none has an error that may
/// be the reason.
pub(super) fn problem(usage: &Usage<'_>, template: &Template<'_>) -> Option<Problem> {
    let name = &template.name;
    let listing_suite = listing_suite(usage, name);
    let is_meant_as_template = name.dialect() == Dialect::Tera || listing_suite.is_some();
    if !is_meant_as_template || !is_certain(usage) || is_copy_of_built_in(usage, template) || is_used(usage, name) {
        return None;
    }
    let help = match listing_suite {
        Some(suite) => format!(
            "suite `{suite}` lists it after a template that exists for every model; put it first in `template`, or \
             delete it"
        ),
        None => "name it in a suite's `template` list, before a template that exists for every model; build another \
                 template on it; or delete it"
            .to_owned(),
    };
    let first_line = 0..template.source.text.lines().next().map_or(0, str::len);
    let problem = Problem::warning(Code::UnusedTemplate, "no output is made from this template");
    Some(problem.in_file(&template.source.path).at(template.source.lines.range(first_line)).help(help))
}

/// A suite whose `template` names the template without a placeholder.
fn listing_suite<'v>(usage: &Usage<'v>, name: &TemplateName) -> Option<&'v str> {
    let suites = &usage.project.config.suites;
    let lists = |source: &TemplateSource| match source {
        TemplateSource::Files(names) => names.iter().any(|listed| listed.value == name.as_str()),
        TemplateSource::Database(_) => false,
    };
    suites.iter().find(|suite| lists(&suite.template)).map(|suite| suite.name.value.as_str())
}

fn is_certain(usage: &Usage<'_>) -> bool {
    let uses_database = |suite: &PlannedSuite| matches!(suite.suite.template, TemplateSource::Database(_));
    usage.planned.is_complete
        && !usage.planned.suites.iter().any(uses_database)
        && !usage.planned.problems.iter().chain(&usage.project.problems).any(Problem::is_error)
}

/// `init --templates` copies templates that a project may not use; each is as good as the built-in one.
fn is_copy_of_built_in(usage: &Usage<'_>, template: &Template<'_>) -> bool {
    usage.project.library.built_in_text(&template.name) == Some(template.source.text.as_str())
}

fn is_used(usage: &Usage<'_>, name: &TemplateName) -> bool {
    let is_part_of = |root: &TemplateName| usage.project.library.rendered_with(root).contains(name);
    !usage.roots(name).is_empty() || usage.planned.support_outputs().any(|(root, _)| is_part_of(root))
}
