//! Rendering many cases of one template faster than one by one, without knowing Tera's rules.
//!
//! A placeholder that a template only ever writes as it is (`{{ name }}`) cannot change anything else in the output. So
//! Tera renders once with marks in place of such values; what it wrote, cut at the marks, is a skeleton, and every case
//! with the same other values is the skeleton with its own values put in. Tera stays the authority: the skeleton is its
//! output.

use std::ops::Range;

/// Opens a mark. The code point is a noncharacter-like private one that no template has; a template or value that does
/// have it is rendered one by one.
const MARK: char = '\u{10fffd}';

/// The first code point that counts placeholders in marks.
const FIRST: u32 = 0x0010_0000;

/// What is between two holes, and which value goes into the hole after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Skeleton {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Range<usize>),
    Hole(usize),
}

/// The mark that stands for placeholder number `index` while the skeleton is rendered.
pub(super) fn mark(index: usize) -> String {
    let counter = u32::try_from(index).ok().and_then(|index| char::from_u32(FIRST + index)).unwrap_or(MARK);
    [MARK, counter].iter().collect()
}

/// Whether a text could be taken for a mark.
pub(super) fn has_mark(text: &str) -> bool {
    text.contains(MARK)
}

impl Skeleton {
    /// Cuts a rendering at its marks; none when a mark was torn or changed on the way.
    pub(super) fn cut(rendered: String, placeholders: usize) -> Option<Self> {
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(found) = rendered[at..].find(MARK) {
            let start = at + found;
            let counter = rendered[start + MARK.len_utf8()..].chars().next()?;
            let index =
                usize::try_from(u32::from(counter).checked_sub(FIRST)?).ok().filter(|index| *index < placeholders)?;
            parts.push(Part::Text(at..start));
            parts.push(Part::Hole(index));
            at = start + MARK.len_utf8() + counter.len_utf8();
        }
        parts.push(Part::Text(at..rendered.len()));
        Some(Self { text: rendered, parts })
    }

    /// A skeleton from pieces: text, or the number of a placeholder.
    pub(super) fn from_pieces<'text>(pieces: impl Iterator<Item = Result<&'text str, usize>>) -> Self {
        let mut skeleton = Self { text: String::new(), parts: Vec::new() };
        for piece in pieces {
            match piece {
                Ok(text) => {
                    let start = skeleton.text.len();
                    skeleton.text.push_str(text);
                    skeleton.parts.push(Part::Text(start..skeleton.text.len()));
                }
                Err(index) => skeleton.parts.push(Part::Hole(index)),
            }
        }
        skeleton
    }

    /// Writes the skeleton with values in its holes.
    pub(super) fn fill(&self, values: &[String], output: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Text(span) => output.extend_from_slice(&self.text.as_bytes()[span.clone()]),
                Part::Hole(index) => output.extend_from_slice(values[*index].as_bytes()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cut_skeleton_filled_with_values_is_the_text_with_the_values_put_in(
            pieces in prop::collection::vec(("[a-zé\n]{0,4}", 0_usize..3), 0..8),
            values in prop::collection::vec("[xyz]{0,3}", 3),
        ) {
            let marked: String = pieces.iter().map(|(text, index)| format!("{text}{}", mark(*index))).collect();
            let expected: String = pieces.iter().map(|(text, index)| format!("{text}{}", values[*index])).collect();
            let mut filled = Vec::new();
            Skeleton::cut(marked, 3).unwrap().fill(&values, &mut filled);
            prop_assert_eq!(String::from_utf8(filled).unwrap(), expected);
        }
    }

    #[test]
    fn a_torn_mark_makes_no_skeleton() {
        assert_eq!(Skeleton::cut(format!("a{MARK}"), 1), None);
        assert_eq!(Skeleton::cut(format!("a{MARK}b"), 1), None);
        assert_eq!(Skeleton::cut(mark(7), 1), None);
    }
}
