//! Messages of failures: without the place that pytest puts before them, and masked, so that one fault has one message
//! whatever its numbers, addresses and folders. This module must not know which test failed.

/// The most characters of a message that are compared: what comes later is data.
const LONGEST: usize = 400;

const NUMBER: &str = "<n>";

/// The file, the line and the message of a reason such as `test/test_bert.py:12: assert 1 == 2`.
#[must_use]
pub fn place_and_message(reason: &str) -> Option<(&str, usize, &str)> {
    let (place, message) = reason.split_once(": ")?;
    let (path, line) = place.rsplit_once(':')?;
    Some((path, line.parse().ok()?, message))
}

/// Why a test failed, in one line and without the place that pytest puts before it.
#[must_use]
pub fn message(reason: &str) -> &str {
    let message = place_and_message(reason).map_or(reason, |(_, _, message)| message);
    message.lines().next().unwrap_or_default()
}

/// A message without what differs from run to run: numbers, addresses, ids, the folders of absolute paths, colours. Two
/// failures with one masked message are taken for the same fault.
#[must_use]
pub fn masked(message: &str) -> String {
    let letters: Vec<char> = without_colours(message).into_iter().take(LONGEST).collect();
    let mut masked = String::with_capacity(message.len().min(LONGEST));
    let mut at = 0;
    while at < letters.len() {
        let length = word_length(&letters[at..]).max(1);
        let word = &letters[at..at + length];
        match base_name(word) {
            Some(name) => {
                masked.push_str("…/");
                mask_numbers(name, &mut masked);
            }
            None => mask_numbers(word, &mut masked),
        }
        at += length;
    }
    masked
}

/// The letters that are not part of a terminal's escape sequence.
fn without_colours(text: &str) -> Vec<char> {
    let mut kept = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\u{1b}' {
            kept.push(letter);
        } else if letters.next_if_eq(&'[').is_some() {
            // The sequence ends with its first character between `@` and `~`.
            for parameter in letters.by_ref() {
                if matches!(parameter, '@'..='~') {
                    break;
                }
            }
        }
    }
    kept
}

/// How many letters belong to a word: paths and numbers do not go beyond it.
fn word_length(letters: &[char]) -> usize {
    let ends = |letter: &char| letter.is_whitespace() || "'\"`()[]{}<>,;=|".contains(*letter);
    letters.iter().position(ends).unwrap_or(letters.len())
}

/// The last part of an absolute path. Relative ones name a file of the project or a model.
fn base_name(word: &[char]) -> Option<&[char]> {
    let is_separator = |letter: &char| matches!(letter, '/' | '\\');
    let is_absolute = match word {
        ['/' | '~', second, ..] => *second != '/' || word[0] == '~',
        [drive, ':', '\\' | '/', ..] => drive.is_ascii_alphabetic(),
        _ => false,
    };
    let last = word.iter().rposition(is_separator)?;
    let has_folder = word[..last].iter().any(|letter| !is_separator(letter));
    (is_absolute && has_folder).then(|| &word[last + 1..])
}

fn mask_numbers(word: &[char], masked: &mut String) {
    let mut at = 0;
    while at < word.len() {
        let run = word[at..].iter().take_while(|letter| letter.is_alphanumeric() || **letter == '_').count();
        let rest = &word[at..];
        if run >= 8 && is_id(&rest[..run]) {
            masked.push_str(if rest.starts_with(&['0', 'x']) { "<address>" } else { "<id>" });
            at += run;
        } else if rest.starts_with(&['0', 'x']) {
            masked.push_str("<address>");
            at += run;
        } else if rest[0].is_ascii_digit() {
            push_number(masked);
            at += number_length(rest);
        } else {
            let length = run.max(1);
            masked.extend(&rest[..length]);
            at += length;
        }
    }
}

