//! From edited outputs to edits of their templates: from what the user wrote to the template text that would write it.
//!
//! Each difference is traced to the places in templates that may have caused it. Edits at these places are tried by
//! rendering, and one is taken only if it gives what the user wrote and changes nothing else in an adopted output. So the
//! search may guess, and the result cannot be wrong. This room must not know how outputs and templates are written.

mod blocks;
mod edits;
mod files;
mod literals;
mod overrides;
mod own;
mod proposals;
pub mod reach;
mod search;
mod stretches;
mod subject;
mod trial;
mod values;

use camino::Utf8PathBuf;

use crate::base::problem::Problem;
use crate::base::text::Range;
use crate::plan::Plan;
use crate::project::request::Request;

use self::search::{EditReach, Search};
use self::values::WithValues;

/// An output that the user edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedOutput {
    /// Its number among the plan's outputs.
    pub output: usize,
    /// What the user made of it, without the signature's line.
    pub text: String,
}

/// What becomes of edited outputs.
#[derive(Debug, Default)]
pub struct Adoption {
    /// The files that change, or that are new.
    pub files: Vec<ChangedFile>,
    /// The outputs that the changed files render exactly as the user wrote them, by their numbers in the plan.
    pub adopted: Vec<usize>,
    /// The edited outputs that take the edits of other outputs too, at places that the user left as they were; what each
    /// becomes.
    pub joined: Vec<OutputText>,
    /// The edited outputs of which differences stay; what each becomes, which is not what the changed files render.
    pub partly: Vec<OutputText>,
    /// The differences that stay.
    pub left: Vec<LeftBlock>,
}

/// What an edited output becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputText {
    /// Its number among the plan's outputs.
    pub output: usize,
    /// Its text, without the signature's line.
    pub text: String,
}

/// A template or a configuration that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path, relative to the project's root.
    pub path: Utf8PathBuf,
    /// What it holds now, or what it is a copy of; empty for a file that is new.
    pub before: String,
    /// What it is to hold.
    pub text: String,
}

/// A difference that no edit of a template makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftBlock {
    /// The number of the output in the plan.
    pub output: usize,
    /// The number of the first line that differs, in the edited text, from 0.
    pub line: usize,
    /// The lines as generated.
    pub generated: String,
    /// The lines as the user wrote them.
    pub edited: String,
    /// Why it stays.
    pub reason: LeftBlockReason,
    /// The nearest place in a template.
    pub place: Option<(Utf8PathBuf, Range)>,
}

/// Why a difference stays; of several reasons, the last here says most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftBlockReason {
    /// It is not known which template wrote it.
    Hidden,
    /// Every edit that was tried gives something else.
    Unproven,
    /// The suite runs a formatter over its outputs, which hides what the template wrote.
    Formatted,
    /// A value changes; the expression that writes it.
    Value(String),
    /// The same text of the template stands at other places of the output too, where the user left it as it was.
    WrittenOften,
    /// Another edited output has something else there; its number in the plan.
    Contradicted(usize),
    /// The output is of no model: it is a support template's.
    NoModel,
    /// The suite has no template that would be this model's alone.
    NoModelTemplate {
        /// The suite.
        suite: String,
        /// What its list of templates could begin with.
        pattern: String,
    },
    /// No template is this suite's alone.
    NoSuiteTemplate {
        /// The suite.
        suite: String,
        /// What its list of templates could begin with.
        pattern: String,
    },
    /// The template comes from the template database.
    Registered,
    /// The template is built in, and the configuration names no folder for a changed copy.
    NoTemplatesFolder,
}

impl LeftBlockReason {
    /// The reason, and what to do next, in a sentence without its end.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Hidden => "a filter hides which part of which template wrote it".to_owned(),
            Self::Unproven => "no edit of a template's text gives exactly this".to_owned(),
            Self::Formatted => {
                "the suite has a formatter, which hides what the template wrote; edit the template".to_owned()
            }
            Self::Value(expression) => {
                format!("it changes a value, which `{expression}` writes; change where the value comes from")
            }
            Self::WrittenOften => "the template writes this text at other places of the output too, which you left \
                                   as they were; edit all of them, or tell them apart in the template"
                .to_owned(),
            Self::Contradicted(_) => {
                "the template would write the same into an output that has something else there; adopt one of the two"
                    .to_owned()
            }
            Self::NoModel => "it is of no model: all outputs of its folder share it".to_owned(),
            Self::NoModelTemplate { suite, pattern } => format!(
                "no template of the suite `{suite}` is for this model alone; put `\"{pattern}\"` first in its list `template`"
            ),
            Self::NoSuiteTemplate { suite, pattern } => format!(
                "the suite `{suite}` shares its template with another one; put `\"{pattern}\"` first in its list `template`"
            ),
            Self::Registered => {
                "its template is in the template database; add a new version with `cargo tgen template add`".to_owned()
            }
            Self::NoTemplatesFolder => {
                "its template is built in; write `templates = \"templates\"` into the configuration, so that a changed \
                 copy has a place"
                    .to_owned()
            }
        }
    }
}

/// Turns edits of outputs into edits of their templates, and of placeholders in the configuration.
///
/// # Errors
/// The problem that keeps one of the outputs from being rendered.
pub fn adopt(plan: &Plan<'_>, edited: &[EditedOutput]) -> Result<Adoption, Problem> {
    let in_templates = |plan: &Plan<'_>| Ok(Search::new(plan, edited, EditReach::AllModels)?.run().adoption);
    let adoption = in_templates(plan)?;
    if !adoption.left.iter().any(|left| matches!(left.reason, LeftBlockReason::Value(_))) {
        return Ok(adoption);
    }
    Ok(with_values_first(plan, edited, EditReach::AllModels, in_templates)?.unwrap_or(adoption))
}

/// Turns edits of outputs into templates of their models' own, and into placeholders of these models, and leaves all other
/// models as they are.
///
/// # Errors
/// The problem that keeps one of the outputs from being rendered.
pub fn adopt_for_models(plan: &Plan<'_>, edited: &[EditedOutput]) -> Result<Adoption, Problem> {
    in_own_templates(plan, edited, EditReach::OneModel)
}

/// Turns edits of outputs into templates of their suites' own, and into placeholders of these suites, and leaves all other
/// suites as they are.
///
/// # Errors
/// The problem that keeps one of the outputs from being rendered.
pub fn adopt_for_suites(plan: &Plan<'_>, edited: &[EditedOutput]) -> Result<Adoption, Problem> {
    in_own_templates(plan, edited, EditReach::OneSuite)
}

fn in_own_templates(plan: &Plan<'_>, edited: &[EditedOutput], reach: EditReach) -> Result<Adoption, Problem> {
    let in_templates = |plan: &Plan<'_>| own::in_own_templates(plan, edited, reach);
    match with_values_first(plan, edited, reach, in_templates)? {
        Some(adoption) => Ok(adoption),
        None => in_templates(plan),
    }
}

/// Changes values in the configuration, and then templates; none where no value changes.
fn with_values_first(
    plan: &Plan<'_>,
    edited: &[EditedOutput],
    reach: EditReach,
    in_templates: impl Fn(&Plan<'_>) -> Result<Adoption, Problem>,
) -> Result<Option<Adoption>, Problem> {
    let Some(WithValues { project, file }) = values::with_values(plan, edited, reach)? else { return Ok(None) };
    let mut adoption = in_templates(&Plan::new(&project, &Request::default()))?;
    adoption.files.insert(0, file);
    Ok(Some(adoption))
}

#[cfg(test)]
mod tests;
