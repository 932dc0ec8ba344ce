//! What a name is, where it comes from, where else it stands, and giving it another.

use tgen_core::ide;
use tgen_core::ide::references::{self, Declaration};
use tower_lsp::jsonrpc::{Error, ErrorCode};
use tower_lsp::ls_types::{
    Hover, HoverContents, Location, MarkupContent, MarkupKind, Position, PrepareRenameResponse, WorkspaceEdit,
};

use crate::convert;
use crate::position::Measured;
use crate::session::Place;

/// What is known of the name at a position.
pub(crate) fn hover(place: &Place, position: Position) -> Option<Hover> {
    let hover = |found: ide::hover::Hover, measured: &Measured<'_>| {
        let markup = MarkupContent { kind: MarkupKind::Markdown, value: found.markdown };
        Hover { contents: HoverContents::Markup(markup), range: Some(measured.range(found.range)) }
    };
    place.ask(|view, measured| {
        let found = ide::hover::hover(view, &place.path, measured.offset(position));
        found.map(|found| hover(found, measured))
    })?
}

/// Where the name at a position comes from.
pub(crate) fn definition(place: &Place, position: Position) -> Option<Vec<Location>> {
    let found = place.ask(|view, measured| references::definition(view, &place.path, measured.offset(position)))?;
    Some(locations(place, &found))
}

/// Where the name at a position stands.
pub(crate) fn references(place: &Place, position: Position, declaration: Declaration) -> Option<Vec<Location>> {
    let ask = |view: &ide::View<'_>, measured: &Measured<'_>| {
        references::references(view, &place.path, measured.offset(position), declaration)
    };
    Some(locations(place, &place.ask(ask)?))
}

/// The name at a position, if it can have another.
pub(crate) fn prepare_rename(place: &Place, position: Position) -> Option<PrepareRenameResponse> {
    place.ask(|view, measured| {
        let (range, placeholder) = references::prepare_rename(view, &place.path, measured.offset(position))?;
        Some(PrepareRenameResponse::RangeWithPlaceholder { range: measured.range(range), placeholder })
    })?
}

/// The edits that give the name at a position another.
pub(crate) fn rename(place: &Place, position: Position, name: &str) -> Result<Option<WorkspaceEdit>, Error> {
    let renamed = place.ask(|view, measured| references::rename(view, &place.path, measured.offset(position), name));
    match renamed {
        None => Ok(None),
        Some(Ok(edits)) => Ok(Some(convert::workspace_edit(place, edits))),
        Some(Err(problem)) => {
            Err(Error { code: ErrorCode::InvalidParams, message: problem.message.into(), data: None })
        }
    }
}

fn locations(place: &Place, found: &[ide::Location]) -> Vec<Location> {
    found.iter().filter_map(|location| convert::location(place, &location.path, Some(location.range))).collect()
}
