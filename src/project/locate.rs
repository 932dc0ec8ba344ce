//! Finds a project's configuration: `tgen.toml`, else `[tool.tgen]` in `pyproject.toml`, else the `metadata.tgen` tables of a
//! Cargo workspace, else none.
//!
//! Cargo is run only if a `Cargo.toml` may contain such a table, or if one of cargo's options is given, so that most
//! commands start after a few reads. This module must not know what a configuration says; core reads it.

use anyhow::{Context, Result, anyhow, bail};
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use cargo_metadata::{Metadata, MetadataCommand, Package};
use tgen_core::base::files::Files;
use tgen_core::base::problem::{Code, Problem};
use tgen_core::base::suggest;
use tgen_core::config::{self, Config, Origin};

use crate::world::disk;

const CARGO_TOML: &str = "Cargo.toml";

/// The projects of a command, and warnings about how they were found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Found {
    /// At least one project, each in its own folder.
    pub(crate) projects: Vec<Located>,
    /// Configurations that exist but are not read. Their paths are absolute.
    pub(crate) warnings: Vec<Problem>,
}

/// One project: its root and the source of its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    /// The folder that the project's paths are relative to; absolute.
    pub(crate) root: Utf8PathBuf,
    /// The source of its configuration.
    pub(crate) source: ConfigSource,
}

impl Located {
    /// Reads the configuration. `files` has the project's root; problems name the file relative to it.
    pub(crate) fn config(&self, files: &dyn Files) -> Result<Config, Vec<Problem>> {
        match self.source {
            ConfigSource::File(origin) => config::load(files, origin),
            ConfigSource::BuiltIn => Ok(Config::unconfigured(files)),
        }
    }
}

/// The source of a project's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConfigSource {
    /// The file of that kind in the project's root.
    File(Origin),
    /// The built-in configuration.
    BuiltIn,
}

/// Cargo's own options that select projects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CargoOptions {
    /// `--manifest-path`: search from this `Cargo.toml` instead of the current folder.
    pub(crate) manifest_path: Option<Utf8PathBuf>,
    /// `--package` and `--workspace`.
    pub(crate) selection: WorkspaceSelection,
}

/// The selected projects of a Rust workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum WorkspaceSelection {
    /// The nearest one.
    #[default]
    Nearest,
    /// The projects of these packages: `--package`.
    Packages(Vec<String>),
    /// The projects of the workspace's root and of all its packages: `--workspace`.
    Workspace,
}

/// Finds the projects for a command that runs in the folder `current`, an absolute path.
pub(crate) fn locate(current: &Utf8Path, options: &CargoOptions) -> Result<Found> {
    let manifest = options.manifest_path.as_deref().map(|path| existing_manifest(current, path)).transpose()?;
    match &options.selection {
        WorkspaceSelection::Nearest => nearest(current, manifest.as_deref()),
        WorkspaceSelection::Packages(names) => packages(&Workspace::around(current, manifest, "--package")?, names),
        WorkspaceSelection::Workspace => whole(&Workspace::around(current, manifest, "--workspace")?),
    }
}

/// The manifest that `--manifest-path` names.
fn existing_manifest(current: &Utf8Path, path: &Utf8Path) -> Result<Utf8PathBuf> {
    let manifest = without_dots(&current.join(path));
    if manifest.file_name() != Some(CARGO_TOML) {
        bail!("`{path}` is not a `Cargo.toml`; give `--manifest-path` the path of one");
    }
    if !manifest.is_file() {
        bail!("`{path}` does not exist; give `--manifest-path` the path of a `Cargo.toml`");
    }
    Ok(manifest)
}

