//! The limits of renderings: how much a template may cost, and where exceeding a limit is reported.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use tera::Value;

use super::TemplateName;
use super::compiled::compile;
use super::library::Library;
use super::renderer::Renderer;
use crate::base::cancellation::Cancellation;
use crate::base::files::MemoryFiles;
use crate::base::problem::{Code, Problem};

/// A release build takes less than a second; the rest is a margin for an unoptimised build on a busy machine. Without a
/// budget, none of these renderings would ever end.
const LONGEST: Duration = Duration::from_mins(2);

fn render(fixture: &str, values: &BTreeMap<String, Value>) -> Result<String, Problem> {
    let fixture = if fixture.contains("-- ") { fixture.to_owned() } else { format!("-- t.tera --\n{fixture}\n") };
    let files = MemoryFiles::from_fixture(&fixture);
    let library = Library::new(&files, Some(Utf8Path::new("")), &[]).unwrap();
    let compiled = compile(&library, &TemplateName::new("t.tera")).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let mut output = Vec::new();
    let rendered = Renderer::of(&compiled).render(values, &mut output).map_err(|problem| library.locate(problem));
    rendered.map(|()| String::from_utf8(output).unwrap())
}

/// Checks that a template exceeds the budget; `place` is the text at which that is reported.
#[track_caller]
fn check_exceeds(fixture: &str, place: &str) {
    let start = Instant::now();
    let problem = render(fixture, &BTreeMap::new()).expect_err("it has a limit");
    assert!(start.elapsed() < LONGEST, "it took {:?}", start.elapsed());
    assert_eq!(problem.code, Code::LimitExceeded, "{problem:#?}");
    let range = problem.range.expect("it has a place");
    let path = problem.path.clone().expect("it has a file");
    let text = match fixture.split_once(&format!("-- {path} --\n")) {
        Some((_, text)) => text,
        None => fixture,
    };
    let line = text.lines().nth(range.start.line as usize).unwrap_or_default();
    assert_eq!(&line[range.start.column as usize..range.end.column as usize], place, "in {path}: {problem:#?}");
}

#[test]
fn loops_in_loops_have_an_end() {
    let depth = 9;
    let opening: String = (0..depth).map(|level| format!("{{% for l{level} in range(end=10) %}}")).collect();
    check_exceeds(&format!("{opening}x{}", "{% endfor %}".repeat(depth)), "range(end=10)");
    let in_a_list = "{{ [i for i in range(end=3000)] | length }}";
    check_exceeds(&format!("{{% for i in range(end=3000) %}}{in_a_list}{{% endfor %}}"), "range(end=3000)");
}

#[test]
fn a_text_that_is_added_to_itself_has_an_end() {
    check_exceeds(
        "{% set_global s = 'xxxxxxxxxx' %}{% for i in range(end=60) %}{% set_global s = s ~ s %}{% endfor %}",
        "s",
    );
    check_exceeds(&format!("{{% set s = 'xxxxxxxxxx' %}}{}", "{% set s = s ~ s %}".repeat(60)), "s");
    check_exceeds(&format!("{{% set s = 'xxxxxxxxxx' %}}{}", "{% set s %}{{ s }}{{ s }}{% endset %}".repeat(60)), "s");
    check_exceeds(&format!("{{% set s = ['x'] %}}{}", "{% set s = [...s, ...s] %}".repeat(60)), "s");
    check_exceeds(&format!("{{% set s = ['x'] %}}{}{{{{ s == s }}}}", "{% set s = [s, s] %}".repeat(60)), "s");
}

#[test]
fn filters_with_large_results_have_an_end() {
    let long = "{% set s = 'xxxxxxxxxx' %}".to_owned() + &"{% set s = s ~ s %}".repeat(12);
    check_exceeds(&format!("{long}{{{{ s | replace(from='x', to=s) | length }}}}"), "replace(from='x', to=s)");
    check_exceeds(&format!("{long}{{{{ s | split(pat='') | join(sep=s) | length }}}}"), "join(sep=s)");
    check_exceeds("{{ range(end=5000000) | length }}", "range(end=5000000)");
    check_exceeds("{{ range(end=100000) | unique | length }}", "unique");
    check_exceeds(&format!("{long}{{% for i in range(end=100000) %}}{{{{ s[i] }}}}{{% endfor %}}"), "i");
    check_exceeds(&format!("{long}{{% for i in range(end=100000) %}}{{{{ s[:] }}}}{{% endfor %}}"), "s");
}

#[test]
fn templates_that_include_others_many_times_have_an_end() {
    let twice = |level| format!("-- t{level}.tera --\n{0}{0}\n", format_args!("{{% include 't{}.tera' %}}", level + 1));
    let middle: String = (1..40).map(twice).collect();
    let fixture = format!("-- t.tera --\n{{% include 't1.tera' %}}\n{middle}-- t40.tera --\nx\n");
    let problem = render(&fixture, &BTreeMap::new()).unwrap_err();
    assert_eq!(problem.code, Code::LimitExceeded, "{problem:#?}");
}

#[test]
fn components_that_call_themselves_have_an_end() {
    let calls = "{{ <c n={n + 1} /> }}".repeat(3);
    check_exceeds(
        &format!(
            "{{% component c(n) %}}{{% if n < 19 %}}{calls}{{% endif %}}{{% endcomponent %}}{{{{ <c n={{1}} /> }}}}"
        ),
        "c",
    );
}

