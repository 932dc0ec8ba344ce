//! Incremental parsing: after an edit, only the affected pieces are scanned and parsed again.
//!
//! The scanner finds the end of a piece from the text at hand, unless it searched the rest of the source (see
//! [`Scanned::is_local`](crate::template::scan::Scanned)). So the pieces before the edit are kept, the pieces after it
//! are moved, and those between are scanned again until the borders of both scans meet. Nesting is computed anew for
//! all pieces, which needs no parsing. The result must equal the tree of a fresh parse; a property test checks this.

use std::iter::Peekable;
use std::ops::Range;
use std::vec;

use super::sections::Nesting;
use super::shift::Shift;
use super::tree::{Element, ElementKind, Fault, OwnFault, Tree};
use super::{parse, read};
use crate::base::text::replaced;
use crate::template::scan::{self, Piece};

/// Parses `source` after an edit; `tree` is the tree of the text `before`.
#[must_use]
pub fn reparse(before: &str, tree: Tree, source: &str) -> Tree {
    match Rescanned::new(before, &tree, source) {
        Some(rescanned) => rescanned.parse(tree, source),
        None => parse(source),
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
        // The end of a piece can depend on what follows it, so the piece before the edit counts as affected.
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
        let end = scanned.pieces.last().map_or(0, |piece| piece.span.end);
        let behind = border(end).unwrap_or(tree.pieces.len());
        Some(Self { touched: first..behind, pieces: scanned.pieces, shift })
    }

    fn parse(self, tree: Tree, source: &str) -> Tree {
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

    /// Texts made of fragments that matter to the scanner and to the nesting of tags.
    fn source() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "{{",
            "}}",
            "{%",
            "%}",
            "{#",
            "#}",
            "{",
            "}",
            "%",
            "#",
            "-",
            "\"",
            "'",
            "\\",
            "=",
            "|",
            "<",
            "/>",
            "é",
            "\n",
            " ",
            "a",
            "loop",
            "loop.index",
            "{{ loop.index }}",
            "{{ a | b(c=1) }}",
            "{% if a %}",
            "{% elif b %}",
            "{% else %}",
            "{% endif %}",
            "{% for a, b in c %}",
            "{% endfor %}",
            "{% set a = [1, b for b in c] %}",
            "{% set a %}",
            "{% endset %}",
            "{% block a %}",
            "{% endblock a %}",
            "{% extends \"a\" %}",
            "{% include 'b' %}",
            "{% component a(b, c: string = 1, ...d) %}",
            "{% endcomponent a %}",
            "{{ <a b={c} d /> }}",
            "{% <a> %}",
            "{% </a> %}",
            "{% raw %}",
            "{% endraw %}",
            "{# note #}",
            "{% filter upper %}",
            "{% endfilter %}",
            "{% break %}",
            "{{ {\"a\": b[1:2], ...c} if not d is e(f=g) else -h?.i }}",
            "{% unknown %}",
            "text of several words\n",
        ]);
        prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
    }

    /// An edit: two offsets, clamped to the text, and the inserted text.
    fn edits() -> impl Strategy<Value = Vec<(usize, usize, String)>> {
        prop::collection::vec((any::<usize>(), 0_usize..12, prop_oneof!["[a-z{}%#\"' \\n]{0,3}", source()]), 1..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn a_tree_after_edits_is_that_of_a_fresh_parse(start in source(), edits in edits()) {
            let mut text = start;
            let mut tree = parse(&text);
            for (at, length, replacement) in edits {
                let start = text.floor_char_boundary(at % (text.len() + 1));
                let end = text.floor_char_boundary((start + length).min(text.len())).max(start);
                let mut after = text.clone();
                after.replace_range(start..end, &replacement);
                tree = reparse(&text, tree, &after);
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
        assert_eq!(rescanned.touched, 0..2);
        assert_eq!(rescanned.pieces.len(), 2);
    }

    #[test]
    fn a_string_that_swallows_the_rest_of_its_tag_is_parsed_afresh() {
        let before = "{{ a }} {{ b }} {{ 'c' }}";
        assert!(Rescanned::new(before, &parse(before), &before.replace("a }}", "a' }}")).is_none());
    }
}
