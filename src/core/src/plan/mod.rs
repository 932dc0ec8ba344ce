//! Plans outputs from suites: every case with its template and its path.
//!
//! A plan says which outputs should exist. It must not know which do; [`crate::rendering::comparison`] compares the
//! two.

pub mod case;
pub mod cases;
mod collisions;
mod index;
mod matrix;
mod planner;
pub mod strictness;
pub mod test_plan;
mod touch;

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use camino::Utf8PathBuf;
use typed_index_collections::TiVec;

use crate::base::problem::Problem;
use crate::config::Suite;
use crate::model::catalogue::Model;
use crate::model::hardware::HardwareType;
use crate::output::path::OutputPath;
use crate::plan::case::{Axes, Case};
use crate::plan::cases::CaseIndex;
use crate::plan::planner::Planner;
use crate::plan::touch::Touch;
use crate::project::Project;
use crate::project::request::Request;
use crate::template::TemplateName;
use crate::template::compiled::Compiled;

pub use self::index::{ModelIndex, SuiteIndex, TemplateIndex};

/// A plan and the project that its placeholders get their values from.
///
/// The planned part owns its data, so that a language server can keep it between keystrokes while the project changes.
pub struct Plan<'p> {
    /// The project.
    pub project: &'p Project<'p>,
    /// What was planned.
    pub planned: Arc<Planned>,
}

/// All outputs that should exist, and the data they share.
#[derive(Default)]
pub struct Planned {
    /// The folder that output paths are relative to: the project's root (empty) or the given output folder.
    pub root: Utf8PathBuf,
    /// Whether the request covers everything configured.
    pub is_complete: bool,
    /// The suites, with the request applied.
    pub suites: TiVec<SuiteIndex, PlannedSuite>,
    /// The templates, compiled.
    pub templates: TiVec<TemplateIndex, Arc<Compiled>>,
    /// The models of all suites, without duplicates.
    pub models: TiVec<ModelIndex, Model>,
    /// The outputs, in the order of the suites and their models.
    pub outputs: Vec<PlannedOutput>,
    /// Cases without an output, because of errors in their template or an unreadable reference implementation.
    pub left_out: Vec<LeftOut>,
    /// The problems found; the affected outputs are missing.
    pub problems: Vec<Problem>,
    /// Computed on first use.
    index: OnceLock<CaseIndex>,
}

/// A suite with the request applied.
#[derive(Clone)]
pub struct PlannedSuite {
    /// The suite as configured.
    pub suite: Arc<Suite>,
    /// Its axes, as configured or requested.
    pub axes: Axes,
    /// The names of the axes that its output path expands.
    pub expanded: Vec<&'static str>,
    /// The constant prefix of its output paths; empty if they begin with a placeholder.
    pub folder: Utf8PathBuf,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedOutput {
    /// Its path, below the plan's root.
    pub path: OutputPath,
    /// The template.
    pub template: TemplateIndex,
    /// The case or support template that it belongs to.
    pub subject: Subject,
}

/// A case without an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The path that its output would have, below the plan's root.
    pub path: OutputPath,
    /// The template.
    pub template: TemplateName,
    /// The case.
    pub subject: Subject,
}

/// The case or support template that an output belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A case of a suite.
    Case {
        /// The suite.
        suite: SuiteIndex,
        /// The model.
        model: ModelIndex,
        /// The hardware type, if the path expands it.
        hardware: Option<HardwareType>,
        /// The batch size, if the path expands it.
        batch_size: Option<u32>,
    },
    /// A support template, which serves all outputs of a folder.
    Support,
}

impl<'p> Plan<'p> {
    /// Plans the outputs that are requested.
    #[must_use]
    pub fn new(project: &'p Project<'p>, request: &Request) -> Self {
        Self { project, planned: Arc::new(Planner::plan(project, request)) }
    }

    /// The case of an output, for rendering it.
    #[must_use]
    pub fn case(&self, output: &PlannedOutput) -> Case<'_> {
        self.planned.case(self.project, &self.templates[output.template].name, output.subject)
    }

    /// The origin of an output for its signature: ``skillset.py.tera for bert on cuda, batch size 4``.
    #[must_use]
    pub fn origin(&self, output: &PlannedOutput) -> String {
        self.case(output).origin()
    }

    /// The outputs that may have changed or become stale after a change of these files, relative to the project's root.
    pub fn touched_by<'a>(&'a self, changed: &'a [Utf8PathBuf]) -> impl Iterator<Item = &'a PlannedOutput> {
        let touch = Touch::of(self, changed);
        self.outputs.iter().filter(move |output| touch.reaches(self, output))
    }
}

impl Deref for Plan<'_> {
    type Target = Planned;

    fn deref(&self) -> &Planned {
        &self.planned
    }
}

impl Planned {
    /// A case, with the project that its values come from.
    pub(crate) fn case<'c>(
        &'c self,
        project: &'c Project<'c>,
        template: &'c TemplateName,
        subject: Subject,
    ) -> Case<'c> {
        match subject {
            Subject::Support => Case::of_support(project, template),
            Subject::Case { suite, model, hardware, batch_size } => Case {
                project,
                suite: Some(&self.suites[suite].suite),
                axes: Some(&self.suites[suite].axes),
                model: Some(&self.models[model]),
                hardware,
                batch_size,
                template: Some(template),
            },
        }
    }

    /// The name of what an output is for: its model, or its support template.
    #[must_use]
    pub fn subject_name(&self, output: &PlannedOutput) -> String {
        self.name_of(output.subject, &self.templates[output.template].name)
    }

    pub(crate) fn name_of(&self, subject: Subject, template: &TemplateName) -> String {
        match subject {
            Subject::Support => template.to_string(),
            Subject::Case { model, .. } => self.models[model].name.as_str().to_owned(),
        }
    }

    /// The path of an output, relative to the project's root.
    #[must_use]
    pub fn location(&self, output: &PlannedOutput) -> Utf8PathBuf {
        self.root.join(output.path.as_path())
    }

    /// The formatter of an output's suite.
    #[must_use]
    pub fn formatter(&self, output: &PlannedOutput) -> Option<&[String]> {
        match output.subject {
            Subject::Case { suite, .. } => self.suites[suite].suite.format.as_deref(),
            Subject::Support => None,
        }
    }
}

impl PlannedOutput {
    /// The suite of its case.
    #[must_use]
    pub fn suite(&self) -> Option<SuiteIndex> {
        match self.subject {
            Subject::Case { suite, .. } => Some(suite),
            Subject::Support => None,
        }
    }

    fn template_of(&self, suite: SuiteIndex) -> Option<TemplateIndex> {
        (self.suite() == Some(suite)).then_some(self.template)
    }
}
