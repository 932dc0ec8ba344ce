//! A planned test as one file that runs alone: with the modules that it imports, packed into comments at its end.
//!
//! It must not print, and it knows nothing of the database.

use std::collections::BTreeMap;

use anyhow::Context;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::python::after_prologue;

use crate::store::{StoredTest, SupportFile};
use crate::submit::zip_of;

/// What unpacks the modules; `{test_id}` is replaced.
const UNPACK: &str = include_str!("with_support.py");
/// The line before the packed modules.
const MARK: &str = "# tgen-packed-support:\n";
/// The characters of packed modules in a line.
const LINE: usize = 96;
/// What loads pytest's plugin, which `conftest.py` does where it stands beside the test.
const PLUGIN: (&str, &str) = ("tgen_support/plugin.py", "pytest_plugins = [\"tgen_support.plugin\"]\n");
const CONFTEST: &str = "conftest.py";

/// The text of a test, with the support of its plan if it imports any of it.
pub(super) fn of(test: &StoredTest, support: Vec<SupportFile>) -> anyhow::Result<String> {
    let modules = support.into_iter().filter(|file| file.path != CONFTEST);
    let modules: BTreeMap<_, _> =
        modules.map(|file| (Utf8PathBuf::from(file.path), file.content.into_bytes())).collect();
    if !modules.keys().any(|path| is_imported(&test.content, path)) {
        return Ok(test.content.clone());
    }
    let packed = BASE64_STANDARD.encode(zip_of(&modules).context("cannot pack what the test imports")?);
    let (prologue, rest) = test.content.split_at(after_prologue(&test.content));
    let plugin = if modules.contains_key(Utf8Path::new(PLUGIN.0)) { PLUGIN.1 } else { "" };
    let code = UNPACK.replace("{test_id}", &test.test_id.to_string());
    let end = if rest.ends_with('\n') || rest.is_empty() { "" } else { "\n" };
    let lines = packed.as_bytes().chunks(LINE).map(|line| format!("# {}\n", String::from_utf8_lossy(line)));
    Ok(format!("{prologue}\n{code}{plugin}{rest}{end}\n{MARK}{}", lines.collect::<String>()))
}

/// Whether a text names the package or module of a file.
fn is_imported(text: &str, path: &Utf8Path) -> bool {
    let module = path.components().next().map(|first| first.as_str().trim_end_matches(".py"));
    module.is_some_and(|module| text.contains(module))
}
