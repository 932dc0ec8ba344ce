//! `cargo tgen plan`: the cases as tests to execute, written to the template database as a plan.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use tgen_core::base::problem::{Code, Problem};
use tgen_core::config::{Config, Suite};
use tgen_core::lint::findings;
use tgen_core::model::catalogue::Selector;
use tgen_core::model::family::Family;
use tgen_core::model::hardware::HardwareType;
use tgen_core::output::path::OutputPath;
use tgen_core::plan::test_plan::{self, TEST_TYPE, learn, planned_tests};
use tgen_core::plan::{Plan, PlannedOutput, Subject};
use tgen_core::project::Project;
use tgen_core::project::request::Request;
use tgen_core::rendering::comparison::render_each;
use tgen_core::rendering::syntax::check_syntax;
use tgen_core::schedule::history::History;

use super::results::{RESULTS_FOLDER, read_files, results_files};
use crate::outcome::Outcome;
use crate::printer::{Printer, Progress, counted};
use crate::project::arguments::{CaseArgs, Global, ListArgs, ListFormat, hardware_type};
use crate::project::database::one_session;
use crate::project::session::add_database_suite;
use crate::project::session::{self, Session};
use crate::report::plan as report;
use crate::report::plan_matrix::{github_matrix, is_too_large_for_github};
use crate::store::{self, Content, Difference, Differing, Estimates, Mode, Store, StoredTest, SupportFile};
use crate::world::disk::Writer;
use crate::world::interrupt;

/// How many tests of a new plan are shown.
const SHOWN: u32 = 20;
/// How many tests are rendered at a time, and read at a time.
const PAGE: u32 = 1000;

/// Plan the generated tests: ids, priorities, memory, what depends on what
///
/// The tests are those of the suites in `tgen.toml`; without one, the template database chooses a template for each
/// model and hardware type. The plan is written to the template database.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  cargo tgen plan --model bert-base-uncased --hardware cpu,cuda --batch-sizes 1,4
  cargo tgen plan --suite matrix --name nightly --format jsonl     what a test runner reads
  cargo tgen plan show nightly --machine here --output-dir tests   the tests for this machine, ready to run
  cargo tgen plan --format github-matrix                           the jobs of a matrix of GitHub Actions
  cargo tgen plan diff nightly plan-7                              what changed between two plans"
)]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    command: Option<PlanCommand>,
    #[command(flatten)]
    cases: CaseArgs,
    /// The plan's name [default: `plan-` and a number]
    #[arg(long)]
    name: Option<String>,
    /// Replace the plan of that name
    #[arg(long, requires = "name")]
    replace: bool,
    /// Learn how long tests take and what memory they need from results files [default: those in `results/`]
    #[arg(long, value_name = "FILE", num_args = 0..)]
    from_history: Option<Vec<Utf8PathBuf>>,
    /// Say what would be planned, and store nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// How to show the plan
    #[arg(long, value_enum, default_value_t)]
    format: PlanFormat,
}

impl PlanArgs {
    /// Whether the built-in suite of the template database is meant: it is asked for by name, or there is no other.
    fn wants_database(&self, config: &Config) -> bool {
        match self.cases.suite.as_slice() {
            [] => config.has_only_built_in_suite(),
            names => names.iter().any(|name| *name == Suite::built_in_database().name.value),
        }
    }
}

#[derive(Debug, Subcommand)]
enum PlanCommand {
    /// List the plans, the newest first
    List(ListArgs),
    /// Show a plan
    Show(ShowArgs),
    /// Show what differs between two plans
    Diff(DiffArgs),
    /// Remove a plan with its tests
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
struct RemoveArgs {
    /// The plan's name
    name: String,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The plan's name [default: the newest plan]
    name: Option<String>,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    format: PlanFormat,
    /// How many tests to show [default: 50 in a table, else all]
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// How many tests to leave out before
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: u32,
    /// Only the tests of these models [may be repeated]
    #[arg(long, value_name = "MODEL")]
    model: Vec<String>,
    /// Only the tests for these hardware types
    #[arg(long, value_delimiter = ',', value_name = "TYPE,...", value_parser = hardware_type)]
    hardware: Vec<HardwareType>,
    /// Only the tests for the hardware types of a machine
    #[arg(long, value_enum)]
    machine: Option<OnMachine>,
    /// Only the tests whose ids start so; without `--output-dir`, show the text of the one
    #[arg(long, value_delimiter = ',', value_name = "ID,...")]
    #[arg(conflicts_with_all = ["format", "limit", "offset", "model", "hardware", "machine"])]
    test: Vec<String>,
    /// Write the tests as files into this folder, with the modules that they import
    #[arg(long, value_name = "DIR", conflicts_with = "format")]
    output_dir: Option<Utf8PathBuf>,
}

/// The machine whose hardware types are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnMachine {
    /// This one, as `cargo tgen hardware` sees it
    Here,
}

