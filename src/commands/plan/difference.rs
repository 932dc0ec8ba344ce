//! What differs between two plans.

use serde_json::json;

use super::arguments::DiffArgs;
use super::showing::name_or_newest;
use crate::exit::Exit;
use crate::printer::Printer;
use crate::project::arguments::ListFormat;
use crate::store::{Difference, Differing, Store};

pub(super) fn run_diff(store: &Store, args: &DiffArgs) -> anyhow::Result<Exit> {
    let later = name_or_newest(store, args.later.as_ref())?;
    let differences = store.compare_plans(&args.earlier, &later)?;
    let printer = Printer::new();
    match args.format {
        ListFormat::Json => printer.json(&differences.iter().map(difference_as_json).collect::<Vec<_>>())?,
        ListFormat::Table if differences.is_empty() => {
            printer.line(&format!("the plans `{}` and `{later}` are alike", args.earlier))?;
        }
        ListFormat::Table => {
            let row = |difference: &Difference| {
                let Difference { model, hardware, batch_size, template, differing } = difference;
                let batch_size = batch_size.to_string();
                vec![words_for(differing), model.clone(), hardware.clone(), batch_size, template.clone()]
            };
            printer.table(&["", "model", "hardware", "batch", "template"], differences.iter().map(row).collect())?;
        }
    }
    Ok(Exit::findings_if(!differences.is_empty()))
}

fn difference_as_json(difference: &Difference) -> serde_json::Value {
    let (kind, fields) = match &difference.differing {
        Differing::Added => ("added", &[][..]),
        Differing::Removed => ("removed", &[][..]),
        Differing::Changed(fields) => ("changed", &fields[..]),
    };
    json!({
        "difference": kind,
        "fields": fields,
        "model_name": difference.model,
        "hardware_type": difference.hardware,
        "batch_size": difference.batch_size,
        "template": difference.template,
    })
}

fn words_for(differing: &Differing) -> String {
    match differing {
        Differing::Added => "added".to_owned(),
        Differing::Removed => "removed".to_owned(),
        Differing::Changed(fields) => format!("changed: {}", fields.join(", ")),
    }
}
