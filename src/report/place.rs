//! Places as people and CI services count them: lines and columns from 1, columns in characters.

use camino::Utf8Path;
use serde::Serialize;
use tgen_core::base::text::{Position, Range};

use crate::printer::Sources;

/// A stretch of a file; the end column is the first one after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

impl Place {
    /// The place of a range in a file. Where the file's text cannot be had, columns count bytes.
    pub(super) fn of(path: &Utf8Path, range: Range, sources: &Sources<'_>) -> Self {
        let text = sources(path);
        let column = |position| column(text.as_deref(), position);
        Self {
            line: range.start.line as usize + 1,
            column: column(range.start),
            end_line: range.end.line as usize + 1,
            end_column: column(range.end),
        }
    }
}

fn column(text: Option<&str>, position: Position) -> usize {
    let bytes = position.column as usize;
    let before = text.and_then(|text| text.split('\n').nth(position.line as usize)).and_then(|line| line.get(..bytes));
    before.map_or(bytes, |before| before.chars().count()) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_from_one() {
        let range = Range::new(Position::new(1, 3), Position::new(1, 5));
        let place = |text: Option<&str>| {
            let place = Place::of("x".into(), range, &|_| text.map(str::to_owned));
            (place.line, place.column, place.end_line, place.end_column)
        };
        assert_eq!(place(Some("a\nöübc\n")), (2, 4, 2, 4));
        assert_eq!(place(Some("a\nübcd\n")), (2, 3, 2, 5));
        assert_eq!(place(None), (2, 4, 2, 6));
        assert_eq!(place(Some("a\n")), (2, 4, 2, 6));
    }
}
