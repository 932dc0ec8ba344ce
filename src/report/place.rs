//! Places as people and CI services count them: lines and columns from 1, columns in characters.

use camino::Utf8Path;
use serde::Serialize;
use tgen_core::base::text::{Position, Range};

use crate::printer::{Source, SourceCache};

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
    pub(super) fn of(path: &Utf8Path, range: Range, sources: &SourceCache<'_>) -> Self {
        let source = sources.get(path);
        let column = |position| column(source.as_deref(), position);
        Self {
            line: range.start.line as usize + 1,
            column: column(range.start),
            end_line: range.end.line as usize + 1,
            end_column: column(range.end),
        }
    }
}

fn column(source: Option<&Source>, position: Position) -> usize {
    let bytes = position.column as usize;
    let before = source.and_then(|Source { text, index }| {
        let start = index.offset(Position::new(position.line, 0));
        text.get(start..start + bytes).filter(|before| !before.contains('\n'))
    });
    before.map_or(bytes, |before| before.chars().count()) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_from_one() {
        let range = Range::new(Position::new(1, 3), Position::new(1, 5));
        let place = |text: Option<&str>| {
            let place = Place::of("x".into(), range, &SourceCache::new(&|_| text.map(str::to_owned)));
            (place.line, place.column, place.end_line, place.end_column)
        };
        assert_eq!(place(Some("a\nöübc\n")), (2, 4, 2, 4));
        assert_eq!(place(Some("a\nübcd\n")), (2, 3, 2, 5));
        assert_eq!(place(None), (2, 4, 2, 6));
        assert_eq!(place(Some("a\n")), (2, 4, 2, 6));
    }
}
