//! Relations between the templates of a library: parents, users, closures, and the definitions of components.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::TemplateName;
use super::closure::Closure;
use super::library::{Library, Source};
use super::syntax::tree::{Definition, Element, ElementKind};

/// The components of a library by name, each with the template that defines it.
pub type Components<'l> = BTreeMap<&'l str, (&'l Source, &'l Definition)>;

impl Library<'_> {
    /// A template with its closure: everything it extends or includes, and the templates that define the components
    /// which are called.
    #[must_use]
    pub fn rendered_with(&self, name: &TemplateName) -> BTreeSet<TemplateName> {
        Closure::of(self, name).members.into_iter().map(|member| member.name).collect()
    }

    /// The templates that a template extends, the nearest first. A cycle is followed once.
    #[must_use]
    pub fn parents(&self, name: &TemplateName) -> Vec<TemplateName> {
        self.each_parent(name).collect()
    }

    /// [`Library::parents`] as an iterator, for callers that need only the nearest ones.
    pub(super) fn each_parent(&self, name: &TemplateName) -> impl Iterator<Item = TemplateName> {
        let mut seen = HashSet::from([name.clone()]);
        let mut current = name.clone();
        std::iter::from_fn(move || {
            let parent = self.parent(&current).filter(|parent| seen.insert(parent.clone()))?;
            current.clone_from(&parent);
            Some(parent)
        })
    }

    fn parent(&self, name: &TemplateName) -> Option<TemplateName> {
        let source = self.known_source(name)?;
        source.analysis().extends.as_ref().map(|extends| TemplateName::new(&extends.name))
    }

    /// A template and everything that it extends or includes, directly or indirectly; missing templates are left out.
    #[must_use]
    pub fn closure(&self, name: &TemplateName) -> BTreeSet<TemplateName> {
        self.closure_of([name.clone()])
    }

    fn closure_of(&self, roots: impl IntoIterator<Item = TemplateName>) -> BTreeSet<TemplateName> {
        let mut closure = BTreeSet::new();
        let mut waiting: Vec<TemplateName> = roots.into_iter().collect();
        while let Some(next) = waiting.pop() {
            if let Some(source) = self.known_source(&next)
                && closure.insert(next)
            {
                waiting.extend(source.analysis().builds_on.iter().map(|reference| TemplateName::new(&reference.name)));
            }
        }
        closure
    }

    /// The other templates that can be rendered together with a template.
    #[must_use]
    pub fn relatives(&self, name: &TemplateName) -> Vec<TemplateName> {
        let mut roots = HashSet::from([name]);
        let mut waiting = vec![name];
        while let Some(next) = waiting.pop() {
            waiting.extend(self.users(next).iter().filter(|user| roots.insert(*user)));
        }
        let together = self.closure_of(roots.into_iter().cloned());
        together.into_iter().filter(|other| other != name).collect()
    }

    /// The templates that directly extend or include a template.
    #[must_use]
    pub fn users(&self, name: &TemplateName) -> &[TemplateName] {
        self.graph().users_of(name)
    }

    /// The component of that name and the template that defines it; if there are several, the first by template name.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<(&Source, &Definition)> {
        let sources = self.graph().definers_of(name).iter().filter_map(|definer| self.known_source(definer));
        let mut definitions = sources.filter_map(|source| Some((source, source.component(name)?)));
        definitions.next()
    }

    /// Every component that some template defines.
    #[must_use]
    pub fn components(&self) -> Components<'_> {
        let sources = self.sources().map(|(_, source)| source);
        let mut components = BTreeMap::new();
        for source in sources.filter(|source| !source.analysis().defines.is_empty()) {
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

    /// The source of a template, if it exists and can be read.
    fn known_source(&self, name: &TemplateName) -> Option<&Source> {
        self.contains(name).then(|| self.source(name).ok()).flatten()
    }
}

impl Source {
    /// The component of that name, if this template defines it; the first one, if it does so twice.
    fn component(&self, name: &str) -> Option<&Definition> {
        let element = *self.components.get_or_init(|| self.elements_of_components()).get(name)?;
        match &self.tree().elements[element].kind {
            ElementKind::Component(definition) => Some(definition),
            _ => None,
        }
    }

    fn elements_of_components(&self) -> HashMap<String, usize> {
        let named = |(number, element): (usize, &Element)| match &element.kind {
            ElementKind::Component(Definition { name: Some(name), .. }) => Some((self.slice(name).to_owned(), number)),
            _ => None,
        };
        // The first definition comes last, and stays.
        self.tree().elements.iter().enumerate().rev().filter_map(named).collect()
    }
}
