//! Which cases of a project render which template, directly or as a part of another template.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use camino::Utf8Path;

use crate::base::text_path::TextPath;
use crate::lint::renderings;
use crate::plan::case::Case;
use crate::plan::cases::PlannedCase;
use crate::plan::{Planned, SuiteIndex};
use crate::project::Project;
use crate::template::TemplateName;
use crate::template::library::Source;

/// A project and the cases that render its templates.
pub struct Usage<'v> {
    /// The project.
    pub project: &'v Project<'v>,
    /// Its cases; the plan may be older than the texts of the project's templates.
    pub planned: &'v Planned,
    /// For each template, the templates of cases that it is rendered with; computed on first use.
    roots: OnceLock<BTreeMap<TemplateName, Vec<&'v TemplateName>>>,
}

impl<'v> Usage<'v> {
    /// The templates of a project and the cases of its plan.
    #[must_use]
    pub fn new(project: &'v Project<'v>, planned: &'v Planned) -> Self {
        Self { project, planned, roots: OnceLock::new() }
    }

    /// The template at a path: the project's own, or a built-in one.
    pub(crate) fn template(&self, path: &Utf8Path) -> Option<Template<'v>> {
        let library = &self.project.library;
        let name = match TextPath::of(path) {
            TextPath::File(path) => self.project.template_name(path)?,
            TextPath::BuiltIn(name) => TemplateName::new(name),
        };
        let source = library.contains(&name).then(|| library.source(&name).ok()).flatten()?;
        Some(Template { name, source })
    }

    /// The templates of cases that are rendered with this one: itself, and those that build on it.
    pub(crate) fn roots(&self, name: &TemplateName) -> &[&'v TemplateName] {
        self.roots.get_or_init(|| self.all_roots()).get(name).map_or(&[], Vec::as_slice)
    }

    fn all_roots(&self) -> BTreeMap<TemplateName, Vec<&'v TemplateName>> {
        let mut roots: BTreeMap<TemplateName, Vec<&'v TemplateName>> = BTreeMap::new();
        for root in self.planned.case_templates() {
            for member in self.project.library.rendered_with(root) {
                roots.entry(member).or_default().push(root);
            }
        }
        roots
    }

    /// The cases of all suites that a template is rendered for.
    pub(crate) fn cases(&self, name: &TemplateName) -> Vec<PlannedCase<'v>> {
        self.roots(name).iter().flat_map(|root| self.planned.cases_of(root)).collect()
    }

    /// The cases of a template itself, for rendering.
    pub(crate) fn subjects(&self, root: &TemplateName) -> Vec<renderings::LintSubject<'v>> {
        let cases = self.planned.cases_of(root);
        cases
            .map(|case| renderings::LintSubject {
                case: self.valued(case),
                path: self.planned.root.join(case.path.as_path()),
            })
            .collect()
    }

    /// A case with the values of the project.
    pub(crate) fn valued(&self, case: PlannedCase<'v>) -> Case<'v> {
        self.planned.valued(self.project, case)
    }

    /// Whether every suite that a template is rendered for expands an axis; true for a template that no suite renders.
    pub(crate) fn expands(&self, name: &TemplateName, axis: &str) -> bool {
        let mut suites: Vec<SuiteIndex> = self.cases(name).into_iter().map(|case| case.suite).collect();
        suites.dedup();
        suites.into_iter().all(|suite| self.planned.suites[suite].expanded.contains(&axis))
    }
}

/// A template and its source.
pub(crate) struct Template<'v> {
    pub(crate) name: TemplateName,
    pub(crate) source: &'v Source,
}
