//! Differences between two texts as hunks, and groups of equivalent hunks of many outputs.
//!
//! One edited template line changes hundreds of outputs in the same way, each with its own model's name. Hunks are
//! recognised as equivalent by replacing the case's values with their placeholders.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use memchr::{memchr_iter, memmem, memrchr, memrchr_iter};
use serde::Serialize;
use similar::{Algorithm, ChangeTag, TextDiff};
use twox_hash::XxHash3_128;

/// The number of unchanged lines around a change.
const CONTEXT: usize = 3;
/// How many bytes are compared at once.
const CHUNK: usize = 128;

/// A group of changed lines with context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hunk {
    /// The first line in the old text, from 1, and the number of lines.
    pub old: (usize, usize),
    /// The first line in the new text, from 1, and the number of lines.
    pub new: (usize, usize),
    /// The lines.
    pub lines: Vec<Line>,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Line {
    /// Which of the two texts has it.
    pub change: LineChange,
    /// The text without its line end.
    pub text: String,
}

/// Which of the two texts has a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LineChange {
    /// In both texts.
    Kept,
    /// Only in the old text.
    Removed,
    /// Only in the new text.
    Added,
}

impl LineChange {
    /// The sign before the line in a unified diff.
    #[must_use]
    pub const fn sign(self) -> char {
        match self {
            Self::Kept => ' ',
            Self::Removed => '-',
            Self::Added => '+',
        }
    }
}

/// The hunks from `old` to `new`, ignoring line ends and the signature's hash, which always changes.
#[must_use]
pub fn hunks(old: &[u8], new: &[u8]) -> Vec<Hunk> {
    let (old, new) = (readable(old), readable(new));
    // Most texts differ in few lines, and comparing bytes is much faster than comparing lines.
    let Differing { lines_before, old, new } = Differing::of(&old, &new);
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_slices(&old_lines, &new_lines);
    diff.grouped_ops(CONTEXT)
        .iter()
        .filter_map(|group| {
            let lines: Vec<Line> = group
                .iter()
                .flat_map(|operation| diff.iter_changes(operation))
                .map(|change| Line { change: change_of(change.tag()), text: change.value().to_owned() })
                .collect();
            let first = group.first()?;
            let last = group.last()?;
            Some(Hunk {
                old: extent(first.old_range().start..last.old_range().end, lines_before),
                new: extent(first.new_range().start..last.new_range().end, lines_before),
                lines,
            })
        })
        .collect()
}

/// The parts of two texts that differ, with the unchanged lines that are shown around them.
struct Differing<'t> {
    /// The number of lines before the parts.
    lines_before: usize,
    old: &'t [u8],
    new: &'t [u8],
}

impl<'t> Differing<'t> {
    fn of(old: &'t [u8], new: &'t [u8]) -> Self {
        let same = common_prefix(old, new);
        let start = memrchr_iter(b'\n', &old[..same]).nth(CONTEXT).map_or(0, |newline| newline + 1);
        let line = memrchr(b'\n', &old[..same]).map_or(0, |newline| newline + 1);
        let same = common_suffix(&old[line..], &new[line..]);
        let end = memchr_iter(b'\n', &old[old.len() - same..]).nth(CONTEXT).map_or(0, |newline| same - newline - 1);
        Self {
            lines_before: memchr_iter(b'\n', &old[..start]).count(),
            old: &old[start..old.len() - end],
            new: &new[start..new.len() - end],
        }
    }
}

fn common_prefix(left: &[u8], right: &[u8]) -> usize {
    let chunks = left.chunks_exact(CHUNK).zip(right.chunks_exact(CHUNK));
    let same = CHUNK * chunks.take_while(|(left, right)| left == right).count();
    same + left[same..].iter().zip(&right[same..]).take_while(|(left, right)| left == right).count()
}

fn common_suffix(left: &[u8], right: &[u8]) -> usize {
    let chunks = left.rchunks_exact(CHUNK).zip(right.rchunks_exact(CHUNK));
    let same = CHUNK * chunks.take_while(|(left, right)| left == right).count();
    let rest = |text: &'_ [u8]| text.len() - same;
    let (left, right) = (&left[..rest(left)], &right[..rest(right)]);
    same + left.iter().rev().zip(right.iter().rev()).take_while(|(left, right)| left == right).count()
}

/// The text without the hash of its signature.
fn readable(content: &[u8]) -> Cow<'_, [u8]> {
    match super::signature::place(content) {
        Some(signature) => [&content[..signature.words.end], b"\n", &content[signature.line.end..]].concat().into(),
        None => content.into(),
    }
}

/// The first of some lines, counted from 1 with those before, and their number.
fn extent(lines: Range<usize>, lines_before: usize) -> (usize, usize) {
    (lines_before + if lines.is_empty() { lines.start } else { lines.start + 1 }, lines.len())
}

fn change_of(tag: ChangeTag) -> LineChange {
    match tag {
        ChangeTag::Equal => LineChange::Kept,
        ChangeTag::Delete => LineChange::Removed,
        ChangeTag::Insert => LineChange::Added,
    }
}

impl Hunk {
    /// The number of context lines before the first change.
    #[must_use]
    pub fn lines_before_change(&self) -> usize {
        self.lines.iter().take_while(|line| line.change == LineChange::Kept).count()
    }

