//! The projects in `examples/`: their committed outputs are what their templates say, and their READMEs show what happens.
//!
//! `TRYCMD=overwrite cargo test --test cli examples` renews the outputs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::{BINARY, tour};

#[test]
fn examples_are_fresh() {
    for example in &*EXAMPLES {
        let copy = copy(example);
        let output = tgen(&["check"], copy.path());
        assert!(
            output.status.success(),
            "`{}` is not fresh; `TRYCMD=overwrite cargo test --test cli examples` renews it\n{}{}",
            example.display(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn readmes_of_examples_show_what_happens() {
    for example in &*EXAMPLES {
        let page = example.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().join("README.md");
        tour::check(page.to_str().unwrap(), copy(example).path());
    }
}

/// The folders of `examples/`, with their outputs renewed if the user asks for it.
static EXAMPLES: LazyLock<Vec<PathBuf>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let examples: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    assert!(examples.len() >= 3, "{examples:?}");
    let index = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for example in &examples {
        let name = example.file_name().unwrap().to_str().unwrap();
        assert!(index.contains(&format!("[{name}]({name})")), "examples/README.md does not list `{name}`");
        if std::env::var_os("TRYCMD").is_some_and(|mode| mode == "overwrite") {
            tgen(&["generate", "--force", "--prune"], example);
        }
    }
    examples
});

fn copy(example: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_into(example, folder.path());
    folder
}

fn copy_into(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_into(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn tgen(arguments: &[&str], folder: &Path) -> std::process::Output {
    Command::new(BINARY).args(arguments).current_dir(folder).env("NO_COLOR", "1").env("CI", "true").output().unwrap()
}
