//! Assigns a slot to each span of time, so that spans that overlap have different slots.
//!
//! Results do not name slots, but a slot has one unit at a time, so the times tell how many there were. This module must
//! not know what ran.

/// When something ran, in seconds since a moment that all spans share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Its start.
    pub start: f64,
    /// Its end, not before its start.
    pub end: f64,
}

/// By how much a start may precede an end without an overlap, because times are rounded.
const TOLERANCE: f64 = 0.001;

/// The slot of each span: the lowest that is free at its start.
#[must_use]
pub fn slots(spans: &[Span]) -> Vec<usize> {
    let mut by_start: Vec<usize> = (0..spans.len()).collect();
    by_start.sort_by(|left, right| spans[*left].start.total_cmp(&spans[*right].start));
    let mut free_from: Vec<f64> = Vec::new();
    let mut slots = vec![0; spans.len()];
    for at in by_start {
        let span = spans[at];
        let free = free_from.iter().position(|end| *end <= span.start + TOLERANCE);
        let slot = free.unwrap_or(free_from.len());
        match free_from.get_mut(slot) {
            Some(end) => *end = span.end.max(span.start),
            None => free_from.push(span.end.max(span.start)),
        }
        slots[at] = slot;
    }
    slots
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn of(times: &[(f64, f64)]) -> Vec<usize> {
        slots(&times.iter().map(|(start, end)| Span { start: *start, end: *end }).collect::<Vec<_>>())
    }

    #[test]
    fn what_runs_at_a_time_has_different_slots_and_a_slot_is_used_again() {
        assert_eq!(of(&[(0.0, 2.0), (1.0, 3.0), (2.0, 4.0), (3.5, 5.0)]), [0, 1, 0, 1]);
        assert_eq!(of(&[(5.0, 6.0), (0.0, 1.0)]), [0, 0]);
        assert_eq!(of(&[]), [0; 0]);
    }

    proptest! {
        #[test]
        fn no_two_spans_of_a_slot_overlap(times in vec((0.0..100.0_f64, 0.0..10.0_f64), 0..60)) {
            let spans: Vec<Span> = times.iter().map(|(start, length)| Span { start: *start, end: start + length }).collect();
            let slots = slots(&spans);
            for (at, span) in spans.iter().enumerate() {
                for (other_at, other) in spans.iter().enumerate().skip(at + 1) {
                    let overlaps = span.start.max(other.start) + TOLERANCE < span.end.min(other.end);
                    prop_assert!(!overlaps || slots[at] != slots[other_at]);
                }
            }
        }
    }
}
