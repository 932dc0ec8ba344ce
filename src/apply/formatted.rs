//! Outputs of suites with a formatter, as the formatter leaves them.
//!
//! Outputs are rendered into temporary folders inside their own folders, so that the formatter applies the settings that
//! hold there, and each formatter then runs once over all of its outputs.

use std::collections::{HashMap, HashSet};
use std::io;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::files;
use tgen_core::base::problem::{Code, Problem};
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::comparison::render_each;

use super::skipping::{self, Before};
use crate::printer::{Progress, counted};
use crate::world::disk::{self, LARGEST_FILE, ScratchFolder};
use crate::world::interrupt;
use crate::world::process::{self, Finished, Limits, ProcessError};

/// The longest command line that every system takes, in bytes.
const LONGEST_COMMAND_LINE: usize = 30_000;
/// The bounds of one run of a formatter.
const LIMITS: Limits = Limits { time: Duration::from_mins(10), output: 64 << 20 };
/// How much of a formatter's messages is read.
const MOST_MESSAGE_BYTES: u64 = 16 << 10;
/// How many lines of them are shown.
const MOST_MESSAGE_LINES: usize = 5;
/// How formatters say that they skipped all files that they were given, with exit code 0: ruff and black.
const SKIPPED: [&str; 2] =
    ["No Python files found under the given path", "No Python files are present to be formatted"];

/// What to do about a formatter that skips outputs.
const INCLUDE_THEM: &str =
    "take the outputs' folder out of the paths that the formatter excludes, or remove the suite's `format`";

/// The outputs of suites with a formatter, formatted.
#[derive(Default)]
pub(crate) struct FormattedOutputs {
    /// Deletes the files when it is dropped.
    _scratch: Vec<ScratchFolder>,
    /// The formatted files by their outputs' paths.
    files: HashMap<Utf8PathBuf, Utf8PathBuf>,
}

impl FormattedOutputs {
    /// Renders and formats. Outputs that cannot be rendered or formatted are removed from `outputs`, with a problem.
    ///
    /// # Errors
    /// If the temporary files cannot be written, or the user interrupts.
    pub(crate) fn format(
        plan: &Plan<'_>,
        outputs: &mut Vec<PlannedOutput>,
        root: &Utf8Path,
        problems: &mut Vec<Problem>,
    ) -> anyhow::Result<Self> {
        let to_format: Vec<_> = outputs.iter().filter(|output| plan.formatter(output).is_some()).cloned().collect();
        if to_format.is_empty() {
            return Ok(Self::default());
        }
        let _progress = Progress::endless("formatting");
        let mut workplace = Workplace::new(root);
        let mut files = render(plan, &to_format, &mut workplace, problems)?;
        for (command, unformatted) in by_command(plan, &to_format, &files) {
            let refused = match run_formatter(command, &unformatted, root) {
                Ok(skipped) if skipped.is_empty() => skipped,
                Ok(skipped) => {
                    problems.push(skips(command, &skipped, &files));
                    skipped
                }
                Err(problem) => {
                    problems.push(problem);
                    unformatted
                }
            };
            let refused: HashSet<_> = refused.into_iter().collect();
            files.retain(|_, file| !refused.contains(file));
            if interrupt::requested() {
                bail!("interrupted while the formatter `{}` ran; nothing was written", command.join(" "));
            }
        }
        outputs.retain(|output| plan.formatter(output).is_none() || files.contains_key(output.path.as_path()));
        Ok(Self { _scratch: workplace.into_folders(), files })
    }

    /// Reads the formatted text of an output.
    pub(crate) fn read(&self, output: &PlannedOutput, buffer: &mut Vec<u8>) -> io::Result<()> {
        let file = self.files.get(output.path.as_path()).ok_or(io::ErrorKind::NotFound)?;
        disk::read_file(file, LARGEST_FILE, buffer)?;
        match std::str::from_utf8(buffer) {
            Ok(_) => Ok(()),
            Err(_) => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "the formatter left a file that is not UTF-8 text"))
            }
        }
    }
}

