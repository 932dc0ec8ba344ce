//! Converts between the client's URIs and paths.

use camino::{Utf8Path, Utf8PathBuf};
use tower_lsp::ls_types::Uri;

/// The path of a file; `None` for other URIs (`untitled:`, `git:`).
pub(crate) fn path(uri: &Uri) -> Option<Utf8PathBuf> {
    let is_file = uri.scheme().as_str().eq_ignore_ascii_case("file");
    let path = is_file.then(|| uri.to_file_path()).flatten()?;
    Utf8PathBuf::from_path_buf(path.into_owned()).ok()
}

/// The URI of a file; the path is absolute.
pub(crate) fn of_path(path: &Utf8Path) -> Option<Uri> {
    path.is_absolute().then(|| Uri::from_file_path(path)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_have_paths() {
        let path_of = |uri: &str| path(&uri.parse().unwrap());
        assert_eq!(path_of("untitled:Untitled-1"), None);
        assert_eq!(path_of("git:/home/a.tera"), None);
        #[cfg(unix)]
        assert_eq!(path_of("file:///home/a%20b/%C3%A9.tera").unwrap(), "/home/a b/é.tera");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_survives_the_way_to_a_name_and_back() {
        for sample in ["/a b/c#d/é%20.py.tera", "/x/[y]/{{ z }}.py"] {
            assert_eq!(path(&of_path(sample.into()).unwrap()).unwrap(), sample);
        }
    }
}
