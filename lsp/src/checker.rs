//! Checks documents in the background and publishes their problems: those of the text after each edit, and those found
//! by rendering once the user pauses.
//!
//! Edits during a check are not queued: the next check uses the newest state.

use std::sync::Arc;
use std::time::Duration;

use tgen_core::base::problem::Problem;
use tgen_core::ide::outputs::Tally;
use tgen_core::lint;
use tgen_core::lint::diagnostics;
use tower_lsp::ls_types::{Diagnostic, Uri, VersionedTextDocumentIdentifier};

use crate::abilities::Delivery;
use crate::features::checked::{Checked, CheckedParams};
use crate::features::lenses;
use crate::server::Server;
use crate::shown::Rendered;
use crate::state::{Open, ProjectFile};
use crate::{closed, convert};

/// Rendering begins after this long without an edit.
const PAUSE: Duration = Duration::from_millis(250);

/// Checks the texts of edited documents until the server ends.
pub(crate) async fn check_texts(server: Arc<Server>) {
    loop {
        server.edited.notified().await;
        let showing = server.to_show();
        let (dirty, closed) = server.state().take_dirty();
        server.closed().forget(dirty.iter().chain(&closed));
        for uri in closed {
            server.shown().forget(&uri);
            server.tokens().forget(&uri);
            server.tallies().forget(&uri);
            publish(&server, uri, Vec::new(), None).await;
        }
        for uri in dirty {
            check_text(&server, uri).await;
        }
        server.texts_are_shown(showing);
        server.checked.notify_one();
    }
}

async fn check_text(server: &Arc<Server>, uri: Uri) {
    let moment = server.state().moment();
    if moment.client.delivery == Delivery::Pulled {
        return;
    }
    let Some(file) = moment.file(&uri).filter(|file| file.open.is_some()) else { return };
    let version = file.open.as_ref().map(|open| open.document.version);
    let checking = Arc::clone(server);
    let checked = tokio::task::spawn_blocking(move || (all_of(&checking, &file, &uri), uri)).await;
    // If a check panicked, nothing is published, and the next edit tries again.
    let Ok((diagnostics, uri)) = checked else { return };
    if server.shown().is_news(&uri, version, &diagnostics) {
        publish(server, uri, diagnostics, version).await;
    }
}

async fn publish(server: &Server, uri: Uri, diagnostics: Vec<Diagnostic>, version: Option<i32>) {
    let delivery = server.state().moment().client.delivery;
    if delivery == Delivery::Pushed {
        server.client.publish_diagnostics(uri, diagnostics, version).await;
    }
}

/// What is wrong with a document, as diagnostics.
pub(crate) fn all_of(server: &Server, file: &ProjectFile, uri: &Uri) -> Vec<Diagnostic> {
    convert::diagnostics(file, &problems_of(server, file, uri))
}

