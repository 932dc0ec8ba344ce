//! The options of `cargo tgen run`.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};
use tgen_core::base::bytes::Bytes;
use tgen_core::model::hardware::HardwareType;
use tgen_core::results::outcome::Outcome;
use tgen_core::schedule::machine::Device;
use tgen_core::schedule::shard::Shard;

use crate::commands::results::RunFormat;
use crate::project::arguments::{SelectionArgs, hardware_type};
use crate::run::{Isolation, Retries, RetryOn, machine};

/// Run the generated tests
///
/// Each file runs in a process of its own, as many at a time as the machine has memory and devices for. Every result is
/// appended to a file below `results/` as soon as it is known. Exit code 0: all tests passed. 1: tests failed or were not
/// run. 2: it could not run. 3: only the machine failed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen run --model bert                     the tests of one model
  cargo tgen run --generate -- -q -x              renew what is stale first; options of pytest
  cargo tgen run --rerun                          what failed or was not run last time, and what is new
  cargo tgen run --shard 2/8 --budget 30m         the second of eight parts, for half an hour
  cargo tgen run --retries 2 --retry-on crashed,timed_out,infra_error")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    /// Write the outputs that are missing or stale first
    #[arg(long)]
    pub(super) generate: bool,
    /// Run a plan of the template database instead of the outputs
    #[cfg(feature = "store")]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["generate", "suite", "output_dir", "sample", "skillset"])]
    pub(super) plan: Option<String>,
    /// Only the tests that pytest's expression selects
    #[arg(short = 'k', value_name = "EXPRESSION", help_heading = "Selection")]
    pub(super) keyword: Option<String>,
    /// What failed or was not run in a run, and what is new [default: the latest run]
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "", help_heading = "Selection")]
    pub(super) rerun: Option<String>,
    /// Only the I-th of N parts, which take about equally long
    #[arg(long, value_name = "I/N", help_heading = "Selection")]
    pub(super) shard: Option<Shard>,
    /// The Python that runs the tests: a program or a virtual environment [default: the active one, the project's `.venv`, or
    /// the first on PATH]
    #[arg(long, value_name = "PYTHON", help_heading = "Execution")]
    pub(super) python: Option<Utf8PathBuf>,
    /// How the files are kept apart
    #[arg(long, value_enum, default_value_t, help_heading = "Execution")]
    pub(super) isolation: Isolation,
    /// How many files run at a time [default: one for each processor]
    #[arg(short, long, value_name = "N", help_heading = "Execution")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// The memory that all running files together may use, and the limit of each [default: the machine's]
    #[arg(long, value_name = "SIZE", help_heading = "Execution")]
    pub(super) memory: Option<Bytes>,
    /// The devices to use, such as cuda:0,cuda:1 [default: those of the machine]
    #[arg(long, value_delimiter = ',', value_name = "DEVICE,...", value_parser = device, help_heading = "Execution")]
    pub(super) devices: Vec<DeviceName>,
    /// How many files share a device
    #[arg(long, value_name = "N", default_value = "1", help_heading = "Execution")]
    pub(super) slots: NonZeroUsize,
    #[command(flatten)]
    pub(super) retry: RetryArgs,
    /// Start nothing more after N tests have failed [default of N: 1]
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1", help_heading = "Execution")]
    pub(super) fail_fast: Option<NonZeroUsize>,
    /// End the run after this time, such as 90s, 30m or 2h
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Execution")]
    pub(super) budget: Option<Duration>,
    /// List what would run, and run nothing
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) list: bool,
    /// Show the schedule with the expected times, and run nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// How to report
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: RunFormat,
    /// The file that the results are appended to [default: a new one below `results/`]
    #[arg(long, value_name = "FILE")]
    pub(super) results: Option<Utf8PathBuf>,
    /// Arguments for pytest
    #[arg(last = true, value_name = "PYTEST ARGUMENTS")]
    pub(super) pytest: Vec<String>,
}

