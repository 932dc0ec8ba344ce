//! The state of the server: the open documents, the projects they belong to, and what the client can do.
//!
//! Nothing here blocks or takes milliseconds, because it runs between two messages of the client.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::problem::Problem;
use tgen_core::ide::{Preview, View};
use tgen_core::lint::diagnostics::of_file;
use tower_lsp::ls_types::{DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, Uri};

use crate::abilities::ClientAbilities;
use crate::document::Document;
use crate::layered::Texts;
use crate::position::Measured;
use crate::snapshot::Snapshot;
use crate::uri;

/// The state at one message; a request sees the state before it.
#[derive(Clone, Default)]
pub(crate) struct Moment {
    /// The client's capabilities.
    pub(crate) client: Arc<ClientAbilities>,
    /// The open documents.
    pub(crate) documents: Arc<BTreeMap<Uri, Arc<Open>>>,
    /// The projects, by root.
    pub(crate) projects: Arc<BTreeMap<Utf8PathBuf, Loaded>>,
    /// The number of questions to the loader so far, so that a request can wait for their answers.
    pub(crate) asked: u64,
}

/// An open document and its place.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    /// The client's URI for it.
    pub(crate) uri: Uri,
    /// Its path, whether or not the file exists; `None` if its URI is not a path.
    pub(crate) path: Option<Utf8PathBuf>,
    /// Its text.
    pub(crate) document: Document,
}

/// A project that was found.
#[derive(Clone)]
pub(crate) struct Loaded {
    /// The project with the open documents; `None` until its configuration has been valid once.
    pub(crate) snapshot: Option<Snapshot>,
    /// The problems of its configuration.
    pub(crate) config_problems: Arc<[Problem]>,
    /// The file of its configuration, relative to its root.
    pub(crate) config_path: Option<Utf8PathBuf>,
}

/// The state between two messages.
#[derive(Default)]
pub(crate) struct ServerState {
    moment: Moment,
    dirty: BTreeSet<Uri>,
    closed: BTreeSet<Uri>,
    previews: BTreeMap<Utf8PathBuf, Preview>,
    /// Whether the client may be sent messages.
    pub(crate) is_initialized: bool,
    /// Whether the client has asked to shut down.
    pub(crate) is_shut_down: bool,
    /// The folders that the client has open.
    pub(crate) folders: Vec<Utf8PathBuf>,
}

/// The background work that a change of a document needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The document is checked.
    Check,
    /// Its project is located.
    Locate,
    /// Its project is loaded again, because the document is an input that everything may depend on.
    Reload,
    /// Its project is planned again, because the document is a template that was added or removed.
    Plan,
}

impl ServerState {
    /// The state that a request arriving now sees.
    pub(crate) fn moment(&self) -> Moment {
        self.moment.clone()
    }

    /// Records the client's capabilities.
    pub(crate) fn greet(&mut self, client: ClientAbilities) {
        self.moment.client = Arc::new(client);
        self.is_initialized = true;
    }

    /// Counts a question to the loader.
    pub(crate) fn ask(&mut self) {
        self.moment.asked += 1;
    }

    /// A document was opened.
    pub(crate) fn open(&mut self, params: DidOpenTextDocumentParams) -> Then {
        let item = params.text_document;
        let path = uri::path(&item.uri);
        self.put(Open { uri: item.uri, path, document: Document::new(item.version, &item.text) })
    }

    /// A document was changed; `None` if it is not open.
    pub(crate) fn change(&mut self, params: DidChangeTextDocumentParams) -> Option<Then> {
        let uri = params.text_document.uri;
        let open = self.moment.documents.get(&uri)?;
        let encoding = self.moment.client.encoding;
        let document = open.document.changed(params.text_document.version, params.content_changes, encoding);
        let path = open.path.clone();
        Some(self.put(Open { uri, path, document }))
    }

    /// A document was closed, so the file on disk is used again.
    pub(crate) fn close(&mut self, params: &DidCloseTextDocumentParams) -> Option<Then> {
        let uri = &params.text_document.uri;
        let open = Arc::make_mut(&mut self.moment.documents).remove(uri)?;
        self.dirty.remove(uri);
        self.closed.insert(uri.clone());
        Some(self.relay(&open, Snapshot::without_open))
    }

