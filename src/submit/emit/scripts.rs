//! What an engine reads, from a template for each.

use serde::Serialize;
use tera::{Context, Tera};
use tgen_core::model::hardware::HardwareType;

use super::parts::Part;

const GITHUB: &str = include_str!("github.yml.tera");
const SLURM: &str = include_str!("slurm.sh.tera");
const KUBERNETES: &str = include_str!("kubernetes.yaml.tera");

/// What all engines are told of a bundle.
pub(crate) struct Bundled<'a> {
    pub(crate) parts: &'a [Part],
    /// The command that wrote this, in one line without control characters.
    pub(crate) command: &'a str,
    /// A shell command that makes the environment of the tests.
    pub(crate) setup: Option<&'a str>,
    /// Further arguments of the driver.
    pub(crate) arguments: &'a [String],
}

/// A workflow of GitHub Actions.
pub(crate) struct Github<'a> {
    /// The arguments of `tgen bundle`, quoted for a shell.
    pub(crate) bundle_arguments: &'a str,
    /// The labels of the runners for a hardware type.
    pub(crate) labels: &'a dyn Fn(HardwareType) -> Vec<String>,
}

/// What jobs on a cluster get.
pub(crate) struct Cluster {
    pub(crate) cpus: u32,
}

/// Arrays of Slurm.
pub(crate) struct Slurm<'a> {
    pub(crate) cluster: Cluster,
    /// Further options of `sbatch`.
    pub(crate) options: &'a [String],
}

/// Indexed Jobs of Kubernetes.
pub(crate) struct Kubernetes<'a> {
    pub(crate) cluster: Cluster,
    pub(crate) run: &'a str,
    pub(crate) image: &'a str,
    /// The claim of the volume that has the bundle and takes the results.
    pub(crate) claim: &'a str,
    /// The queue of Kueue.
    pub(crate) queue: Option<&'a str>,
}

/// A part as the templates see it.
#[derive(Serialize)]
struct Row {
    hardware: HardwareType,
    /// As the driver's `--needs` takes it.
    needs: Option<String>,
    gigabytes: u64,
    shards: usize,
    before: usize,
    minutes: u64,
    labels: String,
    device: Option<&'static str>,
    /// As a name of Kubernetes.
    name: String,
}

fn row(part: &Part) -> Row {
    let bin = part.memory.map(|bin| format!("-{}gb", bin.up_to)).unwrap_or_default();
    Row {
        hardware: part.hardware,
        needs: part.memory.map(super::parts::MemoryBin::needs),
        gigabytes: part.memory.map_or(0, |bin| bin.up_to),
        shards: part.shards,
        before: part.before,
        minutes: part.limit.as_secs().div_ceil(60),
        labels: String::new(),
        device: match part.hardware {
            HardwareType::Cuda => Some("nvidia.com/gpu"),
            HardwareType::Rocm => Some("amd.com/gpu"),
            _ => None,
        },
        name: format!("{}{bin}", part.hardware),
    }
}

/// The workflow: packs the bundle, runs its shards, merges the results and reports.
pub(crate) fn github(bundled: &Bundled<'_>, github: &Github<'_>) -> tera::TeraResult<String> {
    let with_labels = |part: &Part| Row { labels: labels(&(github.labels)(part.hardware)), ..row(part) };
    let rows: Vec<Row> = bundled.parts.iter().map(with_labels).collect();
    let mut context = context(bundled, &rows);
    context.insert("version", env!("CARGO_PKG_VERSION"));
    context.insert("bundle", &quoted(&format!("tgen bundle {}", github.bundle_arguments)));
    context.insert("setup", &bundled.setup.unwrap_or("python -m pip install pytest torch transformers"));
    rendered(GITHUB, &context)
}

/// The script: one array a hardware type and memory bin, and a job that merges the results.
pub(crate) fn slurm(bundled: &Bundled<'_>, slurm: &Slurm<'_>) -> tera::TeraResult<String> {
    let rows: Vec<Row> = bundled.parts.iter().map(row).collect();
    let mut context = context(bundled, &rows);
    context.insert("cpus", &slurm.cluster.cpus);
    context.insert("options", &shell_words::join(slurm.options));
    rendered(SLURM, &context)
}

/// The manifests: one Indexed Job a hardware type and memory bin.
pub(crate) fn kubernetes(bundled: &Bundled<'_>, kubernetes: &Kubernetes<'_>) -> tera::TeraResult<String> {
    let rows: Vec<Row> = bundled.parts.iter().map(row).collect();
    let mut context = context(bundled, &rows);
    context.insert("cpus", &kubernetes.cluster.cpus);
    context.insert("run", kubernetes.run);
    context.insert("name", &label(kubernetes.run));
    context.insert("image", &quoted(kubernetes.image));
    context.insert("claim", &quoted(kubernetes.claim));
    context.insert("queue", &kubernetes.queue.map(quoted));
    rendered(KUBERNETES, &context)
}

fn context(bundled: &Bundled<'_>, rows: &[Row]) -> Context {
    let mut context = Context::new();
    context.insert("command", bundled.command);
    context.insert("parts", rows);
    context.insert("total", &bundled.parts.iter().map(|part| part.shards).sum::<usize>());
    context.insert("setup", &bundled.setup);
    context.insert("arguments", &shell_words::join(bundled.arguments));
    context
}

fn rendered(template: &str, context: &Context) -> tera::TeraResult<String> {
    let mut tera = Tera::default();
    tera.autoescape_on(Vec::<&str>::new());
    tera.render_str(template, context, false)
}

/// A text as YAML and JSON have it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn labels(labels: &[String]) -> String {
    match labels {
        [one] => quoted(one),
        several => format!("[{}]", several.iter().map(|label| quoted(label)).collect::<Vec<_>>().join(", ")),
    }
}

/// A text as a name in Kubernetes, short enough to have another part behind it.
fn label(text: &str) -> String {
    const LONGEST: usize = 40;
    let part = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let text: String = text.chars().map(part).take(LONGEST).collect();
    text.trim_matches('-').to_owned()
}
