//! `cargo tgen results`: the files in which runs of tests record what happened.

use std::io::ErrorKind;

use anyhow::{Context, anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Subcommand, ValueEnum};
use tgen_core::base::files::reason;
use tgen_core::base::suggest::did_you_mean;
use tgen_core::results::completeness::Completeness;
use tgen_core::results::merging::{merged, runs, text};
use tgen_core::results::reading::{Recorded, read};
use tgen_core::results::rerun::run_with_reruns;
use tgen_core::results::verdict::Conclusion;

use crate::exit::Exit;
use crate::printer::{Printer, counted, listed};
use crate::project::arguments::Global;
#[cfg(feature = "store")]
use crate::project::database::one_session;
use crate::report::run::{RunReport, github, human, json, junit};
#[cfg(feature = "store")]
use crate::store::{ImportedResults, Mode};
use crate::world::disk::{Writer, read_beginning, read_file};

/// The folder below a project's root that runs write their results to.
pub(crate) const RESULTS_FOLDER: &str = "results";
/// The largest results file that is read: many runs may be in one.
const LARGEST_RESULTS: u64 = 1 << 30;
/// How much of a file is read to see of which kind it is: as much as the longest line of results.
const BEGINNING: usize = 1 << 20;
/// How many lines of a file that could not be read are named.
const NAMED_LINES: usize = 3;

/// Show and merge the results of test runs
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen results show results.jsonl                                 what failed, and how to reproduce it
  cargo tgen results show results.jsonl --format junit > results.xml    for the test page of a CI service
  cargo tgen results merge shard-*.jsonl --output results.jsonl         one file from the shards' files")]
pub(crate) struct ResultsArgs {
    #[command(subcommand)]
    command: ResultsCommand,
}

#[derive(Debug, Subcommand)]
enum ResultsCommand {
    /// Show which tests failed, as a report
    Show(ShowArgs),
    /// Add the results to the template database, where `cargo tgen query` reads them
    #[cfg(feature = "store")]
    Import(ImportArgs),
    /// Merge results files: in any order, repeated or cut short, they give the same file
    Merge(MergeArgs),
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Results files of one run, such as those of its shards
    #[arg(required = true, value_name = "FILE")]
    files: Vec<Utf8PathBuf>,
    /// Only this run, with the runs that it finishes and those that finish it [default: all in the files]
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// How to report
    #[arg(long, value_enum, default_value_t)]
    format: RunFormat,
}

#[derive(Debug, Args)]
struct MergeArgs {
    /// Results files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<Utf8PathBuf>,
    /// Where to write the merged file [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<Utf8PathBuf>,
}

#[cfg(feature = "store")]
#[derive(Debug, Args)]
struct ImportArgs {
    /// Results files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<Utf8PathBuf>,
}

/// The formats of a report of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum RunFormat {
    /// For people
    #[default]
    Human,
    /// One JSON object
    Json,
    /// `JUnit` XML, for test reports
    Junit,
    /// Annotations of GitHub Actions
    Github,
}

impl RunFormat {
    /// Writes the report to standard output.
    pub(crate) fn show(self, report: &RunReport<'_>) -> std::io::Result<()> {
        Printer::new().report(|out| match self {
            Self::Human => human::write(report, out),
            Self::Json => json::write(report, out),
            Self::Junit => junit::write(report, out),
            Self::Github => github::write(report, out),
        })
    }
}

pub(crate) fn run(
    #[cfg_attr(not(feature = "store"), expect(unused_variables, reason = "only a template database needs a project"))]
    global: &Global,
    args: &ResultsArgs,
) -> anyhow::Result<Exit> {
    match &args.command {
        #[cfg(feature = "store")]
        ResultsCommand::Import(args) => run_import(global, args),
        ResultsCommand::Show(args) => run_show(args),
        ResultsCommand::Merge(args) => run_merge(args),
    }
}

fn run_show(args: &ShowArgs) -> anyhow::Result<Exit> {
    let recorded = merged(read_files(&args.files)?);
    let recorded = match &args.run {
        Some(run) => with_reruns(&recorded, run)?,
        None => recorded,
    };
    let report = RunReport::new(&recorded, None, "python");
    args.format.show(&report)?;
    let missing = Completeness::of(&recorded).shards;
    if !missing.is_empty() {
        let shards = listed(&missing, 20);
        Printer::new().warning(&match missing.len() {
            1 => format!("shard {shards} is missing; give its file too"),
            _ => format!("shards {shards} are missing; give their files too"),
        });
    }
    Ok(Exit::findings_if(report.conclusion() != Conclusion::Passed || !missing.is_empty()))
}

#[cfg(feature = "store")]
fn run_import(global: &Global, args: &ImportArgs) -> anyhow::Result<Exit> {
    let recorded = read_files(&args.files)?;
    let session = one_session(global)?;
    let ImportedResults { runs, attempts } = session.database(Mode::ReadWrite)?.import_results(recorded)?;
    let (runs, attempts) = (counted(runs, "run"), counted(attempts, "attempt"));
    Printer::new().note(&format!("imported {runs} with {attempts} into `{}`", session.database_path()?))?;
    Ok(Exit::Clean)
}

/// A run with its reruns, or the error that there is no such run.
fn with_reruns(recorded: &Recorded, run: &str) -> anyhow::Result<Recorded> {
    let runs = runs(recorded);
    if !runs.iter().any(|one| one == run) {
        let hint = did_you_mean(run, runs.iter().map(String::as_str));
        let hint = hint.unwrap_or_else(|| format!("the newest is `{}`", runs.last().map_or("", String::as_str)));
        bail!("there is no run `{run}` in these files; {hint}");
    }
    Ok(run_with_reruns(recorded, run))
}

