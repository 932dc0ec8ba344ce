//! The state of every output of a project under watch, and their updates.
//!
//! An output is rendered and compared when its inputs or its file changed. Its file's stamp is taken before the comparison
//! and checked again right before the write, so an edit made in between is not lost, unless another program renames a
//! file over the output within the microseconds between that check and our own rename.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;
use tgen_core::base::problem::{Code, Problem};
use tgen_core::change::Ledger;
use tgen_core::lint::findings;
use tgen_core::output::state::State;
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::comparison::{Judged, judge_each, orphans};

use super::difference::Differences;
use crate::apply::formatted::FormattedOutputs;
use crate::apply::{
    Applied, Applier, ExecutableTemplates, LeftAloneReason, Overwrite, Protected, StampsBefore, cannot_write_below,
};
use crate::project::standpoint::Standpoint;
use crate::run::Selection;
use crate::world::disk::Writer;
use crate::world::interrupt;
use crate::world::stamp::Stamp;

/// How many outputs are rendered between two checks for an interrupt.
const LARGEST_PART: usize = 512;

/// What a watch may do to outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Report differences, write nothing.
    Report,
    /// Write what is missing or stale.
    Write,
    /// Also replace what the user changed and what cargo-tgen did not write.
    Force,
}

/// The known states of all outputs of a project.
#[derive(Default)]
pub(super) struct Outputs {
    ledger: Ledger,
    /// By location. (A string, because hashing a path component by component is slow for thousands.)
    known: HashMap<String, KnownOutput>,
    /// The folders above the outputs.
    folders: HashSet<Utf8PathBuf>,
    orphans: Option<Vec<Utf8PathBuf>>,
    differences: Differences,
    /// The writer of the last round, which keeps replaced files for reuse.
    writer: Option<Writer>,
}

/// The state of one output, and its file's stamp at that time.
struct KnownOutput {
    stamp: Option<Stamp>,
    standing: Standing,
}

enum Standing {
    /// The file was compared with the rendered text.
    In(State),
    /// The output could not be rendered.
    Broken(Problem),
    /// The output could not be read, formatted or written; the next attempt may succeed without any change of an input.
    Unsettled(Option<Problem>),
}

/// The results of one round of updates.
#[derive(Default)]
pub(super) struct Round {
    /// The outputs that were written.
    pub(super) written: Vec<Utf8PathBuf>,
    /// Their tests, if those are wanted.
    pub(super) tests: Option<Selection>,
    /// The outputs that became edited or foreign since the last round, and so were not written.
    pub(super) left_alone: Vec<(Utf8PathBuf, Protected)>,
    /// The number of the plan's outputs in each state.
    pub(super) counts: BTreeMap<State, usize>,
    /// The number of outputs that stay as they are because an input of theirs is broken.
    pub(super) held: usize,
    /// What keeps outputs from being up to date.
    pub(super) problems: Vec<Problem>,
}

/// The file of an output, before it is read.
struct OutputFile {
    location: Utf8PathBuf,
    stamp: Option<Stamp>,
}

impl Outputs {
    /// Updates every output whose inputs or file changed.
    pub(super) fn update(&mut self, plan: &Plan<'_>, root: &Utf8Path, intent: Intent) -> Round {
        let mut round = Round::default();
        let files = stat_all(plan, root);
        let is_first = self.known.is_empty();
        let (due, stamps) = self.due(plan, &files);
        if !due.is_empty() {
            self.update_due(plan, root, intent, (due, &stamps), &mut round);
        }
        if is_first {
            self.clear_abandoned(plan);
        }
        self.find_orphans(plan, root, &mut round.problems);
        self.summarize(plan, &files, &mut round);
        round
    }

