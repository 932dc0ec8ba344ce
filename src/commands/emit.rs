//! `cargo tgen emit`: workflows and scripts that run the tests in shards on another engine.

use std::num::NonZeroUsize;

use anyhow::bail;
use camino::Utf8PathBuf;
use clap::{Args, Subcommand};
use tgen_core::model::hardware::HardwareType;

use super::bundle::{ContentArgs, one_session, select};
use super::results::{refuse_other_kind, write_file};
use super::run::{Earlier, Kept, OutputFiles, RetryArgs};
use crate::exit::Exit;
use crate::printer::{Printer, counted, visible};
use crate::project::arguments::{Global, hardware_type};
use crate::submit::emit::{
    Bundled, Cluster, Github, Grouping, Kubernetes, Part, Slurm, github, kubernetes, parts, slurm,
};

/// What each file that is written has near its beginning.
const HEADER: &str = "# Written by `cargo tgen ";
/// The most jobs of a matrix: GitHub takes 256, and starts none of a larger one.
const MOST_IN_MATRIX: usize = 255;
/// The most indices of an array, with Slurm's default of `MaxArraySize`.
const MOST_IN_ARRAY: usize = 1000;
/// The most indices of a Job. Kubernetes takes more, but nobody could look through them.
const MOST_IN_JOB: usize = 10_000;

/// Write a workflow or script that runs the tests in shards on GitHub Actions, Slurm or Kubernetes
///
/// Each shard runs a part of a bundle (`cargo tgen bundle`). The shards are divided among the hardware types, and among needs of
/// memory, by how long the tests are expected to take.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen emit github --shards 16 --label cuda=gpu-a10 --output .github/workflows/generated-tests.yml
  cargo tgen emit slurm --shards 40 --sbatch=--partition=gpu --output submit.sh
  cargo tgen emit kubernetes --shards 40 --image registry.example/tests:1 --queue team-a --output jobs.yaml")]
pub(crate) struct EmitArgs {
    #[command(subcommand)]
    engine: Engine,
}

#[derive(Debug, Subcommand)]
enum Engine {
    /// A workflow of GitHub Actions: packs the bundle, runs the shards, merges and reports
    Github(GithubArgs),
    /// A script that submits arrays of Slurm, one a hardware type and memory need
    Slurm(SlurmArgs),
    /// Indexed Jobs of Kubernetes, one a hardware type and memory need
    Kubernetes(KubernetesArgs),
}

#[derive(Debug, Args)]
struct CommonArgs {
    #[command(flatten)]
    contents: ContentArgs,
    /// How many shards, all hardware types together
    #[arg(long, value_name = "N")]
    shards: NonZeroUsize,
    /// A shell command that makes the environment of the tests
    #[arg(long, value_name = "COMMAND")]
    setup: Option<String>,
    #[command(flatten)]
    retry: RetryArgs,
    /// Where to write it [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<Utf8PathBuf>,
}

#[derive(Debug, Args)]
struct GithubArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The labels of the runners for a hardware type, separated by `+` [default: ubuntu-latest for cpu, else self-hosted and the
    /// hardware type]
    #[arg(long, value_name = "TYPE=LABEL", value_parser = label)]
    label: Vec<(HardwareType, Vec<String>)>,
}

#[derive(Debug, Args)]
struct SlurmArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The processors of a shard
    #[arg(long, value_name = "N", default_value_t = 4)]
    cpus: u32,
    /// A further option of sbatch, such as --sbatch=--partition=gpu [may be repeated]
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    sbatch: Vec<String>,
}

#[derive(Debug, Args)]
struct KubernetesArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The processors of a shard
    #[arg(long, value_name = "N", default_value_t = 4)]
    cpus: u32,
    /// The image that has Python, pytest and what the tests import
    #[arg(long)]
    image: String,
    /// The claim of the volume that has bundle.zip and takes the results
    #[arg(long, default_value = "tgen")]
    claim: String,
    /// The queue of Kueue that admits the jobs
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// The id of the run
    #[arg(long, value_name = "ID", default_value = "run-1", value_parser = run_id)]
    run: String,
}

pub(crate) fn run(global: &Global, args: &EmitArgs) -> anyhow::Result<Exit> {
    let (common, grouping, most) = match &args.engine {
        Engine::Github(args) => (&args.common, Grouping::Hardware, MOST_IN_MATRIX),
        Engine::Slurm(args) => (&args.common, Grouping::HardwareAndMemory, MOST_IN_ARRAY),
        Engine::Kubernetes(args) => (&args.common, Grouping::HardwareAndMemory, MOST_IN_JOB),
    };
    let session = one_session(global)?;
    let earlier = Earlier::read(&session, None, Kept::Ends)?;
    let (selection, _) = select(&session, &common.contents, &earlier, OutputFiles::NeedNotBeThere)?;
    if selection.units.is_empty() {
        bail!(
            "no tests are selected, so there is nothing to run; select others with `--model`, `--suite` or `--hardware`"
        );
    }
    let shards = common.shards.get();
    let parts = parts(&selection, grouping, shards)?;
    if let Some(part) = parts.iter().find(|part| part.shards > most) {
        bail!("{} has {} shards, and {most} is the most; give fewer `--shards`", part.hardware, part.shards);
    }
    let total: usize = parts.iter().map(|part| part.shards).sum();
    if grouping == Grouping::Hardware && total > most {
        bail!("the matrix has {total} jobs, and {most} is the most; give fewer `--shards`");
    }
    if total < shards {
        let message = format!("there are tests for {} only", counted(total, "shard"));
        Printer::new().warning(&message);
    }
    write(common, &text(args, common, &parts)?)
}

