//! Positions in the client's terms: the protocol's line ends, and characters in the negotiated encoding.
//!
//! All other modules count in bytes. This module must not know documents or templates.

use std::borrow::Cow;

use memchr::{memchr, memchr2_iter};
use tgen_core::base::text;
use tower_lsp::ls_types::{Position, PositionEncodingKind, Range};

/// The unit in which a client counts along a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units, which every client supports.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// UTF-8 if the client offers it, else the first supported encoding on its list.
    pub(crate) fn negotiate(offered: &[PositionEncodingKind]) -> Self {
        let known = |kind: &PositionEncodingKind| {
            [Self::Utf8, Self::Utf16, Self::Utf32].into_iter().find(|own| own.kind() == *kind)
        };
        if offered.contains(&PositionEncodingKind::UTF8) {
            return Self::Utf8;
        }
        offered.iter().find_map(known).unwrap_or_default()
    }

    /// The protocol's name for it.
    pub(crate) const fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
            Self::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    /// The number of units in a part of a line.
    fn count(self, line: &str) -> usize {
        match self {
            Self::Utf8 => line.len(),
            Self::Utf16 => line.chars().map(char::len_utf16).sum(),
            Self::Utf32 => line.chars().count(),
        }
    }

    /// The byte offset of a unit in a line; inside a character, the offset of the character.
    fn offset(self, line: &str, units: usize) -> usize {
        if self == Self::Utf8 {
            return line.floor_char_boundary(units.min(line.len()));
        }
        let mut left = units;
        for (at, character) in line.char_indices() {
            let width = if self == Self::Utf16 { character.len_utf16() } else { 1 };
            if left < width {
                return at;
            }
            left -= width;
        }
        line.len()
    }
}

/// The line starts of a text, with the protocol's line ends: `\n`, `\r\n` and a lone `\r`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// Scans the text once.
    pub(crate) fn new(text: &str) -> Self {
        Self { starts: std::iter::once(0).chain(starts_in(text, 0..text.len())).collect() }
    }

    /// Follows an edit: the bytes `gone` were replaced, which made `text`. Only what the edit touches is scanned.
    pub(crate) fn replace(&mut self, gone: &std::ops::Range<usize>, text: &str, length: usize) {
        // Whether a line begins at an offset depends on the bytes on both sides of it.
        let first = self.starts.partition_point(|start| *start < gone.start.max(1));
        let behind = self.starts.partition_point(|start| *start <= gone.end).max(first);
        let end = gone.start + length;
        for start in &mut self.starts[behind..] {
            *start = *start - gone.end + end;
        }
        self.starts.splice(first..behind, starts_in(text, gone.start.saturating_sub(1)..end));
    }

    /// The byte offset of a position; beyond a line, the line's end; beyond the text, the text's end.
    pub(crate) fn offset(&self, text: &str, position: Position, encoding: Encoding) -> usize {
        let Some(start) = self.starts.get(position.line as usize).copied() else { return text.len() };
        start + encoding.offset(self.line(text, position.line as usize), position.character as usize)
    }

    /// The byte offsets of a range, in ascending order even if the client's are not.
    pub(crate) fn span(&self, text: &str, range: Range, encoding: Encoding) -> std::ops::Range<usize> {
        let (start, end) = (self.offset(text, range.start, encoding), self.offset(text, range.end, encoding));
        start.min(end)..start.max(end)
    }

    /// The position of a byte offset.
    pub(crate) fn position(&self, text: &str, offset: usize, encoding: Encoding) -> Position {
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let within = &text[self.starts[line]..offset];
        Position::new(narrow(line), narrow(encoding.count(within)))
    }

    /// A line without its line end.
    fn line<'t>(&self, text: &'t str, line: usize) -> &'t str {
        let end = self.starts.get(line + 1).copied().unwrap_or(text.len());
        text[self.starts[line]..end].trim_end_matches(['\n', '\r'])
    }
}

/// The offsets after the line ends that stand in a part of a text.
fn starts_in(text: &str, part: std::ops::Range<usize>) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    let ends = memchr2_iter(b'\n', b'\r', &bytes[part.clone()]).map(move |at| part.start + at);
    let ends = ends.filter(|at| bytes[*at] == b'\n' || bytes.get(at + 1) != Some(&b'\n'));
    ends.map(|at| at + 1)
}

/// A text with two line indices: core's and the client's.
#[derive(Debug, Clone)]
pub(crate) struct Measured<'t> {
    text: &'t str,
    ours: text::LineIndex,
    theirs: Cow<'t, Lines>,
    encoding: Encoding,
}

impl<'t> Measured<'t> {
    /// Scans the text once for each index.
    pub(crate) fn new(text: &'t str, encoding: Encoding) -> Self {
        Self { text, ours: text::LineIndex::new(text), theirs: Cow::Owned(Lines::new(text)), encoding }
    }

