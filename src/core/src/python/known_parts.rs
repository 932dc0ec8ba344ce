//! Syntax errors of modules that share most of their text, without parsing known valid parts again.
//!
//! A module is a sequence of statements, so modules that are valid one after the other are valid together. Sources are
//! cut where a definition or an assignment begins at the start of a line, and a part that was valid once is valid in every
//! module. A class is cut in front of its methods, too: its first part is valid if a statement of its body can follow, and a
//! method is valid in every class. Only validity is remembered: errors always come from parsing the whole source.

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

/// The indentation of methods.
const INDENTATION: &str = "    ";

/// A part of a source, with its hash.
struct Part<'s> {
    cut: Cut<'s>,
    hash: u128,
}

/// A part of a source, and what stands around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut<'s> {
    text: &'s str,
    /// Where its first statement stands.
    begins: Level,
    /// Where the statement after it stands.
    ends: Level,
}

/// Where a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Module,
    /// In a class or another block, indented by [`INDENTATION`].
    Block,
}

impl Cut<'_> {
    /// Whether the part is valid between any others that are.
    fn is_valid(self) -> bool {
        if let (Level::Module, Level::Module) = (self.begins, self.ends) {
            return syntax_errors(self.text).is_empty();
        }
        let before = if self.begins == Level::Block { "class _:\n" } else { "" };
        let after = if self.ends == Level::Block { "    pass\n" } else { "" };
        syntax_errors(&[before, self.text, after].concat()).is_empty()
    }

    fn hash(self) -> u128 {
        let seed = match (self.begins, self.ends) {
            (Level::Module, Level::Module) => 0,
            (Level::Module, Level::Block) => 1,
            (Level::Block, Level::Block) => 2,
            (Level::Block, Level::Module) => 3,
        };
        XxHash3_128::oneshot_with_seed(seed, self.text.as_bytes())
    }
}

impl KnownParts {
    /// The syntax errors of a module, as [`syntax_errors`] finds them.
    #[must_use]
    pub fn syntax_errors(&self, source: &str) -> Vec<SyntaxError> {
        let not_young = self.not_young(source);
        let is_valid = |(is_old, part): &(bool, Part<'_>)| *is_old || part.cut.is_valid();
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
        let hashed = |cut: Cut<'s>| Part { cut, hash: cut.hash() };
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

/// Cuts a source in front of its definitions and assignments, of those in its classes, of definitions in other blocks, and
/// of decorators. The parts make up the whole, and each but the last ends with a line end.
fn parts(source: &str) -> Vec<Cut<'_>> {
    let mut parts = Parts { source, cuts: Vec::new(), inner: Vec::new(), start: 0, is_regular: true };
    let (mut is_decorated, mut is_decorated_inside) = (false, false);
    let mut is_in_class = source.starts_with("class ");
    for newline in memchr::memchr_iter(b'\n', source.as_bytes()) {
        let start = newline + 1;
        let line = &source.as_bytes()[start..];
        // A decorator belongs to what follows it, and a line that is continued is not over.
        let is_cut = |is_decorated: bool| !is_decorated && !is_continued(&source[..start]);
        if let Some(inside) = line.strip_prefix(INDENTATION.as_bytes()) {
            let Some(beginning) = Beginning::of(inside) else { continue };
            if (is_in_class || beginning != Beginning::Assignment) && is_cut(is_decorated_inside) {
                parts.inner.push(start);
            }
            is_decorated_inside = beginning == Beginning::Decorator;
        } else if let Some(beginning) = Beginning::of(line) {
            if is_cut(is_decorated) {
                parts.end(start);
            }
            (is_decorated, is_decorated_inside) = (beginning == Beginning::Decorator, false);
            is_in_class = line.starts_with(b"class ");
        } else {
            parts.is_regular &= !is_indented(line);
            is_in_class &= !line.first().is_some_and(u8::is_ascii_alphabetic);
        }
    }
    parts.end(source.len());
    parts.cuts
}

/// How a line begins at which a source may be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beginning {
    Decorator,
    Definition,
    Assignment,
}

impl Beginning {
    fn of(line: &[u8]) -> Option<Self> {
        match line.first()? {
            b'@' => Some(Self::Decorator),
            b'a' | b'c' | b'd' if DEFINITIONS.iter().any(|word| line.starts_with(word.as_bytes())) => {
                Some(Self::Definition)
            }
            first if first.is_ascii_alphabetic() => {
                let is_of_name = |byte: &u8| *byte == b'_' || byte.is_ascii_alphanumeric();
                let name = line.iter().take_while(|byte| is_of_name(byte)).count();
                line[name..].starts_with(b" = ").then_some(Self::Assignment)
            }
            _ => None,
        }
    }
}

/// Whether a line that does not begin with [`INDENTATION`] is indented at all: then blocks may nest otherwise than in
/// other sources.
fn is_indented(line: &[u8]) -> bool {
    let text = line.iter().find(|byte| **byte != b' ');
    matches!(line.first(), Some(b'\t' | b'\x0c'))
        || line.starts_with(b" ") && !matches!(text, None | Some(b'\r' | b'\n'))
}

/// The parts of a source so far.
struct Parts<'s> {
    source: &'s str,
    cuts: Vec<Cut<'s>>,
    /// Where the part that begins at `start` may be cut.
    inner: Vec<usize>,
    start: usize,
    /// Whether that part is indented as usual.
    is_regular: bool,
}

