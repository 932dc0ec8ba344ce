//! The arguments of `plan` and its subcommands.

use camino::Utf8PathBuf;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use tgen_core::config::{Config, Suite};
use tgen_core::model::hardware::HardwareType;

use crate::commands::hardware;
use crate::project::arguments::{CaseArgs, ListArgs, ListFormat, hardware_type};
use crate::store::StoredTest;

/// Plan the generated tests: ids, priorities, memory, what depends on what
///
/// The tests are those of the suites in `tgen.toml`; without one, the template database chooses a template for each
/// model and hardware type. The plan is written to the template database.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  cargo tgen plan --model bert-base-uncased --hardware cpu,cuda --batch-sizes 1,4
  cargo tgen plan --suite matrix --name nightly --format jsonl     what a test runner reads
  cargo tgen plan show nightly --machine here --output-dir tests   the tests for this machine, ready to run
  cargo tgen plan --format github-matrix                           the jobs of a matrix of GitHub Actions
  cargo tgen plan diff nightly plan-7                              what changed between two plans"
)]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    pub(super) command: Option<PlanCommand>,
    #[command(flatten)]
    pub(super) cases: CaseArgs,
    /// The plan's name [default: `plan-` and a number]
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(super) name: Option<String>,
    /// Replace the plan of that name
    #[arg(long, requires = "name")]
    pub(super) replace: bool,
    /// Learn how long tests take and what memory they need from results files [default: those in `results/`]
    #[arg(long, value_name = "FILE", num_args = 0..)]
    pub(super) from_history: Option<Vec<Utf8PathBuf>>,
    /// Say what would be planned, and store nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// How to show the plan
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: PlanFormat,
}

impl PlanArgs {
    /// Whether the built-in suite of the template database is meant: it is asked for by name, or there is no other.
    pub(super) fn wants_database(&self, config: &Config) -> bool {
        match self.cases.suite.as_slice() {
            [] => config.has_only_built_in_suite(),
            names => names.iter().any(|name| *name == Suite::built_in_database().name.value),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// List the plans, the newest first
    List(ListArgs),
    /// Show a plan
    Show(ShowArgs),
    /// Show what differs between two plans
    Diff(DiffArgs),
    /// Remove a plan with its tests
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// The plan's name
    pub(super) name: String,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The plan's name [default: the newest plan]
    pub(super) name: Option<String>,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: PlanFormat,
    /// How many tests to show [default: 50 in a table, else all]
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u32>,
    /// How many tests to leave out before
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) offset: u32,
    /// Only the tests of these models [may be repeated]
    #[arg(long, value_name = "MODEL")]
    pub(super) model: Vec<String>,
    /// Only the tests for these hardware types
    #[arg(long, value_delimiter = ',', value_name = "TYPE,...", value_parser = hardware_type)]
    pub(super) hardware: Vec<HardwareType>,
    /// Only the tests for the hardware types of a machine
    #[arg(long, value_enum)]
    pub(super) machine: Option<OnMachine>,
    /// Only the tests whose ids begin like this; without `--output-dir`, the text of a single one is shown
    #[arg(long, value_delimiter = ',', value_name = "ID,...")]
    #[arg(conflicts_with_all = ["format", "limit", "offset", "model", "hardware", "machine"])]
    pub(super) test: Vec<String>,
    /// Write the tests as files into this folder, with the modules that they import
    #[arg(long, value_name = "DIR", conflicts_with = "format")]
    pub(super) output_dir: Option<Utf8PathBuf>,
}

/// The machine whose hardware types are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OnMachine {
    /// This one, as `cargo tgen hardware` sees it
    Here,
}

impl ShowArgs {
    pub(super) fn filter(&self) -> Filter {
        let here = self.machine.map(|OnMachine::Here| hardware::present());
        let hardware = match (here, self.hardware.is_empty()) {
            (None, true) => None,
            (None, false) => Some(self.hardware.clone()),
            (Some(here), true) => Some(here),
            (Some(here), false) => Some(here.into_iter().filter(|one| self.hardware.contains(one)).collect()),
        };
        Filter { models: self.model.clone(), hardware }
    }
}

/// Which tests of a plan are shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    /// The models; none for all.
    pub(super) models: Vec<String>,
    pub(super) hardware: Option<Vec<HardwareType>>,
}

impl Filter {
    pub(super) fn has(&self, test: &StoredTest) -> bool {
        let is_on = |hardware: &Vec<HardwareType>| hardware.iter().any(|one| one.name() == test.hardware);
        (self.models.is_empty() || self.models.contains(&test.model)) && self.hardware.as_ref().is_none_or(is_on)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.models.is_empty() && self.hardware.is_none()
    }
}

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The earlier plan's name
    pub(super) earlier: String,
    /// The later plan's name [default: the newest plan]
    pub(super) later: Option<String>,
    /// How to show what differs
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: ListFormat,
}

/// The formats of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum PlanFormat {
    /// Columns, for people
    #[default]
    Table,
    /// One list, with the tests' texts
    Json,
    /// One test a line, with the tests' texts
    Jsonl,
    /// The matrix of a job of GitHub Actions, below 256 jobs, as one line
    GithubMatrix,
    /// A flowchart of what depends on what
    Mermaid,
}
