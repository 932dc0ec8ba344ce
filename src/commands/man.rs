//! `cargo tgen man`: the manual page.

use clap::Args;

use crate::exit::Exit;
use crate::printer::Printer;

/// Print the manual page, in roff
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo tgen man | man -l -")]
pub(crate) struct ManArgs {}

pub(crate) fn run(_: &ManArgs, command: clap::Command) -> anyhow::Result<Exit> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Printer::new().report(|out| out.write_all(&page))?;
    Ok(Exit::Clean)
}
