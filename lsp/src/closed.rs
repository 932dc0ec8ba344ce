//! The problems of files that are not open in the client: templates, the configuration and other inputs. Nothing is
//! rendered.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use tgen_core::base::problem::Problem;
use tgen_core::lint;
use tower_lsp::ls_types::{Diagnostic, Uri};

use crate::convert;
use crate::state::{Moment, ProjectFile};

/// The diagnostics of files with at least one.
pub(crate) type ByFile = BTreeMap<Uri, Vec<Diagnostic>>;

/// The diagnostics of closed files that the client has, or will get when it pulls.
#[derive(Debug, Default)]
pub(crate) struct ClosedFiles(ByFile);

impl ClosedFiles {
    /// Replaces the diagnostics. Returns the files whose diagnostics changed; for a file without diagnostics by now,
    /// the list is empty.
    pub(crate) fn renew(&mut self, found: ByFile) -> ByFile {
        let gone = self.0.keys().filter(|uri| !found.contains_key(uri)).map(|uri| (uri.clone(), Vec::new()));
        let news = found.iter().filter(|(uri, diagnostics)| self.0.get(uri) != Some(diagnostics));
        let changed = gone.chain(news.map(|(uri, diagnostics)| (uri.clone(), diagnostics.clone()))).collect();
        self.0 = found;
        changed
    }

    /// Forgets files that were opened or closed: the client gets the diagnostics of their documents instead.
    pub(crate) fn forget<'u>(&mut self, uris: impl IntoIterator<Item = &'u Uri>) {
        for uri in uris {
            self.0.remove(uri);
        }
    }

    /// All current diagnostics.
    pub(crate) fn all(&self) -> &ByFile {
        &self.0
    }
}

/// The diagnostics of all files that are not open, in all projects.
pub(crate) fn diagnostics(moment: &Moment) -> ByFile {
    let found = moment.everywhere().into_iter().flat_map(|project| of_project(moment, &project));
    found.collect()
}

fn of_project(moment: &Moment, project: &ProjectFile) -> ByFile {
    let config_problems = project.project.config_problems.iter().cloned();
    let of_inputs = project.project.snapshot.as_ref().map(|snapshot| lint::before_rendering(&snapshot.plan()));
    let problems = lint::findings::gathered(config_problems.chain(of_inputs.into_iter().flatten()).collect());
    let mut by_path: BTreeMap<Utf8PathBuf, Vec<Problem>> = BTreeMap::new();
    for problem in problems {
        if let Some(path) = problem.path.clone() {
            by_path.entry(path).or_default().push(problem);
        }
    }
    let of_file = |(path, problems): (Utf8PathBuf, Vec<Problem>)| {
        let uri = convert::uri_of(project, &path)?;
        let file = ProjectFile { path, ..project.clone() };
        let diagnostics = convert::diagnostics(&file, &problems);
        (!moment.documents.contains_key(&uri) && !diagnostics.is_empty()).then_some((uri, diagnostics))
    };
    by_path.into_iter().filter_map(of_file).collect()
}
