//! A cursor over the tokens of one piece. The first fault ends the piece: there are no more tokens after it, so every
//! rule terminates and the tree keeps what was read before.

use super::tree::{Fault, LoopContext, Span};
use crate::template::scan::{Token, TokenKind};

/// Counters for Tera's limits.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// How many expressions are nested at the cursor.
    pub(super) recursion: usize,
    /// How many operators the outermost expression has so far.
    pub(super) complexity: usize,
    /// How many list literals are open.
    pub(super) dimensions: usize,
    /// How many brackets after a value are open.
    pub(super) brackets: usize,
}

pub(super) struct Cursor<'t> {
    pub(super) source: &'t str,
    tokens: &'t [Token],
    at: usize,
    /// The end of the piece's last token, for faults about missing tokens.
    end: usize,
    /// Whether `loop` means the loop around the piece.
    pub(super) context: LoopContext,
    pub(super) counts: Counts,
    pub(super) fault: Option<Fault>,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(source: &'t str, tokens: &'t [Token], start: usize, context: LoopContext) -> Self {
        let end = tokens.last().map_or(start, |token| token.span.end);
        Self { source, tokens, at: 0, end, context, counts: Counts::default(), fault: None }
    }

    /// The text of the next token; empty at the end.
    pub(super) fn peek(&self) -> &'t str {
        self.peek_at(0)
    }

    /// The text of the token `ahead` of the next one.
    pub(super) fn peek_at(&self, ahead: usize) -> &'t str {
        self.tokens.get(self.at + ahead).map_or("", |token| token.text(self.source))
    }

    pub(super) fn kind(&self) -> Option<TokenKind> {
        self.kind_at(0)
    }

    pub(super) fn kind_at(&self, ahead: usize) -> Option<TokenKind> {
        self.tokens.get(self.at + ahead).map(|token| token.kind)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Whether the next token is a name; Tera always reads `true` and `false` as values.
    pub(super) fn is_name(&self) -> bool {
        self.is_name_at(0)
    }

    pub(super) fn is_name_at(&self, ahead: usize) -> bool {
        self.kind_at(ahead) == Some(TokenKind::Ident) && !is_boolean(self.peek_at(ahead))
    }

    /// The start of the next token, or the end of the last one.
    pub(super) fn position(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |token| token.span.start)
    }

    /// The end of the last token that was taken.
    pub(super) fn last_end(&self) -> usize {
        match self.at.checked_sub(1).and_then(|last| self.tokens.get(last)) {
            Some(token) => token.span.end,
            None => self.position(),
        }
    }

    pub(super) fn next(&mut self) -> Span {
        let position = self.position();
        match self.tokens.get(self.at) {
            Some(token) => {
                self.at += 1;
                token.span.clone()
            }
            None => position..position,
        }
    }

    /// Takes the next token if it is `word`.
    pub(super) fn eat(&mut self, word: &str) -> bool {
        let found = self.peek() == word;
        if found {
            self.at += 1;
        }
        found
    }

    pub(super) fn expect(&mut self, word: &str) {
        if !self.eat(word) {
            self.fail_expecting(&format!("`{word}`"));
        }
    }

    pub(super) fn expect_name(&mut self, what: &str) -> Option<Span> {
        if self.is_name() {
            return Some(self.next());
        }
        self.fail_expecting(what);
        None
    }

    /// A name of several parts joined by dots, as components have.
    pub(super) fn expect_dotted_name(&mut self, what: &str) -> Option<Span> {
        let mut span = self.expect_name(what)?;
        while self.eat(".") {
            span.end = self.expect_name("a name after the dot")?.end;
        }
        Some(span)
    }

    pub(super) fn fail_expecting(&mut self, what: &str) {
        let message = if self.is_at_end() {
            format!("{what} is missing here")
        } else {
            format!("there is {} where {what} is expected", self.shown())
        };
        self.fail(message, None);
    }

    /// Records a fault at the next token.
    pub(super) fn fail(&mut self, message: String, help: Option<&str>) {
        let span = match self.tokens.get(self.at) {
            Some(token) => token.span.clone(),
            None => self.tokens.last().map_or(self.end..self.end, |token| token.span.clone()),
        };
        self.fail_at(span, message, help);
    }

    pub(super) fn fail_at(&mut self, span: Span, message: String, help: Option<&str>) {
        if self.fault.is_none() {
            self.fault = Some(Fault { span, message, help: help.map(str::to_owned) });
        }
        self.at = self.tokens.len();
    }

    /// The next token for a message; of a string that spans lines, only the first line.
    fn shown(&self) -> String {
        let text = self.peek().lines().next().unwrap_or_default();
        let short: String = text.chars().take(30).collect();
        format!("`{short}`")
    }
}

pub(super) fn is_boolean(word: &str) -> bool {
    matches!(word, "true" | "True" | "false" | "False")
}
