//! The command of `--exec`: runs after a rebuild with the written outputs as arguments, and is ended by the next rebuild.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::world::process::{Force, lead_a_group, signal_group};
use crate::world::threads;

/// How often a running command is asked whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long a command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// How a command ended by itself.
#[derive(Debug)]
pub(super) struct CommandEnd {
    /// The status that it exited with.
    pub(super) status: ExitStatus,
    /// How long it ran.
    pub(super) elapsed: Duration,
}

/// Runs the command.
pub(super) struct CommandRunner {
    words: Vec<String>,
    running: Option<Arc<Mutex<Running>>>,
    on_end: Arc<dyn Fn(CommandEnd) + Send + Sync>,
}

struct Running {
    child: Child,
    is_unwanted: bool,
}

impl CommandRunner {
    /// Splits a command line as a shell would; no shell runs it.
    pub(super) fn new(command: &str, on_end: impl Fn(CommandEnd) + Send + Sync + 'static) -> anyhow::Result<Self> {
        let words = shell_words::split(command).with_context(|| format!("cannot read the command `{command}`"))?;
        if words.is_empty() {
            bail!("`--exec` needs a command, such as `--exec pytest`");
        }
        Ok(Self { words, running: None, on_end: Arc::new(on_end) })
    }

    /// The command as it was given.
    pub(super) fn command(&self) -> String {
        shell_words::join(&self.words)
    }

    /// Runs the command in the project's root, after ending the one that still runs.
    pub(super) fn run(&mut self, root: &Utf8Path, outputs: &[Utf8PathBuf]) -> anyhow::Result<()> {
        self.stop();
        let mut command = Command::new(&self.words[0]);
        command
            .args(&self.words[1..])
            .args(outputs.iter().map(|path| unlike_an_option(path)))
            .current_dir(root)
            .stdin(Stdio::null());
        // Standard output belongs to the watch: `--json` writes lines there that programs read.
        command.stdout(std::io::stderr());
        lead_a_group(&mut command);
        let child = command.spawn().with_context(|| format!("cannot run `{}`", self.words[0]))?;
        let running = Arc::new(Mutex::new(Running { child, is_unwanted: false }));
        self.running = Some(Arc::clone(&running));
        let on_end = Arc::clone(&self.on_end);
        threads::spawn("exec", move || wait(&running, &*on_end)).inspect_err(|_| self.stop())
    }

    /// Ends the running command with everything that it started.
    pub(super) fn stop(&mut self) {
        let Some(running) = self.running.take() else { return };
        let started = Instant::now();
        end(&running, Force::Ask);
        while !has_ended(&running) {
            if started.elapsed() > GRACE {
                end(&running, Force::Kill);
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }
}

impl Drop for CommandRunner {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits until a command ends, and reports that, unless [`CommandRunner::stop`] ended it.
fn wait(running: &Mutex<Running>, on_end: &(dyn Fn(CommandEnd) + Send + Sync)) {
    let started = Instant::now();
    loop {
        {
            let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
            match running.child.try_wait() {
                Ok(None) => {}
                Ok(Some(status)) if !running.is_unwanted => {
                    return on_end(CommandEnd { status, elapsed: started.elapsed() });
                }
                Ok(Some(_)) | Err(_) => return,
            }
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn has_ended(running: &Mutex<Running>) -> bool {
    let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
    !matches!(running.child.try_wait(), Ok(None))
}

fn end(running: &Mutex<Running>, force: Force) {
    let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
    // Until a child was waited for, no other process can have its id.
    if matches!(running.child.try_wait(), Ok(None)) {
        running.is_unwanted = true;
        signal_group(&mut running.child, force);
    }
}

/// A path that no program takes for an option.
fn unlike_an_option(path: &Utf8Path) -> Utf8PathBuf {
    if path.as_str().starts_with('-') { Utf8Path::new(".").join(path) } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_never_handed_on_as_an_option() {
        assert_eq!(unlike_an_option("-x.py".into()), "./-x.py");
        assert_eq!(unlike_an_option("out/-x.py".into()), "out/-x.py");
    }
}
