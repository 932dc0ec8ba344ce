//! Analyses a template's text: the names it uses and binds, the templates it builds on, its blocks and components, its
//! calls, and its directives.
//!
//! Analysis never fails and never renders. It must not know which names exist.

mod directives;
mod moved;
mod names;
mod reach;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use super::dollar::{self, DollarPiece};
use super::syntax::Replacement;
use super::syntax::tree::{ElementId, Span, Tree};

pub use self::directives::{ALLOW_DIRECTIVE, Allow, SUPPORT_DIRECTIVE};

/// The analysis of one template's text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Analysis {
    /// Every use of a name as a value, local names included, in the order of the source.
    pub uses: Vec<Use>,
    /// Every name that the template itself binds, in the order of the source.
    pub bindings: Vec<Binding>,
    /// Repeated `set`s of a name: the index of its binding, and the byte offsets of the name.
    pub rebindings: Vec<(usize, Span)>,
    /// Bindings of one name of which one takes over from the other: `{% set n = n + x %}` in a loop, or a `set` that an `if`
    /// may pass over. Numbers in `bindings`.
    pub successions: Vec<(usize, usize)>,
    /// Names that the template itself binds: `set`, loop variables, component parameters.
    pub bound: BTreeSet<String>,
    /// Names of `bound` that a template rendered together with this one may use.
    pub bound_for_others: BTreeSet<String>,
    /// The template that it extends.
    pub extends: Option<Reference>,
    /// The templates it extends or includes, with the spans of the names.
    pub builds_on: Vec<Reference>,
    /// The blocks it defines.
    pub blocks: Vec<Block>,
    /// The components it defines.
    pub defines: Vec<Reference>,
    /// The components it calls.
    pub calls: Vec<Reference>,
    /// The filters, tests and functions it calls.
    pub callees: Vec<Callee>,
    /// The support templates that its directives name.
    pub support: Vec<Reference>,
    /// The problems that its directives allow.
    pub allows: Vec<Allow>,
    /// Byte offsets of malformed placeholders (`${}` dialect only).
    pub broken: Vec<Span>,
    /// Whether rendered text may be captured and changed before it is written (`filter` and `set` blocks, components).
    pub captures: bool,
}

/// A name used as a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The name.
    pub name: String,
    /// Byte offsets of the name.
    pub span: Span,
    /// How it is used.
    pub kind: UseKind,
    /// What the name refers to.
    pub meaning: Meaning,
    /// What else it may mean there, where no `set` has given it that meaning: the nearest first.
    pub fallbacks: Vec<Meaning>,
}

impl Use {
    /// Everything that the name may mean there.
    pub fn meanings(&self) -> impl Iterator<Item = &Meaning> {
        std::iter::once(&self.meaning).chain(&self.fallbacks)
    }
}

/// How a name is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UseKind {
    /// Alone: `{{ name }}` or `${name}`. The value is written unchanged.
    Bare,
    /// Tested for being defined, or given a default: a missing value is handled.
    Guarded,
    /// Anywhere else in an expression or a tag.
    Expression,
}

/// What a name refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A value passed to the template.
    Placeholder,
    /// A name that the template binds, as an index into [`Analysis::bindings`].
    Local(usize),
    /// `body`, the content passed to a component.
    Content,
    /// A name in a component that is not a parameter: it has no value there.
    OutOfReach,
}

/// A name that the template binds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The name.
    pub name: String,
    /// Byte offsets of the name.
    pub span: Span,
    /// How it is bound.
    pub kind: BindingKind,
    /// Where the name can be used.
    pub scope: Span,
}

/// How a template binds a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingKind {
    /// By `set`; if there are several, the first one is recorded.
    Set,
    /// By a loop or a list comprehension.
    Loop,
    /// As a parameter of a component.
    Parameter,
}

/// A reference to another template or component by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The name.
    pub name: String,
    /// Byte offsets of the name.
    pub span: Span,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The name.
    pub name: String,
    /// Byte offsets of the name.
    pub span: Span,
    /// Its opening tag.
    pub element: ElementId,
    /// Whether it is nested in another block; a nested block is new and overrides nothing.
    pub position: BlockPosition,
}

/// Whether a block is nested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockPosition {
    /// Not nested.
    Outermost,
    /// In another block.
    Nested,
}

