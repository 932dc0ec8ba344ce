//! Places in a text: byte offsets, positions and ranges, and an index that converts between them.
//!
//! This module must not know templates or files.

use std::borrow::Cow;

use serde::Serialize;

/// A place in a text: zero-based line, and zero-based column counted in UTF-8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Position {
    /// Zero-based line.
    pub line: u32,
    /// Zero-based column in UTF-8 bytes.
    pub column: u32,
}

impl Position {
    /// The position at `line` and `column`, both zero-based, the column in bytes.
    #[must_use]
    pub const fn new(line: u32, column: u32) -> Self {
        Self { line, column }
    }
}

/// A half-open range of text between two positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Range {
    /// The first position inside the range.
    pub start: Position,
    /// The first position after the range.
    pub end: Position,
}

impl Range {
    /// The range from `start` to `end`.
    #[must_use]
    pub const fn new(start: Position, end: Position) -> Self {
        Self { start, end }
    }
}

/// The byte offsets at which the lines of one text begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<usize>,
    len: usize,
}

impl LineIndex {
    /// Reads `text` once and remembers where its lines begin.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let after_newlines = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        Self { starts: std::iter::once(0).chain(after_newlines).collect(), len: text.len() }
    }

    /// The index of a text of `len` bytes whose lines begin at `starts`, the first at 0.
    #[must_use]
    pub fn of_starts(starts: Vec<usize>, len: usize) -> Self {
        debug_assert_eq!(starts.first(), Some(&0));
        Self { starts, len }
    }

    /// The position of a byte offset; an offset past the end is the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.len);
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        Position::new(narrow(line), narrow(offset - self.starts[line]))
    }

    /// The range of a span of byte offsets.
    #[must_use]
    pub fn range(&self, span: std::ops::Range<usize>) -> Range {
        Range::new(self.position(span.start), self.position(span.end))
    }

    /// The byte offset of a position, clamped to its line and to the text.
    #[must_use]
    pub fn offset(&self, position: Position) -> usize {
        let line = (position.line as usize).min(self.starts.len() - 1);
        let end = self.starts.get(line + 1).map_or(self.len, |next| next - 1);
        (self.starts[line] + position.column as usize).min(end)
    }
}

/// Converts a range whose columns count characters to one whose columns count bytes.
#[must_use]
pub fn columns_to_bytes(source: &str, range: Range) -> Range {
    let index = LineIndex::new(source);
    let convert = |position: Position| {
        let line = source.lines().nth(position.line as usize).unwrap_or_default();
        let column = line.chars().take(position.column as usize).map(char::len_utf8).sum();
        index.position(index.offset(Position::new(position.line, narrow(column))))
    };
    Range::new(convert(range.start), convert(range.end))
}

/// A text whose lines end with `\n`. Lines and columns stay what they are.
#[must_use]
pub fn with_unix_line_ends(text: &str) -> Cow<'_, str> {
    match memchr::memchr(b'\r', text.as_bytes()) {
        Some(_) => Cow::Owned(text.replace("\r\n", "\n")),
        None => Cow::Borrowed(text),
    }
}

/// The part of `old` that an edit replaced to give `new`, as byte offsets in `old`, and the length of the replacement.
#[must_use]
pub fn replaced(old: &str, new: &str) -> (std::ops::Range<usize>, usize) {
    let (old, new) = (old.as_bytes(), new.as_bytes());
    let before = common_length(old.iter(), new.iter(), old.chunks(BLOCK).zip(new.chunks(BLOCK)));
    let (rest_of_old, rest_of_new) = (&old[before..], &new[before..]);
    let blocks = rest_of_old.rchunks(BLOCK).zip(rest_of_new.rchunks(BLOCK));
    let after = common_length(rest_of_old.iter().rev(), rest_of_new.iter().rev(), blocks);
    (before..old.len() - after, new.len() - after - before)
}

/// How many bytes are compared at once.
const BLOCK: usize = 256;

/// The number of bytes that two texts share at one end. All iterators start at that end.
fn common_length<'t>(
    old: impl Iterator<Item = &'t u8>,
    new: impl Iterator<Item = &'t u8>,
    blocks: impl Iterator<Item = (&'t [u8], &'t [u8])>,
) -> usize {
    let whole = BLOCK * blocks.take_while(|(old, new)| old.len() == BLOCK && old == new).count();
    whole + old.zip(new).skip(whole).take_while(|(old, new)| old == new).count()
}

/// Saturates: texts with four billion lines or columns are never read.
fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_offset_after_a_newline_starts_a_line() {
        let index = LineIndex::new("a\nbc\n");
        assert_eq!(index.position(0), Position::new(0, 0));
        assert_eq!(index.position(3), Position::new(1, 1));
        assert_eq!(index.position(99), Position::new(2, 0));
    }

    proptest! {
        #[test]
        fn every_offset_survives_the_way_to_a_position_and_back(text in "[a-zé\n]{0,40}", at in 0_usize..60) {
            let index = LineIndex::new(&text);
            let offset = at.min(text.len());
            prop_assert_eq!(index.offset(index.position(offset)), offset);
        }

        #[test]
        fn what_was_replaced_makes_the_new_text_of_the_old(
            start in "[abé]{0,400}", old in "[abé]{0,12}", new in "[abé]{0,12}", end in "[abé]{0,400}"
        ) {
            let (old, new) = (format!("{start}{old}{end}"), format!("{start}{new}{end}"));
            let (span, length) = replaced(&old, &new);
            let middle = &new.as_bytes()[span.start..span.start + length];
            let rebuilt = [&old.as_bytes()[..span.start], middle, &old.as_bytes()[span.end..]].concat();
            prop_assert_eq!(rebuilt, new.as_bytes());
            prop_assert!(span.is_empty() || length == 0 || old.as_bytes()[span.start] != new.as_bytes()[span.start]);
        }
    }
}
