//! An edited output: what was generated, what the user wrote, and what it is after the edits that are proven so far.

use std::cell::OnceCell;

use camino::Utf8PathBuf;

use super::EditedOutput;
use super::blocks::{self, Block};
use super::stretches::{Stretches, Written};
use super::trial;
use crate::base::problem::Problem;
use crate::base::text::Range;
use crate::plan::{Plan, PlannedOutput};
use crate::rendering::origin::trace;

/// An edited output.
pub(super) struct AdoptSubject<'p> {
    /// Its number in the plan.
    pub(super) number: usize,
    pub(super) output: &'p PlannedOutput,
    /// What was generated.
    pub(super) generated: String,
    /// What the user made of it.
    pub(super) wanted: String,
    stretches: OnceCell<Option<Stretches>>,
}

/// An edited output as edits render it.
#[derive(Clone)]
pub(super) struct Current {
    pub(super) text: String,
    /// What it should be: what the user wrote, with the changes of other outputs that the same template brings.
    pub(super) wanted: String,
    /// How many lines still differ.
    pub(super) weight: usize,
    is_joined: bool,
}

impl<'p> AdoptSubject<'p> {
    pub(super) fn new(plan: &'p Plan<'p>, edited: &EditedOutput) -> Result<Self, Problem> {
        let output = &plan.outputs[edited.output];
        let generated = trial::render(plan, &plan.templates[output.template], output)?;
        let wanted = with_line_ends_of(&generated, &edited.text);
        Ok(Self { number: edited.output, output, generated, wanted, stretches: OnceCell::new() })
    }

    /// What wrote it; none where that cannot be told.
    pub(super) fn stretches(&self, plan: &Plan<'_>) -> Option<&Stretches> {
        let find = || {
            let (library, case) = (&plan.project.library, plan.case(self.output));
            let marked = trace(library, &plan.templates[self.output.template], &case, self.generated.as_bytes())?;
            let traced = marked.renderer().render(&case).ok()?;
            Some(Stretches::of(library, &marked, &traced))
        };
        self.stretches.get_or_init(find).as_ref()
    }

    /// The expression of the last value in a block.
    pub(super) fn value_within(&self, plan: &Plan<'_>, block: &Block) -> Option<String> {
        let mut stretches = self.stretches(plan)?.within(&block.old).iter();
        let value = stretches.rfind(|stretch| stretch.written == Written::AsValue)?;
        let source = plan.project.library.source(&value.template).ok()?;
        Some(source.slice(&value.source).to_owned())
    }

    /// The place in a template nearest to an offset of what was generated.
    pub(super) fn nearest_place(&self, plan: &Plan<'_>, offset: usize) -> Option<(Utf8PathBuf, Range)> {
        let place = self.stretches(plan)?.nearest(offset)?;
        let source = plan.project.library.source(&place.template).ok()?;
        Some((source.path.clone(), source.range(&(place.at..place.at))))
    }
}

impl Current {
    /// The output without any edit.
    pub(super) fn of(subject: &AdoptSubject<'_>) -> Self {
        let (text, wanted) = (subject.generated.clone(), subject.wanted.clone());
        Self { weight: blocks::weight(&text, &wanted), text, wanted, is_joined: false }
    }

    pub(super) fn rendered_as(&self, text: String) -> Self {
        let weight = blocks::weight(&text, &self.wanted);
        Self { text, weight, wanted: self.wanted.clone(), is_joined: self.is_joined }
    }

    /// The output with the change of another one.
    pub(super) fn joined_to(&self, wanted: String, text: String) -> Self {
        let is_joined = self.is_joined || wanted != self.wanted;
        Self { weight: blocks::weight(&text, &wanted), text, wanted, is_joined }
    }

    /// Whether it takes the change of another output too.
    pub(super) const fn has_joined(&self) -> bool {
        self.is_joined
    }

    /// Whether it is what a block asks for.
    pub(super) fn has(&self, block: &Block) -> bool {
        self.weight == 0 || !blocks::blocks(&self.text, &self.wanted).iter().any(|rest| rest.meets(block))
    }
}

/// The text with the line ends of another: a checkout may change them, and they do not count.
fn with_line_ends_of(generated: &str, text: &str) -> String {
    if generated.contains("\r\n") { text.to_owned() } else { text.replace("\r\n", "\n") }
}