impl Parts<'_> {
    /// Ends a part, and cuts it if it is indented as usual.
    fn end(&mut self, end: usize) {
        let mut begins = Level::Module;
        let inner = self.inner.drain(..);
        for at in inner.take_while(|_| self.is_regular) {
            self.cuts.push(Cut { text: &self.source[self.start..at], begins, ends: Level::Block });
            (self.start, begins) = (at, Level::Block);
        }
        self.cuts.push(Cut { text: &self.source[self.start..end], begins, ends: Level::Module });
        (self.start, self.is_regular) = (end, true);
    }
}

fn is_continued(before: &str) -> bool {
    before.trim_end_matches('\n').trim_end_matches('\r').ends_with('\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        parts(source).into_iter().map(|part| part.text).collect()
    }

    const LINES: [&str; 29] = [
        "def f():",
        "class C:",
        "async def g(",
        "@mark",
        "@mark(",
        ")",
        "    pass",
        "    @inner",
        "    def m(self): pass",
        "    def n(",
        "    class D:",
        "    y = 1",
        "z = (",
        "        z",
        "  x",
        "\tx",
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
    fn a_source_is_cut_in_front_of_definitions_with_their_decorators_and_of_assignments() {
        let source = "import x\n\n@a(\n    1\n)\n@b\ndef f():\n    y = 2\n    def g(): pass\nx = {\n}\nx()\n";
        assert_eq!(
            texts(source),
            ["import x\n\n", "@a(\n    1\n)\n@b\ndef f():\n    y = 2\n", "    def g(): pass\n", "x = {\n}\nx()\n"]
        );
        assert_eq!(texts("x = 1 \\\r\ndef f(): pass\n"), ["x = 1 \\\r\ndef f(): pass\n"]);
    }

    #[test]
    fn a_class_is_cut_in_front_of_its_methods_and_attributes() {
        assert_eq!(
            texts(
                "class C:\n    x = 1\n\n    @a\n    def m(self):\n        def f(): pass\n\n    def n(self): pass\nx()\n"
            ),
            [
                "class C:\n",
                "    x = 1\n\n",
                "    @a\n    def m(self):\n        def f(): pass\n\n",
                "    def n(self): pass\nx()\n"
            ]
        );
        for whole in
            ["class C:\n  x = 1\n    y = 1\n    def m(self): pass\n", "class C:\n    def m(self): pass\n\tx = 1\n"]
        {
            assert_eq!(texts(whole), [whole]);
        }
    }

    #[test]
    fn the_methods_of_another_class_are_known() {
        let known = KnownParts::default();
        let class = |name: &str| {
            format!(
                "class {name}:\n    '{name}'\n    x = 1\n\n    def m(self):\n        pass\n\n    def n(self): pass\n"
            )
        };
        assert!(known.syntax_errors(&class("A")).is_empty());
        assert_eq!(known.not_young(&class("B")).len(), 1);
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
                prop::collection::vec((prop::sample::select(&LINES[..]), prop::sample::select(&["\n", "\r\n"][..])), 0..12),
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
