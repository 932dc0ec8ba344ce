//! How an edited text differs from what was generated: blocks of lines, and the ways to read a block as edits of single
//! words. This module must not know templates.

use std::ops::Range;

use similar::{Algorithm, DiffTag, capture_diff_slices};

/// Consecutive lines that differ. Byte offsets of whole lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// In the generated text.
    pub(super) old: Range<usize>,
    /// In the edited text.
    pub(super) new: Range<usize>,
    /// How many lines differ, in both texts together.
    pub(super) weight: usize,
}

/// A stretch of the generated text, and what replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TextReplacement {
    pub(super) old: Range<usize>,
    pub(super) text: String,
}

/// The blocks in which two texts differ.
pub(super) fn blocks(old: &str, new: &str) -> Vec<Block> {
    if old == new {
        return Vec::new();
    }
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (lines(old), lines(new));
    let (old_starts, new_starts) = (starts(&old_lines), starts(&new_lines));
    let operations = capture_diff_slices(Algorithm::Myers, &old_lines, &new_lines);
    let mut blocks: Vec<Block> = Vec::new();
    for operation in operations.iter().filter(|operation| operation.tag() != DiffTag::Equal) {
        let (old, new) = (operation.old_range(), operation.new_range());
        let block = Block {
            old: old_starts[old.start]..old_starts[old.end],
            new: new_starts[new.start]..new_starts[new.end],
            weight: old.len() + new.len(),
        };
        match blocks.last_mut() {
            Some(last) if last.old.end == block.old.start && last.new.end == block.new.start => {
                last.old.end = block.old.end;
                last.new.end = block.new.end;
                last.weight += block.weight;
            }
            _ => blocks.push(block),
        }
    }
    blocks
}

