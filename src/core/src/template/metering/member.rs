//! What metering knows of each template of a rendering.

use crate::template::analysis::Analysis;
use crate::template::syntax::tree::Tree;

/// A template that is rendered with others.
pub(in crate::template) struct Member<'t> {
    pub(in crate::template) name: &'t str,
    pub(in crate::template) text: &'t str,
    pub(in crate::template) tree: &'t Tree,
    pub(in crate::template) analysis: &'t Analysis,
}

/// What happens to what a template writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writing {
    /// It goes to the output, whose size is limited by itself.
    ToTheOutput,
    /// Some of it may be captured in memory.
    MaybeCaptured,
}
