//! The handlers, one for each message that the server supports. Each sees the state before its message, runs on a
//! thread that may block, and never waits for the client.

use std::sync::Arc;

use tgen_core::ide::references::Declaration;
use tower_lsp::LanguageServer;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{
    CodeAction, CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, CompletionParams, CompletionResponse,
    DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams, DidSaveTextDocumentParams, DocumentDiagnosticParams,
    DocumentDiagnosticReportResult, DocumentFormattingParams, DocumentLink, DocumentLinkParams, DocumentSymbolParams,
    DocumentSymbolResponse, FoldingRange, FoldingRangeParams, GotoDefinitionParams, GotoDefinitionResponse, Hover,
    HoverParams, InitializeParams, InitializeResult, InitializedParams, InlayHint, InlayHintParams, Location,
    MessageType, PrepareRenameResponse, ReferenceParams, RenameParams, SelectionRange, SelectionRangeParams,
    SemanticTokensDeltaParams, SemanticTokensFullDeltaResult, SemanticTokensParams, SemanticTokensResult, ServerInfo,
    TextDocumentPositionParams, TextEdit, Uri, WorkspaceDiagnosticParams, WorkspaceDiagnosticReportResult,
    WorkspaceEdit, WorkspaceFolder, WorkspaceSymbolParams, WorkspaceSymbolResponse,
};

