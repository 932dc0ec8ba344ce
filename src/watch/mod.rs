//! A watch: waits for changes, lets them settle, rebuilds what they affect, says what it did.
//!
//! Everything that can happen comes through one channel (events of the file system, keys, the end of a command, Ctrl-C), so
//! that one thread does everything in turn.

mod database;
mod difference;
mod keys;
mod lock;
mod outputs;
mod runner;
mod screen;
mod site;

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use notify::Event;
use tgen_core::project::request::Request;

use self::keys::{Key, Keys};
use self::lock::Lock;
use self::runner::{Ended, Runner};
use self::screen::{Occasion, Screen};
use self::site::{Rebuild, Site};
use crate::project::arguments::Global;
use crate::project::locate::Located;
use crate::world::disk::Disk;
use crate::world::interrupt;
use crate::world::watcher::{self, Watcher};

pub(crate) use self::outputs::Intent;
pub(crate) use self::screen::Form;

/// A save is over when nothing has happened for so long.
const QUIET: Duration = Duration::from_millis(20);
/// Where it never gets quiet, a rebuild comes after so long all the same.
const LONGEST_UNREST: Duration = Duration::from_secs(1);
/// How often files are looked at where nobody tells of changes.
const POLL_INTERVAL: Duration = Duration::from_millis(300);
/// An output that could not be seen to is looked at again after so long, then after twice as long each time,
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// but never later than after this,
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// unless the last attempt took so long that it would be more than this part of the time.
const LARGEST_SHARE: u32 = 50;
/// A rebuild makes folders appear that have to be watched, but not time and again.
const MOST_ROUNDS: usize = 3;

/// What a watch is to do.
pub(crate) struct Options {
    /// Which outputs.
    pub(crate) request: Request,
    /// How far to go.
    pub(crate) intent: Intent,
    /// How to say it.
    pub(crate) form: Form,
    /// The command to run after each rebuild.
    pub(crate) exec: Option<String>,
    /// How to learn of changes.
    pub(crate) eyes: Eyes,
}

/// How to learn of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eyes {
    /// The file system tells of them.
    Events,
    /// By looking at every file now and then.
    Polling,
}

/// What can happen.
enum Wake {
    File(notify::Result<Event>),
    Poll,
    Key(Key),
    Ended(Ended),
    Again,
    Interrupted,
}

/// Watches projects until it is ended.
pub(crate) fn run(global: &Global, projects: &[Located], options: &Options) -> anyhow::Result<()> {
    let locks = projects.iter().filter(|_| options.intent != Intent::Look);
    let _locks: Vec<Lock> =
        locks.map(|project| Lock::take(&written_below(project, options))).collect::<Result<_, _>>()?;
    let disks: Vec<Disk> = projects.iter().map(|project| Disk::new(project.root.clone())).collect();
    let (tell, wakes) = mpsc::channel();
    let to_interrupt = tell.clone();
    // A channel that nobody reads any more belongs to a watch that has ended.
    interrupt::listen_and(move || drop(to_interrupt.send(Wake::Interrupted)));
    let sites = projects.iter().zip(&disks);
    let sites: Vec<_> = sites
        .map(|(project, disk)| Site::open(global, project, disk, options.request.clone(), options.intent))
        .collect();
    let runner = |command: &String| {
        let tell = tell.clone();
        Runner::new(command, move |ended| drop(tell.send(Wake::Ended(ended))))
    };
    let runners = sites.iter().filter_map(|_| options.exec.as_ref().map(runner)).collect::<Result<_, _>>()?;
    let screen = Screen::new(options.form, options.intent, sites.len());
    let (later, again) = (VecDeque::new(), Again::never());
    let mut watch = Watch { sites, screen, wakes, tell, runners, watcher: None, eyes: Eyes::Events, later, again };
    let ended = watch.open_eyes(options.eyes).and_then(|()| watch.go_on());
    match ended {
        Err(error) if has_reader_left(&error) => Ok(()),
        ended => ended,
    }
}

