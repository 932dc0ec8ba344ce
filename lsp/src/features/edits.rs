//! Edits that are offered: what can be done about a problem, and the form of tags.

use tgen_core::ide::actions::{self, Action, Likelihood};
use tgen_core::ide::format;
use tgen_core::problem::Problem;
use tower_lsp::ls_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CreateFile, DocumentChangeOperation, DocumentChanges, OneOf,
    OptionalVersionedTextDocumentIdentifier, Range, ResourceOp, TextDocumentEdit, TextEdit, WorkspaceEdit,
};

use crate::convert;
use crate::position::Measured;
use crate::session::Place;

/// What can be done about those of the problems that touch a range.
pub(crate) fn actions(place: &Place, within: Range, problems: &[Problem]) -> Option<Vec<CodeActionOrCommand>> {
    place.ask(|view, measured| {
        let found = actions::code_actions(view, &place.path, measured.ours(within), problems);
        found.into_iter().map(|action| CodeActionOrCommand::CodeAction(code_action(place, measured, action))).collect()
    })
}

fn code_action(place: &Place, measured: &Measured<'_>, action: Action) -> CodeAction {
    CodeAction {
        title: action.title.clone(),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![convert::diagnostic(place, measured, &action.problem)]),
        is_preferred: (action.likelihood == Likelihood::Preferred).then_some(true),
        edit: Some(edit(place, action)),
        ..CodeAction::default()
    }
}

/// Files can be created only by a list of operations, which holds the edits too.
fn edit(place: &Place, action: Action) -> WorkspaceEdit {
    let edit = convert::workspace_edit(place, action.edits);
    if action.creates.is_empty() {
        return edit;
    }
    let created = action.creates.iter().filter_map(|path| convert::file(place, path));
    let create = |uri| ResourceOp::Create(CreateFile { uri, options: None, annotation_id: None });
    let change = |(uri, edits): (_, Vec<TextEdit>)| TextDocumentEdit {
        text_document: OptionalVersionedTextDocumentIdentifier { uri, version: None },
        edits: edits.into_iter().map(OneOf::Left).collect(),
    };
    let operations = created.map(create).map(DocumentChangeOperation::Op);
    let changes = edit.changes.unwrap_or_default().into_iter().map(change).map(DocumentChangeOperation::Edit);
    let document_changes = Some(DocumentChanges::Operations(operations.chain(changes).collect()));
    WorkspaceEdit { document_changes, ..WorkspaceEdit::default() }
}

/// The edits that give tags their form.
pub(crate) fn formatting(place: &Place) -> Option<Vec<TextEdit>> {
    place.ask(|view, measured| {
        let edits = format::format(view, &place.path).into_iter();
        edits.map(|edit| convert::text_edit(measured, edit)).collect()
    })
}
