//! Moves the spans of an analysis after an edit before them, and puts the names used in the edited part in the place of those
//! that were used there.
//!
//! Every span of an analysis is listed here, so the compiler asks for a line when a field is added.

use super::names::Values;
use super::{Analysis, Binding, Block, Callee, Reference};
use crate::template::syntax::tree::Span;
use crate::template::syntax::{Replacement, Shift};

/// The analysis after an edit that changed only the values in `replacement`.
pub(super) fn with_uses(mut analysis: Analysis, replacement: &Replacement, values: Values) -> Analysis {
    let shift = replacement.shift();
    let Analysis {
        uses,
        bindings,
        rebindings,
        successions: _,
        bound: _,
        bound_for_others: _,
        extends,
        builds_on,
        blocks,
        defines,
        calls,
        callees,
        support: _,
        allows: _,
        broken,
        captures: _,
    } = &mut analysis;
    let part = &replacement.before;
    let place = uses.partition_point(|found| found.span.start < part.start);
    let behind = uses.partition_point(|found| found.span.start < part.end);
    uses[behind..].iter_mut().for_each(|found| shift.span(&mut found.span));
    uses.splice(place..behind, values.uses);
    // Their order is that of the elements, but not always that of the source within an element.
    let place = callees.partition_point(|callee| callee.span.start < part.start);
    let behind = callees.partition_point(|callee| callee.span.start < part.end);
    callees[behind..].iter_mut().for_each(|callee| move_callee(callee, shift));
    callees.splice(place..behind, values.callees);
    for Binding { name: _, span, kind: _, scope } in bindings {
        move_span(span, shift);
        move_span(scope, shift);
    }
    for (_, span) in rebindings {
        move_span(span, shift);
    }
    let named = extends.iter_mut().chain(builds_on).chain(defines).chain(calls);
    named.for_each(|Reference { name: _, span }| move_span(span, shift));
    for Block { name: _, span, element: _, position: _ } in blocks {
        move_span(span, shift);
    }
    for span in broken {
        move_span(span, shift);
    }
    analysis
}

fn move_callee(Callee { kind: _, name: _, span, arguments }: &mut Callee, shift: Shift) {
    shift.span(span);
    for argument in arguments {
        shift.span(&mut argument.span);
    }
}

/// Moves the offsets of a span that are behind the edit; a scope may begin before it and end behind it.
fn move_span(span: &mut Span, shift: Shift) {
    shift.move_offset(&mut span.start);
    shift.move_offset(&mut span.end);
}