/// How many lines differ.
pub(super) fn weight(old: &str, new: &str) -> usize {
    blocks(old, new).iter().map(|block| block.weight).sum()
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn starts(lines: &[&str]) -> Vec<usize> {
    let mut at = 0;
    let ends = lines.iter().map(|line| {
        at += line.len();
        at
    });
    std::iter::once(0).chain(ends).collect()
}

impl Block {
    /// Whether both cover some of the same lines of the edited text.
    pub(super) fn meets(&self, other: &Self) -> bool {
        if self.new.is_empty() || other.new.is_empty() {
            self.new.start <= other.new.end && other.new.start <= self.new.end
        } else {
            self.new.start < other.new.end && other.new.start < self.new.end
        }
    }

    /// Both as one, with the lines between them, if these are few.
    pub(super) fn joined(&self, next: &Self, old: &str) -> Option<Self> {
        let between = old.get(self.old.end..next.old.start)?.matches('\n').count();
        (between <= MOST_BETWEEN).then(|| Self {
            old: self.old.start..next.old.end,
            new: self.new.start..next.new.end,
            weight: self.weight + next.weight,
        })
    }

    /// Its lines one by one, where each has its counterpart.
    pub(super) fn line_by_line(&self, old: &str, new: &str) -> Vec<Self> {
        let (old_lines, new_lines) = (lines(&old[self.old.clone()]), lines(&new[self.new.clone()]));
        if old_lines.len() != new_lines.len() || old_lines.len() < 2 {
            return Vec::new();
        }
        let (old_starts, new_starts) = (starts(&old_lines), starts(&new_lines));
        (0..old_lines.len())
            .filter(|number| old_lines[*number] != new_lines[*number])
            .map(|number| Self {
                old: self.old.start + old_starts[number]..self.old.start + old_starts[number + 1],
                new: self.new.start + new_starts[number]..self.new.start + new_starts[number + 1],
                weight: 2,
            })
            .collect()
    }

    /// The ways to read it, each a list of edits in the order of the text. `values` are the stretches of the generated text
    /// that are values.
    pub(super) fn readings(&self, old: &str, new: &str, values: &[Range<usize>]) -> Vec<Vec<TextReplacement>> {
        let (before, after) = (&old[self.old.clone()], &new[self.new.clone()]);
        let mut readings = vec![self.by_tokens(before, after, &words(before), &words(after))];
        readings.extend(self.around_values(old, after, values));
        readings.push(
            trimmed(old, &TextReplacement { old: self.old.clone(), text: after.to_owned() }).into_iter().collect(),
        );
        if before.len() + after.len() < LONGEST_BY_CHARACTERS {
            readings.push(self.by_tokens(before, after, &characters(before), &characters(after)));
        }
        let mut distinct: Vec<Vec<TextReplacement>> = Vec::new();
        for reading in readings {
            if !reading.is_empty() && !distinct.contains(&reading) {
                distinct.push(reading);
            }
        }
        distinct
    }

    fn by_tokens(&self, old: &str, new: &str, old_tokens: &[&str], new_tokens: &[&str]) -> Vec<TextReplacement> {
        let (old_starts, new_starts) = (starts(old_tokens), starts(new_tokens));
        let mut edits: Vec<TextReplacement> = Vec::new();
        for operation in capture_diff_slices(Algorithm::Myers, old_tokens, new_tokens) {
            if operation.tag() == DiffTag::Equal {
                continue;
            }
            let (old_range, new_range) = (operation.old_range(), operation.new_range());
            let place = old_starts[old_range.start]..old_starts[old_range.end];
            let text = &new[new_starts[new_range.start]..new_starts[new_range.end]];
            match edits.last_mut() {
                Some(last) if last.old.end == place.start => {
                    last.old.end = place.end;
                    last.text.push_str(text);
                }
                _ => edits.push(TextReplacement { old: place, text: text.to_owned() }),
            }
        }
        let trimmed = edits.iter().filter_map(|edit| trimmed(old, edit));
        trimmed
            .map(|edit| TextReplacement { old: self.old.start + edit.old.start..self.old.start + edit.old.end, ..edit })
            .collect()
    }

    /// The text between the values changes, and each value stays; none where a value is gone.
    fn around_values(&self, old: &str, after: &str, values: &[Range<usize>]) -> Option<Vec<TextReplacement>> {
        let inside = values.iter().filter(|value| self.old.start <= value.start && value.end <= self.old.end);
        let (mut edits, mut at, mut taken) = (Vec::new(), self.old.start, 0);
        for value in inside {
            let found = taken + after[taken..].find(&old[value.clone()])?;
            edits.extend(trimmed(old, &TextReplacement { old: at..value.start, text: after[taken..found].to_owned() }));
            taken = found + value.len();
            at = value.end;
        }
        edits.extend(trimmed(old, &TextReplacement { old: at..self.old.end, text: after[taken..].to_owned() }));
        Some(edits)
    }
}

/// How many equal lines may stand between two blocks that are read as one.
const MOST_BETWEEN: usize = 4;
/// From this many bytes on a block is not compared character by character.
const LONGEST_BY_CHARACTERS: usize = 4096;

/// An edit without the common beginning and end of both texts; none if they are equal.
fn trimmed(old: &str, edit: &TextReplacement) -> Option<TextReplacement> {
    let before = &old[edit.old.clone()];
    if before == edit.text {
        return None;
    }
    let start = before.bytes().zip(edit.text.bytes()).take_while(|(old, new)| old == new).count();
    let start = before.floor_char_boundary(start).min(edit.text.floor_char_boundary(start));
    let (old_rest, new_rest) = (&before[start..], &edit.text[start..]);
    let same = old_rest.bytes().rev().zip(new_rest.bytes().rev()).take_while(|(old, new)| old == new).count();
    let old_end = old_rest.ceil_char_boundary(old_rest.len() - same);
    let end = old_rest.len() - old_end;
    let text = new_rest[..new_rest.len() - end].to_owned();
    Some(TextReplacement { old: edit.old.start + start..edit.old.end - end, text })
}

/// Words, runs of white space, and single other characters.
fn words(text: &str) -> Vec<&str> {
    let kind = |character: char| match character {
        '\n' => 0,
        _ if character.is_whitespace() => 1,
        _ if character.is_alphanumeric() || character == '_' => 2,
        _ => 3,
    };
    let mut words = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, character) in text.char_indices() {
        let this = kind(character);
        if last.is_some_and(|last| last != this || this == 0 || this == 3) {
            words.push(&text[start..at]);
            start = at;
        }
        last = Some(this);
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

fn characters(text: &str) -> Vec<&str> {
    text.char_indices().map(|(at, character)| &text[at..at + character.len_utf8()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn applied(old: &str, edits: &[TextReplacement]) -> String {
        let (mut text, mut at) = (String::new(), 0);
        for edit in edits {
            text.push_str(&old[at..edit.old.start]);
            text.push_str(&edit.text);
            at = edit.old.end;
        }
        text + &old[at..]
    }

    proptest! {
        #[test]
        fn every_reading_of_every_block_leads_to_the_edited_text(old in "[abé_ \n]{0,30}", new in "[abé_ \n]{0,30}") {
            let blocks = blocks(&old, &new);
            let values: Vec<_> = old.match_indices('a').map(|(at, _)| at..at + 1).collect();
            let most = blocks.iter().map(|block| block.readings(&old, &new, &values).len()).max().unwrap_or_default();
            for reading in 0..most {
                let edits: Vec<_> = blocks.iter().flat_map(|block| {
                    let readings = block.readings(&old, &new, &values);
                    readings[reading.min(readings.len() - 1)].clone()
                }).collect();
                prop_assert_eq!(applied(&old, &edits), new.clone());
            }
        }
    }
}
