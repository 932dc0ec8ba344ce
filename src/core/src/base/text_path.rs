//! What the path of a problem or of a location names: a file, or a text that is in no file.
//!
//! A path stays a path wherever it is carried and shown; this type is the one that tells the kinds apart.

use camino::{Utf8Path, Utf8PathBuf};

const BUILT_IN: &str = "built-in:";

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextPath<'p> {
    /// A file.
    File(&'p Utf8Path),
    /// The text of this name that is built into the tool.
    BuiltIn(&'p str),
}

impl<'p> TextPath<'p> {
    /// What `path` names.
    #[must_use]
    pub fn of(path: &'p Utf8Path) -> Self {
        path.as_str().strip_prefix(BUILT_IN).map_or(Self::File(path), Self::BuiltIn)
    }

    /// The path, as problems and locations have it.
    #[must_use]
    pub fn to_path(self) -> Utf8PathBuf {
        match self {
            Self::File(path) => path.to_owned(),
            Self::BuiltIn(name) => Utf8PathBuf::from(format!("{BUILT_IN}{name}")),
        }
    }

    /// The file; none for a text that is in no file.
    #[must_use]
    pub fn file(self) -> Option<&'p Utf8Path> {
        match self {
            Self::File(path) => Some(path),
            Self::BuiltIn(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_file_or_a_built_in_text() {
        for named in [TextPath::File("templates/built-in:a".into()), TextPath::BuiltIn("tasks/a.py.tera")] {
            assert_eq!(TextPath::of(&named.to_path()), named);
        }
        assert_eq!(TextPath::of("built-in:a.tera".into()).file(), None);
    }
}