#[test]
fn blocks_that_repeat_their_parents_have_an_end() {
    let body = "{% block b %}{{ super() }}{{ super() }}{% endblock %}";
    let child = |level| format!("-- t{level}.tera --\n{{% extends 't{}.tera' %}}{body}\n", level + 1);
    let middle: String = (1..40).map(child).collect();
    let last = "-- t40.tera --\n{% block b %}x{% endblock %}\n";
    let fixture = format!("-- t.tera --\n{{% extends 't1.tera' %}}{body}\n{middle}{last}");
    let problem = render(&fixture, &BTreeMap::new()).unwrap_err();
    assert_eq!(problem.code, Code::LimitExceeded, "{problem:#?}");
}

#[test]
fn a_value_that_nests_without_end_is_stopped_before_it_is_written() {
    let nested = "{% set_global l = [] %}{% for i in range(end=20000) %}{% set_global l = [l] %}{% endfor %}";
    check_exceeds(&format!("{nested}{{{{ l | py_str }}}}"), "l");
    let map = nested.replace("[l]", "{'k': l}").replace("[]", "{}");
    check_exceeds(&format!("{map}{{{{ l }}}}"), "l");
}

#[test]
fn the_place_is_right_after_other_letters_and_other_calls() {
    check_exceeds(
        "é{% set a = 'ä' ~ 'b' %}{{ a ~ a }}{{ a | upper }}é{{ range(end=5000000) | length }}",
        "range(end=5000000)",
    );
}

#[test]
fn a_cancelled_rendering_ends() {
    let library = Library::of_text(&TemplateName::new("t.tera"), "{% for i in range(end=10) %}{{ i }}{% endfor %}");
    let compiled = compile(&library, &TemplateName::new("t.tera")).unwrap();
    let cancellation = Cancellation::default();
    cancellation.cancel();
    let mut renderer = Renderer::of(&compiled).cancelled_by(cancellation);
    let problem = renderer.render(&BTreeMap::new(), &mut Vec::new()).unwrap_err();
    assert_eq!(problem.message, "the rendering was cancelled");
}

#[test]
fn an_expression_that_is_too_long_to_be_metered_is_told() {
    let template = format!("{{{{ {} }}}}", vec!["a"; 140].join(" ~ "));
    let library = Library::of_text(&TemplateName::new("t.tera"), &template);
    let Err(problems) = compile(&library, &TemplateName::new("t.tera")) else { panic!("it is too long") };
    assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), [Code::LimitExceeded]);
}

/// Templates with every kind of syntax, and their renderings by Tera without metering.
#[test]
fn metering_changes_nothing_that_is_rendered() {
    let values: BTreeMap<String, Value> = [
        ("a", Value::from("some text")),
        ("n", Value::from(3)),
        ("xs", Value::from(vec![Value::from("x"), Value::from("y")])),
        ("m", Value::from_serializable(&serde_json::json!({"k": {"l": [1, 2]}, "é": "ü"}))),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    for template in [
        "{%- for x in xs -%}  {{ x }}  {%- else -%} none {%- endfor %}",
        "  {%- if n == 3 and a ~ n == 'some text3' -%}  yes {% elif 'x' in xs %} x {% else %} no {%- endif -%}  ",
        "{% set s %}{{ a }}{{ n }}{{ m.k.l }}{% endset %}{{ s | upper | replace(from='S', to=a) }}",
        "{% filter upper | replace(from='X', to='') %}{{ a if n > 2 else xs }}{% endfilter %}",
        "{{ xs[0] }}{{ xs[n - 2] }}{{ xs[:] }}{{ xs[::-1] }}{{ a[1:-1] }}{{ a[-2] }}{{ m['é'] }}{{ m.k?.l?[1] }}",
        "{{ [a, ...xs, [n]] }}{{ {'p': a, ...m} }}{{ [x ~ n for x in xs if x != 'y'] }}{{ -n ~ a }}",
        "{% component c(t, @n, ...r) -%} <{{ t }}{{ n }}{{ r }}{{ body | default(value='') }}> {%- endcomponent %}\
         {{ <c t={a} z={xs} /> }}{% <c t=\"q\" {...{'y': xs}}> %}  {{ a }}  {% </c> %}",
        "{{ a is containing(pat='text') }}{{ xs is containing(pat='x') }}{{ n not in [1, 2] }}{{ a or n }}{{ zz | default(value=xs) }}",
        "{{ (a ~ n) ~ (n ~ a) }}{{ a ~ n | abs ~ xs }}{{ 1 + 2 * n ** 2 }}{{ xs | first }}{{ xs | sort | join(sep=a) }}",
        "{% for k, v in m %}{{ k }}={{ v }};{{ loop.index }}{% if loop.last %}{% break %}{% endif %}{% endfor %}",
        "{% for c in a %}{% set d = c ~ c %}{{ d }}{% continue %}{% endfor %}{{ m\n.k\n.l[\n0 :] }}",
    ] {
        let mut plain = tera::Tera::default();
        plain.autoescape_on(Vec::<&str>::new());
        plain.add_raw_template("t.tera", template).unwrap_or_else(|error| panic!("{error}"));
        let mut context = tera::Context::new();
        for (name, value) in &values {
            context.insert_value(name.clone(), value.clone());
        }
        let expected = plain.render("t.tera", &context).unwrap_or_else(|error| panic!("{error}"));
        let library = Library::of_text(&TemplateName::new("t.tera"), template);
        let compiled = compile(&library, &TemplateName::new("t.tera")).unwrap_or_else(|error| panic!("{error:#?}"));
        let mut output = Vec::new();
        Renderer::of(&compiled).render(&values, &mut output).unwrap_or_else(|error| panic!("{template}: {error:#?}"));
        assert_eq!(String::from_utf8(output).unwrap(), expected, "{template}");
    }
}
