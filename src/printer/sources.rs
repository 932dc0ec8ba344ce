//! The texts that problems point into, each read and indexed once, however many problems it has.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::text::LineIndex;

use super::Sources;

/// Texts that were asked for, kept as long as one report is written.
pub(crate) struct SourceCache<'a> {
    read: &'a Sources<'a>,
    known: RefCell<HashMap<Utf8PathBuf, Option<Rc<Source>>>>,
}

/// A text with the offsets of its lines.
pub(crate) struct Source {
    pub(crate) text: String,
    pub(crate) index: LineIndex,
}

impl<'a> SourceCache<'a> {
    pub(crate) fn new(read: &'a Sources<'a>) -> Self {
        Self { read, known: RefCell::default() }
    }

    /// The text of a file that a problem names, where it can be had.
    pub(crate) fn get(&self, path: &Utf8Path) -> Option<Rc<Source>> {
        if let Some(known) = self.known.borrow().get(path) {
            return known.clone();
        }
        let source = (self.read)(path).map(|text| Rc::new(Source { index: LineIndex::new(&text), text }));
        self.known.borrow_mut().insert(path.to_owned(), source.clone());
        source
    }
}
