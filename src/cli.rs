//! The command line: its options and subcommands. It must not read files or print.

use clap::builder::{Resettable, StyledStr};
use clap::{CommandFactory, Parser, Subcommand};

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

/// The command line of a program that is called `name`. Its help is written for `cargo tgen`.
pub(crate) fn command_called(name: &'static str) -> clap::Command {
    const WRITTEN_FOR: &str = "cargo tgen";
    let command = Cli::command();
    if name == WRITTEN_FOR { command } else { renamed(command.bin_name(name), WRITTEN_FOR, name) }
}

fn renamed(command: clap::Command, before: &str, now: &str) -> clap::Command {
    let text = |text: Option<&StyledStr>| -> Resettable<StyledStr> {
        text.map(|text| StyledStr::from(text.to_string().replace(before, now))).into()
    };
    let (about, long, after) =
        (text(command.get_about()), text(command.get_long_about()), text(command.get_after_help()));
    let command = command.about(about).long_about(long).after_help(after).mut_args(|argument| {
        let (help, long) = (text(argument.get_help()), text(argument.get_long_help()));
        argument.help(help).long_help(long)
    });
    command.mut_subcommands(|command| renamed(command, before, now))
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
