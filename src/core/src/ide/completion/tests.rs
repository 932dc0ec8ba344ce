use std::fmt::Write;

use insta::assert_snapshot;

use super::{Completion, Format, completion};
use crate::ide::fixture::with_cursor;

/// The completions at the cursor, a line each: label, detail, and the inserted text if it differs.
fn check(fixture: &str) -> String {
    let items = with_cursor(fixture, |view, path, offset| completion(view, path, offset));
    shown(&items)
}

fn shown(items: &[Completion]) -> String {
    let mut shown = String::new();
    for item in items {
        let detail = item.detail.as_deref().map(|detail| format!(" — {detail}")).unwrap_or_default();
        let mark = if item.format == Format::Snippet { " snippet" } else { "" };
        let text =
            if item.edit.text == item.label { String::new() } else { format!(" → `{}`{mark}", item.edit.text) };
        writeln!(shown, "{}{detail}{text}", item.label).unwrap();
    }
    shown
}

/// The labels alone.
fn labels(fixture: &str) -> String {
    let items = with_cursor(fixture, |view, path, offset| completion(view, path, offset));
    items.iter().map(|item| item.label.as_str()).collect::<Vec<_>>().join(" ")
}

/// The template after accepting the first completion with that label.
fn put_in(fixture: &str, label: &str) -> String {
    with_cursor(fixture, |view, path, offset| {
        let items = completion(view, path, offset);
        let item = items.iter().find(|item| item.label == label).expect("it is offered");
        let source = view.template(path).expect("it is a template").source;
        let (start, end) = (source.lines.offset(item.edit.range.start), source.lines.offset(item.edit.range.end));
        format!("{}{}{}", &source.text[..start], item.edit.text, &source.text[end..]).trim_end().to_owned()
    })
}

