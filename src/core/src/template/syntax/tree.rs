//! The syntax tree: what the pieces of a template are and how they nest, with the byte span of every word.
//!
//! The tree is plain data. Elements stand in one flat list in the order of the source and name each other by number, so
//! that no nesting, however deep, can exhaust a stack. It holds spans of the source instead of text.

use std::ops::Range;

use crate::template::scan::Piece;

/// Byte offsets in the source.
pub type Span = Range<usize>;

/// The number of an element in [`Tree::elements`].
pub type ElementId = usize;

/// A template, parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// The pieces, in the order of the source; they leave no gaps.
    pub pieces: Vec<Piece>,
    /// What each piece is: element `i` is what piece `i` says.
    pub elements: Vec<Element>,
    /// What is not valid, at most one fault a piece, in the order of the source.
    pub faults: Vec<Fault>,
    /// The faults that pieces have by themselves, wherever they nest.
    pub(super) own_faults: Vec<OwnFault>,
    /// As in [`crate::template::scan::Scanned`].
    pub(super) is_local: bool,
}

/// A fault that a piece has by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnFault {
    pub(super) element: ElementId,
    pub(super) fault: Fault,
}

/// Something that is not valid Tera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub span: Span,
    /// What is wrong: lower case, names in backticks, no final dot.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
}

/// Whether a piece stands in a loop, where `loop` is the loop's own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoopContext {
    /// In the header or the body of a loop.
    InLoop,
    /// Anywhere else.
    OutsideOfLoops,
}

/// What a piece is, and where it stands in the nesting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// What it is.
    pub kind: ElementKind,
    /// The section around it; the tags in the middle and at the end of a section are inside of it.
    pub parent: Option<ElementId>,
    /// For a tag that opens a section: the tag that closes it, where there is one.
    pub end: Option<ElementId>,
    /// Whether its piece was read as part of a loop.
    pub(super) context: LoopContext,
}

impl Element {
    /// An element that is yet to be read.
    pub(super) const fn unread() -> Self {
        Self { kind: ElementKind::Unknown, parent: None, end: None, context: LoopContext::OutsideOfLoops }
    }
}

/// What a piece is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElementKind {
    /// Text that is written as it is.
    Text,
    /// A raw block; text as well.
    Raw,
    /// A comment.
    Comment,
    /// `{{ … }}`
    Output(Expr),
    /// `{% extends "…" %}`: the span between the quotes.
    Extends(Option<Span>),
    /// `{% include "…" %}`: the span between the quotes.
    Include(Option<Span>),
    /// `{% set name = value %}`
    Set(Assignment, Expr),
    /// `{% set name | filter %}…{% endset %}`
    SetBlock(Assignment, Vec<Applied>),
    /// `{% for key, value in target %}`
    For(Loop),
    /// `{% if condition %}`
    If(Expr),
    /// `{% elif condition %}`
    Elif(Expr),
    /// `{% else %}`, of an `if` or a `for`.
    Else,
    /// `{% block name %}`
    Block(Option<Span>),
    /// `{% filter a | b %}`
    Filter(Vec<Applied>),
    /// `{% component name(parameters) %}`
    Component(Definition),
    /// `{% <name attributes> %}`
    ComponentBody(ComponentCall),
    /// `{% break %}`
    Break,
    /// `{% continue %}`
    Continue,
    /// `{% endfor %}` and its like, with the name that may follow.
    End(Option<Span>),
    /// A tag that does not exist, or that stands where it closes nothing.
    Unknown,
}

/// A name that a `set` binds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The name, where there is one.
    pub name: Option<Span>,
    /// How far the name reaches.
    pub reach: Reach,
}

/// How far a name that is `set` reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To the end of the loop around it.
    Local,
    /// To the end of the template.
    Global,
}

/// The header of a loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// The name of the key, where there are two names.
    pub key: Option<Span>,
    /// The name of the value.
    pub value: Option<Span>,
    /// What is gone through.
    pub target: Expr,
}

/// A filter, test or function with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The name; none where it is missing.
    pub name: Option<Span>,
    /// From `(` to `)`, where there are parentheses.
    pub parentheses: Option<Span>,
    /// The arguments.
    pub arguments: Vec<Argument>,
}

/// An argument with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The name.
    pub name: Span,
    /// The value.
    pub value: Expr,
}

/// The definition of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The name, dots included.
    pub name: Option<Span>,
    /// The parameters.
    pub parameters: Vec<Parameter>,
    /// The parameter that takes all others (`...rest`).
    pub rest: Option<Span>,
}

/// A parameter of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name.
    pub name: Span,
    /// Whether its value may come from where the component is called (`@name`).
    pub source: ParameterSource,
    /// The type, where one is written.
    pub kind: Option<Span>,
    /// The default, where one is written.
    pub default: Option<Expr>,
}

/// Where the value of a parameter comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterSource {
    /// From an attribute alone.
    Attribute,
    /// From an attribute, or else from the value of that name where the component is called.
    Surroundings,
}

/// The call of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentCall {
    /// The name, dots included.
    pub name: Option<Span>,
    /// The attributes.
    pub attributes: Vec<Attribute>,
}