/// The temporary folders for files to be formatted.
struct Workplace<'r> {
    root: &'r Utf8Path,
    real_root: Utf8PathBuf,
    by_folder: HashMap<Utf8PathBuf, ScratchFolder>,
}

impl<'r> Workplace<'r> {
    fn new(root: &'r Utf8Path) -> Self {
        let real_root = root.canonicalize_utf8().unwrap_or_else(|_| root.to_owned());
        Self { root, real_root, by_folder: HashMap::new() }
    }

    /// The file in which the output at a location is formatted.
    fn file(&mut self, location: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
        let (folder, below) = self.nearest_folder(location);
        if let Some(scratch) = self.by_folder.get(&folder) {
            return Ok(scratch.path().join(below));
        }
        disk::clear_abandoned(&folder);
        let scratch = ScratchFolder::new_in(&folder)
            .with_context(|| format!("cannot make a folder in `{folder}` for the formatter to work in"))?;
        let file = scratch.path().join(below);
        self.by_folder.insert(folder, scratch);
        Ok(file)
    }

    /// The nearest existing folder above a location, and the path from there to the location. Outside the project, the
    /// project's root, so that the project's settings apply to all of its outputs.
    fn nearest_folder(&self, location: &Utf8Path) -> (Utf8PathBuf, Utf8PathBuf) {
        let path = self.root.join(location);
        let existing = path.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(self.root);
        let below = path.strip_prefix(existing).unwrap_or(location);
        match existing.canonicalize_utf8() {
            Ok(real) if real.starts_with(&self.real_root) => (real, below.to_owned()),
            _ => (self.real_root.clone(), location.components().filter(is_name).collect()),
        }
    }

    fn into_folders(self) -> Vec<ScratchFolder> {
        self.by_folder.into_values().collect()
    }
}

fn is_name(component: &camino::Utf8Component<'_>) -> bool {
    matches!(component, camino::Utf8Component::Normal(_))
}

/// Renders outputs to their temporary files, which are given by the outputs' paths.
fn render(
    plan: &Plan<'_>,
    outputs: &[PlannedOutput],
    workplace: &mut Workplace<'_>,
    problems: &mut Vec<Problem>,
) -> anyhow::Result<HashMap<Utf8PathBuf, Utf8PathBuf>> {
    let mut files = HashMap::new();
    for output in outputs {
        files.insert(output.path.as_path().to_owned(), workplace.file(&plan.location(output))?);
    }
    let written = render_each(plan, outputs, |output, rendered| {
        let file = &files[output.path.as_path()];
        rendered.map(|rendered| write_with_folders(file, rendered).map_err(|error| (file.clone(), error)))
    });
    for (output, written) in outputs.iter().zip(written) {
        match written {
            Ok(Ok(())) => {}
            Ok(Err((file, error))) => {
                return Err(error).with_context(|| format!("cannot write `{file}` for the formatter"));
            }
            Err(problem) => {
                files.remove(output.path.as_path());
                problems.push(problem);
            }
        }
    }
    Ok(files)
}

fn write_with_folders(file: &Utf8Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, content)
}

/// The temporary files of each formatter.
fn by_command<'p>(
    plan: &'p Plan<'_>,
    outputs: &[PlannedOutput],
    files: &HashMap<Utf8PathBuf, Utf8PathBuf>,
) -> Vec<(&'p [String], Vec<Utf8PathBuf>)> {
    let mut commands: Vec<(&[String], Vec<Utf8PathBuf>)> = Vec::new();
    for output in outputs {
        let (Some(command), Some(file)) = (plan.formatter(output), files.get(output.path.as_path())) else {
            continue;
        };
        match commands.iter_mut().find(|(known, _)| *known == command) {
            Some((_, files)) => files.push(file.clone()),
            None => commands.push((command, vec![file.clone()])),
        }
    }
    commands
}

