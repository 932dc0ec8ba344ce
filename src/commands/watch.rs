//! `cargo tgen watch`: generates whatever a change affects.

use camino::Utf8PathBuf;
use clap::Args;

use crate::commands::hardware;
use crate::exit::Exit;
use crate::project::arguments::{Global, SelectionArgs};
use crate::project::session;
use crate::run::Chosen;
use crate::watch::{self, ChangeSource, Form, Intent, Options, TestOptions};

/// Generate whatever a change affects, as you save
///
/// Templates, the pipeline map, the configuration and the skillset folder are watched. Ctrl-C or `q` ends it.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own on the command line")]
#[command(after_help = "\
Examples:
  cargo tgen watch                        write what a save affects
  cargo tgen watch --check                only report what would be written
  cargo tgen watch --run                  run the tests that were written
  cargo tgen watch --exec 'pytest -q'     run a command on the outputs that were written")]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Overwrite outputs that were changed by hand, and files that cargo-tgen did not write
    #[arg(short, long)]
    force: bool,
    /// Report what differs, and write nothing
    #[arg(long, conflicts_with_all = ["force", "exec"])]
    check: bool,
    /// Run a command after each rebuild, with the outputs that were written as its last arguments
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// Run the tests that were written, in a Python process that has imported their modules
    #[arg(long, conflicts_with_all = ["check", "exec"])]
    run: bool,
    /// The Python that runs the tests: a program or a virtual environment
    #[arg(long, value_name = "PYTHON", requires = "run")]
    python: Option<Utf8PathBuf>,
    /// Clear the terminal before each rebuild
    #[arg(long, conflicts_with = "json")]
    clear: bool,
    /// Report in JSON, an object a line
    #[arg(long)]
    json: bool,
    /// Poll instead of using file-system events (network drives, some containers)
    #[arg(long)]
    poll: bool,
}

pub(crate) fn run(global: &Global, args: &WatchArgs) -> anyhow::Result<Exit> {
    let options = Options {
        request: session::request(&args.selection)?,
        intent: args.intent(),
        form: args.form(),
        exec: args.exec.clone(),
        tests: args.tests(),
        source: if args.poll { ChangeSource::Polling } else { ChangeSource::Events },
    };
    watch::run(global, &session::locate(global)?, &options)?;
    Ok(Exit::Clean)
}

impl WatchArgs {
    fn intent(&self) -> Intent {
        match (self.check, self.force) {
            (true, _) => Intent::Report,
            (false, true) => Intent::Force,
            (false, false) => Intent::Write,
        }
    }

    fn tests(&self) -> Option<TestOptions> {
        let chosen =
            if self.selection.cases.hardware.is_empty() { Chosen::Present(hardware::present()) } else { Chosen::All };
        self.run.then(|| TestOptions { python: self.python.clone(), chosen })
    }

    fn form(&self) -> Form {
        match (self.json, self.clear) {
            (true, _) => Form::Json,
            (false, true) => Form::Cleared,
            (false, false) => Form::Lines,
        }
    }
}
