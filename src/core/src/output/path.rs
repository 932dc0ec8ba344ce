//! Paths of outputs: below the project's root, with names that every file system supports.

use std::borrow::Cow;
use std::fmt;

use camino::{Utf8Path, Utf8PathBuf};

/// The longest path component that common file systems support, in bytes.
const LONGEST_PART: usize = 255;

/// A relative path below the root, with `/` as separator and without `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputPath(Utf8PathBuf);

impl OutputPath {
    /// Checks a rendered path.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with the path.
    pub fn new(path: &str) -> Result<Self, &'static str> {
        let path = path.strip_prefix("./").unwrap_or(path);
        if path.is_empty() || path.ends_with('/') {
            return Err("names no file");
        }
        if path.starts_with('/') || path.contains('\\') || path.as_bytes().get(1) == Some(&b':') {
            return Err("is not relative with `/` between its parts");
        }
        path.split('/').try_for_each(check_part)?;
        Ok(Self(Utf8PathBuf::from(path)))
    }

    /// The path.
    #[must_use]
    pub fn as_path(&self) -> &Utf8Path {
        &self.0
    }

    /// Equal for two paths that a case-insensitive file system would not distinguish.
    #[must_use]
    pub fn case_folded(&self) -> Cow<'_, str> {
        let path = self.0.as_str();
        let is_folded = path.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        if is_folded { Cow::Borrowed(path) } else { Cow::Owned(path.to_lowercase()) }
    }
}

fn check_part(part: &str) -> Result<(), &'static str> {
    match part {
        "" => Err("has an empty part"),
        "." | ".." => Err("leaves the folder it belongs in"),
        _ if part.len() > LONGEST_PART => Err("has a part longer than 255 bytes, which no file system holds"),
        _ if part.chars().any(|c| c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')) => {
            Err("has a character that file names cannot have everywhere")
        }
        _ if part.ends_with([' ', '.']) || is_reserved(part.split('.').next().unwrap_or(part)) => {
            Err("has a part that Windows reserves")
        }
        _ => Ok(()),
    }
}

/// The device names of Windows, with any extension.
fn is_reserved(stem: &str) -> bool {
    let is_port = || match stem.as_bytes() {
        [port @ .., digit] => {
            digit.is_ascii_digit() && ["COM", "LPT"].iter().any(|name| port.eq_ignore_ascii_case(name.as_bytes()))
        }
        [] => false,
    };
    matches!(stem.len(), 3 | 4)
        && (["CON", "PRN", "AUX", "NUL"].iter().any(|name| stem.eq_ignore_ascii_case(name)) || is_port())
}

impl fmt::Display for OutputPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_that_lead_out_or_cannot_be_held_are_refused() {
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "a\\b",
            "C:/x",
            "a/",
            "nul.py",
            "com1",
            "Lpt9.x.py",
            "a\nb",
            "a?",
            "b. ",
        ] {
            assert!(OutputPath::new(path).is_err(), "{path:?}");
        }
        assert!(OutputPath::new(&"x".repeat(256)).is_err());
        assert_eq!(
            OutputPath::new("./test/test_hf_bert.py").map(|path| path.to_string()),
            Ok("test/test_hf_bert.py".into())
        );
    }

    proptest! {
        #[test]
        fn an_accepted_path_stays_below_its_root(path in r"([a.]|\.\.|/|\\|~|-){0,12}") {
            if let Ok(path) = OutputPath::new(&path) {
                prop_assert!(path.as_path().is_relative());
                prop_assert!(path.as_path().components().all(|part| matches!(part, camino::Utf8Component::Normal(_))));
            }
        }
    }
}
