//! Refactoring: extracts a part of a template into a component without changing any output.
//!
//! This is verified, not deduced: all affected outputs are rendered before and after.

use std::ops::Range;

use camino::Utf8Path;
use rayon::prelude::*;

use super::actions::{Action, Likelihood};
use super::{FileEdit, Template, TextEdit, View};
use crate::base::text;
use crate::lint::renderings::LintSubject;
use crate::template::analysis::Meaning;
use crate::template::compiled::{Compiled, Placeholder, compile};
use crate::template::library::{Library, Source};
use crate::template::renderer::{Renderer, Values};
use crate::template::scan::PieceKind;
use crate::template::{Dialect, TemplateName};

/// How many cases one thread takes at a time.
const CHUNK: usize = 32;

/// The component's initial name, to be renamed by the user.
const NAME: &str = "extracted";

/// Turns a range of a template into a component and a call of it. The component's parameters are the names that the
/// range uses and that are bound outside. `None` if that is impossible or would change an output.
#[must_use]
pub fn extract_component(view: &View<'_>, path: &Utf8Path, within: text::Range) -> Option<Action> {
    let template = view.template(path)?;
    let extraction = Extraction::new(view, &template, within)?;
    let title = format!("extract component `{}`", extraction.name);
    let source = template.source;
    let after = extraction.applied(source);
    if !renders_the_same(view, &template.name, &after) {
        return None;
    }
    let edits = extraction.edits(source);
    let edits = vec![FileEdit { path: source.path.clone(), edits }];
    Some(Action { title, problem: None, likelihood: Likelihood::Possible, edits, creates: Vec::new() })
}

/// The edits of an extraction.
struct Extraction {
    /// Byte offsets of the extracted text.
    span: Range<usize>,
    name: String,
    /// The call that replaces it.
    call: String,
    /// The component's definition, added at the end of the template.
    definition: String,
}

impl Extraction {
    fn new(view: &View<'_>, template: &Template<'_>, within: text::Range) -> Option<Self> {
        let source = template.source;
        let span = whole_pieces(source, source.lines.offset(within.start)..source.lines.offset(within.end))?;
        let arguments = free_names(source, &span)?;
        let name = free_name(view);
        let body = source.slice(&span);
        let call = call(&name, &arguments, body);
        let definition = definition(&name, &arguments, body, &source.text);
        Some(Self { span, name, call, definition })
    }

    fn edits(&self, source: &Source) -> Vec<TextEdit> {
        let end = source.text.len();
        let call = TextEdit { range: source.range(&self.span), text: self.call.clone() };
        if self.span.end == end {
            return vec![TextEdit { text: format!("{}{}", self.call, self.definition), ..call }];
        }
        vec![call, TextEdit { range: source.range(&(end..end)), text: self.definition.clone() }]
    }

    fn applied(&self, source: &Source) -> String {
        let text = &source.text;
        [&text[..self.span.start], &self.call, &text[self.span.end..], &self.definition].concat()
    }
}

/// The range without surrounding white space; `None` if it would split a tag.
fn whole_pieces(source: &Source, span: Range<usize>) -> Option<Range<usize>> {
    let selected = source.text.get(span.clone())?;
    let start = span.start + selected.len() - selected.trim_start().len();
    let span = start..start + selected.trim().len();
    let pieces = &source.tree().pieces;
    let is_cut = |at: usize| {
        let piece = pieces.iter().find(|piece| piece.span.start < at && at < piece.span.end);
        piece.is_some_and(|piece| piece.kind != PieceKind::Text)
    };
    let is_tera = source.dialect() == Dialect::Tera;
    (is_tera && !span.is_empty() && !is_cut(span.start) && !is_cut(span.end)).then_some(span)
}

/// The names that the range uses and that are bound outside, in order of use.
fn free_names<'s>(source: &'s Source, span: &Range<usize>) -> Option<Vec<&'s str>> {
    let analysis = source.analysis();
    let mut names: Vec<&str> = Vec::new();
    for found in analysis.uses.iter().filter(|found| span.contains(&found.span.start)) {
        let is_free = match found.meaning {
            Meaning::Placeholder => true,
            Meaning::Local(binding) => !span.contains(&analysis.bindings[binding].span.start),
            Meaning::Content | Meaning::OutOfReach => return None,
        };
        if is_free && !names.contains(&found.name.as_str()) {
            names.push(&found.name);
        }
    }
    Some(names)
}

/// A component name that is not in use.
fn free_name(view: &View<'_>) -> String {
    let taken = view.project.library.components();
    let numbered = (2..).map(|number: usize| format!("{NAME}_{number}"));
    let mut names = std::iter::once(NAME.to_owned()).chain(numbered);
    names.find(|name| !taken.contains_key(name.as_str())).unwrap_or_default()
}

