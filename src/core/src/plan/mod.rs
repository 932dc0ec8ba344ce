//! From suites to outputs: every case with its template and its path.
//!
//! A plan says what there should be. It must not know what there is; [`crate::rendering::comparison`] holds the two together.

pub mod case;
pub mod cases;
pub mod strictness;
pub mod test_plan;
mod touch;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use camino::{Utf8Path, Utf8PathBuf};
use indexmap::IndexSet;
use rayon::prelude::*;

use crate::base::problem::{Code, Problem, Related};
use crate::base::suggest::did_you_mean;
use crate::config::{Spot, Suite, TemplateSource};
use crate::model::catalogue::Model;
use crate::model::family::Family;
use crate::model::hardware::HardwareType;
use crate::output::path::OutputPath;
use crate::output::signature::CommentStyle;
use crate::plan::case::{Axes, Case};
use crate::plan::cases::CaseIndex;
use crate::plan::strictness::{AXES, check_placeholders, expands};
use crate::plan::touch::Touch;
use crate::project::Project;
use crate::project::registered::{Registered, Wanted};
use crate::project::request::Request;
use crate::template::TemplateName;
use crate::template::check::is_allowed;
use crate::template::compiled::Compiled;
use crate::template::renderer::Renderer;

/// How many models one thread takes at a time.
const MODELS_AT_A_TIME: usize = 16;

/// A plan beside the project that its placeholders get their values from.
///
/// What was planned owns everything it holds, so that a language server keeps it from one keystroke to the next, while the
/// project beside it changes.
pub struct Plan<'p> {
    /// The project.
    pub project: &'p Project<'p>,
    /// What was planned.
    pub planned: Arc<Planned>,
}

/// Every output that there should be.
#[derive(Default)]
pub struct Planned {
    /// The folder that output paths are relative to: the project's root (empty) or the given output folder.
    pub root: Utf8PathBuf,
    /// The suites, with what is asked for put in.
    pub suites: Vec<PlannedSuite>,
    /// The templates, compiled.
    pub templates: Vec<Arc<Compiled>>,
    /// The models of all suites, each once.
    pub models: Vec<Model>,
    /// The outputs, in the order of the suites and their models.
    pub outputs: Vec<PlannedOutput>,
    /// Cases whose template has errors, so that there is no output of them.
    pub left_out: Vec<LeftOut>,
    /// What is wrong; the outputs concerned are left out.
    pub problems: Vec<Problem>,
    /// Computed on first use.
    index: OnceLock<CaseIndex>,
}

/// A suite, with what is asked for put in.
pub struct PlannedSuite {
    /// The suite as configured.
    pub suite: Arc<Suite>,
    /// Its axes, as configured or as asked for.
    pub axes: Axes,
    /// The names of the axes that its output path expands.
    pub expanded: Vec<&'static str>,
    /// The constant beginning of its output paths; empty where they begin with a placeholder.
    pub folder: Utf8PathBuf,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedOutput {
    /// Where it stands, below the plan's root.
    pub path: OutputPath,
    /// The template, as an index into the plan's.
    pub template: usize,
    /// What it is for.
    pub subject: Subject,
}

/// A case whose template has errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The template.
    pub template: TemplateName,
    /// The case.
    pub subject: Subject,
}

/// What an output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A case of a suite.
    Case {
        /// The suite, as an index into the plan's.
        suite: usize,
        /// The model, as an index into the plan's.
        model: usize,
        /// The hardware type, where the path expands it.
        hardware: Option<HardwareType>,
        /// The batch size, where the path expands it.
        batch_size: Option<u32>,
    },
    /// All outputs of a folder: a support template.
    Support,
}

impl<'p> Plan<'p> {
    /// Plans what is asked for.
    #[must_use]
    pub fn new(project: &'p Project<'p>, request: &Request) -> Self {
        let mut planner = Planner::new(project, request);
        planner.choose_suites();
        for suite in 0..planner.plan.suites.len() {
            planner.plan_suite(suite);
        }
        planner.plan_support();
        planner.refuse_collisions();
        Self { project, planned: Arc::new(planner.finish()) }
    }