    /// Updates the outputs that are due; `stamps` are their files' stamps.
    fn update_due(
        &mut self,
        plan: &Plan<'_>,
        root: &Utf8Path,
        intent: Intent,
        (mut due, stamps): (Vec<PlannedOutput>, &StampsBefore),
        round: &mut Round,
    ) {
        let formatted = FormattedOutputs::format(plan, &mut due, root, &mut round.problems);
        let formatted = formatted.unwrap_or_else(|error| {
            round.problems.push(Problem::error(Code::OutputInaccessible, format!("{error:#}")));
            due.retain(|output| plan.formatter(output).is_none());
            FormattedOutputs::default()
        });
        let standpoint = Standpoint::new(root, root);
        let applier = Applier {
            overwrite: if intent == Intent::Force { Overwrite::AllFiles } else { Overwrite::OwnFiles },
            writer: self.open_writer(plan, root, intent, &mut round.problems),
            standpoint: &standpoint,
            stamps: Some(stamps),
            executables: ExecutableTemplates::of(plan, root),
        };
        let differences = Mutex::new(Differences::default());
        let read_formatted = |output: &PlannedOutput, buffer: &mut Vec<u8>| formatted.read(output, buffer);
        let apply = |output: &PlannedOutput, judged: Result<Judged<'_>, Problem>| {
            let result = applier.apply(plan, output, &judged);
            if let (Ok(judged), true, Ok(mut differences)) = (&judged, result.is_difference(), differences.lock()) {
                differences.add(plan, &plan.location(output), judged);
            }
            result
        };
        let results =
            in_parts(&due, |part| judge_each(plan, part, &read_formatted, |_, output, judged| apply(output, judged)));
        self.writer = applier.writer.or(self.writer.take());
        let differences = differences.into_inner().unwrap_or_default();
        if !differences.is_empty() {
            self.differences = differences;
        }
        self.record(plan, intent, (&due, results), stamps, round);
    }

    /// The outputs to try again although no event announces a change: they were touched while they were rendered, or
    /// could not be read or written.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = &Utf8Path> {
        let unsettled = self.known.iter().filter(|(_, known)| known.standing.is_worth_retrying());
        unsettled.map(|(location, _)| Utf8Path::new(location))
    }

    /// The results of a round in which no output may be touched.
    pub(super) fn hold(&self) -> Round {
        Round { held: self.known.len(), ..Round::default() }
    }

    /// Whether the file at an output's path is no longer the known one, or a folder of outputs appeared or went, which
    /// changes what has to be watched.
    pub(super) fn is_touched(&self, root: &Utf8Path, path: &Utf8Path) -> bool {
        match self.known.get(path.as_str()) {
            Some(known) => Stamp::at(&root.join(path)) != known.stamp,
            None => self.has_folder(path),
        }
    }

    /// Whether there are outputs below a folder.
    pub(super) fn has_folder(&self, path: &Utf8Path) -> bool {
        self.folders.contains(path)
    }

    /// The locations of the outputs.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Utf8Path> {
        self.known.keys().map(Utf8Path::new)
    }

    /// The folders of the outputs, and the folders above them.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Utf8Path> {
        self.folders.iter().map(Utf8PathBuf::as_path)
    }

    /// How the last round changed the outputs; with [`Intent::Report`], how it would have changed them.
    pub(super) fn differences(&self) -> &Differences {
        &self.differences
    }

    /// Forgets all states, so that the next round renders and reads everything.
    pub(super) fn forget(&mut self) {
        self.ledger.clear();
        self.orphans = None;
    }

    /// The outputs whose inputs or file changed, and their files' stamps.
    fn due(&mut self, plan: &Plan<'_>, files: &[OutputFile]) -> (Vec<PlannedOutput>, StampsBefore) {
        let affected = self.ledger.update(plan);
        if !affected.gone.is_empty() {
            self.orphans = None;
        }
        affected.gone.iter().for_each(|path| drop(self.known.remove(path.as_str())));
        let mut is_due: Vec<bool> = files.iter().map(|file| !self.is_settled(file)).collect();
        affected.outputs.iter().for_each(|number| is_due[*number] = true);
        let due = plan.outputs.iter().zip(files).zip(is_due).filter(|(_, is_due)| *is_due);
        due.map(|((output, file), _)| (output.clone(), (file.location.clone(), file.stamp))).unzip()
    }

    /// The writer of a round; none with [`Intent::Report`], or if the folder cannot be written to.
    fn open_writer(
        &mut self,
        plan: &Plan<'_>,
        root: &Utf8Path,
        intent: Intent,
        problems: &mut Vec<Problem>,
    ) -> Option<Writer> {
        let folder = root.join(&plan.root);
        let opened = (intent != Intent::Report).then(|| Writer::new(&folder))?;
        let writer = opened.inspect_err(|error| problems.push(cannot_write_below(&folder, error))).ok()?;
        Some(match self.writer.take() {
            Some(earlier) => writer.succeeding(earlier),
            None => writer,
        })
    }

    /// Deletes the temporary files that a killed process left beside the outputs.
    fn clear_abandoned(&self, plan: &Plan<'_>) {
        let folders: HashSet<_> = plan.outputs.iter().filter_map(|output| output.path.as_path().parent()).collect();
        if let Some(writer) = &self.writer {
            for folder in folders {
                writer.clear_abandoned_in(folder);
            }
        }
    }

    fn is_settled(&self, file: &OutputFile) -> bool {
        let known = self.known.get(file.location.as_str());
        known.is_some_and(|known| known.stamp == file.stamp && known.standing.is_settled())
    }

    /// Records the results of single outputs in the known states and in the round.
    fn record(
        &mut self,
        plan: &Plan<'_>,
        intent: Intent,
        (due, results): (&[PlannedOutput], Vec<Applied>),
        stamps: &StampsBefore,
        round: &mut Round,
    ) {
        for (output, result) in due.iter().zip(results) {
            let location = plan.location(output);
            let mut stamp = stamps.get(&location).copied().flatten();
            let standing = match result {
                Applied::Fresh => Standing::In(State::Fresh),
                Applied::Due(state) if intent == Intent::Report => Standing::In(state),
                Applied::Written(written) => {
                    stamp = written;
                    round.written.push(location.clone());
                    Standing::In(State::Fresh)
                }
                Applied::LeftAlone(LeftAloneReason::Protected(protected)) => {
                    let before = self.known.get(location.as_str()).and_then(|known| known.standing.state());
                    if before != Some(protected.state) {
                        round.left_alone.push((location.clone(), protected));
                    }
                    Standing::In(protected.state)
                }
                Applied::LeftAlone(reason) => Standing::Unsettled(reason.problem(&location)),
                Applied::Failed(problem) if can_pass(&problem) => Standing::Unsettled(Some(problem)),
                Applied::Failed(problem) => Standing::Broken(problem),
                Applied::Due(_) | Applied::Interrupted => Standing::Unsettled(None),
            };
            let folders = location.ancestors().skip(1).take_while(|folder| folder.starts_with(&plan.root));
            self.folders.extend(folders.map(Utf8Path::to_owned));
            self.known.insert(location.into_string(), KnownOutput { stamp, standing });
        }
    }

    /// Finds signed files that no case renders any more. Only a change of the plan can add one.
    fn find_orphans(&mut self, plan: &Plan<'_>, root: &Utf8Path, problems: &mut Vec<Problem>) {
        if !plan.root.as_str().is_empty() || plan.problems.iter().any(Problem::is_error) {
            return;
        }
        match &mut self.orphans {
            None => {
                let found = orphans(plan);
                problems.extend(found.problems);
                self.orphans = Some(found.files);
            }
            Some(known) => known.retain(|path| !self.known.contains_key(path.as_str()) && root.join(path).exists()),
        }
    }

    fn summarize(&self, plan: &Plan<'_>, files: &[OutputFile], round: &mut Round) {
        let mut failures = Vec::new();
        for (output, file) in plan.outputs.iter().zip(files) {
            match self.known.get(file.location.as_str()).map(|known| &known.standing) {
                Some(Standing::In(state)) => *round.counts.entry(*state).or_default() += 1,
                Some(Standing::Broken(problem) | Standing::Unsettled(Some(problem))) => {
                    failures.push((problem.clone(), plan.subject_name(output)));
                }
                Some(Standing::Unsettled(None)) | None => {}
            }
        }
        round.held = self.known.len() - round.counts.values().sum::<usize>();
        if let Some(count @ 1..) = self.orphans.as_ref().map(Vec::len) {
            round.counts.insert(State::Orphaned, count);
        }
        round.problems.extend(findings::by_template(failures));
    }
}