    /// A hash of the changed lines in which the values of the case are replaced by their placeholders: equivalent hunks
    /// of two cases have the same hash. `values` are the names and values specific to the case.
    #[must_use]
    pub fn likeness(&self, values: &[(&str, String)]) -> u128 {
        let mut by_length: Vec<_> = values.iter().filter(|(_, value)| !value.is_empty()).collect();
        by_length.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        let finders: Vec<_> = by_length.iter().map(|(name, value)| (memmem::Finder::new(value), name, value)).collect();
        let mut hasher = XxHash3_128::new();
        for line in self.lines.iter().filter(|line| line.change != LineChange::Kept) {
            let mut text = Cow::from(&line.text);
            for (finder, name, value) in &finders {
                if finder.find(text.as_bytes()).is_some() {
                    text = text.replace(value.as_str(), &format!("{{{name}}}")).into();
                }
            }
            hasher.write(&[line.change.sign() as u8]);
            hasher.write(text.as_bytes());
            hasher.write(b"\n");
        }
        hasher.finish_128()
    }
}

/// Equivalent hunks: one example and their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HunkGroup {
    /// The output of the example, by number.
    pub output: usize,
    /// The example.
    pub hunk: Hunk,
    /// The number of equivalent hunks, including the example.
    pub count: usize,
}

/// Groups equivalent hunks, added in any order, and keeps one example of each.
#[derive(Debug, Default)]
pub struct HunkGroups(HashMap<u128, HunkGroup>);

impl HunkGroups {
    /// Adds a hunk of an output; the example of a group is the hunk of the lowest output.
    pub fn add(&mut self, output: usize, hunk: Hunk, likeness: u128) {
        match self.0.entry(likeness) {
            Entry::Vacant(vacant) => {
                vacant.insert(HunkGroup { output, hunk, count: 1 });
            }
            Entry::Occupied(mut occupied) => {
                let group = occupied.get_mut();
                group.count += 1;
                if output < group.output {
                    group.output = output;
                    group.hunk = hunk;
                }
            }
        }
    }

    /// The groups, in the order of their examples.
    #[must_use]
    pub fn into_groups(self) -> Vec<HunkGroup> {
        let mut groups: Vec<_> = self.0.into_values().collect();
        groups.sort_by_key(|group| (group.output, group.hunk.old));
        groups
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(old: &str, new: &str, expected: &str) {
        let shown: Vec<String> = hunks(old.as_bytes(), new.as_bytes())
            .iter()
            .map(|hunk| {
                let lines: String =
                    hunk.lines.iter().map(|line| format!("\n{}{}", line.change.sign(), line.text)).collect();
                format!("@@ -{},{} +{},{} @@{lines}", hunk.old.0, hunk.old.1, hunk.new.0, hunk.new.1)
            })
            .collect();
        assert_eq!(shown.join("\n"), expected);
    }

    #[test]
    fn a_changed_line_stands_in_its_surroundings() {
        check("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\nfive\n6\n", "@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n+five\n 6");
        check("", "a\n", "@@ -0,0 +1,1 @@\n+a");
        check("a\r\nb\r\n", "a\nb\n", "");
    }

    proptest! {
        #[test]
        fn texts_differ_where_their_lines_do(
            lines in prop::collection::vec((0..4, 0..3, prop::sample::select(&["\n", "\r\n"][..])), 0..40),
            is_ended in any::<[bool; 2]>(),
        ) {
            let text = |changed: bool| -> Vec<String> {
                let kept = lines.iter().filter(|(kind, _, _)| *kind != if changed { 1 } else { 2 });
                let line = |(kind, word, end): &(i32, i32, &str)| match (kind, changed) {
                    (3, true) => format!("new {word}\n"),
                    _ => format!("{word}{end}"),
                };
                kept.map(line).collect()
            };
            let [old, new] = [false, true].map(text);
            let [old, new] = [(old, is_ended[0]), (new, is_ended[1])].map(|(text, is_ended)| {
                let text = text.concat();
                if is_ended { text } else { text.trim_end().to_owned() }
            });
            let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
            let whole = TextDiff::configure().algorithm(Algorithm::Myers).diff_slices(&old_lines, &new_lines);
            let whole: Vec<_> = whole.grouped_ops(CONTEXT).iter().map(|group| {
                let (first, last) = (group.first().unwrap(), group.last().unwrap());
                let old = extent(first.old_range().start..last.old_range().end, 0);
                (old, extent(first.new_range().start..last.new_range().end, 0))
            }).collect();
            let hunks: Vec<_> = hunks(old.as_bytes(), new.as_bytes()).into_iter().map(|hunk| (hunk.old, hunk.new)).collect();
            prop_assert_eq!(hunks, whole);
        }
    }

    #[test]
    fn the_same_edit_in_two_outputs_is_one_group() {
        let hunk = |model: &str| {
            hunks(format!("x\nold {model}\n").as_bytes(), format!("x\nnew {model}\n").as_bytes()).remove(0)
        };
        let likeness = |model: &str| hunk(model).likeness(&[("model_name", model.to_owned())]);
        let mut groups = HunkGroups::default();
        for (output, model) in [(7, "vit"), (3, "bert")] {
            groups.add(output, hunk(model), likeness(model));
        }
        let groups = groups.into_groups();
        assert_eq!((groups.len(), groups[0].output, groups[0].count), (1, 3, 2));
    }
}
