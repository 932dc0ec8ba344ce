//! Makes text from outside safe to print: names, file contents and messages that contain them.
//!
//! Such text must not be interpreted: not by a terminal (control characters, bidirectional overrides), and not by a CI
//! service that reads commands from its log (`::error::` at the start of a line, `##[error]` anywhere in it).
//! Everything that is printed for people goes through [`visible`] or [`visible_lines`]; JSON goes through [`Escaping`],
//! which is lossless. This module must not know where the text comes from.

use std::borrow::Cow;
use std::io::{self, Write};

/// Foreign text on one line: line feeds are made visible.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    shown(text, Layout::OneLine)
}

/// Foreign text of several lines, such as a message or a source excerpt.
pub(crate) fn visible_lines(text: &str) -> Cow<'_, str> {
    shown(text, Layout::Lines)
}

/// See [`visible_lines`]; also returns where two byte offsets of `text` are in the result.
pub(super) fn visible_with_offsets(text: &str, offsets: [usize; 2]) -> (String, [usize; 2]) {
    let (mut result, mut moved) = (String::with_capacity(text.len()), [None; 2]);
    let mut note = |at: usize, length: usize| {
        for (offset, moved) in offsets.iter().zip(&mut moved) {
            if moved.is_none() && at >= *offset {
                *moved = Some(length);
            }
        }
    };
    for (at, piece) in pieces(text, Layout::Lines) {
        note(at, result.len());
        result.push_str(&piece);
    }
    let end = result.len();
    (result, moved.map(|moved| moved.unwrap_or(end)))
}

/// Whether a line feed ends a line or is made visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    OneLine,
    Lines,
}

fn shown(text: &str, layout: Layout) -> Cow<'_, str> {
    let is_harmless = !text.contains("##")
        && !text.contains("::")
        && !text.chars().any(|character| picture(character, layout).is_some());
    if is_harmless { Cow::Borrowed(text) } else { Cow::Owned(pieces(text, layout).map(|(_, piece)| piece).collect()) }
}

/// The pieces of the text as they are printed, each with its byte offset.
fn pieces(text: &str, layout: Layout) -> impl Iterator<Item = (usize, Cow<'_, str>)> {
    let mut at_line_start = true;
    let mut skipped = 0;
    text.char_indices().filter_map(move |(at, character)| {
        if skipped > 0 {
            skipped -= 1;
            return None;
        }
        let rest = &text[at..];
        let starts_command = at_line_start && is_workflow_command(rest);
        at_line_start = character == '\n' || (at_line_start && character.is_whitespace());
        let piece = if starts_command {
            skipped = 1;
            Cow::Borrowed("\u{2237}")
        } else if layout == Layout::Lines && rest.starts_with("\r\n") {
            Cow::Borrowed("")
        } else if is_log_command(rest) {
            Cow::Borrowed("\u{ff03}")
        } else {
            match picture(character, layout) {
                Some(picture) => Cow::Owned(picture.to_string()),
                None => Cow::Borrowed(&rest[..character.len_utf8()]),
            }
        };
        Some((at, piece))
    })
}

/// `::error file=x::message`, which GitHub Actions interprets at the start of a line.
fn is_workflow_command(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("::") else { return false };
    let line = rest.lines().next().unwrap_or_default();
    line.starts_with(|letter: char| letter.is_ascii_alphabetic()) && line.contains("::")
}

/// `##[error]`, `##vso[...]` and `##teamcity[...]`, which are interpreted anywhere in a line.
fn is_log_command(text: &str) -> bool {
    let rest = text.strip_prefix("##").map(|rest| rest.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()));
    rest.is_some_and(|rest| rest.starts_with('['))
}

/// The visible replacement for a character that a terminal would interpret or that is not text; `None` for all others.
fn picture(character: char, layout: Layout) -> Option<char> {
    match character {
        '\t' => None,
        '\n' if layout == Layout::Lines => None,
        // Unicode has control pictures for the C0 controls.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)),
        '\u{7f}' => Some('\u{2421}'),
        _ if steers(character) => Some(char::REPLACEMENT_CHARACTER),
        _ => None,
    }
}

/// Control characters, line separators, bidirectional controls, and code points that are not characters.
fn steers(character: char) -> bool {
    let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let separates = matches!(character, '\u{2028}' | '\u{2029}');
    let is_no_text = matches!(character, '\u{fdd0}'..='\u{fdef}') || u32::from(character) & 0xfffe == 0xfffe;
    turns || separates || is_no_text || (character.is_control() && !matches!(character, '\t' | '\n'))
}

/// Writes JSON with foreign text in its strings: characters that a terminal or a log would interpret are written as
/// JSON escapes, so that parsing gives the original text. A single write must not end inside a character, which
/// `serde_json` guarantees.
pub(super) struct Escaping<W>(pub(super) W);

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_plain = bytes.iter().all(|byte| byte.is_ascii() && *byte != 0x7f) && !contains(bytes, b"##");
        match std::str::from_utf8(bytes) {
            Ok(text) if !is_plain => self.write_escaped(text)?,
            _ => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Escaping<W> {
    fn write_escaped(&mut self, text: &str) -> io::Result<()> {
        let mut written = 0;
        for (at, character) in text.char_indices() {
            if steers(character) || (character == '#' && is_log_command(&text[at..])) {
                self.0.write_all(&text.as_bytes()[written..at])?;
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(self.0, "\\u{unit:04x}")?;
                }
                written = at + character.len_utf8();
            }
        }
        self.0.write_all(&text.as_bytes()[written..])
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_steer_the_terminal() {
        assert_eq!(
            visible_lines("\x1b[31mred\r\u{9b}\u{80}\u{202e}\x7f\ttab\n\u{fffe}\u{1ffff}"),
            "␛[31mred␍���␡\ttab\n��"
        );
        assert_eq!(visible("a\nb\u{2028}c"), "a␊b�c");
        assert_eq!(visible_lines("a\r\nb\rc"), "a\nb␍c");
        assert_eq!(visible("größe 日本"), "größe 日本");
    }

    #[test]
    fn text_cannot_give_commands_to_a_log() {
        assert_eq!(visible("  ::error file=x::y"), "  ∷error file=x::y");
        assert_eq!(visible_lines("a\n::stop-commands::t\n ::x"), "a\n∷stop-commands::t\n ::x");
        assert_eq!(visible("a ##[error]b ##vso[task]c ##teamcity[d]"), "a ＃#[error]b ＃#vso[task]c ＃#teamcity[d]");
        assert_eq!(visible("std::fmt::Debug ## [x]"), "std::fmt::Debug ## [x]");
    }

    #[test]
    fn offsets_move_with_what_is_shown() {
        let (shown, offsets) = visible_with_offsets("\x1b é x", [1, 5]);
        assert_eq!(shown, "␛ é x");
        assert_eq!((&shown[offsets[0]..offsets[1]], offsets[1]), (" é ", 7));
        assert_eq!(visible_with_offsets("ab", [1, 9]).1, [1, 2]);
    }

    #[test]
    fn json_keeps_every_character() {
        let hostile = "\u{9b}31m\x7f\u{202e}\u{fffe}\u{1fffe}##[error]ü\n";
        let mut written = Vec::new();
        serde_json::to_writer(Escaping(&mut written), &[hostile]).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert_eq!(text, r#"["\u009b31m\u007f\u202e\ufffe\ud83f\udffe\u0023#[error]ü\n"]"#);
        assert_eq!(serde_json::from_str::<[String; 1]>(&text).unwrap(), [hostile]);
    }
}
