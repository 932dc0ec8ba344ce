//! Finds and reads projects in the background, and again when what they were read from changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::files::Files;
use tgen_core::base::problem::Problem;
use tgen_core::config::{self, Config};
use tgen_core::project::inputs::Inputs;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use tower_lsp::ls_types::{MessageType, ProgressToken};

use crate::host::Located;
use crate::layered::Layered;
use crate::server::{Question, Server};
use crate::session::Loaded;
use crate::snapshot::Snapshot;
use crate::watching;

/// Changes on disk come in swarms (a checkout, a save of all files); so long is waited for the rest of one.
const SWARM: Duration = Duration::from_millis(30);

/// A template that came or went changes which cases there are, and nothing that is seen of a text as it is typed; planning
/// them again waits until the client is quiet for so long.
const QUIET: Duration = Duration::from_millis(250);

/// However much is asked, an answer is put off no longer.
const LONGEST: Duration = Duration::from_secs(1);

/// So long a client that was answered may take to say that it is ready.
const GREETING: Duration = Duration::from_millis(200);

/// Answers questions until the server ends.
pub(crate) async fn run(server: Arc<Server>, mut questions: UnboundedReceiver<Question>) {
    let mut loader = Loader { server, known: BTreeMap::new(), told: BTreeSet::new() };
    let mut batch = Vec::new();
    // Progress may be asked for when `initialize` has been answered. A client that does not say so is not waited for.
    let _ = tokio::time::timeout(GREETING, loader.server.greeted.notified()).await;
    while questions.recv_many(&mut batch, usize::MAX).await > 0 {
        wait_for_more(&mut batch, &mut questions).await;
        let count = batch.len() as u64;
        loader = loader.answer(std::mem::take(&mut batch)).await;
        loader.server.count_edit();
        loader.server.answered(count);
    }
}

/// Waits as long as the most urgent question can.
async fn wait_for_more(batch: &mut Vec<Question>, questions: &mut UnboundedReceiver<Question>) {
    let latest = Instant::now() + LONGEST;
    while let Some(patience) = batch.iter().map(patience).min().filter(|patience| !patience.is_zero()) {
        let until = latest.min(Instant::now() + patience);
        match tokio::time::timeout_at(until, questions.recv()).await {
            Ok(Some(question)) => batch.push(question),
            Ok(None) | Err(_) => return,
        }
    }
}

/// How long a question can wait for others to come.
fn patience(question: &Question) -> Duration {
    match question {
        Question::Folder(_) | Question::Reload(_) => Duration::ZERO,
        Question::Disk(_) => SWARM,
        Question::Cases(_) => QUIET,
    }
}

struct Loader {
    server: Arc<Server>,
    /// The projects that were found, by their roots.
    known: BTreeMap<Utf8PathBuf, Located>,
    /// What the user was told already.
    told: BTreeSet<String>,
}

