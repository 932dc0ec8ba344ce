//! What the outputs become with the changed templates: proves that the adopted ones are what the person wrote, and counts
//! the others that change.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use anyhow::{anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::problem::Problem;
use tgen_core::lint::findings;
use tgen_core::output::diff::{self, HunkGroups};
use tgen_core::output::signature;
use tgen_core::output::state::State;
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::adopt::Adoption;
use tgen_core::rendering::comparison::{Judged, judge_each};

use super::edited::Edited;
use crate::apply::formatted::FormattedOutputs;
use crate::apply::{Applied, Applier, ExecutableTemplates, Overwrite};
use crate::project::session::Session;
use crate::report::{OutputReport, Report};
use crate::world::disk::Writer;

/// What the outputs become.
pub(super) struct Proof {
    /// The adopted outputs, as planned with the changed files.
    pub(super) adopted: Vec<PlannedOutput>,
    /// The outputs that change too, though nobody edited them.
    pub(super) others: Vec<PlannedOutput>,
    /// How they change, those that are alike as one.
    pub(super) differences: Report,
    /// Edited outputs whose template changes, and that stay as they are.
    pub(super) stay_edited: Vec<Utf8PathBuf>,
}

/// What becomes of one output.
enum Verdict {
    Adopted,
    Changes,
    StaysEdited,
    Stays,
    /// It would not be what the person wrote.
    Wrong,
    Failed(Problem, String),
}

impl Proof {
    /// Renders every output that the changed files can change.
    pub(super) fn of(
        session: &Session,
        plan: &Plan<'_>,
        changed: &Plan<'_>,
        adoption: &Adoption,
        edited: &Edited,
    ) -> anyhow::Result<Self> {
        refuse_new_errors(session, plan, changed)?;
        let adopted = edited.outputs.iter().filter(|edited| adoption.adopted.contains(&edited.output));
        let wanted: HashMap<&Utf8Path, &str> = adopted
            .map(|edited| (edited.output, edited.text.as_str()))
            .chain(adoption.joined.iter().map(|joined| (joined.output, joined.text.as_str())))
            .map(|(output, text)| (plan.outputs[output].path.as_path(), text))
            .collect();
        let mut outputs = affected(plan, changed);
        let mut problems = Vec::new();
        let formatted = FormattedOutputs::format(changed, &mut outputs, &session.root, &mut problems)?;
        let groups = Mutex::new(HunkGroups::default());
        let verdicts = judge_each(
            changed,
            &outputs,
            &|output, buffer| formatted.read(output, buffer),
            |number, output, judged| match judged {
                Ok(judged) => verdict(changed, &judged, &wanted, number, &groups),
                Err(problem) => Verdict::Failed(problem, changed.subject_name(output)),
            },
        );
        let mut proof = Self {
            adopted: Vec::new(),
            others: Vec::new(),
            differences: Report { groups: groups.into_inner().unwrap_or_default().into_groups(), ..Report::default() },
            stay_edited: Vec::new(),
        };
        proof.differences.outputs =
            outputs.iter().map(|output| reported(session.standpoint.seen(&changed.location(output)))).collect();
        let mut failures: Vec<(Problem, String)> = Vec::new();
        for (verdict, output) in verdicts.into_iter().zip(outputs) {
            match verdict {
                Verdict::Adopted => proof.adopted.push(output),
                Verdict::Changes => proof.others.push(output),
                Verdict::StaysEdited => proof.stay_edited.push(session.standpoint.seen(&changed.location(&output))),
                Verdict::Stays => {}
                Verdict::Wrong => bail!(
                    "`{}` would not be what you wrote; nothing was changed, please report this as a bug",
                    changed.location(&output)
                ),
                Verdict::Failed(problem, subject) => failures.push((problem, subject)),
            }
        }
        problems.extend(findings::by_template(failures));
        if !problems.is_empty() {
            session.print_problems(changed.project, &problems);
            bail!("an output could not be rendered with the changed template; nothing was changed");
        }
        Ok(proof)
    }

