//! One project under watch: its pending changes and its rebuilds.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use notify::Event;
use tgen_core::base::files::Files;
use tgen_core::base::problem::{Code, Problem};
use tgen_core::change::{Change, Changes, LiveProject};
use tgen_core::config::Suite;
use tgen_core::lint::{self, findings};
use tgen_core::output::state::State;
use tgen_core::plan::Plan;
use tgen_core::plan::test_plan::planned_tests;
use tgen_core::project::Project;
use tgen_core::project::request::Request;
use tgen_core::schedule::history::History;

use super::Options;
use super::database::Database;
use super::difference::Differences;
use super::outputs::{Intent, Outputs, Round};
use crate::apply::{Protected, unreadable_inputs};
use crate::project::arguments::Global;
use crate::project::locate::{ConfigSource, Located};
use crate::project::pack;
use crate::project::session;
use crate::run::{Chosen, Selection, of_plan};
use crate::world::disk::Disk;
use crate::world::interrupt;
use crate::world::stamp::{Identity, Stamp};
use crate::world::watcher::{Depth, Poll, WatchRequest, WatchedFolders};

/// A project under watch.
pub(super) struct WatchedProject<'d> {
    disk: &'d Disk,
    root: Utf8PathBuf,
    /// The identity of the root folder when it was last checked; none if there was none.
    root_identity: Option<Identity>,
    request: Request,
    intent: Intent,
    /// The hardware types to run tests on; none without `--run`.
    chosen: Option<Chosen>,
    live: LiveProject<'d>,
    outputs: Outputs,
    problems: Vec<Problem>,
    changes: Changes,
    database: Database<'d>,
    folders: WatchedFolders,
    poll: Poll,
}

/// The results of a rebuild.
pub(super) struct Rebuild {
    /// The changed files that the user cares about, by the project's paths.
    pub(super) causes: Vec<Utf8PathBuf>,
    /// Whether all inputs could be read; otherwise the outputs were left as they are.
    pub(super) is_readable: bool,
    /// The number of outputs in each state.
    pub(super) counts: BTreeMap<State, usize>,
    /// The number of outputs that stay as they are because an input of theirs is broken.
    pub(super) held: usize,
    /// The outputs that were written.
    pub(super) written: Vec<Utf8PathBuf>,
    /// The tests of those outputs, with `--run`.
    pub(super) tests: Option<Selection>,
    /// The outputs that became edited or foreign, and so were not written.
    pub(super) left_alone: Vec<(Utf8PathBuf, Protected)>,
    /// All current problems.
    pub(super) problems: Vec<Problem>,
    /// Whether the problems differ from those after the last rebuild.
    pub(super) has_news: bool,
    /// How long it took.
    pub(super) elapsed: Duration,
}

/// What happened to a project's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RootChange {
    None,
    /// It was moved or deleted.
    Gone,
    /// There is a folder at its path again.
    Back,
    /// Another folder is at its path.
    Replaced,
}

impl Rebuild {
    /// Whether it wrote an output, or found something new.
    pub(super) fn has_outcome(&self) -> bool {
        self.has_news || !self.written.is_empty() || !self.left_alone.is_empty()
    }

    /// Whether it is reported: it has an outcome, or the user changed an input and expects an answer.
    pub(super) fn is_worth_telling(&self) -> bool {
        self.has_outcome() || !self.causes.is_empty()
    }
}

impl<'d> WatchedProject<'d> {
    /// Reads a project. Nothing is rendered before the first rebuild.
    pub(super) fn open(global: &'d Global, located: &Located, disk: &'d Disk, options: &Options) -> Self {
        let origin = match located.source {
            ConfigSource::File(origin) => Some(origin),
            ConfigSource::BuiltIn => None,
        };
        let mut project = Self {
            disk,
            root: located.root.clone(),
            root_identity: None,
            request: options.request.clone(),
            intent: options.intent,
            chosen: options.tests.as_ref().map(|tests| tests.chosen.clone()),
            live: LiveProject::load(disk, pack::pack(), origin).cancelled_by(interrupt::cancellation()),
            outputs: Outputs::default(),
            problems: Vec::new(),
            changes: Changes::default(),
            database: Database::new(global, &located.root),
            folders: WatchedFolders::default(),
            poll: Poll::default(),
        };
        project.root_identity = project.current_root();
        project.find_folders();
        project
    }

