//! Incremental parsing: after an edit, only the affected pieces are scanned and parsed again.
//!
//! The scanner finds the end of a piece from the text at hand, unless it searched the rest of the source (see
//! [`Scanned::is_local`](crate::template::scan::Scanned)). So the pieces before the edit are kept, the pieces after it
//! are moved, and those between are scanned again until the borders of both scans meet. Nesting is computed anew for
//! all pieces, which needs no parsing. The result must equal the tree of a fresh parse; a property test checks this.

use std::iter::Peekable;
use std::mem;
use std::ops::Range;
use std::vec;

use super::sections::{self, Nesting};
use super::shift::Shift;
use super::tree::{Element, ElementId, ElementKind, Fault, OwnFault, Span, Tree};
use super::{parse, read};
use crate::base::text::replaced;
use crate::template::scan::{self, Piece, PieceKind};

/// A tree after an edit.
#[derive(Debug)]
pub struct Reparsed {
    /// The tree.
    pub tree: Tree,
    /// What the edit replaced, if all other elements are as before.
    pub replacement: Option<Replacement>,
}

/// Elements that an edit replaced by as many others. Everything else in the tree is as before, except for its offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The elements.
    pub elements: Range<ElementId>,
    /// Their span before the edit.
    pub before: Span,
    /// Their span now.
    pub after: Span,
}

impl Replacement {
    /// The distance by which the edit moved what follows the elements.
    #[must_use]
    pub(in crate::template) const fn shift(&self) -> Shift {
        Shift::new(self.before.end, self.after.end)
    }
}

/// Parses `source` after an edit; `tree` is the tree of the text `before`.
#[must_use]
pub fn reparse(before: &str, tree: Tree, source: &str) -> Reparsed {
    let Some(rescanned) = Rescanned::new(before, &tree, source) else {
        return Reparsed { tree: parse(source), replacement: None };
    };
    match rescanned.alike(before, &tree, source) {
        Some(elements) => rescanned.replace(tree, elements),
        None => Reparsed { tree: rescanned.nest(tree, source), replacement: None },
    }
}

/// The pieces of a tree that an edit affected, and the pieces that replace them.
struct Rescanned {
    touched: Range<usize>,
    pieces: Vec<Piece>,
    shift: Shift,
}

impl Rescanned {
    /// `None` if the pieces depend on the rest of the source.
    fn new(before: &str, tree: &Tree, source: &str) -> Option<Self> {
        if !tree.is_local || tree.pieces.is_empty() {
            return None;
        }
        let (gone, length) = replaced(before, source);
        // The end of a piece can depend on what follows it, so the piece before the edit is scanned again.
        let first = tree.element_at(gone.start)?.saturating_sub(1);
        let shift = Shift::new(gone.end, gone.start + length);
        let border = |at: usize| {
            let piece = tree.piece_from(shift.offset_before(at)?)?;
            (piece > first).then_some(piece)
        };
        let scanned = scan::scan_from(source, tree.pieces[first].span.start, |at| border(at).is_some());
        if !scanned.is_local {
            return None;
        }
        let mut pieces = scanned.pieces;
        let end = pieces.last().map_or(0, |piece| piece.span.end);
        let behind = border(end).unwrap_or(tree.pieces.len());
        let is_as_before = |piece: &Piece| *piece == tree.pieces[first] && piece.span.end <= gone.start;
        let kept = usize::from(pieces.len() > 1 && behind > first + 1 && pieces.first().is_some_and(is_as_before));
        pieces.drain(..kept);
        Some(Self { touched: first + kept..behind, pieces, shift })
    }

    /// The elements of the new pieces, if the nesting treats them as it did those that they replace.
    fn alike(&self, before: &str, tree: &Tree, source: &str) -> Option<Vec<ElementKind>> {
        let old = &tree.pieces[self.touched.clone()];
        let span = old.first()?.span.start..old.last()?.span.end;
        if old.len() != self.pieces.len() || tree.has_fault_in(&span) {
            return None;
        }
        let elements = &tree.elements[self.touched.clone()];
        let pairs = elements.iter().zip(old).zip(&self.pieces);
        pairs.map(|((element, old), new)| alike([before, source], element, [old, new])).collect()
    }

    /// Puts the elements in the place of those that they replace, and moves those behind them.
    fn replace(self, mut tree: Tree, elements: Vec<ElementKind>) -> Reparsed {
        let Self { touched, pieces, shift } = self;
        let span = |pieces: &[Piece]| {
            pieces.first().map_or(0, |piece| piece.span.start)..pieces.last().map_or(0, |piece| piece.span.end)
        };
        let (before, after) = (span(&tree.pieces[touched.clone()]), span(&pieces));
        for (element, kind) in tree.elements[touched.clone()].iter_mut().zip(elements) {
            element.kind = kind;
        }
        for (piece, new) in tree.pieces[touched.clone()].iter_mut().zip(pieces) {
            *piece = new;
        }
        tree.pieces[touched.end..].iter_mut().for_each(|piece| shift.piece(piece));
        tree.elements[touched.end..].iter_mut().for_each(|element| shift.element(&mut element.kind));
        let own = tree.own_faults.iter_mut().map(|own| &mut own.fault);
        for fault in tree.faults.iter_mut().chain(own).filter(|fault| fault.span.start >= before.end) {
            shift.span(&mut fault.span);
        }
        Reparsed { tree, replacement: Some(Replacement { elements: touched, before, after }) }
    }

