//! Semantic tokens: classes of words for highlighting that a grammar alone cannot determine.

use std::collections::BTreeMap;

use camino::Utf8Path;

use super::{Template, View};
use crate::base::text::{Position, Range};
use crate::template::Dialect;
use crate::template::analysis::{BindingKind, CalleeKind, Meaning};
use crate::template::dollar::{self, DollarPiece};
use crate::template::scan::{Piece, PieceKind, TokenKind};
use crate::template::syntax::tree::{ElementKind, Span};

/// A word and its class; it never spans lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SemanticToken {
    /// The place.
    pub range: Range,
    /// The class.
    pub class: TokenClass,
}

/// The classes of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenClass {
    /// A keyword.
    Keyword,
    /// A placeholder.
    Placeholder,
    /// A name that the template binds.
    Variable,
    /// A parameter of a component.
    Parameter,
    /// A field of a value.
    Field,
    /// A filter or test.
    Filter,
    /// A function.
    Function,
    /// A component.
    Component,
    /// A block.
    Block,
    /// A string.
    String,
    /// A number.
    Number,
    /// An operator.
    Operator,
    /// A comment.
    Comment,
}

impl TokenClass {
    /// Every class, in the order of the legend that editors receive.
    pub const ALL: &'static [Self] = &[
        Self::Keyword,
        Self::Placeholder,
        Self::Variable,
        Self::Parameter,
        Self::Field,
        Self::Filter,
        Self::Function,
        Self::Component,
        Self::Block,
        Self::String,
        Self::Number,
        Self::Operator,
        Self::Comment,
    ];
}

/// The classified words of a template, in order.
#[must_use]
pub fn semantic_tokens(view: &View<'_>, path: &Utf8Path) -> Vec<SemanticToken> {
    let Some(template) = view.template(path) else { return Vec::new() };
    match template.source.dialect() {
        Dialect::Tera => of_tera(&template),
        Dialect::Dollar => of_dollar(&template),
    }
}

fn of_dollar(template: &Template<'_>) -> Vec<SemanticToken> {
    let mut tokens = Vec::new();
    for piece in dollar::scan(&template.source.text) {
        if let DollarPiece::Placeholder { name, .. } = piece {
            push(template, &name, TokenClass::Placeholder, &mut tokens);
        }
    }
    tokens
}

fn of_tera(template: &Template<'_>) -> Vec<SemanticToken> {
    let known = template.known_words();
    let mut tokens = Vec::new();
    for piece in &template.source.tree().pieces {
        match piece.kind {
            PieceKind::Comment => push(template, &piece.span, TokenClass::Comment, &mut tokens),
            PieceKind::Expression | PieceKind::Tag => words(template, piece, &known, &mut tokens),
            PieceKind::Text | PieceKind::Raw => {}
        }
    }
    tokens
}

fn words(template: &Template<'_>, piece: &Piece, known: &BTreeMap<usize, TokenClass>, tokens: &mut Vec<SemanticToken>) {
    let mut before = "";
    for (at, token) in piece.tokens.iter().enumerate() {
        let is_argument = || piece.tokens.get(at + 1).is_some_and(|next| next.text(&template.source.text) == "=");
        let text = token.text(&template.source.text);
        let class = match token.kind {
            TokenKind::Str => Some(TokenClass::String),
            TokenKind::Number => Some(TokenClass::Number),
            TokenKind::Punctuation => is_operator(text).then_some(TokenClass::Operator),
            TokenKind::Unknown => None,
            TokenKind::Ident => known.get(&token.span.start).copied().or_else(|| {
                Some(match before {
                    "." | "?." => TokenClass::Field,
                    _ if is_argument() => TokenClass::Parameter,
                    _ => TokenClass::Keyword,
                })
            }),
        };
        if let Some(class) = class {
            push(template, &token.span, class, tokens);
        }
        before = text;
    }
}

fn is_operator(text: &str) -> bool {
    matches!(text, "|" | "~" | "=" | "==" | "!=" | "<=" | ">=" | "+" | "-" | "*" | "/" | "//" | "**" | "%" | "...")
}