    /// Ends watching. What was written stays.
    pub(super) fn close(self) {
        interrupt::leave_to_exit(self.live);
    }

    /// The project's root.
    pub(super) fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The folders to watch.
    pub(super) fn folders(&self) -> &WatchedFolders {
        &self.folders
    }

    /// Compares the folder at the root's path with the one that was there before.
    pub(super) fn check_root(&mut self) -> RootChange {
        let (before, now) = (self.root_identity, self.current_root());
        self.root_identity = now;
        match (before, now) {
            (Some(_), None) => RootChange::Gone,
            (None, Some(_)) => RootChange::Back,
            (before, now) if before != now => RootChange::Replaced,
            _ => RootChange::None,
        }
    }

    /// Whether the root is still the same folder. If there were none, a rebuild would create it and write the outputs there.
    pub(super) fn has_root(&self) -> bool {
        self.root_identity.is_some() && self.root_identity == self.current_root()
    }

    fn current_root(&self) -> Option<Identity> {
        self.root.is_dir().then(|| Stamp::at(&self.root).map(Stamp::identity)).flatten()
    }

    /// How the last rebuild changed the outputs.
    pub(super) fn differences(&self) -> &Differences {
        self.outputs.differences()
    }

    /// Adds an event's changes; false if none of them concerns the project, such as a write of its own.
    pub(super) fn add_event(&mut self, event: &Event) -> bool {
        let changes = self.folders.changes(event);
        self.add_changes(changes)
    }

    /// Finds changes without events; false if there are none.
    pub(super) fn poll(&mut self) -> bool {
        let mut files = self.live.inputs().list(self.disk).files;
        files.extend(self.outputs.paths().chain(self.database.file()).map(Utf8Path::to_owned));
        let changes = self.poll.changes(&self.root, files);
        self.add_changes(changes)
    }

    /// Makes the next rebuild read all inputs again, because events may be missing.
    pub(super) fn rescan(&mut self) {
        self.changes.add(Change::Rescan);
    }

    /// Whether an output is to be tried again although no event announces a change.
    pub(super) fn is_unsettled(&self) -> bool {
        self.outputs.unsettled().next().is_some()
    }

    /// Makes the next rebuild try those outputs again.
    pub(super) fn retry(&mut self) {
        for output in self.outputs.unsettled() {
            self.changes.add(Change::At(output.to_owned()));
        }
    }

    /// Makes the next rebuild render and read everything.
    pub(super) fn forget(&mut self) {
        self.changes.add(Change::Rescan);
        self.outputs.forget();
    }

    /// Whether changes are pending.
    pub(super) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Finds the folders to watch, which links and new folders may have changed.
    pub(super) fn find_folders(&mut self) {
        let mut request = WatchRequest::default();
        for file in self.live.inputs().files() {
            request.add_file(file);
        }
        for folder in self.live.inputs().folders() {
            request.add_folder(folder, Depth::Tree);
        }
        for folder in self.outputs.folders() {
            request.add_folder(folder, Depth::Folder);
        }
        if let Some(file) = self.database.file() {
            request.add_file(file);
        }
        self.folders = WatchedFolders::find(&self.root, &request);
    }

    /// Updates the outputs to the current inputs.
    pub(super) fn rebuild(&mut self) -> Rebuild {
        let started = Instant::now();
        let changes = std::mem::take(&mut self.changes);
        self.live.apply(&changes);
        let (round, problems) = self.update_outputs();
        let is_readable = round.is_some();
        let round = round.unwrap_or_else(|| self.outputs.hold());
        let has_news = problems != self.problems;
        self.problems.clone_from(&problems);
        Rebuild {
            causes: changes.paths().filter(|path| self.is_worth_naming(path)).map(Utf8Path::to_owned).collect(),
            is_readable,
            counts: round.counts,
            held: round.held,
            written: round.written,
            tests: round.tests,
            left_alone: round.left_alone,
            problems,
            has_news,
            elapsed: started.elapsed(),
        }
    }