    /// The case of an output, for rendering it.
    #[must_use]
    pub fn case(&self, output: &PlannedOutput) -> Case<'_> {
        self.planned.case(self.project, &self.templates[output.template].name, output.subject)
    }

    /// What an output is generated from, for its signature: ``skillset.py.tera for bert on cuda, batch size 4``.
    #[must_use]
    pub fn origin(&self, output: &PlannedOutput) -> String {
        self.case(output).origin()
    }

    /// The outputs that a change of these files, relative to the project's root, can have changed or made stale.
    pub fn touched_by<'a>(&'a self, changed: &'a [Utf8PathBuf]) -> impl Iterator<Item = &'a PlannedOutput> {
        let touch = Touch::of(self, changed);
        self.outputs.iter().filter(move |output| touch.reaches(self, output))
    }
}

impl Deref for Plan<'_> {
    type Target = Planned;

    fn deref(&self) -> &Planned {
        &self.planned
    }
}

impl Planned {
    /// A case, with the project that its values come from.
    pub(crate) fn case<'c>(
        &'c self,
        project: &'c Project<'c>,
        template: &'c TemplateName,
        subject: Subject,
    ) -> Case<'c> {
        match subject {
            Subject::Support => Case::of_support(project, template),
            Subject::Case { suite, model, hardware, batch_size } => Case {
                project,
                suite: Some(&self.suites[suite].suite),
                axes: Some(&self.suites[suite].axes),
                model: Some(&self.models[model]),
                hardware,
                batch_size,
                template: Some(template),
            },
        }
    }

    /// What an output is for, in a word: its model, or its support template.
    #[must_use]
    pub fn subject_name(&self, output: &PlannedOutput) -> String {
        match output.subject {
            Subject::Support => self.templates[output.template].name.to_string(),
            Subject::Case { model, .. } => self.models[model].name.as_str().to_owned(),
        }
    }

    /// Where an output stands, relative to the project's root.
    #[must_use]
    pub fn location(&self, output: &PlannedOutput) -> Utf8PathBuf {
        self.root.join(output.path.as_path())
    }

    /// The formatter of an output's suite.
    #[must_use]
    pub fn formatter(&self, output: &PlannedOutput) -> Option<&[String]> {
        match output.subject {
            Subject::Case { suite, .. } => self.suites[suite].suite.format.as_deref(),
            Subject::Support => None,
        }
    }
}

struct Planner<'p, 'r> {
    project: &'p Project<'p>,
    request: &'r Request,
    plan: Planned,
    compiled: HashMap<TemplateName, Option<usize>>,
    model_indices: HashMap<(String, Family), usize>,
    /// Each problem once, in the order in which they are found.
    problems: IndexSet<Problem>,
}

impl<'p, 'r> Planner<'p, 'r> {
    fn new(project: &'p Project<'p>, request: &'r Request) -> Self {
        let plan = Planned { root: request.output_dir.clone().unwrap_or_default(), ..Planned::default() };
        let (compiled, model_indices) = (HashMap::new(), HashMap::new());
        Self { project, request, plan, compiled, model_indices, problems: IndexSet::new() }
    }

    fn finish(self) -> Planned {
        Planned { problems: self.problems.into_iter().collect(), ..self.plan }
    }

    fn choose_suites(&mut self) {
        let configured = &self.project.config.suites;
        for name in &self.request.suites {
            if !configured.iter().any(|suite| suite.name.value == *name) {
                let problem = Problem::error(Code::InvalidConfig, format!("there is no suite `{name}`"));
                let known = configured.iter().map(|suite| suite.name.value.as_str());
                self.problems.insert(match did_you_mean(name, known) {
                    Some(help) => problem.help(help),
                    None => problem,
                });
            }
        }
        let asked =
            |suite: &&Arc<Suite>| self.request.suites.is_empty() || self.request.suites.contains(&suite.name.value);
        self.plan.suites = configured.iter().filter(asked).map(|suite| self.planned_suite(suite)).collect();
    }

