//! The inputs of a project: the one list that reading, watching, hashing and classifying changes use.
//!
//! This module must not know what the files contain, or whether they exist.
//!
//! To add a kind of input, add a variant to [`InputKind`]. The compiler then asks for its paths ([`InputKind::paths`]),
//! the outputs that a change affects ([`InputKind::reach`]) and how it is read (`reading.rs`). A new [`Reach`] also
//! needs an arm in [`InputKind::shape`] and in `plan/touch.rs`. Everything else follows.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::base::files::{self, Files};
use crate::base::named::named_enum;
use crate::base::problem::{Code, Problem};
use crate::config::{Config, Origin};
use crate::pipeline_map::AutoClasses;

named_enum! {
    /// A kind of input, in reading order. The name is the one that messages use.
    pub enum InputKind {
        /// The file that configures the project, and the files that would configure it if they were created.
        Configuration = "configuration",
        /// The tasks of each model type.
        PipelineMap = "pipeline map",
        /// The auto classes, in a file beside the pipeline map.
        AutoClasses = "auto classes file",
        /// The template database, if a suite takes its templates from there.
        TemplateDatabase = "template database",
        /// The project's own templates.
        Templates = "templates folder",
        /// The reference implementations.
        References = "skillset folder",
    }
}

/// Which outputs a change of an input can affect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every output.
    Everything,
    /// The outputs of the suites that take their templates from the template database.
    DatabaseSuites,
    /// The outputs whose template builds on the changed file; a deleted file can affect every output.
    Templates,
    /// The outputs of the models whose reference implementation changed; a deleted file can affect every output.
    References,
}

/// Whether an input is a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One file.
    File,
    /// A folder; every file below it may be an input.
    Folder,
}

/// One input: a file, or a folder of files. It need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its kind.
    pub kind: InputKind,
    /// Its path, relative to the project's root or absolute.
    pub path: Utf8PathBuf,
}

/// The inputs of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs(Vec<Input>);

/// The files of a project's inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputFiles {
    /// The single files, which need not exist, and the files of the folders.
    pub files: Vec<Utf8PathBuf>,
    /// The folders that cannot be listed, such as one that does not exist.
    pub unlisted: Vec<Utf8PathBuf>,
}

impl InputKind {
    /// The paths of the inputs of this kind.
    fn paths(self, config: &Config) -> Vec<Utf8PathBuf> {
        let map = config.pipeline_map.as_ref().map(|spot| spot.value.as_path());
        match self {
            Self::Configuration => configurations(config.path.as_deref()),
            Self::PipelineMap => map.map(Utf8Path::to_owned).into_iter().collect(),
            Self::AutoClasses => map.map(AutoClasses::path_beside).into_iter().collect(),
            Self::TemplateDatabase => template_database(config).into_iter().collect(),
            Self::Templates => templates(config).into_iter().collect(),
            Self::References => config.skillset.iter().map(|spot| spot.value.clone()).collect(),
        }
    }

    /// Which outputs a change of an input of this kind can affect.
    #[must_use]
    pub const fn reach(self) -> Reach {
        match self {
            Self::Configuration | Self::PipelineMap | Self::AutoClasses => Reach::Everything,
            Self::TemplateDatabase => Reach::DatabaseSuites,
            Self::Templates => Reach::Templates,
            Self::References => Reach::References,
        }
    }

    /// Whether an input of this kind is a file or a folder.
    #[must_use]
    pub const fn shape(self) -> Shape {
        match self.reach() {
            Reach::Everything | Reach::DatabaseSuites => Shape::File,
            Reach::Templates | Reach::References => Shape::Folder,
        }
    }
}

impl Inputs {
    /// The inputs of a project with this configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let of_kind = |kind: InputKind| kind.paths(config).into_iter().map(move |path| Input { kind, path });
        Self(InputKind::ALL.iter().copied().flat_map(of_kind).collect())
    }

    /// The configuration alone, for a project whose configuration has not been read yet.
    #[must_use]
    pub fn of_configuration(origin: Option<Origin>) -> Self {
        let path = origin.map(|origin| Utf8Path::new(origin.file_name()));
        let input = |path| Input { kind: InputKind::Configuration, path };
        Self(configurations(path).into_iter().map(input).collect())
    }

    /// These inputs, but with the configuration of `of`.
    #[must_use]
    pub fn with_configuration(&self, of: &Self) -> Self {
        let is_configuration = |input: &&Input| input.kind == InputKind::Configuration;
        let others = self.0.iter().filter(|input| !is_configuration(input)).cloned();
        Self(of.0.iter().filter(is_configuration).cloned().chain(others).collect())
    }

    /// The inputs, by kind.
    pub fn iter(&self) -> impl Iterator<Item = &Input> {
        self.0.iter()
    }

    /// The inputs that are single files.
    pub fn files(&self) -> impl Iterator<Item = &Utf8Path> {
        self.paths_of(Shape::File)
    }

    /// The folders in which every file may be an input.
    pub fn folders(&self) -> impl Iterator<Item = &Utf8Path> {
        self.paths_of(Shape::Folder)
    }

    /// The kinds of input that a file at `path` is, or would be if it existed: usually none or one.
    pub fn kinds_of(&self, path: &Utf8Path) -> impl Iterator<Item = InputKind> {
        self.0.iter().filter(move |input| input.covers(path)).map(|input| input.kind)
    }

    /// Whether a file at `path` is an input, or would be if it existed.
    #[must_use]
    pub fn contain(&self, path: &Utf8Path) -> bool {
        self.kinds_of(path).next().is_some()
    }

    /// Whether `path` is an input or a folder above one, so that a change of `path` can change all of that input.
    #[must_use]
    pub fn stand_below(&self, path: &Utf8Path) -> bool {
        self.0.iter().any(|input| input.path.starts_with(path))
    }

    /// Lists the files of all inputs.
    #[must_use]
    pub fn list(&self, files: &dyn Files) -> InputFiles {
        let mut found = InputFiles { files: self.files().map(Utf8Path::to_owned).collect(), unlisted: Vec::new() };
        for folder in self.folders() {
            match files.list(folder) {
                Ok(paths) => found.files.extend(paths),
                Err(_) => found.unlisted.push(folder.to_owned()),
            }
        }
        found
    }

    fn paths_of(&self, shape: Shape) -> impl Iterator<Item = &Utf8Path> {
        self.0.iter().filter(move |input| input.kind.shape() == shape).map(|input| input.path.as_path())
    }
}

