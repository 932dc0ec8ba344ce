//! The tests of `--run`: those of the outputs that a rebuild has written run at once, on a launcher that stays warm.
//!
//! A thread runs them and sends events to the watch. The next rebuild cancels a run that is still going on.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::bytes::Bytes;
use tgen_core::results::attempt::{Attempt, UnitEnd};
use tgen_core::results::outcome::{Meaning, Outcome};
use tgen_core::schedule::machine::Machine;
use tgen_core::schedule::scheduler::Scheduler;

use crate::run::{
    Chosen, Ended, Isolation, Listener, Recording, Retries, Rules, Run, RunProgress, Selection, Surroundings, Workers,
    execute, find, machine,
};
use crate::world::threads;

/// How long a process of a cancelled run may take to end.
const GRACE: Duration = Duration::from_millis(200);

/// The options of `--run`.
#[derive(Debug, Clone)]
pub(crate) struct TestOptions {
    /// The interpreter that was named.
    pub(crate) python: Option<Utf8PathBuf>,
    /// The hardware types to run on.
    pub(crate) chosen: Chosen,
}

/// What a run reports to the watch.
#[derive(Debug)]
pub(super) enum TestEvent {
    /// A test did not pass.
    Failed {
        attempt: Box<Attempt>,
        /// What pytest says.
        text: String,
        /// The interpreter.
        python: String,
    },
    /// Something that concerns no test.
    Warning(String),
    /// All tests have ended, or they could not be run. A cancelled run sends no event.
    Ended { ended: Result<Ended, String>, elapsed: Duration },
}

/// Runs the tests of one project.
pub(super) struct TestRunner {
    requests: Option<Sender<Request>>,
    /// The number of the latest request.
    latest: Arc<AtomicU64>,
    /// Disconnected once the thread has ended.
    ended: Receiver<()>,
}

struct Request {
    number: u64,
    selection: Selection,
}

impl TestRunner {
    /// Starts the thread, and with it the launcher.
    pub(super) fn start(
        root: &Utf8Path,
        options: &TestOptions,
        tell: impl Fn(TestEvent) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let (requests, received) = mpsc::channel();
        let (ending, ended) = mpsc::channel();
        let latest = Arc::new(AtomicU64::new(0));
        let thread = TestThread {
            root: root.to_owned(),
            options: options.clone(),
            latest: Arc::clone(&latest),
            workers: None,
            tell: Box::new(tell),
        };
        threads::spawn("tests", move || {
            thread.serve(&received);
            drop(ending);
        })?;
        let runner = Self { requests: Some(requests), latest, ended };
        runner.request(Selection::default());
        Ok(runner)
    }

    /// Runs these units. A run that is still going on is cancelled.
    pub(super) fn run(&self, selection: Selection) {
        self.request(selection);
    }

    fn request(&self, selection: Selection) {
        let number = self.latest.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(requests) = &self.requests {
            // The thread ends with the watch only.
            let _ = requests.send(Request { number, selection });
        }
    }
}

impl Drop for TestRunner {
    /// Cancels the run, and waits until all of its processes have ended.
    fn drop(&mut self) {
        self.latest.fetch_add(1, Ordering::Relaxed);
        self.requests = None;
        let _ = self.ended.recv();
    }
}

struct TestThread {
    root: Utf8PathBuf,
    options: TestOptions,
    latest: Arc<AtomicU64>,
    workers: Option<(Workers, PathBuf)>,
    tell: Box<dyn Fn(TestEvent) + Send>,
}

impl TestThread {
    fn serve(mut self, requests: &Receiver<Request>) {
        while let Ok(request) = requests.recv() {
            if self.latest.load(Ordering::Relaxed) != request.number {
                continue;
            }
            let started = Instant::now();
            let ended = self.run(&request);
            let is_cancelled = self.latest.load(Ordering::Relaxed) != request.number;
            if is_cancelled || (request.selection.units.is_empty() && ended.is_ok()) {
                continue;
            }
            let ended = ended.map_err(|error| format!("{error:#}"));
            (self.tell)(TestEvent::Ended { ended, elapsed: started.elapsed() });
        }
    }

    fn run(&mut self, request: &Request) -> anyhow::Result<Ended> {
        if self.workers.is_none() {
            let python = self.options.python.as_deref();
            let interpreter = find(python, &self.root, &Surroundings::of_this_process())?;
            let program = interpreter.program.clone();
            self.workers =
                Some((Workers::start(interpreter, &self.root, Isolation::default(), machine::jobs())?, program));
        }
        let Some((workers, program)) = &mut self.workers else { return Ok(Ended::default()) };
        let rules = rules(&self.root);
        let machine = Machine { memory: rules.memory, jobs: machine::jobs(), devices: Vec::new() };
        let scheduler = Scheduler::new(request.selection.jobs.clone(), machine);
        // The results are only shown as they come, and not kept.
        let folder = tempfile::tempdir()?;
        let file = Utf8PathBuf::try_from(folder.path().join("results.jsonl"))?;
        let mut listener = EventSender { tell: &*self.tell, python: program.display().to_string() };
        let is_interrupted = || self.latest.load(Ordering::Relaxed) != request.number;
        let run = Run { id: "watch", units: &request.selection.units, rules: &rules, is_interrupted: &is_interrupted };
        execute(&run, scheduler, workers, &mut Recording::open(&file)?, &mut listener)
    }
}

fn rules(root: &Utf8Path) -> Rules {
    Rules {
        arguments: vec![format!("--rootdir={root}")],
        retries: Retries::default(),
        fail_fast: None,
        budget: None,
        grace: GRACE,
        memory: machine::memory().map_or(Bytes(u64::MAX), Bytes),
        devices: Vec::new(),
        shard: None,
    }
}

struct EventSender<'a> {
    tell: &'a dyn Fn(TestEvent),
    python: String,
}

impl Listener for EventSender<'_> {
    fn attempt(&mut self, attempt: &Attempt, text: &str) -> anyhow::Result<()> {
        if attempt.outcome.meaning() != Meaning::Success && attempt.outcome != Outcome::NotRun {
            let attempt = Box::new(attempt.clone());
            (self.tell)(TestEvent::Failed { attempt, text: text.to_owned(), python: self.python.clone() });
        }
        Ok(())
    }

    fn unit(&mut self, _: &UnitEnd) -> anyhow::Result<()> {
        Ok(())
    }

    fn warning(&mut self, message: &str) {
        (self.tell)(TestEvent::Warning(message.to_owned()));
    }

    fn tick(&mut self, _: &RunProgress<'_>) {}
}