impl ShowArgs {
    fn filter(&self) -> Filter {
        let here = self.machine.map(|OnMachine::Here| super::hardware::present());
        let hardware = match (here, self.hardware.is_empty()) {
            (None, true) => None,
            (None, false) => Some(self.hardware.clone()),
            (Some(here), true) => Some(here),
            (Some(here), false) => Some(here.into_iter().filter(|one| self.hardware.contains(one)).collect()),
        };
        Filter { models: self.model.clone(), hardware }
    }
}

/// Which tests of a plan are shown.
#[derive(Debug, Clone, Default)]
struct Filter {
    /// The models; none for all.
    models: Vec<String>,
    hardware: Option<Vec<HardwareType>>,
}

impl Filter {
    fn has(&self, test: &StoredTest) -> bool {
        let is_on = |hardware: &Vec<HardwareType>| hardware.iter().any(|one| one.name() == test.hardware);
        (self.models.is_empty() || self.models.contains(&test.model)) && self.hardware.as_ref().is_none_or(is_on)
    }

    fn is_empty(&self) -> bool {
        self.models.is_empty() && self.hardware.is_none()
    }
}

#[derive(Debug, Args)]
struct DiffArgs {
    /// The earlier plan's name
    earlier: String,
    /// The later plan's name [default: the newest plan]
    later: Option<String>,
    /// How to show what differs
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

/// The formats of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum PlanFormat {
    /// Columns, for people
    #[default]
    Table,
    /// One list, with the tests' texts
    Json,
    /// One test a line, with the tests' texts
    Jsonl,
    /// The matrix of a job of GitHub Actions, below 256 jobs, as one line
    GithubMatrix,
    /// A flowchart of what depends on what
    Mermaid,
}

pub(crate) fn run(global: &Global, args: &PlanArgs) -> anyhow::Result<Outcome> {
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
    Ok(Outcome::Clean)
}

fn run_plan(session: &Session, args: &PlanArgs) -> anyhow::Result<Outcome> {
    interrupt::listen();
    let started = Instant::now();
    let (request, chosen) = request(session, args)?;
    let project = session.project_for(&request)?;
    let plan = Plan::new(&project, &request);
    let (mut tests, faults) = planned_tests(&plan);
    if let Some(files) = &args.from_history {
        learn(&plan, &mut tests, &history(session, &plan, files)?);
    }
    let contents = test_plan::contents(&plan, &tests);
    let mut problems = findings::of_inputs(&project, &plan);
    if chosen == Chosen::ByMappings {
        // The user has asked for no case in particular, so one without a template is no error.
        problems.retain(|problem| problem.code != Code::MissingTemplate);
    }
    problems.extend(faults);
    if args.dry_run || args.replace || Outcome::of(&problems) == Outcome::Findings {
        problems.extend(render_all(&contents)?);
        if args.dry_run || Outcome::of(&problems) == Outcome::Findings {
            return end_without_plan(session, &project, args, &findings::gathered(problems), tests.len());
        }
    }
    if tests.is_empty() {
        return end_without_plan(session, &project, args, &findings::gathered(problems), 0);
    }
    let mut store = session.database(Mode::ReadWrite)?;
    if let Some(name) = args.name.as_deref().filter(|_| args.replace)
        && store.plans()?.iter().any(|plan| plan.name == name)
    {
        store.remove_plan(name)?;
    }
    match write_plan(&mut store, &plan, &tests, &contents, args.name.as_deref())? {
        Ok(name) => {
            let problems = findings::gathered(problems);
            session.print_problems(&project, &problems);
            show_new(session, &store, &name, args, tests.len(), started)?;
            Ok(Outcome::of(&problems))
        }
        Err(failures) => {
            problems.extend(failures);
            end_without_plan(session, &project, args, &findings::gathered(problems), tests.len())
        }
    }
}

