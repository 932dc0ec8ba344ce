//! Values that are none for some models and written as nothing: directly, through a name that a `set` gives them, as a branch
//! or joined with `~`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::checked::Checked;
use crate::base::problem::{Code, Problem};
use crate::template::analysis::{Analysis, BindingKind, Meaning, Use};
use crate::template::syntax::tree::{Binary, ElementId, ElementKind, Expr, ExprKind, Span};
use crate::template::vocabulary::{self, Kind};

/// The placeholders that may be none, and the names that have their values.
pub(super) struct Nones<'c, 'f> {
    checked: &'c Checked<'c, 'f>,
    /// Whether the template uses a placeholder that may be none.
    is_any_used: bool,
    /// The bindings whose value may be none, by their numbers, with the placeholder that it comes from.
    bindings: HashMap<usize, &'c str>,
}

/// Where an expression stands, and the conditions that hold there.
struct Place<'t> {
    element: ElementId,
    conditions: Vec<&'t Expr>,
}

impl<'c, 'f> Nones<'c, 'f> {
    pub(super) fn of(checked: &'c Checked<'c, 'f>) -> Self {
        let analysis = checked.analysis();
        let is_any_used = analysis.uses.iter().any(|found| may_be_none(&found.name));
        let mut nones = Self { checked, is_any_used, bindings: HashMap::new() };
        if !is_any_used {
            return nones;
        }
        let first = analysis.bindings.iter().enumerate().map(|(number, binding)| (binding.span.start, number));
        let again = analysis.rebindings.iter().map(|(number, span)| (span.start, *number));
        let numbers: HashMap<usize, usize> = first.chain(again).collect();
        for (element, kind) in checked.source.tree().elements.iter().map(|element| &element.kind).enumerate() {
            let ElementKind::Set(assignment, value) = kind else { continue };
            let number = assignment.name.as_ref().and_then(|name| numbers.get(&name.start));
            let place = Place { element, conditions: Vec::new() };
            if let Some((number, origin)) = number.zip(nones.origin(&place, value)) {
                nones.bindings.insert(*number, origin);
            }
        }
        nones
    }

    /// Whether an element can have a problem at all.
    pub(super) const fn is_any_used(&self) -> bool {
        self.is_any_used
    }

    /// The problems of what an element writes or joins.
    pub(super) fn problems(&self, element: ElementId) -> Vec<Problem> {
        let kind = &self.checked.source.tree().elements[element].kind;
        let mut place = Place { element, conditions: Vec::new() };
        let mut problems = Vec::new();
        if let ElementKind::Output(value) = kind {
            self.written(&mut place, value, &mut problems);
        }
        kind.each_expression(&mut |value| self.joined(&mut place, value, &mut problems));
        problems
    }

