//! Name resolution: one walk over the syntax tree, with Tera's scopes.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use super::reach::{self, Branches, Held, Sets};
use super::{
    Analysis, Binding, BindingKind, Block, BlockPosition, Callee, CalleeKind, Meaning, Reference, Use, UseKind,
};
use crate::template::syntax::Replacement;
use crate::template::syntax::tree::{
    Access, Applied, Assignment, Binary, ComponentCall, Definition, ElementId, ElementKind, Expr, ExprKind, Loop,
    ParameterSource, Sense, SetReach, Span, Tree,
};

pub(super) fn analyse(source: &str, tree: &Tree) -> Analysis {
    let mut walk = Walk::new(source, tree);
    walk.bind_all();
    for element in 0..tree.elements.len() {
        walk.element(element);
    }
    let Analysis { uses, bindings, bound, bound_for_others, extends, builds_on, .. } = &mut walk.analysis;
    uses.sort_by_key(|found| found.span.start);
    *bound = bindings.iter().map(|binding| binding.name.clone()).collect();
    let includes = builds_on.len() > usize::from(extends.is_some());
    let reaches_others = |binding: &&Binding| match binding.kind {
        BindingKind::Set => true,
        BindingKind::Loop => includes,
        BindingKind::Parameter => false,
    };
    *bound_for_others = bindings.iter().filter(reaches_others).map(|binding| binding.name.clone()).collect();
    walk.analysis
}

/// The names used and the functions called in values.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) uses: Vec<Use>,
    pub(super) callees: Vec<Callee>,
}

/// The values in the replaced elements, if nothing but values has changed there; `before` is the analysis before the edit.
pub(super) fn of_values(source: &str, tree: &Tree, replacement: &Replacement, before: &Analysis) -> Option<Values> {
    let elements = replacement.elements.clone();
    let kinds = || tree.elements[elements.clone()].iter().map(|element| &element.kind);
    if kinds().all(|kind| matches!(kind, ElementKind::Text | ElementKind::Raw | ElementKind::Comment)) {
        return Some(Values::default());
    }
    if !kinds().all(ElementKind::is_text_or_output) || before.is_tied_to(&replacement.before) {
        return None;
    }
    let mut walk = Walk::new(source, tree);
    walk.bind_all();
    let bindings = walk.analysis.bindings.len();
    // The outermost first, as in the source.
    let around: Vec<_> = tree.sections_around(elements.start).collect();
    for section in around.into_iter().rev() {
        if let ElementKind::If(condition) = &tree.elements[section].kind {
            walk.guard_branch(section, condition);
        }
    }
    elements.for_each(|element| walk.element(element));
    let Analysis { mut uses, callees, captures, bindings: now, successions, .. } = walk.analysis;
    uses.sort_by_key(|found| found.span.start);
    (!captures && successions.is_empty() && now.len() == bindings).then_some(Values { uses, callees })
}

/// Parts of a source, by their starts; no two overlap.
#[derive(Default)]
struct Parts(BTreeMap<usize, usize>);

impl Parts {
    /// Adds a part, which may lie in one that is there or go on after it.
    fn add(&mut self, part: &Span) {
        match self.0.range_mut(..=part.start).next_back() {
            Some((_, end)) if *end >= part.start => *end = part.end.max(*end),
            _ => drop(self.0.insert(part.start, part.end)),
        }
    }

    fn contain(&self, offset: usize) -> bool {
        self.0.range(..=offset).next_back().is_some_and(|(_, end)| offset < *end)
    }
}

struct Walk<'t> {
    source: &'t str,
    tree: &'t Tree,
    analysis: Analysis,
    /// The bindings of each name by the offsets at which their scopes begin; a name has one binding in each scope.
    by_name: HashMap<(&'t str, usize), usize, RandomState>,
    /// The parts of the source in which a test that a name is defined holds.
    guards: HashMap<&'t str, Parts, RandomState>,
    /// The bodies of components, in the order of the source: only parameters are visible in them.
    components: Vec<Span>,
    /// The list comprehensions around the current expression, the innermost last.
    comprehensions: Vec<Span>,
    branches: Branches,
    /// Where the bindings hold that only `set` makes, by their numbers; the others hold in all of their scope.
    sets: HashMap<usize, Sets, RandomState>,
}

impl<'t> Walk<'t> {
    fn new(source: &'t str, tree: &'t Tree) -> Self {
        Self {
            source,
            tree,
            analysis: Analysis::default(),
            by_name: HashMap::default(),
            guards: HashMap::default(),
            components: Vec::new(),
            comprehensions: Vec::new(),
            branches: Branches::of(tree),
            sets: HashMap::default(),
        }
    }

