use std::fmt::Write;

use camino::Utf8Path;
use insta::assert_snapshot;

use super::problems;
use crate::base::files::MemoryFiles;
use crate::base::problem::Code;
use crate::template::TemplateName;
use crate::template::library::Library;

/// The problems of the template `t.tera` of a fixture, a line each: place, severity, code, message, help.
fn check(fixture: &str) -> String {
    let fixture = if fixture.contains("-- ") { fixture.to_owned() } else { format!("-- t.tera --\n{fixture}\n") };
    check_named("t.tera", &fixture)
}

/// The problems of a template of a fixture.
fn check_named(name: &str, fixture: &str) -> String {
    let files = MemoryFiles::from_fixture(fixture);
    let library = Library::new(&files, Some(Utf8Path::new("")), &[]).unwrap();
    let name = TemplateName::new(name);
    let source = library.source(&name).unwrap();
    let mut shown = String::new();
    for problem in problems(&library, &name) {
        let range = problem.range.unwrap();
        let text = source.slice(&(source.lines.offset(range.start)..source.lines.offset(range.end)));
        let help = problem.help.unwrap_or_default();
        let (severity, code) = (problem.severity, problem.code.name());
        writeln!(shown, "{}: {text} | {severity:?} {code}: {}; {help}", range.start.line + 1, problem.message).unwrap();
    }
    shown
}

