//! Three-way merges of a user's edit of an output with later changes of its rendering.
//!
//! This module must not know where the three texts come from.

use similar::TextMerge;

use super::signature;

/// The result of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The whole file: the signature of the new rendering, and the merged text.
    pub content: Vec<u8>,
    /// The number of conflicts marked in it.
    pub conflicts: usize,
}

/// Merges `edited`, a user's edit of `generated`, with `expected`, the current rendering. All three are whole files;
/// `None` if one of them is not signed or not UTF-8 text.
#[must_use]
pub fn merge(generated: &[u8], edited: &[u8], expected: &[u8]) -> Option<Merged> {
    let text = |content| String::from_utf8(signature::without_signature(content)?).ok();
    let (generated, edited, current) = (text(generated)?, text(edited)?, text(expected)?);
    let lines_end_as_in_current =
        |text: String| if current.contains("\r\n") { text } else { text.replace("\r\n", "\n") };
    let (generated, edited) = (lines_end_as_in_current(generated), lines_end_as_in_current(edited));
    let mut merge = TextMerge::from_lines(&generated, &edited, &current);
    merge.labels("as generated before", "as edited", "as generated now");
    let content = signature::with_signature_of(expected, merge.to_string().as_bytes())?;
    Some(Merged { content, conflicts: merge.conflict_count() })
}

/// Merges two changes of `base`; `None` on a conflict.
#[must_use]
pub fn merge_cleanly(base: &str, ours: &str, theirs: &str) -> Option<String> {
    let merge = TextMerge::from_lines(base, ours, theirs);
    (!merge.is_conflicted()).then(|| merge.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{signed, signed_text};
    use super::super::state::State;
    use super::*;
    use crate::base::conflict::Conflicts;

    #[track_caller]
    fn check(edited: &str, current: &str, expected: &str, state: State) {
        const GENERATED: &str = "a\nb\nc\nd\ne\n";
        let before = signed_text(GENERATED);
        let merged = merge(before.as_bytes(), before.replace(GENERATED, edited).as_bytes(), &signed(current)).unwrap();
        let text = signature::without_signature(&merged.content).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), expected);
        assert_eq!(State::of(&signed(current), Some(&merged.content)), state);
        assert_eq!(merged.conflicts > 0, Conflicts::read(expected.as_bytes()).is_some());
    }

    #[test]
    fn changes_at_different_places_are_both_kept() {
        check("mine\nb\nc\nd\ne\n", "a\nb\nc\nd\nnew\n", "mine\nb\nc\nd\nnew\n", State::Edited);
        check("a\nb\nc\nd\nnew\n", "a\nb\nc\nd\nnew\n", "a\nb\nc\nd\nnew\n", State::Fresh);
    }

    #[test]
    fn changes_at_one_place_are_a_conflict_as_git_writes_it() {
        check(
            "a\nb\nmine\nd\ne\n",
            "a\nb\nnew\nd\ne\n",
            "a\nb\n<<<<<<< as edited\nmine\n=======\nnew\n>>>>>>> as generated now\nd\ne\n",
            State::Edited,
        );
    }
}
