//! `cargo tgen hardware`: the platforms of this machine.
//!
//! It looks for libraries, devices and variables, and loads nothing: no driver, no torch. Core knows which of them show
//! that a platform is there.

use std::env;
use std::path::{Path, PathBuf};

use clap::Args;
use tgen_core::model::hardware::HardwareType;
use tgen_core::model::hardware::detection::{Detection, MachineProbe, detect};

use crate::exit::Exit;
use crate::printer::Printer;
use crate::project::arguments::ListFormat;

/// List the platforms of this machine, and how each was detected
#[derive(Debug, Args)]
pub(crate) struct HardwareArgs {
    /// How to show them
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

pub(crate) fn run(args: &HardwareArgs) -> anyhow::Result<Exit> {
    let found = detect(&ThisMachine);
    let printer = Printer::new();
    match args.format {
        ListFormat::Json => printer.json(&found.iter().map(as_json).collect::<Vec<_>>())?,
        ListFormat::Table => {
            printer.table(&["platform", "here", "because"], found.iter().map(as_row).collect())?;
        }
    }
    Ok(Exit::Clean)
}

/// The platforms that this machine has.
pub(crate) fn present() -> Vec<HardwareType> {
    detect(&ThisMachine).into_iter().filter(Detection::is_present).map(|detection| detection.hardware).collect()
}

fn as_row(detection: &Detection) -> Vec<String> {
    let (here, because) = if detection.is_present() {
        ("yes", detection.found.join(", "))
    } else {
        ("no", format!("missing: {}", detection.missing.join("; ")))
    };
    vec![detection.hardware.to_string(), here.to_owned(), because]
}

fn as_json(detection: &Detection) -> serde_json::Value {
    serde_json::json!({
        "hardware": detection.hardware.name(),
        "present": detection.is_present(),
        "found": detection.found,
        "missing": detection.missing,
    })
}

/// The machine that this program runs on.
struct ThisMachine;

impl MachineProbe for ThisMachine {
    fn system(&self) -> String {
        format!("{}-{}", env::consts::OS, env::consts::ARCH)
    }

    fn library(&self, name: &str) -> Option<String> {
        library_folders().into_iter().map(|folder| folder.join(name)).find(|path| path.exists()).map(shown)
    }

    fn has_path(&self, path: &str) -> bool {
        Path::new(path).exists()
    }

    fn variable(&self, name: &str) -> Option<String> {
        env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn package(&self, name: &str) -> Option<String> {
        let environments = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(env::var_os).map(PathBuf::from);
        environments.flat_map(|environment| package_folders(&environment)).find_map(|folder| {
            let package = folder.join(name);
            package.is_dir().then(|| shown(package))
        })
    }
}

fn shown(path: impl AsRef<Path>) -> String {
    path.as_ref().display().to_string()
}

/// The folders that the dynamic loader searches by convention; the format of its cache is not stable.
fn library_folders() -> Vec<PathBuf> {
    let variable = match env::consts::OS {
        "windows" => "PATH",
        "macos" => "DYLD_LIBRARY_PATH",
        _ => "LD_LIBRARY_PATH",
    };
    let configured = env::var_os(variable).unwrap_or_default();
    let multiarch = format!("{}-linux-gnu", env::consts::ARCH);
    let usual = ["/usr/local/lib", "/usr/lib64", "/lib64", "/usr/lib", "/lib", "/usr/lib/wsl/lib"];
    let usual = usual.into_iter().map(PathBuf::from);
    let by_architecture = ["/usr/lib", "/lib"].into_iter().map(|folder| Path::new(folder).join(&multiarch));
    env::split_paths(&configured).chain(by_architecture).chain(usual).collect()
}

/// The folders that hold the packages of a Python environment.
fn package_folders(environment: &Path) -> Vec<PathBuf> {
    let versions = environment.join("lib").read_dir().into_iter().flatten().flatten();
    let of_version = versions.map(|entry| entry.path().join("site-packages"));
    of_version.chain([environment.join("Lib/site-packages")]).collect()
}
