//! `cargo tgen plan`: the cases as tests to execute, written to the template database as a plan.

mod arguments;
mod difference;
mod showing;
mod with_support;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use anyhow::bail;
use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::problem::{Code, Problem};
use tgen_core::config::Suite;
use tgen_core::lint::findings;
use tgen_core::model::catalogue::Selector;
use tgen_core::model::family::Family;
use tgen_core::plan::test_plan::{self, TEST_TYPE, learn, planned_tests};
use tgen_core::plan::{Plan, PlannedOutput, Subject};
use tgen_core::project::Project;
use tgen_core::project::request::Request;
use tgen_core::rendering::comparison::render_each;
use tgen_core::rendering::syntax::check_syntax;
use tgen_core::schedule::history::History;

use self::arguments::{Filter, PlanCommand, PlanFormat};
use self::difference::run_diff;
use self::showing::{run_show, show, show_plans};
use super::results::{RESULTS_FOLDER, read_files, read_left, read_with_warnings, results_files};
use crate::apply::refuse_unreadable;
use crate::exit::Exit;
use crate::printer::{Printer, Progress, counted};
use crate::project::arguments::Global;
use crate::project::database::one_session;
use crate::project::session::add_database_suite;
use crate::project::session::{self, Session};
use crate::store::{self, Estimates, Mode, Store, SupportFile};
use crate::world::interrupt;

pub(crate) use self::arguments::PlanArgs;
pub(crate) use self::showing::export;

/// How many tests of a new plan are shown.
const SHOWN: u32 = 20;
/// How many tests are rendered at a time, and read at a time.
const PAGE: u32 = 1000;

pub(crate) fn run(global: &Global, args: &PlanArgs) -> anyhow::Result<Exit> {
    let mut session = one_session(global)?;
    match &args.command {
        Some(PlanCommand::List(list)) => show_plans(&session.database(Mode::ReadOnly)?.plans()?, list.format)?,
        Some(PlanCommand::Show(show)) => run_show(&session.database(Mode::ReadOnly)?, show)?,
        Some(PlanCommand::Diff(diff)) => return run_diff(&session.database(Mode::ReadOnly)?, diff),
        Some(PlanCommand::Remove(remove)) => {
            session.database(Mode::ReadWrite)?.remove_plan(&remove.name)?;
            Printer::new().line(&format!("removed plan `{}`", remove.name))?;
        }
        None => {
            if args.wants_database(&session.config) {
                add_database_suite(&mut session.config);
            }
            return run_plan(&session, args);
        }
    }
    Ok(Exit::Clean)
}

fn run_plan(session: &Session, args: &PlanArgs) -> anyhow::Result<Exit> {
    interrupt::listen();
    let started = Instant::now();
    let (request, chosen) = request(session, args)?;
    let project = session.project_for(&request)?;
    let plan = Plan::new(&project, &request);
    refuse_unreadable(session, &plan, "nothing was planned")?;
    let (mut tests, faults) = planned_tests(&plan);
    if let Some(files) = &args.from_history {
        learn(&plan, &mut tests, &history(session, &plan, files)?);
    }
    let contents = test_plan::contents(&plan, &tests);
    let mut problems = problems_of_inputs(&plan, chosen);
    problems.extend(faults);
    let stores_nothing = |problems: &[Problem]| args.dry_run || Exit::of(problems) == Exit::Findings;
    // A plan is only replaced by one whose tests can all be rendered.
    if args.replace || stores_nothing(&problems) {
        problems.extend(render_all(&contents)?);
    }
    if tests.is_empty() || stores_nothing(&problems) {
        return end_without_plan(session, &project, args, problems, tests.len());
    }
    let mut store = session.database(Mode::ReadWrite)?;
    let when_interrupted = if args.replace {
        stop_if_interrupted()?;
        remove_replaced(&mut store, args.name.as_deref())?
    } else {
        WhenInterrupted::Stop
    };
    match write_plan(&mut store, &plan, &tests, &contents, args.name.as_deref(), when_interrupted)? {
        Ok(name) => {
            let problems = findings::gathered(problems);
            session.print_problems(&project, &problems);
            show_new(session, &store, &name, args, tests.len(), started)?;
            Ok(Exit::of(&problems))
        }
        Err(failures) => {
            problems.extend(failures);
            end_without_plan(session, &project, args, problems, tests.len())
        }
    }
}

