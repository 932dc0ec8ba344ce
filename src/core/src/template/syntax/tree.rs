//! The syntax tree: the pieces of a template, their elements and nesting, with the byte span of every word.
//!
//! The tree is plain data. Elements are in one flat list in the order of the source and refer to each other by index,
//! so that deep nesting cannot overflow the stack. It holds spans of the source instead of text.

use std::ops::Range;

use crate::template::scan::Piece;

/// Byte offsets in the source.
pub type Span = Range<usize>;

/// An index into [`Tree::elements`].
pub type ElementId = usize;

/// A template, parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// The pieces, in the order of the source; they leave no gaps.
    pub pieces: Vec<Piece>,
    /// The parsed pieces: element `i` belongs to piece `i`.
    pub elements: Vec<Element>,
    /// The syntax errors, at most one a piece, in the order of the source.
    pub faults: Vec<Fault>,
    /// The faults of pieces themselves, independent of nesting.
    pub(super) own_faults: Vec<OwnFault>,
    /// See [`crate::template::scan::Scanned`].
    pub(super) is_local: bool,
}

/// A fault of a piece itself, independent of nesting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnFault {
    pub(super) element: ElementId,
    pub(super) fault: Fault,
}

/// Something that is not valid Tera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its place.
    pub span: Span,
    /// What is wrong: lower case, names in backticks, no final dot.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
}

/// Whether a piece is in a loop, where `loop` is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoopContext {
    /// In the header or the body of a loop.
    InLoop,
    /// Anywhere else.
    OutsideOfLoops,
}

/// A parsed piece and its place in the nesting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Its kind.
    pub kind: ElementKind,
    /// The section around it; the middle and end tags of a section are inside it.
    pub parent: Option<ElementId>,
    /// For a tag that opens a section: the tag that closes it, if any.
    pub end: Option<ElementId>,
    /// Whether its piece was read as part of a loop.
    pub(super) context: LoopContext,
}

impl Element {
    /// A placeholder for an element that has not been parsed yet.
    pub(super) const fn unread() -> Self {
        Self { kind: ElementKind::Unknown, parent: None, end: None, context: LoopContext::OutsideOfLoops }
    }
}

/// The kind of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElementKind {
    /// Text that is written unchanged.
    Text,
    /// A raw block; also text.
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
    /// `{% endfor %}` and similar, with the name that may follow.
    End(Option<Span>),
    /// An unknown tag, or one that closes nothing.
    Unknown,
}

impl ElementKind {
    /// Whether it is text, a comment or a value that is written: nothing that other elements can depend on.
    #[must_use]
    pub const fn is_text_or_output(&self) -> bool {
        matches!(self, Self::Text | Self::Raw | Self::Comment | Self::Output(_))
    }
}

/// The target of a `set`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The name; `None` if it is missing.
    pub name: Option<Span>,
    /// Its scope.
    pub reach: SetReach,
}

/// The scope of a name that is `set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetReach {
    /// To the end of the loop around it.
    Local,
    /// To the end of the template.
    Global,
}

/// The header of a loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// The name of the key, if two names are given.
    pub key: Option<Span>,
    /// The name of the value.
    pub value: Option<Span>,
    /// The expression that is iterated over.
    pub target: Expr,
}

/// A filter, test or function with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The name; `None` if it is missing.
    pub name: Option<Span>,
    /// From `(` to `)`; `None` without parentheses.
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
    /// Whether its value may come from the caller's scope (`@name`).
    pub source: ParameterSource,
    /// The type, if given.
    pub kind: Option<Span>,
    /// The default, if given.
    pub default: Option<Expr>,
}

/// Where the value of a parameter comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterSource {
    /// Only from an attribute.
    Attribute,
    /// From an attribute, else from the value of that name in the caller's scope.
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
    /// Its kind.
    pub kind: ExprKind,
}

/// The kind of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExprKind {
    /// An expression that is missing or could not be parsed.
    Missing,
    /// A literal.
    Literal(Literal),
    /// A name, used as a value.
    Name,
    /// `of.name`, `of?.name`
    Field {
        /// The map.
        of: Box<Expr>,
        /// The name; `None` if it is missing.
        name: Option<Span>,
        /// Whether a missing map is allowed.
        access: Access,
    },
    /// `of[index]`, `of?[index]`
    Index {
        /// The list or map.
        of: Box<Expr>,
        /// The index or key.
        index: Box<Expr>,
        /// Whether a missing list is allowed.
        access: Access,
    },
    /// `of[start:end:step]`
    Slice {
        /// The list or string.
        of: Box<Expr>,
        /// The bounds that are given.
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
        /// Whether it is negated.
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
        /// The value if the condition holds.
        then: Box<Expr>,
        /// The condition.
        condition: Box<Expr>,
        /// The value otherwise.
        otherwise: Box<Expr>,
    },
    /// `(inner)`
    Parentheses(Box<Expr>),
    /// `[a, ...b]`
    List(Vec<Item>),
    /// `[item for key, value in target if condition]`
    Comprehension {
        /// The collected item.
        item: Box<Expr>,
        /// The loop.
        header: Box<Loop>,
        /// The condition, if any.
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

/// Whether a field or an index may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It must exist.
    Required,
    /// It may be missing (`?.`, `?[`).
    Optional,
}

/// Whether a test is negated.
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

/// Binary operators, as far as they have to be distinguished.
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
    /// A missing expression at an offset.
    #[must_use]
    pub fn missing(at: usize) -> Self {
        Self { span: at..at, kind: ExprKind::Missing }
    }

    /// Whether Tera evaluates it while parsing: a literal, or a list or map of constants.
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

    /// Whether it is a number, with any signs before it.
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
    /// The index of the piece that contains an offset; at a border, of the piece that begins there.
    #[must_use]
    pub fn element_at(&self, offset: usize) -> Option<ElementId> {
        let after = self.pieces.partition_point(|piece| piece.span.start <= offset);
        after.checked_sub(1)
    }

    /// Where the first unknown tag begins, such as `macro`, which may bind names for what follows.
    #[must_use]
    pub fn first_unknown_tag(&self) -> Option<usize> {
        let mut unknown =
            self.own_faults.iter().filter(|fault| matches!(self.elements[fault.element].kind, ElementKind::Unknown));
        unknown.next().map(|fault| self.pieces[fault.element].span.start)
    }

    /// Whether a syntax error is in a part of the source, whose borders are those of pieces.
    pub(super) fn has_fault_in(&self, part: &Span) -> bool {
        let after = self.faults.partition_point(|fault| fault.span.start < part.start);
        self.faults.get(after).is_some_and(|fault| fault.span.start < part.end)
    }

    /// The index of the piece that begins at an offset.
    pub(super) fn piece_from(&self, offset: usize) -> Option<usize> {
        self.pieces.binary_search_by_key(&offset, |piece| piece.span.start).ok()
    }

    /// The sections around an element, the innermost first.
    pub fn sections_around(&self, element: ElementId) -> impl Iterator<Item = ElementId> {
        std::iter::successors(self.elements[element].parent, |section| self.elements[*section].parent)
    }

    /// The span of the name of the template that this one extends.
    #[must_use]
    pub fn extends(&self) -> Option<Span> {
        self.elements.iter().find_map(|element| match &element.kind {
            ElementKind::Extends(name) => name.clone(),
            _ => None,
        })
    }
}
