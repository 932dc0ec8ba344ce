//! `cargo tgen generate`: writes the outputs that are missing or stale.

use std::time::Instant;

use anyhow::bail;
use camino::Utf8PathBuf;
use clap::Args;
use tgen_core::base::files;
use tgen_core::base::problem::Problem;
use tgen_core::lint::findings;
use tgen_core::output::edit::EditKind;
use tgen_core::output::state::State;
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::comparison::{judge_each, orphans};

use crate::apply::formatted::FormattedOutputs;
use crate::apply::{
    Applied, Applier, ExecutableTemplates, LeftAloneReason, Merger, Merging, Overwrite, Protected, Pruned,
    cannot_write_below, clear_leftovers, prune, refuse_unreadable,
};
use crate::exit::Exit;
use crate::printer::{Printer, Progress, counted};
use crate::project::arguments::{Global, SelectionArgs};
use crate::project::session::{self, Session};
use crate::world::disk::Writer;
use crate::world::interrupt;

/// How many paths of written outputs are listed.
const SHOWN: usize = 10;

/// Write the outputs that are missing or stale
///
/// Outputs that were changed by hand, and files that cargo-tgen did not write, are left alone unless `--force` is given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen generate                                             everything that is configured
  cargo tgen generate --model bert --output-dir ./test_output     one model, anywhere
  cargo tgen generate --model 'bert*' --hardware cpu,cuda         a glob, on two hardware types
  cargo tgen generate --dry-run                                   only report what would be written")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Overwrite outputs that were changed by hand, and files that cargo-tgen did not write
    #[arg(short, long)]
    force: bool,
    /// Merge what was changed by hand in an output with what has changed in its template since
    #[arg(long, conflicts_with = "force")]
    merge: bool,
    /// Delete signed files that no case renders any more, unless they were changed by hand
    #[arg(long)]
    prune: bool,
    /// Report what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

pub(crate) fn run(global: &Global, args: &GenerateArgs) -> anyhow::Result<Exit> {
    interrupt::listen();
    Session::each(global, |session| generate(session, args))
}

/// Writes the outputs of a selection that are missing or stale.
pub(crate) fn renew(session: &Session, selection: &SelectionArgs) -> anyhow::Result<Exit> {
    generate(
        session,
        &GenerateArgs { selection: selection.clone(), force: false, merge: false, prune: false, dry_run: false },
    )
}

fn generate(session: &Session, args: &GenerateArgs) -> anyhow::Result<Exit> {
    let started = Instant::now();
    let request = session::request(&args.selection)?;
    let project = session.project_for(&request)?;
    let plan = Plan::new(&project, &request);
    refuse_unreadable(session, &plan, "nothing was rendered or written")?;
    let mut problems = findings::of_inputs(&project, &plan);
    let mut outputs = plan.outputs.clone();
    clear_leftovers(&plan, &session.root);
    let formatted = FormattedOutputs::format(&plan, &mut outputs, &session.root, &mut problems)?;
    let applier = Applier {
        overwrite: if args.force { Overwrite::AllFiles } else { Overwrite::OwnFiles },
        writer: open_writer(session, &plan, args)?,
        standpoint: &session.standpoint,
        stamps: None,
        executables: ExecutableTemplates::of(&plan, &session.root),
    };
    let merger = args.merge.then(|| Merger { root: session.root.clone(), writer: applier.writer.as_ref() });
    let results = write_each(&plan, &outputs, &formatted, &applier, merger.as_ref());
    let mut tally = Tally::of(results, &outputs, &plan, session);
    if request.is_complete() {
        tally.add_orphans(session, &plan, args, applier.writer.as_ref());
    } else if args.prune {
        Printer::new()
            .warning("`--prune` needs to see all outputs; run it without a selection and without `--output-dir`");
    }
    if let Some(writer) = &applier.writer {
        writer.clear_abandoned();
    }
    problems.append(&mut tally.problems);
    let problems = findings::gathered(problems);
    session.print_problems(&project, &problems);
    tally.print(&Printer::new(), args, outputs.len(), started)?;
    if interrupt::requested() {
        bail!("interrupted; every file is whole, and `cargo tgen generate` goes on where this stopped");
    }
    Ok(Exit::of(&problems).max(Exit::findings_if(!tally.left_alone.is_empty() || !tally.unmerged.is_empty())))
}

/// Merges the outputs for which `--merge` asks it, and writes the others that differ.
fn write_each(
    plan: &Plan<'_>,
    outputs: &[PlannedOutput],
    formatted: &FormattedOutputs,
    applier: &Applier<'_>,
    merger: Option<&Merger<'_>>,
) -> Vec<Done> {
    let progress = Progress::new(outputs.len(), "generating");
    let read = |output: &PlannedOutput, buffer: &mut Vec<u8>| formatted.read(output, buffer);
    let done = judge_each(plan, outputs, &read, |_, output, judged| {
        progress.step();
        let merging = merger.zip(judged.as_ref().ok()).map(|(merger, judged)| merger.merge(plan, judged));
        match merging {
            None | Some(Merging::Unneeded) => Done::Applied(applier.apply(plan, output, &judged)),
            Some(merging) => Done::Merged(merging),
        }
    });
    progress.finish();
    done
}

