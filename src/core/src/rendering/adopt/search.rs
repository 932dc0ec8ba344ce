//! The search: tries the proposals for each difference and keeps those that rendering proves. This module must not know how
//! proposals are found.

use super::blocks::{self, Block};
use super::edits::TemplateEdits;
use super::overrides;
use super::proposals::{Proposal, Proposer};
use super::subject::{AdoptSubject, Current};
use super::trial::{self, Trial};
use super::{Adoption, EditedOutput, LeftBlock, LeftBlockReason, OutputText, files};
use crate::base::problem::Problem;
use crate::output::merge::merge_cleanly;
use crate::plan::{Plan, PlannedOutput};

/// How many outputs are searched at first; when the others disagree, they are searched too.
const FIRST_SAMPLE: usize = 6;
/// How many outputs that the user did not edit tell which of two edits changes less.
const BYSTANDERS: usize = 32;

/// For which outputs an edit is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EditReach {
    /// For all that the template renders.
    AllModels,
    /// For those of one suite: what happens to other suites does not matter.
    OneSuite,
    /// For those of one model alone: a loop may be written out, and what happens to other models does not matter.
    OneModel,
}

/// What a search found.
pub(super) struct Found {
    pub(super) edits: TemplateEdits,
    pub(super) adoption: Adoption,
    /// What the edits render, for each edited output.
    pub(super) rendered: Vec<OutputText>,
}

/// The edited outputs of a plan, and some that the user did not edit.
pub(super) struct Search<'p> {
    plan: &'p Plan<'p>,
    reach: EditReach,
    subjects: Vec<AdoptSubject<'p>>,
    bystanders: Vec<&'p PlannedOutput>,
}

/// What is proven of a sample of the edited outputs.
struct Proven<'s, 'p> {
    sample: Vec<&'s AdoptSubject<'p>>,
    edits: TemplateEdits,
    /// The outputs of the sample as the edits so far render them.
    current: Vec<Current>,
    failures: Vec<Failure>,
}

/// A difference for which nothing was proven.
struct Failure {
    /// Its output's place in the sample.
    at: usize,
    block: Block,
    reason: LeftBlockReason,
}

/// A proposal that gives what the user wrote.
struct Candidate {
    edits: TemplateEdits,
    current: Vec<Current>,
}

impl Candidate {
    /// How many edited outputs get the change of another one, and how many lines still differ in all of them.
    fn cost(&self) -> (usize, usize) {
        let joined = self.current.iter().filter(|current| current.has_joined()).count();
        (joined, self.current.iter().map(|current| current.weight).sum())
    }
}

impl<'p> Search<'p> {
    pub(super) fn new(plan: &'p Plan<'p>, edited: &[EditedOutput], reach: EditReach) -> Result<Self, Problem> {
        let subjects = edited.iter().filter(|edited| edited.output < plan.outputs.len());
        let subjects = subjects.map(|edited| AdoptSubject::new(plan, edited)).collect::<Result<_, _>>()?;
        let is_edited = |number: &usize| edited.iter().any(|edited| edited.output == *number);
        let others: Vec<_> = match reach {
            EditReach::AllModels => (0..plan.outputs.len()).filter(|number| !is_edited(number)).collect(),
            EditReach::OneSuite => {
                let suites: Vec<_> =
                    edited.iter().filter_map(|edited| plan.outputs.get(edited.output)?.suite()).collect();
                let is_of_suite =
                    |number: &usize| plan.outputs[*number].suite().is_some_and(|suite| suites.contains(&suite));
                (0..plan.outputs.len()).filter(|number| !is_edited(number) && is_of_suite(number)).collect()
            }
            EditReach::OneModel => Vec::new(),
        };
        let step = others.len().div_ceil(BYSTANDERS).max(1);
        let bystanders = others.into_iter().step_by(step).map(|number| &plan.outputs[number]).collect();
        Ok(Self { plan, reach, subjects, bystanders })
    }

    pub(super) fn run(&self) -> Found {
        let mut sample: Vec<usize> = (0..self.subjects.len().min(FIRST_SAMPLE)).collect();
        loop {
            let proven = self.prove(&sample);
            let wrong = self.wrong_outside(&sample, &proven.edits);
            if wrong.is_empty() {
                let (adoption, rendered) = (self.adoption(&sample, &proven), self.rendered(&sample, &proven));
                return Found { edits: proven.edits, adoption, rendered };
            }
            // Each round doubles the sample, so that few rounds see all.
            sample.extend(wrong.into_iter().take(sample.len()));
            sample.sort_unstable();
        }
    }

    /// All that differs, without any edit.
    pub(super) fn without_edits(&self) -> Adoption {
        let sample: Vec<_> = self.subjects.iter().collect();
        let current = sample.iter().map(|subject| Current::of(subject)).collect();
        let proven = Proven { sample, edits: TemplateEdits::default(), current, failures: Vec::new() };
        self.adoption(&(0..self.subjects.len()).collect::<Vec<_>>(), &proven)
    }

