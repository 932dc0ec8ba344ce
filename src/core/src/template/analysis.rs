//! What a template says about itself, from its text alone: the names it uses and where, the templates it builds on, the
//! components it defines and calls, the support templates it asks for.
//!
//! Analysis never fails and never renders. It must not know which names exist; whoever has the vocabulary judges.

use std::collections::BTreeSet;
use std::ops::Range;

use super::dollar::{self, DollarPiece};
use super::scan::{self, Piece, PieceKind, Token, TokenKind};
use super::{Dialect, TemplateName};

/// A comment with this word and a template's name asks for that template to be rendered once beside the outputs.
pub const SUPPORT_DIRECTIVE: &str = "tgen-support:";

/// What one template's text says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Analysis {
    /// Every use of a name as a value, local names included, in the order of the source.
    pub uses: Vec<Use>,
    /// Names that the template itself binds: `set`, loop variables, component parameters.
    pub bound: BTreeSet<String>,
    /// The templates it extends or includes, with the span of the name.
    pub builds_on: Vec<Reference>,
    /// The components it defines.
    pub defines: Vec<Reference>,
    /// The components it calls.
    pub calls: Vec<Reference>,
    /// The support templates it asks for.
    pub support: Vec<Reference>,
    /// Byte offsets of what cannot be a placeholder although it looks like one (`${}` dialect only).
    pub broken: Vec<Range<usize>>,
    /// Whether rendered text is captured and can be changed before it is written (`filter` and `set` blocks, components).
    pub captures: bool,
}

/// A name used as a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The name.
    pub name: String,
    /// Byte offsets of the name.
    pub span: Range<usize>,
    /// How it is used.
    pub kind: UseKind,
}

/// How a name is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UseKind {
    /// Alone: `{{ name }}` or `${name}`. The value is written as it is.
    Bare,
    /// Asked whether it is defined, or given a default: a missing value is provided for.
    Guarded,
    /// Anywhere else in an expression or a tag.
    Expression,
}

/// A name of another template or of a component, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The name.
    pub name: String,
    /// Byte offsets of the name.
    pub span: Range<usize>,
}

/// Reads what a template says about itself.
#[must_use]
pub fn analyse(name: &TemplateName, source: &str) -> Analysis {
    let mut analysis = Analysis::default();
    match name.dialect() {
        Dialect::Dollar => dollar_uses(source, &mut analysis),
        Dialect::Tera => {
            for piece in scan::scan(source) {
                tera_piece(source, &piece, &mut analysis);
            }
        }
    }
    support_directives(source, &mut analysis);
    analysis
}

fn dollar_uses(source: &str, analysis: &mut Analysis) {
    for piece in dollar::scan(source) {
        match piece {
            DollarPiece::Placeholder { name, .. } => {
                analysis.uses.push(Use { name: source[name.clone()].to_owned(), span: name, kind: UseKind::Bare });
            }
            DollarPiece::Broken(span) => analysis.broken.push(span),
            DollarPiece::Text(_) | DollarPiece::Escape(_) => {}
        }
    }
}

fn support_directives(source: &str, analysis: &mut Analysis) {
    for (at, _) in source.match_indices(SUPPORT_DIRECTIVE) {
        let rest = &source[at + SUPPORT_DIRECTIVE.len()..];
        let indent = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let name: String = rest[indent..].chars().take_while(|c| !c.is_whitespace() && *c != '#').collect();
        let start = at + SUPPORT_DIRECTIVE.len() + indent;
        if !name.is_empty() {
            analysis.support.push(Reference { span: start..start + name.len(), name });
        }
    }
}

fn tera_piece(source: &str, piece: &Piece, analysis: &mut Analysis) {
    let tokens = Tokens { source, tokens: &piece.tokens };
    match piece.kind {
        PieceKind::Expression => expression(tokens, analysis),
        PieceKind::Tag => tag(tokens, analysis),
        PieceKind::Text | PieceKind::Raw | PieceKind::Comment => {}
    }
}

fn expression(tokens: Tokens<'_>, analysis: &mut Analysis) {
    if let [only] = tokens.tokens
        && tokens.is_value(0)
    {
        analysis.uses.push(tokens.use_of(only, UseKind::Bare));
        return;
    }
    tokens.values(0, analysis);
}

