//! Outputs of suites with a formatter, as the formatter leaves them.

use std::collections::HashMap;
use std::io;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::problem::{Code, Problem};
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::comparison::render_each;

use crate::printer::Progress;

/// The longest command line that every system takes.
const LONGEST_COMMAND_LINE: usize = 30_000;

/// The outputs of suites with a formatter, formatted: each formatter has run once over all of its outputs.
#[derive(Default)]
pub(crate) struct FormattedOutputs {
    folder: Option<tempfile::TempDir>,
    files: HashMap<Utf8PathBuf, Utf8PathBuf>,
}

impl FormattedOutputs {
    /// Renders and formats. The files stand below the project's root meanwhile, where formatters find the project's
    /// own settings. Outputs that cannot be formatted are taken out of `outputs`, with a problem.
    pub(crate) fn format(
        plan: &Plan<'_>,
        outputs: &mut Vec<PlannedOutput>,
        root: &Utf8Path,
        problems: &mut Vec<Problem>,
    ) -> anyhow::Result<Self> {
        let concerned: Vec<_> = outputs.iter().filter(|output| plan.formatter(output).is_some()).cloned().collect();
        if concerned.is_empty() {
            return Ok(Self::default());
        }
        let _progress = Progress::endless("formatting");
        let folder = tempfile::Builder::new().prefix(".tgen-format-").suffix(".tmp").tempdir_in(root);
        let folder =
            folder.with_context(|| format!("cannot make a folder in `{root}` for the formatter to work in"))?;
        let mut formatted = Self { folder: Some(folder), files: HashMap::new() };
        let mut refused = formatted.render(plan, &concerned, problems)?;
        for (command, files) in formatted.by_command(plan, &concerned) {
            if let Err(error) = run_formatter(command, &files, root) {
                let message = format!("the formatter `{}` failed: {error:#}", command.join(" "));
                problems.push(
                    Problem::error(Code::FormatterFailed, message)
                        .help("correct the suite's `format`, or install the program"),
                );
                refused.extend(files);
            }
        }
        outputs.retain(|output| formatted.files.get(output.path.as_path()).is_none_or(|file| !refused.contains(file)));
        outputs
            .retain(|output| plan.formatter(output).is_none() || formatted.files.contains_key(output.path.as_path()));
        Ok(formatted)
    }

    /// The formatted text of an output.
    pub(crate) fn read(&self, output: &PlannedOutput, buffer: &mut Vec<u8>) -> io::Result<()> {
        let file = self.files.get(output.path.as_path()).ok_or(io::ErrorKind::NotFound)?;
        *buffer = std::fs::read(file)?;
        Ok(())
    }

    fn render(
        &mut self,
        plan: &Plan<'_>,
        outputs: &[PlannedOutput],
        problems: &mut Vec<Problem>,
    ) -> anyhow::Result<Vec<Utf8PathBuf>> {
        let folder =
            self.folder.as_ref().and_then(|folder| Utf8Path::from_path(folder.path())).unwrap_or(Utf8Path::new(""));
        let written = render_each(plan, outputs, |output, rendered| {
            let file = folder.join(output.path.as_path());
            let rendered = rendered.map_err(Ok)?;
            write_with_folders(&file, rendered).map_err(|error| Err((file.clone(), error)))?;
            Ok((output.path.as_path().to_owned(), file))
        });
        for result in written {
            match result {
                Ok((path, file)) => drop(self.files.insert(path, file)),
                Err(Ok(problem)) => problems.push(problem),
                Err(Err((file, error))) => {
                    return Err(error).with_context(|| format!("cannot write `{file}` for the formatter"));
                }
            }
        }
        Ok(Vec::new())
    }

    fn by_command<'p>(&self, plan: &'p Plan<'_>, outputs: &[PlannedOutput]) -> Vec<(&'p [String], Vec<Utf8PathBuf>)> {
        let mut commands: Vec<(&[String], Vec<Utf8PathBuf>)> = Vec::new();
        for output in outputs {
            let (Some(command), Some(file)) = (plan.formatter(output), self.files.get(output.path.as_path())) else {
                continue;
            };
            match commands.iter_mut().find(|(known, _)| *known == command) {
                Some((_, files)) => files.push(file.clone()),
                None => commands.push((command, vec![file.clone()])),
            }
        }
        commands
    }
}

fn write_with_folders(file: &Utf8Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, content)
}

fn run_formatter(command: &[String], files: &[Utf8PathBuf], root: &Utf8Path) -> anyhow::Result<()> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let mut rest = files;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(batch_len(rest));
        rest = after;
        let output = Command::new(program)
            .args(arguments)
            .args(batch)
            .current_dir(root)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| anyhow::anyhow!("it cannot be run: {}", tgen_core::base::files::reason(&error)))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!(
                "{}: {}",
                output.status,
                said.lines().map(str::trim).filter(|line| !line.is_empty()).take(5).collect::<Vec<_>>().join("; ")
            );
        }
    }
    Ok(())
}

fn batch_len(files: &[Utf8PathBuf]) -> usize {
    let mut length = 0;
    let fits = |file: &&Utf8PathBuf| {
        length += file.as_str().len() + 1;
        length < LONGEST_COMMAND_LINE
    };
    files.iter().take_while(fits).count().max(1)
}
