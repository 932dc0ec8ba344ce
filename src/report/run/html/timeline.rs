//! Which slot was busy when, as a picture: a bar for each unit, those of one kind in one path, so that it stays small.

use std::collections::BTreeMap;
use std::fmt::Write;

use maud::{Markup, html};
use tgen_core::results::matrix::{Rating, rating};
use tgen_core::results::verdict::Verdict;

use super::{class, duration, shown};
use crate::report::run::overview::Overview;
use crate::report::run::timeline::{Runner, runners};

/// The width of the picture, and the height of a slot.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 14.0;
/// The most runners and the most slots of one that are drawn.
const RUNNERS: usize = 32;
const SLOTS: usize = 64;
/// How many parts the axis has.
const TICKS: u32 = 5;

pub(super) fn timeline(overview: &Overview<'_>) -> Option<Markup> {
    let runners = runners(overview.run.recorded);
    let length = runners.iter().flat_map(|runner| &runner.units).map(|unit| unit.span.end).fold(0.0, f64::max);
    (length > 0.0).then(|| {
        html! {
            p { "A row for each slot, a bar for each file. " code { "cargo tgen report --format trace" } " has every test, for Perfetto." }
            @for runner in runners.iter().take(RUNNERS) { (picture(runner, length)) }
            @if runners.len() > RUNNERS { p { "and " (runners.len() - RUNNERS) " more machines or shards" } }
        }
    })
}

fn picture(runner: &Runner<'_>, length: f64) -> Markup {
    let slots = runner.slots.min(SLOTS);
    let rows = f64::from(u32::try_from(slots).unwrap_or_default());
    let busy: f64 = runner.units.iter().map(|unit| unit.span.end - unit.span.start).sum();
    let end = runner.units.iter().map(|unit| unit.span.end).fold(0.0, f64::max);
    let start = runner.units.iter().map(|unit| unit.span.start).fold(f64::INFINITY, f64::min);
    let share = 100.0 * busy / ((end - start).max(f64::EPSILON) * f64::from(u32::try_from(runner.slots).unwrap_or(1)));
    let words = format!(
        "{} files in {} slots, busy for {share:.0} % of {}",
        runner.units.len(),
        runner.slots,
        duration(end - start)
    );
    html! {
        figure.timeline {
            figcaption { b { (shown(&runner.name)) } " " (words) }
            svg viewBox={ "0 0 " (WIDTH) " " (rows * HEIGHT) } preserveAspectRatio="none" style={ "height:" (rows * HEIGHT) "px" } role="img" aria-label=(words) {
                @for (rating, path) in paths(runner, length) { path.(class(rating)) d=(path) {} }
            }
            div.axis aria-hidden="true" {
                span { "0" }
                @for tick in 1..=TICKS { span { (duration(length * f64::from(tick) / f64::from(TICKS))) } }
             }
        }
    }
}

/// The bars of each rating; what is narrower than the picture can show is widened.
fn paths(runner: &Runner<'_>, length: f64) -> BTreeMap<Rating, String> {
    let mut paths: BTreeMap<Rating, String> = BTreeMap::new();
    for unit in runner.units.iter().filter(|unit| unit.slot < SLOTS) {
        let path = paths.entry(rating(Verdict::Ended(unit.end.outcome))).or_default();
        let start = unit.span.start / length * WIDTH;
        let width = ((unit.span.end - unit.span.start) / length * WIDTH - 0.5).max(0.5);
        let middle = (f64::from(u32::try_from(unit.slot).unwrap_or_default()) + 0.5) * HEIGHT;
        // Writing to a string does not fail.
        let _ = write!(path, "M{start:.1} {middle}h{width:.1}");
    }
    paths
}
