//! How the templates of a library hang together: parents, everything that a template builds on, and who defines a
//! component.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use super::TemplateName;
use super::library::{Library, Source};
use super::syntax::tree::{Definition, ElementKind};

/// The components of a library by their names, each with the template that defines it.
pub type Components<'l> = BTreeMap<&'l str, (&'l Source, &'l Definition)>;

impl Library<'_> {
    /// The templates that a template extends, the nearest first; a circle ends where it closes.
    #[must_use]
    pub fn parents(&self, name: &TemplateName) -> Vec<TemplateName> {
        let mut parents: Vec<TemplateName> = Vec::new();
        let mut current = name.clone();
        while let Some(parent) = self.parent(&current).filter(|parent| parent != name && !parents.contains(parent)) {
            parents.push(parent.clone());
            current = parent;
        }
        parents
    }

    fn parent(&self, name: &TemplateName) -> Option<TemplateName> {
        let source = self.known_source(name)?;
        source.analysis().extends.as_ref().map(|extends| TemplateName::new(&extends.name))
    }

    /// A template and everything that it extends or includes, directly or not, as far as it exists.
    #[must_use]
    pub fn closure(&self, name: &TemplateName) -> BTreeSet<TemplateName> {
        let mut closure = BTreeSet::new();
        let mut waiting = vec![name.clone()];
        while let Some(next) = waiting.pop() {
            if let Some(source) = self.known_source(&next)
                && closure.insert(next)
            {
                waiting.extend(source.analysis().builds_on.iter().map(|reference| TemplateName::new(&reference.name)));
            }
        }
        closure
    }

    /// The templates that are ever rendered together with a template, itself left out.
    #[must_use]
    pub fn relatives(&self, name: &TemplateName) -> Vec<TemplateName> {
        let closures = self.names().map(|root| self.closure(root)).filter(|closure| closure.contains(name));
        let together: BTreeSet<TemplateName> = closures.flatten().collect();
        together.into_iter().filter(|other| other != name).collect()
    }

    /// The templates that extend or include a template, directly.
    #[must_use]
    pub fn users(&self, name: &TemplateName) -> Vec<&TemplateName> {
        let uses = |source: &Source| source.analysis().builds_on.iter().any(|found| found.name == name.as_str());
        self.names().filter(|other| self.known_source(other).is_some_and(uses)).collect()
    }

    /// Every component that some template defines.
    #[must_use]
    pub fn components(&self) -> Components<'_> {
        let sources = self.names().filter_map(|name| self.known_source(name));
        let defining = sources.filter(|source| !source.analysis().defines.is_empty());
        let mut components = BTreeMap::new();
        for source in defining {
            for element in &source.tree().elements {
                if let ElementKind::Component(definition) = &element.kind
                    && let Some(name) = &definition.name
                {
                    components.entry(source.slice(name)).or_insert((source, definition));
                }
            }
        }
        components
    }

    /// The template at a path, if it can be read.
    #[must_use]
    pub fn source_at(&self, path: &Utf8Path) -> Option<&Source> {
        let name = self.names().find(|name| self.path_of(name) == Some(path))?;
        self.known_source(name)
    }

    /// A template that exists and can be read.
    fn known_source(&self, name: &TemplateName) -> Option<&Source> {
        self.contains(name).then(|| self.source(name).ok()).flatten()
    }
}