    fn planned_suite(&self, suite: &Arc<Suite>) -> PlannedSuite {
        let axes = Axes {
            hardware: self.request.hardware.clone().unwrap_or_else(|| suite.hardware.clone()),
            batch_sizes: self.request.batch_sizes.clone().unwrap_or_else(|| suite.batch_sizes.clone()),
        };
        let folder = constant_folder(&suite.output.value).to_owned();
        PlannedSuite { suite: Arc::clone(suite), axes, expanded: Vec::new(), folder }
    }

    fn plan_suite(&mut self, index: usize) {
        let suite = &*Arc::clone(&self.plan.suites[index].suite);
        let Some(output) = self.pattern(&suite.output, &format!("output of suite `{}`", suite.name.value)) else {
            return;
        };
        self.plan.suites[index].expanded = AXES.into_iter().filter(|axis| expands(&output, axis)).collect();
        let Some(templates) = self.template_patterns(suite) else { return };
        if !self.patterns_are_strict(suite, &output, &templates) {
            return;
        }
        let models = self.select_models(suite);
        for case in self.resolved(index, &output, &templates, &models) {
            self.plan_case(case);
        }
        self.check_placeholders(index, &output);
    }

    /// The cases of a suite with their templates and paths, over all cores.
    fn resolved(&self, suite: usize, output: &Compiled, templates: &[Pattern], models: &[usize]) -> Vec<ResolvedCase> {
        let axes = &self.plan.suites[suite].axes;
        let hardware = axis(expands(output, "hardware_type"), &axes.hardware);
        let batch_sizes = axis(expands(output, "batch_size"), &axes.batch_sizes);
        let of_model = |matrix: &mut Matrix<'_>, model: usize| {
            let product = hardware.iter().flat_map(|hardware| batch_sizes.iter().map(move |size| (*hardware, *size)));
            product.map(|(hardware, size)| self.resolve(matrix, model, hardware, size)).collect::<Vec<_>>()
        };
        let resolved: Vec<Vec<Vec<ResolvedCase>>> = models
            .par_chunks(MODELS_AT_A_TIME)
            .map_init(
                || Matrix::new(suite, output, templates),
                |matrix, models| models.iter().map(|model| of_model(matrix, *model)).collect(),
            )
            .collect();
        resolved.into_iter().flatten().flatten().collect()
    }

    /// Whether the patterns of a suite use only placeholders that have a value.
    fn patterns_are_strict(&mut self, suite: &Suite, output: &Compiled, templates: &[Pattern]) -> bool {
        let rendered = templates.iter().filter_map(|pattern| match pattern {
            Pattern::Rendered(compiled, spot) => Some((compiled.as_ref(), spot)),
            Pattern::Constant(_) | Pattern::Registered => None,
        });
        let faults: Vec<_> = std::iter::once((output, &suite.output))
            .chain(rendered)
            .flat_map(|(pattern, spot)| {
                let found = check_placeholders(&self.project.config, pattern, output);
                found.into_iter().map(|problem| self.in_config(problem, spot)).collect::<Vec<_>>()
            })
            .collect();
        let strict = faults.is_empty();
        self.add_problems(faults);
        strict
    }

    /// The models of a suite, as indices into the plan's.
    fn select_models(&mut self, suite: &Suite) -> Vec<usize> {
        let catalogue = match (&suite.template, &self.project.registry) {
            (TemplateSource::Database(_), Some(registry)) => &registry.catalogue,
            _ => &self.project.catalogue,
        };
        let (models, problems) = if self.request.models.is_empty() {
            let selectors: Vec<_> = suite.models.iter().map(|spot| spot.value.clone()).collect();
            let (models, problems) = catalogue.select(&selectors);
            (models, problems.into_iter().map(|problem| self.in_config(problem, &suite.models[0])).collect())
        } else {
            catalogue.select(&self.request.models)
        };
        self.add_problems(problems);
        models.into_iter().map(|model| self.model_index(model)).collect()
    }

    fn model_index(&mut self, model: Model) -> usize {
        let next = self.plan.models.len();
        let index = *self.model_indices.entry((model.name.as_str().to_owned(), model.family.clone())).or_insert(next);
        if index == next {
            self.plan.models.push(model);
        }
        index
    }

    fn resolve(
        &self,
        matrix: &mut Matrix<'_>,
        model: usize,
        hardware: Option<HardwareType>,
        batch_size: Option<u32>,
    ) -> ResolvedCase {
        let subject = Subject::Case { suite: matrix.suite, model, hardware, batch_size };
        let planned = &self.plan.suites[matrix.suite];
        let case = Case {
            project: self.project,
            suite: Some(&planned.suite),
            axes: Some(&planned.axes),
            model: Some(&self.plan.models[model]),
            hardware,
            batch_size,
            template: None,
        };
        let name = matrix.template(&case, self.project);
        let path = matrix.path(&case);
        let found = match (name, path) {
            (Ok(name), Ok(path)) => self.output_path(&path, matrix.suite).map(|path| (name, path)),
            (Err(problem), _) if problem.code == Code::MissingTemplate => Err(problem),
            (Err(problem), _) => Err(self.in_config(problem, &planned.suite.name)),
            (_, Err(problem)) => Err(self.in_config(problem, &planned.suite.output)),
        };
        ResolvedCase { subject, found }
    }

    fn plan_case(&mut self, ResolvedCase { subject, found }: ResolvedCase) {
        match found {
            Ok((name, path)) => match self.compile(&name) {
                Some(template) => self.plan.outputs.push(PlannedOutput { path, template, subject }),
                None => self.plan.left_out.push(LeftOut { template: name, subject }),
            },
            Err(problem) => self.add_problems(vec![problem]),
        }
    }

    fn output_path(&self, rendered: &str, suite: usize) -> Result<OutputPath, Problem> {
        let planned = &self.plan.suites[suite];
        let below = match &self.request.output_dir {
            Some(_) => Utf8Path::new(rendered).strip_prefix(&planned.folder).map_or(rendered, Utf8Path::as_str),
            None => rendered,
        };
        let refuse = |code, message: String| Err(self.in_config(Problem::error(code, message), &planned.suite.output));
        match OutputPath::new(below) {
            Ok(path) if CommentStyle::of(path.as_path()).is_some() => Ok(path),
            Ok(path) => refuse(
                Code::UnsignableOutput,
                format!("the output `{path}` is of a file type without comments, so it cannot carry a signature"),
            ),
            Err(reason) => refuse(Code::InvalidOutputPath, format!("the output path `{below}` {reason}")),
        }
    }

    /// Compiles a template once; its problems are reported once.
    fn compile(&mut self, name: &TemplateName) -> Option<usize> {
        if let Some(known) = self.compiled.get(name) {
            return *known;
        }
        let index = match self.project.compilations.get(&self.project.library, name) {
            Ok(compiled) => {
                self.plan.templates.push(compiled);
                Some(self.plan.templates.len() - 1)
            }
            Err(problems) => {
                self.add_problems(problems);
                None
            }
        };
        self.compiled.insert(name.clone(), index);
        index
    }

    fn template_patterns(&mut self, suite: &Suite) -> Option<Vec<Pattern>> {
        match &suite.template {
            TemplateSource::Files(names) => {
                let what = format!("template of suite `{}`", suite.name.value);
                names.iter().map(|name| self.template_pattern(name, &what)).collect()
            }
            TemplateSource::Database(_) if self.project.registry.is_some() => Some(vec![Pattern::Registered]),
            TemplateSource::Database(range) => {
                let problem = Problem::error(
                    Code::MissingTemplate,
                    format!(
                        "suite `{}` takes its templates from the template database, which is not open",
                        suite.name.value
                    ),
                );
                let problem = problem.help("name template files instead, or use a build with the feature `store`");
                self.problems.insert(self.in_config(problem, &Spot::new((), *range)));
                None
            }
        }
    }

    fn template_pattern(&mut self, spot: &Spot<String>, what: &str) -> Option<Pattern> {
        if spot.value.contains("{{") || spot.value.contains("{%") {
            self.pattern(spot, what).map(|compiled| Pattern::Rendered(Box::new(compiled), spot.clone()))
        } else {
            Some(Pattern::Constant(TemplateName::new(&spot.value)))
        }
    }

    /// Compiles a path pattern; its problems are reported at its place in the configuration.
    fn pattern(&mut self, spot: &Spot<String>, what: &str) -> Option<Compiled> {
        match Compiled::inline(what, &spot.value) {
            Ok(compiled) => Some(compiled),
            Err(problems) => {
                let placed = problems.into_iter().map(|problem| self.in_config(problem, spot)).collect();
                self.add_problems(placed);
                None
            }
        }
    }

    fn check_placeholders(&mut self, suite: usize, output: &Compiled) {
        let config = &self.project.config;
        let mut used: Vec<usize> = self.plan.outputs.iter().filter_map(|output| output.template_of(suite)).collect();
        used.sort_unstable();
        used.dedup();
        let mut broken = Vec::new();
        let mut problems = Vec::new();
        for template in used {
            let mut found = check_placeholders(config, &self.plan.templates[template], output);
            found.retain(|problem| !is_allowed(&self.project.library, problem));
            if found.iter().any(Problem::is_error) {
                broken.push(template);
            }
            problems.extend(found);
        }
        self.add_problems(problems);
        let is_broken =
            |output: &mut PlannedOutput| output.template_of(suite).is_some_and(|used| broken.contains(&used));
        let left_out: Vec<_> = self.plan.outputs.extract_if(.., is_broken).collect();
        let without_output = |output: PlannedOutput| LeftOut {
            template: self.plan.templates[output.template].name.clone(),
            subject: output.subject,
        };
        let left_out: Vec<_> = left_out.into_iter().map(without_output).collect();
        self.plan.left_out.extend(left_out);
    }

    /// The support templates that outputs ask for, and those that these ask for, once a folder.
    fn plan_support(&mut self) {
        let mut wanted: BTreeSet<(String, TemplateName)> = BTreeSet::new();
        let mut planned = BTreeSet::new();
        for output in &self.plan.outputs {
            let folder = output.path.as_path().parent().unwrap_or(Utf8Path::new(""));
            for name in &self.plan.templates[output.template].support {
                wanted.insert((folder.as_str().to_owned(), name.clone()));
            }
        }
        while let Some((folder, name)) = wanted.pop_first() {
            let path = Utf8Path::new(&folder).join(name.support_path());
            let (Ok(path), Some(template)) = (OutputPath::new(path.as_str()), self.compile(&name)) else { continue };
            self.plan.outputs.push(PlannedOutput { path, template, subject: Subject::Support });
            let asked = self.plan.templates[template].support.iter().map(|other| (folder.clone(), other.clone()));
            planned.insert((folder.clone(), name));
            wanted.extend(asked.filter(|support| !planned.contains(support)));
        }
    }

    /// Leaves out outputs that would stand at one path, on file systems that ignore case too.
    fn refuse_collisions(&mut self) {
        let mut first: HashMap<Cow<'_, str>, usize> = HashMap::with_capacity(self.plan.outputs.len());
        let mut collisions = Vec::new();
        for (index, output) in self.plan.outputs.iter().enumerate() {
            let other = *first.entry(output.path.case_folded()).or_insert(index);
            if other != index {
                collisions.push((other, index));
            }
        }
        let problems: Vec<_> = collisions.iter().map(|(first, second)| self.collision(*first, *second)).collect();
        self.add_problems(problems);
        let mut refused = vec![false; self.plan.outputs.len()];
        for (first, second) in collisions {
            refused[first] = true;
            refused[second] = true;
        }
        let mut refused = refused.into_iter();
        self.plan.outputs.retain(|_| !refused.next().unwrap_or(false));
    }

    fn collision(&self, first: usize, second: usize) -> Problem {
        let outputs = [&self.plan.outputs[first], &self.plan.outputs[second]];
        let [first, second] = outputs.map(|output| {
            let template = &self.plan.templates[output.template].name;
            self.plan.case(self.project, template, output.subject).origin()
        });
        let message = format!("two cases have the output path `{}`: {first}, and {second}", outputs[1].path);
        let problem = Problem::error(Code::OutputCollision, message)
            .help("name in the `output` of the suite what tells them apart, such as `{{ normalized_name }}` or `{{ hardware_type }}`");
        match outputs[1].suite() {
            Some(suite) => self.in_config(problem, &self.plan.suites[suite].suite.output),
            None => problem,
        }
    }

    /// A problem of something that stands in the configuration is shown there.
    fn in_config<T>(&self, problem: Problem, spot: &Spot<T>) -> Problem {
        self.project.config.place(problem, spot.range)
    }

    fn add_problems(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
    }
}

