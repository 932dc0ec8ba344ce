//! The command of `--exec`: runs after a rebuild with the outputs that were written, and gives way to the next.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use camino::{Utf8Path, Utf8PathBuf};

/// How often a running command is asked whether it has ended.
const GLANCE: Duration = Duration::from_millis(20);
/// How long a command that is told to end may take.
const GRACE: Duration = Duration::from_secs(2);

/// How a command ended by itself.
#[derive(Debug)]
pub(super) struct Ended {
    /// What it said with its exit.
    pub(super) status: ExitStatus,
    /// How long it ran.
    pub(super) elapsed: Duration,
}

/// Runs the command.
pub(super) struct Runner {
    words: Vec<String>,
    running: Option<Arc<Mutex<Running>>>,
    tell: Arc<dyn Fn(Ended) + Send + Sync>,
}

struct Running {
    child: Child,
    is_unwanted: bool,
}

impl Runner {
    /// Takes a command line apart as a shell would; no shell runs it.
    pub(super) fn new(command: &str, tell: impl Fn(Ended) + Send + Sync + 'static) -> anyhow::Result<Self> {
        let words = shell_words::split(command).with_context(|| format!("cannot read the command `{command}`"))?;
        if words.is_empty() {
            bail!("`--exec` needs a command, such as `--exec pytest`");
        }
        Ok(Self { words, running: None, tell: Arc::new(tell) })
    }

    /// The command as it was given.
    pub(super) fn command(&self) -> String {
        shell_words::join(&self.words)
    }

    /// Runs the command in the project's root, after ending the one that still runs.
    pub(super) fn run(&mut self, root: &Utf8Path, outputs: &[Utf8PathBuf]) -> anyhow::Result<()> {
        self.stop();
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).args(outputs).current_dir(root).stdin(Stdio::null());
        // Standard output is ours: `--json` writes lines there that programs read.
        command.stdout(std::io::stderr());
        lead_a_group(&mut command);
        let child = command.spawn().with_context(|| format!("cannot run `{}`", self.words[0]))?;
        let running = Arc::new(Mutex::new(Running { child, is_unwanted: false }));
        self.running = Some(Arc::clone(&running));
        let tell = Arc::clone(&self.tell);
        std::thread::spawn(move || wait(&running, &*tell));
        Ok(())
    }

    /// Ends the command, if one runs, with everything that it has started.
    pub(super) fn stop(&mut self) {
        let Some(running) = self.running.take() else { return };
        let started = Instant::now();
        end(&running, Force::Ask);
        while !has_ended(&running) {
            if started.elapsed() > GRACE {
                end(&running, Force::Kill);
            }
            std::thread::sleep(GLANCE);
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop();
    }
}

#[derive(Clone, Copy)]
enum Force {
    Ask,
    Kill,
}

/// Waits for the end of a command and tells of it, unless it was ended.
fn wait(running: &Mutex<Running>, tell: &(dyn Fn(Ended) + Send + Sync)) {
    let started = Instant::now();
    loop {
        {
            let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
            match running.child.try_wait() {
                Ok(None) => {}
                Ok(Some(status)) if !running.is_unwanted => return tell(Ended { status, elapsed: started.elapsed() }),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        std::thread::sleep(GLANCE);
    }
}

fn has_ended(running: &Mutex<Running>) -> bool {
    let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
    !matches!(running.child.try_wait(), Ok(None))
}

fn end(running: &Mutex<Running>, force: Force) {
    let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
    // Only a child that was not waited for is sure to be the process of that number.
    if matches!(running.child.try_wait(), Ok(None)) {
        running.is_unwanted = true;
        signal_group(&mut running.child, force);
    }
}

#[cfg(unix)]
fn lead_a_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(unix)]
fn signal_group(child: &mut Child, force: Force) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let signal = match force {
        Force::Ask => Signal::TERM,
        Force::Kill => Signal::KILL,
    };
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended between the look and the signal.
        let _ = kill_process_group(group, signal);
    }
}

#[cfg(not(unix))]
fn lead_a_group(_: &mut Command) {}

#[cfg(not(unix))]
fn signal_group(child: &mut Child, _: Force) {
    // It may have ended between the look and the signal.
    let _ = child.kill();
}
