//! Finds the library's file and loads it.

use std::env;
use std::ffi::{CStr, c_char};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use duckdb::ffi::duckdb_ext_api_v1;
use libloading::Library;

use super::VERSION;
use super::table::{self, Function};

/// The variable that names the library's folder; the crate's own build script reads it too.
const FOLDER_VARIABLE: &str = "DUCKDB_LIB_DIR";

/// DuckDB's archive that contains the library for this platform, if a release has one.
const ARCHIVE: Option<&str> = if cfg!(target_os = "macos") {
    Some("libduckdb-osx-universal.zip")
} else if cfg!(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64")) {
    Some("libduckdb-linux-amd64.zip")
} else if cfg!(all(target_os = "linux", target_env = "gnu", target_arch = "aarch64")) {
    Some("libduckdb-linux-arm64.zip")
} else if cfg!(all(windows, target_arch = "x86_64")) {
    Some("libduckdb-windows-amd64.zip")
} else if cfg!(all(windows, target_arch = "aarch64")) {
    Some("libduckdb-windows-arm64.zip")
} else {
    None
};

/// Why DuckDB cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LibraryError {
    /// The library was not found.
    #[error(
        "the template database needs DuckDB's library, `{file}` of release {VERSION}, which is not installed; {next}"
    )]
    Missing {
        /// The library's file name.
        file: String,
        /// The next step.
        next: String,
    },
    /// The file is not a library for this machine.
    #[error("cannot load DuckDB's library `{}`: {reason}; {next}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The error of the system's loader.
        reason: String,
        /// The next step.
        next: String,
    },
    /// The file is DuckDB's library of another release.
    #[error("`{}` is DuckDB {found}, but the template database needs release {VERSION}; {next}", path.display())]
    OtherRelease {
        /// The file.
        path: PathBuf,
        /// Its release.
        found: String,
        /// The next step.
        next: String,
    },
}

/// The functions of the first library found.
///
/// # Errors
/// If no library is found, or the first one is unusable.
pub(super) fn functions() -> Result<duckdb_ext_api_v1, LibraryError> {
    let (path, library) = open(&Places::of_this_process())?;
    let unusable = |error: libloading::Error| unusable(&path, &error);
    refuse_other_releases(&path, library)?;
    table::from_names(|name| function::<Function>(library, name).map_err(unusable))
}

/// The places to search for the library.
struct Places {
    /// The folder that the user names; if set, no other place is searched.
    named: Option<PathBuf>,
    /// The program's own folder; wheels and archives put the library in it or nearby.
    program: Option<PathBuf>,
    /// The user's cache.
    cache: Option<PathBuf>,
}

impl Places {
    fn of_this_process() -> Self {
        // The program may have been started through a link, as pipx and uv create them.
        let program = env::current_exe().and_then(|program| program.canonicalize()).ok();
        Self {
            named: env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from),
            program: program.and_then(|program| program.parent().map(Path::to_owned)),
            cache: dirs::cache_dir(),
        }
    }

    /// The folders, in search order.
    fn folders(&self) -> Vec<PathBuf> {
        if let Some(named) = &self.named {
            return vec![named.clone()];
        }
        let near = |program: &PathBuf| {
            [
                program.clone(),
                program.join("../lib/cargo-tgen"),
                // The crate's build script puts the library that it downloads for `DUCKDB_DOWNLOAD_LIB=1` there.
                program.join("deps"),
            ]
        };
        self.program.iter().flat_map(near).chain(self.folder_in_cache()).collect()
    }

    /// The folder for a library that was not installed with the program; `cargo xtask libduckdb` puts it there.
    fn folder_in_cache(&self) -> Option<PathBuf> {
        Some(self.cache.as_ref()?.join("cargo-tgen").join(format!("libduckdb-{VERSION}")))
    }

    /// The next step if there is no library.
    fn advice(&self) -> String {
        if let Some(named) = &self.named {
            return format!(
                "`{FOLDER_VARIABLE}` names `{}`, the only folder that is searched: correct the variable, or unset it",
                named.display()
            );
        }
        match (ARCHIVE, self.folder_in_cache()) {
            (Some(archive), Some(folder)) => format!(
                "unpack `{archive}` of https://github.com/duckdb/duckdb/releases/tag/v{VERSION} into `{}` (in a checkout, \
                 `cargo xtask libduckdb` does), or name its folder in `{FOLDER_VARIABLE}`",
                folder.display()
            ),
            _ => format!("build it from DuckDB's source, and name its folder in `{FOLDER_VARIABLE}`"),
        }
    }
}