    /// A project was loaded. The documents that are open now are applied to it; some may have changed meanwhile.
    pub(crate) fn loaded(&mut self, root: Utf8PathBuf, mut loaded: Loaded) {
        let documents = || self.moment.documents_below(&root).map(|(open, path)| (path, &open.document.text));
        loaded.snapshot = loaded.snapshot.map(|snapshot| snapshot.with_documents(documents()));
        self.dirty.extend(self.moment.documents_below(&root).map(|(open, _)| open.uri.clone()));
        if let (Some(snapshot), Some(preview)) = (&loaded.snapshot, self.previews.get(&root)) {
            loaded.snapshot = Some(snapshot.with_preview(preview.clone()));
        }
        if loaded.snapshot.is_none() {
            let before = self.moment.projects.get(&root).and_then(|before| before.snapshot.clone());
            loaded.snapshot = before;
        }
        Arc::make_mut(&mut self.moment.projects).insert(root, loaded);
    }

    /// Whether inputs that are read only during loading have other texts now than in `read_with`.
    pub(crate) fn has_newer_inputs(&self, root: &Utf8Path, read_with: &Texts) -> bool {
        let Some(project) = self.moment.projects.get(root) else { return false };
        let is_read_once = |path: &Utf8Path| {
            project.config_path.as_deref() == Some(path)
                || project.snapshot.as_ref().is_some_and(|snapshot| snapshot.is_read_once(path))
        };
        let documents = self.moment.documents_below(root).map(|(open, path)| (path, &open.document.text));
        let now = documents.filter(|(path, _)| is_read_once(path));
        let before = read_with.iter().map(|(path, text)| (path.as_path(), text)).filter(|(path, _)| is_read_once(path));
        now.collect::<BTreeMap<_, _>>() != before.collect()
    }

    /// A project was planned.
    pub(crate) fn planned(&mut self, root: &Utf8Path, planned: &Snapshot) {
        let Some(project) = Arc::make_mut(&mut self.moment.projects).get_mut(root) else { return };
        project.snapshot = project.snapshot.as_ref().map(|snapshot| snapshot.with_cases_of(planned));
        self.dirty.extend(self.moment.documents_below(root).map(|(open, _)| open.uri.clone()));
    }

    /// Another case of a project was selected for preview.
    pub(crate) fn show(&mut self, root: &Utf8Path, preview: Preview) {
        if let Some(project) = Arc::make_mut(&mut self.moment.projects).get_mut(root) {
            project.snapshot = project.snapshot.as_ref().map(|snapshot| snapshot.with_preview(preview.clone()));
        }
        self.previews.insert(root.to_owned(), preview);
    }

    /// A project no longer exists.
    pub(crate) fn forget(&mut self, root: &Utf8Path) {
        Arc::make_mut(&mut self.moment.projects).remove(root);
    }

    /// The documents to check, and the documents that were closed, since the last call.
    pub(crate) fn take_dirty(&mut self) -> (BTreeSet<Uri>, BTreeSet<Uri>) {
        (std::mem::take(&mut self.dirty), std::mem::take(&mut self.closed))
    }

    /// Marks an open document for checking.
    pub(crate) fn mark(&mut self, uri: &Uri) {
        if self.moment.documents.contains_key(uri) {
            self.dirty.insert(uri.clone());
        }
    }

    fn put(&mut self, open: Open) -> Then {
        self.dirty.insert(open.uri.clone());
        self.closed.remove(&open.uri);
        let open = Arc::new(open);
        Arc::make_mut(&mut self.moment.documents).insert(open.uri.clone(), Arc::clone(&open));
        self.relay(&open, |snapshot, path| snapshot.with_open(path, &open.document.text))
    }

    /// Applies a change of a document to its project.
    fn relay(&mut self, open: &Open, next: impl FnOnce(&Snapshot, &Utf8Path) -> Snapshot) -> Then {
        let Some(path) = &open.path else { return Then::Check };
        let Some(root) = self.moment.root_of(path).map(Utf8Path::to_owned) else { return Then::Locate };
        let Some(project) = Arc::make_mut(&mut self.moment.projects).get_mut(&root) else { return Then::Locate };
        let Ok(below) = path.strip_prefix(&root) else { return Then::Check };
        let is_config = project.config_path.as_deref() == Some(below);
        let is_input = project.snapshot.as_ref().is_some_and(|snapshot| snapshot.is_read_once(below));
        let has_template =
            |snapshot: &Option<Snapshot>| snapshot.as_ref().is_some_and(|snapshot| snapshot.has_template(below));
        let before = has_template(&project.snapshot);
        project.snapshot = project.snapshot.as_ref().map(|snapshot| next(snapshot, below));
        let came_or_went = before != has_template(&project.snapshot);
        if is_config || is_input {
            Then::Reload
        } else if came_or_went {
            Then::Plan
        } else {
            Then::Check
        }
    }
}

