//! The arguments that several commands share. This module must not read files or print.

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};
use tgen_core::model::hardware::HardwareType;

use crate::printer::ColorWhen;

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// The project's root: where `tgen.toml` is [default: the nearest folder above that has one]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Project")]
    pub(crate) root: Option<Utf8PathBuf>,
    /// The Cargo.toml whose metadata carries the configuration
    #[arg(long, global = true, value_name = "PATH", help_heading = "Project")]
    pub(crate) manifest_path: Option<Utf8PathBuf>,
    /// The package whose metadata carries the configuration
    #[arg(short, long, global = true, value_name = "SPEC", help_heading = "Project")]
    pub(crate) package: Vec<String>,
    /// Every package of the workspace that carries a configuration
    #[arg(long, global = true, help_heading = "Project")]
    pub(crate) workspace: bool,
    /// The template database [default: the configured `template-db`, else `templates.duckdb`]
    #[cfg(feature = "store")]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Project")]
    pub(crate) template_db: Option<Utf8PathBuf>,
    /// Refused: there is no template database in this build
    #[cfg(not(feature = "store"))]
    #[arg(long = "template-db", global = true, value_name = "FILE", hide = true, value_parser = crate::project::database::refuse)]
    pub(crate) _template_db: Option<String>,
    /// When to use colour; `NO_COLOR`, `CLICOLOR_FORCE`, `FORCE_COLOR` and `CARGO_TERM_COLOR` count too
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        help_heading = "Output",
        hide_possible_values = true
    )]
    pub(crate) color: ColorWhen,
    /// Show problems only: no progress, no lists of what went well, no closing line
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(crate) quiet: bool,
}

/// The formats of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ListFormat {
    /// Columns, for people
    #[default]
    Table,
    /// JSON, for programs
    Json,
}

/// What a command that only lists takes.
#[cfg(feature = "store")]
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// How to show them
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ListFormat,
}

/// Which cases and where to; what is left out is as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct SelectionArgs {
    #[command(flatten)]
    pub(crate) cases: CaseArgs,
    /// Write below this folder instead of the beginning of the suite's output path
    #[arg(short, long, value_name = "DIR", help_heading = "Selection")]
    pub(crate) output_dir: Option<Utf8PathBuf>,
}

/// Which cases; what is left out is as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct CaseArgs {
    /// A model, a checkpoint of one, or a glob [may be repeated]
    #[arg(short, long, value_name = "MODEL", help_heading = "Selection")]
    pub(crate) model: Vec<String>,
    /// A suite [may be repeated]
    #[arg(short, long, value_name = "SUITE", help_heading = "Selection")]
    pub(crate) suite: Vec<String>,
    /// A model of each kind: bert, vit, whisper, llava
    #[arg(long, help_heading = "Selection")]
    pub(crate) sample: bool,
    /// Every model with a reference implementation in the skillset folder
    #[arg(long, help_heading = "Selection")]
    pub(crate) skillset: bool,
    /// Hardware types instead of the suite's: cpu, cuda, rocm, openvino, mps, qualcomm
    #[arg(long, value_delimiter = ',', value_name = "TYPE,...", value_parser = hardware_type, help_heading = "Selection")]
    pub(crate) hardware: Vec<HardwareType>,
    /// Batch sizes instead of the suite's
    #[arg(long, value_delimiter = ',', value_name = "N,...", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Selection")]
    pub(crate) batch_sizes: Vec<u32>,
}

/// Reads a hardware type on the command line.
pub(crate) fn hardware_type(name: &str) -> Result<HardwareType, String> {
    HardwareType::from_name(name).ok_or_else(|| {
        let known: Vec<_> = HardwareType::ALL.iter().map(|hardware| hardware.name()).collect();
        let meant = HardwareType::meant_by(name).map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
        format!("{meant}there is {}", known.join(", "))
    })
}
