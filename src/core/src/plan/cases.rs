//! The cases of a plan by template, including cases without an output because of errors.
//!
//! The set of cases follows from the configuration, the pipeline map and the names of templates, never from a
//! template's text. So the cases of an earlier plan stay correct while a text is edited, and this module must not read
//! any template's text.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};

use super::{ModelIndex, Planned, PlannedOutput, Subject, SuiteIndex};
use crate::base::problem::Problem;
use crate::model::hardware::HardwareType;
use crate::output::path::OutputPath;
use crate::plan::case::Case;
use crate::project::Project;
use crate::template::TemplateName;
use crate::template::vocabulary::VOCABULARY;

/// A case of a suite.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlannedCase<'p> {
    /// The template that it is rendered from.
    pub(crate) template: &'p TemplateName,
    /// The path of its output below the plan's root, even if errors prevent the output.
    pub(crate) path: &'p OutputPath,
    /// The suite.
    pub(crate) suite: SuiteIndex,
    /// The model.
    pub(crate) model: ModelIndex,
    /// The hardware type, if the output path expands that axis.
    pub(crate) hardware: Option<HardwareType>,
    /// The batch size, if the output path expands that axis.
    pub(crate) batch_size: Option<u32>,
}

/// An index of a finished plan, built on first use.
#[derive(Default)]
pub(super) struct CaseIndex {
    /// Numbers of cases: the outputs come first, then the cases without an output.
    by_template: BTreeMap<TemplateName, Vec<usize>>,
    distinct_values: OnceLock<BTreeMap<&'static str, usize>>,
}

impl Planned {
    /// The templates that a case of a suite is rendered from.
    pub(crate) fn case_templates(&self) -> impl Iterator<Item = &TemplateName> {
        self.index().by_template.keys()
    }

    /// The cases that are rendered from a template, in the order of the plan.
    pub(crate) fn cases_of(&self, template: &TemplateName) -> impl Iterator<Item = PlannedCase<'_>> {
        let numbers = self.index().by_template.get(template).into_iter().flatten();
        numbers.filter_map(|number| self.numbered_case(*number))
    }

    /// The outputs of support templates.
    pub(crate) fn support_outputs(&self) -> impl Iterator<Item = (&TemplateName, &PlannedOutput)> {
        let of_support = self.outputs.iter().filter(|output| output.subject == Subject::Support);
        of_support.map(|output| (&self.templates[output.template].name, output))
    }

    /// The output at a path, which is relative to the project's root.
    pub(crate) fn output_at(&self, path: &Utf8Path) -> Option<&PlannedOutput> {
        let below = path.strip_prefix(&self.root).ok()?;
        // Comparing paths works component by component, which is slow for thousands of them.
        self.outputs.iter().find(|output| output.path.as_path().as_str() == below.as_str())
    }

    /// Whether errors removed outputs from the plan, so that a file outside the plan may still be wanted.
    pub(crate) fn lacks_outputs(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }

    /// The folders that suites write to, without nested ones; a suite that writes to the root itself adds none.
    #[must_use]
    pub fn output_folders(&self) -> Vec<Utf8PathBuf> {
        let mut folders: Vec<Utf8PathBuf> =
            self.suites.iter().map(|suite| suite.folder.clone()).filter(|folder| !folder.as_str().is_empty()).collect();
        folders.sort();
        folders.dedup_by(|later, earlier| later.starts_with(&*earlier));
        folders
    }

    /// Whether a file is an output or is in a folder of outputs.
    #[must_use]
    pub fn is_among_outputs(&self, path: &Utf8Path) -> bool {
        self.output_folders().iter().any(|folder| path.starts_with(folder)) || self.output_at(path).is_some()
    }

    /// The number of distinct values of a built-in placeholder over all models. `None` if there is only one, and for
    /// `reference`, whose values are too expensive to compute.
    pub(crate) fn distinct_values(&self, project: &Project<'_>, placeholder: &str) -> Option<usize> {
        let counts = self.index().distinct_values.get_or_init(|| self.count_distinct_values(project));
        counts.get(placeholder).copied()
    }

    fn count_distinct_values(&self, project: &Project<'_>) -> BTreeMap<&'static str, usize> {
        let mut values: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
        // That would parse every reference implementation.
        let entries: Vec<_> = VOCABULARY.iter().filter(|entry| entry.name != "reference").collect();
        for case in self.first_case_of_each_model() {
            let case = self.valued(project, case);
            for entry in &entries {
                let value = case.builtin_value(entry.value).map(|value| value.to_string());
                values.entry(entry.name).or_default().extend(value);
            }
        }
        let counts = values.into_iter().map(|(name, values)| (name, values.len()));
        counts.filter(|(_, count)| *count > 1).collect()
    }

    fn first_case_of_each_model(&self) -> impl Iterator<Item = PlannedCase<'_>> {
        let mut seen = BTreeSet::new();
        let all = (0..self.outputs.len() + self.left_out.len()).filter_map(|number| self.numbered_case(number));
        all.filter(move |case| seen.insert(case.model))
    }

    /// A case with the project that its values come from.
    pub(crate) fn valued<'c>(&'c self, project: &'c Project<'c>, case: PlannedCase<'c>) -> Case<'c> {
        let PlannedCase { template, path: _, suite, model, hardware, batch_size } = case;
        self.case(project, template, Subject::Case { suite, model, hardware, batch_size })
    }

    fn index(&self) -> &CaseIndex {
        self.index.get_or_init(|| {
            let mut by_template: BTreeMap<TemplateName, Vec<usize>> = BTreeMap::new();
            for number in 0..self.outputs.len() + self.left_out.len() {
                let Some(case) = self.numbered_case(number) else { continue };
                match by_template.get_mut(case.template) {
                    Some(numbers) => numbers.push(number),
                    None => drop(by_template.insert(case.template.clone(), vec![number])),
                }
            }
            CaseIndex { by_template, distinct_values: OnceLock::new() }
        })
    }

    /// `None` for the output of a support template, which is not a case of a suite.
    fn numbered_case(&self, number: usize) -> Option<PlannedCase<'_>> {
        let (template, path, subject) = if let Some(output) = self.outputs.get(number) {
            (&self.templates[output.template].name, &output.path, output.subject)
        } else {
            let case = self.left_out.get(number - self.outputs.len())?;
            (&case.template, &case.path, case.subject)
        };
        match subject {
            Subject::Support => None,
            Subject::Case { suite, model, hardware, batch_size } => {
                Some(PlannedCase { template, path, suite, model, hardware, batch_size })
            }
        }
    }
}
