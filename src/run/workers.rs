//! Starts the launcher of a run, lets it import the modules that earlier runs needed, passes its messages on, and replaces it when
//! it dies.
//!
//! This module must not know what a file's process reports about its tests.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};

use super::control_group::{ControlGroup, ControlGroups};
use super::interpreter::Interpreter;
use super::launcher::{Generation, Heard, Launcher};
use super::learning::Learning;
use super::learnt::Learnt;
use super::machine;
use super::messages::{Command, Message, Order, StartId};
use super::processes::{self, Ending, MARK};
use super::unit::{Isolation, Unit};
use crate::world::caches::ProjectCache;

/// How long an interpreter may take to start the launcher.
const LONGEST_START: Duration = Duration::from_mins(1);
/// How long the launcher may take to end processes.
const LONGEST_DISMISSAL: Duration = Duration::from_secs(5);
/// The variables that would change where results go.
const UNSET: [&str; 2] = ["TGEN_RESULTS", "PYTEST_XDIST_TESTRUNUID"];

/// What the interpreter has installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) python: String,
    pub(crate) torch: Option<String>,
    pub(crate) transformers: Option<String>,
}

/// The launcher and its files.
pub(crate) struct Workers {
    interpreter: Interpreter,
    root: Utf8PathBuf,
    isolation: Isolation,
    /// How many files run at a time.
    jobs: usize,
    folder: tempfile::TempDir,
    heard: Receiver<Heard>,
    listener: Sender<Heard>,
    launcher: Launcher,
    versions: Versions,
    installed: String,
    learning: Learning,
    last_start: u32,
    groups: Option<ControlGroups>,
    cache: Option<ProjectCache>,
}

/// What a process is started with, beside its unit.
pub(super) struct Errand<'a> {
    pub(super) run: &'a str,
    pub(super) arguments: &'a [String],
    pub(super) environment: BTreeMap<&'static str, String>,
    /// The tests to run; all without it.
    pub(super) only: Option<&'a [String]>,
    /// The tests not to run.
    pub(super) skip: Vec<&'a String>,
    pub(super) is_first: bool,
}

/// A start that was ordered.
pub(super) struct Started {
    pub(super) id: StartId,
    pub(super) log: Utf8PathBuf,
    pub(super) group: Option<ControlGroup>,
}

impl Workers {
    /// Starts the launcher for a project, and waits until it takes orders.
    ///
    /// # Errors
    /// The interpreter cannot be run, or has no pytest.
    pub(crate) fn start(
        interpreter: Interpreter,
        root: &Utf8Path,
        isolation: Isolation,
        jobs: usize,
    ) -> anyhow::Result<Self> {
        processes::adopt_orphans();
        let folder =
            tempfile::Builder::new().prefix("tgen-run-").tempdir().context("cannot make a temporary folder")?;
        let (listener, heard) = mpsc::channel();
        let place = utf8(&folder)?;
        let mut launcher = Launcher::start(&interpreter, &place, Generation(0), threads_each(jobs), listener.clone())?;
        let (versions, installed) = await_ready(&mut launcher, &heard, &interpreter)?;
        let cache = ProjectCache::of(root);
        let learnt = cache.as_ref().and_then(|cache| Learnt::read(cache, &interpreter.program, &installed));
        let learning = learnt.map(|learnt| Learning::new(learnt.modules)).unwrap_or_default();
        let mut workers = Self {
            interpreter,
            root: root.to_owned(),
            isolation,
            jobs,
            folder,
            heard,
            listener,
            launcher,
            versions,
            installed,
            learning,
            last_start: 0,
            cache,
            // The peak of a process that runs several files says nothing of one of them.
            groups: ControlGroups::delegated().filter(|_| isolation != Isolation::None),
        };
        workers.warm();
        Ok(workers)
    }

    /// What the interpreter has installed.
    pub(crate) fn versions(&self) -> &Versions {
        &self.versions
    }

    /// Orders a process for a unit. `Err` says that the launcher cannot be replaced.
    pub(super) fn order(&mut self, unit: &Unit, errand: &Errand<'_>) -> anyhow::Result<Started> {
        self.last_start += 1;
        let id = StartId(self.last_start);
        let log = utf8(&self.folder)?.join(format!("{}.log", id.0));
        let own_environment = BTreeMap::from([("TGEN_RUN_ID", errand.run.to_owned()), (MARK, id.0.to_string())]);
        let root = self.root.clone();
        let group = self.groups.as_ref().and_then(|groups| groups.create(id));
        let order = Order {
            unit: id,
            isolation: self.isolation,
            run: errand.run,
            folder: &root,
            file: &unit.file,
            group: group.as_ref().map(|group| group.folder.as_path()),
            log: log.clone(),
            arguments: errand.arguments,
            environment: errand.environment.clone(),
            own_environment,
            unset: &UNSET,
            only: errand.only,
            skip: errand.skip.clone(),
            is_first: errand.is_first,
        };
        if self.launcher.command(&Command::Start { start: Box::new(order.clone()) }).is_err() {
            self.replace()?;
            self.launcher.command(&Command::Start { start: Box::new(order) }).context("the launcher has died")?;
        }
        Ok(Started { id, log, group })
    }

