//! Asks the client to watch the inputs and outputs of the projects.

use std::sync::Arc;

use camino::Utf8Path;
use serde_json::json;
use tower_lsp::ls_types::{DidChangeWatchedFilesRegistrationOptions, Registration, Unregistration};

use crate::abilities::Watching;
use crate::globs;
use crate::server::Server;

const METHOD: &str = "workspace/didChangeWatchedFiles";
const ID: &str = "tgen-watched-files";

/// Whether a file of that name may hold a configuration.
pub(crate) fn is_configuration(path: &Utf8Path) -> bool {
    matches!(path.file_name(), Some("tgen.toml" | "Cargo.toml"))
}

/// Asks the client to watch the current inputs and outputs of all projects, unless it watches them already.
pub(crate) fn renew(server: &Arc<Server>) {
    let moment = server.state().moment();
    if moment.client.watches == Watching::Never {
        return;
    }
    let folders = server.state().folders.clone();
    let wanted = globs::of_projects(folders, &moment);
    let before = std::mem::replace(&mut *server.watched(), wanted.clone());
    if before == wanted {
        return;
    }
    let server = Arc::clone(server);
    tokio::spawn(async move {
        if !before.is_empty() {
            let old = Unregistration { id: ID.to_owned(), method: METHOD.to_owned() };
            // An error only means that the watchers were not registered.
            let _ = server.client.unregister_capability(vec![old]).await;
        }
        let watchers = wanted.iter().filter_map(|glob| glob.watcher(moment.client.watches)).collect();
        let options = DidChangeWatchedFilesRegistrationOptions { watchers };
        let registration =
            Registration { id: ID.to_owned(), method: METHOD.to_owned(), register_options: Some(json!(options)) };
        // Without watchers, projects still follow open documents and saves.
        let _ = server.client.register_capability(vec![registration]).await;
    });
}