    /// An expression whose value is written as it is.
    fn written<'t>(&self, place: &mut Place<'t>, value: &'t Expr, problems: &mut Vec<Problem>) {
        match &value.inner().kind {
            ExprKind::Ternary { then, condition, otherwise } => {
                place.conditions.push(condition);
                self.written(place, then, problems);
                self.written(place, otherwise, problems);
                place.conditions.pop();
            }
            _ => problems.extend(self.problem(place, value)),
        }
    }

    /// The operands of every `~` in an expression.
    fn joined<'t>(&self, place: &mut Place<'t>, value: &'t Expr, problems: &mut Vec<Problem>) {
        let mut under = |condition: &'t Expr, values: &[&'t Expr]| {
            place.conditions.push(condition);
            for value in values {
                self.joined(place, value, problems);
            }
            place.conditions.pop();
        };
        match &value.kind {
            ExprKind::Ternary { then, condition, otherwise } => {
                under(condition, &[then, otherwise]);
                self.joined(place, condition, problems);
            }
            ExprKind::Binary { operator: Binary::And | Binary::Or, left, right } => {
                under(left, &[right]);
                self.joined(place, left, problems);
            }
            ExprKind::Binary { operator: Binary::Concatenation, left, right } => {
                for operand in [left, right] {
                    self.written(place, operand, problems);
                    self.joined(place, operand, problems);
                }
            }
            _ => value.each_child(&mut |child| self.joined(place, child, problems)),
        }
    }

    fn problem(&self, place: &Place<'_>, value: &Expr) -> Option<Problem> {
        self.origin(place, value)?;
        let value = value.inner();
        let (asked, is_default) = without_default(self.checked, value);
        let name = self.checked.source.slice(&asked.span);
        let (message, help) = if is_default {
            (
                format!("`default` does not replace `{name}` where it is none, and none is written as nothing"),
                format!("add `boolean=true`, or write `{{% if {name} %}}`"),
            )
        } else {
            (
                format!("`{name}` is none for some models, and none is written as nothing"),
                format!("write a field of it inside of `{{% if {name} %}}`"),
            )
        };
        Some(self.checked.warning(Code::EmptyOutput, &value.span, message).help(help))
    }

    /// The placeholder that an expression has its value from, if that may be none there.
    fn origin(&self, place: &Place<'_>, value: &Expr) -> Option<&'c str> {
        let (asked, _) = without_default(self.checked, value.inner());
        let found = (asked.kind == ExprKind::Name).then(|| use_at(self.checked.analysis(), &asked.span))??;
        let origin = found.meanings().find_map(|meaning| self.origin_of(&found.name, meaning))?;
        let is_asked_for = |name: &str| {
            is_asked_for(self.checked, place.element, name)
                || place.conditions.iter().any(|condition| mentions(self.checked, condition, name))
        };
        (!is_asked_for(&found.name) && !is_asked_for(origin)).then_some(origin)
    }

    fn origin_of(&self, name: &'c str, meaning: &Meaning) -> Option<&'c str> {
        let named = || may_be_none(name).then_some(name);
        match meaning {
            Meaning::Placeholder => named(),
            Meaning::Local(binding) => match self.checked.analysis().bindings[*binding].kind {
                BindingKind::Set => self.bindings.get(binding).copied(),
                BindingKind::Parameter => named(),
                BindingKind::Loop => None,
            },
            Meaning::Content | Meaning::OutOfReach => None,
        }
    }
}

fn may_be_none(placeholder: &str) -> bool {
    // Every use of a name is asked for, and hardly a placeholder may be none.
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        vocabulary::VOCABULARY.iter().filter(|entry| entry.kind == Kind::Object).map(|entry| entry.name).collect()
    });
    NAMES.contains(&placeholder)
}

fn use_at<'a>(analysis: &'a Analysis, span: &Span) -> Option<&'a Use> {
    let place = analysis.uses.binary_search_by_key(&span.start, |found| found.span.start).ok()?;
    analysis.uses.get(place)
}

/// What `default(value=…)` without `boolean=…` is applied to, and whether it is.
pub(super) fn without_default<'t>(checked: &Checked<'_, '_>, value: &'t Expr) -> (&'t Expr, bool) {
    match &value.kind {
        ExprKind::Filter { of, filter } if filter.arguments.len() == 1 => {
            let is_default = filter.name.as_ref().is_some_and(|name| checked.source.slice(name) == "default");
            if is_default { (of.inner(), true) } else { (value, false) }
        }
        _ => (value, false),
    }
}

/// Whether an `if` around an element asks for a name.
pub(super) fn is_asked_for(checked: &Checked<'_, '_>, element: ElementId, name: &str) -> bool {
    let tree = checked.source.tree();
    tree.sections_around(element).any(|section| match &tree.elements[section].kind {
        ElementKind::If(condition) => mentions(checked, condition, name),
        _ => false,
    })
}

fn mentions(checked: &Checked<'_, '_>, value: &Expr, name: &str) -> bool {
    let mut found = value.kind == ExprKind::Name && checked.source.slice(&value.span) == name;
    value.each_child(&mut |child| found = found || mentions(checked, child, name));
    found
}
