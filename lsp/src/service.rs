//! Handles the client's messages in order: a request sees exactly the changes that were sent before it, although
//! handlers run concurrently.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;
use tower::Service;
use tower_lsp::ExitedError;
use tower_lsp::jsonrpc::{Error, Id, Request, Response};
use tower_lsp::ls_types::notification::Notification;
use tower_lsp::ls_types::{Uri, notification};

use crate::frames::REJECTED;
use crate::server::Server;
use crate::state::{Moment, ServerState, Then};

tokio::task_local! {
    /// The state that the current request sees.
    static MOMENT: Moment;
}

/// The state that the current request sees.
pub(crate) fn moment() -> Moment {
    MOMENT.try_with(Moment::clone).unwrap_or_default()
}

/// The language service, with document changes applied before it.
pub(crate) struct Ordered<S> {
    inner: S,
    server: Arc<Server>,
}

type Answer = Result<Option<Response>, ExitedError>;
type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

impl<S> Ordered<S> {
    /// Wraps a service.
    pub(crate) const fn new(inner: S, server: Arc<Server>) -> Self {
        Self { inner, server }
    }

    /// Applies a change of a document without waiting.
    fn document<N: Notification>(
        &self,
        request: Request,
        apply: impl FnOnce(&mut ServerState, N::Params) -> Option<(Uri, Then)>,
    ) where
        N::Params: DeserializeOwned,
    {
        let (_, _, params) = request.into_parts();
        let Some(params) = params.and_then(|params| serde_json::from_value(params).ok()) else { return };
        let mut state = self.server.state();
        if state.is_initialized
            && let Some((uri, then)) = apply(&mut state, params)
        {
            self.server.follow(&mut state, &uri, then);
        }
    }
}

impl<S> Service<Request> for Ordered<S>
where
    S: Service<Request, Response = Option<Response>, Error = ExitedError>,
    S::Future: Send + 'static,
{
    type Response = Option<Response>;
    type Error = ExitedError;
    type Future = Pending;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ExitedError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Pending {
        match request.method() {
            notification::DidOpenTextDocument::METHOD => {
                self.document::<notification::DidOpenTextDocument>(request, |state, params| {
                    Some((params.text_document.uri.clone(), state.open(params)))
                });
                done()
            }
            notification::DidChangeTextDocument::METHOD => {
                self.document::<notification::DidChangeTextDocument>(request, |state, params| {
                    Some((params.text_document.uri.clone(), state.change(params)?))
                });
                done()
            }
            notification::DidCloseTextDocument::METHOD => {
                self.document::<notification::DidCloseTextDocument>(request, |state, params| {
                    Some((params.text_document.uri.clone(), state.close(&params)?))
                });
                done()
            }
            REJECTED => rejected(request),
            // Cancelling is a table lookup and waits for no other request.
            notification::Cancel::METHOD => Box::pin(self.inner.call(request)),
            notification::Exit::METHOD => {
                let answer = self.inner.call(request);
                self.server.exited.notify_one();
                Box::pin(answer)
            }
            _ => self.handle(request),
        }
    }
}

impl<S> Ordered<S>
where
    S: Service<Request, Response = Option<Response>, Error = ExitedError>,
    S::Future: Send + 'static,
{
    /// Runs a handler in its own task, on the current state. If it panics, only its own request fails.
    fn handle(&mut self, request: Request) -> Pending {
        let moment = self.server.state().moment();
        let id = request.id().cloned();
        let answer = MOMENT.sync_scope(moment.clone(), || self.inner.call(request));
        let running = tokio::spawn(MOMENT.scope(moment, answer));
        Box::pin(async move {
            running.await.unwrap_or_else(|_| Ok(id.map(|id| Response::from_error(id, Error::internal_error()))))
        })
    }
}

/// The answer to a message that could not be decoded; its id is unknown.
fn rejected(request: Request) -> Pending {
    let (_, _, error) = request.into_parts();
    let error = error.and_then(|error| serde_json::from_value(error).ok()).unwrap_or_else(Error::invalid_request);
    Box::pin(std::future::ready(Ok(Some(Response::from_error(Id::Null, error)))))
}

fn done() -> Pending {
    Box::pin(std::future::ready(Ok(None)))
}
