//! The package of a release: its location below the given root, and its modules, each parsed on first use.
//!
//! It knows how Python names modules, not what they contain.

use camino::{Utf8Path, Utf8PathBuf};
use elsa::FrozenMap;
use ruff_python_ast::StmtImportFrom;

use super::module::Module;
use crate::base::files::{Files, reason};
use crate::base::problem::{Code, Problem};

/// Possible locations below the root: the package itself, a folder of packages, a source checkout.
const PLACES: &[&str] = &["", "transformers", "src/transformers"];

/// The files that identify the package.
const MARKS: &[&str] = &["models/auto/modeling_auto.py", "pipelines/__init__.py"];

/// Finds the folder of the transformers package at or below `root`.
#[must_use]
pub fn find_package(files: &dyn Files, root: &Utf8Path) -> Option<Utf8PathBuf> {
    let candidates = PLACES.iter().map(|place| if place.is_empty() { root.to_owned() } else { root.join(place) });
    candidates.into_iter().find(|folder| MARKS.iter().any(|mark| files.is_file(&folder.join(mark))))
}

/// The version in the package's `__init__.py`; `None` unless it is a plain string.
#[must_use]
pub fn release_version(files: &dyn Files, package: &Utf8Path) -> Option<String> {
    let source = files.read_text(&package.join("__init__.py")).ok()?;
    let value = source.lines().find_map(|line| line.strip_prefix("__version__")?.trim_start().strip_prefix('='))?;
    let version = value.trim().trim_matches(['"', '\'']);
    let plain = |text: &str| text.starts_with(|first: char| first.is_ascii_digit()) && !text.contains(['"', '\'', ' ']);
    plain(version).then(|| version.to_owned())
}

/// The modules of the package, parsed on first use.
pub(super) struct Package<'f> {
    files: &'f dyn Files,
    folder: Utf8PathBuf,
    loaded: FrozenMap<Utf8PathBuf, Box<Result<Module, String>>>,
}

impl<'f> Package<'f> {
    pub(super) fn new(files: &'f dyn Files, folder: Utf8PathBuf) -> Self {
        Self { files, folder, loaded: FrozenMap::new() }
    }

    /// The module at a path in the package, or the reason why it cannot be read.
    pub(super) fn module(&self, relative: &Utf8Path) -> Result<&Module, &str> {
        let loaded = match self.loaded.get(relative) {
            Some(loaded) => loaded,
            None => self.loaded.insert(relative.to_owned(), Box::new(self.load(relative))),
        };
        loaded.as_ref().map_err(String::as_str)
    }

    /// The module that `from ... import` in `importer` names; `None` if it is outside the package or does not exist.
    pub(super) fn imported(&self, importer: &Module, import: &StmtImportFrom) -> Option<&Module> {
        let name = import.module.as_ref().map_or("", |module| module.as_str());
        let folder = match import.level {
            0 => return self.named(Utf8Path::new(""), name.strip_prefix("transformers.")?),
            level => importer.relative.ancestors().nth(usize::try_from(level).ok()?)?,
        };
        self.named(folder, name)
    }

    /// A problem about a module that could not be read.
    pub(super) fn problem(&self, relative: &Utf8Path, message: String) -> Problem {
        Problem::error(Code::UnreadableRelease, message).in_file(self.folder.join(relative))
    }

    /// The syntax errors of every module that was read.
    pub(super) fn into_syntax_problems(self) -> Vec<Problem> {
        let modules = self.loaded.into_map().into_values().filter_map(|loaded| loaded.ok());
        let mut problems: Vec<Problem> = modules.flat_map(|module| module.syntax_problems()).collect();
        problems.sort_by(|left, right| (&left.path, left.range).cmp(&(&right.path, right.range)));
        problems
    }

    fn named(&self, folder: &Utf8Path, name: &str) -> Option<&Module> {
        let stem = folder.join(name.replace('.', "/"));
        let file = Utf8PathBuf::from(format!("{stem}.py"));
        let relative = if self.files.is_file(&self.folder.join(&file)) { file } else { stem.join("__init__.py") };
        self.module(&relative).ok()
    }

    fn load(&self, relative: &Utf8Path) -> Result<Module, String> {
        let path = self.folder.join(relative);
        let source = self.files.read_text(&path).map_err(|error| reason(&error))?;
        Ok(Module::new(relative, path, source))
    }
}
