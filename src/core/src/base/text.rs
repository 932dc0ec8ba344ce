//! Places in a text: byte offsets, positions and ranges, and the index that turns one into the other.
//!
//! This module must not know templates or files.

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

/// A half-open stretch of text between two positions.
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
        let after_newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(after_newlines).collect(), len: text.len() }
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

/// A range of a text whose columns count characters, with columns that count bytes.
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

/// Saturates; texts with four billion lines or columns are not read.
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
    }
}
