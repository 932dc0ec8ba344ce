use proptest::prelude::*;

use super::*;
use crate::template::syntax::fuzzing::{edits, source};
use crate::template::syntax::{Reparsed, parse, reparse};

#[track_caller]
fn check_uses(source: &str, expected: &[&str]) {
    let analysis = of_tera(source, &parse(source));
    let seen: Vec<_> = analysis
        .uses
        .iter()
        .map(|found| {
            assert_eq!(source[found.span.clone()], found.name);
            match found.kind {
                UseKind::Bare => format!("{} bare", found.name),
                UseKind::Guarded => format!("{} guarded", found.name),
                UseKind::Expression => found.name.clone(),
            }
        })
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn only_values_are_uses() {
    check_uses("{{ a }}{{ b | upper }}", &["a bare", "b"]);
    check_uses("{{ a.b[c].d | e(f=g) }}", &["a", "c", "g"]);
    check_uses("{% if a is defined and not b is odd %}{% endif %}", &["a guarded", "b"]);
    check_uses("{{ range(end=n) }}{{ [x for x in xs if x > 1] }}", &["n", "x", "xs", "x"]);
    check_uses("{% set q = a ~ 'b' %}{% block name %}{% endblock name %}", &["a"]);
    check_uses("{{ a or 'x' }}{{ b | default(value=c) }}", &["a guarded", "b guarded", "c"]);
    check_uses("{{ a if b < c else d }}", &["a", "b", "c", "d"]);
}

#[test]
fn components_are_calls_and_their_arguments_values() {
    let source = "{{ <card title={model_name} /> }}{% <ui.box wide={x}> %}{% </ui.box> %}{% component card(title, n=1) %}{{ title }}{% endcomponent %}";
    check_uses(source, &["model_name", "x", "title bare"]);
    let analysis = of_tera(source, &parse(source));
    let names = |references: &[Reference]| references.iter().map(|found| found.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&analysis.calls), ["card", "ui.box"]);
    assert_eq!(names(&analysis.defines), ["card"]);
    assert!(analysis.captures);
}

#[track_caller]
fn check_meanings(source: &str, expected: &[&str]) {
    let analysis = of_tera(source, &parse(source));
    let meaning = |meaning: &Meaning| match meaning {
        Meaning::Placeholder => "placeholder".to_owned(),
        Meaning::Local(binding) => format!("from {}", analysis.bindings[*binding].span.start),
        Meaning::Content => "content".to_owned(),
        Meaning::OutOfReach => "out of reach".to_owned(),
    };
    let meaning = |found: &Use| {
        let meanings: Vec<_> = found.meanings().map(meaning).collect();
        format!("{} {}", found.name, meanings.join(" or "))
    };
    assert_eq!(analysis.uses.iter().map(meaning).collect::<Vec<_>>(), expected);
}

#[test]
fn a_name_means_what_is_bound_nearest_to_it() {
    check_meanings("{% for x in x %}{{ x }}{% endfor %}{{ x }}", &["x placeholder", "x from 7", "x placeholder"]);
    check_meanings("{% set a = 1 %}{% if b %}{% set a = 2 %}{% endif %}{{ a }}", &["b placeholder", "a from 7"]);
    check_meanings("{{ [x for x in xs] }}{{ x }}", &["x from 10", "xs placeholder", "x placeholder"]);
    check_meanings(
        "{% set s = 1 %}{% component c(a, @m) %}{{ a }}{{ m }}{{ body }}{{ s }}{% endcomponent %}",
        &["m placeholder", "a from 30", "m from 34", "body content", "s out of reach"],
    );
}

#[test]
fn a_set_counts_from_where_it_stands_and_may_be_passed_over() {
    check_meanings("{{ a }}{% set a = a %}{{ a }}", &["a placeholder", "a placeholder", "a from 14"]);
    check_meanings(
        "{% if b %}{% set a = 1 %}{{ a }}{% else %}{{ a }}{% endif %}{{ a }}",
        &["b placeholder", "a from 17", "a from 17 or placeholder", "a from 17 or placeholder"],
    );
    check_meanings(
        "{% set a = 1 %}{% for b in c %}{{ a }}{% set a = a %}{{ a }}{% endfor %}{{ a }}",
        &["c placeholder", "a from 7", "a from 7", "a from 45", "a from 7"],
    );
    check_meanings(
        "{% for b in c %}{{ a }}{% set_global a = b %}{% endfor %}{{ a }}",
        &["c placeholder", "a from 37 or placeholder", "b from 7", "a from 37 or placeholder"],
    );
    check_meanings("{% set a %}{{ a }}{% endset %}{{ a }}", &["a placeholder", "a from 7"]);
    check_meanings(
        "{% if b %}{% else %}{% set a = 1 %}{% endif %}{{ a }}",
        &["b placeholder", "a from 27 or placeholder"],
    );
}