    /// A text whose lines are known.
    pub(crate) fn with_lines(text: &'t str, lines: &'t Lines, encoding: Encoding) -> Self {
        // Without `\r`, both indices are the same.
        let ours = match memchr(b'\r', text.as_bytes()) {
            Some(_) => text::LineIndex::new(text),
            None => text::LineIndex::of_starts(lines.starts.clone(), text.len()),
        };
        Self { text, ours, theirs: Cow::Borrowed(lines), encoding }
    }

    /// The text.
    pub(crate) const fn text(&self) -> &'t str {
        self.text
    }

    /// Converts core's range to the client's.
    pub(crate) fn range(&self, range: text::Range) -> Range {
        Range::new(self.position(range.start), self.position(range.end))
    }

    /// Converts core's position to the client's.
    pub(crate) fn position(&self, position: text::Position) -> Position {
        self.theirs.position(self.text, self.ours.offset(position), self.encoding)
    }

    /// The byte offset of a client's position.
    pub(crate) fn offset(&self, position: Position) -> usize {
        self.theirs.offset(self.text, position, self.encoding)
    }

    /// Converts the client's range to core's.
    pub(crate) fn ours(&self, range: Range) -> text::Range {
        self.ours.range(self.theirs.span(self.text, range, self.encoding))
    }
}

/// Saturates; counts beyond four billion do not occur.
fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(encoding: Encoding, text: &str, position: (u32, u32), offset: usize) {
        let lines = Lines::new(text);
        let position = Position::new(position.0, position.1);
        assert_eq!(lines.offset(text, position, encoding), offset);
        assert_eq!(lines.position(text, offset, encoding), position);
    }

    #[test]
    fn characters_are_counted_as_agreed() {
        let text = "é😀x\n";
        check(Encoding::Utf8, text, (0, 6), 6);
        check(Encoding::Utf16, text, (0, 3), 6);
        check(Encoding::Utf32, text, (0, 2), 6);
    }

    #[test]
    fn all_three_line_ends_end_a_line() {
        let text = "a\r\nb\rc\nd";
        for (line, offset) in [(0, 0), (1, 3), (2, 5), (3, 7)] {
            check(Encoding::Utf16, text, (line, 0), offset);
        }
    }

    proptest! {
        #[test]
        fn lines_that_follow_an_edit_are_those_of_the_new_text(
            before in "[a\r\n]{0,12}", at in 0_usize..13, length in 0_usize..4, inserted in "[b\r\n]{0,4}"
        ) {
            let start = at.min(before.len());
            let gone = start..(start + length).min(before.len());
            let mut lines = Lines::new(&before);
            let mut after = before;
            after.replace_range(gone.clone(), &inserted);
            lines.replace(&gone, &after, inserted.len());
            prop_assert_eq!(&lines, &Lines::new(&after));
            let known = Measured::with_lines(&after, &lines, Encoding::Utf16);
            prop_assert_eq!(known.ours, text::LineIndex::new(&after));
        }
    }

    #[test]
    fn a_position_past_a_line_or_inside_of_a_character_is_held_back() {
        let offset = |line, character, encoding| {
            Lines::new("é😀\r\nz").offset("é😀\r\nz", Position::new(line, character), encoding)
        };
        assert_eq!(offset(0, 99, Encoding::Utf16), 6);
        assert_eq!(offset(9, 0, Encoding::Utf16), 9);
        assert_eq!(offset(0, 2, Encoding::Utf16), 2);
        assert_eq!(offset(0, 1, Encoding::Utf8), 0);
    }

    #[test]
    fn bytes_are_preferred_and_utf_16_is_what_remains() {
        let kinds =
            |names: &[&'static str]| names.iter().map(|name| PositionEncodingKind::from(*name)).collect::<Vec<_>>();
        assert_eq!(Encoding::negotiate(&kinds(&["utf-16", "utf-8"])), Encoding::Utf8);
        assert_eq!(Encoding::negotiate(&kinds(&["utf-7", "utf-32"])), Encoding::Utf32);
        assert_eq!(Encoding::negotiate(&[]), Encoding::Utf16);
    }

    #[test]
    fn a_range_of_core_becomes_one_of_the_client_and_back() {
        let text = "a\n  é{{ x }}\n";
        let measured = Measured::new(text, Encoding::Utf16);
        let ours = text::Range::new(text::Position::new(1, 7), text::Position::new(1, 8));
        let theirs = measured.range(ours);
        assert_eq!(theirs, Range::new(Position::new(1, 6), Position::new(1, 7)));
        assert_eq!(measured.ours(theirs), ours);
    }
}
