//! Downloads DuckDB's prebuilt library to the user's cache folder, where the tool looks for it.
//!
//! It comes from the npm package of DuckDB's Node bindings, which is built from DuckDB's release; without npm, curl
//! downloads that release. This module trusts neither source, only the hash.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tar::Archive;
use zip::ZipArchive;

use crate::say;
use crate::test::root;

/// The release that the tool needs, from the same file that the tool uses.
const VERSION: &str = include_str!("../../src/store/library/version").trim_ascii_end();

/// The libraries whose hashes were verified by hand: the `sha256sum` of the library in
/// `npm pack @duckdb/node-bindings-PLATFORM@VERSION-r.1`.
const PREBUILT: [Prebuilt; 6] = [
    Prebuilt {
        rust: ("linux", "x86_64"),
        npm: "linux-x64",
        release: "linux-amd64",
        file: "libduckdb.so",
        sha256: "3f4962cdd266eab2b479a5b5a4a6d063d279b2954ae814ed00385d553b747633",
    },
    Prebuilt {
        rust: ("linux", "aarch64"),
        npm: "linux-arm64",
        release: "linux-arm64",
        file: "libduckdb.so",
        sha256: "23686593dba4ec22c6e581bb1c843b3964e84c4bc4d0063d8b4daddd2e20e30a",
    },
    Prebuilt {
        rust: ("macos", "aarch64"),
        npm: "darwin-arm64",
        release: "osx-universal",
        file: "libduckdb.dylib",
        sha256: "75a519cb914ae36ca22cff0995a8a2e8c9a46990b8c0a479514f741a0d93f344",
    },
    Prebuilt {
        rust: ("macos", "x86_64"),
        npm: "darwin-x64",
        release: "osx-universal",
        file: "libduckdb.dylib",
        sha256: "75a519cb914ae36ca22cff0995a8a2e8c9a46990b8c0a479514f741a0d93f344",
    },
    Prebuilt {
        rust: ("windows", "x86_64"),
        npm: "win32-x64",
        release: "windows-amd64",
        file: "duckdb.dll",
        sha256: "7e90bdef028d57b45490d6f53530e3c012a5d9abdc4c6723449200663dc84ed0",
    },
    Prebuilt {
        rust: ("windows", "aarch64"),
        npm: "win32-arm64",
        release: "windows-arm64",
        file: "duckdb.dll",
        sha256: "f4652f29d0bec2ebc8f87d6242551051b93faa89ec6e427669e4e690f269bc1e",
    },
];

/// A library, as both sources name it.
struct Prebuilt {
    /// Rust's names for the operating system and the architecture.
    rust: (&'static str, &'static str),
    /// The suffix of the npm package's name.
    npm: &'static str,
    /// The suffix of the release archive's name.
    release: &'static str,
    file: &'static str,
    sha256: &'static str,
}

/// Where the library is needed.
pub(crate) enum Destination {
    /// In the cache; its folder is printed, for `DUCKDB_LIB_DIR` and for scripts.
    Cache,
    /// In the folder that the Python wheel is built from.
    Wheel,
}

/// Downloads the library if necessary.
///
/// # Errors
/// The same as for [`folder`], or if the library cannot be copied.
#[expect(clippy::print_stdout, reason = "the folder is the result of this chore")]
pub(crate) fn run(destination: &Destination) -> Result<()> {
    match destination {
        Destination::Cache => println!("{}", folder()?.display()),
        Destination::Wheel => copy_into(&root().join("packaging/wheel/data/lib/cargo-tgen"))?,
    }
    Ok(())
}

/// Copies the library into a folder with no other files. On macOS, only the code for this machine's architecture is
/// copied, which is half of the file.
///
/// # Errors
/// The same as for [`folder`], or if the file cannot be written.
pub(crate) fn copy_into(folder: &Path) -> Result<()> {
    let file = Prebuilt::for_this_platform()?.file;
    let (library, copy) = (self::folder()?.join(file), folder.join(file));
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty `{}`", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    if !cfg!(target_os = "macos") {
        fs::copy(&library, &copy).with_context(|| format!("cannot write `{}`", copy.display()))?;
        return Ok(());
    }
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let mut lipo = Command::new("lipo");
    lipo.arg(&library).args(["-thin", architecture, "-output"]).arg(&copy);
    let status = lipo.status().context("cannot run `lipo`; run `xcode-select --install`")?;
    ensure!(status.success(), "`lipo` failed: {status}");
    Ok(())
}

/// The folder with the library: the one that `DUCKDB_LIB_DIR` names, else the one in the cache, which is filled once.
///
/// # Errors
/// If there is no library for this platform, no source is reachable, or the hash is wrong.
pub(crate) fn folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("DUCKDB_LIB_DIR") {
        return Ok(folder.into());
    }
    let prebuilt = Prebuilt::for_this_platform()?;
    let cache = cache_folder().context("there is no cache folder for DuckDB's library: set `HOME`")?;
    prebuilt.in_cache(&cache)
}

