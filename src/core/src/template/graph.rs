//! The references between all templates of a library, and the definitions of components, computed once.
//!
//! This module must not know where templates come from.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use super::TemplateName;
use super::analysis::Analysis;
use crate::base::suggest::KnownNames;

/// References between templates, from the referenced template to the referring ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    /// The templates that define each component.
    definers: BTreeMap<String, Vec<TemplateName>>,
    /// The templates that extend or include each template.
    users: HashMap<TemplateName, Vec<TemplateName>>,
    /// The names of the components, for suggestions; computed on first use.
    components: OnceLock<KnownNames>,
}

impl Graph {
    /// The graph of these templates.
    pub(super) fn of<'t>(templates: impl Iterator<Item = (&'t TemplateName, &'t Analysis)>) -> Self {
        let mut graph = Self::default();
        for (name, analysis) in templates {
            for component in &analysis.defines {
                graph.definers.entry(component.name.clone()).or_default().push(name.clone());
            }
            for reference in &analysis.builds_on {
                graph.users.entry(TemplateName::new(&reference.name)).or_default().push(name.clone());
            }
        }
        graph
    }

    pub(super) fn definers_of(&self, component: &str) -> &[TemplateName] {
        self.definers.get(component).map_or(&[], Vec::as_slice)
    }

    /// The component that an unknown name may stand for, as help.
    pub(super) fn did_you_mean(&self, component: &str) -> Option<String> {
        let known = self.components.get_or_init(|| KnownNames::of(self.definers.keys().map(String::as_str)));
        known.did_you_mean(component)
    }

    pub(super) fn users_of(&self, name: &TemplateName) -> &[TemplateName] {
        self.users.get(name).map_or(&[], Vec::as_slice)
    }
}
