use std::fmt::Write;

use insta::assert_snapshot;

use super::*;
use crate::base::files::MemoryFiles;
use crate::config::{self, Origin};
use crate::project::Project;
use crate::project::request::Request;
use crate::rendering::comparison::render_each;

/// An edit of a model's output: what is replaced, everywhere, and with what.
type Replaced<'a> = (&'a str, &'a str, &'a str);

/// What becomes of edits of the outputs of `bert` and `vit`: the templates that change, and the differences that stay.
fn check(template: &str, others: &str, edits: &[Replaced<'_>]) -> String {
    let name = if template.contains("${") { "t.py" } else { "t.py.tera" };
    check_with(adopt, &format!("\"{name}\""), name, template, others, edits)
}

/// The same, where the edits are for their models alone.
fn check_for_models(template: &str, others: &str, edits: &[Replaced<'_>]) -> String {
    let list = "[\"own/{{ model_name }}.py.tera\", \"t.py.tera\"]";
    check_with(adopt_for_models, list, "t.py.tera", template, others, edits)
}

type Adopt = fn(&Plan<'_>, &[EditedOutput]) -> Result<Adoption, Problem>;

const CONFIG: &str = "# The project.\n[placeholders]\nlimit = 64 # KB\nowner = \"acme\"\n";

fn check_with(adopt: Adopt, list: &str, name: &str, template: &str, others: &str, edits: &[Replaced<'_>]) -> String {
    let files = MemoryFiles::from_fixture(&format!(
        "-- tgen.toml --\ntemplates = \"templates\"\n{CONFIG}[[suite]]\nname = \"s\"\ntemplate = {list}\nmodels = [\"bert\", \"vit\"]\n\
         output = \"out/{{{{ model_name }}}}.py\"\n-- templates/{name} --\n{template}{others}"
    ));
    let project = Project::load(&files, config::load(&files, Origin::TgenToml).unwrap(), &[]);
    let plan = Plan::new(&project, &Request::default());
    assert!(plan.problems.is_empty(), "{:?}", plan.problems);
    let texts = render_each(&plan, &plan.outputs, |_, text| String::from_utf8(text.unwrap().to_vec()).unwrap());
    let mut edited: Vec<EditedOutput> = Vec::new();
    for (number, output) in plan.outputs.iter().enumerate() {
        let name = plan.subject_name(output);
        let of_output = edits.iter().filter(|(model, ..)| *model == name);
        let text = of_output.fold(texts[number].clone(), |text, (_, from, to)| {
            assert!(text.contains(from), "{name} has {from:?} in {text}");
            text.replacen(from, to, 1)
        });
        if text != texts[number] {
            edited.push(EditedOutput { output: number, text });
        }
    }
    shown(&plan, &adopt(&plan, &edited).unwrap())
}

fn shown(plan: &Plan<'_>, adoption: &Adoption) -> String {
    let mut shown = String::new();
    for ChangedFile { path, text, .. } in &adoption.files {
        writeln!(shown, "-- {path} --\n{text}").unwrap();
    }
    let name = |number: &usize| plan.subject_name(&plan.outputs[*number]);
    let adopted: Vec<_> = adoption.adopted.iter().map(name).collect();
    writeln!(shown, "adopted: {}", adopted.join(", ")).unwrap();
    for OutputText { output, text } in &adoption.joined {
        writeln!(shown, "joined: {} {text:?}", name(output)).unwrap();
    }
    // Where no file changes, what stays is what the user wrote.
    for OutputText { output, text } in adoption.partly.iter().filter(|_| !adoption.files.is_empty()) {
        writeln!(shown, "partly: {} {text:?}", name(output)).unwrap();
    }
    for left in &adoption.left {
        let place = left.place.as_ref().map(|(path, range)| format!("{path}:{}", range.start.line + 1));
        let (line, edited, reason) = (left.line + 1, left.edited.trim_end(), &left.reason);
        writeln!(shown, "left: {}:{line} {edited:?} {reason:?} {place:?}", name(&left.output)).unwrap();
    }
    shown
}

#[test]
fn text_beside_a_value_is_edited_where_it_stands() {
    assert_snapshot!(check("x = 1\nassert {{ model_name }} == (1, 2)\n", "", &[("bert", "(1, 2)", "(1, 3)")]), @"
    -- templates/t.py.tera --
    x = 1
    assert {{ model_name }} == (1, 3)

    adopted: bert
    ");
}

#[test]
fn an_edit_in_a_loop_is_taken_only_where_all_rounds_have_it() {
    let template = "{% for n in [1, 2] %}\n# {{ n }} is tpyo\n{% endfor %}\n";
    assert_snapshot!(check(template, "", &[("bert", "1 is tpyo", "1 is typo"), ("bert", "2 is tpyo", "2 is typo")]), @"
    -- templates/t.py.tera --
    {% for n in [1, 2] %}
    # {{ n }} is typo
    {% endfor %}

    adopted: bert
    ");
    assert_snapshot!(check(template, "", &[("bert", "1 is tpyo", "1 is typo")]), @r##"
    adopted: 
    left: bert:2 "# 1 is typo" WrittenOften Some("templates/t.py.tera:2")
    "##);
}

#[test]
fn an_own_template_takes_the_edits_that_are_proven() {
    let edits = [("bert", "a = 1", "a = 2"), ("bert", "x = bert", "x = ber")];
    assert_snapshot!(check_for_models("a = 1\n# -\nx = {{ model_name }}\n", "", &edits), @r#"
    -- templates/own/bert.py.tera --
    a = 2
    # -
    x = {{ model_name }}

    adopted: 
    partly: bert "a = 2\n# -\nx = ber\n"
    left: bert:3 "x = ber" Value("{{ model_name }}") Some("templates/t.py.tera:3")
    "#);
}

#[test]
fn a_literal_in_an_expression_is_edited_where_it_stands() {
    let edits = [("bert", "\"fill-mask, ", "\"fill-mask; ")];
    assert_snapshot!(check("x = \"{{ [primary_task, 'b'] | join(sep=\", \") }}\"\n", "", &edits), @r#"
    -- templates/t.py.tera --
    x = "{{ [primary_task, 'b'] | join(sep="; ") }}"

    adopted: bert
    "#);
    let edits = [("bert", "# bert_test", "# bert_checks")];
    assert_snapshot!(check("# {{ model_name ~ '_test' }}\n", "", &edits), @"
    -- templates/t.py.tera --
    # {{ model_name ~ '_checks' }}

    adopted: bert
    ");
    let edits = [("bert", "# bert_test", "# bert_te'st")];
    assert_snapshot!(check("# {{ model_name ~ '_test' }}\n", "", &edits), @r##"
    adopted: 
    left: bert:1 "# bert_te'st" Value("{{ model_name ~ '_test' }}") Some("templates/t.py.tera:1")
    "##);
}

#[test]
fn edits_that_contradict_each_other_are_both_left() {
    assert_snapshot!(check("x = 1\n", "", &[("bert", "x = 1", "x = 2"), ("vit", "x = 1", "x = 3")]), @r#"
    adopted: 
    left: bert:1 "x = 2" Contradicted(1) Some("templates/t.py.tera:1")
    left: vit:1 "x = 3" Contradicted(0) Some("templates/t.py.tera:1")
    "#);
}

#[test]
fn edits_at_different_places_of_one_template_are_joined() {
    let edits = [("bert", "a = 1", "a = 2"), ("vit", "b = 1", "b = 2")];
    assert_snapshot!(check("a = 1\n# -\nb = 1\n", "", &edits), @r#"
    -- templates/t.py.tera --
    a = 2
    # -
    b = 2

    adopted: 
    joined: bert "a = 2\n# -\nb = 2\n"
    joined: vit "a = 2\n# -\nb = 2\n"
    "#);
}

#[test]
fn a_value_is_not_text() {
    assert_snapshot!(check("a = 1\nx = {{ model_name }}\n", "", &[("bert", "x = bert", "x = ber"), ("bert", "a = 1", "a = 2")]), @r#"
    -- templates/t.py.tera --
    a = 2
    x = {{ model_name }}

    adopted: 
    partly: bert "a = 2\nx = ber\n"
    left: bert:2 "x = ber" Value("{{ model_name }}") Some("templates/t.py.tera:1")
    "#);
}

#[test]
fn what_looks_like_a_tag_is_written_so_that_it_is_none() {
    assert_snapshot!(check("x = {{ model_name }}\n", "", &[("bert", "\n", "\ny = f\"{{a}}\"\n")]), @r#"
    -- templates/t.py.tera --
    x = {{ model_name }}
    y = f"{{ "{" }}{a}}"

    adopted: bert
    "#);
    assert_snapshot!(check("x = ${model_name}\n", "", &[("bert", "\n", "\ny = \"${a}\"\n")]), @r#"
    -- templates/t.py --
    x = ${model_name}
    y = "$${a}"

    adopted: bert
    "#);
}

#[test]
fn an_edit_for_one_model_overrides_the_block_that_it_is_in() {
    let template = "x = 1\n{% block more %}\ny = {{ model_name | py_str }}\nz = 1\n{% endblock more %}\n";
    assert_snapshot!(check_for_models(template, "", &[("bert", "z = 1", "z = 2")]), @r#"
    -- templates/own/bert.py.tera --
    {% extends "t.py.tera" %}
    {% block more %}
    y = {{ model_name | py_str }}
    z = 2
    {% endblock more %}

    adopted: bert
    "#);
    assert_snapshot!(check_for_models(template, "", &[("bert", "x = 1", "x = 2")]), @"
    -- templates/own/bert.py.tera --
    x = 2
    {% block more %}
    y = {{ model_name | py_str }}
    z = 1
    {% endblock more %}

    adopted: bert
    ");
    let parent = "-- templates/base.tera --\na = 1\n{% block more %}\nb = 1\n{% endblock more %}\n";
    let child = "{% extends \"base.tera\" %}\n{% block more %}\nc = 1\n{{ super() }}\n{%- endblock more %}\n";
    assert_snapshot!(check_for_models(child, parent, &[("bert", "c = 1", "c = 2")]), @r#"
    -- templates/own/bert.py.tera --
    {% extends "t.py.tera" %}
    {% block more %}
    c = 2

    b = 1
    {{ "" }}
    {%- endblock more %}

    adopted: bert
    "#);
    assert_snapshot!(check_for_models(child, parent, &[("bert", "a = 1", "a = 2")]), @r#"
    -- templates/own/bert.py.tera --
    a = 2
    {% block more %}
    c = 1

    b = 1
    {{ "" }}
    {%- endblock more %}

    adopted: bert
    "#);
}

#[test]
fn what_a_loop_writes_is_written_out_where_one_round_of_one_model_differs() {
    let template = "a = 1\n{% for n in [1, 2] %}\n# {{ n }} of {{ model_name }}\n{% endfor %}\n";
    assert_snapshot!(check_for_models(template, "", &[("bert", "# 2 of", "# two of")]), @"
    -- templates/own/bert.py.tera --
    a = 1

    # 1 of bert

    # two of bert


    adopted: bert
    ");
}

#[test]
fn a_value_of_the_configuration_is_changed_where_it_is_configured() {
    let template = "x = 1\ny = {{ limit }}\nz = {{ owner | py_str }}\n";
    let edits = [("bert", "y = 64", "y = 128"), ("bert", "\"acme\"", "\"acme inc\""), ("bert", "x = 1", "x = 2")];
    assert_snapshot!(check(template, "", &edits), @r#"
    -- tgen.toml --
    templates = "templates"
    # The project.
    [placeholders]
    limit = 128 # KB
    owner = "acme inc"
    [[suite]]
    name = "s"
    template = "t.py.tera"
    models = ["bert", "vit"]
    output = "out/{{ model_name }}.py"

    -- templates/t.py.tera --
    x = 2
    y = {{ limit }}
    z = {{ owner | py_str }}

    adopted: bert
    "#);
    assert_snapshot!(check_for_models(template, "", &[("bert", "y = 64", "y = 128")]), @r#"
    -- tgen.toml --
    templates = "templates"
    # The project.
    [placeholders]
    limit = 64 # KB
    owner = "acme"
    [[suite]]
    name = "s"
    template = ["own/{{ model_name }}.py.tera", "t.py.tera"]
    models = ["bert", "vit"]
    output = "out/{{ model_name }}.py"

    [models.bert.placeholders]
    limit = 128

    adopted: bert
    "#);
    assert_snapshot!(check("a = ${limit}\nb = ${model_name}\n", "", &[("bert", "a = 64", "a = 65")]), @r#"
    -- tgen.toml --
    templates = "templates"
    # The project.
    [placeholders]
    limit = 65 # KB
    owner = "acme"
    [[suite]]
    name = "s"
    template = "t.py"
    models = ["bert", "vit"]
    output = "out/{{ model_name }}.py"

    adopted: bert
    "#);
    assert_snapshot!(check("a = {{ limit }}\n", "", &[("bert", "a = 64", "a = many")]), @r#"
    adopted: 
    left: bert:1 "a = many" Value("{{ limit }}") Some("templates/t.py.tera:1")
    "#);
}

#[test]
fn a_fact_is_stated_where_a_value_follows_from_it() {
    let template = "T = {{ tasks | py_str }}\nP = {{ primary_task | py_str }}\nF = {{ model_family }}\n";
    let tasks = "[\"image-classification\", \"image-feature-extraction\", \"feature-extraction\"]";
    assert_snapshot!(check(template, "", &[("vit", tasks, "[\"image-classification\"]")]), @r#"
    -- tgen.toml --
    templates = "templates"
    # The project.
    [placeholders]
    limit = 64 # KB
    owner = "acme"
    [[suite]]
    name = "s"
    template = "t.py.tera"
    models = ["bert", "vit"]
    output = "out/{{ model_name }}.py"

    [models.vit]
    tasks = ["image-classification"]

    adopted: vit
    "#);
    assert_snapshot!(check("P = {{ primary_task }}\n", "", &[("vit", "image-classification", "feature-extraction")]), @r#"
    -- tgen.toml --
    templates = "templates"
    # The project.
    [placeholders]
    limit = 64 # KB
    owner = "acme"
    [[suite]]
    name = "s"
    template = "t.py.tera"
    models = ["bert", "vit"]
    output = "out/{{ model_name }}.py"

    [models.vit]
    tasks = ["feature-extraction", "image-classification", "image-feature-extraction"]

    adopted: vit
    "#);
    assert_snapshot!(check(template, "", &[("vit", "F = vision", "F = audio")]), @r#"
    -- tgen.toml --
    templates = "templates"
    # The project.
    [placeholders]
    limit = 64 # KB
    owner = "acme"
    [[suite]]
    name = "s"
    template = "t.py.tera"
    models = ["bert", "vit"]
    output = "out/{{ model_name }}.py"

    [models.vit]
    family = "audio"

    adopted: vit
    "#);
}

/// What becomes of edits of outputs of the first of two suites, for that suite alone.
fn check_for_suite(templates: [&str; 2], files: &str, edit: (&str, &str)) -> String {
    let [first, second] = templates;
    let files = MemoryFiles::from_fixture(&format!(
        "-- tgen.toml --\ntemplates = \"templates\"\n{CONFIG}[[suite]]\nname = \"s\"\ntemplate = {first}\nmodels = [\"bert\", \"vit\"]\n\
         output = \"s/{{{{ model_name }}}}.py\"\n[[suite]]\nname = \"t\"\ntemplate = {second}\nmodels = [\"bert\"]\n\
         output = \"t/{{{{ model_name }}}}.py\"\n{files}"
    ));
    let project = Project::load(&files, config::load(&files, Origin::TgenToml).unwrap(), &[]);
    let plan = Plan::new(&project, &Request::default());
    assert!(plan.problems.is_empty(), "{:?}", plan.problems);
    let texts = render_each(&plan, &plan.outputs, |_, text| String::from_utf8(text.unwrap().to_vec()).unwrap());
    let text = texts[0].replacen(edit.0, edit.1, 1);
    assert_ne!(text, texts[0]);
    shown(&plan, &adopt_for_suites(&plan, &[EditedOutput { output: 0, text }]).unwrap())
}

#[test]
fn an_edit_for_one_suite_leaves_what_it_shares_with_another_as_it_is() {
    let base = "-- templates/base.py.tera --\na = 1\n{% block b %}\nb = 1\n{% endblock b %}\n";
    let files = format!(
        "{base}-- templates/s.py.tera --\n{{% extends \"base.py.tera\" %}}\n-- templates/t.py.tera --\n{{% extends \"base.py.tera\" %}}\n"
    );
    let edit = ("b = 1", "b = 2");
    assert_snapshot!(check_for_suite(["\"s.py.tera\"", "\"t.py.tera\""], &files, edit), @r#"
    -- templates/s.py.tera --
    {% extends "base.py.tera" %}
    {% block b %}
    b = 2
    {% endblock b %}

    adopted: bert
    "#);
    assert_snapshot!(check_for_suite(["\"base.py.tera\"", "\"base.py.tera\""], base, edit), @r#"
    adopted: 
    left: bert:3 "b = 2" NoSuiteTemplate { suite: "s", pattern: "suites/s.py.tera" } Some("templates/base.py.tera:3")
    "#);
    let list = "[\"suites/s.py.tera\", \"base.py.tera\"]";
    assert_snapshot!(check_for_suite([list, "\"base.py.tera\""], base, edit), @r#"
    -- templates/suites/s.py.tera --
    {% extends "base.py.tera" %}
    {% block b %}
    b = 2
    {% endblock b %}

    adopted: bert
    "#);
    let files = "-- templates/t.py.tera --\nl = {{ limit }}\n";
    assert_snapshot!(check_for_suite(["\"t.py.tera\"", "\"t.py.tera\""], files, ("l = 64", "l = 128")), @r#"
    -- tgen.toml --
    templates = "templates"
    # The project.
    [placeholders]
    limit = 64 # KB
    owner = "acme"
    [[suite]]
    name = "s"
    template = "t.py.tera"
    models = ["bert", "vit"]
    output = "s/{{ model_name }}.py"

    [suite.placeholders]
    limit = 128
    [[suite]]
    name = "t"
    template = "t.py.tera"
    models = ["bert"]
    output = "t/{{ model_name }}.py"

    adopted: bert
    "#);
}
