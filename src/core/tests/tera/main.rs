//! Our parser held against Tera's own, on the templates that Tera is tested with and on thousands of mutants of them.
//!
//! The templates in `tera_templates.txt` are Tera's (MIT, see the licence beside them).

mod agreement;

use camino::Utf8Path;
use tgen_core::base::files::{Files, MemoryFiles};

use self::agreement::check;

const MUTANTS: usize = 10_000;

/// Bits of syntax that mutation puts in: what one types, half or whole.
const SNIPPETS: [&str; 66] = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{{-",
    "-}}",
    "{%-",
    "-%}",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "...",
    "|",
    "~",
    "=",
    "==",
    "<",
    ">",
    "/>",
    "</",
    "-",
    "+",
    "**",
    "//",
    "?.",
    "?[",
    "@",
    "!",
    "\"",
    "'",
    "`",
    "\\",
    " not ",
    " in ",
    " is ",
    " is not ",
    " if ",
    " else ",
    " for ",
    " and ",
    "true",
    "none",
    "loop",
    "x",
    "1",
    "1.5",
    "99999999999999999999",
    "\"a\"",
    "{% if x %}",
    "{% endif %}",
    "{% else %}",
    "{% for a in b %}",
    "{% endfor %}",
    "{% set a %}",
    "{% endset %}",
    "{% raw %}",
    "{% endraw %}",
    "{% extends \"a\" %}",
];

/// The templates of Tera's tests.
fn templates() -> Vec<String> {
    let files = MemoryFiles::from_fixture(include_str!("tera_templates.txt"));
    let paths = files.list(Utf8Path::new("")).unwrap_or_default();
    paths.iter().filter_map(|path| files.read_text(path).ok()).collect()
}

/// A small generator of numbers, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0).unwrap_or(usize::MAX) % end
    }

    fn boundary(&mut self, text: &str) -> usize {
        let at = self.below(text.len() + 1);
        text.floor_char_boundary(at)
    }

    fn mutated(&mut self, template: &str, other: &str) -> String {
        let mut text = template.to_owned();
        for _ in 0..=self.below(2) {
            let (first, second) = (self.boundary(&text), self.boundary(&text));
            let (start, end) = (first.min(second), first.max(second).min(first.min(second) + 12));
            let end = text.ceil_char_boundary(end);
            match self.below(4) {
                0 => drop(text.drain(start..end)),
                1 => text.insert_str(start, SNIPPETS[self.below(SNIPPETS.len())]),
                2 => text.replace_range(start..end, SNIPPETS[self.below(SNIPPETS.len())]),
                _ => {
                    let cut = self.boundary(other);
                    text.replace_range(start.., &other[cut..]);
                }
            }
        }
        text
    }
}

#[test]
fn the_templates_of_teras_own_tests_are_judged_as_tera_judges_them() {
    let templates = templates();
    assert!(templates.len() > 250, "the fixtures are there");
    let valid = templates.iter().filter(|template| check(template)).count();
    assert!(valid > 150, "most are valid: {valid}");
}

#[test]
fn mutants_of_them_are_judged_as_tera_judges_them() {
    let templates = templates();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut valid = 0;
    for _ in 0..MUTANTS {
        let (template, other) = (numbers.below(templates.len()), numbers.below(templates.len()));
        valid += usize::from(check(&numbers.mutated(&templates[template], &templates[other])));
    }
    assert!((MUTANTS / 10..MUTANTS * 9 / 10).contains(&valid), "some are valid and some are not: {valid}");
}
