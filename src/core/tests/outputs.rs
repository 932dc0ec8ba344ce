//! From files in memory to outputs, through the one way that every command takes.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use proptest::prelude::*;
use tgen_core::base::files::{Files, MemoryFiles};
use tgen_core::base::problem::Problem;
use tgen_core::config::{self, Origin};
use tgen_core::model::catalogue::Selector;
use tgen_core::output::state::State;
use tgen_core::plan::Plan;
use tgen_core::project::Project;
use tgen_core::project::request::Request;
use tgen_core::rendering::comparison::{judge_each, orphans};
use tgen_core::template::library::Pack;

static PACK: &Pack = &[("built_in.py.tera", "MODEL = {{ model_name | py_str }}\n")];

/// Judges every output of a fixture and says what it found: states, paths, problems.
fn judge(files: &dyn Files, request: &Request) -> Judged {
    let config = config::load(files, Origin::TgenToml).expect("the fixture's configuration is valid");
    let project = Project::load(files, config, PACK);
    let plan = Plan::new(&project, request);
    let mut judged = Judged::default();
    judged.problems.extend(project.problems.iter().chain(&plan.problems).cloned());
    let no_formatter = |_: &_, _: &mut Vec<u8>| Err(io::ErrorKind::Unsupported.into());
    for result in judge_each(&plan, &plan.outputs, &no_formatter, |_, output, result| {
        result.map(|judged| (plan.location(output).to_string(), judged.state, judged.expected.to_vec()))
    }) {
        match result {
            Ok(output) => judged.outputs.push(output),
            Err(problem) => judged.problems.push(problem),
        }
    }
    let orphans = orphans(&plan);
    judged.orphans = orphans.files.iter().map(ToString::to_string).collect();
    judged.problems.extend(orphans.problems);
    judged
}

#[derive(Default)]
struct Judged {
    outputs: Vec<(String, State, Vec<u8>)>,
    orphans: Vec<String>,
    problems: Vec<Problem>,
}

impl Judged {
    fn report(&self) -> String {
        let mut report = String::new();
        for (path, state, _) in &self.outputs {
            writeln!(report, "{} {path}", state.name()).unwrap();
        }
        for path in &self.orphans {
            writeln!(report, "orphaned {path}").unwrap();
        }
        for problem in &self.problems {
            let place = problem.range.map(|range| format!(":{}:{}", range.start.line + 1, range.start.column + 1));
            let path = problem.path.as_ref().map(|path| format!("{path}{}: ", place.unwrap_or_default()));
            writeln!(report, "{}{}: {}", path.unwrap_or_default(), problem.code.name(), problem.message).unwrap();
        }
        report
    }

    fn write_into(&self, files: &mut MemoryFiles) {
        for (path, _, expected) in &self.outputs {
            files.insert(path.clone(), expected.clone());
        }
    }
}

#[track_caller]
fn check(fixture: &str, expected: &str) {
    let files = MemoryFiles::from_fixture(fixture);
    assert_eq!(judge(&files, &Request::default()).report().trim_end(), expected.trim());
}

const SUITE: &str = r#"-- tgen.toml --
templates = "templates"
[[suite]]
name = "s"
template = "t.py.tera"
models = ["bert", "vit"]
output = "out/test_{{ normalized_name }}.py"
"#;

#[test]
fn an_axis_that_the_path_names_is_expanded() {
    check(
        r#"-- tgen.toml --
[[suite]]
name = "s"
template = "built_in.py.tera"
models = ["bert"]
hardware = ["cpu", "cuda"]
batch-sizes = [1, 4]
output = "out/{{ hardware_type }}/test_{{ normalized_name }}_b{{ batch_size }}.py"
"#,
        "missing out/cpu/test_bert_b1.py\nmissing out/cpu/test_bert_b4.py\n\
         missing out/cuda/test_bert_b1.py\nmissing out/cuda/test_bert_b4.py",
    );
}

