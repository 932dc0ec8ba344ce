//! A project with the open documents in it, as one moment has it. Copies are cheap, and so is the next keystroke.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use camino::{Utf8Path, Utf8PathBuf};
use self_cell::self_cell;
use tgen_core::base::files::Files;
use tgen_core::config::Config;
use tgen_core::ide::{Cases, Preview, View};
use tgen_core::plan::Plan;
use tgen_core::project::Project;
use tgen_core::project::request::Request;
use tgen_core::template::library::Pack;

use crate::layered::Layered;

self_cell!(
    struct Cell {
        owner: Layered,
        #[covariant]
        dependent: Project,
    }
);

/// A project as one moment has it.
#[derive(Clone)]
pub(crate) struct Snapshot {
    below: Arc<dyn Files + Send + Sync>,
    pack: &'static Pack,
    texts: BTreeMap<Utf8PathBuf, Arc<str>>,
    cell: Arc<Cell>,
    cases: Arc<OnceLock<Cases>>,
    preview: Preview,
}

impl Snapshot {
    /// Reads a project.
    pub(crate) fn load(below: Arc<dyn Files + Send + Sync>, config: Config, pack: &'static Pack) -> Self {
        let files = Layered::new(Arc::clone(&below), BTreeMap::new());
        let cell = Arc::new(Cell::new(files, |files| Project::load(files, config, pack)));
        Self { below, pack, texts: BTreeMap::new(), cell, cases: Arc::default(), preview: Preview::default() }
    }

    /// The project with a document in it.
    pub(crate) fn with_open(&self, path: &Utf8Path, text: &Arc<str>) -> Self {
        if self.texts.get(path) == Some(text) {
            return self.clone();
        }
        let mut texts = self.texts.clone();
        texts.insert(path.to_owned(), Arc::clone(text));
        self.after(texts, path)
    }

    /// The project without a document in it.
    pub(crate) fn without_open(&self, path: &Utf8Path) -> Self {
        let mut texts = self.texts.clone();
        texts.remove(path);
        self.after(texts, path)
    }

    /// The project with another case to show.
    pub(crate) fn with_preview(&self, preview: Preview) -> Self {
        Self { preview, ..self.clone() }
    }

    /// The cases are kept: they follow from what is read once and from the names of templates, and who adds a template or
    /// takes one away has them planned again.
    fn after(&self, texts: BTreeMap<Utf8PathBuf, Arc<str>>, path: &Utf8Path) -> Self {
        let files = Layered::new(Arc::clone(&self.below), texts.clone());
        let changed = [path.to_owned()];
        let cell = Cell::new(files, |files| {
            let before = self.project();
            before.after(files, &changed).unwrap_or_else(|| Project::load(files, (*before.config).clone(), self.pack))
        });
        Self { texts, cell: Arc::new(cell), ..self.clone() }
    }

    /// The project.
    pub(crate) fn project(&self) -> &Project<'_> {
        self.cell.borrow_dependent()
    }

    /// What questions are asked of. The first one plans all cases.
    pub(crate) fn view(&self) -> View<'_> {
        View::new(self.project(), self.cases(), self.preview.clone())
    }

    fn cases(&self) -> &Cases {
        self.cases.get_or_init(|| Cases::of(&Plan::new(self.project(), &Request::default())))
    }

    /// The project with its cases planned again.
    pub(crate) fn planned_again(&self) -> Self {
        let planned = Self { cases: Arc::default(), ..self.clone() };
        planned.cases();
        planned
    }

    /// The project with the cases of another moment.
    pub(crate) fn with_cases_of(&self, planned: &Self) -> Self {
        Self { cases: Arc::clone(&planned.cases), ..self.clone() }
    }

    /// Whether a file is an output or stands among them, and nothing is read from it.
    pub(crate) fn is_among_outputs(&self, path: &Utf8Path) -> bool {
        !self.project().is_read_from(path) && self.cases().is_among_outputs(path)
    }

    /// Whether there is a template at a path.
    pub(crate) fn has_template(&self, path: &Utf8Path) -> bool {
        let project = self.project();
        project.template_name(path).is_some_and(|name| project.library.contains(&name))
    }

    /// Whether a file is read once, when the project is: its configuration, the pipeline map or what stands beside it.
    pub(crate) fn is_read_once(&self, path: &Utf8Path) -> bool {
        self.project().inputs.files().any(|file| file == path)
    }

    /// The text of a file: of the open document, else what is on disk.
    pub(crate) fn text(&self, path: &Utf8Path) -> Option<Arc<str>> {
        let read = || self.project().library.text_of(path).or_else(|| self.below.read_text(path).ok()).map(Arc::from);
        self.texts.get(path).cloned().or_else(read)
    }
}
