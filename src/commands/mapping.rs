//! `cargo tgen mapping`: the model mappings of the template database.

use anyhow::anyhow;
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use serde_json::json;
use tgen_core::model::names::ModelName;

use crate::commands::families::{self, NewFamily};
use crate::exit::Exit;
use crate::printer::Printer;
use crate::project::arguments::{Global, ListArgs, ListFormat};
use crate::project::database::one_session;
use crate::store::{Mapped, Mapping, Mode};

/// Set the family of a model in the template database, and the template that it prefers
#[derive(Debug, Args)]
pub(crate) struct MappingArgs {
    #[command(subcommand)]
    command: MappingCommand,
}

#[derive(Debug, Subcommand)]
enum MappingCommand {
    /// Add the mapping of a model, or update it
    #[command(after_help = "\
Example:
  cargo tgen mapping add --model bert-base-uncased --family text_embedding --description \"BERT base uncased model\"")]
    Add(AddArgs),
    /// List the mappings
    List(ListArgs),
    /// Remove the mapping of a model
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// The model's name
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    model: String,
    /// Its family
    #[arg(long)]
    family: String,
    /// Add a family that no template, mapping or configuration has
    #[arg(long)]
    new_family: bool,
    /// The template that it prefers to others of its family [default: none]
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// What the model is, or why it is mapped
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

#[derive(Debug, Args)]
struct RemoveArgs {
    /// The model's name
    model: String,
}

pub(crate) fn run(global: &Global, args: &MappingArgs) -> anyhow::Result<Exit> {
    let session = one_session(global)?;
    let open = |mode| session.database(mode);
    let printer = Printer::new();
    match &args.command {
        MappingCommand::Add(add) => {
            let new = if add.new_family { NewFamily::Allowed } else { NewFamily::Refused };
            families::require(&session, &add.family, new)?;
            let model = &add.model;
            ModelName::new(model)
                .map_err(|problem| anyhow!("{}; {}", problem.message, problem.help.unwrap_or_default()))?;
            printer.line(&match open(Mode::ReadWrite)?.set_mapping(&add.mapping())? {
                Mapped::Created => format!("added the mapping of `{model}`"),
                Mapped::Updated => format!("updated the mapping of `{model}`"),
                Mapped::Unchanged => format!("`{model}` has this mapping already, so nothing was changed"),
            })?;
        }
        MappingCommand::List(list) => show_list(&printer, &open(Mode::ReadOnly)?.mappings()?, list.format)?,
        MappingCommand::Remove(remove) => {
            open(Mode::ReadWrite)?.remove_mapping(&remove.model)?;
            printer.line(&format!("removed the mapping of `{}`", remove.model))?;
        }
    }
    Ok(Exit::Clean)
}

impl AddArgs {
    fn mapping(&self) -> Mapping {
        let Self { model, family, template, description, .. } = self;
        Mapping {
            model: model.clone(),
            family: family.clone(),
            template: template.clone(),
            description: description.clone(),
        }
    }
}

fn show_list(printer: &Printer, mappings: &[Mapping], format: ListFormat) -> anyhow::Result<()> {
    match format {
        ListFormat::Json => printer.json(&mappings.iter().map(as_json).collect::<Vec<_>>())?,
        ListFormat::Table => {
            let row = |mapping: &Mapping| {
                let optional = [&mapping.template, &mapping.description].map(|text| text.clone().unwrap_or_default());
                [mapping.model.clone(), mapping.family.clone()].into_iter().chain(optional).collect()
            };
            let headings = ["model", "family", "template", "description"];
            printer.table(&headings, mappings.iter().map(row).collect())?;
        }
    }
    Ok(())
}

fn as_json(mapping: &Mapping) -> serde_json::Value {
    json!({
        "model": mapping.model,
        "family": mapping.family,
        "template": mapping.template,
        "description": mapping.description,
    })
}