#[test]
fn the_first_template_that_exists_wins() {
    let fixture = r#"-- tgen.toml --
templates = "templates"
[[suite]]
name = "s"
template = ["models/{{ normalized_name }}.py.tera", "tasks/{{ primary_task }}.py.tera", "built_in.py.tera"]
models = ["bert", "vit", "gpt2"]
output = "out/test_{{ normalized_name }}.py"
-- templates/models/bert.py.tera --
# own
-- templates/tasks/image-classification.py.tera --
# task
"#;
    let judged = judge(&MemoryFiles::from_fixture(fixture), &Request::default());
    let texts: Vec<_> = judged.outputs.iter().map(|(_, _, text)| String::from_utf8_lossy(text).into_owned()).collect();
    let from: Vec<_> = texts.iter().map(|text| text.split_whitespace().nth(5).unwrap()).collect();
    assert_eq!(from, ["models/bert.py.tera", "tasks/image-classification.py.tera", "built_in.py.tera"]);
}

#[test]
fn a_mistyped_placeholder_is_a_problem_of_the_template_and_not_of_each_model() {
    check(
        &format!("{SUITE}-- templates/t.py.tera --\na = 1\nb = \"{{{{ modle_name }}}}\"\n"),
        "templates/t.py.tera:2:9: unknown-placeholder: there is no placeholder `modle_name`",
    );
}

#[test]
fn an_axis_that_the_path_does_not_name_has_no_value() {
    check(
        &format!("{SUITE}-- templates/t.py.tera --\n{{{{ batch_size }}}}\n"),
        "templates/t.py.tera:1:4: axis-not-expanded: `batch_size` has no value here: the suite's output path does not expand that axis",
    );
}

#[test]
fn a_template_that_asks_for_the_time_is_told_so() {
    check(
        &format!("{SUITE}-- templates/t.py.tera --\n# {{{{ timestamp }}}}\n"),
        "templates/t.py.tera:1:6: non-deterministic: there is no `timestamp`: an output is a function of its inputs",
    );
}

#[test]
fn a_rendered_file_that_is_not_python_is_a_problem_at_its_line() {
    let report = format!("{SUITE}-- templates/t.py.tera --\nx = 1\ndef {{{{ model_name }}}}(:\n");
    let judged = judge(&MemoryFiles::from_fixture(&report), &Request::default());
    assert!(judged.outputs.is_empty());
    assert!(judged.report().starts_with("out/test_bert.py:3:10: output-syntax"), "{}", judged.report());
    assert!(judged.report().contains("in `def bert(:`"), "{}", judged.report());
}

#[test]
fn errors_of_tera_stand_at_their_place() {
    check(
        &format!("{SUITE}-- templates/t.py.tera --\né = 1\n{{{{ model_name | uper }}}}\n"),
        "templates/t.py.tera:2:17: unknown-function: there is no filter `uper`",
    );
    check(
        &format!("{SUITE}-- templates/t.py.tera --\n{{% extends \"base.tera\" %}}\n"),
        "templates/t.py.tera:1:13: broken-inheritance: there is no template `base.tera`",
    );
    check(
        &format!("{SUITE}-- templates/t.py.tera --\n{{% include \"t.py.tera\" %}}\n"),
        "templates/t.py.tera:1:13: broken-inheritance: `t.py.tera` includes itself",
    );
}

#[test]
fn a_loop_without_end_is_stopped() {
    let report = judge(
        &MemoryFiles::from_fixture(&format!(
            "{SUITE}-- templates/t.py.tera --\n{{% for i in range(end=1000000000) %}}x{{% endfor %}}\n"
        )),
        &Request::default(),
    )
    .report();
    assert!(report.contains("templates/t.py.tera:1:13: limit-exceeded"), "{report}");
}

#[test]
fn two_cases_with_one_path_are_an_error_that_names_both() {
    check(
        r#"-- tgen.toml --
[[suite]]
name = "s"
template = "built_in.py.tera"
models = ["bert", "vit"]
output = "out/test.py"
"#,
        "tgen.toml:5:10: output-collision: two cases have the output path `out/test.py`: built_in.py.tera for bert, and built_in.py.tera for vit",
    );
}

#[test]
fn a_support_template_is_rendered_once_beside_the_outputs() {
    check(
        &format!(
            "{SUITE}-- templates/t.py.tera --\n{{# tgen-support: help.py.tera #}}\nx = 1\n\
             -- templates/help.py.tera --\nVERSION = \"{{{{ generator_version }}}}\"\n"
        ),
        "missing out/test_bert.py\nmissing out/test_vit.py\nmissing out/help.py",
    );
}

