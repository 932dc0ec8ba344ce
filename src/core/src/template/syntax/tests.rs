use proptest::prelude::*;

use super::parse;

/// Checks the faults of a template: the text at each fault, and its message.
#[track_caller]
fn check(source: &str, expected: &[(&str, &str)]) {
    let tree = parse(source);
    let seen: Vec<_> = tree.faults.iter().map(|fault| (&source[fault.span.clone()], fault.message.as_str())).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_half_typed_tag_hides_nothing_else() {
    check(
        "{{ mo\nx = {{ a b }}\n{% if %}{% endif %}",
        &[
            ("{{ mo", "this expression is never closed"),
            ("b", "there is `b` where `}}` is expected"),
            ("if", "a value is missing here"),
        ],
    );
    check(
        "{{ x | default(value=\") }}\nfoo = \"bar\"\n{{ y z }}",
        &[("\")", "this string has no end"), ("z", "there is `z` where `}}` is expected")],
    );
    check("{% if x\n{{ y }}", &[("{% if x", "this tag is never closed")]);
    check(
        "{# half\n{{ y z }}",
        &[("{# half", "this comment is never closed"), ("z", "there is `z` where `}}` is expected")],
    );
}

#[test]
fn one_forgotten_end_is_one_fault() {
    check("{% for a in b %}{% if c %}{{ a }}{% endfor %}{{ d }}", &[("{% if c %}", "an `if` is never closed")]);
    check("{% if a %}{% endfor %}{% endif %}", &[("endfor", "`endfor` belongs to nothing that is open here")]);
    check("{% fro x in y %}", &[("fro", "there is no tag `fro`")]);
    check("{% block a %}{% endblock b %}", &[("b", "this is the end of `a`, and it names `b`")]);
}

#[test]
fn what_is_valid_has_no_faults() {
    check("{{ 'multi\n}} line' }}", &[]);
    check("{% <card data={{\"a\": 1}} wide> %}{{ x?.y[1:][::-1] not in [1, ...z] }}{% </card> %}", &[]);
    check("{% raw %}{{ {% {% endraw %}", &[]);
}

#[test]
fn the_tree_tells_which_section_a_tag_is_in() {
    let tree = parse("{% for a in b %}{% if c %}{{ a }}{% else %}{% endif %}{% endfor %}");
    let parents: Vec<_> = tree.elements.iter().map(|element| element.parent).collect();
    assert_eq!(parents, [None, Some(0), Some(1), Some(1), Some(1), Some(0)]);
    assert_eq!((tree.elements[0].end, tree.elements[1].end), (Some(5), Some(4)));
}

#[test]
fn the_deepest_nesting_exhausts_no_stack() {
    for part in ["{% if a %}", "{{ (", "{{ [", "{{ a.", "{% elif b %}", "{{ f(a=", "{# ", "{% raw %}", "{{ '"] {
        assert!(!parse(&part.repeat(20_000)).faults.is_empty(), "{part}");
    }
    let operators = format!("{{{{ {} }}}}", "(".repeat(100_000));
    assert_eq!(parse(&operators).faults.len(), 1);
}

proptest! {
    #[test]
    fn every_text_parses_and_every_fault_stands_in_it(
        source in r#"(\{\{|\}\}|\{%|%\}|\{#|#\}|if|for|in|set|else|endif|block|raw|endraw|a|1|é|"|'|\.|\||=|<|/|>|\(|\)|\[|\]|\{|\}|,|:| |\n){0,40}"#
    ) {
        let tree = parse(&source);
        prop_assert_eq!(tree.pieces.len(), tree.elements.len());
        for fault in &tree.faults {
            prop_assert!(source.get(fault.span.clone()).is_some());
        }
    }
}
