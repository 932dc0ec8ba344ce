//! `cargo tgen report`: a run of tests as a page, a summary or a file for another program, compared with other runs.

mod sources;

use anyhow::bail;
use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueEnum};
use tgen_core::results::comparison::TestChange;
use tgen_core::results::outcome::Meaning;
use tgen_core::results::past::Past;

use self::sources::{Sources, Which};
use super::results::{refuse_other_kind, write_file};
use crate::exit::Exit;
use crate::printer::Printer;
use crate::project::arguments::Global;
use crate::report::run::overview::Overview;
use crate::report::run::{RunReport, html, json, junit, markdown, trace};

/// The default file of an HTML page, which does not belong on a terminal.
const PAGE: &str = "report.html";

/// Report a run of tests: one HTML page, Markdown, `JUnit`, JSON, a trace
///
/// A run is given by its results files, one for each shard, or by its id, which is looked up in `results/` and in the template
/// database. Other runs in `results/` tell how its tests fared before.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen report                                          the latest run, as `report.html`
  cargo tgen report shard-*.jsonl --against main.jsonl       what changed from another run
  cargo tgen report --format markdown >> $GITHUB_STEP_SUMMARY
  cargo tgen report --format trace --output trace.json       for https://ui.perfetto.dev")]
pub(crate) struct ReportArgs {
    /// The run: its id, or its results files [default: the latest run in `results/`]
    #[arg(value_name = "RUN|FILE")]
    runs: Vec<String>,
    /// Show what changed since another run: its id, or its results files [default: the run before]
    #[arg(long, value_name = "RUN|FILE", num_args = 0..=1, default_missing_value = "")]
    against: Vec<String>,
    /// Results files of earlier runs, which show unstable and slow tests [default: those in `results/`, unless files are given]
    #[arg(long, value_name = "FILE", num_args = 1..)]
    history: Vec<Utf8PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
    /// Where to write it; `-` is standard output [default: `report.html` for HTML, else standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<Utf8PathBuf>,
    /// Exit with 1 if there is such a test
    #[arg(long, value_enum, default_value_t)]
    fail_on: FailOn,
}

/// The formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum ReportFormat {
    /// One file for a browser, which needs nothing else
    #[default]
    Html,
    /// For the summary of a job in GitHub Actions
    Markdown,
    /// `JUnit` XML
    Junit,
    /// One JSON object
    Json,
    /// Chrome's trace format: what ran when beside what
    Trace,
}

/// Which tests make the command fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum FailOn {
    /// None: a report that is written is a success
    #[default]
    Never,
    /// One that fails now and did not, or whose fault has changed
    New,
    /// One that failed
    Failed,
}

pub(crate) fn run(global: &Global, args: &ReportArgs) -> anyhow::Result<Exit> {
    if args.fail_on == FailOn::New && args.against.is_empty() {
        bail!("`--fail-on new` needs a run to compare with; add `--against RUN`");
    }
    let mut sources = Sources::new(global);
    let reported = sources.find(&if args.runs.is_empty() { Which::Latest } else { Which::Named(&args.runs) })?;
    let against = match args.against.as_slice() {
        [] => None,
        [before] if before.is_empty() => Some(sources.find(&Which::Before(&reported))?),
        named => Some(sources.find(&Which::Named(named))?),
    };
    let mut earlier = sources.earlier(&reported, &args.history)?;
    if let Some(against) = &against {
        earlier.add(against.clone());
    }
    let report = RunReport::new(&reported, None, "python");
    let against = against.as_ref().map(|against| RunReport::new(against, None, "python"));
    let overview = Overview::new(&report, against.as_ref(), Past::new(&earlier, &reported));
    write(&overview, args, &sources)?;
    Ok(Exit::findings_if(has_failed(&overview, args.fail_on)))
}

fn has_failed(overview: &Overview<'_>, fail_on: FailOn) -> bool {
    match fail_on {
        FailOn::Never => false,
        FailOn::New => overview.against.as_ref().is_some_and(|against| {
            [TestChange::New, TestChange::Changed]
                .into_iter()
                .any(|change| against.comparison.of(change).next().is_some())
        }),
        FailOn::Failed => overview.run.summary.meaning(Meaning::Failure) > 0,
    }
}

fn write(overview: &Overview<'_>, args: &ReportArgs, sources: &Sources<'_>) -> anyhow::Result<()> {
    let page = (args.format == ReportFormat::Html).then(|| Utf8PathBuf::from(PAGE));
    match args.output.clone().or(page).filter(|path| path != "-") {
        None => Ok(Printer::new().report(|out| args.format.write(overview, out))?),
        Some(path) => {
            sources.spare(&path)?;
            write_to(&path, overview, args.format)
        }
    }
}

fn write_to(path: &Utf8Path, overview: &Overview<'_>, format: ReportFormat) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    format.write(overview, &mut bytes)?;
    refuse_other_kind(path, "report of that format", |beginning| format.begins(beginning))?;
    write_file(path, &bytes)?;
    Printer::new().note(&format!("wrote `{path}`"))?;
    Ok(())
}

impl ReportFormat {
    /// Whether a file may be a report of this format, as far as its beginning tells.
    fn begins(self, file: &[u8]) -> bool {
        let beginning: &[u8] = match self {
            Self::Html => b"<!DOCTYPE html",
            Self::Markdown => b"### cargo-tgen",
            Self::Junit => b"<?xml",
            Self::Json | Self::Trace => b"{",
        };
        file.trim_ascii_start().starts_with(beginning)
    }

    fn write(self, overview: &Overview<'_>, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        match self {
            Self::Html => html::write(overview, out),
            Self::Markdown => markdown::write(overview, out),
            Self::Junit => junit::write(overview.run, out),
            Self::Json => json::write_overview(overview, out),
            Self::Trace => trace::write(overview.run, out),
        }
    }
}