fn run_merge(args: &MergeArgs) -> anyhow::Result<Exit> {
    let recorded = read_files(&args.files)?;
    let Some(output) = &args.output else {
        Printer::content(&text(recorded))?;
        return Ok(Exit::Clean);
    };
    refuse_other_kind(output, "results file", |beginning| read(beginning).is_ok())?;
    let files = counted(args.files.len(), "file");
    let merged = merged(recorded);
    let attempts = counted(merged.attempts.len(), "attempt");
    write_file(output, text(merged).as_bytes())?;
    Printer::new().note(&format!("merged {files} into `{output}`: {attempts}"))?;
    Ok(Exit::Clean)
}

/// The results files in a folder, by name; none if there is no such folder.
pub(crate) fn results_files(folder: &Utf8Path) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let entries = match folder.read_dir_utf8() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| {
            format!("cannot list the results in `{folder}`; make it a folder that can be read, or move it away")
        })?,
    };
    let mut files: Vec<Utf8PathBuf> = entries.flatten().map(|entry| entry.path().to_owned()).collect();
    files.retain(|file| file.extension() == Some("jsonl"));
    files.sort();
    Ok(files)
}

/// Reads what runs have left in the results folder. A file without a result is left out with a warning: a run that was cut
/// short, or a full disk, may leave one, and it must keep neither tests nor reports from being made.
pub(crate) fn read_left(files: &[Utf8PathBuf], read: impl Fn(&Utf8Path) -> anyhow::Result<Recorded>) -> Recorded {
    let mut whole = Recorded::default();
    for file in files {
        match read(file) {
            Ok(recorded) => whole.add(recorded),
            Err(error) => Printer::new().warning(&format!("{error:#}; it is left out, and may be deleted")),
        }
    }
    whole
}

/// Reads results files, and warns of lines that were left out.
pub(crate) fn read_files(files: &[Utf8PathBuf]) -> anyhow::Result<Recorded> {
    let mut whole = Recorded::default();
    for file in files {
        whole.add(read_with_warnings(file)?);
    }
    Ok(whole)
}

/// Reads one results file, and warns of lines that were left out.
pub(crate) fn read_with_warnings(file: &Utf8Path) -> anyhow::Result<Recorded> {
    let recorded = read_results(file)?;
    warn_of_ignored_lines(file, &recorded);
    Ok(recorded)
}

/// Reads one results file. Lines that were cut short are in [`Recorded::ignored`].
fn read_results(file: &Utf8Path) -> anyhow::Result<Recorded> {
    let mut bytes = Vec::new();
    read_file(file, LARGEST_RESULTS, &mut bytes)
        .map_err(|error| anyhow!("cannot read `{file}`: {}", reason(&error)))?;
    read(&bytes).map_err(|error| anyhow!("`{file}`: {error}"))
}

/// Reads one results file, which may not be there or be empty until the first result is recorded.
pub(crate) fn read_if_begun(file: &Utf8Path) -> anyhow::Result<Recorded> {
    let is_begun = file.is_file() && file.metadata().map_or(true, |metadata| metadata.len() > 0);
    if is_begun { read_results(file) } else { Ok(Recorded::default()) }
}

fn warn_of_ignored_lines(file: &Utf8Path, recorded: &Recorded) {
    let printer = Printer::new();
    for ignored in recorded.ignored.iter().take(NAMED_LINES) {
        printer.warning(&format!("`{file}`: line {} was left out: {}", ignored.line, ignored.reason));
    }
    let rest = recorded.ignored.len().saturating_sub(NAMED_LINES);
    if rest > 0 {
        printer.warning(&format!("`{file}`: {} left out", counted(rest, "more line")));
    }
}

/// Refuses to write over a file of another kind: one mistyped name, and a test or a configuration is gone. `kind` says what
/// is written, and `is_of_kind` whether a file that begins so is that.
///
/// # Errors
/// The file is of another kind.
pub(crate) fn refuse_other_kind(
    output: &Utf8Path,
    kind: &str,
    is_of_kind: impl FnOnce(&[u8]) -> bool,
) -> anyhow::Result<()> {
    let mut beginning = Vec::new();
    let is_readable = read_beginning(output, BEGINNING, &mut beginning).is_ok();
    if is_readable && !beginning.trim_ascii().is_empty() && !is_of_kind(&beginning) {
        bail!("`{output}` is there and no {kind}; delete it, or give `--output` another name");
    }
    Ok(())
}

/// Writes a file that the user named, whole or not at all.
pub(crate) fn write_file(path: &Utf8Path, bytes: &[u8]) -> anyhow::Result<()> {
    if path.as_str().is_empty() {
        return Err(anyhow!("`--output` is empty; give it the name of a file"));
    }
    let path = camino::absolute_utf8(path)?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(anyhow!("`{path}` is no file; give `--output` the name of one"));
    };
    // Writing is a rename, which would put a file in the place of a device.
    if std::fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
        return Err(anyhow!("`{path}` is a folder, a pipe or a device; give `--output` the name of a file"));
    }
    let written = Writer::new(folder).and_then(|writer| writer.write(Utf8Path::new(name), bytes));
    written.map_err(|error| anyhow!("cannot write `{path}`: {}; give `--output` another place", reason(&error)))
}