/// What results files tell of the models of a plan.
fn history(session: &Session, plan: &Plan<'_>, files: &[Utf8PathBuf]) -> anyhow::Result<History> {
    let of_project = results_files(&session.root.join(RESULTS_FOLDER));
    let files = if files.is_empty() { &of_project } else { files };
    if files.is_empty() {
        bail!(
            "there are no results in `{RESULTS_FOLDER}` to learn from; give `--from-history` the files of earlier runs"
        );
    }
    let recorded = read_files(files)?;
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
    problems: &[Problem],
    tests: usize,
) -> anyhow::Result<Outcome> {
    session.print_problems(project, problems);
    let outcome = Outcome::of(problems);
    let message = match outcome {
        Outcome::Findings | Outcome::Infrastructure => {
            "nothing was planned: a plan has all its tests, or there is none".to_owned()
        }
        Outcome::Clean if args.dry_run => format!("would plan {}", counted(tests, "test")),
        Outcome::Clean => "there is no test to plan".to_owned(),
    };
    Printer::new().line(&message)?;
    Ok(outcome.max(Outcome::findings_if(tests == 0)))
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

/// Renders the tests and writes them to the template database: the plan's name, or why some of them cannot be rendered.
/// Nothing is planned then.
fn write_plan(
    store: &mut Store,
    plan: &Plan<'_>,
    tests: &[test_plan::PlannedTest],
    contents: &Plan<'_>,
    name: Option<&str>,
) -> anyhow::Result<Result<String, Vec<Problem>>> {
    let mut failures = Vec::new();
    let mut writer = store.new_plan(name)?;
    let progress = Progress::new(tests.len(), "planning");
    for (page, outputs) in tests.chunks(PAGE as usize).zip(contents.outputs.chunks(PAGE as usize)) {
        stop_if_interrupted()?;
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
) -> store::PlannedTest<'t> {
    let model = &plan.models[test.model];
    let template = &plan.templates[output.template].name;
    let registered = plan.project.registry.as_ref().and_then(|registry| registry.find(template));
    store::PlannedTest {
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

fn run_show(store: &Store, args: &ShowArgs) -> anyhow::Result<()> {
    const PAGE_OF_TABLE: u32 = 50;
    let name = name_or_newest(store, args.name.as_ref())?;
    if !args.test.is_empty() {
        let found = |prefix: &String| Ok(store.planned_test(&name, store.test_id(&name, prefix)?)?);
        let tests = args.test.iter().map(found).collect::<anyhow::Result<Vec<_>>>()?;
        return show_tests(store, &name, tests, args.output_dir.as_deref());
    }
    if let Some(folder) = &args.output_dir {
        let tests = pages(store, &name, args.offset, args.limit, Content::With, args.filter());
        return write_tests(store, &name, tests, folder);
    }
    let limit = args.limit.or((args.format == PlanFormat::Table).then_some(PAGE_OF_TABLE));
    show(store, &name, args.format, args.offset, limit, &args.filter())
}

/// Writes tests that the user named into a folder, or prints the one.
fn show_tests(store: &Store, plan: &str, tests: Vec<StoredTest>, folder: Option<&Utf8Path>) -> anyhow::Result<()> {
    if let Some(folder) = folder {
        return write_tests(store, plan, std::iter::once(Ok(tests)), folder);
    }
    let [test] = tests.as_slice() else {
        bail!("`--test` shows the text of one test; `--output-dir DIR` writes several as files");
    };
    if !store.plan_support(plan)?.is_empty() {
        Printer::new().warning(
            "the test may import modules of the plan; `--output-dir DIR` writes it together with them, ready to run",
        );
    }
    Ok(Printer::content(&test.content)?)
}

/// Writes tests and what they import into a folder, where pytest runs them.
fn write_tests(
    store: &Store,
    plan: &str,
    pages: impl Iterator<Item = anyhow::Result<Vec<StoredTest>>>,
    folder: &Utf8Path,
) -> anyhow::Result<()> {
    let folder = session::current_folder()?.join(folder);
    let mut written = Vec::new();
    write_each(store, plan, pages, &folder, |test| {
        written.push(session::shown(&folder.join(report::file_name(&test))));
    })?;
    Ok(Printer::new().paths("wrote", &written, SHOWN as usize)?)
}

/// Writes all tests of a plan and what they import into a folder; the tests, without their text.
pub(crate) fn export(store: &Store, plan: &str, folder: &Utf8Path) -> anyhow::Result<Vec<StoredTest>> {
    let mut tests = Vec::new();
    let pages = pages(store, plan, 0, None, Content::With, Filter::default());
    write_each(store, plan, pages, folder, |test| tests.push(StoredTest { content: String::new(), ..test }))?;
    Ok(tests)
}

fn write_each(
    store: &Store,
    plan: &str,
    pages: impl Iterator<Item = anyhow::Result<Vec<StoredTest>>>,
    folder: &Utf8Path,
    mut on_written: impl FnMut(StoredTest),
) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{folder}`"))?;
    let writer = Writer::new(folder).with_context(|| format!("cannot write below `{folder}`"))?;
    for page in pages {
        for test in page? {
            let name = Utf8PathBuf::from(report::file_name(&test));
            writer.write(&name, test.content.as_bytes()).with_context(|| format!("cannot write `{name}`"))?;
            on_written(test);
        }
    }
    for SupportFile { path, content } in store.plan_support(plan)? {
        let path = OutputPath::new(&path).map_err(|reason| anyhow!("the plan's support file `{path}` {reason}"))?;
        let path = path.as_path();
        writer.write(path, content.as_bytes()).with_context(|| format!("cannot write `{path}`"))?;
    }
    Ok(())
}

fn name_or_newest(store: &Store, name: Option<&String>) -> anyhow::Result<String> {
    match (name, store.plans()?.into_iter().next()) {
        (Some(name), _) => Ok(name.clone()),
        (None, Some(newest)) => Ok(newest.name),
        (None, None) => bail!("there is no plan; `cargo tgen plan` makes one"),
    }
}

fn show(
    store: &Store,
    name: &str,
    format: PlanFormat,
    offset: u32,
    limit: Option<u32>,
    filter: &Filter,
) -> anyhow::Result<()> {
    let printer = Printer::new();
    let pages = |content| pages(store, name, offset, limit, content, filter.clone());
    let all = || Ok::<Vec<_>, anyhow::Error>(pages(Content::Without).collect::<anyhow::Result<Vec<_>>>()?.concat());
    let support = || {
        let files = store.plan_support(name)?.into_iter();
        Ok::<_, anyhow::Error>(files.map(|file| file.path).collect::<Vec<_>>())
    };
    match format {
        PlanFormat::Table => {
            let rest = if filter.is_empty() { store.plan(name)?.tests } else { 0 };
            show_table(&printer, name, offset, &all()?, rest)
        }
        PlanFormat::Json => printer.stream(|out| report::write_json(out, name, &support()?, pages(Content::With))),
        PlanFormat::Jsonl => {
            printer.stream(|out| report::write_json_lines(out, name, &support()?, pages(Content::With)))
        }
        PlanFormat::GithubMatrix => {
            let matrix = github_matrix(&all()?);
            if is_too_large_for_github(&matrix) {
                printer.warning("the matrix is larger than the 1 MB that GitHub's jobs hand on; choose with `--model` or `--hardware`");
            }
            // One line, as `$GITHUB_OUTPUT` takes it.
            Ok(printer.report(|out| writeln!(out, "{matrix}"))?)
        }
        PlanFormat::Mermaid => {
            let tests = all()?;
            if report::is_too_large_for_mermaid(&tests) {
                printer.warning(
                    "the flowchart is larger than Mermaid draws by default; choose with `--model` or `--limit`",
                );
            }
            Ok(printer.report(|out| report::write_mermaid(out, &tests))?)
        }
    }
}

fn show_table(printer: &Printer, name: &str, offset: u32, tests: &[StoredTest], all: u64) -> anyhow::Result<()> {
    let (headings, rows) = report::table(tests);
    printer.table(&headings, rows)?;
    let end = u64::from(offset) + tests.len() as u64;
    let rest = all.saturating_sub(end);
    if rest > 0 {
        printer.line(&format!("and {rest} more: `cargo tgen plan show {name} --offset {end}`"))?;
    }
    Ok(())
}

/// The tests of a plan that a filter has, page by page, until there are no more.
fn pages<'s>(
    store: &'s Store,
    name: &'s str,
    offset: u32,
    limit: Option<u32>,
    content: Content,
    filter: Filter,
) -> impl Iterator<Item = anyhow::Result<Vec<StoredTest>>> + 's {
    // Without a filter, the database leaves out what is not shown.
    let (mut next, mut skipped) = if filter.is_empty() { (offset, 0) } else { (0, offset) };
    let mut left = limit.unwrap_or(u32::MAX);
    std::iter::from_fn(move || {
        let size = if filter.is_empty() { PAGE.min(left) } else { PAGE };
        if left == 0 {
            return None;
        }
        let mut page = match store.planned_tests(name, next, size, content) {
            Ok(page) if page.is_empty() => return None,
            Ok(page) => page,
            Err(error) => return Some(Err(error.into())),
        };
        next = next.saturating_add(size);
        page.retain(|test| filter.has(test));
        let skip = skipped.min(count(&page));
        page.drain(..skip as usize);
        skipped -= skip;
        page.truncate(left as usize);
        left -= count(&page);
        Some(Ok(page))
    })
}

/// How many tests a page has: never more than [`PAGE`].
fn count(page: &[StoredTest]) -> u32 {
    u32::try_from(page.len()).unwrap_or(u32::MAX)
}

fn show_plans(plans: &[store::Plan], format: ListFormat) -> anyhow::Result<()> {
    let printer = Printer::new();
    match format {
        ListFormat::Json => {
            let as_json = |plan: &store::Plan| {
                json!({
                    "name": plan.name,
                    "created_at": plan.created_at,
                    "created_by": plan.created_by,
                    "tests": plan.tests,
                })
            };
            printer.json(&plans.iter().map(as_json).collect::<Vec<_>>())?;
        }
        ListFormat::Table => {
            let row = |plan: &store::Plan| vec![plan.name.clone(), plan.tests.to_string(), plan.created_at.clone()];
            printer.table(&["plan", "tests", "created"], plans.iter().map(row).collect())?;
        }
    }
    Ok(())
}

fn run_diff(store: &Store, args: &DiffArgs) -> anyhow::Result<Outcome> {
    let later = name_or_newest(store, args.later.as_ref())?;
    let differences = store.compare_plans(&args.earlier, &later)?;
    let printer = Printer::new();
    match args.format {
        ListFormat::Json => printer.json(&differences.iter().map(difference_as_json).collect::<Vec<_>>())?,
        ListFormat::Table if differences.is_empty() => {
            printer.line(&format!("the plans `{}` and `{later}` are alike", args.earlier))?;
        }
        ListFormat::Table => {
            let row = |difference: &Difference| {
                let Difference { model, hardware, batch_size, template, differing } = difference;
                let batch_size = batch_size.to_string();
                vec![words_for(differing), model.clone(), hardware.clone(), batch_size, template.clone()]
            };
            printer.table(&["", "model", "hardware", "batch", "template"], differences.iter().map(row).collect())?;
        }
    }
    Ok(Outcome::findings_if(!differences.is_empty()))
}

fn difference_as_json(difference: &Difference) -> serde_json::Value {
    let (kind, fields) = match &difference.differing {
        Differing::Added => ("added", &[][..]),
        Differing::Removed => ("removed", &[][..]),
        Differing::Changed(fields) => ("changed", &fields[..]),
    };
    json!({
        "difference": kind,
        "fields": fields,
        "model_name": difference.model,
        "hardware_type": difference.hardware,
        "batch_size": difference.batch_size,
        "template": difference.template,
    })
}

fn words_for(differing: &Differing) -> String {
    match differing {
        Differing::Added => "added".to_owned(),
        Differing::Removed => "removed".to_owned(),
        Differing::Changed(fields) => format!("changed: {}", fields.join(", ")),
    }
}
