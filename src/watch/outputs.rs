//! What is known of every output, so that a change looks only at those it affects, and the way they are brought to what
//! their templates say.
//!
//! An output is looked at when what it is made from has changed, or its file. Before one is written it is read, whatever
//! is known of it, and it is not written if somebody touches it while that is decided: a person's edit is not lost, but for
//! a file that is renamed to its place in the very microseconds in which ours is.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::Mutex;

use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;
use tgen_core::base::files;
use tgen_core::base::problem::{Code, Problem};
use tgen_core::change::Ledger;
use tgen_core::lint::findings;
use tgen_core::output::state::State;
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::comparison::{Judged, judge_each, orphans};

use super::difference::Differences;
use crate::apply::formatted::FormattedOutputs;
use crate::commands::generate::not_written;
use crate::world::disk::{Overwritten, Writer};
use crate::world::interrupt;
use crate::world::stamp::Stamp;

/// How far a watch goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Report, and write nothing.
    Look,
    /// Write what is missing or stale.
    Write,
    /// Write over what a person changed as well.
    Force,
}

/// What is known of all outputs of a project.
#[derive(Default)]
pub(super) struct Outputs {
    ledger: Ledger,
    /// By where they stand. (A path hashes part by part, which is slow for thousands.)
    known: HashMap<String, Known>,
    /// The folders above them.
    folders: HashSet<Utf8PathBuf>,
    orphans: Option<Vec<Utf8PathBuf>>,
    differences: Differences,
    /// The writer of the last round, which keeps what it replaced to write it again.
    writer: Option<Writer>,
}

/// What is known of one output.
struct Known {
    /// The file as it was when that was found out.
    stamp: Option<Stamp>,
    standing: Standing,
}

enum Standing {
    /// What the file is beside what it should be.
    In(State),
    /// It could not be rendered.
    Broken(Problem),
    /// It could not be read, formatted or written, which the next look may find otherwise.
    Unsettled(Option<Problem>),
}

/// What was done about the outputs at one time.
#[derive(Default)]
pub(super) struct Round {
    /// Those that were written.
    pub(super) written: Vec<Utf8PathBuf>,
    /// Those that were found to be a person's since the last round.
    pub(super) left_alone: Vec<(Utf8PathBuf, State)>,
    /// How many outputs of the plan are in which state.
    pub(super) counts: BTreeMap<State, usize>,
    /// How many outputs stay as they are because something they need is broken.
    pub(super) held: usize,
    /// What keeps outputs from being what they should be.
    pub(super) problems: Vec<Problem>,
}

/// An output's file, seen from outside before anything is done about it.
struct Look {
    location: Utf8PathBuf,
    stamp: Option<Stamp>,
}

/// The files of the outputs that are due, as they were before anything was done.
type Seen = HashMap<Utf8PathBuf, Option<Stamp>>;

/// What was found or done for one output.
enum Done {
    Left(State),
    Written(Option<Stamp>),
    Touched,
    Failed(Problem),
    Interrupted,
}

/// The tools of one round.
struct Hands<'a> {
    intent: Intent,
    writer: Option<Writer>,
    seen: &'a Seen,
    differences: Mutex<Differences>,
}

impl Outputs {
    /// Sees to every output that a change affects, or that somebody touched.
    pub(super) fn bring_about(&mut self, plan: &Plan<'_>, root: &Utf8Path, intent: Intent) -> Round {
        let mut round = Round::default();
        let all = look_at_all(plan, root);
        let is_first = self.known.is_empty();
        let (due, seen) = self.due(plan, &all);
        if !due.is_empty() {
            self.see_to_due(plan, root, intent, (due, &seen), &mut round);
        }
        if is_first {
            self.clear_abandoned(plan);
        }
        self.look_for_orphans(plan, root);
        self.sum_up(plan, &all, &mut round);
        round
    }