fn problems_of_inputs(plan: &Plan<'_>, chosen: Chosen) -> Vec<Problem> {
    let mut problems = findings::of_inputs(plan.project, plan);
    if chosen == Chosen::ByMappings {
        // The user has asked for no case in particular, so one without a template is no error.
        problems.retain(|problem| problem.code != Code::MissingTemplate);
    }
    problems
}

/// Whether Ctrl-C ends the writing of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WhenInterrupted {
    Stop,
    /// The plan of that name is gone already, so one that is not stored would be missed.
    GoOn,
}

fn remove_replaced(store: &mut Store, name: Option<&str>) -> anyhow::Result<WhenInterrupted> {
    match name {
        Some(name) if store.plans()?.iter().any(|plan| plan.name == name) => {
            store.remove_plan(name)?;
            Ok(WhenInterrupted::GoOn)
        }
        _ => Ok(WhenInterrupted::Stop),
    }
}

/// What results files tell of the models of a plan.
fn history(session: &Session, plan: &Plan<'_>, files: &[Utf8PathBuf]) -> anyhow::Result<History> {
    let recorded = if files.is_empty() {
        read_left(&results_files(&session.root.join(RESULTS_FOLDER))?, read_with_warnings)
    } else {
        read_files(files)?
    };
    if files.is_empty() && recorded.is_empty() {
        bail!(
            "there are no results in `{RESULTS_FOLDER}` to learn from; give `--from-history` the files of earlier runs"
        );
    }
    let families: HashMap<&str, &Family> =
        plan.models.iter().map(|model| (model.name.as_str(), &model.family)).collect();
    Ok(History::new(&recorded, &|model| families.get(model).map(|family| (*family).clone())))
}

/// Who chose the models of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chosen {
    ByRequest,
    ByMappings,
}

/// What is to be planned. Without a configured suite and without a selection of models, these are the models that the
/// template database has mappings of.
fn request(session: &Session, args: &PlanArgs) -> anyhow::Result<(Request, Chosen)> {
    let mut request = session::cases(&args.cases);
    let is_built_in = |suite: &Suite| *suite == Suite::built_in_database();
    let is_unconfigured = session.config.path.is_none() && session.config.suites.iter().all(|suite| is_built_in(suite));
    if !request.models.is_empty() || !is_unconfigured {
        return Ok((request, Chosen::ByRequest));
    }
    let mappings = session.database(Mode::ReadOnly)?.mappings()?;
    if mappings.is_empty() {
        bail!(
            "no model is named, and the template database has no mapping of one; give `--model`, or add a mapping with `cargo tgen mapping add`"
        );
    }
    request.models = mappings.into_iter().map(|mapping| Selector::Name(mapping.model)).collect();
    Ok((request, Chosen::ByMappings))
}

/// Says why there is no plan, or what a dry run has found.
fn end_without_plan(
    session: &Session,
    project: &Project<'_>,
    args: &PlanArgs,
    problems: Vec<Problem>,
    tests: usize,
) -> anyhow::Result<Exit> {
    let problems = findings::gathered(problems);
    session.print_problems(project, &problems);
    let exit = Exit::of(&problems);
    let message = match exit {
        Exit::Findings | Exit::Infrastructure => {
            "nothing was planned: a plan has all its tests, or there is none".to_owned()
        }
        Exit::Clean if args.dry_run => format!("would plan {}", counted(tests, "test")),
        Exit::Clean => "there is no test to plan".to_owned(),
    };
    Printer::new().line(&message)?;
    Ok(exit.max(Exit::findings_if(tests == 0)))
}

fn show_new(
    session: &Session,
    store: &Store,
    name: &str,
    args: &PlanArgs,
    tests: usize,
    started: Instant,
) -> anyhow::Result<()> {
    let limit = (args.format == PlanFormat::Table).then_some(SHOWN);
    show(store, name, args.format, 0, limit, &Filter::default())?;
    if args.format == PlanFormat::Table {
        let (database, seconds) = (session.database_path()?, started.elapsed().as_secs_f64());
        let planned = counted(tests, "test");
        Printer::new().line(&format!("planned {planned} as `{name}` in `{database}` ({seconds:.2} s)"))?;
    }
    Ok(())
}

/// The problems of rendering all tests.
fn render_all(contents: &Plan<'_>) -> anyhow::Result<Vec<Problem>> {
    let mut failures = Vec::new();
    for page in contents.outputs.chunks(PAGE as usize) {
        stop_if_interrupted()?;
        for (output, content) in page.iter().zip(rendered(contents, page)) {
            failures.extend(content.err().map(|problem| (problem, contents.subject_name(output))));
        }
    }
    Ok(findings::by_template(failures))
}

