//! Renders the outputs with the changed templates: proves that the adopted ones are what the user wrote, and finds the
//! others that change.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;
use tgen_core::base::problem::Problem;
use tgen_core::lint::findings;
use tgen_core::output::diff::{self, HunkGroups};
use tgen_core::output::state::State;
use tgen_core::output::{merge, signature};
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::adopt::Adoption;
use tgen_core::rendering::adopt::reach::affected;
use tgen_core::rendering::comparison::{Judged, judge_each};

use super::edited::Edited;
use crate::apply::formatted::FormattedOutputs;
use crate::apply::{Applied, Applier, ExecutableTemplates, Overwrite, StampsBefore};
use crate::project::session::Session;
use crate::report::{OutputReport, Report};
use crate::world::disk::Writer;
use crate::world::stamp::Stamp;

/// How many bytes of proven outputs are kept in memory; those beyond are rendered again when they are written.
const MOST_KEPT: usize = 128 << 20;

/// What the outputs become.
pub(super) struct Proof {
    /// The adopted outputs, as planned with the changed files.
    pub(super) adopted: Vec<PlannedOutput>,
    /// Outputs that keep edits and take the change of their template.
    pub(super) merged: Vec<PlannedOutput>,
    /// The outputs that change too, though nobody edited them.
    pub(super) others: Vec<PlannedOutput>,
    /// How they change, with changes that are alike grouped.
    pub(super) differences: Report,
    /// Edited outputs whose template changes at the same lines, and that stay as they are.
    pub(super) stay_edited: Vec<Utf8PathBuf>,
    /// What is to be written, as far as it was kept.
    contents: HashMap<Utf8PathBuf, Vec<u8>>,
    /// The stamps of the files before they were compared.
    stamps: StampsBefore,
    formatted: FormattedOutputs,
}

/// What becomes of one output.
enum Effect {
    Adopted(Kept),
    Changes(Kept),
    EditedToo(EditedToo),
    Stays,
    /// It would not be what the user wrote.
    Wrong,
    Failed(Problem, String),
}

/// Whether the contents of outputs are kept, for writing them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contents {
    Kept,
    Dropped,
}

/// What an output is to hold; none if it is dropped, or beyond [`MOST_KEPT`].
type Kept = Option<Vec<u8>>;

/// An edited output whose template changes, and that holds edits which the template does not take.
struct EditedToo {
    existing: Vec<u8>,
    expected: Vec<u8>,
}

impl Proof {
    /// Renders every output that the changed files can change.
    pub(super) fn of(
        session: &Session,
        plan: &Plan<'_>,
        changed: &Plan<'_>,
        adoption: &Adoption,
        edited: &Edited,
        contents: Contents,
    ) -> anyhow::Result<Self> {
        refuse_new_errors(session, plan, changed)?;
        let mut outputs = affected(plan, changed);
        let mut problems = Vec::new();
        let formatted = FormattedOutputs::format(changed, &mut outputs, &session.root, &mut problems)?;
        let wanted = Wanted::of(plan, adoption, edited);
        let stamps = stamps(session, changed, &outputs, edited);
        let judge = Judge::new(changed, &wanted, contents);
        let effects = judge.effects(&outputs, &formatted);
        let mut proof = Self {
            adopted: Vec::new(),
            merged: Vec::new(),
            others: Vec::new(),
            differences: judge.differences(session, &outputs),
            stay_edited: Vec::new(),
            contents: HashMap::new(),
            stamps,
            formatted,
        };
        let edited_too = proof.sort(changed, outputs, effects, &mut problems)?;
        if !problems.is_empty() {
            session.print_problems(changed.project, &problems);
            bail!(
                "an output could not be rendered with the changed template, so nothing was changed; edit the template yourself"
            );
        }
        proof.merge(session, plan, &wanted, edited_too)?;
        Ok(proof)
    }

