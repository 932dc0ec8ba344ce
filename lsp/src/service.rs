//! Puts the client's messages in order: documents change in the order of the messages, and a request sees exactly what
//! came before it, although handlers run side by side.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;
use tower::Service;
use tower_lsp::ExitedError;
use tower_lsp::jsonrpc::{Error, Request, Response};
use tower_lsp::ls_types::notification::Notification;
use tower_lsp::ls_types::{Uri, notification};

use crate::server::Server;
use crate::session::{Moment, Session, Then};

tokio::task_local! {
    /// What the request at hand sees.
    static MOMENT: Moment;
}

/// What the request at hand sees.
pub(crate) fn moment() -> Moment {
    MOMENT.try_with(Moment::clone).unwrap_or_default()
}

/// The language service, behind the documents.
pub(crate) struct Ordered<S> {
    inner: S,
    server: Arc<Server>,
}

type Answer = Result<Option<Response>, ExitedError>;
type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

impl<S> Ordered<S> {
    /// Puts a service in order.
    pub(crate) const fn new(inner: S, server: Arc<Server>) -> Self {
        Self { inner, server }
    }

    /// Applies a change of a document; no one waits here.
    fn document<N: Notification>(
        &self,
        request: Request,
        apply: impl FnOnce(&mut Session, N::Params) -> Option<(Uri, Then)>,
    ) where
        N::Params: DeserializeOwned,
    {
        let (_, _, params) = request.into_parts();
        let Some(params) = params.and_then(|params| serde_json::from_value(params).ok()) else { return };
        let mut session = self.server.session();
        if session.is_initialized
            && let Some((uri, then)) = apply(&mut session, params)
        {
            self.server.follow(&mut session, &uri, then);
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
                self.document::<notification::DidOpenTextDocument>(request, |session, params| {
                    Some((params.text_document.uri.clone(), session.open(params)))
                });
                done()
            }
            notification::DidChangeTextDocument::METHOD => {
                self.document::<notification::DidChangeTextDocument>(request, |session, params| {
                    Some((params.text_document.uri.clone(), session.change(params)?))
                });
                done()
            }
            notification::DidCloseTextDocument::METHOD => {
                self.document::<notification::DidCloseTextDocument>(request, |session, params| {
                    Some((params.text_document.uri.clone(), session.close(&params)?))
                });
                done()
            }
            // Cancelling is a look into a table; it waits for nobody's turn.
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
    /// Runs a handler beside the message loop, with what it sees. A handler that panics fails its own request only.
    fn handle(&mut self, request: Request) -> Pending {
        let moment = self.server.session().moment();
        let id = request.id().cloned();
        let answer = MOMENT.sync_scope(moment.clone(), || self.inner.call(request));
        let running = tokio::spawn(MOMENT.scope(moment, answer));
        Box::pin(async move {
            running.await.unwrap_or_else(|_| Ok(id.map(|id| Response::from_error(id, Error::internal_error()))))
        })
    }
}

fn done() -> Pending {
    Box::pin(std::future::ready(Ok(None)))
}
