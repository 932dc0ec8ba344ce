//! What outputs would be if templates were edited: a rendering of changed texts that touches nothing else.

use std::collections::HashMap;

use camino::Utf8Path;

use crate::base::problem::Problem;
use crate::plan::{Plan, PlannedOutput, TemplateIndex};
use crate::template::TemplateName;
use crate::template::compiled::{Compiled, compile};
use crate::template::library::Library;
use crate::template::renderer::Renderer;

use super::edits::TemplateEdits;

/// Templates with edits, each compiled when an output is asked for.
pub(super) struct Trial<'p> {
    plan: &'p Plan<'p>,
    library: Library<'p>,
    changed: Vec<TemplateName>,
    /// The changed templates that outputs are rendered from; none where one has errors now.
    compiled: HashMap<TemplateIndex, Option<Compiled>>,
}

impl<'p> Trial<'p> {
    /// A trial of edits.
    pub(super) fn new(plan: &'p Plan<'p>, edits: &TemplateEdits) -> Self {
        let mut library = plan.project.library.clone();
        let mut changed = Vec::new();
        for (name, text) in edits.texts(&plan.project.library) {
            let path = library.path_of(&name).unwrap_or(Utf8Path::new("")).to_owned();
            library.add(name.clone(), path, &text);
            changed.push(name);
        }
        Self { plan, library, changed, compiled: HashMap::new() }
    }

    /// Whether an output is rendered from a changed template.
    pub(super) fn concerns(&self, output: &PlannedOutput) -> bool {
        self.plan.templates[output.template].closure.iter().any(|name| self.changed.contains(name))
    }

    /// What an output would be; none where its template has errors then, or cannot be rendered.
    pub(super) fn render(&mut self, output: &PlannedOutput) -> Option<String> {
        let known = &self.plan.templates[output.template];
        if !self.concerns(output) {
            return render(self.plan, known, output).ok();
        }
        let library = &self.library;
        let compiled = self.compiled.entry(output.template).or_insert_with(|| compile(library, &known.name).ok());
        render(self.plan, compiled.as_ref()?, output).ok()
    }
}

/// Renders one output.
pub(super) fn render(plan: &Plan<'_>, compiled: &Compiled, output: &PlannedOutput) -> Result<String, Problem> {
    let mut rendered = Vec::new();
    let done = Renderer::of(compiled).render(&plan.case(output), &mut rendered);
    done.map_err(|problem| plan.project.library.locate(problem))?;
    Ok(String::from_utf8(rendered).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}
