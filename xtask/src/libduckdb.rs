//! A prebuilt libduckdb in the user's cache folder.
//!
//! npm gets it from the package of DuckDB's own Node bindings, which hold the same library as DuckDB's releases; this
//! module only trusts the hash. A platform without a row in the table has no prebuilt library.

use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tar::Archive;

use crate::say;

/// The version that belongs to the crate `duckdb` in Cargo.lock: 1.10506 is DuckDB 1.5.6.
const VERSION: &str = "1.5.6";
const PACKAGE_VERSION: &str = "1.5.6-r.1";

/// The platforms with a library whose hash somebody has looked at. Add a row with the `sha256sum` of the library in
/// `npm pack @duckdb/node-bindings-PLATFORM@PACKAGE_VERSION`.
const PREBUILT: &[Prebuilt] = &[Prebuilt {
    rust: ("linux", "x86_64"),
    npm: "linux-x64",
    file: "libduckdb.so",
    sha256: "3f4962cdd266eab2b479a5b5a4a6d063d279b2954ae814ed00385d553b747633",
}];

struct Prebuilt {
    rust: (&'static str, &'static str),
    npm: &'static str,
    file: &'static str,
    sha256: &'static str,
}

/// A library that can be linked.
pub(crate) struct Libduckdb {
    folder: PathBuf,
}

/// Why there is no prebuilt library to link.
pub(crate) struct NoneToBeHad(String);

/// The library: the one that `DUCKDB_LIB_DIR` names, else the one in the cache, else a new one.
///
/// # Errors
/// A library that is not what it should be, or a cache that cannot be written: it is for a person to look at.
pub(crate) fn get() -> Result<Result<Libduckdb, NoneToBeHad>> {
    if let Some(folder) = std::env::var_os("DUCKDB_LIB_DIR") {
        return Ok(Ok(Libduckdb { folder: folder.into() }));
    }
    let Some(prebuilt) = Prebuilt::for_this_platform() else {
        let reason =
            format!("no prebuilt libduckdb is known for {} on {}", std::env::consts::OS, std::env::consts::ARCH);
        return Ok(Err(NoneToBeHad(reason)));
    };
    let Some(cache) = cache_folder() else {
        return Ok(Err(NoneToBeHad("there is no cache folder for a prebuilt libduckdb: HOME is not set".to_owned())));
    };
    prebuilt.in_cache(&cache)
}

impl Libduckdb {
    /// The folder that holds it.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl fmt::Display for Libduckdb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the prebuilt libduckdb in `{}`", self.folder.display())
    }
}

impl fmt::Display for NoneToBeHad {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Prebuilt {
    fn for_this_platform() -> Option<&'static Self> {
        let this = (std::env::consts::OS, std::env::consts::ARCH);
        // The libraries for Linux are linked against glibc.
        let has_libc = this.0 != "linux" || cfg!(target_env = "gnu");
        PREBUILT.iter().find(|prebuilt| prebuilt.rust == this && has_libc)
    }

    fn in_cache(&self, cache: &Path) -> Result<Result<Libduckdb, NoneToBeHad>> {
        let folder = cache.join(format!("libduckdb-{VERSION}"));
        let library = folder.join(self.file);
        if !library.exists() {
            fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
            if let Err(none) = self.download(&folder, &library)? {
                return Ok(Err(none));
            }
        }
        let found = sha256(&library)?;
        if found != self.sha256 {
            let path = library.display();
            bail!(
                "`{path}` is not libduckdb {VERSION}: its SHA-256 is {found}, not {}\ndelete it and run this again",
                self.sha256
            );
        }
        Ok(Ok(Libduckdb { folder }))
    }

    /// Only a whole library with the right hash ever stands at its path: it is unpacked beside it and then renamed.
    fn download(&self, folder: &Path, library: &Path) -> Result<Result<(), NoneToBeHad>> {
        say(&format!("getting libduckdb {VERSION} with npm, once"));
        let work = tempfile::tempdir_in(folder)?;
        let package = match self.npm_pack(work.path()) {
            Ok(package) => package,
            Err(error) => return Ok(Err(NoneToBeHad(format!("npm has no prebuilt libduckdb for us: {error:#}")))),
        };
        let unpacked = work.path().join(self.file);
        unpack(&package, self.file, &unpacked)?;
        let found = sha256(&unpacked)?;
        if found != self.sha256 {
            bail!(
                "the `{}` that npm got has the SHA-256 {found}, not {}\nif a proxy or a cache of npm answered, run `npm cache clean --force`",
                self.file,
                self.sha256
            );
        }
        fs::rename(&unpacked, library).with_context(|| format!("cannot create `{}`", library.display()))?;
        Ok(Ok(()))
    }

    fn npm_pack(&self, folder: &Path) -> Result<PathBuf> {
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        let package = format!("@duckdb/node-bindings-{}@{PACKAGE_VERSION}", self.npm);
        let output = Command::new(npm)
            .args(["pack", "--silent", &package])
            .current_dir(folder)
            .output()
            .context("cannot run `npm`")?;
        let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() || name.is_empty() {
            bail!("`npm pack {package}` failed: {}", output.status);
        }
        Ok(folder.join(name))
    }
}

/// Takes one file out of an npm package.
fn unpack(package: &Path, file: &str, to: &Path) -> Result<()> {
    let archive = File::open(package).with_context(|| format!("cannot read `{}`", package.display()))?;
    let wanted = Path::new("package").join(file);
    for entry in Archive::new(GzDecoder::new(archive)).entries()? {
        let mut entry = entry?;
        if entry.path()? == wanted {
            io::copy(&mut entry, &mut File::create(to)?)?;
            return Ok(());
        }
    }
    bail!("`{}` holds no `{}`", package.display(), wanted.display())
}

fn sha256(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(hex(&Sha256::digest(bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Where this platform keeps what can be got again.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    let home = || std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    let caches = if cfg!(windows) {
        std::env::var_os("LOCALAPPDATA").map(PathBuf::from)
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library").join("Caches"))
    } else {
        let absolute = |path: &PathBuf| path.is_absolute();
        std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(absolute)
            .or_else(|| home().map(|home| home.join(".cache")))
    };
    caches.map(|caches| caches.join("cargo-tgen"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_with_another_hash_is_refused_and_named() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("libduckdb-1.5.6");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("libduckdb.so"), "not a library").unwrap();

        let error = PREBUILT[0].in_cache(cache.path()).err().unwrap().to_string();
        assert!(error.contains("delete it and run this again"), "{error}");
        assert!(error.contains(folder.join("libduckdb.so").to_str().unwrap()), "{error}");
    }
}
