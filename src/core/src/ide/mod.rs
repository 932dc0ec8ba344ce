//! The editor's features: completion, hover, definitions and the like, without a protocol.
//!
//! Every feature is a plain function of a [`View`], a path and an offset. This room must not know a protocol, an editor
//! or which documents are open: the project it is given already contains their texts.

pub mod actions;
pub mod completion;
mod config_names;
pub mod edited;
pub mod extract;
pub mod format;
pub mod generated;
pub mod hints;
pub mod hover;
mod locals;
pub mod outline;
pub mod outputs;
pub mod preview;
pub mod references;
mod target;
pub mod tokens;
mod values;
mod view;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod references_tests;

use camino::Utf8PathBuf;

use crate::base::text::Range;

use crate::lint::usage::Template;
pub use view::{Preview, View};

/// A replacement of a range of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    /// The replaced range.
    pub range: Range,
    /// The new text.
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

/// The description of a word, shown beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hover {
    /// The word.
    pub range: Range,
    /// The description, as Markdown.
    pub markdown: String,
}

/// A file name that links to the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The name's place.
    pub range: Range,
    /// The file.
    pub target: Utf8PathBuf,
}