    /// Updates the outputs, unless an input cannot be read. Gives the results, and all problems.
    fn update_outputs(&mut self) -> (Option<Round>, Vec<Problem>) {
        let project = match self.live.current() {
            Ok(project) => project,
            Err(faults) => return (None, findings::gathered(faults.to_vec())),
        };
        let answered = match self.database.answer(project, &self.request) {
            Ok(answered) => answered,
            Err(problem) => return (None, vec![problem]),
        };
        let project = answered.as_ref().unwrap_or(project);
        if let Some(problem) = without_suites(project) {
            return (None, vec![problem]);
        }
        let plan = Plan::new(project, &self.request);
        if interrupt::requested() {
            interrupt::leave_to_exit(plan);
            return (None, Vec::new());
        }
        // Without the templates folder, for example, the built-in templates would be used. It may be back in a moment.
        if !unreadable_inputs(&plan).is_empty() {
            return (None, findings::gathered(lint::before_rendering(&plan)));
        }
        let mut round = self.outputs.update(&plan, &self.root, self.intent);
        if interrupt::requested() {
            interrupt::leave_to_exit(plan);
            return (Some(round), Vec::new());
        }
        round.tests = self.chosen.as_ref().map(|chosen| tests_of(&plan, &self.root, chosen, &round.written));
        // The outputs come first: the user waits for them.
        let mut problems = lint::before_rendering(&plan);
        problems.append(&mut round.problems);
        (Some(round), findings::gathered(problems))
    }

    /// The text of a file that a problem names.
    pub(super) fn source(&self, path: &Utf8Path) -> Option<String> {
        match self.live.current() {
            Ok(project) => session::source_text(project, path),
            Err(_) => self.disk.read_text(path).ok(),
        }
    }

    /// Whether the user cares about a change at a path; that a folder of outputs appeared is no news.
    fn is_worth_naming(&self, path: &Utf8Path) -> bool {
        !is_made_by_editor(path) && (self.live.is_concerned(path) || !self.outputs.has_folder(path))
    }

    fn add_changes(&mut self, changes: Vec<Change>) -> bool {
        let mut is_concerned = false;
        for change in changes {
            let concerns = match &change {
                Change::Rescan => true,
                Change::At(path) => {
                    self.live.is_concerned(path)
                        || self.database.file() == Some(path)
                        || self.outputs.is_touched(&self.root, path)
                }
            };
            if concerns {
                self.changes.add(change);
                is_concerned = true;
            }
        }
        is_concerned
    }
}

/// The tests of the outputs that were written, and all tests beside a support module that was written.
fn tests_of(plan: &Plan<'_>, root: &Utf8Path, chosen: &Chosen, written: &[Utf8PathBuf]) -> Selection {
    let (tests, _) = planned_tests(plan);
    let mut selection = of_plan(plan, &tests, root, chosen, &History::default());
    let written: Vec<Utf8PathBuf> = written.iter().map(|file| root.join(file)).collect();
    let is_case = |file: &Utf8PathBuf| selection.units.iter().any(|unit| root.join(&unit.file) == *file);
    let (cases, support): (Vec<_>, Vec<_>) = written.into_iter().partition(is_case);
    let is_beside_support =
        |file: &Utf8Path| file.parent().is_some_and(|folder| support.iter().any(|support| support.starts_with(folder)));
    selection.keep_files(|file| {
        let file = root.join(file);
        cases.contains(&file) || is_beside_support(&file)
    });
    selection
}

/// Whether a file is one that editors make beside the edited one: a swap file, a backup, a lock.
fn is_made_by_editor(path: &Utf8Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.starts_with(['.', '#']) || name.ends_with(['~', '#']) || matches!(path.extension(), Some("swp" | "tmp"))
}

/// The problem of a configuration file without suites. The built-in suite is for projects without a configuration; here an
/// editor is probably saving the file, which many begin by emptying it.
fn without_suites(project: &Project<'_>) -> Option<Problem> {
    let path = project
        .config
        .path
        .as_ref()
        .filter(|_| project.config.suites.iter().all(|suite| **suite == Suite::built_in()))?;
    let message = format!("`{path}` has no `[[suite]]`, so a watch writes nothing");
    let problem = Problem::error(Code::InvalidConfig, message).in_file(path);
    Some(problem.help("add a `[[suite]]`, or run `cargo tgen generate` once for the built-in one"))
}
