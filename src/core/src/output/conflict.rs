//! Merge conflicts that git has left in an output.
//!
//! When two branches regenerate an output, git merges their texts, and their signatures at least conflict. Where both
//! sides are proven to be generated, nothing of a user's is in such a file, and it may be written again. This module
//! must not know git's own files.

use super::sameness::is_same_but_for_signature;
use super::signature;
use crate::base::conflict::Conflicts;

/// What is known of an output that has conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    /// Both sides were generated.
    BetweenGenerated,
    /// A side may hold a user's change.
    Unproven,
}

impl Conflict {
    /// The conflict of a file that should hold `expected`; none where it has none, or no side of it is signed.
    ///
    /// A side is generated if its signature is intact, or if it is what would be written, but for the signature: git then
    /// has merged what both branches changed, and only their signatures conflict.
    pub(super) fn of(expected: &[u8], existing: &[u8]) -> Option<Self> {
        let Conflicts { ours, theirs, .. } = Conflicts::read(existing)?;
        let sides = [ours, theirs];
        let signatures = sides.each_ref().map(|side| signature::find(side));
        if signatures.iter().all(Option::is_none) {
            return None;
        }
        let is_generated = |(side, signature): (&Vec<u8>, &Option<signature::Signature>)| {
            signature.as_ref().is_some_and(|found| found.intact || is_same_but_for_signature(expected, side))
        };
        Some(if sides.iter().zip(&signatures).all(is_generated) { Self::BetweenGenerated } else { Self::Unproven })
    }
}

/// Whether a file that is edited has conflict markers, between texts of which one at least is signed.
pub(super) fn is_in(existing: &[u8]) -> bool {
    let is_signed = |side: &[u8]| signature::find(side).is_some();
    Conflicts::read(existing).is_some_and(|found| is_signed(&found.ours) || is_signed(&found.theirs))
}
