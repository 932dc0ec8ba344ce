//! The weights of the straight-line parts of a template, and where they are paid: loops, includes, blocks and
//! components. Values are not weighed here.

use std::collections::HashMap;

use super::insertions::Insertions;
use super::member::{Member, Writing};
use crate::template::budget::{self, BYTES_PER_UNIT};
use crate::template::syntax::tree::{ElementId, ElementKind, Expr, ExprKind, Span, Unary};

/// The bytes of output that take as long as one unit.
const WRITTEN_BYTES_PER_UNIT: u64 = 1024;

/// The weights of a template's parts.
pub(super) struct Weights {
    /// Everything outside blocks.
    pub(super) whole: u64,
    /// One iteration of each loop, and the content of each block and component, by the opening tag.
    sections: HashMap<ElementId, u64>,
}

/// A section while its weight is summed up.
struct Open {
    element: Option<ElementId>,
    /// The weight of everything that is always executed.
    always: u64,
    branch: u64,
    dearest_branch: u64,
}

impl Open {
    fn new(element: Option<ElementId>) -> Self {
        Self { element, always: 0, branch: 0, dearest_branch: 0 }
    }

    fn total(&self) -> u64 {
        self.always + self.dearest_branch.max(self.branch)
    }

    fn next_branch(&mut self) {
        self.dearest_branch = self.dearest_branch.max(self.branch);
        self.branch = 0;
    }
}

impl Weights {
    pub(super) fn of(member: &Member<'_>, writing: Writing) -> Self {
        let elements = &member.tree.elements;
        let mut sections = HashMap::new();
        let mut open = vec![Open::new(None)];
        for (id, element) in elements.iter().enumerate() {
            let weight = weight_of(member, id, writing);
            let Some(innermost) = open.last_mut() else { break };
            match &element.kind {
                ElementKind::Elif(_) | ElementKind::Else if is_loop(member, innermost.element) => {
                    // The `else` of a loop is executed at most once, and a loop pays for one iteration more than it
                    // has.
                    innermost.branch += weight;
                }
                ElementKind::Elif(_) | ElementKind::Else => {
                    innermost.next_branch();
                    innermost.always += weight;
                }
                ElementKind::End(_) => {
                    let Some(closed) = open.pop() else { break };
                    let total = closed.total();
                    let pays_itself = closed.element.is_some_and(|opening| pays_itself(&elements[opening].kind));
                    sections.extend(closed.element.filter(|_| pays_itself).map(|opening| (opening, total)));
                    if let Some(around) = open.last_mut().filter(|_| !pays_itself) {
                        around.branch += total;
                    }
                }
                _ => innermost.branch += weight,
            }
            if element.end.is_some() {
                open.push(Open::new(Some(id)));
            }
        }
        Self { whole: open.first().map_or(0, Open::total), sections }
    }
}

fn is_loop(member: &Member<'_>, element: Option<ElementId>) -> bool {
    element.is_some_and(|element| matches!(member.tree.elements[element].kind, ElementKind::For(_)))
}

/// Whether a section is paid for separately, because it is not executed where it is written.
fn pays_itself(kind: &ElementKind) -> bool {
    matches!(kind, ElementKind::For(_) | ElementKind::Block(_) | ElementKind::Component(_))
}

/// The weight of one element without the content of its section.
fn weight_of(member: &Member<'_>, id: ElementId, writing: Writing) -> u64 {
    let element = &member.tree.elements[id];
    if matches!(element.kind, ElementKind::Text | ElementKind::Raw) {
        let per_unit = match writing {
            Writing::MaybeCaptured => BYTES_PER_UNIT,
            Writing::ToTheOutput => WRITTEN_BYTES_PER_UNIT,
        };
        return 1 + u64::try_from(member.tree.pieces[id].span.len()).unwrap_or(u64::MAX) / per_unit;
    }
    let mut weight = 1;
    element.kind.each_expression(&mut |expression| weight += nodes(expression));
    weight
}

/// The number of expressions in an expression; a literal weighs as much as its text.
pub(super) fn nodes(expression: &Expr) -> u64 {
    let mut count = 1;
    if expression.is_constant() {
        return count + u64::try_from(expression.span.len()).unwrap_or(u64::MAX) / BYTES_PER_UNIT;
    }
    expression.each_child(&mut |child| count += nodes(child));
    count
}

/// Inserts the payments for the sections of a template.
pub(super) fn meter(member: &Member<'_>, weights: &Weights, whole: &HashMap<&str, u64>, insertions: &mut Insertions) {
    for (id, element) in member.tree.elements.iter().enumerate() {
        let section = weights.sections.get(&id).copied();
        let tag = &member.tree.pieces[id].span;
        match &element.kind {
            ElementKind::For(header) => {
                let body = section.unwrap_or(0).saturating_add(1);
                after(insertions, &header.target, &format!("{}(body={body})", budget::LOOP));
            }
            ElementKind::Block(Some(name)) => step_after(member, tag, section, name, insertions),
            ElementKind::Component(definition) => {
                if let Some(name) = &definition.name {
                    step_after(member, tag, section, name, insertions);
                }
            }
            ElementKind::Include(Some(name)) => {
                let included = whole.get(&member.text[name.clone()]).copied();
                step_before(member, tag, included, name, insertions);
            }
            _ => {}
        }
    }
}

/// Inserts a step right after a tag; it trims the following text if the tag does.
fn step_after(member: &Member<'_>, tag: &Span, units: Option<u64>, about: &Span, insertions: &mut Insertions) {
    let trim = if member.text[tag.clone()].ends_with("-%}") { "-" } else { "" };
    insertions.add(tag.end, format!("{{{{{}|{} {trim}}}}}", units.unwrap_or(0) + 1, budget::STEP), about);
}

/// Inserts a step right before a tag; it trims the preceding text if the tag does.
fn step_before(member: &Member<'_>, tag: &Span, units: Option<u64>, about: &Span, insertions: &mut Insertions) {
    let trim = if member.text[tag.clone()].starts_with("{%-") { "-" } else { "" };
    insertions.add(tag.start, format!("{{{{{trim} {}|{}}}}}", units.unwrap_or(0) + 1, budget::STEP), about);
}

/// Appends a filter to an expression, in parentheses if the expression binds less tightly.
pub(super) fn after(insertions: &mut Insertions, expression: &Expr, filter: &str) {
    if takes_filters(expression) {
        insertions.add(expression.span.end, format!("|{filter}"), &expression.span);
    } else {
        insertions.add(expression.span.start, "(".to_owned(), &expression.span);
        insertions.add(expression.span.end, format!(")|{filter}"), &expression.span);
    }
}

/// Whether a `|` after an expression applies to the whole of it.
fn takes_filters(expression: &Expr) -> bool {
    match &expression.kind {
        ExprKind::Binary { .. } | ExprKind::Test { .. } | ExprKind::Ternary { .. } => false,
        ExprKind::Unary { operator, .. } => *operator == Unary::Minus,
        _ => true,
    }
}
