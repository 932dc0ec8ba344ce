//! The memory that units were expected to need, beside what they needed.

use std::collections::BTreeSet;
use std::fmt::Write;

use maud::{Markup, html};
use tgen_core::base::bytes::Bytes;
use tgen_core::results::attempt::UnitEnd;

use super::shown;
use crate::report::run::overview::Overview;

/// The most units that are listed.
const UNITS: usize = 10;
/// The picture's size, and the room for its axes.
const SIZE: f64 = 360.0;
const MARGIN: f64 = 60.0;

/// A unit of which both are known.
struct Measured<'r> {
    end: &'r UnitEnd,
    expected: f64,
    needed: f64,
}

pub(super) fn memory(overview: &Overview<'_>) -> Option<Markup> {
    let mut units: Vec<Measured<'_>> = overview.run.recorded.ends.iter().filter_map(measured).collect();
    let too_little = units.iter().filter(|unit| unit.needed > unit.expected).count();
    units.sort_by(|left, right| (right.needed / right.expected).total_cmp(&(left.needed / left.expected)));
    (!units.is_empty()).then(|| {
        html! {
            p { (too_little) " of " (units.len()) " units needed more than was expected." }
            div.columns {
                figure { (picture(&units)) figcaption { "Above the line, a unit needed more than was expected. Both axes are logarithmic." } }
                div {
                    h3 { "Expected too low" }
                    (list(units.iter().filter(|unit| unit.needed > unit.expected)))
                    h3 { "Expected too high" }
                    (list(units.iter().rev().filter(|unit| unit.needed < unit.expected)))
                }
            }
        }
    })
}

#[expect(clippy::cast_precision_loss, reason = "for a picture and three digits")]
fn measured(end: &UnitEnd) -> Option<Measured<'_>> {
    let (expected, needed) = (end.memory_expected?, end.memory_peak?);
    (expected > 0 && needed > 0).then_some(Measured { end, expected: expected as f64, needed: needed as f64 })
}

fn list<'u>(units: impl Iterator<Item = &'u Measured<'u>>) -> Markup {
    let units: Vec<&Measured<'_>> = units.take(UNITS).collect();
    html! {
        @if units.is_empty() { p { "None." } } @else {
            ul.plain { @for unit in units {
                li {
                    b { (Bytes(unit.end.memory_peak.unwrap_or_default())) } " instead of "
                    (Bytes(unit.end.memory_expected.unwrap_or_default())) " "
                    span.test { (shown(&unit.end.unit)) } " " span.where { "on " (unit.end.hardware) }
                }
            } }
        }
    }
}

/// A dot for each unit; dots at one place are drawn once.
fn picture(units: &[Measured<'_>]) -> Markup {
    let all = || units.iter().flat_map(|unit| [unit.expected.log10(), unit.needed.log10()]);
    let low = all().fold(f64::INFINITY, f64::min).floor();
    let high = all().fold(f64::NEG_INFINITY, f64::max).ceil().max(low + 1.0);
    let scale = (SIZE - MARGIN) / (high - low);
    let x = |value: f64| MARGIN + (value - low) * scale;
    let y = |value: f64| (high - value) * scale;
    #[expect(clippy::cast_possible_truncation, reason = "pixels")]
    let dots: BTreeSet<(i32, i32)> = units
        .iter()
        .map(|unit| (x(unit.expected.log10()).round() as i32, y(unit.needed.log10()).round() as i32))
        .collect();
    let mut path = String::new();
    for (x, y) in dots {
        // A line of no length with round caps is a dot. Writing to a string does not fail.
        let _ = write!(path, "M{x} {y}h0");
    }
    let powers = std::iter::successors(Some(low), |power| Some(power + 1.0)).take_while(|power| *power <= high);
    html! {
        svg viewBox={ "0 -10 " (SIZE + 30.0) " " (SIZE + 10.0) } role="img" aria-label="Expected against needed memory, a dot for each unit" {
            @for power in powers {
                @let label = Bytes::from_gigabytes(10_f64.powf(power) / 1e9).to_string();
                path.grid d={ "M" (x(power)) " 0V" (SIZE - MARGIN) "M" (MARGIN) " " (y(power)) "H" (SIZE) } {}
                text x=(x(power)) y=(SIZE - MARGIN + 16.0) text-anchor="middle" { (label) }
                text x=(MARGIN - 6.0) y=(y(power) + 4.0) text-anchor="end" { (label) }
            }
            path.line d={ "M" (x(low)) " " (y(low)) "L" (x(high)) " " (y(high)) } {}
            path.dots d=(path) {}
            text x=(f64::midpoint(SIZE, MARGIN)) y=(SIZE - 6.0) text-anchor="middle" { "expected" }
            text x="12" y=((SIZE - MARGIN) / 2.0) text-anchor="middle" transform={ "rotate(-90 12 " ((SIZE - MARGIN) / 2.0) ")" } { "needed" }
        }
    }
}