    /// Collects the bindings of all tags first: in a loop, a name may be used before the tag that sets it.
    fn bind_all(&mut self) {
        for element in 0..self.tree.elements.len() {
            match &self.tree.elements[element].kind {
                ElementKind::Set(assignment, _) | ElementKind::SetBlock(assignment, _) => {
                    self.bind_set(element, assignment);
                }
                ElementKind::For(header) => self.bind_loop(header, self.section(element)),
                ElementKind::Component(definition) => self.bind_component(element, definition),
                _ => {}
            }
        }
        self.sets.values_mut().for_each(Sets::finish);
    }

    fn bind_set(&mut self, element: ElementId, assignment: &Assignment) {
        let scope = self.scope_of(element, assignment.reach);
        let reach = reach::of_set(self.tree, &self.branches, element, &scope);
        // A `set` of a loop variable or parameter assigns to the existing name.
        let Some(binding) = self.bind(assignment.name.clone(), BindingKind::Set, scope) else { return };
        if self.analysis.bindings[binding].kind == BindingKind::Set {
            self.sets.entry(binding).or_default().add(reach);
        }
    }

    /// The scope of a binding: the surrounding loop unless `reach` extends further, the surrounding component, or the
    /// whole template.
    fn scope_of(&self, element: ElementId, reach: SetReach) -> Span {
        let is_scope = |section: &ElementId| match self.tree.elements[*section].kind {
            ElementKind::For(_) => reach == SetReach::Local,
            ElementKind::Component(_) => true,
            _ => false,
        };
        let around = self.tree.sections_around(element).find(is_scope);
        around.map_or(0..self.source.len(), |section| self.section(section))
    }

    fn bind_loop(&mut self, header: &Loop, scope: Span) {
        for name in [&header.key, &header.value] {
            self.bind(name.clone(), BindingKind::Loop, scope.clone());
        }
    }

    fn bind_component(&mut self, element: ElementId, definition: &Definition) {
        let scope = self.section(element);
        for parameter in &definition.parameters {
            self.bind(Some(parameter.name.clone()), BindingKind::Parameter, scope.clone());
        }
        self.bind(definition.rest.clone(), BindingKind::Parameter, scope.clone());
        self.components.push(scope);
    }

    /// Binds a name, and gives the number of the binding.
    fn bind(&mut self, name: Option<Span>, kind: BindingKind, scope: Span) -> Option<usize> {
        let span = name?;
        let name = self.text(&span);
        let bindings = &mut self.analysis.bindings;
        match self.by_name.entry((name, scope.start)) {
            Entry::Occupied(known) => {
                self.analysis.rebindings.push((*known.get(), span));
                Some(*known.get())
            }
            Entry::Vacant(new) => {
                bindings.push(Binding { name: name.to_owned(), span, kind, scope });
                Some(*new.insert(bindings.len() - 1))
            }
        }
    }

    /// The span from the end of a section's opening tag to the section's end.
    fn section(&self, element: ElementId) -> Span {
        let end = self.tree.elements[element].end.map_or(self.source.len(), |end| self.tree.pieces[end].span.start);
        self.tree.pieces[element].span.end..end
    }

