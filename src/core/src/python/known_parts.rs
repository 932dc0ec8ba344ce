//! Syntax errors of modules that share most of their text, without parsing known valid parts again.
//!
//! A module is a sequence of statements, so modules that are valid one after the other are valid together. Sources are
//! cut where a definition begins at the start of a line, and a part that was valid once is valid in every module. Only
//! validity is remembered: errors always come from parsing the whole source.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{PoisonError, RwLock};

use twox_hash::XxHash3_128;

use super::{SyntaxError, syntax_errors};

/// How many parts a generation of the cache holds; two generations take about 1 MB.
const GENERATION: usize = 1 << 14;

/// Prefixes of the lines before which a source may be cut.
const DEFINITIONS: [&str; 3] = ["def ", "class ", "async def "];

/// Parts of Python sources that were parsed and found valid.
#[derive(Debug, Default)]
pub struct KnownParts(RwLock<Generations>);

/// The hashes of parts. A part that two generations have not seen is forgotten.
#[derive(Debug)]
struct Generations {
    young: Hashes,
    old: Hashes,
}

type Hashes = HashSet<u128, BuildHasherDefault<Low64>>;

/// Hashes a hash: its low 64 bits are as good as any.
#[derive(Debug, Default)]
struct Low64(u64);

impl Hasher for Low64 {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is wanted")]
    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Default for Generations {
    /// Allocates the full capacity at once, so that memory stays constant however long a watch runs.
    fn default() -> Self {
        let room = || Hashes::with_capacity_and_hasher(GENERATION, BuildHasherDefault::default());
        Self { young: room(), old: room() }
    }
}

/// A part of a source, with its hash.
struct Part<'s> {
    text: &'s str,
    hash: u128,
}

impl KnownParts {
    /// The syntax errors of a module, as [`syntax_errors`] finds them.
    #[must_use]
    pub fn syntax_errors(&self, source: &str) -> Vec<SyntaxError> {
        let not_young = self.not_young(source);
        let is_valid = |(is_old, part): &(bool, Part<'_>)| *is_old || syntax_errors(part.text).is_empty();
        if !not_young.iter().all(is_valid) {
            return syntax_errors(source);
        }
        if !not_young.is_empty() {
            self.remember(not_young.into_iter().map(|(_, part)| part.hash));
        }
        Vec::new()
    }

    /// The parts of a source that the current generation does not hold, each with whether the previous one does.
    fn not_young<'s>(&self, source: &'s str) -> Vec<(bool, Part<'s>)> {
        let hashed = |text: &'s str| Part { text, hash: XxHash3_128::oneshot(text.as_bytes()) };
        let parts: Vec<_> = parts(source).into_iter().map(hashed).collect();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let parts = parts.into_iter().filter(|part| !known.young.contains(&part.hash));
        parts.map(|part| (known.old.contains(&part.hash), part)).collect()
    }

    fn remember(&self, hashes: impl ExactSizeIterator<Item = u128>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.young.len() + hashes.len() > GENERATION {
            let Generations { young, old } = &mut *known;
            std::mem::swap(young, old);
            young.clear();
        }
        known.young.extend(hashes);
    }
}

/// Cuts a source in front of its definitions and of their decorators. The parts make up the whole, and each but the last
/// ends with a line end.
fn parts(source: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut is_decorated = false;
    for newline in memchr::memchr_iter(b'\n', source.as_bytes()) {
        let (before, line) = source.split_at(newline + 1);
        let is_decorator = line.starts_with('@');
        let is_definition = DEFINITIONS.iter().any(|word| line.starts_with(word));
        if !is_decorator && !is_definition {
            continue;
        }
        // A decorator belongs to what follows it, and a line that is continued is not over.
        if !is_decorated && !is_continued(before) {
            parts.push(&source[start..before.len()]);
            start = before.len();
        }
        is_decorated = is_decorator;
    }
    parts.push(&source[start..]);
    parts
}

fn is_continued(before: &str) -> bool {
    before.trim_end_matches('\n').trim_end_matches('\r').ends_with('\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINES: [&str; 22] = [
        "def f():",
        "class C:",
        "async def g(",
        "@mark",
        "@mark(",
        ")",
        "    pass",
        "    @inner",
        "    def m(self): pass",
        "else:",
        "if x:",
        "x = 1 \\",
        "'''",
        "\"\"\"",
        "x = (",
        "return",
        "# word",
        "",
        "try:",
        "finally:",
        "f'''{",
        "}'''",
    ];

    #[test]
    fn a_source_is_cut_in_front_of_definitions_with_their_decorators() {
        let source = "import x\n\n@a(\n    1\n)\n@b\ndef f():\n    def g(): pass\nclass C:\n    pass\nx = 1\n";
        assert_eq!(
            parts(source),
            ["import x\n\n", "@a(\n    1\n)\n@b\ndef f():\n    def g(): pass\n", "class C:\n    pass\nx = 1\n"]
        );
        assert_eq!(parts("x = 1 \\\r\ndef f(): pass\n"), ["x = 1 \\\r\ndef f(): pass\n"]);
    }

    #[test]
    fn what_is_met_again_and_again_is_known_however_much_else_there_is() {
        let known = KnownParts::default();
        let common = "def f():\n    pass\n";
        for number in 0..3 * GENERATION {
            assert!(known.syntax_errors(&format!("{number}\n{common}")).is_empty());
        }
        assert!(known.not_young(common).iter().all(|(is_old, _)| *is_old));
        let generations = known.0.read().unwrap();
        assert!(generations.young.len() <= GENERATION && generations.old.len() <= GENERATION);
    }

    proptest! {
        #[test]
        fn the_errors_are_those_of_the_whole_source(
            sources in prop::collection::vec(
                prop::collection::vec((prop::sample::select(&LINES[..]), prop::sample::select(&["\n", "\r\n"][..])), 0..9),
                1..6,
            ),
        ) {
            let known = KnownParts::default();
            for lines in sources {
                let source: String = lines.into_iter().flat_map(|(line, end)| [line, end]).collect();
                prop_assert_eq!(known.syntax_errors(&source), syntax_errors(&source));
            }
        }
    }
}