#[test]
fn a_support_template_keeps_its_folder() {
    check(
        &format!(
            "{SUITE}-- templates/t.py.tera --\n{{# tgen-support: kit/__init__.py #}}\nx = 1\n\
             -- templates/kit/__init__.py --\n# tgen-support: kit/part.py.tera\n-- templates/kit/part.py.tera --\ny = 1\n"
        ),
        "missing out/test_bert.py\nmissing out/test_vit.py\nmissing out/kit/__init__.py\nmissing out/kit/part.py",
    );
}

#[test]
fn a_support_template_asks_for_others_once_even_in_a_circle() {
    check(
        &format!(
            "{SUITE}-- templates/t.py.tera --\n{{# tgen-support: help.py.tera #}}\nx = 1\n\
             -- templates/help.py.tera --\n{{# tgen-support: data.toml #}}\ny = 1\n\
             -- templates/data.toml --\n# tgen-support: help.py.tera\nz = 1\n"
        ),
        "missing out/test_bert.py\nmissing out/test_vit.py\nmissing out/help.py\nmissing out/data.toml",
    );
}

#[test]
fn a_support_template_stands_beside_its_outputs_wherever_they_stand() {
    check(
        &format!(
            "{}-- templates/t.py.tera --\n{{# tgen-support: help.py.tera #}}\nx = 1\n-- templates/help.py.tera --\ny = 1\n",
            SUITE.replace("out/test", "out/{{ model_family }}/test")
        ),
        "missing out/text_embedding/test_bert.py\nmissing out/vision/test_vit.py\n\
         missing out/text_embedding/help.py\nmissing out/vision/help.py",
    );
}

#[test]
fn hostile_model_names_are_refused() {
    let files = MemoryFiles::from_fixture(&format!("{SUITE}-- templates/t.py.tera --\nx = 1\n"));
    for name in ["../../x", "a b", "\"; import os; \"", &"x".repeat(300), ""] {
        let request = Request { models: vec![Selector::Name(name.to_owned())], ..Request::default() };
        let judged = judge(&files, &request);
        assert!(judged.outputs.is_empty(), "{name}");
        assert!(judged.problems.iter().any(Problem::is_error), "{name}");
    }
}

#[test]
fn braces_of_python_survive_in_a_dollar_template() {
    let fixture = r#"-- tgen.toml --
templates = "templates"
[[suite]]
name = "s"
template = "t.py"
models = ["bert"]
output = "out/test_{{ normalized_name }}.py"
-- templates/t.py --
x = f"{model} {{y}} {'${model_name}'}"  # {{ no }} {% tag %} $${HOME}
"#;
    let judged = judge(&MemoryFiles::from_fixture(fixture), &Request::default());
    let text = String::from_utf8(judged.outputs[0].2.clone()).unwrap();
    assert!(text.ends_with("\nx = f\"{model} {{y}} {'bert'}\"  # {{ no }} {% tag %} ${HOME}\n"), "{text}");
}

#[test]
fn a_deleted_model_leaves_an_orphan() {
    let mut files = MemoryFiles::from_fixture(&format!("{SUITE}-- templates/t.py.tera --\nx = 1\n"));
    judge(&files, &Request::default()).write_into(&mut files);
    files.insert("tgen.toml", SUITE.replace("-- tgen.toml --\n", "").replace(", \"vit\"", ""));
    files.insert("out/mine.py", "mine = 1\n");
    let judged = judge(&files, &Request::default());
    assert_eq!(judged.report(), "fresh out/test_bert.py\norphaned out/test_vit.py\n");
}

/// Files of which one folder can be read, and not listed.
struct Unlistable<'a>(&'a MemoryFiles, &'a str);

impl Files for Unlistable<'_> {
    fn read_into(&self, path: &Utf8Path, buffer: &mut Vec<u8>) -> io::Result<()> {
        self.0.read_into(path, buffer)
    }

    fn list(&self, folder: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
        if folder == self.1 { Err(io::ErrorKind::PermissionDenied.into()) } else { self.0.list(folder) }
    }

    fn is_file(&self, path: &Utf8Path) -> bool {
        self.0.is_file(path)
    }
}