    /// The outputs outside of a sample that edits do not render as wanted.
    fn wrong_outside(&self, sample: &[usize], edits: &TemplateEdits) -> Vec<usize> {
        let mut trial = Trial::new(self.plan, edits);
        let mut is_wrong = |number: &usize| {
            let subject = &self.subjects[*number];
            trial.render(subject.output).as_ref() != Some(&subject.wanted)
        };
        let outside = (0..self.subjects.len()).filter(|number| !sample.contains(number));
        outside.filter(|number| is_wrong(number)).collect()
    }

    fn prove(&self, sample: &[usize]) -> Proven<'_, 'p> {
        let sample: Vec<_> = sample.iter().map(|number| &self.subjects[*number]).collect();
        let current = sample.iter().map(|subject| Current::of(subject)).collect();
        let mut proven = Proven { sample, edits: TemplateEdits::default(), current, failures: Vec::new() };
        for at in 0..proven.sample.len() {
            let blocks = blocks::blocks(&proven.sample[at].generated, &proven.current[at].wanted);
            for number in 0..blocks.len() {
                self.prove_block(at, &blocks, number, &mut proven);
            }
        }
        proven
    }

    /// Proves a block as a whole, together with one beside it, or line by line.
    fn prove_block(&self, at: usize, blocks: &[Block], number: usize, proven: &mut Proven<'_, 'p>) {
        let (generated, block) = (&proven.sample[at].generated, &blocks[number]);
        if proven.current[at].has(block) {
            return;
        }
        let reason = match self.best(at, block, proven) {
            Ok(candidate) => return proven.take(candidate),
            Err(reason) => reason,
        };
        let before = number.checked_sub(1).and_then(|before| blocks[before].joined(block, generated));
        let after = blocks.get(number + 1).and_then(|after| block.joined(after, generated));
        for joined in before.into_iter().chain(after) {
            if let Ok(candidate) = self.best(at, &joined, proven) {
                return proven.take(candidate);
            }
        }
        let lines = block.line_by_line(generated, &proven.current[at].wanted);
        for line in lines {
            if proven.current[at].has(&line) {
                continue;
            }
            match self.best(at, &line, proven) {
                Ok(candidate) => proven.take(candidate),
                Err(reason) => proven.failures.push(Failure { at, block: line, reason }),
            }
        }
        proven.failures.push(Failure { at, block: block.clone(), reason });
    }

    /// The proposal that leaves the fewest differences; of several, the one that changes the fewest other outputs.
    fn best(&self, at: usize, block: &Block, proven: &Proven<'_, 'p>) -> Result<Candidate, LeftBlockReason> {
        let subject = proven.sample[at];
        if self.plan.formatter(subject.output).is_some() {
            return Err(LeftBlockReason::Formatted);
        }
        let Some(stretches) = subject.stretches(self.plan) else { return Err(LeftBlockReason::Hidden) };
        let library = &self.plan.project.library;
        let (old, new) = (subject.generated.as_str(), proven.current[at].wanted.as_str());
        let proposer = Proposer { library, old, new, stretches };
        let mut reason = subject.value_within(self.plan, block).map_or(LeftBlockReason::Hidden, LeftBlockReason::Value);
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut proposals = proposer.of_block(block);
        if self.reach != EditReach::AllModels {
            let own = overrides::overridable(library, &self.plan.templates[subject.output.template].name);
            if self.reach == EditReach::OneModel {
                proposals.extend(proposer.written_out(block));
                proposals.extend(proposer.calls_written_out(block, &own));
            }
            proposals.retain(|proposal| proposal.iter().all(|edit| own.contains(&edit.template)));
        }
        for proposal in proposals {
            match self.try_out(at, block, &proposal, proven) {
                Ok(candidate) if candidate.cost() == (0, 0) && self.bystanders.is_empty() => return Ok(candidate),
                Ok(candidate) => candidates.push(candidate),
                Err(failure) => reason = reason.max(failure),
            }
        }
        let least = candidates.iter().map(Candidate::cost).min().ok_or(reason)?;
        candidates.retain(|candidate| candidate.cost() == least);
        self.least_changing(candidates).ok_or(LeftBlockReason::Unproven)
    }

    fn least_changing(&self, mut candidates: Vec<Candidate>) -> Option<Candidate> {
        if candidates.len() > 1 {
            candidates.sort_by_cached_key(|candidate| self.changed_bystanders(&candidate.edits));
        }
        candidates.into_iter().next()
    }

    /// How many outputs that the user did not edit the edits change.
    fn changed_bystanders(&self, edits: &TemplateEdits) -> usize {
        let mut trial = Trial::new(self.plan, edits);
        let mut is_changed = |output: &PlannedOutput| {
            let before = || trial::render(self.plan, &self.plan.templates[output.template], output).ok();
            trial.concerns(output) && trial.render(output) != before()
        };
        self.bystanders.iter().filter(|output| is_changed(output)).count()
    }