    fn text(&self, span: &Span) -> &'t str {
        &self.source[span.clone()]
    }

    fn reference(&self, span: &Span) -> Reference {
        Reference { name: self.text(span).to_owned(), span: span.clone() }
    }

    fn element(&mut self, element: ElementId) {
        let kind = &self.tree.elements[element].kind;
        match kind {
            ElementKind::Output(value) if value.kind == ExprKind::Name => return self.use_name(value, UseKind::Bare),
            ElementKind::Extends(Some(name)) => {
                let name = self.reference(name);
                self.analysis.extends.get_or_insert(name.clone());
                self.analysis.builds_on.push(name);
            }
            ElementKind::Include(Some(name)) => self.analysis.builds_on.push(self.reference(name)),
            ElementKind::Block(Some(name)) => self.block(element, name),
            ElementKind::If(condition) => self.guard_branch(element, condition),
            ElementKind::SetBlock(_, filters) | ElementKind::Filter(filters) => {
                self.analysis.captures = true;
                for filter in filters {
                    self.call(CalleeKind::Filter, filter);
                }
            }
            ElementKind::Component(definition) => self.definition(definition),
            ElementKind::ComponentBody(call) => self.component_call(call),
            _ => {}
        }
        kind.each_expression(&mut |value| self.value(value, UseKind::Expression));
    }

    fn block(&mut self, element: ElementId, name: &Span) {
        let is_block = |section: ElementId| matches!(self.tree.elements[section].kind, ElementKind::Block(_));
        let nested = self.tree.sections_around(element).any(is_block);
        let position = if nested { BlockPosition::Nested } else { BlockPosition::Outermost };
        let Reference { name, span } = self.reference(name);
        self.analysis.blocks.push(Block { name, span, element, position });
    }

    fn definition(&mut self, definition: &Definition) {
        self.analysis.captures = true;
        self.analysis.defines.extend(definition.name.as_ref().map(|name| self.reference(name)));
        let from_surroundings =
            definition.parameters.iter().filter(|parameter| parameter.source == ParameterSource::Surroundings);
        for parameter in from_surroundings {
            let kind = if parameter.default.is_some() { UseKind::Guarded } else { UseKind::Expression };
            let Reference { name, span } = self.reference(&parameter.name);
            self.analysis.uses.push(Use { name, span, kind, meaning: Meaning::Placeholder, fallbacks: Vec::new() });
        }
    }

    fn component_call(&mut self, call: &ComponentCall) {
        self.analysis.captures = true;
        self.analysis.calls.extend(call.name.as_ref().map(|name| self.reference(name)));
    }

    fn call(&mut self, kind: CalleeKind, applied: &Applied) {
        if let Some(name) = &applied.name {
            let arguments = applied.arguments.iter().map(|argument| self.reference(&argument.name)).collect();
            let Reference { name, span } = self.reference(name);
            self.analysis.callees.push(Callee { kind, name, span, arguments });
        }
    }

    /// The names that an `if` tests for are defined up to its next branch.
    fn guard_branch(&mut self, element: ElementId, condition: &'t Expr) {
        let whole = self.section(element);
        let next = self.branches.next(element, whole.start).unwrap_or(whole.end);
        self.guard(condition, &(whole.start..next));
    }

    /// Records the names that are defined if a condition holds.
    fn guard(&mut self, condition: &'t Expr, reach: &Span) {
        match &condition.kind {
            ExprKind::Parentheses(inner) => self.guard(inner, reach),
            ExprKind::Binary { operator: Binary::And, left, right } => {
                self.guard(left, reach);
                self.guard(right, reach);
            }
            ExprKind::Test { of, test, sense } if of.kind == ExprKind::Name => {
                let asked = test.name.as_ref().map(|name| self.text(name));
                let is_defined =
                    matches!((asked, sense), (Some("defined"), Sense::Is) | (Some("undefined"), Sense::IsNot));
                if is_defined {
                    self.guards.entry(self.text(&of.span)).or_default().add(reach);
                }
            }
            _ => {}
        }
    }

    fn value(&mut self, value: &'t Expr, kind: UseKind) {
        match &value.kind {
            ExprKind::Name => return self.use_name(value, kind),
            ExprKind::Parentheses(inner) => return self.value(inner, kind),
            ExprKind::Call(call) => self.call(CalleeKind::Function, call),
            ExprKind::Filter { of, filter } => {
                self.call(CalleeKind::Filter, filter);
                if self.is_called(filter, &["default"]) {
                    self.value(of, UseKind::Guarded);
                    return filter
                        .arguments
                        .iter()
                        .for_each(|argument| self.value(&argument.value, UseKind::Expression));
                }
            }
            ExprKind::Test { of, test, .. } => {
                self.call(CalleeKind::Test, test);
                if self.is_called(test, &["defined", "undefined"]) {
                    return self.value(of, UseKind::Guarded);
                }
            }
            ExprKind::Field { of, access: Access::Optional, .. } => return self.value(of, UseKind::Guarded),
            ExprKind::Index { of, index, access: Access::Optional } => {
                self.value(of, UseKind::Guarded);
                return self.value(index, UseKind::Expression);
            }
            ExprKind::Binary { operator: Binary::Or, left, right } => {
                self.value(left, UseKind::Guarded);
                return self.value(right, UseKind::Expression);
            }
            ExprKind::Binary { operator: Binary::And, left, right } => self.guard(left, &right.span),
            ExprKind::Ternary { then, condition, .. } => self.guard(condition, &then.span),
            ExprKind::Comprehension { header, .. } => {
                // The names are in scope in the item and the condition; including the target is harmless.
                self.bind_loop(header, value.span.clone());
                self.comprehensions.push(value.span.clone());
                value.each_child(&mut |child| self.value(child, UseKind::Expression));
                self.comprehensions.pop();
                return;
            }
            ExprKind::Component(call) => self.component_call(call),
            _ => {}
        }
        value.each_child(&mut |child| self.value(child, UseKind::Expression));
    }

    fn is_called(&self, applied: &Applied, names: &[&str]) -> bool {
        applied.name.as_ref().is_some_and(|name| names.contains(&self.text(name)))
    }

    fn use_name(&mut self, value: &Expr, kind: UseKind) {
        let name = self.text(&value.span);
        let at = value.span.start;
        if self.is_of_tera(name, at) {
            return;
        }
        let is_guarded = self.guards.get(name).is_some_and(|parts| parts.contain(at));
        let kind = if is_guarded { UseKind::Guarded } else { kind };
        let meanings = self.meanings(name, at);
        self.note_successions(name, at, &meanings);
        let mut meanings = meanings.into_iter();
        let Some(meaning) = meanings.next() else { return };
        let (name, span) = (name.to_owned(), value.span.clone());
        self.analysis.uses.push(Use { name, span, kind, meaning, fallbacks: meanings.collect() });
    }

    /// A name that may mean one of two bindings, or that the value of a `set` of the same name is made from.
    fn note_successions(&mut self, name: &str, at: usize, meanings: &[Meaning]) {
        let locals = meanings.iter().filter_map(|meaning| match meaning {
            Meaning::Local(binding) => Some(*binding),
            _ => None,
        });
        let mut locals = locals.peekable();
        // Most names are placeholders, and looking for the tag around them costs more than the rest.
        if locals.peek().is_none() {
            return;
        }
        let mut previous = self.set_around(name, at);
        for binding in locals {
            self.analysis.successions.extend(previous.filter(|other| *other != binding).map(|other| (other, binding)));
            previous = Some(binding);
        }
    }

    /// The binding that the tag or block around a place sets, where it is of that name.
    fn set_around(&self, name: &str, at: usize) -> Option<usize> {
        let element = self.tree.element_at(at)?;
        let around = std::iter::once(element).chain(self.tree.sections_around(element));
        let mut sets = around.filter_map(|section| match &self.tree.elements[section].kind {
            ElementKind::Set(assignment, _) | ElementKind::SetBlock(assignment, _) => Some((section, assignment)),
            _ => None,
        });
        let (section, assignment) =
            sets.find(|(_, assignment)| assignment.name.as_ref().is_some_and(|set| self.text(set) == name))?;
        self.by_name
            .get(&(self.text(assignment.name.as_ref()?), self.scope_of(section, assignment.reach).start))
            .copied()
    }

    /// `loop` in a loop, and Tera's reserved names.
    fn is_of_tera(&self, name: &str, at: usize) -> bool {
        let is_loop = |section: ElementId| matches!(self.tree.elements[section].kind, ElementKind::For(_));
        (name.starts_with("__tera_") && name != "__tera_context")
            || name == "loop"
                && self.tree.element_at(at).is_some_and(|element| self.tree.sections_around(element).any(is_loop))
    }

    /// What a name may mean at a place, the nearest first; never nothing.
    fn meanings(&self, name: &str, at: usize) -> Vec<Meaning> {
        let component = self.component_at(at);
        let whole = component.map_or(0, |body| body.start);
        let comprehensions = self.comprehensions.iter().rev().map(|list| list.start);
        let sections = self.tree.element_at(at).into_iter().flat_map(|element| self.tree.sections_around(element));
        let loops = sections
            .filter(|section| matches!(self.tree.elements[*section].kind, ElementKind::For(_)))
            .map(|section| self.tree.pieces[section].span.end)
            .filter(|start| *start >= whole);
        let scopes = comprehensions.chain(loops).chain([whole]);
        let mut meanings = Vec::new();
        for binding in scopes.filter_map(|scope| self.by_name.get(&(name, scope)).copied()) {
            let held = self.sets.get(&binding).map_or(Held::Always, |sets| sets.held(at));
            meanings.extend((held != Held::Never).then_some(Meaning::Local(binding)));
            if held == Held::Always {
                return meanings;
            }
        }
        meanings.push(match component {
            None => Meaning::Placeholder,
            Some(_) if name == "body" => Meaning::Content,
            Some(_) => Meaning::OutOfReach,
        });
        meanings
    }

    fn component_at(&self, at: usize) -> Option<&Span> {
        let after = self.components.partition_point(|body| body.start <= at);
        self.components[..after].last().filter(|body| body.contains(&at))
    }
}
