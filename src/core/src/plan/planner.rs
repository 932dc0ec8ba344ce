//! Builds a plan: selects suites and models, resolves the template and the path of every case, and removes cases with
//! errors.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use camino::Utf8Path;
use indexmap::IndexSet;
use rayon::prelude::*;

use super::matrix::{Matrix, Pattern, ResolvedCase, axis};
use super::{
    LeftOut, ModelIndex, Planned, PlannedOutput, PlannedSuite, Subject, SuiteIndex, TemplateIndex, collisions,
};
use crate::base::problem::{Code, Problem};
use crate::base::suggest::did_you_mean;
use crate::config::{Spot, Suite, TemplateSource};
use crate::model::catalogue::Model;
use crate::model::family::Family;
use crate::model::hardware::HardwareType;
use crate::output::path::OutputPath;
use crate::output::signature::CommentStyle;
use crate::plan::case::{Axes, Case};
use crate::plan::strictness::{AXES, check_placeholders, expands};
use crate::project::Project;
use crate::project::request::Request;
use crate::template::TemplateName;
use crate::template::check::is_allowed;
use crate::template::compiled::Compiled;

/// How many models one thread takes at a time.
const MODELS_AT_A_TIME: usize = 16;

/// The state while a plan is built.
pub(super) struct Planner<'p, 'r> {
    project: &'p Project<'p>,
    request: &'r Request,
    plan: Planned,
    compiled: HashMap<TemplateName, Option<TemplateIndex>>,
    /// Templates compiled in parallel, until [`Self::compile`] takes them.
    compiled_ahead: HashMap<TemplateName, Result<Arc<Compiled>, Vec<Problem>>>,
    model_indices: HashMap<(String, Family), ModelIndex>,
    /// Without duplicates, in the order in which they are found.
    problems: IndexSet<Problem>,
}

impl<'p, 'r> Planner<'p, 'r> {
    /// Plans the requested outputs.
    pub(super) fn plan(project: &'p Project<'p>, request: &'r Request) -> Planned {
        let mut planner = Planner::new(project, request);
        planner.choose_suites();
        for suite in planner.plan.suites.keys() {
            planner.plan_suite(suite);
        }
        planner.leave_out_broken_references();
        planner.plan_support();
        planner.refuse_collisions();
        planner.finish()
    }

