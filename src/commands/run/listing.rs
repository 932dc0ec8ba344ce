//! What would run: a list, and a schedule, for people and as JSON.
//!
//! ```json
//! {"version": 1, "files": [{"unit": "test/test_a.py", "file": "test/test_a.py", "hardware": "cpu", "model": "bert", "batch": null, "test_id": null}]}
//! ```
//!
//! In a schedule, a file also has `start` and `end` in seconds, the `device`, the expected `memory` in bytes and the
//! expected `duration` in seconds, each with its `origin`. `version` grows when a key changes its meaning or goes.

use std::time::Duration;

use anyhow::bail;
use serde_json::{Value, json};
use tgen_core::schedule::forecast::{Forecast, forecast};
use tgen_core::schedule::machine::Machine;
use tgen_core::schedule::scheduler::Scheduler;

use super::screen::in_words;
use crate::commands::results::RunFormat;
use crate::printer::{Printer, counted, write_json};
use crate::run::{Selection, Unit};

/// The version of the JSON.
const VERSION: u32 = 1;

/// Lists the units.
pub(super) fn list(selection: &Selection, format: RunFormat) -> anyhow::Result<()> {
    let printer = Printer::new();
    if is_json(format)? {
        return print_json(&selection.units.iter().map(unit_json).collect::<Vec<_>>());
    }
    for unit in &selection.units {
        printer.line(&format!("{} on {}", named(unit), unit.hardware))?;
    }
    Ok(())
}

/// Shows when each unit would start, and what would not run.
pub(super) fn schedule(selection: &Selection, machine: &Machine, format: RunFormat) -> anyhow::Result<()> {
    let mut scheduler = Scheduler::new(selection.jobs.clone(), machine.clone());
    let blocked = scheduler.blocked().len();
    let schedule = forecast(scheduler);
    if is_json(format)? {
        let files = schedule.iter().map(|forecast| forecast_json(selection, machine, forecast));
        return print_json(&files.collect::<Vec<_>>());
    }
    let row = |forecast: &Forecast| {
        let (unit, job) = (&selection.units[forecast.job], &selection.jobs[forecast.job]);
        vec![
            in_words(forecast.start),
            in_words(forecast.end),
            named(unit).to_owned(),
            device(machine, forecast).unwrap_or(unit.hardware.name()).to_owned(),
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

/// What people know a unit by: the file, also where its id is that of a planned test.
fn named(unit: &Unit) -> &str {
    if unit.test_id.is_some() { unit.file.as_str() } else { &unit.name }
}

/// Whether a list is for programs. There is none in the formats that need results.
fn is_json(format: RunFormat) -> anyhow::Result<bool> {
    match format {
        RunFormat::Human => Ok(false),
        RunFormat::Json => Ok(true),
        RunFormat::Junit | RunFormat::Github => {
            bail!("nothing runs, so there are no results to report; leave `--format` out, or give `--format json`")
        }
    }
}

fn print_json(files: &[Value]) -> anyhow::Result<()> {
    let list = json!({"version": VERSION, "files": files});
    Ok(Printer::new().report(|out| write_json(out, &list))?)
}

fn unit_json(unit: &Unit) -> Value {
    json!({
        "unit": unit.name,
        "file": unit.file,
        "hardware": unit.hardware,
        "model": unit.model,
        "batch": unit.batch,
        "test_id": unit.test_id,
    })
}

fn forecast_json(selection: &Selection, machine: &Machine, forecast: &Forecast) -> Value {
    let job = &selection.jobs[forecast.job];
    let mut file = unit_json(&selection.units[forecast.job]);
    file["device"] = json!(device(machine, forecast));
    file["start"] = json!(forecast.start.as_secs_f64());
    file["end"] = json!(forecast.end.as_secs_f64());
    file["memory"] = json!({"value": job.needs.memory.value.0, "origin": job.needs.memory.origin.to_string()});
    file["duration"] = json!({"value": job.expected.value.as_secs_f64(), "origin": job.expected.origin.to_string()});
    file
}

fn device<'a>(machine: &'a Machine, forecast: &Forecast) -> Option<&'a str> {
    let device = machine.devices.get(forecast.device?.device.0)?;
    Some(&device.label)
}
