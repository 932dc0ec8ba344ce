//! Small words that everything printed shares: counts with their nouns, lists that are cut, text made harmless.

use std::borrow::Cow;

/// `1 output`, `2 outputs`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The beginning of a list, and how many are left out.
pub(crate) struct Cut<'a, T> {
    /// What is shown.
    pub(crate) shown: &'a [T],
    /// How many are not.
    pub(crate) rest: usize,
}

/// Cuts a list after `limit`; a single one is never left out, as saying so would take its line.
pub(crate) fn cut<T>(list: &[T], limit: usize) -> Cut<'_, T> {
    let shown = if list.len() <= limit.saturating_add(1) { list.len() } else { limit };
    Cut { shown: &list[..shown], rest: list.len() - shown }
}

/// Text from a file or a name, made visible where it would steer the terminal instead of being read.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().any(steers) { Cow::Owned(text.chars().map(as_picture).collect()) } else { Cow::Borrowed(text) }
}

/// Control characters, and those that turn the direction of writing.
fn steers(character: char) -> bool {
    let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (character.is_control() && !matches!(character, '\t' | '\n'))
}

/// Unicode has a picture of each of the old control characters.
fn as_picture(character: char) -> char {
    match character {
        '\u{7f}' => '\u{2421}',
        '\0'..='\u{1f}' if steers(character) => char::from_u32(0x2400 + u32::from(character)).unwrap_or_default(),
        _ if steers(character) => char::REPLACEMENT_CHARACTER,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_unless_only_one_would_be_left_out() {
        let lengths = |list: &[u8]| (cut(list, 2).shown.len(), cut(list, 2).rest);
        assert_eq!(lengths(&[1, 2]), (2, 0));
        assert_eq!(lengths(&[1, 2, 3]), (3, 0));
        assert_eq!(lengths(&[1, 2, 3, 4]), (2, 2));
        assert_eq!(cut(&[1], usize::MAX).rest, 0);
    }

    #[test]
    fn text_cannot_steer_the_terminal() {
        assert_eq!(visible("\x1b[31mred\r\u{9b}\u{202e}\x7f\ttab\n"), "␛[31mred␍��␡\ttab\n");
        assert_eq!(visible("größe"), "größe");
    }
}
