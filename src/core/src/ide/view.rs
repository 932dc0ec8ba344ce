//! The input of the editor's features: a project's templates and cases, and the previewed case.

use std::collections::BTreeSet;
use std::ops::Deref;

use camino::Utf8Path;

use crate::lint::usage::Usage;
use crate::model::hardware::HardwareType;
use crate::plan::case::Case;
use crate::plan::cases::PlannedCase;
use crate::plan::{Planned, PlannedOutput, SuiteIndex};
use crate::project::Project;
use crate::template::TemplateName;

/// A project as an editor shows it.
pub struct View<'v> {
    usage: Usage<'v>,
    /// The previewed case.
    pub preview: Preview,
}

/// Selects the previewed case; a field that is `None` matches any value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// The model's name.
    pub model: Option<String>,
    /// The hardware type.
    pub hardware: Option<HardwareType>,
    /// The batch size.
    pub batch_size: Option<u32>,
}

impl<'v> View<'v> {
    /// A project and its plan, which may be older than the texts of the templates.
    #[must_use]
    pub fn new(project: &'v Project<'v>, planned: &'v Planned, preview: Preview) -> Self {
        Self { usage: Usage::new(project, planned), preview }
    }

    /// The number of outputs that use a template, including those that its errors prevent.
    pub(crate) fn count_outputs(&self, name: &TemplateName) -> usize {
        let is_part =
            |(root, _): &(&TemplateName, &PlannedOutput)| self.project.library.rendered_with(root).contains(name);
        self.cases(name).len() + self.planned.support_outputs().filter(is_part).count()
    }

    /// The suites that a template is rendered for, in their order.
    pub(crate) fn suites(&self, name: &TemplateName) -> Vec<&'v str> {
        let suites: BTreeSet<SuiteIndex> = self.cases(name).into_iter().map(|case| case.suite).collect();
        suites.into_iter().map(|suite| self.planned.suites[suite].suite.name.value.as_str()).collect()
    }

    /// The case whose output has this path, and its template.
    pub(crate) fn case_at(&self, path: &Utf8Path) -> Option<(Case<'v>, &'v TemplateName)> {
        let output = self.planned.output_at(path)?;
        let template = &self.planned.templates[output.template].name;
        Some((self.planned.case(self.project, template, output.subject), template))
    }

    /// The previewed case of a template: the one that matches the preview best.
    pub(crate) fn shown_case(&self, name: &TemplateName) -> Option<Case<'v>> {
        let fit = |case: &PlannedCase<'_>| {
            let asked = &self.preview;
            let model = self.planned.models[case.model].name.as_str();
            (
                asked.model.as_deref() == Some(model),
                asked.hardware.is_some() && asked.hardware == case.hardware,
                asked.batch_size.is_some() && asked.batch_size == case.batch_size,
            )
        };
        // `max_by_key` returns the last of several maxima; reversing makes that the first one.
        self.cases(name).into_iter().rev().max_by_key(fit).map(|case| self.valued(case))
    }

    /// The first case of each model that a template is rendered for.
    pub(crate) fn case_by_model(&self, name: &TemplateName) -> Vec<Case<'v>> {
        let mut seen = BTreeSet::new();
        let cases = self.cases(name).into_iter();
        cases.filter(|case| seen.insert(case.model)).map(|case| self.valued(case)).collect()
    }
}

impl<'v> Deref for View<'v> {
    type Target = Usage<'v>;

    fn deref(&self) -> &Usage<'v> {
        &self.usage
    }
}
