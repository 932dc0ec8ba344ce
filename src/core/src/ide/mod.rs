//! What an editor asks about a file of a project, and the answers, in core's own words.
//!
//! Every feature is a plain function of a [`View`], a path and a place. This room must not know a protocol, an editor or
//! which documents are open: the project that it is given is as its user sees it.

pub mod actions;
mod cases;
pub mod completion;
mod config_names;
pub mod diagnostics;
pub mod extract;
pub mod format;
mod generated;
pub mod hints;
pub mod hover;
pub mod outline;
pub mod outputs;
pub mod preview;
pub mod references;
mod target;
pub mod tokens;
mod values;

#[cfg(test)]
mod diagnostics_tests;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod references_tests;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};

use crate::hardware::HardwareType;
use crate::project::Project;
use crate::template::TemplateName;
use crate::template::library::Source;
use crate::text::Range;

pub use self::cases::Cases;

/// What a question is asked of.
pub struct View<'v> {
    /// The project.
    pub project: &'v Project<'v>,
    /// The cases that it has.
    pub cases: &'v Cases,
    /// The case whose values are shown.
    pub preview: Preview,
    /// For each template, the templates of cases that it is rendered with; found out when it is first asked for.
    roots: OnceLock<BTreeMap<TemplateName, Vec<&'v TemplateName>>>,
}

/// Which case an editor shows; what is left out is the first that there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// The model's name.
    pub model: Option<String>,
    /// The hardware type.
    pub hardware: Option<HardwareType>,
    /// The batch size.
    pub batch_size: Option<u32>,
}

/// A change of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    /// What is replaced.
    pub range: Range,
    /// What stands there afterwards.
    pub text: String,
}

/// Changes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    /// The file.
    pub path: Utf8PathBuf,
    /// The changes; they do not overlap.
    pub edits: Vec<TextEdit>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub path: Utf8PathBuf,
    /// The place.
    pub range: Range,
}

impl<'v> View<'v> {
    /// A view of a project, with the cases that it has.
    #[must_use]
    pub fn new(project: &'v Project<'v>, cases: &'v Cases, preview: Preview) -> Self {
        Self { project, cases, preview, roots: OnceLock::new() }
    }

    /// The template at a path: the project's own, or `built-in:NAME`.
    fn template(&self, path: &Utf8Path) -> Option<Template<'v>> {
        let library = &self.project.library;
        let built_in = || path.as_str().strip_prefix("built-in:").map(TemplateName::new);
        let name = self.project.template_name(path).or_else(built_in)?;
        let source = library.contains(&name).then(|| library.source(&name).ok()).flatten()?;
        Some(Template { name, source })
    }
}

/// A template that is asked about.
struct Template<'v> {
    name: TemplateName,
    source: &'v Source,
}
