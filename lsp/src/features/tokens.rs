//! Semantic tokens: the classified words of a template, sent in full or as a delta.

use std::collections::BTreeMap;

use tgen_core::ide::tokens::{self, TokenClass};
use tower_lsp::ls_types::{
    SemanticToken, SemanticTokenModifier, SemanticTokenType, SemanticTokens, SemanticTokensDelta, SemanticTokensEdit,
    SemanticTokensFullDeltaResult, SemanticTokensFullOptions, SemanticTokensLegend, SemanticTokensOptions, Uri,
};

use crate::position::Measured;
use crate::state::ProjectFile;

/// The semantic token options that the server announces.
pub(crate) fn options() -> SemanticTokensOptions {
    SemanticTokensOptions {
        legend: SemanticTokensLegend {
            token_types: TokenClass::ALL.iter().map(|class| kind(*class)).collect(),
            token_modifiers: vec![SemanticTokenModifier::READONLY],
        },
        full: Some(SemanticTokensFullOptions::Delta { delta: Some(true) }),
        ..SemanticTokensOptions::default()
    }
}

const fn kind(class: TokenClass) -> SemanticTokenType {
    match class {
        TokenClass::Keyword => SemanticTokenType::KEYWORD,
        TokenClass::Placeholder | TokenClass::Variable => SemanticTokenType::VARIABLE,
        TokenClass::Parameter => SemanticTokenType::PARAMETER,
        TokenClass::Field => SemanticTokenType::PROPERTY,
        TokenClass::Filter => SemanticTokenType::METHOD,
        TokenClass::Function => SemanticTokenType::FUNCTION,
        TokenClass::Component => SemanticTokenType::CLASS,
        TokenClass::Block => SemanticTokenType::NAMESPACE,
        TokenClass::String => SemanticTokenType::STRING,
        TokenClass::Number => SemanticTokenType::NUMBER,
        TokenClass::Operator => SemanticTokenType::OPERATOR,
        TokenClass::Comment => SemanticTokenType::COMMENT,
    }
}

/// The tokens of a template, each encoded relative to the one before it.
pub(crate) fn tokens(file: &ProjectFile) -> Option<Vec<SemanticToken>> {
    file.ask(|view, measured| {
        let mut before = (0, 0);
        let found = tokens::semantic_tokens(view, &file.path);
        found.into_iter().map(|token| relative(measured, &token, &mut before)).collect()
    })
}

fn relative(measured: &Measured<'_>, token: &tokens::SemanticToken, before: &mut (u32, u32)) -> SemanticToken {
    let range = measured.range(token.range);
    let (line, start) = (range.start.line, range.start.character);
    let delta_line = line - before.0;
    let delta_start = if delta_line == 0 { start - before.1 } else { start };
    *before = (line, start);
    let class = TokenClass::ALL.iter().position(|class| *class == token.class).unwrap_or_default();
    SemanticToken {
        delta_line,
        delta_start,
        length: range.end.character.saturating_sub(start),
        token_type: u32::try_from(class).unwrap_or_default(),
        token_modifiers_bitset: u32::from(token.class == TokenClass::Placeholder),
    }
}

/// The last tokens sent for each document, for computing deltas.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    count: u64,
    last: BTreeMap<Uri, SemanticTokens>,
}

impl Sent {
    /// Returns all tokens.
    pub(crate) fn whole(&mut self, uri: Uri, data: Vec<SemanticToken>) -> SemanticTokens {
        self.count += 1;
        let tokens = SemanticTokens { result_id: Some(self.count.to_string()), data };
        self.last.insert(uri, tokens.clone());
        tokens
    }

    /// Returns the delta to the tokens with an id, or all tokens if that id is unknown.
    pub(crate) fn change(&mut self, uri: Uri, since: &str, data: Vec<SemanticToken>) -> SemanticTokensFullDeltaResult {
        let before = self.last.remove(&uri).filter(|before| before.result_id.as_deref() == Some(since));
        let now = self.whole(uri, data);
        match before {
            Some(before) => SemanticTokensFullDeltaResult::TokensDelta(SemanticTokensDelta {
                result_id: now.result_id.clone(),
                edits: edits(&before.data, &now.data),
            }),
            None => SemanticTokensFullDeltaResult::Tokens(now),
        }
    }

    /// Removes a closed document.
    pub(crate) fn forget(&mut self, uri: &Uri) {
        self.last.remove(uri);
    }
}

/// One edit for the part between the common prefix and suffix; for the client, a token is five numbers.
fn edits(before: &[SemanticToken], now: &[SemanticToken]) -> Vec<SemanticTokensEdit> {
    let start = before.iter().zip(now).take_while(|(left, right)| left == right).count();
    let shorter = before.len().min(now.len()) - start;
    let end = before.iter().rev().zip(now.iter().rev()).take(shorter).take_while(|(left, right)| left == right).count();
    let (gone, new) = (&before[start..before.len() - end], &now[start..now.len() - end]);
    if gone.is_empty() && new.is_empty() {
        return Vec::new();
    }
    let numbers = |tokens: usize| u32::try_from(tokens * 5).unwrap_or(u32::MAX);
    vec![SemanticTokensEdit { start: numbers(start), delete_count: numbers(gone.len()), data: Some(new.to_vec()) }]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(delta_line: u32) -> SemanticToken {
        SemanticToken { delta_line, delta_start: 1, length: 2, token_type: 3, token_modifiers_bitset: 0 }
    }

    proptest! {
        #[test]
        fn a_change_makes_the_new_tokens_of_the_old(
            before in prop::collection::vec(0_u32..3, 0..8),
            now in prop::collection::vec(0_u32..3, 0..8),
        ) {
            let [before, now] = [before, now].map(|lines| lines.into_iter().map(token).collect::<Vec<_>>());
            let mut rebuilt = before.clone();
            for edit in edits(&before, &now) {
                let (start, gone) = (edit.start as usize / 5, edit.delete_count as usize / 5);
                rebuilt.splice(start..start + gone, edit.data.unwrap_or_default());
            }
            prop_assert_eq!(rebuilt, now);
        }
    }
}
