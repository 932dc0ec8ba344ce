//! The handlers, one for each message that the server understands. They see what came before their message, work on a
//! thread that may block, and never wait for the client.

use std::sync::Arc;

use tower_lsp::LanguageServer;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{
    DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams, DidSaveTextDocumentParams, DocumentDiagnosticParams,
    DocumentDiagnosticReport, DocumentDiagnosticReportResult, FullDocumentDiagnosticReport, InitializeParams,
    InitializeResult, InitializedParams, RelatedFullDocumentDiagnosticReport, RelatedUnchangedDocumentDiagnosticReport,
    ServerInfo, UnchangedDocumentDiagnosticReport, Uri, WorkspaceFolder,
};

use crate::capabilities::{self, ClientAbilities, Watching};
use crate::checker;
use crate::server::{Question, Server};
use crate::service;
use crate::session::Place;
use crate::uri;

/// The handlers of messages.
pub(crate) struct Backend {
    server: Arc<Server>,
}

impl Backend {
    /// Handlers over a server.
    pub(crate) const fn new(server: Arc<Server>) -> Self {
        Self { server }
    }

    /// Works on a document as the request sees it; none where it belongs to no project.
    async fn at<T: Send + 'static>(
        &self,
        uri: &Uri,
        work: impl FnOnce(&Place) -> T + Send + 'static,
    ) -> Result<Option<T>> {
        let moment = service::moment();
        let Some(place) = self.server.place(&moment, uri).await else { return Ok(None) };
        let working = tokio::task::spawn_blocking(move || work(&place));
        working.await.map(Some).map_err(|_| Error::internal_error())
    }

    fn open_folders(&self, folders: &[WorkspaceFolder]) {
        let paths: Vec<_> = folders.iter().filter_map(|folder| uri::path(&folder.uri)).collect();
        self.server.session().folders.extend(paths.iter().cloned());
        for path in paths {
            self.server.ask(Question::Folder(path));
        }
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let client = ClientAbilities::of(&params);
        let capabilities = capabilities::offered(&client);
        self.server.session().greet(client);
        self.open_folders(&folders(&params));
        let server_info =
            ServerInfo { name: "cargo-tgen".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) };
        Ok(InitializeResult { capabilities, server_info: Some(server_info), offset_encoding: None })
    }

    async fn initialized(&self, _: InitializedParams) {
        self.server.greeted.notify_one();
    }

    async fn shutdown(&self) -> Result<()> {
        self.server.session().is_shut_down = true;
        Ok(())
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        let watches = self.server.session().moment().client.watches;
        if let (Watching::Never, Some(path)) = (watches, uri::path(&params.text_document.uri)) {
            self.server.ask(Question::Disk(vec![path]));
        }
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        let paths: Vec<_> = params.changes.iter().filter_map(|change| uri::path(&change.uri)).collect();
        self.server.ask(Question::Disk(paths));
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let gone: Vec<_> = params.event.removed.iter().filter_map(|folder| uri::path(&folder.uri)).collect();
        self.server.session().folders.retain(|folder| !gone.contains(folder));
        self.open_folders(&params.event.added);
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        let uri = params.text_document.uri;
        let server = Arc::clone(&self.server);
        let name = uri.clone();
        let items = self.at(&uri, move |place| checker::diagnostics(&server, place, &name)).await?.unwrap_or_default();
        Ok(DocumentDiagnosticReportResult::Report(report(items, params.previous_result_id.as_ref())))
    }
}

/// A client names its folders in one of three ways, the newest first.
fn folders(params: &InitializeParams) -> Vec<WorkspaceFolder> {
    if let Some(folders) = params.workspace_folders.as_ref().filter(|folders| !folders.is_empty()) {
        return folders.clone();
    }
    #[expect(deprecated, reason = "older clients name their only folder so")]
    let root = params.root_uri.clone();
    root.map(|uri| WorkspaceFolder { uri, name: String::new() }).into_iter().collect()
}

/// The whole report, or that it is the one which the client has.
fn report(items: Vec<tower_lsp::ls_types::Diagnostic>, previous: Option<&String>) -> DocumentDiagnosticReport {
    let result_id = serde_json::to_string(&items).map(|text| format!("{:016x}", fingerprint(&text))).ok();
    match result_id {
        Some(result_id) if previous == Some(&result_id) => {
            let unchanged_document_diagnostic_report = UnchangedDocumentDiagnosticReport { result_id };
            DocumentDiagnosticReport::Unchanged(RelatedUnchangedDocumentDiagnosticReport {
                related_documents: None,
                unchanged_document_diagnostic_report,
            })
        }
        result_id => DocumentDiagnosticReport::Full(RelatedFullDocumentDiagnosticReport {
            related_documents: None,
            full_document_diagnostic_report: FullDocumentDiagnosticReport { result_id, items },
        }),
    }
}

fn fingerprint(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
