//! `cargo tgen plan`: the cases as tests to execute, written to the template database as a plan.

use std::collections::HashSet;
use std::time::Instant;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use tgen_core::base::problem::Problem;
use tgen_core::config::{Config, Suite};
use tgen_core::lint::findings;
use tgen_core::plan::test_plan::{self, TEST_TYPE, planned_tests};
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::comparison::{check_syntax, render_each};
use uuid::Uuid;

use crate::outcome::Outcome;
use crate::printer::{Printer, Progress, counted};
use crate::project::arguments::{CaseArgs, Global, ListArgs, ListFormat};
use crate::project::database::{add_database_suite, one_session};
use crate::project::session::{self, Session};
use crate::report::plan as report;
use crate::store::{self, Content, Difference, Differing, Mode, Store, StoredTest};
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
  cargo tgen plan --format github-matrix                           jobs for GitHub Actions, stage by stage
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
    /// Show the text of one test instead
    #[arg(long, value_name = "ID", conflicts_with_all = ["format", "limit", "offset"])]
    test: Option<Uuid>,
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
    /// Matrices of GitHub Actions, stage by stage, each below 256 jobs
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
    let request = session::cases(&args.cases);
    let project = session.project_for(&request)?;
    let plan = Plan::new(&project, &request);
    let (tests, faults) = planned_tests(&plan);
    let mut problems = findings::of_inputs(&project, &plan);
    problems.extend(faults);
    let mut store = session.database(Mode::ReadWrite)?;
    let written = write_plan(&mut store, &plan, &tests, args.name.as_deref())?;
    problems.extend(findings::by_template(written.failures));
    let problems = findings::gathered(problems);
    session.print_problems(&project, &problems);
    let Some(name) = written.name else {
        Printer::new().line("no test could be planned; no plan was written")?;
        return Ok(Outcome::Findings);
    };
    show(&store, &name, args.format, 0, (args.format == PlanFormat::Table).then_some(SHOWN))?;
    if args.format == PlanFormat::Table {
        let left_out = match written.left_out.len() {
            0 => String::new(),
            number => format!(", {number} left out"),
        };
        let planned = counted(tests.len() - written.left_out.len(), "test");
        let (database, seconds) = (session.database_path()?, started.elapsed().as_secs_f64());
        Printer::new().line(&format!("planned {planned} as `{name}` in `{database}`{left_out} ({seconds:.2} s)"))?;
    }
    Ok(Outcome::of(&problems))
}

/// What writing a plan came to.
#[derive(Default)]
struct Written {
    /// The plan's name; none where no test was left to plan.
    name: Option<String>,
    /// The tests that could not be rendered, and those that depend on them.
    left_out: HashSet<Uuid>,
    failures: Vec<(Problem, String)>,
}

/// Renders the tests and writes them to the template database. One that cannot be rendered is left out, and so is what
/// depends on it.
fn write_plan(
    store: &mut Store,
    plan: &Plan<'_>,
    tests: &[test_plan::PlannedTest],
    name: Option<&str>,
) -> anyhow::Result<Written> {
    let mut written = Written::default();
    let mut writer = store.new_plan(name)?;
    let progress = Progress::new(tests.len(), "planning");
    for page in tests.chunks(PAGE as usize) {
        if interrupt::requested() {
            bail!("interrupted; nothing was planned");
        }
        for (test, content) in page.iter().zip(rendered(plan, page)) {
            progress.step();
            let output = &plan.outputs[test.output];
            match content {
                Ok(content) if test.depends_on.is_none_or(|id| !written.left_out.contains(&id)) => {
                    writer.add(&stored(plan, test, output, &content))?;
                }
                Ok(_) => drop(written.left_out.insert(test.id)),
                Err(problem) => {
                    written.left_out.insert(test.id);
                    written.failures.push((problem, plan.subject_name(output)));
                }
            }
        }
    }
    progress.finish();
    if written.left_out.len() < tests.len() {
        written.name = Some(writer.finish()?);
    }
    Ok(written)
}

/// The texts of tests.
fn rendered(plan: &Plan<'_>, tests: &[test_plan::PlannedTest]) -> Vec<Result<String, Problem>> {
    let outputs: Vec<PlannedOutput> = tests.iter().map(|test| plan.outputs[test.output].clone()).collect();
    render_each(plan, &outputs, |output, rendered| {
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
    }
}

fn run_show(store: &Store, args: &ShowArgs) -> anyhow::Result<()> {
    const PAGE_OF_TABLE: u32 = 50;
    let name = name_or_newest(store, args.name.as_ref())?;
    if let Some(test) = args.test {
        return Ok(Printer::content(&store.test_content(&name, test)?)?);
    }
    let limit = args.limit.or((args.format == PlanFormat::Table).then_some(PAGE_OF_TABLE));
    show(store, &name, args.format, args.offset, limit)
}

fn name_or_newest(store: &Store, name: Option<&String>) -> anyhow::Result<String> {
    match (name, store.plans()?.into_iter().next()) {
        (Some(name), _) => Ok(name.clone()),
        (None, Some(newest)) => Ok(newest.name),
        (None, None) => bail!("there is no plan; `cargo tgen plan` makes one"),
    }
}

fn show(store: &Store, name: &str, format: PlanFormat, offset: u32, limit: Option<u32>) -> anyhow::Result<()> {
    let printer = Printer::new();
    let pages = |content| pages(store, name, offset, limit, content);
    let all = || Ok::<Vec<_>, anyhow::Error>(pages(Content::Without).collect::<anyhow::Result<Vec<_>>>()?.concat());
    match format {
        PlanFormat::Table => show_table(&printer, store, name, offset, &all()?),
        PlanFormat::Json => printer.stream(|out| report::write_json(out, pages(Content::With))),
        PlanFormat::Jsonl => printer.stream(|out| report::write_json_lines(out, pages(Content::With))),
        PlanFormat::GithubMatrix => Ok(printer.json(&report::github_matrices(&all()?))?),
        PlanFormat::Mermaid => {
            let tests = all()?;
            Ok(printer.report(|out| report::write_mermaid(out, &tests))?)
        }
    }
}

fn show_table(printer: &Printer, store: &Store, name: &str, offset: u32, tests: &[StoredTest]) -> anyhow::Result<()> {
    printer.table(&report::HEADINGS, tests.iter().map(report::row).collect())?;
    let end = u64::from(offset) + tests.len() as u64;
    let rest = store.plan(name)?.tests.saturating_sub(end);
    if rest > 0 {
        printer.line(&format!("and {rest} more: `cargo tgen plan show {name} --offset {end}`"))?;
    }
    Ok(())
}

/// The tests of a plan, page by page, until there are no more.
fn pages<'s>(
    store: &'s Store,
    name: &'s str,
    offset: u32,
    limit: Option<u32>,
    content: Content,
) -> impl Iterator<Item = anyhow::Result<Vec<StoredTest>>> + 's {
    let end = limit.map_or(u32::MAX, |limit| offset.saturating_add(limit));
    let mut next = offset;
    std::iter::from_fn(move || {
        let page = store.planned_tests(name, next, PAGE.min(end - next), content);
        next = next.saturating_add(PAGE).min(end);
        match page {
            Ok(page) if page.is_empty() => None,
            page => Some(page.map_err(Into::into)),
        }
    })
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
