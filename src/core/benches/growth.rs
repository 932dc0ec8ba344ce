//! Whether checking and compiling templates, and planning, take time in proportion to their input: each input, and the
//! input twice as long, in turn. Ends with an error if one takes more than [`MOST`] times as long for twice the input.
//! `benches/growth.py` measures whole processes.
//!
//! `cargo bench -p tgen-core --bench growth`

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its figures, and stops where its input is wrong"
)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use tgen_core::base::files::MemoryFiles;
use tgen_core::config::{self, Origin};
use tgen_core::lint;
use tgen_core::plan::Plan;
use tgen_core::project::request::Request;
use tgen_core::template::compiled::compile;
use tgen_core::template::library::Library;
use tgen_core::template::{TemplateName, check};

/// Twice the time, and what caches and a busy machine add. Quadratic work takes four times as long.
const MOST: f64 = 3.0;
/// Each time is the best of so many.
const RUNS: usize = 15;

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
    ("2,000 templates that include one that is missing", |n| {
        let template = |at: usize| (format!("name{at}.tera"), format!("{{% include 'nome{at}.tera' %}}"));
        (0..2_000 * n).map(template).collect()
    }),
    ("2,000 unknown components", |n| {
        let template = |at: usize| {
            (format!("t{at}.tera"), format!("{{% component name{at}() %}}{{% endcomponent %}}{{{{ <nome{at} /> }}}}"))
        };
        (0..2_000 * n).map(template).collect()
    }),
    ("3,000 components of one template, each called", |n| {
        each("t.tera", 3_000 * n, |at| {
            format!("{{% component c{at}() %}}x{{% endcomponent c{at} %}}{{{{ <c{at} /> }}}}")
        })
    }),
    ("5,000 unknown blocks", |n| {
        let blocks = |name: &str| {
            (0..5_000 * n).map(|at| format!("{{% block {name}{at} %}}{{% endblock %}}")).collect::<String>()
        };
        let child = format!("{{% extends 'base.tera' %}}{}", blocks("nome"));
        vec![("base.tera".to_owned(), blocks("name")), ("child.tera".to_owned(), child)]
    }),
];

/// A name, and the files of a project of some size.
type Project = (&'static str, fn(usize) -> MemoryFiles);

const PROJECTS: &[Project] = &[
    ("a pipeline map of 100,000 model types, one selected", |n| project("[\"m7\"]", "", &map(100_000 * n))),
    ("20,000 models", |n| project("\"all\"", "", &map(20_000 * n))),
    ("a model with 100,000 tasks", |n| {
        let tasks: Vec<String> = (0..100_000 * n).map(|at| format!("\"task-{at}\"")).collect();
        project("[\"bert\"]", "", &format!("{{\"bert\": [{}]}}", tasks.join(",")))
    }),
    ("100,000 batch sizes", |n| {
        let sizes: Vec<String> = (1..=100_000 * n).map(|size| size.to_string()).collect();
        project("[\"m7\"]", &format!("batch-sizes = [{}]", sizes.join(",")), &map(10))
    }),
    ("20,000 unknown models", |n| {
        let names: Vec<String> = (0..20_000 * n).map(|at| format!("\"unknown-{at}\"")).collect();
        project(&format!("[{}]", names.join(",")), "", &map(10))
    }),
    ("2,500 models without a template among 2,500 others", |n| {
        let mut files = project("\"all\"", "", &map(2_500 * n));
        files.insert("tgen.toml", CONFIG_OF_EACH);
        for at in 0..2_500 * n {
            files.insert(format!("templates/k{at}.py.tera"), "x = 1\n");
        }
        files
    }),
    ("20,000 models without a template", |n| {
        let mut files = project("\"all\"", "", &map(20_000 * n));
        files.remove("templates/t.py.tera");
        files.insert("templates/other.py.tera", "x = 1\n");
        files
    }),
];

/// A template for each model.
const CONFIG_OF_EACH: &str = "templates = \"templates\"\npipeline-map = \"map.json\"\n[[suite]]\nname = \"s\"\n\
                              template = \"{{ model_name }}.py.tera\"\nmodels = \"all\"\n\
                              output = \"out/test_{{ normalized_name }}.py\"\n";

fn map(types: usize) -> String {
    let types: Vec<String> = (0..types).map(|at| format!("\"m{at}\": [\"fill-mask\"]")).collect();
    format!("{{{}}}", types.join(","))
}

fn project(models: &str, keys: &str, map: &str) -> MemoryFiles {
    let mut files = MemoryFiles::default();
    let config = format!(
        "templates = \"templates\"\npipeline-map = \"map.json\"\n[[suite]]\nname = \"s\"\ntemplate = \"t.py.tera\"\n\
         models = {models}\noutput = \"out/test_{{{{ normalized_name }}}}.py\"\n{keys}\n"
    );
    files.insert("tgen.toml", config);
    files.insert("map.json", map);
    files.insert("templates/t.py.tera", "x = {{ model_name | py_str }}\n");
    files
}

fn one(name: &str, part: &str, count: usize) -> Vec<(String, String)> {
    vec![(name.to_owned(), part.repeat(count))]
}

fn each(name: &str, count: usize, part: impl Fn(usize) -> String) -> Vec<(String, String)> {
    vec![(name.to_owned(), (0..count).map(part).collect())]
}

/// The time of reading a project and planning its outputs.
fn planning(files: &MemoryFiles) -> Duration {
    let start = Instant::now();
    let config = config::load(files, Origin::TgenToml).unwrap();
    let project = tgen_core::project::Project::load(files, config, &[]);
    let plan = Plan::new(&project, &Request::default());
    let problems = lint::before_rendering(&plan);
    std::hint::black_box((plan.outputs.len(), problems.len()));
    start.elapsed()
}

/// The time of checking and compiling templates.
fn checking(templates: &[(String, String)]) -> Duration {
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
}

/// The best times for an input and for twice of it, taken in turn: what slows the machine slows both.
fn growth<Input>(input: fn(usize) -> Input, time: impl Fn(&Input) -> Duration) -> [Duration; 2] {
    let inputs = [1, 2].map(input);
    let runs = (0..RUNS).map(|_| [time(&inputs[0]), time(&inputs[1])]);
    runs.reduce(|[once, twice], [other, others_twice]| [once.min(other), twice.min(others_twice)]).unwrap_or_default()
}

fn main() -> ExitCode {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let of_templates = INPUTS.iter().filter(|(name, _)| name.contains(&only));
    let of_projects = PROJECTS.iter().filter(|(name, _)| name.contains(&only));
    let times = of_templates.map(|(name, input)| (*name, growth(*input, |templates| checking(templates))));
    let times = times.chain(of_projects.map(|(name, input)| (*name, growth(*input, planning))));
    let mut grows_too_much = false;
    for (name, [once, twice]) in times {
        let factor = twice.as_secs_f64() / once.as_secs_f64();
        grows_too_much |= factor > MOST;
        println!("{name}: {once:.1?}, twice that: {twice:.1?}, {factor:.2} times as long");
    }
    if grows_too_much { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
