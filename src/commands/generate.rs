//! `cargo tgen generate`: writes what is missing or stale, and nothing that a person wrote.

use std::io;
use std::time::Instant;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use tgen_core::base::files;
use tgen_core::base::problem::{Code, Problem};
use tgen_core::lint::findings;
use tgen_core::output::signature;
use tgen_core::output::state::State;
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::comparison::{Judged, judge_each, orphans};

use crate::apply::formatted::FormattedOutputs;
use crate::outcome::Outcome;
use crate::printer::{Printer, Progress, counted};
use crate::project::arguments::{Global, SelectionArgs};
use crate::project::session::{self, Session};
use crate::world::disk::Writer;
use crate::world::interrupt;

/// How many written paths are shown.
const SHOWN: usize = 10;

/// Write the outputs that are missing or stale
///
/// Outputs that a person changed, and files that cargo-tgen did not write, are left alone unless `--force` is given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen generate                                             everything that is configured
  cargo tgen generate --model bert --output-dir ./test_output     one model, anywhere
  cargo tgen generate --model 'bert*' --hardware cpu,cuda         a glob, on two hardware types
  cargo tgen generate --dry-run                                   say what would be written")]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Overwrite outputs that a person changed, and files that are not ours
    #[arg(short, long)]
    force: bool,
    /// Delete signed files that no case renders any more, unless a person changed them
    #[arg(long)]
    prune: bool,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// What was done about one output.
enum Done {
    Left,
    Written(Utf8PathBuf),
    Refused(Utf8PathBuf, State),
    Failed(Problem),
    Interrupted,
}

pub(crate) fn run(global: &Global, args: &GenerateArgs) -> anyhow::Result<Outcome> {
    interrupt::listen();
    Session::each(global, |session| generate(session, args))
}

fn generate(session: &Session, args: &GenerateArgs) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let request = session::request(&args.selection)?;
    let project = session.project_for(&request)?;
    let plan = Plan::new(&project, &request);
    let mut problems = findings::of_inputs(&project, &plan);
    let mut outputs = plan.outputs.clone();
    let formatted = FormattedOutputs::format(&plan, &mut outputs, &session.root, &mut problems)?;
    let generation = Generation {
        session,
        args,
        writer: open_writer(session, &plan, args)?,
        progress: Progress::new(outputs.len(), "generating"),
    };
    let done = judge_each(&plan, &outputs, &|output, buffer| formatted.read(output, buffer), |_, output, judged| {
        generation.apply(&plan, output, judged)
    });
    generation.progress.finish();
    let mut tally = Tally { held: plan.left_out.len(), ..Tally::of(done, &outputs, &plan) };
    if request.is_complete() {
        generation.prune(&plan, &mut tally);
    } else if args.prune {
        Printer::new()
            .warning("`--prune` needs to see all outputs; run it without a selection and without `--output-dir`");
    }
    if let Some(writer) = &generation.writer {
        writer.clear_abandoned();
    }
    problems.append(&mut tally.problems);
    let problems = findings::gathered(problems);
    session.print_problems(&project, &problems);
    tally.print(&Printer::new(), args, outputs.len(), started)?;
    if interrupt::requested() {
        anyhow::bail!("interrupted; every file is whole, and `cargo tgen generate` goes on where this stopped");
    }
    Ok(Outcome::of(&problems).max(Outcome::findings_if(!tally.refused.is_empty())))
}

fn open_writer(session: &Session, plan: &Plan<'_>, args: &GenerateArgs) -> anyhow::Result<Option<Writer>> {
    if args.dry_run || plan.outputs.is_empty() {
        return Ok(None);
    }
    let root = session.root.join(&plan.root);
    Writer::new(&root).map(Some).with_context(|| format!("cannot write below `{root}`"))
}

struct Generation<'a> {
    session: &'a Session,
    args: &'a GenerateArgs,
    /// None where nothing is to be written.
    writer: Option<Writer>,
    progress: Progress,
}

