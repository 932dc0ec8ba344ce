//! The cases of a project, kept from a plan so that a keystroke needs no new one.
//!
//! Cases follow from configuration, pipeline map and the names of templates. Their values come from the project at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};

use super::View;
use crate::case::{Axes, Case};
use crate::comparison::output_folders;
use crate::hardware::HardwareType;
use crate::models::Model;
use crate::plan::{Plan, Subject};
use crate::problem::Problem;
use crate::project::Project;
use crate::renderings;
use crate::strictness::expands;
use crate::template::TemplateName;
use crate::template::compiled::Compiled;
use crate::template::links::Together;
use crate::vocabulary::VOCABULARY;

/// The cases of all suites.
#[derive(Debug, Clone, Default)]
pub struct Cases {
    suites: Vec<PlannedSuite>,
    models: Vec<Model>,
    members: Vec<Member>,
    by_template: BTreeMap<TemplateName, Vec<usize>>,
    /// The outputs of support templates.
    support: Vec<(TemplateName, Utf8PathBuf)>,
    /// The folders that outputs are written to.
    folders: Vec<Utf8PathBuf>,
    /// Whether errors keep outputs from being planned.
    lacks_outputs: bool,
    /// What is said of each placeholder's values over all models, found out once.
    counts: OnceLock<BTreeMap<String, String>>,
}

#[derive(Debug, Clone)]
struct PlannedSuite {
    name: String,
    axes: Axes,
    /// The axes that the output path expands.
    expanded: Vec<&'static str>,
}

/// One case.
#[derive(Debug, Clone)]
pub(super) struct Member {
    suite: usize,
    model: usize,
    hardware: Option<HardwareType>,
    batch_size: Option<u32>,
    template: TemplateName,
    /// Where the output stands; of a case without one, the pattern of the suite.
    path: Utf8PathBuf,
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
    pub(super) fn lacks_outputs(&self) -> bool {
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
    pub(super) fn distinct_count(&self, project: &Project<'_>, name: &str) -> Option<&str> {
        self.counts.get_or_init(|| self.count_all(project)).get(name).map(String::as_str)
    }

    fn count_all(&self, project: &Project<'_>) -> BTreeMap<String, String> {
        let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        // Every reference implementation would have to be parsed.
        let entries: Vec<_> = VOCABULARY.iter().filter(|entry| entry.name != "reference").collect();
        for member in self.first_of_each_model() {
            let case = self.case(project, member);
            for entry in &entries {
                values.entry(entry.name).or_default().extend(entry.value(&case).map(|value| value.to_string()));
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

    fn case<'c>(&'c self, project: &'c Project<'c>, member: &'c Member) -> Case<'c> {
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

impl<'v> View<'v> {
    /// The templates of cases that are rendered with this one: itself, and those that build on it.
    pub(super) fn roots(&self, name: &TemplateName) -> &[&'v TemplateName] {
        self.roots.get_or_init(|| self.all_roots()).get(name).map_or(&[], Vec::as_slice)
    }

    fn all_roots(&self) -> BTreeMap<TemplateName, Vec<&'v TemplateName>> {
        let mut roots: BTreeMap<TemplateName, Vec<&'v TemplateName>> = BTreeMap::new();
        let together = Together::new(&self.project.library);
        for root in self.cases.by_template.keys() {
            for member in together.rendered_with(root) {
                roots.entry(member).or_default().push(root);
            }
        }
        roots
    }

    /// The cases that a template is rendered for.
    pub(super) fn members(&self, name: &TemplateName) -> Vec<&'v Member> {
        let numbers = self.roots(name).iter().flat_map(|root| &self.cases.by_template[*root]);
        numbers.map(|number| &self.cases.members[*number]).collect()
    }

    /// How many outputs a template is part of, with those that its errors keep from being rendered.
    pub(super) fn count_outputs(&self, name: &TemplateName) -> usize {
        let together = Together::new(&self.project.library);
        let is_part = |(root, _): &&(TemplateName, Utf8PathBuf)| together.rendered_with(root).contains(name);
        self.members(name).len() + self.cases.support.iter().filter(is_part).count()
    }

    /// The suites that a template is rendered for, in their order.
    pub(super) fn suites(&self, name: &TemplateName) -> Vec<&'v str> {
        let numbers: BTreeSet<usize> = self.members(name).into_iter().map(|member| member.suite).collect();
        numbers.into_iter().map(|number| self.cases.suites[number].name.as_str()).collect()
    }

    /// The case whose output stands at a path, and the template that it is rendered from.
    pub(super) fn case_at(&self, path: &Utf8Path) -> Option<(Case<'v>, &'v TemplateName)> {
        // A path's own comparison goes part by part, which is slow for thousands.
        let is_it = |other: &Utf8Path| other.as_str() == path.as_str();
        if let Some(member) = self.cases.members.iter().find(|member| is_it(&member.path)) {
            return Some((self.case(member), &member.template));
        }
        let (template, _) = self.cases.support.iter().find(|(_, other)| is_it(other))?;
        Some((Case::of_support(self.project, template), template))
    }

    /// The cases of a template itself, for rendering.
    pub(super) fn subjects(&self, root: &TemplateName) -> Vec<renderings::Subject<'v>> {
        let numbers = self.cases.by_template.get(root).into_iter().flatten();
        let members = numbers.map(|number| &self.cases.members[*number]);
        members.map(|member| renderings::Subject { case: self.case(member), path: member.path.clone() }).collect()
    }

    /// A case, for its values.
    pub(super) fn case(&self, member: &'v Member) -> Case<'v> {
        self.cases.case(self.project, member)
    }

    /// The case that is shown of a template: as near to what is asked for as there is one.
    pub(super) fn shown_case(&self, name: &TemplateName) -> Option<Case<'v>> {
        let fit = |member: &&Member| {
            let asked = &self.preview;
            let model = self.cases.models[member.model].name.as_str();
            (
                asked.model.as_deref() == Some(model),
                asked.hardware.is_some() && asked.hardware == member.hardware,
                asked.batch_size.is_some() && asked.batch_size == member.batch_size,
            )
        };
        let members = self.members(name);
        // Of several that fit as well, the first.
        members.into_iter().rev().max_by_key(fit).map(|member| self.case(member))
    }

    /// The first case of each model that a template is rendered for.
    pub(super) fn case_by_model(&self, name: &TemplateName) -> Vec<Case<'v>> {
        let mut seen = BTreeSet::new();
        let members = self.members(name).into_iter();
        members.filter(|member| seen.insert(member.model)).map(|member| self.case(member)).collect()
    }

    /// Whether every suite that a template is rendered for expands an axis; so it does where there is none.
    pub(super) fn expands(&self, name: &TemplateName, axis: &str) -> bool {
        let mut suites: Vec<usize> = self.members(name).into_iter().map(|member| member.suite).collect();
        suites.dedup();
        suites.into_iter().all(|suite| self.cases.suites[suite].expanded.contains(&axis))
    }
}
