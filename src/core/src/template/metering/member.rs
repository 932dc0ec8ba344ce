//! A template of a rendering, as metering needs it.

use crate::template::analysis::Analysis;
use crate::template::syntax::tree::Tree;

/// A template that is rendered with others.
pub(in crate::template) struct Member<'t> {
    pub(in crate::template) name: &'t str,
    pub(in crate::template) text: &'t str,
    pub(in crate::template) tree: &'t Tree,
    pub(in crate::template) analysis: &'t Analysis,
}

/// Where the text that a template writes goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    /// To the output, whose size is limited separately.
    ToTheOutput,
    /// Possibly into memory, by a capture.
    MaybeCaptured,
}