/// Runs a formatter, and gives the files that it skips, as far as that can be told.
fn run_formatter(command: &[String], files: &[Utf8PathBuf], root: &Utf8Path) -> Result<Vec<Utf8PathBuf>, Problem> {
    let inaccessible = |error: io::Error| {
        let message = format!("cannot read what is to be formatted: {}", files::reason(&error));
        Problem::error(Code::OutputInaccessible, message)
    };
    if !skipping::is_probed(command) {
        return run_over(command, files, root).map(|()| Vec::new());
    }
    let before = Before::of(files).map_err(inaccessible)?;
    run_over(command, files, root)?;
    let probed = before.skipped(|probes| run_over(command, probes, root).map_err(Failure::Formatter));
    probed.map_err(|failure| match failure {
        Failure::Formatter(problem) => problem,
        Failure::Files(error) => inaccessible(error),
    })
}

/// Why it could not be found out which files a formatter skips.
enum Failure {
    Formatter(Problem),
    Files(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Files(error)
    }
}

/// The problem of a formatter that skips some of its files.
fn skips(command: &[String], skipped: &[Utf8PathBuf], files: &HashMap<Utf8PathBuf, Utf8PathBuf>) -> Problem {
    let outputs = files.iter().filter(|(_, file)| skipped.contains(file)).map(|(output, _)| output);
    let example = outputs.min().map_or("", |output| output.as_str());
    let outputs = counted(skipped.len(), "output");
    let message = format!("the formatter `{}` skips {outputs}, such as `{example}`", command.join(" "));
    Problem::error(Code::FormatterFailed, message).help(INCLUDE_THEM)
}

fn run_over(command: &[String], files: &[Utf8PathBuf], root: &Utf8Path) -> Result<(), Problem> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let mut rest = files;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(batch_len(rest));
        rest = after;
        let run = process::run(Command::new(program).args(arguments).args(batch).current_dir(root), LIMITS);
        check_run(&command.join(" "), run)?;
    }
    Ok(())
}

/// The problem of a formatter that failed, or that skipped the files it was given.
fn check_run(command: &str, run: Result<Finished, ProcessError>) -> Result<(), Problem> {
    let failed = |message: String, help| Err(Problem::error(Code::FormatterFailed, message).help(help));
    match run {
        Err(error) => failed(
            format!("the formatter `{command}` failed: {error}"),
            "correct the suite's `format`, or install the program",
        ),
        Ok(finished) if !finished.status.success() => {
            let message = format!("the formatter `{command}` failed: {}: {}", finished.status, messages(&finished));
            failed(message, "correct the suite's `format`, or install the program")
        }
        Ok(finished) => match messages(&finished) {
            messages if SKIPPED.iter().any(|sentence| messages.contains(sentence)) => {
                failed(format!("the formatter `{command}` skips the outputs: {messages}"), INCLUDE_THEM)
            }
            _ => Ok(()),
        },
    }
}

/// The first lines of what a program wrote: to standard error, then to standard output, since some write errors there.
fn messages(finished: &Finished) -> String {
    let written = [finished.stderr(MOST_MESSAGE_BYTES), finished.stdout(MOST_MESSAGE_BYTES)];
    let lines = written.iter().flat_map(|text| text.lines()).map(str::trim).filter(|line| !line.is_empty());
    lines.take(MOST_MESSAGE_LINES).collect::<Vec<_>>().join("; ")
}

/// How many of the files fit on one command line; at least one.
fn batch_len(files: &[Utf8PathBuf]) -> usize {
    let mut length = 0;
    let fits = |file: &&Utf8PathBuf| {
        length += file.as_str().len() + 1;
        length < LONGEST_COMMAND_LINE
    };
    files.iter().take_while(fits).count().max(1)
}