#[test]
fn names_that_do_not_exist_are_found_all_at_once() {
    assert_snapshot!(check("{{ a | uper }}{% if b is defind %}{% endif %}{{ rnge(end=1) }}{{ <card/> }}"), @"
    1: uper | Error unknown-function: there is no filter `uper`; did you mean `upper`?
    1: defind | Error unknown-function: there is no test `defind`; did you mean `defined`?
    1: rnge | Error unknown-function: there is no function `rnge`; did you mean `range`?
    1: card | Error unknown-function: there is no component `card`; define it: `{% component card() %}…{% endcomponent %}`
    ");
}

#[test]
fn a_merge_that_is_not_finished_is_the_one_problem_of_a_template() {
    assert_snapshot!(check("{{ nosuch(1) }}\n<<<<<<< HEAD\n{{ a | uper }}\n=======\n{% if\n>>>>>>> side"), @"2: <<<<<<< HEAD | Error template-syntax: the template has git's conflict markers; merge the two sides, and delete the markers");
    let files = MemoryFiles::from_fixture("-- t.md --\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> side\n");
    let library = Library::new(&files, Some(Utf8Path::new("")), &[]).unwrap();
    assert_eq!(super::refusals(&library, &TemplateName::new("t.md")).len(), 1);
}

#[test]
fn arguments_are_held_against_what_is_called() {
    assert_snapshot!(check("{{ a | replace(from='x', too='y') }}{{ b | upper(x=1) }}{{ c is containing }}"), @"
    1: replace | Error wrong-arguments: the filter `replace` needs the argument `to`; write `replace(to=…)`
    1: too | Warning wrong-arguments: the filter `replace` has no argument `too`, so it changes nothing; did you mean `to`?
    1: x | Warning wrong-arguments: the filter `upper` has no argument `x`, so it changes nothing; the filter `upper` takes no arguments
    1: containing | Error wrong-arguments: the test `containing` needs the argument `pat`; write `containing(pat=…)`
    ");
    assert_snapshot!(
        check("{% component card(title, size=1, @m) %}{{ title }}{% endcomponent %}{{ <card size={2} colour=\"red\" /> }}{{ <card {...x} /> }}"),
        @r#"
    1: card | Error wrong-arguments: the component `card` needs the attribute `title`; write `title="…"` or `title={…}`
    1: colour | Error wrong-arguments: the component `card` has no parameter `colour`; there is `title`, `size`, `m`
    "#
    );
}

#[test]
fn a_template_builds_on_what_exists_and_not_on_itself() {
    assert_snapshot!(check("-- t.tera --\n{% extends \"bse.tera\" %}\n-- base.tera --\n"), @"
    1: bse.tera | Error broken-inheritance: there is no template `bse.tera`; did you mean `base.tera`?
    ");
    assert_snapshot!(check("{% include 't.tera' %}"), @"
    1: t.tera | Error broken-inheritance: `t.tera` includes itself; remove one of them to break the cycle
    ");
    assert_snapshot!(check("-- t.tera --\n{% extends \"a.tera\" %}\n-- a.tera --\n{% extends \"t.tera\" %}\n"), @"
    1: a.tera | Error broken-inheritance: `t.tera` extends itself: `a.tera`, which leads to `t.tera`; remove one of them to break the cycle
    ");
}

#[test]
fn a_block_that_no_parent_has_overrides_nothing() {
    let fixture = "
-- t.tera --
{% extends \"mid.tera\" %}
{% block setup %}{% block inner %}{% endblock %}{% endblock %}
{% block setpu %}{% endblock %}
-- mid.tera --
{% extends \"base.tera\" %}
-- base.tera --
{% block setup %}{% endblock %}
";
    assert_snapshot!(check(fixture), @"
    3: setpu | Error unknown-block: the block `setpu` overrides nothing: `mid.tera` has none of that name; did you mean `setup`?
    ");
}

#[test]
fn what_is_written_for_nothing_is_warned_of() {
    assert_snapshot!(check("{% set a = 1 %}{% set b = 2 %}{{ b }}{% set c %}x{% endset %}"), @"
    1: a | Warning unused-set: `a` is set and never used; remove the `set`, or use the name
    1: c | Warning unused-set: `c` is set and never used; remove the `set`, or use the name
    ");
    assert_snapshot!(check("{% for x in y %}{% break %}{# why #} z{% endfor %}{% if false %}{% endif %}"), @"
    1: z | Warning unreachable: this is never reached; the loop goes on or ends before it
    1: false | Warning unreachable: this condition is never true, so what follows is never written; remove the branch
    ");
    let used_by_a_child = "
-- t.tera --
{% set a = 1 %}{% block b %}{% endblock %}
-- child.tera --
{% extends \"t.tera\" %}{% block b %}{{ a }}{% endblock %}
";
    assert_snapshot!(check(used_by_a_child), @"");
}

#[test]
fn a_set_that_replaces_a_name_in_its_own_scope_is_used_by_what_follows() {
    assert_snapshot!(check("{% for v in xs %}{% set v = v + 1 %}{{ v }}{% endfor %}"), @"");
    assert_snapshot!(check("{% for v in xs %}{% set v %}{{ v }}{% endset %}{{ v }}{% endfor %}"), @"");
    assert_snapshot!(check("{% component c(a) %}{% set a = a ~ 'b' %}{{ a }}{% endcomponent %}{{ <c a={1} /> }}"), @"");
}

#[test]
fn a_set_is_used_by_what_may_read_it_where_an_inner_set_has_no_value_yet() {
    let sets = [
        "{% set n = 0 %}{% for v in xs %}{% set n = n + v %}{{ n }}{% endfor %}",
        "{% set n = 0 %}{% for v in xs %}{% if v %}{% set n = 5 %}{% endif %}{{ n }}{% endfor %}",
        "{% set n = 0 %}{% for v in xs %}{% if v %}x{% else %}{% set n = 5 %}{% endif %}{{ n }}{% endfor %}",
        "{% set n = 'a' %}{% for v in xs %}{% set n %}{{ n }}b{% endset %}{{ n }}{% endfor %}",
        "{% set n = 0 %}{% for v in xs %}{% for w in v %}{% set n = n + w %}{{ n }}{% endfor %}{% endfor %}",
        "{% set n = 0 %}{% for v in xs %}{{ n }}{% set n = v %}{{ n }}{% endfor %}",
        "{% set n = 0 %}{% for v in xs %}{% if v %}{% continue %}{% endif %}{% set n = n ~ v %}{{ n }}{% endfor %}",
    ];
    for set in sets {
        assert_eq!(check(set), "", "{set}");
    }
    assert_snapshot!(check("{% set n = 0 %}{% for v in xs %}{% set n = v %}{{ n }}{% endfor %}"), @"
    1: n | Warning unused-set: `n` is set and never used; remove the `set`, or use the name
    ");
    assert_snapshot!(check("{{ n }}{% set n = 1 %}"), @"
    1: n | Warning unused-set: `n` is set and never used; remove the `set`, or use the name
    ");
}

#[test]
fn a_set_that_is_lost_after_its_loop_is_warned_of() {
    let lost = [
        "{% for v in [1] %}{% set n = v %}{% endfor %}{{ n }}",
        "{% for v in [1] %}{% set n = v %}{{ n }}{% endfor %}{{ n | default(value=0) }}",
        "{% for v in [1] %}{% set n %}{{ v }}{% endset %}{% endfor %}{% if n is defined %}{% endif %}",
        "{% for v in xs %}{% set n = 0 %}{% for w in v %}{% set n = n + w %}{% endfor %}{{ n }}{% endfor %}",
        "{% component c(xs) %}{% for v in xs %}{% set n = v %}{% endfor %}{{ n | default(value=1) }}{% endcomponent %}",
        "{% set n = 0 %}{% for v in xs %}{% set n = v %}{% endfor %}{% set n = n + 1 %}{{ n }}",
    ];
    for set in lost {
        let found = check(set);
        assert!(found.contains("lost-set") && !found.contains("unused-set"), "{set}: {found}");
    }
    assert_snapshot!(check(lost[3]), @"
    1: n | Warning lost-set: `n` is set in a loop; after the loop, `n` is what it was before; write `{% set_global n = … %}` here and in the loop around it, or give the name in the loop another name
    ");
    let kept = [
        "{% for v in xs %}{% set n = v %}{{ n }}{% endfor %}{% set n = 1 %}{{ n }}",
        "{% for v in xs %}{% set n = v %}{{ n }}{% endfor %}{% for n in xs %}{{ n }}{% endfor %}",
        "{% for v in xs %}{% set n = v %}{{ n }}{% endfor %}{% for v in xs %}{% set n = v %}{{ n }}{% endfor %}",
        "{% component c(xs) %}{% for v in xs %}{% set n = v %}{{ n }}{% endfor %}{% endcomponent %}{{ n }}",
    ];
    for set in kept {
        assert_eq!(check(set), "", "{set}");
    }
    assert_snapshot!(check("{% set n = 0 %}{% for x in y %}{% set n = n + x %}{{ n }}{% endfor %}{{ n }}"), @"
    1: n | Warning lost-set: `n` is set in a loop; after the loop, `n` is what it was before; write `{% set_global n = … %}`, or give the name in the loop another name
    ");
    assert_snapshot!(check("{% set n = 0 %}{{ n }}{% for x in y %}{% set n = x %}{{ n }}{% endfor %}"), @"");
    assert_snapshot!(check("{% set n = 0 %}{% for x in y %}{% set_global n = n + x %}{% endfor %}{{ n }}"), @"");
}

#[test]
fn a_syntax_error_brings_no_other_problem_of_names() {
    assert_snapshot!(check("{% set a = 1 %}{{ a b }}{% if"), @"
    1: b | Error template-syntax: there is `b` where `}}` is expected; 
    1: {% if | Error template-syntax: this tag is never closed; close it with `%}`
    ");
}

#[test]
fn what_is_written_as_nothing_or_not_at_all_is_warned_of() {
    assert_snapshot!(check("{{ reference }}{{ reference | default(value=1) }}{{ reference?.class_name }}"), @r#"
    1: reference | Warning empty-output: `reference` is none for some models, and none is written as nothing; write a field of it inside of `{% if reference %}`
    1: reference | default(value=1) | Warning empty-output: `default` does not replace `reference` where it is none, and none is written as nothing; add `boolean=true`, or write `{% if reference %}`
    1: reference?.class_name | Warning optional-output: `reference?.class_name` cannot be written if it has no value: `?.` makes only the look-up optional; give a default: `{{ reference?.class_name | default(value="…") }}`
    "#);
    assert_snapshot!(check("{% if reference %}{{ reference?.class_name }}{{ reference.module }}{% endif %}{{ reference?.module | default(value='m') }}"), @"");
}

#[test]
fn none_is_followed_through_names_branches_and_concatenations() {
    let nothing = [
        "{% set r = reference %}{{ r }}",
        "{% set r = reference %}{{ r | default(value='q') }}",
        "{% set r = reference | default(value='q') %}{{ r }}",
        "{% set r = reference %}{% set s = r %}{{ s }}",
        "{% set_global r = reference %}{{ r }}",
        "{% if tasks %}{% set r = reference %}{% else %}{% set r = 'x' %}{% endif %}{{ r }}",
        "{{ reference ~ 'a' }}",
        "{{ 'a' ~ (reference) ~ 'b' }}",
        "{{ ('a' ~ reference) | upper }}",
        "{% set r = reference %}{{ 'a' ~ r }}",
        "{% set r = 'a' ~ reference %}{{ r }}",
        "{% if 'a' ~ reference %}{% endif %}",
        "{{ reference if tasks else 'x' }}",
        "{{ 'x' ~ (reference if tasks else 'x') }}",
    ];
    for template in nothing {
        let found = check(template);
        assert!(found.contains("empty-output") && found.lines().count() == 1, "{template}: {found}");
    }
    let something = [
        "{% if reference %}{% set r = reference %}{{ r }}{{ 'a' ~ r }}{% endif %}",
        "{% set r = reference %}{% if r %}{{ r }}{% endif %}",
        "{% set r = reference or 'x' %}{{ r }}{{ reference or 'x' }}",
        "{% set r = reference | default(value='x', boolean=true) %}{{ r }}",
        "{{ reference ~ 'a' if reference else 'b' }}{{ reference and reference ~ 'a' }}",
        "{% set reference = 'x' %}{{ reference }}",
        "{% set r = reference %}{% for r in tasks %}{{ r }}{% endfor %}{% if r is defined %}{% endif %}",
    ];
    for template in something {
        assert_eq!(check(template), "", "{template}");
    }
}

/// The problems of a `${}` template.
fn check_dollar(text: &str) -> String {
    check_named("t.py", &format!("-- t.py --\n{text}\n"))
}

#[test]
fn a_placeholder_in_the_form_of_another_language_is_told_where_there_is_none_else() {
    assert_snapshot!(check("X = \"${model_name}\""), @"
    1: ${model_name} | Warning literal-placeholder: `${model_name}` is text: this template has no placeholder; write `{{ model_name }}`, or take `.tera` off the template's name
    ");
    assert_snapshot!(check("{# a comment #}\nX = \"{model_name}\""), @"
    2: {model_name} | Warning literal-placeholder: `{model_name}` is text: this template has no placeholder; write `{{ model_name }}`
    ");
    assert_snapshot!(check_dollar("X = \"$model_name\""), @"
    1: $model_name | Warning literal-placeholder: `$model_name` is text: this template has no placeholder; write `${model_name}`, or name the template `*.tera` and write `{{ model_name }}`
    ");
    for literal in
        ["{model_name}", "{ model_name }", "{{model_name}}", "{{ model_name }}", "$(model_name)", "%(model_name)s"]
    {
        let found = check_dollar(&format!("x = {{}}\nX = '{literal}'"));
        assert!(found.starts_with(&format!("2: {literal} | Warning literal-placeholder")), "{literal}: {found}");
    }
    for literal in ["$model_name", "$(model_name)", "%(model_name)s", "{ model_name }", "${ model_name }"] {
        let found = check(&format!("X = '{literal}'"));
        assert!(found.starts_with(&format!("1: {literal} | Warning literal-placeholder")), "{literal}: {found}");
    }
    for text in
        ["X = f'{model_name}'", "X = 1, rf\"a {model_name}\"", "X = {other}", "$models {}", "%(model_name)d", "{"]
    {
        assert_eq!(check(text), "", "{text}");
        assert_eq!(check_dollar(text), "", "{text}");
    }
    assert_eq!(check("{% if tasks %}${model_name}{% endif %}"), "");
    assert_eq!(check_dollar("${tasks} $model_name {model_name}"), "");
    assert_eq!(check_dollar("$${model_name}"), "");
}

#[test]
fn of_many_broken_placeholders_the_rest_is_counted() {
    let found = check_dollar(&"${".repeat(3_000));
    assert_eq!(found.lines().count(), 1_000);
    assert!(
        found.trim_end().ends_with("2000 more like it follow; is this file a template?"),
        "{}",
        &found[found.len() - 200..]
    );
}

#[test]
fn tera_1_is_told_its_form_in_tera_2() {
    assert_snapshot!(check("{% macro a() %}{{ x | concat(with=y) | as_str }}{{ now() }}{% if x is object %}{% endif %}"), @"
    1: macro | Error template-syntax: there is no tag `macro`; Tera 2 has components: `{% component name(a, b=1) %}…{% endcomponent %}`, called as `{{ <name a={x} /> }}`
    1: concat | Error unknown-function: there is no filter `concat`; in Tera 2, write `[...list, ...other]`
    1: as_str | Error unknown-function: there is no filter `as_str`; Tera 2 calls it `str`
    1: now | Error unknown-function: there is no function `now`; there is no time: an output is a function of its inputs; let the test ask when it runs
    1: object | Error unknown-function: there is no test `object`; Tera 2 calls it `map`
    ");
}

#[test]
fn a_component_that_two_templates_define_is_told_where_it_is_called_and_where_it_is_defined() {
    let others = "-- a.tera --\n{% component card() %}{% endcomponent %}\n-- b.tera --\n{% component card() %}{% endcomponent %}\n";
    assert_snapshot!(check(&format!("-- t.tera --\n{{{{ <card /> }}}}\n{others}")), @"
    1: card | Error broken-inheritance: the component `card` is defined twice: in `a.tera` and in `b.tera`; give one of the two another name
    ");
    assert_snapshot!(check(&others.replace("-- a.tera --", "-- t.tera --")), @"
    1: card | Warning broken-inheritance: `b.tera` defines a component `card` too, so that no other template can call it; give one of the two another name
    ");
}

#[test]
fn components_see_their_parameters_alone() {
    assert_snapshot!(check("{% component c(a) %}{{ a }}{{ body }}{{ model_name }}{% endcomponent %}"), @"
    1: model_name | Error unknown-placeholder: `model_name` has no value in a component, which sees only its parameters; add the parameter `@model_name`, which takes the value from where the component is called
    ");
}

#[test]
fn a_comment_allows_what_can_be_allowed() {
    assert_snapshot!(check("{# tgen-allow: unused-set #}{% set a = 1 %}\n{% set b = 1 %}"), @"
    2: b | Warning unused-set: `b` is set and never used; remove the `set`, or use the name
    ");
    assert_snapshot!(check("{# tgen-allow: unusd-set, template-syntax #}{{ a b }}"), @"
    1: unusd-set | Warning useless-allow: `unusd-set` is no problem's code; did you mean `unused-set`?
    1: template-syntax | Warning useless-allow: `template-syntax` cannot be allowed: nothing can be rendered with it; 
    1: b | Error template-syntax: there is `b` where `}}` is expected;
    ");
}

#[test]
fn codes_that_can_be_allowed_never_keep_an_output_from_being_rendered() {
    assert!(!Code::TemplateSyntax.can_be_allowed() && !Code::UndefinedValue.can_be_allowed());
}
