//! Dead code: tags that are never reached, and names that are set and never used.

use std::collections::HashSet;

use super::checked::Checked;
use super::lost::Lost;
use crate::base::problem::{Code, Problem};
use crate::template::analysis::{BindingKind, Meaning, Use};
use crate::template::syntax::tree::{ElementId, ElementKind, Expr, ExprKind, Literal, Tree};
use crate::template::{TemplateName, scan::PieceKind};

/// Code after a `break` or `continue` in its part of a section, and branches whose condition is never true.
pub(super) fn unreachable(checked: &Checked<'_, '_>) -> Vec<Problem> {
    let tree = checked.source.tree();
    let mut problems = Vec::new();
    for element in 0..tree.elements.len() {
        match &tree.elements[element].kind {
            ElementKind::Break | ElementKind::Continue => problems.extend(after_jump(checked, tree, element)),
            ElementKind::If(condition) | ElementKind::Elif(condition) if is_false(checked, condition) => {
                let message = "this condition is never true, so what follows is never written".to_owned();
                problems.push(checked.warning(Code::Unreachable, &condition.span, message).help("remove the branch"));
            }
            _ => {}
        }
    }
    problems
}

fn after_jump(checked: &Checked<'_, '_>, tree: &Tree, jump: ElementId) -> Option<Problem> {
    let says_something = |element: &ElementId| match tree.elements[*element].kind {
        ElementKind::Comment => false,
        ElementKind::Text => !checked.source.slice(&tree.pieces[*element].span).trim().is_empty(),
        _ => true,
    };
    let next = (jump + 1..tree.elements.len()).find(says_something)?;
    let ends_the_part =
        matches!(tree.elements[next].kind, ElementKind::Elif(_) | ElementKind::Else | ElementKind::End(_));
    if ends_the_part || tree.elements[next].parent != tree.elements[jump].parent {
        return None;
    }
    let span = tree.pieces[next].span.clone();
    let text = checked.source.slice(&span);
    let start = span.start + (text.len() - text.trim_start().len());
    let line = text.trim().lines().next().unwrap_or_default();
    let problem = checked.warning(Code::Unreachable, &(start..start + line.len()), "this is never reached".to_owned());
    Some(problem.help("the loop goes on or ends before it"))
}

fn is_false(checked: &Checked<'_, '_>, condition: &Expr) -> bool {
    let condition = condition.inner();
    match condition.kind {
        ExprKind::Literal(Literal::Boolean) => matches!(checked.source.slice(&condition.span), "false" | "False"),
        ExprKind::Literal(Literal::None) => true,
        _ => false,
    }
}

/// Names that are set here and used neither here nor in a template that is rendered together with this one; not those
/// that are lost.
pub(super) fn unused_sets(checked: &Checked<'_, '_>, lost: &Lost) -> Vec<Problem> {
    let analysis = checked.analysis();
    let mut is_used_here = vec![false; analysis.bindings.len()];
    for meaning in analysis.uses.iter().flat_map(Use::meanings) {
        if let Meaning::Local(binding) = meaning {
            is_used_here[*binding] = true;
        }
    }
    let sets = analysis.bindings.iter().enumerate().filter(|(_, binding)| binding.kind == BindingKind::Set);
    let is_unused = |number: &usize| !is_used_here[*number] && !lost.contains_key(number);
    let unused: Vec<_> = sets.filter(|(number, _)| is_unused(number)).map(|(_, binding)| binding).collect();
    if unused.is_empty() || asks_for_everything(checked) {
        return Vec::new();
    }
    let others: Vec<TemplateName> = checked.library.relatives(checked.name);
    let sources = others.iter().filter_map(|other| checked.library.source(other).ok());
    let used_elsewhere: HashSet<&str> =
        sources.flat_map(|source| &source.analysis().uses).map(|found| &*found.name).collect();
    unused
        .into_iter()
        .filter(|binding| !used_elsewhere.contains(binding.name.as_str()))
        .map(|binding| {
            let message = format!("`{}` is set and never used", binding.name);
            checked.warning(Code::UnusedSet, &binding.span, message).help("remove the `set`, or use the name")
        })
        .collect()
}

/// `__tera_context` exposes every name.
fn asks_for_everything(checked: &Checked<'_, '_>) -> bool {
    checked.source.tree().pieces.iter().any(|piece| {
        piece.kind != PieceKind::Text
            && piece.tokens.iter().any(|token| token.text(&checked.source.text) == "__tera_context")
    })
}
