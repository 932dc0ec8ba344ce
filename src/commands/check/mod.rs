//! `cargo tgen check`: proves that the committed files are what the templates render.

mod cache;
mod reporter;
mod signed_text;

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::mem::ManuallyDrop;
use std::time::Instant;

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};
use tgen_core::base::files::reason;
use tgen_core::base::problem::Problem;
use tgen_core::lint::findings;
use tgen_core::output::diff::HunkGroups;
use tgen_core::output::state::State;
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::project::Project;
use tgen_core::rendering::comparison::{Orphans, judge_each, orphans};
use tgen_core::schedule::shard::Shard;

use self::cache::CheckCache;
use self::reporter::Reporter;
use crate::apply::clear_leftovers;
use crate::apply::formatted::FormattedOutputs;
use crate::exit::Exit;
use crate::printer::{Printer, Progress, is_quiet};
use crate::project::arguments::{Global, SelectionArgs};
use crate::project::session::{self, Session, UnusableConfig};
use crate::report::{self, OutputReport, Report};
use crate::world::git;

/// Fail if any output differs from what the templates say
///
/// Nothing is written. Exit code 0: all outputs are fresh. 1: something differs or is wrong. 2: the check could not be completed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen check                          all outputs
  cargo tgen check --format github          annotations in a pull request
  cargo tgen check --shard 2/4              the second of four parts, one a CI job
  cargo tgen check --changed-since main     what the changes since main can have touched")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Only the I-th of N parts of the outputs
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Only outputs that the changes since this git revision can have touched
    #[arg(long, value_name = "REV")]
    changed_since: Option<String>,
    /// Say which outputs differ, and not how
    #[arg(long)]
    no_diff: bool,
    /// Render and read everything again, whatever an earlier check has seen
    #[arg(long)]
    no_cache: bool,
    /// List every path
    #[arg(short, long)]
    verbose: bool,
}

/// The formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One JSON object
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// `JUnit` XML, for test reports
    Junit,
}

pub(crate) fn run(global: &Global, args: &CheckArgs) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let sessions = Session::open_all(global).inspect_err(|error| {
        // A program that reads the report finds the configuration's problems there, with their places.
        if let (Some(UnusableConfig(problems)), false) = (error.downcast_ref(), args.format == Format::Human) {
            let failure = Some(error.to_string());
            let report = Report { problems: problems.clone(), failure, ..Report::default() };
            // If the report cannot be written, the configuration's error is still the one to show.
            let _ = Checked { report, texts: HashMap::new() }.show(args);
        }
    })?;
    let mut whole = ManuallyDrop::new(Checked::default());
    // What was found in some projects is reported even if another one cannot be checked.
    let added = sessions.iter().try_for_each(|session| check(session, args).map(|checked| whole.add(checked)));
    whole.report.elapsed = started.elapsed();
    whole.report.failure = added.as_ref().err().map(|error| format!("{error:#}"));
    whole.show(args)?;
    added.map(|()| Exit::findings_if(!whole.report.is_clean()))
}

/// A report, and the texts of the files that its problems name.
#[derive(Default)]
struct Checked {
    report: Report,
    texts: HashMap<Utf8PathBuf, String>,
}

impl Checked {
    /// The report of a project, with paths as the user sees them.
    fn of(mut report: Report, session: &Session, project: &Project<'_>) -> Self {
        report.problems = session.standpoint.problems(&report.problems).into_owned();
        let named: BTreeSet<&Utf8PathBuf> = report
            .problems
            .iter()
            .flat_map(|problem| problem.path.iter().chain(problem.related.iter().map(|related| &related.path)))
            .collect();
        let text = |path: &Utf8PathBuf| Some((path.clone(), session.source_text(project, path)?));
        let texts = named.into_iter().filter_map(text).collect();
        Self { report, texts }
    }

    /// Adds the report of another project.
    fn add(&mut self, other: Self) {
        self.report.add(other.report);
        self.texts.extend(other.texts);
    }

    fn show(&self, args: &CheckArgs) -> std::io::Result<()> {
        if args.format == Format::Github {
            write_step_summary(&self.report);
        }
        if is_quiet() && args.format == Format::Human && self.report.is_clean() && self.report.problems.is_empty() {
            return Ok(());
        }
        let source = |path: &camino::Utf8Path| self.texts.get(path).cloned();
        let options = report::human::Options { verbose: args.verbose, diff: !args.no_diff };
        Printer::new().report(|out| match args.format {
            Format::Human => report::human::write(&self.report, out, &source, &options),
            Format::Json => report::json::write(&self.report, out, &source),
            Format::Github => report::github::write(&self.report, out, &source),
            Format::Sarif => report::sarif::write(&self.report, out, &source),
            Format::Junit => report::junit::write(&self.report, out, &source),
        })
    }
}

