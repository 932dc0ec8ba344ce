//! The language server of cargo-tgen, over `tgen_core`. It knows no database and no terminal.
//!
//! `service` puts messages in order and changes the `session`; `backend` answers requests; `loader` and `checker` work in
//! the background and are the only ones who talk to the client.

mod backend;
mod capabilities;
mod checker;
mod convert;
mod document;
mod features;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod host;
mod layered;
mod loader;
mod position;
mod server;
mod service;
mod session;
mod shown;
mod snapshot;
mod tallies;
mod uri;
mod watching;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime;
use tower_lsp::LspService;

pub use host::{Host, Located};

use crate::backend::Backend;
use crate::server::Server;
use crate::service::Ordered;

/// No request waits for another's turn.
const REQUESTS_AT_ONCE: usize = 1024;

/// After `exit`, what is on its way to the client has so long to get there.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// How the server ended, as the protocol has it: in order, or without having been shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `exit` after `shutdown`.
    InOrder,
    /// Anything else.
    Abrupt,
}

/// Serves one client on standard input and output until it says `exit` or goes away.
///
/// The thread that reads standard input may still wait for it afterwards; the process should end without it.
///
/// # Errors
/// When threads cannot be started.
pub fn serve(host: Arc<dyn Host>) -> io::Result<End> {
    let runtime =
        runtime::Builder::new_multi_thread().worker_threads(2).enable_time().thread_name("tgen-lsp").build()?;
    let end = runtime.block_on(serve_on(tokio::io::stdin(), tokio::io::stdout(), host));
    runtime.shutdown_background();
    Ok(end)
}

/// Serves one client on any two streams.
pub async fn serve_on(input: impl AsyncRead + Unpin, output: impl AsyncWrite, host: Arc<dyn Host>) -> End {
    let mut started = None;
    let (service, socket) = LspService::build(|client| {
        let (server, questions) = Server::new(client, host);
        started = Some((Arc::clone(&server), questions));
        Backend::new(server)
    })
    .custom_method("tgen/preview", Backend::preview)
    .custom_method("tgen/models", Backend::models)
    .custom_method("tgen/setPreview", Backend::set_preview)
    .custom_method("tgen/outputs", Backend::outputs)
    .finish();
    let Some((server, questions)) = started else { return End::Abrupt };
    let background = [
        tokio::spawn(loader::run(Arc::clone(&server), questions)),
        tokio::spawn(checker::check_texts(Arc::clone(&server))),
        tokio::spawn(checker::check_outputs(Arc::clone(&server))),
    ];
    let serving = tower_lsp::Server::new(input, output, socket)
        .concurrency_level(REQUESTS_AT_ONCE)
        .serve(Ordered::new(service, Arc::clone(&server)));
    tokio::select! {
        () = serving => {}
        () = exited(&server) => {}
    }
    for task in background {
        task.abort();
    }
    if server.session().is_shut_down { End::InOrder } else { End::Abrupt }
}

async fn exited(server: &Server) {
    server.exited.notified().await;
    tokio::time::sleep(LAST_WORDS).await;
}