fn open_writer(session: &Session, plan: &Plan<'_>, args: &GenerateArgs) -> anyhow::Result<Option<Writer>> {
    if args.dry_run || plan.outputs.is_empty() {
        return Ok(None);
    }
    let root = session.root.join(&plan.root);
    Writer::new(&root).map(Some).map_err(|error| anyhow::anyhow!(cannot_write_below(&root, &error).message))
}

/// What was done with an output.
enum Done {
    Applied(Applied),
    Merged(Merging),
}

/// The results of all outputs.
#[derive(Default)]
struct Tally {
    /// The number of cases whose template has errors or whose formatter failed.
    held: usize,
    fresh: usize,
    written: Vec<Utf8PathBuf>,
    merged: Vec<Utf8PathBuf>,
    /// Merged outputs with conflicts, and outputs that could not be merged.
    unmerged: Vec<String>,
    left_alone: Vec<(Utf8PathBuf, LeftAloneReason)>,
    orphans: Vec<Utf8PathBuf>,
    deleted: Vec<Utf8PathBuf>,
    problems: Vec<Problem>,
}

impl Tally {
    fn of(results: Vec<Done>, outputs: &[PlannedOutput], plan: &Plan<'_>, session: &Session) -> Self {
        let held = plan.left_out.len() + plan.outputs.len() - outputs.len();
        let mut tally = Self { held, ..Self::default() };
        let mut failures = Vec::new();
        for (result, output) in results.into_iter().zip(outputs) {
            let path = || session.standpoint.seen(&plan.location(output));
            match result {
                Done::Applied(Applied::Fresh) => tally.fresh += 1,
                Done::Applied(Applied::Written(_) | Applied::Due(_)) => tally.written.push(path()),
                Done::Applied(Applied::LeftAlone(reason)) => tally.left_alone.push((path(), reason)),
                Done::Applied(Applied::Failed(problem)) => failures.push((problem, plan.subject_name(output))),
                Done::Applied(Applied::Interrupted) => {}
                Done::Merged(merging) => tally.add_merged(path(), &merging),
            }
        }
        tally.problems = findings::by_template(failures);
        tally
    }

    fn add_merged(&mut self, path: Utf8PathBuf, merging: &Merging) {
        let failure = match merging {
            Merging::Unneeded | Merging::Merged { conflicts: 0 } => None,
            Merging::Merged { conflicts } => Some(format!(
                "`{path}` has {}; resolve them between git's markers, then run `cargo tgen adopt {path}`",
                counted(*conflicts, "conflict")
            )),
            Merging::WithoutBase => Some(format!(
                "cannot merge `{path}`: git has no commit with the text as it was generated; make your change in the \
                 template, and discard the output with `--force`"
            )),
            Merging::ChangedMeanwhile => Some(LeftAloneReason::ChangedMeanwhile.sentence(&path)),
            Merging::Failed(error) => Some(format!("cannot merge `{path}`: {}", files::reason(error))),
        };
        if let Merging::Merged { .. } = merging {
            self.merged.push(path);
        }
        self.unmerged.extend(failure);
    }

    /// Deletes orphaned files where `--prune` asks for it, and counts them otherwise.
    fn add_orphans(&mut self, session: &Session, plan: &Plan<'_>, args: &GenerateArgs, writer: Option<&Writer>) {
        let seen = |path: Utf8PathBuf| session.standpoint.seen(&path);
        let mut found = orphans(plan);
        self.problems.append(&mut found.problems);
        if !args.prune {
            self.orphans.extend(found.files.into_iter().map(seen));
            return;
        }
        for (path, pruned) in prune(plan, found.files, writer) {
            match pruned {
                Pruned::Deleted => self.deleted.push(seen(path)),
                Pruned::Edited => self.left_alone.push((
                    seen(path),
                    LeftAloneReason::Protected(Protected { state: State::Orphaned, edit: EditKind::default() }),
                )),
                Pruned::Failed(problem) => self.problems.push(problem),
            }
        }
    }

    fn print(&self, printer: &Printer, args: &GenerateArgs, planned: usize, started: Instant) -> std::io::Result<()> {
        let (write, delete) = if args.dry_run { ("would write", "would delete") } else { ("wrote", "deleted") };
        printer.paths(write, &self.written, SHOWN)?;
        printer.paths(if args.dry_run { "would merge" } else { "merged" }, &self.merged, SHOWN)?;
        printer.paths(delete, &self.deleted, SHOWN)?;
        self.unmerged.iter().for_each(|sentence| printer.warning(sentence));
        for (path, reason) in &self.left_alone {
            printer.warning(&reason.sentence(path));
        }
        let mut parts = vec![format!("{write} {} of {}", self.written.len(), counted(planned + self.held, "output"))];
        parts.push(format!("{} fresh", self.fresh));
        parts.extend((!self.merged.is_empty()).then(|| format!("{} merged", self.merged.len())));
        parts.extend((self.held > 0).then(|| format!("{} held back by errors", self.held)));
        parts.extend((!self.left_alone.is_empty()).then(|| format!("{} left alone", self.left_alone.len())));
        parts.extend((!self.deleted.is_empty()).then(|| format!("{delete} {}", self.deleted.len())));
        parts.extend(
            (!self.orphans.is_empty()).then(|| format!("{} orphaned (`--prune` deletes them)", self.orphans.len())),
        );
        printer.note(&format!("{} ({:.2} s)", parts.join(", "), started.elapsed().as_secs_f64()))
    }
}
