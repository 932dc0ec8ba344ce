//! What would run: a list, and a schedule.

use std::time::Duration;

use tgen_core::schedule::forecast::{Forecast, forecast};
use tgen_core::schedule::machine::Machine;
use tgen_core::schedule::scheduler::Scheduler;

use super::screen::in_words;
use crate::printer::{Printer, counted};
use crate::run::Selection;

/// Lists the units.
pub(super) fn list(selection: &Selection) -> anyhow::Result<()> {
    let printer = Printer::new();
    for unit in &selection.units {
        printer.line(&format!("{} on {}", unit.name, unit.hardware))?;
    }
    Ok(())
}

/// Shows when each unit would start, and what would not run.
pub(super) fn schedule(selection: &Selection, machine: &Machine) -> anyhow::Result<()> {
    let mut scheduler = Scheduler::new(selection.jobs.clone(), machine.clone());
    let blocked = scheduler.blocked().len();
    let schedule = forecast(scheduler);
    let row = |Forecast { job, device, start, end }: &Forecast| {
        let (unit, job) = (&selection.units[*job], &selection.jobs[*job]);
        let device = device.and_then(|slot| machine.devices.get(slot.device.0));
        vec![
            in_words(*start),
            in_words(*end),
            unit.name.clone(),
            device.map_or_else(|| unit.hardware.to_string(), |device| device.label.clone()),
            format!("{} ({})", job.needs.memory.value, job.needs.memory.origin),
            format!("{} ({})", in_words(job.expected.value), job.expected.origin),
        ]
    };
    let printer = Printer::new();
    printer.table(&["start", "end", "file", "on", "memory", "expected"], schedule.iter().map(row).collect())?;
    let end = schedule.iter().map(|forecast| forecast.end).max().unwrap_or(Duration::ZERO);
    let blocked = if blocked > 0 { format!(", {blocked} blocked") } else { String::new() };
    Ok(printer.note(&format!("{}{blocked}, expected to take {}", counted(schedule.len(), "file"), in_words(end)))?)
}
