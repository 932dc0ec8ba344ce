//! Finds and reads projects in the background, and follows the changes of their inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::files::Files;
use tgen_core::base::problem::Problem;
use tgen_core::change::{Change, Changes};
use tgen_core::config::{self, Config};
use tgen_core::project::inputs::Inputs;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use tower_lsp::ls_types::{MessageType, ProgressToken};

use crate::host::ServedProject;
use crate::layered::{Layered, Texts};
use crate::server::{Question, Server};
use crate::snapshot::Snapshot;
use crate::state::Loaded;
use crate::watching;

/// Changes on disk come in bursts (a checkout, saving all files); this is how long to wait for the rest of one.
const SWARM: Duration = Duration::from_millis(30);

/// Adding or removing a template changes the set of cases. Nothing that is shown while the user types depends on it, so
/// planning waits until the client is quiet for this long.
const QUIET: Duration = Duration::from_millis(250);

/// The longest delay of an answer, however many questions arrive.
const LONGEST: Duration = Duration::from_secs(1);

/// How long to wait for `initialized` after the answer to `initialize`.
const GREETING: Duration = Duration::from_millis(200);

/// How long a client may take to accept a progress indicator. Without an answer, none is shown.
const PATIENCE: Duration = Duration::from_millis(500);

/// Answers questions until the server ends.
pub(crate) async fn run(server: Arc<Server>, mut questions: UnboundedReceiver<Question>) {
    let mut loader = Loader { server, known: BTreeMap::new(), told: BTreeSet::new() };
    let mut batch = Vec::new();
    // Progress may be requested after the answer to `initialize`. If the client does not send `initialized`, the wait
    // ends.
    let _ = tokio::time::timeout(GREETING, loader.server.greeted.notified()).await;
    while questions.recv_many(&mut batch, usize::MAX).await > 0 {
        wait_for_more(&mut batch, &mut questions).await;
        let count = batch.len() as u64;
        loader = loader.answer(std::mem::take(&mut batch)).await;
        loader.server.count_edit();
        loader.server.answered(count);
    }
}

/// Collects more questions, as long as the most urgent one allows.
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

/// How long a question can wait for others.
fn patience(question: &Question) -> Duration {
    match question {
        Question::Folder(_) | Question::Reload(_) => Duration::ZERO,
        Question::Disk(_) => SWARM,
        Question::Cases(_) => QUIET,
    }
}

struct Loader {
    server: Arc<Server>,
    /// The known projects, by root.
    known: BTreeMap<Utf8PathBuf, ServedProject>,
    /// Messages that the user has seen.
    told: BTreeSet<String>,
}

