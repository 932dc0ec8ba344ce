//! Values that a loop sets and that end with it, although the name is used after the loop.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::checked::Checked;
use crate::base::problem::{Code, Problem};
use crate::template::analysis::{Analysis, Binding, BindingKind, Meaning};
use crate::template::syntax::tree::{ElementId, ElementKind, Span, Tree};

/// What the value of a loop is lost to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outer {
    /// The template or component around all loops, or a value from outside.
    Whole,
    /// A loop around the loop.
    Loop,
}

/// The bindings whose values are lost, by their numbers in the analysis.
pub(super) type Lost = BTreeMap<usize, Outer>;

pub(super) fn bindings(checked: &Checked<'_, '_>) -> Lost {
    let (analysis, tree) = (checked.analysis(), checked.source.tree());
    if !analysis.bindings.iter().any(may_be_lost) {
        return Lost::new();
    }
    let names = Names::of(analysis, tree);
    let sets = analysis.bindings.iter().enumerate().filter(|(_, binding)| binding.kind == BindingKind::Set);
    sets.filter_map(|(number, binding)| Some((number, names.lost_to(binding)?))).collect()
}

pub(super) fn problems(checked: &Checked<'_, '_>, lost: &Lost) -> Vec<Problem> {
    let problem = |(number, outer): (&usize, &Outer)| {
        let binding = &checked.analysis().bindings[*number];
        let message = format!("`{0}` is set in a loop; after the loop, `{0}` is what it was before", binding.name);
        let where_to = match outer {
            Outer::Whole => "",
            Outer::Loop => " here and in the loop around it",
        };
        checked.warning(Code::LostSet, &binding.span, message).help(format!(
            "write `{{% set_global {} = … %}}`{where_to}, or give the name in the loop another name",
            binding.name
        ))
    };
    lost.iter().map(problem).collect()
}

/// What is set for the whole template is never lost, and most names are not set at all.
fn may_be_lost(binding: &Binding) -> bool {
    binding.kind == BindingKind::Set && binding.scope.start > 0
}

/// Where a name gets its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Origin {
    /// From a binding whose scope begins at an offset.
    Scope(usize),
    /// From outside of the template, or from nowhere.
    Outside,
}

struct Names<'a> {
    tree: &'a Tree,
    /// The offsets at which each name that a loop or component sets is used, in their order.
    uses: HashMap<(&'a str, Origin), Vec<usize>>,
    /// The offsets at which tags that set a name end, in their order.
    sets: HashMap<(&'a str, Origin), Vec<usize>>,
}

impl<'a> Names<'a> {
    fn of(analysis: &'a Analysis, tree: &'a Tree) -> Self {
        let scope = |binding: usize| Origin::Scope(analysis.bindings[binding].scope.start);
        let lost = analysis.bindings.iter().filter(|binding| may_be_lost(binding));
        let names: HashSet<&str> = lost.map(|binding| binding.name.as_str()).collect();
        let mut uses: HashMap<_, Vec<usize>> = HashMap::new();
        for found in analysis.uses.iter().filter(|found| names.contains(found.name.as_str())) {
            let origin = if let Meaning::Local(binding) = found.meaning { scope(binding) } else { Origin::Outside };
            uses.entry((found.name.as_str(), origin)).or_default().push(found.span.start);
        }
        let first = analysis.bindings.iter().enumerate().map(|(number, binding)| (number, &binding.span));
        let again = analysis.rebindings.iter().map(|(number, span)| (*number, span));
        let mut sets: HashMap<_, Vec<usize>> = HashMap::new();
        for (number, span) in first.chain(again) {
            let name = analysis.bindings[number].name.as_str();
            if !names.contains(name) {
                continue;
            }
            sets.entry((name, scope(number))).or_default().extend(end_of_tag(tree, span.start));
        }
        for ends in sets.values_mut() {
            ends.sort_unstable();
        }
        Self { tree, uses, sets }
    }

    fn lost_to(&self, binding: &Binding) -> Option<Outer> {
        let mut loops = Vec::new();
        let mut whole = 0..usize::MAX;
        for section in self.tree.sections_around(self.tree.element_at(binding.span.start)?) {
            match self.tree.elements[section].kind {
                ElementKind::For(_) => loops.push(self.tree.pieces[section].span.end),
                ElementKind::Component(_) => {
                    whole = section_of(self.tree, section);
                    break;
                }
                _ => {}
            }
        }
        let (own, outer) = loops.split_first()?;
        let is_read = |origin: Origin| self.is_used_after(binding, origin, whole.end);
        if *own != binding.scope.start {
            None
        } else if is_read(Origin::Scope(whole.start)) || is_read(Origin::Outside) {
            Some(Outer::Whole)
        } else {
            outer.iter().any(|start| is_read(Origin::Scope(*start))).then_some(Outer::Loop)
        }
    }

    /// Whether a name is used after a binding's scope and before `end` and gets a value of that origin from
    /// before the scope.
    fn is_used_after(&self, binding: &Binding, origin: Origin, end: usize) -> bool {
        let after = |places: Option<&Vec<usize>>| {
            let places = places?;
            places.get(places.partition_point(|place| *place < binding.scope.end)).copied()
        };
        let key = (binding.name.as_str(), origin);
        let (used, set) = (after(self.uses.get(&key)), after(self.sets.get(&key)));
        used.is_some_and(|used| used < end && set.is_none_or(|set| used < set))
    }
}

/// Where the tag or block ends that sets the name at an offset.
fn end_of_tag(tree: &Tree, offset: usize) -> Option<usize> {
    let element = tree.element_at(offset)?;
    let last = tree.elements[element].end.unwrap_or(element);
    Some(tree.pieces[last].span.end)
}

/// From the end of a section's opening tag to its end.
fn section_of(tree: &Tree, section: ElementId) -> Span {
    let end = tree.elements[section].end.map_or(usize::MAX, |end| tree.pieces[end].span.start);
    tree.pieces[section].span.end..end
}