/// Whether letters are a hash or an address: hexadecimal, with a digit and a letter.
fn is_id(run: &[char]) -> bool {
    let digits = run.strip_prefix(&['0', 'x']).unwrap_or(run);
    let is_hex = digits.iter().all(char::is_ascii_hexdigit);
    is_hex && run.iter().any(char::is_ascii_digit) && run.iter().any(char::is_ascii_alphabetic)
}

/// `3`, `3.14`, `1_000`, `1e-05`.
fn number_length(letters: &[char]) -> usize {
    let is_digit = |at: usize| letters.get(at).is_some_and(char::is_ascii_digit);
    let mut length = 0;
    loop {
        length += match letters.get(length) {
            Some(letter) if letter.is_ascii_digit() => 1,
            Some('.' | '_' | 'e' | 'E') if is_digit(length + 1) => 2,
            Some('e' | 'E') if matches!(letters.get(length + 1), Some('-' | '+')) && is_digit(length + 2) => 3,
            _ => return length,
        };
    }
}

/// Adds a number with its sign. A list of numbers becomes a single one, because pytest may cut it anywhere.
fn push_number(masked: &mut String) {
    if let Some(before) = masked.strip_suffix('-')
        && !before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
    {
        masked.pop();
    }
    let of_list = masked.trim_end_matches([' ', ',', '[', ']', '(', ')']);
    if of_list.ends_with(NUMBER) && of_list.len() < masked.len() {
        masked.truncate(of_list.len());
    } else {
        masked.push_str(NUMBER);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(message: &str, expected: &str) {
        assert_eq!(masked(message), expected);
    }

    #[test]
    fn what_differs_from_run_to_run_is_masked_and_names_stay() {
        check("assert 1 == -2.5e-05", "assert <n> == <n>");
        check("`Llama4ForCausalLM` has no attribute 'x2'", "`Llama4ForCausalLM` has no attribute 'x2'");
        check("float32 on cuda:1, not bfloat16", "float32 on cuda:<n>, not bfloat16");
        check("<Foo object at 0x7f3a2b4c5d60>", "<Foo object at <address>>");
        check("at 0x0", "at <address>");
        check("commit 3fa9c1e27b44 of deadbeef", "commit <id> of deadbeef");
        check("took 12.3s of 1_000", "took <n>s of <n>");
        check("\u{1b}[31mred\u{1b}[0m 5\u{1b}", "red <n>");
    }

    #[test]
    fn folders_of_absolute_paths_are_masked_and_relative_paths_stay() {
        check("no file '/tmp/pytest-of-me/7/x.bin'", "no file '…/x.bin'");
        check("C:\\Users\\me\\model_3.bin and ~/cache/a.bin", "…/model_3.bin and …/a.bin");
        check("no test/test_bert.py for google/bert", "no test/test_bert.py for google/bert");
        check("a / b // c /x", "a / b // c /x");
    }

    #[test]
    fn lists_of_numbers_are_alike_whatever_their_length() {
        check("tensor([0.1, -0.2, 0.3])", "tensor([<n>])");
        check("tensor([[0.1], [0.2", "tensor([[<n>");
        check("1x2", "<n>x2");
    }

    #[test]
    fn the_place_is_not_part_of_the_message() {
        assert_eq!(message("/a/test_b.py:12: assert 1 == 2\n more"), "assert 1 == 2");
        assert_eq!(message("killed by SIGSEGV"), "killed by SIGSEGV");
        assert_eq!(place_and_message("C:\\x.py:3: E: y"), Some(("C:\\x.py", 3, "E: y")));
    }

    proptest! {
        #[test]
        fn masking_never_fails_and_keeps_one_line_bounded(text in any::<String>()) {
            prop_assert!(masked(&text).chars().count() <= LONGEST * 9);
        }

        #[test]
        fn other_numbers_give_the_same_message(left in 0..1_000_000_u32, right in any::<f32>()) {
            prop_assert_eq!(masked(&format!("got {left}")), masked(&format!("got {}", right.abs().min(1e6))));
        }
    }
}
