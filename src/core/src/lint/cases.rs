//! The cases of a project, kept from a plan so that a keystroke needs no new one.
//!
//! Cases follow from configuration, pipeline map and the names of templates. Their values come from the project at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};

use crate::base::problem::Problem;
use crate::model::catalogue::Model;
use crate::model::hardware::HardwareType;
use crate::plan::case::{Axes, Case};
use crate::plan::strictness::expands;
use crate::plan::{Plan, Subject};
use crate::project::Project;
use crate::rendering::comparison::output_folders;
use crate::template::TemplateName;
use crate::template::compiled::Compiled;
use crate::template::vocabulary::VOCABULARY;

/// The cases of all suites.
#[derive(Debug, Clone, Default)]
pub struct Cases {
    pub(super) suites: Vec<PlannedSuite>,
    pub(super) models: Vec<Model>,
    pub(super) members: Vec<Member>,
    pub(super) by_template: BTreeMap<TemplateName, Vec<usize>>,
    /// The outputs of support templates.
    pub(super) support: Vec<(TemplateName, Utf8PathBuf)>,
    /// The folders that outputs are written to.
    folders: Vec<Utf8PathBuf>,
    /// Whether errors keep outputs from being planned.
    lacks_outputs: bool,
    /// What is said of each placeholder's values over all models, found out once.
    counts: OnceLock<BTreeMap<String, String>>,
}

#[derive(Debug, Clone)]
pub(super) struct PlannedSuite {
    pub(super) name: String,
    axes: Axes,
    /// The axes that the output path expands.
    pub(super) expanded: Vec<&'static str>,
}

/// One case.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(super) suite: usize,
    pub(super) model: usize,
    pub(super) hardware: Option<HardwareType>,
    pub(super) batch_size: Option<u32>,
    pub(super) template: TemplateName,
    /// Where the output stands; of a case without one, the pattern of the suite.
    pub(super) path: Utf8PathBuf,
}

impl Cases {
    /// The cases of a plan, those without an output included.
    #[must_use]
    pub fn of(plan: &Plan<'_>) -> Self {
        let planned = plan
            .outputs
            .iter()
            .map(|output| (&plan.templates[output.template].name, output.subject, Some(plan.location(output))));
        let left_out = plan.left_out.iter().map(|case| (&case.template, case.subject, None));
        let member = |(name, subject, path)| Member::new(plan, name, subject, path);
        let members: Vec<_> = planned.chain(left_out).filter_map(member).collect();
        let mut by_template: BTreeMap<TemplateName, Vec<usize>> = BTreeMap::new();
        for (number, member) in members.iter().enumerate() {
            by_template.entry(member.template.clone()).or_default().push(number);
        }
        let suites = plan.suites.iter().map(planned_suite).collect();
        let of_support = plan.outputs.iter().filter(|output| output.subject == Subject::Support);
        let support = of_support.map(|output| (plan.templates[output.template].name.clone(), plan.location(output)));
        Self {
            suites,
            models: plan.models.clone(),
            members,
            by_template,
            support: support.collect(),
            folders: output_folders(plan),
            lacks_outputs: plan.problems.iter().any(Problem::is_error),
            counts: OnceLock::new(),
        }
    }

    /// Whether errors keep outputs from being planned, so that a file which none of them is may still be wanted.
    pub(crate) fn lacks_outputs(&self) -> bool {
        self.lacks_outputs
    }

    /// Whether a file is an output, or stands where outputs are written to.
    #[must_use]
    pub fn is_among_outputs(&self, path: &Utf8Path) -> bool {
        let mut planned =
            self.members.iter().map(|member| &member.path).chain(self.support.iter().map(|(_, path)| path));
        self.folders.iter().any(|folder| path.starts_with(folder))
            || planned.any(|planned| planned.as_str() == path.as_str())
    }

    /// The models of all suites, each once.
    pub fn models(&self) -> impl ExactSizeIterator<Item = &Model> {
        self.models.iter()
    }

    /// How many different values a placeholder has over all models, in words; none for what costs too much to ask.
    pub(crate) fn distinct_count(&self, project: &Project<'_>, name: &str) -> Option<&str> {
        self.counts.get_or_init(|| self.count_all(project)).get(name).map(String::as_str)
    }

    fn count_all(&self, project: &Project<'_>) -> BTreeMap<String, String> {
        let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        // Every reference implementation would have to be parsed.
        let entries: Vec<_> = VOCABULARY.iter().filter(|entry| entry.name != "reference").collect();
        for member in self.first_of_each_model() {
            let case = self.case(project, member);
            for entry in &entries {
                values
                    .entry(entry.name)
                    .or_default()
                    .extend(case.builtin_value(entry.value).map(|value| value.to_string()));
            }
        }
        let counted = values.into_iter().filter(|(_, values)| values.len() > 1);
        counted.map(|(name, values)| (name.to_owned(), self.count(values.len()))).collect()
    }

    fn count(&self, values: usize) -> String {
        format!("{values} different values over {} models", self.models.len())
    }

    fn first_of_each_model(&self) -> impl Iterator<Item = &Member> {
        let mut seen = BTreeSet::new();
        self.members.iter().filter(move |member| seen.insert(member.model))
    }

    pub(super) fn case<'c>(&'c self, project: &'c Project<'c>, member: &'c Member) -> Case<'c> {
        let planned = &self.suites[member.suite];
        Case {
            project,
            suite: project.config.suites.iter().find(|suite| suite.name.value == planned.name),
            axes: Some(&planned.axes),
            model: Some(&self.models[member.model]),
            hardware: member.hardware,
            batch_size: member.batch_size,
            template: Some(&member.template),
        }
    }
}

fn planned_suite(planned: &crate::plan::PlannedSuite<'_>) -> PlannedSuite {
    let output = Compiled::inline("output", &planned.suite.output.value).ok();
    let is_expanded = |axis: &&str| output.as_ref().is_some_and(|output| expands(output, axis));
    PlannedSuite {
        name: planned.suite.name.value.clone(),
        axes: planned.axes.clone(),
        expanded: ["hardware_type", "batch_size"].into_iter().filter(is_expanded).collect(),
    }
}

impl Member {
    fn new(plan: &Plan<'_>, template: &TemplateName, subject: Subject, path: Option<Utf8PathBuf>) -> Option<Self> {
        match subject {
            Subject::Case { suite, model, hardware, batch_size } => {
                let path = path.unwrap_or_else(|| plan.suites[suite].suite.output.value.clone().into());
                Some(Self { suite, model, hardware, batch_size, template: template.clone(), path })
            }
            Subject::Support => None,
        }
    }
}
