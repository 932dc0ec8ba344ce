//! The budget of one rendering: a single count of units for time and memory, which everything in a template spends.
//!
//! Tera has no hook for what it executes, so [`super::metering`] inserts calls of the filters below into a template's
//! text before Tera compiles it, and [`super::bounded`] replaces the filters whose results can be far larger than their
//! inputs. This module must not know templates, only values and counts.

use std::cell::{Cell, RefCell};
use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use crate::base::cancellation::Cancellation;

/// The number of units that one rendering may spend. A unit is one executed expression or tag, or [`BYTES_PER_UNIT`]
/// bytes that are captured, concatenated or added to a list.
pub const RENDERING_BUDGET: u64 = 4 * 1024 * 1024;

/// The bytes of memory that one unit pays for; the whole budget is 64 MiB.
pub const BYTES_PER_UNIT: u64 = 16;

/// The largest output that is rendered, in bytes.
pub const LARGEST_OUTPUT: usize = 64 * 1024 * 1024;

/// How deep a template may nest lists and maps; Tera formats, compares and drops them recursively.
pub const DEEPEST_VALUE: usize = 64;

/// The memory of an element of a list or an entry of a map, in units.
const UNITS_PER_ELEMENT: u64 = 2;
const UNITS_PER_ENTRY: u64 = 8;

/// Spends a constant: `{{ 5 | tgen_step }}` writes nothing.
pub(super) const STEP: &str = "tgen_step";
/// Spends the weight of its value, and returns the value.
pub(super) const WEIGH: &str = "tgen_weigh";
/// Spends one unit for each iteration of a loop over its value, and returns the value.
pub(super) const LOOP: &str = "tgen_loop";
/// Spends the cost of an index or a slice of `of`, and returns its value, which is the index.
pub(super) const INDEX: &str = "tgen_index";
/// Rejects a value that is nested too deeply to be added to a list or map.
pub(super) const NEST: &str = "tgen_nest";

/// The reason why a rendering was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The budget is exhausted.
    Spent,
    /// It nests values deeper than [`DEEPEST_VALUE`].
    TooDeep,
    /// It was cancelled.
    Cancelled,
}

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(RENDERING_BUDGET) };
    static STOP: Cell<Option<Stop>> = const { Cell::new(None) };
    static CANCELLATION: RefCell<Option<Cancellation>> = const { RefCell::new(None) };
}

/// Runs one rendering on this thread with a full budget. The second value is the reason if it was stopped.
pub(super) fn with_budget<T>(cancellation: Option<&Cancellation>, render: impl FnOnce() -> T) -> (T, Option<Stop>) {
    LEFT.set(RENDERING_BUDGET);
    STOP.set(None);
    CANCELLATION.replace(cancellation.cloned());
    let rendered = render();
    CANCELLATION.take();
    (rendered, STOP.take())
}

/// Spends units of the budget of this thread's rendering.
///
/// # Errors
/// An error if the rendering has to stop.
pub(super) fn spend(units: u64) -> TeraResult<()> {
    if CANCELLATION.with_borrow(|cancellation| cancellation.as_ref().is_some_and(Cancellation::is_cancelled)) {
        return Err(stop(Stop::Cancelled));
    }
    match LEFT.get().checked_sub(units) {
        Some(left) => {
            LEFT.set(left);
            Ok(())
        }
        None => Err(stop(Stop::Spent)),
    }
}

/// Spends the units for a number of bytes.
///
/// # Errors
/// See [`spend`].
pub(super) fn spend_bytes(bytes: usize) -> TeraResult<()> {
    spend(units_of_bytes(bytes))
}

pub(super) fn units_of_bytes(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX) / BYTES_PER_UNIT
}

fn stop(reason: Stop) -> Error {
    STOP.set(Some(reason));
    Error::message(match reason {
        Stop::Spent => "the rendering exceeds its budget",
        Stop::TooDeep => "the value nests too deep",
        Stop::Cancelled => "the rendering was cancelled",
    })
}

/// Spends the weight of a value and everything in it, multiplied by `times`.
///
/// # Errors
/// See [`spend`]; also if the value is nested too deeply.
pub(super) fn weigh(value: &Value, times: u64) -> TeraResult<()> {
    weigh_nested(value, times, DEEPEST_VALUE)
}

