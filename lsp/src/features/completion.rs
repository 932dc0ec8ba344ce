//! Completion.

use tgen_core::ide::completion::{self, Completion, CompletionKind, Format};
use tower_lsp::ls_types::{
    CompletionItem, CompletionItemKind, CompletionItemLabelDetails, CompletionOptions, CompletionTextEdit,
    Documentation, InsertTextFormat, MarkupContent, MarkupKind, Position, TextEdit,
};

use crate::position::Measured;
use crate::state::ProjectFile;

/// The characters that trigger completion; where none of core's completions fit, nothing is offered.
const TRIGGERS: [&str; 10] = ["{", "%", "|", ".", "\"", "'", "<", "$", "[", "("];

/// The completion options that the server announces.
pub(crate) fn options() -> CompletionOptions {
    CompletionOptions {
        trigger_characters: Some(TRIGGERS.iter().map(ToString::to_string).collect()),
        ..CompletionOptions::default()
    }
}

/// The completions at a position.
pub(crate) fn completion(file: &ProjectFile, position: Position) -> Option<Vec<CompletionItem>> {
    file.ask(|view, measured| {
        let offset = measured.offset(position);
        let mut found = completion::completion(view, &file.path, offset);
        found.extend(completion::in_configuration(view, &file.path, measured.text(), offset));
        found.into_iter().enumerate().map(|(rank, found)| item(measured, rank, found)).collect()
    })
}

fn item(measured: &Measured<'_>, rank: usize, found: Completion) -> CompletionItem {
    let edit = TextEdit { range: measured.range(found.edit.range), new_text: found.edit.text };
    let value = found.documentation;
    let documentation =
        value.map(|value| Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value }));
    CompletionItem {
        kind: Some(kind(found.kind)),
        label_details: found
            .detail
            .map(|description| CompletionItemLabelDetails { detail: None, description: Some(description) }),
        documentation,
        // Editors sort by this text, so it preserves core's order.
        sort_text: Some(format!("{rank:05}")),
        filter_text: Some(found.label.clone()),
        insert_text_format: (found.format == Format::Snippet).then_some(InsertTextFormat::SNIPPET),
        text_edit: Some(CompletionTextEdit::Edit(edit)),
        label: found.label,
        ..CompletionItem::default()
    }
}

const fn kind(kind: CompletionKind) -> CompletionItemKind {
    match kind {
        CompletionKind::Placeholder => CompletionItemKind::CONSTANT,
        CompletionKind::Variable => CompletionItemKind::VARIABLE,
        CompletionKind::Field => CompletionItemKind::FIELD,
        CompletionKind::Filter | CompletionKind::Function => CompletionItemKind::FUNCTION,
        CompletionKind::Test => CompletionItemKind::OPERATOR,
        CompletionKind::Component => CompletionItemKind::CLASS,
        CompletionKind::Argument | CompletionKind::Key => CompletionItemKind::PROPERTY,
        CompletionKind::Block => CompletionItemKind::MODULE,
        CompletionKind::Template => CompletionItemKind::FILE,
        CompletionKind::Keyword => CompletionItemKind::KEYWORD,
        CompletionKind::Value => CompletionItemKind::VALUE,
    }
}