use crate::abilities::{ClientAbilities, Watching};
use crate::capabilities;
use crate::checker;
use crate::features::edited::{GeneratedParams, GeneratedResult};
use crate::features::lenses::{OutputsParams, OutputsResult};
use crate::features::preview::{self, ModelsResult, PreviewParams, PreviewResult};
use crate::features::{self, edited, edits, hints, lenses, names, outline, reports, tokens};
use crate::server::{Question, Server};
use crate::service;
use crate::state::ProjectFile;
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

    /// Runs `work` with a document in the state that the request sees; `None` if it belongs to no project.
    async fn at<T: Send + 'static>(
        &self,
        uri: &Uri,
        work: impl FnOnce(&ProjectFile) -> T + Send + 'static,
    ) -> Result<Option<T>> {
        let moment = service::moment();
        let Some(file) = self.server.file(&moment, uri).await else { return Ok(None) };
        let working = tokio::task::spawn_blocking(move || work(&file));
        working.await.map(Some).map_err(|_| Error::internal_error())
    }

    /// `tgen/preview`: renders a template.
    pub(crate) async fn preview(&self, params: PreviewParams) -> Result<Option<PreviewResult>> {
        let uri = params.text_document.uri.clone();
        Ok(self.at(&uri, move |file| preview::render(file, &params)).await?.flatten())
    }

    /// `tgen/models`: the models that a template can be previewed for.
    pub(crate) async fn models(&self, params: PreviewParams) -> Result<Option<ModelsResult>> {
        Ok(self.at(&params.text_document.uri, preview::models).await?.flatten())
    }

    /// `tgen/setPreview`: selects the previewed case.
    pub(crate) async fn set_preview(&self, params: PreviewParams) -> Result<()> {
        let moment = service::moment();
        if let Some(file) = self.server.file(&moment, &params.text_document.uri).await
            && let Some(snapshot) = &file.project.snapshot
        {
            self.server.state().show(&file.root, params.over(&snapshot.view().preview));
            self.server.renew_lenses();
            self.server.renew_hints();
        }
        Ok(())
    }

    /// `tgen/generated`: what an edited file should be.
    pub(crate) async fn generated(&self, params: GeneratedParams) -> Result<Option<GeneratedResult>> {
        Ok(self.at(&params.text_document.uri, edited::generated).await?.flatten())
    }

    /// `tgen/outputs`: the outputs of a template, compared with the existing files.
    pub(crate) async fn outputs(&self, params: OutputsParams) -> Result<Option<OutputsResult>> {
        Ok(self.at(&params.text_document.uri, lenses::list).await?.flatten())
    }

    fn open_folders(&self, folders: &[WorkspaceFolder]) {
        let paths: Vec<_> = folders.iter().filter_map(|folder| uri::path(&folder.uri)).collect();
        self.server.state().folders.extend(paths.iter().cloned());
        for path in paths {
            self.server.ask(Question::Folder(path));
        }
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let client = ClientAbilities::of(&params);
        let capabilities = capabilities::offered(&client);
        self.server.state().greet(client);
        self.open_folders(&folders(&params));
        let server_info =
            ServerInfo { name: "cargo-tgen".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) };
        Ok(InitializeResult { capabilities, server_info: Some(server_info), offset_encoding: None })
    }

    async fn initialized(&self, _: InitializedParams) {
        self.server.greeted.notify_one();
    }

    async fn shutdown(&self) -> Result<()> {
        self.server.state().is_shut_down = true;
        Ok(())
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        let watches = self.server.state().moment().client.watches;
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
        self.server.state().folders.retain(|folder| !gone.contains(folder));
        self.open_folders(&params.event.added);
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let at = params.text_document_position;
        let found = self.at(&at.text_document.uri, move |file| features::completion::completion(file, at.position));
        Ok(found.await?.flatten().map(CompletionResponse::Array))
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let at = params.text_document_position_params;
        Ok(self.at(&at.text_document.uri, move |file| names::hover(file, at.position)).await?.flatten())
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        let at = params.text_document_position_params;
        let found = self.at(&at.text_document.uri, move |file| names::definition(file, at.position));
        Ok(found.await?.flatten().map(GotoDefinitionResponse::Array))
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        let at = params.text_document_position;
        let declaration = if params.context.include_declaration { Declaration::Include } else { Declaration::Exclude };
        let found = self.at(&at.text_document.uri, move |file| names::references(file, at.position, declaration));
        Ok(found.await?.flatten())
    }

    async fn prepare_rename(&self, params: TextDocumentPositionParams) -> Result<Option<PrepareRenameResponse>> {
        let found = self.at(&params.text_document.uri, move |file| names::prepare_rename(file, params.position));
        Ok(found.await?.flatten())
    }

    async fn rename(&self, params: RenameParams) -> Result<Option<WorkspaceEdit>> {
        let at = params.text_document_position;
        let renamed = self.at(&at.text_document.uri, move |file| names::rename(file, at.position, &params.new_name));
        renamed.await?.unwrap_or(Ok(None))
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        let found = self.at(&params.text_document.uri, outline::symbols).await?.flatten();
        Ok(found.map(DocumentSymbolResponse::Nested))
    }

    async fn symbol(&self, params: WorkspaceSymbolParams) -> Result<Option<WorkspaceSymbolResponse>> {
        let moment = service::moment();
        let working = tokio::task::spawn_blocking(move || {
            let files = moment.everywhere();
            files.iter().flat_map(|file| outline::of_project(file, &params.query)).collect()
        });
        working.await.map(|found| Some(WorkspaceSymbolResponse::Flat(found))).map_err(|_| Error::internal_error())
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>> {
        Ok(self.at(&params.text_document.uri, outline::folding).await?.flatten())
    }

    async fn selection_range(&self, params: SelectionRangeParams) -> Result<Option<Vec<SelectionRange>>> {
        let found = self.at(&params.text_document.uri, move |file| outline::selections(file, &params.positions));
        Ok(found.await?.flatten())
    }

    async fn document_link(&self, params: DocumentLinkParams) -> Result<Option<Vec<DocumentLink>>> {
        Ok(self.at(&params.text_document.uri, outline::links).await?.flatten())
    }

    async fn semantic_tokens_full(&self, params: SemanticTokensParams) -> Result<Option<SemanticTokensResult>> {
        let uri = params.text_document.uri;
        let found = self.at(&uri, tokens::tokens).await?.flatten();
        Ok(found.map(|data| SemanticTokensResult::Tokens(self.server.tokens().whole(uri, data))))
    }

    async fn semantic_tokens_full_delta(
        &self,
        params: SemanticTokensDeltaParams,
    ) -> Result<Option<SemanticTokensFullDeltaResult>> {
        let uri = params.text_document.uri;
        let found = self.at(&uri, tokens::tokens).await?.flatten();
        Ok(found.map(|data| self.server.tokens().change(uri, &params.previous_result_id, data)))
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        Ok(self.at(&params.text_document.uri, move |file| hints::hints(file, params.range)).await?.flatten())
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        let uri = params.text_document.uri;
        let server = Arc::clone(&self.server);
        let name = uri.clone();
        let found = self.at(&uri, move |file| {
            if !file.project.snapshot.as_ref()?.has_template(&file.path) {
                let edited = edited::lenses(file, &name).unwrap_or_default();
                return Some(edited.into_iter().chain(lenses::of_output(file, &name)).collect());
            }
            let tally = checker::tally_of(&server, file, &name);
            lenses::lenses(file, &name, tally.as_ref())
        });
        Ok(found.await?.flatten())
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let uri = params.text_document.uri;
        let server = Arc::clone(&self.server);
        let name = uri.clone();
        let found = self.at(&uri, move |file| {
            let mut actions = edits::actions(file, params.range, &checker::problems_of(&server, file, &name))?;
            actions.extend(edits::extraction(file, params.range, params.context.only.as_deref()));
            actions.extend(edited::actions(file, &name, params.range, &params.context));
            Some(actions)
        });
        Ok(found.await?.flatten())
    }

    async fn code_action_resolve(&self, action: CodeAction) -> Result<CodeAction> {
        let Some(deferred) = edited::deferred(&action) else { return Ok(action) };
        let uri = deferred.uri.clone();
        let unchanged = action.clone();
        match self.at(&uri, move |file| edited::resolved(file, &deferred, action)).await? {
            Some(Ok(action)) => Ok(action),
            Some(Err(reason)) => {
                self.server.tell(MessageType::WARNING, format!("the edit stays in this file: {reason}"));
                Ok(unchanged)
            }
            None => Ok(unchanged),
        }
    }

    async fn formatting(&self, params: DocumentFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        Ok(self.at(&params.text_document.uri, edits::formatting).await?.flatten())
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        let uri = params.text_document.uri;
        let server = Arc::clone(&self.server);
        let name = uri.clone();
        let items = self.at(&uri, move |file| checker::all_of(&server, file, &name)).await?.unwrap_or_default();
        Ok(DocumentDiagnosticReportResult::Report(reports::of_document(items, params.previous_result_id.as_ref())))
    }

    async fn workspace_diagnostic(&self, params: WorkspaceDiagnosticParams) -> Result<WorkspaceDiagnosticReportResult> {
        Ok(reports::of_closed(self.server.closed().all(), params.previous_result_ids).into())
    }
}

/// The client's folders, from the newest of three protocol fields that it sets.
fn folders(params: &InitializeParams) -> Vec<WorkspaceFolder> {
    if let Some(folders) = params.workspace_folders.as_ref().filter(|folders| !folders.is_empty()) {
        return folders.clone();
    }
    #[expect(deprecated, reason = "older clients name their only folder so")]
    let root = params.root_uri.clone();
    root.map(|uri| WorkspaceFolder { uri, name: String::new() }).into_iter().collect()
}
