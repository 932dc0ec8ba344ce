//! `cargo tgen bundle`: the tests with all that they need on another machine, as a zip file.

use std::collections::BTreeSet;
use std::io;

use anyhow::{anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use tgen_core::base::bytes::Bytes;
use tgen_core::base::files::{Files, reason};

use super::generate;
use super::results::{refuse_other_kind, write_file};
#[cfg(feature = "store")]
use super::run::planned;
use super::run::{Earlier, Kept, OutputFiles, keep_unfinished, of_outputs};
use crate::exit::Exit;
use crate::printer::{Printer, counted};
use crate::project::arguments::{Global, SelectionArgs};
use crate::project::locate::without_dots;
use crate::project::session::{Session, current_folder};
use crate::run::{Chosen, Selection};
use crate::submit::{Bundle, plan_json};
use crate::world::disk::{LARGEST_FILE, read_file};

/// The files beside tests, and above them up to the root, that pytest reads.
const BESIDE: [&str; 2] = ["conftest.py", "__init__.py"];
/// The files at the root that pytest reads.
const AT_ROOT: [&str; 7] =
    ["pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"];

/// How a zip file begins.
const ZIP: &[u8] = b"PK";

/// Pack the generated tests into a zip file that runs on another machine with Python and pytest alone
///
/// Unpack it there and run `python driver.py`; `python driver.py --help` tells its options. The same files give the same
/// bytes. What git ignores is packed too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen bundle --model 'bert*'               the tests of some models, as bundle.zip
  python -m zipfile -e bundle.zip tests           unpack it on the other machine
  python tests/driver.py --shard 3/8              run the third of eight parts there")]
pub(crate) struct BundleArgs {
    #[command(flatten)]
    pub(super) contents: ContentArgs,
    #[command(flatten)]
    rerun: RerunArgs,
    /// Where to write it
    #[arg(long, value_name = "FILE", default_value = "bundle.zip")]
    output: Utf8PathBuf,
}

/// What a bundle has.
#[derive(Debug, Args)]
pub(crate) struct ContentArgs {
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    /// Write the outputs that are missing or stale first
    #[arg(long)]
    generate: bool,
    /// A plan of the template database instead of the outputs
    #[cfg(feature = "store")]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["generate", "suite", "output_dir", "sample", "skillset"])]
    pub(super) plan: Option<String>,
    /// A further file or folder of the project that the tests need [may be repeated]
    #[arg(long, value_name = "PATH")]
    pub(super) include: Vec<Utf8PathBuf>,
    /// Arguments for pytest
    #[arg(last = true, value_name = "PYTEST ARGUMENTS")]
    pub(super) pytest: Vec<String>,
}

/// Whether a bundle finishes a run.
#[derive(Debug, Args)]
pub(crate) struct RerunArgs {
    /// What failed or was not run in a run, and what is new [default: the latest run]
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "", help_heading = "Selection")]
    rerun: Option<String>,
}

/// A bundle, and what is in it.
pub(super) struct Packed {
    pub(super) selection: Selection,
    pub(super) zip: Vec<u8>,
}

pub(crate) fn run(global: &Global, args: &BundleArgs) -> anyhow::Result<Exit> {
    refuse_other_kind(&args.output, "zip file", |beginning| beginning.starts_with(ZIP))?;
    let session = one_session(global)?;
    let Some(Packed { selection, zip }) = pack(&session, &args.contents, &args.rerun, Some(&args.output))? else {
        Printer::new().note("everything has passed already")?;
        return Ok(Exit::Clean);
    };
    write_file(&args.output, &zip)?;
    let files: BTreeSet<&Utf8Path> = selection.units.iter().map(|unit| unit.file.as_path()).collect();
    let (files, size) = (counted(files.len(), "test file"), Bytes(zip.len() as u64));
    Printer::new().note(&format!("packed {files} into `{}`: {size}", args.output))?;
    Ok(Exit::Clean)
}

/// The project that the command line selects: there can be one only.
pub(super) fn one_session(global: &Global) -> anyhow::Result<Session> {
    let mut sessions = Session::open_all(global)?;
    match (sessions.pop(), sessions.is_empty()) {
        (Some(session), true) => Ok(session),
        _ => bail!("this needs one project; name it with `--package` or `--root`"),
    }
}

