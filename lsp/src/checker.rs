//! Checks documents in the background and shows what is wrong with them: at once what their text tells, and when the
//! client pauses what rendering tells.
//!
//! While one state is checked, the edits that come are not queued: the next check sees the newest.

use std::sync::Arc;
use std::time::Duration;

use tgen_core::base::problem::Problem;
use tgen_core::ide::outputs::Tally;
use tgen_core::lint;
use tgen_core::lint::diagnostics;
use tower_lsp::ls_types::{Diagnostic, Uri, VersionedTextDocumentIdentifier};

use crate::capabilities::Delivery;
use crate::convert;
use crate::features::checked::{Checked, CheckedParams};
use crate::features::lenses;
use crate::server::Server;
use crate::session::{Open, Place};
use crate::shown::Rendered;

/// Rendering begins when nothing was edited for so long.
const PAUSE: Duration = Duration::from_millis(250);

/// Checks what was edited, again and again.
pub(crate) async fn check_texts(server: Arc<Server>) {
    loop {
        server.edited.notified().await;
        let showing = server.to_show();
        let (dirty, closed) = server.session().take_dirty();
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
    let moment = server.session().moment();
    if moment.client.delivery == Delivery::Pulled {
        return;
    }
    let Some(place) = moment.place(&uri).filter(|place| place.open.is_some()) else { return };
    let version = place.open.as_ref().map(|open| open.document.version);
    let checking = Arc::clone(server);
    let checked = tokio::task::spawn_blocking(move || (all_of(&checking, &place, &uri), uri)).await;
    // A check that panicked shows nothing; the next edit tries again.
    let Ok((diagnostics, uri)) = checked else { return };
    if server.shown().is_news(&uri, version, &diagnostics) {
        publish(server, uri, diagnostics, version).await;
    }
}

async fn publish(server: &Server, uri: Uri, diagnostics: Vec<Diagnostic>, version: Option<i32>) {
    let delivery = server.session().moment().client.delivery;
    if delivery == Delivery::Pushed {
        server.client.publish_diagnostics(uri, diagnostics, version).await;
    }
}

/// What is wrong with a document, as diagnostics.
pub(crate) fn all_of(server: &Server, place: &Place, uri: &Uri) -> Vec<Diagnostic> {
    convert::diagnostics(place, &problems_of(server, place, uri))
}

/// What is wrong with a document: what its text tells, and what rendering told of it.
pub(crate) fn problems_of(server: &Server, place: &Place, uri: &Uri) -> Vec<Problem> {
    let mut problems = place.problems();
    let rendered = place.open.as_ref().map(|open| server.shown().moved(uri, &open.document.text)).unwrap_or_default();
    for problem in rendered {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    problems
}

/// Renders what the open templates render to, whenever the client pauses.
pub(crate) async fn check_outputs(server: Arc<Server>) {
    loop {
        server.checked.notified().await;
        while tokio::time::timeout(PAUSE, server.checked.notified()).await.is_ok() {}
        let edits = server.edits();
        let uris: Vec<Uri> = server.session().moment().documents.keys().cloned().collect();
        let mut is_news = false;
        for uri in uris {
            is_news |= check_output(&server, uri, edits).await;
        }
        if is_news {
            server.count_news();
            show_again(&server).await;
        } else {
            tell_checked(&server, edits).await;
        }
        count_outputs(&server).await;
    }
}

/// Whether rendering told something new of a document.
async fn check_output(server: &Arc<Server>, uri: Uri, edits: u64) -> bool {
    let moment = server.session().moment();
    let Some(place) = moment.place(&uri) else { return false };
    let Some(text) = place.open.as_ref().map(|open| Arc::clone(&open.document.text)) else { return false };
    if server.shown().was_rendered_at(&uri, edits) || server.edits() != edits {
        return false;
    }
    let rendering = Arc::clone(server);
    let rendered = tokio::task::spawn_blocking(move || render(&place, &|| rendering.edits() == edits)).await;
    match rendered {
        Ok(problems) if server.edits() == edits => {
            // Whoever takes the mark shows what is there then, so that has to be there first.
            let is_news = server.shown().rendered(uri.clone(), Rendered { at: edits, text, problems });
            server.session().mark(&uri);
            is_news
        }
        _ => false,
    }
}

fn render(place: &Place, go_on: &(dyn Fn() -> bool + Sync)) -> Vec<Problem> {
    let Some(snapshot) = &place.project.snapshot else { return Vec::new() };
    let mut problems = lint::of_input(&snapshot.plan(), &place.path);
    problems.extend(diagnostics::of_outputs(&snapshot.view(), &place.path, go_on));
    problems
}

/// The count of a template's outputs: the last one, where the client is told of the next, else one that is made now.
pub(crate) fn tally_of(server: &Server, place: &Place, uri: &Uri) -> Option<Tally> {
    if !place.client.keeps_counts() {
        return lenses::count(place, &|| true);
    }
    let known = server.tallies().ask(uri);
    if known.is_none() {
        server.checked.notify_one();
    }
    known
}

/// Counts the outputs of the templates whose lenses are shown, and has the client ask for them again where that is news.
async fn count_outputs(server: &Arc<Server>) {
    let seen = server.seen();
    let mut is_news = false;
    let due = server.tallies().due(seen);
    for uri in due {
        let Some(place) = server.session().moment().place(&uri) else { continue };
        let counting = Arc::clone(server);
        let counted = tokio::task::spawn_blocking(move || lenses::count(&place, &|| counting.seen() == seen)).await;
        if let Ok(Some(tally)) = counted {
            is_news |= server.tallies().counted(&uri, seen, tally);
        }
    }
    if is_news {
        server.renew_lenses();
    }
}

/// Tells the client that all is checked, if it wants to know and that is still so.
async fn tell_checked(server: &Server, edits: u64) {
    let Some(moment) = server.moment_when_all_is_shown(edits).filter(|moment| moment.client.awaits_checks) else {
        return;
    };
    let document =
        |open: &Arc<Open>| VersionedTextDocumentIdentifier { uri: open.uri.clone(), version: open.document.version };
    let documents = moment.documents.values().map(document).collect();
    server.client.send_notification::<Checked>(CheckedParams { documents }).await;
}

/// Shows what is new: pushes it, or tells the client to ask.
async fn show_again(server: &Arc<Server>) {
    let delivery = server.session().moment().client.delivery;
    match delivery {
        Delivery::Pushed => server.edited.notify_one(),
        Delivery::Pulled => {
            // A client that cannot be told was not taken for one that asks.
            let _ = server.client.workspace_diagnostic_refresh().await;
            server.edited.notify_one();
        }
    }
}
