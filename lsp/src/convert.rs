//! Converts core's results to the protocol's types. It makes no decisions, so CI and the editor cannot disagree.

use std::collections::HashMap;

use camino::Utf8Path;
use tgen_core::base::problem::{Problem, Severity};
use tgen_core::base::text;
use tgen_core::base::text_path::TextPath;
use tgen_core::ide;
use tower_lsp::ls_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString, Range, TextEdit, Uri,
    WorkspaceEdit,
};

use crate::position::Measured;
use crate::state::ProjectFile;
use crate::uri;

/// The source of diagnostics that editors show.
pub(crate) const SOURCE: &str = "tgen";

/// The problems of a document as diagnostics; problems of other files in `problems` are ignored.
pub(crate) fn diagnostics(file: &ProjectFile, problems: &[Problem]) -> Vec<Diagnostic> {
    let Some(text) = file.text(&file.path) else { return Vec::new() };
    let measured = file.measured(&text);
    let own = problems.iter().filter(|problem| problem.path.as_ref() == Some(&file.path));
    own.map(|problem| diagnostic(file, &measured, problem)).collect()
}

/// Converts a problem of the measured text.
pub(crate) fn diagnostic(file: &ProjectFile, measured: &Measured<'_>, problem: &Problem) -> Diagnostic {
    let related = problem.related.iter().filter_map(|related| {
        let location = location(file, &related.path, related.range)?;
        Some(DiagnosticRelatedInformation { location, message: related.message.clone() })
    });
    let related: Vec<_> = related.collect();
    Diagnostic {
        range: problem.range.map_or_else(Range::default, |range| measured.range(range)),
        severity: Some(severity(problem.severity)),
        code: Some(NumberOrString::String(problem.code.name().to_owned())),
        source: Some(SOURCE.to_owned()),
        message: sentence(problem),
        related_information: (!related.is_empty()).then_some(related),
        ..Diagnostic::default()
    }
}

/// The message, followed by the next step on a new line.
pub(crate) fn sentence(problem: &Problem) -> String {
    let help = problem.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    format!("{}{help}", problem.message)
}

const fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Info => DiagnosticSeverity::INFORMATION,
    }
}

/// A place in a file of the project; the file's beginning if there is no range.
pub(crate) fn location(file: &ProjectFile, path: &Utf8Path, range: Option<text::Range>) -> Option<Location> {
    let uri = uri_of(file, path)?;
    let range = match (range, file.text(path)) {
        (Some(range), Some(text)) => Measured::new(&text, file.client.encoding).range(range),
        _ => Range::default(),
    };
    Some(Location { uri, range })
}

/// The client's URI for a file of the project; `None` for a built-in template, which is not a file.
pub(crate) fn uri_of(file: &ProjectFile, path: &Utf8Path) -> Option<Uri> {
    TextPath::of(path).file().and_then(|path| uri::of_path(&file.root.join(path)))
}

/// Edits of files of the project; edits of built-in templates, which are not files, are dropped.
pub(crate) fn workspace_edit(file: &ProjectFile, edited: Vec<ide::FileEdit>) -> WorkspaceEdit {
    let changes = edited.into_iter().filter_map(|edit| {
        // A file that is new has no text yet.
        let text = file.text(&edit.path).unwrap_or_default();
        let measured = Measured::new(&text, file.client.encoding);
        let edits = edit.edits.into_iter().map(|edit| text_edit(&measured, edit)).collect();
        Some((uri_of(file, &edit.path)?, edits))
    });
    let changes: HashMap<Uri, Vec<TextEdit>> = changes.collect();
    WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
}

/// Converts an edit of the measured text.
pub(crate) fn text_edit(measured: &Measured<'_>, edit: ide::TextEdit) -> TextEdit {
    TextEdit { range: measured.range(edit.range), new_text: edit.text }
}
