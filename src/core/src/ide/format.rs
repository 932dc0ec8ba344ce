//! Formats the white space inside tags: one space inside the braces, and around pipes.
//!
//! Text is never changed, so a formatted template renders the same output. Invalid tags are left alone.

use camino::Utf8Path;

use super::{TextEdit, View};
use crate::template::Dialect;
use crate::template::library::Source;
use crate::template::scan::{Piece, PieceKind, Token, TokenKind};

/// The edits that format a template's tags; empty if it is formatted already.
#[must_use]
pub fn format(view: &View<'_>, path: &Utf8Path) -> Vec<TextEdit> {
    let template = view.template(path).filter(|template| template.source.dialect() == Dialect::Tera);
    template.map(|template| edits(template.source)).unwrap_or_default()
}

fn edits(source: &Source) -> Vec<TextEdit> {
    let faults = &source.tree().faults;
    let is_valid = |piece: &&Piece| {
        let after = faults.partition_point(|fault| fault.span.start < piece.span.start);
        piece.closed && faults.get(after).is_none_or(|fault| fault.span.start >= piece.span.end)
    };
    let tags = source.tree().pieces.iter().filter(|piece| matches!(piece.kind, PieceKind::Expression | PieceKind::Tag));
    tags.filter(is_valid).filter_map(|piece| formatted(source, piece)).collect()
}

/// A tag that spans several lines is left as the author laid it out.
fn formatted(source: &Source, piece: &Piece) -> Option<TextEdit> {
    let before = source.slice(&piece.span);
    if before.contains('\n') || piece.tokens.is_empty() {
        return None;
    }
    let text = tag(before, source, &piece.tokens);
    (text != before).then(|| TextEdit { range: source.range(&piece.span), text })
}

fn tag(before: &str, source: &Source, tokens: &[Token]) -> String {
    let opening = if before.as_bytes().get(2) == Some(&b'-') { &before[..3] } else { &before[..2] };
    let is_trimmed =
        before[..before.len() - 2].ends_with('-') && tokens.last().is_some_and(|last| source.slice(&last.span) != "-");
    let closing = &before[before.len() - if is_trimmed { 3 } else { 2 }..];
    let mut text = format!("{opening} ");
    for (at, token) in tokens.iter().enumerate() {
        let word = source.slice(&token.span);
        if let Some(last) = at.checked_sub(1).map(|last| &tokens[last]) {
            let was_apart = last.span.end < token.span.start;
            if is_apart(source.slice(&last.span), word, last, was_apart) {
                text.push(' ');
            }
        }
        text.push_str(word);
    }
    format!("{text} {closing}")
}

/// Whether two tokens of a tag are separated by a space. Where styles differ, the existing spacing is kept.
fn is_apart(left: &str, right: &str, last: &Token, was_apart: bool) -> bool {
    match (left, right) {
        ("|", _) | (_, "|") => true,
        (_, "," | ")" | "]") | ("(" | "[", _) => false,
        (",", _) => true,
        ("." | "?.", _) | (_, "." | "?.") => false,
        (_, "(") if last.kind == TokenKind::Ident => was_apart,
        _ => was_apart,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::template::syntax;

    fn formatted(template: &str) -> String {
        let source = Source::new("t.tera".into(), Dialect::Tera, template);
        let mut text = source.text.clone();
        for edit in edits(&source).iter().rev() {
            let (start, end) = (source.lines.offset(edit.range.start), source.lines.offset(edit.range.end));
            text.replace_range(start..end, &edit.text);
        }
        text
    }

    #[test]
    fn braces_pipes_and_commas_get_their_spaces() {
        assert_eq!(
            formatted("{{model_name|upper}}  {{- x( a = 1,b=2 ) -}}"),
            "{{ model_name | upper }}  {{- x(a = 1, b=2) -}}"
        );
        assert_eq!(formatted("{%if a . b [0]%}{%-endif-%}"), "{% if a.b [0] %}{%- endif -%}");
        assert_eq!(formatted("{{ a -1 }}{{ -1}}"), "{{ a -1 }}{{ -1 }}");
    }

    #[test]
    fn what_is_broken_or_laid_out_by_hand_stays() {
        for template in ["{{a b}}", "{{ a\n  |upper}}", "{#a#}", "{%raw%}{{a}}{%endraw%}", "text  {  }"] {
            assert_eq!(formatted(template), template);
        }
    }

    proptest! {
        #[test]
        fn formatting_keeps_every_word_and_is_done_once(
            template in r"(\{\{-?|-?\}\}|\{%-?|-?%\}|if a|endif|set|a|1|'s'|\.|\||=|-|\(|\)|\[|\]|,|not|is| ){0,16}"
        ) {
            let once = formatted(&template);
            let words = |text: &str| -> Vec<String> {
                let tree = syntax::parse(text);
                tree.pieces.iter().flat_map(|piece| &piece.tokens).map(|token| text[token.span.clone()].to_owned()).collect()
            };
            prop_assert_eq!(words(&once), words(&template));
            prop_assert_eq!(syntax::parse(&once).faults.is_empty(), syntax::parse(&template).faults.is_empty());
            prop_assert_eq!(formatted(&once), once);
        }
    }
}
