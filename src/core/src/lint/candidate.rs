//! Lints a text that is about to be added to the template database, as if it were there.
//!
//! The text is rendered for every model of its family, on the hardware types that it is for. This module must not know
//! how the database stores templates, or whether this one is added.

use camino::{Utf8Path, Utf8PathBuf};

use crate::base::problem::Problem;
use crate::lint;
use crate::lint::diagnostics;
use crate::lint::findings;
use crate::lint::usage::Usage;
use crate::model::catalogue::Selector;
use crate::model::family::Family;
use crate::model::hardware::HardwareType;
use crate::plan::Plan;
use crate::project::Project;
use crate::project::registered::{ChosenTemplates, Registered, Registry};
use crate::project::request::Request;

/// A template that may be added.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// What would be registered.
    pub template: Registered,
    /// The family of the models that it is for.
    pub family: Family,
    /// The hardware types that it is for; none for all.
    pub hardware: Option<Vec<HardwareType>>,
    /// Where its text stands, as the user would name it.
    pub file: Utf8PathBuf,
}

/// The path prefix that stands for the template database.
const DATABASE: &str = "database";

impl Candidate {
    /// The problems of the text in the suites of this project that take templates from the database.
    #[must_use]
    pub fn problems(&self, project: Project<'_>) -> Vec<Problem> {
        let stand_in = self.stand_in(&project);
        let suites = project.config.suites.iter().filter(|suite| suite.takes_registered());
        let request = Request {
            models: vec![stand_in.clone().map_or_else(|| self.family(), Selector::Name)],
            suites: suites.map(|suite| suite.name.value.clone()).collect(),
            hardware: self.hardware.clone(),
            ..Request::default()
        };
        let mapping = stand_in.map(|model| (model, self.family.clone()));
        let registry = self.alone_in(Registry::new(&project.catalogue, mapping), &project, &request);
        let project = project.with_registry(Utf8Path::new(DATABASE), registry);
        let problems = self.problems_with(&Plan::new(&project, &request));
        problems.into_iter().map(|problem| self.in_its_file(problem)).collect()
    }

    /// A model to stand for the family, if only the database knows that family.
    fn stand_in(&self, project: &Project<'_>) -> Option<String> {
        let is_known = !project.catalogue.select(&[self.family()]).0.is_empty();
        if is_known { None } else { project.catalogue.model_types().next().map(str::to_owned) }
    }

    /// The models of its family.
    fn family(&self) -> Selector {
        Selector::Family(self.family.name().to_owned())
    }

    /// The registry of a template database that has this template alone.
    fn alone_in(&self, registry: Registry, project: &Project<'_>, request: &Request) -> Registry {
        let wanted = registry.wanted(&project.config, request);
        let choices = vec![Some(0); wanted.len()];
        let chosen = ChosenTemplates { templates: vec![self.template.clone()], choices };
        registry.with_chosen(wanted, chosen, Vec::new())
    }

    fn problems_with(&self, plan: &Plan<'_>) -> Vec<Problem> {
        let usage = Usage::new(plan.project, &plan.planned);
        let path = self.registered_path();
        let mut problems = lint::of_input(plan, &path);
        problems.extend(diagnostics::of_file(&usage, &path));
        problems.extend(lint::of_renderings(plan, &|| ()));
        findings::gathered(problems)
    }

    fn registered_path(&self) -> Utf8PathBuf {
        Utf8PathBuf::from(format!("{DATABASE}:{}", self.template.name))
    }

    fn in_its_file(&self, mut problem: Problem) -> Problem {
        let registered = self.registered_path();
        let paths = problem.path.iter_mut().chain(problem.related.iter_mut().map(|related| &mut related.path));
        paths.filter(|path| **path == registered).for_each(|path| path.clone_from(&self.file));
        problem
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::base::files::MemoryFiles;
    use crate::config::{self, Origin};
    use crate::template::TemplateName;

    const PROJECT: &str = r#"-- tgen.toml --
templates = "templates"
pipeline-map = "map.json"
[[suite]]
name = "registered"
template = "database"
models = ["bert"]
output = "out/{{ normalized_name }}.py"
[suite.placeholders]
mark = "slow"
-- map.json --
{"bert": ["fill-mask"], "roberta": ["fill-mask"], "vit": ["image-classification"]}
-- templates/base.py.tera --
{% block body %}{% endblock %}
"#;

    /// The problems of a text that may be added for a family, each with its line.
    fn problems(family: &str, file: &str, text: &str) -> String {
        let files = MemoryFiles::from_fixture(PROJECT);
        let config = config::load(&files, Origin::TgenToml).unwrap();
        let dialect = TemplateName::new(file).dialect();
        let template = Registered { name: "new".to_owned(), version: 1, dialect, content: text.to_owned() };
        let candidate = Candidate { template, family: Family::new(family), hardware: None, file: file.into() };
        let line = |problem: Problem| {
            let line = problem.range.map_or(0, |range| range.start.line + 1);
            let path = problem.path.unwrap_or_default();
            format!("{path}:{line}: {}: {}", problem.code.name(), problem.message)
        };
        candidate.problems(Project::load(&files, config, &[])).into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_template_may_build_on_the_projects_own() {
        let child = "{% extends \"base.py.tera\" %}{% block body %}x = {{ model_name | py_str }}\n{% endblock %}";
        assert_eq!(problems("text_embedding", "new.py.tera", child), "");
    }

    #[test]
    fn a_template_is_judged_with_every_model_of_its_family() {
        let second_task = "x = {{ tasks[1] }}\n";
        assert_snapshot!(problems("text_embedding", "new.py.tera", second_task), @"
        new.py.tera:1: undefined-value: `tasks[1]` has no value for all 2 models
        ");
        assert_snapshot!(problems("vision", "new.py.tera", second_task), @"
        new.py.tera:1: undefined-value: `tasks[1]` has no value for `vit`
        ");
        assert_eq!(problems("a family of its own", "new.py", "x = '${model_family}'\n"), "");
    }

    #[test]
    fn the_suites_that_would_take_it_lend_their_placeholders_and_axes() {
        assert_eq!(problems("text_embedding", "new.py", "x = '${mark}'\n"), "");
        assert_snapshot!(problems("text_embedding", "new.py", "x = '${hardware_type}'\n"), @"
        new.py:1: axis-not-expanded: `hardware_type` has no value here: the suite's output path does not expand that axis
        ");
    }
}