/// What is tried again, here and on other machines.
#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// How often a test is tried again
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Execution")]
    retries: u32,
    /// What is tried again: outcomes, or parts of the reason of a failure
    #[arg(long, value_delimiter = ',', value_name = "WHAT,...", default_value = "crashed,timed_out,infra_error", value_parser = retry_on, help_heading = "Execution")]
    retry_on: Vec<RetryOn>,
    /// What a test that passed on a retry counts as
    #[arg(long, value_enum, default_value_t, help_heading = "Execution")]
    pub(crate) flaky: Flaky,
}

impl RetryArgs {
    pub(super) fn retries(&self) -> Retries {
        Retries { count: self.retries, on: self.retry_on.clone() }
    }

    /// The same options for the driver of a bundle; none if nothing is tried again.
    pub(crate) fn for_driver(&self) -> Vec<String> {
        if self.retries == 0 {
            return Vec::new();
        }
        let on: Vec<String> = self.retry_on.iter().map(ToString::to_string).collect();
        // A reason may begin as an option does.
        let on = format!("--retry-on={}", on.join(","));
        let mut arguments = vec!["--retries".to_owned(), self.retries.to_string(), on];
        if self.flaky == Flaky::Fail {
            arguments.extend(["--flaky".to_owned(), "fail".to_owned()]);
        }
        arguments
    }
}

/// What a flaky test counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Flaky {
    /// A passed test
    #[default]
    Pass,
    /// A failed test
    Fail,
}

/// A device on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceName {
    hardware: HardwareType,
    label: String,
}

impl RunArgs {
    /// The devices that the run has, given the hardware types of the machine.
    pub(super) fn devices(&self, present: &[HardwareType]) -> Vec<Device> {
        let slots = self.slots.get();
        if !self.devices.is_empty() {
            let named = self.devices.iter().cloned();
            return named.map(|DeviceName { hardware, label }| Device { hardware, label, slots }).collect();
        }
        let of_type = |hardware: HardwareType| {
            let label = move |number| match hardware {
                HardwareType::Cuda | HardwareType::Rocm => format!("{hardware}:{number}"),
                _ => hardware.to_string(),
            };
            // OpenVINO computes on the processor, as a rule, so several files can use it at once.
            let slots = if hardware == HardwareType::Openvino { slots.max(machine::jobs()) } else { slots };
            (0..machine::device_count(hardware)).map(move |number| Device { hardware, label: label(number), slots })
        };
        present
            .iter()
            .filter(|hardware| **hardware != HardwareType::Cpu)
            .flat_map(|hardware| of_type(*hardware))
            .collect()
    }
}

fn device(text: &str) -> Result<DeviceName, String> {
    let (hardware, number) = text.split_once(':').unwrap_or((text, "0"));
    let hardware = hardware_type(hardware)?;
    if hardware == HardwareType::Cpu {
        return Err("the processor needs no device; `--jobs` says how many files run on it".to_owned());
    }
    number.parse::<u32>().map_err(|_| format!("write a device as `{hardware}:0`"))?;
    let label = if text.contains(':') { format!("{hardware}:{number}") } else { hardware.to_string() };
    Ok(DeviceName { hardware, label })
}

fn retry_on(text: &str) -> Result<RetryOn, String> {
    match Outcome::from_name(text) {
        Some(outcome) => Ok(RetryOn::Outcome(outcome)),
        None if text.trim().is_empty() || text.contains(char::is_control) => {
            Err("write outcomes, such as `crashed`, or parts of a reason".to_owned())
        }
        None => Ok(RetryOn::Message(text.to_owned())),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let error = || "write it as a number with a unit: `90s`, `30m`, `2h`".to_owned();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(error()),
    };
    let count = u64::from_str(digits).map_err(|_| error())?;
    count.checked_mul(unit).map(Duration::from_secs).ok_or_else(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(time("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(time("30m"), Ok(Duration::from_mins(30)));
        assert!(["30", "m", "-1s", "1d", "99999999999999999999h"].iter().all(|wrong| time(wrong).is_err()));
    }

    #[test]
    fn a_device_has_a_hardware_type_and_perhaps_a_number() {
        let label = |text| device(text).map(|device| device.label).ok();
        assert_eq!(label("cuda:1").as_deref(), Some("cuda:1"));
        assert_eq!(label("apple").as_deref(), Some("mps"));
        assert!(["cpu", "cuda:x", "nvidia:0"].iter().all(|wrong| device(wrong).is_err()));
    }
}
