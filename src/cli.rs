//! The command line: its options and subcommands. It must not read files or print.

use clap::{Parser, Subcommand};

use crate::commands;
use crate::project::arguments::Global;

/// Render test files from templates, and prove that they are current.
#[derive(Debug, Parser)]
#[command(name = "cargo-tgen", bin_name = "cargo tgen", version, long_version = LONG_VERSION, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The version, and what the build has.
const LONG_VERSION: &str = if cfg!(feature = "bundled") {
    concat!(
        env!("CARGO_PKG_VERSION"),
        "\ntemplate database: DuckDB ",
        include_str!("store/library/version"),
        ", compiled in"
    )
} else if cfg!(feature = "store") {
    concat!(
        env!("CARGO_PKG_VERSION"),
        "\ntemplate database: DuckDB ",
        include_str!("store/library/version"),
        ", loaded when needed"
    )
} else {
    concat!(env!("CARGO_PKG_VERSION"), "\ntemplate database: none in this build")
};

const EXAMPLES: &str = "\
Examples:
  cargo tgen generate --sample --output-dir ./test_output   try it out, in any folder
  cargo tgen init                                           begin a project
  cargo tgen generate                                       write what is missing or stale
  cargo tgen check                                          fail if anything differs (for CI)
  cargo tgen watch                                          generate whatever a change affects, as you save";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(commands::init::InitArgs),
    Generate(commands::generate::GenerateArgs),
    Check(commands::check::CheckArgs),
    Adopt(commands::adopt::AdoptArgs),
    Run(commands::run::RunArgs),
    Bundle(commands::bundle::BundleArgs),
    Submit(commands::submit::SubmitArgs),
    Emit(commands::emit::EmitArgs),
    Watch(commands::watch::WatchArgs),
    Lint(commands::lint::LintArgs),
    Explain(commands::explain::ExplainArgs),
    Lsp(commands::lsp::LspArgs),
    Map(commands::map::MapArgs),
    Models(commands::models::ModelsArgs),
    Placeholders(commands::placeholders::PlaceholdersArgs),
    Hardware(commands::hardware::HardwareArgs),
    Report(commands::report::ReportArgs),
    Results(commands::results::ResultsArgs),
    #[cfg(feature = "store")]
    Template(commands::template::TemplateArgs),
    #[cfg(feature = "store")]
    Mapping(commands::mapping::MappingArgs),
    #[cfg(feature = "store")]
    Query(commands::query::QueryArgs),
    #[cfg(feature = "store")]
    Plan(commands::plan::PlanArgs),
    #[cfg(not(feature = "store"))]
    #[command(hide = true)]
    Template(commands::without_store::MissingArgs),
    #[cfg(not(feature = "store"))]
    #[command(hide = true)]
    Mapping(commands::without_store::MissingArgs),
    #[cfg(not(feature = "store"))]
    #[command(hide = true)]
    Query(commands::without_store::MissingArgs),
    #[cfg(not(feature = "store"))]
    #[command(hide = true)]
    Plan(commands::without_store::MissingArgs),
    Completions(commands::completions::CompletionsArgs),
    Man(commands::man::ManArgs),
}
