//! Merge conflicts that git has left in an output.
//!
//! If two branches regenerate an output, git merges their texts, and at least the signatures conflict. Such a file
//! contains no edit by a user, so it may be overwritten. This module must not know git's own files.

use super::signature;

/// Whether a file is git's merge of two generated texts: outside the conflicts it contains only lines of `expected`,
/// and both sides of its conflicts carry a signature, so they are in git's history.
pub(super) fn is_between_generated(expected: &[u8], existing: &[u8]) -> bool {
    let Some(conflicts) = Conflicts::read(existing) else { return false };
    conflicts.both_signed && is_part(&conflicts.merged, &lines(expected).collect::<Vec<_>>())
}

/// The conflicts of a file.
struct Conflicts<'t> {
    /// Whether a conflict has a signature on both sides.
    both_signed: bool,
    /// The lines outside all conflicts.
    merged: Vec<&'t [u8]>,
}

/// Which part of a conflict a line is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Outside,
    Ours,
    /// The common ancestor, if git is configured to write it.
    Base,
    Theirs,
}

impl<'t> Conflicts<'t> {
    /// Parses a file's conflicts; `None` if there are none or the markers are malformed.
    fn read(content: &'t [u8]) -> Option<Self> {
        let mut found = Self { both_signed: false, merged: Vec::new() };
        let (mut side, mut signed, mut any) = (Side::Outside, [false; 2], false);
        for line in lines(content) {
            let next = match side {
                Side::Outside if is_marker(line, b'<') => Some(Side::Ours),
                Side::Ours if is_marker(line, b'|') => Some(Side::Base),
                Side::Ours | Side::Base if is_marker(line, b'=') => Some(Side::Theirs),
                Side::Theirs if is_marker(line, b'>') => Some(Side::Outside),
                _ => None,
            };
            match (next, side) {
                (Some(Side::Outside), _) => {
                    found.both_signed |= signed == [true; 2];
                    (signed, any) = ([false; 2], true);
                }
                (None, Side::Outside) => found.merged.push(line),
                (None, Side::Ours) => signed[0] |= signature::is_signed(line),
                (None, Side::Theirs) => signed[1] |= signature::is_signed(line),
                _ => {}
            }
            side = next.unwrap_or(side);
        }
        (any && side == Side::Outside).then_some(found)
    }
}

/// Whether a line is a marker: a character seven times at its start, then nothing or a label.
fn is_marker(line: &[u8], character: u8) -> bool {
    let (start, rest) = line.split_at(line.len().min(7));
    start.len() == 7 && start.iter().all(|byte| *byte == character) && matches!(rest.first(), None | Some(b' '))
}

fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Whether the lines are a subsequence of the whole.
fn is_part(lines: &[&[u8]], whole: &[&[u8]]) -> bool {
    let mut rest = whole.iter();
    lines.iter().all(|line| rest.any(|other| other == line))
}
