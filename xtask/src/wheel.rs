//! Builds the Python wheel for this platform and tests it as a user without Rust would.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use crate::libduckdb::{self, Destination};
use crate::python;
use crate::say;
use crate::test::{root, step};

/// The build tools. zig links against an older glibc than this machine has.
const BUILDERS: [&str; 2] = ["maturin==1.16.0", "ziglang==0.17.1"];
/// The tools that check the wheel.
const CHECKERS: [&str; 2] = ["auditwheel==6.8.2", "twine==7.0.0"];
/// The oldest Linux systems that the wheel supports: RHEL 8, Debian 10, Ubuntu 18.10.
const COMPATIBILITY: &str = "manylinux_2_28";
/// The largest acceptable size of the wheel.
const MEGABYTES: u64 = 35;

/// Builds the wheel into `target/wheels`, checks it, and tests it in a fresh environment.
pub(crate) fn run() -> Result<()> {
    libduckdb::run(&Destination::Wheel)?;
    let wheel = build()?;
    check_size(&wheel)?;
    check_metadata(&wheel)?;
    if cfg!(target_os = "linux") {
        check_compatibility(&wheel)?;
    }
    try_out(&wheel)?;
    say(&format!("`{}` is good", wheel.display()));
    Ok(())
}

fn build() -> Result<PathBuf> {
    let programs = python::programs(&BUILDERS)?;
    let out = out();
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("cannot empty `{}`", out.display()))?;
    }
    let mut maturin = Command::new(programs.join("maturin"));
    maturin.args(["build", "--release", "--locked", "--out"]).arg(&out).current_dir(root());
    if cfg!(target_os = "linux") {
        // maturin looks for zig in the first Python on the `PATH`.
        maturin.args(["--zig", "--compatibility", COMPATIBILITY]).env("PATH", python::path_with(&programs)?);
    }
    step("wheel", &mut maturin)?;
    built()
}

/// The wheel that was built last.
///
/// # Errors
/// If there is none.
pub(crate) fn built() -> Result<PathBuf> {
    let out = out();
    let entries =
        fs::read_dir(&out).with_context(|| format!("`{}` is not there; run `cargo xtask wheel`", out.display()))?;
    let mut wheels = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    ensure!(wheels.len() == 1, "`{}` holds {} wheels instead of one", out.display(), wheels.len());
    wheels.pop().context("there is no wheel")
}

fn out() -> PathBuf {
    root().join("target/wheels")
}

fn check_size(wheel: &Path) -> Result<()> {
    let bytes = fs::metadata(wheel)?.len();
    say(&format!("the wheel has {} kB", bytes / 1000));
    ensure!(bytes < MEGABYTES * 1_000_000, "the wheel has more than {MEGABYTES} MB");
    Ok(())
}

fn check_metadata(wheel: &Path) -> Result<()> {
    let twine = python::programs(&CHECKERS)?.join("twine");
    step("metadata of the wheel", Command::new(twine).args(["check", "--strict"]).arg(wheel))
}

fn check_compatibility(wheel: &Path) -> Result<()> {
    let auditwheel = python::programs(&CHECKERS)?.join("auditwheel");
    let shown = text_of(Command::new(auditwheel).arg("show").arg(wheel))?;
    let tag = format!("{COMPATIBILITY}_{}", env::consts::ARCH);
    let is_compatible = shown.split_whitespace().collect::<Vec<_>>().join(" ").contains(&format!("tag: \"{tag}\""));
    ensure!(is_compatible, "the wheel needs more than {tag} has:\n{shown}");
    Ok(())
}

/// Installs the wheel into a fresh environment, and uses it in an empty folder without access to Rust.
fn try_out(wheel: &Path) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let environment = folder.path().join("venv");
    let host =
        env::var_os("TGEN_WHEEL_PYTHON").unwrap_or_else(|| if cfg!(windows) { "python" } else { "python3" }.into());
    step("fresh Python environment", Command::new(host).args(["-m", "venv"]).arg(&environment))?;
    let programs = python::programs_in(&environment);
    let mut pip = Command::new(programs.join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]).arg(wheel);
    step("install the wheel", &mut pip)?;

    let user = User { programs, home: folder.path().join("home") };
    fs::create_dir_all(user.home.join("templates")).context("cannot make a home")?;
    fs::write(user.home.join("templates/first.py"), "MODEL = \"${model_name}\"\n")
        .context("cannot write a template")?;
    user.runs("cargo-tgen", &["--version"])?;
    user.runs("tgen", &["generate", "--sample"])?;
    user.runs("cargo-tgen", &["tgen", "check", "--sample"])?;
    user.runs("tgen", &["template", "add", "--name", "first", "--family", "vision", "--file", "templates/first.py"])?;
    let answer = user.runs("tgen", &["query", "SELECT name FROM templates", "--format", "csv"])?;
    ensure!(answer.contains("first"), "the template database answers:\n{answer}");
    Ok(())
}

/// A user who has installed only the wheel.
struct User {
    programs: PathBuf,
    home: PathBuf,
}

impl User {
    fn runs(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(&self.home).env_clear();
        command.env("PATH", &self.programs).env("HOME", &self.home).env("USERPROFILE", &self.home);
        // Without this variable, programs do not find Windows' own libraries.
        command.envs(env::var_os("SystemRoot").map(|root| ("SystemRoot", root)));
        say(&format!("{program} {}", arguments.join(" ")));
        text_of(&mut command)
    }
}

fn text_of(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } =
        command.output().with_context(|| format!("cannot run `{}`", command.get_program().display()))?;
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    ensure!(status.success(), "{command:?} failed: {status}\n{stdout}{stderr}");
    Ok(stdout.into_owned())
}
