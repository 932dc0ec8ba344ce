//! `cargo tgen placeholders`: what a template may use.

use clap::Args;
use tgen_core::template::filters::FILTERS;
use tgen_core::template::vocabulary::VOCABULARY;

use crate::exit::Exit;
use crate::printer::Printer;
use crate::project::arguments::ListFormat;

/// List the placeholders and filters that a template may use
#[derive(Debug, Args)]
pub(crate) struct PlaceholdersArgs {
    /// How to show them
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

pub(crate) fn run(args: &PlaceholdersArgs) -> anyhow::Result<Exit> {
    let printer = Printer::new();
    match args.format {
        ListFormat::Json => printer.json(&as_json())?,
        ListFormat::Table => {
            let rows = VOCABULARY.iter().map(|entry| [entry.name, entry.kind.name(), entry.description]);
            printer.table(
                &["placeholder", "type", "meaning"],
                rows.map(|row| row.map(str::to_owned).to_vec()).collect(),
            )?;
            printer.line("")?;
            let rows = FILTERS.iter().map(|filter| vec![filter.name.to_owned(), filter.description.to_owned()]);
            printer.table(&["filter", "what it does"], rows.collect())?;
        }
    }
    Ok(Exit::Clean)
}

fn as_json() -> serde_json::Value {
    let placeholders: Vec<_> = VOCABULARY
        .iter()
        .map(|entry| {
            serde_json::json!({
                "name": entry.name,
                "type": entry.kind.name(),
                "from": entry.source.name(),
                "description": entry.description,
            })
        })
        .collect();
    let filters: Vec<_> = FILTERS
        .iter()
        .map(|filter| serde_json::json!({"name": filter.name, "description": filter.description}))
        .collect();
    serde_json::json!({"placeholders": placeholders, "filters": filters})
}
