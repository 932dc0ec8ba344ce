//! Diagnostic reports for pulling clients: of a document, and of all files that are not open.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use tower_lsp::ls_types::{
    Diagnostic, DocumentDiagnosticReport, FullDocumentDiagnosticReport, PreviousResultId,
    RelatedFullDocumentDiagnosticReport, RelatedUnchangedDocumentDiagnosticReport, UnchangedDocumentDiagnosticReport,
    Uri, WorkspaceDiagnosticReport, WorkspaceDocumentDiagnosticReport, WorkspaceFullDocumentDiagnosticReport,
    WorkspaceUnchangedDocumentDiagnosticReport,
};

use crate::closed::ByFile;

/// A report, compared with what the client already has.
enum Report {
    Full(FullDocumentDiagnosticReport),
    Unchanged(UnchangedDocumentDiagnosticReport),
}

impl Report {
    fn new(items: Vec<Diagnostic>, previous: Option<&String>) -> Self {
        let result_id = serde_json::to_string(&items).map(|text| format!("{:016x}", fingerprint(&text))).ok();
        match result_id {
            Some(result_id) if previous == Some(&result_id) => {
                Self::Unchanged(UnchangedDocumentDiagnosticReport { result_id })
            }
            result_id => Self::Full(FullDocumentDiagnosticReport { result_id, items }),
        }
    }
}

/// The report of a document, or that it is unchanged.
pub(crate) fn of_document(items: Vec<Diagnostic>, previous: Option<&String>) -> DocumentDiagnosticReport {
    let related_documents = None;
    match Report::new(items, previous) {
        Report::Full(full_document_diagnostic_report) => {
            RelatedFullDocumentDiagnosticReport { related_documents, full_document_diagnostic_report }.into()
        }
        Report::Unchanged(unchanged_document_diagnostic_report) => {
            RelatedUnchangedDocumentDiagnosticReport { related_documents, unchanged_document_diagnostic_report }.into()
        }
    }
}

/// The reports of closed files. A file whose diagnostics have all disappeared gets an empty report.
pub(crate) fn of_closed(found: &ByFile, previous: Vec<PreviousResultId>) -> WorkspaceDiagnosticReport {
    let previous: HashMap<Uri, String> = previous.into_iter().map(|known| (known.uri, known.value)).collect();
    let gone = previous.keys().filter(|uri| !found.contains_key(uri)).map(|uri| (uri, Vec::new()));
    let all = gone.chain(found.iter().map(|(uri, items)| (uri, items.clone())));
    WorkspaceDiagnosticReport { items: all.map(|(uri, items)| of_file(uri, items, previous.get(uri))).collect() }
}

fn of_file(uri: &Uri, items: Vec<Diagnostic>, previous: Option<&String>) -> WorkspaceDocumentDiagnosticReport {
    let (uri, version) = (uri.clone(), None);
    match Report::new(items, previous) {
        Report::Full(full_document_diagnostic_report) => {
            WorkspaceFullDocumentDiagnosticReport { uri, version, full_document_diagnostic_report }.into()
        }
        Report::Unchanged(unchanged_document_diagnostic_report) => {
            WorkspaceUnchangedDocumentDiagnosticReport { uri, version, unchanged_document_diagnostic_report }.into()
        }
    }
}

fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
