//! `cargo tgen completions`: completion scripts for shells, for each name of the program: `cargo-tgen`, `tgen`, `cargo tgen`.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use crate::exit::Exit;
use crate::printer::Printer;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo 'source <(cargo-tgen completions bash)' >> ~/.bashrc
  cargo-tgen completions zsh  > ~/.zfunc/_cargo-tgen
  cargo-tgen completions fish > ~/.config/fish/conf.d/cargo-tgen.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// What bash needs beside the script for `cargo-tgen`.
const BASH: &str = include_str!("completions/cargo.bash");

pub(crate) fn run(args: &CompletionsArgs, command: Command) -> anyhow::Result<Exit> {
    let script = script(args.shell, &command.bin_name("cargo-tgen"));
    Printer::new().report(|out| out.write_all(script.as_bytes()))?;
    Ok(Exit::Clean)
}

fn script(shell: Shell, command: &Command) -> String {
    let own = || generated(shell, command, "cargo-tgen");
    match shell {
        // With a hyphen in the program's name the generated script looks for subcommands under another name than it gives
        // them, so it is generated for a name without one.
        Shell::Bash => {
            let own = generated(shell, &command.clone().bin_name("cargo__tgen"), "cargo__tgen");
            own.replace("default cargo__tgen\n", "default cargo-tgen\n") + BASH
        }
        // cargo's completion for zsh asks `_cargo-tgen` itself.
        Shell::Zsh => own().replacen("#compdef cargo-tgen", "#compdef cargo-tgen tgen", 1),
        Shell::Fish => {
            let cargo = Command::new("cargo").subcommand(command.clone().name("tgen")).disable_help_subcommand(true);
            own() + &generated(shell, &cargo, "cargo") + "complete -c tgen -w cargo-tgen\n"
        }
        _ => own(),
    }
}

fn generated(shell: Shell, command: &Command, name: &str) -> String {
    let mut script = Vec::new();
    generate(shell, &mut command.clone(), name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
