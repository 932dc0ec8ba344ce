//! Metering: inserts calls of the budget's filters into a template's text, so that Tera spends the budget while it
//! executes, although it has no hook for that.
//!
//! Straight-line code is summed up statically, as gas metering of WebAssembly does with basic blocks: a loop pays for
//! its iterations when it begins, an include where it is written, a block or component when it is entered, and an `if`
//! pays for its most expensive branch. The weight of a value is known only at run time, so operands of `~`, inputs of
//! filters, compared values, and values that may be captured are weighed where they are used.
//!
//! The calls write nothing and change no value. [`MeteredPlaces::original`] maps places in the metered text back to the
//! original. The template must have no syntax errors.

mod expressions;
mod insertions;
mod member;
mod sections;

use std::collections::HashMap;

use self::member::Writing;

pub(super) use self::insertions::MeteredPlaces;
pub(super) use self::member::Member;

/// A metered template.
pub(super) struct Metered {
    /// The text with the inserted calls.
    pub(super) text: String,
    /// Maps places back to the original.
    pub(super) places: MeteredPlaces,
    /// The units of the budget spent by everything outside blocks.
    pub(super) weight: u64,
}

/// Meters the templates of a rendering, in the given order.
pub(super) fn meter(members: &[Member<'_>]) -> Vec<Metered> {
    let captures = members
        .iter()
        .any(|member| member.analysis.captures || member.analysis.callees.iter().any(|callee| callee.name == "super"));
    let writing = if captures { Writing::MaybeCaptured } else { Writing::ToTheOutput };
    let weights: Vec<_> = members.iter().map(|member| sections::Weights::of(member, writing)).collect();
    let whole: HashMap<&str, u64> =
        members.iter().zip(&weights).map(|(member, weights)| (member.name, weights.whole)).collect();
    let metered = members.iter().zip(&weights).map(|(member, weights)| {
        let mut insertions = insertions::Insertions::default();
        sections::meter(member, weights, &whole, &mut insertions);
        expressions::meter(member, writing, &mut insertions);
        let (text, places) = insertions.apply(member.text);
        Metered { text, places, weight: weights.whole }
    });
    metered.collect()
}