/// Adds a token for each line of a span.
fn push(template: &Template<'_>, span: &Span, class: TokenClass, tokens: &mut Vec<SemanticToken>) {
    let source = template.source;
    let mut at = span.start;
    for line in source.slice(span).split_inclusive('\n') {
        let len = line.trim_end_matches(['\n', '\r']).len();
        if len > 0 {
            let start = source.lines.position(at);
            let end = Position::new(start.line, start.column + u32::try_from(len).unwrap_or(u32::MAX));
            tokens.push(SemanticToken { range: Range::new(start, end), class });
        }
        at += line.len();
    }
}

impl Template<'_> {
    /// The classes of names, by their start offset.
    fn known_words(&self) -> BTreeMap<usize, TokenClass> {
        let analysis = self.source.analysis();
        let class_of = |binding: usize| match analysis.bindings[binding].kind {
            BindingKind::Parameter => TokenClass::Parameter,
            BindingKind::Set | BindingKind::Loop => TokenClass::Variable,
        };
        let mut known = BTreeMap::new();
        for found in &analysis.uses {
            let class = match found.meaning {
                Meaning::Placeholder | Meaning::OutOfReach => TokenClass::Placeholder,
                Meaning::Local(binding) => class_of(binding),
                Meaning::Content => TokenClass::Parameter,
            };
            known.insert(found.span.start, class);
        }
        known.extend(analysis.bindings.iter().enumerate().map(|(at, binding)| (binding.span.start, class_of(at))));
        known.extend(analysis.rebindings.iter().map(|(at, span)| (span.start, class_of(*at))));
        for callee in &analysis.callees {
            let class = match callee.kind {
                CalleeKind::Filter | CalleeKind::Test => TokenClass::Filter,
                CalleeKind::Function => TokenClass::Function,
            };
            known.insert(callee.span.start, class);
            known.extend(callee.arguments.iter().map(|argument| (argument.span.start, TokenClass::Parameter)));
        }
        let components = analysis.calls.iter().chain(&analysis.defines);
        known.extend(components.map(|component| (component.span.start, TokenClass::Component)));
        known.extend(analysis.blocks.iter().map(|block| (block.span.start, TokenClass::Block)));
        known.extend(self.ends().map(|(span, class)| (span.start, class)));
        known
    }

    /// The names in end tags.
    fn ends(&self) -> impl Iterator<Item = (&Span, TokenClass)> {
        let elements = &self.source.tree().elements;
        elements.iter().filter_map(|element| match (&element.kind, element.parent) {
            (ElementKind::End(Some(span)), Some(opening)) => match elements[opening].kind {
                ElementKind::Block(_) => Some((span, TokenClass::Block)),
                _ => Some((span, TokenClass::Component)),
            },
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::ide::fixture::with_cursor;

    fn check(fixture: &str) -> String {
        with_cursor(fixture, |view, path, _| {
            let source = view.template(path).unwrap().source;
            let text = |range: Range| source.slice(&(source.lines.offset(range.start)..source.lines.offset(range.end)));
            let tokens = semantic_tokens(view, path);
            assert!(tokens.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start), "in order");
            tokens.iter().map(|token| format!("{} {:?}\n", text(token.range), token.class)).collect()
        })
    }

    #[test]
    fn words_are_told_apart_by_what_they_mean() {
        assert_snapshot!(check("x {# a\nb #}{% for t in tasks %}{{ t.name | join(sep=', ') if loop.first is defined }}{% endfor %}"), @"
        {# a Comment
        b #} Comment
        for Keyword
        t Variable
        in Keyword
        tasks Placeholder
        t Variable
        name Field
        | Operator
        join Filter
        sep Parameter
        = Operator
        ', ' String
        if Keyword
        loop Keyword
        first Field
        is Keyword
        defined Filter
        endfor Keyword
        ");
        assert_snapshot!(check("{% block b %}{{ <card n={1} /> }}{% endblock b %}"), @"
        block Keyword
        b Block
        card Component
        n Parameter
        = Operator
        1 Number
        / Operator
        endblock Keyword
        b Block
        ");
        let config = crate::ide::fixture::CONFIG.replace("t.py.tera", "t.py");
        assert_snapshot!(check(&format!("{config}-- templates/t.py --\nx = \"${{model_name}}\" $${{a}}$0\n")), @"
        model_name Placeholder
        ");
    }
}