impl PlannedOutput {
    /// The suite of its case, as an index into the plan's.
    #[must_use]
    pub fn suite(&self) -> Option<usize> {
        match self.subject {
            Subject::Case { suite, .. } => Some(suite),
            Subject::Support => None,
        }
    }

    fn template_of(&self, suite: usize) -> Option<usize> {
        (self.suite() == Some(suite)).then_some(self.template)
    }
}

/// The values of an axis: each of them where it is expanded, else none at all.
fn axis<T: Copy>(expanded: bool, values: &[T]) -> Vec<Option<T>> {
    if expanded { values.iter().copied().map(Some).collect() } else { vec![None] }
}

/// The folder in front of the first placeholder of a path pattern.
fn constant_folder(pattern: &str) -> &Utf8Path {
    let constant = &pattern[..pattern.find('{').unwrap_or(pattern.len())];
    Utf8Path::new(constant.rfind('/').map_or("", |at| &constant[..at]))
}

/// A template's name in a suite.
enum Pattern {
    Constant(TemplateName),
    Rendered(Box<Compiled>, Spot<String>),
    /// The template database's choice.
    Registered,
}

/// A case with the template and the path that were found for it.
struct ResolvedCase {
    subject: Subject,
    found: Result<(TemplateName, OutputPath), Problem>,
}

