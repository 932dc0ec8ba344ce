//! `cargo tgen init`: writes the files that a new project starts with.

use anyhow::{Context, bail};
use camino::Utf8Path;
use clap::Args;
use tgen_core::config::init::{Options, tgen_toml};

use crate::exit::Exit;
use crate::printer::{Printer, as_called, counted};
use crate::project::arguments::Global;
use crate::project::locate::is_in_pyproject;
use crate::project::pack;
use crate::project::session::current_folder;
use crate::world::disk::Writer;

/// The project's configuration.
const CONFIG: &str = "tgen.toml";
/// The table of `pyproject.toml` that may hold it instead.
const PYPROJECT: &str = "[tool.tgen]";
/// The project's own templates.
const TEMPLATES: &str = "templates";
/// Files and folders that are configured if they exist.
const MAP: &str = "huggingface_model_pipeline_map.json";
const SKILLSETS: [&str; 2] = ["ipfs_accelerate_py/worker/skillset", "worker/skillset"];

/// Write a commented tgen.toml to begin with
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen init                in the current folder
  cargo tgen init --templates    with a copy of the built-in templates to edit")]
pub(crate) struct InitArgs {
    /// Copy the built-in templates into `templates/`, to edit them
    #[arg(long)]
    templates: bool,
}

pub(crate) fn run(global: &Global, args: &InitArgs) -> anyhow::Result<Exit> {
    let here = current_folder()?;
    let root = global.root.as_ref().map_or_else(|| here.clone(), |root| here.join(root));
    let mut files: Vec<(String, String)> = Vec::new();
    if args.templates {
        files.extend(pack::pack().iter().map(|(name, text)| (format!("{TEMPLATES}/{name}"), (*text).to_owned())));
    }
    // A project that has a configuration can still get the templates.
    let begun = existing_config(&root).filter(|config| args.templates || *config == PYPROJECT);
    match begun {
        None => files.push((CONFIG.to_owned(), tgen_toml(&found_in(&root, args)))),
        Some(config) if !args.templates => bail!(
            "this project is configured in `{config}`, which a `{CONFIG}` would replace; edit that table, or remove it first"
        ),
        Some(_) => {}
    }
    refuse_existing(&root, &files)?;
    let writer = Writer::new(&root).with_context(|| format!("cannot write into `{root}`"))?;
    for (path, content) in &files {
        writer.write(Utf8Path::new(path), content.as_bytes()).with_context(|| format!("cannot write `{path}`"))?;
    }
    let printer = Printer::new();
    if args.templates {
        printer.line(&format!("copied {} into `{TEMPLATES}/`", counted(pack::pack().len(), "template")))?;
    }
    let line = format!("{TEMPLATES} = \"{TEMPLATES}\"");
    printer.line(&match begun {
        Some(CONFIG) => {
            format!("`{CONFIG}` was not changed; write `{line}` above its first table, unless it has that line")
        }
        Some(table) => format!("`{table}` was not changed; write `{line}` into it, unless it has that line"),
        None => as_called(&format!("wrote `{CONFIG}`; edit it, then run `cargo tgen generate`")).into_owned(),
    })?;
    Ok(Exit::Clean)
}

/// Where the project's configuration stands, if it has one.
fn existing_config(root: &Utf8Path) -> Option<&'static str> {
    if root.join(CONFIG).exists() { Some(CONFIG) } else { is_in_pyproject(root).then_some(PYPROJECT) }
}

fn found_in(root: &Utf8Path, args: &InitArgs) -> Options {
    let existing = |path: &str| root.join(path).exists().then(|| path.into());
    Options {
        schema: None,
        pipeline_map: existing(MAP),
        skillset: SKILLSETS.into_iter().find_map(existing),
        templates: if args.templates { Some(TEMPLATES.into()) } else { existing(TEMPLATES) },
    }
}

/// Fails if a file exists: nothing is overwritten.
fn refuse_existing(root: &Utf8Path, files: &[(String, String)]) -> anyhow::Result<()> {
    match files.iter().find(|(path, _)| root.join(path).exists()) {
        Some((path, _)) => bail!("`{path}` exists already; move it away first, or edit it"),
        None => Ok(()),
    }
}
