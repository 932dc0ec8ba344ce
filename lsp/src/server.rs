//! The shared state of the running server, and how its parts notify each other.
//!
//! The message loop changes the [`ServerState`] and never waits. Only the loader and the checker, which run in
//! the background, send messages to the client, so no handler ever waits for the client.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::{Notify, mpsc, watch};
use tower_lsp::Client;
use tower_lsp::ls_types::{MessageType, Uri};

use crate::abilities::Refresh;
use crate::closed::ClosedFiles;
use crate::features::tokens::Sent;
use crate::globs::Glob;
use crate::host::Host;
use crate::shown::Shown;
use crate::state::{Moment, ProjectFile, ServerState, Then};
use crate::tallies::{Seen, Tallies};
use crate::uri;

/// Shared by the message loop, the handlers and the background tasks.
pub(crate) struct Server {
    /// Access to files and configurations.
    pub(crate) host: Arc<dyn Host>,
    /// Sends messages to the client; only background tasks use it.
    pub(crate) client: Client,
    /// Wakes the checker of texts.
    pub(crate) edited: Notify,
    /// Wakes the checker of outputs.
    pub(crate) checked: Notify,
    /// Notified when the client accepts messages.
    pub(crate) greeted: Notify,
    /// Notified when the client sends `exit`.
    pub(crate) exited: Notify,
    state: Mutex<ServerState>,
    shown: Mutex<Shown>,
    closed: Mutex<ClosedFiles>,
    watched: Mutex<BTreeSet<Glob>>,
    tokens: Mutex<Sent>,
    tallies: Mutex<Tallies>,
    edits: AtomicU64,
    changes: AtomicU64,
    news: AtomicU64,
    texts_shown: Mutex<ToShow>,
    questions: mpsc::UnboundedSender<Question>,
    answered: watch::Sender<u64>,
}

/// The state that the diagnostics correspond to, as two counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ToShow {
    /// The number of edits.
    pub(crate) edits: u64,
    /// How many times rendering changed a document's problems.
    pub(crate) news: u64,
}

/// A question to the loader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Question {
    /// Which project does a folder belong to?
    Folder(Utf8PathBuf),
    /// What does the project with this root look like now?
    Reload(Utf8PathBuf),
    /// Which cases does the project with this root have, now that a template was added or removed?
    Cases(Utf8PathBuf),
    /// Files on disk were created, changed or deleted.
    Disk(Vec<Utf8PathBuf>),
}

impl Server {
    /// A server without documents and projects, and the receiver of its loader's questions.
    pub(crate) fn new(client: Client, host: Arc<dyn Host>) -> (Arc<Self>, mpsc::UnboundedReceiver<Question>) {
        let (questions, asked) = mpsc::unbounded_channel();
        let server = Self {
            host,
            client,
            edited: Notify::new(),
            checked: Notify::new(),
            greeted: Notify::new(),
            exited: Notify::new(),
            state: Mutex::default(),
            shown: Mutex::default(),
            closed: Mutex::default(),
            watched: Mutex::default(),
            tokens: Mutex::default(),
            tallies: Mutex::default(),
            edits: AtomicU64::new(0),
            changes: AtomicU64::new(0),
            news: AtomicU64::new(0),
            texts_shown: Mutex::default(),
            questions,
            answered: watch::Sender::new(0),
        };
        (Arc::new(server), asked)
    }

    /// The state between two messages. The lock is never held across an `await`.
    pub(crate) fn state(&self) -> MutexGuard<'_, ServerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The diagnostics that the client has.
    pub(crate) fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The diagnostics of files that are not open.
    pub(crate) fn closed(&self) -> MutexGuard<'_, ClosedFiles> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts of outputs that the client shows.
    pub(crate) fn tallies(&self) -> MutexGuard<'_, Tallies> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The globs that the client watches.
    pub(crate) fn watched(&self) -> MutexGuard<'_, BTreeSet<Glob>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The semantic tokens that the client has.
    pub(crate) fn tokens(&self) -> MutexGuard<'_, Sent> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of edits, in the editor or on disk.
    pub(crate) fn edits(&self) -> u64 {
        self.edits.load(Ordering::Acquire)
    }

    /// The counters that decide whether a count of outputs is up to date.
    pub(crate) fn seen(&self) -> Seen {
        Seen { edits: self.edits(), changes: self.changes.load(Ordering::Acquire) }
    }

