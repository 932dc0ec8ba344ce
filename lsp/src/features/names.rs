//! Hover, definition, references and rename.

use tgen_core::ide;
use tgen_core::ide::references::{self, Declaration};
use tower_lsp::jsonrpc::{Error, ErrorCode};
use tower_lsp::ls_types::{
    Hover, HoverContents, Location, MarkupContent, MarkupKind, Position, PrepareRenameResponse, WorkspaceEdit,
};

use crate::convert;
use crate::position::Measured;
use crate::state::ProjectFile;

/// The hover text at a position.
pub(crate) fn hover(file: &ProjectFile, position: Position) -> Option<Hover> {
    let hover = |found: ide::Hover, measured: &Measured<'_>| {
        let markup = MarkupContent { kind: MarkupKind::Markdown, value: found.markdown };
        Hover { contents: HoverContents::Markup(markup), range: Some(measured.range(found.range)) }
    };
    file.ask(|view, measured| {
        let found = ide::hover::hover(view, &file.path, measured.offset(position));
        found.map(|found| hover(found, measured))
    })?
}

/// The definitions of the name at a position.
pub(crate) fn definition(file: &ProjectFile, position: Position) -> Option<Vec<Location>> {
    let found = file.ask(|view, measured| references::definition(view, &file.path, measured.offset(position)))?;
    Some(locations(file, &found))
}

/// The references of the name at a position.
pub(crate) fn references(file: &ProjectFile, position: Position, declaration: Declaration) -> Option<Vec<Location>> {
    let ask = |view: &ide::View<'_>, measured: &Measured<'_>| {
        references::references(view, &file.path, measured.offset(position), declaration)
    };
    Some(locations(file, &file.ask(ask)?))
}

/// The range and the name at a position, if it can be renamed.
pub(crate) fn prepare_rename(file: &ProjectFile, position: Position) -> Option<PrepareRenameResponse> {
    file.ask(|view, measured| {
        let (range, placeholder) = references::prepare_rename(view, &file.path, measured.offset(position))?;
        Some(PrepareRenameResponse::RangeWithPlaceholder { range: measured.range(range), placeholder })
    })?
}

/// The edits that rename the name at a position.
pub(crate) fn rename(file: &ProjectFile, position: Position, name: &str) -> Result<Option<WorkspaceEdit>, Error> {
    let renamed = file.ask(|view, measured| references::rename(view, &file.path, measured.offset(position), name));
    match renamed {
        None => Ok(None),
        Some(Ok(edits)) => Ok(Some(convert::workspace_edit(file, edits))),
        Some(Err(problem)) => {
            Err(Error { code: ErrorCode::InvalidParams, message: problem.message.into(), data: None })
        }
    }
}

fn locations(file: &ProjectFile, found: &[ide::Location]) -> Vec<Location> {
    found.iter().filter_map(|location| convert::location(file, &location.path, Some(location.range))).collect()
}
