//! The client's capabilities. This module must not know what the server offers in return.

use std::collections::BTreeSet;

use tower_lsp::ls_types::{ClientCapabilities, InitializeParams};

use crate::position::Encoding;

/// The client's capabilities, as far as the server uses them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ClientAbilities {
    /// The encoding in which it counts characters.
    pub(crate) encoding: Encoding,
    /// Whether it pulls diagnostics.
    pub(crate) delivery: Delivery,
    /// Whether it shows progress.
    pub(crate) shows_progress: bool,
    /// How it watches files for the server.
    pub(crate) watches: Watching,
    /// What the server can ask it to request again.
    pub(crate) refreshes: BTreeSet<Refresh>,
    /// Whether it wants to know when everything is checked: `experimental.tgenChecked`.
    pub(crate) awaits_checks: bool,
    /// What it can do with code actions.
    pub(crate) actions: BTreeSet<WithActions>,
    /// The commands of this server that it implements: `experimental.commands.commands`, as rust-analyzer's clients
    /// announce them.
    pub(crate) commands: BTreeSet<String>,
}

/// What a client can be asked to request again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refresh {
    /// Code lenses.
    Lenses,
    /// Inlay hints.
    Hints,
}

/// What a client may do with code actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum WithActions {
    /// It asks for the edit of an action when the user chooses it.
    ResolveEdits,
    /// It shows actions that cannot be taken, with the reason.
    ShowDisabled,
}

/// How a client gets diagnostics; never both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Delivery {
    /// Pushed: the server sends them when they change.
    #[default]
    Pushed,
    /// Pulled: the client requests them, and is told when to request them again.
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
    /// Reads the client's capabilities.
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
            actions: with_actions(client),
            commands: commands(client),
        }
    }

    /// Whether an earlier count of outputs may be shown: the client must report changes of outputs on disk, and request
    /// lenses again when asked.
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

fn with_actions(client: &ClientCapabilities) -> BTreeSet<WithActions> {
    let Some(actions) = client.text_document.as_ref().and_then(|text| text.code_action.as_ref()) else {
        return BTreeSet::new();
    };
    let properties = actions.resolve_support.as_ref().map(|support| support.properties.as_slice()).unwrap_or_default();
    // What an action is about has to come back with the question for its edit.
    let resolves = actions.data_support == Some(true) && properties.iter().any(|property| property == "edit");
    let said =
        [(WithActions::ResolveEdits, resolves), (WithActions::ShowDisabled, actions.disabled_support == Some(true))];
    said.into_iter().filter(|(_, can)| *can).map(|(what, _)| what).collect()
}

fn commands(client: &ClientCapabilities) -> BTreeSet<String> {
    let named = client.experimental.as_ref().and_then(|own| own.get("commands")?.get("commands")?.as_array());
    named.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// Pulling requires that the client can be asked to pull again when a change elsewhere affects the result; otherwise
/// diagnostics are pushed.
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