fn tag(tokens: Tokens<'_>, analysis: &mut Analysis) {
    match tokens.text(0) {
        "extends" | "include" => analysis.builds_on.extend(tokens.string(1)),
        "filter" => {
            analysis.captures = true;
            tokens.values(2, analysis);
        }
        "set" | "set_global" => {
            analysis.bound.insert(tokens.text(1).to_owned());
            analysis.captures |= !tokens.contains("=");
            tokens.values(2, analysis);
        }
        "for" => {
            let names = tokens.position("in");
            analysis.bound.extend(tokens.idents(1, names));
            tokens.values(names + 1, analysis);
        }
        "component" => {
            analysis.captures = true;
            analysis.defines.extend(tokens.reference(1));
            analysis.bound.extend(tokens.idents(2, tokens.tokens.len()));
            analysis.bound.insert("body".to_owned());
        }
        "block" => {}
        word if word.starts_with("end") => {}
        "<" => tokens.values(0, analysis),
        _ => tokens.values(1, analysis),
    }
}

/// Words that are never the name of a value.
const KEYWORDS: [&str; 16] = [
    "and", "or", "not", "in", "is", "if", "else", "elif", "for", "true", "True", "false", "False", "none", "None",
    "null",
];

/// The tokens of one piece, asked by position; a position past the end is an empty word.
#[derive(Clone, Copy)]
struct Tokens<'a> {
    source: &'a str,
    tokens: &'a [Token],
}

