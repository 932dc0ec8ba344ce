//! What kind of change it is that made an output edited, and what to do about it.
//!
//! It must not know Python: whether two texts differ in formatting only is told by the caller.

use camino::Utf8Path;
use serde::Serialize;

use super::conflict;
use super::signature;
use super::state::State;

/// The kind of change that made an output edited. All of them are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EditKind {
    /// A person has changed the text.
    #[default]
    Text,
    /// A formatter has run over the file.
    Formatting,
    /// Git has left conflict markers, and what is between or around them may be the user's.
    Conflict,
}

impl EditKind {
    /// Every kind, in the order of a summary.
    pub const ALL: [Self; 3] = [Self::Text, Self::Formatting, Self::Conflict];

    /// Whether it is the user's, for serde.
    #[must_use]
    pub fn is_text(&self) -> bool {
        *self == Self::Text
    }

    /// The kind of an edited output. `is_formatted_alike` tells of the two texts, without their signatures, whether they
    /// differ in formatting only.
    #[must_use]
    pub fn of(expected: &[u8], existing: &[u8], is_formatted_alike: impl Fn(&[u8], &[u8]) -> bool) -> Self {
        if conflict::is_in(existing) {
            return Self::Conflict;
        }
        let [expected, existing] = [expected, existing].map(signature::without_signature);
        match expected.zip(existing) {
            Some((expected, existing)) if is_formatted_alike(&expected, &existing) => Self::Formatting,
            _ => Self::Text,
        }
    }

    /// What it means, of one output or of many.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Text => State::Edited.meaning(),
            Self::Formatting => "in formatting only, as a formatter leaves a file",
            Self::Conflict => "with git's conflict markers, and perhaps a change by hand",
        }
    }

    /// What to do about outputs in a folder, which is named as the user would name it.
    #[must_use]
    pub fn next_step(self, folder: &Utf8Path) -> String {
        let folder = folder.as_str();
        match self {
            Self::Text => State::Edited.next_step().to_owned(),
            Self::Formatting if folder.is_empty() => format!("{FORMAT_THEM}; {RESTORE_THEM}"),
            Self::Formatting => format!(
                "{FORMAT_THEM}, or exclude them from the formatter (ruff: `extend-exclude = [\"{folder}\"]`; pre-commit: \
                 `exclude: ^{folder}/`); {RESTORE_THEM}"
            ),
            Self::Conflict => {
                "resolve the conflict and run `cargo tgen adopt FILE` to move the change into the template, \
                               or run `cargo tgen generate --force` to discard it"
                    .to_owned()
            }
        }
    }
}

const FORMAT_THEM: &str = "set `format = [\"ruff\", \"format\"]`, or your formatter, in their suite";
const RESTORE_THEM: &str = "`cargo tgen generate --force` writes them as the template says";

/// Whether two texts differ only in blanks at the ends of lines, in blank lines at the end, and in line ends.
#[must_use]
pub fn is_same_but_for_trailing_blanks(left: &[u8], right: &[u8]) -> bool {
    let lines = |text: &[u8]| -> Vec<Vec<u8>> {
        text.trim_ascii_end().split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end().to_vec()).collect()
    };
    lines(left) == lines(right)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::signed_text;
    use super::*;

    #[track_caller]
    fn check(existing: &str, expected: EditKind) {
        let generated = signed_text("one  \n\ntwo\n\n");
        assert_eq!(State::of(generated.as_bytes(), Some(existing.as_bytes())), State::Edited);
        assert_eq!(
            EditKind::of(generated.as_bytes(), existing.as_bytes(), is_same_but_for_trailing_blanks),
            expected,
            "{existing}"
        );
    }

    #[test]
    fn an_edit_is_told_from_a_formatter_and_from_a_merge() {
        let generated = signed_text("one  \n\ntwo\n\n");
        check(&generated.replace("two", "mine"), EditKind::Text);
        check(&generated.replace("one  ", " one"), EditKind::Text);
        check(&generated.replace("one  ", "one"), EditKind::Formatting);
        check(generated.trim_end(), EditKind::Formatting);
        check(&generated.replace("two\n", "<<<<<<< HEAD\nmine\n=======\ntwo\n>>>>>>> side\n"), EditKind::Conflict);
    }

    #[test]
    fn the_lines_that_exclude_a_folder_name_it() {
        assert!(EditKind::Formatting.next_step("tests/gen".into()).contains("`exclude: ^tests/gen/`"));
        assert!(!EditKind::Formatting.next_step("".into()).contains("exclude"));
    }
}
