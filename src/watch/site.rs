//! One project under watch: what has changed of it, and its rebuilds.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use notify::Event;
use tgen_core::base::files::Files;
use tgen_core::base::problem::Problem;
use tgen_core::change::{Change, Changes, LiveProject};
use tgen_core::lint::{self, findings};
use tgen_core::output::state::State;
use tgen_core::plan::Plan;
use tgen_core::project::request::Request;

use super::database::Database;
use super::difference::Differences;
use super::outputs::{Intent, Outputs, Round};
use crate::project::arguments::Global;
use crate::project::locate::{ConfigSource, Located};
use crate::project::pack;
use crate::project::session;
use crate::world::disk::Disk;
use crate::world::watcher::{Depth, Places, Poll, Wanted};

/// A project under watch.
pub(super) struct Site<'d> {
    disk: &'d Disk,
    root: Utf8PathBuf,
    request: Request,
    intent: Intent,
    live: LiveProject<'d>,
    outputs: Outputs,
    problems: Vec<Problem>,
    changes: Changes,
    database: Database<'d>,
    places: Places,
    poll: Poll,
}

/// What a rebuild came to.
pub(super) struct Rebuild {
    /// The changed files worth naming, by the project's paths.
    pub(super) causes: Vec<Utf8PathBuf>,
    /// Whether the configuration and what it names could be read; otherwise the outputs were left as they are.
    pub(super) is_readable: bool,
    /// How many outputs are in which state.
    pub(super) counts: BTreeMap<State, usize>,
    /// How many outputs stay as they are because something they need is broken.
    pub(super) held: usize,
    /// The outputs that were written.
    pub(super) written: Vec<Utf8PathBuf>,
    /// The outputs that were found to be a person's.
    pub(super) left_alone: Vec<(Utf8PathBuf, State)>,
    /// Everything that is wrong now.
    pub(super) problems: Vec<Problem>,
    /// Whether that is something else than after the last rebuild.
    pub(super) has_news: bool,
    /// How long it took.
    pub(super) elapsed: Duration,
}

impl Rebuild {
    /// Whether something was done or found.
    pub(super) fn has_outcome(&self) -> bool {
        self.has_news || !self.written.is_empty() || !self.left_alone.is_empty()
    }

    /// Whether it is worth a line: it has an outcome, or a person changed an input and wants to know.
    pub(super) fn is_worth_telling(&self) -> bool {
        self.has_outcome() || !self.causes.is_empty()
    }
}

impl<'d> Site<'d> {
    /// Reads a project. Nothing is rendered before the first rebuild.
    pub(super) fn open(
        global: &'d Global,
        located: &Located,
        disk: &'d Disk,
        request: Request,
        intent: Intent,
    ) -> Self {
        let origin = match located.source {
            ConfigSource::File(origin) => Some(origin),
            ConfigSource::BuiltIn => None,
        };
        let mut site = Self {
            disk,
            root: located.root.clone(),
            request,
            intent,
            live: LiveProject::load(disk, pack::pack(), origin),
            outputs: Outputs::default(),
            problems: Vec::new(),
            changes: Changes::default(),
            database: Database::new(global, &located.root),
            places: Places::default(),
            poll: Poll::default(),
        };
        site.find_places();
        site
    }

    /// Where the project is.
    pub(super) fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The folders to watch.
    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// How the last rebuild changed the outputs.
    pub(super) fn differences(&self) -> &Differences {
        self.outputs.differences()
    }

    /// Takes note of an event; false when it means nothing to the project, such as our own writing.
    pub(super) fn note(&mut self, event: &Event) -> bool {
        let changes = self.places.changes(event);
        self.note_all(changes)
    }

    /// Looks for changes that nobody tells.
    pub(super) fn look(&mut self) -> bool {
        let mut files = self.live.inputs().list(self.disk).files;
        files.extend(self.outputs.paths().chain(self.database.file()).map(Utf8Path::to_owned));
        let changes = self.poll.look(&self.root, files);
        self.note_all(changes)
    }

    /// Lets the next rebuild take nothing for granted that events may not have told.
    pub(super) fn distrust_events(&mut self) {
        self.changes.add(Change::Rescan);
    }

    /// Whether another look may find an output otherwise, although nobody tells of it.
    pub(super) fn is_unsettled(&self) -> bool {
        self.outputs.unsettled().next().is_some()
    }

    /// Lets the next rebuild look at those outputs.
    pub(super) fn look_again(&mut self) {
        for output in self.outputs.unsettled() {
            self.changes.add(Change::At(output.to_owned()));
        }
    }

    /// Lets the next rebuild render and read everything.
    pub(super) fn forget(&mut self) {
        self.changes.add(Change::Rescan);
        self.outputs.forget();
    }

    /// Whether there is something to rebuild for.
    pub(super) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Finds out where the wanted folders stand now.
    pub(super) fn find_places(&mut self) {
        let mut wanted = Wanted::default();
        for file in self.live.inputs().files() {
            wanted.add(file.parent().unwrap_or(Utf8Path::new("")), Depth::Folder);
        }
        for folder in self.live.inputs().folders() {
            wanted.add(folder, Depth::Tree);
        }
        for folder in self.outputs.folders() {
            wanted.add(folder, Depth::Folder);
        }
        if let Some(folder) = self.database.file().and_then(Utf8Path::parent) {
            wanted.add(folder, Depth::Folder);
        }
        self.places = Places::find(&self.root, &wanted);
    }

    /// Brings the outputs to what the inputs say now.
    pub(super) fn rebuild(&mut self) -> Rebuild {
        let started = Instant::now();
        let changes = std::mem::take(&mut self.changes);
        self.live.apply(&changes);
        let (round, problems) = self.bring_about();
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
            left_alone: round.left_alone,
            problems,
            has_news,
            elapsed: started.elapsed(),
        }
    }

    /// What is done about the outputs, and everything that is wrong; nothing is done while an input cannot be read.
    fn bring_about(&mut self) -> (Option<Round>, Vec<Problem>) {
        let project = match self.live.current() {
            Ok(project) => project,
            Err(faults) => return (None, findings::gathered(faults.to_vec())),
        };
        let answered = match self.database.answer(project, &self.request) {
            Ok(answered) => answered,
            Err(problem) => return (None, vec![problem]),
        };
        let plan = Plan::new(answered.as_ref().unwrap_or(project), &self.request);
        // Without the templates folder, say, the built-in templates would serve. It is back in a moment.
        if project.problems.iter().any(Problem::is_error) {
            return (None, findings::gathered(lint::before_rendering(&plan)));
        }
        let mut round = self.outputs.bring_about(&plan, &self.root, self.intent);
        // The outputs come first: somebody waits for them.
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

    /// Whether a change at a path says something to a person; that a folder of outputs appeared does not.
    fn is_worth_naming(&self, path: &Utf8Path) -> bool {
        !is_by_the_way(path) && (self.live.is_concerned(path) || !self.outputs.has_folder(path))
    }

    fn note_all(&mut self, changes: Vec<Change>) -> bool {
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

/// Files that editors make beside the one that is edited: swap files, backups, locks.
fn is_by_the_way(path: &Utf8Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.starts_with(['.', '#']) || name.ends_with(['~', '#']) || matches!(path.extension(), Some("swp" | "tmp"))
}