impl Prebuilt {
    fn for_this_platform() -> Result<&'static Self> {
        let this = (std::env::consts::OS, std::env::consts::ARCH);
        // The libraries for Linux require glibc.
        let has_libc = this.0 != "linux" || cfg!(target_env = "gnu");
        PREBUILT.iter().find(|prebuilt| prebuilt.rust == this && has_libc).with_context(|| {
            format!(
                "DuckDB has no prebuilt library for {} on {}: build DuckDB {VERSION}, and set `DUCKDB_LIB_DIR` to its folder",
                this.0, this.1
            )
        })
    }

    fn in_cache(&self, cache: &Path) -> Result<PathBuf> {
        let folder = cache.join(format!("libduckdb-{VERSION}"));
        let library = folder.join(self.file);
        if !library.exists() {
            fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
            self.get(&folder, &library)?;
        }
        let found = sha256(&library)?;
        if found != self.sha256 {
            let path = library.display();
            bail!(
                "`{path}` is not libduckdb {VERSION}: its SHA-256 is {found}, not {}\ndelete it and run this again",
                self.sha256
            );
        }
        Ok(folder)
    }

    /// The library is unpacked to a temporary name, verified and renamed, so that its path only ever has a complete
    /// one.
    fn get(&self, folder: &Path, library: &Path) -> Result<()> {
        let work = tempfile::tempdir_in(folder)?;
        let unpacked = work.path().join(self.file);
        let source = self.unpack_from_a_source(work.path(), &unpacked)?;
        let found = sha256(&unpacked)?;
        if found != self.sha256 {
            bail!(
                "the `{}` that {source} got has the SHA-256 {found}, not {}\nif a proxy or a cache answered, empty it and run this again",
                self.file,
                self.sha256
            );
        }
        say(&format!("got libduckdb {VERSION} with {source}; its SHA-256 is the known one"));
        fs::rename(&unpacked, library).with_context(|| format!("cannot create `{}`", library.display()))
    }

    /// Tries the sources in turn; returns the name of the one that worked.
    fn unpack_from_a_source(&self, work: &Path, to: &Path) -> Result<&'static str> {
        say(&format!("getting libduckdb {VERSION} with npm, once"));
        let Err(no_npm) = self.npm_pack(work).and_then(|package| unpack_npm(&package, self.file, to)) else {
            return Ok("npm");
        };
        say(&format!("{no_npm:#}; trying DuckDB's release with curl"));
        let url =
            format!("https://github.com/duckdb/duckdb/releases/download/v{VERSION}/libduckdb-{}.zip", self.release);
        download(&url, work)
            .and_then(|archive| unpack_release(&archive, self.file, to))
            .with_context(|| format!("unpack `{url}` and set `DUCKDB_LIB_DIR` to its folder, or install npm"))?;
        Ok("curl")
    }

    fn npm_pack(&self, folder: &Path) -> Result<PathBuf> {
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        let package = format!("@duckdb/node-bindings-{}@{VERSION}-r.1", self.npm);
        let output = Command::new(npm)
            .args(["pack", "--silent", &package])
            .current_dir(folder)
            .output()
            .context("cannot run `npm`")?;
        let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        ensure!(output.status.success() && !name.is_empty(), "`npm pack {package}` failed: {}", output.status);
        Ok(folder.join(name))
    }
}

/// Downloads a file with curl, which Windows, macOS and most Linux systems have.
fn download(url: &str, folder: &Path) -> Result<PathBuf> {
    let file = folder.join("release.zip");
    let status = Command::new("curl")
        .args(["--fail", "--silent", "--show-error", "--location", "--retry", "2", "--connect-timeout", "20"])
        .args(["--max-time", "300", "--output"])
        .arg(&file)
        .arg(url)
        .status()
        .context("cannot run `curl`")?;
    ensure!(status.success(), "`curl {url}` failed: {status}");
    Ok(file)
}

/// Extracts one file from an npm package.
fn unpack_npm(package: &Path, file: &str, to: &Path) -> Result<()> {
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

/// Extracts one file from a release archive.
fn unpack_release(archive: &Path, file: &str, to: &Path) -> Result<()> {
    let mut archive =
        ZipArchive::new(File::open(archive)?).with_context(|| format!("cannot read `{}`", archive.display()))?;
    let mut entry = archive.by_name(file).with_context(|| format!("the release holds no `{file}`"))?;
    io::copy(&mut entry, &mut File::create(to)?)?;
    Ok(())
}

/// The SHA-256 of a file, in hexadecimal.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(hex(&Sha256::digest(bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The platform's folder for files that can be downloaded again.
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
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_library_with_another_hash_is_refused_and_named() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join(format!("libduckdb-{VERSION}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("libduckdb.so"), "not a library").unwrap();

        let error = PREBUILT[0].in_cache(cache.path()).err().unwrap().to_string();
        assert!(error.contains("delete it and run this again"), "{error}");
        assert!(error.contains(folder.join("libduckdb.so").to_str().unwrap()), "{error}");
    }

    #[test]
    fn the_library_is_the_one_that_the_locked_crate_is_made_for() {
        let lock = include_str!("../../Cargo.lock");
        let (_, rest) = lock.split_once("name = \"duckdb\"\nversion = \"1.").unwrap();
        let (encoded, _) = rest.split_once('.').unwrap();
        let encoded: u32 = encoded.parse().unwrap();
        assert_eq!(format!("{}.{}.{}", encoded / 10_000, encoded / 100 % 100, encoded % 100), VERSION);
    }

    #[test]
    fn a_release_is_downloaded_and_its_library_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let release = folder.path().join("libduckdb-linux-amd64.zip");
        let mut zip = zip::ZipWriter::new(File::create(&release).unwrap());
        for (name, content) in [("duckdb.h", "a header"), ("libduckdb.so", "a library")] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap();

        let library = folder.path().join("libduckdb.so");
        let archive = download(&format!("file://{}", release.display()), folder.path()).unwrap();
        unpack_release(&archive, "libduckdb.so", &library).unwrap();
        assert_eq!(fs::read_to_string(library).unwrap(), "a library");
    }
}
