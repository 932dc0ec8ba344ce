//! cargo-tgen: parses the command line, runs the command, and turns how it ends into an exit code.

mod apply;
mod cli;
mod commands;
mod exit;
mod printer;
mod project;
mod report;
mod run;
#[cfg(feature = "store")]
mod store;
mod submit;
mod watch;
mod world;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::printer::{ProgramName, Verbosity};
use crate::world::{interrupt, threads};

fn main() -> ExitCode {
    interrupt::survive_the_file_size_limit();
    let cli = Cli::try_parse_from(arguments()).unwrap_or_else(|error| as_shown(error).exit());
    match dispatch(cli) {
        Ok(Exit::Clean) => ExitCode::SUCCESS,
        Ok(Exit::Findings) => ExitCode::from(1),
        Ok(Exit::Infrastructure) => ExitCode::from(3),
        Err(error) => {
            printer::Printer::new().error(&error);
            ExitCode::from(2)
        }
    }
}

/// Whether cargo called the program, which puts `tgen` before the arguments.
fn is_called_by_cargo() -> bool {
    std::env::args_os().nth(1).is_some_and(|first| first == "tgen")
}

/// The name by which the user called the program.
fn program_name() -> ProgramName {
    match std::env::args_os().next() {
        Some(executable) if !is_called_by_cargo() => ProgramName::of_executable(executable.as_ref()),
        _ => ProgramName::CargoSubcommand,
    }
}

/// The arguments without the `tgen` that cargo puts in front.
fn arguments() -> impl Iterator<Item = OsString> {
    let skipped = usize::from(is_called_by_cargo());
    std::env::args_os().enumerate().filter(move |(at, _)| *at == 0 || *at > skipped).map(|(_, argument)| argument)
}

/// Help, or a usage error, with the name by which the program was called. It quotes the arguments as they may be printed: some
/// hold text from outside. Only what is shown is worth a command line of another name, so that others start without one.
fn as_shown(error: clap::Error) -> clap::Error {
    let shown = arguments().map(|argument| printer::visible(&argument.to_string_lossy()).into_owned());
    let mut command = cli::command_called(program_name().text());
    match command.try_get_matches_from_mut(shown) {
        Ok(matches) => Cli::from_arg_matches(&matches).err().map_or(error, |error| error.format(&mut command)),
        Err(error) => error,
    }
}

/// Whether a command starts threads.
fn works_in_parallel(command: &Command) -> bool {
    let alone = matches!(
        command,
        Command::Init(_)
            | Command::Placeholders(_)
            | Command::Hardware(_)
            | Command::Report(_)
            | Command::Results(_)
            | Command::Completions(_)
            | Command::Man(_)
    );
    !alone
}

fn dispatch(cli: Cli) -> anyhow::Result<Exit> {
    let global = &cli.global;
    printer::prepare(global.color, if global.quiet { Verbosity::Quiet } else { Verbosity::Normal }, program_name());
    if works_in_parallel(&cli.command) {
        threads::prepare()?;
    }
    match cli.command {
        Command::Init(args) => commands::init::run(global, &args),
        Command::Generate(args) => commands::generate::run(global, &args),
        Command::Check(args) => commands::check::run(global, &args),
        Command::Adopt(args) => commands::adopt::run(global, &args),
        Command::Run(args) => commands::run::run(global, &args),
        Command::Bundle(args) => commands::bundle::run(global, &args),
        Command::Emit(args) => commands::emit::run(global, &args),
        Command::Submit(args) => commands::submit::run(global, &args),
        Command::Watch(args) => commands::watch::run(global, &args),
        Command::Lint(args) => commands::lint::run(global, &args),
        Command::Explain(args) => commands::explain::run(global, &args),
        Command::Lsp(args) => commands::lsp::run(global, &args),
        Command::Map(args) => commands::map::run(global, &args),
        Command::Models(args) => commands::models::run(global, &args),
        Command::Placeholders(args) => commands::placeholders::run(&args),
        Command::Hardware(args) => commands::hardware::run(&args),
        Command::Report(args) => commands::report::run(global, &args),
        Command::Results(args) => commands::results::run(global, &args),
        #[cfg(feature = "store")]
        Command::Template(args) => commands::template::run(global, &args),
        #[cfg(feature = "store")]
        Command::Mapping(args) => commands::mapping::run(global, &args),
        #[cfg(feature = "store")]
        Command::Query(args) => commands::query::run(global, &args),
        #[cfg(feature = "store")]
        Command::Plan(args) => commands::plan::run(global, &args),
        #[cfg(not(feature = "store"))]
        Command::Template(_) => commands::without_store::run("template"),
        #[cfg(not(feature = "store"))]
        Command::Mapping(_) => commands::without_store::run("mapping"),
        #[cfg(not(feature = "store"))]
        Command::Query(_) => commands::without_store::run("query"),
        #[cfg(not(feature = "store"))]
        Command::Plan(_) => commands::without_store::run("plan"),
        Command::Completions(args) => commands::completions::run(&args, Cli::command()),
        Command::Man(args) => commands::man::run(&args, Cli::command()),
    }
}
