//! Code actions and formatting: quick fixes, extraction of a component, and white space in tags.

use camino::Utf8PathBuf;
use tgen_core::base::problem::Problem;
use tgen_core::ide::FileEdit;
use tgen_core::ide::actions::{self, Action, Likelihood};
use tgen_core::ide::extract::extract_component;
use tgen_core::ide::format;
use tower_lsp::ls_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CreateFile, DocumentChangeOperation, DocumentChanges, OneOf,
    OptionalVersionedTextDocumentIdentifier, Range, ResourceOp, TextDocumentEdit, TextEdit, WorkspaceEdit,
};

use crate::convert;
use crate::position::Measured;
use crate::state::ProjectFile;

/// The quick fixes for problems within a range.
pub(crate) fn actions(file: &ProjectFile, within: Range, problems: &[Problem]) -> Option<Vec<CodeActionOrCommand>> {
    file.ask(|view, measured| {
        let found = actions::code_actions(view, &file.path, measured.ours(within), problems);
        found.into_iter().map(|action| CodeActionOrCommand::CodeAction(code_action(file, measured, action))).collect()
    })
}

/// Extracts the selection into a component, if the client accepts that kind of action. Checking it renders all affected
/// outputs, so it requires a selection.
pub(crate) fn extraction(
    file: &ProjectFile,
    within: Range,
    only: Option<&[CodeActionKind]>,
) -> Vec<CodeActionOrCommand> {
    let extracting = CodeActionKind::REFACTOR_EXTRACT;
    let is_wanted = only.is_none_or(|kinds| kinds.iter().any(|kind| is_kind_of(&extracting, kind)));
    if !is_wanted || within.start == within.end {
        return Vec::new();
    }
    let action = file.ask(|view, measured| {
        let action = extract_component(view, &file.path, measured.ours(within))?;
        Some(CodeActionOrCommand::CodeAction(code_action(file, measured, action)))
    });
    action.flatten().into_iter().collect()
}

/// Kinds are hierarchical: `refactor.extract` is a `refactor`.
pub(super) fn is_kind_of(kind: &CodeActionKind, other: &CodeActionKind) -> bool {
    let rest = kind.as_str().strip_prefix(other.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || other.as_str().is_empty())
}

fn code_action(file: &ProjectFile, measured: &Measured<'_>, action: Action) -> CodeAction {
    let kind = if action.problem.is_some() { CodeActionKind::QUICKFIX } else { CodeActionKind::REFACTOR_EXTRACT };
    CodeAction {
        title: action.title.clone(),
        kind: Some(kind),
        diagnostics: action.problem.as_ref().map(|problem| vec![convert::diagnostic(file, measured, problem)]),
        is_preferred: (action.likelihood == Likelihood::Preferred).then_some(true),
        edit: Some(edit(file, action.edits, &action.creates)),
        ..CodeAction::default()
    }
}

/// Files can be created only by document operations, so the edits are sent as operations too.
pub(super) fn edit(file: &ProjectFile, edits: Vec<FileEdit>, new_files: &[Utf8PathBuf]) -> WorkspaceEdit {
    let edit = convert::workspace_edit(file, edits);
    if new_files.is_empty() {
        return edit;
    }
    let created = new_files.iter().filter_map(|path| convert::uri_of(file, path));
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

/// The edits that format tags.
pub(crate) fn formatting(file: &ProjectFile) -> Option<Vec<TextEdit>> {
    file.ask(|view, measured| {
        let edits = format::format(view, &file.path).into_iter();
        edits.map(|edit| convert::text_edit(measured, edit)).collect()
    })
}
