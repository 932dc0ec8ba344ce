//! A watch: waits for changes, lets them settle, rebuilds what they affect, and reports it.
//!
//! Events of the file system, keys, ends of commands and Ctrl-C arrive through one channel, so that one thread handles them
//! in turn. An interrupt is also a flag, which is checked between events: it must not wait behind thousands of them.

mod database;
mod difference;
mod keys;
mod lock;
mod outputs;
mod runner;
mod screen;
mod test_runner;
mod watched;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use notify::Event;
use tgen_core::project::request::Request;

use self::keys::{Key, Keys};
use self::lock::Lock;
use self::runner::{CommandEnd, CommandRunner};
use self::screen::{Occasion, Screen};
use self::test_runner::{TestEvent, TestRunner};
use self::watched::{Rebuild, RootChange, WatchedProject};
use crate::project::arguments::Global;
use crate::project::locate::Located;
use crate::world::disk::Disk;
use crate::world::interrupt;
use crate::world::threads;
use crate::world::watcher::{self, Watcher};

pub(crate) use self::outputs::Intent;
pub(crate) use self::screen::Form;
pub(crate) use self::test_runner::TestOptions;

/// A save is over when no event has come for this long.
const QUIET: Duration = Duration::from_millis(20);
/// If events never stop, a rebuild starts after this long.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// How often files are compared where no events report changes.
const POLL_INTERVAL: Duration = Duration::from_millis(300);
/// The pause before the first retry of failed outputs; it doubles with each retry.
const FIRST_RETRY: Duration = Duration::from_millis(100);
/// The pause that doubling does not exceed.
const LAST_RETRY: Duration = Duration::from_secs(2);
/// The shortest pause, as a multiple of the duration of the last attempt.
const RETRY_FACTOR: u32 = 50;
/// The longest pause, however long the last attempt took.
const LATEST_RETRY: Duration = Duration::from_secs(10);
/// A rebuild can make folders that have to be watched, which takes another round, up to this many.
const MOST_ROUNDS: usize = 3;
/// How often the projects' roots are checked: no event of a folder tells that one above it was moved.
const ROOT_INTERVAL: Duration = Duration::from_millis(500);

/// The options of a watch.
pub(crate) struct Options {
    /// Which outputs to keep up to date.
    pub(crate) request: Request,
    /// What may be done to them.
    pub(crate) intent: Intent,
    /// The form of the report.
    pub(crate) form: Form,
    /// A command to run after each rebuild.
    pub(crate) exec: Option<String>,
    /// The tests to run after each rebuild.
    pub(crate) tests: Option<TestOptions>,
    /// Where changes come from.
    pub(crate) source: ChangeSource,
}

/// Where changes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeSource {
    /// Events of the file system.
    Events,
    /// Comparing the stamps of all files at intervals.
    Polling,
}

/// What wakes the watch.
enum Wake {
    File(notify::Result<Event>),
    Poll,
    Key(Key),
    CommandEnded(CommandEnd),
    Tests(TestEvent),
    Retry,
    CheckRoots,
    Interrupted,
}

/// Watches projects until the user ends it.
pub(crate) fn run(global: &Global, projects: &[Located], options: &Options) -> anyhow::Result<()> {
    let _locks = take_locks(projects, options)?;
    let disks: Vec<Disk> = projects.iter().map(|project| Disk::new(project.root.clone())).collect();
    let (sender, wakes) = mpsc::channel();
    let on_interrupt = sender.clone();
    // Sending fails once the watch has ended, when nothing is left to interrupt.
    interrupt::listen_and(move || drop(on_interrupt.send(Wake::Interrupted)));
    let open = |(project, disk)| WatchedProject::open(global, project, disk, options);
    let projects: Vec<_> = projects.iter().zip(&disks).map(open).collect();
    match Watch::new(projects, options, sender, wakes)?.run(options.source) {
        Err(error) if has_reader_left(&error) => Ok(()),
        ended => ended,
    }
}

