//! No template takes long or much memory to render, whatever it repeats: run with `-timeout=1 -rss_limit_mb=512`.

#![no_main]

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use tera::Value;
use tgen_core::template::TemplateName;
use tgen_core::template::compiled::compile;
use tgen_core::template::library::Library;
use tgen_core::template::renderer::Renderer;

/// Parts of templates that multiply what is around or inside of them; `@` is where another part goes.
const PARTS: [&str; 28] = [
    "x",
    "@@",
    "{{ s }}",
    "{{ l }}",
    "{% for i in range(end=100) %}@{% endfor %}",
    "{% for i in l %}@{% endfor %}",
    "{% for c in s %}@{% endfor %}",
    "{% set s = s ~ s %}@",
    "{% set_global s = s ~ s ~ 'x' %}",
    "{% set l = [...l, ...l] %}@",
    "{% set_global l = [l, s] %}",
    "{% set_global l = [x for x in range(end=1000)] %}",
    "{% set_global m = {'s': s, 'l': l, ...m} %}",
    "{% set s %}@{% endset %}@",
    "{% set_global s %}@{% endset %}",
    "{% filter upper %}@{% endfilter %}",
    "{% if s == s %}@{% else %}@{% endif %}",
    "{% if l == l and s in l %}@{% endif %}",
    "{{ s | replace(from='x', to=s) }}",
    "{{ l | join(sep=s) }}",
    "{{ s | split(pat='') | length }}",
    "{{ l | unique | sort | reverse }}",
    "{{ s | indent(width=1000, first=true) }}",
    "{{ s[1:] ~ s[::-1] ~ l[0] }}",
    "{{ l | py_str }}{{ m | py_str }}",
    "{{ <c s={s} /> }}",
    "{% <c s={s}> %}@{% </c> %}",
    "{{ m | pairs }}{{ m }}",
];

/// How many parts a template has.
const MOST_PARTS: usize = 40;

#[derive(Debug)]
struct Template(String);

impl<'a> Arbitrary<'a> for Template {
    fn arbitrary(data: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let component = "{% component c(s, l=[1]) %}{% if s | length < 99 %}@{% endif %}{% endcomponent %}";
        let mut text = format!("{component}{{% set s = 'xxxxxxxxxx' %}}{{% set l = [1, 'x'] %}}{{% set m = {{'k': 1}} %}}@");
        for _ in 0..MOST_PARTS {
            let part = if data.is_empty() { "x" } else { data.choose(&PARTS)? };
            text = text.replacen('@', part, 1);
        }
        Ok(Self(text.replace('@', "")))
    }
}

fuzz_target!(|template: Template| {
    let name = TemplateName::new("t.tera");
    let library = Library::of_text(&name, &template.0);
    let Ok(compiled) = compile(&library, &name) else { return };
    let values = BTreeMap::from([("a".to_owned(), Value::from("a value"))]);
    // Whether it is rendered or stopped, it ends.
    let _ = Renderer::of(&compiled).render(&values, &mut Vec::new());
});
