//! Opens the projects that the command line selects: finds and reads the configuration, and opens what it names.

use anyhow::{Context, bail};
use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::files::Files;
use tgen_core::base::problem::Problem;
use tgen_core::config::Config;
#[cfg(feature = "store")]
use tgen_core::config::Suite;
use tgen_core::model::catalogue::Selector;
use tgen_core::project::Project;
use tgen_core::project::request::Request;

use crate::exit::Exit;
use crate::printer::Printer;
use crate::project::arguments::{CaseArgs, Global, SelectionArgs};
use crate::project::locate::{self, CargoOptions, Located, WorkspaceSelection};
use crate::project::pack;
use crate::project::standpoint::Standpoint;
use crate::world::disk::{self, Disk};

/// A configuration has errors, which have been printed.
#[derive(Debug, thiserror::Error)]
#[error("the configuration cannot be used; nothing was rendered or written")]
pub(crate) struct UnusableConfig(pub(crate) Vec<Problem>);

/// A project whose configuration has been read.
pub(crate) struct Session {
    /// The project's files.
    pub(crate) disk: Disk,
    /// The project's root.
    pub(crate) root: Utf8PathBuf,
    /// Its configuration.
    pub(crate) config: Config,
    /// Translates paths for the user.
    pub(crate) standpoint: Standpoint,
    /// The template database that the command line names.
    #[cfg(feature = "store")]
    pub(crate) template_db: Option<Utf8PathBuf>,
}

impl Session {
    /// Finds and reads the projects that the command line selects, or the built-in one in the current folder.
    pub(crate) fn open_all(global: &Global) -> anyhow::Result<Vec<Self>> {
        locate(global)?.into_iter().map(|located| Self::open(located, global)).collect()
    }

    /// Runs a command on each project that the command line selects; the worst exit counts.
    pub(crate) fn each(global: &Global, mut work: impl FnMut(&Self) -> anyhow::Result<Exit>) -> anyhow::Result<Exit> {
        let mut exit = Exit::Clean;
        for session in Self::open_all(global)? {
            exit = exit.max(work(&session)?);
        }
        Ok(exit)
    }

    fn open(located: Located, global: &Global) -> anyhow::Result<Self> {
        let disk = Disk::new(located.root.clone());
        let standpoint = Standpoint::new(&current_folder()?, &located.root);
        match located.config(&disk) {
            Ok(config) => Ok(Self::new(disk, located.root, config, standpoint, global)),
            Err(problems) => {
                let problems = standpoint.problems(&problems).into_owned();
                Printer::new().problems(&problems, &|path| disk.read_text(standpoint.inside(path)).ok());
                Err(UnusableConfig(problems).into())
            }
        }
    }

    /// A session of a project whose configuration has been read.
    #[cfg(feature = "store")]
    pub(crate) fn new(
        disk: Disk,
        root: Utf8PathBuf,
        mut config: Config,
        standpoint: Standpoint,
        global: &Global,
    ) -> Self {
        if global.template_db.is_some() {
            add_database_suite(&mut config);
        }
        Self { disk, root, config, standpoint, template_db: global.template_db.clone() }
    }

    /// A session of a project whose configuration has been read.
    #[cfg(not(feature = "store"))]
    pub(crate) fn new(disk: Disk, root: Utf8PathBuf, config: Config, standpoint: Standpoint, _: &Global) -> Self {
        Self { disk, root, config, standpoint }
    }

    /// Prints problems of the project to standard error.
    pub(crate) fn print_problems(&self, project: &Project<'_>, problems: &[Problem]) {
        Printer::new().problems(&self.standpoint.problems(problems), &|path| self.source_text(project, path));
    }

    /// See [`source_text`]; the file is named relative to the user's folder.
    pub(crate) fn source_text(&self, project: &Project<'_>, seen: &Utf8Path) -> Option<String> {
        source_text(project, self.standpoint.inside(seen))
    }