impl Generation<'_> {
    fn apply(&self, plan: &Plan<'_>, output: &PlannedOutput, judged: Result<Judged<'_>, Problem>) -> Done {
        self.progress.step();
        if interrupt::requested() {
            return Done::Interrupted;
        }
        let location = self.session.standpoint.seen(&plan.location(output));
        match judged {
            Err(problem) => Done::Failed(problem),
            Ok(judged) if judged.state == State::Fresh => Done::Left,
            Ok(judged) if judged.state.is_protected() && !self.args.force => Done::Refused(location, judged.state),
            Ok(judged) => match self.write(output.path.as_path(), judged.expected) {
                Ok(()) => Done::Written(location),
                Err(error) => Done::Failed(not_written(&location, &error)),
            },
        }
    }

    fn write(&self, path: &Utf8Path, content: &[u8]) -> std::io::Result<()> {
        self.writer.as_ref().map_or(Ok(()), |writer| writer.write(path, content))
    }

    fn prune(&self, plan: &Plan<'_>, tally: &mut Tally) {
        for path in orphans(plan) {
            let seen = self.session.standpoint.seen(&path);
            if !self.args.prune {
                tally.orphans.push(seen);
            } else if is_edited(plan, &path) {
                tally.refused.push((seen, State::Orphaned));
            } else {
                match self.writer.as_ref().map_or(Ok(()), |writer| writer.delete(&path)) {
                    Ok(()) => tally.deleted.push(seen),
                    Err(error) => tally.problems.push(not_written(&path, &error)),
                }
            }
        }
    }
}

/// Whether a person changed a signed file; one that cannot be read is left alone too.
fn is_edited(plan: &Plan<'_>, path: &Utf8Path) -> bool {
    let mut content = Vec::new();
    plan.project.files.read_into(path, &mut content).is_err()
        || signature::find(&content).is_none_or(|found| !found.intact)
}

/// The problem of an output that could not be written.
pub(crate) fn not_written(path: &Utf8Path, error: &io::Error) -> Problem {
    let reason = files::reason(error);
    let inaccessible = |message| Problem::error(Code::OutputInaccessible, message);
    let next_step = match error.kind() {
        io::ErrorKind::PermissionDenied => "let this user write into the folder",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space",
        io::ErrorKind::ReadOnlyFilesystem => "write elsewhere with `--output-dir`",
        _ => return inaccessible(format!("cannot write the output `{path}`: {reason}")),
    };
    // What is wrong is wrong for all outputs there, and is told once.
    let folder = path.parent().map_or(".", Utf8Path::as_str);
    inaccessible(format!("cannot write into `{folder}`: {reason}")).help(next_step)
}

/// What was done, in sum.
#[derive(Default)]
struct Tally {
    /// The cases whose template has errors.
    held: usize,
    left: usize,
    written: Vec<Utf8PathBuf>,
    refused: Vec<(Utf8PathBuf, State)>,
    orphans: Vec<Utf8PathBuf>,
    deleted: Vec<Utf8PathBuf>,
    problems: Vec<Problem>,
}

impl Tally {
    fn of(done: Vec<Done>, outputs: &[PlannedOutput], plan: &Plan<'_>) -> Self {
        let mut tally = Self::default();
        let mut failures = Vec::new();
        for (done, output) in done.into_iter().zip(outputs) {
            match done {
                Done::Left => tally.left += 1,
                Done::Written(path) => tally.written.push(path),
                Done::Refused(path, state) => tally.refused.push((path, state)),
                Done::Failed(problem) => failures.push((problem, plan.subject_name(output))),
                Done::Interrupted => {}
            }
        }
        tally.problems = findings::by_template(failures);
        tally
    }

    fn print(&self, printer: &Printer, args: &GenerateArgs, planned: usize, started: Instant) -> std::io::Result<()> {
        let (write, delete) = if args.dry_run { ("would write", "would delete") } else { ("wrote", "deleted") };
        printer.paths(write, &self.written, SHOWN)?;
        printer.paths(delete, &self.deleted, SHOWN)?;
        for (path, state) in &self.refused {
            printer.warning(&refusal(path, *state));
        }
        let mut parts = vec![format!("{write} {} of {}", self.written.len(), counted(planned + self.held, "output"))];
        parts.push(format!("{} fresh", self.left));
        parts.extend((self.held > 0).then(|| format!("{} held back by errors", self.held)));
        parts.extend((!self.refused.is_empty()).then(|| format!("{} left alone", self.refused.len())));
        parts.extend((!self.deleted.is_empty()).then(|| format!("{delete} {}", self.deleted.len())));
        parts.extend(
            (!self.orphans.is_empty()).then(|| format!("{} orphaned (`--prune` deletes them)", self.orphans.len())),
        );
        printer.line(&format!("{} ({:.2} s)", parts.join(", "), started.elapsed().as_secs_f64()))
    }
}

/// Why an output is left alone, and what to do about it.
pub(crate) fn refusal(path: &Utf8Path, state: State) -> String {
    match state {
        State::Edited => {
            format!("`{path}` was changed by a person; move the change into the template, or discard it with `--force`")
        }
        State::Orphaned => {
            format!("`{path}` is rendered by no case any more, but a person changed it; delete it by hand")
        }
        _ => format!("`{path}` was not written by cargo-tgen; move it away, or replace it with `--force`"),
    }
}