    fn new(project: &'p Project<'p>, request: &'r Request) -> Self {
        let root = request.output_dir.clone().unwrap_or_default();
        let plan = Planned { root, is_complete: request.is_complete(), ..Planned::default() };
        let (compiled, compiled_ahead, model_indices) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { project, request, plan, compiled, compiled_ahead, model_indices, problems: IndexSet::new() }
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

    fn plan_suite(&mut self, index: SuiteIndex) {
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
        // Kept as they come: another list of all cases would be as large.
        let cases = self.resolved(index, &output, &templates, &models);
        self.compile_ahead(cases.iter().flatten().flatten());
        self.plan.outputs.reserve(cases.iter().flatten().map(Vec::len).sum());
        for case in cases.into_iter().flatten().flatten() {
            if self.project.cancellation.is_cancelled() {
                return;
            }
            self.plan_case(case);
        }
        self.check_placeholders(index, &output);
    }

    /// The cases of a suite with their templates and paths, resolved in parallel; those of a model are together.
    fn resolved(
        &self,
        suite: SuiteIndex,
        output: &Compiled,
        templates: &[Pattern],
        models: &[ModelIndex],
    ) -> Vec<Vec<Vec<ResolvedCase>>> {
        let axes = &self.plan.suites[suite].axes;
        let hardware = axis(expands(output, "hardware_type"), &axes.hardware);
        let batch_sizes = axis(expands(output, "batch_size"), &axes.batch_sizes);
        let of_model = |matrix: &mut Matrix<'_>, model: ModelIndex| {
            let product = hardware.iter().flat_map(|hardware| batch_sizes.iter().map(move |size| (*hardware, *size)));
            product.map(|(hardware, size)| self.resolve(matrix, model, hardware, size)).collect::<Vec<_>>()
        };
        models
            .par_chunks(MODELS_AT_A_TIME)
            .map_init(
                || Matrix::new(suite, output, templates),
                |matrix, models| models.iter().map(|model| of_model(matrix, *model)).collect(),
            )
            .collect()
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

    fn select_models(&mut self, suite: &Suite) -> Vec<ModelIndex> {
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

    fn model_index(&mut self, model: Model) -> ModelIndex {
        let next = self.plan.models.next_key();
        let index = *self.model_indices.entry((model.name.as_str().to_owned(), model.family.clone())).or_insert(next);
        if index == next {
            self.plan.models.push(model);
        }
        index
    }

    fn resolve(
        &self,
        matrix: &mut Matrix<'_>,
        model: ModelIndex,
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
        ResolvedCase { subject, found: found.map_err(Box::new) }
    }

    fn plan_case(&mut self, ResolvedCase { subject, found }: ResolvedCase) {
        match found {
            Ok((name, path)) => match self.compile(&name) {
                Some(template) => self.plan.outputs.push(PlannedOutput { path, template, subject }),
                None => self.plan.left_out.push(LeftOut { path, template: name, subject }),
            },
            Err(problem) => self.add_problems(vec![*problem]),
        }
    }

    fn output_path(&self, rendered: &str, suite: SuiteIndex) -> Result<OutputPath, Problem> {
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

    /// Compiles the templates of cases in parallel.
    fn compile_ahead<'c>(&mut self, cases: impl Iterator<Item = &'c ResolvedCase>) {
        let templates = cases.filter_map(|case| case.found.as_ref().ok()).map(|(name, _)| name);
        let mut last = None;
        // Neighbours mostly share a template, and names are slow to hash.
        let templates = templates.filter(|name| last.replace(*name) != Some(*name));
        let names: HashSet<&TemplateName> = templates.filter(|name| !self.compiled.contains_key(*name)).collect();
        let Project { compilations, library, cancellation, .. } = self.project;
        let compiled = names.into_par_iter().filter(|_| !cancellation.is_cancelled());
        self.compiled_ahead = compiled.map(|name| (name.clone(), compilations.get(library, name))).collect();
    }

    /// Compiles a template on first use; its problems are reported once.
    fn compile(&mut self, name: &TemplateName) -> Option<TemplateIndex> {
        if let Some(known) = self.compiled.get(name) {
            return *known;
        }
        let compiled = self.compiled_ahead.remove(name);
        let index = match compiled.unwrap_or_else(|| self.project.compilations.get(&self.project.library, name)) {
            Ok(compiled) => Some(self.plan.templates.push_and_get_key(compiled)),
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

    fn check_placeholders(&mut self, suite: SuiteIndex, output: &Compiled) {
        let config = &self.project.config;
        let mut used: Vec<TemplateIndex> =
            self.plan.outputs.iter().filter_map(|output| output.template_of(suite)).collect();
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
        self.leave_out(|output| output.template_of(suite).is_some_and(|used| broken.contains(&used)));
    }

    /// Removes the outputs that use a broken reference implementation: otherwise they would be rendered as if the
    /// model had none.
    fn leave_out_broken_references(&mut self) {
        let asks: Vec<ModelIndex> =
            self.plan.outputs.iter().filter_map(|output| self.asks_for_reference(output)).collect();
        let asks: HashSet<ModelIndex> = asks.into_iter().collect();
        let broken: HashMap<ModelIndex, Problem> = asks
            .into_par_iter()
            .filter_map(|model| Some((model, self.project.broken_reference(&self.plan.models[model])?)))
            .collect();
        if broken.is_empty() {
            return;
        }
        let is_held: Vec<bool> = self
            .plan
            .outputs
            .iter()
            .map(|output| self.asks_for_reference(output).is_some_and(|model| broken.contains_key(&model)))
            .collect();
        let mut is_held = is_held.into_iter();
        self.leave_out(|_| is_held.next().unwrap_or(false));
        let mut problems: Vec<_> = broken.into_iter().collect();
        problems.sort_by_key(|(model, _)| *model);
        self.add_problems(problems.into_iter().map(|(_, problem)| problem).collect());
    }

    /// The model of an output whose template uses `reference`.
    fn asks_for_reference(&self, output: &PlannedOutput) -> Option<ModelIndex> {
        match output.subject {
            Subject::Case { model, .. } => self.plan.templates[output.template].placeholder("reference").map(|_| model),
            Subject::Support => None,
        }
    }

    fn leave_out(&mut self, mut is_held: impl FnMut(&PlannedOutput) -> bool) {
        let held: Vec<_> = self.plan.outputs.extract_if(.., |output| is_held(output)).collect();
        let without_output = |output: PlannedOutput| LeftOut {
            path: output.path,
            template: self.plan.templates[output.template].name.clone(),
            subject: output.subject,
        };
        let held: Vec<_> = held.into_iter().map(without_output).collect();
        self.plan.left_out.extend(held);
    }

    /// Adds the support templates that outputs use, and those that these use in turn, once for each folder.
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

    fn refuse_collisions(&mut self) {
        let problems = collisions::refuse(self.project, &mut self.plan);
        self.add_problems(problems);
    }

    /// Reports a problem at the place of `spot` in the configuration.
    fn in_config<T>(&self, problem: Problem, spot: &Spot<T>) -> Problem {
        self.project.config.place(problem, spot.range)
    }

    fn add_problems(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
    }
}

/// The folder before the first placeholder of a path pattern.
fn constant_folder(pattern: &str) -> &Utf8Path {
    let constant = &pattern[..pattern.find('{').unwrap_or(pattern.len())];
    Utf8Path::new(constant.rfind('/').map_or("", |at| &constant[..at]))
}

#[cfg(test)]
mod tests {
    use crate::base::files::MemoryFiles;
    use crate::config::{self, Origin};
    use crate::plan::Plan;
    use crate::project::Project;
    use crate::project::request::Request;

    const FIXTURE: &str = r#"
-- tgen.toml --
templates = "templates"
skillset = "skillset"
[[suite]]
name = "s"
template = ["{{ normalized_name }}.txt", "t.txt.tera"]
models = ["bert", "vit", "gpt2"]
output = "out/{{ normalized_name }}.txt"
-- templates/t.txt.tera --
# {{ reference?.class_name | default(value="none") }}
-- templates/gpt2.txt --
no reference
-- skillset/hf_vit.py --
class hf_vit: pass
"#;

    /// The problems of a plan in which the modules of two models hold this.
    fn problems_with(module: &[u8]) -> String {
        let mut files = MemoryFiles::from_fixture(FIXTURE);
        for model in ["bert", "gpt2"] {
            files.insert(format!("skillset/hf_{model}.py"), module);
        }
        let project = Project::load(&files, config::load(&files, Origin::TgenToml).unwrap(), &[]);
        let plan = Plan::new(&project, &Request::default());
        let outputs: Vec<_> = plan.outputs.iter().map(|output| output.path.as_path().as_str()).collect();
        assert_eq!(outputs, ["out/vit.txt", "out/gpt2.txt"]);
        assert_eq!(plan.left_out.len(), 1);
        plan.problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn no_output_is_planned_from_a_reference_implementation_that_is_broken() {
        insta::assert_snapshot!(problems_with(&[0xff]), @"cannot read the reference implementation `skillset/hf_bert.py`: it is not UTF-8 text (the first other byte is at offset 0)");
        insta::assert_snapshot!(problems_with(b"class ("), @"`hf_bert` is not valid Python: expected an identifier");
        insta::assert_snapshot!(problems_with(b" \n"), @"`hf_bert` is empty");
    }
}
