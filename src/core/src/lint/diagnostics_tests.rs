use std::fmt::Write;

use insta::assert_snapshot;
use proptest::prelude::*;

use crate::base::files::MemoryFiles;
use crate::base::problem::Problem;
use crate::config::{self, Origin};
use crate::lint::diagnostics::{of_file, of_outputs};
use crate::lint::fixture::{CONFIG, with_cursor};
use crate::lint::lint;
use crate::lint::usage::Usage;
use crate::plan::Plan;
use crate::project::Project;
use crate::project::request::Request;
use crate::template::syntax::fuzzing::{edits, source};

/// The problems of the template, a line each; and the same ones out of `lint`.
fn check(fixture: &str) -> String {
    with_cursor(fixture, |usage, path, _| {
        let mut problems = of_file(usage, path);
        problems.extend(of_outputs(usage, path, &|| true));
        let plan = Plan::new(usage.project, &Request::default());
        let mut linted = lint(&plan, &|| ());
        linted.retain(|problem| problem.path.as_ref() == Some(path));
        let sorted = |mut problems: Vec<Problem>| {
            problems.sort_by(|left, right| (left.range, &left.message).cmp(&(right.range, &right.message)));
            problems
        };
        let problems = sorted(problems);
        assert_eq!(problems, sorted(linted), "lint says the same");
        shown(&problems)
    })
}

fn shown(problems: &[Problem]) -> String {
    let mut shown = String::new();
    for problem in problems {
        let start = problem.range.unwrap_or_default().start;
        write!(shown, "{}:{} {}: {}", start.line + 1, start.column + 1, problem.code.name(), problem.message).unwrap();
        for related in &problem.related {
            let line = related.range.unwrap_or_default().start.line + 1;
            write!(shown, " ({}:{line}: {})", related.path, related.message).unwrap();
        }
        writeln!(shown, "; {}", problem.help.as_deref().unwrap_or_default()).unwrap();
    }
    shown
}