impl Loader {
    async fn answer(mut self, questions: Vec<Question>) -> Self {
        let progress = self.begin_progress(&questions).await;
        // Reading is work for a thread that may block.
        let answering = tokio::task::spawn_blocking(move || {
            self.read(questions);
            self
        });
        let answered = match answering.await {
            Ok(loader) => loader,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        if let Some(progress) = progress {
            progress.finish().await;
        }
        watching::renew(&answered.server);
        answered
    }

    /// Progress is for the first look at a project, not for each change on disk.
    async fn begin_progress(
        &self,
        questions: &[Question],
    ) -> Option<tower_lsp::OngoingProgress<tower_lsp::Unbounded, tower_lsp::NotCancellable>> {
        let is_first = questions.iter().any(|question| matches!(question, Question::Folder(_)));
        if !is_first || !self.server.session().moment().client.shows_progress {
            return None;
        }
        let token = ProgressToken::String("tgen-index".to_owned());
        self.server.client.create_work_done_progress(token.clone()).await.ok()?;
        Some(self.server.client.progress(token, "cargo-tgen: reading templates").begin().await)
    }

    fn read(&mut self, questions: Vec<Question>) {
        let (mut roots, mut to_plan) = (BTreeSet::new(), BTreeSet::new());
        for question in questions {
            match question {
                Question::Folder(folder) => roots.extend(self.locate(&folder)),
                Question::Reload(root) => roots.extend([root]),
                Question::Disk(paths) => roots.extend(self.touched(&paths)),
                Question::Cases(root) => to_plan.extend([root]),
            }
        }
        for root in to_plan.difference(&roots) {
            self.plan(root);
        }
        for root in &roots {
            self.load(root);
        }
    }

    /// Nothing but the names of templates has changed, which the session knows.
    fn plan(&self, root: &Utf8Path) {
        let moment = self.server.session().moment();
        let snapshot = moment.projects.get(root).and_then(|project| project.snapshot.as_ref());
        if let Some(planned) = snapshot {
            // Planning takes milliseconds, so the session is not held meanwhile.
            let _ = planned.plan();
            self.server.session().planned(root, planned);
        }
    }

    /// The root of a folder's project, if it is news.
    fn locate(&mut self, folder: &Utf8Path) -> Option<Utf8PathBuf> {
        match self.server.host.locate(folder) {
            Ok(mut located) => {
                if located.origin.is_none() {
                    located.root = self.folder_around(folder);
                    self.tell_once(MessageType::INFO, nothing_found(&located.root));
                }
                let root = located.root.clone();
                let is_news = self.known.insert(root.clone(), located.clone()) != Some(located);
                is_news.then_some(root)
            }
            Err(reason) => {
                self.tell_once(MessageType::ERROR, format!("cargo-tgen: {reason}"));
                None
            }
        }
    }

    /// Where nothing is configured, the folder that the client has open is the project.
    fn folder_around(&self, folder: &Utf8Path) -> Utf8PathBuf {
        let session = self.server.session();
        let around = session.folders.iter().find(|open| folder.starts_with(open));
        around.map_or_else(|| folder.to_owned(), Clone::clone)
    }

    /// The roots of the projects that changes on disk concern. A configuration may have come or gone.
    fn touched(&mut self, paths: &[Utf8PathBuf]) -> BTreeSet<Utf8PathBuf> {
        let mut roots = BTreeSet::new();
        for path in paths {
            let folder = path.parent().unwrap_or(path);
            if watching::is_configuration(path) {
                self.forget_below(folder);
                roots.extend(self.locate(folder));
            }
            let root = self.known.keys().rfind(|root| path.starts_with(root)).cloned();
            match root {
                Some(root) if self.is_among_outputs(&root, path) => self.server.count_change(),
                root => roots.extend(root),
            }
        }
        roots
    }

    /// Whether nothing but an output can have changed there, so that the project needs not be read again.
    fn is_among_outputs(&self, root: &Utf8Path, path: &Utf8Path) -> bool {
        let moment = self.server.session().moment();
        let snapshot = moment.projects.get(root).and_then(|project| project.snapshot.as_ref());
        let below = path.strip_prefix(root).ok();
        snapshot.zip(below).is_some_and(|(snapshot, below)| snapshot.is_among_outputs(below))
    }

    fn forget_below(&mut self, folder: &Utf8Path) {
        let gone: Vec<_> = self.known.keys().filter(|root| root.as_path() == folder).cloned().collect();
        for root in gone {
            self.known.remove(&root);
            self.server.session().forget(&root);
        }
    }

    fn load(&mut self, root: &Utf8Path) {
        let Some(located) = self.known.get(root).cloned() else { return };
        let loaded = self.read_project(&located);
        let is_open = loaded.config_path.as_ref().is_some_and(|path| self.open_texts(root).contains_key(path));
        // An open configuration shows its problems where they are; half-written keys are no news.
        if let Some(first) = loaded.config_problems.iter().find(|problem| problem.is_error() && !is_open) {
            let file = loaded.config_path.as_ref().map_or(root.to_owned(), |path| root.join(path));
            self.tell_once(MessageType::ERROR, format!("cargo-tgen: `{file}` cannot be used: {}", first.message));
        }
        self.server.session().loaded(root.to_owned(), loaded);
    }

    fn read_project(&self, located: &Located) -> Loaded {
        let files = self.server.host.files(&located.root);
        let open = Layered::new(Arc::clone(&files), self.open_texts(&located.root));
        let config =
            located.origin.map_or_else(|| Ok(Config::unconfigured(&open)), |origin| config::load(&open, origin));
        let config_path = located.origin.map(|origin| Utf8PathBuf::from(origin.file_name()));
        let (snapshot, problems) = match config {
            Ok(config) => (Some(self.snapshot(&located.root, files, config)), Vec::new()),
            Err(problems) => (self.as_saved(located, &files), problems),
        };
        let config_problems: Arc<[Problem]> = problems.into();
        Loaded { snapshot, config_problems, config_path }
    }

    /// While the configuration that is open cannot be read, the last one that could be stays; at the beginning, that is the
    /// one on disk.
    fn as_saved(&self, located: &Located, files: &Arc<dyn Files + Send + Sync>) -> Option<Snapshot> {
        let moment = self.server.session().moment();
        let has_one = moment.projects.get(&located.root).is_some_and(|project| project.snapshot.is_some());
        let config =
            located.origin.filter(|_| !has_one).and_then(|origin| config::load(files.as_ref(), origin).ok())?;
        Some(self.snapshot(&located.root, Arc::clone(files), config))
    }

    /// A configuration or a map that is open counts as it is there; the other documents are laid over it later.
    fn snapshot(&self, root: &Utf8Path, files: Arc<dyn Files + Send + Sync>, config: Config) -> Snapshot {
        let inputs = Inputs::of(&config);
        let mut texts = self.open_texts(root);
        texts.retain(|path, _| inputs.files().any(|file| file == path));
        let snapshot = Snapshot::load(Arc::new(Layered::new(files, texts)), config, self.server.host.pack());
        let open = self.open_texts(root).into_iter();
        let snapshot = open.fold(snapshot, |snapshot, (path, text)| snapshot.with_open(&path, &text));
        // Planning is for this thread: the message loop and the first request find it done.
        snapshot.view();
        snapshot
    }

    fn open_texts(&self, root: &Utf8Path) -> BTreeMap<Utf8PathBuf, Arc<str>> {
        let moment = self.server.session().moment();
        moment.documents_below(root).map(|(open, path)| (path.to_owned(), Arc::clone(&open.document.text))).collect()
    }

    /// The same sentence again and again is no news.
    fn tell_once(&mut self, kind: MessageType, message: String) {
        if self.told.insert(message.clone()) {
            self.server.tell(kind, message);
        }
    }
}

fn nothing_found(root: &Utf8Path) -> String {
    format!(
        "cargo-tgen: no `tgen.toml` in or above `{root}`; the built-in templates and models serve. \
         Run `cargo tgen init` to begin a project"
    )
}