impl Input {
    fn covers(&self, path: &Utf8Path) -> bool {
        match self.kind.shape() {
            Shape::File => self.path == path,
            Shape::Folder => path.starts_with(&self.path),
        }
    }
}

/// The file that configures a project, and the files that would take precedence over it. Nothing takes precedence over
/// a `tgen.toml`.
fn configurations(path: Option<&Utf8Path>) -> Vec<Utf8PathBuf> {
    let by_rank = [Origin::TgenToml, Origin::PyProjectTool, Origin::CargoPackageMetadata].map(Origin::file_name);
    let own = by_rank.iter().position(|name| path == Some(Utf8Path::new(name)));
    by_rank.iter().take(own.map_or(by_rank.len(), |rank| rank + 1)).map(Utf8PathBuf::from).collect()
}

/// Without a configuration, the default folder is an input even before it exists.
fn templates(config: &Config) -> Option<Utf8PathBuf> {
    let usual = || config.path.is_none().then(|| Utf8PathBuf::from(Config::USUAL_TEMPLATES));
    config.templates.as_ref().map(|spot| spot.value.clone()).or_else(usual)
}

fn template_database(config: &Config) -> Option<Utf8PathBuf> {
    let is_used = config.suites.iter().any(|suite| suite.takes_registered());
    is_used.then(|| config.template_database().to_owned())
}

/// The problem of an input that cannot be read.
pub(super) fn unreadable(what: &str, path: &Utf8Path, error: &io::Error) -> Problem {
    Problem::error(Code::UnreadableFile, format!("cannot read the {what} `{path}`: {}", files::reason(error)))
        .in_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::files::MemoryFiles;
    use crate::config;

    const CONFIG: &str = r#"
-- tgen.toml --
pipeline-map = "data/map.json"
templates = "templates"
skillset = "skills"
template-db = "t.duckdb"
[[suite]]
name = "s"
template = "database"
models = "all"
output = "out/{{ normalized_name }}_{{ hardware_type }}.py"
-- templates/a/b.tera --
-- skills/hf_bert.py --
"#;

    fn inputs() -> Inputs {
        Inputs::of(&config::load(&MemoryFiles::from_fixture(CONFIG), Origin::TgenToml).unwrap())
    }

    fn shown(inputs: &Inputs) -> String {
        inputs.iter().map(|input| format!("{}: {}\n", input.kind.name(), input.path)).collect()
    }

    #[test]
    fn every_configured_file_and_folder_is_an_input() {
        insta::assert_snapshot!(shown(&inputs()), @"
        configuration: tgen.toml
        pipeline map: data/map.json
        auto classes file: data/map.auto_classes.json
        template database: t.duckdb
        templates folder: templates
        skillset folder: skills
        ");
    }

    #[test]
    fn a_project_without_a_configuration_waits_for_one_and_for_templates() {
        insta::assert_snapshot!(shown(&Inputs::of(&Config::built_in())), @"
        configuration: tgen.toml
        configuration: pyproject.toml
        configuration: Cargo.toml
        templates folder: templates
        ");
    }

    #[test]
    fn a_template_database_is_an_input_only_where_a_suite_takes_templates_from_it() {
        let files = CONFIG.replace("\"database\"", "\"a/b.tera\"");
        let config = config::load(&MemoryFiles::from_fixture(&files), Origin::TgenToml).unwrap();
        assert!(!Inputs::of(&config).contain("t.duckdb".into()));
        assert!(inputs().contain("t.duckdb".into()));
    }

    #[test]
    fn a_path_is_told_by_its_kind_and_a_folder_by_what_stands_below_it() {
        let inputs = inputs();
        let kinds = |path: &str| inputs.kinds_of(path.into()).map(InputKind::name).collect::<Vec<_>>();
        assert_eq!(kinds("templates/new/c.tera"), ["templates folder"]);
        assert_eq!(kinds("data/map.json"), ["pipeline map"]);
        assert!(["data", "out/bert.py", "templates.md", "Cargo.toml"].into_iter().all(|path| kinds(path).is_empty()));
        assert!(["data", "templates", ""].into_iter().all(|path| inputs.stand_below(path.into())));
        assert!(!inputs.stand_below("templates/a".into()));
    }

    #[test]
    fn all_files_are_listed_and_folders_that_are_gone_are_named() {
        let mut files = MemoryFiles::from_fixture(CONFIG);
        files.remove("skills/hf_bert.py");
        let listed = inputs().list(&files);
        let expected = ["tgen.toml", "data/map.json", "data/map.auto_classes.json", "t.duckdb", "templates/a/b.tera"];
        assert_eq!(listed.files, expected);
        assert_eq!(listed.unlisted, ["skills"]);
    }
}
