//! The parts of the running server, and what they say to each other.
//!
//! The message loop changes the [`Session`] and never waits. The loader and the checker work in the background; they are
//! the only ones who talk to the client, so that no handler ever waits for it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::{Notify, mpsc, watch};
use tower_lsp::Client;
use tower_lsp::ls_types::{MessageType, Uri};

use crate::capabilities::Refresh;
use crate::features::tokens::Sent;
use crate::host::Host;
use crate::session::{Moment, Place, Session, Then};
use crate::shown::Shown;
use crate::tallies::{Seen, Tallies};
use crate::uri;
use crate::watching::Glob;

/// What the message loop, the handlers and the background share.
pub(crate) struct Server {
    /// The world.
    pub(crate) host: Arc<dyn Host>,
    /// The way to the client, for the background only.
    pub(crate) client: Client,
    /// Wakes the checker of texts.
    pub(crate) edited: Notify,
    /// Wakes the checker of outputs.
    pub(crate) checked: Notify,
    /// Rings when the client is ready to be talked to.
    pub(crate) greeted: Notify,
    /// Rings when the client says `exit`.
    pub(crate) exited: Notify,
    session: Mutex<Session>,
    shown: Mutex<Shown>,
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

/// What diagnostics are to tell: so many edits of anything, and so often something new that rendering found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ToShow {
    /// How many edits.
    pub(crate) edits: u64,
    /// How many times rendering found something new.
    pub(crate) news: u64,
}

/// What the loader is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Question {
    /// Which project does a folder belong to?
    Folder(Utf8PathBuf),
    /// What does the project with this root look like now?
    Reload(Utf8PathBuf),
    /// Which cases does the project with this root have, now that a template came or went?
    Cases(Utf8PathBuf),
    /// Files on disk came, changed or went.
    Disk(Vec<Utf8PathBuf>),
}

impl Server {
    /// A server that knows nothing yet, and the questions to its loader.
    pub(crate) fn new(client: Client, host: Arc<dyn Host>) -> (Arc<Self>, mpsc::UnboundedReceiver<Question>) {
        let (questions, asked) = mpsc::unbounded_channel();
        let server = Self {
            host,
            client,
            edited: Notify::new(),
            checked: Notify::new(),
            greeted: Notify::new(),
            exited: Notify::new(),
            session: Mutex::default(),
            shown: Mutex::default(),
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

    /// The state between two messages. It is held for moments, and never across a wait.
    pub(crate) fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the client was shown.
    pub(crate) fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts of outputs that the client shows.
    pub(crate) fn tallies(&self) -> MutexGuard<'_, Tallies> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the client watches.
    pub(crate) fn watched(&self) -> MutexGuard<'_, BTreeSet<Glob>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The semantic tokens that the client has.
    pub(crate) fn tokens(&self) -> MutexGuard<'_, Sent> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many edits of anything there were.
    pub(crate) fn edits(&self) -> u64 {
        self.edits.load(Ordering::Acquire)
    }

    /// What an account of outputs rests on.
    pub(crate) fn seen(&self) -> Seen {
        Seen { edits: self.edits(), changes: self.changes.load(Ordering::Acquire) }
    }

    /// Outputs changed on disk.
    pub(crate) fn count_change(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.checked.notify_one();
    }

    /// Something was edited, here or on disk.
    pub(crate) fn count_edit(&self) {
        self.edits.fetch_add(1, Ordering::AcqRel);
        self.edited.notify_one();
    }

    /// Asks the loader.
    pub(crate) fn ask(&self, question: Question) {
        self.session().ask();
        // The loader only ever ends with the server.
        let _ = self.questions.send(question);
    }

    /// The loader has answered so many questions. What it changed has been counted before.
    pub(crate) fn answered(&self, count: u64) {
        self.answered.send_modify(|answered| *answered += count);
        self.checked.notify_one();
    }

    /// Rendering found something new.
    pub(crate) fn count_news(&self) {
        self.news.fetch_add(1, Ordering::AcqRel);
    }

    /// What diagnostics are to tell now.
    pub(crate) fn to_show(&self) -> ToShow {
        ToShow { edits: self.edits(), news: self.news.load(Ordering::Acquire) }
    }

    /// Diagnostics have told so much.
    pub(crate) fn texts_are_shown(&self, shown: ToShow) {
        *self.texts_shown.lock().unwrap_or_else(PoisonError::into_inner) = shown;
    }

    /// Everything as it is now, if diagnostics have told all of so many edits and no question about a project is open.
    pub(crate) fn moment_when_all_is_shown(&self, edits: u64) -> Option<Moment> {
        // Edits are counted and questions asked while the session is held.
        let moment = self.session().moment();
        let is_answered = *self.answered.borrow() >= moment.asked;
        let shown = *self.texts_shown.lock().unwrap_or_else(PoisonError::into_inner);
        let to_show = self.to_show();
        (is_answered && shown == to_show && to_show.edits == edits).then_some(moment)
    }

    /// Passes on what a change of a document asks for. The session is still held, so that whoever sees the change sees too
    /// that it is counted and what was asked.
    pub(crate) fn follow(&self, session: &mut Session, uri: &Uri, then: Then) {
        let root = |path: &Utf8Path| session.moment().root_of(path).map(Utf8Path::to_owned);
        let question = match (then, uri::path(uri)) {
            (Then::Check, _) | (_, None) => None,
            (Then::Locate, Some(path)) => {
                Some(Question::Folder(path.parent().unwrap_or(Utf8Path::new("/")).to_owned()))
            }
            (Then::Reload, Some(path)) => root(&path).map(Question::Reload),
            (Then::Plan, Some(path)) => root(&path).map(Question::Cases),
        };
        if let Some(question) = question {
            session.ask();
            // The loader only ever ends with the server.
            let _ = self.questions.send(question);
        }
        self.count_edit();
    }

    /// The place of a document as of `moment`, after every question has been answered that was asked before.
    pub(crate) async fn place(&self, moment: &Moment, uri: &Uri) -> Option<Place> {
        if let Some(place) = moment.place(uri).filter(|place| place.project.snapshot.is_some()) {
            return Some(place);
        }
        let mut answered = self.answered.subscribe();
        answered.wait_for(|count| *count >= moment.asked).await.ok()?;
        let found = self.session().moment();
        Moment { projects: found.projects, ..moment.clone() }.place_with_documents(uri)
    }

    /// Has the client ask for its lenses again, from the background.
    pub(crate) fn renew_lenses(self: &Arc<Self>) {
        if self.session().moment().client.refreshes.contains(&Refresh::Lenses) {
            let server = Arc::clone(self);
            // A client that refuses shows its lenses as they are.
            tokio::spawn(async move { server.client.code_lens_refresh().await });
        }
    }

    /// Has the client ask for its inlay hints again, from the background.
    pub(crate) fn renew_hints(self: &Arc<Self>) {
        if self.session().moment().client.refreshes.contains(&Refresh::Hints) {
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
