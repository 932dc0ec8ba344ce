//! What the path of a problem or of a location refers to: a file, or a text built into the tool.
//!
//! Paths are carried and shown as plain paths; only this type tells the two kinds apart.

use camino::{Utf8Path, Utf8PathBuf};

const BUILT_IN: &str = "built-in:";

/// What a path refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextPath<'p> {
    /// A file.
    File(&'p Utf8Path),
    /// The built-in text of this name.
    BuiltIn(&'p str),
}

impl<'p> TextPath<'p> {
    /// Classifies `path`.
    #[must_use]
    pub fn of(path: &'p Utf8Path) -> Self {
        path.as_str().strip_prefix(BUILT_IN).map_or(Self::File(path), Self::BuiltIn)
    }

    /// The path that problems and locations carry.
    #[must_use]
    pub fn to_path(self) -> Utf8PathBuf {
        match self {
            Self::File(path) => path.to_owned(),
            Self::BuiltIn(name) => Utf8PathBuf::from(format!("{BUILT_IN}{name}")),
        }
    }

    /// The file; `None` for a built-in text.
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
