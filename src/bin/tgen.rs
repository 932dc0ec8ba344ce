//! `tgen`, the name of the tool where cargo is not at home: it becomes the `cargo-tgen` in its own folder.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Context;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    let program = beside_this()?;
    let mut command = Command::new(&program);
    command.args(env::args_os().skip(1));
    replace_this(command).with_context(|| format!("cannot run `{}`; install cargo-tgen again", program.display()))
}

/// The `cargo-tgen` that was installed with this program, which may have been called through a link.
fn beside_this() -> anyhow::Result<PathBuf> {
    let this = env::current_exe().and_then(|this| this.canonicalize()).context("cannot tell where `tgen` is")?;
    Ok(this.with_file_name(format!("cargo-tgen{}", env::consts::EXE_SUFFIX)))
}

#[cfg(unix)]
fn replace_this(mut command: Command) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(command.exec())
}

/// Windows cannot replace a process, so this one waits and passes the exit code on.
#[cfg(not(unix))]
fn replace_this(mut command: Command) -> std::io::Result<ExitCode> {
    let code = command.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(2)))
}