#[test]
fn a_loop_is_known_in_a_loop_alone() {
    check_uses("{% for a in b %}{{ loop.index }}{% endfor %}{{ loop }}", &["b", "loop bare"]);
}

#[test]
fn what_is_set_in_a_component_stays_in_it() {
    check_meanings(
        "{% component c(a) %}{% for x in a %}{% set_global s = x %}{% endfor %}{{ s }}{% endcomponent %}{{ s }}",
        &["a from 15", "x from 27", "s from 50 or out of reach", "s placeholder"],
    );
}

#[test]
fn what_was_asked_for_before_is_guarded() {
    check_uses(
        "{% if a is defined and b %}{{ a }}{% else %}{{ a }}{% endif %}",
        &["a guarded", "b", "a guarded", "a bare"],
    );
    check_uses("{{ a ~ 'x' if a is defined else a }}", &["a guarded", "a guarded", "a"]);
    check_uses(
        "{% if a is not undefined %}{% if c %}{{ a | upper }}{% endif %}{% endif %}",
        &["a guarded", "c", "a guarded"],
    );
}

#[test]
fn a_comment_allows_problems_on_its_line_or_the_next() {
    let source = "{{ a }} {# tgen-allow: unknown-placeholder, unsafe-value #}\n{# tgen-allow: unused-set #}\nx\ny";
    let analysis = of_tera(source, &parse(source));
    let seen: Vec<_> = analysis
        .allows
        .iter()
        .map(|allow| (allow.codes.iter().map(|code| code.name.as_str()).collect(), &source[allow.reach.clone()]))
        .collect::<Vec<(Vec<&str>, &str)>>();
    assert_eq!(
        seen,
        [
            (vec!["unknown-placeholder", "unsafe-value"], &source[..59]),
            (vec!["unused-set"], "{# tgen-allow: unused-set #}\nx"),
        ]
    );
}

#[test]
fn builds_on_what_it_extends_and_includes() {
    let source = "{% extends \"base.tera\" %}{% include 'part.tera' %}{# tgen-support: tgen_support.py.tera #}";
    let analysis = of_tera(source, &parse(source));
    let found: Vec<_> = analysis.builds_on.iter().chain(&analysis.support).map(|found| found.name.as_str()).collect();
    assert_eq!(found, ["base.tera", "part.tera", "tgen_support.py.tera"]);
    assert_eq!(&source[analysis.support[0].span.clone()], "tgen_support.py.tera");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn an_analysis_after_edits_is_that_of_a_fresh_parse(start in source(), edits in edits()) {
        let mut text = start;
        let mut tree = parse(&text);
        let mut analysis = of_tera(&text, &tree);
        for edit in edits {
            let after = edit.applied(&text);
            let reparsed = reparse(&text, tree, &after);
            analysis = match &reparsed.replacement {
                Some(replacement) => after_replacement(&after, &reparsed.tree, replacement, analysis),
                None => of_tera(&after, &reparsed.tree),
            };
            prop_assert_eq!(&analysis, &of_tera(&after, &parse(&after)), "{:?} became {:?}", text, after);
            (text, tree) = (after, reparsed.tree);
        }
    }
}

/// Whether the analysis is carried over an edit from one text to another.
#[track_caller]
fn check_carried(before: &str, after: &str, expected: bool) {
    let tree = parse(before);
    let analysis = of_tera(before, &tree);
    let Reparsed { tree, replacement } = reparse(before, tree, after);
    let carried =
        replacement.is_some_and(|replacement| names::of_values(after, &tree, &replacement, &analysis).is_some());
    assert_eq!(carried, expected, "{before:?} became {after:?}");
}

#[test]
fn an_edit_of_a_text_or_a_value_carries_the_analysis_over() {
    check_carried("{% for a in b %}text{{ a }}{% endfor %}", "{% for a in b %}texts{{ a }}{% endfor %}", true);
    check_carried("{% if a %}{{ a }}{% endif %}", "{% if a %}{{ a | upper }}{% endif %}", true);
    check_carried("{% if a %}{{ a }}{% endif %}", "{% if ab %}{{ a }}{% endif %}", false);
    check_carried("{{ a }}", "{{ [x for x in a] }}", false);
    check_carried("{{ a }}", "{{ <a /> }}", false);
    check_carried("{{ a }} {{ b }}", "{{ a }} {{ b", false);
}
