//! Python that is nested so deeply that reading its tree would exhaust a thread's stack.

use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal};
use ruff_python_ast::{AnyNodeRef, ModModule};
use ruff_python_parser::Parsed;

use super::{parse, with_stack_for};

/// The most levels of a module that is read. No module that people have written comes near it.
pub const MOST_LEVELS: usize = 400;

/// A module whose tree may be walked on any thread's stack; `None` if it has more than [`MOST_LEVELS`].
#[must_use]
pub fn parse_shallow(source: &str) -> Option<Parsed<ModModule>> {
    with_stack_for(source, || {
        let parsed = parse(source);
        let mut depth = Depth::default();
        depth.visit_body(&parsed.syntax().body);
        // Dropped here, where the stack is large enough.
        if depth.most > MOST_LEVELS { None } else { Some(parsed) }
    })
}

#[derive(Default)]
struct Depth {
    now: usize,
    most: usize,
}

impl<'a> SourceOrderVisitor<'a> for Depth {
    fn enter_node(&mut self, _: AnyNodeRef<'a>) -> TraversalSignal {
        self.now += 1;
        self.most = self.most.max(self.now);
        if self.now > MOST_LEVELS { TraversalSignal::Skip } else { TraversalSignal::Traverse }
    }

    fn leave_node(&mut self, _: AnyNodeRef<'a>) {
        self.now -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, is_read: bool) {
        assert_eq!(parse_shallow(source).is_some(), is_read, "{source:.40}");
    }

    #[test]
    fn only_what_is_nested_deeply_is_not_read() {
        check(&"x = 1\n".repeat(100_000), true);
        check(&format!("x = {}1{}\n", "[".repeat(100), "]".repeat(100)), true);
        check(&format!("x = [{}]\n", "1, ".repeat(100_000)), true);
        for deep in ["-".repeat(100_000) + "1", "1+".repeat(50_000) + "1", "x".to_owned() + &".y".repeat(50_000)] {
            check(&deep, false);
        }
    }
}
