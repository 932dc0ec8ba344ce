//! Inlay hints: the value of each placeholder in the previewed case.

use camino::Utf8Path;

use super::View;
use super::values::shown;
use crate::base::text::{Position, Range};
use crate::template::analysis::{Meaning, Use, UseKind};
use crate::template::renderer::Values;

/// A text shown after a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlayHint {
    /// After this place.
    pub position: Position,
    /// The shown text.
    pub label: String,
}

/// The values of the expressions printed within a range of a template: `{{ model_name }}` shows `= "bert"`.
#[must_use]
pub fn inlay_hints(view: &View<'_>, path: &Utf8Path, within: Range) -> Vec<InlayHint> {
    let Some(template) = view.template(path) else { return Vec::new() };
    let Some(case) = view.shown_case(&template.name) else { return Vec::new() };
    let source = template.source;
    let (start, end) = (source.lines.offset(within.start), source.lines.offset(within.end));
    let analysis = source.analysis();
    let first = analysis.uses.partition_point(|found| found.span.start < start);
    let uses = analysis.uses[first..].iter().take_while(|found| found.span.start < end);
    let bare = uses.filter(|found| found.kind == UseKind::Bare);
    let hint = |found: &Use| {
        let value = match found.meaning {
            Meaning::Placeholder => case.value(&found.name),
            Meaning::Local(binding) => template.bound_value(&case, &analysis.bindings[binding]),
            Meaning::Content | Meaning::OutOfReach => None,
        }?;
        let position = source.lines.position(found.span.end);
        Some(InlayHint { position, label: format!("= {}", shown(&value)) })
    };
    bare.filter_map(hint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::fixture::with_cursor;

    #[test]
    fn what_is_written_out_shows_its_value() {
        let within = Range::new(Position::new(1, 0), Position::new(9, 0));
        let template =
            "{{ model_name }}\n{{ model_name }}{{ tasks | first }}\n{% for t in tasks %}{{ t }}{% endfor %}$0";
        let hints = with_cursor(template, |view, path, _| inlay_hints(view, path, within));
        let shown: Vec<_> = hints.iter().map(|hint| (hint.position.line, hint.label.as_str())).collect();
        assert_eq!(shown, [(1, "= \"bert\""), (2, "= \"fill-mask\"")]);
    }
}