impl<'a> Tokens<'a> {
    fn text(self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| token.text(self.source))
    }

    fn kind(self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn contains(self, word: &str) -> bool {
        self.position(word) < self.tokens.len()
    }

    /// Where a word stands, or the end.
    fn position(self, word: &str) -> usize {
        (0..self.tokens.len()).find(|at| self.text(*at) == word).unwrap_or(self.tokens.len())
    }

    fn idents(self, from: usize, to: usize) -> impl Iterator<Item = String> {
        (from..to).filter(move |at| self.kind(*at) == Some(TokenKind::Ident)).map(move |at| self.text(at).to_owned())
    }

    /// The string at a position, without its quotes.
    fn string(self, at: usize) -> Option<Reference> {
        let token = self.tokens.get(at).filter(|token| token.kind == TokenKind::Str && token.span.len() >= 2)?;
        let span = token.span.start + 1..token.span.end - 1;
        Some(Reference { name: self.source[span.clone()].to_owned(), span })
    }

    /// A component's name at a position: identifiers joined by dots.
    fn reference(self, at: usize) -> Option<Reference> {
        let first = self.tokens.get(at).filter(|token| token.kind == TokenKind::Ident)?;
        let mut end = first.span.end;
        let mut next = at + 1;
        while self.text(next) == "." && self.kind(next + 1) == Some(TokenKind::Ident) {
            end = self.tokens[next + 1].span.end;
            next += 2;
        }
        let span = first.span.start..end;
        Some(Reference { name: self.source[span.clone()].to_owned(), span })
    }

    /// Records every value and every component call from a position on.
    fn values(self, from: usize, analysis: &mut Analysis) {
        for at in from..self.tokens.len() {
            if self.text(at) == "<" && self.opens_component(at) {
                analysis.captures = true;
                analysis.calls.extend(self.reference(at + 1));
            } else if self.is_loop_name(at) {
                analysis.bound.insert(self.text(at).to_owned());
            } else if self.is_value(at) {
                let kind = if self.is_guarded(at) { UseKind::Guarded } else { UseKind::Expression };
                analysis.uses.push(self.use_of(&self.tokens[at], kind));
            }
        }
    }

    fn use_of(self, token: &Token, kind: UseKind) -> Use {
        Use { name: token.text(self.source).to_owned(), span: token.span.clone(), kind }
    }

    /// `<name` opens a component where a value may begin; after a value, `<` compares.
    fn opens_component(self, at: usize) -> bool {
        let after_value = at > 0
            && match self.kind(at - 1) {
                Some(TokenKind::Number | TokenKind::Str) => true,
                Some(TokenKind::Ident) => !KEYWORDS.contains(&self.text(at - 1)),
                _ => matches!(self.text(at - 1), ")" | "]" | "}"),
            };
        !after_value && self.kind(at + 1) == Some(TokenKind::Ident)
    }

    /// Whether the identifier at `at` stands for a value, and not for a field, a filter, a test, a function, an
    /// argument's name or a keyword.
    fn is_value(self, at: usize) -> bool {
        let word = self.text(at);
        if self.kind(at) != Some(TokenKind::Ident) || KEYWORDS.contains(&word) {
            return false;
        }
        let is_test =
            self.is_after(at, &["is"]) || (self.is_after(at, &["not"]) && at >= 2 && self.text(at - 2) == "is");
        let is_component = self.is_after(at, &["<", "</"]) && self.opens_or_closes(at - 1);
        let is_field_or_filter = self.is_after(at, &[".", "?.", "|"]);
        let is_call_or_argument = self.text(at + 1) == "(" || (self.text(at + 1) == "=" && at > 0);
        !(is_test || is_component || is_field_or_filter || is_call_or_argument)
    }

    fn opens_or_closes(self, at: usize) -> bool {
        self.text(at) == "</" || self.opens_component(at)
    }

    fn is_after(self, at: usize, words: &[&str]) -> bool {
        at > 0 && words.contains(&self.text(at - 1))
    }

    fn is_loop_name(self, at: usize) -> bool {
        self.is_after(at, &["for"]) && self.kind(at) == Some(TokenKind::Ident)
    }

    fn is_guarded(self, at: usize) -> bool {
        match self.text(at + 1) {
            "is" => {
                let test = if self.text(at + 2) == "not" { at + 3 } else { at + 2 };
                matches!(self.text(test), "defined" | "undefined")
            }
            "|" => self.text(at + 2) == "default",
            "?." | "?[" | "or" => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_uses(source: &str, expected: &[&str]) {
        let analysis = analyse(&TemplateName::new("t.py.tera"), source);
        let seen: Vec<_> = analysis
            .uses
            .iter()
            .map(|found| {
                assert_eq!(source[found.span.clone()], found.name);
                match found.kind {
                    UseKind::Bare => format!("{} bare", found.name),
                    UseKind::Guarded => format!("{} guarded", found.name),
                    UseKind::Expression => found.name.clone(),
                }
            })
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn only_values_are_uses() {
        check_uses("{{ a }}{{ b | upper }}", &["a bare", "b"]);
        check_uses("{{ a.b[c].d(e=f) }}", &["a", "c", "f"]);
        check_uses("{% if a is defined and not b is odd %}{% endif %}", &["a guarded", "b"]);
        check_uses("{{ range(end=n) }}{{ [x for x in xs if x > 1] }}", &["n", "x", "xs", "x"]);
        check_uses("{% set q = a ~ 'b' %}{% block name %}{% endblock name %}", &["a"]);
        check_uses("{{ a or 'x' }}{{ b | default(value=c) }}", &["a guarded", "b guarded", "c"]);
        check_uses("{{ a if b < c else d }}", &["a", "b", "c", "d"]);
    }

    #[test]
    fn components_are_calls_and_their_arguments_values() {
        let source = "{{ <card title=model_name /> }}{% <ui.box wide={x}> %}{% </ui.box> %}{% component card(title, n=1) %}{{ title }}{% endcomponent %}";
        check_uses(source, &["model_name", "x", "title bare"]);
        let analysis = analyse(&TemplateName::new("t.tera"), source);
        let names = |references: &[Reference]| references.iter().map(|found| found.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&analysis.calls), ["card", "ui.box"]);
        assert_eq!(names(&analysis.defines), ["card"]);
        assert!(analysis.captures);
    }

    #[test]
    fn builds_on_what_it_extends_and_includes() {
        let source = "{% extends \"base.tera\" %}{% include 'part.tera' %}{# tgen-support: tgen_support.py.tera #}";
        let analysis = analyse(&TemplateName::new("t.tera"), source);
        let found: Vec<_> =
            analysis.builds_on.iter().chain(&analysis.support).map(|found| found.name.as_str()).collect();
        assert_eq!(found, ["base.tera", "part.tera", "tgen_support.py.tera"]);
        assert_eq!(&source[analysis.support[0].span.clone()], "tgen_support.py.tera");
    }
}