fn text(args: &EmitArgs, common: &CommonArgs, parts: &[Part]) -> anyhow::Result<String> {
    let command = std::env::args().skip(1).skip_while(|argument| argument == "tgen");
    let command = shell_words::join(["cargo".to_owned(), "tgen".to_owned()].into_iter().chain(command));
    let command = visible(&command);
    let arguments = common.retry.for_driver();
    let bundled = Bundled { parts, command: &command, setup: common.setup.as_deref(), arguments: &arguments };
    let text = match &args.engine {
        Engine::Github(args) => {
            let labels = |hardware| labels(&args.label, hardware);
            let arguments = bundle_arguments(&common.contents);
            github(&bundled, &Github { bundle_arguments: &arguments, labels: &labels })
        }
        Engine::Slurm(args) => slurm(&bundled, &Slurm { cluster: Cluster { cpus: args.cpus }, options: &args.sbatch }),
        Engine::Kubernetes(args) => {
            let KubernetesArgs { cpus, image, claim, queue, run, .. } = args;
            let cluster = Cluster { cpus: *cpus };
            kubernetes(&bundled, &Kubernetes { cluster, run, image, claim, queue: queue.as_deref() })
        }
    };
    text.map_err(|error| anyhow::anyhow!("the built-in template cannot be rendered: {error}"))
}

fn write(common: &CommonArgs, text: &str) -> anyhow::Result<Exit> {
    match &common.output {
        None => Printer::content(text)?,
        Some(output) => {
            let kind = "file that `emit` wrote";
            refuse_other_kind(output, kind, |beginning| String::from_utf8_lossy(beginning).contains(HEADER))?;
            write_file(output, text.as_bytes())?;
            Printer::new().note(&format!("wrote `{output}`"))?;
        }
    }
    Ok(Exit::Clean)
}

fn labels(named: &[(HardwareType, Vec<String>)], hardware: HardwareType) -> Vec<String> {
    let label = named.iter().rfind(|(of, _)| *of == hardware).map(|(_, labels)| labels.clone());
    label.unwrap_or_else(|| match hardware {
        HardwareType::Cpu => vec!["ubuntu-latest".to_owned()],
        HardwareType::Mps => vec!["macos-latest".to_owned()],
        _ => vec!["self-hosted".to_owned(), hardware.to_string()],
    })
}

/// The arguments of `tgen bundle` in the workflow, as the user gave them here.
fn bundle_arguments(contents: &ContentArgs) -> String {
    let cases = &contents.selection.cases;
    #[cfg(feature = "store")]
    let plan = contents.plan.as_ref();
    #[cfg(not(feature = "store"))]
    let plan: Option<&String> = None;
    let mut arguments = match plan {
        Some(plan) => vec!["--plan".to_owned(), plan.clone()],
        None => vec!["--generate".to_owned()],
    };
    let mut add = |name: &str, value: &str| arguments.extend([name.to_owned(), value.to_owned()]);
    cases.model.iter().for_each(|model| add("--model", model));
    cases.suite.iter().for_each(|suite| add("--suite", suite));
    cases.hardware.iter().for_each(|hardware| add("--hardware", hardware.name()));
    cases.batch_sizes.iter().for_each(|size| add("--batch-sizes", &size.to_string()));
    contents.selection.output_dir.iter().for_each(|folder| add("--output-dir", folder.as_str()));
    contents.include.iter().for_each(|path| add("--include", path.as_str()));
    let flags = [(cases.sample, "--sample"), (cases.skillset, "--skillset")];
    arguments.extend(flags.iter().filter(|(is_given, _)| *is_given).map(|(_, flag)| (*flag).to_owned()));
    if !contents.pytest.is_empty() {
        arguments.push("--".to_owned());
        arguments.extend(contents.pytest.iter().cloned());
    }
    shell_words::join(arguments)
}

fn label(text: &str) -> Result<(HardwareType, Vec<String>), String> {
    let error = || "write it as `cuda=gpu-a10`, or `cuda=self-hosted+a10` for several labels".to_owned();
    let (hardware, labels) = text.split_once('=').ok_or_else(error)?;
    let labels: Vec<String> = labels.split('+').map(|label| label.trim().to_owned()).collect();
    if labels.iter().any(String::is_empty) { Err(error()) } else { Ok((hardware_type(hardware)?, labels)) }
}

/// Reads the id of a run, which becomes part of names and paths.
pub(super) fn run_id(text: &str) -> Result<String, String> {
    let is_fine = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    let is_id = (1..=128).contains(&text.len()) && text.chars().all(is_fine) && !text.starts_with(['.', '-']);
    if is_id { Ok(text.to_owned()) } else { Err("write letters, digits, `.`, `_` and `-`, at most 128".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_a_hardware_type_and_runners() {
        assert_eq!(label("cuda=a10"), Ok((HardwareType::Cuda, vec!["a10".to_owned()])));
        assert_eq!(label("cpu=self-hosted+big").unwrap().1, ["self-hosted", "big"]);
        assert!(["cuda", "cuda=", "gpu=x", "cuda=a++b"].iter().all(|wrong| label(wrong).is_err()));
    }

    #[test]
    fn the_id_of_a_run_is_safe_in_a_path() {
        assert!(run_id("20260301-080000-5f3a1c").is_ok());
        assert!(["", "a b", "../x", ".x", "-x", "a/b", "é"].iter().all(|wrong| run_id(wrong).is_err()));
    }
}
