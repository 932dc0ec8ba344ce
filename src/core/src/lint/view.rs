//! A project and its cases, for questions about one file of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};

use crate::lint::cases::{Cases, Member};
use crate::lint::renderings;
use crate::model::hardware::HardwareType;
use crate::plan::case::Case;
use crate::project::Project;
use crate::template::TemplateName;
use crate::template::library::Source;
use crate::template::links::Together;

/// What a question is asked of.
pub struct View<'v> {
    /// The project.
    pub project: &'v Project<'v>,
    /// The cases that it has.
    pub cases: &'v Cases,
    /// The case whose values are shown.
    pub preview: Preview,
    /// For each template, the templates of cases that it is rendered with; found out when it is first asked for.
    roots: OnceLock<BTreeMap<TemplateName, Vec<&'v TemplateName>>>,
}

/// Which case an editor shows; what is left out is the first that there is.
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
    /// A view of a project, with the cases that it has.
    #[must_use]
    pub fn new(project: &'v Project<'v>, cases: &'v Cases, preview: Preview) -> Self {
        Self { project, cases, preview, roots: OnceLock::new() }
    }

    /// The template at a path: the project's own, or `built-in:NAME`.
    pub(crate) fn template(&self, path: &Utf8Path) -> Option<Template<'v>> {
        let library = &self.project.library;
        let built_in = || path.as_str().strip_prefix("built-in:").map(TemplateName::new);
        let name = self.project.template_name(path).or_else(built_in)?;
        let source = library.contains(&name).then(|| library.source(&name).ok()).flatten()?;
        Some(Template { name, source })
    }

    /// The templates of cases that are rendered with this one: itself, and those that build on it.
    pub(crate) fn roots(&self, name: &TemplateName) -> &[&'v TemplateName] {
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
    pub(crate) fn members(&self, name: &TemplateName) -> Vec<&'v Member> {
        let numbers = self.roots(name).iter().flat_map(|root| &self.cases.by_template[*root]);
        numbers.map(|number| &self.cases.members[*number]).collect()
    }

    /// How many outputs a template is part of, with those that its errors keep from being rendered.
    pub(crate) fn count_outputs(&self, name: &TemplateName) -> usize {
        let together = Together::new(&self.project.library);
        let is_part = |(root, _): &&(TemplateName, Utf8PathBuf)| together.rendered_with(root).contains(name);
        self.members(name).len() + self.cases.support.iter().filter(is_part).count()
    }

    /// The suites that a template is rendered for, in their order.
    pub(crate) fn suites(&self, name: &TemplateName) -> Vec<&'v str> {
        let numbers: BTreeSet<usize> = self.members(name).into_iter().map(|member| member.suite).collect();
        numbers.into_iter().map(|number| self.cases.suites[number].name.as_str()).collect()
    }

    /// The case whose output stands at a path, and the template that it is rendered from.
    pub(crate) fn case_at(&self, path: &Utf8Path) -> Option<(Case<'v>, &'v TemplateName)> {
        // A path's own comparison goes part by part, which is slow for thousands.
        let is_it = |other: &Utf8Path| other.as_str() == path.as_str();
        if let Some(member) = self.cases.members.iter().find(|member| is_it(&member.path)) {
            return Some((self.case(member), &member.template));
        }
        let (template, _) = self.cases.support.iter().find(|(_, other)| is_it(other))?;
        Some((Case::of_support(self.project, template), template))
    }

    /// The cases of a template itself, for rendering.
    pub(crate) fn subjects(&self, root: &TemplateName) -> Vec<renderings::Subject<'v>> {
        let numbers = self.cases.by_template.get(root).into_iter().flatten();
        let members = numbers.map(|number| &self.cases.members[*number]);
        members.map(|member| renderings::Subject { case: self.case(member), path: member.path.clone() }).collect()
    }

    /// A case, for its values.
    pub(crate) fn case(&self, member: &'v Member) -> Case<'v> {
        self.cases.case(self.project, member)
    }

    /// The case that is shown of a template: as near to what is asked for as there is one.
    pub(crate) fn shown_case(&self, name: &TemplateName) -> Option<Case<'v>> {
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
    pub(crate) fn case_by_model(&self, name: &TemplateName) -> Vec<Case<'v>> {
        let mut seen = BTreeSet::new();
        let members = self.members(name).into_iter();
        members.filter(|member| seen.insert(member.model)).map(|member| self.case(member)).collect()
    }

    /// Whether every suite that a template is rendered for expands an axis; so it does where there is none.
    pub(crate) fn expands(&self, name: &TemplateName, axis: &str) -> bool {
        let mut suites: Vec<usize> = self.members(name).into_iter().map(|member| member.suite).collect();
        suites.dedup();
        suites.into_iter().all(|suite| self.cases.suites[suite].expanded.contains(&axis))
    }
}

/// A template that is asked about.
pub(crate) struct Template<'v> {
    pub(crate) name: TemplateName,
    pub(crate) source: &'v Source,
}
