//! The conflict markers that git writes into a file that two branches have changed.
//!
//! This module reads a text. It must not know git's own files, nor what the text is for.

use std::ops::Range;

/// A file with conflicts, as it would be with each of them resolved to one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflicts {
    /// Where the first marker's line is, without its line end.
    pub first_marker: Range<usize>,
    /// The file with our side of every conflict.
    pub ours: Vec<u8>,
    /// The file with their side of every conflict.
    pub theirs: Vec<u8>,
}

/// Which part of a conflict a line is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Outside,
    Ours,
    /// The common ancestor, where git is configured to show it.
    Base,
    Theirs,
}

impl Conflicts {
    /// Reads a file's conflicts. `None` if it has none, or if its markers are not complete.
    #[must_use]
    pub fn read(content: &[u8]) -> Option<Self> {
        // Most files have no conflict, and for them this search is the only cost.
        memchr::memmem::find(content, b"<<<<<<<")?;
        let (mut ours, mut theirs, mut first) = (Vec::new(), Vec::new(), None);
        let (mut part, mut at) = (Part::Outside, 0);
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            let text = line.trim_ascii_end();
            let next = part_after(part, text);
            match next {
                Some(Part::Ours) => first = first.or(Some(at..at + text.len())),
                Some(_) => {}
                None => {
                    if matches!(part, Part::Outside | Part::Ours) {
                        ours.extend_from_slice(line);
                    }
                    if matches!(part, Part::Outside | Part::Theirs) {
                        theirs.extend_from_slice(line);
                    }
                }
            }
            part = next.unwrap_or(part);
            at += line.len();
        }
        let first_marker = first.filter(|_| part == Part::Outside)?;
        Some(Self { first_marker, ours, theirs })
    }
}

/// The part that begins after a line, where the line is the marker for it.
fn part_after(part: Part, line: &[u8]) -> Option<Part> {
    match part {
        Part::Outside if is_marker(line, b'<') => Some(Part::Ours),
        Part::Ours if is_marker(line, b'|') => Some(Part::Base),
        Part::Ours | Part::Base if is_marker(line, b'=') => Some(Part::Theirs),
        Part::Theirs if is_marker(line, b'>') => Some(Part::Outside),
        _ => None,
    }
}

/// Seven of a character at the start of a line, and a label or nothing after them.
fn is_marker(line: &[u8], character: u8) -> bool {
    let (start, rest) = line.split_at(line.len().min(7));
    start.len() == 7 && start.iter().all(|byte| *byte == character) && matches!(rest.first(), None | Some(b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &str, expected: Option<(&str, &str, &str)>) {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let read = Conflicts::read(content.as_bytes())
            .map(|found| (content[found.first_marker].to_owned(), text(found.ours), text(found.theirs)));
        let expected = expected.map(|(marker, ours, theirs)| (marker.to_owned(), ours.to_owned(), theirs.to_owned()));
        assert_eq!(read, expected);
    }

    #[test]
    fn each_side_is_the_whole_file_as_that_side_has_it() {
        check("a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> side\nd\n", Some(("<<<<<<< HEAD", "a\nb\nd\n", "a\nc\nd\n")));
        check("<<<<<<<\r\nb\r\n=======\r\n>>>>>>>", Some(("<<<<<<<", "b\r\n", "")));
    }

    #[test]
    fn the_common_ancestor_is_on_neither_side() {
        check(
            "<<<<<<< HEAD\na\n||||||| base\n<<<<<<<<< x\nold\n=======\nb\n>>>>>>> side\n<<<<<<< HEAD\n=======\nc\n>>>>>>> side\n",
            Some(("<<<<<<< HEAD", "a\n", "b\nc\n")),
        );
    }

    #[test]
    fn what_git_did_not_write_is_no_conflict() {
        check("Title\n=======\n", None);
        check("<<<<<<< HEAD\na\n", None);
        check("<<<<<<< HEAD\na\n=======\nb\n", None);
        check("<<<<<<<< HEAD\na\n=======\nb\n>>>>>>>> side\n", None);
        check(" <<<<<<< HEAD\na\n=======\nb\n>>>>>>> side\n", None);
    }
}