/// The call trims the same surrounding white space as the extracted text did.
fn call(name: &str, arguments: &[&str], body: &str) -> String {
    let before = if ["{%-", "{{-", "{#-"].iter().any(|tag| body.starts_with(tag)) { "-" } else { "" };
    let after = if ["-%}", "-}}", "-#}"].iter().any(|tag| body.ends_with(tag)) { "-" } else { "" };
    let arguments: String = arguments.iter().flat_map(|argument| [" ", *argument]).collect();
    format!("{{{{{before} <{name}{arguments} /> {after}}}}}")
}

/// The definition is on lines of its own and writes nothing, not even line ends.
fn definition(name: &str, arguments: &[&str], body: &str, text: &str) -> String {
    // Existing white space is part of the output, so only a line end that was added here may be trimmed.
    let (before, trim) = if text.ends_with(char::is_whitespace) { ("", "") } else { ("\n", "-") };
    let parameters = arguments.join(", ");
    format!("{before}{{%{trim} component {name}({parameters}) -%}}\n{body}\n{{%- endcomponent {name} -%}}\n")
}

/// Whether every output that uses the template stays the same with another text. A template without outputs cannot be
/// verified, so it counts as different.
fn renders_the_same(view: &View<'_>, name: &TemplateName, text: &str) -> bool {
    let roots = view.roots(name);
    !roots.is_empty() && roots.iter().all(|root| root_renders_the_same(view, root, name, text).unwrap_or(false))
}

fn root_renders_the_same(view: &View<'_>, root: &TemplateName, name: &TemplateName, text: &str) -> Option<bool> {
    let library = &view.project.library;
    let before = view.project.compilations.get(library, root).ok()?;
    let mut changed = Library::of_texts();
    for member in &before.closure {
        let source = library.source(member).ok()?;
        changed.add(member.clone(), source.path.clone(), if member == name { text } else { &source.text });
    }
    let after = compile(&changed, root).ok().filter(|after| asks_for_no_more(&before, after))?;
    let subjects = view.subjects(root);
    Some(subjects.par_chunks(CHUNK).all(|subjects| all_the_same(&before, &after, subjects)))
}

/// Whether no value is required that was not required before: passing an argument requires its value.
fn asks_for_no_more(before: &Compiled, after: &Compiled) -> bool {
    let asks = |found: &Placeholder| !found.unguarded.is_empty();
    after.placeholders.iter().filter(|found| asks(found)).all(|found| before.placeholder(&found.name).is_some_and(asks))
}