/// An attribute of a component's call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// `name="…"`, `name={…}`, or `name` alone, which is `name={name}`.
    Named {
        /// The name.
        name: Span,
        /// The value.
        value: Expr,
    },
    /// `{...map}`
    Spread(Expr),
}

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expr {
    /// From its first to its last character.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExprKind {
    /// Nothing that could be read.
    Missing,
    /// A literal.
    Literal(Literal),
    /// A name that stands for a value.
    Name,
    /// `of.name`, `of?.name`
    Field {
        /// The map.
        of: Box<Expr>,
        /// The name; none where it is missing.
        name: Option<Span>,
        /// Whether a missing map is provided for.
        access: Access,
    },
    /// `of[index]`, `of?[index]`
    Index {
        /// The list or map.
        of: Box<Expr>,
        /// The index or key.
        index: Box<Expr>,
        /// Whether a missing list is provided for.
        access: Access,
    },
    /// `of[start:end:step]`
    Slice {
        /// The list or string.
        of: Box<Expr>,
        /// Those of the three that are written.
        bounds: Vec<Expr>,
    },
    /// `name(arguments)`
    Call(Applied),
    /// `of | name(arguments)`
    Filter {
        /// What is filtered.
        of: Box<Expr>,
        /// The filter.
        filter: Applied,
    },
    /// `of is name(arguments)`, `of is not name`
    Test {
        /// What is tested.
        of: Box<Expr>,
        /// The test.
        test: Applied,
        /// Whether it asks for the opposite.
        sense: Sense,
    },
    /// `not of`, `-of`
    Unary {
        /// The operator.
        operator: Unary,
        /// The operand.
        of: Box<Expr>,
    },
    /// `left operator right`
    Binary {
        /// The operator.
        operator: Binary,
        /// The left side.
        left: Box<Expr>,
        /// The right side.
        right: Box<Expr>,
    },
    /// `then if condition else otherwise`
    Ternary {
        /// The value where the condition holds.
        then: Box<Expr>,
        /// The condition.
        condition: Box<Expr>,
        /// The other value.
        otherwise: Box<Expr>,
    },
    /// `(inner)`
    Parentheses(Box<Expr>),
    /// `[a, ...b]`
    List(Vec<Item>),
    /// `[item for key, value in target if condition]`
    Comprehension {
        /// What is collected.
        item: Box<Expr>,
        /// The loop.
        header: Box<Loop>,
        /// The condition, where there is one.
        condition: Option<Box<Expr>>,
    },
    /// `{"key": value, ...map}`
    Map(Vec<Item>),
    /// `<name attributes />`
    Component(ComponentCall),
}

/// An item of a list, or a value of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// One item.
    One(Expr),
    /// All items of another list or map.
    Spread(Expr),
}

/// Literals by type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literal {
    /// A string, quotes included in the span.
    String,
    /// A whole number.
    Integer,
    /// A number with a dot.
    Float,
    /// `true` or `false`.
    Boolean,
    /// `none`.
    None,
}

/// How a field or an index is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It must be there.
    Required,
    /// It may be missing (`?.`, `?[`).
    Optional,
}

/// Whether a test asks for itself or the opposite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// `is`
    Is,
    /// `is not`
    IsNot,
}

/// Operators with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// `not`
    Not,
    /// `-`
    Minus,
}

/// Operators with two operands, as far as anything depends on which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `and`
    And,
    /// `or`
    Or,
    /// `~`
    Concatenation,
    /// `not in`
    NotIn,
    /// Arithmetic, comparison and `in`.
    Other,
}

impl Expr {
    /// An expression that could not be read, at a place.
    #[must_use]
    pub fn missing(at: usize) -> Self {
        Self { span: at..at, kind: ExprKind::Missing }
    }

    /// Whether Tera computes it while it parses: a literal, or a list or map of such.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        match &self.kind {
            ExprKind::Literal(_) => true,
            ExprKind::Parentheses(inner) => inner.is_constant(),
            ExprKind::Unary { operator: Unary::Minus, of } => of.is_constant_number(),
            ExprKind::List(items) | ExprKind::Map(items) => {
                items.iter().all(|item| matches!(item, Item::One(item) if item.is_constant()))
            }
            _ => false,
        }
    }

    /// Whether it is a number with any signs in front.
    #[must_use]
    pub fn is_constant_number(&self) -> bool {
        match &self.kind {
            ExprKind::Literal(literal) => matches!(literal, Literal::Integer | Literal::Float),
            ExprKind::Parentheses(inner) | ExprKind::Unary { operator: Unary::Minus, of: inner } => {
                inner.is_constant_number()
            }
            _ => false,
        }
    }

    /// The expression without parentheses around it.
    #[must_use]
    pub fn inner(&self) -> &Self {
        match &self.kind {
            ExprKind::Parentheses(inner) => inner.inner(),
            _ => self,
        }
    }
}

impl Tree {
    /// The number of the piece that holds an offset; at a border, the one that begins there.
    #[must_use]
    pub fn element_at(&self, offset: usize) -> Option<ElementId> {
        let after = self.pieces.partition_point(|piece| piece.span.start <= offset);
        after.checked_sub(1)
    }

    /// The number of the piece that begins at an offset.
    pub(super) fn piece_from(&self, offset: usize) -> Option<usize> {
        self.pieces.binary_search_by_key(&offset, |piece| piece.span.start).ok()
    }

    /// The sections around an element, the innermost first.
    pub fn sections_around(&self, element: ElementId) -> impl Iterator<Item = ElementId> {
        std::iter::successors(self.elements[element].parent, |section| self.elements[*section].parent)
    }

    /// The template that this one extends: the span of its name.
    #[must_use]
    pub fn extends(&self) -> Option<Span> {
        self.elements.iter().find_map(|element| match &element.kind {
            ElementKind::Extends(name) => name.clone(),
            _ => None,
        })
    }
}