#[test]
fn values_are_offered_in_an_unfinished_tag() {
    assert_snapshot!(check("{% set mine = 'x' %}{% for task in tasks %}{{ $0\n{% endfor %}"), @r#"
    task — of the loop = "fill-mask"
    mine — set here = "x"
    loop — the loop around this place
    model_name — string = "bert"
    model_type — string = "bert"
    normalized_name — string = "bert"
    camel_case_name — string = "Bert"
    class_name — string = "hf_bert"
    model_family — string = "text_embedding"
    modality — string = "text"
    tasks — list = ["fill-mask", "text-classification"]
    primary_task — string = "fill-mask"
    auto_classes — map = {"fill-mask": "AutoModelForMaskedLM", "text-classification":…
    hardware_backends — list = ["cpu", "cuda", "openvino", "mps", "qualcomm"]
    batch_sizes — list = [1]
    reference — object or none = None
    suite — string = "s"
    template_name — string = "t.py.tera"
    generator_version — string = "0.1.0"
    organisation — of the project = "acme"
    range — range(end, start?, step_by?) → `range(end=${1})` snippet
    super — super() → `super()`
    throw — throw(message) → `throw(message=${1})` snippet
    not
    true
    false
    none
    "#);
}

#[test]
fn what_is_typed_already_is_replaced() {
    assert_snapshot!(put_in("x = {{ mod$0l_nme | upper }}", "model_name"), @"
    x = {{ model_name | upper }}
    ");
    assert_snapshot!(put_in("{{ model_name | uper$0 }}", "upper"), @"
    {{ model_name | upper }}
    ");
    assert_snapshot!(put_in("{{ tasks | jo$0", "join"), @"
    {{ tasks | join
    ");
    assert_snapshot!(put_in("{{ model_name | repl$0 }}", "replace"), @"
    {{ model_name | replace(from=${1}, to=${2}) }}
    ");
}

#[test]
fn what_follows_a_word_is_of_its_kind() {
    assert_snapshot!(labels("{{ tasks is $0 }}"), @"
    array bool containing defined divisible_by ending_with even float integer iterable map none number odd starting_with string undefined not
    ");
    assert_snapshot!(labels("{{ tasks $0 }}"), @"
    and or in is not in if else
    ");
    assert_snapshot!(check("{{ tasks | replace($0) }}"), @"
    from — must be given → `from=`
    to — must be given → `to=`
    ");
    assert_snapshot!(labels("{{ tasks | replace(from='a', $0) }}"), @"
    to
    ");
    assert_snapshot!(labels("{% for x $0 %}{% endfor %}"), @"
    in
    ");
    assert_snapshot!(labels("{% for $0 %}{% endfor %}"), @"");
    assert_snapshot!(labels("text $0 {{ x }}"), @"");
    assert_snapshot!(labels("{% if tasks | length > 1 %}{% $0"), @"
    endif if for set block include extends filter component raw set_global elif else break continue
    ");
}

#[test]
fn fields_are_those_of_the_value() {
    assert_snapshot!(check("{{ auto_classes[\"$0\"] }}"), @r#"
    fill-mask — = "AutoModelForMaskedLM"
    text-classification — = "AutoModelForSequenceClassification"
    image-text-to-text — for other models
    image-classification — for other models
    image-feature-extraction — for other models
    zero-shot-image-classification — for other models
    automatic-speech-recognition — for other models
    "#);
    assert_snapshot!(check("{% for t in tasks %}{{ loop.$0 }}{% endfor %}"), @"
    index
    index0
    first
    last
    length
    ");
    let config =
        crate::ide::fixture::CONFIG.replace("organisation = \"acme\"", "limits = { time = 5, memory = { gb = 2 } }");
    assert_snapshot!(check(&format!("{config}-- templates/t.py.tera --\n{{{{ limits.$0 }}}}\n")), @r#"
    memory — = {"gb": 2}
    time — = 5
    "#);
    assert_snapshot!(check(&format!("{config}-- templates/t.py.tera --\n{{% set m = limits %}}{{{{ m.memory.$0\n")), @"
    gb — = 2
    ");
}

#[test]
fn templates_blocks_and_components_are_found_in_the_library() {
    let library = "
-- templates/base.tera --
{% block head %}{% endblock %}{% block body %}{% endblock %}
{% component card(title, size=1) %}{{ title }}{% endcomponent %}
-- templates/t.py.tera --
";
    assert_snapshot!(check(&format!("{library}{{% extends \"$0\" %}}\n")), @"
    base.tera — templates/base.tera
    ");
    assert_snapshot!(check(&format!("{library}{{% extends \"base.tera\" %}}{{% block head %}}{{% endblock %}}{{% block $0\n")), @"
    body — from base.tera
    ");
    assert_snapshot!(check(&format!("{library}{{{{ <$0\n")), @"
    card — card(title, size)
    ");
    assert_snapshot!(check(&format!("{library}{{{{ <card $0\n")), @"
    title — must be given → `title={${1:title}}` snippet
    size — default 1 → `size={${1:size}}` snippet
    ");
    assert_snapshot!(check(&format!("{library}{{% block body %}}x{{% endblock $0 %}}\n")), @"
    body
    ");
}

#[test]
fn a_tag_is_put_in_whole_or_only_its_word() {
    assert_snapshot!(put_in("{% i$0", "if"), @"
    {% if ${1:condition} %}$0{% endif %}
    ");
    assert_snapshot!(put_in("{% i$0 %}", "if"), @"
    {% if ${1:condition} %}$0{% endif %}
    ");
    assert_snapshot!(put_in("{% fi$0 x %}", "if"), @"
    {% if x %}
    ");
}

#[test]
fn the_other_dialect_completes_after_its_brace() {
    let config = crate::ide::fixture::CONFIG.replace("t.py.tera", "t.py");
    assert_snapshot!(put_in(&format!("{config}-- templates/t.py --\nx = \"${{mod$0\"\n"), "model_name"), @r#"
    x = "${model_name}"
    "#);
    assert_snapshot!(put_in(&format!("{config}-- templates/t.py --\nx = \"${{$0}}\"\n"), "organisation"), @r#"
    x = "${organisation}"
    "#);
    assert_snapshot!(labels(&format!("{config}-- templates/t.py --\nx = \"$${{$0}}\"\n")), @"");
}