/// A call of a filter, test or function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callee {
    /// Which of the three it is.
    pub kind: CalleeKind,
    /// The name.
    pub name: String,
    /// Byte offsets of the name.
    pub span: Span,
    /// The names of its arguments, with their places.
    pub arguments: Vec<Reference>,
}

/// The kinds of callees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CalleeKind {
    /// `value | name`
    Filter,
    /// `value is name`
    Test,
    /// `name()`
    Function,
}

impl Analysis {
    /// The parameters of its components that may take their values from the caller's scope (`@name`).
    pub fn parameters_from_surroundings(&self) -> impl Iterator<Item = &str> {
        let parameters = self.bindings.iter().filter(|binding| binding.kind == BindingKind::Parameter);
        let places: BTreeSet<usize> = parameters.map(|binding| binding.span.start).collect();
        let is_parameter =
            move |found: &&Use| found.meaning == Meaning::Placeholder && places.contains(&found.span.start);
        self.uses.iter().filter(is_parameter).map(|found| found.name.as_str())
    }

    /// The bindings that one of them takes over from or is taken over by, itself included: only together they can have another
    /// name.
    #[must_use]
    pub fn chain(&self, binding: usize) -> BTreeSet<usize> {
        let mut neighbours: HashMap<usize, Vec<usize>> = HashMap::new();
        for (one, other) in &self.successions {
            neighbours.entry(*one).or_default().push(*other);
            neighbours.entry(*other).or_default().push(*one);
        }
        let mut chain = BTreeSet::from([binding]);
        let mut waiting = vec![binding];
        while let Some(next) = waiting.pop() {
            waiting.extend(neighbours.get(&next).into_iter().flatten().filter(|neighbour| chain.insert(**neighbour)));
        }
        chain
    }

    /// Whether a part of the source, from one element to another, binds a name, calls a component, or uses a name that is one
    /// of several bindings taking over from each other.
    fn is_tied_to(&self, part: &Span) -> bool {
        let is_in = |span: &Span| part.contains(&span.start);
        let is_local = |found: &Use| found.meanings().any(|meaning| matches!(meaning, Meaning::Local(_)));
        let uses = self.uses[self.uses.partition_point(|found| found.span.start < part.start)..].iter();
        self.bindings.iter().map(|binding| &binding.span).any(is_in)
            || self.rebindings.iter().map(|(_, span)| span).any(is_in)
            || self.calls.iter().map(|call| &call.span).any(is_in)
            || !self.successions.is_empty() && uses.take_while(|found| is_in(&found.span)).any(is_local)
    }

    /// Whether a template that is rendered together with this one may get a value of that name from it.
    #[must_use]
    pub fn binds_for_others(&self, name: &str) -> bool {
        self.bound_for_others.contains(name)
    }
}

/// Analyses a Tera template.
#[must_use]
pub fn of_tera(source: &str, tree: &Tree) -> Analysis {
    let mut analysis = names::analyse(source, tree);
    directives::read(source, &mut analysis);
    analysis
}

/// Analyses a Tera template after an edit that replaced some elements of its tree; `before` is the analysis before the edit.
/// What is unaffected is only moved. The result equals that of [`of_tera`]; a property test checks this.
#[must_use]
pub fn after_replacement(source: &str, tree: &Tree, replacement: &Replacement, before: Analysis) -> Analysis {
    let Some(renewed) = names::of_values(source, tree, replacement, &before) else { return of_tera(source, tree) };
    let mut analysis = moved::with_uses(before, replacement, renewed);
    analysis.support.clear();
    analysis.allows.clear();
    directives::read(source, &mut analysis);
    analysis
}

/// Analyses a `${}` template.
#[must_use]
pub fn of_dollar(source: &str) -> Analysis {
    let mut analysis = Analysis::default();
    for piece in dollar::scan(source) {
        match piece {
            DollarPiece::Placeholder { name: span, .. } => {
                let name = source[span.clone()].to_owned();
                analysis.uses.push(Use {
                    name,
                    span,
                    kind: UseKind::Bare,
                    meaning: Meaning::Placeholder,
                    fallbacks: Vec::new(),
                });
            }
            DollarPiece::Broken(span) => analysis.broken.push(span),
            DollarPiece::Text(_) | DollarPiece::Escape(_) => {}
        }
    }
    directives::read(source, &mut analysis);
    analysis
}