impl Standing {
    fn is_settled(&self) -> bool {
        !matches!(self, Self::Unsettled(_))
    }

    /// A failed formatter is not retried: it would fail for as long as its input stays the same.
    fn is_worth_retrying(&self) -> bool {
        match self {
            Self::Unsettled(Some(problem)) => problem.code == Code::OutputInaccessible,
            Self::Unsettled(None) => true,
            Self::In(_) | Self::Broken(_) => false,
        }
    }

    fn state(&self) -> Option<State> {
        match self {
            Self::In(state) => Some(*state),
            Self::Broken(_) | Self::Unsettled(_) => None,
        }
    }
}

impl Applied {
    /// Whether the output's file differs, or differed, from the rendered text.
    fn is_difference(&self) -> bool {
        matches!(self, Self::Due(_) | Self::Written(_) | Self::LeftAlone(LeftAloneReason::Protected(_)))
    }
}

/// The results of outputs, which are written part by part, so that an interrupt does not wait for all of them.
fn in_parts(due: &[PlannedOutput], write: impl Fn(&[PlannedOutput]) -> Vec<Applied>) -> Vec<Applied> {
    let mut results = Vec::with_capacity(due.len());
    for part in due.chunks(LARGEST_PART) {
        if interrupt::requested() {
            results.resize_with(due.len(), || Applied::Interrupted);
            break;
        }
        results.extend(write(part));
    }
    results
}

fn stat_all(plan: &Plan<'_>, root: &Utf8Path) -> Vec<OutputFile> {
    let stat = |output: &PlannedOutput| {
        let location = plan.location(output);
        let stamp = Stamp::at(&root.join(&location));
        OutputFile { location, stamp }
    };
    plan.outputs.par_iter().map(stat).collect()
}

/// Whether a problem can go away without any change of an input: one of the file system or of a program.
fn can_pass(problem: &Problem) -> bool {
    matches!(problem.code, Code::OutputInaccessible | Code::FormatterFailed)
}
