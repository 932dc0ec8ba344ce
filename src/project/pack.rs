//! The built-in template pack, embedded in the binary. Other modules must get it from here.

use std::path::Path;
use std::sync::OnceLock;

use include_dir::{Dir, DirEntry, include_dir};
use tgen_core::template::library::Pack;

static FOLDER: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The built-in templates: name and text.
pub(crate) fn pack() -> &'static Pack {
    static PACK: OnceLock<Vec<(&str, &str)>> = OnceLock::new();
    PACK.get_or_init(|| {
        let mut templates = Vec::new();
        collect(&FOLDER, &mut templates);
        templates
    })
}

fn collect(folder: &'static Dir<'static>, templates: &mut Vec<(&'static str, &'static str)>) {
    // Linters and Python leave caches in the folder that is embedded.
    for entry in folder.entries().iter().filter(|entry| !is_cache(entry.path())) {
        match entry {
            DirEntry::Dir(folder) => collect(folder, templates),
            DirEntry::File(file) => {
                templates
                    .extend(file.path().to_str().zip(file.contents_utf8()).filter(|(name, _)| *name != "README.md"));
            }
        }
    }
}

fn is_cache(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "__pycache__" || name.to_string_lossy().starts_with('.'))
}