    /// Sorts the outputs by what becomes of them. Gives the edited ones whose edits are still to be merged.
    fn sort(
        &mut self,
        changed: &Plan<'_>,
        outputs: Vec<PlannedOutput>,
        effects: Vec<Effect>,
        problems: &mut Vec<Problem>,
    ) -> anyhow::Result<Vec<(PlannedOutput, EditedToo)>> {
        let mut failures: Vec<(Problem, String)> = Vec::new();
        let mut edited_too: Vec<(PlannedOutput, EditedToo)> = Vec::new();
        for (output, effect) in outputs.into_iter().zip(effects) {
            match effect {
                Effect::Adopted(content) => {
                    self.keep(&output, content);
                    self.adopted.push(output);
                }
                Effect::Changes(content) => {
                    self.keep(&output, content);
                    self.others.push(output);
                }
                Effect::EditedToo(texts) => edited_too.push((output, texts)),
                Effect::Stays => {}
                Effect::Wrong => bail!(
                    "`{}` would not be what you wrote; nothing was changed, please report this as a bug",
                    changed.location(&output)
                ),
                Effect::Failed(problem, subject) => failures.push((problem, subject)),
            }
        }
        problems.extend(findings::by_template(failures));
        Ok(edited_too)
    }

    fn keep(&mut self, output: &PlannedOutput, content: Kept) {
        self.contents.extend(content.map(|content| (output.path.as_path().to_owned(), content)));
    }

    /// Gives each edited output that keeps edits the text that its changed template renders, with these edits in it.
    fn merge(
        &mut self,
        session: &Session,
        plan: &Plan<'_>,
        wanted: &Wanted<'_>,
        edited_too: Vec<(PlannedOutput, EditedToo)>,
    ) -> anyhow::Result<()> {
        let generated = generated(session, plan, &edited_too)?;
        for (output, EditedToo { existing, expected }) in edited_too {
            let path = output.path.as_path();
            let merged = match (wanted.partly.get(path), generated.get(path)) {
                (Some(text), _) => signature::with_signature_of(&expected, text.as_bytes()),
                // If the template had changed before, the difference is not the user's alone.
                (None, Some(generated)) if signature::signed(generated) == signature::signed(&existing) => {
                    let merged = merge::merge(generated, &existing, &expected);
                    merged.filter(|merged| merged.conflicts == 0).map(|merged| merged.content)
                }
                _ => None,
            };
            if let Some(content) = merged {
                self.keep(&output, Some(content));
                self.merged.push(output);
            } else {
                self.stay_edited.push(session.standpoint.seen(&plan.location(&output)));
            }
        }
        Ok(())
    }

    /// The outputs that are edited and keep their edits, though the user did not name them.
    pub(super) fn merged_unasked<'p>(
        &'p self,
        plan: &'p Plan<'_>,
        edited: &'p Edited,
    ) -> impl Iterator<Item = &'p PlannedOutput> {
        let is_meant = |output: &&PlannedOutput| {
            edited.outputs.iter().any(|edited| plan.outputs[edited.output].path == output.path)
        };
        self.merged.iter().filter(move |output| !is_meant(output))
    }

    /// Writes the adopted outputs, now as generated, those that keep edits, and the others that change.
    pub(super) fn write_outputs(&self, session: &Session, changed: &Plan<'_>) -> anyhow::Result<()> {
        let applier = Applier {
            overwrite: Overwrite::AllFiles,
            writer: Some(Writer::new(&session.root.join(&changed.root))?),
            standpoint: &session.standpoint,
            stamps: Some(&self.stamps),
            executables: ExecutableTemplates::of(changed, &session.root),
        };
        let all = self.adopted.iter().chain(&self.merged).chain(&self.others).cloned();
        let (kept, rest): (Vec<_>, Vec<_>) = all.partition(|output| self.contents.contains_key(output.path.as_path()));
        let write = |output: &PlannedOutput| {
            let content = self.contents.get(output.path.as_path()).map(Vec::as_slice).unwrap_or_default();
            applier.write(changed, output, content)
        };
        let mut results: Vec<Applied> = kept.par_iter().map(write).collect();
        let read = |output: &PlannedOutput, buffer: &mut Vec<u8>| self.formatted.read(output, buffer);
        results.extend(judge_each(changed, &rest, &read, |_, output, judged| applier.apply(changed, output, &judged)));
        applier.writer.iter().for_each(Writer::clear_abandoned);
        for (result, output) in results.into_iter().zip(kept.iter().chain(&rest)) {
            let path = session.standpoint.seen(&changed.location(output));
            match result {
                Applied::Fresh | Applied::Due(_) | Applied::Written(_) => {}
                Applied::LeftAlone(reason) => bail!("the templates are changed, but {}", reason.sentence(&path)),
                Applied::Failed(problem) => {
                    return Err(anyhow!(problem.message).context(
                        "the templates are changed, but an output could not be written; run `cargo tgen generate`",
                    ));
                }
                Applied::Interrupted => {
                    bail!("interrupted; the templates are changed, and `cargo tgen generate` writes the other outputs")
                }
            }
        }
        Ok(())
    }
}

