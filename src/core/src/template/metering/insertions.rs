//! Insertions into a template's text, and the mapping of places in the result back to the original.
//!
//! Places are as Tera reports them: lines from 0, columns in characters. Inserted text has no line ends, so line
//! numbers stay the same. This module must not know why text is inserted.

use std::cmp::Ordering;

use crate::base::text::{Position, Range};
use crate::template::syntax::tree::Span;

/// The insertions to make in a text.
#[derive(Debug, Default)]
pub(super) struct Insertions(Vec<Insertion>);

#[derive(Debug)]
struct Insertion {
    at: usize,
    text: String,
    /// The place to report if the inserted call fails.
    about: Span,
}

/// The insertions made in a text, in the order of the text.
#[derive(Debug)]
pub(in crate::template) struct MeteredPlaces(Vec<Inserted>);

/// An insertion in the resulting text.
#[derive(Debug)]
struct Inserted {
    start: Position,
    len: u32,
    about: Range,
}

impl Insertions {
    /// Inserts a text before the character at an offset; insertions at one offset keep their order.
    pub(super) fn add(&mut self, at: usize, text: String, about: &Span) {
        self.0.push(Insertion { at, text, about: about.clone() });
    }

    pub(super) fn apply(mut self, source: &str) -> (String, MeteredPlaces) {
        self.0.sort_by_key(|insertion| insertion.at);
        let positions =
            Positions::of(source, self.0.iter().flat_map(|found| [found.at, found.about.start, found.about.end]));
        let (mut text, mut inserted) = (String::with_capacity(source.len() * 5 / 4), Vec::new());
        let (mut copied, mut line, mut shift) = (0, 0, 0);
        for insertion in &self.0 {
            let original = positions.at(insertion.at);
            if original.line != line {
                (line, shift) = (original.line, 0);
            }
            text.push_str(&source[copied..insertion.at]);
            text.push_str(&insertion.text);
            copied = insertion.at;
            let len = narrow(insertion.text.chars().count());
            let about = Range::new(positions.at(insertion.about.start), positions.at(insertion.about.end));
            inserted.push(Inserted { start: Position::new(line, original.column + shift), len, about });
            shift += len;
        }
        text.push_str(&source[copied..]);
        (text, MeteredPlaces(inserted))
    }
}

impl MeteredPlaces {
    /// Maps a place in the metered text to the original.
    pub(in crate::template) fn original(&self, range: Range) -> Range {
        match self.0.iter().find(|inserted| inserted.holds(range)) {
            Some(inserted) => inserted.about,
            None => Range::new(self.original_position(range.start), self.original_position(range.end)),
        }
    }

    fn original_position(&self, position: Position) -> Position {
        let before = self
            .0
            .iter()
            .filter(|inserted| inserted.start.line == position.line && inserted.start.column < position.column);
        let shift: u32 = before.map(|inserted| inserted.len.min(position.column - inserted.start.column)).sum();
        Position::new(position.line, position.column - shift)
    }
}

impl Inserted {
    fn holds(&self, range: Range) -> bool {
        let end = self.start.column + self.len;
        range.start.line == self.start.line
            && range.end.line == self.start.line
            && self.start.column <= range.start.column
            && range.end.column <= end
            && (range.start.column < end)
    }
}

/// The positions of a list of offsets, computed in one pass.
struct Positions(Vec<(usize, Position)>);

impl Positions {
    fn of(source: &str, offsets: impl Iterator<Item = usize>) -> Self {
        let mut offsets: Vec<usize> = offsets.collect();
        offsets.sort_unstable();
        offsets.dedup();
        let (mut at, mut position) = (0, Position::default());
        let positions = offsets.into_iter().map(|offset| {
            let passed = &source[at..offset];
            at = offset;
            match passed.rfind('\n') {
                Some(last) => {
                    position.line += narrow(passed.bytes().filter(|byte| *byte == b'\n').count());
                    position.column = narrow(passed[last + 1..].chars().count());
                }
                None => position.column += narrow(passed.chars().count()),
            }
            (offset, position)
        });
        Self(positions.collect())
    }

    fn at(&self, offset: usize) -> Position {
        let found = self.0.binary_search_by(|(known, _)| match known {
            known if *known < offset => Ordering::Less,
            known if *known > offset => Ordering::Greater,
            _ => Ordering::Equal,
        });
        found.map_or_else(|_| Position::default(), |found| self.0[found].1)
    }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_place_leads_back_to_where_it_was(
            source in "[aé\n]{0,20}",
            at in prop::collection::vec((any::<prop::sample::Index>(), "[xy]{1,3}"), 0..6),
        ) {
            let mut insertions = Insertions::default();
            let boundary = |index: &prop::sample::Index| source.floor_char_boundary(index.index(source.len() + 1));
            for (index, text) in &at {
                insertions.add(boundary(index), text.clone(), &(0..0));
            }
            let (metered, places) = insertions.apply(&source);
            let characters = |text: &str| {
                let mut position = Position::default();
                let mut all = Vec::new();
                for character in text.chars() {
                    all.push((character, position));
                    position = if character == '\n' { Position::new(position.line + 1, 0) } else { Position::new(position.line, position.column + 1) };
                }
                all
            };
            let kept: Vec<_> = characters(&metered)
                .into_iter()
                .filter(|(character, _)| !matches!(character, 'x' | 'y'))
                .map(|(character, position)| (character, places.original_position(position)))
                .collect();
            prop_assert_eq!(kept, characters(&source));
        }
    }

    #[test]
    fn a_place_in_an_insertion_is_the_place_that_it_is_about() {
        let mut insertions = Insertions::default();
        insertions.add(5, "|w".to_owned(), &(3..5));
        let (metered, places) = insertions.apply("é\n{{a}}");
        assert_eq!(metered, "é\n{{|wa}}");
        let at = |start, end| Range::new(Position::new(1, start), Position::new(1, end));
        assert_eq!(places.original(at(2, 4)), at(0, 2));
        assert_eq!(places.original(at(4, 5)), at(2, 3));
    }
}
