//! What the client can do, and what this server offers it.

use std::collections::BTreeSet;

use tower_lsp::ls_types::{
    ClientCapabilities, CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CodeLensOptions,
    DiagnosticOptions, DiagnosticServerCapabilities, DocumentLinkOptions, FoldingRangeProviderCapability,
    HoverProviderCapability, InitializeParams, OneOf, RenameOptions, SelectionRangeProviderCapability,
    SemanticTokensServerCapabilities, ServerCapabilities, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, WorkDoneProgressOptions, WorkspaceFoldersServerCapabilities,
    WorkspaceServerCapabilities,
};

use crate::features::{completion, tokens};
use crate::position::Encoding;

/// What the client can do, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ClientAbilities {
    /// How it counts characters.
    pub(crate) encoding: Encoding,
    /// How it gets diagnostics.
    pub(crate) delivery: Delivery,
    /// Whether it shows progress.
    pub(crate) shows_progress: bool,
    /// Whether it watches files for us.
    pub(crate) watches: Watching,
    /// What it asks for again when it is told to.
    pub(crate) refreshes: BTreeSet<Refresh>,
    /// Whether it wants to know when everything is checked: `experimental.tgenChecked`.
    pub(crate) awaits_checks: bool,
    /// The commands of ours that it has: `experimental.commands.commands`, as rust-analyzer's clients say it.
    pub(crate) commands: BTreeSet<String>,
}

/// What a client may ask for again when it is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refresh {
    /// Code lenses.
    Lenses,
    /// Inlay hints.
    Hints,
}

/// How a client gets diagnostics: one way or the other, never both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Delivery {
    /// They are sent when they change.
    #[default]
    Pushed,
    /// It asks for them, and is told when to ask again.
    Pulled,
}

/// Whether a client watches files for its servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Watching {
    /// Not at all.
    #[default]
    Never,
    /// By globs of whole paths.
    Globs,
    /// By globs below a folder.
    RelativeGlobs,
}

impl ClientAbilities {
    /// Reads what the client says of itself.
    pub(crate) fn of(params: &InitializeParams) -> Self {
        let client = &params.capabilities;
        let general = client.general.as_ref();
        let offered = general.and_then(|general| general.position_encodings.as_deref()).unwrap_or_default();
        Self {
            encoding: Encoding::negotiate(offered),
            delivery: delivery(client),
            shows_progress: client.window.as_ref().and_then(|window| window.work_done_progress) == Some(true),
            watches: watching(client),
            refreshes: refreshes(client),
            awaits_checks: client.experimental.as_ref().and_then(|own| own.get("tgenChecked")?.as_bool()) == Some(true),
            commands: commands(client),
        }
    }

    /// Whether a count of outputs that was made before can be shown now: the client says when an output changes on disk, and
    /// asks again when it is told to.
    pub(crate) fn keeps_counts(&self) -> bool {
        self.refreshes.contains(&Refresh::Lenses) && self.watches != Watching::Never
    }
}

fn refreshes(client: &ClientCapabilities) -> BTreeSet<Refresh> {
    let Some(workspace) = &client.workspace else { return BTreeSet::new() };
    let lenses = workspace.code_lens.as_ref().and_then(|lenses| lenses.refresh_support);
    let hints = workspace.inlay_hint.as_ref().and_then(|hints| hints.refresh_support);
    let said = [(Refresh::Lenses, lenses), (Refresh::Hints, hints)];
    said.into_iter().filter(|(_, can)| *can == Some(true)).map(|(what, _)| what).collect()
}

fn commands(client: &ClientCapabilities) -> BTreeSet<String> {
    let named = client.experimental.as_ref().and_then(|own| own.get("commands")?.get("commands")?.as_array());
    named.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// A client that asks has to be told when a change elsewhere changed the answer, else it is better sent.
fn delivery(client: &ClientCapabilities) -> Delivery {
    let asks = client.text_document.as_ref().is_some_and(|text| text.diagnostic.is_some());
    let workspace = client.workspace.as_ref();
    let can_be_told = workspace
        .and_then(|workspace| workspace.diagnostics.as_ref())
        .is_some_and(|diagnostics| diagnostics.refresh_support == Some(true));
    if asks && can_be_told { Delivery::Pulled } else { Delivery::Pushed }
}

fn watching(client: &ClientCapabilities) -> Watching {
    let workspace = client.workspace.as_ref();
    match workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref()) {
        Some(watch) if watch.dynamic_registration == Some(true) => {
            if watch.relative_pattern_support == Some(true) {
                Watching::RelativeGlobs
            } else {
                Watching::Globs
            }
        }
        _ => Watching::Never,
    }
}

/// What this server offers that client.
pub(crate) fn offered(client: &ClientAbilities) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(client.encoding.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::Supported(true)),
            ..TextDocumentSyncOptions::default()
        })),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            ..WorkspaceServerCapabilities::default()
        }),
        completion_provider: Some(completion::options()),
        document_symbol_provider: Some(OneOf::Left(true)),
        workspace_symbol_provider: Some(OneOf::Left(true)),
        folding_range_provider: Some(FoldingRangeProviderCapability::Simple(true)),
        selection_range_provider: Some(SelectionRangeProviderCapability::Simple(true)),
        document_link_provider: Some(DocumentLinkOptions {
            resolve_provider: None,
            work_done_progress_options: WorkDoneProgressOptions::default(),
        }),
        semantic_tokens_provider: Some(SemanticTokensServerCapabilities::SemanticTokensOptions(tokens::options())),
        inlay_hint_provider: Some(OneOf::Left(true)),
        code_lens_provider: (!client.commands.is_empty()).then_some(CodeLensOptions { resolve_provider: None }),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX, CodeActionKind::REFACTOR_EXTRACT]),
            ..CodeActionOptions::default()
        })),
        document_formatting_provider: Some(OneOf::Left(true)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: WorkDoneProgressOptions::default(),
        })),
        diagnostic_provider: (client.delivery == Delivery::Pulled).then(|| {
            DiagnosticServerCapabilities::Options(DiagnosticOptions {
                identifier: Some("tgen".to_owned()),
                inter_file_dependencies: true,
                workspace_diagnostics: false,
                ..DiagnosticOptions::default()
            })
        }),
        ..ServerCapabilities::default()
    }
}
