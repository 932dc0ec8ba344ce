//! Differences between two texts as hunks, and groups of equivalent hunks of many outputs.
//!
//! One edited template line changes hundreds of outputs in the same way, each with its own model's name. Hunks are
//! recognised as equivalent by replacing the case's values with their placeholders.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use serde::Serialize;
use similar::{Algorithm, ChangeTag, TextDiff};
use twox_hash::XxHash3_128;

/// The number of unchanged lines around a change.
const CONTEXT: usize = 3;

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
    pub change: Change,
    /// The text without its line end.
    pub text: String,
}

/// Which of the two texts has a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// In both texts.
    Kept,
    /// Only in the old text.
    Removed,
    /// Only in the new text.
    Added,
}

impl Change {
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
    let old = readable(old);
    let new = readable(new);
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
                old: extent(first.old_range().start..last.old_range().end),
                new: extent(first.new_range().start..last.new_range().end),
                lines,
            })
        })
        .collect()
}

/// The text without the hash of its signature.
fn readable(content: &[u8]) -> String {
    match super::signature::place(content) {
        Some(signature) => {
            let rest = [&content[..signature.words.end], b"\n", &content[signature.line.end..]].concat();
            String::from_utf8_lossy(&rest).into_owned()
        }
        None => String::from_utf8_lossy(content).into_owned(),
    }
}

fn extent(lines: Range<usize>) -> (usize, usize) {
    (if lines.is_empty() { lines.start } else { lines.start + 1 }, lines.len())
}

fn change_of(tag: ChangeTag) -> Change {
    match tag {
        ChangeTag::Equal => Change::Kept,
        ChangeTag::Delete => Change::Removed,
        ChangeTag::Insert => Change::Added,
    }
}

impl Hunk {
    /// The number of context lines before the first change.
    #[must_use]
    pub fn lines_before_change(&self) -> usize {
        self.lines.iter().take_while(|line| line.change == Change::Kept).count()
    }

    /// A hash of the changed lines in which the values of the case are replaced by their placeholders: equivalent hunks
    /// of two cases have the same hash. `values` are the names and values specific to the case.
    #[must_use]
    pub fn likeness(&self, values: &[(&str, String)]) -> u128 {
        let mut by_length: Vec<_> = values.iter().filter(|(_, value)| !value.is_empty()).collect();
        by_length.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        let mut hasher = XxHash3_128::new();
        for line in self.lines.iter().filter(|line| line.change != Change::Kept) {
            let put_back =
                |text: String, (name, value): &&(&str, String)| text.replace(value.as_str(), &format!("{{{name}}}"));
            let text = by_length.iter().fold(line.text.clone(), put_back);
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