    /// Puts the new pieces in the place of those that they replace, and nests all.
    fn nest(self, tree: Tree, source: &str) -> Tree {
        let Self { touched, pieces: scanned, shift } = self;
        let Tree { mut pieces, mut elements, mut own_faults, .. } = tree;
        pieces[touched.end..].iter_mut().for_each(|piece| shift.piece(piece));
        elements[touched.end..].iter_mut().for_each(|element| shift.element(&mut element.kind));
        let now = touched.start..touched.start + scanned.len();
        move_faults(&mut own_faults, &touched, &now, shift);
        elements.splice(touched.clone(), scanned.iter().map(|_| Element::unread()));
        pieces.splice(touched, scanned);
        let mut known = KnownFaults(own_faults.into_iter().peekable());
        let mut tree = Tree { elements, is_local: true, ..Tree::default() };
        let mut nesting = Nesting::new(source);
        for (number, piece) in pieces.iter().enumerate() {
            let element = &mut tree.elements[number];
            let context = nesting.loop_context(piece);
            let mut fault = known.of(number);
            // A tag that closes nothing now may have closed something before.
            if now.contains(&number) || element.context != context || element.kind == ElementKind::Unknown {
                (element.kind, fault) = read(source, piece, context);
                element.context = context;
            }
            nesting.add(&mut tree, number, piece, fault);
        }
        nesting.finish(&mut tree);
        tree.pieces = pieces;
        tree
    }
}

/// The element of a new piece, if the nesting treats it as it does the `element` of an old one. Each pair has the old before
/// the new.
fn alike(sources: [&str; 2], element: &Element, [old, new]: [&Piece; 2]) -> Option<ElementKind> {
    let [before, source] = sources;
    if old.kind != new.kind || !(old.closed && new.closed) {
        return None;
    }
    if matches!(old.kind, PieceKind::Text | PieceKind::Raw | PieceKind::Comment) {
        let is_written = |source: &str, piece: &Piece| sections::is_written(&element.kind, &source[piece.span.clone()]);
        return (is_written(before, old) == is_written(source, new)).then(|| element.kind.clone());
    }
    // Without tokens, a piece has no context.
    if old.tokens.is_empty() || new.tokens.is_empty() {
        return None;
    }
    let (kind, fault) = read(source, new, element.context);
    let is_alike = mem::discriminant(&kind) == mem::discriminant(&element.kind)
        && matches!(
            kind,
            ElementKind::Output(_)
                | ElementKind::Set(..)
                | ElementKind::SetBlock(..)
                | ElementKind::Include(_)
                | ElementKind::If(_)
                | ElementKind::Elif(_)
                | ElementKind::For(_)
                | ElementKind::Filter(_)
        );
    (is_alike && fault.is_none()).then_some(kind)
}

/// Drops the faults of affected pieces, and moves those after them.
fn move_faults(faults: &mut Vec<OwnFault>, touched: &Range<usize>, now: &Range<usize>, shift: Shift) {
    faults.retain(|fault| !touched.contains(&fault.element));
    for fault in faults.iter_mut().filter(|fault| fault.element >= touched.end) {
        fault.element = fault.element - touched.end + now.end;
        shift.span(&mut fault.fault.span);
    }
}

/// The faults of pieces, in the order of the pieces.
struct KnownFaults(Peekable<vec::IntoIter<OwnFault>>);

impl KnownFaults {
    fn of(&mut self, element: usize) -> Option<Fault> {
        self.0.next_if(|fault| fault.element == element).map(|fault| fault.fault)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::template::syntax::fuzzing::{edits, source};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn a_tree_after_edits_is_that_of_a_fresh_parse(start in source(), edits in edits()) {
            let mut text = start;
            let mut tree = parse(&text);
            for edit in edits {
                let after = edit.applied(&text);
                tree = reparse(&text, tree, &after).tree;
                prop_assert_eq!(&tree, &parse(&after), "{:?} became {:?}", text, after);
                text = after;
            }
        }
    }

    #[test]
    fn an_edit_in_a_text_reads_one_piece_anew() {
        let before = "{{ a }} text {{ b }}{% if c %}{% endif %}";
        let after = before.replace("text", "longer text");
        let rescanned = Rescanned::new(before, &parse(before), &after).unwrap();
        assert_eq!(rescanned.touched, 1..2);
        assert_eq!(rescanned.pieces.len(), 1);
    }

    #[test]
    fn a_string_that_swallows_the_rest_of_its_tag_is_parsed_afresh() {
        let before = "{{ a }} {{ b }} {{ 'c' }}";
        assert!(Rescanned::new(before, &parse(before), &before.replace("a }}", "a' }}")).is_none());
    }
}
