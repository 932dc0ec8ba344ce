//! `cargo tgen explain`: which line of which template made a line of an output, and with which values.

use anyhow::{anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use tgen_core::base::suggest::did_you_mean;
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::project::request::Request;
use tgen_core::rendering::explain::{Explanation, explain, values};

use crate::exit::Exit;
use crate::printer::Printer;
use crate::project::arguments::Global;
use crate::project::session::{self, Session};

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

pub(crate) fn run(global: &Global, args: &ExplainArgs) -> anyhow::Result<Exit> {
    let (file, line) = file_and_line(&args.place)?;
    let wanted = session::current_folder()?.join(file);
    let request = Request::default();
    let mut near_misses = Vec::new();
    for session in Session::open_all(global)? {
        let project = session.project_for(&request)?;
        let plan = Plan::new(&project, &request);
        let found = plan.outputs.iter().find(|output| session.root.join(plan.location(output)) == wanted);
        if let Some(output) = found {
            Explainer { session: &session, plan: &plan, printer: Printer::new() }.show(output, file, line)?;
            return Ok(Exit::Clean);
        }
        near_misses.extend(plan.outputs.iter().map(|output| session::shown(&session.root.join(plan.location(output)))));
    }
    let next = did_you_mean(file.as_str(), near_misses.iter().map(|path| path.as_str()))
        .unwrap_or_else(|| "`cargo tgen generate --dry-run` lists the outputs".to_owned());
    Err(anyhow!("`{file}` is no output of this project; {next}"))
}

/// Splits `FILE:LINE`. The colon of a Windows drive is part of the file.
fn file_and_line(place: &str) -> anyhow::Result<(&Utf8Path, Option<usize>)> {
    match place.rsplit_once(':').map(|(file, line)| (file, line.parse::<usize>())) {
        Some((_, Ok(0))) => bail!("lines are counted from 1"),
        Some((file, Ok(line))) => Ok((Utf8Path::new(file), Some(line))),
        _ => Ok((Utf8Path::new(place), None)),
    }
}

/// Shows where an output comes from.
struct Explainer<'e> {
    session: &'e Session,
    plan: &'e Plan<'e>,
    printer: Printer,
}

impl Explainer<'_> {
    fn show(&self, output: &PlannedOutput, file: &Utf8Path, line: Option<usize>) -> anyhow::Result<()> {
        self.printer.line(&format!("{file} is generated from {}", self.plan.origin(output)))?;
        let Some(line) = line else { return self.show_all(output) };
        match explain(self.plan, output, line - 1) {
            Ok(Some(explanation)) => self.show_line(line, &explanation),
            Ok(None) => bail!(
                "nothing is known of line {line}: the output has fewer lines, or a formatter or a `filter` hides what made it"
            ),
            Err(problem) => {
                self.session.print_problems(self.plan.project, &[problem]);
                bail!("the output cannot be rendered; correct the error above first")
            }
        }
    }

    fn show_line(&self, line: usize, explanation: &Explanation) -> anyhow::Result<()> {
        self.printer.line(&format!("line {line}: {}", explanation.line))?;
        if explanation.parts.is_empty() {
            return Ok(self.printer.line("cargo-tgen itself writes this line")?);
        }
        let mut places: Vec<(&Utf8PathBuf, u32)> = Vec::new();
        for part in &explanation.parts {
            let place = (&part.path, part.range.start.line);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        for (path, number) in places {
            let text = session::source_text(self.plan.project, path).unwrap_or_default();
            let source = text.lines().nth(number as usize).unwrap_or_default().trim();
            let path = self.session.standpoint.seen(path);
            self.printer.line(&format!("  {path}:{}: {source}", number + 1))?;
        }
        self.show_values(&explanation.placeholders)
    }

    fn show_all(&self, output: &PlannedOutput) -> anyhow::Result<()> {
        let library = &self.plan.project.library;
        for path in self.plan.templates[output.template].closure.iter().filter_map(|name| library.path_of(name)) {
            self.printer.line(&format!("  {}", self.session.standpoint.seen(path)))?;
        }
        self.show_values(&values(self.plan, output))
    }

    fn show_values(&self, values: &[(String, String)]) -> anyhow::Result<()> {
        for (name, value) in values {
            self.printer.line(&format!("  {name} = {value}"))?;
        }
        Ok(())
    }
}
