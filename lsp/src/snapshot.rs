//! A project with the open documents in it, as one moment has it. Copies are cheap, and so is the next keystroke.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use camino::{Utf8Path, Utf8PathBuf};
use self_cell::self_cell;
use tgen_core::base::files::Files;
use tgen_core::config::Config;
use tgen_core::ide::{Preview, View};
use tgen_core::plan::{Plan, Planned};
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
    /// The plan of this moment, made when it is first asked for.
    plan: Arc<OnceLock<Arc<Planned>>>,
    /// The plan of an earlier moment, whose cases are still the project's.
    earlier: Option<Arc<Planned>>,
    preview: Preview,
}

impl Snapshot {
    /// Reads a project.
    pub(crate) fn load(below: Arc<dyn Files + Send + Sync>, config: Config, pack: &'static Pack) -> Self {
        let files = Layered::new(Arc::clone(&below), BTreeMap::new());
        let cell = Arc::new(Cell::new(files, |files| Project::load(files, config, pack)));
        let (texts, plan, preview) = (BTreeMap::new(), Arc::default(), Preview::default());
        Self { below, pack, texts, cell, plan, earlier: None, preview }
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

    /// The cases are kept: they follow from the configuration, the pipeline map and the names of templates. A caller that
    /// adds or removes a template asks for a new plan.
    fn after(&self, texts: BTreeMap<Utf8PathBuf, Arc<str>>, path: &Utf8Path) -> Self {
        let files = Layered::new(Arc::clone(&self.below), texts.clone());
        let changed = [path.to_owned()];
        let cell = Cell::new(files, |files| {
            let before = self.project();
            before.after(files, &changed).unwrap_or_else(|| Project::load(files, (*before.config).clone(), self.pack))
        });
        let earlier = self.plan.get().or(self.earlier.as_ref()).cloned();
        Self { texts, cell: Arc::new(cell), plan: Arc::default(), earlier, ..self.clone() }
    }

    /// The project.
    pub(crate) fn project(&self) -> &Project<'_> {
        self.cell.borrow_dependent()
    }

    /// What questions are asked of. Its cases may be those of an earlier moment.
    pub(crate) fn view(&self) -> View<'_> {
        View::new(self.project(), self.cases(), self.preview.clone())
    }

    /// The plan of this moment. All copies of a snapshot share it, so a change is planned once however many ask.
    pub(crate) fn plan(&self) -> Plan<'_> {
        Plan { project: self.project(), planned: Arc::clone(self.planned()) }
    }

    fn planned(&self) -> &Arc<Planned> {
        self.plan.get_or_init(|| Plan::new(self.project(), &Request::default()).planned)
    }

    fn cases(&self) -> &Planned {
        self.plan.get().or(self.earlier.as_ref()).unwrap_or_else(|| self.planned())
    }

    /// The project with the cases of another moment.
    pub(crate) fn with_cases_of(&self, planned: &Self) -> Self {
        Self { earlier: Some(Arc::clone(planned.planned())), ..self.clone() }
    }

    /// Whether a file is an output or stands among outputs, and no input of the project.
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