/// Locks the folders that the watch writes to.
fn take_locks(projects: &[Located], options: &Options) -> anyhow::Result<Vec<Lock>> {
    let written = projects.iter().filter(|_| options.intent != Intent::Report);
    written.map(|project| Lock::take(&written_below(project, options))).collect()
}

/// Whether a watch ended because the reader of its standard output did (`| head`).
fn has_reader_left(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn written_below(project: &Located, options: &Options) -> camino::Utf8PathBuf {
    options.request.output_dir.as_ref().map_or_else(|| project.root.clone(), |folder| project.root.join(folder))
}

struct Watch<'d> {
    projects: Vec<WatchedProject<'d>>,
    screen: Screen,
    wakes: Receiver<Wake>,
    sender: Sender<Wake>,
    /// One for each project; empty without `--exec`.
    runners: Vec<CommandRunner>,
    /// One for each project; empty without `--run`.
    test_runners: Vec<TestRunner>,
    /// None while polling.
    watcher: Option<Watcher>,
    source: ChangeSource,
    /// What arrived while changes settled.
    postponed: VecDeque<Wake>,
    retry: Retry,
    roots_checked: Instant,
}

/// When failed outputs are retried.
struct Retry {
    at: Option<Instant>,
    pause: Duration,
}

impl Retry {
    fn never() -> Self {
        Self { at: None, pause: FIRST_RETRY }
    }

    fn plan(&mut self, last_attempt: Duration) {
        self.at = Some(Instant::now() + self.pause.max(last_attempt * RETRY_FACTOR).min(LATEST_RETRY));
        self.pause = (self.pause * 2).min(LAST_RETRY);
    }
}