    /// Records that outputs changed on disk.
    pub(crate) fn count_change(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.checked.notify_one();
    }

    /// Records an edit, in the editor or on disk.
    pub(crate) fn count_edit(&self) {
        self.edits.fetch_add(1, Ordering::AcqRel);
        self.edited.notify_one();
    }

    /// Sends a question to the loader.
    pub(crate) fn ask(&self, question: Question) {
        self.state().ask();
        // The loader ends only with the server.
        let _ = self.questions.send(question);
    }

    /// Records that the loader has answered this many questions. The caller has counted the resulting edits before.
    pub(crate) fn answered(&self, count: u64) {
        self.answered.send_modify(|answered| *answered += count);
        self.checked.notify_one();
    }

    /// Records that rendering changed a document's problems.
    pub(crate) fn count_news(&self) {
        self.news.fetch_add(1, Ordering::AcqRel);
    }

    /// The current counters.
    pub(crate) fn to_show(&self) -> ToShow {
        ToShow { edits: self.edits(), news: self.news.load(Ordering::Acquire) }
    }

    /// Records that the client's diagnostics correspond to these counters.
    pub(crate) fn texts_are_shown(&self, shown: ToShow) {
        *self.texts_shown.lock().unwrap_or_else(PoisonError::into_inner) = shown;
    }

    /// The current state, if the client has the diagnostics of all `edits` and no question to the loader is open.
    pub(crate) fn moment_when_all_is_shown(&self, edits: u64) -> Option<Moment> {
        // Edits are counted, and questions asked, under the lock of the state.
        let moment = self.state().moment();
        let is_answered = *self.answered.borrow() >= moment.asked;
        let shown = *self.texts_shown.lock().unwrap_or_else(PoisonError::into_inner);
        let to_show = self.to_show();
        (is_answered && shown == to_show && to_show.edits == edits).then_some(moment)
    }

    /// Wakes the background tasks that a change of a document concerns. The caller holds the lock of the state, so
    /// whoever sees the change also sees the counted edit and the question.
    pub(crate) fn follow(&self, state: &mut ServerState, uri: &Uri, then: Then) {
        let root = |path: &Utf8Path| state.moment().root_of(path).map(Utf8Path::to_owned);
        let question = match (then, uri::path(uri)) {
            (Then::Check, _) | (_, None) => None,
            (Then::Locate, Some(path)) => {
                Some(Question::Folder(path.parent().unwrap_or(Utf8Path::new("/")).to_owned()))
            }
            (Then::Reload, Some(path)) => root(&path).map(Question::Reload),
            (Then::Plan, Some(path)) => root(&path).map(Question::Cases),
        };
        if let Some(question) = question {
            state.ask();
            // The loader ends only with the server.
            let _ = self.questions.send(question);
        }
        self.count_edit();
    }

    /// The file of a document in the state `moment`, once all questions asked before `moment` are answered.
    pub(crate) async fn file(&self, moment: &Moment, uri: &Uri) -> Option<ProjectFile> {
        if let Some(file) = moment.file(uri).filter(|file| file.project.snapshot.is_some()) {
            return Some(file);
        }
        let mut answered = self.answered.subscribe();
        answered.wait_for(|count| *count >= moment.asked).await.ok()?;
        let found = self.state().moment();
        Moment { projects: found.projects, ..moment.clone() }.file_with_documents(uri)
    }

    /// Asks the client, from a background task, to request its lenses again.
    pub(crate) fn renew_lenses(self: &Arc<Self>) {
        if self.state().moment().client.refreshes.contains(&Refresh::Lenses) {
            let server = Arc::clone(self);
            // A client that refuses shows its lenses as they are.
            tokio::spawn(async move { server.client.code_lens_refresh().await });
        }
    }

    /// Asks the client, from a background task, to request its inlay hints again.
    pub(crate) fn renew_hints(self: &Arc<Self>) {
        if self.state().moment().client.refreshes.contains(&Refresh::Hints) {
            let server = Arc::clone(self);
            // A client that refuses shows its hints as they are.
            tokio::spawn(async move { server.client.inlay_hint_refresh().await });
        }
    }

    /// Shows a message in the editor, from the background.
    pub(crate) fn tell(self: &Arc<Self>, kind: MessageType, message: String) {
        let server = Arc::clone(self);
        tokio::spawn(async move { server.client.show_message(kind, message).await });
    }
}