/// What the cases of one suite share while one thread looks for their templates and paths.
struct Matrix<'c> {
    suite: usize,
    output: Renderer<'c>,
    templates: Vec<Names<'c>>,
    chosen: HashMap<String, bool>,
}

impl<'c> Matrix<'c> {
    fn new(suite: usize, output: &'c Compiled, templates: &'c [Pattern]) -> Self {
        let templates = templates.iter().map(Pattern::names).collect();
        Self { suite, output: Renderer::of(output), templates, chosen: HashMap::new() }
    }

    fn path(&mut self, case: &Case<'_>) -> Result<String, Problem> {
        let mut rendered = Vec::new();
        self.output.render(case, &mut rendered)?;
        Ok(String::from_utf8(rendered).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// The first template of the list that exists.
    fn template(&mut self, case: &Case<'_>, project: &Project<'_>) -> Result<TemplateName, Problem> {
        let mut tried = Vec::new();
        for names in &mut self.templates {
            let name = names.of(case)?;
            let is_there = self.chosen.get(name.as_str()).copied().unwrap_or_else(|| {
                let is_there = project.library.contains(&name);
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

/// Gives the names of templates, case after case.
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
        return Err(Problem::error(Code::MissingTemplate, "the template database was not asked"));
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
    let last = tried.last().map_or("", TemplateName::as_str);
    let help = did_you_mean(last, project.library.names().map(TemplateName::as_str))
        .unwrap_or_else(|| "put the file into the templates folder, or name one that exists".to_owned());
    let mut problem = Problem::error(Code::MissingTemplate, message).help(help);
    if let (Some(path), Some(suite)) = (&project.config.path, case.suite) {
        problem.related.push(Related {
            path: path.clone(),
            range: Some(suite.name.range),
            message: "the suite is here".to_owned(),
        });
        problem = problem.in_file(path).at(suite.name.range);
    }
    problem
}