impl Moment {
    /// The root of the innermost project that contains a path.
    pub(crate) fn root_of<'a>(&self, path: &'a Utf8Path) -> Option<&'a Utf8Path> {
        path.ancestors().find(|folder| self.projects.contains_key(*folder))
    }

    /// The open documents below a folder, with their paths relative to it.
    pub(crate) fn documents_below<'m>(
        &'m self,
        folder: &'m Utf8Path,
    ) -> impl Iterator<Item = (&'m Arc<Open>, &'m Utf8Path)> {
        let below = move |open: &'m Arc<Open>| Some((open, open.path.as_deref()?.strip_prefix(folder).ok()?));
        self.documents.values().filter_map(below)
    }

    /// Each project, as its root folder.
    pub(crate) fn everywhere(&self) -> Vec<ProjectFile> {
        let at_root = |(root, project): (&Utf8PathBuf, &Loaded)| ProjectFile {
            root: root.clone(),
            path: Utf8PathBuf::new(),
            project: project.clone(),
            open: None,
            client: Arc::clone(&self.client),
        };
        self.projects.iter().map(at_root).collect()
    }

    /// A document with its project and its path in it.
    pub(crate) fn file(&self, uri: &Uri) -> Option<ProjectFile> {
        let path = self.documents.get(uri).and_then(|open| open.path.clone()).or_else(|| uri::path(uri))?;
        let root = self.root_of(&path)?;
        let project = self.projects.get(root)?.clone();
        let path = path.strip_prefix(root).ok()?.to_owned();
        let open = self.documents.get(uri).cloned();
        Some(ProjectFile { root: root.to_owned(), path, project, open, client: Arc::clone(&self.client) })
    }
}

/// A file in its project, as a request sees it.
#[derive(Clone)]
pub(crate) struct ProjectFile {
    /// The project's root.
    pub(crate) root: Utf8PathBuf,
    /// The file, relative to the root.
    pub(crate) path: Utf8PathBuf,
    /// The project.
    pub(crate) project: Loaded,
    /// The document, if the file is open.
    pub(crate) open: Option<Arc<Open>>,
    /// The client's capabilities.
    pub(crate) client: Arc<ClientAbilities>,
}

impl Moment {
    /// See [`Moment::file`]; the project may have been found later, so the documents of this moment are applied to it.
    pub(crate) fn file_with_documents(&self, uri: &Uri) -> Option<ProjectFile> {
        let mut file = self.file(uri)?;
        let documents = self.documents_below(&file.root).map(|(open, path)| (path, &open.document.text));
        file.project.snapshot = file.project.snapshot.map(|snapshot| snapshot.with_documents(documents));
        Some(file)
    }
}

impl ProjectFile {
    /// The text of a file of the project: of the open document, else of the file on disk.
    pub(crate) fn text(&self, path: &Utf8Path) -> Option<Arc<str>> {
        match &self.open {
            Some(open) if path == self.path => Some(Arc::clone(&open.document.text)),
            _ => self.project.snapshot.as_ref()?.text(path),
        }
    }

    /// Runs a query of core on the file.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&View<'_>, &Measured<'_>) -> T) -> Option<T> {
        let snapshot = self.project.snapshot.as_ref()?;
        let text = self.text(&self.path)?;
        Some(ask(&snapshot.view(), &self.measured(&text)))
    }

    /// The text of the file with its lines, which an open document has already.
    pub(crate) fn measured<'t>(&'t self, text: &'t str) -> Measured<'t> {
        match &self.open {
            Some(open) => open.document.measured(self.client.encoding),
            None => Measured::new(text, self.client.encoding),
        }
    }

    /// The problems of the file that can be found without rendering.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        if self.project.config_path.as_ref() == Some(&self.path) && !self.project.config_problems.is_empty() {
            return self.project.config_problems.to_vec();
        }
        self.project.snapshot.as_ref().map(|snapshot| of_file(&snapshot.view(), &self.path)).unwrap_or_default()
    }
}
