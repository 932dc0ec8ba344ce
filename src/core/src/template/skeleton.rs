//! Renders many cases of one template faster than one by one, without knowledge of Tera's rules.
//!
//! A placeholder that a template only writes unchanged (`{{ name }}`) cannot affect anything else in the output. So
//! Tera renders once with marks in place of such values. The result, split at the marks, is a skeleton: for every case
//! whose other values are the same, the output is the skeleton with the case's own values inserted. Tera stays the
//! authority, because the skeleton is its output.

use std::ops::Range;

/// Begins a mark. It is a private-use code point; templates and values that contain it are rendered case by case.
const MARK: char = '\u{10fffd}';

/// The code point that stands for placeholder 0 in marks.
const FIRST: u32 = 0x0010_0000;

/// The constant texts of a rendering, and holes for values between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Skeleton {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Range<usize>),
    Hole(usize),
}

/// The mark for the placeholder with this index.
pub(super) fn mark(index: usize) -> String {
    let counter = u32::try_from(index).ok().and_then(|index| char::from_u32(FIRST + index)).unwrap_or(MARK);
    [MARK, counter].iter().collect()
}

/// Whether a text could be mistaken for a mark.
pub(super) fn has_mark(text: &str) -> bool {
    text.contains(MARK)
}

impl Skeleton {
    /// Splits a rendering at its marks; `None` if a mark was changed.
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

    /// A skeleton from pieces: a text, or the index of a placeholder.
    pub(super) fn from_pieces<'text>(pieces: impl Iterator<Item = Result<&'text str, usize>>) -> Self {
        let mut skeleton = Self { text: String::new(), parts: Vec::new() };
        for piece in pieces {
            match piece {
                Ok(text) => skeleton.push_text(text),
                Err(index) => skeleton.parts.push(Part::Hole(index)),
            }
        }
        skeleton
    }

    fn push_text(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        match self.parts.last_mut() {
            Some(Part::Text(span)) => span.end = self.text.len(),
            _ => self.parts.push(Part::Text(start..self.text.len())),
        }
    }

    /// Writes the skeleton with these values in its holes.
    pub(super) fn fill(&self, values: &[String], output: &mut Vec<u8>) {
        self.pieces(values).for_each(|piece| output.extend_from_slice(piece));
    }

    /// Fills some of the holes permanently, and writes the result over another skeleton, whose memory it reuses.
    fn fix_into(&self, fixed: &mut Self, values: &[String], is_fixed: &[bool]) {
        fixed.text.clear();
        fixed.parts.clear();
        let mut start = 0;
        for part in &self.parts {
            match part {
                Part::Text(span) => fixed.text.push_str(&self.text[span.clone()]),
                Part::Hole(index) if is_fixed[*index] => fixed.text.push_str(&values[*index]),
                Part::Hole(index) => {
                    fixed.parts.extend([Part::Text(start..fixed.text.len()), Part::Hole(*index)]);
                    start = fixed.text.len();
                }
            }
        }
        fixed.parts.push(Part::Text(start..fixed.text.len()));
    }

    /// The constant texts, and the indices of the placeholders between them, in order.
    pub(super) fn parts(&self) -> impl Iterator<Item = Result<&str, usize>> {
        self.parts.iter().map(|part| match part {
            Part::Text(span) => Ok(&self.text[span.clone()]),
            Part::Hole(index) => Err(*index),
        })
    }

    /// The texts and values in order.
    pub(super) fn pieces<'s>(&'s self, values: &'s [String]) -> impl Iterator<Item = &'s [u8]> {
        self.parts.iter().map(|part| match part {
            Part::Text(span) => &self.text.as_bytes()[span.clone()],
            Part::Hole(index) => values[*index].as_bytes(),
        })
    }
}

/// A skeleton whose only holes are for values that change from case to case: the cases of one model on one hardware
/// type differ only in their batch sizes.
#[derive(Debug, Default)]
pub(super) struct Narrowed {
    skeleton: Skeleton,
    /// Of each value, whether it is filled in permanently.
    is_fixed: Vec<bool>,
    /// Of each value, whether the last case was the first that had it.
    is_new: Vec<bool>,
    last: Vec<String>,
}

impl Narrowed {
    /// The narrowed skeleton for these values, or the whole one. Cases must come in their order, and `whole` must stay the
    /// same until the next [`Narrowed::clear`].
    pub(super) fn of<'s>(&'s mut self, whole: &'s Skeleton, values: &[String]) -> &'s Skeleton {
        if self.last.len() != values.len() {
            self.begin(values);
        } else if self.has_to_change(values) {
            whole.fix_into(&mut self.skeleton, values, &self.is_fixed);
        }
        if self.is_fixed.contains(&true) { &self.skeleton } else { whole }
    }

    fn begin(&mut self, values: &[String]) {
        self.is_fixed = vec![false; values.len()];
        self.is_new = vec![true; values.len()];
        self.last = values.to_vec();
    }

    /// Takes the values of the next case; tells whether they fill the skeleton in another way.
    fn has_to_change(&mut self, values: &[String]) -> bool {
        let mut changes = false;
        let places = self.is_fixed.iter_mut().zip(&mut self.is_new).zip(&mut self.last).zip(values);
        for (((is_fixed, is_new), last), value) in places {
            let is_as_before = value == last;
            // A value that several cases had is followed by one that several cases have.
            let is_fixed_now = is_as_before || *is_fixed && !*is_new;
            changes |= is_fixed_now != *is_fixed || is_fixed_now && !is_as_before;
            *is_fixed = is_fixed_now;
            *is_new = !is_as_before;
            if !is_as_before {
                last.clone_from(value);
            }
        }
        changes
    }

    /// Forgets the narrowed skeleton and the remembered values.
    pub(super) fn clear(&mut self) {
        self.is_fixed.clear();
        self.last.clear();
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

    proptest! {
        #[test]
        fn a_narrowed_skeleton_gives_what_the_whole_one_gives(
            pieces in prop::collection::vec(("[a-z]{0,2}", 0_usize..3), 0..6),
            cases in prop::collection::vec(prop::collection::vec("[xy]?", 3), 1..12),
        ) {
            let marked: String = pieces.iter().map(|(text, index)| format!("{text}{}", mark(*index))).collect();
            let whole = Skeleton::cut(marked, 3).unwrap();
            let mut narrowed = Narrowed::default();
            for values in cases {
                let (mut expected, mut filled) = (Vec::new(), Vec::new());
                whole.fill(&values, &mut expected);
                narrowed.of(&whole, &values).fill(&values, &mut filled);
                prop_assert_eq!(filled, expected);
            }
        }
    }

    #[test]
    fn what_changes_from_case_to_case_is_all_that_is_left_open() {
        let whole = Skeleton::cut(format!("a{}b{}c", mark(0), mark(1)), 2).unwrap();
        let mut narrowed = Narrowed::default();
        for batch_size in ["1", "2", "3"] {
            narrowed.of(&whole, &["bert".to_owned(), batch_size.to_owned()]);
        }
        let left = narrowed.of(&whole, &["bert".to_owned(), "4".to_owned()]);
        assert_eq!(left.text, "abertbc");
        assert_eq!(left.parts, [Part::Text(0..6), Part::Hole(1), Part::Text(6..7)]);
    }

    #[test]
    fn a_torn_mark_makes_no_skeleton() {
        assert_eq!(Skeleton::cut(format!("a{MARK}"), 1), None);
        assert_eq!(Skeleton::cut(format!("a{MARK}b"), 1), None);
        assert_eq!(Skeleton::cut(mark(7), 1), None);
    }
}