    /// Sees to the outputs that are due, whose files were as seen.
    fn see_to_due(
        &mut self,
        plan: &Plan<'_>,
        root: &Utf8Path,
        intent: Intent,
        (mut due, seen): (Vec<PlannedOutput>, &Seen),
        round: &mut Round,
    ) {
        let formatted = FormattedOutputs::format(plan, &mut due, root, &mut round.problems);
        let formatted = formatted.unwrap_or_else(|error| {
            round.problems.push(inaccessible(format!("{error:#}")));
            due.retain(|output| plan.formatter(output).is_none());
            FormattedOutputs::default()
        });
        let writer = self.open_writer(plan, root, intent, &mut round.problems);
        let hands = Hands { intent, writer, seen, differences: Mutex::default() };
        let done = judge_each(plan, &due, &|output, buffer| formatted.read(output, buffer), |_, output, judged| {
            hands.see_to(plan, output, judged)
        });
        self.writer = hands.writer.or(self.writer.take());
        let differences = hands.differences.into_inner().unwrap_or_default();
        if !differences.is_empty() {
            self.differences = differences;
        }
        self.take_in(plan, &due, done, seen, round);
    }

    /// The outputs that another look may find otherwise, although nobody tells of it: somebody touched them in that moment, or
    /// they could not be read or written.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = &Utf8Path> {
        let unsettled = self.known.iter().filter(|(_, known)| known.standing.is_worth_another_look());
        unsettled.map(|(location, _)| Utf8Path::new(location))
    }

    /// Leaves all outputs as they are.
    pub(super) fn hold(&self) -> Round {
        Round { held: self.known.len(), ..Round::default() }
    }

    /// Whether the file at an output's path is another than the one that is known, or a folder of outputs came or went: what
    /// is in it may not be there yet, and has to be watched.
    pub(super) fn is_touched(&self, root: &Utf8Path, path: &Utf8Path) -> bool {
        match self.known.get(path.as_str()) {
            Some(known) => Stamp::at(&root.join(path)) != known.stamp,
            None => self.has_folder(path),
        }
    }

    /// Whether outputs stand in a folder, or below it.
    pub(super) fn has_folder(&self, path: &Utf8Path) -> bool {
        self.folders.contains(path)
    }

    /// Where outputs stand.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Utf8Path> {
        self.known.keys().map(Utf8Path::new)
    }

    /// The folders that they stand in, and those above.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Utf8Path> {
        self.folders.iter().map(Utf8PathBuf::as_path)
    }

    /// How the last round changed the outputs, or in a watch that only looks, would have.
    pub(super) fn differences(&self) -> &Differences {
        &self.differences
    }

    /// Forgets all, so that everything is rendered and read again.
    pub(super) fn forget(&mut self) {
        self.ledger.clear();
        self.orphans = None;
    }

    /// The outputs that have to be looked at, and their files as they are before that.
    fn due(&mut self, plan: &Plan<'_>, all: &[Look]) -> (Vec<PlannedOutput>, Seen) {
        let affected = self.ledger.update(plan);
        if !affected.gone.is_empty() {
            self.orphans = None;
        }
        affected.gone.iter().for_each(|path| drop(self.known.remove(path.as_str())));
        let mut is_due: Vec<bool> = all.iter().map(|look| !self.is_settled(look)).collect();
        affected.outputs.iter().for_each(|number| is_due[*number] = true);
        let due = plan.outputs.iter().zip(all).zip(is_due).filter(|(_, is_due)| *is_due);
        due.map(|((output, look), _)| (output.clone(), (look.location.clone(), look.stamp))).unzip()
    }

    /// The writer of a round; none where nothing is to be written, or can be.
    fn open_writer(
        &mut self,
        plan: &Plan<'_>,
        root: &Utf8Path,
        intent: Intent,
        problems: &mut Vec<Problem>,
    ) -> Option<Writer> {
        let folder = root.join(&plan.root);
        let opened = (intent != Intent::Look).then(|| Writer::new(&folder))?;
        let report = |error: &io::Error| {
            problems.push(inaccessible(format!("cannot write below `{folder}`: {}", files::reason(error))));
        };
        let writer = opened.inspect_err(report).ok()?;
        Some(match self.writer.take() {
            Some(earlier) => writer.succeeding(earlier),
            None => writer,
        })
    }

    /// Deletes what a killed watch left beside the outputs.
    fn clear_abandoned(&self, plan: &Plan<'_>) {
        let folders: HashSet<_> = plan.outputs.iter().filter_map(|output| output.path.as_path().parent()).collect();
        if let Some(writer) = &self.writer {
            for folder in folders {
                writer.clear_abandoned_in(folder);
            }
        }
    }

    fn is_settled(&self, look: &Look) -> bool {
        let known = self.known.get(look.location.as_str());
        known.is_some_and(|known| known.stamp == look.stamp && known.standing.is_settled())
    }

    fn take_in(&mut self, plan: &Plan<'_>, due: &[PlannedOutput], done: Vec<Done>, seen: &Seen, round: &mut Round) {
        for (output, done) in due.iter().zip(done) {
            let location = plan.location(output);
            let stamp = seen.get(&location).copied().flatten();
            let known = match done {
                Done::Left(state) => {
                    let was = self.known.get(location.as_str()).and_then(|known| known.standing.state());
                    if state.is_protected() && was != Some(state) {
                        round.left_alone.push((location.clone(), state));
                    }
                    Known { stamp, standing: Standing::In(state) }
                }
                Done::Written(stamp) => {
                    round.written.push(location.clone());
                    Known { stamp, standing: Standing::In(State::Fresh) }
                }
                Done::Failed(problem) if is_of_the_world(&problem) => {
                    Known { stamp, standing: Standing::Unsettled(Some(problem)) }
                }
                Done::Failed(problem) => Known { stamp, standing: Standing::Broken(problem) },
                Done::Touched | Done::Interrupted => Known { stamp, standing: Standing::Unsettled(None) },
            };
            let folders = location.ancestors().skip(1).take_while(|folder| folder.starts_with(&plan.root));
            self.folders.extend(folders.map(Utf8Path::to_owned));
            self.known.insert(location.into_string(), known);
        }
    }

    /// Signed files that no case renders any more. Nothing but a change of the plan makes new ones.
    fn look_for_orphans(&mut self, plan: &Plan<'_>, root: &Utf8Path) {
        if !plan.root.as_str().is_empty() || plan.problems.iter().any(Problem::is_error) {
            return;
        }
        match &mut self.orphans {
            None => self.orphans = Some(orphans(plan)),
            Some(known) => known.retain(|path| !self.known.contains_key(path.as_str()) && root.join(path).exists()),
        }
    }

    fn sum_up(&self, plan: &Plan<'_>, all: &[Look], round: &mut Round) {
        let mut failures = Vec::new();
        for (output, look) in plan.outputs.iter().zip(all) {
            match self.known.get(look.location.as_str()).map(|known| &known.standing) {
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

    /// A formatter that fails is not run time and again.
    fn is_worth_another_look(&self) -> bool {
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

impl Hands<'_> {
    fn see_to(&self, plan: &Plan<'_>, output: &PlannedOutput, judged: Result<Judged<'_>, Problem>) -> Done {
        if interrupt::requested() {
            return Done::Interrupted;
        }
        let judged = match judged {
            Ok(judged) => judged,
            Err(problem) => return Done::Failed(problem),
        };
        if judged.state == State::Fresh {
            return Done::Left(State::Fresh);
        }
        let location = plan.location(output);
        let is_left = self.intent == Intent::Look || (judged.state.is_protected() && self.intent == Intent::Write);
        if is_left {
            self.keep_difference(plan, &location, &judged);
            return Done::Left(judged.state);
        }
        let Some(writer) = &self.writer else { return Done::Touched };
        let seen = self.seen.get(&location).copied().flatten();
        match writer.write_over(output.path.as_path(), judged.expected, seen) {
            Ok(Overwritten::Yes(stamp)) => {
                self.keep_difference(plan, &location, &judged);
                Done::Written(stamp)
            }
            Ok(Overwritten::No) => Done::Touched,
            Err(error) => Done::Failed(not_written(&location, &error)),
        }
    }

    fn keep_difference(&self, plan: &Plan<'_>, location: &Utf8Path, judged: &Judged<'_>) {
        if let Ok(mut differences) = self.differences.lock() {
            differences.add(plan, location, judged);
        }
    }
}

fn look_at_all(plan: &Plan<'_>, root: &Utf8Path) -> Vec<Look> {
    let look = |output: &PlannedOutput| {
        let location = plan.location(output);
        let stamp = Stamp::at(&root.join(&location));
        Look { location, stamp }
    };
    plan.outputs.par_iter().map(look).collect()
}

/// Whether a problem is one of the file system or of a program, so that it can go without any input changing.
fn is_of_the_world(problem: &Problem) -> bool {
    matches!(problem.code, Code::OutputInaccessible | Code::FormatterFailed)
}

fn inaccessible(message: String) -> Problem {
    Problem::error(Code::OutputInaccessible, message)
}
