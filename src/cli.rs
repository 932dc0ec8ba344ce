//! The command line: what can be said, not what is done. It must not read files or print.

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;

/// Render test files from templates, and prove that they are current.
#[derive(Debug, Parser)]
#[command(name = "cargo-tgen", bin_name = "cargo tgen", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cargo tgen generate --sample --output-dir ./test_output   try it out, in any folder
  cargo tgen init                                           begin a project
  cargo tgen generate                                       write what is missing or stale
  cargo tgen check                                          fail if anything differs (for CI)
  cargo tgen watch                                          generate whatever a change affects, as you save";

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
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(commands::init::InitArgs),
    Generate(commands::generate::GenerateArgs),
    Check(commands::check::CheckArgs),
    Watch(commands::watch::WatchArgs),
    Lint(commands::lint::LintArgs),
    Explain(commands::explain::ExplainArgs),
    Lsp(commands::lsp::LspArgs),
    Map(commands::map::MapArgs),
    Models(commands::models::ModelsArgs),
    Placeholders(commands::placeholders::PlaceholdersArgs),
    Hardware(commands::hardware::HardwareArgs),
    #[cfg(feature = "store")]
    Template(commands::template::TemplateArgs),
    #[cfg(feature = "store")]
    Mapping(commands::mapping::MappingArgs),
    #[cfg(feature = "store")]
    Query(commands::query::QueryArgs),
    #[cfg(feature = "store")]
    Plan(commands::plan::PlanArgs),
    Completions(commands::completions::CompletionsArgs),
    Man(commands::man::ManArgs),
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
    #[arg(long, value_delimiter = ',', value_name = "TYPE,...", value_parser = commands::hardware_type, help_heading = "Selection")]
    pub(crate) hardware: Vec<tgen_core::hardware::HardwareType>,
    /// Batch sizes instead of the suite's
    #[arg(long, value_delimiter = ',', value_name = "N,...", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Selection")]
    pub(crate) batch_sizes: Vec<u32>,
}
