//! Which Python runs the tests: the one that is named, the active environment's, the project's `.venv`, or the first on `PATH`.
//!
//! This module must not know what the interpreter is for.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::bail;
use camino::Utf8Path;

use crate::world::disk;

/// A Python, and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// The program.
    pub(crate) program: PathBuf,
    /// What led to it.
    pub(crate) found: Found,
}

/// What led to an interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The command line.
    Argument,
    /// The variable `VIRTUAL_ENV`.
    ActiveEnvironment,
    /// A folder `.venv` of the project, or of a folder above it.
    ProjectEnvironment,
    /// The variable `PATH`.
    Path,
}

impl Found {
    /// The words for it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Argument => "from `--python`",
            Self::ActiveEnvironment => "from `VIRTUAL_ENV`",
            Self::ProjectEnvironment => "the project's `.venv`",
            Self::Path => "from `PATH`",
        }
    }
}

/// The variables that tell which interpreter is meant.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    virtual_env: Option<PathBuf>,
    path: OsString,
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn of_this_process() -> Self {
        let virtual_env = env::var_os("VIRTUAL_ENV").filter(|value| !value.is_empty()).map(PathBuf::from);
        Self { virtual_env, path: env::var_os("PATH").unwrap_or_default() }
    }
}

/// Finds the interpreter for a project.
///
/// # Errors
/// There is none, or the one that was named is no program.
pub(crate) fn find(
    named: Option<&Utf8Path>,
    root: &Utf8Path,
    surroundings: &Surroundings,
) -> anyhow::Result<Interpreter> {
    if let Some(named) = named {
        let is_path = named.components().count() > 1;
        let program =
            if is_path { in_environment_or_file(named.as_std_path()) } else { on_path(named.as_str(), surroundings) };
        let Some(program) = program else {
            bail!("`{named}` is no program; give `--python` a Python interpreter or a virtual environment");
        };
        return Ok(Interpreter { program, found: Found::Argument });
    }
    let active = surroundings.virtual_env.as_deref().and_then(in_environment);
    let active = active.map(|program| Interpreter { program, found: Found::ActiveEnvironment });
    let of_project = || {
        let program = root.ancestors().find_map(|folder| in_environment(folder.join(".venv").as_std_path()))?;
        Some(Interpreter { program, found: Found::ProjectEnvironment })
    };
    let of_path = || {
        let program = ["python3", "python"].into_iter().find_map(|name| on_path(name, surroundings))?;
        Some(Interpreter { program, found: Found::Path })
    };
    match active.or_else(of_project).or_else(of_path) {
        Some(found) => Ok(found),
        None => bail!(
            "there is no Python: no active virtual environment, no `.venv`, no `python3` on PATH; give `--python`"
        ),
    }
}

fn in_environment_or_file(path: &Path) -> Option<PathBuf> {
    if path.is_dir() { in_environment(path) } else { program(path.to_owned()) }
}

fn in_environment(folder: &Path) -> Option<PathBuf> {
    ["bin/python", "Scripts/python.exe"].into_iter().find_map(|name| program(folder.join(name)))
}

fn on_path(name: &str, surroundings: &Surroundings) -> Option<PathBuf> {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&surroundings.path).find_map(|folder| program(folder.join(&name)))
}

fn program(path: PathBuf) -> Option<PathBuf> {
    let is_program = path.is_file() && (cfg!(not(unix)) || Utf8Path::from_path(&path).is_none_or(disk::is_executable));
    // A link is not followed: the environment of an interpreter is found by the path that it was started by.
    is_program.then(|| std::path::absolute(&path).unwrap_or(path))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn add_program(path: &Utf8Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_named_python_comes_first_then_the_active_environment_then_the_projects_then_path() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| Utf8Path::from_path(folder.path()).unwrap().join(name);
        for name in ["named/bin/python", "active/bin/python", "project/.venv/bin/python", "usual/python3"] {
            add_program(&at(name));
        }
        let root = at("project/inner");
        let active =
            |path: &str| Surroundings { virtual_env: Some(at(path).into()), path: at("usual").into_os_string() };
        let find = |named: Option<&Utf8Path>, root: &Utf8Path, surroundings: &Surroundings| {
            find(named, root, surroundings).map(|found| (found.program, found.found)).map_err(|error| error.to_string())
        };
        let python = |name: &str| PathBuf::from(at(name));
        let (named, none) = (at("named"), at("none"));
        let expected = Ok((python("named/bin/python"), Found::Argument));
        assert_eq!(find(Some(&named), &root, &active("active")), expected);
        let expected = Ok((python("active/bin/python"), Found::ActiveEnvironment));
        assert_eq!(find(None, &root, &active("active")), expected);
        let expected = Ok((python("project/.venv/bin/python"), Found::ProjectEnvironment));
        assert_eq!(find(None, &root, &active("no-such")), expected);
        let expected = Ok((python("usual/python3"), Found::Path));
        assert_eq!(find(None, &none, &active("no-such")), expected);
        assert!(find(None, &none, &Surroundings::default()).unwrap_err().starts_with("there is no Python"));
        assert!(find(Some(&none), &root, &active("active")).unwrap_err().contains("is no program"));
    }
}
