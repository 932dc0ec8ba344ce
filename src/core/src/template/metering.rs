//! Puts calls of the budget's filters into a template's text, so that Tera, which has no hook for what it executes,
//! spends the budget of the rendering as it goes.
//!
//! Straight-line parts are added up here, as gas metering of WebAssembly adds up basic blocks: a loop pays for its rounds
//! when it begins, an include where it stands, a block or component when it is entered, and the dearest branch of an `if`
//! stands for all of them. What a value weighs is known only at run time, so operands of `~`, inputs of filters, compared
//! values, and whatever may be captured are weighed where they are used.
//!
//! The calls write nothing and change no value; places in the metered text are led back to the original by
//! [`MeteredPlaces::original`]. The template must have no faults.

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
    /// The text with the calls in it.
    pub(super) text: String,
    /// The way back to places in the original.
    pub(super) places: MeteredPlaces,
    /// What stands in no block, in units of the budget.
    pub(super) weight: u64,
}

/// The templates of a rendering, metered, in the order in which they were given.
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
