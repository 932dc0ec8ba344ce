//! A cache of compiled templates, each kept until a template that it builds on changes.
//!
//! Broken templates are not cached: their problems may depend on any other template.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::TemplateName;
use super::compiled::{Compiled, compile};
use super::library::Library;
use crate::base::problem::Problem;

/// Compiled templates by their names.
#[derive(Default)]
pub struct Compilations(Mutex<HashMap<TemplateName, Arc<Compiled>>>);

impl Compilations {
    /// A template of the library, compiled on the first call.
    ///
    /// # Errors
    /// All problems of the template and of what it builds on.
    pub fn get(&self, library: &Library<'_>, name: &TemplateName) -> Result<Arc<Compiled>, Vec<Problem>> {
        if let Some(known) = self.all().get(name) {
            return Ok(Arc::clone(known));
        }
        let compiled = Arc::new(compile(library, name)?);
        self.all().insert(name.clone(), Arc::clone(&compiled));
        Ok(compiled)
    }

    /// Forgets the templates that may depend on a template that was added, changed or removed: those that build on it, and
    /// those that call a component that it defined before or defines now.
    pub fn forget(&self, changed: &TemplateName, before: &Library<'_>, after: &Library<'_>) {
        let mut all = self.all();
        all.retain(|_, compiled| !compiled.closure.contains(changed));
        if all.values().all(|compiled| compiled.calls.is_empty()) {
            return;
        }
        let defined: Vec<_> = [before, after].into_iter().flat_map(|library| defined(library, changed)).collect();
        all.retain(|_, compiled| !defined.iter().any(|component| compiled.calls.contains(component)));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<TemplateName, Arc<Compiled>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The components that a template defines; empty if the template does not exist.
fn defined(library: &Library<'_>, name: &TemplateName) -> Vec<String> {
    // This runs on every edit, and searching for a word is cheaper than parsing.
    let source =
        library.source(name).ok().filter(|source| memchr::memmem::find(source.text.as_bytes(), b"component").is_some());
    source.map_or_else(Vec::new, |source| {
        source.analysis().defines.iter().map(|component| component.name.clone()).collect()
    })
}

impl Clone for Compilations {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.all().clone()))
    }
}
