//! A project with the open documents as an overlay, at one message. Clones are cheap, and an edit shares everything
//! unaffected.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use self_cell::self_cell;
use tgen_core::base::files::Files;
use tgen_core::change::{Change, Changes, follow};
use tgen_core::config::Config;
use tgen_core::ide::edited::{self, Move, MoveTarget};
use tgen_core::ide::{Preview, View};
use tgen_core::plan::{Plan, Planned};
use tgen_core::project::Project;
use tgen_core::project::request::Request;
use tgen_core::template::library::Pack;

use crate::layered::{Layered, Texts};

self_cell!(
    struct Cell {
        owner: Layered,
        #[covariant]
        dependent: Project,
    }
);

/// A project at one message.
#[derive(Clone)]
pub(crate) struct Snapshot {
    below: Arc<dyn Files + Send + Sync>,
    pack: &'static Pack,
    texts: Texts,
    cell: Arc<Cell>,
    /// The plan of this snapshot, computed on first use.
    plan: Arc<OnceLock<Arc<Planned>>>,
    /// The plan of an earlier snapshot, whose cases are still correct.
    earlier: Option<Arc<Planned>>,
    preview: Preview,
    /// What moving the edits of outputs takes, as far as that was asked for.
    moves: Arc<Mutex<Moves>>,
}

/// What moving the edits of outputs takes, or why they cannot be moved.
type Moves = BTreeMap<(Utf8PathBuf, MoveTarget), Result<Move, String>>;

impl Snapshot {
    /// Reads a project.
    pub(crate) fn load(below: Arc<dyn Files + Send + Sync>, config: Config, pack: &'static Pack) -> Self {
        let files = Layered::new(Arc::clone(&below), BTreeMap::new());
        let cell = Arc::new(Cell::new(files, |files| Project::load(files, config, pack)));
        let (texts, plan, preview) = (BTreeMap::new(), Arc::default(), Preview::default());
        Self { below, pack, texts, cell, plan, earlier: None, preview, moves: Arc::default() }
    }

    /// The project with a document opened or changed.
    pub(crate) fn with_open(&self, path: &Utf8Path, text: &Arc<str>) -> Self {
        if self.texts.get(path) == Some(text) {
            return self.clone();
        }
        let mut texts = self.texts.clone();
        texts.insert(path.to_owned(), Arc::clone(text));
        self.after(texts, path)
    }

    /// The project with a document closed.
    pub(crate) fn without_open(&self, path: &Utf8Path) -> Self {
        let mut texts = self.texts.clone();
        texts.remove(path);
        self.after(texts, path)
    }

    /// The project with another previewed case.
    pub(crate) fn with_preview(&self, preview: Preview) -> Self {
        Self { preview, ..self.clone() }
    }

    /// The cases are kept, because they follow from the configuration, the pipeline map and the names of templates. A
    /// caller that adds or removes a template requests a new plan.
    fn after(&self, texts: Texts, path: &Utf8Path) -> Self {
        let files = Layered::new(Arc::clone(&self.below), texts.clone());
        let changes = Changes::from_iter([Change::At(path.to_owned())]);
        let cell = Cell::new(files, |files| {
            let before = self.project();
            follow(before, files, &changes).unwrap_or_else(|| Project::load(files, (*before.config).clone(), self.pack))
        });
        let earlier = self.plan.get().or(self.earlier.as_ref()).cloned();
        Self { texts, cell: Arc::new(cell), plan: Arc::default(), moves: Arc::default(), earlier, ..self.clone() }
    }

    /// The project after changes of files on disk, planned. `None` if it has to be loaded again.
    pub(crate) fn changed_on_disk(&self, changes: &Changes) -> Option<Self> {
        let files = Layered::new(Arc::clone(&self.below), self.texts.clone());
        let cell = Cell::try_new(files, |files| follow(self.project(), files, changes).ok_or(())).ok()?;
        let (plan, moves) = (Arc::default(), Arc::default());
        let followed = Self { cell: Arc::new(cell), plan, moves, earlier: None, ..self.clone() };
        followed.planned();
        Some(followed)
    }

    /// The project with exactly these documents as its overlay.
    pub(crate) fn with_documents<'d>(&self, documents: impl Iterator<Item = (&'d Utf8Path, &'d Arc<str>)>) -> Self {
        let documents: BTreeMap<_, _> = documents.collect();
        let closed = self.texts.keys().filter(|path| !documents.contains_key(path.as_path()));
        let without = closed.fold(self.clone(), |snapshot, path| snapshot.without_open(path));
        documents.into_iter().fold(without, |snapshot, (path, text)| snapshot.with_open(path, text))
    }

    /// The project.
    pub(crate) fn project(&self) -> &Project<'_> {
        self.cell.borrow_dependent()
    }

    /// The view for core's editor features. Its cases may be those of an earlier snapshot.
    pub(crate) fn view(&self) -> View<'_> {
        View::new(self.project(), self.cases(), self.preview.clone())
    }

    /// The plan of this snapshot. All clones share it, so a change is planned once.
    pub(crate) fn plan(&self) -> Plan<'_> {
        Plan { project: self.project(), planned: Arc::clone(self.planned()) }
    }

    /// What moving the edits of an output takes. All copies of a snapshot share the answer.
    pub(crate) fn moved(&self, path: &Utf8Path, target: MoveTarget) -> Result<Move, String> {
        if let Some(known) = self.known_move(path, target) {
            return known;
        }
        let found = edited::moved(&self.plan(), path, target);
        self.moves().insert((path.to_owned(), target), found.clone());
        found
    }

    /// What moving the edits of an output takes, if it was asked for.
    pub(crate) fn known_move(&self, path: &Utf8Path, target: MoveTarget) -> Option<Result<Move, String>> {
        self.moves().get(&(path.to_owned(), target)).cloned()
    }

    fn moves(&self) -> MutexGuard<'_, Moves> {
        self.moves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn planned(&self) -> &Arc<Planned> {
        self.plan.get_or_init(|| Plan::new(self.project(), &Request::default()).planned)
    }

    fn cases(&self) -> &Planned {
        self.plan.get().or(self.earlier.as_ref()).unwrap_or_else(|| self.planned())
    }

    /// The project with the cases of another snapshot.
    pub(crate) fn with_cases_of(&self, planned: &Self) -> Self {
        Self { earlier: Some(Arc::clone(planned.planned())), ..self.clone() }
    }

    /// Whether a file is an output or is in a folder of outputs, and is not an input.
    pub(crate) fn is_among_outputs(&self, path: &Utf8Path) -> bool {
        !self.project().is_read_from(path) && self.cases().is_among_outputs(path)
    }

    /// Whether there is a template at a path.
    pub(crate) fn has_template(&self, path: &Utf8Path) -> bool {
        let project = self.project();
        project.template_name(path).is_some_and(|name| project.library.contains(&name))
    }

    /// Whether a file is an input that is read only when the project is loaded: the configuration, the pipeline map,
    /// the auto classes.
    pub(crate) fn is_read_once(&self, path: &Utf8Path) -> bool {
        self.project().inputs.files().any(|file| file == path)
    }

    /// The text of a file: of the open document, else of the file on disk.
    pub(crate) fn text(&self, path: &Utf8Path) -> Option<Arc<str>> {
        let read = || self.project().library.text_of(path).or_else(|| self.below.read_text(path).ok()).map(Arc::from);
        self.texts.get(path).cloned().or_else(read)
    }
}
