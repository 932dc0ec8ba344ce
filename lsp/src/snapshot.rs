//! One consistent view of a project with the open documents in it. Copies are cheap, and so is the next keystroke.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use self_cell::self_cell;
use tgen_core::config::Config;
use tgen_core::files::Files;
use tgen_core::lint::lint;
use tgen_core::plan::{Plan, Request};
use tgen_core::problem::Problem;
use tgen_core::project::Project;
use tgen_core::strictness::check_placeholders;
use tgen_core::template::compiled::{Compiled, compile};
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
}

impl Snapshot {
    pub(crate) fn load(below: Arc<dyn Files + Send + Sync>, config: Config, pack: &'static Pack) -> Self {
        let files = Layered::new(Arc::clone(&below), BTreeMap::new());
        let cell = Arc::new(Cell::new(files, |files| Project::load(files, config, pack)));
        Self { below, pack, texts: BTreeMap::new(), cell }
    }

    pub(crate) fn with_open(&self, path: &Utf8Path, text: &str) -> Self {
        let mut texts = self.texts.clone();
        texts.insert(path.to_owned(), Arc::from(text));
        self.after(texts, path)
    }

    pub(crate) fn without_open(&self, path: &Utf8Path) -> Self {
        let mut texts = self.texts.clone();
        texts.remove(path);
        self.after(texts, path)
    }

    fn after(&self, texts: BTreeMap<Utf8PathBuf, Arc<str>>, path: &Utf8Path) -> Self {
        let files = Layered::new(Arc::clone(&self.below), texts.clone());
        let changed = [path.to_owned()];
        let cell = Cell::new(files, |files| {
            let before = self.project();
            before.after(files, &changed).unwrap_or_else(|| Project::load(files, (*before.config).clone(), self.pack))
        });
        Self { below: Arc::clone(&self.below), pack: self.pack, texts, cell: Arc::new(cell) }
    }

    pub(crate) fn project(&self) -> &Project<'_> {
        self.cell.borrow_dependent()
    }

    /// Whether a file is read once, when the project is: its configuration, the pipeline map or what stands beside it.
    pub(crate) fn is_read_once(&self, path: &Utf8Path) -> bool {
        let project = self.project();
        let is_reference = project.config.skillset.as_ref().is_some_and(|folder| path.starts_with(&folder.value));
        project.is_input(path) && !is_reference
    }

    /// The text of a file: of the open document, else what is on disk.
    pub(crate) fn text(&self, path: &Utf8Path) -> Option<Arc<str>> {
        let read = || self.project().library.text_of(path).or_else(|| self.below.read_text(path).ok()).map(Arc::from);
        self.texts.get(path).cloned().or_else(read)
    }
}

/// The problems of a file that its text and the project tell without rendering it.
pub(crate) fn of_file(snapshot: &Snapshot, path: &Utf8Path) -> Vec<Problem> {
    let project = snapshot.project();
    let mut problems: Vec<_> =
        project.problems.iter().filter(|problem| problem.path.as_deref() == Some(path)).cloned().collect();
    if let Some(name) = project.template_name(path).filter(|name| project.library.contains(name)) {
        match (compile(&project.library, &name), Compiled::inline("output", "{{ hardware_type }}{{ batch_size }}")) {
            (Ok(compiled), Ok(output)) => problems.extend(check_placeholders(&project.config, &compiled, &output)),
            (Err(found), _) | (_, Err(found)) => problems.extend(found),
        }
    }
    problems
}

/// What rendering tells of a file; nothing complete once `go_on` is false.
pub(crate) fn of_outputs(snapshot: &Snapshot, path: &Utf8Path, go_on: &(dyn Fn() -> bool + Sync)) -> Vec<Problem> {
    if !go_on() || snapshot.project().template_name(path).is_none() {
        return Vec::new();
    }
    let plan = Plan::new(snapshot.project(), &Request::default());
    let mut problems = lint(&plan, &|| ());
    problems.retain(|problem| problem.path.as_deref() == Some(path));
    problems
}
