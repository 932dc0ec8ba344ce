//! The structure of a template: symbols, folding ranges, selection ranges and document links.

use tgen_core::ide::outline::{self, Fold, FoldKind, Symbol, SymbolKind};
use tower_lsp::ls_types::{
    DocumentLink, DocumentSymbol, FoldingRange, FoldingRangeKind, Position, SelectionRange, SymbolInformation,
};

use crate::convert;
use crate::position::Measured;
use crate::state::ProjectFile;

/// The symbols of a template, nested as in the source.
pub(crate) fn symbols(file: &ProjectFile) -> Option<Vec<DocumentSymbol>> {
    file.ask(|view, measured| {
        let found = outline::document_symbols(view, &file.path);
        found.into_iter().map(|symbol| document_symbol(measured, symbol)).collect()
    })
}

#[expect(deprecated, reason = "the protocol's type still has the deprecated field")]
fn document_symbol(measured: &Measured<'_>, symbol: Symbol) -> DocumentSymbol {
    let children: Vec<_> = symbol.children.into_iter().map(|child| document_symbol(measured, child)).collect();
    DocumentSymbol {
        name: symbol.name,
        detail: Some(word(symbol.kind).to_owned()),
        kind: kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: measured.range(symbol.range),
        selection_range: measured.range(symbol.selection),
        children: (!children.is_empty()).then_some(children),
    }
}

/// The symbols of a project whose names contain the letters of `query` in order.
#[expect(deprecated, reason = "the protocol's type still has the deprecated field")]
pub(crate) fn of_project(file: &ProjectFile, query: &str) -> Vec<SymbolInformation> {
    let Some(snapshot) = &file.project.snapshot else { return Vec::new() };
    let found = outline::workspace_symbols(&snapshot.view(), query);
    let symbols = found.into_iter().filter_map(|(name, symbol, location)| {
        let location = convert::location(file, &location.path, Some(location.range))?;
        Some(SymbolInformation {
            name,
            kind: kind(symbol),
            tags: None,
            deprecated: None,
            location,
            container_name: None,
        })
    });
    symbols.collect()
}

const fn word(kind: SymbolKind) -> &'static str {
    match kind {
        SymbolKind::Block => "block",
        SymbolKind::Component => "component",
        SymbolKind::Variable => "set",
        SymbolKind::Loop => "for",
    }
}

const fn kind(kind: SymbolKind) -> tower_lsp::ls_types::SymbolKind {
    match kind {
        SymbolKind::Block => tower_lsp::ls_types::SymbolKind::MODULE,
        SymbolKind::Component => tower_lsp::ls_types::SymbolKind::FUNCTION,
        SymbolKind::Variable => tower_lsp::ls_types::SymbolKind::VARIABLE,
        SymbolKind::Loop => tower_lsp::ls_types::SymbolKind::ARRAY,
    }
}

/// The folding ranges of a template.
pub(crate) fn folding(file: &ProjectFile) -> Option<Vec<FoldingRange>> {
    file.ask(|view, measured| {
        outline::folding(view, &file.path).into_iter().map(|fold| folding_range(measured, fold)).collect()
    })
}

/// The last line stays visible, because it contains the closing tag.
fn folding_range(measured: &Measured<'_>, fold: Fold) -> FoldingRange {
    let range = measured.range(fold.range);
    let kind = match fold.kind {
        FoldKind::Region => FoldingRangeKind::Region,
        FoldKind::Comment => FoldingRangeKind::Comment,
    };
    FoldingRange {
        start_line: range.start.line,
        end_line: range.end.line.saturating_sub(1).max(range.start.line),
        kind: Some(kind),
        ..FoldingRange::default()
    }
}

/// The selection ranges around each position.
pub(crate) fn selections(file: &ProjectFile, positions: &[Position]) -> Option<Vec<SelectionRange>> {
    file.ask(|view, measured| {
        let around = |position: &Position| {
            let ranges = outline::selection_ranges(view, &file.path, measured.offset(*position));
            let nested = ranges.into_iter().rev().fold(None, |parent, range| {
                Some(SelectionRange { range: measured.range(range), parent: parent.map(Box::new) })
            });
            let nothing = tower_lsp::ls_types::Range::new(*position, *position);
            nested.unwrap_or(SelectionRange { range: nothing, parent: None })
        };
        positions.iter().map(around).collect()
    })
}

/// Links from template names to the templates.
pub(crate) fn links(file: &ProjectFile) -> Option<Vec<DocumentLink>> {
    file.ask(|view, measured| {
        let links = outline::links(view, &file.path).into_iter().filter_map(|link| {
            let target = Some(convert::uri_of(file, &link.target)?);
            Some(DocumentLink { range: measured.range(link.range), target, tooltip: None, data: None })
        });
        links.collect()
    })
}