/// Appends the report to the step's summary, where GitHub Actions names a file for it.
fn write_step_summary(report: &Report) {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return };
    let mut text = Vec::new();
    let written = report::markdown::write(report, &mut text)
        .and_then(|()| std::fs::OpenOptions::new().append(true).create(true).open(&path)?.write_all(&text));
    if let Err(error) = written {
        let path = path.display();
        Printer::new().warning(&format!("cannot write the step summary `{path}`: {}", reason(&error)));
    }
}

fn check(session: &Session, args: &CheckArgs) -> anyhow::Result<Checked> {
    let is_cached = args.is_whole() && !args.no_cache && args.format == Format::Human;
    let cache = if is_cached { CheckCache::open(session) } else { CheckCache::unused() };
    if let Some(outputs) = cache.known_fresh(session) {
        return Ok(Checked { report: Report { outputs, ..Report::default() }, texts: HashMap::new() });
    }
    let request = session::request(&args.selection)?;
    let project = session.project_for(&request)?;
    // Never dropped: the process ends after this, and freeing thousands of outputs takes time.
    let plan = ManuallyDrop::new(Plan::new(&project, &request));
    let mut problems = findings::of_inputs(&project, &plan);
    let mut outputs = ManuallyDrop::new(args.part_of(session, &plan)?);
    clear_leftovers(&plan, &session.root);
    let asked = outputs.len();
    let formatted = FormattedOutputs::format(&plan, &mut outputs, &session.root, &mut problems)?;
    let held = asked - outputs.len() + if args.is_part() { 0 } else { plan.left_out.len() };
    let look_for_orphans = || if args.looks_for_orphans() { orphans(&plan) } else { Orphans::default() };
    let judge = || judge(session, &plan, &outputs, &formatted, args);
    let (mut report, mut orphans) = rayon::join(judge, look_for_orphans);
    report.outputs.extend(orphans.files.iter().map(|path| orphan(session.standpoint.seen(path))));
    problems.append(&mut report.problems);
    problems.append(&mut orphans.problems);
    report.problems = findings::gathered(problems);
    report.held = held;
    if report.is_clean() && report.problems.is_empty() {
        cache.remember(session, &plan);
    }
    Ok(Checked::of(report, session, &project))
}

impl CheckArgs {
    /// Whether this check covers all that is configured.
    fn is_whole(&self) -> bool {
        self.looks_for_orphans() && self.shard.is_none()
    }

    /// Whether it covers a part of what the selection selects.
    fn is_part(&self) -> bool {
        self.shard.is_some() || self.changed_since.is_some()
    }

    fn looks_for_orphans(&self) -> bool {
        let narrowed = self.selection != SelectionArgs::default();
        !narrowed && self.changed_since.is_none() && self.shard.is_none_or(Shard::is_first)
    }

    /// The outputs that this check covers.
    fn part_of(&self, session: &Session, plan: &Plan<'_>) -> anyhow::Result<Vec<PlannedOutput>> {
        let changed =
            self.changed_since.as_deref().map(|revision| git::changed_since(&session.root, revision)).transpose()?;
        let asked: Vec<_> = match &changed {
            Some(changed) => plan.touched_by(changed).collect(),
            None => plan.outputs.iter().collect(),
        };
        let in_shard = asked.into_iter().enumerate().filter(|(at, _)| self.shard.is_none_or(|shard| shard.has(*at)));
        Ok(in_shard.map(|(_, output)| output.clone()).collect())
    }
}

enum CheckedOutput {
    Reported(OutputReport),
    /// It could not be rendered; the text names what it is the output of. Boxed, because there are many outputs and hardly
    /// any fails.
    Failed(Box<(Problem, String)>),
}

fn judge(
    session: &Session,
    plan: &Plan<'_>,
    outputs: &[PlannedOutput],
    formatted: &FormattedOutputs,
    args: &CheckArgs,
) -> Report {
    let reporter = Reporter::new(session, plan, args);
    let progress = Progress::new(outputs.len(), "checking");
    let read = |output: &PlannedOutput, buffer: &mut Vec<u8>| formatted.read(output, buffer);
    let results = judge_each(plan, outputs, &read, |number, output, judged| {
        progress.step();
        match judged {
            Ok(judged) => CheckedOutput::Reported(reporter.report(number, output, &judged)),
            Err(problem) => CheckedOutput::Failed(Box::new((problem, plan.subject_name(output)))),
        }
    });
    progress.finish();
    report_of(results, reporter.into_groups())
}

fn report_of(results: Vec<CheckedOutput>, groups: HunkGroups) -> Report {
    let mut report = Report { groups: groups.into_groups(), ..Report::default() };
    let mut failures = Vec::new();
    let mut numbers = Vec::with_capacity(results.len());
    report.outputs.reserve(results.len());
    for result in results {
        numbers.push(report.outputs.len());
        match result {
            CheckedOutput::Reported(output) => report.outputs.push(output),
            CheckedOutput::Failed(failure) => failures.push(*failure),
        }
    }
    for group in &mut report.groups {
        group.output = numbers[group.output];
    }
    report.problems = findings::by_template(failures);
    report
}

fn orphan(path: Utf8PathBuf) -> OutputReport {
    OutputReport::new(path, State::Orphaned)
}
