//! From where and how surely a `set` has given a name its value: an `if` may pass it over, and what stands before it does
//! not see it.
//!
//! Knows the order in which Tera executes tags, and nothing of what names are used for.

use std::collections::HashMap;

use crate::template::syntax::tree::{ElementId, ElementKind, Span, Tree};

/// Whether a name has the value of a binding at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// It never has: no `set` of the binding was executed before.
    Never,
    /// It may have: a branch or an earlier round of a loop may have executed the `set`.
    Maybe,
    /// It has in any case.
    Always,
}

/// Where the `set` tags of one binding hold.
#[derive(Debug, Default)]
pub(super) struct Sets {
    /// The first place that one of them may be executed before.
    first: Option<usize>,
    /// From where each holds to the end of the branch that it stands in, in the order of their starts.
    certain: Vec<Span>,
    /// The greatest end of the spans up to each.
    ends: Vec<usize>,
}

impl Sets {
    pub(super) fn add(&mut self, set: SetReach) {
        self.first = Some(self.first.map_or(set.possible_from, |first| first.min(set.possible_from)));
        self.certain.push(set.certain);
    }

    /// Makes the sets ready to be asked.
    pub(super) fn finish(&mut self) {
        self.certain.sort_by_key(|span| span.start);
        let greatest = self.certain.iter().scan(0, |greatest: &mut usize, span| {
            *greatest = span.end.max(*greatest);
            Some(*greatest)
        });
        self.ends = greatest.collect();
    }

    pub(super) fn held(&self, at: usize) -> Held {
        let before = self.certain.partition_point(|span| span.start <= at);
        match before.checked_sub(1) {
            Some(last) if self.ends[last] > at => Held::Always,
            _ if self.first.is_some_and(|first| first <= at) => Held::Maybe,
            _ => Held::Never,
        }
    }
}

/// How far one `set` reaches.
#[derive(Debug)]
pub(super) struct SetReach {
    possible_from: usize,
    certain: Span,
}

/// The tags that begin the branches of each section, by their offsets.
pub(super) struct Branches(HashMap<ElementId, Vec<usize>>);

impl Branches {
    pub(super) fn of(tree: &Tree) -> Self {
        let mut branches: HashMap<ElementId, Vec<usize>> = HashMap::new();
        for (id, element) in tree.elements.iter().enumerate() {
            if let (ElementKind::Elif(_) | ElementKind::Else, Some(section)) = (&element.kind, element.parent) {
                branches.entry(section).or_default().push(tree.pieces[id].span.start);
            }
        }
        Self(branches)
    }

    /// The first branch of a section that begins at an offset or after it.
    pub(super) fn next(&self, section: ElementId, from: usize) -> Option<usize> {
        let starts = self.0.get(&section)?;
        starts.get(starts.partition_point(|start| *start < from)).copied()
    }
}

/// How far the `set` of a tag reaches, whose name can be used in `scope`.
pub(super) fn of_set(tree: &Tree, branches: &Branches, set: ElementId, scope: &Span) -> SetReach {
    // A block has its value when it ends.
    let last = tree.elements[set].end.unwrap_or(set);
    let mut reach =
        SetReach { possible_from: tree.pieces[last].span.end, certain: tree.pieces[last].span.end..scope.end };
    let mut is_certain = true;
    for section in tree.sections_around(set) {
        let opening = &tree.pieces[section].span;
        let is_scope = opening.end == scope.start;
        if is_certain && may_be_passed_over(&tree.elements[section].kind) {
            let end = tree.elements[section].end.map_or(scope.end, |end| tree.pieces[end].span.start);
            reach.certain.end = branches.next(section, opening.end.max(reach.certain.start)).unwrap_or(end);
            is_certain = false;
        }
        if is_scope {
            break;
        }
        match tree.elements[section].kind {
            // The next round sees it from the beginning.
            ElementKind::For(_) => reach.possible_from = opening.start,
            // Which block is executed first depends on the parent.
            ElementKind::Block(_) => reach.possible_from = 0,
            _ => {}
        }
    }
    reach.certain.start = reach.certain.start.min(reach.certain.end);
    reach
}

/// Whether a section's content may not be executed.
fn may_be_passed_over(section: &ElementKind) -> bool {
    matches!(section, ElementKind::If(_) | ElementKind::For(_) | ElementKind::Block(_))
}