    /// Writes the adopted outputs, now as generated, and the others that change.
    pub(super) fn write_outputs(&self, session: &Session, changed: &Plan<'_>, edited: &Edited) -> anyhow::Result<()> {
        let outputs: Vec<PlannedOutput> = self.adopted.iter().chain(&self.others).cloned().collect();
        let adopted: HashSet<&Utf8Path> = self.adopted.iter().map(|output| output.path.as_path()).collect();
        let mut outputs_left = outputs.clone();
        let formatted = FormattedOutputs::format(changed, &mut outputs_left, &session.root, &mut Vec::new())?;
        let applier = |overwrite, stamps| -> anyhow::Result<Applier<'_>> {
            Ok(Applier {
                overwrite,
                writer: Some(Writer::new(&session.root.join(&changed.root))?),
                standpoint: &session.standpoint,
                stamps,
                executables: ExecutableTemplates::of(changed, &session.root),
            })
        };
        let of_edited = applier(Overwrite::AllFiles, Some(&edited.stamps))?;
        let of_others = applier(Overwrite::OwnFiles, None)?;
        let read = |output: &PlannedOutput, buffer: &mut Vec<u8>| formatted.read(output, buffer);
        let results = judge_each(changed, &outputs_left, &read, |_, output, judged| {
            let applier = if adopted.contains(output.path.as_path()) { &of_edited } else { &of_others };
            applier.apply(changed, output, &judged)
        });
        for applier in [&of_edited, &of_others] {
            applier.writer.iter().for_each(Writer::clear_abandoned);
        }
        for (result, output) in results.into_iter().zip(&outputs_left) {
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

fn refuse_new_errors(session: &Session, plan: &Plan<'_>, changed: &Plan<'_>) -> anyhow::Result<()> {
    let known: HashSet<&str> = plan.problems.iter().map(|problem| problem.message.as_str()).collect();
    let is_new = |problem: &&Problem| problem.is_error() && !known.contains(problem.message.as_str());
    let new: Vec<Problem> = changed.problems.iter().filter(is_new).cloned().collect();
    if new.is_empty() {
        return Ok(());
    }
    session.print_problems(changed.project, &new);
    bail!("the changed template would have errors; nothing was changed")
}

/// The outputs that can differ between two plans of one configuration.
fn affected(plan: &Plan<'_>, changed: &Plan<'_>) -> Vec<PlannedOutput> {
    let hash = |plan: &Plan<'_>, output: &PlannedOutput| plan.templates[output.template].text_hash;
    let before: HashMap<&Utf8Path, u128> =
        plan.outputs.iter().map(|output| (output.path.as_path(), hash(plan, output))).collect();
    let is_same_config = plan.project.config == changed.project.config;
    let is_affected =
        |output: &&PlannedOutput| !is_same_config || before.get(output.path.as_path()) != Some(&hash(changed, output));
    changed.outputs.iter().filter(is_affected).cloned().collect()
}

fn verdict(
    plan: &Plan<'_>,
    judged: &Judged<'_>,
    wanted: &HashMap<&Utf8Path, &str>,
    number: usize,
    groups: &Mutex<HunkGroups>,
) -> Verdict {
    if let Some(wanted) = wanted.get(judged.output.path.as_path()) {
        return if is_text_of(judged.expected, wanted) { Verdict::Adopted } else { Verdict::Wrong };
    }
    match judged.state {
        State::Stale => {
            add_hunks(plan, judged, number, groups);
            Verdict::Changes
        }
        State::Edited if signature::signed(judged.existing) != signature::signed(judged.expected) => {
            Verdict::StaysEdited
        }
        _ => Verdict::Stays,
    }
}

fn is_text_of(expected: &[u8], wanted: &str) -> bool {
    let text = signature::without_signature(expected).unwrap_or_default();
    text == wanted.as_bytes() || text == wanted.replace("\r\n", "\n").as_bytes()
}

fn add_hunks(plan: &Plan<'_>, judged: &Judged<'_>, number: usize, groups: &Mutex<HunkGroups>) {
    let values = plan.case(judged.output).telling_values();
    let hunks: Vec<_> =
        diff::hunks(judged.existing, judged.expected).into_iter().map(|hunk| (hunk.likeness(&values), hunk)).collect();
    if let Ok(mut groups) = groups.lock() {
        for (likeness, hunk) in hunks {
            groups.add(number, hunk, likeness);
        }
    }
}

fn reported(path: Utf8PathBuf) -> OutputReport {
    OutputReport::new(path, State::Stale)
}
