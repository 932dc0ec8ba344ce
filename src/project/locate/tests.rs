//! Projects on disk, and which of them is found from which folder.

use std::fs;

use insta::assert_snapshot;
use tempfile::TempDir;
use tgen_core::base::files::MemoryFiles;

use super::*;

const WORKSPACE: &str = "
-- Cargo.toml --
[workspace]
resolver = '3'
members = ['a', 'b', 'c']
[workspace.metadata.tgen]
-- a/Cargo.toml --
[package]
name = 'a'
[package.metadata.tgen]
skillset = 'of-a'
-- a/src/lib.rs --
-- b/Cargo.toml --
[package]
name = 'b'
-- b/src/lib.rs --
-- c/Cargo.toml --
[package]
name = 'c'
[package.metadata.tgen]
-- c/tgen.toml --
-- c/src/lib.rs --
";

/// A folder on disk with the files of a fixture.
struct Disk(TempDir);

impl Disk {
    fn new(fixture: &str) -> Self {
        let disk = Self(TempDir::new().unwrap());
        let files = MemoryFiles::from_fixture(fixture);
        for path in files.list(Utf8Path::new("")).unwrap_or_default() {
            let target = disk.root().join(&path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(target, files.read_text(&path).unwrap()).unwrap();
        }
        disk
    }

    fn root(&self) -> &Utf8Path {
        Utf8Path::from_path(self.0.path()).unwrap()
    }

    /// The projects found from a folder: a line for each project and each warning, or the error.
    fn locate(&self, folder: &str, options: &CargoOptions) -> String {
        fs::create_dir_all(self.root().join(folder)).unwrap();
        let current = if folder.is_empty() { self.root().to_owned() } else { self.root().join(folder) };
        let text = match locate(&current, options) {
            Ok(found) => show(&found),
            Err(error) => format!("error: {error:#}"),
        };
        text.replace(self.root().as_str(), "$ROOT")
    }
}

fn show(found: &Found) -> String {
    let projects = found.projects.iter().map(|project| format!("{} {:?}", project.root, project.source));
    let warnings = found.warnings.iter();
    let warnings = warnings.map(|warning| format!("{}: {}", warning.path.as_ref().unwrap(), warning.message));
    projects.chain(warnings).collect::<Vec<_>>().join("\n")
}

fn packages(names: &[&str]) -> CargoOptions {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    CargoOptions { selection: WorkspaceSelection::Packages(names), ..CargoOptions::default() }
}

fn manifest(path: &str) -> CargoOptions {
    CargoOptions { manifest_path: Some(path.into()), ..CargoOptions::default() }
}

#[test]
fn the_nearest_tgen_toml_upwards_is_the_project() {
    let disk = Disk::new("-- tgen.toml --\n-- in/tgen.toml --\n");
    assert_snapshot!(disk.locate("in/deep/er", &CargoOptions::default()), @"
    $ROOT/in File(TgenToml)
    ");
    assert_snapshot!(disk.locate("other", &CargoOptions::default()), @"
    $ROOT File(TgenToml)
    ");
}

#[test]
fn a_folder_with_nothing_gets_the_built_in_configuration() {
    let options = CargoOptions::default();
    assert_snapshot!(Disk::new("").locate("x", &options), @"
    $ROOT/x BuiltIn
    ");
    assert_snapshot!(Disk::new("-- Cargo.toml --\nnot looked at\n").locate("x", &options), @"
    $ROOT/x BuiltIn
    ");
    let mentioned = "-- Cargo.toml --\n[package]\nname = 'cargo cannot read this'\n# metadata.tgen\n";
    assert_snapshot!(Disk::new(mentioned).locate("", &options), @"
    $ROOT BuiltIn
    ");
}

#[test]
fn a_pyproject_configures_a_project_unless_a_tgen_toml_does() {
    let options = CargoOptions::default();
    let disk =
        Disk::new("-- pyproject.toml --\n[tool.tgen]\n-- other/pyproject.toml --\n[tool.ruff]\n-- own/tgen.toml --\n");
    assert_snapshot!(disk.locate("deep/er", &options), @"
    $ROOT File(PyProjectTool)
    ");
    assert_snapshot!(disk.locate("other", &options), @"
    $ROOT File(PyProjectTool)
    ");
    assert_snapshot!(disk.locate("own", &options), @"
    $ROOT/own File(TgenToml)
    ");
    let both = Disk::new("-- pyproject.toml --\n[tool.tgen]\n-- tgen.toml --\n");
    assert_snapshot!(both.locate("", &options), @"
    $ROOT File(TgenToml)
    $ROOT/pyproject.toml: `[tool.tgen]` is not read, because `tgen.toml` wins
    ");
}

#[test]
fn a_package_has_its_own_table_or_that_of_its_workspace() {
    let disk = Disk::new(WORKSPACE);
    let options = CargoOptions::default();
    assert_snapshot!(disk.locate("", &options), @"
    $ROOT File(CargoWorkspaceMetadata)
    ");
    assert_snapshot!(disk.locate("a/src", &options), @"
    $ROOT/a File(CargoPackageMetadata)
    ");
    assert_snapshot!(disk.locate("b", &options), @"
    $ROOT File(CargoWorkspaceMetadata)
    ");
}

#[test]
fn a_tgen_toml_wins_over_the_tables_beside_it_and_says_so() {
    let disk = Disk::new(WORKSPACE);
    assert_snapshot!(disk.locate("c", &CargoOptions::default()), @"
    $ROOT/c File(TgenToml)
    $ROOT/c/Cargo.toml: `[package.metadata.tgen]` is not read, because `tgen.toml` wins
    ");
    assert_snapshot!(disk.locate("", &packages(&["c"])), @"
    $ROOT/c File(TgenToml)
    $ROOT/c/Cargo.toml: `[package.metadata.tgen]` is not read, because `tgen.toml` wins
    ");
}

#[test]
fn a_package_table_wins_over_the_workspace_table_beside_it_and_says_so() {
    let disk = Disk::new(
        "-- Cargo.toml --\n[workspace.metadata.tgen]\n[package]\nname = 'p'\nmetadata.tgen = {}\n-- src/lib.rs --\n",
    );
    assert_snapshot!(disk.locate("", &CargoOptions::default()), @"
    $ROOT File(CargoPackageMetadata)
    $ROOT/Cargo.toml: `[workspace.metadata.tgen]` is not read, because `[package.metadata.tgen]` wins
    ");
}

#[test]
fn packages_are_found_by_name() {
    let disk = Disk::new(WORKSPACE);
    assert_snapshot!(disk.locate("b", &packages(&["c", "a", "c"])), @"
    $ROOT/c File(TgenToml)
    $ROOT/a File(CargoPackageMetadata)
    $ROOT/c/Cargo.toml: `[package.metadata.tgen]` is not read, because `tgen.toml` wins
    ");
    assert_snapshot!(disk.locate("", &packages(&["b"])), @"
    error: package `b` has no configuration; add `[package.metadata.tgen]` to `$ROOT/b/Cargo.toml`, or a `tgen.toml` beside it
    ");
    assert_snapshot!(disk.locate("", &packages(&["d"])), @"
    error: the workspace has no package `d`; did you mean `a`?
    ");
    assert_snapshot!(Disk::new("").locate("", &packages(&["a"])), @"
    error: `--package` needs a Rust workspace, and no folder from `$ROOT` up has a `Cargo.toml`; give `--manifest-path`, or leave `--package` out
    ");
}

#[test]
fn a_whole_workspace_is_its_root_and_every_package_that_has_a_configuration() {
    let whole = CargoOptions { selection: WorkspaceSelection::Workspace, ..CargoOptions::default() };
    assert_snapshot!(Disk::new(WORKSPACE).locate("b", &whole), @"
    $ROOT File(CargoWorkspaceMetadata)
    $ROOT/a File(CargoPackageMetadata)
    $ROOT/c File(TgenToml)
    $ROOT/c/Cargo.toml: `[package.metadata.tgen]` is not read, because `tgen.toml` wins
    ");
    let bare = Disk::new("-- Cargo.toml --\n[package]\nname = 'p'\n-- src/lib.rs --\n");
    assert_snapshot!(bare.locate("", &whole), @"
    error: no package of the workspace `$ROOT` has a configuration; add `[workspace.metadata.tgen]` to its `Cargo.toml`, or write a `tgen.toml` with `cargo tgen init`
    ");
}

#[test]
fn a_manifest_path_is_where_the_search_begins() {
    let disk = Disk::new(WORKSPACE);
    assert_snapshot!(disk.locate("b/src", &manifest("../../a/./Cargo.toml")), @"
    $ROOT/a File(CargoPackageMetadata)
    ");
    assert_snapshot!(disk.locate("", &manifest("c/Cargo.toml")), @"
    $ROOT/c File(TgenToml)
    $ROOT/c/Cargo.toml: `[package.metadata.tgen]` is not read, because `tgen.toml` wins
    ");
    let of_b = CargoOptions { manifest_path: Some("../b/Cargo.toml".into()), ..packages(&["a"]) };
    assert_snapshot!(disk.locate("a", &of_b), @"
    $ROOT/a File(CargoPackageMetadata)
    ");
}

#[test]
fn a_manifest_path_that_leads_to_nothing_is_an_error() {
    let disk = Disk::new("-- Cargo.toml --\n[package]\nname = 'p'\n-- src/lib.rs --\n");
    assert_snapshot!(disk.locate("", &manifest("Cargo.toml")), @"
    error: neither `$ROOT/Cargo.toml` nor its workspace has a `metadata.tgen` table; add `[package.metadata.tgen]`, or write a `tgen.toml` with `cargo tgen init`
    ");
    assert_snapshot!(disk.locate("", &manifest("missing/Cargo.toml")), @"
    error: `missing/Cargo.toml` does not exist; give `--manifest-path` the path of a `Cargo.toml`
    ");
    assert_snapshot!(disk.locate("", &manifest("src/lib.rs")), @"
    error: `src/lib.rs` is not a `Cargo.toml`; give `--manifest-path` the path of one
    ");
}

#[test]
fn a_manifest_that_cargo_refuses_is_an_error_with_its_reason() {
    let disk = Disk::new("-- Cargo.toml --\n[package.metadata.tgen]\n");
    let text = disk.locate("", &CargoOptions::default());
    assert_snapshot!(text.lines().next().unwrap(), @"
    error: cargo cannot read `$ROOT/Cargo.toml`: failed to parse manifest at `$ROOT/Cargo.toml`
    ");
    let not_toml = Disk::new("-- Cargo.toml --\n[package.metadata.tgen\n").locate("", &CargoOptions::default());
    assert!(not_toml.starts_with("error: cargo cannot read `$ROOT/Cargo.toml`"), "{not_toml}");
}

#[test]
fn a_project_reads_its_own_configuration() {
    let disk = Disk::new(WORKSPACE);
    let found = locate(&disk.root().join("a"), &CargoOptions::default()).unwrap();
    let mut files = MemoryFiles::default();
    files.insert("Cargo.toml", fs::read(found.projects[0].root.join("Cargo.toml")).unwrap());
    assert_eq!(found.projects[0].config(&files).unwrap().skillset.unwrap().value, "of-a");

    let built_in = Located { root: disk.root().to_owned(), source: ConfigSource::BuiltIn };
    assert_eq!(built_in.config(&files), Ok(Config::built_in()));
}
