use std::fmt::Write;

use insta::assert_snapshot;

use super::outline::links;
use super::references::{Declaration, definition, prepare_rename, references, rename};
use super::{Location, View};
use crate::ide::fixture::{CONFIG, with_cursor};

/// Places as `path:line: text`, with the range in brackets.
fn shown(view: &View<'_>, locations: &[Location]) -> String {
    let mut shown = String::new();
    for Location { path, range } in locations {
        let text = view.project.files.read_text(path).unwrap();
        let line = text.lines().nth(range.start.line as usize).unwrap_or_default();
        let (start, end) = (range.start.column as usize, range.end.column as usize);
        let marked = format!("{}[{}]{}", &line[..start], &line[start..end], &line[end..]);
        writeln!(shown, "{path}:{}: {marked}", range.start.line + 1).unwrap();
    }
    shown
}

fn check_definition(fixture: &str) -> String {
    with_cursor(fixture, |view, path, offset| shown(view, &definition(view, path, offset)))
}

fn check_references(fixture: &str) -> String {
    with_cursor(fixture, |view, path, offset| shown(view, &references(view, path, offset, Declaration::Include)))
}

/// The lines that a rename changes, or the reason why it is refused.
fn check_rename(fixture: &str, new_name: &str) -> String {
    with_cursor(fixture, |view, path, offset| match rename(view, path, offset, new_name) {
        Ok(files) => files
            .iter()
            .map(|file| format!("{}: {} edits of `{}`\n", file.path, file.edits.len(), file.edits[0].text))
            .collect(),
        Err(problem) => problem.message,
    })
}