/// The path without `.` and `..`, so that its ancestors can be searched. Like cargo, this ignores links.
pub(crate) fn without_dots(path: &Utf8Path) -> Utf8PathBuf {
    let mut plain = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

fn nearest(current: &Utf8Path, manifest: Option<&Utf8Path>) -> Result<Found> {
    let start = manifest.and_then(Utf8Path::parent).unwrap_or(current);
    let tgen_toml = Origin::TgenToml.file_name();
    if let Some(root) = start.ancestors().find(|folder| exists(&folder.join(tgen_toml))) {
        let project = Located { root: root.to_owned(), source: ConfigSource::File(Origin::TgenToml) };
        return Ok(Found { projects: vec![project], warnings: unread_manifests(start, root) });
    }
    if let Some(root) = start.ancestors().find(|folder| is_in_pyproject(folder)) {
        let project = Located { root: root.to_owned(), source: ConfigSource::File(Origin::PyProjectTool) };
        return Ok(Found { projects: vec![project], warnings: Vec::new() });
    }
    if let Some(found) = in_cargo(start)? {
        return Ok(found);
    }
    if let Some(manifest) = manifest {
        bail!(
            "neither `{manifest}` nor its workspace has a `metadata.tgen` table; \
             add `[package.metadata.tgen]`, or write a `tgen.toml` with `cargo tgen init`"
        );
    }
    let project = Located { root: current.to_owned(), source: ConfigSource::BuiltIn };
    Ok(Found { projects: vec![project], warnings: Vec::new() })
}

/// Whether anything exists at a path: a file that cannot be read has to be reported, not skipped.
fn exists(path: &Utf8Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether a folder's `pyproject.toml` configures a project; one that may do so but is not valid TOML counts, so that
/// it is reported.
pub(crate) fn is_in_pyproject(folder: &Utf8Path) -> bool {
    let text = disk::read_text(&folder.join(Origin::PyProjectTool.file_name())).unwrap_or_default();
    text.contains("tool") && text.contains("tgen") && config::is_in_pyproject(&text).unwrap_or(true)
}

/// Warnings for the manifests from `start` up to `root` whose tables are not read because of the `tgen.toml` in `root`.
fn unread_manifests(start: &Utf8Path, root: &Utf8Path) -> Vec<Problem> {
    let folders = start.ancestors().take_while(|folder| folder.starts_with(root));
    let manifests = folders.map(|folder| folder.join(CARGO_TOML));
    let unread_in = |manifest: Utf8PathBuf| {
        let origins = origins_in(&manifest).unwrap_or_default();
        origins.into_iter().map(move |origin| unread(&manifest, origin, Origin::TgenToml))
    };
    let pyprojects =
        start.ancestors().take_while(|folder| folder.starts_with(root)).filter(|folder| is_in_pyproject(folder));
    let unread_in_pyproject = |folder: &Utf8Path| {
        unread(&folder.join(Origin::PyProjectTool.file_name()), Origin::PyProjectTool, Origin::TgenToml)
    };
    manifests.flat_map(unread_in).chain(pyprojects.map(unread_in_pyproject)).collect()
}

/// The tables of cargo-tgen in a manifest. `None` if the manifest is not valid TOML but may have one; then cargo
/// reports the error.
fn origins_in(manifest: &Utf8Path) -> Option<Vec<Origin>> {
    let text = disk::read_text(manifest).unwrap_or_default();
    if text.contains("metadata") && text.contains("tgen") { config::origins_in(&text) } else { Some(Vec::new()) }
}

/// A warning that a table is not read, because another configuration in its folder or above has precedence.
fn unread(manifest: &Utf8Path, table: Origin, winner: Origin) -> Problem {
    let winner = match winner {
        Origin::TgenToml => "`tgen.toml`".to_owned(),
        table => format!("`[{}]`", table.table().join(".")),
    };
    let message = format!("`[{}]` is not read, because {winner} wins", table.table().join("."));
    Problem::warning(Code::InvalidConfig, message).in_file(manifest).help("keep one of the two")
}

/// The project of the package around `start`, else that of its workspace. Cargo is slow, so it is run only if a
/// manifest has a table for cargo-tgen.
fn in_cargo(start: &Utf8Path) -> Result<Option<Found>> {
    let mut manifests =
        start.ancestors().map(|folder| folder.join(CARGO_TOML)).filter(|path| path.is_file()).peekable();
    let Some(manifest) = manifests.peek().cloned() else { return Ok(None) };
    if manifests.all(|manifest| origins_in(&manifest).is_some_and(|origins| origins.is_empty())) {
        return Ok(None);
    }
    let workspace = Workspace::read(&manifest)?;
    let folders = [manifest.parent().unwrap_or(start), workspace.metadata.workspace_root.as_path()];
    Ok(folders.into_iter().map(|folder| workspace.projects_in([folder])).find(|found| !found.projects.is_empty()))
}

fn packages(workspace: &Workspace, names: &[String]) -> Result<Found> {
    let mut folders = Vec::new();
    for name in names {
        let package = workspace.package(name)?;
        let folder = folder_of(package);
        if workspace.projects_in([folder]).projects.is_empty() {
            bail!(
                "package `{name}` has no configuration; \
                 add `[package.metadata.tgen]` to `{}`, or a `tgen.toml` beside it",
                package.manifest_path
            );
        }
        folders.push(folder);
    }
    Ok(workspace.projects_in(folders))
}

fn whole(workspace: &Workspace) -> Result<Found> {
    let root = workspace.metadata.workspace_root.as_path();
    let packages = workspace.metadata.workspace_packages().into_iter().map(folder_of);
    let found = workspace.projects_in(std::iter::once(root).chain(packages));
    if found.projects.is_empty() {
        bail!(
            "no package of the workspace `{root}` has a configuration; \
             add `[workspace.metadata.tgen]` to its `Cargo.toml`, or write a `tgen.toml` with `cargo tgen init`"
        );
    }
    Ok(found)
}

fn folder_of(package: &Package) -> &Utf8Path {
    package.manifest_path.parent().unwrap_or(&package.manifest_path)
}

/// A Rust workspace, as cargo sees it.
struct Workspace {
    metadata: Metadata,
}

impl Workspace {
    /// The workspace of the given manifest, else of the nearest one above `current`.
    fn around(current: &Utf8Path, manifest: Option<Utf8PathBuf>, option: &str) -> Result<Self> {
        let nearest = || current.ancestors().map(|folder| folder.join(CARGO_TOML)).find(|path| path.is_file());
        let manifest = manifest.or_else(nearest).ok_or_else(|| {
            anyhow!(
                "`{option}` needs a Rust workspace, and no folder from `{current}` up has a `Cargo.toml`; \
                 give `--manifest-path`, or leave `{option}` out"
            )
        })?;
        Self::read(&manifest)
    }

    fn read(manifest: &Utf8Path) -> Result<Self> {
        let mut command = MetadataCommand::new();
        command.manifest_path(manifest).no_deps().other_options(["--offline".to_owned()]);
        let metadata = command.exec().map_err(cause).with_context(|| format!("cargo cannot read `{manifest}`"))?;
        Ok(Self { metadata })
    }

    fn package(&self, name: &str) -> Result<&Package> {
        let packages = self.metadata.workspace_packages();
        let found = packages.iter().find(|package| package.name.as_str() == name);
        found.copied().ok_or_else(|| {
            let help = suggest::did_you_mean(name, packages.iter().map(|package| package.name.as_str()));
            anyhow!(
                "the workspace has no package `{name}`; {}",
                help.unwrap_or_else(|| "see `cargo metadata`".to_owned())
            )
        })
    }

    /// The projects of these folders without duplicates: one folder is one project.
    fn projects_in<'a>(&self, folders: impl IntoIterator<Item = &'a Utf8Path>) -> Found {
        let mut found = Found::default();
        for folder in folders {
            if found.projects.iter().any(|project| project.root == folder) {
                continue;
            }
            let origins = self.origins_in(folder);
            let Some((winner, others)) = origins.split_first() else { continue };
            found.projects.push(Located { root: folder.to_owned(), source: ConfigSource::File(*winner) });
            found.warnings.extend(others.iter().map(|other| unread(&folder.join(other.file_name()), *other, *winner)));
        }
        found
    }

    /// The configurations in a folder, by precedence.
    fn origins_in(&self, folder: &Utf8Path) -> Vec<Origin> {
        let is_there = |origin: &Origin| match origin {
            Origin::TgenToml => exists(&folder.join(origin.file_name())),
            Origin::PyProjectTool => is_in_pyproject(folder),
            Origin::CargoPackageMetadata => {
                let package = self.metadata.packages.iter().find(|package| folder_of(package) == folder);
                package.is_some_and(|package| package.metadata.get("tgen").is_some())
            }
            Origin::CargoWorkspaceMetadata => {
                folder == self.metadata.workspace_root && self.metadata.workspace_metadata.get("tgen").is_some()
            }
        };
        let origins =
            [Origin::TgenToml, Origin::PyProjectTool, Origin::CargoPackageMetadata, Origin::CargoWorkspaceMetadata];
        origins.into_iter().filter(is_there).collect()
    }
}

/// Cargo's message, without its own prefix.
fn cause(error: cargo_metadata::Error) -> anyhow::Error {
    match error {
        cargo_metadata::Error::CargoMetadata { stderr } => {
            let message = stderr.trim();
            anyhow!("{}", message.strip_prefix("error: ").unwrap_or(message).to_owned())
        }
        cargo_metadata::Error::Io(error) => {
            anyhow!("cannot run `cargo`: {error}; install it, or configure the project in a `tgen.toml`")
        }
        other => other.into(),
    }
}

#[cfg(test)]
mod tests;
