//! Whether checking and compiling templates takes time in proportion to their size: each input, and the input twice as
//! long, side by side. Ends with an error if one takes more than [`MOST`] times as long for twice the input.
//!
//! `cargo bench -p tgen-core --bench growth`

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark tells its figures and stops at what is odd")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use tgen_core::template::compiled::compile;
use tgen_core::template::library::Library;
use tgen_core::template::{TemplateName, check};

/// Twice the time, and what a busy machine adds.
const MOST: f64 = 2.6;
/// Each time is the best of so many.
const RUNS: usize = 5;

/// A name, and the templates of an input of some size.
type Input = (&'static str, fn(usize) -> Vec<(String, String)>);

const INPUTS: &[Input] = &[
    ("an unknown placeholder, 25,000 times", |n| one("t.tera", "{{ nope }}\n", 25_000 * n)),
    ("10,000 placeholders", |n| each("t.tera", 10_000 * n, |at| format!("{{{{ name{at} }}}}\n"))),
    ("10,000 names that are set", |n| each("t.tera", 10_000 * n, |at| format!("{{% set name{at} = 1 %}}\n"))),
    ("5,000 loops with one name", |n| one("t.tera", "{% for x in xs %}{{ x }}{% set y = x %}{% endfor %}", 5_000 * n)),
    ("5,000 open ifs", |n| one("t.tera", "{% if a is defined %}{{ a }}", 5_000 * n)),
    ("5,000 nested ifs", |n| {
        vec![("t.tera".to_owned(), "{% if a %}".repeat(5_000 * n) + &"{% endif %}".repeat(5_000 * n))]
    }),
    ("250,000 times `${`", |n| one("t.py", "${", 250_000 * n)),
    ("25,000 `${}` placeholders", |n| one("t.py", "${model_name}\n", 25_000 * n)),
    ("25,000 comments that allow on one line", |n| one("t.py", "tgen-allow: unused-set ", 25_000 * n)),
    ("500 templates that extend each other", |n| {
        let template = |at: usize| {
            (format!("t{at}.tera"), format!("{{% extends 't{}.tera' %}}{{% block b %}}{{% endblock %}}", at + 1))
        };
        let base = (format!("t{}.tera", 500 * n), "{% block b %}{% endblock %}".to_owned());
        (0..500 * n).map(template).chain([base]).collect()
    }),
    ("2,000 templates that call a component of another", |n| {
        let callers = (0..2_000 * n).map(|at| (format!("t{at}.tera"), "{{ <c /> }}".to_owned()));
        callers.chain([("c.tera".to_owned(), "{% component c() %}{% endcomponent %}".to_owned())]).collect()
    }),
];

fn one(name: &str, part: &str, count: usize) -> Vec<(String, String)> {
    vec![(name.to_owned(), part.repeat(count))]
}

fn each(name: &str, count: usize, part: impl Fn(usize) -> String) -> Vec<(String, String)> {
    vec![(name.to_owned(), (0..count).map(part).collect())]
}

fn time(templates: &[(String, String)]) -> Duration {
    let run = || {
        let mut library = Library::of_texts();
        for (name, text) in templates {
            library.add(TemplateName::new(name), Utf8PathBuf::from(name), text);
        }
        let start = Instant::now();
        for (name, _) in templates {
            std::hint::black_box(check::problems(&library, &TemplateName::new(name)).len());
            std::hint::black_box(compile(&library, &TemplateName::new(name)).is_ok());
        }
        start.elapsed()
    };
    (0..RUNS).map(|_| run()).min().unwrap()
}

fn main() -> ExitCode {
    let mut grows_too_much = false;
    for (name, input) in INPUTS {
        let [once, twice] = [1, 2].map(|size| time(&input(size)));
        let factor = twice.as_secs_f64() / once.as_secs_f64();
        grows_too_much |= factor > MOST;
        println!("{name}: {once:.1?}, twice that: {twice:.1?}, {factor:.2} times as long");
    }
    if grows_too_much { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
