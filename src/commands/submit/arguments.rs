//! The options of `cargo tgen submit`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

use crate::commands::bundle::{ContentArgs, RerunArgs};
use crate::commands::emit::run_id;
use crate::commands::results::RunFormat;
use crate::commands::run::RetryArgs;
use crate::project::arguments::hardware_type;
use crate::submit::ray::Address;

/// Run the generated tests on a Ray cluster, and follow them from here
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen submit ray --address http://head:8265 --model 'bert*'     run the tests of some models
  cargo tgen submit ray --detach                                       leave at once
  cargo tgen submit ray --attach 20260301-080000-5f3a1c                follow a run
  cargo tgen submit ray --rerun                                        what failed or was not run last time, and what is new")]
pub(crate) struct SubmitArgs {
    #[command(subcommand)]
    pub(super) engine: Engine,
}

#[derive(Debug, Subcommand)]
pub(super) enum Engine {
    /// A Ray cluster, over the Jobs interface of its dashboard; one job a run, one task a test file
    Ray(Box<RayArgs>),
}

#[derive(Debug, Args)]
pub(super) struct RayArgs {
    #[command(flatten)]
    pub(super) contents: ContentArgs,
    #[command(flatten)]
    pub(super) rerun: RerunArgs,
    /// The address of Ray's dashboard
    #[arg(long, value_name = "URL", env = "RAY_API_SERVER_ADDRESS", help_heading = "Ray")]
    pub(super) address: Address,
    /// The file with the token [default: the variable `RAY_AUTH_TOKEN`]
    #[arg(long, value_name = "FILE", help_heading = "Ray")]
    pub(super) token_file: Option<Utf8PathBuf>,
    /// A JSON file with further settings of Ray's runtime environment, such as packages
    #[arg(long, value_name = "FILE", help_heading = "Ray")]
    pub(super) runtime_env: Option<Utf8PathBuf>,
    /// What Ray calls the devices of a hardware type [default: GPU for cuda and rocm, else the hardware type; may be repeated]
    #[arg(long, value_name = "TYPE=RESOURCE", value_parser = device, help_heading = "Ray")]
    pub(super) device: Vec<String>,
    #[command(flatten)]
    pub(super) retry: RetryArgs,
    /// The id of the run [default: a new one]
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub(super) run: Option<String>,
    /// Return as soon as the run is submitted
    #[arg(long, conflicts_with_all = ["attach", "stop"])]
    pub(super) detach: bool,
    /// Follow a run that was submitted before
    #[arg(long, value_name = "ID", value_parser = run_id, conflicts_with_all = ["stop", "run"])]
    attach: Option<String>,
    /// Stop a run
    #[arg(long, value_name = "ID", value_parser = run_id, conflicts_with = "run")]
    stop: Option<String>,
    /// How to report
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: RunFormat,
    /// The file that the results are appended to [default: one for the run below `results/`]
    #[arg(long, value_name = "FILE")]
    pub(super) results: Option<Utf8PathBuf>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task<'a> {
    Submit,
    Attach(&'a str),
    Stop(&'a str),
}

impl RayArgs {
    /// The driver's options beside the run's id.
    pub(super) fn for_driver(&self) -> Vec<String> {
        let devices = self.device.iter().flat_map(|device| ["--device".to_owned(), device.clone()]);
        devices.chain(self.retry.for_driver()).collect()
    }

    pub(super) fn task(&self) -> Task<'_> {
        match (&self.attach, &self.stop) {
            (Some(run), _) => Task::Attach(run),
            (None, Some(run)) => Task::Stop(run),
            (None, None) => Task::Submit,
        }
    }
}

fn device(text: &str) -> Result<String, String> {
    let error = || "write it as `rocm=amd_gpu`: the hardware type, and what Ray calls its devices".to_owned();
    let (hardware, name) = text.split_once('=').ok_or_else(error)?;
    let is_name =
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.:/".contains(letter));
    if !is_name {
        return Err(error());
    }
    Ok(format!("{}={name}", hardware_type(hardware)?))
}
