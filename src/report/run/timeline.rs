//! When which unit ran in which slot, for the picture in HTML and for the trace.

use std::collections::{BTreeMap, HashMap};

use tgen_core::model::hardware::HardwareType;
use tgen_core::results::attempt::{Attempt, UnitEnd};
use tgen_core::results::reading::Recorded;
use tgen_core::results::slots::{Span, slots};

/// Who ran: a run, or a shard of one, on its machine.
pub(super) struct Runner<'r> {
    /// The machine and the shard.
    pub(super) name: String,
    /// How many slots it had.
    pub(super) slots: usize,
    /// The units, as they started.
    pub(super) units: Vec<RanUnit<'r>>,
}

/// A unit that ran, with its tests.
pub(super) struct RanUnit<'r> {
    /// Its end.
    pub(super) end: &'r UnitEnd,
    /// When, in seconds from the first start of all.
    pub(super) span: Span,
    /// The slot, from 0.
    pub(super) slot: usize,
    /// Its attempts that tell when they started.
    pub(super) tests: Vec<(&'r Attempt, Span)>,
}

type UnitKey<'r> = (&'r str, &'r str, HardwareType);

/// The runners, by name. Lines without a time are left out.
pub(super) fn runners(recorded: &Recorded) -> Vec<Runner<'_>> {
    let ends: Vec<(&UnitEnd, Span)> = recorded
        .ends
        .iter()
        .filter_map(|end| Some((end, span(end.started.as_deref()?, end.duration)?)))
        .filter(|(end, _)| end.duration > 0.0)
        .collect();
    let Some(origin) = ends.iter().map(|(_, span)| span.start).min_by(f64::total_cmp) else { return Vec::new() };
    let mut tests = tests_of_units(recorded, origin);
    let mut runners: BTreeMap<(&str, &str), Vec<(&UnitEnd, Span)>> = BTreeMap::new();
    for (end, span) in ends {
        let key = (end.run.as_str(), end.shard.as_deref().unwrap_or_default());
        runners.entry(key).or_default().push((end, moved(span, origin)));
    }
    let mut named = Vec::new();
    for ((run, shard), mut ends) in runners {
        ends.sort_by(|left, right| left.1.start.total_cmp(&right.1.start));
        let slots = slots(&ends.iter().map(|(_, span)| *span).collect::<Vec<_>>());
        let units = ends.iter().zip(&slots).map(|((end, span), slot)| RanUnit {
            end,
            span: *span,
            slot: *slot,
            tests: tests.remove(&(end.run.as_str(), end.unit.as_str(), end.hardware)).unwrap_or_default(),
        });
        let units = units.collect();
        let most = slots.iter().max().map_or(0, |most| most + 1);
        named.push(Runner { name: name(recorded, run, shard), slots: most, units });
    }
    named
}

fn tests_of_units(recorded: &Recorded, origin: f64) -> HashMap<UnitKey<'_>, Vec<(&Attempt, Span)>> {
    let mut tests: HashMap<UnitKey<'_>, Vec<(&Attempt, Span)>> = HashMap::new();
    for attempt in &recorded.attempts {
        if let Some(span) = attempt.started.as_deref().and_then(|started| span(started, attempt.duration)) {
            let key = (attempt.run.as_str(), attempt.unit_name(), attempt.hardware);
            tests.entry(key).or_default().push((attempt, moved(span, origin)));
        }
    }
    tests
}

/// The machine of a run or of its shard, as its header says.
fn name(recorded: &Recorded, run: &str, shard: &str) -> String {
    let header = recorded
        .headers
        .iter()
        .find(|header| header.run == run && header.shard.as_deref().unwrap_or_default() == shard);
    let machine = header.map_or("", |header| header.machine.as_str());
    let parts = [machine, if machine.is_empty() { run } else { "" }];
    let shard = if shard.is_empty() { String::new() } else { format!("shard {shard}") };
    let parts = parts.into_iter().chain([shard.as_str()]).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(", ")
}

fn span(started: &str, duration: f64) -> Option<Span> {
    let started: jiff::Timestamp = started.parse().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 are exact in a float")]
    let start = started.as_microsecond() as f64 / 1e6;
    Some(Span { start, end: start + duration.max(0.0) })
}

fn moved(span: Span, origin: f64) -> Span {
    Span { start: span.start - origin, end: span.end - origin }
}