fn weigh_nested(value: &Value, times: u64, deepest: usize) -> TeraResult<()> {
    if let Some(text) = value.as_str() {
        return spend(units_of_bytes(text.len()).saturating_mul(times));
    }
    let deeper = || deepest.checked_sub(1).ok_or_else(|| stop(Stop::TooDeep));
    if let Some(elements) = value.as_array() {
        let deepest = deeper()?;
        spend(count(elements.len()).saturating_mul(UNITS_PER_ELEMENT * times))?;
        return elements.iter().try_for_each(|element| weigh_nested(element, times, deepest));
    }
    if let Some(entries) = value.as_map() {
        let deepest = deeper()?;
        spend(count(entries.len()).saturating_mul(UNITS_PER_ENTRY * times))?;
        return entries.iter().try_for_each(|(key, entry)| {
            spend_bytes(key.as_str().map_or(0, str::len))?;
            weigh_nested(entry, times, deepest)
        });
    }
    spend_bytes(value.as_bytes().map_or(0, <[u8]>::len))
}

/// The number of elements, entries or bytes that a loop over the value visits.
fn length(value: &Value) -> usize {
    value
        .as_array()
        .map(<[Value]>::len)
        .or_else(|| value.as_map().map(tera::Map::len))
        .or_else(|| value.as_str().map(str::len))
        .or_else(|| value.as_bytes().map(<[u8]>::len))
        .unwrap_or(0)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Registers the filters of the budget.
pub(super) fn register(tera: &mut Tera) {
    tera.register_filter(STEP, |units: u64, _: Kwargs, _: &State<'_>| spend(units).map(|()| String::new()));
    tera.register_filter(WEIGH, |value: &Value, arguments: Kwargs, _: &State<'_>| {
        weigh(value, arguments.get::<u64>("times")?.unwrap_or(1))?;
        Ok(value.clone()) as TeraResult<Value>
    });
    tera.register_filter(LOOP, |value: &Value, arguments: Kwargs, _: &State<'_>| {
        let body = arguments.get::<u64>("body")?.unwrap_or(1);
        let per_round = if value.is_map() { body.saturating_add(UNITS_PER_ENTRY) } else { body };
        spend((count(length(value)) + 1).saturating_mul(per_round))?;
        Ok(value.clone()) as TeraResult<Value>
    });
    tera.register_filter(INDEX, |index: &Value, arguments: Kwargs, _: &State<'_>| {
        if let Some(indexed) = arguments.get::<Value>("of")? {
            // Tera copies a text's characters to count them, and a list's elements to slice it.
            let units = if indexed.is_map() { 1 } else { count(length(&indexed)) / 2 };
            spend(units)?;
        }
        Ok(index.clone()) as TeraResult<Value>
    });
    tera.register_filter(NEST, |value: &Value, _: Kwargs, _: &State<'_>| {
        if value.is_array() || value.is_map() {
            weigh(value, 1)?;
        }
        Ok(value.clone()) as TeraResult<Value>
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendering_stops_at_the_end_of_its_budget_and_the_next_one_has_a_whole_one() {
        for _ in 0..2 {
            let (rendered, stop) = with_budget(None, || spend(RENDERING_BUDGET - 1).and_then(|()| spend(2)));
            assert!(rendered.is_err());
            assert_eq!(stop, Some(Stop::Spent));
        }
        assert_eq!(with_budget(None, || spend(RENDERING_BUDGET).is_ok()), (true, None));
    }

    #[test]
    fn a_cancelled_rendering_stops_at_its_next_step() {
        let cancellation = Cancellation::default();
        let (rendered, stop) = with_budget(Some(&cancellation), || {
            spend(1).and_then(|()| {
                cancellation.clone().cancel();
                spend(1)
            })
        });
        assert!(rendered.is_err());
        assert_eq!(stop, Some(Stop::Cancelled));
    }

    #[test]
    fn a_value_that_holds_itself_many_times_weighs_as_much_as_its_text() {
        let mut value = Value::from("a");
        for _ in 0..40 {
            value = Value::from(vec![value.clone(), value]);
        }
        assert_eq!(with_budget(None, || weigh(&value, 1).is_ok()), (false, Some(Stop::Spent)));
    }

    #[test]
    fn a_value_that_nests_too_deep_is_refused() {
        let nested = |depth: usize| (0..depth).fold(Value::from("a"), |value, _| Value::from(vec![value]));
        assert_eq!(with_budget(None, || weigh(&nested(DEEPEST_VALUE), 1).is_ok()), (true, None));
        assert_eq!(with_budget(None, || weigh(&nested(DEEPEST_VALUE + 1), 1).is_ok()), (false, Some(Stop::TooDeep)));
    }
}
