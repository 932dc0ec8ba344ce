//! Hover: what the word at the cursor is, and its values over the models.

use std::fmt::Write;

use camino::Utf8Path;

use super::completion::signature;
use super::target::Target;
use super::values::{Distinct, shown};
use super::{Hover, Template, View, generated};
use crate::plan::case::Case;
use crate::plan::strictness::fault;
use crate::template::TemplateName;
use crate::template::analysis::{BindingKind, CalleeKind};
use crate::template::callees;
use crate::template::renderer::Values;
use crate::template::vocabulary;

/// The most distinct values shown.
const ROWS: usize = 6;

/// The hover text for a byte offset of a template, or for the first lines of a generated file.
#[must_use]
pub fn hover(view: &View<'_>, path: &Utf8Path, offset: usize) -> Option<Hover> {
    let Some(template) = view.template(path) else { return generated::hover(view, path, offset) };
    let (target, span) = template.target(offset)?;
    let markdown = match target {
        Target::Placeholder(name) => placeholder(view, &template, &name),
        Target::Local(binding) => local(view, &template, binding),
        Target::Callee(kind, name) => callee(kind, &name)?,
        Target::Component(name) => component(view, &name)?,
        Target::Block(name) => block(view, &template, &name),
        Target::Template(name) => other_template(view, &name),
        Target::Field(whole) => field(view, &template, &whole)?,
        Target::PipelineMap => return None,
    };
    Some(Hover { range: template.source.range(&span), markdown })
}

fn placeholder(view: &View<'_>, template: &Template<'_>, name: &str) -> String {
    let (kind, description) = match vocabulary::entry(name) {
        Some(entry) => (entry.kind.name(), format!("{} From {}.", entry.description, entry.source.name())),
        None if is_configured(view, name) => ("of the project", "A placeholder of the project.".to_owned()),
        None => return format!("`{name}`\n\nThere is no placeholder of that name."),
    };
    format!("`{name}`: {kind}\n\n{description}\n{}", values(view, template, |case| case.value(name)))
}

fn is_configured(view: &View<'_>, name: &str) -> bool {
    fault(&view.project.config, name, |_| true).is_none()
}

fn local(view: &View<'_>, template: &Template<'_>, binding: usize) -> String {
    let binding = &template.source.analysis().bindings[binding];
    let what = match binding.kind {
        BindingKind::Set => "set in this template",
        BindingKind::Loop => "of a loop; the value in the first iteration is shown",
        BindingKind::Parameter => "a parameter of the component",
    };
    let values = if binding.kind == BindingKind::Parameter {
        String::new()
    } else {
        values(view, template, |case| template.bound_value(case, binding))
    };
    format!("`{}`: {what}\n{values}", binding.name)
}

fn field(view: &View<'_>, template: &Template<'_>, whole: &std::ops::Range<usize>) -> Option<String> {
    let expression = template.expression(whole)?;
    let values = values(view, template, |case| template.evaluate(case, expression));
    (!values.is_empty()).then(|| format!("`{}`\n{values}", template.source.slice(whole)))
}

fn callee(kind: CalleeKind, name: &str) -> Option<String> {
    let found = callees::find(kind, name)?;
    Some(format!("`{}`: {}\n\n{}", signature(&found), kind.name(), found.description))
}

fn component(view: &View<'_>, name: &str) -> Option<String> {
    let components = view.project.library.components();
    let (source, definition) = components.get(name)?;
    let parameters: Vec<_> = definition
        .parameters
        .iter()
        .map(|parameter| {
            let end = parameter.default.as_ref().map(|default| &default.span).or(parameter.kind.as_ref());
            source.slice(&(parameter.name.start..end.map_or(parameter.name.end, |span| span.end)))
        })
        .collect();
    Some(format!("`{name}({})`: component\n\nDefined in `{}`.", parameters.join(", "), source.path))
}

fn block(view: &View<'_>, template: &Template<'_>, name: &str) -> String {
    let library = &view.project.library;
    let has = |other: &TemplateName| {
        library.source(other).is_ok_and(|source| source.analysis().blocks.iter().any(|block| block.name == name))
    };
    let overridden = library.parents(&template.name).into_iter().find(|parent| has(parent));
    let over: Vec<_> = library
        .names()
        .filter(|other| has(other) && library.parents(other).contains(&template.name))
        .map(|other| format!("`{other}`"))
        .collect();
    let mut text = format!("`{name}`: block");
    if let Some(parent) = overridden {
        text.extend(["\n\nOverrides the block of `", parent.as_str(), "`."]);
    }
    if !over.is_empty() {
        text.extend(["\n\nOverridden by ", &over.join(", "), "."]);
    }
    text
}

