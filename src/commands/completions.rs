//! `cargo tgen completions`: completion scripts for shells.

use clap::Args;
use clap_complete::Shell;

use crate::outcome::Outcome;
use crate::printer::Printer;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo-tgen completions bash > ~/.local/share/bash-completion/completions/cargo-tgen
  cargo-tgen completions zsh  > ~/.zfunc/_cargo-tgen
  cargo-tgen completions fish > ~/.config/fish/completions/cargo-tgen.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, command: clap::Command) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command.bin_name("cargo-tgen"), "cargo-tgen", &mut script);
    Printer::new().report(|out| out.write_all(&script))?;
    Ok(Outcome::Clean)
}