impl<'d> Watch<'d> {
    fn new(
        projects: Vec<WatchedProject<'d>>,
        options: &Options,
        sender: Sender<Wake>,
        wakes: Receiver<Wake>,
    ) -> anyhow::Result<Self> {
        let runner = |command: &String| {
            let sender = sender.clone();
            CommandRunner::new(command, move |ended| drop(sender.send(Wake::CommandEnded(ended))))
        };
        let runners = projects.iter().filter_map(|_| options.exec.as_ref().map(runner)).collect::<Result<_, _>>()?;
        let test_runner = |project: &WatchedProject<'_>| {
            let (sender, options) = (sender.clone(), options.tests.as_ref()?);
            Some(TestRunner::start(project.root(), options, move |event| drop(sender.send(Wake::Tests(event)))))
        };
        let test_runners = projects.iter().filter_map(test_runner).collect::<Result<_, _>>()?;
        Ok(Self {
            screen: Screen::new(options.form, options.intent, projects.len()),
            projects,
            wakes,
            sender,
            runners,
            test_runners,
            watcher: None,
            source: ChangeSource::Events,
            postponed: VecDeque::new(),
            retry: Retry::never(),
            roots_checked: Instant::now(),
        })
    }

    fn run(mut self, source: ChangeSource) -> anyhow::Result<()> {
        self.start_source(source)?;
        self.projects.iter_mut().for_each(WatchedProject::rescan);
        self.rebuild(Occasion::Start)?;
        let sender = self.sender.clone();
        let keys = Keys::listen(move |key| drop(sender.send(Wake::Key(key))));
        if keys.is_some() {
            self.screen.keys()?;
        }
        while self.handle_next()?.is_continue() {}
        self.projects.into_iter().for_each(WatchedProject::close);
        Ok(())
    }

    /// Waits for what wakes the watch next, and handles it; breaks if that ends the watch.
    fn handle_next(&mut self) -> anyhow::Result<ControlFlow<()>> {
        match self.next()? {
            Wake::File(event) => self.on_file(event)?,
            Wake::Poll => self.on_poll()?,
            Wake::Key(Key::Rebuild) => {
                self.projects.iter_mut().for_each(WatchedProject::forget);
                self.rebuild(Occasion::Asked)?;
            }
            Wake::Key(Key::Difference) => self.show_differences()?,
            Wake::CommandEnded(ended) => self.on_command_ended(&ended)?,
            Wake::Tests(event) => self.screen.tests(&event)?,
            Wake::Retry => {
                self.projects.iter_mut().for_each(WatchedProject::retry);
                self.rebuild(Occasion::Retry)?;
            }
            Wake::CheckRoots => self.check_roots()?,
            Wake::Key(Key::Quit) | Wake::Interrupted => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }

    fn next(&mut self) -> anyhow::Result<Wake> {
        if interrupt::requested() {
            return Ok(Wake::Interrupted);
        }
        if let Some(wake) = self.postponed.pop_front() {
            return Ok(wake);
        }
        let check_roots = self.roots_checked + ROOT_INTERVAL;
        let (at, due) = match self.retry.at {
            Some(retry) if retry < check_roots => (retry, Wake::Retry),
            _ => (check_roots, Wake::CheckRoots),
        };
        match self.wakes.recv_timeout(at.saturating_duration_since(Instant::now())) {
            Err(RecvTimeoutError::Timeout) => Ok(due),
            woken => Ok(woken?),
        }
    }

    /// Starts the system's watcher, or polling.
    fn start_source(&mut self, source: ChangeSource) -> anyhow::Result<()> {
        if source == ChangeSource::Polling {
            return self.start_polling();
        }
        let sender = self.sender.clone();
        match Watcher::start(move |event| drop(sender.send(Wake::File(event)))) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                self.watch_folders().map(drop)
            }
            Err(reason) => self.fall_back(&reason),
        }
    }

    fn fall_back(&mut self, reason: &str) -> anyhow::Result<()> {
        if self.source == ChangeSource::Polling {
            return Ok(());
        }
        self.watcher = None;
        self.start_polling()?;
        self.projects.iter_mut().for_each(WatchedProject::rescan);
        let interval = POLL_INTERVAL.as_secs_f64();
        let message = format!(
            "the system's file watcher cannot be used: {reason}; comparing the files every {interval} s instead"
        );
        Ok(self.screen.warning(&message)?)
    }

    fn start_polling(&mut self) -> anyhow::Result<()> {
        self.source = ChangeSource::Polling;
        for project in &mut self.projects {
            project.poll();
        }
        let sender = self.sender.clone();
        threads::spawn("poll", move || {
            while sender.send(Wake::Poll).is_ok() {
                std::thread::sleep(POLL_INTERVAL);
            }
        })
    }

    /// Watches the folders that the projects' inputs and outputs are in now. Gives whether one of them is new.
    fn watch_folders(&mut self) -> anyhow::Result<bool> {
        let Some(watcher) = &mut self.watcher else { return Ok(false) };
        self.projects.iter_mut().for_each(WatchedProject::find_folders);
        match watcher.watch(self.projects.iter().map(WatchedProject::folders)) {
            Ok(is_any_new) => Ok(is_any_new),
            Err(reason) => self.fall_back(&reason).map(|()| false),
        }
    }

    /// Reports roots that were moved or deleted, and resumes the projects whose roots are back.
    fn check_roots(&mut self) -> anyhow::Result<()> {
        self.roots_checked = Instant::now();
        let mut is_any_back = false;
        for project in &mut self.projects {
            let root = project.root().to_owned();
            let change = project.check_root();
            match change {
                RootChange::None => {}
                RootChange::Gone => {
                    let message = format!("`{root}` was moved or deleted; nothing is written until it is back");
                    self.screen.warning(&message)?;
                }
                RootChange::Back | RootChange::Replaced => {
                    let what = if change == RootChange::Back { "is back" } else { "was replaced by another folder" };
                    self.screen.warning(&format!("`{root}` {what}; reading everything again"))?;
                    project.forget();
                    is_any_back = true;
                }
            }
        }
        if !is_any_back {
            return Ok(());
        }
        if let Some(watcher) = &mut self.watcher {
            watcher.reset();
        }
        self.rebuild(Occasion::Change)
    }

    fn on_poll(&mut self) -> anyhow::Result<()> {
        let changed = self.projects.iter_mut().map(WatchedProject::poll).filter(|is_changed| *is_changed);
        if changed.count() > 0 {
            self.rebuild(Occasion::Change)?;
        }
        Ok(())
    }

    fn show_differences(&self) -> anyhow::Result<()> {
        for project in &self.projects {
            self.screen.differences(project.differences())?;
        }
        Ok(())
    }

    fn on_file(&mut self, event: notify::Result<Event>) -> anyhow::Result<()> {
        if self.add_event(event)? {
            self.let_settle()?;
            self.rebuild(Occasion::Change)?;
        }
        Ok(())
    }

    /// Adds an event's changes to the projects; false if it concerns none of them.
    fn add_event(&mut self, event: notify::Result<Event>) -> anyhow::Result<bool> {
        match event {
            Ok(event) => {
                if let Some(watcher) = &mut self.watcher {
                    watcher.forget(&event);
                }
                let concerned = self.projects.iter_mut().map(|project| project.add_event(&event));
                Ok(concerned.filter(|is_concerned| *is_concerned).count() > 0)
            }
            Err(error) => self.fall_back(&watcher::reason(&error)).map(|()| true),
        }
    }

    /// Waits until no event has come for a while.
    fn let_settle(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut quiet_at = started + QUIET;
        loop {
            let now = Instant::now();
            if interrupt::requested() || now >= quiet_at || now - started > LONGEST_WAIT {
                return Ok(());
            }
            match self.wakes.recv_timeout(quiet_at - now) {
                Ok(Wake::File(event)) => {
                    if self.add_event(event)? {
                        quiet_at = Instant::now() + QUIET;
                    }
                }
                Ok(other) => self.postponed.push_back(other),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Rebuilds the projects with changes; once more if that made folders, in which more may have changed.
    fn rebuild(&mut self, occasion: Occasion) -> anyhow::Result<()> {
        let started = Instant::now();
        self.watch_folders()?;
        for round in 0..MOST_ROUNDS {
            let occasion = if round == 0 { occasion } else { Occasion::Change };
            for number in 0..self.projects.len() {
                let project = &mut self.projects[number];
                if !interrupt::requested() && project.has_root() && project.has_changes() {
                    let rebuild = project.rebuild();
                    if interrupt::requested() && rebuild.written.is_empty() {
                        return Ok(());
                    }
                    self.report(number, &rebuild, occasion)?;
                    self.run_tests(number, rebuild)?;
                }
            }
            if interrupt::requested() || !self.watch_folders()? {
                break;
            }
            self.projects.iter_mut().for_each(WatchedProject::rescan);
        }
        if self.projects.iter().any(WatchedProject::is_unsettled) {
            self.retry.plan(started.elapsed());
        } else {
            self.retry = Retry::never();
        }
        Ok(())
    }

    /// Reports a rebuild, and runs the command of `--exec`.
    fn report(&mut self, number: usize, rebuild: &Rebuild, occasion: Occasion) -> anyhow::Result<()> {
        let (project, runner) = (&self.projects[number], self.runners.get_mut(number));
        self.screen.rebuilt(project, rebuild, occasion)?;
        let Some(runner) = runner.filter(|_| !rebuild.written.is_empty()) else { return Ok(()) };
        self.screen.command_begins(&runner.command(), rebuild.written.len())?;
        if let Err(error) = runner.run(project.root(), &rebuild.written) {
            self.screen.warning(&format!("{error:#}"))?;
        }
        Ok(())
    }

    /// Runs the tests of the outputs that a rebuild has written.
    fn run_tests(&self, number: usize, rebuild: Rebuild) -> anyhow::Result<()> {
        let tests = rebuild.tests.filter(|tests| !tests.units.is_empty());
        let (Some(runner), Some(tests)) = (self.test_runners.get(number), tests) else { return Ok(()) };
        self.screen.tests_begin(tests.units.len())?;
        runner.run(tests);
        Ok(())
    }

    fn on_command_ended(&self, ended: &CommandEnd) -> anyhow::Result<()> {
        match self.runners.first() {
            Some(runner) => Ok(self.screen.command_ended(&runner.command(), ended)?),
            None => Ok(()),
        }
    }
}