/// Whether what ended a watch is that nobody reads what it says any more (`| head`).
fn has_reader_left(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn written_below(project: &Located, options: &Options) -> camino::Utf8PathBuf {
    options.request.output_dir.as_ref().map_or_else(|| project.root.clone(), |folder| project.root.join(folder))
}

struct Watch<'d> {
    sites: Vec<Site<'d>>,
    screen: Screen,
    wakes: Receiver<Wake>,
    tell: Sender<Wake>,
    /// One for each project; none where no command is to run.
    runners: Vec<Runner>,
    /// None while polling.
    watcher: Option<Watcher>,
    eyes: Eyes,
    /// What happened while changes settled.
    later: VecDeque<Wake>,
    again: Again,
}

/// When outputs that could not be seen to are looked at again.
struct Again {
    at: Option<Instant>,
    pause: Duration,
}

impl Again {
    fn never() -> Self {
        Self { at: None, pause: FIRST_PAUSE }
    }

    fn plan(&mut self, last_attempt: Duration) {
        self.at = Some(Instant::now() + self.pause.max(last_attempt * LARGEST_SHARE));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

impl Watch<'_> {
    fn go_on(mut self) -> anyhow::Result<()> {
        self.sites.iter_mut().for_each(Site::distrust_events);
        self.rebuild(Occasion::Start)?;
        let tell = self.tell.clone();
        let keys = Keys::listen(move |key| drop(tell.send(Wake::Key(key))));
        if keys.is_some() {
            self.screen.keys()?;
        }
        loop {
            match self.next()? {
                Wake::File(event) => self.on_file(event)?,
                Wake::Poll => {
                    let changed = self.sites.iter_mut().map(Site::look).filter(|is_changed| *is_changed).count();
                    if changed > 0 {
                        self.rebuild(Occasion::Change)?;
                    }
                }
                Wake::Key(Key::Rebuild) => {
                    self.sites.iter_mut().for_each(Site::forget);
                    self.rebuild(Occasion::Asked)?;
                }
                Wake::Key(Key::Difference) => {
                    for site in &self.sites {
                        self.screen.differences(site.differences())?;
                    }
                }
                Wake::Ended(ended) => self.on_command_ended(&ended)?,
                Wake::Again => {
                    self.sites.iter_mut().for_each(Site::look_again);
                    self.rebuild(Occasion::Again)?;
                }
                Wake::Key(Key::Quit) | Wake::Interrupted => return Ok(()),
            }
        }
    }

    fn next(&mut self) -> anyhow::Result<Wake> {
        if let Some(wake) = self.later.pop_front() {
            return Ok(wake);
        }
        let Some(at) = self.again.at else { return Ok(self.wakes.recv()?) };
        match self.wakes.recv_timeout(at.saturating_duration_since(Instant::now())) {
            Err(RecvTimeoutError::Timeout) => Ok(Wake::Again),
            woken => Ok(woken?),
        }
    }

    /// Begins to listen to the file system, or to look for itself.
    fn open_eyes(&mut self, eyes: Eyes) -> anyhow::Result<()> {
        if eyes == Eyes::Polling {
            self.poll();
            return Ok(());
        }
        let tell = self.tell.clone();
        match Watcher::start(move |event| drop(tell.send(Wake::File(event)))) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                self.watch_places().map(drop)
            }
            Err(reason) => self.fall_back(&reason),
        }
    }

    fn fall_back(&mut self, reason: &str) -> anyhow::Result<()> {
        if self.eyes == Eyes::Polling {
            return Ok(());
        }
        self.watcher = None;
        self.poll();
        self.sites.iter_mut().for_each(Site::distrust_events);
        let interval = POLL_INTERVAL.as_secs_f64();
        let message =
            format!("the system's file watcher cannot be used: {reason}; looking at the files every {interval} s");
        Ok(self.screen.warning(&message)?)
    }

    fn poll(&mut self) {
        self.eyes = Eyes::Polling;
        for site in &mut self.sites {
            site.look();
        }
        let tell = self.tell.clone();
        std::thread::spawn(move || {
            while tell.send(Wake::Poll).is_ok() {
                std::thread::sleep(POLL_INTERVAL);
            }
        });
    }

    /// Watches what the projects' inputs and outputs stand in now; true when a folder is new, whose past nobody told.
    fn watch_places(&mut self) -> anyhow::Result<bool> {
        let Some(watcher) = &mut self.watcher else { return Ok(false) };
        self.sites.iter_mut().for_each(Site::find_places);
        match watcher.watch(self.sites.iter().map(Site::places)) {
            Ok(is_any_new) => Ok(is_any_new),
            Err(reason) => self.fall_back(&reason).map(|()| false),
        }
    }

    fn on_file(&mut self, event: notify::Result<Event>) -> anyhow::Result<()> {
        if self.note(event)? {
            self.let_settle()?;
            self.rebuild(Occasion::Change)?;
        }
        Ok(())
    }

    /// Takes note of an event; false when it means nothing to any project.
    fn note(&mut self, event: notify::Result<Event>) -> anyhow::Result<bool> {
        match event {
            Ok(event) => {
                if let Some(watcher) = &mut self.watcher {
                    watcher.forget(&event);
                }
                let concerned =
                    self.sites.iter_mut().map(|site| site.note(&event)).filter(|is_concerned| *is_concerned);
                Ok(concerned.count() > 0)
            }
            Err(error) => self.fall_back(&watcher::reason(&error)).map(|()| true),
        }
    }

    /// Waits until nothing that matters has happened for a while.
    fn let_settle(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut quiet_at = started + QUIET;
        loop {
            let now = Instant::now();
            if now >= quiet_at || now - started > LONGEST_UNREST {
                return Ok(());
            }
            match self.wakes.recv_timeout(quiet_at - now) {
                Ok(Wake::File(event)) => {
                    if self.note(event)? {
                        quiet_at = Instant::now() + QUIET;
                    }
                }
                Ok(Wake::Interrupted) => {
                    self.later.push_front(Wake::Interrupted);
                    return Ok(());
                }
                Ok(other) => self.later.push_back(other),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Rebuilds the projects with changes, and again where that made folders appear, in which more may have changed.
    fn rebuild(&mut self, occasion: Occasion) -> anyhow::Result<()> {
        let started = Instant::now();
        self.watch_places()?;
        for round in 0..MOST_ROUNDS {
            let occasion = if round == 0 { occasion } else { Occasion::Change };
            for site in 0..self.sites.len() {
                if self.sites[site].has_changes() {
                    let rebuild = self.sites[site].rebuild();
                    self.tell_of(site, &rebuild, occasion)?;
                }
            }
            if interrupt::requested() || !self.watch_places()? {
                break;
            }
            self.sites.iter_mut().for_each(Site::distrust_events);
        }
        if self.sites.iter().any(Site::is_unsettled) {
            self.again.plan(started.elapsed());
        } else {
            self.again = Again::never();
        }
        Ok(())
    }

    fn tell_of(&mut self, site: usize, rebuild: &Rebuild, occasion: Occasion) -> anyhow::Result<()> {
        let (site, runner) = (&self.sites[site], self.runners.get_mut(site));
        self.screen.rebuilt(site, rebuild, occasion)?;
        let Some(runner) = runner.filter(|_| !rebuild.written.is_empty()) else { return Ok(()) };
        self.screen.command_begins(&runner.command(), rebuild.written.len())?;
        if let Err(error) = runner.run(site.root(), &rebuild.written) {
            self.screen.warning(&format!("{error:#}"))?;
        }
        Ok(())
    }

    fn on_command_ended(&self, ended: &Ended) -> anyhow::Result<()> {
        match self.runners.first() {
            Some(runner) => Ok(self.screen.command_ended(&runner.command(), ended)?),
            None => Ok(()),
        }
    }
}