/// The texts that edited outputs are to have, without signatures.
struct Wanted<'a> {
    /// Of those that the changed files render.
    whole: HashMap<&'a Utf8Path, &'a str>,
    /// Of those that keep some of their edits.
    partly: HashMap<&'a Utf8Path, &'a str>,
}

impl<'a> Wanted<'a> {
    fn of(plan: &'a Plan<'_>, adoption: &'a Adoption, edited: &'a Edited) -> Self {
        let path = |output: usize| plan.outputs[output].path.as_path();
        let adopted = edited.outputs.iter().filter(|edited| adoption.adopted.contains(&edited.output));
        let adopted = adopted.map(|edited| (path(edited.output), edited.text.as_str()));
        let joined = adoption.joined.iter().map(|joined| (path(joined.output), joined.text.as_str()));
        // The text that a formatter has seen is not the text that was traced.
        let is_traced = |output: usize| plan.formatter(&plan.outputs[output]).is_none();
        let partly = adoption.partly.iter().filter(|partly| is_traced(partly.output));
        let partly = partly.map(|partly| (path(partly.output), partly.text.as_str()));
        Self { whole: adopted.chain(joined).collect(), partly: partly.collect() }
    }
}

fn stamps(session: &Session, changed: &Plan<'_>, outputs: &[PlannedOutput], edited: &Edited) -> StampsBefore {
    let stamp = |output: &PlannedOutput| {
        let location = changed.location(output);
        // An edited output was read before.
        let stamp = edited.stamps.get(&location).copied();
        let stamp = stamp.unwrap_or_else(|| Stamp::at(&session.root.join(&location)));
        (location, stamp)
    };
    outputs.iter().map(stamp).collect()
}

/// The texts that edited outputs were generated with, by their paths.
fn generated(
    session: &Session,
    plan: &Plan<'_>,
    edited: &[(PlannedOutput, EditedToo)],
) -> anyhow::Result<HashMap<Utf8PathBuf, Vec<u8>>> {
    let paths: HashSet<&Utf8Path> = edited.iter().map(|(output, _)| output.path.as_path()).collect();
    let mut outputs: Vec<_> =
        plan.outputs.iter().filter(|output| paths.contains(output.path.as_path())).cloned().collect();
    let formatted = FormattedOutputs::format(plan, &mut outputs, &session.root, &mut Vec::new())?;
    let texts = judge_each(plan, &outputs, &|output, buffer| formatted.read(output, buffer), |_, output, judged| {
        judged.ok().map(|judged| (output.path.as_path().to_owned(), judged.expected.to_vec()))
    });
    Ok(texts.into_iter().flatten().collect())
}

