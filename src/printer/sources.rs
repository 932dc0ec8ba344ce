//! A cache of the texts that problems refer to, each read and indexed once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::problem::Problem;
use tgen_core::base::text::LineIndex;

use super::Sources;

/// The cached texts, kept while one report is written.
pub(crate) struct SourceCache<'a> {
    read: &'a Sources<'a>,
    known: RefCell<HashMap<Utf8PathBuf, Option<Arc<Source>>>>,
}

/// A text with its line index.
pub(crate) struct Source {
    pub(crate) text: String,
    pub(crate) index: LineIndex,
}

impl<'a> SourceCache<'a> {
    pub(crate) fn new(read: &'a Sources<'a>) -> Self {
        Self { read, known: RefCell::default() }
    }

    /// The text of a file that a problem refers to, if available.
    pub(crate) fn get(&self, path: &Utf8Path) -> Option<Arc<Source>> {
        if let Some(known) = self.known.borrow().get(path) {
            return known.clone();
        }
        let source = (self.read)(path).map(|text| Arc::new(Source { index: LineIndex::new(&text), text }));
        self.known.borrow_mut().insert(path.to_owned(), source.clone());
        source
    }
}

/// The texts for a list of problems, shared between threads.
pub(super) struct Texts<'p>(HashMap<&'p Utf8Path, Option<Arc<Source>>>);

impl<'p> Texts<'p> {
    pub(super) fn of(problems: &'p [Problem], sources: &SourceCache<'_>) -> Self {
        let of_related = |problem: &'p Problem| problem.related.iter().map(|related| related.path.as_path());
        let paths = problems.iter().flat_map(|problem| problem.path.as_deref().into_iter().chain(of_related(problem)));
        let mut texts = HashMap::new();
        for path in paths {
            texts.entry(path).or_insert_with(|| sources.get(path));
        }
        Self(texts)
    }

    /// The text of a file that one of the problems refers to, if available.
    pub(super) fn get(&self, path: &Utf8Path) -> Option<&Source> {
        self.0.get(path)?.as_deref()
    }
}
