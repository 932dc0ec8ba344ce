//! `cargo tgen lint`: the problems of templates and other inputs, without looking at any output.

use clap::Args;
use tgen_core::plan::Plan;

use crate::apply::clear_leftovers;
use crate::exit::Exit;
use crate::printer::{Printer, Progress, counted};
use crate::project::arguments::{CaseArgs, Global};
use crate::project::session::{self, Session};

/// Show the problems of templates, configuration and other inputs
///
/// Every case is rendered, so that a problem of a single model is found too; no output is read or written.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen lint                    everything that is configured
  cargo tgen lint --suite skillset   one suite's templates")]
pub(crate) struct LintArgs {
    #[command(flatten)]
    cases: CaseArgs,
}

pub(crate) fn run(global: &Global, args: &LintArgs) -> anyhow::Result<Exit> {
    Session::each(global, |session| lint(session, args))
}

fn lint(session: &Session, args: &LintArgs) -> anyhow::Result<Exit> {
    let request = session::cases(&args.cases);
    let project = session.project_for(&request)?;
    let plan = Plan::new(&project, &request);
    clear_leftovers(&plan, &session.root);
    let progress = Progress::new(plan.outputs.len(), "rendering");
    let problems = tgen_core::lint::lint(&plan, &|| progress.step());
    progress.finish();
    let printer = Printer::new();
    let seen = session.standpoint.problems(&problems);
    printer.problems_as_result(&seen, &|path| session.source_text(&project, path))?;
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let say = if problems.is_empty() { Printer::note } else { Printer::line };
    let closing = format!(
        "{} and {} rendered: {}, {}",
        counted(plan.templates.len(), "template"),
        counted(plan.outputs.len(), "output"),
        counted(errors, "error"),
        counted(problems.len() - errors, "warning"),
    );
    say(&printer, &closing)?;
    Ok(Exit::of(&problems))
}