/// Renders the tests and writes them to the template database. Gives the plan's name; or, if some tests cannot be rendered,
/// the problems, and writes nothing.
fn write_plan(
    store: &mut Store,
    plan: &Plan<'_>,
    tests: &[test_plan::PlannedTest],
    contents: &Plan<'_>,
    name: Option<&str>,
    when_interrupted: WhenInterrupted,
) -> anyhow::Result<Result<String, Vec<Problem>>> {
    let mut failures = Vec::new();
    let mut writer = store.new_plan(name)?;
    let progress = Progress::new(tests.len(), "planning");
    for (page, outputs) in tests.chunks(PAGE as usize).zip(contents.outputs.chunks(PAGE as usize)) {
        if when_interrupted == WhenInterrupted::Stop {
            stop_if_interrupted()?;
        }
        for ((test, output), content) in page.iter().zip(outputs).zip(rendered(contents, outputs)) {
            progress.step();
            match content {
                Ok(content) if failures.is_empty() => writer.add(&stored(plan, test, output, &content))?,
                Ok(_) => {}
                Err(problem) => failures.push((problem, contents.subject_name(output))),
            }
        }
    }
    let support = support(plan, &mut failures);
    progress.finish();
    if failures.is_empty() { Ok(Ok(writer.finish(&support)?)) } else { Ok(Err(findings::by_template(failures))) }
}

fn stop_if_interrupted() -> anyhow::Result<()> {
    if interrupt::requested() {
        bail!("interrupted; nothing was planned");
    }
    Ok(())
}

/// What the tests import, each once: the support is the same in every folder.
fn support(plan: &Plan<'_>, failures: &mut Vec<(Problem, String)>) -> Vec<SupportFile> {
    let folders: HashSet<&Utf8Path> = plan.outputs.iter().filter_map(|output| folder_of_case(output)).collect();
    let outputs: Vec<PlannedOutput> =
        plan.outputs.iter().filter(|output| output.subject == Subject::Support).cloned().collect();
    let texts = render_each(plan, &outputs, |_, text| text.map(|text| String::from_utf8_lossy(text).into_owned()));
    let mut files = BTreeMap::new();
    for (output, text) in outputs.iter().zip(texts) {
        let path = output.path.as_path();
        let beside = path.ancestors().skip(1).find(|folder| folders.contains(folder)).unwrap_or(Utf8Path::new(""));
        match text {
            Ok(text) => drop(files.insert(path.strip_prefix(beside).unwrap_or(path).to_string(), text)),
            Err(problem) => failures.push((problem, plan.subject_name(output))),
        }
    }
    files.into_iter().map(|(path, content)| SupportFile { path, content }).collect()
}

fn folder_of_case(output: &PlannedOutput) -> Option<&Utf8Path> {
    matches!(output.subject, Subject::Case { .. }).then(|| output.path.as_path().parent()).flatten()
}

/// The texts of tests.
fn rendered(plan: &Plan<'_>, outputs: &[PlannedOutput]) -> Vec<Result<String, Problem>> {
    render_each(plan, outputs, |output, rendered| {
        let rendered = rendered?;
        check_syntax(&plan.project.known_python, output.path.as_path(), rendered)?;
        Ok(String::from_utf8_lossy(rendered).into_owned())
    })
}

fn stored<'t>(
    plan: &'t Plan<'_>,
    test: &'t test_plan::PlannedTest,
    output: &PlannedOutput,
    content: &'t str,
) -> store::NewTest<'t> {
    let model = &plan.models[test.model];
    let template = &plan.templates[output.template].name;
    let registered = plan.project.registry.as_ref().and_then(|registry| registry.find(template));
    store::NewTest {
        test_id: test.id,
        model: model.name.as_str(),
        family: model.family.name(),
        hardware: test.hardware,
        batch_size: test.batch_size,
        content,
        test_type: TEST_TYPE,
        priority: test.priority,
        min_memory_gb: test.min_memory_gb,
        timeout_seconds: test.timeout_seconds,
        template: registered.map_or(template.as_str(), |template| &template.name),
        template_version: registered.map(|template| template.version),
        dependencies: test.depends_on.as_slice(),
        estimates: Estimates {
            memory: test.memory_origin,
            seconds: test.expected.map(|expected| expected.map(|duration| duration.as_secs_f64())),
        },
    }
}
