//! The launcher of an interpreter: the process that starts the process of each test file (`worker/launcher.py`).
//!
//! It takes orders to start and to signal processes, and reports when one has ended. This module must not know tests.

use std::fs::{self, File};
use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command as Process, ExitStatus, Stdio};
use std::sync::mpsc::Sender;

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};

use super::interpreter::Interpreter;
use super::messages::{Command, Message, Messages, StartId};
use crate::world::process::{Force, lead_a_group, signal_group};
use crate::world::threads;

/// The script and its modules.
pub(crate) const SCRIPTS: [(&str, &str); 8] = [
    ("tgen_worker.py", include_str!("worker/launcher.py")),
    ("_tgen_server.py", include_str!("worker/server.py")),
    ("_tgen_zygote.py", include_str!("worker/zygote.py")),
    ("_tgen_guard.py", include_str!("worker/guard.py")),
    ("_tgen_huge_pages.py", include_str!("worker/huge_pages.py")),
    ("_tgen_resident.py", include_str!("worker/resident.py")),
    ("_tgen_session.py", include_str!("worker/session.py")),
    // It composes the lines of results; the rendered tests use it too.
    ("_tgen_results.py", include_str!("../../templates/tgen_support/results.py")),
];

/// The variables that tell numeric libraries, when they are loaded, how many threads to compute with.
const THREADS: [&str; 3] = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"];

/// The number of a launcher in its run. The replacement of a launcher that has died has the next number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation(pub(super) u32);

/// What comes from a launcher and the processes that it has started.
#[derive(Debug)]
pub(super) enum Heard {
    /// A message.
    Message(StartId, Message),
    /// The launcher and its processes have all closed the pipe.
    Silence,
}

/// A running launcher.
pub(super) struct Launcher {
    pub(super) generation: Generation,
    child: Child,
    commands: ChildStdin,
    log: Utf8PathBuf,
}

impl Launcher {
    /// Starts the launcher. Its messages go to `listener` and its files into `folder`; a file may compute with `threads` threads.
    pub(super) fn start(
        interpreter: &Interpreter,
        folder: &Utf8Path,
        generation: Generation,
        threads: usize,
        listener: Sender<Heard>,
    ) -> anyhow::Result<Self> {
        let script = write_scripts(folder).context("cannot write the script that starts the tests")?;
        let log = folder.join(format!("launcher-{}.log", generation.0));
        let messages = File::create(&log).with_context(|| format!("cannot write `{log}`"))?;
        let mut process = Process::new(&interpreter.program);
        process.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(messages);
        for name in THREADS.iter().filter(|name| std::env::var_os(name).is_none()) {
            process.env(name, threads.to_string());
        }
        lead_a_group(&mut process);
        let program = interpreter.program.display();
        let mut child = process.spawn().with_context(|| format!("cannot run `{program}`"))?;
        let (Some(commands), Some(pipe)) = (child.stdin.take(), child.stdout.take()) else {
            anyhow::bail!("cannot talk to `{program}`");
        };
        threads::spawn("launcher", move || {
            for message in Messages::new(io::BufReader::new(pipe)) {
                let Ok((unit, message)) = message else { break };
                if listener.send(Heard::Message(unit, message)).is_err() {
                    return;
                }
            }
            // Sending fails once the run is over.
            drop(listener.send(Heard::Silence));
        })?;
        Ok(Self { generation, child, commands, log })
    }

    /// Sends a command. It fails only if the launcher has died.
    pub(super) fn command(&mut self, command: &Command<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(command)?;
        line.push(b'\n');
        self.commands.write_all(&line)
    }

    /// How it has ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The end of what it and its imports have printed.
    pub(super) fn last_words(&self) -> String {
        last_lines(&self.log)
    }

    /// The id of its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        if self.ended().is_none() {
            signal_group(&mut self.child, Force::Kill);
            // A process cannot ignore this signal.
            let _ = self.child.wait();
        }
    }
}

/// The end of a log, at most 16 KiB of it.
pub(super) fn last_lines(log: &Utf8Path) -> String {
    use std::io::{Read, Seek, SeekFrom};
    const MOST: u64 = 16 << 10;
    let read = || {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(MOST)))?;
        let mut bytes = Vec::new();
        file.take(MOST).read_to_end(&mut bytes)?;
        io::Result::Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    read().unwrap_or_default()
}

fn write_scripts(folder: &Utf8Path) -> io::Result<Utf8PathBuf> {
    for (name, text) in SCRIPTS {
        fs::write(folder.join(name), text)?;
    }
    Ok(folder.join(SCRIPTS[0].0))
}