/// The library's file name on this platform.
fn file_name() -> String {
    format!("{}duckdb{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX)
}

fn open(places: &Places) -> Result<(PathBuf, &'static Library), LibraryError> {
    let file = file_name();
    if let Some(path) = places.folders().into_iter().map(|folder| folder.join(&file)).find(|path| path.exists()) {
        let library = load(&path).map_err(|error| unusable(&path, &error))?;
        return Ok((path, library));
    }
    let missing = || LibraryError::Missing { file: file.clone(), next: places.advice() };
    if places.named.is_some() {
        return Err(missing());
    }
    // For a name without a folder, the loader searches the system's library folders.
    let library = load(Path::new(&file)).map_err(|_| missing())?;
    Ok((file.into(), library))
}

/// Loads the library permanently: its functions are called until the process ends.
fn load(path: &Path) -> Result<&'static Library, libloading::Error> {
    static LOADED: OnceLock<Library> = OnceLock::new();
    #[expect(unsafe_code, reason = "loading a library runs its code")]
    // SAFETY: this is DuckDB, whose initialisers only set up its own data.
    let library = unsafe { Library::new(path) }?;
    Ok(LOADED.get_or_init(|| library))
}

fn refuse_other_releases(path: &Path, library: &Library) -> Result<(), LibraryError> {
    let version = function::<unsafe extern "C" fn() -> *const c_char>(library, c"duckdb_library_version");
    let version = version.map_err(|error| unusable(path, &error))?;
    #[expect(unsafe_code, reason = "a function of C")]
    // SAFETY: every release has this function; it returns a constant NUL-terminated string.
    let found = unsafe { CStr::from_ptr(version()) }.to_string_lossy();
    if is_compatible(&found) {
        return Ok(());
    }
    let next = Places::of_this_process().advice();
    Err(LibraryError::OtherRelease { path: path.to_owned(), found: found.into_owned(), next })
}

/// Whether a release has the interface that this build calls; patch releases do not change it.
fn is_compatible(version: &str) -> bool {
    let release = |version: &str| version.rsplit_once('.').map(|(release, _)| release.to_owned());
    version.strip_prefix('v').and_then(release) == release(VERSION)
}

fn function<F: Copy>(library: &Library, name: &CStr) -> Result<F, libloading::Error> {
    #[expect(unsafe_code, reason = "a function's address in a library has no type")]
    // SAFETY: `F` is the type that DuckDB's header declares for this function, or is converted to it before a call.
    let symbol = unsafe { library.get::<F>(name) }?;
    Ok(*symbol)
}

fn unusable(path: &Path, error: &libloading::Error) -> LibraryError {
    LibraryError::Unusable {
        path: path.to_owned(),
        reason: error.to_string(),
        next: Places::of_this_process().advice(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(named: Option<&str>) -> Vec<String> {
        let places = Places {
            named: named.map(PathBuf::from),
            program: Some("venv/bin".into()),
            cache: Some("home/.cache".into()),
        };
        places.folders().iter().map(|folder| folder.display().to_string().replace('\\', "/")).collect()
    }

    #[test]
    fn the_library_is_looked_for_beside_the_program_before_the_users_cache() {
        let in_cache = format!("home/.cache/cargo-tgen/libduckdb-{VERSION}");
        let expected = ["venv/bin", "venv/bin/../lib/cargo-tgen", "venv/bin/deps", &in_cache];
        assert_eq!(folders(None), expected);
    }

    #[test]
    fn a_folder_that_the_user_names_is_the_only_one() {
        assert_eq!(folders(Some("here")), ["here"]);
    }

    #[test]
    fn a_release_is_compatible_with_its_patches_only() {
        let (release, _) = VERSION.rsplit_once('.').unwrap();
        assert!(is_compatible(&format!("v{release}.99")));
        for other in ["v1.4.6", "v1.50.6", "v2.0.1", "v1.5", "1.5.6", ""] {
            assert!(!is_compatible(other), "{other}");
        }
    }
}
