//! `cargo tgen explain`: which line of which template made a line of an output, and with which values.

use anyhow::{anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use tgen_core::explain::{Explanation, explain, values};
use tgen_core::plan::{Plan, PlannedOutput, Request};
use tgen_core::suggest::did_you_mean;

use super::Outcome;
use crate::cli::Global;
use crate::printer::Printer;
use crate::session::{self, Session};

/// Show which template lines and which values made a line of an output
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen explain test/skills/test_hf_bert.py:12   what made line 12
  cargo tgen explain test/skills/test_hf_bert.py      its template, what that builds on, and all its values")]
pub(crate) struct ExplainArgs {
    /// The output, and the number of a line of it
    #[arg(value_name = "FILE[:LINE]")]
    place: String,
}

pub(crate) fn run(global: &Global, args: &ExplainArgs) -> anyhow::Result<Outcome> {
    let (file, line) = file_and_line(&args.place)?;
    let wanted = session::current_folder()?.join(file);
    let request = Request::default();
    let mut near_misses = Vec::new();
    for session in Session::open_all(global)? {
        let project = session.project_for(&request)?;
        let plan = Plan::new(&project, &request);
        let found = plan.outputs.iter().find(|output| session.root.join(plan.location(output)) == wanted);
        if let Some(output) = found {
            show(&plan, output, file, line)?;
            return Ok(Outcome::Clean);
        }
        near_misses.extend(plan.outputs.iter().map(|output| session::shown(&session.root.join(plan.location(output)))));
    }
    let next = did_you_mean(file.as_str(), near_misses.iter().map(|path| path.as_str()))
        .unwrap_or_else(|| "`cargo tgen generate --dry-run` lists the outputs".to_owned());
    Err(anyhow!("`{file}` is no output of this project; {next}"))
}

/// A colon and digits at the end are a line; a drive's colon is not.
fn file_and_line(place: &str) -> anyhow::Result<(&Utf8Path, Option<usize>)> {
    match place.rsplit_once(':').map(|(file, line)| (file, line.parse::<usize>())) {
        Some((_, Ok(0))) => bail!("lines are counted from 1"),
        Some((file, Ok(line))) => Ok((Utf8Path::new(file), Some(line))),
        _ => Ok((Utf8Path::new(place), None)),
    }
}

fn show(plan: &Plan<'_>, output: &PlannedOutput, file: &Utf8Path, line: Option<usize>) -> anyhow::Result<()> {
    let printer = Printer::new();
    printer.line(&format!("{file} is generated from {}", plan.origin(output)))?;
    let Some(line) = line else { return show_all(&printer, plan, output) };
    match explain(plan, output, line - 1) {
        Ok(Some(explanation)) => show_line(&printer, plan, line, &explanation),
        Ok(None) => bail!(
            "nothing is known of line {line}: the output has fewer lines, or a formatter or a `filter` hides what made it"
        ),
        Err(problem) => {
            printer.problems(&[problem], &|path| session::source_text(plan.project, path));
            bail!("the output cannot be rendered")
        }
    }
}

fn show_line(printer: &Printer, plan: &Plan<'_>, line: usize, explanation: &Explanation) -> anyhow::Result<()> {
    printer.line(&format!("line {line}: {}", explanation.line))?;
    if explanation.parts.is_empty() {
        return Ok(printer.line("cargo-tgen itself writes this line")?);
    }
    let mut places: Vec<(&Utf8PathBuf, u32)> = Vec::new();
    for part in &explanation.parts {
        let place = (&part.path, part.range.start.line);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    for (path, number) in places {
        let text = session::source_text(plan.project, path).unwrap_or_default();
        let source = text.lines().nth(number as usize).unwrap_or_default().trim();
        printer.line(&format!("  {path}:{}: {source}", number + 1))?;
    }
    show_values(printer, &explanation.placeholders)
}

fn show_all(printer: &Printer, plan: &Plan<'_>, output: &PlannedOutput) -> anyhow::Result<()> {
    let library = &plan.project.library;
    for path in plan.templates[output.template].closure.iter().filter_map(|name| library.path_of(name)) {
        printer.line(&format!("  {path}"))?;
    }
    show_values(printer, &values(plan, output))
}

fn show_values(printer: &Printer, values: &[(String, String)]) -> anyhow::Result<()> {
    for (name, value) in values {
        printer.line(&format!("  {name} = {value}"))?;
    }
    Ok(())
}
