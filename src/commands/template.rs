//! `cargo tgen template`: the templates of the template database.

use anyhow::anyhow;
use camino::Utf8PathBuf;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use tgen_core::base::files::{Files, reason};
use tgen_core::base::problem::Problem;
use tgen_core::lint::candidate::Candidate;
use tgen_core::model::family::Family;
use tgen_core::model::hardware::HardwareType;
use tgen_core::output::diff::hunks;
use tgen_core::project::Project;
use tgen_core::project::registered::Registered;
use tgen_core::template::TemplateName;

use crate::commands::families::{self, NewFamily};
use crate::exit::Exit;
use crate::printer::{Printer, counted, visible};
use crate::project::arguments::{Global, ListArgs, ListFormat, hardware_type};
use crate::project::database::one_session;
use crate::project::pack;
use crate::project::session::add_database_suite;
use crate::project::session::{self, Session};
use crate::report::human;
use crate::store::{Added, Counts, Mode, NewTemplate, Store, StoreError, Template, Version};
use crate::world::disk::Disk;

/// Keep templates in the template database: add, show, compare, remove, exchange
#[derive(Debug, Args)]
pub(crate) struct TemplateArgs {
    #[command(subcommand)]
    command: TemplateCommand,
}

#[derive(Debug, Subcommand)]
enum TemplateCommand {
    /// Add a template, or a new version of one
    #[command(after_help = "\
Examples:
  cargo tgen template add --name text_embedding_template --family text_embedding --file templates/text_embedding.py
  cargo tgen template add --name vision_template --family vision --hardware cuda --file templates/vision.py")]
    Add(AddArgs),
    /// List the templates
    List(ListArgs),
    /// Show a template's text
    Show(ShowArgs),
    /// List the versions of a template
    History(HistoryArgs),
    /// Show what differs between two versions of a template
    Diff(DiffArgs),
    /// Remove a template with all its versions
    Remove(RemoveArgs),
    /// Add the templates and mappings of an exported folder
    Import(FolderArgs),
    /// Write all templates, with all versions, and all mappings into a folder
    Export(FolderArgs),
    /// Upgrade a database that an older release made; a copy is kept beside it
    Upgrade,
}

