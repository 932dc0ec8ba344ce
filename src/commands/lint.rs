//! `cargo tgen lint`: the problems of templates and other inputs, without looking at any output.

use clap::Args;
use tgen_core::comparison::{check_syntax, render_each};
use tgen_core::plan::Plan;
use tgen_core::template::compiled::compile;

use super::Outcome;
use crate::cli::{CaseArgs, Global};
use crate::findings;
use crate::printer::{Printer, Progress, counted};
use crate::session::{self, Session};

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

pub(crate) fn run(global: &Global, args: &LintArgs) -> anyhow::Result<Outcome> {
    Session::each(global, |session| lint(session, args))
}

fn lint(session: &Session, args: &LintArgs) -> anyhow::Result<Outcome> {
    let request = session::cases(&args.cases);
    let project = session.project_for(&request)?;
    let plan = Plan::new(&project, &request);
    let mut problems = findings::of_inputs(&project, &plan);
    let planned: Vec<_> = plan.templates.iter().flat_map(|compiled| &compiled.closure).collect();
    let unused = project
        .library
        .project_names()
        .filter(|name| !planned.contains(name) && name.dialect() == tgen_core::template::Dialect::Tera);
    problems.extend(unused.filter_map(|name| compile(&project.library, name).err()).flatten());
    problems.extend(
        plan.models
            .iter()
            .filter_map(|model| project.reference_with_problems(model))
            .flat_map(|(_, found)| found.to_vec()),
    );
    let progress = Progress::new(plan.outputs.len(), "rendering");
    let failures = render_each(&plan, &plan.outputs, |output, rendered| {
        progress.step();
        let checked = rendered.and_then(|rendered| check_syntax(output.path.as_path(), rendered));
        checked.err().map(|problem| (problem, plan.subject_name(output)))
    });
    progress.finish();
    problems.extend(findings::by_template(failures.into_iter().flatten().collect()));
    let problems = findings::gathered(problems);
    let printer = Printer::new();
    printer.problems_as_result(&problems, &|path| session::source_text(&project, path))?;
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    printer.line(&format!(
        "{} and {} rendered: {}, {}",
        counted(plan.templates.len(), "template"),
        counted(plan.outputs.len(), "output"),
        counted(errors, "error"),
        counted(problems.len() - errors, "warning"),
    ))?;
    Ok(Outcome::of(&problems))
}