fn other_template(view: &View<'_>, name: &str) -> String {
    let found = TemplateName::new(name);
    match view.project.library.path_of(&found) {
        Some(path) => {
            format!("`{name}`: template\n\n`{path}`, in the outputs of {} cases.", view.cases(&found).len())
        }
        None => format!("`{name}`\n\nThere is no template of that name."),
    }
}

/// The values over the models, as a list, because many editors do not render Markdown tables; empty if there is no
/// value.
fn values<'v>(view: &View<'v>, template: &Template<'_>, value: impl Fn(&Case<'v>) -> Option<tera::Value>) -> String {
    let distinct = view.distinct(template, value);
    if distinct.iter().all(|found| found.value.is_none()) {
        return String::new();
    }
    let models: usize = distinct.iter().map(|found| found.models.len()).sum();
    let mut list = format!("\nOver {models} models:\n");
    for found in distinct.iter().take(ROWS) {
        // Writing to a string cannot fail.
        let _ = writeln!(list, "- {}: {}", shown_value(found), whom(found));
    }
    if let Some(more) = distinct.len().checked_sub(ROWS).filter(|more| *more > 0) {
        let _ = writeln!(list, "- {more} more values");
    }
    list
}

fn shown_value(found: &Distinct<'_>) -> String {
    match &found.value {
        Some(value) => format!("`{}`", shown(value).replace('`', "'")),
        None => "no value".to_owned(),
    }
}

fn whom(found: &Distinct<'_>) -> String {
    match found.models.as_slice() {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{}: {first}, {second}, {third}, …", found.models.len())
        }
        models => models.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::hover;
    use crate::ide::fixture::with_cursor;

    fn check(fixture: &str) -> String {
        let found = with_cursor(fixture, |view, path, offset| hover(view, path, offset));
        found.map_or_else(|| "nothing".to_owned(), |hover| hover.markdown)
    }

    #[test]
    fn a_placeholder_shows_its_values_over_the_models() {
        assert_snapshot!(check("{{ model_fam$0ily }}"), @r#"
        `model_family`: string

        Its family: `text_embedding`, `vision`, …; `unknown` if it cannot be determined. From the model.

        Over 4 models:
        - `"text_embedding"`: bert
        - `"multimodal"`: llava
        - `"vision"`: vit
        - `"audio"`: whisper
        "#);
        assert_snapshot!(check("{{ $0organisation }}"), @r#"
        `organisation`: of the project

        A placeholder of the project.

        Over 4 models:
        - `"acme"`: 4: bert, llava, vit, …
        "#);
        assert_snapshot!(check("{{ modle_name$0 }}"), @"
        `modle_name`

        There is no placeholder of that name.
        ");
    }

    #[test]
    fn a_field_or_an_element_says_which_models_have_none() {
        assert_snapshot!(check("{{ tasks[1$0] }}"), @r#"
        `tasks[1]`

        Over 4 models:
        - no value: llava, whisper
        - `"text-classification"`: bert
        - `"image-feature-extraction"`: vit
        "#);
        assert_snapshot!(check("{% for task in tasks %}{{ ta$0sk }}{% endfor %}"), @r#"
        `task`: of a loop; the value in the first iteration is shown

        Over 4 models:
        - `"fill-mask"`: bert
        - `"image-text-to-text"`: llava
        - `"image-classification"`: vit
        - `"automatic-speech-recognition"`: whisper
        "#);
    }

    #[test]
    fn what_is_called_shows_how() {
        assert_snapshot!(check("{{ tasks | rep$0lace(from='a', to='b') }}"), @"
        `replace(from, to)`: filter

        The text with `to` for every `from`.
        ");
        assert_snapshot!(check("{% component card(title: string, size=1) %}{% endcomponent %}{{ <ca$0rd title=\"x\" /> }}"), @"
        `card(title: string, size=1)`: component

        Defined in `templates/t.py.tera`.
        ");
    }

    #[test]
    fn blocks_and_templates_say_how_they_hang_together() {
        let library = "-- templates/base.tera --\n{% block head %}{% endblock %}\n-- templates/t.py.tera --\n";
        assert_snapshot!(check(&format!("{library}{{% extends \"base.tera\" %}}{{% block he$0ad %}}{{% endblock %}}\n")), @"
        `head`: block

        Overrides the block of `base.tera`.
        ");
        assert_snapshot!(check(&format!("{library}{{% extends \"base$0.tera\" %}}\n")), @"
        `base.tera`: template

        `templates/base.tera`, in the outputs of 4 cases.
        ");
        assert_snapshot!(check("plain te$0xt"), @"
        nothing
        ");
    }
}
