//! The members of one suite's matrix: the template and the path of each case.

use std::collections::HashMap;

use super::{Subject, SuiteIndex};
use crate::base::problem::{Code, Problem, Related};
use crate::config::{Spot, TemplateSource};
use crate::model::hardware::HardwareType;
use crate::output::path::OutputPath;
use crate::plan::case::Case;
use crate::project::Project;
use crate::project::registered::{Registered, Wanted};
use crate::template::TemplateName;
use crate::template::compiled::Compiled;
use crate::template::renderer::Renderer;

/// The values of an axis: each one if it is expanded, else a single `None`.
pub(super) fn axis<T: Copy>(expanded: bool, values: &[T]) -> Vec<Option<T>> {
    if expanded { values.iter().copied().map(Some).collect() } else { vec![None] }
}

/// A template's name in a suite.
pub(super) enum Pattern {
    Constant(TemplateName),
    Rendered(Box<Compiled>, Spot<String>),
    /// Chosen by the template database.
    Registered,
}

/// A case with its template and path.
pub(super) struct ResolvedCase {
    pub(super) subject: Subject,
    /// The problem is boxed, because there are many cases and hardly any has one.
    pub(super) found: Result<(TemplateName, OutputPath), Box<Problem>>,
}

/// State that one thread shares between the cases of one suite while it resolves their templates and paths.
pub(super) struct Matrix<'c> {
    pub(super) suite: SuiteIndex,
    output: Renderer<'c>,
    templates: Vec<Names<'c>>,
    chosen: HashMap<String, bool>,
}

impl<'c> Matrix<'c> {
    pub(super) fn new(suite: SuiteIndex, output: &'c Compiled, templates: &'c [Pattern]) -> Self {
        let templates = templates.iter().map(Pattern::names).collect();
        Self { suite, output: Renderer::of(output), templates, chosen: HashMap::new() }
    }

    pub(super) fn path(&mut self, case: &Case<'_>) -> Result<String, Problem> {
        let mut rendered = Vec::new();
        self.output.render(case, &mut rendered)?;
        Ok(String::from_utf8(rendered).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// The first template of the list that exists.
    pub(super) fn template(&mut self, case: &Case<'_>, project: &Project<'_>) -> Result<TemplateName, Problem> {
        let mut tried = Vec::new();
        for names in &mut self.templates {
            let name = names.of(case)?;
            let is_there = self.chosen.get(name.as_str()).copied().unwrap_or_else(|| {
                let is_there = project.library.is_expected(&name);
                self.chosen.insert(name.as_str().to_owned(), is_there);
                is_there
            });
            if is_there {
                return Ok(name);
            }
            tried.push(name);
        }
        Err(no_template(case, &tried, project))
    }
}

/// Renders the names of templates, case by case.
enum Names<'c> {
    Constant(&'c TemplateName),
    Rendered(Box<Renderer<'c>>),
    Registered,
}

impl Pattern {
    fn names(&self) -> Names<'_> {
        match self {
            Self::Constant(name) => Names::Constant(name),
            Self::Rendered(compiled, _) => Names::Rendered(Box::new(Renderer::of(compiled))),
            Self::Registered => Names::Registered,
        }
    }
}

impl Names<'_> {
    fn of(&mut self, case: &Case<'_>) -> Result<TemplateName, Problem> {
        match self {
            Self::Constant(name) => Ok((*name).clone()),
            Self::Registered => registered(case),
            Self::Rendered(renderer) => {
                let mut name = Vec::new();
                renderer.render(case, &mut name)?;
                Ok(TemplateName::new(String::from_utf8_lossy(&name).into_owned()))
            }
        }
    }
}

/// The template that the template database has for a case.
fn registered(case: &Case<'_>) -> Result<TemplateName, Problem> {
    let (Some(registry), Some(model)) = (&case.project.registry, case.model) else {
        return Err(Problem::error(Code::MissingTemplate, "the template database was not queried"));
    };
    let wanted = Wanted::of(model, case.hardware);
    registry.choose(&wanted).map(Registered::template_name).ok_or_else(|| {
        let hardware = wanted.hardware.map_or("all hardware types", HardwareType::name);
        let message = format!("the template database has no template for family `{}` on {hardware}", wanted.family);
        let problem = Problem::error(Code::MissingTemplate, message)
            .help(format!("{}; `cargo tgen template add` adds one", registry.offered()));
        match case.suite.map(|suite| &suite.template) {
            Some(TemplateSource::Database(range)) => case.project.config.place(problem, *range),
            _ => problem,
        }
    })
}

fn no_template(case: &Case<'_>, tried: &[TemplateName], project: &Project<'_>) -> Problem {
    let names: Vec<_> = tried.iter().map(|name| format!("`{name}`")).collect();
    let suite = case.suite.map_or("", |suite| suite.name.value.as_str());
    let message = format!("suite `{suite}` has no template: there is no {}", names.join(" and no "));
    let help = tried
        .last()
        .and_then(|last| project.library.did_you_mean(last))
        .unwrap_or_else(|| "put the file into the templates folder, or name one that exists".to_owned());
    let mut problem = Problem::error(Code::MissingTemplate, message).help(help);
    if let (Some(path), Some(suite)) = (&project.config.path, case.suite) {
        problem.related.push(Related {
            path: path.clone(),
            range: suite.name.range,
            message: "the suite is here".to_owned(),
        });
        problem = Problem { range: suite.name.range, ..problem.in_file(path) };
    }
    problem
}
