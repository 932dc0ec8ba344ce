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
    let files = MemoryFiles::from_fixture(&fixture);
    let library = Library::new(&files, Some(Utf8Path::new("")), &[]).unwrap();
    let name = TemplateName::new("t.tera");
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
    1: t.tera | Error broken-inheritance: `t.tera` includes itself; take one of them out of the circle
    ");
    assert_snapshot!(check("-- t.tera --\n{% extends \"a.tera\" %}\n-- a.tera --\n{% extends \"t.tera\" %}\n"), @"
    1: a.tera | Error broken-inheritance: `t.tera` extends itself: `a.tera`, which leads to `t.tera`; take one of them out of the circle
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