fn all_the_same(before: &Compiled, after: &Compiled, subjects: &[LintSubject<'_>]) -> bool {
    let (mut before, mut after) = (Renderer::of(before), Renderer::of(after));
    let (mut old, mut new) = (Vec::new(), Vec::new());
    subjects.iter().all(|subject| {
        let case: &dyn Values = &subject.case;
        before.render(case, &mut old).is_ok() && after.render(case, &mut new).is_ok() && old == new
    })
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::base::files::MemoryFiles;
    use crate::config::{self, Origin};
    use crate::ide::fixture::{CONFIG, with_cursor};
    use crate::plan::Plan;
    use crate::project::Project;
    use crate::project::request::Request;
    use crate::rendering::comparison::render_each;

    /// The template after the extraction of the range between `$0` and `$1`; checks that no output changes.
    #[track_caller]
    fn check(template: &str) -> String {
        let (selected, after) = template.split_once("$1").unwrap();
        let length = selected.len() - selected.find("$0").unwrap() - "$0".len();
        let fixture = format!("{CONFIG}-- templates/t.py.tera --\n{selected}{after}");
        let extracted = with_cursor(&fixture, |view, path, offset| extracted(view, path, offset..offset + length));
        let Some(extracted) = extracted else { return "nothing".to_owned() };
        assert_eq!(outputs(&extracted), outputs(&template.replace("$0", "").replace("$1", "")));
        extracted
    }

    fn extracted(view: &View<'_>, path: &Utf8Path, span: Range<usize>) -> Option<String> {
        let source = view.template(path).unwrap().source;
        let action = extract_component(view, path, source.range(&span))?;
        let mut text = source.text.clone();
        for edit in action.edits[0].edits.iter().rev() {
            let span = source.lines.offset(edit.range.start)..source.lines.offset(edit.range.end);
            text.replace_range(span, &edit.text);
        }
        Some(text)
    }

    /// The output for each model.
    fn outputs(template: &str) -> Vec<String> {
        let files = MemoryFiles::from_fixture(&format!("{CONFIG}-- templates/t.py.tera --\n{template}"));
        let project = Project::load(&files, config::load(&files, Origin::TgenToml).unwrap(), &[]);
        let plan = Plan::new(&project, &Request::default());
        assert_eq!(plan.outputs.len(), 4, "{:#?}", plan.problems);
        render_each(&plan, &plan.outputs, |_, rendered| String::from_utf8(rendered.unwrap().to_vec()).unwrap())
    }

    #[test]
    fn a_stretch_becomes_a_component_that_takes_what_it_uses() {
        assert_snapshot!(check("import x\n\n$0# {{ model_name }}\n# {{ organisation }} of {{ model_name }}$1\n\nx = 1\n"), @"
        import x

        {{ <extracted model_name organisation /> }}

        x = 1
        {% component extracted(model_name, organisation) -%}
        # {{ model_name }}
        # {{ organisation }} of {{ model_name }}
        {%- endcomponent extracted -%}
        ");
    }

    #[test]
    fn names_of_loops_and_sets_around_it_are_taken_and_its_own_are_not() {
        assert_snapshot!(check("{% set a = 1 %}\n{% for task in tasks %}\n$0{% set b = 2 %}# {{ a }} {{ b }} {{ task }}\n$1{% endfor %}\n"), @"
        {% set a = 1 %}
        {% for task in tasks %}
        {{ <extracted a task /> }}
        {% endfor %}
        {% component extracted(a, task) -%}
        {% set b = 2 %}# {{ a }} {{ b }} {{ task }}
        {%- endcomponent extracted -%}
        ");
    }

    #[test]
    fn whole_sections_are_taken_and_white_space_stays_as_it_was() {
        assert_snapshot!(check("a\n\n  $0{%- for task in tasks %}\n# {{ task }}\n{%- endfor -%}$1\n\nb\n"), @"
        a

          {{- <extracted tasks /> -}}

        b
        {% component extracted(tasks) -%}
        {%- for task in tasks %}
        # {{ task }}
        {%- endfor -%}
        {%- endcomponent extracted -%}
        ");
        assert_snapshot!(check("# {$0{ model_name }}$1"), @"
        nothing
        ");
        assert_snapshot!(check("# $0{{ model_name }}$1"), @"
        # {{ <extracted model_name /> }}
        {%- component extracted(model_name) -%}
        {{ model_name }}
        {%- endcomponent extracted -%}
        ");
    }

    #[test]
    fn white_space_at_the_end_of_the_template_stays() {
        assert_snapshot!(check("# $0{{ model_name }}$1\nx\n  "), @"
        # {{ <extracted model_name /> }}
        x
          {% component extracted(model_name) -%}
        {{ model_name }}
        {%- endcomponent extracted -%}
        ");
    }

    #[test]
    fn a_name_that_is_taken_is_not_taken_again() {
        assert_snapshot!(check("{% component extracted() %}x{% endcomponent %}# $0{{ model_name }}$1\n"), @"
        {% component extracted() %}x{% endcomponent %}# {{ <extracted_2 model_name /> }}
        {% component extracted_2(model_name) -%}
        {{ model_name }}
        {%- endcomponent extracted_2 -%}
        ");
    }

    #[test]
    fn what_would_render_otherwise_is_not_offered() {
        // Half of a section, half of a tag, nothing at all.
        assert_eq!(check("$0{% if tasks %}$1x{% endif %}\n"), "nothing");
        assert_eq!(check("# {{ $0model_name }}$1\n"), "nothing");
        assert_eq!(check("a$0 \n $1b\n"), "nothing");
        // A name that is set inside and used outside, and a name that only a loop binds.
        assert_eq!(check("$0{% set a = 1 %}$1# {{ a }}\n"), "nothing");
        assert_eq!(check("{% for task in tasks %}$0# {{ loop.index }}$1\n{% endfor %}\n"), "nothing");
        // A value that may be missing.
        assert_eq!(check("$0# {{ hardware_type | default(value=1) }}$1\n"), "nothing");
        // A template that has an error, and one that no output uses.
        let broken = "$0# {{ model_nam }}$1\n".replace("$1", "");
        assert_eq!(with_cursor(&broken, |view, path, offset| extracted(view, path, offset..offset + 5)), None);
        let lost = format!("{CONFIG}-- templates/t.py.tera --\n-- templates/lost.tera --\n$0x = 1\n");
        assert_eq!(with_cursor(&lost, |view, path, offset| extracted(view, path, offset..offset + 5)), None);
    }

    #[test]
    fn whatever_is_offered_leaves_every_output_as_it_is() {
        const TEMPLATE: &str = "{% set a = \"b\" %}# {{ a }}\n{%- for t in tasks -%}\n  {# c #} {{ t | upper }}, {{ loop.index }}\n  {% if loop.first %} {{ a }}{% else %}x{% endif %}\n{% endfor %}\nz = {{ tasks | length }}\n";
        let expected = outputs(TEMPLATE);
        let borders: Vec<_> = TEMPLATE.match_indices([' ', '{', '\n', '}']).map(|(at, _)| at).collect();
        let fixture = format!("{CONFIG}-- templates/t.py.tera --\n{TEMPLATE}");
        let offered = with_cursor(&fixture, |view, path, _| {
            let spans = borders.iter().flat_map(|start| borders.iter().map(move |end| *start..*end));
            let spans = spans.filter(|span| !span.is_empty());
            spans.filter_map(|span| extracted(view, path, span)).collect::<std::collections::BTreeSet<_>>()
        });
        assert!(offered.len() > 20, "{}", offered.len());
        for text in offered {
            assert_eq!(outputs(&text), expected, "{text}");
        }
    }
}