/// The problems of a document: those of its text, and those that the last rendering found.
pub(crate) fn problems_of(server: &Server, file: &ProjectFile, uri: &Uri) -> Vec<Problem> {
    let mut problems = file.problems();
    let rendered = file.open.as_ref().map(|open| server.shown().moved(uri, &open.document.text)).unwrap_or_default();
    for problem in rendered {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    problems
}

/// Renders the outputs of open templates whenever the user pauses, until the server ends.
pub(crate) async fn check_outputs(server: Arc<Server>) {
    loop {
        server.checked.notified().await;
        while tokio::time::timeout(PAUSE, server.checked.notified()).await.is_ok() {}
        let edits = server.edits();
        let uris: Vec<Uri> = server.state().moment().documents.keys().cloned().collect();
        let mut is_news = false;
        for uri in uris {
            is_news |= check_output(&server, uri, edits).await;
        }
        let is_news = is_news | check_closed(&server, edits).await;
        if is_news {
            server.count_news();
            show_again(&server);
        } else {
            tell_checked(&server, edits).await;
        }
        count_outputs(&server).await;
    }
}

/// Renders the outputs of one document; returns whether its problems changed.
async fn check_output(server: &Arc<Server>, uri: Uri, edits: u64) -> bool {
    let moment = server.state().moment();
    let Some(file) = moment.file(&uri) else { return false };
    let Some(text) = file.open.as_ref().map(|open| Arc::clone(&open.document.text)) else { return false };
    if server.shown().was_rendered_at(&uri, edits) || server.edits() != edits {
        return false;
    }
    let rendering = Arc::clone(server);
    let rendered = tokio::task::spawn_blocking(move || render(&file, &|| rendering.edits() == edits)).await;
    match rendered {
        Ok(problems) if server.edits() == edits => {
            // The checker of texts publishes the problems once the document is marked, so they are stored first.
            let is_news = server.shown().rendered(uri.clone(), Rendered { at: edits, text, problems });
            server.state().mark(&uri);
            is_news
        }
        _ => false,
    }
}

fn render(file: &ProjectFile, go_on: &(dyn Fn() -> bool + Sync)) -> Vec<Problem> {
    let Some(snapshot) = &file.project.snapshot else { return Vec::new() };
    let mut problems = lint::of_input(&snapshot.plan(), &file.path);
    problems.extend(diagnostics::of_outputs(&snapshot.view(), &file.path, go_on));
    problems
}

/// Checks the files that are not open, and publishes changes; returns whether a pulling client has to be asked to pull
/// again.
async fn check_closed(server: &Arc<Server>, edits: u64) -> bool {
    let moment = server.state().moment();
    let delivery = moment.client.delivery;
    let Ok(found) = tokio::task::spawn_blocking(move || closed::diagnostics(&moment)).await else { return false };
    if server.edits() != edits {
        return false;
    }
    let changed = server.closed().renew(found);
    let is_news = delivery == Delivery::Pulled && !changed.is_empty();
    for (uri, diagnostics) in changed {
        // A file that was opened meanwhile gets the diagnostics of its document.
        if !server.state().moment().documents.contains_key(&uri) {
            publish(server, uri, diagnostics, None).await;
        }
    }
    is_news
}

/// The number of a template's outputs by state: the last count if the client can be asked to request it again, else a
/// new one.
pub(crate) fn tally_of(server: &Server, file: &ProjectFile, uri: &Uri) -> Option<Tally> {
    if !file.client.keeps_counts() {
        return lenses::count(file, &|| true);
    }
    let known = server.tallies().ask(uri);
    if known.is_none() {
        server.checked.notify_one();
    }
    known
}

/// Counts the outputs of templates whose lenses are shown, and asks the client to request its lenses again if a count
/// changed.
async fn count_outputs(server: &Arc<Server>) {
    let seen = server.seen();
    let mut is_news = false;
    let due = server.tallies().due(seen);
    for uri in due {
        let Some(file) = server.state().moment().file(&uri) else { continue };
        let counting = Arc::clone(server);
        let counted = tokio::task::spawn_blocking(move || lenses::count(&file, &|| counting.seen() == seen)).await;
        if let Ok(Some(tally)) = counted {
            is_news |= server.tallies().counted(&uri, seen, tally);
        }
    }
    if is_news {
        server.renew_lenses();
    }
}

/// Notifies an interested client that all open documents are checked, unless another edit has arrived.
async fn tell_checked(server: &Server, edits: u64) {
    let Some(moment) = server.moment_when_all_is_shown(edits).filter(|moment| moment.client.awaits_checks) else {
        return;
    };
    let document =
        |open: &Arc<Open>| VersionedTextDocumentIdentifier { uri: open.uri.clone(), version: open.document.version };
    let documents = moment.documents.values().map(document).collect();
    server.client.send_notification::<Checked>(CheckedParams { documents }).await;
}

/// Publishes changed problems: pushes them, or asks the client to request them.
fn show_again(server: &Arc<Server>) {
    let delivery = server.state().moment().client.delivery;
    match delivery {
        Delivery::Pushed => server.edited.notify_one(),
        Delivery::Pulled => {
            let refreshing = Arc::clone(server);
            // Clients without this capability get their diagnostics pushed. The request runs in its own task, because a
            // client that never answers must not block the checks.
            tokio::spawn(async move { refreshing.client.workspace_diagnostic_refresh().await });
            server.edited.notify_one();
        }
    }
}
