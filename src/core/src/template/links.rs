//! How the templates of a library hang together: parents, everything that a template builds on, and who defines a
//! component.

use std::collections::{BTreeMap, BTreeSet};

use super::TemplateName;
use super::closure::Closure;
use super::library::{Library, Source};
use super::syntax::tree::{Definition, ElementKind};

/// The components of a library by their names, each with the template that defines it.
pub type Components<'l> = BTreeMap<&'l str, (&'l Source, &'l Definition)>;

impl Library<'_> {
    /// A template, everything that it extends or includes, and the templates that define the components which are called.
    #[must_use]
    pub fn rendered_with(&self, name: &TemplateName) -> BTreeSet<TemplateName> {
        Closure::of(self, name).members.into_iter().map(|member| member.name).collect()
    }

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
        let mut roots = BTreeSet::from([name]);
        let mut waiting = vec![name];
        while let Some(next) = waiting.pop() {
            waiting.extend(self.users(next).into_iter().filter(|user| roots.insert(*user)));
        }
        let together: BTreeSet<TemplateName> = roots.into_iter().flat_map(|root| self.closure(root)).collect();
        together.into_iter().filter(|other| other != name).collect()
    }

    /// The templates that extend or include a template, directly.
    #[must_use]
    pub fn users(&self, name: &TemplateName) -> Vec<&TemplateName> {
        let uses = |source: &Source| source.analysis().builds_on.iter().any(|found| found.name == name.as_str());
        self.sources().filter(|(_, source)| uses(source)).map(|(other, _)| other).collect()
    }

    /// Every component that some template defines.
    #[must_use]
    pub fn components(&self) -> Components<'_> {
        let sources = self.sources().map(|(_, source)| source);
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

    /// A template that exists and can be read.
    fn known_source(&self, name: &TemplateName) -> Option<&Source> {
        self.contains(name).then(|| self.source(name).ok()).flatten()
    }
}
