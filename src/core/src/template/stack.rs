//! Runs Tera with a stack that is large enough: it parses expressions and renders nested templates recursively.

/// For compiling one template: an expression may have 256 operators, each a level of recursion.
const STACK_OF_COMPILING: usize = 8 * 1024 * 1024;
/// For rendering one nested template; even an unoptimised build needs only half of it.
const STACK_PER_TEMPLATE: usize = 256 * 1024;
/// The largest stack that is allocated; only pages that are used take memory.
const LARGEST_STACK: usize = 512 * 1024 * 1024;

/// Compiles templates with enough stack.
pub(super) fn for_compiling<T>(templates: usize, compile: impl FnOnce() -> T) -> T {
    with(STACK_OF_COMPILING.saturating_add(templates.saturating_mul(STACK_PER_TEMPLATE)), compile)
}

/// Renders a template whose closure has this many templates with enough stack.
pub(super) fn for_rendering<T>(templates: usize, render: impl FnOnce() -> T) -> T {
    with(templates.saturating_mul(STACK_PER_TEMPLATE), render)
}

fn with<T>(size: usize, work: impl FnOnce() -> T) -> T {
    let size = size.min(LARGEST_STACK);
    stacker::maybe_grow(size, size, work)
}
