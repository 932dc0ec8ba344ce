//! Python source with places for values, and for which values it is valid: modules that differ only in such values are
//! parsed once.
//!
//! In a string, in a comment and in a part of a name, only the characters of a value count. In code, each value is parsed.
//! This module must not know where source and values come from.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use ruff_python_ast::token::Tokens;
use ruff_text_size::Ranged;

use super::KnownParts;
use super::splices::{STAND_IN, Splice, splice, token_of};
use crate::python;

/// How many combinations of values in code are remembered.
const MOST_COMBINATIONS: usize = 1024;

/// The words that are no names everywhere, and `_`, which is none in a pattern.
const KEYWORDS: [&str; 39] = [
    "False", "None", "True", "_", "and", "as", "assert", "async", "await", "break", "case", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "match",
    "nonlocal", "not", "or", "pass", "raise", "return", "try", "type", "while", "with", "yield",
];

/// A part of a source: its text, or the number of the value in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'s> {
    /// Text that is the same in all modules.
    Text(&'s str),
    /// The place of a value.
    Value(usize),
}

/// A source with places for values.
#[derive(Debug)]
pub struct SplicedModule {
    /// The source with a name in each place.
    neutral: String,
    /// The places in the neutral source, with the numbers of their values.
    places: Vec<(Range<usize>, usize)>,
    /// What each value must be, by its number.
    uses: Vec<Uses>,
    /// The combinations of values in code that are valid.
    valid: HashSet<String>,
}

/// What a value is spliced into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Uses {
    is_text: bool,
    is_code: bool,
    names: Option<Names>,
}

/// Names that a value is a part of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Names {
    /// Whether one of them begins with the value.
    begin: bool,
    /// What stands before and after the value in those that could become keywords.
    around: BTreeSet<(String, String)>,
}

impl SplicedModule {
    /// A source in which values are spliced; `None` if it is not valid with a name in each place.
    pub fn new<'s>(pieces: impl Iterator<Item = Piece<'s>>) -> Option<Self> {
        let mut neutral = String::new();
        let mut places = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => neutral.push_str(text),
                Piece::Value(number) => {
                    places.push((neutral.len()..neutral.len() + STAND_IN.len(), number));
                    neutral.push_str(STAND_IN);
                }
            }
        }
        let uses = python::with_stack_for(&neutral, || uses(&neutral, &places))?;
        Some(Self { neutral, places, uses, valid: HashSet::new() })
    }

    /// Whether the source is certainly valid with these values. If not, only parsing it can tell.
    pub fn is_valid_with(&mut self, known: &KnownParts, values: &[String]) -> bool {
        let mut combination = String::new();
        for (uses, value) in self.uses.iter().zip(values) {
            if !uses.allow(value) {
                return false;
            }
            if uses.is_code {
                combination.push_str(value);
                combination.push('\n');
            }
        }
        if self.uses.len() > values.len() || self.valid.contains(&combination) {
            return self.uses.len() <= values.len();
        }
        let is_valid = known.syntax_errors(&self.with_code(values)).is_empty();
        if is_valid && self.valid.len() < MOST_COMBINATIONS {
            self.valid.insert(combination);
        }
        is_valid
    }

    /// The neutral source with the values that are in code.
    fn with_code(&self, values: &[String]) -> String {
        let mut source = String::with_capacity(self.neutral.len());
        let mut at = 0;
        for (place, number) in self.places.iter().filter(|(_, number)| self.uses[*number].is_code) {
            source.push_str(&self.neutral[at..place.start]);
            source.push_str(&values[*number]);
            at = place.end;
        }
        source.push_str(&self.neutral[at..]);
        source
    }
}

impl Uses {
    /// Whether a value leaves the tokens around it as they are.
    fn allow(&self, value: &str) -> bool {
        (!self.is_text || is_plain(value))
            && (!self.is_code || is_simple_code(value))
            && self.names.as_ref().is_none_or(|names| names.allow(value))
    }
}

impl Names {
    fn allow(&self, value: &str) -> bool {
        let begins_number = value.starts_with(|char: char| char.is_ascii_digit());
        is_word(value)
            && !(self.begin && begins_number)
            && !self.around.iter().any(|(before, after)| is_keyword(&[before, value, after].concat()))
    }

    fn add(&mut self, before: &str, after: &str) {
        self.begin |= before.is_empty();
        if KEYWORDS.iter().any(|keyword| keyword.starts_with(before) && keyword.ends_with(after)) {
            self.around.insert((before.to_owned(), after.to_owned()));
        }
    }
}

/// What each value is spliced into; `None` if the source has errors.
fn uses(neutral: &str, places: &[(Range<usize>, usize)]) -> Option<Vec<Uses>> {
    let parsed = python::parse(neutral);
    if !parsed.errors().is_empty() {
        return None;
    }
    let count = places.iter().map(|(_, number)| number + 1).max().unwrap_or_default();
    let mut uses = vec![Uses::default(); count];
    for (at, (place, number)) in places.iter().enumerate() {
        let neighbours = [at.checked_sub(1), Some(at + 1)].into_iter().flatten().filter_map(|at| places.get(at));
        let neighbours: Vec<&Range<usize>> = neighbours.map(|(neighbour, _)| neighbour).collect();
        uses[*number].add(neutral, parsed.tokens(), place, &neighbours);
    }
    Some(uses)
}