#[derive(Debug, Args)]
struct AddArgs {
    /// The template's name
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    name: String,
    /// The family of the models that it is for [default: that of the template's newest version]
    #[arg(long)]
    family: Option<String>,
    /// Add a family that no template, mapping or configuration has
    #[arg(long)]
    new_family: bool,
    /// The hardware types that it is for [default: all]
    #[arg(long, value_delimiter = ',', value_name = "TYPE,...", value_parser = hardware_type)]
    hardware: Vec<HardwareType>,
    /// What it is
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The file with its text; `*.tera` is Tera, anything else has `${name}` placeholders
    #[arg(long)]
    file: Utf8PathBuf,
    /// Add it even if it has problems
    #[arg(long)]
    allow_problems: bool,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The template's name
    name: String,
    /// The number of a version [default: the newest]
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    format: ShowFormat,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum ShowFormat {
    /// The text, byte for byte
    #[default]
    Text,
    /// The text and what is known of it, for programs
    Json,
}

#[derive(Debug, Args)]
struct HistoryArgs {
    /// The template's name
    name: String,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

#[derive(Debug, Args)]
struct DiffArgs {
    /// The template's name
    name: String,
    /// The earlier version [default: the one before the later]
    #[arg(long, value_name = "N")]
    from: Option<u32>,
    /// The later version [default: the newest]
    #[arg(long, value_name = "N")]
    to: Option<u32>,
}

#[derive(Debug, Args)]
struct RemoveArgs {
    /// The template's name
    name: String,
}

#[derive(Debug, Args)]
struct FolderArgs {
    /// The folder
    folder: Utf8PathBuf,
}

pub(crate) fn run(global: &Global, args: &TemplateArgs) -> anyhow::Result<Exit> {
    let session = one_session(global)?;
    let open = |mode| session.database(mode);
    let printer = Printer::new();
    match &args.command {
        TemplateCommand::Add(add) => return run_add(&session, add),
        TemplateCommand::List(list) => show_list(&printer, &open(Mode::ReadOnly)?.templates()?, list.format)?,
        TemplateCommand::Show(args) => show(&printer, &open(Mode::ReadOnly)?, args)?,
        TemplateCommand::History(history) => {
            show_history(&printer, &open(Mode::ReadOnly)?.history(&history.name)?, history.format)?;
        }
        TemplateCommand::Diff(diff) => return run_diff(&session, diff),
        TemplateCommand::Remove(remove) => {
            open(Mode::ReadWrite)?.remove_template(&remove.name)?;
            printer.line(&format!("removed template `{}`", remove.name))?;
        }
        TemplateCommand::Import(import) => {
            let counts = open(Mode::ReadWrite)?.import(&import.folder)?;
            printer.line(&format!("added {}", counted_all(counts)))?;
        }
        TemplateCommand::Export(export) => {
            let counts = open(Mode::ReadOnly)?.export(&export.folder)?;
            printer.line(&format!("wrote {} to `{}`", counted_all(counts), export.folder))?;
        }
        TemplateCommand::Upgrade => run_upgrade(&session)?,
    }
    Ok(Exit::Clean)
}

fn run_add(session: &Session, args: &AddArgs) -> anyhow::Result<Exit> {
    let new = if args.new_family { NewFamily::Allowed } else { NewFamily::Refused };
    let family = families::of_template(session, &args.name, args.family.as_deref(), new)?;
    let text = Disk::new(session::current_folder()?)
        .read_text(&args.file)
        .map_err(|error| anyhow!("cannot read the template `{}`: {}", args.file, reason(&error)))?;
    let dialect = TemplateName::new(args.file.as_str()).dialect();
    let printer = Printer::new();
    let candidate = Registered { name: args.name.clone(), version: 1, dialect, content: text.clone() };
    let problems = problems_of(session, args, &family, candidate);
    printer.problems(&problems, &|path| {
        if path == args.file { Some(text.clone()) } else { session.disk.read_text(path).ok() }
    });
    let exit = Exit::of(&problems);
    if exit == Exit::Findings && !args.allow_problems {
        printer.line("nothing was added; `--allow-problems` adds it as it is")?;
        return Ok(exit);
    }
    let added = session.database(Mode::ReadWrite)?.add_template(&NewTemplate {
        name: &args.name,
        family: &family,
        hardware: &args.hardware,
        description: args.description.as_deref(),
        dialect,
        content: &text,
    })?;
    printer.line(&said_of(added, &args.name))?;
    Ok(Exit::Clean)
}

/// The problems that `lint` would find in the template if it were added.
fn problems_of(session: &Session, args: &AddArgs, family: &str, template: Registered) -> Vec<Problem> {
    let mut config = session.config.clone();
    add_database_suite(&mut config);
    let candidate = Candidate {
        template,
        family: Family::new(family),
        hardware: (!args.hardware.is_empty()).then(|| args.hardware.clone()),
        file: args.file.clone(),
    };
    candidate.problems(Project::load(&session.disk, config, pack::pack()))
}

fn said_of(added: Added, name: &str) -> String {
    match added {
        Added::Created => format!("added template `{name}`"),
        Added::NewVersion(version) => format!("added version {version} of template `{name}`"),
        Added::Redescribed(version) => {
            format!(
                "template `{name}` has this text already (version {version}); its family, hardware types and description \
                 were updated"
            )
        }
        Added::Unchanged(version) => {
            format!("template `{name}` has this text already (version {version}); nothing was added")
        }
    }
}

fn run_diff(session: &Session, args: &DiffArgs) -> anyhow::Result<Exit> {
    let store = session.database(Mode::ReadOnly)?;
    let later = store.text(&args.name, args.to)?;
    let from = args.from.unwrap_or(later.version.saturating_sub(1).max(1));
    let earlier = store.text(&args.name, Some(from))?;
    let differences = hunks(earlier.content.as_bytes(), later.content.as_bytes());
    Printer::new().report(|out| {
        let name = visible(&args.name);
        writeln!(out, "--- {name} (version {from})\n+++ {name} (version {})", later.version)?;
        human::write_hunks(out, &differences)
    })?;
    Ok(Exit::findings_if(!differences.is_empty()))
}

fn run_upgrade(session: &Session) -> anyhow::Result<()> {
    let said = match session.try_database(Mode::ReadOnly)? {
        Ok(_) => "the template database is of this release already",
        Err(StoreError::Older { .. }) => {
            session.database(Mode::ReadWrite)?;
            "upgraded the template database; a copy of it as it was is beside it"
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Printer::new().line(said)?)
}

fn show(printer: &Printer, store: &Store, args: &ShowArgs) -> anyhow::Result<()> {
    let text = store.text(&args.name, args.version)?;
    match args.format {
        ShowFormat::Text => Printer::content(&text.content)?,
        ShowFormat::Json => {
            let mut shown = as_json(&store.template(&args.name)?);
            shown["version"] = text.version.into();
            shown["content"] = text.content.into();
            printer.json(&shown)?;
        }
    }
    Ok(())
}

fn show_list(printer: &Printer, templates: &[Template], format: ListFormat) -> anyhow::Result<()> {
    match format {
        ListFormat::Json => printer.json(&templates.iter().map(as_json).collect::<Vec<_>>())?,
        ListFormat::Table => {
            let row = |template: &Template| {
                let version = template.newest.number.to_string();
                let description = template.description.clone().unwrap_or_default();
                vec![template.name.clone(), template.family.clone(), hardware_of(template), version, description]
            };
            let headings = ["template", "family", "hardware", "version", "description"];
            printer.table(&headings, templates.iter().map(row).collect())?;
        }
    }
    Ok(())
}

fn hardware_of(template: &Template) -> String {
    let names: Vec<_> = template.hardware.iter().map(|hardware| hardware.name()).collect();
    if names.is_empty() { "all".to_owned() } else { names.join(", ") }
}

fn as_json(template: &Template) -> serde_json::Value {
    json!({
        "name": template.name,
        "family": template.family,
        "hardware": template.hardware,
        "description": template.description,
        "newest": version_as_json(&template.newest),
    })
}

fn show_history(printer: &Printer, versions: &[Version], format: ListFormat) -> anyhow::Result<()> {
    match format {
        ListFormat::Json => printer.json(&versions.iter().map(version_as_json).collect::<Vec<_>>())?,
        ListFormat::Table => {
            let row = |version: &Version| {
                let numbers = [version.number.to_string(), version.added_at.clone(), version.size.to_string()];
                numbers.into_iter().chain([version.dialect.name().to_owned()]).collect()
            };
            printer.table(&["version", "added", "bytes", "dialect"], versions.iter().map(row).collect())?;
        }
    }
    Ok(())
}

fn version_as_json(version: &Version) -> serde_json::Value {
    json!({
        "version": version.number,
        "dialect": version.dialect.name(),
        "added_at": version.added_at,
        "content_hash": version.content_hash,
        "size": version.size,
    })
}

fn counted_all(counts: Counts) -> String {
    let [templates, versions, mappings] =
        [(counts.templates, "template"), (counts.versions, "version"), (counts.mappings, "mapping")]
            .map(|(count, noun)| counted(count, noun));
    format!("{templates}, {versions} and {mappings}")
}
