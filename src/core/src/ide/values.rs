//! Evaluates expressions as far as names, fields and literals allow, for one case or over all models.
//!
//! Nothing is rendered: the value of any other expression is unknown.

use std::collections::HashMap;

use tera::Value;

use super::{Template, View};
use crate::plan::case::Case;
use crate::template::analysis::{Binding, Meaning};
use crate::template::filters::python_literal;
use crate::template::renderer::Values;
use crate::template::syntax::tree::{ElementKind, Expr, ExprKind, Literal, Loop, Span};

/// The longest chain of bound names that is followed.
const DEPTH: usize = 8;

/// The most characters of a value that are shown.
const SHOWN: usize = 60;

/// A value and the models with that value.
pub(super) struct Distinct<'v> {
    pub(super) value: Option<Value>,
    pub(super) models: Vec<&'v str>,
}

/// A value as a literal, shortened for display.
pub(super) fn shown(value: &Value) -> String {
    let literal = python_literal(value);
    match literal.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &literal[..end]),
        None => literal,
    }
}

impl<'v> View<'v> {
    /// The distinct values over the models of a template, the most frequent first.
    pub(super) fn distinct(
        &self,
        template: &Template<'_>,
        value: impl Fn(&Case<'v>) -> Option<Value>,
    ) -> Vec<Distinct<'v>> {
        let mut distinct: Vec<Distinct<'v>> = Vec::new();
        let mut places = HashMap::new();
        for case in self.case_by_model(&template.name) {
            let model = case.model.map_or("", |model| model.name.as_str());
            let value = value(&case).filter(|value| !value.is_undefined());
            let key = value.as_ref().map(ToString::to_string);
            let place = *places.entry(key).or_insert(distinct.len());
            match distinct.get_mut(place) {
                Some(known) => known.models.push(model),
                None => distinct.push(Distinct { value, models: vec![model] }),
            }
        }
        distinct.sort_by_key(|value| std::cmp::Reverse(value.models.len()));
        distinct
    }
}

impl Template<'_> {
    /// The value of an expression for a case.
    pub(super) fn evaluate(&self, case: &Case<'_>, expression: &Expr) -> Option<Value> {
        Evaluation { template: self, case }.value(expression, DEPTH)
    }

    /// The value of a name that the template binds, for a case.
    pub(super) fn bound_value(&self, case: &Case<'_>, binding: &Binding) -> Option<Value> {
        Evaluation { template: self, case }.bound(binding, DEPTH)
    }
}

struct Evaluation<'e> {
    template: &'e Template<'e>,
    case: &'e Case<'e>,
}

impl Evaluation<'_> {
    fn value(&self, expression: &Expr, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        match &expression.kind {
            ExprKind::Name => self.name(&expression.span, depth),
            ExprKind::Parentheses(inner) => self.value(inner, depth),
            ExprKind::Literal(literal) => self.literal(*literal, &expression.span),
            ExprKind::Field { of, name: Some(name), .. } => {
                entry(&self.value(of, depth)?, self.template.source.slice(name))
            }
            ExprKind::Index { of, index, .. } => {
                let (of, index) = (self.value(of, depth)?, self.value(index, depth)?);
                match index.as_str() {
                    Some(key) => entry(&of, key),
                    None => element(&of, index.as_i64()?),
                }
            }
            ExprKind::Filter { of, filter } => {
                let name = self.template.source.slice(filter.name.as_ref()?);
                filtered(name, self.value(of, depth)?)
            }
            _ => None,
        }
    }

    fn name(&self, span: &Span, depth: usize) -> Option<Value> {
        let analysis = self.template.source.analysis();
        let place = analysis.uses.binary_search_by_key(&span.start, |found| found.span.start).ok()?;
        let found = &analysis.uses[place];
        match found.meaning {
            Meaning::Placeholder => self.case.value(&found.name),
            Meaning::Local(binding) => self.bound(&analysis.bindings[binding], depth),
            Meaning::Content | Meaning::OutOfReach => None,
        }
    }

    fn bound(&self, binding: &Binding, depth: usize) -> Option<Value> {
        let is_here = |name: &Option<Span>| name.as_ref() == Some(&binding.span);
        for element in &self.template.source.tree().elements {
            match &element.kind {
                ElementKind::Set(assignment, value) if is_here(&assignment.name) => return self.value(value, depth),
                ElementKind::For(header) if is_here(&header.value) => {
                    return self.first_round(header, depth).map(|(_, value)| value);
                }
                ElementKind::For(header) if is_here(&header.key) => {
                    return self.first_round(header, depth).map(|(key, _)| key);
                }
                _ => {}
            }
        }
        None
    }

    /// The key and the value of a loop's first iteration.
    fn first_round(&self, header: &Loop, depth: usize) -> Option<(Value, Value)> {
        let target = self.value(&header.target, depth)?;
        match target.as_map() {
            Some(map) => map.iter().next().map(|(key, value)| (Value::from(key.to_string()), value.clone())),
            None => Some((Value::none(), element(&target, 0)?)),
        }
    }

    fn literal(&self, literal: Literal, span: &Span) -> Option<Value> {
        let text = self.template.source.slice(span);
        match literal {
            Literal::String => text.get(1..text.len() - 1).map(Value::from),
            Literal::Integer => text.parse::<i64>().ok().map(Value::from),
            Literal::Float => text.parse::<f64>().ok().map(Value::from),
            Literal::Boolean => Some(Value::from(matches!(text, "true" | "True"))),
            Literal::None => Some(Value::none()),
        }
    }
}

/// Supports filters that select an element; others are left to Tera.
fn filtered(name: &str, value: Value) -> Option<Value> {
    match name {
        "first" => element(&value, 0),
        "last" => element(&value, -1),
        "default" | "safe" => Some(value),
        _ => None,
    }
}

fn entry(value: &Value, key: &str) -> Option<Value> {
    let map = value.as_map()?;
    map.iter().find(|(known, _)| known.as_str() == Some(key)).map(|(_, value)| value.clone())
}

fn element(value: &Value, index: i64) -> Option<Value> {
    let list = value.as_array()?;
    let at = if index < 0 {
        list.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
    } else {
        usize::try_from(index).ok()?
    };
    list.get(at).cloned()
}