    /// Renders the sample with a proposal, or gives the reason why it is refused.
    fn try_out(
        &self,
        at: usize,
        block: &Block,
        proposal: &Proposal,
        proven: &Proven<'_, 'p>,
    ) -> Result<Candidate, LeftBlockReason> {
        if let Some(reason) = proposal.iter().find_map(|edit| files::refusal(self.plan.project, &edit.template)) {
            return Err(reason);
        }
        let edits = proven.edits.with(proposal).ok_or(LeftBlockReason::Unproven)?;
        let mut trial = Trial::new(self.plan, &edits);
        // Most proposals that fail do so in their own output.
        let own = trial.render(proven.sample[at].output).ok_or(LeftBlockReason::Unproven)?;
        let own = proven.current[at].rendered_as(own);
        if own.weight + block.weight > proven.current[at].weight {
            return Err(if own.has(block) { LeftBlockReason::WrittenOften } else { LeftBlockReason::Unproven });
        }
        let mut current = proven.current.clone();
        current[at] = own;
        for (other, before) in proven.current.iter().enumerate().filter(|(other, _)| *other != at) {
            let subject = proven.sample[other];
            if trial.concerns(subject.output) {
                let text = trial.render(subject.output).ok_or(LeftBlockReason::Unproven)?;
                current[other] = other_with(before, text).ok_or(LeftBlockReason::Contradicted(subject.number))?;
            }
        }
        Ok(Candidate { edits, current })
    }

    fn adoption(&self, sample: &[usize], proven: &Proven<'_, 'p>) -> Adoption {
        let project = self.plan.project;
        let files = files::of_templates(project, proven.edits.texts(&project.library));
        let mut adoption = Adoption { files, ..Adoption::default() };
        for (number, subject) in self.subjects.iter().enumerate() {
            // Outside of the sample all are as wanted.
            let current = sample.iter().position(|sampled| *sampled == number).map(|at| (at, &proven.current[at]));
            let becomes = |current: &Current| OutputText { output: subject.number, text: current.wanted.clone() };
            match current {
                Some((at, current)) if current.weight > 0 => {
                    adoption.left.extend(self.left(at, proven));
                    adoption.partly.push(becomes(current));
                }
                Some((_, current)) if current.has_joined() => adoption.joined.push(becomes(current)),
                _ => adoption.adopted.push(subject.number),
            }
        }
        adoption
    }

    fn rendered(&self, sample: &[usize], proven: &Proven<'_, 'p>) -> Vec<OutputText> {
        let text = |number: usize| match sample.iter().position(|sampled| *sampled == number) {
            Some(at) => &proven.current[at].text,
            None => &self.subjects[number].wanted,
        };
        let of_subject =
            |number: usize| OutputText { output: self.subjects[number].number, text: text(number).clone() };
        (0..self.subjects.len()).map(of_subject).collect()
    }

    /// What still differs in an output of the sample.
    fn left(&self, at: usize, proven: &Proven<'_, 'p>) -> Vec<LeftBlock> {
        let (subject, current) = (proven.sample[at], &proven.current[at]);
        let of_generated = blocks::blocks(&subject.generated, &current.wanted);
        let left = blocks::blocks(&current.text, &current.wanted).into_iter().map(|rest| {
            let failures = proven.failures.iter().filter(|failure| failure.at == at);
            let about_this = failures.filter(|failure| failure.block.meets(&rest));
            let reason = about_this.map(|failure| failure.reason.clone()).next();
            let origin = of_generated.iter().find(|block| block.meets(&rest)).map(|block| block.old.start);
            LeftBlock {
                output: subject.number,
                line: current.wanted[..rest.new.start].matches('\n').count(),
                generated: current.text[rest.old.clone()].to_owned(),
                edited: current.wanted[rest.new.clone()].to_owned(),
                reason: reason.unwrap_or(LeftBlockReason::Unproven),
                place: subject.nearest_place(self.plan, origin.unwrap_or_default()),
            }
        });
        left.collect()
    }
}

impl Proven<'_, '_> {
    fn take(&mut self, candidate: Candidate) {
        self.edits = candidate.edits;
        self.current = candidate.current;
    }
}

/// Another edited output, rendered with a proposal: the change must bring it nearer to what the user wrote, or must be at a
/// place that the user did not edit.
fn other_with(before: &Current, text: String) -> Option<Current> {
    if text == before.text {
        return Some(before.clone());
    }
    let rendered = before.rendered_as(text);
    if rendered.weight < before.weight {
        return Some(rendered);
    }
    let joined = merge_cleanly(&before.text, &before.wanted, &rendered.text)?;
    let joined = before.joined_to(joined, rendered.text);
    (joined.weight <= before.weight).then_some(joined)
}