impl Loader {
    async fn answer(mut self, questions: Vec<Question>) -> Self {
        let progress = self.begin_progress(&questions).await;
        // Reading blocks, so it runs on a blocking thread.
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

    /// Shows progress when a project is first read, but not for changes on disk.
    async fn begin_progress(
        &self,
        questions: &[Question],
    ) -> Option<tower_lsp::OngoingProgress<tower_lsp::Unbounded, tower_lsp::NotCancellable>> {
        let is_first = questions.iter().any(|question| matches!(question, Question::Folder(_)));
        if !is_first || !self.server.state().moment().client.shows_progress {
            return None;
        }
        let token = ProgressToken::String("tgen-index".to_owned());
        let created = self.server.client.create_work_done_progress(token.clone());
        tokio::time::timeout(PATIENCE, created).await.ok()?.ok()?;
        Some(self.server.client.progress(token, "cargo-tgen: reading templates").begin().await)
    }

    fn read(&mut self, questions: Vec<Question>) {
        let (mut roots, mut to_plan, mut changed) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for question in questions {
            match question {
                Question::Folder(folder) => roots.extend(self.locate(&folder)),
                Question::Reload(root) => roots.extend([root]),
                Question::Disk(paths) => changed.extend(paths),
                Question::Cases(root) => to_plan.extend([root]),
            }
        }
        for (root, changes) in self.changes_by_root(&changed, &mut roots) {
            if !roots.contains(&root) && !self.follow(&root, &changes) {
                roots.insert(root);
            }
        }
        for root in to_plan.difference(&roots) {
            self.plan(root);
        }
        for root in &roots {
            self.load(root);
        }
    }

    /// Plans a project whose set of templates was changed by open documents.
    fn plan(&self, root: &Utf8Path) {
        let moment = self.server.state().moment();
        let snapshot = moment.projects.get(root).and_then(|project| project.snapshot.as_ref());
        if let Some(planned) = snapshot {
            // Planning takes milliseconds, so it runs without the lock of the state.
            let _ = planned.plan();
            self.server.state().planned(root, planned);
        }
    }

    /// The root of a folder's project, if the project is new or has moved.
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

    /// Without a configuration, the project's root is the folder that the client has open.
    fn folder_around(&self, folder: &Utf8Path) -> Utf8PathBuf {
        let state = self.server.state();
        let around = state.folders.iter().find(|open| folder.starts_with(open));
        around.map_or_else(|| folder.to_owned(), Clone::clone)
    }

    /// Groups changes on disk by the projects that they may concern. If a configuration may have been created or
    /// deleted, its projects are added to `roots`, to be loaded again.
    fn changes_by_root(
        &mut self,
        paths: &[Utf8PathBuf],
        roots: &mut BTreeSet<Utf8PathBuf>,
    ) -> BTreeMap<Utf8PathBuf, Changes> {
        let mut by_root: BTreeMap<Utf8PathBuf, Changes> = BTreeMap::new();
        for path in paths {
            let folder = path.parent().unwrap_or(path);
            let is_configuration = watching::is_configuration(path);
            if is_configuration {
                self.forget_below(folder);
                roots.extend(self.locate(folder));
            }
            let root = self.known.keys().rfind(|root| path.starts_with(root)).cloned();
            match root.and_then(|root| Some((path.strip_prefix(&root).ok()?.to_owned(), root))) {
                Some((_, root)) if is_configuration => drop(roots.insert(root)),
                Some((_, root)) if self.is_among_outputs(&root, path) => self.server.count_change(),
                Some((below, root)) => by_root.entry(root).or_default().add(Change::At(below)),
                None => {}
            }
        }
        by_root
    }

    /// Applies changes on disk to a project; false if it has to be loaded again.
    fn follow(&self, root: &Utf8Path, changes: &Changes) -> bool {
        let moment = self.server.state().moment();
        let Some(project) = moment.projects.get(root) else { return false };
        let known = project.snapshot.as_ref().filter(|_| project.config_problems.is_empty());
        let Some(snapshot) = known.and_then(|snapshot| snapshot.changed_on_disk(changes)) else { return false };
        self.server.state().loaded(root.to_owned(), Loaded { snapshot: Some(snapshot), ..project.clone() });
        true
    }

    /// Whether a path can only be an output, so that the project does not change.
    fn is_among_outputs(&self, root: &Utf8Path, path: &Utf8Path) -> bool {
        let moment = self.server.state().moment();
        let snapshot = moment.projects.get(root).and_then(|project| project.snapshot.as_ref());
        let below = path.strip_prefix(root).ok();
        snapshot.zip(below).is_some_and(|(snapshot, below)| snapshot.is_among_outputs(below))
    }

    fn forget_below(&mut self, folder: &Utf8Path) {
        let gone: Vec<_> = self.known.keys().filter(|root| root.as_path() == folder).cloned().collect();
        for root in gone {
            self.known.remove(&root);
            self.server.state().forget(&root);
        }
    }

    /// Loads a project, and repeats that if the client changed an input meanwhile that is read only during loading.
    fn load(&mut self, root: &Utf8Path) {
        let Some(located) = self.known.get(root).cloned() else { return };
        loop {
            let texts = self.open_texts(root);
            let loaded = self.read_project(&located, &texts);
            self.tell_of_configuration(root, &loaded, &texts);
            let mut state = self.server.state();
            state.loaded(root.to_owned(), loaded);
            if !state.has_newer_inputs(root, &texts) {
                return;
            }
        }
    }

    /// If the configuration is open, its problems are shown as diagnostics, so that typing in it raises no messages.
    fn tell_of_configuration(&mut self, root: &Utf8Path, loaded: &Loaded, texts: &Texts) {
        let error = loaded.config_problems.iter().find(|problem| problem.is_error());
        let is_open = loaded.config_path.as_ref().is_some_and(|path| texts.contains_key(path));
        if let Some(error) = error.filter(|_| !is_open) {
            let file = loaded.config_path.as_ref().map_or(root.to_owned(), |path| root.join(path));
            self.tell_once(MessageType::ERROR, format!("cargo-tgen: `{file}` cannot be used: {}", error.message));
        }
    }

    fn read_project(&self, located: &ServedProject, texts: &Texts) -> Loaded {
        let files = self.server.host.files(&located.root);
        let open = Layered::new(Arc::clone(&files), texts.clone());
        let config =
            located.origin.map_or_else(|| Ok(Config::unconfigured(&open)), |origin| config::load(&open, origin));
        let config_path = located.origin.map(|origin| Utf8PathBuf::from(origin.file_name()));
        let (snapshot, problems) = match config {
            Ok(config) => (Some(self.snapshot(files, config, texts)), Vec::new()),
            Err(problems) => (self.as_saved(located, &files, texts), problems),
        };
        let config_problems: Arc<[Problem]> = problems.into();
        Loaded { snapshot, config_problems, config_path }
    }

    /// If the open configuration is not valid and no project was loaded before, the configuration on disk is used.
    fn as_saved(
        &self,
        located: &ServedProject,
        files: &Arc<dyn Files + Send + Sync>,
        texts: &Texts,
    ) -> Option<Snapshot> {
        let moment = self.server.state().moment();
        let has_one = moment.projects.get(&located.root).is_some_and(|project| project.snapshot.is_some());
        let config =
            located.origin.filter(|_| !has_one).and_then(|origin| config::load(files.as_ref(), origin).ok())?;
        Some(self.snapshot(Arc::clone(files), config, texts))
    }

    /// Open documents of inputs that are read only during loading, such as the pipeline map, are overlaid first; all
    /// others are added to the project one by one, like later edits.
    fn snapshot(&self, files: Arc<dyn Files + Send + Sync>, config: Config, texts: &Texts) -> Snapshot {
        let inputs = Inputs::of(&config);
        let mut below = texts.clone();
        below.retain(|path, _| inputs.files().any(|file| file == path));
        let snapshot = Snapshot::load(Arc::new(Layered::new(files, below)), config, self.server.host.pack());
        let snapshot = texts.iter().fold(snapshot, |snapshot, (path, text)| snapshot.with_open(path, text));
        // Planning takes milliseconds, so it is done here instead of between two messages.
        snapshot.view();
        snapshot
    }

    fn open_texts(&self, root: &Utf8Path) -> Texts {
        let moment = self.server.state().moment();
        moment.documents_below(root).map(|(open, path)| (path.to_owned(), Arc::clone(&open.document.text))).collect()
    }

    /// Shows a message, unless the user has seen it.
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
