//! `cargo tgen models`: the models with what is known of them.

use clap::Args;
use tgen_core::model::catalogue::{Model, Selector};
use tgen_core::project::Project;

use crate::exit::Exit;
use crate::printer::Printer;
use crate::project::arguments::{Global, ListFormat};
use crate::project::session::Session;
use tgen_core::lint::findings;

/// List models with their family, tasks and reference implementation
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen models                            every model type of the pipeline map
  cargo tgen models openai/whisper-tiny        what is derived from a checkpoint's name
  cargo tgen models --family vision --format json")]
pub(crate) struct ModelsArgs {
    /// Names or globs [default: all]
    models: Vec<String>,
    /// The models of a family
    #[arg(long)]
    family: Option<String>,
    /// The models that have a task
    #[arg(long)]
    task: Option<String>,
    /// The models with a reference implementation
    #[arg(long)]
    skillset: bool,
    /// How to show them
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

pub(crate) fn run(global: &Global, args: &ModelsArgs) -> anyhow::Result<Exit> {
    Session::each(global, |session| list(session, args))
}

fn list(session: &Session, args: &ModelsArgs) -> anyhow::Result<Exit> {
    let project = session.project();
    let (models, mut problems) = project.select(&args.selectors());
    problems.extend(project.problems.iter().cloned());
    let printer = Printer::new();
    let problems = findings::gathered(problems);
    session.print_problems(&project, &problems);
    match args.format {
        ListFormat::Json => printer.json(&models.iter().map(|model| as_json(&project, model)).collect::<Vec<_>>())?,
        ListFormat::Table => {
            let rows = models.iter().map(|model| row(&project, model)).collect();
            printer.table(&["model", "type", "family", "tasks", "reference"], rows)?;
        }
    }
    Ok(Exit::of(&problems))
}

impl ModelsArgs {
    fn selectors(&self) -> Vec<Selector> {
        let mut selectors: Vec<_> = self.models.iter().map(|name| Selector::Name(name.clone())).collect();
        selectors.extend(self.family.clone().map(Selector::Family));
        selectors.extend(self.task.clone().map(Selector::Task));
        selectors.extend(self.skillset.then_some(Selector::Skillset));
        if selectors.is_empty() {
            selectors.push(Selector::All);
        }
        selectors
    }
}

fn row(project: &Project<'_>, model: &Model) -> Vec<String> {
    let reference = project.reference_path(model).map(ToString::to_string).unwrap_or_default();
    let words = [model.name.as_str(), model.type_name(), model.family.name()].map(str::to_owned);
    words.into_iter().chain([model.tasks.join(", "), reference]).collect()
}

fn as_json(project: &Project<'_>, model: &Model) -> serde_json::Value {
    serde_json::json!({
        "model": model.name.as_str(),
        "model_type": model.type_name(),
        "normalized_name": model.name.normalized_name(),
        "family": model.family.name(),
        "modality": model.modality.name(),
        "tasks": model.tasks,
        "primary_task": model.primary_task(),
        "reference": project.reference_path(model),
    })
}