/// Packs the tests of a project for another machine; none if everything in the run to be finished has passed. A bundle at
/// `output` is not packed into the next.
pub(super) fn pack(
    session: &Session,
    args: &ContentArgs,
    rerun: &RerunArgs,
    output: Option<&Utf8Path>,
) -> anyhow::Result<Option<Packed>> {
    if args.generate && generate::renew(session, &args.selection)? != Exit::Clean {
        bail!(
            "not all outputs could be renewed, so nothing was packed; see to the messages above, or leave out `--generate`"
        );
    }
    let earlier = Earlier::read(session, None, Kept::for_rerun(rerun.rerun.as_deref()))?;
    let (mut selection, files) = select(session, args, &earlier, OutputFiles::MustBeThere)?;
    if selection.units.is_empty() {
        bail!(
            "no tests are selected, so there is nothing to pack; select others with `--model`, `--suite` or `--hardware`"
        );
    }
    let rerun = rerun.rerun.as_deref();
    let rerun_of = rerun.map(|named| keep_unfinished(&mut selection, named, &earlier.recorded)).transpose()?;
    if selection.units.is_empty() {
        return Ok(None);
    }
    let mut bundle = Bundle::new(plan_json(&selection, &args.pytest, rerun_of.as_deref())?);
    for file in with_what_pytest_reads(session, &files)?.iter().chain(&included(session, &args.include, output)?) {
        bundle.add(file, content(session, file).map_err(|error| anyhow!("cannot read `{file}`: {}", reason(&error)))?);
    }
    let zip = bundle.zip()?;
    Ok(Some(Packed { selection, zip }))
}

/// What is in a file that is to be packed.
fn content(session: &Session, file: &Utf8Path) -> io::Result<Vec<u8>> {
    if let Some(error) = session.disk.obstacle(Utf8Path::new(""), file) {
        return Err(error);
    }
    let mut content = Vec::new();
    read_file(&session.root.join(file), LARGEST_FILE, &mut content)?;
    Ok(content)
}

/// The units of all hardware types, and the files of all outputs.
pub(super) fn select(
    session: &Session,
    args: &ContentArgs,
    earlier: &Earlier,
    outputs: OutputFiles,
) -> anyhow::Result<(Selection, Vec<Utf8PathBuf>)> {
    #[cfg(feature = "store")]
    if let Some(plan) = &args.plan {
        let cases = &args.selection.cases;
        let selection = planned::select(session, plan, cases, &Chosen::All, &earlier.recorded)?;
        let folder = planned::folder(plan);
        let files = session.disk.list(&folder);
        let files = files.map_err(|error| anyhow!("cannot list `{folder}`: {}", reason(&error)))?;
        return Ok((selection, files));
    }
    let (selection, files) = of_outputs(session, &args.selection, &Chosen::All, earlier, outputs)?;
    let is_there = |file: &Utf8PathBuf| session.root.join(file).is_file();
    Ok((selection, files.into_iter().filter(is_there).collect()))
}

/// Files relative to the root, with those that pytest reads on the way to them.
fn with_what_pytest_reads(session: &Session, files: &[Utf8PathBuf]) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let files = files.iter().map(|file| relative(session, file)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut all: BTreeSet<Utf8PathBuf> = files.iter().cloned().collect();
    let folders: BTreeSet<&Utf8Path> = files.iter().flat_map(|file| file.ancestors().skip(1)).collect();
    let beside = folders.iter().flat_map(|folder| BESIDE.iter().map(|name| folder.join(name)));
    let read = beside.chain(AT_ROOT.iter().map(Utf8PathBuf::from));
    all.extend(read.filter(|file| session.root.join(file).is_file()));
    Ok(all.into_iter().collect())
}

/// A file's path from the root, where all that is packed must be.
fn relative(session: &Session, file: &Utf8Path) -> anyhow::Result<Utf8PathBuf> {
    let inside = file.strip_prefix(&session.root).unwrap_or(file);
    if inside.is_absolute() {
        bail!("`{file}` is outside the project's root, so it cannot be packed; give `--output-dir` a folder inside");
    }
    Ok(inside.to_owned())
}

/// The files of `--include`.
fn included(session: &Session, paths: &[Utf8PathBuf], output: Option<&Utf8Path>) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let current = current_folder()?;
    let output = output.map(|output| without_dots(&current.join(output)));
    let mut files = Vec::new();
    for path in paths {
        if path.as_str().is_empty() {
            bail!("`--include` is empty; give it a file or a folder, such as `.` for the whole project");
        }
        let inside = without_dots(&current.join(path));
        let inside = inside
            .strip_prefix(&session.root)
            .map_err(|_| anyhow!("`{path}` is outside the project's root, so it cannot be packed; copy it inside"))?;
        if session.disk.is_file(inside) {
            files.push(inside.to_owned());
        } else {
            if std::fs::metadata(session.root.join(inside)).is_ok_and(|found| !found.is_dir()) {
                bail!("cannot pack `{path}`: it is a pipe or a device; give `--include` files and folders");
            }
            let listed = session.disk.list(inside);
            files.extend(listed.map_err(|error| {
                anyhow!("cannot pack `{path}`: {}; give `--include` what is there and can be read", reason(&error))
            })?);
        }
    }
    files.retain(|file| output.as_ref() != Some(&session.root.join(file)));
    Ok(files)
}