#[test]
fn a_value_that_some_models_lack_says_how_many_and_which() {
    assert_snapshot!(check("x = 1\ny = {{ tasks[1] | py_str }}\n"), @r#"
    2:8 undefined-value: `tasks[1]` has no value for 2 of 4 models: `llava`, `whisper`; ask first with `is defined`, or give a default: `| default(value="…")`
    "#);
    assert_snapshot!(check("x = 1\nz = \"{{ tasks[1] }}\"\n"), @r#"
    2:9 undefined-value: `tasks[1]` has no value for 2 of 4 models: `llava`, `whisper`; ask first with `is defined`, or give a default: `| default(value="…")`
    "#);
    assert_snapshot!(check("{{ reference.module }}\n"), @r#"
    1:4 undefined-value: `reference.module` has no value for all 4 models; ask first with `is defined`, or give a default: `| default(value="…")`
    "#);
    assert_snapshot!(check("{% if tasks | length > 1 %}# {{ tasks[1] }}{% endif %}\n"), @"");
}

#[test]
fn a_value_that_breaks_out_is_found_where_it_is_put_in() {
    let config = crate::lint::fixture::CONFIG.replace("organisation = \"acme\"", "quoted = 'a\"b'");
    let with = |template: &str| check(&format!("{config}-- templates/t.py.tera --\n{template}\n"));
    assert_snapshot!(with("a = \"{{ quoted }}\"\nb = '{{ quoted }}'\nc = {{ quoted | py_str }}"), @"
    1:6 unsafe-value: the value of `{{ quoted }}` breaks out of the string for all 4 models; write `{{ quoted | py_str }}` and no quotes around it
    ");
    assert_snapshot!(with("def test_{{ primary_task }}(): pass"), @"
    1:10 unsafe-value: the value of `{{ primary_task }}` breaks out of the name for all 4 models; write `{{ primary_task | py_ident }}`
    ");
    assert_snapshot!(with("def test_{{ primary_task | py_ident }}(): pass"), @"");
    assert_snapshot!(with("a = \"{{ quoted }}\"  {# tgen-allow: unsafe-value #}"), @"");
}

#[test]
fn the_filter_that_is_put_in_keeps_the_value() {
    let written = [
        ("{{ primary_task == \"x\" }}", "{{ (primary_task == \"x\") | py_str }}"),
        ("{{ not tasks }}", "{{ (not tasks) | py_str }}"),
        ("{{ \"x\" in tasks }}", "{{ (\"x\" in tasks) | py_str }}"),
        ("{{ \"x\" not in tasks }}", "{{ (\"x\" not in tasks) | py_str }}"),
        ("{{ 1 < 2 and true }}", "{{ (1 < 2 and true) | py_str }}"),
        ("{{ false or false }}", "{{ (false or false) | py_str }}"),
        ("{{ tasks is containing(pat=\"x\") }}", "{{ (tasks is containing(pat=\"x\")) | py_str }}"),
        ("{{ true if tasks else false }}", "{{ (true if tasks else false) | py_str }}"),
        ("{{ \"tr\" ~ \"ue\" }}", "{{ (\"tr\" ~ \"ue\") | py_str }}"),
        ("{{ (1 == 1) }}", "{{ (1 == 1) | py_str }}"),
        ("{{- [1 == 1, not tasks] -}}", "{{- [1 == 1, not tasks] | py_str -}}"),
        ("{{ {\"a\": 1 == 1} }}", "{{ {\"a\": 1 == 1} | py_str }}"),
        ("{{ {\"a\": {\"b\": true} } }}", "{{ {\"a\": {\"b\": true} } | py_str }}"),
        ("{{ true }}", "{{ true | py_str }}"),
        ("{{ [true] | first }}", "{{ [true] | first | py_str }}"),
    ];
    for (before, after) in written {
        let found = check(&format!("x = {before}\n"));
        let is_helped = found.contains("not-python") && found.contains(&format!("; write `{after}`\n"));
        assert!(is_helped, "{before}: {found}");
        assert_eq!(check(&format!("x = {after}\n")), "", "{after}");
    }
}

#[test]
fn a_syntax_error_of_the_output_stands_on_the_line_that_wrote_it() {
    assert_snapshot!(check("{% for task in tasks %}\nx = 1\n{% endfor %}\ndef f(:\n    pass\n"), @"
    4:7 output-syntax: the rendered file is not valid Python: expected a parameter or the end of the parameter list for all 4 models (out/test_bert.py:6: it is `def f(:` there); correct the template
    ");
    let part = "-- templates/part.tera --\ny = = 1\n-- templates/t.py.tera --\nx = 1\n{% include \"part.tera\" %}$0\n";
    assert_snapshot!(with_cursor(part, |usage, _, _| shown(&of_outputs(usage, "templates/part.tera".into(), &|| true))), @"
    1:5 output-syntax: the rendered file is not valid Python: expected an expression for all 4 models (out/test_bert.py:2: it is `y = = 1` there); correct the template
    ");
}

#[test]
fn nulls_in_lists_and_maps_are_told() {
    for value in [
        "[1, none]",
        "[none, 1]",
        "[none, none]",
        "[1, none, 2]",
        "{\"a\": reference}",
        "[[1, none], 2]",
        "{\"a\": none, \"b\": 1}",
    ] {
        let found = check(&format!("x = {{{{ {value} }}}}\n"));
        assert!(found.contains("nulls in it are written as nothing"), "{value}: {found}");
        assert_eq!(check(&format!("x = {{{{ {value} | py_str }}}}\n")), "", "{value}");
    }
    for value in ["[1, 2]", "[]", "[[], []]", "[\"a, ,\", \", ]\"]", "{\"a\": [], \"b: ,\": 1}"] {
        assert_eq!(check(&format!("x = {{{{ {value} }}}}\n")), "", "{value}");
    }
}

#[test]
fn a_macro_of_tera_1_hides_the_names_that_it_binds() {
    assert_snapshot!(check("{{ modle_name }}{% macro f(x) %}{{ x }}{% endmacro f %}{{ self::f(x=1) }}\n"), @"
    1:4 unknown-placeholder: there is no placeholder `modle_name`; did you mean `model_name`?
    1:20 template-syntax: there is no tag `macro`; Tera 2 has components: `{% component name(a, b=1) %}…{% endcomponent %}`, called as `{{ <name a={x} /> }}`
    1:43 template-syntax: there is no tag `endmacro`; Tera 2 has components: `{% endcomponent %}`
    1:63 template-syntax: Tera 2 has no macros to call; a component is called as `{{ <name a={x} /> }}`
    ");
    assert_snapshot!(check("{{ macros::f(x=1) }}{% include \"a\" ignore missing %}{% include [\"a\", \"b\"] %}\n"), @"
    1:10 template-syntax: Tera 2 has no macros to call; a component is called as `{{ <name a={x} /> }}`
    1:33 broken-inheritance: there is no template `a`; there is `t.py.tera`
    1:36 template-syntax: Tera 2 has no `ignore missing`; take it out: in Tera 2, an included template must exist
    1:64 template-syntax: Tera 2 takes one template here, not a list; name one; a suite's `template` may list several, of which the first that exists is rendered
    ");
}

#[test]
fn one_broken_tag_hides_nothing_else() {
    assert_snapshot!(check("{{ modle_name }}\n{{ x | }}\n{% if batch_size %}{% endif %}\n{{ timestamp }}\n"), @"
    1:4 unknown-placeholder: there is no placeholder `modle_name`; did you mean `model_name`?
    2:4 unknown-placeholder: there is no placeholder `x`; run `cargo tgen placeholders` to see all, or add it to `[placeholders]` in tgen.toml
    2:6 template-syntax: a filter's name is missing here; 
    3:7 axis-not-expanded: `batch_size` has no value here: the suite's output path does not expand that axis; name `{{ batch_size }}` in the suite's `output`, or use the list `batch_sizes`
    4:4 non-deterministic: there is no `timestamp`: an output is a function of its inputs; take it out, or let the test find it when it runs
    ");
}

#[test]
fn templates_of_no_suite_are_checked_too() {
    let other = "-- templates/t.py.tera --\n-- templates/other.tera --\n{{ modle_name }}$0{{ hardware_type }}\n";
    assert_snapshot!(check(other), @"
    1:1 unused-template: no output is made from this template; name it in a suite's `template` list, before a template that exists for every model; build another template on it; or delete it
    1:4 unknown-placeholder: there is no placeholder `modle_name`; did you mean `model_name`?
    ");
}

/// A suite that takes the first template that exists case by case.
const LISTED: &str = r#"-- tgen.toml --
templates = "templates"

[[suite]]
name = "s"
template = ["{{ model_family }}.py.tera", "common.py.tera", "later.py.tera"]
models = ["bert"]
output = "out/test_{{ normalized_name }}.py"
-- templates/common.py.tera --
{% include "part.py.tera" %}
-- templates/part.py.tera --
# tgen-support: help.py.tera
x = 1
-- templates/help.py.tera --
y = 1
-- templates/notes.md --
Notes.
"#;

#[test]
fn a_template_that_is_part_of_no_output_is_told() {
    let later = format!("{LISTED}-- templates/later.py.tera --\n$0z = 1\n");
    assert_snapshot!(check(&later), @"1:1 unused-template: no output is made from this template; suite `s` lists it after a template that exists for every model; put it first in `template`, or delete it");
    let other = format!("{LISTED}-- templates/other.py.tera --\n$0z = 1\n");
    assert_snapshot!(check(&other), @"1:1 unused-template: no output is made from this template; name it in a suite's `template` list, before a template that exists for every model; build another template on it; or delete it");
    let allowed = format!("{LISTED}-- templates/other.py.tera --\n$0z = 1  # tgen-allow: unused-template\n");
    assert_snapshot!(check(&allowed), @"");
}

#[test]
fn a_template_that_is_a_part_of_others_or_is_their_support_is_used() {
    for used in ["x = 1\n", "y = 1\n", "Notes.", "{% include"] {
        assert_eq!(check(&LISTED.replacen(used, &format!("$0{used}"), 1)), "", "{used}");
    }
}

#[test]
fn whether_a_template_is_used_is_not_told_while_an_error_may_be_the_reason() {
    let unknown_model = LISTED.replace("\"bert\"", "\"bart-nope*\"");
    assert_snapshot!(check(&format!("{unknown_model}-- templates/other.py.tera --\n$0z = 1\n")), @"");
}

/// The problems of the template of [`CONFIG`], as an editor asks for them.
fn problems_in(project: &Project<'_>) -> Vec<Problem> {
    let plan = Plan::new(project, &Request::default());
    of_file(&Usage::new(project, &plan.planned), "templates/t.py.tera".into())
}

proptest! {
    // Planning is slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn problems_after_edits_are_those_of_a_project_loaded_afresh(start in source(), edits in edits()) {
        let mut texts = vec![start];
        for edit in edits {
            texts.push(edit.applied(&texts[texts.len() - 1]));
        }
        let with_text = |text: &String| {
            let mut files = MemoryFiles::from_fixture(CONFIG);
            files.insert("templates/t.py.tera", text.as_bytes());
            files
        };
        let worlds: Vec<MemoryFiles> = texts.iter().map(with_text).collect();
        let load = |files| Project::load(files, config::load(files, Origin::TgenToml).unwrap(), &[]);
        let mut project = load(&worlds[0]);
        problems_in(&project);
        for (world, text) in worlds.iter().zip(&texts).skip(1) {
            project = project.after(world, &["templates/t.py.tera".into()]).unwrap();
            prop_assert_eq!(problems_in(&project), problems_in(&load(world)), "{:?}", text);
        }
    }
}
