//! `cargo tgen map`: the pipeline map, shown, read from a transformers release, or compared with one.

use anyhow::bail;
use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Subcommand};
use tgen_core::base::problem::Problem;
use tgen_core::lint::findings;
use tgen_core::pipeline_map::drift::{Drift, ModelDrift, Replaced, drift};
use tgen_core::pipeline_map::{AutoClasses, PipelineMap};
use tgen_core::plan::Plan;
use tgen_core::project::request::Request;

use super::results::write_file;
use crate::exit::Exit;
use crate::printer::{Printer, counted};
use crate::project::arguments::{Global, ListFormat};
use crate::project::session::{self, Session};
use crate::world::disk::Disk;
use crate::world::release_source::Release;

/// The map's usual name.
const DEFAULT_MAP: &str = "huggingface_model_pipeline_map.json";

/// Show the pipeline map, sync it from a transformers release, or see how the two differ
#[derive(Debug, Args)]
pub(crate) struct MapArgs {
    #[command(subcommand)]
    command: MapCommand,
}

#[derive(Debug, Subcommand)]
enum MapCommand {
    /// Show the project's map: model types, tasks, auto classes
    Show(ShowArgs),
    /// Write the map of a transformers release; its source is read, and no Python runs
    #[command(after_help = "\
Examples:
  cargo tgen map sync --from .venv/lib/python3.11/site-packages/transformers
  cargo tgen map sync --from transformers-5.23.0-py3-none-any.whl")]
    Sync(SyncArgs),
    /// Show what a transformers release adds, removes or changes, and the outputs that it would touch
    Drift(DriftArgs),
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Model types [default: all]
    model_types: Vec<String>,
    /// How to show it; `json` is the map's own format
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

#[derive(Debug, Args)]
struct SyncArgs {
    /// An installed package, a source checkout, a wheel or an sdist
    #[arg(long, value_name = "PATH")]
    from: Utf8PathBuf,
    /// Where to write [default: the configured `pipeline-map`, else `huggingface_model_pipeline_map.json`]
    #[arg(long, value_name = "FILE")]
    output: Option<Utf8PathBuf>,
    /// Say what would change, and write nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
struct DriftArgs {
    /// An installed package, a source checkout, a wheel or an sdist
    #[arg(long, value_name = "PATH")]
    from: Utf8PathBuf,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

pub(crate) fn run(global: &Global, args: &MapArgs) -> anyhow::Result<Exit> {
    let sessions = Session::open_all(global)?;
    let [session] = sessions.as_slice() else {
        bail!("`map` is for one project; choose it with `--package` or `--root`");
    };
    match &args.command {
        MapCommand::Show(args) => show(session, args),
        MapCommand::Sync(args) => sync(session, args),
        MapCommand::Drift(args) => show_drift(session, args),
    }
}

fn show(session: &Session, args: &ShowArgs) -> anyhow::Result<Exit> {
    let project = session.project();
    let map = &project.pipeline_map;
    let unknown: Vec<_> = args.model_types.iter().filter(|name| map.tasks(name).is_none()).collect();
    let shown = |name: &&str| args.model_types.is_empty() || args.model_types.iter().any(|asked| asked == name);
    let printer = Printer::new();
    match args.format {
        ListFormat::Json => {
            let mut part = PipelineMap::default();
            for name in map.model_types().filter(shown) {
                part.insert(name, map.tasks(name).unwrap_or_default().iter().cloned());
            }
            printer.report(|out| out.write_all(part.to_json().as_bytes()))?;
        }
        ListFormat::Table => {
            let rows = map.model_types().filter(shown).flat_map(|name| rows(map, name)).collect();
            printer.table(&["model type", "task", "auto class"], rows)?;
        }
    }
    for name in &unknown {
        printer.warning(&format!("the pipeline map has no model type `{name}`; `cargo tgen map show` lists all"));
    }
    Ok(Exit::findings_if(!unknown.is_empty()))
}

fn rows(map: &PipelineMap, name: &str) -> Vec<Vec<String>> {
    let tasks = map.tasks(name).unwrap_or_default().iter().enumerate();
    tasks
        .map(|(at, task)| {
            let name = if at == 0 { name } else { "" };
            vec![name.to_owned(), task.clone(), map.auto_class(name, task).unwrap_or_default().to_owned()]
        })
        .collect()
}

fn sync(session: &Session, args: &SyncArgs) -> anyhow::Result<Exit> {
    let (release, map, problems) = read(&args.from, &session.disk)?;
    let printer = Printer::new();
    printer.problems(&problems, &|path| release.text(path));
    let configured = session.config.pipeline_map.as_ref().map(|spot| spot.value.clone());
    let path = args.output.clone().or_else(|| configured.clone()).unwrap_or_else(|| DEFAULT_MAP.into());
    if map.model_types().len() == 0 {
        bail!(
            "`{}` has no model type that could be read, so `{path}` was not changed; give `--from` another release of transformers",
            args.from
        );
    }
    let drift = drift(&session.project().pipeline_map, &map);
    print_drift(&printer, &drift)?;
    if args.dry_run {
        return Ok(Exit::of(&problems));
    }
    if Exit::of(&problems) == Exit::Findings {
        printer.warning(&format!(
            "parts of the release could not be read, so `{path}` was not changed; each error above says what to do"
        ));
        return Ok(Exit::Findings);
    }
    write_file(&session.root.join(&path), map.to_json().as_bytes())?;
    write_file(&session.root.join(AutoClasses::path_beside(&path)), map.auto_classes().to_json().as_bytes())?;
    printer.line(&format!(
        "wrote `{path}`: {} of transformers {}",
        counted(map.model_types().len(), "model type"),
        version_of(&release),
    ))?;
    if configured.is_none() {
        let step = if session.config.path.is_none() { "run `cargo tgen init`, and check that it wrote" } else { "set" };
        printer.line(&format!("to use it, {step} `pipeline-map = \"{path}\"` in tgen.toml"))?;
    }
    Ok(Exit::of(&problems))
}

fn read<'d>(from: &Utf8Path, disk: &'d Disk) -> anyhow::Result<(Release<'d>, PipelineMap, Vec<Problem>)> {
    let release = Release::open(&session::current_folder()?.join(from), disk)?;
    let (map, problems) = release.read();
    Ok((release, map, problems))
}

fn version_of(release: &Release<'_>) -> String {
    release.version().unwrap_or_else(|| "of unknown version".to_owned())
}

fn show_drift(session: &Session, args: &DriftArgs) -> anyhow::Result<Exit> {
    let (release, map, problems) = read(&args.from, &session.disk)?;
    let project = session.project();
    let drift = drift(&project.pipeline_map, &map);
    let touched = touched_outputs(session, &drift);
    let printer = Printer::new();
    printer.problems(&problems, &|path| release.text(path));
    match args.format {
        ListFormat::Json => printer.json(&serde_json::json!({
            "transformers": release.version(),
            "drift": drift,
            "outputs": touched,
            "problems": problems,
        }))?,
        ListFormat::Table => {
            print_drift(&printer, &drift)?;
            printer.paths("touches", &touched, 10)?;
            let sum = if drift.is_empty() { "agrees with" } else { "differs from" };
            let release = version_of(&release);
            printer.line(&format!("the project's pipeline map {sum} transformers {release}"))?;
        }
    }
    Ok(Exit::of(&problems).max(Exit::findings_if(!drift.is_empty())))
}

fn print_drift(printer: &Printer, drift: &Drift) -> std::io::Result<()> {
    let all = |sign: &str, types: &std::collections::BTreeMap<String, Vec<String>>| -> Vec<Vec<String>> {
        types.iter().map(|(name, tasks)| vec![sign.to_owned(), name.clone(), tasks.join(", ")]).collect()
    };
    let changed = drift.changed.iter().map(|(name, change)| vec!["~".to_owned(), name.clone(), summary(change)]);
    let rows: Vec<_> = all("+", &drift.added).into_iter().chain(all("-", &drift.removed)).chain(changed).collect();
    if rows.is_empty() { Ok(()) } else { printer.table(&["", "model type", "tasks"], rows) }
}

/// `+text-generation, -fill-mask, first: fill-mask -> text-generation`.
fn summary(change: &ModelDrift) -> String {
    let added = change.added_tasks.iter().map(|task| format!("+{task}"));
    let removed = change.removed_tasks.iter().map(|task| format!("-{task}"));
    let first = change.primary_task.iter().map(|tasks| format!("first: {}", replaced(tasks)));
    let classes = change.auto_classes.iter().map(|(task, classes)| format!("{task}: {}", replaced(classes)));
    added.chain(removed).chain(first).chain(classes).collect::<Vec<_>>().join(", ")
}

fn replaced(values: &Replaced) -> String {
    let name = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    format!("{} -> {}", name(&values.ours), name(&values.theirs))
}

/// The outputs of models whose type drifts.
fn touched_outputs(session: &Session, drift: &Drift) -> Vec<Utf8PathBuf> {
    let project = session.project();
    let plan = Plan::new(&project, &Request::default());
    session.print_problems(&project, &findings::of_inputs(&project, &plan));
    let drifting: std::collections::HashSet<&str> = drift.model_types().collect();
    let touched = plan
        .outputs
        .iter()
        .filter(|output| plan.case(output).model.is_some_and(|model| drifting.contains(model.type_name())));
    touched.map(|output| session.standpoint.seen(&plan.location(output))).collect()
}