    /// Signals the process of a start, and what it has started.
    pub(super) fn signal(&mut self, id: StartId, pid: Option<i32>, ending: Ending) {
        // Only the launcher knows a process that it has not reported yet. It may be dead or busy, so the group is signalled too.
        let told = self.launcher.command(&Command::Signal { unit: id, signal: ending.signal() });
        if let Some(pid) = pid
            && (told.is_err() || ending == Ending::Kill)
        {
            processes::signal_group(pid, ending);
        }
    }

    /// The next message, if one comes in time.
    pub(super) fn next(&mut self, limit: Duration) -> Option<(StartId, Message)> {
        match self.heard.recv_timeout(limit) {
            Ok(Heard::Message(id, message)) => Some((id, message)),
            Ok(Heard::Silence) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Takes note of the modules that a file has imported, and lets the launcher import those that several files need.
    pub(super) fn learn(&mut self, imported: Vec<String>) {
        self.learning.add(imported);
        if let Some(modules) = self.learning.take_due() {
            // A launcher that has died meanwhile is noticed at the next order.
            let _ = self.launcher.command(&Command::Warm { warm: modules });
        }
    }

    /// Starts a new interpreter for every file from now on, because an import has touched a device.
    pub(super) fn give_up_forking(&mut self) {
        self.isolation = Isolation::Spawn;
    }

    /// Whether a process runs several files, so that its memory is not that of one.
    pub(super) fn share_processes(&self) -> bool {
        self.isolation == Isolation::None
    }

    /// Ends the processes that wait for further files, so that what earlier ones have started can be found.
    pub(super) fn dismiss_shared(&mut self) {
        if !self.share_processes() || self.launcher.command(&Command::Dismiss { dismiss: true }).is_err() {
            return;
        }
        let until = Instant::now() + LONGEST_DISMISSAL;
        while let Ok(Heard::Message(_, message)) =
            self.heard.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            if matches!(message, Message::Dismissed(())) {
                return;
            }
        }
    }

    /// Replaces the launcher if it has died. Gives how it died.
    pub(super) fn replace_dead(&mut self) -> anyhow::Result<Option<String>> {
        let Some(status) = self.launcher.ended() else { return Ok(None) };
        self.replace()?;
        Ok(Some(status.to_string()))
    }

    /// The processes that are not those of tests.
    pub(super) fn own_pids(&self) -> Vec<i32> {
        i32::try_from(self.launcher.pid()).into_iter().collect()
    }

    fn replace(&mut self) -> anyhow::Result<()> {
        let generation = Generation(self.launcher.generation.0 + 1);
        self.launcher = Launcher::start(
            &self.interpreter,
            &utf8(&self.folder)?,
            generation,
            threads_each(self.jobs),
            self.listener.clone(),
        )?;
        self.warm();
        Ok(())
    }

    fn warm(&mut self) {
        if self.isolation != Isolation::Fork {
            return;
        }
        if !self.learning.modules().is_empty() {
            // As above.
            let _ = self.launcher.command(&Command::Warm { warm: self.learning.modules() });
        }
    }
}

impl Drop for Workers {
    /// Keeps the names of the modules for the next run.
    fn drop(&mut self) {
        let modules = self.learning.modules();
        if let Some(cache) = self.cache.as_ref().filter(|_| !modules.is_empty()) {
            Learnt::new(&self.installed, modules.to_vec()).write(cache, &self.interpreter.program);
        }
    }
}

/// How many threads each of several files may compute with, so that they do not get into each other's way.
fn threads_each(jobs: usize) -> usize {
    (machine::jobs() / jobs.max(1)).max(1)
}

fn await_ready(
    launcher: &mut Launcher,
    heard: &Receiver<Heard>,
    interpreter: &Interpreter,
) -> anyhow::Result<(Versions, String)> {
    let program = interpreter.program.display();
    let until = Instant::now() + LONGEST_START;
    loop {
        match heard.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Heard::Message(_, Message::Ready { python, torch, transformers, installed })) => {
                return Ok((Versions { python, torch, transformers }, installed));
            }
            Ok(Heard::Message(..)) => {}
            Ok(Heard::Silence) => return Err(why_not_ready(launcher, interpreter)),
            Err(_) => bail!(
                "`{program}` has not answered within {} s; give `--python` another interpreter",
                LONGEST_START.as_secs()
            ),
        }
    }
}

fn why_not_ready(launcher: &Launcher, interpreter: &Interpreter) -> anyhow::Error {
    let program = interpreter.program.display();
    let last_words = launcher.last_words();
    let reason = last_words.lines().last().unwrap_or("it says nothing").to_owned();
    if reason.contains("No module named 'pytest'") {
        return anyhow!(
            "`{program}` ({}) has no pytest; install it there, or name another interpreter with `--python`",
            interpreter.found.words()
        );
    }
    anyhow!("`{program}` ({}) cannot run tests: {reason}; name another with `--python`", interpreter.found.words())
}

fn utf8(folder: &tempfile::TempDir) -> anyhow::Result<Utf8PathBuf> {
    let path = Utf8PathBuf::from_path_buf(folder.path().to_owned());
    path.map_err(|path| anyhow!("the temporary folder `{}` is not UTF-8", path.display()))
}