#[test]
fn an_output_folder_that_cannot_be_searched_for_orphans_is_named() {
    let mut files = MemoryFiles::from_fixture(&format!("{SUITE}-- templates/t.py.tera --\nx = 1\n"));
    judge(&files, &Request::default()).write_into(&mut files);
    let judged = judge(&Unlistable(&files, "out"), &Request::default());
    assert_eq!(
        judged.report(),
        "fresh out/test_bert.py\nfresh out/test_vit.py\n\
         out: output-inaccessible: cannot search `out` for orphaned outputs: permission denied\n"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn generate_then_check_is_clean(
        lines in prop::collection::vec(
            prop::sample::select(vec![
                "x = {{ model_name | py_str }}\n", "{% for task in tasks %}# {{ task }}\n{% endfor %}", "# é {{ model_family }}\r\n",
                "{%- if 'fill-mask' in tasks %}\ny = 1\n{%- endif %}\n", "#!/bin/sh\n", "{% if 'fill-mask' in tasks -%}\ny = 2\n{% endif %}", "# {{ class_name }}{{ class_name }}\n",
                "{% set z = camel_case_name %}# {{ z }}\n", "{% raw %}# {{ raw }}{% endraw %}\n", "", "# coding: utf-8\n",
            ]),
            0..8,
        ),
    ) {
        let mut files = MemoryFiles::from_fixture(SUITE);
        files.insert("templates/t.py.tera", lines.concat());
        let first = judge(&files, &Request::default());
        prop_assert_eq!(first.outputs.len(), 2, "{}", first.report());
        first.write_into(&mut files);
        let second = judge(&files, &Request::default());
        prop_assert_eq!(second.report(), "fresh out/test_bert.py\nfresh out/test_vit.py\n");
    }

    /// Many cases of one template share skeletons; one case alone is rendered by Tera directly. The two must agree.
    #[test]
    fn a_case_among_many_is_rendered_as_alone(
        lines in prop::collection::vec(
            prop::sample::select(vec![
                "# {{ hardware_type }} {{- batch_size }}\n", "# {{ hardware_type | upper }}\n", "{{- '# ' ~ batch_size }}\n",
                "{% if batch_size > 1 %}# {{ hardware_type }}\n{% endif %}", "{% for b in batch_sizes %}# {{ hardware_type }}{{ b }}\n{% endfor %}",
                "# {{ model_name }} \u{10fffd}\n", "{% filter upper %}# {{ batch_size }}{{ hardware_type }}{% endfilter %}\n",
                "{% set s %}{{ hardware_type }}{% endset %}# {{ s }}\n",
            ]),
            1..6,
        ),
    ) {
        let fixture = r#"-- tgen.toml --
templates = "templates"
[[suite]]
name = "s"
template = "t.py.tera"
models = ["bert", "vit"]
hardware = ["cpu", "cuda", "mps"]
batch-sizes = [1, 2, 4]
output = "out/{{ normalized_name }}_{{ hardware_type }}_{{ batch_size }}.py"
"#;
        let mut files = MemoryFiles::from_fixture(fixture);
        files.insert("templates/t.py.tera", lines.concat());
        let together = judge(&files, &Request::default());
        prop_assert_eq!(together.outputs.len(), 18, "{}", together.report());
        for (at, (path, _, text)) in together.outputs.iter().enumerate().step_by(5) {
            let hardware = ["cpu", "cuda", "mps"][at / 3 % 3];
            let request = Request {
                models: vec![Selector::Name(["bert", "vit"][at / 9].to_owned())],
                hardware: tgen_core::model::hardware::HardwareType::from_name(hardware).map(|found| vec![found]),
                batch_sizes: Some(vec![[1, 2, 4][at % 3]]),
                ..Request::default()
            };
            let alone = judge(&files, &request);
            // The lists of the axes are part of the values, so only templates without them are the same alone.
            if !lines.iter().any(|line| line.contains("batch_sizes")) {
                prop_assert_eq!(&alone.outputs[0].0, path);
                prop_assert_eq!(&alone.outputs[0].2, text);
            }
        }
    }
}