const LIBRARY: &str = "
-- templates/base.tera --
{% block head %}{% endblock head %}{% component card(title) %}{{ title }}{% endcomponent card %}
-- templates/other.tera --
{% extends \"base.tera\" %}{% block head %}{{ organisation }}{% endblock %}
-- templates/t.py.tera --
";

#[test]
fn a_name_leads_to_where_it_comes_from() {
    assert_snapshot!(check_definition("{{ organ$0isation }}"), @r#"
    tgen.toml:5: [organisation] = "acme"
    "#);
    assert_snapshot!(check_definition("{{ ta$0sks }}"), @r#"
    map.json:2:   ["bert"]: ["fill-mask", "text-classification"],
    "#);
    assert_snapshot!(check_definition("{% set a = 1 %}{{ a$0 }}"), @"
    templates/t.py.tera:1: {% set [a] = 1 %}{{ a }}
    ");
    assert_snapshot!(check_definition(&format!("{LIBRARY}{{% extends \"ba$0se.tera\" %}}\n")), @"
    templates/base.tera:1: []{% block head %}{% endblock head %}{% component card(title) %}{{ title }}{% endcomponent card %}
    ");
    assert_snapshot!(check_definition(&format!("{LIBRARY}{{% extends \"base.tera\" %}}{{% block he$0ad %}}{{% endblock %}}\n")), @"
    templates/base.tera:1: {% block [head] %}{% endblock head %}{% component card(title) %}{{ title }}{% endcomponent card %}
    ");
    assert_snapshot!(check_definition(&format!("{LIBRARY}{{{{ <ca$0rd title=\"x\" /> }}}}\n")), @"
    templates/base.tera:1: {% block head %}{% endblock head %}{% component [card](title) %}{{ title }}{% endcomponent card %}
    ");
}

#[test]
fn references_are_found_in_all_templates_and_in_the_configuration() {
    assert_snapshot!(check_references(&format!("{LIBRARY}{{{{ organisation$0 }}}}\n")), @r#"
    tgen.toml:5: [organisation] = "acme"
    templates/other.tera:1: {% extends "base.tera" %}{% block head %}{{ [organisation] }}{% endblock %}
    templates/t.py.tera:1: {{ [organisation] }}
    "#);
    assert_snapshot!(check_references(&format!("{LIBRARY}{{{{ normalized_name$0 }}}}\n")), @r#"
    tgen.toml:11: output = "out/test_{{ [normalized_name] }}.py"
    templates/t.py.tera:1: {{ [normalized_name] }}
    "#);
    assert_snapshot!(check_references(&format!("{LIBRARY}{{{{ <ca$0rd title=\"x\" /> }}}}\n")), @r#"
    templates/base.tera:1: {% block head %}{% endblock head %}{% component [card](title) %}{{ title }}{% endcomponent card %}
    templates/base.tera:1: {% block head %}{% endblock head %}{% component card(title) %}{{ title }}{% endcomponent [card] %}
    templates/t.py.tera:1: {{ <[card] title="x" /> }}
    "#);
    assert_snapshot!(check_references("{% for a in tasks %}{{ a$0 }}{% endfor %}{{ a }}"), @"
    templates/t.py.tera:1: {% for [a] in tasks %}{{ a }}{% endfor %}{{ a }}
    templates/t.py.tera:1: {% for a in tasks %}{{ [a] }}{% endfor %}{{ a }}
    ");
    assert_snapshot!(check_references("{% set a = 1 %}{% if a$0 %}{% set a = 2 %}{% endif %}{{ a }}"), @"
    templates/t.py.tera:1: {% set [a] = 1 %}{% if a %}{% set a = 2 %}{% endif %}{{ a }}
    templates/t.py.tera:1: {% set a = 1 %}{% if [a] %}{% set a = 2 %}{% endif %}{{ a }}
    templates/t.py.tera:1: {% set a = 1 %}{% if a %}{% set [a] = 2 %}{% endif %}{{ a }}
    templates/t.py.tera:1: {% set a = 1 %}{% if a %}{% set a = 2 %}{% endif %}{{ [a] }}
    ");
}

#[test]
fn a_rename_changes_every_place_or_says_why_not() {
    assert_snapshot!(check_rename(&format!("{LIBRARY}{{{{ organisation$0 }}}}\n"), "company"), @"
    tgen.toml: 1 edits of `company`
    templates/other.tera: 1 edits of `company`
    templates/t.py.tera: 1 edits of `company`
    ");
    assert_snapshot!(check_rename(&format!("{LIBRARY}{{% extends \"base.tera\" %}}{{% block head$0 %}}{{% endblock %}}\n"), "top"), @"
    templates/base.tera: 2 edits of `top`
    templates/other.tera: 1 edits of `top`
    templates/t.py.tera: 1 edits of `top`
    ");
    assert_snapshot!(check_rename(&format!("{LIBRARY}{{{{ <ca$0rd title=\"x\" /> }}}}\n"), "ui.card"), @"
    templates/base.tera: 2 edits of `ui.card`
    templates/t.py.tera: 1 edits of `ui.card`
    ");
    assert_snapshot!(check_rename("{{ organisation$0 }}", "model_name"), @"
    there is a `model_name` already
    ");
    assert_snapshot!(check_rename("{{ organisation$0 }}", "a b"), @"
    `a b` is no name: use letters, digits and `_`
    ");
    assert_snapshot!(check_rename("{{ model_name$0 }}", "x"), @"
    `model_name` is a built-in placeholder and keeps its name
    ");
    assert_snapshot!(check_rename("{{ tasks | join$0 }}", "x"), @"
    `join` is a built-in filter and keeps its name
    ");
}

/// The template with the name at the cursor renamed to `new`, or why that is refused.
fn check_renamed(fixture: &str) -> String {
    with_cursor(fixture, |view, path, offset| match rename(view, path, offset, "new") {
        Ok(files) => {
            let text = view.project.files.read_text(path).unwrap();
            let mut edits: Vec<_> = files.into_iter().flat_map(|file| file.edits).collect();
            edits.sort_by_key(|edit| edit.range.start);
            let lines = crate::base::text::LineIndex::new(&text);
            let renamed = edits.iter().rev().fold(text.clone(), |mut text, edit| {
                text.replace_range(lines.offset(edit.range.start)..lines.offset(edit.range.end), &edit.text);
                text
            });
            renamed.trim_end().to_owned()
        }
        Err(problem) => problem.message,
    })
}

#[test]
fn a_rename_changes_every_set_that_takes_over_from_another() {
    let chains = [
        "{% set N = 0 %}{% for v in [1, 2] %}{% set N = N + v %}{{ N }}{% endfor %}",
        "{% set N = 0 %}{% for v in [1, 2] %}{% if v %}{% set N = 5 %}{% endif %}{{ N }}{% endfor %}{{ N }}",
        "{% set N = 0 %}{% for v in [1] %}{% set N %}{{ N }}b{% endset %}{{ N }}{% endfor %}",
        "{% set N = 0 %}{% for v in [1] %}{% for w in [1] %}{% set N = N ~ w %}{{ N }}{% endfor %}{% endfor %}",
        "{% for N in [1] %}{% for v in [1] %}{% set N = N ~ v %}{{ N }}{% endfor %}{% endfor %}",
        "{% for v in [1] %}{% if v %}{% set N = 5 %}{% endif %}{{ N | default(value=1) }}{% endfor %}",
    ];
    for chain in chains {
        let places = chain.matches('N').count();
        for place in 0..places {
            let at = chain.match_indices('N').nth(place).map(|(at, _)| at).unwrap();
            let fixture = format!("{}$0{}", &chain[..at], &chain[at..]).replace('N', "n");
            assert_eq!(check_renamed(&fixture), chain.replace('N', "new"), "{fixture}");
        }
    }
}

#[test]
fn a_name_that_has_its_value_from_several_places_is_not_renamed_in_one_of_them() {
    assert_snapshot!(check_renamed("{% set organisation = organisation | upper %}{{ organisation$0 }}"), @"{% set new = organisation | upper %}{{ new }}");
    assert_snapshot!(check_renamed("{% if tasks %}{% set organisation$0 = 1 %}{% endif %}{{ organisation }}"), @"in `templates/t.py.tera`, `organisation` is a placeholder where its `set` is passed over");
    assert_snapshot!(check_renamed("{{ organisation$0 }}{% if tasks %}{% set organisation = 1 %}{% endif %}{{ organisation }}"), @"in `templates/t.py.tera`, `organisation` is a placeholder where its `set` is passed over");
    assert_snapshot!(check_renamed("{% set a$0 = 1 %}{% for new in tasks %}{{ new }}{{ a }}{% endfor %}"), @"there is a `new` already");
    let inherited = "
-- templates/base.tera --
{% set a = 1 %}{% block b %}{% endblock %}
-- templates/t.py.tera --
{% extends \"base.tera\" %}{% block b %}{{ a$0 }}{% endblock %}
";
    assert_snapshot!(check_renamed(inherited), @"in `templates/t.py.tera`, `a` may also be what `templates/base.tera` sets");
    let inherited = inherited.replace("a$0", "a").replace("set a ", "set a$0 ");
    assert_snapshot!(check_renamed(&inherited), @"`templates/t.py.tera` uses `a` too, and is rendered together with this template");
}

#[test]
fn what_cannot_be_renamed_says_so_before() {
    let prepared =
        |fixture| with_cursor(fixture, |view, path, offset| prepare_rename(view, path, offset).map(|(_, name)| name));
    assert_eq!(prepared("{{ organisation$0 }}").as_deref(), Some("organisation"));
    assert_eq!(prepared("{{ model_name$0 }}"), None);
    assert_eq!(prepared("te$0xt"), None);
}

/// A configuration with the cursor in it, and templates.
fn in_configuration(part: &str, with_cursor: &str) -> String {
    assert!(CONFIG.contains(part), "{part}");
    format!("{}{LIBRARY}{{{{ organisation }}}}\n", CONFIG.replacen(part, with_cursor, 1))
}

#[test]
fn a_placeholder_is_asked_about_where_it_is_declared() {
    let fixture = in_configuration("organisation =", "organ$0isation =");
    assert_snapshot!(check_definition(&fixture), @r#"
    tgen.toml:5: [organisation] = "acme"
    "#);
    assert_snapshot!(check_references(&fixture), @r#"
    tgen.toml:5: [organisation] = "acme"
    templates/other.tera:1: {% extends "base.tera" %}{% block head %}{{ [organisation] }}{% endblock %}
    templates/t.py.tera:1: {{ [organisation] }}
    "#);
    assert_snapshot!(check_rename(&fixture, "company"), @"
    tgen.toml: 1 edits of `company`
    templates/other.tera: 1 edits of `company`
    templates/t.py.tera: 1 edits of `company`
    ");
    assert_snapshot!(check_rename(&fixture, "model_name"), @"
    there is a `model_name` already
    ");
    let prepared = with_cursor(&fixture, |view, path, offset| prepare_rename(view, path, offset).map(|(_, name)| name));
    assert_eq!(prepared.as_deref(), Some("organisation"));
    assert_snapshot!(check_references(&in_configuration("organisation =", "\"organi$0sation\" =")), @r#"
    tgen.toml:5: "[organisation]" = "acme"
    templates/other.tera:1: {% extends "base.tera" %}{% block head %}{{ [organisation] }}{% endblock %}
    templates/t.py.tera:1: {{ [organisation] }}
    "#);
}

#[test]
fn a_placeholder_in_a_pattern_is_asked_about_like_one_in_a_template() {
    let fixture = in_configuration("normalized_name", "normalized$0_name");
    assert_snapshot!(check_references(&fixture), @r#"
    tgen.toml:11: output = "out/test_{{ [normalized_name] }}.py"
    "#);
    assert_snapshot!(check_rename(&fixture, "x"), @"
    `normalized_name` is a built-in placeholder and keeps its name
    ");
    assert_snapshot!(check_definition(&in_configuration("test_{{ normalized_name }}", "test_{{ primary$0_task }}_{{ normalized_name }}")), @r#"
    map.json:2:   ["bert"]: ["fill-mask", "text-classification"],
    "#);
}

#[test]
fn files_that_the_configuration_names_are_definitions_and_links() {
    assert_snapshot!(check_definition(&in_configuration("\"t.py.tera\"", "\"t.py$0.tera\"")), @"
    templates/t.py.tera:1: []{{ organisation }}
    ");
    assert_snapshot!(check_references(&in_configuration("\"t.py.tera\"", "[\"base.t$0era\", \"t.py.tera\"]")), @r#"
    tgen.toml:9: template = ["[base.tera]", "t.py.tera"]
    templates/other.tera:1: {% extends "[base.tera]" %}{% block head %}{{ organisation }}{% endblock %}
    "#);
    let pattern = "[\"{{ model_type }}/$0t.py.tera\", \"{{ model_type }}.tera\", \"t.py.tera\"]";
    assert_snapshot!(check_definition(&in_configuration("\"t.py.tera\"", pattern)), @"");
    let pattern = "[\"{{ model_type }}/t.py.tera\", \"{{ model_type }}.te$0ra\", \"t.py.tera\"]";
    assert_snapshot!(check_definition(&in_configuration("\"t.py.tera\"", pattern)), @r#"
    templates/base.tera:1: []{% block head %}{% endblock head %}{% component card(title) %}{{ title }}{% endcomponent card %}
    templates/other.tera:1: []{% extends "base.tera" %}{% block head %}{{ organisation }}{% endblock %}
    templates/t.py.tera:1: []{{ organisation }}
    "#);
    assert_snapshot!(check_definition(&in_configuration("map.json\"", "ma$0p.json\"")), @"
    map.json:1: []{
    ");
    let fixture = in_configuration("map.json\"", "ma$0p.json\"");
    let found = with_cursor(&fixture, |view, path, _| links(view, path));
    assert_eq!(found.iter().map(|link| link.target.as_str()).collect::<Vec<_>>(), ["map.json", "templates/t.py.tera"]);
}

#[test]
fn elsewhere_in_the_configuration_there_is_nothing_to_rename() {
    assert_snapshot!(check_rename(&in_configuration("name = \"s\"", "na$0me = \"s\""), "x"), @"
    there is nothing here that can be renamed
    ");
    assert_snapshot!(check_rename(&in_configuration("\"t.py.tera\"", "\"t.py$0.tera\""), "x"), @"
    a file is renamed by renaming it on disk
    ");
}
