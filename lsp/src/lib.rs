//! The language server of cargo-tgen, on top of `tgen_core`. It must not know databases or terminals.
//!
//! `frames` reads messages off the stream; `service` puts messages in order and changes the `state`; `backend` answers
//! requests; `loader` and `checker` work in the background and are the only parts that send messages to the client.

mod abilities;
mod backend;
mod capabilities;
mod checker;
mod closed;
mod convert;
mod document;
mod features;
mod frames;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod globs;
mod host;
mod layered;
mod loader;
mod position;
mod server;
mod service;
mod shown;
mod snapshot;
mod state;
mod tallies;
mod uri;
mod watching;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime;
use tower_lsp::LspService;
use tower_lsp::ls_types::MessageType;

pub use host::{Host, ServedProject};

use crate::backend::Backend;
use crate::server::Server;
use crate::service::Ordered;

/// The most requests that run concurrently; clients never reach it in practice.
const REQUESTS_AT_ONCE: usize = 1024;

/// The size of the buffer between the client's stream and the service, in bytes.
const PIPE: usize = 64 * 1024;

/// How long answers may take to reach the client after `exit`.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// How the server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `exit` after `shutdown`.
    InOrder,
    /// Anything else.
    Abrupt,
}

/// Serves one client on standard input and output until it sends `exit` or disconnects.
///
/// The thread that reads standard input may still be blocked afterwards, so the caller should end the process.
///
/// # Errors
/// If threads cannot be started.
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
    .custom_method("tgen/generated", Backend::generated)
    .finish();
    let Some((server, questions)) = started else { return End::Abrupt };
    let background = [
        tokio::spawn(loader::run(Arc::clone(&server), questions)),
        tokio::spawn(checker::check_texts(Arc::clone(&server))),
        tokio::spawn(checker::check_outputs(Arc::clone(&server))),
    ];
    let (messages, pipe) = tokio::io::duplex(PIPE);
    let reading = frames::forward(input, pipe, |size| {
        let message =
            format!("cargo-tgen: a message of {size} bytes was left out; a document of that size is not checked here");
        server.tell(MessageType::WARNING, message);
    });
    let serving = tower_lsp::Server::new(messages, output, socket)
        .concurrency_level(REQUESTS_AT_ONCE)
        .serve(Ordered::new(service, Arc::clone(&server)));
    tokio::select! {
        () = serving => {}
        () = exited(&server) => {}
        () = until_served(reading) => {}
    }
    for task in background {
        task.abort();
    }
    if server.state().is_shut_down { End::InOrder } else { End::Abrupt }
}

/// The end of the input ends the service, after it has answered all earlier requests.
async fn until_served(reading: impl Future<Output = io::Result<()>>) {
    // A stream that cannot be read counts as ended.
    let _ = reading.await;
    std::future::pending::<()>().await;
}

async fn exited(server: &Server) {
    server.exited.notified().await;
    tokio::time::sleep(LAST_WORDS).await;
}