impl Uses {
    fn add(&mut self, neutral: &str, tokens: &Tokens, place: &Range<usize>, neighbours: &[&Range<usize>]) {
        let token = token_of(tokens, place).map(|token| python::span(token.range()));
        let splice = splice(tokens, place);
        match (splice, token) {
            (Splice::Comment, Some(_)) => self.is_text = true,
            // The value could become a part of an escape.
            (Splice::String(_) | Splice::LongString(_), Some(token))
                if !neutral[token.start..place.start].contains('\\') =>
            {
                self.is_text = true;
            }
            // Two values together could be a keyword.
            (Splice::Name, Some(token)) if !neighbours.iter().any(|other| token.contains(&other.start)) => {
                let names = self.names.get_or_insert_default();
                names.add(&neutral[token.start..place.start], &neutral[place.end..token.end]);
            }
            _ => self.is_code = true,
        }
    }
}

fn is_word(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

/// Whether a value means nothing in strings and comments of any kind. An empty one could bring two quotes together.
fn is_plain(value: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./ :,+@".contains(&byte);
    !value.is_empty() && value.bytes().all(is_plain)
}

/// Whether a value cannot begin or end a string, a comment or a line.
fn is_simple_code(value: &str) -> bool {
    let is_simple = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-+".contains(&byte);
    !value.is_empty() && value.bytes().all(is_simple)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::syntax_errors;
    use super::*;

    /// A module from a source in which `«1»` is the place of the value 1.
    fn pieces(source: &str) -> Vec<Piece<'_>> {
        let parts = source.split(['«', '»']).enumerate();
        parts
            .map(|(at, text)| if at % 2 == 1 { Piece::Value(text.parse().unwrap()) } else { Piece::Text(text) })
            .collect()
    }

    fn filled(pieces: &[Piece<'_>], values: &[String]) -> String {
        let text = |piece: &Piece<'_>| match piece {
            Piece::Text(text) => (*text).to_owned(),
            Piece::Value(number) => values[*number].clone(),
        };
        pieces.iter().map(text).collect()
    }

    #[track_caller]
    fn check(source: &str, value: &str, expected: bool) {
        let module = SplicedModule::new(pieces(source).into_iter());
        let is_valid =
            module.is_some_and(|mut module| module.is_valid_with(&KnownParts::default(), &[value.to_owned()]));
        assert_eq!(is_valid, expected, "{value:?} in {source}");
    }

    #[test]
    fn simple_values_in_strings_comments_and_names_need_no_parser() {
        for (source, value) in [
            ("x = \"«0»\"\n", "bert-base/uncased"),
            ("'''A test.\n\nOf «0».'''\n", "bert-base"),
            ("def test_«0»(): pass\n", "bert_2"),
            ("class «0»(Base): pass\n", "Bert"),
            ("# «0»\n", "bert-base"),
            ("x = «0»\n", "16"),
            ("f'{x} «0» {x:«0»}'\n", "b-2"),
        ] {
            check(source, value, true);
        }
    }

    #[test]
    fn other_values_are_left_to_the_parser() {
        for (source, value) in [
            ("x = \"«0»\"\n", "a\"b"),
            ("x = \"«0»\"\n", "a\\"),
            ("x = \"\\«0»\"\n", "N"),
            ("x = \"«0»\"\"b\"\n", ""),
            ("f'«0»'\n", "{"),
            ("def test_«0»(): pass\n", "a-b"),
            ("def «0»(): pass\n", "2d"),
            ("def «0»(): pass\n", "class"),
            ("x.i«0» = 1\n", "f"),
            ("x = «0»\n", "1 2"),
            ("x = «0»\n", "[1, 2]"),
            ("# «0»\n", "a\nb"),
            ("x = «0»b\n", "1"),
            ("«0»\n", "1x"),
        ] {
            check(source, value, false);
        }
    }

    const TEXTS: [&str; 26] = [
        "x = ",
        "\n",
        "'",
        "\"",
        "\"\"\"",
        "# ",
        "def ",
        "(): pass\n",
        "f'",
        "{",
        "}",
        "\\",
        "test_",
        " ",
        "if ",
        ":\n    ",
        "=",
        "i",
        "1",
        "b'",
        ".",
        "(",
        ")",
        "class ",
        "match x:\n    case ",
        ":",
    ];
    const VALUES: [&str; 20] = [
        "a", "b-c", "2", "if", "class", "_", "f", "n", "N", "\"", "'", "{", "\\", "", "rb", "#", "\n", "a b", "0x",
        "e5",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]
        #[test]
        fn what_is_called_valid_is_valid(
            parts in prop::collection::vec((prop::sample::select(&TEXTS[..]), prop::option::of(0_usize..3)), 1..9),
            values in prop::collection::vec(prop::collection::vec(prop::sample::select(&VALUES[..]), 3), 1..4),
        ) {
            let pieces: Vec<Piece<'_>> = parts
                .into_iter()
                .flat_map(|(text, value)| std::iter::once(Piece::Text(text)).chain(value.map(Piece::Value)))
                .collect();
            let known = KnownParts::default();
            if let Some(mut module) = SplicedModule::new(pieces.iter().copied()) {
                for values in values {
                    let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
                    let source = filled(&pieces, &values);
                    if module.is_valid_with(&known, &values) {
                        prop_assert_eq!(syntax_errors(&source), [], "{}", source);
                    }
                }
            }
        }
    }
}