fn refuse_new_errors(session: &Session, plan: &Plan<'_>, changed: &Plan<'_>) -> anyhow::Result<()> {
    let known: HashSet<&str> = plan.problems.iter().map(|problem| problem.message.as_str()).collect();
    let is_new = |problem: &&Problem| problem.is_error() && !known.contains(problem.message.as_str());
    let new: Vec<Problem> = changed.problems.iter().filter(is_new).cloned().collect();
    if new.is_empty() {
        return Ok(());
    }
    session.print_problems(changed.project, &new);
    bail!("the changed template would have these errors, so nothing was changed; edit the template yourself")
}

/// Decides what becomes of outputs, on many threads.
struct Judge<'j> {
    plan: &'j Plan<'j>,
    wanted: &'j Wanted<'j>,
    groups: Mutex<HunkGroups>,
    /// How many bytes more can be kept.
    room: AtomicUsize,
}

impl<'j> Judge<'j> {
    fn new(plan: &'j Plan<'j>, wanted: &'j Wanted<'j>, contents: Contents) -> Self {
        let room = match contents {
            Contents::Kept => MOST_KEPT,
            Contents::Dropped => 0,
        };
        Self { plan, wanted, groups: Mutex::default(), room: AtomicUsize::new(room) }
    }

    fn effects(&self, outputs: &[PlannedOutput], formatted: &FormattedOutputs) -> Vec<Effect> {
        let read = |output: &PlannedOutput, buffer: &mut Vec<u8>| formatted.read(output, buffer);
        judge_each(self.plan, outputs, &read, |number, output, judged| match judged {
            Ok(judged) => self.effect(&judged, number),
            Err(problem) => Effect::Failed(problem, self.plan.subject_name(output)),
        })
    }

    fn effect(&self, judged: &Judged<'_>, number: usize) -> Effect {
        if let Some(wanted) = self.wanted.whole.get(judged.output.path.as_path()) {
            let is_wanted = is_text_of(judged.expected, wanted);
            return if is_wanted { Effect::Adopted(self.kept(judged.expected)) } else { Effect::Wrong };
        }
        match judged.state {
            State::Stale => {
                self.add_hunks(judged, number);
                Effect::Changes(self.kept(judged.expected))
            }
            State::Edited if signature::signed(judged.existing) != signature::signed(judged.expected) => {
                let (existing, expected) = (judged.existing.to_vec(), judged.expected.to_vec());
                Effect::EditedToo(EditedToo { existing, expected })
            }
            _ => Effect::Stays,
        }
    }

    /// How the outputs change, for the user to read.
    fn differences(self, session: &Session, outputs: &[PlannedOutput]) -> Report {
        let path = |output| session.standpoint.seen(&self.plan.location(output));
        Report {
            outputs: outputs.iter().map(|output| OutputReport::new(path(output), State::Stale)).collect(),
            groups: self.groups.into_inner().unwrap_or_default().into_groups(),
            ..Report::default()
        }
    }

    fn kept(&self, content: &[u8]) -> Kept {
        let take = |room: usize| room.checked_sub(content.len());
        self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok().then(|| content.to_vec())
    }

    fn add_hunks(&self, judged: &Judged<'_>, number: usize) {
        let values = self.plan.case(judged.output).telling_values();
        let hunks = diff::hunks(judged.existing, judged.expected).into_iter();
        let hunks: Vec<_> = hunks.map(|hunk| (hunk.likeness(&values), hunk)).collect();
        if let Ok(mut groups) = self.groups.lock() {
            for (likeness, hunk) in hunks {
                groups.add(number, hunk, likeness);
            }
        }
    }
}

fn is_text_of(expected: &[u8], wanted: &str) -> bool {
    let text = signature::without_signature(expected).unwrap_or_default();
    text == wanted.as_bytes() || text == wanted.replace("\r\n", "\n").as_bytes()
}
