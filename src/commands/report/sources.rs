//! Where runs are found: in files that are named, in the project's `results/`, in the template database.

use anyhow::bail;
use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::suggest::did_you_mean;
use tgen_core::results::merging::{merged, runs};
use tgen_core::results::reading::Recorded;
use tgen_core::results::rerun::{latest_run, run_with_reruns};

use crate::commands::results::{RESULTS_FOLDER, read_files, read_left, read_with_warnings, results_files};
use crate::project::arguments::Global;
use crate::project::session::Session;
#[cfg(feature = "store")]
use crate::store::Mode;

/// Which run is wanted.
pub(super) enum Which<'a> {
    /// The run in the results folder that started last.
    Latest,
    /// The last run that started before this one.
    Before(&'a Recorded),
    /// The run in these files, or the run with this id.
    Named(&'a [String]),
}

/// Finds runs, and keeps what it has read.
pub(super) struct Sources<'g> {
    global: &'g Global,
    /// What is in the results folder, once it was asked for.
    folder: Option<Recorded>,
    /// The files that were read.
    files: Vec<Utf8PathBuf>,
}

impl<'g> Sources<'g> {
    pub(super) fn new(global: &'g Global) -> Self {
        Self { global, folder: None, files: Vec::new() }
    }

    /// A run with its reruns.
    pub(super) fn find(&mut self, which: &Which<'_>) -> anyhow::Result<Recorded> {
        match which {
            Which::Latest => self.latest(),
            Which::Before(reported) => self.before(reported),
            Which::Named([id]) if !is_file(id) => self.with_id(id),
            Which::Named(files) => {
                let files: Vec<Utf8PathBuf> = files.iter().map(Utf8PathBuf::from).collect();
                Ok(merged(self.read(&files)?))
            }
        }
    }

    /// The earlier runs: those in the named files, or in the results folder if the reported run came from there.
    pub(super) fn earlier(&mut self, reported: &Recorded, named: &[Utf8PathBuf]) -> anyhow::Result<Recorded> {
        let mut earlier = self.read(named)?;
        if let Some(folder) = self.folder.take().filter(|_| named.is_empty()) {
            let first = started(reported).unwrap_or_default().to_owned();
            let later: Vec<String> = folder
                .headers
                .iter()
                .filter(|header| header.started > first)
                .map(|header| header.run.clone())
                .collect();
            earlier.add(folder.of_runs(|run| !later.iter().any(|id| id == run)));
        }
        Ok(earlier)
    }

    fn latest(&mut self) -> anyhow::Result<Recorded> {
        let folder = self.folder()?;
        match latest_run(folder) {
            Some(run) => Ok(run_with_reruns(folder, &run)),
            None => bail!(
                "there are no results in `{RESULTS_FOLDER}/`; run the tests with `cargo tgen run`, or name results files"
            ),
        }
    }

    fn before(&mut self, reported: &Recorded) -> anyhow::Result<Recorded> {
        let folder = self.folder()?;
        let first = started(reported);
        let own = runs(reported);
        let ids = runs(folder);
        let is_earlier = |id: &&String| {
            let header = folder.headers.iter().find(|header| header.run == **id);
            !own.contains(id) && header.is_some_and(|header| Some(header.started.as_str()) < first)
        };
        match ids.iter().rev().find(is_earlier) {
            Some(run) => Ok(run_with_reruns(folder, run)),
            None => bail!("there is no earlier run in `{RESULTS_FOLDER}/`; name one with `--against RUN`"),
        }
    }

    fn with_id(&mut self, id: &str) -> anyhow::Result<Recorded> {
        let folder = self.folder()?;
        let found = run_with_reruns(folder, id);
        if !found.is_empty() {
            return Ok(found);
        }
        let known = runs(folder);
        if let Some(stored) = self.stored(id)? {
            return Ok(stored);
        }
        let newest = || match known.last() {
            Some(newest) => format!("the newest in `{RESULTS_FOLDER}/` is `{newest}`"),
            None => format!("there are no results in `{RESULTS_FOLDER}/`"),
        };
        let hint = did_you_mean(id, known.iter().map(String::as_str)).unwrap_or_else(newest);
        bail!("`{id}` is no file, and there is no run of that id; {hint}")
    }

    /// Reads files that the user has named.
    fn read(&mut self, files: &[Utf8PathBuf]) -> anyhow::Result<Recorded> {
        self.files.extend_from_slice(files);
        read_files(files)
    }

    /// Refuses to write a report over the results that it is made from.
    pub(super) fn spare(&self, output: &Utf8Path) -> anyhow::Result<()> {
        let Ok(output_there) = output.canonicalize_utf8() else { return Ok(()) };
        if self.files.iter().any(|file| file.canonicalize_utf8().is_ok_and(|file| file == output_there)) {
            bail!("`{output}` has the results that the report is made from; give `--output` another name");
        }
        Ok(())
    }

    /// A run with its reruns from the template database, if there is one with that run.
    #[cfg(feature = "store")]
    fn stored(&self, id: &str) -> anyhow::Result<Option<Recorded>> {
        for session in Session::open_all(self.global)? {
            if session.database_path()?.exists() {
                let recorded = session.database(Mode::ReadOnly)?.recorded(id)?;
                if !recorded.is_empty() {
                    return Ok(Some(recorded));
                }
            }
        }
        Ok(None)
    }

    #[cfg(not(feature = "store"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with the template database")]
    fn stored(&self, _: &str) -> anyhow::Result<Option<Recorded>> {
        Ok(None)
    }

    /// What is in the results folders of the projects.
    fn folder(&mut self) -> anyhow::Result<&Recorded> {
        if self.folder.is_none() {
            let mut files = Vec::new();
            for session in Session::open_all(self.global)? {
                files.extend(results_files(&session.root.join(RESULTS_FOLDER))?);
            }
            self.folder = Some(merged(read_left(&files, read_with_warnings)));
            self.files.extend(files);
        }
        Ok(self.folder.get_or_insert_default())
    }
}

/// When a run started first.
fn started(recorded: &Recorded) -> Option<&str> {
    recorded.headers.iter().map(|header| header.started.as_str()).min()
}

/// Whether an argument names a file: there is one, or it looks like a path.
fn is_file(argument: &str) -> bool {
    let path = Utf8Path::new(argument);
    path.exists() || path.extension().is_some() || argument.contains(['/', '\\'])
}