    /// Reads the project's inputs.
    pub(crate) fn project(&self) -> Project<'_> {
        Project::load(&self.disk, self.config.clone(), pack::pack())
    }
}

/// Adds the built-in database suite if `--template-db` is given and no suite uses the database. It replaces the
/// built-in suite of template files.
#[cfg(feature = "store")]
pub(crate) fn add_database_suite(config: &mut Config) {
    if config.suites.iter().any(|suite| suite.takes_registered()) {
        return;
    }
    config.suites.retain(|suite| **suite != Suite::built_in());
    config.suites.push(std::sync::Arc::new(Suite::built_in_database()));
}

/// Finds the projects that the command line selects, without reading them.
pub(crate) fn locate(global: &Global) -> anyhow::Result<Vec<Located>> {
    let found = locate::locate(&start(global)?, &cargo_options(global))?;
    Printer::new().problems(&found.warnings, &|path| disk::read_text(path).ok());
    Ok(found.projects)
}

/// The text of an input that a problem refers to. `None` for an output: a problem is about its rendered text, not the
/// file.
pub(crate) fn source_text(project: &Project<'_>, path: &Utf8Path) -> Option<String> {
    let read = || project.is_input(path).then(|| project.files.read_text(path).ok()).flatten();
    project.library.text_of(path).or_else(read)
}

/// The request that the command line makes.
pub(crate) fn request(args: &SelectionArgs) -> anyhow::Result<Request> {
    let output_dir = args.output_dir.as_deref().map(absolute).transpose()?;
    Ok(Request { output_dir, ..cases(&args.cases) })
}

/// The cases that the command line selects.
pub(crate) fn cases(args: &CaseArgs) -> Request {
    let mut models: Vec<Selector> = args.model.iter().map(|name| Selector::Name(name.clone())).collect();
    models.extend(args.sample.then_some(Selector::Sample));
    models.extend(args.skillset.then_some(Selector::Skillset));
    Request {
        models,
        suites: args.suite.clone(),
        hardware: (!args.hardware.is_empty()).then(|| args.hardware.clone()),
        batch_sizes: (!args.batch_sizes.is_empty()).then(|| args.batch_sizes.clone()),
        output_dir: None,
    }
}

/// An output folder is relative to the user's folder, not to the project's root.
fn absolute(path: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    let path = path.strip_prefix(".").unwrap_or(path);
    Ok(current_folder()?.join(path))
}

/// A path as the user would name it: relative to the current folder, if it is below that folder.
pub(crate) fn shown(path: &Utf8Path) -> Utf8PathBuf {
    let below = |here: Utf8PathBuf| path.strip_prefix(here).ok().map(Utf8Path::to_owned);
    current_folder().ok().and_then(below).unwrap_or_else(|| path.to_owned())
}

/// The current folder.
pub(crate) fn current_folder() -> anyhow::Result<Utf8PathBuf> {
    let here = std::env::current_dir().context("cannot tell the current folder")?;
    Utf8PathBuf::from_path_buf(here)
        .map_err(|path| anyhow::anyhow!("the current folder `{}` is not UTF-8", path.display()))
}

/// The folder from which a command searches for the configuration.
pub(crate) fn start(global: &Global) -> anyhow::Result<Utf8PathBuf> {
    let here = current_folder()?;
    let Some(root) = &global.root else { return Ok(here) };
    let root = locate::without_dots(&here.join(root));
    if root.is_dir() { Ok(root) } else { bail!("`{root}` is no folder; give `--root` the folder of a project") }
}

fn cargo_options(global: &Global) -> CargoOptions {
    let selection = match (global.workspace, global.package.is_empty()) {
        (true, _) => WorkspaceSelection::Workspace,
        (false, false) => WorkspaceSelection::Packages(global.package.clone()),
        (false, true) => WorkspaceSelection::Nearest,
    };
    CargoOptions { manifest_path: global.manifest_path.clone(), selection }
}
